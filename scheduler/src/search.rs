//! The next slots that would pass.

use chrono_tz::Tz;

use crate::calendar::{align_up, is_aligned, open_intervals};
use crate::occupancy::Occupancy;
use crate::policy::Policy;
use crate::slot::{Slot, intersected};
use crate::time::{Micros, Span};

/// Returns up to `count` slots of a length that begin at or after `from`, end by `until`, lie
/// within the rules and are free, ascending and not overlapping; the first is the earliest there
/// is. `now` is the time of the judgement. None when no rule-abiding slot has this length.
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
    let Some(window) = Slot::new(from.max(now), until) else {
        return Vec::new();
    };
    if too_short || too_long || length.get() == 0 {
        return Vec::new();
    }
    let latest_start = rules.horizon.map(|horizon| now.saturating_add(horizon));
    let open = open_intervals(&rules.opening, zone, window);
    let gaps: Vec<Slot> = occupancy
        .free_by_lane(window)
        .iter()
        .flat_map(|lane| intersected(&open, lane))
        .collect();
    let mut found: Vec<Slot> = Vec::new();
    let mut earliest = window.start();
    while found.len() < count {
        let candidates = gaps
            .iter()
            .filter_map(|gap| first_in(*gap, earliest, zone, &rules.grids_minutes, length));
        let Some(slot) = candidates.min() else { break };
        if latest_start.is_some_and(|latest| slot.start() > latest) {
            break;
        }
        earliest = slot.end();
        found.push(slot);
    }
    found
}

/// Returns the first slot in a gap at or after an instant whose begin and end lie on the grids.
fn first_in(gap: Slot, earliest: Micros, zone: Tz, grids: &[u32], length: Span) -> Option<Slot> {
    let mut start = gap.start().max(earliest);
    loop {
        start = align_up(start, zone, grids)?;
        let slot = Slot::new(start, start.saturating_add(length))?;
        if !gap.covers(slot) {
            return None;
        }
        if grids.iter().all(|grid| is_aligned(slot.end(), zone, *grid)) {
            return Some(slot);
        }
        start = Micros::new(start.get() + 1);
    }
}
