//! A gateway that is set back to an earlier copy of its telemetry: what agents have deleted since is
//! gone and counted as gone, and nothing stalls.

use std::path::Path;
use std::time::Duration;

use serde_json::json;
use tests::lab::{FIRST, Lab};
use tests::modbus::Meter;
use tests::times::now_ms;
use tests::wait;

/// The SDM120's power, where the device serves its counter.
const POWER: u16 = 0x000C;
const EVERY_MS: u32 = 100;

#[tokio::test]
async fn a_gateway_restored_from_a_backup_does_not_stall() {
    let dir = tempfile::tempdir().unwrap();
    let mut lab = Lab::start(dir.path(), false).await;
    let mut meter = Meter::start(dir.path(), 0x160).await;
    meter.tell(json!({ "counter": { "address": POWER } })).await;
    let from_ms = now_ms();
    let agent = lab.agent(dir.path(), "sdm120", &meter, EVERY_MS);
    lab.quality("power_w", "good", FIRST).await;
    let data = lab.gateway.setup.data.clone();
    let backup = dir.path().join("backup");

    assert_eq!(lab.gateway.stop().await, Some(0));
    copy(&data, &backup);
    lab.gateway.restart().await;
    // Records are committed, acknowledged and deleted at the agent.
    let then = counted_beyond(&lab, meter.report().await["counter"].as_f64().unwrap()).await;

    assert_eq!(lab.gateway.stop().await, Some(0));
    copy(&backup, &data);
    lab.gateway.restart().await;
    let now = counted_beyond(&lab, meter.report().await["counter"].as_f64().unwrap()).await;
    assert!(now > then, "{now} after {then}");
    let history = lab.readings("power_w", from_ms).await;
    let values: Vec<f64> = history["values"]
        .as_array()
        .unwrap()
        .iter()
        .filter_map(serde_json::Value::as_f64)
        .collect();
    assert!(values.is_sorted_by(|a, b| a < b), "{values:?}");
    let metrics = lab.gateway.metrics().await;
    let gaps = metrics.sum("ortoo_telemetry_gaps_total", &[]);
    assert!(
        gaps > 0.0,
        "what is gone is not counted: {}",
        metrics.describe("gap")
    );
    drop(agent);
}

/// Waits until the gateway shows a count above one, and returns it.
async fn counted_beyond(lab: &Lab, count: f64) -> f64 {
    wait::until(
        &format!("a count beyond {count}"),
        Duration::from_secs(60),
        async || {
            let instrument = lab.instrument().await;
            let channels = instrument["channels"]
                .as_array()
                .cloned()
                .unwrap_or_default();
            let power = channels
                .iter()
                .find(|one| one["name"] == "power_w")
                .cloned();
            match power.and_then(|power| power["value"].as_f64()) {
                Some(value) if value > count => Ok(value),
                other => Err(format!("{other:?}")),
            }
        },
    )
    .await
}

/// Copies the files of a stopped gateway's folder over those of another.
fn copy(from: &Path, to: &Path) {
    drop(std::fs::remove_dir_all(to));
    std::fs::create_dir_all(to).expect("the scratch folder is ours");
    for entry in std::fs::read_dir(from).expect("the folder is there") {
        let entry = entry.expect("the folder can be read");
        std::fs::copy(entry.path(), to.join(entry.file_name())).expect("a file can be copied");
    }
}
