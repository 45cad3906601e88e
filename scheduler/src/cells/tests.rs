//! The bits against the lists they come from, cell by cell.

use proptest::prelude::*;
use proptest::sample::Index;

use super::*;
use crate::id::{BookingId, ClaimId};
use crate::occupancy::{Claim, Holder, Occupancy};

/// The first cell of the tests: some cells before a word begins.
const BEGIN: i64 = 64 * 30_000 - 20;
const END: i64 = BEGIN + 120;
/// Everything in the tests is a multiple of five minutes.
const GRAIN_US: i64 = CELL_US / 3;

fn grains(from: i64, to: i64) -> Option<Slot> {
    let at = |grain: i64| Micros::new(BEGIN * CELL_US + grain * GRAIN_US);
    Slot::new(at(from), at(to))
}

fn cell(number: i64) -> Slot {
    Slot::new(instant(number), instant(number + 1)).unwrap()
}

fn bit(word: u64, cell: i64) -> bool {
    word >> cell.rem_euclid(WORD_CELLS) & 1 == 1
}

#[derive(Debug, Clone)]
enum Step {
    Book(i64, i64),
    Remove(Index),
    Capacity(u8),
    IndexFrom(i64),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        8 => (0i64..330, 1i64..40).prop_map(|(start, len)| Step::Book(start, start + len)),
        3 => any::<Index>().prop_map(Step::Remove),
        1 => (1u8..4).prop_map(Step::Capacity),
        1 => (-300i64..300).prop_map(Step::IndexFrom),
    ];
    prop::collection::vec(step, 1..40)
}

fn book(occupancy: &mut Occupancy, number: i64, slot: Slot) -> bool {
    let Ok(placement) = occupancy.place(slot) else {
        return false;
    };
    occupancy.relane(&placement.moves);
    let claim = Claim {
        id: ClaimId::new(number),
        lane: placement.lane,
        slot,
        holder: Holder::Booking(BookingId::new(number)),
    };
    occupancy.insert(claim).is_ok()
}

proptest! {
    /// Every bit says what the claims say of that cell, whatever was done in whatever order.
    #[test]
    fn the_index_is_in_step_with_the_claims(steps in steps(), capacity in 1u8..4) {
        let mut occupancy = Occupancy::new(capacity);
        let mut base = None;
        let mut booked: Vec<BookingId> = Vec::new();
        for (number, step) in (1..).zip(steps) {
            match step {
                Step::Book(from, to) => {
                    if book(&mut occupancy, number, grains(from, to).unwrap()) {
                        booked.push(BookingId::new(number));
                    }
                }
                Step::Remove(_) if booked.is_empty() => {}
                Step::Remove(which) => {
                    let id = booked.swap_remove(which.index(booked.len()));
                    occupancy.remove(Holder::Booking(id));
                }
                Step::Capacity(capacity) => occupancy.set_capacity(capacity),
                Step::IndexFrom(grain) => {
                    let at = BEGIN * CELL_US + grain * GRAIN_US;
                    base = Some(at.div_euclid(CELL_US * WORD_CELLS) * WORD_CELLS);
                    occupancy.index_from(Micros::new(at));
                }
            }
            for number in BEGIN - 130..END {
                let word = occupancy.full_cells().word(word_of(number));
                let full = occupancy.full(cell(number));
                let (touched, covered) = match base {
                    Some(first) if number >= first => (!full.is_empty(), full == [cell(number)]),
                    _ => (true, false),
                };
                prop_assert_eq!(bit(word.touched, number), touched, "cell {}", number - BEGIN);
                prop_assert_eq!(bit(word.covered, number), covered, "cell {}", number - BEGIN);
            }
            // What was kept in step is what would be built anew.
            if let Some(first) = base {
                let mut anew = occupancy.clone();
                anew.index_from(instant(first));
                prop_assert_eq!(&anew, &occupancy);
            }
        }
    }

    /// A compiled list says of every cell in its window what the list says, and nothing of others.
    #[test]
    fn a_list_of_hours_becomes_bits(
        window in (0i64..300, 1i64..300),
        edges in prop::collection::btree_set(0i64..350, 0..20),
    ) {
        let window = grains(window.0, window.0 + window.1).unwrap();
        let edges: Vec<i64> = edges.into_iter().collect();
        let set: Vec<Slot> = edges.chunks_exact(2).filter_map(|pair| grains(pair[0], pair[1])).collect();
        let cells = Cells::of(window, &set);
        for number in BEGIN - 130..END + 200 {
            let word = cells.word(word_of(number));
            prop_assert_eq!(cells.knows(&(number..number + 1)), window.covers(cell(number)));
            let (touched, covered) = if window.covers(cell(number)) {
                let held: Vec<Slot> = set.iter().filter_map(|slot| slot.intersect(cell(number))).collect();
                (!held.is_empty(), held == [cell(number)])
            } else {
                (true, false)
            };
            prop_assert_eq!(bit(word.touched, number), touched, "cell {}", number - BEGIN);
            prop_assert_eq!(bit(word.covered, number), covered, "cell {}", number - BEGIN);
        }
    }

    /// Runs and questions about ranges, against one cell after the other.
    #[test]
    fn runs_are_found_as_by_counting(
        open in prop::collection::btree_set(0i64..360, 0..12),
        full in prop::collection::btree_set(0i64..360, 0..30),
        from in 0i64..130,
        count in 0i64..130,
        length in prop_oneof![1i64..12, 1i64..100],
    ) {
        let list = |edges: std::collections::BTreeSet<i64>| -> Vec<Slot> {
            let edges: Vec<i64> = edges.into_iter().collect();
            edges.chunks_exact(2).filter_map(|pair| grains(pair[0], pair[1])).collect()
        };
        let window = grains(0, 360).unwrap();
        let (open, full) = (Cells::of(window, &list(open)), Cells::of(window, &list(full)));
        let room = Room { open: &open, full: &full };
        let range = BEGIN + from..BEGIN + from + count;
        let possible = |at: i64| bit(room.possible(word_of(at)), at);
        let certain = |at: i64| bit(room.certain(word_of(at)), at);
        let first = range.clone().find(|at| at + length <= range.end && (*at..at + length).all(possible));
        prop_assert_eq!(room.first_run(Through::Possible, &range, length), first);
        let end = range.clone().find(|at| !possible(*at)).unwrap_or(range.end);
        prop_assert_eq!(room.run_end(Through::Possible, &range), end);
        let sure = range.clone().find(|at| at + length <= range.end && (*at..at + length).all(certain));
        prop_assert_eq!(room.first_run(Through::Certain, &range, length), sure);
        prop_assert_eq!(room.is_possible_all(&range), end == range.end);
        prop_assert_eq!(room.is_certain(&range), range.clone().all(certain));
        prop_assert_eq!(room.is_possible(&range), range.clone().any(possible));
        prop_assert_eq!(room.is_decided(&range), range.clone().all(|at| possible(at) == certain(at)));
        prop_assert_eq!(open.covers(&range), range.clone().all(|at| bit(open.word(word_of(at)).covered, at)));
    }
}

#[test]
fn claims_and_bases_at_the_ends_of_time_do_no_harm() {
    let (first, last) = (Micros::new(i64::MIN), Micros::new(i64::MAX));
    let all = Slot::new(first, last).unwrap();
    for base in [first, Micros::new(0), last] {
        let mut occupancy = Occupancy::new(1);
        occupancy.index_from(base);
        assert!(book(&mut occupancy, 1, all));
        let cells = occupancy.full_cells();
        assert!(cells.words.len() <= cells.known);
        occupancy.remove(Holder::Booking(BookingId::new(1)));
        assert!(occupancy.full_cells().words.is_empty());
    }
    let always = Cells::of(all, &[all]);
    let known = Span::days(KNOWN_DAYS).get() / CELL_US;
    assert_eq!(i64::try_from(always.known).unwrap() * WORD_CELLS, known);
}

#[test]
fn what_lies_before_the_base_or_beyond_what_is_known_it_is_unknown() {
    let (day, known) = (24 * 60 * MINUTE_US, i64::from(KNOWN_DAYS));
    let base = BEGIN.div_euclid(WORD_CELLS) * WORD_CELLS * CELL_US;
    let mut occupancy = Occupancy::new(1);
    occupancy.index_from(Micros::new(base + 5));
    let claim = |from: i64, to: i64| Slot::new(Micros::new(from), Micros::new(to)).unwrap();
    assert!(book(&mut occupancy, 1, claim(base - day, base + CELL_US)));
    assert!(book(
        &mut occupancy,
        2,
        claim(base + (known - 1) * day, base + 2 * known * day)
    ));
    let word = |at: i64| occupancy.full_cells().word(word_of(at / CELL_US));
    assert_eq!(word(base - 1), UNKNOWN);
    assert_eq!(word(base).covered, 1);
    assert_eq!(word(base + known * day - 1), ALL);
    assert_eq!(word(base + known * day), UNKNOWN);
}
