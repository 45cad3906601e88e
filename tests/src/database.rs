//! Looks into the booking database past the gateway, and tries to break what it guards.

use sqlx::any::AnyPoolOptions;
use sqlx::{Any, AnyPool, Transaction};

use crate::gateway::Setup;

/// Pairs of claims on one lane that share an instant.
const OVERLAPS: &str = "SELECT count(*) FROM claims a JOIN claims b
    ON a.instrument = b.instrument AND a.lane = b.lane AND a.id < b.id
    WHERE a.start_us < b.end_us AND b.start_us < a.end_us";

const CLAIMS: &str = "SELECT count(*) FROM claims c JOIN instruments i ON i.id = c.instrument
    WHERE i.key = $1";

/// Copies the fifth claim of an instrument, shifted in time.
const COPY: &str = "INSERT INTO claims (id, instrument, lane, start_us, end_us, booking, outage)
    SELECT (SELECT max(id) + 1 FROM claims), c.instrument, c.lane, c.start_us + $2,
        c.end_us + $2, c.booking, c.outage
    FROM claims c JOIN instruments i ON i.id = c.instrument
    WHERE i.key = $1 ORDER BY c.start_us LIMIT 1 OFFSET 4";

/// Moves the fifth claim of an instrument in time.
const MOVE: &str = "UPDATE claims SET start_us = start_us + $2, end_us = end_us + $2
    WHERE id = (SELECT c.id FROM claims c JOIN instruments i ON i.id = c.instrument
        WHERE i.key = $1 ORDER BY c.start_us LIMIT 1 OFFSET 4)";

/// An open database, while the gateway is at work or after it.
pub struct Database(AnyPool);

impl Database {
    /// Opens the database of a setup.
    ///
    /// # Panics
    /// When there is none.
    pub async fn open(setup: &Setup) -> Self {
        sqlx::any::install_default_drivers();
        let file = format!("sqlite://{}", setup.data.join("booking.db").display());
        let url = setup.database.as_deref().unwrap_or(&file);
        let pool = AnyPoolOptions::new().max_connections(1).connect(url).await;
        Self(pool.expect("the database exists"))
    }

    /// Returns the connection, to read more.
    #[must_use]
    pub fn pool(&self) -> &AnyPool {
        &self.0
    }

    /// Returns how many pairs of claims overlap.
    pub async fn overlaps(&self) -> i64 {
        sqlx::query_scalar(OVERLAPS)
            .fetch_one(&self.0)
            .await
            .expect("the table is there")
    }

    /// Returns how many claims an instrument has.
    pub async fn claims(&self, key: &str) -> i64 {
        let query = sqlx::query_scalar(CLAIMS).bind(key.to_owned());
        query.fetch_one(&self.0).await.expect("the table is there")
    }

    /// Writes a claim that is a copy of another one `shift_ms` later, and takes it back.
    ///
    /// # Errors
    /// Returns the database's refusal.
    pub async fn try_copy(&self, key: &str, shift_ms: i64) -> Result<(), String> {
        self.try_write(COPY, key, shift_ms).await
    }

    /// Moves a claim by `shift_ms`, and takes it back.
    ///
    /// # Errors
    /// Returns the database's refusal.
    pub async fn try_move(&self, key: &str, shift_ms: i64) -> Result<(), String> {
        self.try_write(MOVE, key, shift_ms).await
    }

    async fn try_write(&self, sql: &'static str, key: &str, shift_ms: i64) -> Result<(), String> {
        let mut tx: Transaction<'_, Any> = self.0.begin().await.expect("the database is there");
        let query = sqlx::query(sql).bind(key.to_owned()).bind(shift_ms * 1000);
        let written = query
            .execute(&mut *tx)
            .await
            .map_err(|error| error.to_string())?;
        assert_eq!(written.rows_affected(), 1, "there are too few claims");
        tx.rollback().await.expect("the database is there");
        Ok(())
    }
}
