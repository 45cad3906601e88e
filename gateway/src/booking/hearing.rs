//! Hearing machines: what they did decides which bookings were used, which ended early, which
//! nobody came to, and whose each stretch of running was.
//!
//! In: what the witness gathered. Out: bookings, claims, runs, notices in one transaction, and when
//! to listen again. The same facts heard twice change nothing. Deliberately not here: the decisions
//! themselves (`scheduler::presence`, `scheduler::runs`).

use std::sync::Arc;

use scheduler::booking::Status;
use scheduler::id::{BookingId, InstrumentId};
use scheduler::machine::{Machine, MachineInterval};
use scheduler::presence::{Seen, Verdict, deadline, early_finish, verdict};
use scheduler::runs::{Facts, Held, Run, RunRule, attribute, of_others, settled};
use scheduler::slot::Slot;
use scheduler::time::{Micros, Span};

use super::group::Group;
use super::presence::{LEAD, Terms, is_open_to, run_rule};
use super::record::Booking;
use crate::registry::Instrument;

/// How long an agent may be away until check-ins speak for the time of its silence.
pub(super) const SILENCE_MAX: Span = Span::days(7);

/// How long after an edge of a slot the machine is looked at again, if it runs across it.
const AFTER_EDGE: Span = Span::minutes(1);

/// How far ahead bookings are looked at.
const AHEAD: Span = Span::days(1);

/// What machines did.
#[derive(Debug, Clone)]
pub struct Hear {
    /// One entry for each instrument.
    pub seen: Vec<SeenMachine>,
    /// Since when the gateway has been there without a pause.
    pub listening_since: Micros,
    /// The last change of machine state that is in this, or was before.
    pub upto: Option<i64>,
}

/// What is known of one machine.
#[derive(Debug, Clone)]
pub struct SeenMachine {
    /// Whose it is.
    pub instrument: InstrumentId,
    /// From when on `machine` tells everything.
    pub from: Micros,
    /// What it did.
    pub machine: Arc<[MachineInterval]>,
    /// Up to when its data is complete; none if it never sent any.
    pub watermark: Option<Micros>,
}

/// When to listen again.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct HearOutcome {
    /// When data has passed this moment; where telemetry tells nothing, when time has. None: when
    /// something happens.
    pub again: Vec<(InstrumentId, Option<Micros>)>,
    /// Bookings whose moment has come and that wait for data, at most until this.
    pub later: Vec<(BookingId, Micros)>,
}

/// One instrument's case.
pub(super) struct Case<'a> {
    pub(super) instrument: &'a Instrument,
    pub(super) rule: RunRule,
    pub(super) seen: &'a SeenMachine,
    /// Runs that began before are settled.
    pub(super) since: Micros,
    /// Up to when the machine's doings are known.
    pub(super) known_until: Micros,
    pub(super) listening_since: Micros,
}

impl Case<'_> {
    /// Returns the runs since the settled moment.
    fn runs(&self, bookings: &[Held]) -> Vec<Run> {
        let window = Slot::new(self.since, self.known_until);
        let facts = self.facts(bookings);
        window.map_or_else(Vec::new, |window| attribute(window, &facts, &self.rule))
    }

    pub(super) fn facts<'f>(&'f self, bookings: &'f [Held]) -> Facts<'f> {
        Facts {
            machine: &self.seen.machine,
            bookings,
            declared: &[],
        }
    }

    /// Returns when the machine last ran, as far as it is known.
    fn last_ran(&self) -> Option<Slot> {
        let ran = self.seen.machine.iter();
        let ran = ran.filter(|interval| interval.machine == Machine::Running);
        let known = ran.filter_map(|interval| {
            let end = interval.slot.end().min(self.known_until);
            Slot::new(interval.slot.start(), end)
        });
        known.max_by_key(|ran| ran.end())
    }

    /// Returns true if the machine runs at the end of what is known.
    pub(super) fn is_running(&self) -> bool {
        self.rule.telemetry_proves
            && self
                .last_ran()
                .is_some_and(|ran| ran.end() >= self.known_until)
    }
}

impl Group<'_> {
    /// Judges what machines did.
    pub(super) fn hear(&mut self, asked: &Hear) -> HearOutcome {
        let mut outcome = HearOutcome::default();
        for seen in &asked.seen {
            let again = self.hear_machine(seen, asked.listening_since, &mut outcome.later);
            outcome.again.push((seen.instrument, again));
        }
        if let Some(upto) = asked.upto {
            self.writes.ledger.machine_cursor.move_to(upto);
        }
        outcome
    }

    fn hear_machine(
        &mut self,
        seen: &SeenMachine,
        listening_since: Micros,
        later: &mut Vec<(BookingId, Micros)>,
    ) -> Option<Micros> {
        let directory = self.directory;
        let instrument = directory.instruments.get(&seen.instrument)?;
        let rule = run_rule(directory, instrument);
        let heard = self.writes.ledger.hearings.get(instrument.id.get().into());
        let since = heard.map_or(seen.from, |heard| heard.settled.max(seen.from));
        let case = Case {
            instrument,
            rule,
            seen,
            since,
            known_until: self.known_until(seen, &rule),
            listening_since,
        };
        let mut bookings = self.held_bookings(&case);
        let mut runs = case.runs(&bookings);
        let now = self.now;
        let held = self.held(instrument.id)?.bookings.values();
        let open = held.filter(|booking| is_open_to(booking, since, now));
        let mut open: Vec<Arc<Booking>> = open.cloned().collect();
        open.sort_unstable_by_key(|booking| (booking.slot, booking.id));
        let mut waits = Vec::new();
        let events = self.writes.events.len();
        for booking in open {
            waits.extend(self.judge_presence(&booking, &case, (&bookings, &runs), later));
        }
        if self.writes.events.len() != events {
            // A slot that was cut may give what runs after it to somebody else.
            bookings = self.held_bookings(&case);
            runs = case.runs(&bookings);
        }
        let facts = case.facts(&bookings);
        let settled = settled(&facts, &case.rule, case.known_until, self.now).max(since);
        waits.extend(self.put_runs(&case, &runs, settled));
        waits.extend(edge(&case, &bookings));
        waits.into_iter().filter(|at| *at > case.known_until).min()
    }

    /// Returns up to when a machine's doings are known: to the end of its data or, where none can
    /// be, to now.
    fn known_until(&self, seen: &SeenMachine, rule: &RunRule) -> Micros {
        match seen.watermark {
            Some(watermark) if rule.telemetry_proves => {
                let heard = watermark.max(self.now.saturating_sub(SILENCE_MAX));
                heard.min(self.now)
            }
            Some(_) | None => self.now,
        }
    }

    /// Returns who held the instrument in the time of a case.
    pub(super) fn held_bookings(&mut self, case: &Case<'_>) -> Vec<Held> {
        let from = case
            .seen
            .from
            .saturating_sub(LEAD)
            .saturating_sub(case.rule.gap);
        let Some(window) = Slot::new(from, self.now.saturating_add(AHEAD)) else {
            return Vec::new();
        };
        let id = case.instrument.id;
        let mut found: Vec<Arc<Booking>> = Vec::new();
        if let Some(held) = self.held(id) {
            let claiming = held.bookings.values();
            let claiming = claiming.filter(|booking| booking.status.is_booked());
            found.extend(claiming.filter(|held| held.slot.overlaps(window)).cloned());
        }
        // One that was given up after its begin held it until then.
        let given_up = self.shelf.bookings_at(id).into_iter().filter(|booking| {
            let at = booking.cancelled_at.get();
            at.is_some_and(|at| booking.slot.start() < at) && booking.slot.overlaps(window)
        });
        found.extend(given_up);
        found
            .iter()
            .filter_map(|booking| self.held_by(booking))
            .collect()
    }

    fn held_by(&mut self, booking: &Booking) -> Option<Held> {
        let slot = match (booking.status, booking.cancelled_at.get()) {
            (Status::Cancelled, Some(at)) => {
                Slot::new(booking.slot.start(), at.min(booking.slot.end()))
            }
            (status, _) => status.claimed(booking.slot, booking.finished_at.get()),
        };
        let check_out = match booking.status {
            Status::Confirmed | Status::InUse | Status::Unverified | Status::Pending => None,
            Status::Completed
            | Status::NoShow
            | Status::Cancelled
            | Status::Declined
            | Status::Expired => booking.finished_at.get(),
        };
        let held = self.held(booking.instrument)?;
        let lane = held
            .occupancy
            .within(booking.slot)
            .iter()
            .find(|claim| claim.holder == scheduler::occupancy::Holder::Booking(booking.id))
            .map_or(0, |claim| claim.lane);
        Some(Held {
            booking: booking.id,
            slot: slot?,
            lane,
            check_in: booking.checked_in_at(),
            check_out: booking.checked_out_at().or(check_out),
        })
    }

    /// Judges one booking and returns when its machine has to be looked at again.
    fn judge_presence(
        &mut self,
        booking: &Booking,
        case: &Case<'_>,
        (bookings, runs): (&[Held], &[Run]),
        later: &mut Vec<(BookingId, Micros)>,
    ) -> Option<Micros> {
        let (policy, _) = self.policies.of(self.directory, booking.instrument);
        let terms = Terms::of(&policy, self.directory, case.instrument, booking);
        let mut runs = runs.to_vec();
        runs.extend(self.settled_runs(booking, case.since));
        let others = of_others(booking.id, bookings, &runs);
        let seen = Seen {
            machine: &case.seen.machine,
            watermark: case.seen.watermark,
            listening_since: case.listening_since,
            check_in: booking.checked_in_at(),
            others: &others,
        };
        let mut again = None;
        if booking.status != Status::InUse {
            let said = verdict(booking.slot, &terms.rule, &seen, self.now);
            let due = deadline(booking.slot, terms.rule.grace);
            if let Verdict::WaitUntil(until) = said
                && booking.status == Status::Confirmed
            {
                later.push((booking.id, until));
                again = (due <= self.now).then_some(due);
            }
            self.conclude(booking, &terms, said);
        }
        let booking = self.booking(booking.id)?;
        if booking.status != Status::InUse {
            return again;
        }
        if booking.slot.end() <= self.now {
            self.finish(&booking, booking.slot.end());
        } else if terms.ends_early {
            if let Some(free_from) = early_finish(booking.slot, &terms.rule, &seen, self.now) {
                self.finish(&booking, free_from);
                self.tell_news(super::record::NoticeKind::Released, &booking);
            } else if !case.is_running() {
                let stopped = case.last_ran().map(Slot::end);
                return stopped.map(|at| at.saturating_add(terms.rule.dwell));
            }
        }
        None
    }

    /// Does what a verdict says.
    fn conclude(&mut self, booking: &Booking, terms: &Terms, said: Verdict) {
        match (said, booking.status) {
            (Verdict::Used(at), Status::NoShow) => {
                let why = (None, "later readings show that the machine ran");
                self.clear_no_show(booking, at, why);
            }
            (Verdict::Used(at), _) => self.mark_used(booking, at),
            (Verdict::NoShow, Status::Confirmed) if !self.was_out(booking, terms) => {
                self.mark_no_show(booking, terms);
            }
            (Verdict::NoShow | Verdict::Unverified, Status::Confirmed) => {
                self.mark_unverified(booking, terms);
            }
            (Verdict::NoShow | Verdict::Unverified | Verdict::WaitUntil(_), _) => {}
        }
    }

    /// Returns true if an outage stood in the member's way while the booking waited: one who was
    /// told to stay away has not failed to come.
    fn was_out(&mut self, booking: &Booking, terms: &Terms) -> bool {
        let due = deadline(booking.slot, terms.rule.grace);
        let waited = Slot::new(booking.slot.start(), due);
        let held = self.held(booking.instrument);
        let mut outages = held.map(|held| held.outages.clone()).unwrap_or_default();
        outages.retain(|outage| {
            let end = outage.ended_at.unwrap_or(outage.slot.end());
            let lasted = Slot::new(outage.slot.start(), end);
            lasted
                .zip(waited)
                .is_some_and(|(out, waited)| out.overlaps(waited))
        });
        !outages.is_empty()
    }

    /// Returns the runs around a booking that are settled already.
    fn settled_runs(&self, booking: &Booking, since: Micros) -> Vec<Run> {
        let from = booking.slot.start().saturating_sub(Span::days(2));
        let rows = self.writes.ledger.runs_of(booking.instrument, from);
        rows.filter(|row| row.start < since && row.start < booking.slot.end())
            .filter_map(|row| {
                Some(Run {
                    slot: Slot::new(row.start, row.end.unwrap_or(since))?,
                    booking: row.booking,
                    kind: scheduler::runs::RunKind::Booked,
                    evidence: scheduler::runs::Evidence::Machine,
                    confidence: scheduler::runs::Confidence::Full,
                    running: Span::default(),
                })
            })
            .collect()
    }
}

/// Returns when a machine that runs now has to be looked at again, because the next slot begins or
/// this one ends.
fn edge(case: &Case<'_>, bookings: &[Held]) -> Option<Micros> {
    if !case.is_running() {
        return None;
    }
    let edges = bookings
        .iter()
        .flat_map(|held| [held.slot.start(), held.slot.end()]);
    let looks = edges.map(|edge| edge.saturating_add(AFTER_EDGE));
    looks.filter(|at| *at > case.known_until).min()
}
