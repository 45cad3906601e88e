//! Where bookings inside an outage could go: an instrument that can do the same, near in time.

use scheduler::facts::SetAside;
use scheduler::id::InstrumentId;
use scheduler::slot::Slot;
use scheduler::time::{Micros, Span};

use super::asking::{Asked, Gathered};
use super::judge::{Wish, facts, judge_wish, own_bookings};
use super::outage_choices::LAB_MOVES;
use super::pool::PoolFacts;
use super::record::Booking;
use crate::registry::{Instrument, NodeKind};
use scheduler::search::next_free;

/// How many proposals for one booking.
const PROPOSALS_MAX: usize = 3;
/// How many other instruments are looked at for one booking, the lab's own first.
const CANDIDATES_MAX: usize = 60;
/// How far before and after its time other slots are looked for.
const BEFORE: Span = Span::days(1);
const AFTER: Span = Span::days(7);
/// How many earlier slots are looked at, to find the last of them.
const EARLIER_MAX: usize = 96;

/// A place where a booking could go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Proposal {
    /// Where.
    pub instrument: InstrumentId,
    /// When, as long as the booking.
    pub slot: Slot,
    /// Whether it belongs to the same lab.
    pub is_same_lab: bool,
}

/// Returns up to three places for a booking on other instruments that have all its capabilities,
/// that its member may book: of its lab first, then of its centre, nearest in time.
///
/// Costs some searches over eight days for each of at most 60 instruments.
#[must_use]
pub fn proposals(looked_at: &PoolFacts<'_>, booking: &Booking) -> Vec<Proposal> {
    let Some(from) = looked_at.directory.instruments.get(&booking.instrument) else {
        return Vec::new();
    };
    let mut found: Vec<(bool, i64, Proposal)> = Vec::new();
    for (is_same_lab, instrument) in equivalents(looked_at, from) {
        let Some(slot) = nearest(looked_at, instrument, booking) else {
            continue;
        };
        let away = distance(slot, booking.slot);
        let proposal = Proposal {
            instrument: instrument.id,
            slot,
            is_same_lab,
        };
        found.push((!is_same_lab, away, proposal));
    }
    found.sort_unstable_by_key(|(other_lab, away, to)| (*other_lab, *away, to.instrument));
    let best = found.into_iter().take(PROPOSALS_MAX);
    best.map(|(.., proposal)| proposal).collect()
}

fn distance(a: Slot, b: Slot) -> i64 {
    (a.start() - b.start()).saturating_abs()
}

/// Returns other instruments of the lab and its centre that can do all that this one can.
fn equivalents<'a>(
    looked_at: &PoolFacts<'a>,
    of: &Instrument,
) -> impl Iterator<Item = (bool, &'a Instrument)> {
    let directory = looked_at.directory;
    let centre = |lab| {
        directory
            .node_above(lab, NodeKind::Centre)
            .map(|node| node.id)
    };
    let home = centre(of.lab);
    let can_do_it = |other: &&Instrument| {
        let mut wanted = of.capabilities.iter();
        other.id != of.id
            && !of.capabilities.is_empty()
            && other.bookable
            && other.published
            && wanted.all(|one| other.capabilities.contains(one))
            && (other.lab == of.lab || (home.is_some() && centre(other.lab) == home))
    };
    let all = directory.instruments.values();
    let mut others: Vec<(bool, &Instrument)> = all
        .filter(can_do_it)
        .map(|other| (other.lab == of.lab, other))
        .collect();
    others.sort_unstable_by_key(|(is_same_lab, other)| (!is_same_lab, other.id));
    others.truncate(CANDIDATES_MAX);
    others.into_iter()
}

/// Returns the slot nearest to the booking's that its member may book: the same one, the next one,
/// or the last one before.
fn nearest(looked_at: &PoolFacts<'_>, instrument: &Instrument, booking: &Booking) -> Option<Slot> {
    let PoolFacts {
        directory,
        ledger,
        shelf,
        now,
    } = *looked_at;
    let snapshot = shelf.instrument(instrument.id)?;
    let (policy, _) = directory.policy_of(instrument);
    let set_aside: &[SetAside] = &[LAB_MOVES];
    let asked = Asked {
        instrument: instrument.id,
        member: booking.member,
        slot: booking.slot,
        project: booking.charged_to(),
        held: Some(booking),
        set_aside,
    };
    let gathered = Gathered::of(directory, ledger, (instrument, &policy), &asked);
    let wish = |slot| Wish {
        instrument,
        policy: &policy,
        asking: gathered.asking(&ledger.usage),
        slot,
        now,
        held: Some(booking),
    };
    let passes = |slot: &Slot| judge_wish(&snapshot, &wish(*slot)).is_ok();
    if passes(&booking.slot) {
        return Some(booking.slot);
    }
    let wanted = wish(booking.slot);
    let own = own_bookings(&snapshot, &wanted);
    let facts = facts(&wanted, &own);
    let length = booking.slot.len();
    let search = |reach: (Micros, Micros), count| {
        next_free(&snapshot.occupancy, &policy, &facts, reach, length, count)
    };
    let start = booking.slot.start();
    let later = search((start, start + AFTER), 1);
    let earliest = start.saturating_sub(BEFORE).max(now);
    let earlier = search((earliest, start + length), EARLIER_MAX);
    let candidates = later.first().into_iter().chain(earlier.last());
    let of_length = candidates.copied().filter(|slot| slot.len() == length);
    of_length
        .filter(passes)
        .min_by_key(|slot| distance(*slot, booking.slot))
}
