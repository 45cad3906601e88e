//! Times of which an agent still owes readings: kept so that a start goes on filling them.

use scheduler::id::InstrumentId;
use sqlx::sqlite::{SqliteConnection, SqlitePool};

use super::block::Damage;
use super::error::HistoryError;
use super::journal::StreamNo;
use crate::status::MachineState;

/// A time of which readings are missing between two that came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StretchRow {
    /// Of which instrument.
    pub instrument: InstrumentId,
    /// The stream of the record that brought the first reading after it.
    pub stream: StreamNo,
    /// The number of that record.
    pub seq: u64,
    /// Time of the newest reading before it, milliseconds since 1970 UTC; `None` if there never was one.
    pub from_ms: Option<i64>,
    /// Time of the first reading after it.
    pub until_ms: i64,
    /// What the instrument was before.
    pub before: MachineState,
    /// When it was taken to be silent.
    pub silent_ms: Option<i64>,
    /// What it was from the first reading after it on.
    pub then: MachineState,
}

/// What is to be written of stretches: those that are new or changed, and the ends of those that are
/// over, by instrument.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct StretchChanges {
    /// New ones, and those that changed.
    pub open: Vec<StretchRow>,
    /// Over.
    pub over: Vec<(InstrumentId, i64)>,
}

impl StretchChanges {
    /// Returns true if nothing is to be written.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.open.is_empty() && self.over.is_empty()
    }

    pub(super) async fn write(&self, connection: &mut SqliteConnection) -> Result<(), sqlx::Error> {
        for row in &self.open {
            sqlx::query(
                "INSERT OR REPLACE INTO stretch (instrument, until_ms, stream, seq, from_ms, before, \
                 before_reason, silent_ms, afterwards, afterwards_reason) \
                 VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
            )
            .bind(i64::from(row.instrument.get()))
            .bind(row.until_ms)
            .bind(i64::from(row.stream.0))
            .bind(i64::try_from(row.seq).unwrap_or(i64::MAX))
            .bind(row.from_ms)
            .bind(row.before.as_str())
            .bind(row.before.reason())
            .bind(row.silent_ms)
            .bind(row.then.as_str())
            .bind(row.then.reason())
            .execute(&mut *connection)
            .await?;
        }
        for (instrument, until_ms) in &self.over {
            sqlx::query("DELETE FROM stretch WHERE instrument = $1 AND until_ms = $2")
                .bind(i64::from(instrument.get()))
                .bind(until_ms)
                .execute(&mut *connection)
                .await?;
        }
        Ok(())
    }
}

/// A row as it is stored.
type Stored = (
    i64,
    i64,
    i64,
    i64,
    Option<i64>,
    String,
    Option<String>,
    Option<i64>,
    String,
    Option<String>,
);

/// Reads all, of each instrument ascending by time.
pub(super) async fn read(pool: &SqlitePool) -> Result<Vec<StretchRow>, HistoryError> {
    let rows: Vec<Stored> = sqlx::query_as(
        "SELECT instrument, until_ms, stream, seq, from_ms, before, before_reason, silent_ms, \
         afterwards, afterwards_reason FROM stretch ORDER BY instrument, until_ms",
    )
    .fetch_all(pool)
    .await
    .map_err(HistoryError::sql("reading what agents owe"))?;
    let parse = |row: Stored| {
        let number = row.0;
        row_of(row).ok_or(HistoryError::Damaged {
            table: "stretch",
            row: number,
            source: Damage::Contradiction("a number or state that is none"),
        })
    };
    rows.into_iter().map(parse).collect()
}

fn row_of(row: Stored) -> Option<StretchRow> {
    let (number, until_ms, stream, seq, from_ms, before, why, silent_ms, then, then_why) = row;
    Some(StretchRow {
        instrument: InstrumentId::new(u32::try_from(number).ok()?),
        stream: StreamNo(u32::try_from(stream).ok()?),
        seq: u64::try_from(seq).ok()?,
        from_ms,
        until_ms,
        before: MachineState::parse(&before, why.as_deref())?,
        silent_ms,
        then: MachineState::parse(&then, then_why.as_deref())?,
    })
}
