//! The SQLite file itself: its settings, its two tables, its rows.

use std::fs::{File, OpenOptions};
use std::path::Path;

use sha2::{Digest, Sha256};
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection, SqliteJournalMode, SqliteSynchronous};
use sqlx::{ConnectOptions, Connection};
use wire::{Record, StreamId};

use super::{ROW_BYTES, is_event, refill};
use crate::clock::Clock;
use crate::outbox::OutboxError;
use crate::ranges::Ranges;

const SCHEMA: [&str; 2] = [
    "CREATE TABLE IF NOT EXISTS stream (
        one INTEGER PRIMARY KEY CHECK (one = 1),
        id TEXT NOT NULL,
        next INTEGER NOT NULL CHECK (next >= 1)
    ) STRICT",
    "CREATE TABLE IF NOT EXISTS record (
        seq INTEGER PRIMARY KEY,
        event INTEGER NOT NULL CHECK (event IN (0, 1)),
        body BLOB NOT NULL,
        sum INTEGER NOT NULL
    ) STRICT",
];

/// Releases before this one have a fault that can corrupt a file in WAL mode.
/// Source: sqlite.org/wal.html, "the WAL-reset bug".
const VERSION_MIN: [u32; 3] = [3, 51, 3];

/// A row as stored.
pub(super) struct Row {
    event: bool,
    body: Vec<u8>,
}

impl Row {
    pub(super) fn new(record: &Record) -> Self {
        Self {
            event: is_event(record),
            body: wire::encode(record),
        }
    }

    pub(super) fn bytes(&self) -> u64 {
        weight(i64::try_from(self.body.len()).unwrap_or(i64::MAX))
    }

    /// Returns the record, or `None` if the bytes are not one any more.
    pub(super) fn record(&self) -> Option<Record> {
        serde_json::from_slice(&self.body).ok()
    }
}

/// What a file holds.
pub(super) struct Opened {
    pub(super) stream: StreamId,
    pub(super) next: u64,
    pub(super) held: Ranges,
    pub(super) bytes: u64,
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

/// Opens the file; one that is damaged is set aside and what can be read of it is kept.
pub(super) async fn open_or_replace(
    path: &Path,
    clock: &Clock,
) -> Result<(SqliteConnection, Opened), OutboxError> {
    let error = match open(path).await {
        Ok(opened) => return Ok(opened),
        Err(OutboxError::Database(error)) if is_damage(&error) => error,
        Err(error) => return Err(error),
    };
    let records = salvage(path).await;
    let aside = path.with_extension(format!("damaged-{}", clock.now().wall_ms));
    tracing::error!(
        "the outbox {} is damaged ({error}): set aside as {}, {} records kept",
        path.display(),
        aside.display(),
        records.len()
    );
    for ending in ["", "-wal", "-shm"] {
        let (from, to) = (with_suffix(path, ending), with_suffix(&aside, ending));
        if from.exists() {
            std::fs::rename(&from, &to).map_err(|source| OutboxError::Folder {
                path: from.display().to_string(),
                source,
            })?;
        }
    }
    let mut connection = connect(path).await.map_err(classify)?;
    refill(&mut connection, &records).await.map_err(classify)?;
    let opened = read(&mut connection).await.map_err(classify)?;
    Ok((connection, opened))
}

fn with_suffix(path: &Path, suffix: &str) -> std::path::PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}

async fn open(path: &Path) -> Result<(SqliteConnection, Opened), OutboxError> {
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
    let opened = read(&mut connection).await.map_err(classify)?;
    Ok((connection, opened))
}

async fn connect(path: &Path) -> Result<SqliteConnection, sqlx::Error> {
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

/// Reads what the file holds; a new file gets its tables and stream.
async fn read(connection: &mut SqliteConnection) -> Result<Opened, sqlx::Error> {
    let has_tables: i64 =
        sqlx::query_scalar("SELECT count(*) FROM sqlite_schema WHERE name = 'stream'")
            .fetch_one(&mut *connection)
            .await?;
    if has_tables == 0 {
        refill(connection, &[]).await?;
    }
    let (id, next): (String, i64) = sqlx::query_as("SELECT id, next FROM stream")
        .fetch_one(&mut *connection)
        .await?;
    let stream = StreamId::parse(&id).map_err(|error| sqlx::Error::Decode(error.into()))?;
    let mut held = Ranges::default();
    let (mut bytes, mut after) = (0, 0);
    loop {
        let rows: Vec<(i64, i64)> = sqlx::query_as(
            "SELECT seq, length(body) FROM record WHERE seq > $1 ORDER BY seq LIMIT 4096",
        )
        .bind(after)
        .fetch_all(&mut *connection)
        .await?;
        let Some((last, _)) = rows.last() else { break };
        after = *last;
        for (seq, length) in rows {
            held.insert(unsigned(seq), unsigned(seq));
            bytes += weight(length);
        }
    }
    Ok(Opened {
        stream,
        // A number above the rows, whatever the stream says: a number is never used twice.
        next: unsigned(next).max(unsigned(after) + 1),
        held,
        bytes,
    })
}

/// Reads records of a damaged file, oldest first, as far as it lets itself be read.
async fn salvage(path: &Path) -> Vec<Record> {
    let mut records = Vec::new();
    let Ok(mut connection) = connect(path).await else {
        return records;
    };
    let mut after = 0;
    loop {
        let row = sqlx::query_as::<_, (i64, bool, Vec<u8>, i64)>(
            "SELECT seq, event, body, sum FROM record WHERE seq > $1 ORDER BY seq LIMIT 1",
        )
        .bind(after)
        .fetch_optional(&mut connection)
        .await;
        let Ok(Some((seq, event, body, sum))) = row else {
            break;
        };
        after = seq;
        if sum == checksum(unsigned(seq), event, &body) {
            records.extend(Row { event, body }.record());
        }
    }
    if let Err(error) = connection.close().await {
        tracing::debug!("the damaged outbox does not close: {error}");
    }
    records
}

pub(super) async fn create(
    connection: &mut SqliteConnection,
    stream: &StreamId,
) -> Result<(), sqlx::Error> {
    for statement in SCHEMA {
        sqlx::query(statement).execute(&mut *connection).await?;
    }
    sqlx::query("INSERT INTO stream (one, id, next) VALUES (1, $1, 1)")
        .bind(stream.as_str())
        .execute(connection)
        .await?;
    Ok(())
}

pub(super) async fn insert(
    connection: &mut SqliteConnection,
    seq: u64,
    row: &Row,
) -> Result<(), sqlx::Error> {
    sqlx::query("INSERT INTO record (seq, event, body, sum) VALUES ($1, $2, $3, $4)")
        .bind(signed(seq))
        .bind(row.event)
        .bind(&row.body)
        .bind(checksum(seq, row.event, &row.body))
        .execute(connection)
        .await?;
    Ok(())
}

pub(super) async fn set_next(
    connection: &mut SqliteConnection,
    next: u64,
) -> Result<(), sqlx::Error> {
    sqlx::query("UPDATE stream SET next = $1 WHERE next <> $1")
        .bind(signed(next))
        .execute(connection)
        .await?;
    Ok(())
}

/// Deletes the rows from `from` to `to` and returns the bytes that they held.
pub(super) async fn delete(
    connection: &mut SqliteConnection,
    from: u64,
    to: u64,
) -> Result<u64, sqlx::Error> {
    let (count, length): (i64, i64) = sqlx::query_as(
        "SELECT count(*), coalesce(sum(length(body)), 0) FROM record WHERE seq BETWEEN $1 AND $2",
    )
    .bind(signed(from))
    .bind(signed(to))
    .fetch_one(&mut *connection)
    .await?;
    sqlx::query("DELETE FROM record WHERE seq BETWEEN $1 AND $2")
        .bind(signed(from))
        .bind(signed(to))
        .execute(connection)
        .await?;
    Ok(unsigned(length) + unsigned(count) * ROW_BYTES)
}

/// Returns a row whose checksum holds; `None` if it does not, or there is no row.
pub(super) async fn select(
    connection: &mut SqliteConnection,
    seq: u64,
) -> Result<Option<Row>, sqlx::Error> {
    let row: Option<(bool, Vec<u8>, i64)> =
        sqlx::query_as("SELECT event, body, sum FROM record WHERE seq = $1")
            .bind(signed(seq))
            .fetch_optional(connection)
            .await?;
    let row = row.filter(|(event, body, sum)| *sum == checksum(seq, *event, body));
    Ok(row.map(|(event, body, _)| Row { event, body }))
}

/// Returns readings with a number above `after`, ascending, with their bytes.
pub(super) async fn readings_after(
    connection: &mut SqliteConnection,
    after: u64,
    limit: i64,
) -> Result<Vec<(u64, u64)>, sqlx::Error> {
    let rows: Vec<(i64, i64)> = sqlx::query_as(
        "SELECT seq, length(body) FROM record WHERE seq > $1 AND event = 0 ORDER BY seq LIMIT $2",
    )
    .bind(signed(after))
    .bind(limit)
    .fetch_all(connection)
    .await?;
    let rows = rows.into_iter();
    Ok(rows
        .map(|(seq, length)| (unsigned(seq), weight(length)))
        .collect())
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

/// `SQLITE_CORRUPT` and `SQLITE_NOTADB`, and rows that contradict the schema.
fn is_damage(error: &sqlx::Error) -> bool {
    let is_wrong = matches!(
        error,
        sqlx::Error::RowNotFound | sqlx::Error::Decode(_) | sqlx::Error::ColumnDecode { .. }
    );
    is_wrong || matches!(primary_code(error), Some(11 | 26))
}

fn primary_code(error: &sqlx::Error) -> Option<u32> {
    let code = error.as_database_error()?.code()?;
    code.parse::<u32>().ok().map(|code| code & 0xFF)
}

/// The first 8 bytes of a SHA-256 over number, kind and body: a row that was torn or moved fails.
fn checksum(seq: u64, event: bool, body: &[u8]) -> i64 {
    let mut hash = Sha256::new();
    hash.update(seq.to_le_bytes());
    hash.update([u8::from(event)]);
    hash.update(body);
    let digest = hash.finalize();
    let mut first = [0; 8];
    for (place, byte) in first.iter_mut().zip(digest) {
        *place = byte;
    }
    i64::from_le_bytes(first)
}

fn weight(length: i64) -> u64 {
    unsigned(length) + ROW_BYTES
}

/// Numbers in the file are 63 bits: at a thousand records a second, 292 million years.
fn signed(number: u64) -> i64 {
    i64::try_from(number).expect("a sequence number has 63 bits")
}

fn unsigned(number: i64) -> u64 {
    u64::try_from(number).unwrap_or(0)
}
