//! The search against brute force over every grid point, on the days when clocks change.

use chrono_tz::Tz;
use proptest::prelude::*;

use super::*;
use crate::blocks::{Block, Blocks};
use crate::calendar::{DayHours, Weekly};
use crate::facts::BookingFacts;
use crate::id::{BookingId, ClaimId};
use crate::occupancy::{Claim, Holder};
use crate::policy::{Layer, Level, Mode, Rule, RuleBody};
use crate::rules::{Decision, judge};
use crate::time::{DAY_US, HOUR_US, MINUTE_US};

/// 2026-03-28T12:00:00Z: in Berlin clocks go forward the next night.
const SPRING: i64 = 1_774_699_200_000_000;
/// 2026-10-24T12:00:00Z: in Berlin clocks go back the next night.
const AUTUMN: i64 = 1_792_843_200_000_000;
/// 2026-04-04T06:00:00Z: on Lord Howe clocks go back by half an hour at 15:00Z.
const LORD_HOWE: i64 = 1_775_282_400_000_000;
/// Every grid point of the tests is a multiple of this in UTC, in every zone of the tests.
const GRAIN_US: i64 = 5 * MINUTE_US;

fn slot(start: i64, end: i64) -> Slot {
    Slot::new(Micros::new(start), Micros::new(end)).unwrap()
}

fn layer(level: Level, bodies: Vec<(Mode, RuleBody)>) -> Layer {
    let rules = bodies
        .into_iter()
        .map(|(mode, body)| Rule { body, mode })
        .collect();
    Layer { level, rules }
}

fn policy(opens: (u16, u16), grids: &[u32]) -> Policy {
    let hours = DayHours::new(&[1, 2, 3, 4, 5, 6, 7], opens.0, opens.1).unwrap();
    let mut binding = vec![
        (Mode::Binding, RuleBody::Horizon { days: 2 }),
        (
            Mode::Binding,
            RuleBody::OpeningHours(Weekly(vec![hours]).into()),
        ),
    ];
    binding.extend(
        grids
            .iter()
            .map(|&minutes| (Mode::Binding, RuleBody::Alignment { minutes })),
    );
    let lab = vec![(Mode::Default, RuleBody::Longest { minutes: 240 })];
    Policy::resolve(&[layer(Level::Region, binding), layer(Level::Lab, lab)])
}

/// Books what fits and leaves out the rest.
fn occupied(capacity: u8, begin: i64, wishes: Vec<(i64, i64)>) -> Occupancy {
    let mut occupancy = Occupancy::new(capacity);
    for (number, (start, len)) in (1..).zip(wishes) {
        let wanted = slot(begin + start * GRAIN_US, begin + (start + len) * GRAIN_US);
        if let Ok(placement) = occupancy.place(wanted) {
            occupancy.relane(&placement.moves);
            let holder = Holder::Booking(BookingId::new(number));
            let id = ClaimId::new(number);
            occupancy
                .insert(Claim {
                    id,
                    lane: placement.lane,
                    slot: wanted,
                    holder,
                })
                .unwrap();
        }
    }
    occupancy
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]
    #[test]
    fn each_slot_offered_is_the_earliest_that_passes(
        (zone, begin) in prop::sample::select(vec![
            (Tz::Europe__Berlin, SPRING),
            (Tz::Europe__Berlin, AUTUMN),
            (Tz::Australia__Lord_Howe, LORD_HOWE),
            (Tz::Asia__Shanghai, SPRING),
            (Tz::Asia__Kathmandu, SPRING),
        ]),
        held in prop::collection::vec((0i64..500, 1i64..60), 0..30),
        capacity in 1u8..3,
        opens in prop::sample::select(vec![(0u16, 1440u16), (480, 1320), (90, 200), (1380, 1440)]),
        grids in prop::sample::select(vec![vec![10u32], vec![15, 25], vec![60], vec![20, 30], vec![50]]),
        length in 1i64..50,
        now in 0i64..200,
    ) {
        let occupancy = occupied(capacity, begin, held);
        let policy = policy(opens, &grids);
        let now = Micros::new(begin + now * GRAIN_US - 1);
        let until = Micros::new(begin + 5 * DAY_US / 2);
        let length = Span::new(length * GRAIN_US).unwrap();
        let passes = |start: &i64| {
            let wanted = slot(*start, *start + length.get());
            let facts = BookingFacts {
                now, zone, bookable: true, permitted: true, slot: wanted, begin_is_kept: false,
            };
            wanted.end() <= until
                && occupancy.place(wanted).is_ok()
                && judge(&policy, &facts) == Decision::Accept
        };
        let mut expected = Vec::new();
        let mut from = begin;
        while expected.len() < 3 {
            let grain = usize::try_from(GRAIN_US).unwrap();
            let Some(start) = (from..until.get()).step_by(grain).find(passes) else { break };
            expected.push(slot(start, start + length.get()));
            from = start + length.get();
        }
        let found = next_free(&occupancy, &policy, zone, now, (now, until), length, 3);
        prop_assert_eq!(found, expected);
    }
}

#[test]
fn without_a_grid_slots_begin_at_whole_minutes() {
    let now = Micros::new(SPRING + 7);
    let until = Micros::new(SPRING + DAY_US);
    let length = Span::new(90 * MINUTE_US + 5).unwrap();
    let occupancy = occupied(1, SPRING, vec![(0, 3)]);
    let offered = |from| {
        let policy = Policy::default();
        next_free(
            &occupancy,
            &policy,
            Tz::Asia__Shanghai,
            now,
            (from, until),
            length,
            1,
        )
    };
    let begin = SPRING + 15 * MINUTE_US;
    assert_eq!(offered(now), [slot(begin, begin + length.get())]);
    let past = Micros::new(SPRING - DAY_US);
    assert_eq!(offered(past), offered(now), "the past is not offered");
    let later = begin + HOUR_US + 3;
    let expected = begin + HOUR_US + MINUTE_US;
    assert_eq!(
        offered(Micros::new(later)),
        [slot(expected, expected + length.get())]
    );
}

#[test]
fn nothing_is_offered_that_no_time_can_cure() {
    let occupancy = Occupancy::new(1);
    let policy = policy((0, 1440), &[15]);
    let (now, until) = (Micros::new(SPRING), Micros::new(SPRING + DAY_US));
    let offered = |minutes| {
        let length = Span::minutes(minutes);
        next_free(
            &occupancy,
            &policy,
            Tz::Europe__Berlin,
            now,
            (now, until),
            length,
            3,
        )
        .len()
    };
    assert_eq!(offered(240), 3);
    assert_eq!(offered(255), 0, "longer than the longest");
    assert_eq!(offered(0), 0);
}

/// Blocks of whole hours on every day.
fn blocks(hours: &[(u16, u16)]) -> Blocks {
    let block =
        |(from, to): &(u16, u16)| Block::new(&[1, 2, 3, 4, 5, 6, 7], from * 60, to * 60).unwrap();
    Blocks(hours.iter().map(block).collect())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn under_fixed_blocks_only_whole_blocks_are_offered(
        (zone, begin) in prop::sample::select(vec![
            (Tz::Europe__Berlin, SPRING),
            (Tz::Europe__Berlin, AUTUMN),
            (Tz::Asia__Shanghai, SPRING),
        ]),
        held in prop::collection::vec((0i64..48, 1i64..6), 0..6),
        day in prop::sample::select(vec![
            vec![(8, 12), (13, 17), (18, 32)],
            vec![(0, 4), (4, 8), (8, 16), (12, 16), (16, 24)],
            vec![(6, 30)],
            vec![(8, 11), (11, 16), (16, 23)],
        ]),
        other in prop::sample::select(vec![vec![], vec![(8, 12), (13, 17)], vec![(8, 24), (0, 8)]]),
        grid in prop::sample::select(vec![60u32, 240]),
        length in 1i64..16,
        longest in prop::sample::select(vec![240u32, 840, 3000]),
    ) {
        let occupancy = occupied(1, begin, held.iter().map(|(at, len)| (at * 12, len * 12)).collect());
        let mut bodies = vec![
            (Mode::Binding, RuleBody::Horizon { days: 1 }),
            (Mode::Binding, RuleBody::Alignment { minutes: grid }),
            (Mode::Binding, RuleBody::Longest { minutes: longest }),
            (Mode::Binding, RuleBody::FixedBlocks(blocks(&day))),
        ];
        if !other.is_empty() {
            bodies.push((Mode::Binding, RuleBody::FixedBlocks(blocks(&other))));
        }
        let policy = Policy::resolve(&[layer(Level::Region, bodies)]);
        let now = Micros::new(begin);
        let until = Micros::new(begin + 5 * DAY_US / 2);
        let passes = |wanted: &Slot| {
            let facts = BookingFacts {
                now, zone, bookable: true, permitted: true, slot: *wanted, begin_is_kept: false,
            };
            wanted.end() <= until
                && occupancy.place(*wanted).is_ok()
                && judge(&policy, &facts) == Decision::Accept
        };
        let mut expected = Vec::new();
        let mut from = 0;
        while expected.len() < 2 {
            let wishes = (from..60).flat_map(|at| (length..60).map(move |len| {
                slot(begin + at * HOUR_US, begin + (at + len) * HOUR_US)
            }));
            let Some(first) = wishes.into_iter().find(passes) else { break };
            from = (first.end() - now) / HOUR_US;
            expected.push(first);
        }
        let length = Span::new(length * HOUR_US).unwrap();
        let found = next_free(&occupancy, &policy, zone, now, (now, until), length, 2);
        prop_assert_eq!(found, expected);
    }
}
