//! A meter that is not ours, polled by the gateway itself: no agent beside it, no broker between.

use std::time::Duration;

use serde_json::{Value, json};
use tests::lab::{FIRST, Lab};
use tests::modbus::Meter;
use tests::times::now_ms;
use tests::wait;

/// SDM120 input register (Eastron manual): power, binary32, high word first.
const POWER: u16 = 0x000C;

const PERMITTED: &str = "[modbus]\nallow = [\"127.0.0.1\"]\n";

async fn source(lab: &Lab, body: &Value) -> Value {
    let manager = lab.client.with_token(&lab.region.manager.token);
    manager.put(&lab.path("/source"), body).await.expect(200)
}

fn unit(meter: &Meter, unit: u8) -> Value {
    json!({ "agent": null, "modbus": { "profile": "sdm120", "address": meter.address,
        "unit": unit, "every": "PT0.2S", "timeout": "PT0.5S" } })
}

/// Waits until the gateway's own agent is shown as there or not.
async fn shown_online(lab: &Lab, agent: &Value, online: bool) {
    let manager = lab.client.with_token(&lab.region.manager.token);
    wait::until("the gateway's agent in the list", FIRST, async || {
        let list = manager.get("/api/v1/agents").await.expect(200);
        let mut items = list["items"].as_array().expect("a list").iter();
        let shown = items.find(|one| one["name"] == *agent);
        let is_right =
            shown.is_some_and(|one| one["online"] == online && one["is_gateway"] == true);
        is_right.then_some(()).ok_or_else(|| list.to_string())
    })
    .await;
}

#[tokio::test]
async fn the_gateway_polls_past_an_external_broker() {
    let dir = tempfile::tempdir().unwrap();
    let lab = Lab::start_with(dir.path(), true, PERMITTED).await;
    let mut meter = Meter::start(dir.path(), 0x160).await;
    meter.set_float(POWER, 283.5).await;
    let _ = source(&lab, &unit(&meter, 1)).await;
    let power = lab.quality("power_w", "good", FIRST).await;
    assert_eq!(
        (&power["value"], &power["unit"]),
        (&json!(283.5), &json!("W"))
    );
}

#[tokio::test]
async fn what_the_gateway_polls_survives_it_and_follows_the_source() {
    let dir = tempfile::tempdir().unwrap();
    let mut lab = Lab::start_with(dir.path(), false, PERMITTED).await;
    let mut meter = Meter::start(dir.path(), 0x160).await;
    // Grows by one with each read: what is stored twice or out of order is seen.
    meter.tell(json!({ "counter": { "address": POWER } })).await;
    let before_ms = now_ms();
    let set = source(&lab, &unit(&meter, 1)).await;
    let _ = lab.quality("power_w", "good", FIRST).await;
    shown_online(&lab, &set["agent"], true).await;

    lab.gateway.kill();
    lab.gateway.restart().await;
    let counted = meter.report().await["counter"].as_f64().expect("a number");
    wait::until("values of after the restart", FIRST, async || {
        let history = lab.readings("power_w", before_ms).await;
        let values: Vec<f64> = history["values"]
            .as_array()
            .expect("a list")
            .iter()
            .filter_map(Value::as_f64)
            .collect();
        assert!(values.is_sorted_by(|a, b| a < b), "{values:?}");
        let newest = values.last().copied().unwrap_or_default();
        (newest > counted)
            .then_some(())
            .ok_or_else(|| format!("{newest} of {counted}"))
    })
    .await;
    shown_online(&lab, &set["agent"], true).await;

    // A unit that is not there is a reason, never a zero; the meter is asked no more.
    let _ = source(&lab, &unit(&meter, 9)).await;
    wait::until("no power", FIRST, async || {
        let instrument = lab.instrument().await;
        let mut channels = instrument["channels"].as_array().expect("a list").iter();
        let power = channels
            .find(|one| one["name"] == "power_w")
            .expect("it was there");
        (power["value"].is_null())
            .then_some(())
            .ok_or_else(|| power.to_string())
    })
    .await;
    let _ = source(&lab, &unit(&meter, 1)).await;
    let _ = lab.quality("power_w", "good", FIRST).await;

    // Who takes the source away ends it: the agent goes, and the meter is left alone.
    let _ = source(&lab, &json!({ "agent": null })).await;
    shown_online(&lab, &set["agent"], false).await;
    let reads = meter.report().await["reads"].clone();
    lab.gateway.is_ready(Duration::from_secs(10)).await;
    assert_eq!(meter.report().await["reads"], reads);
    assert_eq!(lab.gateway.stop().await, Some(0));
}

#[tokio::test]
async fn the_configuration_wins_over_the_source() {
    let dir = tempfile::tempdir().unwrap();
    let mut lab = Lab::start_with(dir.path(), false, PERMITTED).await;
    let mut meter = Meter::start(dir.path(), 0x160).await;
    let _ = source(&lab, &unit(&meter, 1)).await;
    let _ = lab.quality("power_w", "good", FIRST).await;
    lab.gateway.kill();
    lab.gateway.setup.more = "[modbus]\nallow = [\"192.0.2.0/24\"]\n".to_owned();
    let reads = meter.report().await["reads"].clone();
    lab.gateway.restart().await;
    wait::until("the refusal in the log", FIRST, async || {
        let words = lab.gateway.process().stderr();
        let is_told = words.contains("is not polled: modbus.address");
        is_told.then_some(()).ok_or(words)
    })
    .await;
    assert_eq!(meter.report().await["reads"], reads);
    let manager = lab.client.with_token(&lab.region.manager.token);
    let answer = manager.put(&lab.path("/source"), &unit(&meter, 1)).await;
    assert_eq!(answer.expect(400)["errors"][0]["field"], "modbus.address");
}
