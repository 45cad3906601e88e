//! What lies too far back for memory: read in the database, past the desk.

use std::collections::HashMap;
use std::sync::Arc;

use scheduler::id::{InstrumentId, RunId};
use scheduler::slot::Slot;

use super::ask::Command;
use super::desk::Desk;
use super::handle::DeskHandle;
use super::record::{Corrected, Correction, Run, RunKind, RunState};
use crate::store::{self, RunFilter, StoreError};

/// Runs in the time of one declaration that are looked at; more than one is enough to refuse it.
const LOOKED_AT: u32 = 100;

impl Desk {
    /// Reads the runs that count in the times of declarations that are made or settled: the desk alone writes, so that
    /// nothing comes between this and the judgement.
    pub(super) async fn past_use(
        &self,
        commands: &[&Command],
    ) -> Result<Vec<Arc<Run>>, StoreError> {
        let mut found = Vec::new();
        for command in commands {
            let Some((instrument, slot)) = declared_use(command) else {
                continue;
            };
            let mut tx = self.database.begin().await?;
            for state in [RunState::Counted, RunState::Settled] {
                let filter = RunFilter {
                    instrument: Some(instrument),
                    state: Some(state),
                    within: Some(slot),
                    ..RunFilter::default()
                };
                let (runs, _) = store::load_runs(&mut tx, &filter, LOOKED_AT).await?;
                found.extend(runs.into_iter().map(Arc::new));
            }
        }
        Ok(found)
    }
}

/// Returns where and when somebody says that there was use, if a command makes that or settles it.
fn declared_use(command: &Command) -> Option<(InstrumentId, Slot)> {
    if let Command::Declare(asked) = command {
        return Some((asked.instrument, asked.slot));
    }
    let Command::CorrectRun(asked) = command else {
        return None;
    };
    let run = &asked.run;
    let slot = Slot::new(run.start, asked.end.or(run.end)?)?;
    (run.kind == RunKind::Declared).then_some((run.instrument, slot))
}

impl DeskHandle {
    /// Returns at most `count` runs, the newest first, and how many there are.
    ///
    /// # Errors
    /// Returns [`StoreError`] when they cannot be read.
    pub async fn runs(
        &self,
        filter: &RunFilter,
        count: u32,
    ) -> Result<(Vec<Run>, i64), StoreError> {
        let mut tx = self.database.begin().await?;
        store::load_runs(&mut tx, filter, count).await
    }

    /// Returns a run, however old.
    ///
    /// # Errors
    /// Returns [`StoreError`] when it cannot be read.
    pub async fn run(&self, id: RunId) -> Result<Option<Arc<Run>>, StoreError> {
        if let Some(run) = self.ledger().runs.get(id.get()) {
            return Ok(Some(Arc::clone(run)));
        }
        let mut tx = self.database.begin().await?;
        Ok(store::load_run(&mut tx, id).await?.map(Arc::new))
    }

    /// Returns what was corrected of one thing, the oldest first.
    ///
    /// # Errors
    /// Returns [`StoreError`] when they cannot be read.
    pub async fn corrections(
        &self,
        subject: Corrected,
        id: i64,
    ) -> Result<Vec<Correction>, StoreError> {
        let mut tx = self.database.begin().await?;
        store::load_corrections(&mut tx, subject, id).await
    }

    /// Returns the time used in a window, by instrument, in microseconds: runs of bookings and runs
    /// that were settled.
    ///
    /// # Errors
    /// Returns [`StoreError`] when it cannot be read.
    pub async fn used_us(&self, within: Slot) -> Result<HashMap<InstrumentId, i64>, StoreError> {
        let now = self.clock.now();
        let mut tx = self.database.begin().await?;
        store::sum_used(&mut tx, within, now).await
    }
}
