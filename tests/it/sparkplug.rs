//! A Sparkplug B edge node that is not ours, through the embedded broker and through Mosquitto: births,
//! aliases, gaps, deaths, and the host's word.

use std::ops::Deref;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use serde_json::{Value, json};
use tests::foreign_plant::ForeignPlant;
use tests::sparkplug::EdgeNode;
use tests::times::{now_ms, rfc3339};
use tests::wait;

/// What is sent is seen within this time; a gap is waited for two seconds before.
const SEEN: Duration = Duration::from_secs(20);

const SOURCE: &str = "line";

/// What Mosquitto lets the gateway and the node do.
const RULES: &str = "topic read spBv1.0/plant/#\ntopic write spBv1.0/plant/NCMD/#\n\
                     topic readwrite spBv1.0/STATE/ortoo\n\
                     user line\ntopic readwrite spBv1.0/plant/#\ntopic read spBv1.0/STATE/#\n";

/// A source for Sparkplug and two instruments.
struct Plant(ForeignPlant);

impl Deref for Plant {
    type Target = ForeignPlant;

    fn deref(&self) -> &ForeignPlant {
        &self.0
    }
}

impl Plant {
    async fn start(dir: &Path, external: bool) -> Self {
        let rules = external.then_some(RULES);
        Self(ForeignPlant::start(dir, 2, (SOURCE, &["spBv1.0/plant/#"]), rules).await)
    }

    async fn node(&self, dir: &Path, name: &str) -> EdgeNode {
        EdgeNode::start(dir, name, &self.broker, (SOURCE, &self.secret)).await
    }

    /// The node's power is the first instrument's, the device's values the second's.
    async fn map(&self) {
        for (name, topic, key, values) in [
            (
                "node",
                "spBv1.0/plant/line1",
                &self.keys[0],
                json!([{ "pointer": "/Line/Power", "channel": "power_w", "unit": "W" }]),
            ),
            (
                "press",
                "spBv1.0/plant/line1/press",
                &self.keys[1],
                json!([{ "pointer": "/Temp", "channel": "temperature_c", "unit": "degC" }]),
            ),
        ] {
            let mapping = json!({ "format": "sparkplug", "topic": topic, "instrument": key,
                "values": values });
            let body = json!({ "name": name, "lab": 4, "mapping": mapping });
            let _ = self
                .manager
                .post("/api/v1/mappings", &body)
                .await
                .expect(201);
        }
    }

    async fn channel(&self, number: usize, name: &str, expected: (Value, &str)) {
        let path = format!("/api/v1/instruments/{}", self.keys[number]);
        wait::until(&format!("{name} to be {expected:?}"), SEEN, async || {
            let instrument = self.manager.get(&path).await.expect(200);
            let channels = instrument["channels"]
                .as_array()
                .cloned()
                .unwrap_or_default();
            let found = channels.iter().find(|one| one["name"] == name);
            let is_right =
                found.is_some_and(|one| one["value"] == expected.0 && one["quality"] == expected.1);
            is_right
                .then_some(())
                .ok_or_else(|| format!("{channels:?}"))
        })
        .await;
    }

    /// Waits until the list of edge nodes is as wanted.
    async fn nodes(&self, what: &str, is_right: impl Fn(&Value) -> bool) -> Value {
        wait::until(what, SEEN, async || {
            let list = self.manager.get("/api/v1/edge-nodes").await.expect(200);
            let node = list["items"][0].clone();
            if is_right(&node) {
                Ok(node)
            } else {
                Err(node.to_string())
            }
        })
        .await
    }

    /// A message is lost; whoever only knows aliases then is asked for births, and no value is taken
    /// for another's.
    async fn gap(&self, node: &mut EdgeNode) {
        let before = node.tell(json!({ "report": true })).await["rebirths"].as_u64();
        node.tell(json!({ "skip": 1 })).await;
        node.tell(json!({ "alias": { "1": 99.0 }, "device_alias": { "2": 21.5 } }))
            .await;
        let asked = async {
            loop {
                let now = node.tell(json!({ "report": true })).await["rebirths"].as_u64();
                if now > before {
                    return;
                }
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        };
        tokio::time::timeout(SEEN, asked)
            .await
            .expect("the node is asked to be born again");
        node.tell(json!({ "device_alias": { "2": 22.5 }, "alias": { "1": 284.5 } }))
            .await;
        self.channel(1, "temperature_c", (json!(22.5), "good"))
            .await;
        self.channel(0, "power_w", (json!(284.5), "good")).await;
    }

    async fn history(&self, number: usize, channel: &str, from_ms: i64) -> Vec<f64> {
        let (from, to) = (rfc3339(from_ms), rfc3339(now_ms() + 60_000));
        let key = &self.keys[number];
        let path =
            format!("/api/v1/instruments/{key}/readings?channel={channel}&from={from}&to={to}");
        let history = self.manager.get(&path).await.expect(200);
        let values = history["values"].as_array().unwrap().iter();
        values.filter_map(Value::as_f64).collect()
    }

    /// Returns what a client that subscribes now is told of the host.
    fn host(&self) -> Value {
        let output = self
            .mosquitto("mosquitto_sub", &self.secret)
            .args([
                "-i",
                "listener",
                "-t",
                "spBv1.0/STATE/ortoo",
                "-C",
                "1",
                "-W",
                "10",
            ])
            .stdin(Stdio::null())
            .output();
        let output = output.expect("mosquitto_sub is installed");
        let text = String::from_utf8_lossy(&output.stdout);
        serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text:?}"))
    }
}

#[tokio::test]
async fn an_edge_node_lives_and_dies_at_the_embedded_broker() {
    let dir = tempfile::tempdir().unwrap();
    let plant = Plant::start(dir.path(), false).await;
    let before_ms = now_ms() - 120_000;
    assert_eq!(plant.host()["online"], true);

    // Nobody knows it: it is listed with what it measures, and what of that is no number.
    let mut node = plant.node(dir.path(), "node").await;
    let shown = plant
        .nodes("the node and its device", |node| {
            node["online"] == true && node["devices"].as_array().is_some_and(|all| all.len() == 2)
        })
        .await;
    let metrics = &shown["devices"][0]["metrics"];
    assert_eq!(metrics[0]["name"], "Line/Power", "{shown:#}");
    assert_eq!(metrics[0]["channel"], Value::Null);
    assert_eq!(metrics[1]["reason"], "text");
    let unknown = plant
        .manager
        .get("/api/v1/unknown-devices")
        .await
        .expect(200);
    let unknown = unknown["items"].as_array().unwrap();
    let topics: Vec<&Value> = unknown
        .iter()
        .map(|one| &one["proposal"]["topic"])
        .collect();
    assert!(
        topics.contains(&&json!("spBv1.0/plant/line1/press")),
        "{unknown:?}"
    );
    assert!(
        unknown
            .iter()
            .all(|one| one["proposal"]["format"] == "sparkplug")
    );

    plant.map().await;
    node.tell(json!({ "alias": { "1": 283.5 }, "device_alias": { "2": 20.5 } }))
        .await;
    plant.channel(0, "power_w", (json!(283.5), "good")).await;
    plant
        .channel(1, "temperature_c", (json!(20.5), "good"))
        .await;
    let shown = plant.nodes("the node", |node| node["online"] == true).await;
    assert_eq!(shown["devices"][0]["metrics"][0]["channel"], "power_w");
    node.tell(json!({ "null": "Temp" })).await;
    plant
        .channel(1, "temperature_c", (Value::Null, "not_a_value"))
        .await;
    node.tell(json!({ "old": { "Temp": 1.5 }, "ago_ms": 60_000, "device": { "Temp": 21.0 } }))
        .await;
    plant
        .channel(1, "temperature_c", (json!(21.0), "good"))
        .await;
    plant.gap(&mut node).await;
    let values = plant.history(1, "temperature_c", before_ms).await;
    assert!(
        values.contains(&1.5),
        "what is historical is kept: {values:?}"
    );
    assert!(
        !values.contains(&21.5),
        "no alias counts after a loss: {values:?}"
    );
    let power = plant.history(0, "power_w", before_ms).await;
    assert!(!power.contains(&99.0), "{power:?}");

    node.tell(json!({ "deregister": true })).await;
    plant
        .nodes("the device to be gone", |node| {
            node["devices"].as_array().is_some_and(|all| all.len() == 1)
        })
        .await;
    node.kill();
    plant
        .nodes("the last will", |node| node["online"] == false)
        .await;
    // The library begins to count its sessions anew: it may be the old one that is late, so it is
    // asked, and answers.
    let mut node = plant.node(dir.path(), "node-again").await;
    plant
        .nodes("the node again", |node| node["online"] == true)
        .await;
    // Its first births may be late ones of the session before: two seconds later none is.
    let path = format!("/api/v1/instruments/{}", plant.keys[0]);
    let believed = Duration::from_secs(60);
    wait::until("its aliases to be believed", believed, async || {
        node.tell(json!({ "alias": { "1": 5.5 } })).await;
        let instrument = plant.manager.get(&path).await.expect(200);
        let channels = instrument["channels"]
            .as_array()
            .cloned()
            .unwrap_or_default();
        let power = channels.iter().find(|one| one["name"] == "power_w");
        let is_read = power.is_some_and(|one| one["value"] == 5.5 && one["quality"] == "good");
        is_read.then_some(()).ok_or_else(|| format!("{channels:?}"))
    })
    .await;
}

#[tokio::test]
async fn an_edge_node_speaks_through_mosquitto() {
    let dir = tempfile::tempdir().unwrap();
    let mut plant = Plant::start(dir.path(), true).await;
    plant.map().await;
    // A broker of one's own hears of new topics soon, not at once; births that come before it
    // listens are asked for at the first message after.
    let mut node = plant.node(dir.path(), "node").await;
    wait::until("the first value", SEEN, async || {
        node.tell(json!({ "alias": { "1": 7.5 } })).await;
        let path = format!("/api/v1/instruments/{}", plant.keys[0]);
        let instrument = plant.manager.get(&path).await.expect(200);
        let mut channels = instrument["channels"].as_array().into_iter().flatten();
        let is_there = channels.any(|one| one["value"] == 7.5);
        is_there.then_some(()).ok_or_else(|| instrument.to_string())
    })
    .await;
    plant.gap(&mut node).await;
    assert_eq!(plant.host()["online"], true);
    assert_eq!(plant.0.gateway.stop().await, Some(0));
    assert_eq!(plant.host()["online"], false);
}
