//! Runs: when the machine was used, by whom, on what evidence.
//!
//! Three sources, each filling only what the ones before leave open: the machine, a check-in where
//! telemetry says nothing, and use entered by hand. Runs of one lane never overlap.
//!
//! **Whose a running machine is** (one booking at a time, telemetry proves use). What begins
//! within a slot is its holder's. What begins in free time is that of the next holder, if his slot
//! begins within the lead time or he has checked in; else it continues the run before, if that
//! ended less than the gap ago; else it is unbooked. Once it runs, it stays its holder's to the end
//! of his slot and is then his overrun until it stops or a later holder checks in. So a stop, even
//! a short one, ends an overrun within somebody's slot: in doubt he is not charged for the next
//! member's time. Unbooked running goes over to a holder when his slot begins or he checks in.
//!
//! With several bookings at a time only a check-in attributes; running while nobody is checked in
//! is unbooked. Of a machine that is always on, only check-ins are known.
//!
//! **What is settled.** [`settled`] gives a moment before which no run can change by data that
//! comes later, and at which nothing is going on. [`attribute`] over a window that begins there
//! continues exactly what was found before; so a follower keeps the runs before it, and replaces
//! those after it each time. Rows before it change only by correction: when readings are judged
//! anew, or a booking that has begun is edited.

mod owner;
mod session;

use crate::id::BookingId;
use crate::machine::{Machine, MachineInterval, parts, running};
use crate::occupancy::Lane;
use crate::slot::{Slot, intersected, merged, subtracted};
use crate::time::{Micros, Span};

/// What a run is to the bookings.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum RunKind {
    /// In a booking's slot, or as early as its holder may start.
    Booked,
    /// A booking's use past its slot.
    Overrun,
    /// Nobody's.
    Unbooked,
    /// Entered by hand.
    Declared,
}

/// What shows that the instrument was used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Evidence {
    /// The machine ran.
    Machine,
    /// Somebody was checked in.
    CheckIn,
    /// Somebody said so.
    Declared,
}

/// How sure the times of a run are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Confidence {
    /// Both ends were seen.
    Full,
    /// It touches silence, or readings whose time is uncertain by more than 60 s: never billed or
    /// punished without a person.
    Uncertain,
}

/// A stretch of use.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Run {
    /// From the first to the last of it, pauses shorter than the gap included.
    pub slot: Slot,
    /// Whose it is; nothing if it is nobody's.
    pub booking: Option<BookingId>,
    /// What it is to the bookings.
    pub kind: RunKind,
    /// What shows it.
    pub evidence: Evidence,
    /// How sure its times are.
    pub confidence: Confidence,
    /// How long the machine ran inside, by telemetry: 0 where telemetry proves nothing.
    pub running: Span,
}

/// A booking as the machine's time is shared out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Held {
    /// The booking.
    pub booking: BookingId,
    /// Its slot, cut where the rest was released or given up.
    pub slot: Slot,
    /// Its lane.
    pub lane: Lane,
    /// When its member checked in.
    pub check_in: Option<Micros>,
    /// When its member checked out, or the desk ended it for him; nothing while he is there.
    pub check_out: Option<Micros>,
}

/// Use entered by hand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Declared {
    /// Whose it is, if a booking's.
    pub booking: Option<BookingId>,
    /// When.
    pub slot: Slot,
}

/// How running becomes runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RunRule {
    /// Running closer than this is one run.
    pub gap: Span,
    /// How long before his slot a holder may start.
    pub lead: Span,
    /// Whether a running machine proves use; false if it is always on or has no telemetry.
    pub telemetry_proves: bool,
    /// How many bookings may run at a time.
    pub capacity: u8,
}

impl Default for RunRule {
    /// Gap and lead of 10 minutes, one booking at a time, by telemetry.
    fn default() -> Self {
        Self {
            gap: Span::minutes(10),
            lead: Span::minutes(10),
            telemetry_proves: true,
            capacity: 1,
        }
    }
}

/// What happened at one instrument. Lists may come in any order.
#[derive(Debug, Clone, Copy)]
pub struct Facts<'a> {
    /// What the machine did.
    pub machine: &'a [MachineInterval],
    /// Bookings that held it, from one gap and lead before the window to as much after.
    pub bookings: &'a [Held],
    /// What was entered by hand and approved.
    pub declared: &'a [Declared],
}

impl RunRule {
    /// Returns true if each run of the machine is one holder's.
    fn attributes_by_machine(&self, bookings: &[Held]) -> bool {
        self.telemetry_proves && self.capacity <= 1 && bookings.iter().all(|held| held.lane == 0)
    }

    /// Returns true if a pause does not end a run.
    fn joins(&self, from: Micros, to: Micros) -> bool {
        from == to || to - from < self.gap.get()
    }
}

/// Returns the runs of a window, ascending by start; what reaches out of it is cut. It ends at the
/// latest where the data does: at the watermark, or now.
///
/// Costs `O(m (n + log m))` for m stretches of the machine and n bookings at worst; usually, with
/// bookings that follow one another, little more than sorting them.
#[must_use]
pub fn attribute(window: Slot, facts: &Facts<'_>, rule: &RunRule) -> Vec<Run> {
    let mut bookings = facts.bookings.to_vec();
    bookings.sort_unstable_by_key(|held| (held.slot, held.booking));
    let ran = if rule.telemetry_proves {
        intersected(&running(facts.machine, window.end()), &[window])
    } else {
        Vec::new()
    };
    let sessions = session::sessions(&bookings, window);
    let stretches = if rule.attributes_by_machine(&bookings) {
        let holders: Vec<_> = bookings
            .iter()
            .map(|held| (held.slot, held.booking))
            .collect();
        let owned = owner::joined(owner::shared_out(&ran, &bookings, rule), &holders, rule);
        let silent = parts(facts.machine, window.end(), |interval| {
            interval.machine == Machine::Silent
        });
        let taken: Vec<Slot> = owned.iter().map(|stretch| stretch.slot).collect();
        let by_check_in = session::within(&sessions, &subtracted(&silent, &merged(taken)));
        owned.into_iter().chain(by_check_in).collect()
    } else {
        let taken = merged(sessions.iter().map(|stretch| stretch.slot).collect());
        let rest = owner::unbooked(&subtracted(&ran, &taken));
        let mut holders: Vec<_> = sessions.iter().filter_map(Stretch::holder).collect();
        holders.sort_unstable();
        let rest = owner::joined(rest, &holders, rule);
        sessions.into_iter().chain(rest).collect()
    };
    let mut runs = with_figures(stretches, facts.machine, &ran);
    runs.extend(declared(window, facts.declared, &runs));
    runs.sort_unstable_by_key(|run| (run.slot, run.booking));
    runs
}

/// Returns the latest moment before which no run changes by what comes later, and at which nothing
/// goes on. Never after now or the watermark; without telemetry the watermark is now.
///
/// It stays behind open check-ins (the desk ends each when its booking ends), behind runs that may
/// still go on, and by the lead behind now: a booking made a moment ago may own what began then.
#[must_use]
pub fn settled(facts: &Facts<'_>, rule: &RunRule, watermark: Micros, now: Micros) -> Micros {
    let latest = watermark.min(now.saturating_sub(rule.lead));
    let ran = if rule.telemetry_proves {
        running(facts.machine, watermark)
    } else {
        Vec::new()
    };
    // A run is over only when a gap has passed since it stopped, and then no longer abuts.
    let gap = rule.gap.max(Span::new(1).unwrap_or_default());
    let ran = ran
        .into_iter()
        .filter_map(|ran| Slot::new(ran.start(), ran.end().saturating_add(gap)));
    let sessions = facts.bookings.iter().filter_map(|held| {
        let out = held.check_out.unwrap_or(Micros::new(i64::MAX));
        Slot::new(held.check_in?, out)
    });
    let declared = facts.declared.iter().map(|declared| declared.slot);
    let busy = merged(ran.chain(sessions).chain(declared).collect());
    busy.iter()
        .find(|busy| busy.start() < latest && latest < busy.end())
        .map_or(latest, |busy| busy.start())
}

/// Returns when others held or used an instrument, joined: what its machine did then says nothing
/// about this booking.
#[must_use]
pub fn of_others(booking: BookingId, bookings: &[Held], runs: &[Run]) -> Vec<Slot> {
    let slots = bookings
        .iter()
        .filter(|held| held.booking != booking)
        .map(|held| held.slot);
    let used = runs
        .iter()
        .filter(|run| run.booking.is_some_and(|by| by != booking))
        .map(|run| run.slot);
    merged(slots.chain(used).collect())
}

/// A run without its figures.
#[derive(Debug, Clone, Copy)]
struct Stretch {
    slot: Slot,
    booking: Option<BookingId>,
    kind: RunKind,
    evidence: Evidence,
}

impl Stretch {
    fn holder(&self) -> Option<(Slot, BookingId)> {
        Some((self.slot, self.booking?))
    }
}

fn with_figures(stretches: Vec<Stretch>, machine: &[MachineInterval], ran: &[Slot]) -> Vec<Run> {
    let doubts = parts(machine, Micros::new(i64::MAX), |interval| {
        interval.is_uncertain || interval.machine == Machine::Silent
    });
    let figures = |stretch: Stretch| {
        let slot = stretch.slot;
        let first = ran.partition_point(|part| part.end() <= slot.start());
        let inside = ran
            .iter()
            .skip(first)
            .take_while(|part| part.start() < slot.end())
            .filter_map(|part| part.intersect(slot));
        let first = doubts.partition_point(|doubt| doubt.end() < slot.start());
        let is_uncertain = stretch.evidence == Evidence::Machine
            && doubts
                .get(first)
                .is_some_and(|doubt| doubt.start() <= slot.end());
        Run {
            slot,
            booking: stretch.booking,
            kind: stretch.kind,
            evidence: stretch.evidence,
            confidence: if is_uncertain {
                Confidence::Uncertain
            } else {
                Confidence::Full
            },
            running: total(inside),
        }
    };
    stretches.into_iter().map(figures).collect()
}

fn total(slots: impl Iterator<Item = Slot>) -> Span {
    let sum = slots.fold(0_i64, |sum, slot| sum.saturating_add(slot.len().get()));
    Span::new(sum).unwrap_or_default()
}

/// Returns what was entered by hand and nothing else shows; of two that overlap, the first counts.
fn declared(window: Slot, declared: &[Declared], runs: &[Run]) -> Vec<Run> {
    let mut declared = declared.to_vec();
    declared.sort_unstable_by_key(|declared| (declared.slot, declared.booking));
    let taken = merged(runs.iter().map(|run| run.slot).collect());
    let mut added = Vec::new();
    let mut free_from = Micros::new(i64::MIN);
    for declared in declared {
        let open = Slot::new(declared.slot.start().max(free_from), declared.slot.end());
        let Some(open) = open.and_then(|open| open.intersect(window)) else {
            continue;
        };
        free_from = open.end();
        added.extend(subtracted(&[open], &taken).into_iter().map(|slot| Run {
            slot,
            booking: declared.booking,
            kind: RunKind::Declared,
            evidence: Evidence::Declared,
            confidence: Confidence::Full,
            running: Span::default(),
        }));
    }
    added
}

#[cfg(test)]
mod tests;
