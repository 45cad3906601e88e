//! Openings with exceptions and holidays against a look at the wall clock, instant by instant.

use std::collections::BTreeMap;

use chrono::{Datelike, NaiveDate, TimeZone, Timelike};
use proptest::prelude::*;

use super::*;
use crate::slot::complement;
use crate::time::DAY_US;

/// The grain of hours and windows.
const STEP_US: i64 = 600_000_000;

/// What the notices say about some days of the windows below, written down once more: Monday 1 for
/// a day worked, nothing for a day off.
const PUBLIC: [(&str, Option<u32>); 16] = [
    ("2026-01-01", None),
    ("2026-01-02", None),
    ("2026-01-03", None),
    ("2026-04-04", None),
    ("2026-04-05", None),
    ("2026-04-06", None),
    ("2026-10-01", None),
    ("2026-10-02", None),
    ("2026-10-03", None),
    ("2026-10-04", None),
    ("2026-10-05", None),
    ("2026-10-06", None),
    ("2026-10-07", None),
    ("2026-01-04", Some(1)),
    ("2026-02-28", Some(1)),
    ("2026-10-10", Some(1)),
];

/// The oracle: looks at the wall clock at one instant. It holds for hours that neither begin nor
/// end between 00:00 and 04:00, where clocks change.
fn shows_open(opening: &Opening, zone: Tz, at: i64) -> bool {
    let shown = zone.timestamp_micros(at).unwrap().naive_local();
    let minute = u16::try_from(shown.hour() * 60 + shown.minute()).unwrap();
    let mut ranges: BTreeMap<&str, Vec<(u16, u16)>> = BTreeMap::new();
    let mut weekday = Some(shown.weekday().number_from_monday());
    let text = shown.date().to_string();
    if let (Holidays::China, Some((_, other))) = (
        opening.holidays,
        PUBLIC.iter().find(|(date, _)| *date == text),
    ) {
        weekday = *other;
    }
    for entry in &opening.weekly.0 {
        let holds =
            weekday.is_some_and(|day| entry.weekdays().contains(&u8::try_from(day).unwrap()));
        let range = (entry.from_minute(), entry.to_minute());
        ranges
            .entry("counts")
            .or_default()
            .extend(holds.then_some(range));
    }
    for exception in &opening.exceptions {
        if exception.first() <= shown.date() && shown.date() <= exception.last() {
            let hours = exception.hours().iter();
            let hours = hours.map(|h| (h.from_minute(), h.to_minute()));
            ranges.insert("counts", hours.collect());
        }
    }
    let open = |(from, to): &(u16, u16)| (*from..*to).contains(&minute);
    ranges.values().flatten().any(open)
}

fn hours() -> impl Strategy<Value = Hours> {
    let from = prop_oneof![Just(0u16), (24u16..144).prop_map(|tens| tens * 10)];
    let to = prop_oneof![Just(DAY_MINUTES), (25u16..144).prop_map(|tens| tens * 10)];
    (from, to).prop_filter_map("hours run forward", |(from, to)| Hours::new(from, to))
}

fn weekly() -> impl Strategy<Value = Weekly> {
    let entry = (1u8..128, hours()).prop_map(|(days, hours)| {
        let days: Vec<u8> = (1..=7).filter(|day| days & (1 << (day - 1)) != 0).collect();
        DayHours::new(&days, hours.from_minute(), hours.to_minute()).unwrap()
    });
    prop::collection::vec(entry, 0..5).prop_map(Weekly)
}

/// Exceptions about a day: they overlap each other, and hold before, on and after it.
fn exceptions(about: NaiveDate) -> impl Strategy<Value = Vec<Exception>> {
    let one = (-6i64..6, 0i64..5, prop::collection::vec(hours(), 0..3));
    let one = one.prop_map(move |(first, more, hours)| {
        let first = about + chrono::TimeDelta::days(first);
        Exception::new(first, first + chrono::TimeDelta::days(more), hours).unwrap()
    });
    prop::collection::vec(one, 0..4)
}

fn opening(begin: &str) -> impl Strategy<Value = Opening> {
    let about: NaiveDate = begin[..10].parse().unwrap();
    let holidays = prop_oneof![Just(Holidays::None), Just(Holidays::China)];
    let undated = weekly().prop_map(Opening::from);
    let dated =
        (weekly(), exceptions(about), holidays).prop_map(|(weekly, exceptions, holidays)| {
            Opening {
                weekly,
                exceptions,
                holidays,
            }
        });
    prop_oneof![undated, dated]
}

/// Where clocks change, months and leap days end, and holidays fall.
const BEGINS: [(Tz, &str); 11] = [
    (Tz::Europe__Berlin, "2026-03-27T22:30:00Z"),
    (Tz::Europe__Berlin, "2026-10-23T22:10:00Z"),
    (Tz::Australia__Lord_Howe, "2026-04-04T03:00:00Z"),
    (Tz::Australia__Lord_Howe, "2026-10-03T03:00:00Z"),
    (Tz::Asia__Shanghai, "1986-05-03T04:00:00Z"),
    (Tz::Asia__Shanghai, "2026-04-03T04:00:00Z"),
    (Tz::Asia__Shanghai, "2026-09-30T20:00:00Z"),
    (Tz::Asia__Shanghai, "2026-10-09T04:00:00Z"),
    (Tz::Asia__Shanghai, "2024-02-27T16:00:00Z"),
    (Tz::Asia__Kathmandu, "2025-12-30T20:05:00Z"),
    (Tz::America__New_York, "2026-02-27T12:00:00Z"),
];

fn cases() -> impl Strategy<Value = (Tz, i64, Opening, Opening)> {
    prop::sample::select(BEGINS.to_vec()).prop_flat_map(|(zone, begin)| {
        let at = utc(begin).get();
        (Just(zone), Just(at), opening(begin), opening(begin))
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(192))]
    #[test]
    fn what_is_open_is_what_the_wall_clock_shows(
        (zone, begin, one, other) in cases(),
        start in 0i64..300,
        length in 1i64..200,
    ) {
        let window = Slot::new(Micros::new(begin), Micros::new(begin + 3 * DAY_US)).unwrap();
        let open = open_intervals(std::slice::from_ref(&one), zone, window);
        let closed = complement(window, &open);
        prop_assert!(open.windows(2).all(|pair| pair[0].end() < pair[1].start()), "joined");
        let sum: i64 = open.iter().chain(&closed).map(|slot| slot.len().get()).sum();
        prop_assert_eq!(sum, window.len().get(), "open and closed are all of the window");
        for at in (begin..window.end().get()).step_by(usize::try_from(STEP_US).unwrap()) {
            let is_in = |slots: &[Slot]| slots.iter().any(|slot| slot.contains(Micros::new(at)));
            prop_assert_eq!(is_in(&open), shows_open(&one, zone, at));
            prop_assert_ne!(is_in(&open), is_in(&closed));
        }

        let both = open_intervals(&[one.clone(), other.clone()], zone, window);
        let theirs = open_intervals(std::slice::from_ref(&other), zone, window);
        prop_assert_eq!(&both, &intersected(&open, &theirs));
        if !one.is_dated() && !other.is_dated() {
            let week = Opening::from(one.weekly.overlaid(&other.weekly));
            prop_assert_eq!(open_intervals(&[week], zone, window), both);
        }

        // Beyond the days that the oracle knows there are other holidays.
        let from = begin + start * STEP_US;
        let span = Span::new(length * STEP_US).unwrap();
        let wanted = Slot::new(Micros::new(from), Micros::new(from) + span).unwrap();
        let steps = |from: i64| (0..length).map(move |step| from + step * STEP_US);
        let opens = |from: &i64| steps(*from).all(|at| shows_open(&one, zone, at));
        prop_assert_eq!(is_open(&one, zone, wanted), opens(&from));
        let first = first_open_start(&one, zone, wanted.start(), span);
        let days = if one.holidays == Holidays::China { 3 } else { 15 };
        let expected = (0..=days * 144).map(|s| from + s * STEP_US).find(opens);
        if expected.is_some() || !one.is_dated() {
            prop_assert_eq!(first.map(Micros::get), expected);
        } else {
            let later = from + days * DAY_US;
            prop_assert!(first.is_none_or(|first| first.get() > later));
        }
    }
}
