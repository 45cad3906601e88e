//! Tests of stretches: whatever the order in which readings come, the states are those of the order in
//! which they were read.

use std::collections::BTreeSet;

use proptest::prelude::*;

use super::*;
use crate::history::{ClockMark, intervals};
use crate::registry::{Dwell, StateRule};
use crate::telemetry::bench;

const STALE_MS: i64 = 30_000;

/// A record of one reading.
#[derive(Debug, Clone, Copy)]
struct Read {
    seq: u64,
    at_ms: i64,
    watt: f64,
}

/// An instrument whose records come in some order.
struct Plant {
    rule: StateRule,
    front: Fold,
    filling: Filling,
    came: BTreeSet<u64>,
    decided: Vec<Decision>,
}

impl Plant {
    fn new() -> Self {
        let mut rule = StateRule::standard();
        rule.dwell = Dwell::of(0);
        Self {
            rule,
            front: Fold::new(),
            filling: Filling::default(),
            came: BTreeSet::new(),
            decided: Vec::new(),
        }
    }

    fn comes(&mut self, read: Read) {
        let terms = Terms {
            rule: &self.rule,
            stale_ms: STALE_MS,
        };
        let name = ChannelName::parse("power_w").unwrap();
        let number = bench::channel(1);
        let channels: RuleChannels<'_> = vec![(&name, number)];
        let mut rows = Rows::of_channels(&[number.unwrap()]);
        rows.push(read.at_ms, [Cell::Good(read.watt)], ClockMark::default());
        let origin = Origin {
            stream: StreamNo::new(1),
            seq: read.seq,
        };
        let came = &self.came;
        let is_whole = |from, to| (from..=to).all(|seq| came.contains(&seq));
        let (id, front) = (InstrumentId::new(1), &mut self.front);
        self.filling.look(id, origin, (&*front, &rows), is_whole);
        self.filling
            .take(id, terms, (&channels, &rows), &mut self.decided);
        let mut decided = Vec::new();
        let now = Micros::new(read.at_ms * 1_000);
        front.take(terms, &channels, &rows, now, &mut decided);
        self.filling.note(id, &decided);
        self.decided.append(&mut decided);
        self.came.insert(read.seq);
        let came = &self.came;
        let is_over = |one: Origin| (1..=one.seq).all(|seq| came.contains(&seq));
        self.filling.end(id, terms, is_over, &mut self.decided);
        if self.filling.stretches.is_empty() {
            let known = self.filling.known_until_ms(id, &self.front);
            assert_eq!(known, self.front.newest_ms());
        }
    }

    /// What readers of the store see.
    fn states(&self, until_ms: i64) -> Vec<(i64, Option<i64>, MachineState)> {
        let micros = |ms: i64| Micros::new(ms * 1_000);
        let mut changes = self.decided.clone();
        // By time, then by number.
        changes.sort_by_key(|one| one.at_ms);
        let changes: Vec<_> = changes
            .iter()
            .map(|one| (micros(one.at_ms), one.state))
            .collect();
        let (from, to) = (micros(0), micros(until_ms));
        let found = intervals(&changes, from, to, to);
        let ms = |at: Micros| at.get() / 1_000;
        let told = found.into_iter();
        told.map(|one| (ms(one.start), one.end.map(ms), one.state))
            .collect()
    }
}

fn any_reads() -> impl Strategy<Value = Vec<(i64, usize, bool, usize)>> {
    let step = prop::sample::select(vec![1_000_i64, 7_000, 29_000, 31_000, 90_000]);
    let connected = prop::bool::weighted(0.6);
    prop::collection::vec((step, 0..3_usize, connected, 0..3_usize), 1..40)
}

proptest! {
    #[test]
    fn the_order_of_arrival_makes_no_difference(steps in any_reads()) {
        let (mut ordered, mut plant) = (Plant::new(), Plant::new());
        let (mut at_ms, mut waiting) = (0, std::collections::VecDeque::new());
        for (seq, (step_ms, level, is_connected, backlog)) in (1..).zip(steps) {
            at_ms += step_ms;
            // Off, standby, running; none of them between two thresholds.
            let watt = [0.0, 50.0, 200.0][level];
            let read = Read { seq, at_ms, watt };
            ordered.comes(read);
            if !is_connected {
                waiting.push_back(read);
                continue;
            }
            plant.comes(read);
            for read in waiting.drain(..backlog.min(waiting.len())) {
                plant.comes(read);
            }
        }
        for read in waiting {
            plant.comes(read);
        }
        let until_ms = at_ms + 1_000;
        prop_assert_eq!(plant.states(until_ms), ordered.states(until_ms));
        prop_assert!(plant.filling.stretches.is_empty());
        prop_assert!(plant.filling.streams.is_empty());
    }
}

#[test]
fn states_are_final_up_to_what_is_missing() {
    let mut plant = Plant::new();
    let id = InstrumentId::new(1);
    let read = |seq, at_s: i64, watt| Read {
        seq,
        at_ms: at_s * 1_000,
        watt,
    };
    let known = |plant: &Plant| plant.filling.known_until_ms(id, &plant.front);
    plant.comes(read(1, 10, 0.0));
    assert_eq!(known(&plant), Some(10_000));
    plant.comes(read(9, 500, 0.0));
    assert_eq!(known(&plant), Some(10_000));
    plant.comes(read(2, 20, 200.0));
    assert_eq!(known(&plant), Some(20_000));
    plant.comes(read(12, 600, 0.0));
    plant.comes(read(13, 601, 0.0));
    assert_eq!(plant.filling.stretches[&id].len(), 2);
    // Nobody is held up for ever by an outbox that was given up.
    let terms = Terms {
        rule: &plant.rule,
        stale_ms: STALE_MS,
    };
    let of_another = |one: Origin| one.stream != StreamNo::new(2);
    assert!(plant.filling.end(id, terms, of_another, &mut plant.decided));
    assert_eq!(known(&plant), Some(601_000));
    let off = MachineState::Off;
    let silent = MachineState::Offline(crate::status::OfflineReason::Agent);
    let expected = [
        (10_000, Some(20_000), off),
        (20_000, Some(50_000), MachineState::Running),
        (50_000, Some(500_000), silent),
        (500_000, Some(530_000), off),
        (530_000, Some(600_000), silent),
        (600_000, Some(602_000), off),
    ];
    assert_eq!(plant.states(602_000), expected);
}
