//! Tests of what values stand for: tables for each kind of rule, and properties.

use proptest::prelude::*;

use super::*;
use crate::registry::{Case, Meaning, StateRuleJson};

fn channel(name: &str) -> ChannelName {
    ChannelName::parse(name).unwrap()
}

fn good(name: &str, value: f64) -> Known {
    Known {
        channel: channel(name),
        good: Some(value),
        bad: None,
    }
}

fn unread(name: &str, quality: Quality) -> Known {
    Known {
        channel: channel(name),
        good: Some(0.0),
        bad: Some(quality),
    }
}

fn rule(json: &serde_json::Value) -> StateRule {
    let form: StateRuleJson = serde_json::from_value(json.clone()).unwrap();
    form.to_rule().unwrap()
}

/// The same as the rule of one threshold always was: what stored rules mean.
fn as_it_was(
    (above, below, standby): (f64, f64, Option<f64>),
    level: MachineState,
    value: f64,
    at_fault: bool,
) -> MachineState {
    if at_fault {
        return MachineState::Fault;
    }
    let is_running = if level == MachineState::Running {
        value >= below
    } else {
        value > above
    };
    match standby {
        _ if is_running => MachineState::Running,
        Some(standby) if value < standby => MachineState::Off,
        Some(_) | None => MachineState::Standby,
    }
}

fn state(rule: &StateRule, level: MachineState, known: &[Known]) -> Option<MachineState> {
    target(rule, level, known).map(|target| target.state)
}

fn any_level() -> impl Strategy<Value = MachineState> {
    prop::sample::select(vec![
        MachineState::Unknown,
        MachineState::Off,
        MachineState::Standby,
        MachineState::Running,
        MachineState::Fault,
    ])
}

/// Values on, just beside and far from thresholds that are multiples of ten.
fn any_value() -> impl Strategy<Value = f64> {
    (-2..=12, prop::sample::select(vec![-0.5, 0.0, 0.5]))
        .prop_map(|(tens, off)| f64::from(tens) * 10.0 + off)
}

proptest! {
    #[test]
    fn a_stored_rule_of_thresholds_means_what_it_always_did(
        level in any_level(), value in any_value(), alarm in 0..3_i32,
        above in 5..10_i32, band in 0..3_i32, standby in prop::option::of(0..3_i32),
    ) {
        let tens = |tens: i32| f64::from(tens) * 10.0;
        let (above, below) = (tens(above), tens(above - band));
        let standby = standby.map(tens);
        let rule = rule(&serde_json::json!({ "channel": "power_w", "running_above": above,
            "running_below": below, "standby_above": standby, "dwell_ms": 10_000,
            "fault_channel": "alarm", "stale_after_ms": 30_000 }));
        let known = [good("power_w", value), good("alarm", f64::from(alarm))];
        let expected = as_it_was((above, below, standby), level, value, alarm != 0);
        prop_assert_eq!(state(&rule, level, &known), Some(expected));
        // The same as an ordered list of conditions, but on a threshold without a band.
        let mut cases = vec![Case {
            level: Level::Running,
            when: Condition::Above(Threshold { channel: channel("power_w"), enter: above, leave: below }),
        }];
        cases.extend(standby.map(|standby| Case {
            level: Level::Off,
            when: Condition::Below(Threshold { channel: channel("power_w"), enter: standby, leave: standby }),
        }));
        let listed = StateRule {
            judgement: Judgement::Cases(Cases { cases, otherwise: Level::Standby }),
            ..rule
        };
        let on_edge = standby.is_some_and(|standby| (value - standby).abs() < 0.1) && level == MachineState::Off;
        prop_assert!(on_edge || state(&listed, level, &known) == Some(expected));
    }

    #[test]
    fn inside_the_band_the_state_stays_whatever_comes(
        values in prop::collection::vec(80.0..=100.0_f64, 1..50), starts_running: bool,
    ) {
        let rule = StateRule::standard();
        let mut level = if starts_running { MachineState::Running } else { MachineState::Standby };
        let before = level;
        for value in values {
            level = state(&rule, level, &[good("power_w", value)]).unwrap();
            prop_assert_eq!(level, before);
        }
    }

    #[test]
    fn the_order_of_parts_makes_no_difference(
        values in prop::collection::vec(0..5_i32, 4), order in Just(vec![0, 1, 2, 3]).prop_shuffle(), all: bool,
    ) {
        // 0 and 1 are good values; then unread by the link, unread by the device, never seen.
        let names = ["a", "b", "c", "d"];
        let known: Vec<Known> = names.iter().zip(&values).filter_map(|(name, value)| match value {
            0 | 1 => Some(good(name, f64::from(*value))),
            2 => Some(unread(name, Quality::Link)),
            3 => Some(unread(name, Quality::Timeout)),
            _ => None,
        }).collect();
        let joined = |order: &[usize]| {
            let parts = order.iter().map(|at| Condition::Bits(channel(names[*at]), 1)).collect();
            let when = if all { Condition::All(parts) } else { Condition::Any(parts) };
            let cases = Cases { cases: vec![Case { level: Level::Running, when }], otherwise: Level::Off };
            StateRule { judgement: Judgement::Cases(cases), ..StateRule::standard() }
        };
        let straight = state(&joined(&[0, 1, 2, 3]), MachineState::Off, &known);
        prop_assert_eq!(state(&joined(&order), MachineState::Off, &known), straight);
    }
}

#[test]
fn a_register_is_looked_up_and_what_it_does_not_say_changes_nothing() {
    let table = serde_json::json!({ "kind": "register", "channel": "status", "dwell_ms": 0,
        "table": [{ "from": 0, "state": "off" }, { "from": 1, "to": 3, "state": "standby" },
            { "from": 4, "state": "running" }, { "from": -1, "state": "fault" }],
        "alarms": [{ "channel": "alarm", "bits": [1, 4] }] });
    let rule = rule(&table);
    let level = MachineState::Running;
    for (status, alarm, expected) in [
        (0.0, 0.0, MachineState::Off),
        (2.0, 0.0, MachineState::Standby),
        (4.0, 13.0, MachineState::Running),
        (4.0, 16.0, MachineState::Fault),
        (4.0, 2.0, MachineState::Fault),
        (-1.0, 0.0, MachineState::Fault),
        (7.0, 0.0, level),
        (2.5, 0.0, level),
        (7.0, 2.0, MachineState::Fault),
    ] {
        let known = [good("status", status), good("alarm", alarm)];
        assert_eq!(
            state(&rule, level, &known),
            Some(expected),
            "{status} {alarm}"
        );
    }
    assert_eq!(state(&rule, level, &[]), None, "nothing is known");
    let mut otherwise = table;
    otherwise["otherwise"] = "standby".into();
    let rule = self::rule(&otherwise);
    let known = [good("status", 7.0)];
    assert_eq!(state(&rule, level, &known), Some(MachineState::Standby));
}

#[test]
fn the_first_case_that_holds_decides_and_an_unread_one_before_it_is_offline() {
    let rule = rule(
        &serde_json::json!({ "kind": "cases", "dwell_ms": 0, "otherwise": "off",
        "cases": [
            { "state": "fault", "when": { "bits": { "channel": "alarm", "bits": [0] } } },
            { "state": "running", "when": { "all": [
                { "above": { "channel": "power_w", "enter": 100.0, "leave": 60.0 } },
                { "not": { "one_of": { "channel": "door", "values": [1] } } } ] } },
            { "state": "standby", "when": { "any": [
                { "above": { "channel": "power_w", "enter": 10.0 } },
                { "below": { "channel": "pressure", "enter": 1.0, "leave": 2.0 } } ] } } ] }),
    );
    let judged = |level, alarm: Known, power: f64, door: f64, pressure: f64| {
        let known = [
            alarm,
            good("power_w", power),
            good("door", door),
            good("pressure", pressure),
        ];
        state(&rule, level, &known)
    };
    let (off, run) = (MachineState::Off, MachineState::Running);
    let quiet = || good("alarm", 2.0);
    assert_eq!(judged(off, quiet(), 101.0, 0.0, 9.0), Some(run));
    assert_eq!(judged(run, quiet(), 60.0, 0.0, 9.0), Some(run));
    assert_eq!(
        judged(off, quiet(), 60.0, 0.0, 9.0),
        Some(MachineState::Standby)
    );
    assert_eq!(
        judged(run, quiet(), 101.0, 1.0, 9.0),
        Some(MachineState::Standby)
    );
    assert_eq!(
        judged(off, quiet(), 5.0, 0.0, 0.5),
        Some(MachineState::Standby)
    );
    assert_eq!(
        judged(MachineState::Standby, quiet(), 5.0, 0.0, 2.0),
        Some(MachineState::Standby)
    );
    assert_eq!(judged(off, quiet(), 5.0, 0.0, 2.0), Some(off));
    assert_eq!(
        judged(run, good("alarm", 3.0), 500.0, 0.0, 9.0),
        Some(MachineState::Fault)
    );
    let gone = judged(run, unread("alarm", Quality::Link), 500.0, 0.0, 9.0);
    assert_eq!(gone, Some(MachineState::Offline(OfflineReason::Link)));
}

#[test]
fn silence_follows_what_the_agent_promised() {
    let mut rule = StateRule::standard();
    for (said, promised, expected) in [
        (Some(30_000), None, 30_000),
        (Some(30_000), Some(1_000), 30_000),
        (Some(2_000), Some(500), 2_000),
        (Some(30_000), Some(60_000), 180_000),
        (None, Some(1_000), 10_000),
        (None, Some(10_000), 30_000),
        (None, None, 30_000),
        (None, Some(i64::MAX), DAY_US / 1_000),
    ] {
        rule.stale_after_ms = said;
        assert_eq!(stale_ms(&rule, promised), expected, "{said:?} {promised:?}");
    }
}

#[test]
fn every_kind_of_rule_comes_back_from_its_json() {
    let cases = serde_json::json!({ "kind": "cases", "dwell_ms": 5_000, "otherwise": "off",
        "dwells_ms": { "running": 0 }, "stale_after_ms": null,
        "on_fault": { "after_ms": 60_000, "expected_ms": 3_600_000, "clear_ms": 0, "ends_itself": false },
        "alarms": [{ "channel": "alarm", "bits": [0, 52] }, { "channel": "door" }],
        "cases": [{ "state": "running", "when": { "not": { "any": [
            { "bits": { "channel": "x", "bits": [3] } }, { "one_of": { "channel": "y", "values": [1, -2] } },
            { "below": { "channel": "z", "enter": 1.0, "leave": 2.0 } } ] } } }] });
    let register = serde_json::json!({ "kind": "register", "channel": "status", "dwell_ms": 0,
        "table": [{ "from": 1, "to": 4, "state": "running" }] });
    let plain = serde_json::to_value(StateRuleJson::of(&StateRule::standard())).unwrap();
    for json in [cases, register, plain] {
        let read = rule(&json);
        let again = serde_json::to_value(StateRuleJson::of(&read)).unwrap();
        assert_eq!(rule(&again), read);
    }
    let meaning = Meaning {
        from: 1,
        to: 4,
        level: Level::Running,
    };
    let json = serde_json::json!({ "kind": "register", "channel": "s", "dwell_ms": 0,
        "table": [{ "from": 1, "to": 4, "state": "running" }] });
    assert!(
        matches!(rule(&json).judgement, Judgement::Register(found) if found.table == [meaning])
    );
}

#[test]
fn faults_name_their_field() {
    let case = |when: serde_json::Value| {
        serde_json::json!({ "kind": "cases", "dwell_ms": 0, "otherwise": "off",
            "cases": [{ "state": "off", "when": { "bits": { "channel": "a", "bits": [0] } } },
                { "state": "running", "when": when }] })
    };
    let deep = (0..5).fold(
        serde_json::json!({ "bits": { "channel": "a", "bits": [0] } }),
        |inner, _| serde_json::json!({ "not": inner }),
    );
    for (json, field) in [
        (serde_json::json!({ "dwell_ms": 0 }), "running_above"),
        (
            serde_json::json!({ "dwell_ms": 0, "running_above": 2.0, "running_below": 1.0 }),
            "channel",
        ),
        (
            serde_json::json!({ "channel": "a", "dwell_ms": 0, "running_above": 2.0, "running_below": 1.0,
                "standby_above": 0.5, "standby_below": 0.6 }),
            "standby_below",
        ),
        (
            serde_json::json!({ "channel": "a", "dwell_ms": 0, "running_above": 2.0, "running_below": 1.0,
                "table": [{ "from": 1, "state": "off" }] }),
            "table",
        ),
        (
            serde_json::json!({ "kind": "register", "channel": "a", "dwell_ms": 0,
                "table": [{ "from": 1, "to": 5, "state": "off" }, { "from": 5, "state": "off" }] }),
            "table[1]",
        ),
        (
            serde_json::json!({ "kind": "register", "channel": "a", "dwell_ms": 0,
                "table": [{ "from": 5, "to": 1, "state": "off" }] }),
            "table[0].to",
        ),
        (
            serde_json::json!({ "kind": "register", "channel": "a", "dwell_ms": 3_600_001,
                "table": [{ "from": 5, "state": "off" }] }),
            "dwell",
        ),
        (
            case(
                serde_json::json!({ "all": [{ "above": { "channel": "a", "enter": 1.0, "leave": 2.0 } }] }),
            ),
            "cases[1].when.all[0].above.leave",
        ),
        (
            case(serde_json::json!({ "bits": { "channel": "a", "bits": [53] } })),
            "cases[1].when.bits.bits",
        ),
        (case(serde_json::json!({ "any": [] })), "cases[1].when.any"),
        (case(deep), "cases[1].when.not.not.not.not.any"),
    ] {
        let form: StateRuleJson = serde_json::from_value(json.clone()).unwrap();
        assert_eq!(form.to_rule().unwrap_err().field, field, "{json}");
    }
}
