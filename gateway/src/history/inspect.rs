//! A look at the file for `ortoo check`: settings as they read, and what a forecast needs.

use std::path::Path;

use scheduler::time::Micros;
use sqlx::Row as _;

use super::History;
use super::error::HistoryError;
use super::schema;

/// How many of the latest blocks rates are taken from.
const BLOCKS_MAX: i64 = 20_000;

/// What was found.
#[derive(Debug, Clone, PartialEq)]
pub struct Inspection {
    /// Settings that durability needs: name, how it reads, what it must be.
    pub settings: Vec<(&'static str, String, &'static str)>,
    /// When the newest commit was made.
    pub newest_commit: Option<Micros>,
    /// Instruments with readings.
    pub instruments: u64,
    /// Channels of instruments that agents declared.
    pub channels: u64,
    /// Agents that were ever heard of.
    pub agents: u64,
    /// Rows in the latest blocks.
    pub rows: u64,
    /// Bytes of those blocks.
    pub bytes: u64,
    /// Milliseconds from each one's first to its last row, added up.
    pub span_ms: u64,
}

impl History {
    /// Opens the file in a folder, makes it if it is not there, and looks.
    ///
    /// # Errors
    /// Returns [`HistoryError`] when it cannot be used or a setting does not hold.
    pub async fn inspect(folder: &Path) -> Result<Inspection, HistoryError> {
        let pools = schema::open(folder).await?;
        let settings = schema::settings(&pools.readers).await?;
        let doing = "looking at it";
        let row = sqlx::query(
            "SELECT (SELECT max(at_us) FROM journal), \
             (SELECT count(DISTINCT instrument) FROM tail), (SELECT count(*) FROM unit), \
             (SELECT count(*) FROM agent), coalesce(sum(row_count), 0), \
             coalesce(sum(length(data)), 0), coalesce(sum(last_ms - first_ms), 0) \
             FROM (SELECT * FROM block ORDER BY id DESC LIMIT $1)",
        )
        .bind(BLOCKS_MAX)
        .fetch_one(&pools.readers)
        .await
        .map_err(HistoryError::sql(doing))?;
        let newest: Option<i64> = row.try_get(0).map_err(HistoryError::sql(doing))?;
        let number = |place: usize| -> Result<u64, HistoryError> {
            let number: i64 = row.try_get(place).map_err(HistoryError::sql(doing))?;
            Ok(u64::try_from(number).unwrap_or(0))
        };
        Ok(Inspection {
            settings,
            newest_commit: newest.map(Micros::new),
            instruments: number(1)?,
            channels: number(2)?,
            agents: number(3)?,
            rows: number(4)?,
            bytes: number(5)?,
            span_ms: number(6)?,
        })
    }
}
