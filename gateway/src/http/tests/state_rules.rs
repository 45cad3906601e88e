//! State rules from readings to people: previewed, learned, run again, and what a fault does.

use std::time::Duration;

use axum::http::Method;
use bytes::Bytes;
use serde_json::{Value, json};
use wire::{BootId, Clocks, RecordBody, Series, StreamId};

use super::{MIDNIGHT, Place, Who};
use crate::booking::record::EventKind;
use crate::booking::{Rerunner, Witness};
use crate::telemetry::{Acknowledge, Delivery};

const RULE: &str = "/api/v1/instruments/A-1/state-rule";

/// A record of an hour before midnight, each half minute: power, and an alarm.
fn hour(seq: u64, hours_back: i64, power: impl Fn(i64) -> f64, alarm: f64) -> Bytes {
    let clocks = Clocks {
        wall_ms: MIDNIGHT / 1_000,
        mono_ms: 1_000,
    };
    let offsets_ms: Vec<i64> = (0..120)
        .map(|half| (half - hours_back * 120) * 30_000)
        .collect();
    let power = offsets_ms
        .iter()
        .map(|offset| Some(power(offset / 60_000)))
        .collect();
    let alarm = offsets_ms.iter().map(|_| Some(alarm)).collect();
    let channel = |name| wire::ChannelName::parse(name).unwrap();
    let series = Series {
        key: wire::InstrumentKey::parse("A-1").unwrap(),
        offsets_ms,
        channels: vec![channel("power_w"), channel("alarm")],
        values: vec![power, alarm],
        bad: Vec::new(),
    };
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
            body: RecordBody::Series(vec![series]),
        },
    }))
}

/// Sends a record and waits until it is committed.
async fn report(place: &Place, payload: Bytes) {
    let (done, committed) = tokio::sync::oneshot::channel();
    let delivery = Delivery {
        topic: "ortoo/v1/agent-1/up/readings".to_owned(),
        payload,
        acknowledge: Acknowledge::with(move || {
            assert!(done.send(()).is_ok(), "somebody waits");
        }),
    };
    place.state.telemetry().ingest(delivery).await.unwrap();
    let committed = tokio::time::timeout(Duration::from_secs(20), committed).await;
    committed.expect("within 20 s").unwrap();
}

/// A-1 with an agent and six hours of readings: 2 W, 60 W from the fifth hour back, 300 W for half an
/// hour in each of the last three.
async fn shop() -> Place {
    let place = Place::new().await;
    let source = json!({ "agent": "agent-1" });
    let path = "/api/v1/instruments/A-1/source";
    place
        .send(Who::Manager, Method::PUT, path, Some(&source))
        .await
        .expect(200);
    for (seq, back) in (1..).zip((1..=6).rev()) {
        let power = move |minute: i64| match (back, minute.rem_euclid(60)) {
            (6, _) => 2.0,
            (1..=3, 15..45) => 300.0,
            _ => 60.0,
        };
        report(&place, hour(seq, back, power, 0.0)).await;
    }
    place
}

fn at(hour: i64) -> String {
    super::at(hour)
}

/// States as `running 1770`, in seconds.
fn states(list: &Value) -> Vec<String> {
    let items = list.as_array().unwrap().iter();
    let time =
        |value: &Value| chrono::DateTime::parse_from_rfc3339(value.as_str().unwrap()).unwrap();
    let shown = items.map(|item| {
        let lasted = (time(&item["end"]) - time(&item["start"])).num_seconds();
        format!("{} {lasted}", item["state"].as_str().unwrap())
    });
    shown.collect()
}

#[tokio::test]
async fn a_rule_is_tried_on_what_was_read_before_it_is_set() {
    let place = shop().await;
    let window = format!("from={}&to={}", at(-6), at(0)).replace('+', "%2B");
    let path = format!("/api/v1/instruments/A-1/states?{window}");
    let before = place.get(Who::Anonymous, &path).await.expect(200);
    let before = states(&before["items"]);
    assert_eq!(
        before
            .iter()
            .filter(|text| text.starts_with("running"))
            .count(),
        3
    );
    let mut rule = place.get(Who::Manager, RULE).await.expect(200);
    // The same rule decides the same.
    let trial = json!({ "rule": rule, "from": at(-6), "to": at(0) });
    let preview = format!("{RULE}/preview");
    let same = place.post(Who::Manager, &preview, &trial).await.expect(200);
    assert_eq!(states(&same["intervals"]), before);
    assert_eq!(same["differences"], json!([]));
    rule["running_above"] = json!(50.0);
    rule["running_below"] = json!(40.0);
    let trial = json!({ "rule": rule, "from": at(-6), "to": at(0) });
    let other = place.post(Who::Manager, &preview, &trial).await.expect(200);
    assert_eq!(states(&other["intervals"]), ["off 3600", "running 18000"]);
    assert_eq!(other["differs"], "PT3H30M");
    assert_eq!(other["unread_channels"], json!([]));
    let mut misspelt = trial.clone();
    misspelt["rule"]["channel"] = json!("pwoer_w");
    let misspelt = place.post(Who::Manager, &preview, &misspelt).await;
    assert_eq!(misspelt.expect(200)["unread_channels"], json!(["pwoer_w"]));
    let mut wrong = trial.clone();
    wrong["rule"]["running_below"] = json!(70.0);
    let problem = place.post(Who::Manager, &preview, &wrong).await;
    let problem = problem.expect_problem(400, "malformed-request");
    assert_eq!(problem["errors"][0]["field"], "rule.running_below");
}

#[tokio::test]
async fn a_rule_is_run_again_and_both_versions_can_be_read() {
    let place = shop().await;
    let window = format!("from={}&to={}", at(-6), at(0)).replace('+', "%2B");
    let path = format!("/api/v1/instruments/A-1/states?{window}");
    let before = place.get(Who::Anonymous, &path).await.expect(200);
    let before = states(&before["items"]);
    let mut rule = place.get(Who::Manager, RULE).await.expect(200);
    rule["running_above"] = json!(50.0);
    rule["running_below"] = json!(40.0);
    place
        .send(Who::Manager, Method::PUT, RULE, Some(&rule))
        .await
        .expect(200);
    let unchanged = place.get(Who::Anonymous, &path).await.expect(200);
    assert_eq!(
        states(&unchanged["items"]),
        before,
        "what was decided stays"
    );
    let state = &place.state;
    let mut events = state.desk().events();
    Rerunner::start(
        state.desk(),
        state.telemetry(),
        state.history(),
        &place.lifecycle,
    );
    let asked = json!({ "from": at(-6), "to": at(0), "reason": "阈值过高" });
    let rerun = format!("{RULE}/rerun");
    let version = place.post(Who::Manager, &rerun, &asked).await.expect(201)["version"].clone();
    let ended = async { while events.recv().await.unwrap().kind != EventKind::Run {} };
    tokio::time::timeout(Duration::from_secs(20), ended)
        .await
        .expect("within 20 s");
    let list = place.get(Who::Auditor, &rerun).await.expect(200);
    assert_eq!(list["items"][0]["state"], "done");
    assert_eq!(list["items"][0]["made_until"], list["items"][0]["to"]);
    assert_eq!(list["items"][0]["reason"], "阈值过高");
    let newest = place.get(Who::Anonymous, &path).await.expect(200);
    assert_eq!(states(&newest["items"]), ["off 3600", "running 18000"]);
    let own = place
        .get(Who::Anonymous, &format!("{path}&version={version}"))
        .await
        .expect(200);
    assert_eq!(own, newest);
    let first = place
        .get(Who::Anonymous, &format!("{path}&version=0"))
        .await
        .expect(200);
    assert_eq!(states(&first["items"]), before);
    let none = place
        .get(Who::Anonymous, &format!("{path}&version=99"))
        .await;
    none.expect_problem(400, "malformed-request");
    for (from, to, field) in [
        (at(-6), at(1), "to"),
        (at(-1), at(-2), "to"),
        (at(-24 * 40), at(-24 * 39), "from"),
    ] {
        let asked = json!({ "from": from, "to": to, "reason": "x" });
        let problem = place.post(Who::Manager, &rerun, &asked).await;
        let problem = problem.expect_problem(400, "malformed-request");
        assert_eq!(problem["errors"][0]["field"], field);
    }
}

#[tokio::test]
async fn what_is_learned_is_shown_with_its_histogram_and_set_by_nobody() {
    let place = shop().await;
    let before = place.get(Who::Manager, RULE).await.expect(200);
    let path = format!("{RULE}/learned?days=1");
    let learned = place.get(Who::Manager, &path).await.expect(200);
    assert_eq!(learned["channel"], "power_w");
    let found: Vec<&str> = learned["levels"]
        .as_array()
        .unwrap()
        .iter()
        .map(|level| level["state"].as_str().unwrap())
        .collect();
    assert_eq!(found, ["off", "standby", "running"], "{learned:#}");
    let rule = &learned["proposal"]["rule"];
    let (above, below) = (
        rule["running_above"].as_f64().unwrap(),
        rule["running_below"].as_f64().unwrap(),
    );
    assert!(60.0 < below && below < above && above < 300.0, "{rule}");
    assert_eq!(rule["stale_after"], before["stale_after"]);
    let histogram = &learned["histogram"];
    let bins = histogram["seconds"].as_array().unwrap().len();
    assert_eq!(histogram["bounds"].as_array().unwrap().len(), bins + 1);
    assert_eq!(place.get(Who::Manager, RULE).await.expect(200), before);
    // Who manages it sets it.
    place
        .send(Who::Manager, Method::PUT, RULE, Some(rule))
        .await
        .expect(200);
    assert_eq!(place.get(Who::Manager, RULE).await.expect(200), *rule);
    let silent = place
        .get(Who::Manager, "/api/v1/instruments/B-1/state-rule/learned")
        .await;
    assert_eq!(silent.status.as_u16(), 403);
    for days in ["0", "15"] {
        let problem = place
            .get(Who::Manager, &format!("{RULE}/learned?days={days}"))
            .await;
        let problem = problem.expect_problem(400, "malformed-request");
        assert_eq!(problem["errors"][0]["field"], "days");
    }
}

#[tokio::test]
async fn an_alarm_of_the_machine_becomes_an_outage_that_everybody_sees() {
    let place = shop().await;
    let mut rule = place.get(Who::Manager, RULE).await.expect(200);
    rule["alarms"] = json!([{ "channel": "alarm", "bits": [2] }]);
    rule["on_fault"] =
        json!({ "after": "PT0S", "expected": "PT2H", "clear": "PT1M", "ends_itself": true });
    place
        .send(Who::Manager, Method::PUT, RULE, Some(&rule))
        .await
        .expect(200);
    assert_eq!(place.get(Who::Manager, RULE).await.expect(200), rule);
    let state = &place.state;
    let mut events = state.desk().events();
    Witness::start(
        state.desk(),
        state.telemetry(),
        state.history(),
        &place.lifecycle,
    );
    // An hour later; bit 2 of the alarm is set all the time.
    place.hand.advance(scheduler::time::HOUR_US);
    report(&place, hour(7, 0, |_| 60.0, 6.0)).await;
    let opened = async { while events.recv().await.unwrap().kind != EventKind::OutageOpened {} };
    tokio::time::timeout(Duration::from_secs(20), opened)
        .await
        .expect("within 20 s");
    let list = place
        .get(Who::Anonymous, "/api/v1/outages?instrument=A-1")
        .await
        .expect(200);
    let outage = &list["items"][0];
    assert_eq!(outage["kind"], "fault");
    assert_eq!(outage["start"], at(1));
    let detail = place
        .get(Who::Anonymous, "/api/v1/instruments/A-1")
        .await
        .expect(200);
    assert_eq!(detail["status"], "maintenance");
    let notices = place.get(Who::Manager, "/api/v1/notices").await.expect(200);
    let mut notices = notices["items"].as_array().unwrap().iter();
    assert!(notices.any(|notice| notice["kind"] == "machine_fault"));
}
