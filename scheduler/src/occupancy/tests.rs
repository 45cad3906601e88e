//! The occupancy against a plain list that is asked about every instant.

use proptest::prelude::*;
use proptest::sample::Index;

use super::*;

/// All steps stay before this instant.
const END: i64 = 80;

fn slot(start: i64, end: i64) -> Slot {
    Slot::new(Micros::new(start), Micros::new(end)).unwrap()
}

fn instants(slot: Slot) -> std::ops::Range<i64> {
    slot.start().get()..slot.end().get()
}

#[derive(Debug, Clone)]
enum Step {
    Book(i64, i64),
    Outage(i64, i64),
    Remove(Index),
    Capacity(u8),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        8 => (0i64..60, 1i64..12).prop_map(|(start, len)| Step::Book(start, start + len)),
        1 => (0i64..60, 1i64..20).prop_map(|(start, len)| Step::Outage(start, start + len)),
        3 => any::<Index>().prop_map(Step::Remove),
        1 => (1u8..4).prop_map(Step::Capacity),
    ];
    prop::collection::vec(step, 1..60)
}

/// The oracle: every question is answered by looking at every claim at every instant.
struct Scan {
    claims: Vec<Claim>,
    capacity: usize,
}

impl Scan {
    fn running(&self, instant: i64) -> impl Iterator<Item = &Claim> {
        self.claims
            .iter()
            .filter(move |claim| instants(claim.slot).contains(&instant))
    }

    fn is_full(&self, instant: i64) -> bool {
        self.running(instant).count() >= self.capacity
    }

    fn in_the_way(&self, wanted: Slot) -> Vec<ClaimId> {
        let full = instants(wanted).filter(|instant| self.is_full(*instant));
        let mut ids: Vec<ClaimId> = full
            .flat_map(|instant| {
                self.running(instant)
                    .map(|claim| claim.id)
                    .collect::<Vec<_>>()
            })
            .collect();
        ids.sort_unstable();
        ids.dedup();
        ids
    }
}

/// Index and oracle, driven side by side.
struct Pair {
    index: Occupancy,
    scan: Scan,
    next: i64,
    lowered: bool,
}

impl Pair {
    fn new(capacity: u8) -> Self {
        let scan = Scan {
            claims: Vec::new(),
            capacity: capacity.into(),
        };
        Self {
            index: Occupancy::new(capacity),
            scan,
            next: 0,
            lowered: false,
        }
    }

    fn take(&mut self, step: &Step) {
        self.next += 1;
        match *step {
            Step::Book(start, end) => self.book(slot(start, end)),
            Step::Outage(start, end) => self.outage(slot(start, end)),
            Step::Remove(_) if self.scan.claims.is_empty() => {}
            Step::Remove(ref chosen) => {
                let holder = chosen.get(&self.scan.claims).holder;
                let before = self.scan.claims.len();
                self.scan.claims.retain(|claim| claim.holder != holder);
                assert_eq!(
                    self.index.remove(holder).len(),
                    before - self.scan.claims.len()
                );
            }
            Step::Capacity(capacity) => {
                self.lowered |= usize::from(capacity) < self.scan.capacity;
                self.index.set_capacity(capacity);
                self.scan.capacity = capacity.into();
            }
        }
    }

    fn book(&mut self, wanted: Slot) {
        let in_the_way = self.scan.in_the_way(wanted);
        let placement = match self.index.place(wanted) {
            Ok(placement) => placement,
            Err(conflicts) => {
                assert!(conflicts.is_sorted_by_key(|claim| (claim.slot, claim.lane)));
                let mut ids: Vec<ClaimId> = conflicts.iter().map(|claim| claim.id).collect();
                ids.sort_unstable();
                assert_eq!(
                    ids, in_the_way,
                    "conflicts are those that run while it is full"
                );
                return;
            }
        };
        assert_eq!(in_the_way, [], "what is placed has room");
        assert!(
            usize::from(placement.lane) < self.scan.capacity,
            "the lane takes claims"
        );
        assert!(self.scan.capacity > 1 || placement.moves.is_empty() || self.lowered);
        self.index.relane(&placement.moves);
        for step in &placement.moves {
            let moved = self
                .scan
                .claims
                .iter_mut()
                .find(|claim| claim.id == step.claim.id);
            moved.unwrap().lane = step.to;
        }
        let claim = Claim {
            id: ClaimId::new(self.next),
            lane: placement.lane,
            slot: wanted,
            holder: Holder::Booking(BookingId::new(self.next)),
        };
        self.index.insert(claim).unwrap();
        self.scan.claims.push(claim);
    }

    fn outage(&mut self, window: Slot) {
        let holder = Holder::Outage(OutageId::new(self.next));
        for (lane, gaps) in self.index.free_by_lane(window).iter().enumerate() {
            for &gap in gaps {
                self.next += 1;
                let lane = Lane::try_from(lane).unwrap();
                let claim = Claim {
                    id: ClaimId::new(self.next),
                    lane,
                    slot: gap,
                    holder,
                };
                self.index.insert(claim).unwrap();
                self.scan.claims.push(claim);
            }
        }
        assert!(
            instants(window).all(|instant| self.scan.is_full(instant)),
            "nothing is left"
        );
    }

    fn check(&self) {
        let window = slot(3, END);
        let (free, full) = (self.index.free(window), self.index.full(window));
        let mut both = [free.clone(), full.clone()].concat();
        both.sort_unstable();
        assert!(
            both.windows(2).all(|pair| pair[0].end() == pair[1].start()),
            "they abut"
        );
        let ends = (
            both.first().map(|slot| slot.start()),
            both.last().map(|slot| slot.end()),
        );
        assert_eq!(
            ends,
            (Some(window.start()), Some(window.end())),
            "and cover the window"
        );
        for instant in instants(window) {
            let is_full = full.iter().any(|slot| slot.contains(Micros::new(instant)));
            assert_eq!(is_full, self.scan.is_full(instant), "at {instant}");
            self.check_instant(instant);
        }
        let mut held: Vec<Claim> = self.index.claims().copied().collect();
        held.sort_unstable_by_key(|claim| claim.id);
        let mut expected = self.scan.claims.clone();
        expected.sort_unstable_by_key(|claim| claim.id);
        assert_eq!(held, expected, "nothing is lost, and every lane is as told");
    }

    fn check_instant(&self, instant: i64) {
        let running = self.scan.running(instant);
        let mut lanes: Vec<Lane> = running.map(|claim| claim.lane).collect();
        assert_eq!(self.index.at(Micros::new(instant)).count(), lanes.len());
        assert!(
            self.lowered || lanes.len() <= self.scan.capacity,
            "lanes exceed the capacity"
        );
        assert!(self.lowered || lanes.iter().all(|l| usize::from(*l) < self.scan.capacity));
        lanes.sort_unstable();
        assert!(
            lanes.windows(2).all(|pair| pair[0] < pair[1]),
            "two claims share a lane"
        );
        let edges = self
            .scan
            .claims
            .iter()
            .flat_map(|claim| [claim.slot.start(), claim.slot.end()]);
        let next = edges.filter(|edge| edge.get() > instant).min();
        assert_eq!(self.index.next_edge(Micros::new(instant)), next);
    }
}

proptest! {
    #[test]
    fn the_occupancy_agrees_with_a_scan_of_every_instant(steps in steps(), capacity in 1u8..4) {
        let mut pair = Pair::new(capacity);
        for step in steps {
            pair.take(&step);
            pair.check();
        }
    }

    #[test]
    fn inserting_and_removing_is_nothing(
        steps in steps(), capacity in 1u8..4, start in 0i64..60, len in 1i64..20,
    ) {
        let mut pair = Pair::new(capacity);
        for step in &steps {
            pair.take(step);
        }
        let before = pair.index.clone();
        let mut index = before.clone();
        let (wanted, holder) = (slot(start, start + len), Holder::Booking(BookingId::new(-1)));
        if let Ok(Placement { lane, moves }) = index.place(wanted) {
            index.relane(&moves);
            index.insert(Claim { id: ClaimId::new(-1), lane, slot: wanted, holder }).unwrap();
            prop_assert_eq!(index.within(wanted).iter().filter(|c| c.holder == holder).count(), 1);
            prop_assert_eq!(index.remove(holder).len(), 1);
            let back = |step: &LaneMove| {
                let claim = Claim { lane: step.to, ..step.claim };
                LaneMove { claim, to: step.claim.lane }
            };
            index.relane(&moves.iter().map(back).collect::<Vec<_>>());
        }
        prop_assert_eq!(index, before);
    }

    #[test]
    fn abutting_slots_never_conflict(start in 0i64..50, first in 1i64..20, second in 1i64..20) {
        let middle = start + first;
        let (before, after) = (slot(start, middle), slot(middle, middle + second));
        for (held, wanted) in [(before, after), (after, before)] {
            let mut index = Occupancy::new(1);
            let holder = Holder::Booking(BookingId::new(1));
            index.insert(Claim { id: ClaimId::new(1), lane: 0, slot: held, holder }).unwrap();
            prop_assert_eq!(index.conflicts(wanted), []);
            prop_assert_eq!(index.conflicts(held).len(), 1);
        }
    }
}

fn booked(capacity: u8, slots: &[(Lane, i64, i64)]) -> Occupancy {
    let mut index = Occupancy::new(capacity);
    for (number, (lane, start, end)) in (1..).zip(slots) {
        let holder = Holder::Booking(BookingId::new(number));
        let claim = Claim {
            id: ClaimId::new(number),
            lane: *lane,
            slot: slot(*start, *end),
            holder,
        };
        index.insert(claim).unwrap();
    }
    index
}

#[test]
fn an_overlap_in_a_lane_is_given_back_and_changes_nothing() {
    let mut index = booked(2, &[(0, 0, 10), (0, 20, 30)]);
    let before = index.clone();
    for (start, end) in [(0, 10), (9, 12), (5, 25), (12, 21), (2, 3)] {
        let holder = Holder::Booking(BookingId::new(9));
        let claim = Claim {
            id: ClaimId::new(9),
            lane: 0,
            slot: slot(start, end),
            holder,
        };
        let (given_back, held) = index.insert(claim).unwrap_err();
        assert_eq!(given_back, claim);
        assert!(held.slot.overlaps(claim.slot));
        assert_eq!(index, before);
    }
}

#[test]
fn a_slot_that_fits_by_count_is_placed_by_moves() {
    let index = booked(2, &[(0, 0, 10), (1, 10, 20)]);
    assert_eq!(index.free_lane(slot(5, 15)), None);
    let placement = index.place(slot(5, 15)).unwrap();
    let moves: Vec<(i64, Lane)> = placement
        .moves
        .iter()
        .map(|step| (step.claim.id.get(), step.to))
        .collect();
    assert_eq!((placement.lane, moves), (1, vec![(2, 0)]));
}

#[test]
fn a_lowered_capacity_keeps_what_is_there_and_takes_nothing_above_it() {
    let mut index = booked(2, &[(1, 0, 10)]);
    index.set_capacity(1);
    assert_eq!(
        index.place(slot(5, 15)).unwrap_err().len(),
        1,
        "lane 0 is free, but one runs"
    );
    assert_eq!(index.place(slot(10, 15)).unwrap().lane, 0);
    assert_eq!(index.free(slot(0, 20)), [slot(10, 20)]);
}

#[test]
fn only_claims_that_leave_no_room_are_conflicts() {
    let index = booked(2, &[(0, 0, 10), (1, 5, 20), (0, 12, 20)]);
    let names = |wanted| {
        index
            .conflicts(wanted)
            .iter()
            .map(|c| c.id.get())
            .collect::<Vec<_>>()
    };
    assert_eq!(names(slot(0, 7)), [1, 2]);
    assert!(names(slot(0, 5)).is_empty(), "one lane is free");
    assert_eq!(names(slot(10, 13)), [2, 3], "the first was over");
    assert_eq!(index.within(slot(0, 5)).len(), 1);
}
