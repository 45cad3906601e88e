//! Blocks at their borders, on days that clocks make odd, and against a plain search.

use chrono::DateTime;
use proptest::prelude::*;

use super::*;
use crate::time::{DAY_US, HOUR_US, MINUTE_US};

const ALL: [u8; 7] = [1, 2, 3, 4, 5, 6, 7];

fn utc(text: &str) -> Micros {
    Micros::new(
        DateTime::parse_from_rfc3339(text)
            .unwrap()
            .timestamp_micros(),
    )
}

fn slot(from: &str, to: &str) -> Slot {
    Slot::new(utc(from), utc(to)).unwrap()
}

/// Morning, afternoon, night.
fn shifts() -> Blocks {
    let shifts = [(480, 720), (780, 1020), (1080, 1920)];
    Blocks(
        shifts
            .map(|(from, to)| Block::new(&ALL, from, to).unwrap())
            .to_vec(),
    )
}

#[test]
fn a_block_begins_on_its_day_and_ends_within_two() {
    let block = Block::new(&[6, 7], 1080, 1920).unwrap();
    assert_eq!(block.weekdays(), [6, 7]);
    assert_eq!((block.from_minute(), block.to_minute()), (1080, 1920));
    assert!(Block::new(&[1], 1439, BLOCK_END_MINUTE_MAX).is_some());
    for (days, from, to) in [
        (&[][..], 480, 720),
        (&[0], 480, 720),
        (&[8], 480, 720),
        (&[1], 480, 480),
        (&[1], 720, 480),
        (&[1], 1440, 1500),
        (&[1], 0, 2881),
    ] {
        assert_eq!(Block::new(days, from, to), None, "{days:?} {from} {to}");
    }
}

#[track_caller]
fn check_whole(from: &str, to: &str, expected: bool) {
    let day = |text: &str| format!("2026-11-{text}:00+08:00");
    let wanted = slot(&day(from), &day(to));
    let whole = is_made_of_blocks(&shifts(), Tz::Asia__Shanghai, wanted);
    assert_eq!(whole, expected, "{from} to {to}");
}

#[test]
fn only_whole_adjacent_blocks_pass() {
    check_whole("24T08:00", "24T12:00", true);
    check_whole("24T18:00", "25T08:00", true);
    check_whole("24T18:00", "25T12:00", true);
    check_whole("24T08:00", "24T17:00", false);
    check_whole("24T08:00", "24T11:00", false);
    check_whole("24T09:00", "24T12:00", false);
    check_whole("24T12:00", "24T13:00", false);
    check_whole("23T18:00", "24T13:00", false);
    let nothing = Blocks::default();
    let day = slot("2026-11-24T08:00:00+08:00", "2026-11-24T12:00:00+08:00");
    assert!(!is_made_of_blocks(&nothing, Tz::Asia__Shanghai, day));
    assert!(ends_a_block(&shifts(), Tz::Asia__Shanghai, day.end()));
    assert!(!ends_a_block(
        &shifts(),
        Tz::Asia__Shanghai,
        day.start() + Span::minutes(1)
    ));
    assert!(
        ends_a_block(&shifts(), Tz::Asia__Shanghai, day.start()),
        "the night ends at eight"
    );
}

#[test]
fn blocks_that_overlap_are_joined_end_to_end_only() {
    let blocks = [(480, 600), (480, 720), (600, 660), (660, 900)];
    let blocks = Blocks(
        blocks
            .map(|(from, to)| Block::new(&ALL, from, to).unwrap())
            .to_vec(),
    );
    let whole = |from: &str, to: &str| {
        let at = |time: &str| format!("2026-11-24T{time}:00+08:00");
        is_made_of_blocks(&blocks, Tz::Asia__Shanghai, slot(&at(from), &at(to)))
    };
    assert!(whole("08:00", "15:00"), "8 to 10, to 11, to 15");
    assert!(whole("08:00", "12:00"));
    assert!(!whole("10:00", "12:00"));
}

#[test]
fn a_window_shows_whole_blocks_it_touches() {
    let at = |text: &str| format!("2026-11-{text}:00+08:00");
    let window = slot(&at("24T07:59"), &at("24T08:01"));
    let found = blocks_within(&shifts(), Tz::Asia__Shanghai, window);
    let expected = [
        slot(&at("23T18:00"), &at("24T08:00")),
        slot(&at("24T08:00"), &at("24T12:00")),
    ];
    assert_eq!(found, expected);
    let long = Blocks(vec![Block::new(&[1], 0, 2880).unwrap()]);
    let monday = slot(&at("23T00:00"), &at("25T00:00"));
    let last_hour = slot(&at("24T23:00"), &at("24T23:30"));
    assert_eq!(
        blocks_within(&long, Tz::Asia__Shanghai, last_hour),
        [monday]
    );
}

#[test]
fn blocks_abut_where_clocks_skip_and_repeat() {
    // Berlin: 02:00 becomes 03:00 on 2026-03-29, and 03:00 becomes 02:00 on 2026-10-25.
    let quarters = [(0, 120), (120, 150), (150, 180), (180, 1440)];
    let blocks = Blocks(
        quarters
            .map(|(from, to)| Block::new(&ALL, from, to).unwrap())
            .to_vec(),
    );
    let minutes = |day: Slot| -> Vec<i64> {
        let found = blocks_within(&blocks, Tz::Europe__Berlin, day);
        assert!(is_made_of_blocks(&blocks, Tz::Europe__Berlin, day));
        assert!(
            found
                .windows(2)
                .all(|pair| pair[0].end() == pair[1].start())
        );
        found
            .iter()
            .map(|block| block.len().get() / MINUTE_US)
            .collect()
    };
    let spring = slot("2026-03-29T00:00:00+01:00", "2026-03-30T00:00:00+02:00");
    assert_eq!(minutes(spring), [120, 1260], "two lie within the gap");
    let autumn = slot("2026-10-25T00:00:00+02:00", "2026-10-26T00:00:00+01:00");
    assert_eq!(minutes(autumn), [120, 30, 90, 1260]);
    // A night over either has 13 or 15 hours.
    for (day, hours) in [
        ("2026-03-28T20:00:00+01:00", 13),
        ("2026-10-24T20:00:00+02:00", 15),
    ] {
        let window = Slot::new(utc(day), utc(day) + Span::minutes(1)).unwrap();
        let night = blocks_within(&shifts(), Tz::Europe__Berlin, window);
        assert_eq!(night[0].len().get(), hours * HOUR_US);
    }
    // Samoa had no 2011-12-30: a two-day block from the 29th is one of a day.
    let long = Blocks(vec![Block::new(&[4], 0, 2880).unwrap()]);
    let window = slot("2011-12-29T12:00:00-10:00", "2011-12-29T13:00:00-10:00");
    let found = blocks_within(&long, Tz::Pacific__Apia, window);
    assert_eq!(
        found.iter().map(|b| b.len().get()).collect::<Vec<_>>(),
        [DAY_US]
    );
}

#[test]
fn absurd_times_have_no_blocks() {
    let ends = [i64::MIN, i64::MIN + 1, -1, 0, i64::MAX - 1, i64::MAX].map(Micros::new);
    for (start, end) in ends
        .iter()
        .flat_map(|start| ends.iter().map(move |end| (*start, *end)))
    {
        assert!(!ends_a_block(
            &shifts(),
            Tz::Asia__Shanghai,
            Micros::new(i64::MIN)
        ));
        if let Some(slot) = Slot::new(start, end) {
            assert!(!is_made_of_blocks(&shifts(), Tz::Asia__Shanghai, slot));
            let run = first_run(&shifts(), Tz::Asia__Shanghai, slot, slot.len(), |_| true);
            assert_eq!(run, None);
        }
    }
}

/// Tries every way to put blocks end to end.
fn is_a_run(blocks: &[Slot], from: Micros, to: Micros) -> bool {
    let begin = |block: &&Slot| block.start() == from && block.end() <= to;
    from == to
        || blocks
            .iter()
            .filter(begin)
            .any(|block| is_a_run(blocks, block.end(), to))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]
    #[test]
    fn the_first_run_is_the_earliest_and_shortest(
        entries in prop::collection::vec((1u8..128, 0u16..24, 1u16..8), 1..5),
        (zone, begin) in prop::sample::select(vec![
            (Tz::Europe__Berlin, "2026-03-27T23:00:00Z"),
            (Tz::Europe__Berlin, "2026-10-23T22:00:00Z"),
            (Tz::Asia__Shanghai, "2026-02-27T16:00:00Z"),
        ]),
        length in 0i64..20,
        cut in 0i64..12,
        wanted_parity in 0i64..3,
    ) {
        let blocks: Vec<Block> = entries
            .iter()
            .map(|(days, from, len)| {
                let days: Vec<u8> = ALL.into_iter().filter(|day| days & (1 << (day - 1)) != 0).collect();
                Block::new(&days, from * 60, (from + len) * 60).unwrap()
            })
            .collect();
        let blocks = Blocks(blocks);
        let begin = utc(begin);
        let start = Micros::new(begin.get() + cut * HOUR_US);
        let gap = Slot::new(start, Micros::new(begin.get() + 2 * DAY_US)).unwrap();
        let length = Span::new(length * HOUR_US).unwrap();
        // A rule besides, such as a grid or a longest length.
        let passes = |run: Slot| {
            let hours = run.len().get() / HOUR_US;
            wanted_parity == 2 || hours % 2 == wanted_parity
        };
        let within: Vec<Slot> = blocks_within(&blocks, zone, gap)
            .into_iter()
            .filter(|block| gap.covers(*block))
            .collect();
        let mut expected = None;
        'search: for from in 0..48 {
            for hours in 1..48 {
                let from = Micros::new(begin.get() + from * HOUR_US);
                let to = Micros::new(from.get() + hours * HOUR_US);
                let run = Slot::new(from, to).unwrap();
                let long = run.len() >= length;
                if long && gap.covers(run) && passes(run) && is_a_run(&within, from, to) {
                    expected = Some(run);
                    break 'search;
                }
            }
        }
        let found = first_run(&blocks, zone, gap, length, passes);
        prop_assert_eq!(found, expected);
        if let Some(run) = found {
            prop_assert!(is_made_of_blocks(&blocks, zone, run));
            prop_assert!(ends_a_block(&blocks, zone, run.end()));
        }
    }
}
