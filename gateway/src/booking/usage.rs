//! From attributed runs to rows: what is new or changed is written, what is settled stays.

use std::sync::Arc;

use scheduler::id::{MemberId, NodeId, RunId};
use scheduler::runs as found;
use scheduler::slot::Slot;
use scheduler::time::{MINUTE_US, Micros};

use super::group::Group;
use super::hearing::Case;
use super::notices::About;
use super::outcome::NEWS;
use super::record::{Booking, EventKind, Evidence, Hearing, NoticeKind, Run, RunKind, RunState};

/// A settled moment that moved less than this is not worth a row of its own.
const WORTH_WRITING_US: i64 = 10 * MINUTE_US;

impl Group<'_> {
    /// Makes an instrument's rows from the settled moment on what was found, and settles them up to
    /// another moment. Returns when a run that is over will be settled.
    ///
    /// What a person has settled or rejected is not touched, nor what was entered by hand.
    pub(super) fn put_runs(
        &mut self,
        case: &Case<'_>,
        runs: &[found::Run],
        settled: Micros,
    ) -> Vec<Micros> {
        let held = self.writes.ledger.runs_of(case.instrument.id, case.since);
        let (mut old, mut fixed) = (Vec::new(), Vec::new());
        for row in held.filter(|row| row.kind != RunKind::Declared) {
            match row.state {
                RunState::Settled | RunState::Rejected => fixed.push(Arc::clone(row)),
                RunState::Open | RunState::Counted | RunState::Unsettled => {
                    old.push(Arc::clone(row));
                }
            }
        }
        let is_fixed = |run: &found::Run| fixed.iter().any(|row| covers(row, run.slot));
        let mut wanted: Vec<Run> = runs
            .iter()
            .filter(|run| !is_fixed(run))
            .map(|run| self.row_of(case, run, settled))
            .collect();
        let gap = case.rule.gap;
        let waits = wanted
            .iter()
            .filter(|row| row.state == RunState::Open)
            .filter_map(|row| Some(row.end?.saturating_add(gap).saturating_add(case.rule.lead)))
            .collect();
        pair(&mut wanted, &mut old, |row, held| {
            (row.start, row.booking) == (held.start, held.booking)
        });
        pair(&mut wanted, &mut old, |row, held| {
            row.start < held.end.unwrap_or(Micros::new(i64::MAX))
                && held.start < row.end.unwrap_or(Micros::new(i64::MAX))
        });
        let mut has_changed = !old.is_empty();
        for gone in old {
            self.writes.ledger.remove_run(gone.id);
        }
        for row in wanted {
            has_changed |= self.put_run(row);
        }
        self.settle_hearing(case, settled, has_changed);
        waits
    }

    fn settle_hearing(&mut self, case: &Case<'_>, settled: Micros, has_changed: bool) {
        let (id, now) = (case.instrument.id, self.now);
        let hearings = &mut self.writes.ledger.hearings;
        let before = hearings.get(id.get().into()).map(|heard| heard.settled);
        let is_far = before.is_none_or(|before| settled - before >= WORTH_WRITING_US);
        if (has_changed || is_far) && before != Some(settled) {
            let instrument = id;
            hearings.put(Arc::new(Hearing {
                instrument,
                settled,
            }));
        }
        self.writes.ledger.pass_old_runs(id, now);
        if has_changed {
            self.note(EventKind::Run, Some(id), None);
        }
    }

    /// Returns the row for a run, without identity.
    pub(super) fn row_of(&self, case: &Case<'_>, run: &found::Run, settled: Micros) -> Run {
        let booking = run.booking.and_then(|id| self.booking(id));
        let booking = booking.as_deref();
        let uncertain = run.confidence == found::Confidence::Uncertain;
        let goes_on = run.slot.end() >= case.known_until
            && match run.evidence {
                found::Evidence::Machine => case.is_running(),
                found::Evidence::CheckIn => booking.is_some_and(is_there),
                found::Evidence::Declared => false,
            };
        let kind = match run.kind {
            found::RunKind::Booked => RunKind::Booked,
            found::RunKind::Overrun => RunKind::Overrun,
            found::RunKind::Unbooked => RunKind::Unbooked,
            found::RunKind::Declared => RunKind::Declared,
        };
        let state = if goes_on || run.slot.end() > settled {
            RunState::Open
        } else if uncertain || kind == RunKind::Unbooked {
            RunState::Unsettled
        } else {
            RunState::Counted
        };
        Run {
            id: RunId::new(0),
            instrument: case.instrument.id,
            booking: run.booking,
            member: booking.map(|booking| booking.member),
            start: run.slot.start(),
            end: (!goes_on).then_some(run.slot.end()),
            running_us: run.running.get(),
            kind,
            evidence: match run.evidence {
                found::Evidence::Machine => Evidence::Machine,
                found::Evidence::CheckIn => Evidence::CheckIn,
                found::Evidence::Declared => Evidence::Declared,
            },
            uncertain,
            state,
            lab: booking.map_or(case.instrument.lab, |booking| booking.lab),
            institution: booking.and_then(|booking| self.institution_of(booking.member)),
            project: None,
            settled_by: None,
            note: String::new(),
            version: 1,
        }
    }

    /// Returns the institution somebody belongs to.
    pub(super) fn institution_of(&self, member: MemberId) -> Option<NodeId> {
        self.directory.subjects_of(member).institution
    }

    /// Writes a row that is new or differs from the one it continues. Returns true if it did.
    fn put_run(&mut self, mut row: Run) -> bool {
        let held = self.writes.ledger.runs.get(row.id.get()).cloned();
        if let Some(held) = &held {
            row.version = held.version;
            row.note.clone_from(&held.note);
            // Lab and institution stay those of its day.
            row.lab = held.lab;
            if row.booking == held.booking {
                row.institution = held.institution;
            }
            // The running time grows with every look; a row for each of them would be noise.
            let ticks = Run {
                running_us: held.running_us,
                ..row.clone()
            };
            if ticks == **held && (row.end.is_none() || row.running_us == held.running_us) {
                return false;
            }
            row.version += 1;
        } else {
            row.id = RunId::new(self.writes.ledger.runs.next_id());
        }
        self.tell_of_run(&row, held.as_deref());
        self.writes.ledger.put_run(row);
        true
    }

    /// Tells the next holder of an overrun, once, and the lab of a run that is nobody's.
    fn tell_of_run(&mut self, row: &Run, held: Option<&Run>) {
        let now = self.now;
        if row.end.is_some_and(|end| end <= now.saturating_sub(NEWS)) {
            return;
        }
        let was = held.map(|held| (held.kind, held.state));
        let is_overrun = row.kind == RunKind::Overrun && row.end.is_none();
        if is_overrun
            && was.is_none_or(|(kind, _)| kind != RunKind::Overrun)
            && let Some(next) = self.next_holder(row)
        {
            self.tell(next.member, NoticeKind::Overrun, &next);
        }
        let is_strange = row.kind == RunKind::Unbooked && row.state == RunState::Unsettled;
        if is_strange && was.is_none_or(|(_, state)| state == RunState::Open) {
            let about = About {
                kind: NoticeKind::UnbookedRun,
                instrument: row.instrument,
                booking: None,
                slot: row.end.and_then(|end| Slot::new(row.start, end)),
                words: String::new(),
            };
            self.tell_lab(row.lab, &about);
        }
    }

    /// Returns the booking that an overrun keeps waiting.
    fn next_holder(&mut self, row: &Run) -> Option<Arc<Booking>> {
        let own = row.booking;
        let held = self.held(row.instrument)?;
        let waiting = held.bookings.values().filter(|booking| {
            Some(booking.id) != own
                && booking.slot.end() > row.start
                && booking.status == scheduler::booking::Status::Confirmed
        });
        let next = waiting.min_by_key(|booking| (booking.slot.start(), booking.id));
        next.cloned()
    }
}

/// Returns true while somebody who checked in may still be there.
fn is_there(booking: &Booking) -> bool {
    booking.status == scheduler::booking::Status::InUse
}

pub(super) fn covers(row: &Run, slot: Slot) -> bool {
    row.start < slot.end() && row.end.is_none_or(|end| slot.start() < end)
}

/// Gives rows the identity of the held rows that they continue, and takes these off the list.
fn pair(wanted: &mut [Run], old: &mut Vec<Arc<Run>>, is_same: impl Fn(&Run, &Run) -> bool) {
    for row in wanted.iter_mut().filter(|row| row.id.get() == 0) {
        if let Some(at) = old.iter().position(|held| is_same(row, held)) {
            row.id = old.remove(at).id;
        }
    }
}
