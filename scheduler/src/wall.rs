//! The clock on the wall: offsets of an IANA zone over stretches of UTC.
//!
//! Here UTC is turned into what the wall clock shows, never the reverse: so no question arises
//! about local times that come twice or not at all.

use chrono::{DateTime, NaiveDateTime, Offset, TimeDelta, TimeZone};
use chrono_tz::Tz;

use crate::slot::Slot;
use crate::time::{DAY_US, Micros};

/// The farthest moments whose offset is looked up: years 0 and 9999. Beyond, theirs holds.
const LOOKUP_MIN_US: i64 = -62_167_219_200_000_000;
const LOOKUP_MAX_US: i64 = 253_402_300_799_000_000;
/// Bound of one stretch, so that a caller who stops early has not paid for the whole window.
const STRETCH_MAX_US: i64 = 32 * DAY_US;

/// Returns whether calendars are followed at this instant.
pub(crate) fn is_known(at: Micros) -> bool {
    (LOOKUP_MIN_US..=LOOKUP_MAX_US).contains(&at.get())
}

/// A piece of time over which the zone keeps one offset.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Stretch {
    /// When, in UTC.
    pub(crate) slot: Slot,
    /// Wall clock minus UTC, microseconds.
    pub(crate) offset_us: i64,
}

/// Returns wall clock minus UTC in microseconds.
pub(crate) fn offset_us(zone: Tz, at: Micros) -> i64 {
    let us = at.get().clamp(LOOKUP_MIN_US, LOOKUP_MAX_US);
    let utc = DateTime::from_timestamp_micros(us)
        .expect("years 0 to 9999 are inside chrono's range")
        .naive_utc();
    i64::from(zone.offset_from_utc_datetime(&utc).fix().local_minus_utc()) * 1_000_000
}

/// Returns what the wall clock shows, in the years 0 to 9999.
pub(crate) fn civil(at: Micros, zone: Tz) -> Option<NaiveDateTime> {
    let utc = DateTime::from_timestamp_micros(at.get()).filter(|_| is_known(at))?;
    utc.naive_utc()
        .checked_add_signed(TimeDelta::microseconds(offset_us(zone, at)))
}

/// Cuts a window into stretches of constant offset, in order, covering it without a hole.
///
/// Offsets are looked up once a day and a difference is narrowed to the instant. No zone has two
/// changes within a day that could cancel each other unseen: from 1970 to 2037 the closest two of
/// all zones lie 165 hours apart (time-zone data of chrono-tz 0.10.4, walked in steps of 3 hours).
pub(crate) fn stretches(zone: Tz, window: Slot) -> impl Iterator<Item = Stretch> {
    let mut rest = Some(window);
    std::iter::from_fn(move || {
        let window = rest?;
        let offset_us = offset_us(zone, window.start());
        let end = stretch_end(zone, window, offset_us);
        rest = Slot::new(end, window.end());
        Slot::new(window.start(), end).map(|slot| Stretch { slot, offset_us })
    })
}

/// Returns where the stretch ends that starts the window with this offset.
fn stretch_end(zone: Tz, window: Slot, offset: i64) -> Micros {
    let end = window
        .end()
        .get()
        .min(window.start().get().saturating_add(STRETCH_MAX_US));
    let mut same = window.start().get();
    while same < end {
        let probe = same.saturating_add(DAY_US).min(end);
        if offset_us(zone, Micros::new(probe)) != offset {
            return first_change(zone, offset, same, probe);
        }
        same = probe;
    }
    Micros::new(end)
}

/// Returns the change between a moment with this offset and a later one without it.
fn first_change(zone: Tz, offset: i64, mut same: i64, mut changed: i64) -> Micros {
    while changed - same > 1 {
        let middle = same + (changed - same) / 2;
        if offset_us(zone, Micros::new(middle)) == offset {
            same = middle;
        } else {
            changed = middle;
        }
    }
    Micros::new(changed)
}
