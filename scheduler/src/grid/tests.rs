//! Grids on the wall clock, against a walk over every minute.

use chrono::{DateTime, TimeZone, Timelike};
use proptest::prelude::*;

use super::*;

fn utc(text: &str) -> Micros {
    Micros::new(
        DateTime::parse_from_rfc3339(text)
            .unwrap()
            .timestamp_micros(),
    )
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
        overlaid(&[15, 60]),
    );
    assert_eq!(up, Some(utc("2026-11-24T10:00:00+08:00")));
}

/// Zones, each with a time shortly before its clocks change.
const CHANGES: [(Tz, &str); 6] = [
    (Tz::Europe__Berlin, "2026-03-28T12:00:00Z"),
    (Tz::Europe__Berlin, "2026-10-24T12:00:00Z"),
    (Tz::Australia__Lord_Howe, "2026-04-04T03:00:00Z"),
    (Tz::Australia__Lord_Howe, "2026-10-03T03:00:00Z"),
    (Tz::Asia__Shanghai, "1986-05-03T04:00:00Z"),
    // A whole day is left out.
    (Tz::Pacific__Apia, "2011-12-29T22:00:00Z"),
];

/// The minute the wall clock shows, asked of the calendar library itself.
fn shown_minute(at: i64, zone: Tz) -> u32 {
    let shown = zone.timestamp_micros(at).unwrap();
    shown.hour() * 60 + shown.minute()
}

proptest! {
    #[test]
    fn points_are_what_a_walk_over_every_minute_finds(
        (zone, begin) in prop::sample::select(CHANGES.to_vec()),
        after_min in 0i64..2000,
        within_us in prop::sample::select(vec![0i64, 1, 59_999_999]),
        grid in prop::sample::select(vec![1u32, 7, 15, 30, 45, 60, 90, 720, 1000, 1440]),
        length_min in 1i64..1600,
    ) {
        let from = utc(begin).get() + after_min * MINUTE_US + within_us;
        let on = |at: &i64| shown_minute(*at, zone).is_multiple_of(grid);
        let first = from + (MINUTE_US - within_us) % MINUTE_US;
        let minutes = || (0..4000).map(|minute| first + minute * MINUTE_US);
        prop_assert_eq!(is_aligned(Micros::new(from), zone, grid), within_us == 0 && on(&from));
        let up = align_up(Micros::new(from), zone, grid).map(Micros::get);
        prop_assert_eq!(up, minutes().find(on));

        let length = length_min * MINUTE_US;
        let window = Slot::new(Micros::new(from), Micros::new(from + 2 * DAY_US)).unwrap();
        let expected = minutes()
            .take_while(|start| start + length <= window.end().get())
            .find(|start| on(start) && on(&(start + length)));
        let found = first_aligned(window, zone, grid, Span::new(length).unwrap());
        prop_assert_eq!(found.map(|slot| slot.start().get()), expected);
        prop_assert!(found.is_none_or(|slot| slot.len().get() == length));
    }

    #[test]
    fn an_overlaid_grid_has_the_points_of_all(
        grids in prop::collection::vec(0u32..1600, 0..4), minute in 0i64..1440,
    ) {
        let at = Micros::new(utc("2026-11-24T00:00:00+08:00").get() + minute * MINUTE_US);
        let on = |grid: u32| is_aligned(at, Tz::Asia__Shanghai, grid);
        prop_assert_eq!(on(overlaid(&grids)), grids.iter().all(|grid| on(*grid)));
    }
}

#[test]
fn the_ends_of_time_have_no_points_and_no_panics() {
    for at in [
        Micros::new(i64::MIN),
        Micros::new(i64::MAX - 1),
        Micros::new(i64::MAX),
    ] {
        for grid in [0, 1, 1440, u32::MAX] {
            let up = align_up(at, Tz::Europe__Berlin, grid);
            assert!(up.is_none_or(|up| at <= up && is_aligned(up, Tz::Europe__Berlin, grid)));
        }
    }
    assert_eq!(
        align_up(Micros::new(i64::MAX), Tz::Europe__Berlin, 15),
        None
    );
    let window = Slot::new(Micros::new(i64::MAX - DAY_US), Micros::new(i64::MAX)).unwrap();
    assert_eq!(
        first_aligned(window, Tz::Europe__Berlin, 15, Span::days(2)),
        None
    );
}
