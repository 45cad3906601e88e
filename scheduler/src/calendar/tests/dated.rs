//! Exceptions and public holidays, day by day.

use chrono::NaiveDate;

use super::*;

fn date(text: &str) -> NaiveDate {
    text.parse().unwrap()
}

fn hours(from: u16, to: u16) -> Hours {
    Hours::new(from * 60, to * 60).unwrap()
}

fn exception(first: &str, last: &str, hours: Vec<Hours>) -> Exception {
    Exception::new(date(first), date(last), hours).unwrap()
}

/// Monday 9 to 17, the other working days 8 to 18, Saturday 10 to 12.
fn lab(holidays: Holidays, exceptions: Vec<Exception>) -> Opening {
    let entries = [(&[1][..], 9, 17), (&[2, 3, 4, 5], 8, 18), (&[6], 10, 12)];
    let entry = |(days, from, to): (&[u8], u16, u16)| DayHours::new(days, from * 60, to * 60);
    Opening {
        weekly: Weekly(entries.map(|one| entry(one).unwrap()).to_vec()),
        exceptions,
        holidays,
    }
}

/// Checks the open hours of one civil day in Shanghai.
#[track_caller]
fn check_day(opening: &Opening, day: &str, expected: &[(u16, u16)]) {
    let midnight = utc(&format!("{day}T00:00:00+08:00"));
    let window = Slot::new(midnight, midnight + Span::days(1)).unwrap();
    let at = |hour: u16| midnight + Span::minutes(u32::from(hour) * 60);
    let expected: Vec<Slot> = expected
        .iter()
        .map(|(from, to)| Slot::new(at(*from), at(*to)).unwrap())
        .collect();
    let open = open_intervals(std::slice::from_ref(opening), Tz::Asia__Shanghai, window);
    assert_eq!(open, expected, "{day}");
}

#[test]
fn public_holidays_are_closed_and_days_that_make_up_are_worked() {
    let lab_of = |holidays| lab(holidays, Vec::new());
    let (usual, china) = (lab_of(Holidays::None), lab_of(Holidays::China));
    for (day, without, with) in [
        ("2026-10-01", &[(8, 18)][..], &[][..]),
        ("2026-10-08", &[(8, 18)], &[(8, 18)]),
        ("2026-10-10", &[(10, 12)], &[(9, 17)]),
        ("2026-09-20", &[], &[(9, 17)]),
        ("2026-02-15", &[], &[]),
        ("2026-02-23", &[(9, 17)], &[]),
        ("2026-02-28", &[(10, 12)], &[(9, 17)]),
        ("2025-01-26", &[], &[(9, 17)]),
        ("2025-10-08", &[(8, 18)], &[]),
        // Of 2027 nothing is known yet: its weeks are usual.
        ("2027-10-01", &[(8, 18)], &[(8, 18)]),
    ] {
        check_day(&usual, day, without);
        check_day(&china, day, with);
    }
}

#[test]
fn exceptions_beat_holidays_and_later_ones_beat_earlier_ones() {
    let exceptions = vec![
        exception("2026-10-01", "2026-10-03", vec![hours(0, 24)]),
        exception(
            "2026-10-03",
            "2026-10-04",
            vec![hours(13, 14), hours(20, 21)],
        ),
        exception("2026-12-24", "2026-12-26", Vec::new()),
    ];
    let opening = lab(Holidays::China, exceptions);
    check_day(&opening, "2026-09-30", &[(8, 18)]);
    check_day(&opening, "2026-10-01", &[(0, 24)]);
    check_day(&opening, "2026-10-03", &[(13, 14), (20, 21)]);
    check_day(&opening, "2026-10-04", &[(13, 14), (20, 21)]);
    check_day(&opening, "2026-10-05", &[]);
    check_day(&opening, "2026-12-24", &[]);
    check_day(&opening, "2026-12-26", &[]);
    check_day(&opening, "2026-12-28", &[(9, 17)]);
    assert_eq!(
        Exception::new(date("2026-10-02"), date("2026-10-01"), Vec::new()),
        None
    );
}

#[test]
fn a_closed_day_interrupts_hours_without_end() {
    let always = DayHours::new(&[1, 2, 3, 4, 5, 6, 7], 0, DAY_MINUTES).unwrap();
    let closed = exception("2026-12-24", "2026-12-24", Vec::new());
    let opening = Opening {
        exceptions: vec![closed],
        ..Weekly(vec![always]).into()
    };
    let zone = Tz::Asia__Shanghai;
    let slot = |from: &str, to: &str| {
        let at = |day: &str| utc(&format!("{day}T00:00:00+08:00"));
        Slot::new(at(from), at(to)).unwrap()
    };
    assert!(!opening.is_always_open());
    let (before, after) = ("2026-12-24", "2026-12-25");
    assert!(
        is_open(&opening, zone, slot("2026-01-01", before)),
        "most of a year"
    );
    assert!(!is_open(&opening, zone, slot(before, after)));
    assert!(!is_open(&opening, zone, slot("2026-01-01", "2026-12-31")));
    assert!(is_open(&opening, zone, slot(after, "2027-12-31")));
    assert!(
        !is_open(&opening, zone, slot(after, "2028-12-31")),
        "beyond what is followed"
    );
    let late = slot("2026-12-20", before);
    let long = Span::days(90);
    assert_eq!(
        first_open_start(&opening, zone, late.start(), long),
        Some(slot(before, after).end())
    );
}

#[test]
fn a_begin_is_looked_for_beyond_a_long_closure() {
    let zone = Tz::Asia__Shanghai;
    let from = utc("2026-07-01T00:00:00+08:00");
    let closed_until = |last: &str| {
        let closed = exception("2026-07-01", last, Vec::new());
        first_open_start(
            &lab(Holidays::None, vec![closed]),
            zone,
            from,
            Span::minutes(60),
        )
    };
    let expected = utc("2026-08-29T10:00:00+08:00");
    assert_eq!(closed_until("2026-08-28"), Some(expected), "59 days on");
    assert_eq!(closed_until("2026-08-30"), None, "beyond 60 days");
}

#[test]
fn a_day_of_an_exception_has_23_or_25_hours_too() {
    for (day, hours_long) in [("2026-03-29", 23), ("2026-10-25", 25)] {
        let opening = Opening {
            exceptions: vec![exception(day, day, vec![hours(0, 24)])],
            ..Opening::default()
        };
        let noon = utc(&format!("{day}T11:00:00Z"));
        let around = Slot::new(noon.saturating_sub(Span::days(3)), noon + Span::days(3)).unwrap();
        let open = open_intervals(&[opening], Tz::Europe__Berlin, around);
        assert_eq!(open, [day_of(noon, Tz::Europe__Berlin).unwrap()]);
        assert_eq!(open[0].len().get(), hours_long * HOUR_US);
    }
}

#[test]
fn far_dates_cost_no_more_than_near_ones() {
    let first = utc("2026-01-01T00:00:00Z");
    let ever = Slot::new(Micros::new(i64::MIN), Micros::new(i64::MAX)).unwrap();
    let ages = Slot::new(first, utc("9999-12-30T00:00:00Z")).unwrap();
    let all = Exception::new(NaiveDate::MIN, NaiveDate::MAX, vec![hours(0, 24)]).unwrap();
    let opening = lab(Holidays::China, vec![all]);
    for slot in [ever, ages] {
        assert!(!is_open(&opening, Tz::Asia__Shanghai, slot));
        let start = first_open_start(&opening, Tz::Asia__Shanghai, slot.start(), slot.len());
        assert_eq!(start, None);
    }
}
