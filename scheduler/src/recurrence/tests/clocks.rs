//! Series over the days on which clocks change.

use super::*;

#[test]
fn a_skipped_time_is_reckoned_from_before_the_gap() {
    // New York, 2026-03-08: 02:00 EST becomes 03:00 EDT; 02:30 at -05:00 shows 03:30.
    check(
        "FREQ=DAILY;COUNT=3",
        "2026-03-07T02:30:00-05:00",
        Tz::America__New_York,
        &[
            "2026-03-07T02:30:00-05:00",
            "2026-03-08T03:30:00-04:00",
            "2026-03-09T02:30:00-04:00",
        ],
    );
    // Lord Howe, 2026-10-04: 02:00 +10:30 becomes 02:30 +11:00; 02:15 shows 02:45.
    check(
        "FREQ=DAILY;COUNT=3",
        "2026-10-03T02:15:00+10:30",
        Tz::Australia__Lord_Howe,
        &[
            "2026-10-03T02:15:00+10:30",
            "2026-10-04T02:45:00+11:00",
            "2026-10-05T02:15:00+11:00",
        ],
    );
}

#[test]
fn a_repeated_time_is_the_first() {
    check(
        "FREQ=DAILY;COUNT=3",
        "2026-10-31T01:30:00-04:00",
        Tz::America__New_York,
        &[
            "2026-10-31T01:30:00-04:00",
            "2026-11-01T01:30:00-04:00",
            "2026-11-02T01:30:00-05:00",
        ],
    );
    // A series that begins in the second keeps that begin.
    check(
        "FREQ=DAILY;COUNT=2",
        "2026-11-01T01:30:00-05:00",
        Tz::America__New_York,
        &["2026-11-01T01:30:00-05:00", "2026-11-02T01:30:00-05:00"],
    );
    check(
        "FREQ=DAILY;COUNT=3",
        "2026-04-04T01:45:00+11:00",
        Tz::Australia__Lord_Howe,
        &[
            "2026-04-04T01:45:00+11:00",
            "2026-04-05T01:45:00+11:00",
            "2026-04-06T01:45:00+10:30",
        ],
    );
}

#[test]
fn every_occurrence_is_as_long_as_the_first() {
    let first = Slot::new(
        utc("2026-03-27T22:00:00+01:00"),
        utc("2026-03-28T06:00:00+01:00"),
    );
    let rule = Recurrence::parse("FREQ=DAILY;COUNT=2").unwrap();
    let found = rule.occurrences(first.unwrap(), Tz::Europe__Berlin, Bound::MAX);
    let second = Slot::new(
        utc("2026-03-28T22:00:00+01:00"),
        utc("2026-03-29T07:00:00+02:00"),
    );
    assert_eq!(
        found.slots,
        [first.unwrap(), second.unwrap()],
        "eight hours, an hour later"
    );
}

#[test]
fn an_end_in_utc_is_an_instant_and_an_end_by_date_a_civil_day() {
    let first = "2026-11-24T07:00:00+08:00";
    let zone = Tz::Asia__Shanghai;
    let days = [
        first,
        "2026-11-25T07:00:00+08:00",
        "2026-11-26T07:00:00+08:00",
    ];
    // 07:00 on the 26th is 23:00 UTC on the 25th.
    check("FREQ=DAILY;UNTIL=20261125T230000Z", first, zone, &days);
    check("FREQ=DAILY;UNTIL=20261125T225959Z", first, zone, &days[..2]);
    check("FREQ=DAILY;UNTIL=20261126", first, zone, &days);
    check("FREQ=DAILY;UNTIL=20261125", first, zone, &days[..2]);
    check("FREQ=DAILY;UNTIL=20261101", first, zone, &[]);
}

#[test]
fn an_excluded_instant_is_found_on_either_side_of_a_transition() {
    // 09:00 in New York is 14:00 UTC in winter and 13:00 UTC in summer.
    let rule = "FREQ=DAILY;COUNT=3\nEXDATE:20260307T140000Z,20260308T130000Z,20260309T140000Z";
    check(
        rule,
        "2026-03-07T09:00:00-05:00",
        Tz::America__New_York,
        &["2026-03-09T09:00:00-04:00"],
    );
    // A civil time within the gap is the instant that the rule makes of it.
    check(
        "FREQ=DAILY;COUNT=2\nEXDATE:20260308T023000",
        "2026-03-07T02:30:00-05:00",
        Tz::America__New_York,
        &["2026-03-07T02:30:00-05:00"],
    );
}

#[test]
fn odd_offsets_and_old_laws_are_honoured() {
    check(
        "FREQ=MONTHLY;COUNT=2",
        "2026-01-31T09:00:00+05:45",
        Tz::Asia__Kathmandu,
        &["2026-01-31T09:00:00+05:45", "2026-03-31T09:00:00+05:45"],
    );
    // China's summer time began on 1986-05-04 and ended on 1986-09-14.
    check(
        "FREQ=WEEKLY;COUNT=2",
        "1986-04-30T09:00:00+08:00",
        Tz::Asia__Shanghai,
        &["1986-04-30T09:00:00+08:00", "1986-05-07T09:00:00+09:00"],
    );
    check(
        "FREQ=WEEKLY;COUNT=2",
        "1991-09-12T09:00:00+09:00",
        Tz::Asia__Shanghai,
        &["1991-09-12T09:00:00+09:00", "1991-09-19T09:00:00+08:00"],
    );
}

#[test]
fn a_day_that_a_zone_left_out_falls_on_the_next_and_counts() {
    // Samoa went from 2011-12-29 to 2011-12-31.
    check(
        "FREQ=DAILY;COUNT=4",
        "2011-12-29T09:00:00-10:00",
        Tz::Pacific__Apia,
        &[
            "2011-12-29T09:00:00-10:00",
            "2011-12-31T09:00:00+14:00",
            "2012-01-01T09:00:00+14:00",
        ],
    );
}
