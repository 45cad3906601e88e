//! Devices of other makers: made known, tried, adopted; and readings of scripts.

use axum::body::Body;
use axum::http::{Method, Request, header};
use scheduler::id::InstrumentId;
use serde_json::{Value, json};
use tokio::sync::oneshot;

use super::world::{LAB, OTHER_LAB};
use super::{Answer, Place, Who, at};
use crate::telemetry::{Acknowledge, ForeignMessage};

const SENSOR: &str = r#"{"Time":"2026-11-24T00:00:00","ENERGY":{"Power":250.5,"Voltage":231}}"#;

async fn source(place: &Place, name: &str, lab: i64, filters: &[&str]) -> Answer {
    let who = if lab == LAB {
        Who::Manager
    } else {
        Who::Neighbour
    };
    let body = json!({ "name": name, "lab": lab, "filters": filters });
    place.post(who, "/api/v1/sources", &body).await
}

/// Brings a message as a broker would, and waits for the commit.
async fn send(place: &Place, topic: &str, payload: &str) {
    let (done, dealt_with) = oneshot::channel();
    let message = ForeignMessage {
        publisher: None,
        topic: topic.to_owned(),
        payload: payload.to_owned().into(),
        is_retained: false,
        kept_for: std::time::Duration::ZERO,
        acknowledge: Acknowledge::with(move || done.send(()).unwrap_or_default()),
    };
    place
        .state
        .telemetry()
        .ingest_foreign(message)
        .await
        .unwrap();
    let within = tokio::time::timeout(std::time::Duration::from_secs(20), dealt_with);
    within.await.expect("it is dealt with in time").unwrap();
}

fn latest(place: &Place, number: u32) -> Vec<(String, Option<f64>, String)> {
    let latest = place.state.telemetry().latest(InstrumentId::new(number));
    let one = latest.into_iter();
    one.map(|one| (one.name.to_string(), one.value, one.unit))
        .collect()
}

#[tokio::test]
async fn a_source_gets_its_secret_once_and_topics_of_its_own() {
    let place = Place::new().await;
    let made = source(
        &place,
        "plugs",
        LAB,
        &["lab-4/tele/#", "lab-4/stat/+/POWER"],
    )
    .await;
    let made = made.expect(201);
    let secret = made["secret"].as_str().unwrap();
    assert_eq!(
        (secret.len(), &made["mqtt_url"]),
        (64, &json!("mqtt://127.0.0.1:1883"))
    );
    let listed = place.get(Who::Manager, "/api/v1/sources").await;
    assert!(!listed.text().contains(secret));
    let listed = listed.expect(200);
    assert_eq!(
        listed["items"][0]["filters"],
        json!(["lab-4/tele/#", "lab-4/stat/+/POWER"])
    );
    assert_eq!(listed["items"][0]["at_most_once"], Value::Null);
    let others = place
        .get(Who::Neighbour, "/api/v1/sources")
        .await
        .expect(200);
    assert_eq!(others["items"], json!([]));
    for (name, lab, filter) in [
        ("plugs", LAB, "more/#"),
        ("agent-0", LAB, "more/#"),
        ("more", OTHER_LAB, "lab-4/tele/lab-9/+"),
    ] {
        let taken = source(&place, name, lab, &[filter]).await;
        taken.expect_problem(409, "wrong-state");
    }
    source(&place, "same-lab", LAB, &["lab-4/tele/x"])
        .await
        .expect(201);
    source(&place, "other-lab", OTHER_LAB, &["lab-9/tele/#"])
        .await
        .expect(201);
    for (name, filters, field) in [
        ("Plugs", vec!["x/#"], "name"),
        ("gateway", vec!["x/#"], "name"),
        ("x", vec![], "filters"),
        ("x", vec!["x/#", "#"], "filters[1]"),
        ("x", vec!["ortoo/v1/agent-0/up/readings"], "filters[0]"),
    ] {
        let problem = source(&place, name, LAB, &filters).await;
        let problem = problem.expect_problem(400, "malformed-request");
        assert_eq!(problem["errors"][0]["field"], field, "{filters:?}");
    }
    // Its name is an MQTT user: no agent can have it.
    let agent = json!({ "name": "plugs", "lab": LAB });
    let taken = place.post(Who::Manager, "/api/v1/agents", &agent).await;
    taken.expect_problem(409, "wrong-state");
}

#[tokio::test]
async fn a_message_can_be_tried_before_it_counts() {
    let place = Place::new().await;
    source(&place, "plugs", LAB, &["lab-4/tele/#"])
        .await
        .expect(201);
    let mapping =
        json!({ "format": "tasmota", "topic": "lab-4/tele/{device}", "instrument": "{device}" });
    let mut body = json!({ "topic": "lab-4/tele/A-1/SENSOR", "payload": SENSOR });
    let path = "/api/v1/sources/plugs/test";
    let nobody = place.post(Who::Manager, path, &body).await.expect(200);
    assert_eq!(
        (&nobody["taken"], &nobody["ignored"][0]["reason"]),
        (&json!(false), &json!("no_mapping"))
    );
    body["mapping"] = mapping.clone();
    let tried = place.post(Who::Manager, path, &body).await.expect(200);
    assert_eq!(tried["taken"], true);
    let reading = &tried["readings"][0];
    let expected = json!({ "mapping": null, "from": "/ENERGY/Power", "instrument": "A-1",
        "channel": "power_w", "value": 250.5, "quality": "good", "unit": "W", "time": at(0),
        "time_from": "device" });
    assert_eq!(*reading, expected);
    let reasons = tried["ignored"].as_array().unwrap();
    assert!(
        reasons
            .iter()
            .all(|one| one["reason"] == "absent" && one["fault"] == false)
    );
    body["mapping"]["topic"] = json!("#");
    let problem = place.post(Who::Manager, path, &body).await;
    let problem = problem.expect_problem(400, "malformed-request");
    assert_eq!(problem["errors"][0]["field"], "mapping.topic");
    // The same with a mapping that is kept, of which the other lab sees nothing.
    let kept = json!({ "name": "插座", "lab": LAB, "mapping": mapping });
    place
        .post(Who::Manager, "/api/v1/mappings", &kept)
        .await
        .expect(201);
    let body = json!({ "topic": "lab-4/tele/B-1/SENSOR", "payload": SENSOR });
    let strange = place.post(Who::Manager, path, &body).await.expect(200);
    assert_eq!(strange["ignored"][0]["what"], "B-1");
    assert_eq!(strange["ignored"][0]["reason"], "no_such_instrument");
    assert!(latest(&place, 1).is_empty(), "nothing was stored");
    let others = place
        .get(Who::Neighbour, "/api/v1/mappings")
        .await
        .expect(200);
    assert_eq!(others["items"], json!([]));
}

/// Returns the unknown devices that the manager sees.
async fn unknown(place: &Place) -> Vec<Value> {
    let listed = place.get(Who::Manager, "/api/v1/unknown-devices").await;
    listed.expect(200)["items"].as_array().unwrap().clone()
}

fn adopt(device: &Value) -> String {
    let id = device["id"].as_str().unwrap();
    format!("/api/v1/unknown-devices/{id}/adopt")
}

#[tokio::test]
async fn an_unknown_device_is_adopted_and_known_from_then_on() {
    let place = Place::new().await;
    source(&place, "plugs", LAB, &["lab-4/tele/#"])
        .await
        .expect(201);
    send(&place, "lab-4/tele/plug-7/STATE", r#"{"POWER":"ON"}"#).await;
    send(&place, "lab-4/tele/plug-7/SENSOR", SENSOR).await;
    let devices = unknown(&place).await;
    assert_eq!(devices.len(), 1, "{devices:#?}");
    let plug = &devices[0];
    assert_eq!(
        (&plug["count"], &plug["payload"]),
        (&json!(2), &json!(SENSOR))
    );
    let proposal = json!({ "format": "tasmota", "topic": "lab-4/tele/plug-7", "component": null });
    assert_eq!(plug["proposal"], proposal);
    let elsewhere = json!({ "format": "tasmota", "topic": "lab-4/tele/x", "instrument": "A-1" });
    for (body, field) in [
        (json!({ "instrument": "B-1" }), "instrument"),
        (
            json!({ "instrument": "A-1", "mapping": elsewhere }),
            "mapping",
        ),
    ] {
        let problem = place.post(Who::Manager, &adopt(plug), &body).await;
        let problem = problem.expect_problem(400, "malformed-request");
        assert_eq!(problem["errors"][0]["field"], field);
    }
    let body = json!({ "instrument": "A-1" });
    let hidden = place.post(Who::Neighbour, &adopt(plug), &body).await;
    hidden.expect_problem(404, "not-found");
    let made = place
        .post(Who::Manager, &adopt(plug), &body)
        .await
        .expect(201);
    let named = (&made["name"], &made["mapping"]["instrument"]);
    assert_eq!(named, (&json!("lab-4/tele/plug-7"), &json!("A-1")));
    assert!(unknown(&place).await.is_empty(), "it is known");
    send(&place, "lab-4/tele/plug-7/SENSOR", SENSOR).await;
    let power = ("power_w".to_owned(), Some(250.5), "W".to_owned());
    assert_eq!(latest(&place, 1)[0], power);
}

#[tokio::test]
async fn a_device_of_no_known_format_is_adopted_with_a_mapping() {
    let place = Place::new().await;
    source(&place, "ovens", LAB, &["free/#"]).await.expect(201);
    send(&place, "free/oven", "812").await;
    let devices = unknown(&place).await;
    let oven = &devices[0];
    assert_eq!(
        (&oven["reason"], &oven["proposal"]),
        (&json!("no_mapping"), &Value::Null)
    );
    let bare = json!({ "instrument": "D-1" });
    let problem = place.post(Who::Manager, &adopt(oven), &bare).await;
    let problem = problem.expect_problem(400, "malformed-request");
    assert_eq!(problem["errors"][0]["field"], "mapping");
    // What an agent speaks for is not adopted.
    let agent = json!({ "agent": "agent-1" });
    let path = "/api/v1/instruments/D-0/source";
    let set = place.send(Who::Manager, Method::PUT, path, Some(&agent));
    set.await.expect(200);
    let mapping = json!({ "format": "free", "topic": "free/oven", "instrument": "x",
        "values": [{ "channel": "temperature_c", "unit": "degC", "scale": 0.1 }] });
    let mut body = json!({ "instrument": "D-0", "name": "炉", "mapping": mapping });
    let refused = place.post(Who::Manager, &adopt(oven), &body).await;
    refused.expect_problem(409, "wrong-state");
    body["instrument"] = json!("D-1");
    place
        .post(Who::Manager, &adopt(oven), &body)
        .await
        .expect(201);
    assert!(unknown(&place).await.is_empty(), "it is known");
    send(&place, "free/oven", "812").await;
    let (name, value, unit) = latest(&place, 11).remove(0);
    assert_eq!((name.as_str(), unit.as_str()), ("temperature_c", "degC"));
    assert!((value.unwrap() - 81.2).abs() < 1e-9);
}

#[tokio::test]
async fn a_mapping_is_edited_by_one_at_a_time() {
    let place = Place::new().await;
    let mapping = json!({ "format": "tasmota", "topic": "lab-4/tele/{d}", "instrument": "{d}" });
    let body = json!({ "name": "x", "lab": LAB, "mapping": mapping });
    let made = place.post(Who::Manager, "/api/v1/mappings", &body).await;
    assert_eq!(made.header("location"), "/api/v1/mappings/1");
    let edit = json!({ "name": "y", "mapping": mapping });
    let put = async |version: &str| {
        let request = Request::builder()
            .method(Method::PUT)
            .uri("/api/v1/mappings/1")
            .header(
                header::AUTHORIZATION,
                format!("Bearer {}", Who::Manager.token().unwrap()),
            )
            .header(header::CONTENT_TYPE, "application/json")
            .header(header::IF_MATCH, version)
            .body(Body::from(edit.to_string()));
        place.raw(request.unwrap()).await
    };
    assert_eq!(put("\"1\"").await.header("etag"), "\"2\"");
    put("\"1\"").await.expect_problem(409, "stale-version");
    let held = place
        .get(Who::Manager, "/api/v1/mappings/1")
        .await
        .expect(200);
    assert_eq!((&held["name"], &held["version"]), (&json!("y"), &json!(2)));
    place
        .send(Who::Manager, Method::DELETE, "/api/v1/mappings/1", None)
        .await
        .expect(204);
    place
        .get(Who::Manager, "/api/v1/mappings/1")
        .await
        .expect_problem(404, "not-found");
}

#[tokio::test]
async fn no_lab_takes_every_device_of_a_make() {
    let place = Place::new().await;
    for filters in [["lab-4/#", "tele/#"], ["a", "spBv1.0/+/NDATA/#"]] {
        let refused = source(&place, "plugs", LAB, &filters).await;
        let refused = refused.expect(400).to_string();
        assert!(refused.contains("filters[1]"), "{refused}");
        assert!(refused.contains("范围过大"), "{refused}");
    }
    let body = json!({ "name": "all", "lab": LAB, "filters": ["tele/#"] });
    let made = place.post(Who::RegionAdmin, "/api/v1/sources", &body).await;
    made.expect(201);
}

#[tokio::test]
async fn the_profiles_that_a_source_may_name_tell_what_they_read() {
    let place = Place::new().await;
    let list = place.get(Who::Researcher, "/api/v1/device-profiles").await;
    let list = list.expect(200);
    let profiles = list["items"].as_array().unwrap();
    let one = profiles.iter().find(|one| one["name"] == "sdm120").unwrap();
    let power = json!({ "name": "power_w", "unit": "W" });
    assert!(
        one["channels"].as_array().unwrap().contains(&power),
        "{one}"
    );
    assert!(one["source"].as_str().unwrap().contains("Eastron"), "{one}");
}
