//! Opening hours on days that clocks make odd.

use chrono::{DateTime, Timelike};
use proptest::prelude::*;

use super::*;
use crate::time::{DAY_US, HOUR_US};

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
fn whole_days_stay_open_when_clocks_change_at_midnight() {
    // In Havana 2026-03-08 begins at 01:00, and 2026-11-01 has 00:00 to 01:00 twice.
    for day in ["2026-03-08T12:00:00Z", "2026-11-01T12:00:00Z"] {
        let day = day_of(utc(day), Tz::America__Havana).unwrap();
        let hours = [1, 2, 3, 4, 5, 6, 7].map(|d| DayHours::new(&[d], 0, 1440).unwrap());
        assert_eq!(
            weekly_intervals(&Weekly(hours[..6].to_vec()), Tz::America__Havana, day),
            []
        );
        let sunday = Weekly(hours[6..].to_vec());
        assert_eq!(weekly_intervals(&sunday, Tz::America__Havana, day), [day]);
    }
}

#[test]
fn a_day_that_a_zone_left_out_is_never_open() {
    // Samoa went from 2011-12-29 to 2011-12-31; the 30th was a Friday.
    let friday = Weekly(vec![DayHours::new(&[5], 480, 1020).unwrap()]);
    let window = Slot::new(utc("2011-12-28T10:00:00Z"), utc("2012-01-02T10:00:00Z")).unwrap();
    assert_eq!(open_intervals(&[friday], Tz::Pacific__Apia, window), []);
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

/// The oracle: looks at the wall clock at one instant. It holds for hours that neither begin nor
/// end between 00:00 and 04:00, where clocks change.
fn shows_open(weekly: &Weekly, zone: Tz, at: i64) -> bool {
    let shown = zone.timestamp_micros(at).unwrap();
    let minute = u16::try_from(shown.hour() * 60 + shown.minute()).unwrap();
    let bit = 1 << shown.weekday().num_days_from_monday();
    let holds = |h: &DayHours| h.days & bit != 0 && (h.from_minute..h.to_minute).contains(&minute);
    weekly.0.iter().any(holds)
}

fn weekly() -> impl Strategy<Value = Weekly> {
    let from = prop_oneof![Just(0u16), (24u16..144).prop_map(|tens| tens * 10)];
    let to = prop_oneof![Just(DAY_MINUTES), (25u16..144).prop_map(|tens| tens * 10)];
    let hours = (1u8..128, from, to).prop_filter_map("hours run forward", |(days, from, to)| {
        let days: Vec<u8> = (1..=7).filter(|day| days & (1 << (day - 1)) != 0).collect();
        DayHours::new(&days, from, to)
    });
    prop::collection::vec(hours, 0..5).prop_map(Weekly)
}

const CHANGES: [(Tz, &str); 5] = [
    (Tz::Europe__Berlin, "2026-03-27T22:30:00Z"),
    (Tz::Europe__Berlin, "2026-10-23T22:10:00Z"),
    (Tz::Australia__Lord_Howe, "2026-04-04T03:00:00Z"),
    (Tz::Australia__Lord_Howe, "2026-10-03T03:00:00Z"),
    (Tz::Asia__Shanghai, "1986-05-03T04:00:00Z"),
];

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]
    #[test]
    fn what_is_open_is_what_the_wall_clock_shows(
        (weekly, other) in (weekly(), weekly()),
        (zone, begin) in prop::sample::select(CHANGES.to_vec()),
        start in 0i64..300,
        length in 1i64..200,
    ) {
        const STEP_US: i64 = 600_000_000;
        let begin = utc(begin).get();
        let window = Slot::new(Micros::new(begin), Micros::new(begin + 3 * DAY_US)).unwrap();
        let open = open_intervals(std::slice::from_ref(&weekly), zone, window);
        prop_assert!(open.windows(2).all(|pair| pair[0].end() < pair[1].start()), "joined");
        for at in (begin..window.end().get()).step_by(usize::try_from(STEP_US).unwrap()) {
            let is_in = open.iter().any(|slot| slot.contains(Micros::new(at)));
            prop_assert_eq!(is_in, shows_open(&weekly, zone, at));
        }

        let steps = |from: i64| (0..length).map(move |step| from + step * STEP_US);
        let opens = |from: &i64| steps(*from).all(|at| shows_open(&weekly, zone, at));
        let from = begin + start * STEP_US;
        let span = Span::new(length * STEP_US).unwrap();
        let wanted = Slot::new(Micros::new(from), Micros::new(from) + span).unwrap();
        prop_assert_eq!(is_open(&weekly, zone, wanted), opens(&from));
        let first = first_open_start(&weekly, zone, wanted.start(), span);
        let expected = (0..=i64::from(REPEAT_DAYS) * 144).map(|s| from + s * STEP_US).find(opens);
        prop_assert_eq!(first.map(Micros::get), expected);

        let one = weekly.overlaid(&other);
        let both = open_intervals(&[weekly, other], zone, window);
        prop_assert_eq!(open_intervals(&[one], zone, window), both);
    }
}
