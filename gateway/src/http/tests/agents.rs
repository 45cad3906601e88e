//! Agents: made with the instruments they speak for, and what they report beyond those.

use bytes::Bytes;
use serde_json::json;
use wire::{BootId, Clocks, RecordBody, Series, StreamId};

use super::world::LAB;
use super::{MIDNIGHT, Place, Who};
use crate::telemetry::{Acknowledge, Delivery};

#[tokio::test]
async fn an_agent_gets_its_secret_once() {
    let place = Place::new().await;
    let body = json!({ "name": "lab-007", "lab": LAB });
    let made = place
        .post(Who::Manager, "/api/v1/agents", &body)
        .await
        .expect(201);
    let secret = made["secret"].as_str().unwrap();
    assert_eq!(secret.len(), 64);
    assert!(made["agent_toml"].as_str().unwrap().contains(secret));
    assert_eq!(made["mqtt_url"], "mqtt://127.0.0.1:1883");
    place
        .post(Who::Manager, "/api/v1/agents", &body)
        .await
        .expect_problem(409, "wrong-state");
    for reserved in ["gateway", "ortoo", "$ortoo", "$SYS"] {
        let body = json!({ "name": reserved, "lab": LAB });
        let problem = place.post(Who::Manager, "/api/v1/agents", &body).await;
        let problem = problem.expect_problem(400, "malformed-request");
        assert_eq!(problem["errors"][0]["field"], "name", "{reserved}");
    }
    let list = place.get(Who::Manager, "/api/v1/agents").await;
    assert!(!list.text().contains(secret));
    assert_eq!(list.expect(200)["items"].as_array().unwrap().len(), 8);
    let neighbour = place
        .get(Who::Neighbour, "/api/v1/agents")
        .await
        .expect(200);
    assert_eq!(neighbour["items"], json!([]));
}

#[tokio::test]
async fn an_agent_is_made_with_the_instruments_it_speaks_for() {
    let place = Place::new().await;
    for (keys, field) in [
        (json!(["A-1", "B-1"]), "instruments[1]"),
        (json!(["NO-SUCH"]), "instruments[0]"),
        (json!(["A-1", "A-1"]), "instruments"),
    ] {
        let body = json!({ "name": "lab-008", "lab": LAB, "instruments": keys });
        let problem = place.post(Who::Manager, "/api/v1/agents", &body).await;
        let problem = problem.expect_problem(400, "malformed-request");
        assert_eq!(problem["errors"][0]["field"], field);
    }
    let body = json!({ "name": "lab-008", "lab": LAB, "instruments": ["A-1", "D-3"] });
    let made = place.post(Who::Manager, "/api/v1/agents", &body).await;
    let made = made.expect(201);
    let toml = made["agent_toml"].as_str().unwrap();
    for key in ["A-1", "D-3"] {
        assert!(toml.contains(&format!("instrument = \"{key}\"")), "{toml}");
        let path = format!("/api/v1/instruments/{key}");
        let source = place.get(Who::Manager, &format!("{path}/source")).await;
        assert_eq!(source.expect(200)["agent"], "lab-008");
        assert_eq!(place.get(Who::Manager, &path).await.header("etag"), "\"2\"");
    }
}

/// A record of one reading of each key.
fn record(seq: u64, keys: &[&str]) -> Bytes {
    record_by(seq, keys, MIDNIGHT / 1_000)
}

/// The same by an agent whose wall clock shows something else.
fn record_by(seq: u64, keys: &[&str], wall_ms: i64) -> Bytes {
    let clocks = Clocks {
        wall_ms,
        mono_ms: 1_000,
    };
    let series = keys.iter().map(|key| Series {
        key: wire::InstrumentKey::parse(key).unwrap(),
        offsets_ms: vec![0],
        channels: vec![wire::ChannelName::parse("power_w").unwrap()],
        values: vec![vec![Some(5.0)]],
        bad: Vec::new(),
    });
    let boot = BootId::parse("boot").unwrap();
    Bytes::from(wire::encode(&wire::Batch {
        stream: StreamId::parse(&"0a".repeat(16)).unwrap(),
        seq,
        oldest: 1,
        boot: boot.clone(),
        sent: clocks,
        record: wire::Record {
            boot,
            at: clocks,
            body: RecordBody::Series(series.collect()),
        },
    }))
}

#[tokio::test]
async fn a_manager_sees_what_an_agent_may_not_speak_for() {
    let place = Place::new().await;
    let report = async |seq: u64| {
        let delivery = Delivery {
            topic: "ortoo/v1/agent-0/up/readings".to_owned(),
            payload: record(seq, &["D-1", "TYPO-1"]),
            acknowledge: Acknowledge::with(|| {}),
        };
        place.state.telemetry().ingest(delivery).await.unwrap();
    };
    let unknown = async |expected: serde_json::Value| {
        let looked = async {
            loop {
                let agents = place.get(Who::Manager, "/api/v1/agents").await.expect(200);
                let agents = agents["items"].as_array().unwrap().clone();
                let mut agents = agents.iter();
                let agent = agents.find(|agent| agent["name"] == "agent-0").unwrap();
                if agent["unknown_instruments"] == expected {
                    return;
                }
                tokio::task::yield_now().await;
            }
        };
        let in_time = tokio::time::timeout(std::time::Duration::from_secs(20), looked).await;
        in_time.unwrap_or_else(|_| panic!("not {expected} within 20 s"));
    };
    unknown(json!([])).await;
    let agents = place.get(Who::Manager, "/api/v1/agents").await.expect(200);
    let agent = &agents["items"][0];
    assert_eq!(
        (&agent["lost_records"], &agent["last_loss"]),
        (&json!(0), &json!(null))
    );
    report(1).await;
    unknown(json!(["D-1", "TYPO-1"])).await;
    let source = json!({ "agent": "agent-0" });
    let path = "/api/v1/instruments/D-1/source";
    let set = place.send(Who::Manager, axum::http::Method::PUT, path, Some(&source));
    set.await.expect(200);
    unknown(json!(["TYPO-1"])).await;
    report(2).await;
    // D-1 has reported now: it counts.
    let path = "/api/v1/utilisation?group_by=lab&from=2026-11-23T00:00:00Z&to=2026-11-25T00:00:00Z";
    let counted = async {
        loop {
            let figures = place.get(Who::RegionAdmin, path).await.expect(200);
            let lab = figures["items"][0].clone();
            if lab["ever_reported"] == 1 && lab["reporting_now"] == 1 {
                return;
            }
            tokio::task::yield_now().await;
        }
    };
    let in_time = tokio::time::timeout(std::time::Duration::from_secs(20), counted).await;
    in_time.expect("one instrument reports");
}

#[tokio::test]
async fn use_is_counted_of_what_everybody_sees_unless_asked() {
    let place = Place::new().await;
    let path =
        "/api/v1/utilisation?group_by=centre&from=2026-11-23T00:00:00Z&to=2026-11-25T00:00:00Z";
    let instruments = async |path: &str| {
        let figures = place.get(Who::RegionAdmin, path).await.expect(200);
        let items = figures["items"].as_array().unwrap().clone();
        let counts = items
            .iter()
            .map(|item| item["instruments"].as_i64().unwrap());
        counts.sum::<i64>()
    };
    let status = place
        .get(Who::Anonymous, "/api/v1/status")
        .await
        .expect(200);
    let tiles = status["counts"].as_object().unwrap().values();
    let tiles: i64 = tiles.map(|count| count.as_i64().unwrap()).sum();
    assert_eq!(instruments(path).await, tiles);
    assert_eq!(tiles, 9);
    assert_eq!(instruments(&format!("{path}&all=true")).await, 10);
    assert_eq!(instruments(&format!("{path}&all=false")).await, 9);
}

#[tokio::test]
async fn a_wall_clock_that_is_off_is_shown_and_counted() {
    let place = Place::new().await;
    let shown = async |wall_ms: i64, seq: u64| {
        let (done, committed) = tokio::sync::oneshot::channel();
        let delivery = Delivery {
            topic: "ortoo/v1/agent-0/up/readings".to_owned(),
            payload: record_by(seq, &["D-1"], wall_ms),
            acknowledge: Acknowledge::with(move || {
                assert!(done.send(()).is_ok(), "somebody waits");
            }),
        };
        place.state.telemetry().ingest(delivery).await.unwrap();
        let in_time = tokio::time::timeout(std::time::Duration::from_secs(20), committed).await;
        in_time.expect("within 20 s").unwrap();
        let agents = place.get(Who::Manager, "/api/v1/agents").await.expect(200);
        let mut agents = agents["items"].as_array().unwrap().iter();
        let agent = agents.find(|agent| agent["name"] == "agent-0").unwrap();
        (
            agent["clock_skew_ms"].clone(),
            agent["is_clock_off"].clone(),
        )
    };
    let now_ms = MIDNIGHT / 1_000;
    assert_eq!(
        shown(now_ms - 4_000, 1).await,
        (json!(-4_000), json!(false))
    );
    assert_eq!(
        shown(now_ms + 600_000, 2).await,
        (json!(600_000), json!(true))
    );
    assert_eq!(shown(now_ms, 3).await, (json!(0), json!(false)));
}
