//! Reads records that memory does not hold: old runs, corrections, sums over both.

use std::collections::HashMap;

use scheduler::id::{InstrumentId, MemberId, NodeId, RunId};
use scheduler::slot::Slot;
use scheduler::time::Micros;
use sqlx::any::AnyRow;
use sqlx::{Any, AssertSqlSafe, Transaction};

use super::row::{get, instrument_of};
use super::{Record, StoreError};
use crate::booking::record::{Corrected, Correction, Run, RunState};

type Tx = Transaction<'static, Any>;

/// Which runs.
#[derive(Debug, Clone, Copy, Default)]
pub struct RunFilter {
    /// Of this instrument.
    pub instrument: Option<InstrumentId>,
    /// Of this lab.
    pub lab: Option<NodeId>,
    /// Of this member.
    pub member: Option<MemberId>,
    /// In this state.
    pub state: Option<RunState>,
    /// That share time with this window; those that go on reach to its end.
    pub within: Option<Slot>,
    /// Only those with a lower identity.
    pub below: Option<RunId>,
}

const MATCHES: &str = "WHERE ($1 < 0 OR instrument = $1) AND ($2 < 0 OR lab = $2) \
     AND ($3 < 0 OR member = $3) AND ($4 = '' OR state = $4) AND start_us < $5 \
     AND (end_us IS NULL OR end_us > $6)";

/// Loads runs, the newest first, and counts all that match but for where the page begins.
///
/// # Errors
/// Returns [`StoreError`] when a query fails or a row is impossible.
pub async fn load_runs(
    tx: &mut Tx,
    filter: &RunFilter,
    count: u32,
) -> Result<(Vec<Run>, i64), StoreError> {
    const DOING: &str = "loading runs";
    let instrument = filter.instrument.map_or(-1, |id| i64::from(id.get()));
    let lab = filter.lab.map_or(-1, NodeId::get);
    let member = filter.member.map_or(-1, MemberId::get);
    let state = filter.state.map_or("", RunState::as_str);
    let (from, to) = filter.within.map_or((i64::MIN, i64::MAX), |within| {
        (within.start().get(), within.end().get())
    });
    let columns = Run::COLUMNS.join(", ");
    // Both made of constants only.
    let page =
        format!("SELECT id, {columns} FROM runs {MATCHES} AND id < $7 ORDER BY id DESC LIMIT $8");
    let rows = sqlx::query(AssertSqlSafe(page))
        .bind(instrument)
        .bind(lab)
        .bind(member)
        .bind(state)
        .bind(to)
        .bind(from)
        .bind(filter.below.map_or(i64::MAX, RunId::get))
        .bind(i64::from(count))
        .fetch_all(&mut **tx)
        .await
        .map_err(StoreError::at(DOING))?;
    let total = sqlx::query(AssertSqlSafe(format!(
        "SELECT COUNT(*) AS total FROM runs {MATCHES}"
    )))
    .bind(instrument)
    .bind(lab)
    .bind(member)
    .bind(state)
    .bind(to)
    .bind(from)
    .fetch_one(&mut **tx)
    .await
    .map_err(StoreError::at(DOING))?;
    let runs: Result<Vec<Run>, StoreError> = rows.iter().map(parse).collect();
    Ok((runs?, get(&total, "total")?))
}

/// Loads a run.
///
/// # Errors
/// Returns [`StoreError`] when the query fails or the row is impossible.
pub async fn load_run(tx: &mut Tx, id: RunId) -> Result<Option<Run>, StoreError> {
    let columns = Run::COLUMNS.join(", ");
    let text = format!("SELECT id, {columns} FROM runs WHERE id = $1");
    let row = sqlx::query(AssertSqlSafe(text))
        .bind(id.get())
        .fetch_optional(&mut **tx)
        .await
        .map_err(StoreError::at("loading a run"))?;
    row.as_ref().map(parse).transpose()
}

/// Loads what was corrected of one thing, the oldest first.
///
/// # Errors
/// Returns [`StoreError`] when the query fails or a row is impossible.
pub async fn load_corrections(
    tx: &mut Tx,
    subject: Corrected,
    id: i64,
) -> Result<Vec<Correction>, StoreError> {
    let columns = Correction::COLUMNS.join(", ");
    let text = format!(
        "SELECT id, {columns} FROM corrections WHERE subject = $1 AND subject_id = $2 ORDER BY id"
    );
    let rows = sqlx::query(AssertSqlSafe(text))
        .bind(subject.as_str())
        .bind(id)
        .fetch_all(&mut **tx)
        .await
        .map_err(StoreError::at("loading corrections"))?;
    rows.iter().map(parse).collect()
}

/// Adds up the runs of bookings and those that were settled, by instrument, within a window and up
/// to now: microseconds.
///
/// # Errors
/// Returns [`StoreError`] when the query fails.
pub async fn sum_used(
    tx: &mut Tx,
    within: Slot,
    now: Micros,
) -> Result<HashMap<InstrumentId, i64>, StoreError> {
    let end = "CASE WHEN COALESCE(end_us, $3) < $2 THEN COALESCE(end_us, $3) ELSE $2 END";
    let start = "CASE WHEN start_us > $1 THEN start_us ELSE $1 END";
    let text = format!(
        "SELECT instrument, CAST(SUM(({end}) - ({start})) AS BIGINT) AS used FROM runs \
         WHERE start_us < $2 AND COALESCE(end_us, $3) > $1 AND state <> 'rejected' \
         AND (state = 'settled' OR kind = 'booked' OR kind = 'overrun') GROUP BY instrument"
    );
    let rows = sqlx::query(AssertSqlSafe(text))
        .bind(within.start().get())
        .bind(within.end().get().min(now.get()))
        .bind(now.get())
        .fetch_all(&mut **tx)
        .await
        .map_err(StoreError::at("adding up runs"))?;
    let sum = |row: &AnyRow| Ok((instrument_of(row, "runs")?, get(row, "used")?));
    rows.iter().map(sum).collect()
}

fn parse<R: Record>(row: &AnyRow) -> Result<R, StoreError> {
    R::parse(get(row, "id")?, row)
}
