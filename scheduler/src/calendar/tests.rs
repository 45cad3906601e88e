//! Opening hours on days that clocks make odd.

use chrono::DateTime;

use super::*;
use crate::time::{DAY_US, HOUR_US};

fn utc(text: &str) -> Micros {
    Micros::new(
        DateTime::parse_from_rfc3339(text)
            .unwrap()
            .timestamp_micros(),
    )
}

fn daily(from_minute: u16, to_minute: u16) -> Vec<Opening> {
    let days = [1, 2, 3, 4, 5, 6, 7];
    let hours = DayHours::new(&days, from_minute, to_minute).unwrap();
    vec![Weekly(vec![hours]).into()]
}

#[track_caller]
fn check(hours: &[Opening], zone: Tz, window: (&str, &str), expected: &[(&str, &str)]) {
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
    check(&[Opening::default()], Tz::Asia__Shanghai, window, &[]);
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
fn whole_days_stay_open_when_clocks_change_at_midnight() {
    // In Havana 2026-03-08 begins at 01:00, and 2026-11-01 has 00:00 to 01:00 twice.
    for day in ["2026-03-08T12:00:00Z", "2026-11-01T12:00:00Z"] {
        let day = day_of(utc(day), Tz::America__Havana).unwrap();
        let hours = [1, 2, 3, 4, 5, 6, 7].map(|d| DayHours::new(&[d], 0, 1440).unwrap());
        assert_eq!(
            Opening::from(Weekly(hours[..6].to_vec())).intervals(Tz::America__Havana, day),
            []
        );
        let sunday = Opening::from(Weekly(hours[6..].to_vec()));
        assert_eq!(sunday.intervals(Tz::America__Havana, day), [day]);
    }
}

#[test]
fn a_day_that_a_zone_left_out_is_never_open() {
    // Samoa went from 2011-12-29 to 2011-12-31; the 30th was a Friday.
    let friday = Weekly(vec![DayHours::new(&[5], 480, 1020).unwrap()]);
    let window = Slot::new(utc("2011-12-28T10:00:00Z"), utc("2012-01-02T10:00:00Z")).unwrap();
    assert_eq!(
        open_intervals(&[friday.into()], Tz::Pacific__Apia, window),
        []
    );
}

#[test]
fn china_kept_summer_time_from_1986_to_1991() {
    for (day, offset) in [
        ("1985-07-01", "+08:00"),
        ("1986-07-01", "+09:00"),
        ("1991-07-01", "+09:00"),
        ("1991-12-01", "+08:00"),
        ("1992-07-01", "+08:00"),
    ] {
        let at = |time: &str| format!("{day}T{time}:00{offset}");
        let window = (at("00:30"), at("23:30"));
        let open = (at("08:00"), at("22:00"));
        let window = (window.0.as_str(), window.1.as_str());
        check(
            &daily(480, 1320),
            Tz::Asia__Shanghai,
            window,
            &[(&open.0, &open.1)],
        );
    }
}

#[test]
fn far_times_cost_no_more_than_near_ones() {
    let ever = Slot::new(Micros::new(i64::MIN), Micros::new(i64::MAX)).unwrap();
    let ages = Slot::new(utc("2026-11-24T00:00:00Z"), utc("9999-12-30T00:00:00Z")).unwrap();
    let (hours, whole) = (&daily(480, 1320)[0], &daily(0, 1440)[0]);
    for slot in [ever, ages] {
        assert!(!is_open(hours, Tz::Asia__Shanghai, slot));
        assert!(is_open(whole, Tz::Asia__Shanghai, slot));
        assert_eq!(
            first_open_start(hours, Tz::Asia__Shanghai, slot.start(), slot.len()),
            None
        );
    }
    let first = Slot::new(Micros::new(i64::MIN), Micros::new(i64::MIN + DAY_US)).unwrap();
    let last = Slot::new(Micros::new(i64::MAX - DAY_US), Micros::new(i64::MAX)).unwrap();
    for slot in [first, last] {
        assert!(!is_open(hours, Tz::Asia__Shanghai, slot));
        assert_eq!(day_of(slot.start(), Tz::Asia__Shanghai), None);
    }
}

mod dated;
mod wall_clock;
