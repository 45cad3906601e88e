//! The SQLite file itself: its settings, its two tables, its stream.

use std::fs::{File, OpenOptions};
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection, SqliteJournalMode, SqliteSynchronous};
use sqlx::{ConnectOptions, Connection};
use wire::StreamId;

use super::new_stream;
use super::rows::{first_eight, signed, unsigned, weight};
use crate::outbox::OutboxError;
use crate::outbox::write::Holding;
use crate::ranges::Ranges;

/// `unconfirmed` and `sum` of the stream are empty in files of the first release.
const SCHEMA: [&str; 2] = [
    "CREATE TABLE stream (
        one INTEGER PRIMARY KEY CHECK (one = 1),
        id TEXT NOT NULL,
        next INTEGER NOT NULL CHECK (next >= 1),
        unconfirmed INTEGER,
        sum INTEGER
    ) STRICT",
    "CREATE TABLE record (
        seq INTEGER PRIMARY KEY,
        event INTEGER NOT NULL CHECK (event IN (0, 1)),
        body BLOB NOT NULL,
        sum INTEGER NOT NULL
    ) STRICT",
];

/// From the tables of the first release to these.
const ADDED: [&str; 2] = [
    "ALTER TABLE stream ADD COLUMN unconfirmed INTEGER",
    "ALTER TABLE stream ADD COLUMN sum INTEGER",
];

/// Releases before this one have a fault that can corrupt a file in WAL mode.
/// Source: sqlite.org/wal.html, "the WAL-reset bug".
const VERSION_MIN: [u32; 3] = [3, 51, 3];

/// After an unclean end a file up to this size is checked as a whole before it is used: seconds on a
/// memory card. Damage in a larger one is found when the page is read.
const CHECKED_BYTES_MAX: u64 = 128 * 1024 * 1024;

/// What a file says of its stream.
#[derive(Debug, Clone)]
pub(super) struct Head {
    pub(super) stream: StreamId,
    pub(super) next: u64,
    pub(super) unconfirmed: Option<u64>,
}

impl Head {
    /// Begins a stream.
    pub(super) fn new() -> Self {
        Self {
            stream: new_stream(),
            next: 1,
            unconfirmed: None,
        }
    }

    fn checksum(&self) -> i64 {
        let unconfirmed = self.unconfirmed.unwrap_or(0);
        let mut bytes = self.stream.as_str().as_bytes().to_vec();
        bytes.extend(self.next.to_le_bytes());
        bytes.extend(unconfirmed.to_le_bytes());
        first_eight(&Sha256::digest(&bytes))
    }
}

/// What a file holds.
pub(super) struct Opened {
    pub(super) head: Head,
    pub(super) holding: Holding,
}

/// Makes the folder and keeps other processes out of it for as long as the file lives.
pub(super) fn lock(folder: &Path) -> Result<File, OutboxError> {
    let wrong = |source| OutboxError::Folder {
        path: folder.display().to_string(),
        source,
    };
    let mut builder = std::fs::DirBuilder::new();
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.recursive(true).create(folder).map_err(wrong)?;
    let mut options = OpenOptions::new();
    options.create(true).truncate(false).write(true);
    let file = options.open(folder.join("lock")).map_err(wrong)?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(std::fs::TryLockError::WouldBlock) => {
            Err(OutboxError::Locked(folder.display().to_string()))
        }
        Err(std::fs::TryLockError::Error(error)) => Err(wrong(error)),
    }
}

pub(super) fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}

/// Opens a file, making it if it is not there. What contradicts itself is damage.
pub(super) async fn open(path: &Path) -> Result<(SqliteConnection, Opened), OutboxError> {
    let size = |path: &Path| std::fs::metadata(path).map_or(0, |meta| meta.len());
    // A clean end removes the log.
    let was_cut = size(&with_suffix(path, "-wal")) > 0;
    let mut connection = connect(path).await.map_err(classify)?;
    let version: String = sqlx::query_scalar("SELECT sqlite_version()")
        .fetch_one(&mut connection)
        .await
        .map_err(classify)?;
    let parts: Vec<u32> = version
        .split('.')
        .filter_map(|part| part.parse().ok())
        .collect();
    if parts.as_slice() < VERSION_MIN.as_slice() {
        return Err(OutboxError::Version(version));
    }
    if was_cut && size(path) <= CHECKED_BYTES_MAX {
        check(&mut connection).await.map_err(classify)?;
    }
    let opened = read(&mut connection).await.map_err(classify)?;
    Ok((connection, opened))
}

pub(super) async fn connect(path: &Path) -> Result<SqliteConnection, sqlx::Error> {
    SqliteConnectOptions::new()
        .filename(path)
        .create_if_missing(true)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full)
        .busy_timeout(std::time::Duration::from_secs(5))
        .pragma("trusted_schema", "OFF")
        .pragma("cell_size_check", "ON")
        .pragma("mmap_size", "0")
        .pragma("temp_store", "MEMORY")
        .pragma("journal_size_limit", "16777216")
        .disable_statement_logging()
        .connect()
        .await
}

async fn check(connection: &mut SqliteConnection) -> Result<(), sqlx::Error> {
    let found: String = sqlx::query_scalar("PRAGMA quick_check(1)")
        .fetch_one(connection)
        .await?;
    if found == "ok" {
        Ok(())
    } else {
        Err(damage(found))
    }
}

fn damage(why: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> sqlx::Error {
    sqlx::Error::Decode(why.into())
}

/// Reads what the file holds; a new file gets its tables and stream.
async fn read(connection: &mut SqliteConnection) -> Result<Opened, sqlx::Error> {
    let tables: i64 =
        sqlx::query_scalar("SELECT count(*) FROM sqlite_schema WHERE name IN ('stream', 'record')")
            .fetch_one(&mut *connection)
            .await?;
    if tables == 0 {
        let mut transaction = connection.begin_with("BEGIN IMMEDIATE").await?;
        create(&mut transaction, &Head::new()).await?;
        transaction.commit().await?;
    }
    let head = head(connection).await?;
    let mut head = head.ok_or_else(|| damage("the stream's checksum is wrong"))?;
    if tables > 0 {
        // It may have lost its newest commits: see the module above.
        head.unconfirmed = head.unconfirmed.or(Some(head.next));
    }
    let mut numbers = Ranges::default();
    let (mut bytes, mut after) = (0, 0);
    let below: i64 = sqlx::query_scalar("SELECT count(*) FROM record WHERE seq < 1")
        .fetch_one(&mut *connection)
        .await?;
    if below > 0 {
        return Err(damage("a record's number is negative"));
    }
    loop {
        let rows: Vec<(i64, i64)> = sqlx::query_as(
            "SELECT seq, length(body) FROM record WHERE seq > $1 ORDER BY seq LIMIT 4096",
        )
        .bind(after)
        .fetch_all(&mut *connection)
        .await?;
        if rows.is_empty() {
            break;
        }
        for (seq, length) in rows {
            if seq <= after {
                return Err(damage("records are in no order"));
            }
            after = seq;
            numbers.insert(unsigned(seq), unsigned(seq));
            bytes += weight(length);
        }
    }
    if unsigned(after) >= head.next {
        return Err(damage("a record's number was never given"));
    }
    let holding = Holding {
        next: head.next,
        held: numbers,
        bytes,
    };
    Ok(Opened { head, holding })
}

/// Returns what the file says of its stream; `None` if its checksum is wrong.
pub(super) async fn head(connection: &mut SqliteConnection) -> Result<Option<Head>, sqlx::Error> {
    let columns: i64 =
        sqlx::query_scalar("SELECT count(*) FROM pragma_table_info('stream') WHERE name = 'sum'")
            .fetch_one(&mut *connection)
            .await?;
    if columns == 0 {
        for statement in ADDED {
            sqlx::query(statement).execute(&mut *connection).await?;
        }
    }
    let row: (String, i64, Option<i64>, Option<i64>) =
        sqlx::query_as("SELECT id, next, unconfirmed, sum FROM stream")
            .fetch_one(connection)
            .await?;
    let (id, next, unconfirmed, sum) = row;
    let head = Head {
        stream: StreamId::parse(&id).map_err(damage)?,
        next: unsigned(next),
        unconfirmed: unconfirmed.map(unsigned),
    };
    Ok(sum.is_none_or(|sum| sum == head.checksum()).then_some(head))
}

pub(super) async fn create(
    connection: &mut SqliteConnection,
    head: &Head,
) -> Result<(), sqlx::Error> {
    for statement in SCHEMA {
        sqlx::query(statement).execute(&mut *connection).await?;
    }
    sqlx::query("INSERT INTO stream (one, id, next) VALUES (1, $1, 1)")
        .bind(head.stream.as_str())
        .execute(&mut *connection)
        .await?;
    set_head(connection, head).await
}

pub(super) async fn set_head(
    connection: &mut SqliteConnection,
    head: &Head,
) -> Result<(), sqlx::Error> {
    sqlx::query("UPDATE stream SET next = $1, unconfirmed = $2, sum = $3 WHERE sum IS NOT $3")
        .bind(signed(head.next))
        .bind(head.unconfirmed.map(signed))
        .bind(head.checksum())
        .execute(connection)
        .await?;
    Ok(())
}

/// Tells a full disk from other failures.
pub(super) fn classify(error: sqlx::Error) -> OutboxError {
    // Primary result code 13, SQLITE_FULL. Source: sqlite.org/rescode.html.
    if primary_code(&error) == Some(13) {
        OutboxError::Full
    } else {
        OutboxError::Database(error)
    }
}

/// `SQLITE_CORRUPT`, `SQLITE_NOTADB`, and rows that contradict the schema; `SQLITE_ERROR` too: with
/// statements that are right it says that tables are missing or the schema is not understood.
pub(super) fn is_damage(error: &sqlx::Error) -> bool {
    let is_wrong = matches!(
        error,
        sqlx::Error::RowNotFound | sqlx::Error::Decode(_) | sqlx::Error::ColumnDecode { .. }
    );
    is_wrong || matches!(primary_code(error), Some(1 | 11 | 26))
}

fn primary_code(error: &sqlx::Error) -> Option<u32> {
    let code = error.as_database_error()?.code()?;
    code.parse::<u32>().ok().map(|code| code & 0xFF)
}
