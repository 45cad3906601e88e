//! The occupancy and the search against slow oracles that share no code with them.

#![expect(clippy::unwrap_used, reason = "a test states what must hold")]

use chrono_tz::Tz;
use proptest::prelude::*;
use scheduler::calendar::{DayHours, Weekly};
use scheduler::facts::BookingFacts;
use scheduler::id::{BookingId, ClaimId, OutageId};
use scheduler::occupancy::{Claim, Holder, Occupancy};
use scheduler::policy::{Layer, Mode, Policy, Rule, RuleBody};
use scheduler::rules::{Decision, judge};
use scheduler::search::next_free;
use scheduler::slot::Slot;
use scheduler::time::{DAY_US, MINUTE_US, Micros, Span};

/// 2026-03-27T00:00:00Z: two days before clocks change in Berlin.
const BEGIN: i64 = 1_774_569_600_000_000;

fn slot(start: i64, end: i64) -> Slot {
    Slot::new(Micros::new(start), Micros::new(end)).unwrap()
}

#[derive(Debug, Clone)]
enum Step {
    Book(i64, i64),
    Outage(i64, i64),
    Remove(prop::sample::Index),
    Capacity(u8),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        8 => (0i64..60, 1i64..12).prop_map(|(start, len)| Step::Book(start, start + len)),
        1 => (0i64..60, 1i64..20).prop_map(|(start, len)| Step::Outage(start, start + len)),
        3 => any::<prop::sample::Index>().prop_map(Step::Remove),
        1 => (1u8..4).prop_map(Step::Capacity),
    ];
    prop::collection::vec(step, 1..60)
}

/// The oracle: a plain list, every question answered by looking at every instant.
#[derive(Default)]
struct Scan(Vec<Claim>);

impl Scan {
    fn holds(&self, lane: u8, instant: i64) -> Option<&Claim> {
        self.0.iter().find(|claim| {
            claim.lane == lane
                && claim.slot.start().get() <= instant
                && instant < claim.slot.end().get()
        })
    }

    fn lane_free(&self, lane: u8, start: i64, end: i64) -> bool {
        (start..end).all(|instant| self.holds(lane, instant).is_none())
    }
}

proptest! {
    #[test]
    fn occupancy_agrees_with_a_scan_of_every_instant(steps in steps(), capacity in 1u8..4) {
        let (mut index, mut scan, mut capacity, mut next) =
            (Occupancy::new(capacity), Scan::default(), capacity, 0);
        for step in steps {
            next += 1;
            match step {
                Step::Book(start, end) => {
                    let lane = (0..capacity).find(|lane| scan.lane_free(*lane, start, end));
                    prop_assert_eq!(index.free_lane(slot(start, end)), lane);
                    let claim = Claim {
                        id: ClaimId::new(next),
                        lane: lane.unwrap_or(0),
                        slot: slot(start, end),
                        holder: Holder::Booking(BookingId::new(next)),
                    };
                    prop_assert_eq!(index.insert(claim).is_ok(), lane.is_some());
                    if lane.is_some() {
                        scan.0.push(claim);
                    }
                }
                Step::Outage(start, end) => {
                    for (lane, gaps) in index.free_by_lane(slot(start, end)).iter().enumerate() {
                        for gap in gaps {
                            let claim = Claim {
                                id: ClaimId::new(next),
                                lane: u8::try_from(lane).unwrap(),
                                slot: *gap,
                                holder: Holder::Outage(OutageId::new(next)),
                            };
                            prop_assert!(index.insert(claim).is_ok(), "a gap is free");
                            scan.0.push(claim);
                        }
                    }
                    for lane in 0..capacity {
                        prop_assert!((start..end).all(|instant| scan.holds(lane, instant).is_some()));
                    }
                }
                Step::Remove(chosen) if !scan.0.is_empty() => {
                    let holder = scan.0[chosen.index(scan.0.len())].holder;
                    let before = scan.0.len();
                    scan.0.retain(|claim| claim.holder != holder);
                    prop_assert_eq!(index.remove(holder).len(), before - scan.0.len());
                }
                Step::Remove(_) => {}
                Step::Capacity(changed) => {
                    index.set_capacity(changed);
                    capacity = changed;
                }
            }
            let window = slot(0, 80);
            let free: Vec<i64> = index.free(window).iter()
                .flat_map(|gap| gap.start().get()..gap.end().get()).collect();
            let expected: Vec<i64> = (0..80)
                .filter(|instant| (0..capacity).any(|lane| scan.holds(lane, *instant).is_none()))
                .collect();
            prop_assert_eq!(free, expected, "free time is where some lane is free");
            prop_assert_eq!(index.claims().count(), scan.0.len(), "nothing is lost");
            for instant in 0..80 {
                let held = index.at(Micros::new(instant)).count();
                prop_assert_eq!(held, scan.0.iter()
                    .filter(|claim| claim.slot.contains(Micros::new(instant))).count());
                let edge = index.next_edge(Micros::new(instant)).map(Micros::get);
                let expected = scan.0.iter()
                    .flat_map(|claim| [claim.slot.start().get(), claim.slot.end().get()])
                    .filter(|edge| *edge > instant)
                    .min();
                prop_assert_eq!(edge, expected);
            }
        }
    }

    #[test]
    fn inserting_and_removing_is_nothing(held in prop::collection::vec((0i64..200, 1i64..9), 0..20)) {
        let mut index = Occupancy::new(2);
        for (number, (start, len)) in (1..).zip(held) {
            let wanted = slot(start, start + len);
            if let Some(lane) = index.free_lane(wanted) {
                let holder = Holder::Booking(BookingId::new(number));
                index.insert(Claim { id: ClaimId::new(number), lane, slot: wanted, holder }).unwrap();
            }
        }
        let before = index.clone();
        let wanted = slot(50, 60);
        if let Some(lane) = index.free_lane(wanted) {
            let holder = Holder::Booking(BookingId::new(-1));
            index.insert(Claim { id: ClaimId::new(-1), lane, slot: wanted, holder }).unwrap();
            prop_assert!(index.conflicts(wanted).iter().any(|claim| claim.holder == holder));
            index.remove(holder);
        }
        prop_assert_eq!(index, before);
    }

    #[test]
    fn the_next_free_slot_is_the_earliest_that_passes(
        held in prop::collection::vec((0i64..700, 1i64..90), 0..25),
        opens in prop::sample::select(vec![(0u16, 1440u16), (480, 1320), (90, 200), (1380, 1440)]),
        grid in prop::sample::select(vec![10u32, 15, 30, 60]),
        length in 1i64..18,
        now in 0i64..200,
        zone in prop::sample::select(vec![Tz::Europe__Berlin, Tz::Asia__Shanghai, Tz::Asia__Kathmandu]),
    ) {
        let minutes = |number: i64| BEGIN + number * 10 * MINUTE_US;
        let mut index = Occupancy::new(1);
        for (number, (start, len)) in (1..).zip(held) {
            let wanted = slot(minutes(start), minutes(start + len));
            let holder = Holder::Booking(BookingId::new(number));
            // An overlap is refused and leaves the index as it was.
            index.insert(Claim { id: ClaimId::new(number), lane: 0, slot: wanted, holder }).ok();
        }
        let hours = DayHours::new(&[1, 2, 3, 4, 5, 6, 7], opens.0, opens.1).unwrap();
        let rules = [
            RuleBody::Alignment { minutes: grid },
            RuleBody::Longest { minutes: 120 },
            RuleBody::Horizon { days: 4 },
            RuleBody::OpeningHours(Weekly(vec![hours])),
        ];
        let rules = rules.map(|body| Rule { body, mode: Mode::Default }).to_vec();
        let policy = Policy::resolve(&[Layer { rules }]);
        let (now, until) = (Micros::new(minutes(now)), Micros::new(BEGIN + 5 * DAY_US));
        let length = Span::new(length * 10 * MINUTE_US).unwrap();
        let passes = |start: i64| {
            let wanted = slot(start, start + length.get());
            let facts = BookingFacts {
                now, zone, bookable: true, permitted: true, slot: wanted, begin_is_kept: false,
            };
            wanted.end() <= until
                && judge(&policy, &facts) == Decision::Accept
                && index.free_lane(wanted).is_some()
        };
        let found = next_free(&index, &policy, zone, now, (now, until), length, 3);
        // Every grid here is a multiple of five minutes in these zones' offsets.
        let earliest = (now.get()..until.get())
            .step_by(usize::try_from(5 * MINUTE_US).unwrap())
            .find(|start| passes(*start));
        prop_assert_eq!(found.first().map(|slot| slot.start().get()), earliest);
        for offered in &found {
            prop_assert!(passes(offered.start().get()));
        }
        prop_assert!(found.windows(2).all(|pair| pair[0].end() <= pair[1].start()));
    }
}
