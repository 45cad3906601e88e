//! Marks of hours: what is taken when, and that nothing is forgotten.

use super::super::touched::{DAY_MS, HOUR_MS, Taken, Touched};
use super::*;

const X: InstrumentId = InstrumentId::new(7);
const NOON: i64 = 12 * HOUR_MS;

fn at(ms: i64) -> Micros {
    Micros::new(ms * 1_000)
}

fn touch(touched: &mut Touched, ms: i64, now_ms: i64) -> u32 {
    let mut fresh = BTreeMap::new();
    touched.touch(X, (ms, ms), at(now_ms), &mut fresh);
    fresh
        .values()
        .copied()
        .reduce(|one, other| one | other)
        .unwrap_or(0)
}

fn take(touched: &mut Touched, now_ms: i64) -> Vec<Taken> {
    touched.take(&mut None, 10, at(now_ms)).unwrap()
}

#[test]
fn an_hour_is_written_once_and_taken_when_it_is_over_and_quiet() {
    let mut touched = Touched::default();
    assert_eq!(touch(&mut touched, NOON, NOON), 1 << 12);
    assert_eq!(touch(&mut touched, NOON + 1_000, NOON), 0, "known");
    assert_eq!(
        touch(&mut touched, NOON + HOUR_MS - 1_000, NOON),
        1 << 13,
        "it lasts"
    );
    let soon = NOON + HOUR_MS + 14 * 60_000;
    assert!(take(&mut touched, soon).is_empty());
    let taken = take(&mut touched, soon + 61_000);
    assert_eq!(taken.len(), 1);
    assert_eq!(taken[0].window_ms(), NOON..NOON + HOUR_MS);
    assert_eq!(touched.hours(X, 0, DAY_MS), [12, 13], "until it is done");
    assert_eq!(touched.settle(taken[0]), 1 << 12);
    assert_eq!(
        touched.hours(X, 0, DAY_MS),
        [12, 13],
        "until it is committed"
    );
    touched.conclude((X, 0));
    assert_eq!(touched.hours(X, 0, DAY_MS), [13]);
}

#[test]
fn an_hour_that_a_backlog_fills_is_let_be() {
    let mut touched = Touched::default();
    let now = NOON + 5 * HOUR_MS;
    touch(&mut touched, NOON, now);
    assert!(take(&mut touched, now + 59_000).is_empty());
    assert!(take(&mut touched, now + 61_000).is_empty());
    assert_eq!(take(&mut touched, now + 122_000).len(), 1);
}

#[test]
fn what_is_touched_while_it_is_taken_stays_marked() {
    let mut touched = Touched::default();
    touch(&mut touched, NOON, NOON);
    let taken = take(&mut touched, NOON + 2 * HOUR_MS);
    assert_eq!(touch(&mut touched, NOON + 5, NOON), 0);
    assert_eq!(touched.settle(taken[0]), 0);
    assert_eq!(touched.hours(X, 0, DAY_MS), [12]);
    let taken = take(&mut touched, NOON + 4 * HOUR_MS);
    assert_eq!(touched.settle(taken[0]), 1 << 12);
    touched.conclude((X, 0));
    assert_eq!(touch(&mut touched, NOON, NOON), 1 << 12, "anew");
    touched.set_committing(true);
    assert_eq!(touched.take(&mut None, 1, at(NOON + DAY_MS)), None);
}

#[test]
fn an_hour_that_is_never_quiet_is_taken_nevertheless() {
    let mut touched = Touched::default();
    let mut taken = 0;
    for minute in 0..40 {
        let now = NOON + 5 * HOUR_MS + minute * 60_000;
        touch(&mut touched, NOON, now);
        for one in take(&mut touched, now) {
            taken += 1;
            touched.settle(one);
            touched.conclude((X, 0));
        }
    }
    assert_eq!(taken, 2);
}

#[test]
fn days_are_taken_in_turn_and_neighbouring_hours_together() {
    let mut touched = Touched::default();
    for (number, hour) in [(1, 1), (1, 2), (1, 3), (1, 9), (1, 30), (2, 1), (3, 1)] {
        let time_ms = hour * HOUR_MS;
        let instrument = InstrumentId::new(number);
        touched.touch(instrument, (time_ms, time_ms), at(0), &mut BTreeMap::new());
    }
    let mut cursor = None;
    let now = at(4 * DAY_MS);
    let first = touched.take(&mut cursor, 2, now).unwrap();
    let found: Vec<(u32, i64, u32)> = first
        .iter()
        .map(|one| (one.instrument.get(), one.day, one.hours))
        .collect();
    assert_eq!(found, [(1, 0, 0b1110), (2, 0, 0b0010)], "one day of each");
    assert_eq!(first[0].first_hour().hours, 0b0010);
    let second = touched.take(&mut cursor, 2, now).unwrap();
    assert_eq!(second.len(), 1, "the third one");
    assert_eq!(cursor, None);
    let third = touched.take(&mut cursor, 2, now).unwrap();
    assert_eq!(third[0].day, 1, "the first one again");
}
