//! Series of bookings: a part of RFC 5545's recurrence rules, on civil dates.
//!
//! What comes in: a rule as text (`FREQ=WEEKLY;BYDAY=MO,WE;COUNT=10`) and the first slot. What goes
//! out: the slots of the series. Understood are `FREQ` (`DAILY`, `WEEKLY`, `MONTHLY`), `INTERVAL`,
//! `BYDAY` (in months with ordinals: `2TU`, `-1FR`), `BYMONTHDAY` (also from the end), `COUNT`,
//! `UNTIL`, `WKST` and an `EXDATE` line; anything else is refused by name, never ignored.
//!
//! How RFC 5545 is read where it leaves room:
//! - Every occurrence begins at the civil time of the first slot. A civil time that clocks skip is
//!   reckoned with the offset from before the gap, of one that comes twice the first is meant
//!   (section 3.3.5). Where a zone left out a whole day, two occurrences may fall on one instant:
//!   they are one slot, but two for `COUNT`.
//! - Every occurrence is exactly as long as the first slot, also across a transition, as section
//!   3.8.5.3 has it for events with an end: an eight-hour night stays one of eight hours.
//! - The first slot is part of the series only if it matches the rule, as in python's `dateutil`.
//! - `COUNT` counts before `EXDATE` takes away.
//! - `UNTIL` as a date includes all of that civil day; in UTC it includes its instant.
//! - An `EXDATE` in UTC or in civil time takes away what begins at that instant, as a date what
//!   begins on that civil day.
//! - `BYDAY=MO,2TU` is every Monday and every second Tuesday. With `BYMONTHDAY`, `BYDAY` narrows.

mod text;

use std::collections::BTreeSet;

use chrono::{Datelike, Months, NaiveDate, NaiveDateTime, Weekday};
use chrono_tz::Tz;

pub use text::RecurrenceFault;

use crate::instant::of_civil;
use crate::slot::Slot;
use crate::time::Micros;
use crate::wall::civil;

/// A rule by which a slot repeats.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recurrence {
    frequency: Frequency,
    /// 1 to 1000 days, weeks or months.
    interval: u32,
    by_day: Vec<RuleDay>,
    /// 1 to 31, or -1 to -31 from the end.
    by_month_day: Vec<i8>,
    end: End,
    week_start: Weekday,
    excluded: Vec<Excluded>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Frequency {
    Daily,
    Weekly,
    Monthly,
}

/// A weekday, or the n-th of a month: 1 to 5, or -1 to -5 from the end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct RuleDay {
    ordinal: Option<i8>,
    weekday: Weekday,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End {
    Never,
    Count(u32),
    UntilDate(NaiveDate),
    UntilUtc(NaiveDateTime),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Excluded {
    Utc(NaiveDateTime),
    Civil(NaiveDateTime),
    Date(NaiveDate),
}

/// How far a series is followed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bound {
    slots: usize,
    years: u32,
}

impl Bound {
    /// Most slots of a series.
    pub const SLOTS_MAX: usize = 400;
    /// Most years from the first slot to the last begin.
    pub const YEARS_MAX: u32 = 5;
    /// The farthest a series is ever followed.
    pub const MAX: Self = Self {
        slots: Self::SLOTS_MAX,
        years: Self::YEARS_MAX,
    };

    /// Returns a bound, at most [`Bound::MAX`].
    #[must_use]
    pub fn new(slots: usize, years: u32) -> Self {
        Self {
            slots: slots.min(Self::SLOTS_MAX),
            years: years.min(Self::YEARS_MAX),
        }
    }

    /// Returns the most slots.
    #[must_use]
    pub fn slots(self) -> usize {
        self.slots
    }

    /// Returns the most years from the first slot to the last begin.
    #[must_use]
    pub fn years(self) -> u32 {
        self.years
    }
}

/// The slots of a series.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Occurrences {
    /// Ascending by begin, each begin once; they overlap if the slot is longer than its period.
    pub slots: Vec<Slot>,
    /// True if the series ends here by its own `COUNT` or `UNTIL`, false if the bound cut it.
    pub is_complete: bool,
}

impl Recurrence {
    /// Returns whether the rule never ends by itself.
    #[must_use]
    pub fn is_endless(&self) -> bool {
        self.end == End::Never
    }

    /// Returns the slots of the series whose first slot is given, up to the bound.
    ///
    /// Looks at each day of the bound's years once: at most 1,827. A first slot outside the years 0
    /// to 9999 has no series.
    #[must_use]
    pub fn occurrences(&self, first: Slot, zone: Tz, bound: Bound) -> Occurrences {
        let mut series = Occurrences {
            slots: Vec::new(),
            is_complete: false,
        };
        let Some(start) = civil(first.start(), zone) else {
            return series;
        };
        let end = start
            .date()
            .checked_add_months(Months::new(12 * bound.years));
        let end = end.unwrap_or(NaiveDate::MAX);
        let dates = start.date().iter_days().take_while(|date| *date < end);
        let excluded = self.excluded_begins(zone);
        let mut counted = 0;
        for date in dates.filter(|date| self.falls_on(*date, start.date())) {
            // The first slot keeps its begin, also where clocks show that time twice.
            let begin = if date == start.date() {
                Some(first.start())
            } else {
                of_civil(date.and_time(start.time()), zone)
            };
            let slot = begin.and_then(|begin| Slot::new(begin, begin + first.len()));
            let Some(slot) = slot.filter(|slot| slot.len() == first.len()) else {
                return series;
            };
            series.is_complete = self.is_over(date, slot.start(), counted);
            if series.is_complete {
                return series;
            }
            counted += 1;
            let is_excluded =
                excluded.contains(&slot.start()) || self.excluded.contains(&Excluded::Date(date));
            if is_excluded || series.slots.last() == Some(&slot) {
                continue;
            }
            if series.slots.len() >= bound.slots {
                return series;
            }
            series.slots.push(slot);
        }
        series.is_complete = match self.end {
            End::Never => false,
            End::Count(count) => counted >= count,
            End::UntilDate(last) => last < end,
            End::UntilUtc(last) => civil(micros(last), zone).is_some_and(|last| last.date() < end),
        };
        series
    }

    /// Returns whether the series has ended before a candidate, with so many counted before it.
    fn is_over(&self, date: NaiveDate, begin: Micros, counted: u32) -> bool {
        match self.end {
            End::Never => false,
            End::Count(count) => counted >= count,
            End::UntilDate(last) => date > last,
            End::UntilUtc(last) => begin > micros(last),
        }
    }

    fn excluded_begins(&self, zone: Tz) -> BTreeSet<Micros> {
        let begin = |excluded: &Excluded| match excluded {
            Excluded::Utc(at) => Some(micros(*at)),
            Excluded::Civil(at) => of_civil(*at, zone),
            Excluded::Date(_) => None,
        };
        self.excluded.iter().filter_map(begin).collect()
    }

    /// Returns whether an occurrence falls on a day, when the first slot begins on another.
    fn falls_on(&self, date: NaiveDate, start: NaiveDate) -> bool {
        let periods = match self.frequency {
            Frequency::Daily => date.num_days_from_ce() - start.num_days_from_ce(),
            Frequency::Weekly => self.week(date) - self.week(start),
            Frequency::Monthly => month(date) - month(start),
        };
        u32::try_from(periods).is_ok_and(|periods| periods.is_multiple_of(self.interval.max(1)))
            && self.is_day_of_rule(date, start)
    }

    fn is_day_of_rule(&self, date: NaiveDate, start: NaiveDate) -> bool {
        let days = self.by_day.is_empty() || self.by_day.iter().any(|day| day.is(date));
        let month_days = self.by_month_day.is_empty()
            || self.by_month_day.iter().any(|day| is_month_day(date, *day));
        let named = !self.by_day.is_empty() || !self.by_month_day.is_empty();
        let like_the_first = match self.frequency {
            Frequency::Daily => true,
            Frequency::Weekly => named || date.weekday() == start.weekday(),
            Frequency::Monthly => named || date.day() == start.day(),
        };
        days && month_days && like_the_first
    }

    /// Returns the number of the week of a day, weeks beginning at `WKST`.
    fn week(&self, date: NaiveDate) -> i32 {
        let into_week = date.weekday().days_since(self.week_start);
        (date.num_days_from_ce() - i32::try_from(into_week).unwrap_or_default()).div_euclid(7)
    }
}

impl RuleDay {
    fn is(self, date: NaiveDate) -> bool {
        let from_start = (date.day() - 1) / 7 + 1;
        let from_end = (days_in_month(date) - date.day()) / 7 + 1;
        date.weekday() == self.weekday
            && self.ordinal.is_none_or(|ordinal| {
                let number = u32::from(ordinal.unsigned_abs());
                number == if ordinal > 0 { from_start } else { from_end }
            })
    }
}

fn is_month_day(date: NaiveDate, wanted: i8) -> bool {
    let number = u32::from(wanted.unsigned_abs());
    if wanted > 0 {
        date.day() == number
    } else {
        date.day() + number == days_in_month(date) + 1
    }
}

fn days_in_month(date: NaiveDate) -> u32 {
    u32::from(date.num_days_in_month())
}

/// Returns the number of the month since the year 0.
fn month(date: NaiveDate) -> i32 {
    date.year() * 12 + i32::try_from(date.month0()).unwrap_or_default()
}

fn micros(utc: NaiveDateTime) -> Micros {
    Micros::new(utc.and_utc().timestamp_micros())
}

#[cfg(test)]
mod tests;
