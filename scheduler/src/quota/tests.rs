//! Periods at the edges of calendars, and the ledger against the sum of bookings.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;
use crate::calendar::{DayHours, Weekly};
use crate::fixture::{MIDNIGHT, SUBJECTS, policy, slot};
use crate::time::{DAY_US, HOUR_US};

fn instant(text: &str) -> Micros {
    let parsed = chrono::DateTime::parse_from_rfc3339(text).unwrap();
    Micros::new(parsed.timestamp_micros())
}

#[track_caller]
fn check_period(at: &str, period: Period, zone: Tz, from: &str, to: &str) {
    let found = period_of(instant(at), period, zone).unwrap();
    assert_eq!(
        found,
        Slot::new(instant(from), instant(to)).unwrap(),
        "{at}"
    );
}

#[test]
fn periods_are_civil() {
    let shanghai = Tz::Asia__Shanghai;
    check_period(
        "2026-11-24T00:00:00+08:00",
        Period::Day,
        shanghai,
        "2026-11-24T00:00:00+08:00",
        "2026-11-25T00:00:00+08:00",
    );
    check_period(
        "2026-11-23T23:59:59+08:00",
        Period::Week,
        shanghai,
        "2026-11-23T00:00:00+08:00",
        "2026-11-30T00:00:00+08:00",
    );
    check_period(
        "2026-11-22T23:59:59+08:00",
        Period::Week,
        shanghai,
        "2026-11-16T00:00:00+08:00",
        "2026-11-23T00:00:00+08:00",
    );
    check_period(
        "2028-02-29T12:00:00+08:00",
        Period::Month,
        shanghai,
        "2028-02-01T00:00:00+08:00",
        "2028-03-01T00:00:00+08:00",
    );
    check_period(
        "2026-12-31T16:00:00Z",
        Period::Year,
        shanghai,
        "2027-01-01T00:00:00+08:00",
        "2028-01-01T00:00:00+08:00",
    );
}

#[test]
fn periods_are_as_long_as_their_days() {
    let berlin = Tz::Europe__Berlin;
    check_period(
        "2026-03-29T12:00:00+02:00",
        Period::Day,
        berlin,
        "2026-03-29T00:00:00+01:00",
        "2026-03-30T00:00:00+02:00",
    );
    check_period(
        "2026-10-25T12:00:00+01:00",
        Period::Week,
        berlin,
        "2026-10-19T00:00:00+02:00",
        "2026-10-26T00:00:00+01:00",
    );
    check_period(
        "2026-10-25T12:00:00+01:00",
        Period::Month,
        berlin,
        "2026-10-01T00:00:00+02:00",
        "2026-11-01T00:00:00+01:00",
    );
    check_period(
        "2011-12-31T12:00:00+14:00",
        Period::Month,
        Tz::Pacific__Apia,
        "2011-12-01T00:00:00-10:00",
        "2012-01-01T00:00:00+14:00",
    );
    check_period(
        "2026-04-05T00:00:00+11:00",
        Period::Day,
        Tz::Australia__Lord_Howe,
        "2026-04-05T00:00:00+11:00",
        "2026-04-06T00:00:00+10:30",
    );
    check_period(
        "2026-11-24T00:00:00+05:45",
        Period::Day,
        Tz::Asia__Kathmandu,
        "2026-11-24T00:00:00+05:45",
        "2026-11-25T00:00:00+05:45",
    );
}

const PERIODS: [Period; 4] = [Period::Day, Period::Week, Period::Month, Period::Year];

#[test]
fn beyond_the_calendar_there_are_no_periods() {
    for at in [i64::MIN, i64::MAX] {
        for period in PERIODS {
            assert_eq!(period_of(Micros::new(at), period, Tz::Asia__Shanghai), None);
        }
    }
    let all = Slot::new(Micros::new(i64::MIN), Micros::new(i64::MAX)).unwrap();
    assert_eq!(periods(all, Period::Day, Tz::Asia__Shanghai).count(), 0);
    let long = Slot::new(Micros::new(0), Micros::new(i64::MAX)).unwrap();
    assert_eq!(
        periods(long, Period::Day, Tz::Asia__Shanghai).count(),
        PERIODS_MAX
    );
}

fn quotas() -> Policy {
    let night = DayHours::new(&[1, 2, 3, 4, 5, 6, 7], 0, 8 * 60).unwrap();
    let quota = |per, period| RuleBody::Quota {
        per,
        period,
        minutes: 600,
    };
    policy([
        quota(Party::Member, Period::Day),
        quota(Party::Lab, Period::Week),
        quota(Party::Institution, Period::Month),
        quota(Party::Project, Period::Year),
        RuleBody::OffPeak(Weekly(vec![night])),
    ])
}

fn charges_of(policy: &Policy, slot: Slot) -> Vec<Charge> {
    charges(
        policy,
        CallerClass::Internal,
        SUBJECTS,
        Tz::Asia__Shanghai,
        slot,
    )
}

#[test]
fn a_booking_charges_each_period_its_peak_part() {
    // From 22:00 to 10:00: two hours of Tuesday, and of Wednesday the two after 08:00.
    let over_night = slot(22 * HOUR_US, 34 * HOUR_US);
    let charged = charges_of(&quotas(), over_night);
    let spans: Vec<i64> = charged
        .iter()
        .map(|charge| charge.span.get() / HOUR_US)
        .collect();
    assert_eq!(spans, [2, 2, 4, 4, 4]);
    assert_eq!(charged[0].key.start.get(), MIDNIGHT);
    assert_eq!(charged[1].key.start.get(), MIDNIGHT + DAY_US);
    assert_eq!(charges_of(&quotas(), slot(HOUR_US, 3 * HOUR_US)), []);
}

#[test]
fn what_is_freed_is_not_used() {
    let policy = policy([RuleBody::Quota {
        per: Party::Member,
        period: Period::Day,
        minutes: 600,
    }]);
    let charged = charges_of(&policy, slot(9 * HOUR_US, 11 * HOUR_US));
    let mut ledger = Ledger::default();
    ledger.add(&charged);
    let used = |freed| {
        Usage {
            ledger: Some(&ledger),
            freed,
        }
        .used(&charged[0].key)
    };
    assert_eq!(used(&[]), Span::minutes(120));
    assert_eq!(used(&charged), Span::default());
}

proptest! {
    #[test]
    fn the_ledger_is_the_sum_of_the_bookings_that_are_left(
        booked in prop::collection::vec((0i64..400, 1i64..100, any::<bool>()), 0..30),
    ) {
        let policy = quotas();
        let slots = booked.iter().map(|(start, length, stays)| {
            (slot(start * HOUR_US, (start + length) * HOUR_US), *stays)
        });
        let slots: Vec<(Slot, bool)> = slots.collect();
        let mut ledger = Ledger::default();
        for (slot, _) in &slots {
            ledger.add(&charges_of(&policy, *slot));
        }
        for (slot, _) in slots.iter().filter(|(_, stays)| !stays) {
            ledger.remove(&charges_of(&policy, *slot));
        }
        // By hand, hour by hour: civil hours of Shanghai, whose clocks never change these days.
        let mut by_day: BTreeMap<i64, i64> = BTreeMap::new();
        for (slot, _) in slots.iter().filter(|(_, stays)| *stays) {
            let hours = (slot.start().get() - MIDNIGHT) / HOUR_US..(slot.end().get() - MIDNIGHT) / HOUR_US;
            for hour in hours.filter(|hour| hour % 24 >= 8) {
                *by_day.entry(hour / 24).or_default() += 1;
            }
        }
        let mut left = BTreeMap::new();
        for (key, span) in &ledger.0 {
            if key.period == Period::Day {
                left.insert((key.start.get() - MIDNIGHT) / DAY_US, span.get() / HOUR_US);
            }
        }
        prop_assert_eq!(&left, &by_day);
        let year: i64 = by_day.values().sum();
        let project = ledger.0.iter().filter(|(key, _)| key.period == Period::Year);
        prop_assert_eq!(project.map(|(_, span)| span.get() / HOUR_US).sum::<i64>(), year);
    }
}
