//! A machine runs while its agent is cut off from the gateway: afterwards it has run, at its own time.

use std::net::SocketAddr;
use std::time::Duration;

use serde_json::{Value, json};
use tests::agent::{Agent, Device};
use tests::lab::{FIRST, Lab};
use tests::link::{Fault, Link};
use tests::modbus::Meter;
use tests::times::{now_ms, parse_ms, rfc3339};
use tests::wait;

/// SDM120 input register of the power (Eastron manual).
const POWER: u16 = 0x000C;

/// How often the meter is read.
const EVERY_MS: u32 = 200;

#[tokio::test]
async fn a_machine_that_ran_while_its_agent_was_cut_off_has_run() {
    let dir = tempfile::tempdir().unwrap();
    let lab = Lab::start(dir.path(), false).await;
    lab.rule(json!({
        "channel": "power_w", "running_above": 100.0, "running_below": 80.0,
        "standby_above": 5.0, "dwell": "PT1S", "fault_channel": null, "stale_after": "PT3S",
    }))
    .await;
    let mut meter = Meter::start(dir.path(), 0x160).await;
    meter.set_float(POWER, 1.0).await;
    let url = lab.gateway.mqtt_url();
    let address: SocketAddr = url.trim_start_matches("mqtt://").parse().unwrap();
    let link = Link::to(address).await;
    let credential = &lab.region.agents[0];
    let device = Device {
        instrument: lab.region.instruments[0].clone(),
        profile: "sdm120".to_owned(),
        address: meter.address.clone(),
        every_ms: EVERY_MS,
    };
    let url = format!("mqtt://{}", link.address());
    let _agent = Agent::start(
        dir.path(),
        &credential.name,
        &credential.secret,
        &url,
        &[device],
    );
    lab.state("off", FIRST).await;

    let cut_ms = now_ms();
    link.set(Fault::Reset);
    lab.state("offline", FIRST).await;
    meter.set_float(POWER, 250.0).await;
    let began_ms = now_ms();
    polled(&mut meter, 100).await;
    meter.set_float(POWER, 1.0).await;
    let ended_ms = now_ms();
    polled(&mut meter, 60).await;
    link.set(Fault::None);
    lab.state("off", Duration::from_mins(1)).await;

    let run = wait::until("the run", FIRST, async || {
        let query = format!("/states?from={}&to={}", rfc3339(cut_ms), rfc3339(now_ms()));
        let states = lab.client.get(&lab.path(&query)).await.expect(200);
        let items = states["items"].as_array().cloned().unwrap_or_default();
        let is_silent = items.iter().any(|item| item["state"] == "offline");
        let run = items.into_iter().find(|item| item["state"] == "running");
        match run {
            Some(run) if !is_silent => Ok(run),
            _ => Err(states.to_string()),
        }
    })
    .await;
    let edge = |name: &str| parse_ms(run[name].as_str().unwrap());
    let near = |at_ms: i64, expected_ms: i64| (at_ms - expected_ms).abs() < 2_000;
    assert!(
        near(edge("start"), began_ms) && near(edge("end"), ended_ms),
        "{run} from {began_ms} to {ended_ms}"
    );
}

/// Waits until the meter was asked so many more times: several a poll.
async fn polled(meter: &mut Meter, times: u64) {
    let reads = |report: &Value| report["reads"].as_u64().unwrap_or(0);
    let until = reads(&meter.report().await) + times;
    loop {
        if reads(&meter.report().await) >= until {
            return;
        }
        tokio::time::sleep(Duration::from_millis(u64::from(EVERY_MS))).await;
    }
}
