//! Rows of records: how they are written, read and checked.

use sha2::{Digest, Sha256};
use sqlx::sqlite::SqliteConnection;
use wire::Record;

use super::is_event;
use crate::outbox::room::Candidate;

/// Bytes of a row beside its body, about.
const ROW_BYTES: u64 = 48;

/// A row as stored.
pub(super) struct Row {
    pub(super) event: bool,
    pub(super) body: Vec<u8>,
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

/// Adds a row unless its number is there. Returns how many were added.
pub(super) async fn insert_once(
    connection: &mut SqliteConnection,
    seq: u64,
    row: &Row,
) -> Result<u64, sqlx::Error> {
    let insert = "INSERT OR IGNORE INTO record (seq, event, body, sum) VALUES ($1, $2, $3, $4)";
    let inserted = sqlx::query(insert)
        .bind(signed(seq))
        .bind(row.event)
        .bind(&row.body)
        .bind(checksum(seq, row.event, &row.body))
        .execute(connection)
        .await?;
    Ok(inserted.rows_affected())
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

/// Returns rows with a number above `after` whose checksum holds, ascending; with the last number
/// looked at.
pub(super) async fn rows_after(
    connection: &mut SqliteConnection,
    after: u64,
    limit: i64,
) -> Result<(Vec<(u64, Row)>, Option<u64>), sqlx::Error> {
    let rows: Vec<(i64, bool, Vec<u8>, i64)> = sqlx::query_as(
        "SELECT seq, event, body, sum FROM record WHERE seq > $1 ORDER BY seq LIMIT $2",
    )
    .bind(signed(after))
    .bind(limit)
    .fetch_all(connection)
    .await?;
    let last = rows.last().map(|(seq, ..)| unsigned(*seq));
    let rows = rows.into_iter().filter_map(|(seq, event, body, sum)| {
        let seq = unsigned(seq);
        (sum == checksum(seq, event, &body)).then_some((seq, Row { event, body }))
    });
    Ok((rows.collect(), last))
}

/// Returns events, or readings, with a number above `after`, ascending, with their bytes.
pub(super) async fn page(
    connection: &mut SqliteConnection,
    events: bool,
    after: u64,
    limit: i64,
) -> Result<Vec<Candidate>, sqlx::Error> {
    let rows: Vec<(i64, i64)> = sqlx::query_as(
        "SELECT seq, length(body) FROM record WHERE seq > $1 AND event = $2 ORDER BY seq LIMIT $3",
    )
    .bind(signed(after))
    .bind(events)
    .bind(limit)
    .fetch_all(connection)
    .await?;
    let rows = rows.into_iter();
    Ok(rows
        .map(|(seq, length)| (unsigned(seq), weight(length)))
        .collect())
}

/// The first 8 bytes of a SHA-256 over number, kind and body: a row that was torn or moved fails.
fn checksum(seq: u64, event: bool, body: &[u8]) -> i64 {
    let mut hash = Sha256::new();
    hash.update(seq.to_le_bytes());
    hash.update([u8::from(event)]);
    hash.update(body);
    first_eight(&hash.finalize())
}

pub(super) fn first_eight(digest: &[u8]) -> i64 {
    let mut first = [0; 8];
    for (place, byte) in first.iter_mut().zip(digest) {
        *place = *byte;
    }
    i64::from_le_bytes(first)
}

/// Returns the bytes that a row with a body of this length counts for.
pub(super) fn weight(length: i64) -> u64 {
    unsigned(length) + ROW_BYTES
}

/// Numbers in the file are 63 bits: at a thousand records a second, 292 million years.
pub(super) fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

pub(super) fn unsigned(number: i64) -> u64 {
    u64::try_from(number).unwrap_or(0)
}
