//! Whether somebody came: the machine's word on a booking, and when in doubt for the member.
//!
//! A no-show needs good readings that cover the whole grace time and a machine that did not run in
//! it. Everything else (the agent or the link down, the meter unplugged, a fault, a clock that may
//! be wrong, a backlog not yet in) leaves the booking unverified, which nobody is punished for.
//! Where telemetry does not prove use, because the machine is always on, several members share it,
//! or there is no meter, only a check-in counts.

use crate::id::BookingId;
use crate::machine::{Machine, MachineInterval, parts, running, surely_still};
use crate::runs::{Run, RunKind};
use crate::slot::{Slot, intersected, merged, subtracted};
use crate::time::{Micros, Span};

/// How long after the deadline, or after data could flow again, a verdict waits for the data of
/// the grace time.
pub const PATIENCE: Span = Span::minutes(15);

/// What the instrument's policy says about presence.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PresenceRule {
    /// How long after its begin a booking waits for its member.
    pub grace: Span,
    /// How long before its begin he may start.
    pub lead: Span,
    /// How long the machine must stand still until his use is over.
    pub dwell: Span,
    /// How long after his use the instrument stays claimed for cleaning up.
    pub clean_up: Span,
    /// Whether a running machine proves use. False for one that is always on, has no telemetry, or
    /// holds more than one booking at a time.
    pub telemetry_proves: bool,
    /// Whether one who does not check in, where telemetry proves nothing, has not come.
    pub check_in_required: bool,
}

/// What is known of one booking's instrument.
#[derive(Debug, Clone, Copy)]
pub struct Seen<'a> {
    /// What the machine did, in any order. Time in no interval is not known.
    pub machine: &'a [MachineInterval],
    /// Its data is complete up to here; nothing if it never sent any. Silence does not move it: an
    /// agent that is away holds its readings back.
    pub watermark: Option<Micros>,
    /// Since when the gateway has been there without a pause, so that readings could come in and
    /// people could check in.
    pub listening_since: Micros,
    /// When the member checked in.
    pub check_in: Option<Micros>,
    /// When others held or used the instrument ([`crate::runs::of_others`]).
    pub others: &'a [Slot],
}

/// What is to be said of a booking.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// Used since a moment.
    Used(Micros),
    /// The machine stood still in the whole grace time.
    NoShow,
    /// It cannot be known.
    Unverified,
    /// Nothing yet: judge again at this moment, which is after now, or when data comes.
    WaitUntil(Micros),
}

/// Returns when the grace time of a slot is over, at the latest at its end.
#[must_use]
pub fn deadline(slot: Slot, grace: Span) -> Micros {
    slot.start().saturating_add(grace).min(slot.end())
}

/// Judges a booking that is confirmed.
///
/// While it is not judged its place is kept, so one who starts or checks in after the grace time
/// but before the verdict has come in time. Once it has said [`Verdict::NoShow`], more data may
/// turn it into [`Verdict::Used`] only.
#[must_use]
pub fn verdict(slot: Slot, rule: &PresenceRule, seen: &Seen<'_>, now: Micros) -> Verdict {
    let due = deadline(slot, rule.grace);
    if let Some(at) = used_at(slot, rule, seen, now) {
        return Verdict::Used(at);
    }
    if now < due {
        return Verdict::WaitUntil(due);
    }
    let Some(waited) = Slot::new(slot.start(), due) else {
        return Verdict::Unverified;
    };
    if !rule.telemetry_proves {
        let could_check_in = seen.listening_since <= slot.start();
        return if rule.check_in_required && could_check_in {
            Verdict::NoShow
        } else {
            Verdict::Unverified
        };
    }
    if seen.watermark.is_none_or(|watermark| watermark < due) {
        let patient_until = due.max(seen.listening_since).saturating_add(PATIENCE);
        return if now < patient_until {
            Verdict::WaitUntil(patient_until)
        } else {
            Verdict::Unverified
        };
    }
    let still = surely_still(seen.machine, due);
    if still.iter().any(|still| still.covers(waited)) {
        Verdict::NoShow
    } else {
        Verdict::Unverified
    }
}

/// Returns when the member began: his check-in, or the machine's run that is nobody else's.
fn used_at(slot: Slot, rule: &PresenceRule, seen: &Seen<'_>, now: Micros) -> Option<Micros> {
    let until = slot.end().min(now);
    let checked_in = seen.check_in.filter(|&at| at <= now && at < slot.end());
    let ran = || {
        let sure = |interval: &MachineInterval| {
            interval.machine == Machine::Running && !interval.is_uncertain
        };
        let his = Slot::new(slot.start().saturating_sub(rule.lead), until)?;
        let ran = intersected(&parts(seen.machine, until, sure), &[his]);
        let ran = subtracted(&ran, &merged(seen.others.to_vec()));
        ran.first().map(|run| run.start())
    };
    let ran = rule.telemetry_proves.then(ran).flatten();
    checked_in.into_iter().chain(ran).min()
}

/// Returns from when the rest of a slot is free because its member has finished: the machine ran
/// for him within the slot and then stood still, in good readings, for the dwell; clean-up comes
/// on top. Never before now, and nothing if no time of the slot is left then.
///
/// One who has only checked in may still be preparing: a machine that did not run has not stopped.
#[must_use]
pub fn early_finish(
    slot: Slot,
    rule: &PresenceRule,
    seen: &Seen<'_>,
    now: Micros,
) -> Option<Micros> {
    let known_until = seen.watermark?.min(now);
    if !rule.telemetry_proves {
        return None;
    }
    let ran = intersected(&running(seen.machine, known_until), &[slot]);
    let ran = subtracted(&ran, &merged(seen.others.to_vec()));
    let stopped_at = ran.last()?.end();
    let finished_at = stopped_at.saturating_add(rule.dwell);
    let still = surely_still(seen.machine, known_until);
    still
        .iter()
        .find(|still| still.start() <= stopped_at && finished_at <= still.end())?;
    let free_from = finished_at.saturating_add(rule.clean_up).max(now);
    (free_from < slot.end()).then_some(free_from)
}

/// Returns when a booking's use went on past its slot, by the runs of its instrument; from the
/// first such moment to the last.
#[must_use]
pub fn overrun(booking: BookingId, runs: &[Run]) -> Option<Slot> {
    let past = runs
        .iter()
        .filter(|run| run.booking == Some(booking) && run.kind == RunKind::Overrun);
    let start = past.clone().map(|run| run.slot.start()).min()?;
    Slot::new(start, past.map(|run| run.slot.end()).max()?)
}

#[cfg(test)]
mod tests;
