//! Readings as files for other programs: the same rows as CSV and as Parquet, the latter read by
//! pyarrow.

use std::path::Path;
use std::process::Command;

use reqwest::Method;
use serde_json::{Value, json};
use tests::foreign_plant::ForeignPlant;
use tests::process;
use tests::times::{now_ms, rfc3339};

/// Reads a file with pyarrow.
fn read(file: &Path) -> Value {
    let output = Command::new(process::peers_python())
        .arg(process::workspace().join("tests/peers/parquet_rows.py"))
        .arg(file)
        .output()
        .expect("python starts");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
    serde_json::from_slice(&output.stdout).expect("it prints JSON")
}

#[tokio::test]
async fn readings_leave_as_parquet_and_as_csv() {
    let dir = tempfile::tempdir().unwrap();
    let plant = ForeignPlant::start(dir.path(), 1, ("plugs", &["lab-4/#"]), None).await;
    let key = &plant.keys[0];
    // Three days ago, so that no minute of the present is in it.
    let begin = now_ms() / 1_000 * 1_000 - 3 * 86_400_000;
    let reading = |second: i64, value: Value| {
        json!({ "instrument": key, "channel": "temperature_c", "unit": "degC", "value": value,
            "time": rfc3339(begin + second * 1_000) })
    };
    let readings = json!({ "readings": [
        reading(0, json!(21.5)), reading(1, Value::Null), reading(2, json!(22.25)),
    ] });
    let posted = plant.manager.post("/api/v1/readings", &readings).await;
    assert_eq!(posted.expect(200)["accepted"], 3);
    let (from, to) = (rfc3339(begin), rfc3339(begin + 60_000));
    let window = format!("from={from}&to={to}").replace('+', "%2B");
    let table = async |more: &str| {
        let path =
            format!("/api/v1/instruments/{key}/readings?channel=temperature_c&{window}{more}");
        let answer = plant.manager.request(Method::GET, &path).send().await;
        let answer = answer.expect("the gateway answers");
        assert_eq!(answer.status(), 200, "{path}");
        answer.bytes().await.expect("the table is whole")
    };
    let file = dir.path().join("readings.parquet");
    std::fs::write(&file, table("&format=parquet").await).unwrap();
    let raw = read(&file);
    let columns = &raw["columns"];
    assert_eq!(columns["value"], json!([21.5, null, 22.25]));
    assert_eq!(columns["quality"], json!(["good", "other", "good"]));
    assert_eq!(raw["types"]["time"], "timestamp[ms, tz=UTC]");
    assert_eq!(raw["metadata"]["unit"], "degC");
    assert_eq!(raw["metadata"]["instrument"], json!(key));
    let csv = table("&format=csv").await;
    let csv = String::from_utf8(csv.to_vec()).unwrap();
    // The same moments, whatever way they are written.
    let times = columns["time"].as_array().unwrap();
    for (line, time) in csv.lines().skip(1).zip(times) {
        assert!(
            line.contains(&time.as_str().unwrap()[..19]),
            "{line} {time}"
        );
    }
    assert_eq!(csv.lines().count(), 1 + times.len());
    std::fs::write(&file, table("&format=parquet&step=PT1M").await).unwrap();
    let steps = read(&file);
    let counts = steps["columns"]["count"].as_array().unwrap();
    let all: i64 = counts.iter().filter_map(Value::as_i64).sum();
    assert_eq!(all, 2, "{steps}");
}
