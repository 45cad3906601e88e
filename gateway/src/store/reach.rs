//! Whether the database can be opened at all, and if not, what whoever runs it has to know.

use std::path::Path;
use std::time::Duration;

use sqlx::{AnyConnection, Connection as _};

use super::{Kind, StoreError, set_up};

/// How long a server that refuses connections is waited for: it may be starting too.
const SERVER_PATIENCE: Duration = Duration::from_secs(5);

/// Proves that a connection can be made and set up.
///
/// # Errors
/// Returns [`StoreError::Unreachable`], [`StoreError::Damaged`] or [`StoreError::Open`].
pub(super) async fn prove(url: &str, kind: Kind, file: &Path) -> Result<(), StoreError> {
    let reached = reach(url, kind, SERVER_PATIENCE).await;
    reached.map_err(|source| explained(source, file, url, kind))
}

/// Makes one connection and sets it up, to learn what is wrong if that cannot be done. A server that
/// refuses connections may be starting: it is tried again for a while.
async fn reach(url: &str, kind: Kind, patience: Duration) -> Result<(), sqlx::Error> {
    let begun = tokio::time::Instant::now();
    loop {
        let reached = async {
            let mut connection = AnyConnection::connect(url).await?;
            set_up(&mut connection, kind).await?;
            connection.close().await
        };
        match reached.await {
            Err(sqlx::Error::Io(_)) if kind == Kind::Postgres && begun.elapsed() < patience => {
                tokio::time::sleep(patience / 10).await;
            }
            outcome => return outcome,
        }
    }
}

/// Says what a failure to open the database means to whoever runs it. SQLite: 26 is no database, 11 a
/// damaged one (<https://sqlite.org/rescode.html>).
fn explained(source: sqlx::Error, file: &Path, url: &str, kind: Kind) -> StoreError {
    let code = source
        .as_database_error()
        .and_then(sqlx::error::DatabaseError::code);
    match (kind, code.as_deref(), &source) {
        (Kind::Sqlite, Some("26" | "11"), _) => StoreError::Damaged {
            file: file.to_owned(),
        },
        (Kind::Postgres, None, _) => StoreError::Unreachable {
            address: address_in(url),
            source,
        },
        _ => StoreError::Open(source),
    }
}

/// Returns host and port of a URL, without the credential and the rest.
fn address_in(url: &str) -> String {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    let authority = rest.split(['/', '?']).next().unwrap_or_default();
    let address = authority
        .rsplit_once('@')
        .map_or(authority, |(_, address)| address);
    if address.is_empty() {
        return "this machine".to_owned();
    }
    address.to_owned()
}

#[cfg(test)]
mod tests {
    use super::super::Database;
    use super::*;

    #[tokio::test]
    async fn a_file_that_is_no_database_is_told_as_that() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("booking.db");
        std::fs::write(&file, "not a database ".repeat(1_000)).unwrap();
        let error = Database::open(folder.path(), None).await.unwrap_err();
        assert!(matches!(error, StoreError::Damaged { .. }), "{error:?}");
        let said = error.to_string();
        assert!(
            said.contains("booking.db") && said.contains("backup"),
            "{said}"
        );
        let kept = std::fs::read_to_string(&file).unwrap();
        assert!(kept.starts_with("not a database"), "it is left as it was");
    }

    #[tokio::test]
    async fn a_server_that_is_not_there_is_named_without_its_password() {
        sqlx::any::install_default_drivers();
        // A port that was free a moment ago and that nobody else is given so soon.
        let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let address = port.local_addr().unwrap();
        drop(port);
        let url = format!("postgres://ortoo:s3cret@{address}/ortoo?sslmode=disable");
        let patience = Duration::ZERO;
        let source = reach(&url, Kind::Postgres, patience).await.unwrap_err();
        let error = explained(source, Path::new("x"), &url, Kind::Postgres);
        let source = std::error::Error::source(&error).unwrap().to_string();
        let said = format!("{error}: {source}");
        assert!(said.contains(&address.to_string()), "{said}");
        assert!(said.to_lowercase().contains("refused"), "{said}");
        assert!(!said.contains("s3cret"), "{said}");
        for (url, expected) in [
            ("postgres://u:p%40x@db.example:5433/x", "db.example:5433"),
            ("postgres://[::1]/x", "[::1]"),
            ("postgres:///x?host=/run", "this machine"),
            ("postgres://a@b:c@h?x=@y", "h"),
        ] {
            assert_eq!(address_in(url), expected, "{url}");
        }
    }
}
