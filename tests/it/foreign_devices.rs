//! Devices of other makers: `mosquitto_pub` sends real messages of Tasmota, Shelly and Telegraf to the
//! embedded broker and to a real Mosquitto; unknown ones are adopted, and all survive a crash.

use std::io::Write as _;
use std::ops::Deref;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use serde_json::{Value, json};
use tests::foreign_plant::ForeignPlant;
use tests::times::{now_ms, parse_ms, rfc3339};
use tests::wait;

/// What is sent is seen within this time.
const SEEN: Duration = Duration::from_secs(20);

/// The topics of the source.
const FILTERS: [&str; 3] = [
    "lab-4/tele/#",
    "shellyplus1pm-a8032ab/#",
    "lab-4/telegraf/#",
];

const SHANGHAI_MS: i64 = 8 * 3_600_000;

/// A source `plugs` and three instruments.
struct Plant(ForeignPlant);

impl Deref for Plant {
    type Target = ForeignPlant;

    fn deref(&self) -> &ForeignPlant {
        &self.0
    }
}

impl Plant {
    async fn start(dir: &Path, external: bool) -> Self {
        let lines = |right: &str| {
            FILTERS
                .map(|filter| format!("topic {right} {filter}\n"))
                .concat()
        };
        let rules = format!("{}user plugs\n{}", lines("read"), lines("write"));
        let rules = external.then_some(rules.as_str());
        Self(ForeignPlant::start(dir, 3, ("plugs", &FILTERS), rules).await)
    }

    /// Publishes with Mosquitto's own client; returns whether it was accepted.
    fn publish(&self, topic: &str, payload: &str, qos: u8, secret: &str) -> bool {
        let status = self
            .mosquitto("mosquitto_pub", secret)
            .args(["-t", topic, "-m", payload, "-q", &qos.to_string()])
            .stdin(Stdio::null())
            .stderr(Stdio::null())
            .status();
        status.expect("mosquitto_pub is installed").success()
    }

    /// More than is read of any message: the broker hands it over, and what comes after it.
    fn sends_too_much(&self) {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(&vec![b'1'; 3 << 20]).unwrap();
        let sent = self
            .mosquitto("mosquitto_pub", &self.secret)
            .args(["-t", "lab-4/tele/tasmota_1A2B3C/SENSOR", "-q", "1", "-f"])
            .arg(file.path())
            .status();
        assert!(sent.expect("mosquitto_pub is installed").success());
    }

    fn send(&self, topic: &str, payload: &str) {
        assert!(self.publish(topic, payload, 1, &self.secret), "{topic}");
    }

    /// Returns value and unit of a channel now.
    async fn channel(&self, number: usize, name: &str) -> Option<(f64, String, i64)> {
        let path = format!("/api/v1/instruments/{}", self.keys[number]);
        let instrument = self.manager.get(&path).await.expect(200);
        let channels = instrument["channels"].as_array()?;
        let found = channels.iter().find(|one| one["name"] == name)?;
        let unit = found["unit"].as_str()?.to_owned();
        Some((
            found["value"].as_f64()?,
            unit,
            parse_ms(found["time"].as_str()?),
        ))
    }

    /// Sends a message until a channel has a value: a broker of one's own hears of new topics soon,
    /// not at once.
    async fn sends(
        &self,
        (topic, payload): (&str, &str),
        number: usize,
        expected: (&str, f64, &str),
    ) {
        let (name, value, unit) = expected;
        wait::until(&format!("{name} to be {value}"), SEEN, async || {
            self.send(topic, payload);
            match self.channel(number, name).await {
                Some(seen) if (seen.0 - value).abs() < 1e-9 && seen.1 == unit => Ok(()),
                other => Err(format!("{other:?}")),
            }
        })
        .await;
    }
}

fn tasmota(at_ms: i64, power: f64) -> String {
    let local = rfc3339((at_ms + SHANGHAI_MS) / 1000 * 1000);
    let local = local.trim_end_matches('Z');
    format!(
        r#"{{"Time":"{local}","ENERGY":{{"Total":1.956,"Yesterday":0.054,"Today":0.049,"Period":0,"Power":{power},"Factor":0.43,"Voltage":231,"Current":0.089}}}}"#
    )
}

const SHELLY: &str = r#"{"id":0,"source":"init","output":true,"apower":8.9,"voltage":237.5,"current":0.04,"aenergy":{"total":6.532,"by_minute":[45.2,0.0,1.1],"minute_ts":1654511972},"temperature":{"tC":23.5,"tF":74.4}}"#;

async fn real_messages(external: bool) {
    let dir = tempfile::tempdir().unwrap();
    let mut plant = Plant::start(dir.path(), external).await;
    tasmota_is_adopted(&plant, external).await;
    shelly_tells_what_changed(&plant).await;
    let telegraf = json!({ "name": "Telegraf", "lab": 4, "mapping": { "format": "telegraf",
        "topic": "lab-4/telegraf/{host}/#", "instrument": "{/tags/instrument}",
        "devices": { "pump-3": plant.keys[2] } } });
    let _ = plant
        .manager
        .post("/api/v1/mappings", &telegraf)
        .await
        .expect(201);
    let seconds = now_ms() / 1000;
    let metrics = format!(
        r#"{{"metrics":[{{"fields":{{"power_w":30.5,"pressure_pa":0.02}},"name":"modbus","tags":{{"host":"raynor","instrument":"pump-3"}},"timestamp":{seconds}}}]}}"#
    );
    let message = ("lab-4/telegraf/raynor/modbus", metrics.as_str());
    plant.sends(message, 2, ("pressure_pa", 0.02, "")).await;
    after_that(&mut plant, external).await;
}

/// Nobody knows the plug: it is listed, and adopted.
async fn tasmota_is_adopted(plant: &Plant, external: bool) {
    let topic = "lab-4/tele/tasmota_1A2B3C/SENSOR";
    let device = wait::until("the plug to be listed", SEEN, async || {
        plant.send(topic, &tasmota(now_ms(), 9.0));
        let listed = plant
            .manager
            .get("/api/v1/unknown-devices")
            .await
            .expect(200);
        let device = listed["items"][0].clone();
        if device["proposal"]["format"] == "tasmota" {
            Ok(device)
        } else {
            Err(listed.to_string())
        }
    })
    .await;
    assert_eq!(device["source"], "plugs");
    let id = device["id"].as_str().unwrap();
    let body = json!({ "instrument": plant.keys[0] });
    let adopt = format!("/api/v1/unknown-devices/{id}/adopt");
    let _ = plant.manager.post(&adopt, &body).await.expect(201);
    let sent_ms = now_ms();
    let message = tasmota(sent_ms, 9.0);
    plant.send(topic, &message);
    if !external {
        // Its PUBACK came after the commit.
        let (power, unit, at_ms) = plant.channel(0, "power_w").await.unwrap();
        assert!((power - 9.0).abs() < 1e-9 && unit == "W", "{power} {unit}");
        assert_eq!(at_ms, sent_ms / 1000 * 1000);
    }
    plant
        .sends((topic, &message), 0, ("energy_wh", 1956.0, "Wh"))
        .await;
}

/// A whole status, then a notification of one value.
async fn shelly_tells_what_changed(plant: &Plant) {
    let shelly = json!({ "name": "Shelly", "lab": 4, "mapping": { "format": "shelly",
        "topic": "shellyplus1pm-a8032ab", "instrument": plant.keys[1] } });
    let _ = plant
        .manager
        .post("/api/v1/mappings", &shelly)
        .await
        .expect(201);
    let whole = ("shellyplus1pm-a8032ab/status/switch:0", SHELLY);
    plant.sends(whole, 1, ("power_w", 8.9, "W")).await;
    // Told anew with the time of each try: a status sent more than once may still be on its way, and
    // of two readings the later one counts.
    let topic = "shellyplus1pm-a8032ab/events/rpc";
    wait::until("power_w to be 1250.5", SEEN, async || {
        let seconds = now_ms() / 1000;
        let partial = format!(
            r#"{{"src":"shellyplus1pm-a8032ab","dst":"shellyplus1pm-a8032ab/events","method":"NotifyStatus","params":{{"ts":{seconds}.0,"switch:0":{{"id":0,"apower":1250.5}}}}}}"#
        );
        plant.send(topic, &partial);
        match plant.channel(1, "power_w").await {
            Some((power, ..)) if (power - 1250.5).abs() < 1e-9 => Ok(()),
            other => Err(format!("{other:?}")),
        }
    })
    .await;
    let voltage = plant.channel(1, "voltage_v").await.unwrap();
    assert!(
        (voltage.0 - 237.5).abs() < 1e-9,
        "what is left out stays: {voltage:?}"
    );
}

/// Who may not speak is refused, QoS 0 is told, and a crash loses nothing that was acknowledged.
async fn after_that(plant: &mut Plant, external: bool) {
    if external {
        plant.sends_too_much();
    }
    if !external {
        assert!(
            !plant.publish("lab-4/tele/x/SENSOR", "1", 1, "wrong"),
            "a wrong secret"
        );
        assert!(
            !plant.publish("other/x", "1", 1, &plant.secret),
            "a topic of others"
        );
    }
    let flag = |listed: &Value| listed["items"][0]["at_most_once"].clone();
    let listed = plant.manager.get("/api/v1/sources").await.expect(200);
    assert_eq!(flag(&listed), false, "{listed:#}");
    wait::until("QoS 0 to be told", SEEN, async || {
        assert!(plant.publish("lab-4/tele/tasmota_1A2B3C/LWT", "Online", 0, &plant.secret));
        let listed = plant.manager.get("/api/v1/sources").await.expect(200);
        if flag(&listed) == true {
            Ok(())
        } else {
            Err(listed.to_string())
        }
    })
    .await;
    let lines = format!("m,instrument={} script_w=12.5 {}", plant.keys[2], now_ms());
    let kept = plant
        .manager
        .request(reqwest::Method::POST, "/api/v1/readings?precision=ms")
        .header("Content-Type", "text/plain")
        .body(lines);
    let kept = kept.send().await.unwrap();
    assert_eq!(kept.status(), 200, "{}", kept.text().await.unwrap());
    plant.0.gateway.kill();
    plant.0.gateway.restart().await;
    for (number, name, value) in [
        (0, "power_w", 9.0),
        (1, "power_w", 1250.5),
        (2, "pressure_pa", 0.02),
        (2, "script_w", 12.5),
    ] {
        let seen = plant.channel(number, name).await.unwrap();
        assert!((seen.0 - value).abs() < 1e-9, "{name}: {seen:?}");
    }
    // Sources and mappings are registered: the plug goes on where it was.
    let message = tasmota(now_ms(), 700.0);
    plant
        .sends(
            ("lab-4/tele/tasmota_1A2B3C/SENSOR", &message),
            0,
            ("power_w", 700.0, "W"),
        )
        .await;
}

#[tokio::test]
async fn real_messages_through_the_embedded_broker() {
    real_messages(false).await;
}

#[tokio::test]
async fn real_messages_through_mosquitto() {
    real_messages(true).await;
}
