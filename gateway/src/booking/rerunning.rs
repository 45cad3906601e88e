//! State rules run again over the past: asked for by a manager, made by the [`super::Rerunner`],
//! ended here. What it changes are runs, each with a correction; no outcome of a booking.

use std::sync::Arc;

use scheduler::id::{InstrumentId, MemberId};
use scheduler::machine::MachineInterval;
use scheduler::slot::Slot;

use super::group::Group;
use super::record::{EventKind, Rerun, RerunState, Run};
use crate::registry::StateRule;

/// Asks for a re-run.
#[derive(Debug, Clone)]
pub struct AskRerun {
    /// Of which instrument.
    pub instrument: InstrumentId,
    /// The window; over already.
    pub window: Slot,
    /// The rule.
    pub rule: StateRule,
    /// Who asks.
    pub by: MemberId,
    /// Why; 1 to 500 characters.
    pub reason: String,
}

/// What became of it.
#[derive(Debug, Clone)]
pub enum RerunOutcome {
    /// It waits its turn.
    Asked(Arc<Rerun>),
    /// Another one of the instrument is not ended yet.
    Busy,
    /// There is no such instrument.
    NotFound,
}

/// Ends a re-run whose states are made.
#[derive(Debug, Clone)]
pub struct EndRerun {
    /// Which.
    pub id: i64,
    /// What the machine did by the new states; nothing if they could not be made.
    pub found: Option<RerunFound>,
}

/// What runs follow from.
#[derive(Debug, Clone)]
pub struct RerunFound {
    /// The stretch whose runs are looked at: its own window, and the runs that reach into it.
    pub window: Slot,
    /// What the machine did in it.
    pub machine: Arc<[MachineInterval]>,
    /// The runs as they are.
    pub runs: Arc<[Run]>,
}

impl Group<'_> {
    pub(super) fn ask_rerun(&mut self, asked: &AskRerun) -> RerunOutcome {
        if !self.directory.instruments.contains_key(&asked.instrument) {
            return RerunOutcome::NotFound;
        }
        let reruns = &mut self.writes.ledger.reruns;
        let is_waiting = |held: &Arc<Rerun>| {
            held.instrument == asked.instrument && held.state == RerunState::Waiting
        };
        if reruns.iter().any(is_waiting) {
            return RerunOutcome::Busy;
        }
        let rerun = Arc::new(Rerun {
            id: reruns.next_id(),
            instrument: asked.instrument,
            window: asked.window,
            rule: asked.rule.clone(),
            by: asked.by,
            reason: asked.reason.clone(),
            asked_at: self.now,
            state: RerunState::Waiting,
            finished_at: None,
            runs_changed: 0,
        });
        reruns.put(Arc::clone(&rerun));
        RerunOutcome::Asked(rerun)
    }

    pub(super) fn end_rerun(&mut self, asked: &EndRerun) {
        let held = self.writes.ledger.reruns.get(asked.id).cloned();
        let Some(held) = held.filter(|held| held.state == RerunState::Waiting) else {
            return;
        };
        let changed = match &asked.found {
            Some(found) => self.correct_runs(&held, found),
            None => 0,
        };
        let ended = Rerun {
            state: if asked.found.is_some() {
                RerunState::Done
            } else {
                RerunState::Failed
            },
            finished_at: Some(self.now),
            runs_changed: changed,
            ..Rerun::clone(&held)
        };
        self.writes.ledger.reruns.put(Arc::new(ended));
        self.note(EventKind::Run, Some(held.instrument), None);
    }
}
