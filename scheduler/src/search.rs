//! The next slots that would pass.

use chrono_tz::Tz;

use crate::blocks::{first_run, is_made_of_blocks};
use crate::calendar::open_intervals;
use crate::grid::{align_up, first_aligned, is_aligned, overlaid};
use crate::occupancy::Occupancy;
use crate::policy::{InForce, Policy};
use crate::slot::{Slot, intersected};
use crate::time::{Micros, Span};

/// Returns up to `count` slots of a length that begin at or after `from`, end by `until`, lie
/// within the rules and are free, ascending and not overlapping; the first is the earliest there
/// is, each further one the earliest after it. Where no rule sets a grid, slots begin at whole
/// minutes. Where rules set blocks, a slot is a run of whole blocks that is at least as long as
/// asked, of those with the earliest begin the shortest. `now` is the time of the judgement. None when no rule-abiding slot has this length.
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
    // A run of blocks may be longer than asked, so its begin alone is held against the horizon.
    let last_end = if rules.blocks.is_empty() {
        last_begin + length
    } else {
        until
    };
    let Some(window) = Slot::new(from.max(now), until.min(last_end)) else {
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
            rest.and_then(|rest| first_in(rest, zone, &rules, last_begin, length))
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

/// Returns the first slot in a gap that the rules allow, apart from opening hours.
fn first_in(
    gap: Slot,
    zone: Tz,
    rules: &InForce,
    last_begin: Micros,
    length: Span,
) -> Option<Slot> {
    let grids = &rules.grids_minutes;
    let Some((blocks, others)) = rules.blocks.split_first() else {
        return first_on_grids(gap, zone, grids, length);
    };
    let on_grids = |at| grids.iter().all(|grid| is_aligned(at, zone, *grid));
    first_run(blocks, zone, gap, length, |run| {
        run.start() <= last_begin
            && rules.longest.is_none_or(|longest| run.len() <= longest)
            && on_grids(run.start())
            && on_grids(run.end())
            && others
                .iter()
                .all(|other| is_made_of_blocks(other, zone, run))
    })
}

/// Returns the first slot in a gap whose begin and end lie on the grids; without grids, the first
/// that begins at a whole minute.
fn first_on_grids(gap: Slot, zone: Tz, grids_minutes: &[u32], length: Span) -> Option<Slot> {
    let grid = overlaid(grids_minutes);
    if grids_minutes.is_empty() {
        let begin = align_up(gap.start(), zone, grid)?;
        return Slot::new(begin, begin + length).filter(|slot| gap.covers(*slot));
    }
    first_aligned(gap, zone, grid, length)
}

#[cfg(test)]
mod tests;
