//! Reads what some hours are computed from.

use scheduler::id::InstrumentId;
use sqlx::{Row as _, SqlitePool};

use super::block;
use super::error::HistoryError;
use super::hours::{Chunks, Hours, Stored};
use super::rollup::{self, HOUR, MINUTE};
use super::rows::{ChannelNo, Rows};
use super::steps::HOLD_MS;
use super::tails::Kind;
use super::touched::Taken;
use super::{SPAN_MS_MAX, Shared};

const READING: &str = "reading what hours are computed from";

/// Returns how many rows of blocks there are in the window of some hours.
pub(super) async fn count_rows(readers: &SqlitePool, taken: Taken) -> Result<i64, HistoryError> {
    let window = taken.window_ms();
    sqlx::query_scalar(
        "SELECT coalesce(sum(row_count), 0) FROM block WHERE instrument = $1 \
         AND first_ms >= $2 AND first_ms < $3 AND last_ms >= $4",
    )
    .bind(i64::from(taken.instrument.get()))
    .bind(window.start - SPAN_MS_MAX)
    .bind(window.end)
    .bind(window.start)
    .fetch_one(readers)
    .await
    .map_err(HistoryError::sql(READING))
}

/// Reads all that some hours are computed from.
pub(super) async fn hours(
    readers: &SqlitePool,
    shared: &Shared,
    taken: Taken,
) -> Result<Hours, HistoryError> {
    let window = taken.window_ms();
    // Tails first: what moves from a tail to a block in between is seen twice, not missed.
    let tails = tails(shared, taken.instrument);
    Ok(Hours {
        from_ms: window.start,
        to_ms: window.end,
        points_ms: shared.horizons().points,
        blocks: read_blocks(readers, taken).await?,
        tails,
        known: read_rollups(readers, taken).await?,
    })
}

async fn read_blocks(readers: &SqlitePool, taken: Taken) -> Result<Vec<Stored>, HistoryError> {
    let window = taken.window_ms();
    let from_ms = window.start - HOLD_MS;
    let rows = sqlx::query(
        "SELECT b.id, coalesce(b.rank, b.id), b.data, c.id, c.data FROM block b \
         LEFT JOIN block_column c ON c.id BETWEEN b.id * 8192 AND b.id * 8192 + 8191 \
         WHERE b.instrument = $1 AND b.first_ms >= $2 AND b.first_ms < $3 \
         AND b.last_ms >= $4 ORDER BY coalesce(b.rank, b.id), b.id, c.id",
    )
    .bind(i64::from(taken.instrument.get()))
    .bind(from_ms - SPAN_MS_MAX)
    .bind(window.end)
    .bind(from_ms)
    .fetch_all(readers)
    .await
    .map_err(HistoryError::sql(READING))?;
    let mut blocks: Vec<Stored> = Vec::new();
    for row in rows {
        let id: i64 = row.try_get(0).map_err(HistoryError::sql(READING))?;
        let damaged = |source| HistoryError::Damaged {
            table: "block",
            row: id,
            source,
        };
        if blocks.last().is_none_or(|last| last.id != id) {
            let data: &[u8] = row.try_get(2).map_err(HistoryError::sql(READING))?;
            blocks.push(Stored {
                id,
                rank: row.try_get(1).map_err(HistoryError::sql(READING))?,
                rows: block::decode(data, None).map_err(damaged)?,
            });
        }
        let column: Option<i64> = row.try_get(3).map_err(HistoryError::sql(READING))?;
        if let (Some(column), Some(last)) = (column, blocks.last_mut()) {
            let data: &[u8] = row.try_get(4).map_err(HistoryError::sql(READING))?;
            let number = u16::try_from(column.rem_euclid(8_192)).unwrap_or(0);
            block::add_column(&mut last.rows, ChannelNo(number), data).map_err(damaged)?;
        }
    }
    Ok(blocks)
}

async fn read_rollups(readers: &SqlitePool, taken: Taken) -> Result<Chunks, HistoryError> {
    let mut known = Chunks::new();
    for level in [MINUTE, HOUR] {
        let chunk = level.chunk(taken.window_ms().start);
        let rows: Vec<(i64, u16, Vec<u8>)> = sqlx::query_as(
            "SELECT id, channel, data FROM rollup \
             WHERE instrument = $1 AND step_ms = $2 AND chunk = $3",
        )
        .bind(i64::from(taken.instrument.get()))
        .bind(level.step_ms)
        .bind(chunk)
        .fetch_all(readers)
        .await
        .map_err(HistoryError::sql(READING))?;
        for (row, channel, data) in rows {
            let entries = rollup::decode(level, chunk, &data);
            let entries = entries.map_err(|source| HistoryError::Damaged {
                table: "rollup",
                row,
                source,
            })?;
            known.insert((ChannelNo(channel), level.step_ms), entries);
        }
    }
    Ok(known)
}

/// Returns the tails of an instrument, ascending by time.
fn tails(shared: &Shared, instrument: InstrumentId) -> Vec<Rows> {
    let tails = shared.tails.read();
    let held = tails.get(&instrument);
    let of = |kind| held.map(|held| held.of(kind).clone().sorted());
    [of(Kind::Live), of(Kind::Late)]
        .into_iter()
        .flatten()
        .collect()
}
