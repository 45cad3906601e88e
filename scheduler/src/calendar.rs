//! Opening hours in a zone, right across daylight-saving transitions.
//!
//! What opens at a civil time that clocks repeat opens at the first, what closes there closes at
//! the second; a civil time that clocks skip means the first instant after the gap. So a day open
//! `00:00-24:00` is open for all of its 23 or 25 hours. Outside the years 0 to 9999 all is closed,
//! except for hours without any closed minute.

use chrono::{Datelike, Days, NaiveDate, NaiveDateTime, NaiveTime, TimeZone};
use chrono_tz::Tz;

use crate::slot::{Slot, intersected, merged};
use crate::time::{Micros, Span};
use crate::wall::civil;

/// Minutes in a civil day without a transition; as an end it means the next midnight.
pub const DAY_MINUTES: u16 = 24 * 60;

/// Longest gap that is searched for the first civil time after it, in minutes. The longest known
/// gap within a day is the three hours of Russia's 1919 decree; whole-day jumps (Samoa 2011) are
/// covered because the search goes on for more than a day.
const GAP_MINUTES_MAX: i64 = 26 * 60;

/// How far hours are followed to learn whether they suit, in days: they repeat every week, and no
/// transition spoils two weeks running.
const REPEAT_DAYS: u32 = 15;

const WEEK_MINUTES: u16 = 7 * DAY_MINUTES;

/// Opening hours of some weekdays.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DayHours {
    /// Monday is bit 0, Sunday bit 6.
    days: u8,
    from_minute: u16,
    to_minute: u16,
}

impl DayHours {
    /// Returns hours from one minute of the civil day to another, on ISO weekdays (Monday 1 to
    /// Sunday 7), or nothing if no day is named, a day is out of range, or not
    /// `from < to <= 24:00`. Hours past midnight are two entries.
    #[must_use]
    pub fn new(weekdays: &[u8], from_minute: u16, to_minute: u16) -> Option<Self> {
        let mut days = 0;
        for day in weekdays {
            days |= 1 << day.checked_sub(1).filter(|day| *day < 7)?;
        }
        (days != 0 && from_minute < to_minute && to_minute <= DAY_MINUTES).then_some(Self {
            days,
            from_minute,
            to_minute,
        })
    }

    /// Returns the ISO weekdays, ascending.
    #[must_use]
    pub fn weekdays(self) -> Vec<u8> {
        (1..=7)
            .filter(|day| self.days & (1 << (day - 1)) != 0)
            .collect()
    }

    /// Returns the first open minute of the day.
    #[must_use]
    pub fn from_minute(self) -> u16 {
        self.from_minute
    }

    /// Returns the first closed minute of the day, up to 1440.
    #[must_use]
    pub fn to_minute(self) -> u16 {
        self.to_minute
    }
}

/// A week's opening hours. Without entries it is always closed.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Weekly(pub Vec<DayHours>);

impl Weekly {
    /// Returns true if no minute of the week is closed.
    #[must_use]
    pub fn is_always_open(&self) -> bool {
        self.ranges() == [(0, WEEK_MINUTES)]
    }

    /// Returns the hours open in both, cut at midnight, days with equal hours in one entry.
    #[must_use]
    pub fn overlaid(&self, other: &Self) -> Self {
        let (ours, theirs) = (self.ranges(), other.ranges());
        let shared = ours.iter().flat_map(|(from, to)| {
            let cut = |(start, end): &(u16, u16)| (*start.max(from), *end.min(to));
            theirs.iter().map(cut).filter(|(from, to)| from < to)
        });
        let mut entries: Vec<DayHours> = Vec::new();
        for (from, to) in shared {
            for day in 0..7 {
                let midnight = day * DAY_MINUTES;
                let (from_minute, to_minute) = (from.max(midnight), to.min(midnight + DAY_MINUTES));
                if from_minute >= to_minute {
                    continue;
                }
                let (from_minute, to_minute) = (from_minute - midnight, to_minute - midnight);
                let same =
                    |e: &&mut DayHours| (e.from_minute, e.to_minute) == (from_minute, to_minute);
                match entries.iter_mut().find(same) {
                    Some(entry) => entry.days |= 1 << day,
                    None => entries.push(DayHours {
                        days: 1 << day,
                        from_minute,
                        to_minute,
                    }),
                }
            }
        }
        Self(entries)
    }

    /// Returns the open minutes of the week `[from, to)`, Monday 00:00 = 0: ascending, joined.
    fn ranges(&self) -> Vec<(u16, u16)> {
        let mut ranges: Vec<(u16, u16)> = Vec::new();
        for hours in &self.0 {
            for day in hours.weekdays() {
                let midnight = u16::from(day - 1) * DAY_MINUTES;
                ranges.push((midnight + hours.from_minute, midnight + hours.to_minute));
            }
        }
        ranges.sort_unstable();
        let mut joined: Vec<(u16, u16)> = Vec::new();
        for (from, to) in ranges {
            match joined.last_mut() {
                Some(last) if last.1 >= from => last.1 = last.1.max(to),
                _ => joined.push((from, to)),
            }
        }
        joined
    }
}

/// Returns when all of several weekly hours are open within a window: ascending, disjoint, joined
/// across midnight. Without any hours everything is open. Costs a few zone lookups for each day
/// and entry: for windows of months.
#[must_use]
pub fn open_intervals(hours: &[Weekly], zone: Tz, window: Slot) -> Vec<Slot> {
    hours.iter().fold(vec![window], |open, weekly| {
        intersected(&open, &weekly_intervals(weekly, zone, window))
    })
}

/// Returns true if every instant of the slot is open. The cost does not grow with the slot beyond
/// two weeks.
#[must_use]
pub fn is_open(weekly: &Weekly, zone: Tz, slot: Slot) -> bool {
    if weekly.is_always_open() {
        return true;
    }
    // What is closed now and then is not open for two weeks on end.
    slot.len() <= Span::days(REPEAT_DAYS) && weekly_intervals(weekly, zone, slot) == [slot]
}

/// Returns the first instant at or after `from` where a stretch of open time of this length
/// begins, within 15 days.
#[must_use]
pub fn first_open_start(weekly: &Weekly, zone: Tz, from: Micros, length: Span) -> Option<Micros> {
    if weekly.is_always_open() {
        return Some(from);
    }
    let search = Span::days(REPEAT_DAYS);
    if length > search {
        return None;
    }
    let latest = from + search;
    let open = weekly_intervals(weekly, zone, Slot::new(from, latest + length)?);
    let start = open.iter().find(|open| open.len() >= length)?.start();
    (start <= latest).then_some(start)
}

fn weekly_intervals(weekly: &Weekly, zone: Tz, window: Slot) -> Vec<Slot> {
    if weekly.is_always_open() {
        return vec![window];
    }
    let (Some(first), Some(last)) = (civil(window.start(), zone), civil(window.end(), zone)) else {
        return Vec::new();
    };
    let first = first.date().pred_opt().unwrap_or(NaiveDate::MIN);
    let mut slots = Vec::new();
    for date in first.iter_days().take_while(|date| *date <= last.date()) {
        let bit = 1u8 << date.weekday().num_days_from_monday();
        for hours in weekly.0.iter().filter(|hours| hours.days & bit != 0) {
            let from = instant_of(date, hours.from_minute, zone, Fold::First);
            // 24:00 is where the next day begins, also when that repeats its first hour.
            let ends_day = hours.to_minute == DAY_MINUTES;
            let to_fold = if ends_day { Fold::First } else { Fold::Last };
            let to = instant_of(date, hours.to_minute, zone, to_fold);
            if let (Some(from), Some(to)) = (from, to) {
                slots.extend(Slot::new(from, to).and_then(|slot| slot.intersect(window)));
            }
        }
    }
    merged(slots)
}

/// Which of two instants with the same civil time is meant when clocks go back.
#[derive(Debug, Clone, Copy)]
enum Fold {
    /// The earlier: something opens.
    First,
    /// The later: something closes.
    Last,
}

/// Returns the instant of a civil minute of a date. A civil time that clocks skip means the first
/// instant after the gap.
fn instant_of(date: NaiveDate, minute: u16, zone: Tz, fold: Fold) -> Option<Micros> {
    let midnight = date.and_time(NaiveTime::MIN);
    let wanted = midnight.checked_add_signed(chrono::TimeDelta::minutes(minute.into()))?;
    instant(wanted, zone, fold)
}

fn instant(wanted: NaiveDateTime, zone: Tz, fold: Fold) -> Option<Micros> {
    (0..=GAP_MINUTES_MAX).find_map(|skipped| {
        let civil = wanted.checked_add_signed(chrono::TimeDelta::minutes(skipped))?;
        let found = zone.from_local_datetime(&civil);
        let instant = match fold {
            Fold::First => found.earliest(),
            Fold::Last => found.latest(),
        };
        instant.map(|instant| Micros::new(instant.timestamp_micros()))
    })
}

/// Returns the civil day of an instant in a zone as the slot from midnight to midnight, 23 to 25
/// hours long where clocks change.
#[must_use]
pub fn day_of(instant: Micros, zone: Tz) -> Option<Slot> {
    let date = civil(instant, zone)?.date();
    let next = date.checked_add_days(Days::new(1))?;
    Slot::new(
        instant_of(date, 0, zone, Fold::First)?,
        instant_of(next, 0, zone, Fold::First)?,
    )
}

#[cfg(test)]
mod tests;
