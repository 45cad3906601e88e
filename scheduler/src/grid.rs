//! Grids: the instants at which bookings may begin and end, counted from civil midnight.
//!
//! An instant is on a grid when the wall clock shows so; where clocks jump over a grid point
//! there is none, and where they go back it comes twice. Outside the years 0 to 9999 there is none.

use chrono_tz::Tz;

use crate::slot::Slot;
use crate::time::{DAY_US, MINUTE_US, Micros, Span};
use crate::wall::{is_known, offset_us, stretches};

/// Minutes of a civil day without a transition.
const DAY_MINUTES: u32 = 24 * 60;

/// Returns true if the instant lies on the grid of so many minutes counted from civil midnight.
/// A grid of 0 has only the midnights.
#[must_use]
pub fn is_aligned(instant: Micros, zone: Tz, grid_minutes: u32) -> bool {
    let day_us = day_us(instant, offset_us(zone, instant));
    is_known(instant) && (day_us == 0 || (grid_minutes != 0 && day_us % step_us(grid_minutes) == 0))
}

/// Returns the grid whose points are on all of several grids: 1 to 1440 minutes, 1440 when they
/// share only the midnights. Without any, every minute.
#[must_use]
pub fn overlaid(grids_minutes: &[u32]) -> u32 {
    grids_minutes.iter().fold(1, |all, &grid| {
        let grid = if grid == 0 {
            DAY_MINUTES
        } else {
            grid.min(DAY_MINUTES)
        };
        (all / common_divisor(all, grid) * grid).min(DAY_MINUTES)
    })
}

fn common_divisor(a: u32, b: u32) -> u32 {
    if b == 0 { a } else { common_divisor(b, a % b) }
}

/// Returns the first instant at or after the given one that lies on the grid, or nothing at the
/// end of representable time.
#[must_use]
pub fn align_up(from: Micros, zone: Tz, grid_minutes: u32) -> Option<Micros> {
    // The next midnight is on every grid, and clocks that jump over one show the day after.
    let window = Slot::new(from, from + Span::days(4)).filter(|_| is_known(from))?;
    let step = step_us(grid_minutes.clamp(1, DAY_MINUTES));
    stretches(zone, window).find_map(|stretch| {
        let past = day_us(stretch.slot.start(), stretch.offset_us);
        let next = (past + step - 1) / step * step;
        let wait = Span::new(next.min(DAY_US) - past)?;
        let point = stretch.slot.start() + wait;
        (is_known(point) && stretch.slot.contains(point)).then_some(point)
    })
}

/// Returns the earliest slot of a length within a window whose begin and end both lie on the grid.
///
/// When the length does not suit the grid, each day of begins within the window costs a few zone
/// lookups: bound it to months.
#[must_use]
pub fn first_aligned(window: Slot, zone: Tz, grid_minutes: u32, length: Span) -> Option<Slot> {
    let mut from = window.start();
    loop {
        let start = align_up(from, zone, grid_minutes)?;
        let slot = Slot::new(start, start + length)?;
        if slot.len() != length || !window.covers(slot) {
            return None;
        }
        if is_aligned(slot.end(), zone, grid_minutes) {
            return Some(slot);
        }
        // Until begin or end meets a midnight or another offset, only the length decides whether
        // the end lies on the grid when the begin does.
        let begin_turns = next_turn(start, zone)?;
        let end_turns = next_turn(slot.end(), zone)?;
        from = begin_turns.min(end_turns.saturating_sub(length));
    }
}

/// Returns the first instant after the given one that is a civil midnight or has another offset.
fn next_turn(after: Micros, zone: Tz) -> Option<Micros> {
    let stretch = stretches(zone, Slot::new(after, after + Span::days(2))?).next()?;
    let to_midnight = Span::new(DAY_US - day_us(after, stretch.offset_us))?;
    Some(stretch.slot.end().min(after + to_midnight))
}

/// Returns the civil time of day in microseconds.
fn day_us(instant: Micros, offset_us: i64) -> i64 {
    instant.get().saturating_add(offset_us).rem_euclid(DAY_US)
}

fn step_us(grid_minutes: u32) -> i64 {
    i64::from(grid_minutes) * MINUTE_US
}

#[cfg(test)]
mod tests;
