//! Tests of machine state: thresholds, dwell, silence, and what a re-run of history gives.

use super::*;
use crate::history::ClockMark;
use crate::registry::{Alarm, Dwell};
use crate::telemetry::bench;

#[path = "state_tests/going_on.rs"]
mod going_on;

const ONLINE: AgentSide = AgentSide {
    online: true,
    device: None,
};

fn channel(name: &str) -> ChannelName {
    ChannelName::parse(name).unwrap()
}

/// Runs above 100 W, no longer below 80 W, off below 5 W, dwell 10 s, offline after 30 s.
struct Heater {
    fold: Fold,
    rule: StateRule,
    decided: Vec<Decision>,
}

impl Heater {
    fn new() -> Self {
        let mut rule = StateRule::standard();
        rule.alarms = vec![Alarm {
            channel: channel("alarm"),
            mask: None,
        }];
        Self {
            fold: Fold::new(),
            rule,
            decided: Vec::new(),
        }
    }

    fn record(&mut self, points: &[(i64, Cell, Cell)], received_s: i64) {
        let names = [channel("power_w"), channel("alarm")];
        let channels: RuleChannels<'_> = (1..)
            .zip(&names)
            .map(|(number, name)| (name, bench::channel(number)))
            .collect();
        let terms = Terms {
            rule: &self.rule,
            stale_ms: 30_000,
        };
        let numbers = [1, 2].map(|number| bench::channel(number).unwrap());
        let mut rows = Rows::of_channels(&numbers);
        for (at_s, value, fault) in points {
            rows.push(at_s * 1_000, [*value, *fault], ClockMark::default());
        }
        let now = Micros::new(received_s * 1_000_000);
        self.fold
            .take(terms, &channels, &rows, now, &mut self.decided);
    }

    fn reads(&mut self, at_s: i64, watt: f64) {
        self.record(&[(at_s, Cell::Good(watt), Cell::Absent)], at_s);
    }

    fn fails(&mut self, at_s: i64, quality: Quality) {
        self.record(&[(at_s, Cell::Bad(quality), Cell::Absent)], at_s);
    }

    fn tick(&mut self, at_ms: i64, agent: AgentSide) {
        let now = Micros::new(at_ms * 1_000);
        let terms = Terms {
            rule: &self.rule,
            stale_ms: 30_000,
        };
        self.fold.tick(terms, agent, now, &mut self.decided);
    }

    /// Decisions so far, in seconds.
    fn decided(&self) -> Vec<(i64, &'static str)> {
        let texts = self.decided.iter().map(|one| {
            let text = one.state.reason().unwrap_or(one.state.as_str());
            (one.at_ms / 1_000, text)
        });
        texts.collect()
    }
}

#[test]
fn a_heaters_cycles_are_one_run_of_each() {
    let mut heater = Heater::new();
    // Off, a peak shorter than the dwell time, heating with dips into the hysteresis, cooling down.
    for (from, to, watt) in [
        (0, 60, 0.5),
        (60, 65, 1_900.0),
        (65, 120, 1.0),
        (120, 300, 1_950.0),
        (300, 320, 90.0),
        (320, 400, 1_800.0),
        (400, 460, 40.0),
        (460, 500, 2.0),
    ] {
        for at_s in from..to {
            heater.reads(at_s, watt);
        }
    }
    let expected = [(0, "off"), (120, "running"), (400, "standby"), (460, "off")];
    assert_eq!(heater.decided(), expected);
}

#[test]
fn the_thresholds_are_exact_and_the_state_stays_between_them() {
    let mut heater = Heater::new();
    heater.rule.dwell = Dwell::of(0);
    for (at_s, watt) in (0..).zip([100.0, 100.1, 80.0, 79.9, 95.0, 5.0, 4.9]) {
        heater.reads(at_s, watt);
    }
    let expected = [(0, "standby"), (1, "running"), (3, "standby"), (6, "off")];
    assert_eq!(heater.decided(), expected);
}

#[test]
fn the_clock_ends_a_dwell_when_nothing_more_is_reported() {
    let mut heater = Heater::new();
    heater.reads(0, 1.0);
    heater.reads(20, 500.0);
    heater.tick(30_000 + UNDER_WAY_MS - 100, ONLINE);
    assert_eq!(heater.decided(), [(0, "off")]);
    heater.tick(30_000 + UNDER_WAY_MS, ONLINE);
    assert_eq!(heater.decided(), [(0, "off"), (20, "running")]);
}

#[test]
fn silence_is_offline_with_its_reason() {
    let gone = AgentSide {
        online: false,
        device: None,
    };
    let unreachable = AgentSide {
        online: true,
        device: Some(Quality::Link),
    };
    for (agent, expected) in [
        (ONLINE, (30, "agent")),
        (gone, (15, "agent")),
        (unreachable, (30, "link")),
    ] {
        let mut heater = Heater::new();
        heater.reads(0, 1.0);
        heater.tick(14_000, agent);
        assert_eq!(heater.decided(), [(0, "off")]);
        heater.tick(31_000, agent);
        assert_eq!(heater.decided(), [(0, "off"), expected]);
        heater.reads(100, 1.0);
        assert_eq!(heater.decided().last(), Some(&(100, "off")));
    }
}

#[test]
fn failing_reads_are_offline_after_a_while_and_one_is_not() {
    let mut heater = Heater::new();
    heater.reads(0, 200.0);
    heater.fails(5, Quality::Timeout);
    heater.reads(6, 200.0);
    for at_s in 10..25 {
        let quality = if at_s % 2 == 0 {
            Quality::Timeout
        } else {
            Quality::Link
        };
        heater.fails(at_s, quality);
    }
    heater.reads(30, 200.0);
    assert_eq!(
        heater.decided(),
        [(0, "running"), (10, "device"), (30, "running")]
    );
}

#[test]
fn a_fault_shows_while_the_fault_channel_says_so() {
    let mut heater = Heater::new();
    heater.rule.dwell = Dwell::of(0);
    heater.record(&[(0, Cell::Good(200.0), Cell::Good(0.0))], 0);
    heater.record(&[(5, Cell::Absent, Cell::Good(4.0))], 5);
    heater.record(&[(9, Cell::Good(20.0), Cell::Absent)], 9);
    heater.record(&[(12, Cell::Absent, Cell::Good(0.0))], 12);
    assert_eq!(
        heater.decided(),
        [(0, "running"), (5, "fault"), (12, "standby")]
    );
}

#[test]
fn a_record_by_exception_is_one_observation_and_records_apart_are_not() {
    let mut heater = Heater::new();
    let good = |at_s, watt| (at_s, Cell::Good(watt), Cell::Absent);
    heater.record(&[good(0, 1.0), good(3_600, 1.0), good(7_200, 300.0)], 9_000);
    assert_eq!(heater.decided(), [(0, "off")]);
    heater.record(&[good(9_000, 300.0)], 9_000);
    assert_eq!(
        heater.decided(),
        [
            (0, "off"),
            (7_200, "running"),
            (7_230, "agent"),
            (9_000, "running")
        ]
    );
}

#[test]
fn a_backlog_is_not_silence_and_late_rows_change_nothing() {
    let mut heater = Heater::new();
    heater.reads(0, 1.0);
    for at_s in (10..3_600).step_by(10) {
        // An hour's backlog arrives within seconds; the clock ticks in between.
        heater.record(&[(at_s, Cell::Good(1.0), Cell::Absent)], 3_600);
        heater.tick(3_600_500, ONLINE);
    }
    heater.reads(3_601, 1.0);
    heater.record(&[(500, Cell::Good(900.0), Cell::Absent)], 3_602);
    heater.tick(3_610_000, ONLINE);
    assert_eq!(heater.decided(), [(0, "off")]);
}

#[test]
fn a_restart_goes_on_where_the_store_stands() {
    let last = Decision {
        at_ms: 50_000,
        state: MachineState::Running,
    };
    let mut heater = Heater::new();
    let power = channel("power_w");
    let cells = [(&power, Cell::Good(90.0))];
    let now = Micros::new(500_000_000);
    heater.fold = Fold::restored(last, cells, (Some(100_000), Some(100_000)), now);
    // Nobody listened between 100 s and 500 s: the agent's backlog tells what was.
    heater.tick(501_000, ONLINE);
    heater.record(&[(110, Cell::Good(90.0), Cell::Absent)], 501);
    assert!(heater.decided.is_empty(), "{:?}", heater.decided());
    heater.tick(540_000, ONLINE);
    assert_eq!(heater.decided(), [(140, "agent")]);
}

#[test]
fn a_change_to_each_state_has_its_own_dwell() {
    let mut heater = Heater::new();
    heater.rule.dwell.running_ms = Some(0);
    heater.rule.dwell.off_ms = Some(60_000);
    for (from, to, watt) in [
        (0, 5, 50.0),
        (5, 6, 500.0),
        (6, 50, 50.0),
        (50, 100, 1.0),
        (100, 200, 50.0),
        (200, 261, 1.0),
    ] {
        for at_s in from..to {
            heater.reads(at_s, watt);
        }
    }
    // A second of running counts, 50 s without power do not.
    let expected = [(0, "standby"), (5, "running"), (6, "standby"), (200, "off")];
    assert_eq!(heater.decided(), expected);
}

#[test]
fn what_the_rule_does_not_look_at_keeps_no_state_alive() {
    let mut heater = Heater::new();
    heater.reads(0, 500.0);
    heater.reads(10, 500.0);
    // The plug is gone; somebody goes on to read the temperature of the room.
    for at_s in 11..60 {
        heater.record(&[(at_s, Cell::Absent, Cell::Absent)], at_s);
        heater.tick(at_s * 1_000, ONLINE);
    }
    assert_eq!(heater.fold.newest_ms(), Some(59_000));
    assert_eq!(heater.decided(), [(0, "running"), (40, "agent")]);
}
