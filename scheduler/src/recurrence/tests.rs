//! Series: text, the cases that RFC 5545 and the clocks make hard, and far inputs.

use chrono::DateTime;
use proptest::prelude::*;

use super::*;
use crate::time::{HOUR_US, Span};

mod clocks;
mod words;

fn utc(text: &str) -> Micros {
    Micros::new(
        DateTime::parse_from_rfc3339(text)
            .unwrap()
            .timestamp_micros(),
    )
}

/// A slot of an hour.
fn hour(start: &str) -> Slot {
    Slot::new(utc(start), utc(start) + Span::minutes(60)).unwrap()
}

fn series(rule: &str, first: &str, zone: Tz) -> Occurrences {
    let rule = Recurrence::parse(rule).unwrap();
    rule.occurrences(hour(first), zone, Bound::MAX)
}

/// Checks the begins of a series that ends by itself.
#[track_caller]
fn check(rule: &str, first: &str, zone: Tz, expected: &[&str]) {
    let found = series(rule, first, zone);
    let begins: Vec<Micros> = found.slots.iter().map(|slot| slot.start()).collect();
    let expected: Vec<Micros> = expected.iter().map(|text| utc(text)).collect();
    assert_eq!(begins, expected, "{rule}");
    assert!(found.is_complete, "{rule}");
    assert!(found.slots.iter().all(|slot| slot.len().get() == HOUR_US));
}

/// Checks the days of a series in Shanghai that begins at 09:00.
#[track_caller]
fn check_days(rule: &str, first: &str, expected: &[&str]) {
    let at = |day: &&str| format!("{day}T09:00:00+08:00");
    let expected: Vec<String> = expected.iter().map(at).collect();
    let expected: Vec<&str> = expected.iter().map(String::as_str).collect();
    check(rule, &at(&first), Tz::Asia__Shanghai, &expected);
}

#[test]
fn days_weeks_and_months_repeat() {
    check_days(
        "FREQ=DAILY;INTERVAL=3;COUNT=3",
        "2026-11-24",
        &["2026-11-24", "2026-11-27", "2026-11-30"],
    );
    check_days(
        "FREQ=WEEKLY;BYDAY=TU,TH;UNTIL=20261203",
        "2026-11-24",
        &["2026-11-24", "2026-11-26", "2026-12-01", "2026-12-03"],
    );
    check_days(
        "FREQ=MONTHLY;COUNT=3",
        "2026-11-24",
        &["2026-11-24", "2026-12-24", "2027-01-24"],
    );
    check_days(
        "FREQ=DAILY;BYDAY=SA,SU;COUNT=3",
        "2026-11-28",
        &["2026-11-28", "2026-11-29", "2026-12-05"],
    );
    check_days(
        "FREQ=DAILY;BYMONTHDAY=1,-1;COUNT=3",
        "2026-11-30",
        &["2026-11-30", "2026-12-01", "2026-12-31"],
    );
}

#[test]
fn days_of_months_are_named_by_number_and_by_weekday() {
    check_days(
        "FREQ=MONTHLY;BYDAY=2TU,-1FR;COUNT=4",
        "2026-11-01",
        &["2026-11-10", "2026-11-27", "2026-12-08", "2026-12-25"],
    );
    check_days(
        "FREQ=MONTHLY;BYDAY=5MO;COUNT=2",
        "2026-11-30",
        &["2026-11-30", "2027-03-29"],
    );
    check_days(
        "FREQ=MONTHLY;BYDAY=MO,2TU;UNTIL=20261130",
        "2026-11-01",
        &[
            "2026-11-02",
            "2026-11-09",
            "2026-11-10",
            "2026-11-16",
            "2026-11-23",
            "2026-11-30",
        ],
    );
    check_days(
        "FREQ=MONTHLY;BYDAY=FR;BYMONTHDAY=13;COUNT=2",
        "2026-11-01",
        &["2026-11-13", "2027-08-13"],
    );
}

#[test]
fn months_without_the_day_are_left_out() {
    let long_months = ["2026-01-31", "2026-03-31", "2026-05-31"];
    check_days(
        "FREQ=MONTHLY;BYMONTHDAY=31;COUNT=3",
        "2026-01-31",
        &long_months,
    );
    check_days("FREQ=MONTHLY;COUNT=3", "2026-01-31", &long_months);
    check_days(
        "FREQ=MONTHLY;BYMONTHDAY=-31;COUNT=2",
        "2026-02-01",
        &["2026-03-01", "2026-05-01"],
    );
    check_days(
        "FREQ=MONTHLY;INTERVAL=12;BYMONTHDAY=29;COUNT=2",
        "2024-02-29",
        &["2024-02-29", "2028-02-29"],
    );
    check_days(
        "FREQ=MONTHLY;BYMONTHDAY=-1;COUNT=3",
        "2028-01-31",
        &["2028-01-31", "2028-02-29", "2028-03-31"],
    );
}

#[test]
fn the_week_begins_where_the_rule_says() {
    // The example of RFC 5545, section 3.8.5.3.
    check_days(
        "FREQ=WEEKLY;INTERVAL=2;COUNT=4;BYDAY=TU,SU;WKST=MO",
        "1997-08-05",
        &["1997-08-05", "1997-08-10", "1997-08-19", "1997-08-24"],
    );
    check_days(
        "FREQ=WEEKLY;INTERVAL=2;COUNT=4;BYDAY=TU,SU;WKST=SU",
        "1997-08-05",
        &["1997-08-05", "1997-08-17", "1997-08-19", "1997-08-31"],
    );
}

#[test]
fn the_first_slot_counts_only_if_it_matches() {
    check_days(
        "FREQ=WEEKLY;BYDAY=MO;COUNT=2",
        "2026-11-24",
        &["2026-11-30", "2026-12-07"],
    );
    check_days(
        "FREQ=MONTHLY;BYMONTHDAY=1;COUNT=1",
        "2026-11-24",
        &["2026-12-01"],
    );
}

#[test]
fn what_is_excluded_was_counted() {
    let daily = "FREQ=DAILY;COUNT=3";
    let rest = ["2026-11-24", "2026-11-26"];
    // 09:00 in Shanghai is 01:00 UTC.
    for excluded in ["20261125T010000Z", "20261125T090000", "20261125"] {
        check_days(&format!("{daily}\nEXDATE:{excluded}"), "2026-11-24", &rest);
    }
    let none = ["2026-11-24", "2026-11-25", "2026-11-26"];
    for excluded in ["20261125T090000Z", "20261125T010000", "20261127"] {
        check_days(&format!("{daily}\nEXDATE:{excluded}"), "2026-11-24", &none);
    }
    check_days(
        "FREQ=DAILY;COUNT=4\nEXDATE:20261124,20261125T010000Z\nEXDATE:20261127",
        "2026-11-24",
        &["2026-11-26"],
    );
}

#[test]
fn a_series_ends_at_its_bound() {
    let zone = Tz::Asia__Shanghai;
    let first = "2026-11-24T09:00:00+08:00";
    let endless = series("FREQ=DAILY", first, zone);
    assert_eq!(
        (endless.slots.len(), endless.is_complete),
        (Bound::SLOTS_MAX, false)
    );
    let years = series("FREQ=MONTHLY", first, zone);
    assert_eq!((years.slots.len(), years.is_complete), (60, false));
    let just = series("FREQ=DAILY;COUNT=400", first, zone);
    assert_eq!((just.slots.len(), just.is_complete), (400, true));
    let more = series("FREQ=DAILY;COUNT=401", first, zone);
    assert_eq!((more.slots.len(), more.is_complete), (400, false));
    let rule = Recurrence::parse("FREQ=WEEKLY;UNTIL=20271124").unwrap();
    assert!(!rule.is_endless());
    let year = rule.occurrences(hour(first), zone, Bound::new(1_000, 1));
    assert_eq!(
        (year.slots.len(), year.is_complete),
        (53, false),
        "its end is not within"
    );
    let two = rule.occurrences(hour(first), zone, Bound::new(1_000, 2));
    assert_eq!((two.slots.len(), two.is_complete), (53, true));
    let none = rule.occurrences(hour(first), zone, Bound::new(0, 0));
    assert_eq!((none.slots.len(), none.is_complete), (0, false));
}

#[test]
fn far_times_have_no_series_and_no_panics() {
    let rule = Recurrence::parse("FREQ=DAILY;COUNT=3").unwrap();
    let ends = [i64::MIN, i64::MIN + 1, 0, i64::MAX - 1, i64::MAX].map(Micros::new);
    for (start, end) in ends
        .iter()
        .flat_map(|start| ends.iter().map(move |end| (*start, *end)))
    {
        if let Some(slot) = Slot::new(start, end) {
            for zone in [Tz::UTC, Tz::Asia__Shanghai, Tz::Pacific__Apia] {
                let found = rule.occurrences(slot, zone, Bound::MAX);
                assert!(found.slots.iter().all(|held| held.len() == slot.len()));
            }
        }
    }
    let last = Slot::new(utc("9999-12-30T00:00:00Z"), utc("9999-12-30T01:00:00Z")).unwrap();
    let endless = Recurrence::parse("FREQ=DAILY").unwrap();
    assert!(
        !endless
            .occurrences(last, Tz::UTC, Bound::MAX)
            .slots
            .is_empty()
    );
}
