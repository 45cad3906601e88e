//! What check-ins say: from check-in to check-out, at the latest to the end of the slot.

use super::{Evidence, Held, RunKind, Stretch};
use crate::slot::{Slot, intersected};
use crate::time::Micros;

/// Returns the time members were checked in, within a window, of bookings sorted by slot.
///
/// One who has not checked out is there to the end of his slot. One who checks out later has
/// overrun, at the longest until the next one on his lane is there; who checks in while the one
/// before him is still in his slot begins at its end.
pub(super) fn sessions(bookings: &[Held], window: Slot) -> Vec<Stretch> {
    let mut present: Vec<Held> = bookings.to_vec();
    present.retain(|held| held.check_in.is_some());
    present.sort_unstable_by_key(|held| (held.lane, held.slot, held.booking));
    let mut stretches = Vec::new();
    for lane in present.chunk_by(|held, next| held.lane == next.lane) {
        let mut free_from = Micros::new(i64::MIN);
        let nexts = lane.iter().skip(1).map(Some).chain([None]);
        for (held, next) in lane.iter().zip(nexts) {
            let begin = held.check_in.map_or(free_from, |at| at.max(free_from));
            let out = held.check_out.unwrap_or(held.slot.end());
            let own_end = out.min(held.slot.end());
            let taken_over_at = next.and_then(|next| next.check_in);
            let end = taken_over_at.map_or(out, |at| out.min(at.max(own_end)));
            push(
                &mut stretches,
                (begin, own_end),
                window,
                held,
                RunKind::Booked,
            );
            let past = (begin.max(own_end), end);
            push(&mut stretches, past, window, held, RunKind::Overrun);
            free_from = free_from.max(end);
        }
    }
    stretches
}

fn push(
    stretches: &mut Vec<Stretch>,
    (from, to): (Micros, Micros),
    window: Slot,
    held: &Held,
    kind: RunKind,
) {
    let part = Slot::new(from, to).and_then(|part| part.intersect(window));
    stretches.extend(part.map(|slot| Stretch {
        slot,
        booking: Some(held.booking),
        kind,
        evidence: Evidence::CheckIn,
    }));
}

/// Returns what of sessions lies in an ascending, disjoint list.
pub(super) fn within(sessions: &[Stretch], slots: &[Slot]) -> Vec<Stretch> {
    sessions
        .iter()
        .flat_map(|session| {
            let parts = intersected(&[session.slot], slots);
            parts.into_iter().map(|slot| Stretch { slot, ..*session })
        })
        .collect()
}
