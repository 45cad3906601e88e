//! What takes an instrument's time, as a calendar shows it: one block for each thing.

use std::collections::BTreeMap;

use scheduler::occupancy::{Claim, Holder};
use scheduler::slot::{Slot, merged};
use serde::Serialize;
use utoipa::ToSchema;

use super::time::Zoned;
use super::view::{Looking, kind_of};
use crate::booking::record::Booking;
use crate::words;

/// A taken stretch.
#[derive(Debug, Serialize, ToSchema)]
pub struct Occupied {
    /// First instant.
    start: Zoned,
    /// First instant after it.
    end: Zoned,
    /// `booking`, `outage`, `hold`, `offer`, or `buffer`: set-up before a booking, clean-up after it.
    kind: &'static str,
    /// Whether it is the caller's.
    mine: bool,
    /// What to show.
    label: String,
    /// The booking, for its two sides.
    booking: Option<i64>,
    /// What for, for its two sides.
    purpose: Option<String>,
}

/// What a part of a claim is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Part {
    Setup,
    Use,
    Cleanup,
}

/// Returns what takes time in a window, ascending. An outage claims every lane and the gaps between
/// kept bookings: its claims are joined. A booking is shown with its own slot, what its claim has
/// around it as buffers.
#[must_use]
pub fn occupied(looking: &Looking<'_>, window: Slot) -> Vec<Occupied> {
    let claims = looking.snapshot.occupancy.within(window);
    let mut outages: BTreeMap<i64, Vec<Claim>> = BTreeMap::new();
    let mut shown = Vec::with_capacity(claims.len());
    for claim in claims {
        match claim.holder {
            Holder::Booking(id) => {
                let booking = looking.booking(id).map(|(booking, _)| booking);
                let parts = parts(claim.slot, booking).into_iter();
                let seen = parts.filter(|(slot, _)| slot.overlaps(window));
                shown.extend(seen.map(|(slot, part)| (slot, claim.holder, part)));
            }
            Holder::Hold(_) | Holder::Offer(_) => {
                shown.push((claim.slot, claim.holder, Part::Use));
            }
            Holder::Outage(id) => outages.entry(id.get()).or_default().push(claim),
        }
    }
    for claims in outages.into_values() {
        let Some(holder) = claims.first().map(|claim| claim.holder) else {
            continue;
        };
        let joined = merged(claims.iter().map(|claim| claim.slot).collect());
        shown.extend(joined.into_iter().map(|slot| (slot, holder, Part::Use)));
    }
    shown.sort_unstable_by_key(|(slot, _, part)| (*slot, *part));
    shown
        .into_iter()
        .map(|(slot, holder, part)| one_occupied(looking, slot, (holder, part)))
        .collect()
}

/// Returns a booking's claim as set-up, use and clean-up.
fn parts(claim: Slot, booking: Option<&Booking>) -> Vec<(Slot, Part)> {
    let used = booking.and_then(|booking| booking.slot.intersect(claim));
    let Some(used) = used else {
        return vec![(claim, Part::Use)];
    };
    let before = Slot::new(claim.start(), used.start());
    let after = Slot::new(used.end(), claim.end());
    [
        before.map(|slot| (slot, Part::Setup)),
        Some((used, Part::Use)),
        after.map(|slot| (slot, Part::Cleanup)),
    ]
    .into_iter()
    .flatten()
    .collect()
}

fn one_occupied(looking: &Looking<'_>, slot: Slot, (holder, part): (Holder, Part)) -> Occupied {
    let held = match holder {
        Holder::Booking(id) => looking.booking(id),
        Holder::Outage(_) | Holder::Hold(_) | Holder::Offer(_) => None,
    };
    let (booking, mine) = held.map_or((None, false), |(booking, mine)| (Some(booking), mine));
    let told = booking.filter(|_| mine || looking.inside);
    let zone = looking.instrument.zone;
    let language = looking.caller.language;
    let (kind, label) = match part {
        Part::Use => (kind_of(holder), looking.label(holder)),
        Part::Setup => ("buffer", words::setup(language).to_owned()),
        Part::Cleanup => ("buffer", words::cleanup(language).to_owned()),
    };
    Occupied {
        start: Zoned(slot.start(), zone),
        end: Zoned(slot.end(), zone),
        kind,
        mine,
        label,
        booking: told.map(|booking| booking.id.get()),
        purpose: told.map(|booking| booking.purpose.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use scheduler::time::Micros;

    fn slot(start: i64, end: i64) -> Slot {
        Slot::new(Micros::new(start), Micros::new(end)).unwrap()
    }

    #[test]
    fn a_claim_without_its_booking_is_shown_whole() {
        assert_eq!(parts(slot(0, 9), None), [(slot(0, 9), Part::Use)]);
    }
}
