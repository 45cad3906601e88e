//! Opens the file: settings that durability needs, each set and then read back, and the tables.

use std::path::Path;
use std::time::Duration;

use sqlx::sqlite::{
    SqliteConnectOptions, SqliteJournalMode, SqlitePool, SqlitePoolOptions, SqliteSynchronous,
};
use sqlx::{Connection as _, SqliteConnection};

use super::error::HistoryError;

/// Name of the file in the data folder.
const FILE: &str = "telemetry.db";

/// Earliest SQLite without the write-ahead log's reset bug, <https://www.sqlite.org/changes.html>.
const SQLITE_MIN: [u32; 3] = [3, 51, 3];

/// Steps from an empty file to the newest version, one a release that changed the tables.
const MIGRATIONS: [&str; 7] = [
    include_str!("../../migrations/telemetry/0001_telemetry.sql"),
    include_str!("../../migrations/telemetry/0002_hours.sql"),
    include_str!("../../migrations/telemetry/0003_state_versions.sql"),
    include_str!("../../migrations/telemetry/0004_follower.sql"),
    include_str!("../../migrations/telemetry/0005_channel_lab.sql"),
    include_str!("../../migrations/telemetry/0006_gap_agent.sql"),
    include_str!("../../migrations/telemetry/0007_stretch.sql"),
];

/// Readers at the same time; more wait.
const READERS_MAX: u32 = 4;

/// Settings and what they must read as. `synchronous` 2 is FULL: a commit survives a power cut.
const REQUIRED: [(&str, &str, &str); 6] = [
    ("journal_mode", "PRAGMA journal_mode", "wal"),
    ("synchronous", "PRAGMA synchronous", "2"),
    ("foreign_keys", "PRAGMA foreign_keys", "1"),
    ("trusted_schema", "PRAGMA trusted_schema", "0"),
    ("cell_size_check", "PRAGMA cell_size_check", "1"),
    ("busy_timeout", "PRAGMA busy_timeout", "5000"),
];

/// The one connection that writes, and those that read.
#[derive(Debug, Clone)]
pub(super) struct Pools {
    /// A pool of one, so that a broken connection is replaced.
    pub(super) writer: SqlitePool,
    /// Cannot write.
    pub(super) readers: SqlitePool,
}

/// Opens the file in a folder, making both if they are not there.
pub(super) async fn open(folder: &Path) -> Result<Pools, HistoryError> {
    crate::folder::make(folder).map_err(HistoryError::Folder)?;
    crate::folder::make_file(&folder.join(FILE)).map_err(HistoryError::Folder)?;
    let writer = SqlitePoolOptions::new()
        .max_connections(1)
        .acquire_timeout(Duration::from_secs(30))
        .connect_with(options(folder).create_if_missing(true))
        .await
        .map_err(HistoryError::sql("opening it"))?;
    let mut connection = writer
        .acquire()
        .await
        .map_err(HistoryError::sql("opening it"))?;
    verify(&mut connection).await?;
    migrate(&mut connection).await?;
    drop(connection);
    let readers = SqlitePoolOptions::new()
        .max_connections(READERS_MAX)
        .acquire_timeout(Duration::from_secs(10))
        .connect_with(reading(folder))
        .await
        .map_err(HistoryError::sql("opening it for reading"))?;
    Ok(Pools { writer, readers })
}

/// Readers hold few pages: what they read is read once, and there are several of them.
fn reading(folder: &Path) -> SqliteConnectOptions {
    let options = options(folder).read_only(true);
    options.pragma("cache_size", "-2048")
}

fn options(folder: &Path) -> SqliteConnectOptions {
    SqliteConnectOptions::new()
        .filename(folder.join(FILE))
        .page_size(8_192)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full)
        .foreign_keys(true)
        .busy_timeout(Duration::from_secs(5))
        .pragma("trusted_schema", "OFF")
        .pragma("cell_size_check", "ON")
        .pragma("mmap_size", "0")
        .pragma("temp_store", "MEMORY")
        .pragma("cache_size", "-8192")
        .pragma("wal_autocheckpoint", "1000")
        .pragma("journal_size_limit", "67108864")
}

/// Reads back what durability needs.
async fn verify(connection: &mut SqliteConnection) -> Result<(), HistoryError> {
    let version: String = sqlx::query_scalar("SELECT sqlite_version()")
        .fetch_one(&mut *connection)
        .await
        .map_err(HistoryError::sql("asking for its version"))?;
    if !is_recent(&version) {
        return Err(HistoryError::Setting {
            name: "version",
            required: "3.51.3 or later",
            actual: version,
        });
    }
    for (name, actual, required) in read_back(connection).await? {
        if actual != required {
            return Err(HistoryError::Setting {
                name,
                required,
                actual,
            });
        }
    }
    Ok(())
}

/// Returns the settings that durability needs as they read: name, actual, required.
pub(super) async fn settings(
    pool: &SqlitePool,
) -> Result<Vec<(&'static str, String, &'static str)>, HistoryError> {
    let mut connection = pool
        .acquire()
        .await
        .map_err(HistoryError::sql("reading a setting back"))?;
    read_back(&mut connection).await
}

async fn read_back(
    connection: &mut SqliteConnection,
) -> Result<Vec<(&'static str, String, &'static str)>, HistoryError> {
    let mut settings = Vec::with_capacity(REQUIRED.len());
    for (name, query, required) in REQUIRED {
        let row = sqlx::query(query)
            .fetch_one(&mut *connection)
            .await
            .map_err(HistoryError::sql("reading a setting back"))?;
        settings.push((name, text_of(&row), required));
    }
    Ok(settings)
}

/// Returns the first column as text; settings are numbers or words.
fn text_of(row: &sqlx::sqlite::SqliteRow) -> String {
    use sqlx::Row as _;
    let number = row.try_get::<i64, _>(0).map(|number| number.to_string());
    number
        .or_else(|_| row.try_get::<String, _>(0))
        .unwrap_or_default()
}

fn is_recent(version: &str) -> bool {
    let parts: Vec<u32> = version
        .split('.')
        .map_while(|part| part.parse().ok())
        .collect();
    parts.as_slice() >= SQLITE_MIN.as_slice()
}

/// Brings the tables to the newest version, each step in a transaction of its own.
async fn migrate(connection: &mut SqliteConnection) -> Result<(), HistoryError> {
    let found: i64 = sqlx::query_scalar("PRAGMA user_version")
        .fetch_one(&mut *connection)
        .await
        .map_err(HistoryError::sql("asking for its tables' version"))?;
    let known = i64::try_from(MIGRATIONS.len()).expect("releases are few");
    if found > known {
        return Err(HistoryError::Newer { found, known });
    }
    for (version, step) in (1_i64..).zip(MIGRATIONS) {
        if version <= found {
            continue;
        }
        let doing = "making its tables";
        let mut transaction = connection
            .begin_with("BEGIN IMMEDIATE")
            .await
            .map_err(HistoryError::sql(doing))?;
        sqlx::raw_sql(step)
            .execute(&mut *transaction)
            .await
            .map_err(HistoryError::sql(doing))?;
        // A pragma takes no parameters; the text is a number of ours.
        let mark = sqlx::AssertSqlSafe(format!("PRAGMA user_version = {version}"));
        sqlx::raw_sql(mark)
            .execute(&mut *transaction)
            .await
            .map_err(HistoryError::sql(doing))?;
        transaction
            .commit()
            .await
            .map_err(HistoryError::sql(doing))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_compared_as_numbers() {
        for (version, recent) in [
            ("3.51.3", true),
            ("3.52.0", true),
            ("3.100.0", true),
            ("3.51.2", false),
            ("3.9.9", false),
            ("", false),
        ] {
            assert_eq!(is_recent(version), recent, "{version}");
        }
    }

    #[tokio::test]
    async fn settings_hold_on_every_connection_and_readers_cannot_write() {
        let folder = tempfile::tempdir().unwrap();
        let pools = open(folder.path()).await.unwrap();
        for pool in [&pools.writer, &pools.readers] {
            let mut connection = pool.acquire().await.unwrap();
            verify(&mut connection).await.unwrap();
        }
        let write = sqlx::query("DELETE FROM gap").execute(&pools.readers).await;
        assert!(write.is_err());
    }

    #[tokio::test]
    async fn a_file_of_a_newer_release_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let pools = open(folder.path()).await.unwrap();
        sqlx::raw_sql("PRAGMA user_version = 99")
            .execute(&pools.writer)
            .await
            .unwrap();
        let error = open(folder.path()).await.unwrap_err();
        assert!(matches!(error, HistoryError::Newer { found: 99, .. }));
    }
}
