//! What rules and registry make of presence: what proves use, and when a booking is looked at.

use scheduler::booking::Status;
use scheduler::id::InstrumentId;
use scheduler::policy::Policy;
use scheduler::presence::{PresenceRule, deadline};
use scheduler::runs::RunRule;
use scheduler::time::{Micros, Span};

use super::ledger::Ledger;
use super::record::{Booking, Later};
use super::shelf::Shelf;
use crate::registry::{Directory, Instrument};

/// How long before its slot a booking's member may begin, and check in.
pub const LEAD: Span = Span::minutes(10);

/// What holds for one booking.
#[derive(Debug, Clone, Copy)]
pub(super) struct Terms {
    /// How presence is judged.
    pub(super) rule: PresenceRule,
    /// Whether the rest is released when the machine has stopped.
    pub(super) ends_early: bool,
    /// What not coming costs.
    pub(super) no_show_points: Option<u32>,
}

/// Returns true if a meter is there and a running machine means that somebody works with it. A meter
/// is an agent, or a device that a mapping names with this instrument; that a script may send
/// readings is none.
pub(super) fn has_witness(directory: &Directory, instrument: &Instrument) -> bool {
    let is_read = instrument.source.is_some() || directory.is_mapped(instrument);
    is_read && !instrument.always_on
}

/// Returns how an instrument's running becomes runs.
pub(super) fn run_rule(directory: &Directory, instrument: &Instrument) -> RunRule {
    RunRule {
        lead: LEAD,
        telemetry_proves: has_witness(directory, instrument),
        capacity: instrument.capacity,
        ..RunRule::default()
    }
}

impl Terms {
    /// Returns what holds for a booking.
    ///
    /// Without a rule about grace a booking is looked at when its slot is over. One that was made
    /// after its begin has the whole grace time from then on. A check-in is demanded only where the
    /// lab has said that nothing else tells, and a rule about grace makes it known.
    pub(super) fn of(
        policy: &Policy,
        directory: &Directory,
        instrument: &Instrument,
        booking: &Booking,
    ) -> Self {
        let class = directory.class_of(booking.member, instrument);
        let said = policy.use_terms(class);
        let telemetry_proves = has_witness(directory, instrument) && instrument.capacity == 1;
        let check_in_required = instrument.always_on && said.grace.is_some();
        let whole = booking.slot.len();
        let grace = match said.grace {
            Some(grace) if telemetry_proves || check_in_required => {
                let late_us = (booking.created_at - booking.slot.start()).max(0);
                Span::new(grace.get().saturating_add(late_us)).unwrap_or(whole)
            }
            Some(_) | None => whole,
        };
        Self {
            rule: PresenceRule {
                grace,
                lead: LEAD,
                dwell: said.early_finish.unwrap_or(whole),
                clean_up: said.cleanup,
                telemetry_proves,
                check_in_required,
            },
            ends_early: said.early_finish.is_some(),
            no_show_points: said.no_show_points,
        }
    }
}

/// Returns when a booking is looked at next, if nobody and no machine asks for it before.
pub(super) fn due_after(booking: &Booking, terms: &Terms) -> Later {
    match booking.status {
        // Nobody says yes to what has begun.
        Status::Pending => booking.slot.start().into(),
        Status::Confirmed => deadline(booking.slot, terms.rule.grace).into(),
        Status::InUse => booking.slot.end().into(),
        Status::Completed
        | Status::NoShow
        | Status::Unverified
        | Status::Cancelled
        | Status::Declined
        | Status::Expired => Later::NEVER,
    }
}

/// Returns true if what a machine did from a moment on, up to now, may change what is said of a
/// booking.
pub(super) fn is_open_to(booking: &Booking, settled: Micros, now: Micros) -> bool {
    let has_begun = booking.slot.start().saturating_sub(LEAD) <= now;
    match booking.status {
        Status::Confirmed | Status::InUse => has_begun,
        Status::NoShow | Status::Unverified => has_begun && settled < booking.slot.end(),
        Status::Pending
        | Status::Completed
        | Status::Cancelled
        | Status::Declined
        | Status::Expired => false,
    }
}

/// Returns from when on an instrument's machine has to be known, to judge what is open.
pub(super) fn reach(
    ledger: &Ledger,
    shelf: &Shelf,
    instrument: InstrumentId,
    now: Micros,
) -> Micros {
    let Some(heard) = ledger.hearings.get(instrument.get().into()) else {
        return Micros::new(0);
    };
    let settled = heard.settled;
    let bookings = shelf.bookings_at(instrument);
    let open = bookings
        .iter()
        .filter(|booking| is_open_to(booking, settled, now))
        .map(|booking| booking.slot.start().saturating_sub(LEAD));
    open.min().map_or(settled, |first| first.min(settled))
}
