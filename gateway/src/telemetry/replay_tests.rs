//! Tests of replaying: the same readings and the same rule give what was decided live.

use proptest::prelude::*;

use super::*;
use crate::history::{ClockMark, Rows, intervals};
use crate::registry::{Dwell, StateRule};
use crate::status::OfflineReason;
use crate::telemetry::bench;
use crate::telemetry::state::{AgentSide, UNDER_WAY_MS};

const END_MS: i64 = 3_600_000;

fn rule() -> StateRule {
    StateRule {
        dwell: Dwell::of(7_000),
        ..StateRule::standard()
    }
}

/// What a live fold decides of readings that arrive as they are made, with its clock ticking.
fn live(rule: &StateRule, readings: &[(i64, Cell)]) -> Vec<Decision> {
    let terms = Terms {
        rule,
        stale_ms: 30_000,
    };
    let number = bench::channel(1).unwrap();
    let power = ChannelName::parse("power_w").unwrap();
    let side = AgentSide {
        online: true,
        device: None,
    };
    let mut fold = Fold::new();
    let mut decided = Vec::new();
    let mut readings = readings.iter().peekable();
    for tick_ms in (0..=END_MS).step_by(250) {
        while let Some((at_ms, cell)) = readings.next_if(|(at_ms, _)| *at_ms <= tick_ms) {
            let mut rows = Rows::of_channels(&[number]);
            rows.push(*at_ms, [*cell], ClockMark::default());
            let channels = vec![(&power, Some(number))];
            let now = Micros::new(at_ms * 1_000);
            fold.take(terms, &channels, &rows, now, &mut decided);
        }
        fold.tick(terms, side, Micros::new(tick_ms * 1_000), &mut decided);
    }
    // What lasted until the end counts, though the clock would wait a moment more.
    let end = Micros::new((END_MS + UNDER_WAY_MS) * 1_000);
    fold.tick(terms, side, end, &mut decided);
    decided
}

fn states(decided: &[Decision]) -> Vec<StateInterval> {
    // A silence of which only the beginning lies within is decided after the end.
    let changes = decided
        .iter()
        .filter(|one| one.at_ms < END_MS)
        .map(|one| (Micros::new(one.at_ms * 1_000), one.state));
    let changes: Vec<_> = changes.collect();
    let end = Micros::new(END_MS * 1_000);
    intervals(&changes, Micros::new(0), end, end)
}

fn again(
    rule: &StateRule,
    readings: &[(i64, Cell)],
    decided: &[StateInterval],
) -> Vec<StateInterval> {
    let terms = Terms {
        rule,
        stale_ms: 30_000,
    };
    let start = Start {
        last: Decision {
            at_ms: 0,
            state: MachineState::Unknown,
        },
        cells: Vec::new(),
        heard_ms: None,
    };
    let tracks = [Track {
        channel: ChannelName::parse("power_w").unwrap(),
        points: readings.to_vec(),
    }];
    let silences: Vec<StateInterval> = decided
        .iter()
        .filter(|one| matches!(one.state, MachineState::Offline(_)))
        .copied()
        .collect();
    states(&replay(terms, &start, &tracks, &silences, END_MS))
}

/// Readings of an hour: some seconds apart, now and then a longer silence, now and then unread.
fn hour() -> impl Strategy<Value = Vec<(i64, Cell)>> {
    let apart = prop_oneof![8 => 400..4_000_i64, 1 => 4_000..60_000_i64, 1 => 60_000..200_000_i64];
    let cell = prop_oneof![
        3 => Just(Cell::Good(1.0)),
        3 => Just(Cell::Good(50.0)),
        2 => Just(Cell::Good(90.0)),
        3 => Just(Cell::Good(500.0)),
        1 => Just(Cell::Bad(wire::Quality::Timeout)),
    ];
    // Stretches of the same value, so that some outlast the dwell and some do not.
    prop::collection::vec((apart, cell, 1..12_usize), 5..60).prop_map(|stretches| {
        let mut at_ms = 0;
        let mut readings = Vec::new();
        for (apart, cell, count) in stretches {
            for _ in 0..count {
                at_ms += apart;
                if at_ms < END_MS {
                    readings.push((at_ms, cell));
                }
            }
        }
        readings
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn the_same_rule_over_the_same_readings_gives_the_same_states(readings in hour()) {
        let rule = rule();
        let decided = states(&live(&rule, &readings));
        let by_rule = again(&rule, &readings, &decided);
        prop_assert_eq!(by_rule, decided);
    }

    #[test]
    fn a_silence_that_a_backlog_has_filled_is_none(at_s in 0..3_000_i64) {
        let readings: Vec<(i64, Cell)> = (0..3_600).map(|second| (second * 1_000, Cell::Good(500.0))).collect();
        let silence = StateInterval {
            state: MachineState::Offline(OfflineReason::Agent),
            start: Micros::new((at_s + 30) * 1_000_000),
            end: Some(Micros::new((at_s + 500) * 1_000_000)),
        };
        let by_rule = again(&rule(), &readings, &[silence]);
        prop_assert_eq!(by_rule.len(), 1);
        prop_assert_eq!(by_rule[0].state, MachineState::Running);
    }
}

#[test]
fn what_came_as_one_record_is_no_silence() {
    // Hourly values of an agent that reports by exception: nobody decided that it was offline.
    let readings = [(0, Cell::Good(1.0)), (1_800_000, Cell::Good(500.0))];
    let by_rule = again(&rule(), &readings, &[]);
    let told: Vec<&str> = by_rule.iter().map(|one| one.state.as_str()).collect();
    assert_eq!(told, ["off", "running"]);
}
