//! Civil time: opening hours and grids in a zone, right across daylight-saving transitions.

use chrono::{DateTime, Datelike, Days, NaiveDate, NaiveDateTime, NaiveTime, TimeZone, Timelike};
use chrono_tz::Tz;

use crate::slot::{Slot, intersected, merged};
use crate::time::{MINUTE_US, Micros};

/// Minutes in a civil day without a transition; as an end it means the next midnight.
pub const DAY_MINUTES: u16 = 24 * 60;

/// Longest gap that is searched for the first civil time after it, in minutes. The longest known
/// gap within a day is the three hours of Russia's 1919 decree; whole-day jumps (Samoa 2011) are
/// covered because the search goes on for more than a day.
const GAP_MINUTES_MAX: i64 = 26 * 60;

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

/// Returns when all of several weekly hours are open within a window: ascending, disjoint, joined
/// across midnight. Without any hours everything is open.
#[must_use]
pub fn open_intervals(hours: &[Weekly], zone: Tz, window: Slot) -> Vec<Slot> {
    hours.iter().fold(vec![window], |open, weekly| {
        intersected(&open, &weekly_intervals(weekly, zone, window))
    })
}

fn weekly_intervals(weekly: &Weekly, zone: Tz, window: Slot) -> Vec<Slot> {
    let (Some(first), Some(last)) = (civil(window.start(), zone), civil(window.end(), zone)) else {
        return Vec::new();
    };
    let first = first.date().pred_opt().unwrap_or(NaiveDate::MIN);
    let mut slots = Vec::new();
    for date in first.iter_days().take_while(|date| *date <= last.date()) {
        let bit = 1u8 << date.weekday().num_days_from_monday();
        for hours in weekly.0.iter().filter(|hours| hours.days & bit != 0) {
            let from = instant_of(date, hours.from_minute, zone, Fold::First);
            let to = instant_of(date, hours.to_minute, zone, Fold::Last);
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

fn civil(instant: Micros, zone: Tz) -> Option<NaiveDateTime> {
    let utc = DateTime::from_timestamp_micros(instant.get())?;
    Some(utc.with_timezone(&zone).naive_local())
}

/// Returns true if the instant lies on the grid of so many minutes counted from civil midnight.
/// Instants outside representable time do not.
#[must_use]
pub fn is_aligned(instant: Micros, zone: Tz, grid_minutes: u32) -> bool {
    civil(instant, zone).is_some_and(|civil| {
        instant.get().rem_euclid(MINUTE_US) == 0
            && civil.second() == 0
            && (civil.hour() * 60 + civil.minute()).is_multiple_of(grid_minutes)
    })
}

/// Returns the first instant at or after the given one that lies on all grids, each counted from
/// civil midnight, within the next day.
#[must_use]
pub fn align_up(from: Micros, zone: Tz, grids_minutes: &[u32]) -> Option<Micros> {
    let minute = from.get().div_euclid(MINUTE_US);
    let exact = from.get().rem_euclid(MINUTE_US) == 0;
    let first = if exact { minute } else { minute + 1 };
    // Grids divide the day in practice, so the next point is near; two days bound the rest.
    (first..first + 2 * i64::from(DAY_MINUTES))
        .map(|minute| Micros::new(minute.saturating_mul(MINUTE_US)))
        .find(|instant| {
            grids_minutes
                .iter()
                .all(|grid| is_aligned(*instant, zone, *grid))
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
mod tests {
    use super::*;
    use crate::time::HOUR_US;

    fn utc(text: &str) -> Micros {
        Micros::new(
            DateTime::parse_from_rfc3339(text)
                .unwrap()
                .timestamp_micros(),
        )
    }

    fn daily(from_minute: u16, to_minute: u16) -> Vec<Weekly> {
        let days = [1, 2, 3, 4, 5, 6, 7];
        vec![Weekly(vec![
            DayHours::new(&days, from_minute, to_minute).unwrap(),
        ])]
    }

    #[track_caller]
    fn check(hours: &[Weekly], zone: Tz, window: (&str, &str), expected: &[(&str, &str)]) {
        let window = Slot::new(utc(window.0), utc(window.1)).unwrap();
        let expected: Vec<Slot> = expected
            .iter()
            .map(|(from, to)| Slot::new(utc(from), utc(to)).unwrap())
            .collect();
        assert_eq!(open_intervals(hours, zone, window), expected);
    }

    #[test]
    fn a_plain_day_opens_and_closes_in_its_zone() {
        let window = ("2026-11-24T00:00:00+08:00", "2026-11-25T00:00:00+08:00");
        let expected = [("2026-11-24T08:00:00+08:00", "2026-11-24T22:00:00+08:00")];
        check(&daily(480, 1320), Tz::Asia__Shanghai, window, &expected);
        check(&[], Tz::Asia__Shanghai, window, &[window]);
        check(&[Weekly::default()], Tz::Asia__Shanghai, window, &[]);
    }

    #[test]
    fn days_that_touch_at_midnight_are_one_interval() {
        let window = ("2026-11-24T03:00:00+08:00", "2026-11-26T03:00:00+08:00");
        check(&daily(0, 1440), Tz::Asia__Shanghai, window, &[window]);
    }

    #[test]
    fn clocks_that_skip_an_hour_shorten_the_night() {
        // Berlin, 2026-03-29: 02:00 becomes 03:00.
        let window = ("2026-03-29T00:00:00+01:00", "2026-03-30T00:00:00+02:00");
        let expected = [("2026-03-29T03:00:00+02:00", "2026-03-29T04:00:00+02:00")];
        check(&daily(150, 240), Tz::Europe__Berlin, window, &expected);
        check(&daily(130, 170), Tz::Europe__Berlin, window, &[]);
        assert_eq!(
            day_of(utc(window.0), Tz::Europe__Berlin)
                .unwrap()
                .len()
                .get(),
            23 * HOUR_US
        );
    }

    #[test]
    fn clocks_that_repeat_an_hour_keep_it_open_to_the_last() {
        // Berlin, 2026-10-25: 03:00 becomes 02:00.
        let window = ("2026-10-25T00:00:00+02:00", "2026-10-26T00:00:00+01:00");
        let expected = [("2026-10-25T02:30:00+02:00", "2026-10-25T02:45:00+01:00")];
        check(&daily(150, 165), Tz::Europe__Berlin, window, &expected);
        assert_eq!(
            day_of(utc(window.0), Tz::Europe__Berlin)
                .unwrap()
                .len()
                .get(),
            25 * HOUR_US
        );
    }

    #[test]
    fn odd_zones_and_old_laws_are_honoured() {
        // China kept summer time in 1988: 08:00 there was UTC+9.
        let window = ("1988-07-01T00:00:00+09:00", "1988-07-02T00:00:00+09:00");
        let expected = [("1988-07-01T08:00:00+09:00", "1988-07-01T09:00:00+09:00")];
        check(&daily(480, 540), Tz::Asia__Shanghai, window, &expected);
        // Lord Howe's clocks move by half an hour: 2026-10-04 02:00 +10:30 becomes 02:30 +11:00.
        let window = ("2026-10-04T00:00:00+10:30", "2026-10-05T00:00:00+11:00");
        let expected = [("2026-10-04T02:30:00+11:00", "2026-10-04T03:00:00+11:00")];
        check(
            &daily(125, 180),
            Tz::Australia__Lord_Howe,
            window,
            &expected,
        );
    }

    #[test]
    fn grids_count_from_civil_midnight() {
        assert!(is_aligned(
            utc("2026-11-24T09:45:00+08:00"),
            Tz::Asia__Shanghai,
            15
        ));
        assert!(!is_aligned(
            utc("2026-11-24T09:50:00+08:00"),
            Tz::Asia__Shanghai,
            15
        ));
        assert!(!is_aligned(
            utc("2026-11-24T09:45:00.000001+08:00"),
            Tz::Asia__Shanghai,
            15
        ));
        // Kathmandu is UTC+5:45: the civil hour is not the UTC hour.
        assert!(is_aligned(
            utc("2026-11-24T09:00:00+05:45"),
            Tz::Asia__Kathmandu,
            60
        ));
        let up = align_up(
            utc("2026-11-24T09:50:01+08:00"),
            Tz::Asia__Shanghai,
            &[15, 60],
        );
        assert_eq!(up, Some(utc("2026-11-24T10:00:00+08:00")));
    }
}
