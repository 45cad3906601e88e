//! Opening hours in a zone, right across daylight-saving transitions.
//!
//! An [`Opening`] is a [`Weekly`] with its [`Exception`]s and [`Holidays`]. Of each civil day the
//! last listed exception counts; without one, the public holiday; without one, the weekday.
//!
//! What opens at a civil time that clocks repeat opens at the first, what closes there closes at
//! the second; a civil time that clocks skip means the first instant after the gap. So a day open
//! `00:00-24:00` is open for all of its 23 or 25 hours. Outside the years 0 to 9999 all is closed,
//! except for hours without any closed minute.

mod exception;
mod holidays;
mod weekly;

use chrono::{Datelike, Days, NaiveDate};
use chrono_tz::Tz;

pub use exception::Exception;
pub use holidays::{Holidays, PublicDay, PublicDayKind};
pub use weekly::{DAY_MINUTES, DayHours, Hours, Weekly};
pub(crate) use weekly::{days_of, weekdays_of};

use crate::instant::{Fold, of_minute};
use crate::slot::{Slot, intersected, merged};
use crate::time::{Micros, Span};
use crate::wall::civil;

/// How far weekly hours are followed to learn whether they suit, in days: they repeat every week,
/// and no transition spoils two weeks running.
const REPEAT_DAYS: u32 = 15;

/// How far a begin is looked for where days differ by date, in days: beyond the longest public
/// holiday and a summer's closure.
const DATED_SEARCH_DAYS: u32 = 60;

/// The longest slot that is followed day by day, in days: more than the longest booking that a
/// rule can allow.
pub(crate) const FOLLOWED_DAYS: u32 = 400;

const MONDAY: u8 = 1;

/// When an instrument is open.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Opening {
    /// The hours of a usual week.
    pub weekly: Weekly,
    /// Days with other hours; of several that hold on one day, the last listed counts.
    pub exceptions: Vec<Exception>,
    /// Which public holidays are kept.
    pub holidays: Holidays,
}

/// Hours that are the same every week.
impl From<Weekly> for Opening {
    fn from(weekly: Weekly) -> Self {
        Self {
            weekly,
            ..Self::default()
        }
    }
}

impl Opening {
    /// Returns true if no minute is ever closed, as far as can be told without looking at a date.
    #[must_use]
    pub fn is_always_open(&self) -> bool {
        !self.is_dated() && self.weekly.is_always_open()
    }

    /// Returns true if weeks may differ.
    fn is_dated(&self) -> bool {
        !self.exceptions.is_empty() || self.holidays != Holidays::None
    }

    /// Returns the open hours of a civil day, in no order. They may overlap.
    fn hours_on(&self, date: NaiveDate) -> impl Iterator<Item = Hours> {
        let weekday = MONDAY << date.weekday().num_days_from_monday();
        let exception = self.exceptions.iter().rev().find(|e| e.holds_on(date));
        let public = self.holidays.on(date).map(|day| day.kind);
        let days = match (exception, public) {
            (Some(_), _) | (None, Some(PublicDayKind::Holiday)) => 0,
            // No notice says which weekday is made up for.
            (None, Some(PublicDayKind::MakeUpWork)) => MONDAY,
            (None, None) => weekday,
        };
        let other = exception.map_or(&[][..], Exception::hours);
        other.iter().copied().chain(self.weekly.on(days))
    }

    /// Returns when it is open within a window: ascending, disjoint, joined.
    fn intervals(&self, zone: Tz, window: Slot) -> Vec<Slot> {
        if self.is_always_open() {
            return vec![window];
        }
        let (Some(first), Some(last)) = (civil(window.start(), zone), civil(window.end(), zone))
        else {
            return Vec::new();
        };
        let first = first.date().pred_opt().unwrap_or(NaiveDate::MIN);
        let mut slots = Vec::new();
        for date in first.iter_days().take_while(|date| *date <= last.date()) {
            for hours in self.hours_on(date) {
                let from = of_minute(date, hours.from_minute(), zone, Fold::First);
                // 24:00 is where the next day begins, also when that repeats its first hour.
                let ends_day = hours.to_minute() == DAY_MINUTES;
                let to_fold = if ends_day { Fold::First } else { Fold::Last };
                let to = of_minute(date, hours.to_minute(), zone, to_fold);
                if let (Some(from), Some(to)) = (from, to) {
                    slots.extend(Slot::new(from, to).and_then(|slot| slot.intersect(window)));
                }
            }
        }
        merged(slots)
    }
}

/// Returns when all of several openings are open within a window: ascending, disjoint, joined
/// across midnight. Without any, everything is open. Costs a few zone lookups for each day and
/// entry: for windows of months.
#[must_use]
pub fn open_intervals(hours: &[Opening], zone: Tz, window: Slot) -> Vec<Slot> {
    hours.iter().fold(vec![window], |open, opening| {
        intersected(&open, &opening.intervals(zone, window))
    })
}

/// Returns true if every instant of the slot is open. With exceptions or holidays, a slot beyond
/// 400 days is not; the cost does not grow beyond that.
#[must_use]
pub fn is_open(opening: &Opening, zone: Tz, slot: Slot) -> bool {
    if opening.is_always_open() {
        return true;
    }
    slot.len() <= longest_open(opening) && opening.intervals(zone, slot) == [slot]
}

/// Returns the first instant at or after `from` where a stretch of open time of this length
/// begins, within 15 days, or within 60 days with exceptions or holidays.
#[must_use]
pub fn first_open_start(opening: &Opening, zone: Tz, from: Micros, length: Span) -> Option<Micros> {
    if opening.is_always_open() {
        return Some(from);
    }
    if length > longest_open(opening) {
        return None;
    }
    let latest = from
        + Span::days(if opening.is_dated() {
            DATED_SEARCH_DAYS
        } else {
            REPEAT_DAYS
        });
    let open = opening.intervals(zone, Slot::new(from, latest + length)?);
    let start = open.iter().find(|open| open.len() >= length)?.start();
    (start <= latest).then_some(start)
}

/// Returns the length beyond which nothing that is closed now and then is taken for open.
fn longest_open(opening: &Opening) -> Span {
    // A week that is closed now and then is not open for two weeks on end, but an exception may
    // open it for longer.
    Span::days(if opening.is_dated() {
        FOLLOWED_DAYS
    } else {
        REPEAT_DAYS
    })
}

/// Returns the civil day of an instant in a zone as the slot from midnight to midnight, 23 to 25
/// hours long where clocks change.
#[must_use]
pub fn day_of(instant: Micros, zone: Tz) -> Option<Slot> {
    let date = civil(instant, zone)?.date();
    let next = date.checked_add_days(Days::new(1))?;
    Slot::new(
        of_minute(date, 0, zone, Fold::First)?,
        of_minute(next, 0, zone, Fold::First)?,
    )
}

#[cfg(test)]
mod tests;
