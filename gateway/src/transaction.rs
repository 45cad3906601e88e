//! Beginning a transaction on a connection that may have been left in a state of its own.

use sqlx::{Database, Pool, Transaction};

/// Begins a transaction with a statement such as `BEGIN IMMEDIATE`.
///
/// SQLite ends a transaction by itself when the disk is full, and a server may have dropped the
/// connection: what is left cannot begin again, so it goes and another one comes.
///
/// # Errors
/// Returns the driver's error when a new connection cannot begin either, and at once when none was
/// free in time.
pub(crate) async fn begin<DB: Database>(
    pool: &Pool<DB>,
    statement: &'static str,
) -> Result<Transaction<'static, DB>, sqlx::Error> {
    match pool.begin_with(statement).await {
        Err(sqlx::Error::PoolTimedOut) => return Err(sqlx::Error::PoolTimedOut),
        Ok(transaction) => return Ok(transaction),
        Err(error) => tracing::debug!(%error, "a connection could not begin and is replaced"),
    }
    if let Ok(connection) = pool.acquire().await
        && let Err(error) = connection.close().await
    {
        tracing::debug!(%error, "a broken connection could not be closed in order");
    }
    pool.begin_with(statement).await
}
