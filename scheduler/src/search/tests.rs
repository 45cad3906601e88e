//! The search against brute force over every grid point, on the days when clocks change.

use chrono_tz::Tz;
use proptest::prelude::*;

use super::*;
use crate::blocks::{Block, Blocks};
use crate::calendar::{DayHours, Weekly};
use crate::facts::BookingFacts;
use crate::fixture::{SUBJECTS, World, general, layer};
use crate::id::{BookingId, ClaimId};
use crate::occupancy::{Claim, Holder};
use crate::policy::{Level, Mode, RuleBody};
use crate::qualification::{Granted, QualificationName};
use crate::quota::{Party, Period, charges};
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

fn policy(opens: (u16, u16), grids: &[u32]) -> Policy {
    let hours = DayHours::new(&[1, 2, 3, 4, 5, 6, 7], opens.0, opens.1).unwrap();
    let mut binding = vec![
        RuleBody::Horizon { days: 2 },
        RuleBody::OpeningHours(Weekly(vec![hours]).into()),
    ];
    binding.extend(grids.iter().map(|&minutes| RuleBody::Alignment { minutes }));
    let binding = binding.into_iter().map(|body| general(Mode::Binding, body));
    let lab = general(Mode::Default, RuleBody::Longest { minutes: 240 });
    Policy::resolve(&[
        layer(Level::Region, binding.collect()),
        layer(Level::Lab, vec![lab]),
    ])
}

/// Returns the facts of somebody who may book, at a time in a zone.
fn world(now: Micros, zone: Tz) -> World {
    World {
        now,
        zone,
        ..World::wanting(slot(0, 1))
    }
}

/// Returns up to three slots by trying every so many minutes.
fn by_brute_force(
    occupancy: &Occupancy,
    policy: &Policy,
    world: &World,
    (from, until): (Micros, Micros),
    (length, step_us): (Span, i64),
) -> Vec<Slot> {
    let buffers = policy.in_force(world.class).buffers;
    let passes = |start: &i64| {
        let wanted = slot(*start, *start + length.get());
        let facts = BookingFacts {
            slot: wanted,
            ..world.facts()
        };
        wanted.end() <= until
            && occupancy.place(buffers.claim(wanted)).is_ok()
            && matches!(judge(policy, &facts), Decision::Accept(_))
    };
    let step = usize::try_from(step_us).unwrap();
    let mut found = Vec::new();
    let mut from = from.get();
    while found.len() < 3 {
        let mut begins = (from..until.get()).step_by(step);
        let Some(start) = begins.find(passes) else {
            break;
        };
        found.push(slot(start, start + length.get()));
        from = start + length.get();
    }
    found
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
    #![proptest_config(ProptestConfig::with_cases(64))]
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
        let world = world(now, zone);
        let expected =
            by_brute_force(&occupancy, &policy, &world, (Micros::new(begin), until), (length, GRAIN_US));
        let found = next_free(&occupancy, &policy, &world.facts(), (now, until), length, 3);
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
        let world = world(now, Tz::Asia__Shanghai);
        next_free(
            &occupancy,
            &policy,
            &world.facts(),
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
        let world = world(now, Tz::Europe__Berlin);
        next_free(&occupancy, &policy, &world.facts(), (now, until), length, 3).len()
    };
    assert_eq!(offered(240), 3);
    assert_eq!(offered(255), 0, "longer than the longest");
    assert_eq!(offered(0), 0);
}

/// A rule that depends on where the slot lies and on what the member has booked.
fn moving_rule() -> impl Strategy<Value = RuleBody> {
    let name = QualificationName::parse("xrd").unwrap();
    let periods = vec![Period::Day, Period::Week, Period::Month];
    prop_oneof![
        (0u32..2_000).prop_map(|minutes| RuleBody::NoticeToBook { minutes }),
        (1u32..600).prop_map(|minutes| RuleBody::MinimumGap { minutes }),
        (1u32..3).prop_map(|count| RuleBody::PerDay { count }),
        (1u32..5).prop_map(|count| RuleBody::FutureCount { count }),
        (1u32..900).prop_map(|minutes| RuleBody::FutureHours { minutes }),
        (60u32..240).prop_map(|minutes| RuleBody::Longest { minutes }),
        (prop::sample::select(periods), 30u32..400).prop_map(|(period, minutes)| {
            RuleBody::Quota {
                per: Party::Member,
                period,
                minutes,
            }
        }),
        Just(RuleBody::Qualification {
            name,
            disuse_days: None
        }),
    ]
}

/// Off-peak hours, set-up and clean-up, each as often as not.
fn surroundings() -> impl Strategy<Value = Vec<RuleBody>> {
    let off_peak = |days: &[u8], from, to| {
        let hours = DayHours::new(days, from, to).unwrap();
        RuleBody::OffPeak(Weekly(vec![hours]))
    };
    let all = [1, 2, 3, 4, 5, 6, 7];
    let hours = prop::sample::select(vec![
        off_peak(&all, 0, 480),
        off_peak(&[6, 7], 0, 1440),
        off_peak(&all, 600, 960),
        off_peak(&all, 700, 760),
    ]);
    let buffers =
        (0u32..90, 0u32..90).prop_map(|(setup_minutes, cleanup_minutes)| RuleBody::Buffers {
            setup_minutes,
            cleanup_minutes,
        });
    let both = (prop::option::of(hours), prop::option::of(buffers));
    both.prop_map(|(hours, buffers)| hours.into_iter().chain(buffers).collect())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]
    #[test]
    fn what_is_offered_is_accepted_whatever_the_member_has_booked(
        (zone, begin) in prop::sample::select(vec![
            (Tz::Europe__Berlin, SPRING),
            (Tz::Europe__Berlin, AUTUMN),
            (Tz::Asia__Shanghai, SPRING),
        ]),
        held in prop::collection::vec((0i64..800, 1i64..60), 0..8),
        moving in prop::collection::vec(moving_rule(), 1..3),
        surroundings in surroundings(),
        (grid, steps) in prop::sample::select(vec![(15u32, 16u32), (30, 8), (60, 5)])
            .prop_flat_map(|(grid, most)| (Just(grid), 1..most)),
        now in 0i64..200,
        granted in (0i64..900, 0i64..900),
    ) {
        let occupancy = occupied(1, begin, held);
        let own: Vec<Slot> = occupancy.claims().map(|claim| claim.slot).collect();
        let alignment = RuleBody::Alignment { minutes: grid };
        let rules = moving.into_iter().chain(surroundings).chain([alignment]);
        let rules: Vec<_> = rules.map(|body| general(Mode::Binding, body)).collect();
        let policy = Policy::resolve(&[layer(Level::Lab, rules)]);
        let mut world = world(Micros::new(begin + now * GRAIN_US - 1), zone);
        for slot in &own {
            world.ledger.add(&charges(&policy, world.class, SUBJECTS, zone, *slot));
        }
        world.own = own;
        let (since, lasts) = granted;
        world.qualifications = vec![Granted {
            name: QualificationName::parse("xrd").unwrap(),
            since: Micros::new(begin + since * GRAIN_US),
            expires: Some(Micros::new(begin + (since + lasts) * GRAIN_US)),
            last_use: None,
        }];
        let reach = (Micros::new(begin), Micros::new(begin + 7 * DAY_US / 2));
        let length = Span::minutes(grid * steps);
        // These zones keep whole hours from UTC, so the grid is one of UTC.
        let step_us = Span::minutes(grid).get();
        let expected = by_brute_force(&occupancy, &policy, &world, reach, (length, step_us));
        let found = next_free(&occupancy, &policy, &world.facts(), reach, length, 3);
        prop_assert_eq!(found, expected);
    }
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
            RuleBody::Horizon { days: 1 },
            RuleBody::Alignment { minutes: grid },
            RuleBody::Longest { minutes: longest },
            RuleBody::FixedBlocks(blocks(&day)),
        ];
        if !other.is_empty() {
            bodies.push(RuleBody::FixedBlocks(blocks(&other)));
        }
        let binding = bodies.into_iter().map(|body| general(Mode::Binding, body));
        let policy = Policy::resolve(&[layer(Level::Region, binding.collect())]);
        let now = Micros::new(begin);
        let until = Micros::new(begin + 5 * DAY_US / 2);
        let passes = |wanted: &Slot| {
            let world = World { slot: *wanted, ..world(now, zone) };
            wanted.end() <= until
                && occupancy.place(*wanted).is_ok()
                && matches!(judge(&policy, &world.facts()), Decision::Accept(_))
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
        let found = next_free(&occupancy, &policy, &world(now, zone).facts(), (now, until), length, 2);
        prop_assert_eq!(found, expected);
    }
}
