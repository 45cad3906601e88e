//! Runs after a re-run: what is otherwise now is corrected, with both values and who asked for it.
//!
//! Not touched: what a person settled, rejected or entered by hand, what is not settled yet (it
//! follows from what was decided at the time), and every booking.

use std::sync::Arc;

use scheduler::id::RunId;
use scheduler::runs::{RunRule, attribute};
use scheduler::slot::Slot;
use serde_json::Value;

use super::group::Group;
use super::hearing::{Case, SeenMachine};
use super::presence::{has_witness, run_rule};
use super::record::{Corrected, Correction, Rerun, Run, RunKind, RunState};
use super::rerunning::RerunFound;
use super::settling::told;
use super::usage::covers;

impl Group<'_> {
    /// Corrects the runs of a re-run's window. Returns how many were.
    pub(super) fn correct_runs(&mut self, rerun: &Rerun, found: &RerunFound) -> i64 {
        let directory = self.directory;
        let Some(instrument) = directory.instruments.get(&rerun.instrument) else {
            return 0;
        };
        let heard = self.writes.ledger.hearings.get(instrument.id.get().into());
        let settled = heard.map(|heard| heard.settled);
        let window = settled
            .and_then(|settled| Slot::new(found.window.start(), found.window.end().min(settled)));
        let Some(window) = window.filter(|_| has_witness(directory, instrument)) else {
            return 0;
        };
        let rule: RunRule = run_rule(directory, instrument);
        let seen = SeenMachine {
            instrument: instrument.id,
            from: window.start(),
            machine: Arc::clone(&found.machine),
            watermark: Some(window.end()),
        };
        let case = Case {
            instrument,
            rule,
            seen: &seen,
            since: window.start(),
            known_until: window.end(),
            listening_since: window.start(),
        };
        let bookings = self.held_bookings(&case);
        let wanted = attribute(window, &case.facts(&bookings), &rule);
        let wanted = wanted
            .iter()
            .map(|run| self.row_of(&case, run, window.end()));
        let mut wanted: Vec<Run> = wanted.collect();
        for row in wanted.iter_mut().filter(|row| row.end.is_none()) {
            // It is all over by now.
            row.end = Some(window.end());
        }
        let (fixed, mut old) = self.runs_before(found, window);
        wanted.retain(|row| {
            let slot = Slot::new(row.start, row.end.unwrap_or(window.end()));
            slot.is_some_and(|slot| !fixed.iter().any(|held| covers(held, slot)))
        });
        let mut changed = 0;
        for mut row in wanted {
            let same = old
                .iter()
                .position(|held| (held.start, held.booking) == (row.start, row.booking));
            let overlapping = || old.iter().position(|held| overlaps(held, &row));
            let before = same.or_else(overlapping).map(|at| old.remove(at));
            row.state = match before.as_ref().map(|held| held.state) {
                // Nobody's time that somebody had already to settle stays so.
                Some(state) if row.booking == before.as_ref().and_then(|held| held.booking) => {
                    state
                }
                _ if row.kind == RunKind::Unbooked || row.uncertain => RunState::Unsettled,
                _ => RunState::Counted,
            };
            changed += self.put_corrected(rerun, before.as_ref(), row);
        }
        for held in old {
            let gone = Run {
                state: RunState::Rejected,
                note: rerun.reason.clone(),
                ..held.clone()
            };
            changed += self.put_corrected(rerun, Some(&held), gone);
        }
        self.writes.ledger.pass_old_runs(instrument.id, self.now);
        changed
    }

    /// Returns the runs that stay as they are, and those that may change.
    fn runs_before(&self, found: &RerunFound, window: Slot) -> (Vec<Run>, Vec<Run>) {
        let newest = found.runs.iter().map(|run| {
            let held = self.writes.ledger.runs.get(run.id.get());
            held.map_or_else(|| run.clone(), |held| Run::clone(held))
        });
        newest.partition(|run| {
            let is_person = run.settled_by.is_some() || run.kind == RunKind::Declared;
            let is_settled = matches!(run.state, RunState::Settled | RunState::Rejected);
            let is_open = run.state == RunState::Open;
            let reaches_out = run.end.is_none_or(|end| end > window.end());
            is_person || is_settled || is_open || reaches_out
        })
    }

    /// Puts a run with its correction, if it is otherwise than before. Returns how many were.
    fn put_corrected(&mut self, rerun: &Rerun, before: Option<&Run>, mut row: Run) -> i64 {
        match before {
            Some(held) => {
                row.id = held.id;
                row.lab = held.lab;
                if row.booking == held.booking {
                    row.institution = held.institution;
                    row.member = held.member;
                    row.project = held.project;
                }
                row.version = held.version;
                if row.note.is_empty() {
                    row.note.clone_from(&held.note);
                }
                if row == *held {
                    return 0;
                }
                row.version += 1;
            }
            None => row.id = RunId::new(self.writes.ledger.runs.next_id()),
        }
        let corrections = &mut self.writes.ledger.corrections;
        let correction = Correction {
            id: corrections.next_id(),
            subject: Corrected::Run,
            subject_id: row.id.get(),
            by: Some(rerun.by),
            at: self.now,
            reason: rerun.reason.clone(),
            before: before.map_or(Value::Null, told),
            after: told(&row),
        };
        corrections.put(Arc::new(correction));
        self.writes.ledger.put_run(row);
        1
    }
}

/// Returns true if two runs share time.
fn overlaps(held: &Run, row: &Run) -> bool {
    let slot = row.end.and_then(|end| Slot::new(row.start, end));
    slot.is_some_and(|slot| covers(held, slot))
}
