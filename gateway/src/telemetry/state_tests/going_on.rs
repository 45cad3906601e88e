//! Tests of what a fold goes on from: beneath an alarm, after a silence, after a start.

use super::*;

#[test]
fn what_goes_on_beneath_an_alarm_is_what_is_left_when_it_ends() {
    let alarm = |heater: &mut Heater, at_s: i64, watt: f64, rings: f64| {
        heater.record(&[(at_s, Cell::Good(watt), Cell::Good(rings))], at_s);
    };
    let mut heater = Heater::new();
    heater.rule.dwell = Dwell::of(0);
    // 90 W is what was before: running from above, standby from below.
    for (at_s, watt, rings) in [
        (0, 200.0, 0.0),
        (1, 90.0, 1.0),
        (2, 90.0, 0.0),
        (3, 90.0, 1.0),
        (4, 1.0, 1.0),
        (5, 90.0, 1.0),
        (6, 90.0, 0.0),
    ] {
        alarm(&mut heater, at_s, watt, rings);
    }
    let expected = [
        (0, "running"),
        (1, "fault"),
        (2, "running"),
        (3, "fault"),
        (6, "standby"),
    ];
    assert_eq!(heater.decided(), expected);
}

/// A register of which 3 is a fault and 7 is not said.
fn with_a_register(heater: &mut Heater) {
    let form = serde_json::json!({ "kind": "register", "channel": "power_w", "dwell_ms": 0,
        "table": [{ "from": 1, "state": "standby" }, { "from": 2, "state": "running" },
            { "from": 3, "state": "fault" }], "alarms": [{ "channel": "alarm" }] });
    let form: crate::registry::StateRuleJson = serde_json::from_value(form).unwrap();
    heater.rule = form.to_rule().unwrap();
}

#[test]
fn a_value_that_a_register_does_not_say_keeps_its_own_fault_and_not_an_alarms() {
    let mut heater = Heater::new();
    with_a_register(&mut heater);
    let of = |status: f64, rings: f64| (Cell::Good(status), Cell::Good(rings));
    let rows = [
        of(2.0, 0.0),
        of(7.0, 1.0),
        of(7.0, 0.0),
        of(3.0, 0.0),
        of(7.0, 0.0),
        of(7.0, 1.0),
        of(7.0, 0.0),
        of(1.0, 0.0),
    ];
    for (at_s, (status, rings)) in (0..).zip(rows) {
        heater.record(&[(at_s, status, rings)], at_s);
    }
    let expected = [
        (0, "running"),
        (1, "fault"),
        (2, "running"),
        (3, "fault"),
        (7, "standby"),
    ];
    assert_eq!(heater.decided(), expected);
}

#[test]
fn a_restart_knows_what_was_before_a_silence_and_an_alarm_that_is_not_read() {
    let (power, alarm) = (channel("power_w"), channel("alarm"));
    let restored = |state, rings: &[Cell], before: Before| {
        let mut heater = Heater::new();
        heater.rule.dwell = Dwell::of(0);
        let last = Decision {
            at_ms: 50_000,
            state,
        };
        let power = std::iter::once((&power, Cell::Good(90.0)));
        let cells = power.chain(rings.iter().map(|cell| (&alarm, *cell)));
        let heard = (Some(205_000), Some(208_000));
        heater.fold = Fold::restored(last, cells, heard, Micros::new(200_000_000));
        heater.fold.remember(&heater.rule, before);
        heater
    };
    let run = Some(MachineState::Running);
    let sound = Before {
        read: run,
        sound: run,
    };
    let silent = MachineState::Offline(OfflineReason::Agent);
    // Between the thresholds it runs again, as it did before the silence.
    let mut heater = restored(silent, &[Cell::Good(0.0)], sound);
    heater.reads(210, 90.0);
    assert_eq!(heater.decided(), [(210, "running")]);
    // An alarm that rang before its channel could not be read rings still.
    let alarmed = Before {
        read: Some(MachineState::Fault),
        sound: run,
    };
    let rang = [Cell::Good(1.0), Cell::Bad(Quality::Timeout)];
    let mut heater = restored(MachineState::Fault, &rang, alarmed);
    heater.reads(210, 90.0);
    assert!(heater.decided().is_empty(), "{:?}", heater.decided());
    heater.record(&[(211, Cell::Good(90.0), Cell::Good(0.0))], 211);
    assert_eq!(heater.decided(), [(211, "running")]);
    // A register's own fault stays.
    let mut heater = restored(MachineState::Fault, &[Cell::Good(0.0)], alarmed);
    with_a_register(&mut heater);
    heater.record(&[(212, Cell::Good(7.0), Cell::Good(0.0))], 212);
    assert!(heater.decided().is_empty(), "{:?}", heater.decided());
    // The room's temperature was read later than the rule's channels: they are what is awaited.
    assert_eq!(heater.fold.newest_ms(), Some(212_000));
    let heater = restored(MachineState::Running, &[], Before::default());
    assert_eq!(heater.fold.heard_ms(), Some(205_000));
    assert_eq!(heater.fold.newest_ms(), Some(208_000));
}

#[test]
fn an_agent_that_was_cut_off_and_kept_its_promise_was_not_silent() {
    let gone = AgentSide {
        online: false,
        device: None,
    };
    let mut heater = Heater::new();
    for at_s in 0..20 {
        heater.reads(at_s, 200.0);
    }
    heater.tick(40_000, gone);
    assert_eq!(heater.decided(), [(0, "running"), (34, "agent")]);
    // It reports what changes, and nothing did.
    heater.reads(45, 190.0);
    let expected = [(0, "running"), (34, "agent"), (34, "running")];
    assert_eq!(heater.decided(), expected);
    assert_eq!(heater.fold.since_ms(), Some(0));
    // This time it was.
    heater.tick(70_000, gone);
    heater.reads(100, 190.0);
    assert_eq!(heater.decided()[3..], [(60, "agent"), (100, "running")]);
}

#[test]
fn what_was_before_a_silence_is_forgotten_with_the_first_reading_after_it() {
    let mut heater = Heater::new();
    heater.reads(0, 200.0);
    heater.tick(100_000, ONLINE);
    let (before, silent_from) = heater.fold.before_silence();
    let silent = MachineState::Offline(OfflineReason::Agent);
    assert_eq!(
        (before.state(), silent_from),
        (MachineState::Running, Some(30_000))
    );
    assert_eq!(heater.fold.state(), silent);
    for at_s in 110..150 {
        heater.fails(at_s, Quality::Timeout);
    }
    let (before, silent_from) = heater.fold.before_silence();
    assert_eq!((before, silent_from), (heater.fold.clone(), None));
}
