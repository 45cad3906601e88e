//! Finding the runs of an instrument among all that are held, and letting old ones go.

use std::sync::Arc;

use scheduler::id::{InstrumentId, RunId};
use scheduler::time::{Micros, Span};

use super::ledger::Ledger;
use super::record::{Run, RunState};

/// How long a run that is over and settled stays in memory.
const RUNS_KEPT: Span = Span::days(3);

/// Held runs by instrument and start.
#[derive(Debug, Clone, Default)]
pub(super) struct RunPlaces {
    places: imbl::OrdSet<(InstrumentId, Micros, RunId)>,
    /// Runs that the group wrote and that are too old to be held once they are committed.
    passing: Vec<RunId>,
}

impl RunPlaces {
    pub(super) fn add(&mut self, run: &Run) {
        self.places.insert((run.instrument, run.start, run.id));
    }

    fn remove(&mut self, run: &Run) {
        self.places.remove(&(run.instrument, run.start, run.id));
    }

    pub(super) fn take_passing(&mut self) -> Vec<RunId> {
        std::mem::take(&mut self.passing)
    }
}

impl Ledger {
    /// Adds a run or replaces it.
    pub fn put_run(&mut self, run: Run) {
        if let Some(before) = self.runs.get(run.id.get()).cloned() {
            self.run_places.remove(&before);
        }
        self.run_places.add(&run);
        self.runs.put(Arc::new(run));
    }

    /// Takes a run away; its row goes too.
    pub fn remove_run(&mut self, id: RunId) {
        if let Some(gone) = self.runs.remove(id.get()) {
            self.run_places.remove(&gone);
        }
    }

    /// Lets go of a run whose row stays.
    pub(super) fn forget_run(&mut self, id: RunId) {
        if let Some(old) = self.runs.get(id.get()).cloned() {
            self.run_places.remove(&old);
            self.runs.forget(id.get());
        }
    }

    /// Returns an instrument's held runs that begin at or after a moment, ascending.
    pub fn runs_of(
        &self,
        instrument: InstrumentId,
        from: Micros,
    ) -> impl Iterator<Item = &Arc<Run>> {
        let first = (instrument, from, RunId::new(i64::MIN));
        let places = self.run_places.places.range(first..);
        places
            .take_while(move |(found, ..)| *found == instrument)
            .filter_map(|(.., id)| self.runs.get(id.get()))
    }

    /// Marks the group's runs that are over and settled since long to leave memory with its commit.
    pub(super) fn pass_old_runs(&mut self, instrument: InstrumentId, now: Micros) {
        let old = self.runs_of(instrument, Micros::new(i64::MIN));
        let old: Vec<RunId> = old
            .filter(|run| is_old(run, now))
            .map(|run| run.id)
            .collect();
        self.run_places.passing.extend(old);
    }
}

/// Returns true if a restart would not load it.
fn is_old(run: &Run, now: Micros) -> bool {
    let waits = matches!(run.state, RunState::Open | RunState::Unsettled);
    !waits
        && run
            .end
            .is_some_and(|end| end < now.saturating_sub(RUNS_KEPT))
}
