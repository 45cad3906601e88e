//! Sharing out the time of a running machine among those who hold it one after another.

use super::{Evidence, Held, RunKind, RunRule, Stretch};
use crate::id::BookingId;
use crate::slot::Slot;
use crate::time::Micros;

/// Whose the machine is: a booking's, by its place in the sorted list, or nobody's.
type Owner = Option<usize>;

/// Shares out what ran, a joined and ascending list, among bookings sorted by slot.
pub(super) fn shared_out(ran: &[Slot], bookings: &[Held], rule: &RunRule) -> Vec<Stretch> {
    let mut before: Option<(Owner, Micros)> = None;
    let mut stretches = Vec::new();
    for &piece in ran {
        let owner = starter(piece.start(), bookings, rule, before);
        let last = follow(piece, owner, bookings, &mut stretches);
        before = Some((last, piece.end()));
    }
    stretches
}

/// Returns whose a machine is that starts at a moment.
fn starter(
    at: Micros,
    bookings: &[Held],
    rule: &RunRule,
    before: Option<(Owner, Micros)>,
) -> Owner {
    let next = bookings.partition_point(|held| held.slot.start() <= at);
    let holder = next
        .checked_sub(1)
        .filter(|&index| covers(bookings, index, at));
    let early = || {
        let held = bookings.get(next)?;
        let from = held.slot.start().saturating_sub(rule.lead);
        let has_checked_in = held.check_in.is_some_and(|checked_in| checked_in <= at);
        (from <= at || has_checked_in).then_some(next)
    };
    let continued = || before.filter(|&(_, end)| rule.joins(end, at))?.0;
    holder.or_else(early).or_else(continued)
}

fn covers(bookings: &[Held], index: usize, at: Micros) -> bool {
    bookings
        .get(index)
        .is_some_and(|held| held.slot.contains(at))
}

/// Cuts one piece where its owner changes and returns who had it last.
///
/// Ends: each turn ends the piece or passes it to a booking further on in the list.
fn follow(piece: Slot, mut owner: Owner, bookings: &[Held], stretches: &mut Vec<Stretch>) -> Owner {
    let mut from = piece.start();
    loop {
        let held = owner.and_then(|index| bookings.get(index));
        let own_until = held.map_or(from, |held| held.slot.end().clamp(from, piece.end()));
        push(stretches, from, own_until, held, RunKind::Booked);
        let passed = match owner {
            Some(index) => next_check_in(bookings, index, own_until),
            None => next_holder(bookings, from),
        };
        let passed = passed.filter(|&(at, _)| at < piece.end());
        let until = passed.map_or(piece.end(), |(at, _)| at);
        let kind = held.map_or(RunKind::Unbooked, |_| RunKind::Overrun);
        push(stretches, own_until, until, held, kind);
        match passed {
            Some((at, next)) => (from, owner) = (at, Some(next)),
            None => return owner,
        }
    }
}

/// Returns the first later holder who is checked in at a moment or after it, and from when.
fn next_check_in(bookings: &[Held], index: usize, from: Micros) -> Option<(Micros, usize)> {
    let later = bookings.iter().enumerate().skip(index.saturating_add(1));
    let checked_in = later.filter_map(|(index, held)| {
        let at = held.check_in?.max(from);
        (at < held.slot.end()).then_some((at, index))
    });
    checked_in.min()
}

/// Returns who holds next what nobody holds, and from when: his slot begins or he checks in.
fn next_holder(bookings: &[Held], from: Micros) -> Option<(Micros, usize)> {
    let next = bookings.partition_point(|held| held.slot.start() <= from);
    let starts = bookings.get(next).map(|held| (held.slot.start(), next));
    let checks_in = bookings
        .iter()
        .enumerate()
        .skip(next)
        .filter_map(|(index, held)| Some((held.check_in?.max(from), index)));
    starts.into_iter().chain(checks_in).min()
}

fn push(
    stretches: &mut Vec<Stretch>,
    from: Micros,
    to: Micros,
    held: Option<&Held>,
    kind: RunKind,
) {
    stretches.extend(Slot::new(from, to).map(|slot| Stretch {
        slot,
        booking: held.map(|held| held.booking),
        kind,
        evidence: Evidence::Machine,
    }));
}

/// Returns stretches that are nobody's.
pub(super) fn unbooked(ran: &[Slot]) -> Vec<Stretch> {
    let mut stretches = Vec::with_capacity(ran.len());
    for piece in ran {
        push(
            &mut stretches,
            piece.start(),
            piece.end(),
            None,
            RunKind::Unbooked,
        );
    }
    stretches
}

/// Joins neighbours of one owner and kind that are closer than the gap, unless somebody else held
/// the pause between them. Holders come sorted by slot.
pub(super) fn joined(
    stretches: Vec<Stretch>,
    holders: &[(Slot, BookingId)],
    rule: &RunRule,
) -> Vec<Stretch> {
    let mut joined: Vec<Stretch> = Vec::with_capacity(stretches.len());
    for stretch in stretches {
        let whole = joined
            .last()
            .and_then(|last| join(*last, stretch, holders, rule));
        match whole {
            Some(whole) => {
                joined.pop();
                joined.push(whole);
            }
            None => joined.push(stretch),
        }
    }
    joined
}

fn join(
    last: Stretch,
    next: Stretch,
    holders: &[(Slot, BookingId)],
    rule: &RunRule,
) -> Option<Stretch> {
    let is_same = (last.booking, last.kind) == (next.booking, next.kind);
    if !is_same || !rule.joins(last.slot.end(), next.slot.start()) {
        return None;
    }
    let is_held = Slot::new(last.slot.end(), next.slot.start()).is_some_and(|pause| {
        let until = holders.partition_point(|(slot, _)| slot.start() < pause.end());
        let mut before = holders.iter().take(until);
        before.any(|(slot, booking)| Some(*booking) != next.booking && slot.overlaps(pause))
    });
    let slot = Slot::new(last.slot.start(), next.slot.end())?;
    (!is_held).then_some(Stretch { slot, ..next })
}
