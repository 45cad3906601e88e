//! The next slots that would pass.

use chrono_tz::Tz;

use crate::blocks::{first_run, is_made_of_blocks};
use crate::calendar::open_intervals;
use crate::facts::BookingFacts;
use crate::grid::{align_up, first_aligned, is_aligned, overlaid};
use crate::occupancy::Occupancy;
use crate::policy::{Buffers, InForce, Policy};
use crate::rules::{Case, Retry};
use crate::slot::{Slot, intersected};
use crate::time::{Micros, Span};

/// Most begins that are judged: bounds what a wish costs that no begin cures for months.
const BEGINS_MAX: usize = 20_000;

/// Returns up to `count` slots of a length that begin at or after `from`, end by `until`, are
/// accepted with these facts (but their slot) and find their claim free, ascending and not
/// overlapping; the first is the earliest there is, each further one the earliest after it. Where
/// no rule sets a grid, slots begin at whole minutes. Where rules set blocks, a slot is a run of
/// whole blocks that is at least as long as asked, of those with the earliest begin the shortest.
/// Looks at no more than 20,000 begins on the
/// grid within open and free time.
/// Costs a few zone lookups for each day between `from` and `until`: bound it to months.
#[must_use]
pub fn next_free(
    occupancy: &Occupancy,
    policy: &Policy,
    facts: &BookingFacts<'_>,
    (from, until): (Micros, Micros),
    length: Span,
    count: usize,
) -> Vec<Slot> {
    let case = Case::new(policy, facts);
    let rules = &case.in_force;
    let last_begin = rules.horizon.map_or(until, |horizon| facts.now + horizon);
    // A run of blocks may be longer than asked, so its begin alone is held against the horizon.
    let last_end = if rules.blocks.is_empty() {
        last_begin + length
    } else {
        until
    };
    let Some(window) = Slot::new(from.max(facts.now), until.min(last_end)) else {
        return Vec::new();
    };
    if length == Span::default() {
        return Vec::new();
    }
    let open = open_intervals(&rules.opening, facts.zone, window);
    let gaps = intersected(&open, &usable(occupancy, window, rules.buffers));
    let mut found: Vec<Slot> = Vec::new();
    let mut earliest = window.start();
    let mut begins = 0;
    for gap in gaps {
        while let Some(slot) = Slot::new(gap.start().max(earliest), gap.end())
            .and_then(|rest| first_in(rest, facts.zone, rules, last_begin, length))
        {
            if found.len() == count || begins == BEGINS_MAX {
                return found;
            }
            begins += 1;
            earliest = match case.retry(slot) {
                None => {
                    found.push(slot);
                    slot.end()
                }
                Some(Retry::From(begin)) => begin.max(right_after(slot.start())),
                Some(Retry::Never) => return found,
            };
        }
    }
    found
}

fn right_after(instant: Micros) -> Micros {
    Micros::new(instant.get().saturating_add(1))
}

/// Returns the free time of a window without what set-up and clean-up would need of it.
fn usable(occupancy: &Occupancy, window: Slot, buffers: Buffers) -> Vec<Slot> {
    let free = occupancy.free(buffers.claim(window));
    let inside = |gap: Slot| {
        let end = gap.end().saturating_sub(buffers.cleanup);
        Slot::new(gap.start() + buffers.setup, end)
    };
    free.into_iter().filter_map(inside).collect()
}

/// Returns the first slot in a gap that lies on the grids and is made of blocks.
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
