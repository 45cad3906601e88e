//! What was lost for good: numbers of records that never came and never will.

use std::collections::HashMap;

use scheduler::time::Micros;

use super::History;
use super::error::HistoryError;

/// The losses of one agent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Losses {
    /// Records.
    pub records: u64,
    /// When the newest loss was noticed.
    pub noticed: Micros,
}

impl History {
    /// Returns the losses of every agent that has any, by name.
    ///
    /// # Errors
    /// Returns [`HistoryError`] when the store fails.
    pub async fn losses(&self) -> Result<HashMap<String, Losses>, HistoryError> {
        let rows: Vec<(String, i64, i64)> = sqlx::query_as(
            "SELECT agent, sum(last - first + 1), max(noticed_us) FROM gap GROUP BY agent",
        )
        .fetch_all(&self.pools.readers)
        .await
        .map_err(HistoryError::sql("reading gaps"))?;
        let losses = rows.into_iter().map(|(agent, records, noticed_us)| {
            let records = u64::try_from(records).unwrap_or(0);
            let noticed = Micros::new(noticed_us);
            (agent, Losses { records, noticed })
        });
        Ok(losses.collect())
    }
}
