//! The replay of a measured run: a heater that goes on and off for two hours is one run, not 228.

use std::time::Duration;

use serde_json::{Value, json};
use tests::lab::{FIRST, Lab};
use tests::modbus::Meter;
use tests::process::shared;
use tests::times::{now_ms, parse_ms, rfc3339};
use tests::wait;

/// How many times faster than measured; poll, hysteresis and dwell are divided by it too.
const K: f64 = 60.0;

#[tokio::test]
async fn the_measured_run_is_one_run() {
    // Beside the repository there may be a measured trace; the project's own checks do not need it.
    let Some(trace) = shared("data/pzem017-run.csv") else {
        println!("no measured trace beside the repository");
        return;
    };
    let dir = tempfile::tempdir().unwrap();
    let lab = Lab::start(dir.path(), true).await;
    // The heater goes on and off between 35 W and 260 W all the way: a threshold alone would flap
    // 228 times. Dwell of 30 s at the measured speed.
    lab.rule(json!({
        "channel": "power_w", "running_above": 100.0, "running_below": 30.0,
        "standby_above": 5.0, "dwell": "PT0.5S", "fault_channel": null, "stale_after": "PT10S",
    }))
    .await;
    let mut meter = Meter::start(dir.path(), 8).await;
    let from_ms = now_ms();
    let _agent = lab.agent(dir.path(), "pzem017", &meter, 20);
    lab.state("off", FIRST).await;
    meter
        .tell(json!({ "replay": { "path": trace, "k": K } }))
        .await;
    wait::until(
        "the end of the replay",
        Duration::from_secs(200),
        async || {
            let report = meter.report().await;
            if report["replay"] == "done" {
                Ok(())
            } else {
                Err(report.to_string())
            }
        },
    )
    .await;
    meter
        .tell(json!({ "set": { "0": 0, "1": 0, "2": 0, "3": 0 } }))
        .await;
    lab.state("off", FIRST).await;

    let query = format!(
        "/states?from={}&to={}",
        rfc3339(from_ms),
        rfc3339(now_ms() + 1000)
    );
    let states = lab.client.get(&lab.path(&query)).await.expect(200);
    let items = states["items"].as_array().unwrap();
    let runs: Vec<&Value> = items
        .iter()
        .filter(|item| item["state"] == "running")
        .collect();
    assert_eq!(runs.len(), 1, "{states:#}");
    let edge = |name: &str| parse_ms(runs[0][name].as_str().unwrap());
    let seconds = (edge("end") - edge("start")) as f64 / 1000.0;
    // The trace lasts 7,367 s; the machine heats from 13 s on.
    assert!(
        (7_000.0 / K..8_000.0 / K).contains(&seconds),
        "{seconds} s at {K} times the speed"
    );
}
