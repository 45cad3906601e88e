//! Series of bookings against python-dateutil, over rules and zones drawn from a seed.

use chrono::DateTime;
use chrono_tz::Tz;
use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};
use scheduler::recurrence::{Bound, Occurrences, Recurrence};
use scheduler::slot::Slot;
use scheduler::time::{DAY_US, MINUTE_US, Micros, Span};
use serde_json::json;
use tests::recur::expand;

const SEED: u64 = 20_261_124;
const CASES: usize = 600;

/// Zones, and a day near which series begin: each has a transition or is odd otherwise.
const PLACES: [(Tz, &str); 10] = [
    (Tz::Asia__Shanghai, "2026-11-24T00:00:00Z"),
    (Tz::Asia__Shanghai, "1986-05-03T16:00:00Z"),
    (Tz::Asia__Shanghai, "1991-09-14T15:00:00Z"),
    (Tz::Asia__Kathmandu, "2024-02-29T00:00:00Z"),
    (Tz::America__New_York, "2026-03-08T07:00:00Z"),
    (Tz::Europe__Berlin, "2026-10-25T01:00:00Z"),
    (Tz::Australia__Lord_Howe, "2026-10-03T15:30:00Z"),
    (Tz::America__Havana, "2026-03-08T05:00:00Z"),
    (Tz::Pacific__Apia, "2011-12-30T10:00:00Z"),
    (Tz::UTC, "2023-12-31T00:00:00Z"),
];

const DAYS: [&str; 7] = ["MO", "TU", "WE", "TH", "FR", "SA", "SU"];

fn one<T: Copy>(dice: &mut StdRng, from: &[T]) -> T {
    from[dice.random_range(0..from.len())]
}

/// Draws weekdays; all with a number or none, because dateutil takes only what both kinds allow
/// where RFC 5545 takes what either names.
fn weekdays(dice: &mut StdRng, numbered: bool) -> String {
    let count = dice.random_range(1..4);
    let mut drawn = Vec::new();
    for _ in 0..count {
        let number = if numbered {
            one(dice, &["1", "2", "3", "4", "5", "-1", "-2", "-5"])
        } else {
            ""
        };
        drawn.push(format!("{number}{}", one(dice, &DAYS)));
    }
    drawn.join(",")
}

fn rule(dice: &mut StdRng, start: i64) -> String {
    let frequency = one(dice, &["DAILY", "WEEKLY", "MONTHLY"]);
    let mut parts = vec![format!("FREQ={frequency}")];
    if dice.random_bool(0.5) {
        parts.push(format!("INTERVAL={}", dice.random_range(1..8)));
    }
    if dice.random_bool(0.5) {
        let numbered = frequency == "MONTHLY" && dice.random_bool(0.6);
        parts.push(format!("BYDAY={}", weekdays(dice, numbered)));
    }
    if frequency != "WEEKLY" && dice.random_bool(0.4) {
        let days = [1, 2, 13, 15, 28, 29, 30, 31, -1, -2, -15, -30, -31];
        let (one_day, other) = (one(dice, &days), one(dice, &days));
        parts.push(format!("BYMONTHDAY={one_day},{other}"));
    }
    if dice.random_bool(0.5) {
        parts.push(format!("WKST={}", one(dice, &DAYS)));
    }
    let last = start + dice.random_range(0..500) * DAY_US + dice.random_range(0..1440) * MINUTE_US;
    let last = DateTime::from_timestamp_micros(last).unwrap();
    match dice.random_range(0..4) {
        0 => parts.push(format!("COUNT={}", dice.random_range(1..40))),
        1 => parts.push(format!("UNTIL={}", last.format("%Y%m%d"))),
        2 => parts.push(format!("UNTIL={}", last.format("%Y%m%dT%H%M%SZ"))),
        _ => {}
    }
    parts.join(";")
}

/// Draws what to leave out: begins of the series in UTC, and a day.
fn excluded(dice: &mut StdRng, series: &[Slot], start: i64) -> String {
    let mut times = Vec::new();
    while !series.is_empty() && dice.random_bool(0.5) {
        let begin = one(dice, series).start().get();
        let begin = DateTime::from_timestamp_micros(begin).unwrap();
        times.push(begin.format("%Y%m%dT%H%M%SZ").to_string());
    }
    if dice.random_bool(0.3) {
        let day = DateTime::from_timestamp_micros(start + dice.random_range(0..30) * DAY_US);
        times.push(day.unwrap().format("%Y%m%d").to_string());
    }
    if times.is_empty() {
        return String::new();
    }
    format!("\nEXDATE:{}", times.join(","))
}

#[test]
fn series_are_those_of_dateutil() {
    let mut dice = StdRng::seed_from_u64(SEED);
    let (mut cases, mut ours) = (Vec::new(), Vec::new());
    let hour = Span::minutes(60);
    for _ in 0..CASES {
        let (zone, about) = one(&mut dice, &PLACES);
        let about = tests::times::parse_ms(about) * 1000;
        let quarters = dice.random_range(-500..500);
        let start = about + quarters * 15 * MINUTE_US;
        let first = Slot::new(Micros::new(start), Micros::new(start) + hour).unwrap();
        let bound = Bound::new(dice.random_range(1..401), dice.random_range(1..6));
        let expand = |text: &str| -> Occurrences {
            let rule = Recurrence::parse(text);
            rule.unwrap_or_else(|fault| panic!("{text}: {fault}"))
                .occurrences(first, zone, bound)
        };
        let mut text = rule(&mut dice, start);
        let series = expand(&text).slots;
        text += &excluded(&mut dice, &series, start);
        let begins: Vec<i64> = expand(&text)
            .slots
            .iter()
            .map(|slot| slot.start().get())
            .collect();
        cases.push(json!({
            "rule": text, "start_us": start, "zone": zone.name(),
            "slots": bound.slots(), "years": bound.years(),
        }));
        ours.push(begins);
    }
    let theirs = expand(&cases);
    for ((case, ours), theirs) in cases.iter().zip(&ours).zip(&theirs) {
        assert_eq!(ours, theirs, "seed {SEED}: {case}");
    }
    let found: usize = ours.iter().map(Vec::len).sum();
    let empty = ours.iter().filter(|begins| begins.is_empty()).count();
    assert!(
        found > 20_000 && empty < CASES / 10,
        "{found} {empty}: the dice are dull"
    );
}
