//! The instants of civil times: what a wall clock will show is turned into UTC.
//!
//! Clocks skip civil times and repeat others, so every function here says what it makes of those.
//! The reverse direction, which has no such question, is `wall`.

use chrono::{NaiveDate, NaiveDateTime, NaiveTime, TimeDelta, TimeZone};
use chrono_tz::Tz;

use crate::time::{Micros, Span};

/// Longest gap that is searched for the next or the previous civil time that exists, in minutes.
/// The longest known gap within a day is the three hours of Russia's 1919 decree; whole-day jumps
/// (Samoa 2011) are covered because the search goes on for more than a day.
const GAP_MINUTES_MAX: u32 = 26 * 60;

/// Which of two instants with the same civil time is meant when clocks go back.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Fold {
    /// The earlier: something begins.
    First,
    /// The later: something ends.
    Last,
}

/// Returns the instant of a civil minute counted from the midnight of a date; beyond 1440 it lies
/// on a later date. A civil time that clocks skip means the first instant after the gap.
pub(crate) fn of_minute(date: NaiveDate, minute: u16, zone: Tz, fold: Fold) -> Option<Micros> {
    let midnight = date.and_time(NaiveTime::MIN);
    let wanted = midnight.checked_add_signed(TimeDelta::minutes(minute.into()))?;
    (0..=GAP_MINUTES_MAX).find_map(|skipped| {
        let shown = wanted.checked_add_signed(TimeDelta::minutes(skipped.into()))?;
        exact(shown, zone, fold)
    })
}

/// Returns the instant of a civil time as RFC 5545, section 3.3.5, reads it: the first of two; one
/// that clocks skip is reckoned with the offset from before the gap, so it lies as far after the
/// gap's begin as the time that was asked for.
pub(crate) fn of_civil(wanted: NaiveDateTime, zone: Tz) -> Option<Micros> {
    (0..=GAP_MINUTES_MAX).find_map(|back| {
        let shown = wanted.checked_sub_signed(TimeDelta::minutes(back.into()))?;
        let fold = if back == 0 { Fold::First } else { Fold::Last };
        Some(exact(shown, zone, fold)? + Span::minutes(back))
    })
}

/// Returns the instant at which clocks show this, if they ever do.
fn exact(shown: NaiveDateTime, zone: Tz, fold: Fold) -> Option<Micros> {
    let found = zone.from_local_datetime(&shown);
    let instant = match fold {
        Fold::First => found.earliest(),
        Fold::Last => found.latest(),
    };
    instant.map(|instant| Micros::new(instant.timestamp_micros()))
}
