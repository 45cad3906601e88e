//! The next slots that would pass.

use chrono_tz::Tz;

use crate::calendar::open_intervals;
use crate::grid::{align_up, first_aligned, overlaid};
use crate::occupancy::Occupancy;
use crate::policy::Policy;
use crate::slot::{Slot, intersected};
use crate::time::{Micros, Span};

/// Returns up to `count` slots of a length that begin at or after `from`, end by `until`, lie
/// within the rules and are free, ascending and not overlapping; the first is the earliest there
/// is, each further one the earliest after it. Where no rule sets a grid, slots begin at whole
/// minutes. `now` is the time of the judgement. None when no rule-abiding slot has this length.
/// Costs a few zone lookups for each day between `from` and `until`: bound it to months.
#[must_use]
pub fn next_free(
    occupancy: &Occupancy,
    policy: &Policy,
    zone: Tz,
    now: Micros,
    (from, until): (Micros, Micros),
    length: Span,
    count: usize,
) -> Vec<Slot> {
    let rules = policy.in_force();
    let too_short = rules.shortest.is_some_and(|shortest| length < shortest);
    let too_long = rules.longest.is_some_and(|longest| length > longest);
    let last_begin = rules.horizon.map_or(until, |horizon| now + horizon);
    let Some(window) = Slot::new(from.max(now), until.min(last_begin + length)) else {
        return Vec::new();
    };
    if too_short || too_long || length.get() == 0 {
        return Vec::new();
    }
    let open = open_intervals(&rules.opening, zone, window);
    let gaps = intersected(&open, &occupancy.free(window));
    let mut found: Vec<Slot> = Vec::new();
    for gap in gaps {
        let mut rest = Some(gap);
        while let Some(slot) =
            rest.and_then(|rest| first_in(rest, zone, &rules.grids_minutes, length))
        {
            if found.len() == count {
                return found;
            }
            rest = Slot::new(slot.end(), gap.end());
            found.push(slot);
        }
    }
    found
}

/// Returns the first slot in a gap whose begin and end lie on the grids; without grids, the first
/// that begins at a whole minute.
fn first_in(gap: Slot, zone: Tz, grids_minutes: &[u32], length: Span) -> Option<Slot> {
    let grid = overlaid(grids_minutes);
    if grids_minutes.is_empty() {
        let begin = align_up(gap.start(), zone, grid)?;
        return Slot::new(begin, begin + length).filter(|slot| gap.covers(*slot));
    }
    first_aligned(gap, zone, grid, length)
}

#[cfg(test)]
mod tests;
