//! Scenario 1: a meter that is not ours, the real agent, a real broker, the gateway: the API shows
//! the right values, and the state within 3 s of a change.

use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tests::lab::{FIRST, Lab, describe};
use tests::live::Live;
use tests::modbus::Meter;
use tests::times::{now_ms, parse_ms};
use tests::wait;

/// The promise: a change of state is shown within this time by a rule with 1 s of dwell.
const SHOWN: Duration = Duration::from_secs(3);

/// SDM120 input registers (Eastron manual): binary32, high word first.
const VOLTAGE: u16 = 0x0000;
const CURRENT: u16 = 0x0006;
const POWER: u16 = 0x000C;
const FREQUENCY: u16 = 0x0046;
const IMPORT_KWH: u16 = 0x0048;

fn rule(dwell: &str) -> Value {
    json!({
        "channel": "power_w", "running_above": 100.0, "running_below": 80.0,
        "standby_above": 5.0, "dwell": dwell, "fault_channel": null, "stale_after": "PT10S",
    })
}

#[tokio::test]
async fn values_and_state_come_through_mosquitto() {
    values_and_state(true).await;
}

#[tokio::test]
async fn values_and_state_come_through_the_embedded_broker() {
    values_and_state(false).await;
}

async fn values_and_state(external: bool) {
    let dir = tempfile::tempdir().unwrap();
    let lab = Lab::start(dir.path(), external).await;
    lab.rule(rule("PT1S")).await;
    let mut meter = Meter::start(dir.path(), 0x160).await;
    let before_ms = now_ms();
    let values = [
        (VOLTAGE, 230.5),
        (CURRENT, 1.25),
        (POWER, 40.0),
        (FREQUENCY, 50.0),
        (IMPORT_KWH, 12.5),
    ];
    meter.set_floats(&values).await;
    assert_eq!(lab.instrument().await["machine_state"], "unknown");
    let mut agent = lab.agent(dir.path(), "sdm120", &meter, 500);

    for (channel, value, unit) in [
        ("voltage_v", 230.5, "V"),
        ("current_a", 1.25, "A"),
        ("power_w", 40.0, "W"),
        ("frequency_hz", 50.0, "Hz"),
        ("energy_wh", 12_500.0, "Wh"),
    ] {
        let shown = lab.quality(channel, "good", FIRST).await;
        assert_eq!(
            (&shown["value"], &shown["unit"]),
            (&json!(value), &json!(unit)),
            "{channel}"
        );
        let at_ms = parse_ms(shown["time"].as_str().unwrap());
        assert!(
            (before_ms..=now_ms() + 1000).contains(&at_ms),
            "{channel} at {at_ms}"
        );
    }
    lab.state("standby", FIRST).await;

    let mut live = Live::open(&lab.client, "").await;
    let key = lab.region.instruments[0].clone();
    for (power, state, shown) in [
        (283.5, "running", "running"),
        (2.0, "off", "idle"),
        (150.0, "running", "running"),
        (20.0, "standby", "idle"),
    ] {
        meter.set_float(POWER, power).await;
        let changed = Instant::now();
        lab.state(state, SHOWN).await;
        println!(
            "{state} shown {:.2} s after {power} W",
            changed.elapsed().as_secs_f64()
        );
        assert_eq!(lab.instrument().await["status"], shown);
        if state == "running" {
            live.wait_for("the status", SHOWN, |event| {
                let changes = event.data["changes"].as_array();
                event.kind == "status"
                    && changes.is_some_and(|changes| {
                        changes
                            .iter()
                            .any(|one| one["key"] == *key && one["status"] == shown)
                    })
            })
            .await;
        }
    }
    // Between the thresholds the state stays; what the meter said is in the history.
    let history = lab.readings("power_w", before_ms).await;
    for value in [40.0, 283.5, 2.0, 150.0, 20.0] {
        assert!(
            history["values"]
                .as_array()
                .unwrap()
                .contains(&json!(value)),
            "{history:#}"
        );
    }
    assert_eq!(history["unit"], "W");

    // An agent that is gone says so by its last will; one that stops in order as well.
    agent.kill();
    wait::until(
        "offline by the agent",
        Duration::from_secs(20),
        async || {
            let instrument = lab.instrument().await;
            let right =
                instrument["status"] == "offline" && instrument["offline_reason"] == "agent";
            if right {
                Ok(())
            } else {
                Err(describe(&instrument))
            }
        },
    )
    .await;
    agent.restart();
    lab.state("standby", FIRST).await;
    assert_eq!(agent.stop().await, Some(0));
}

#[tokio::test]
async fn what_a_device_cannot_say_is_bad_with_its_reason_and_never_zero() {
    let dir = tempfile::tempdir().unwrap();
    let lab = Lab::start(dir.path(), false).await;
    lab.rule(rule("PT1S")).await;
    let before_ms = now_ms();
    let mut meter = Meter::start(dir.path(), 0x160).await;
    meter.set_floats(&[(VOLTAGE, 230.5), (POWER, 283.5)]).await;
    let _agent = lab.agent(dir.path(), "sdm120", &meter, 300);
    lab.state("running", FIRST).await;

    // Each fault and its end, one after the other.
    for (fault, end, reason) in [
        (
            json!({ "exception": 4 }),
            json!({ "exception": null }),
            "device_failure",
        ),
        (
            json!({ "exception": 6 }),
            json!({ "exception": null }),
            "device_busy",
        ),
        (
            json!({ "silent": true }),
            json!({ "silent": false }),
            "timeout",
        ),
        (
            json!({ "nonsense": true }),
            json!({ "nonsense": false }),
            "nonsense",
        ),
        (
            json!({ "delay_ms": 900 }),
            json!({ "delay_ms": 0 }),
            "timeout",
        ),
        (
            json!({ "listen": false }),
            json!({ "listen": true }),
            "link",
        ),
    ] {
        meter.tell(fault).await;
        let channel = lab.quality("power_w", reason, FIRST).await;
        assert_eq!(channel["value"], Value::Null, "{reason}");
        meter.tell(end).await;
        // A back-off after failures is part of the agent's manners.
        let back = lab
            .quality("power_w", "good", Duration::from_secs(60))
            .await;
        assert_eq!(back["value"], 283.5, "after {reason}");
    }
    meter
        .tell(json!({ "set": { "12": 0x7FC0, "13": 0 } }))
        .await;
    lab.quality("power_w", "not_a_value", FIRST).await;
    lab.quality("voltage_v", "good", FIRST).await;

    let history = lab.readings("power_w", before_ms).await;
    let values = history["values"].as_array().unwrap();
    assert!(
        values
            .iter()
            .all(|value| value.is_null() || *value == 283.5),
        "{history:#}"
    );
    let reasons: Vec<_> = history["bad"]
        .as_array()
        .unwrap()
        .iter()
        .map(|b| &b["reason"])
        .collect();
    for reason in [
        "device_failure",
        "device_busy",
        "timeout",
        "nonsense",
        "link",
        "not_a_value",
    ] {
        assert!(
            reasons.contains(&&json!(reason)),
            "{reason} is not in {reasons:?}"
        );
    }
}

#[tokio::test]
async fn a_wrong_register_map_names_the_address_and_the_exception() {
    let dir = tempfile::tempdir().unwrap();
    let lab = Lab::start(dir.path(), false).await;
    // A PZEM-017 has 8 registers; who takes it for an SDM120 asks beyond them.
    let mut meter = Meter::start(dir.path(), 8).await;
    let agent = lab.agent(dir.path(), "sdm120", &meter, 500);
    let channel = lab.quality("power_w", "illegal_address", FIRST).await;
    assert_eq!(channel["value"], Value::Null);
    let state = &lab.instrument().await["machine_state"];
    assert!(
        state != "off" && state != "standby" && state != "running",
        "{state}"
    );
    let words = agent.words();
    let named = words
        .to_lowercase()
        .lines()
        .any(|line| line.contains("0x000c") && line.contains("exception 2"));
    assert!(
        named,
        "the agent's log does not name the address and the exception:\n{words}"
    );
    assert!(
        meter.report().await["reads"].as_u64().unwrap() < 200,
        "the device is flooded"
    );
}
