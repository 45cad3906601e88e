//! Readings of scripts: all are kept, or each fault is named.

use axum::body::Body;
use axum::http::{Method, Request, header};
use scheduler::id::InstrumentId;
use serde_json::{Value, json};

use super::{Answer, Place, Who, at};

fn latest(place: &Place, number: u32) -> Vec<(String, Option<f64>, String)> {
    let latest = place.state.telemetry().latest(InstrumentId::new(number));
    let one = latest.into_iter();
    one.map(|one| (one.name.to_string(), one.value, one.unit))
        .collect()
}

async fn post_lines(place: &Place, path: &str, lines: &str) -> Answer {
    let request = Request::builder()
        .method(Method::POST)
        .uri(path)
        .header(
            header::AUTHORIZATION,
            format!("Bearer {}", Who::Manager.token().unwrap()),
        )
        .header(header::CONTENT_TYPE, "text/plain")
        .body(Body::from(lines.to_owned()));
    place.raw(request.unwrap()).await
}

#[tokio::test]
async fn scripts_bring_readings_that_are_kept_when_it_is_answered() {
    let place = Place::new().await;
    let now_s = super::MIDNIGHT / 1_000_000;
    let path = "/api/v1/readings?precision=s";
    let lines = format!(
        "m,instrument=A-1 power_w=250.5,on=t {now_s}\nm,instrument=A-1,x=y temperature_c=21i {}\n",
        now_s - 60
    );
    for _ in 0..2 {
        let kept = post_lines(&place, path, &lines).await.expect(200);
        assert_eq!(kept["accepted"], 3);
    }
    let names: Vec<(String, Option<f64>)> = latest(&place, 1)
        .into_iter()
        .map(|(name, value, _)| (name, value))
        .collect();
    let expected = [("on", 1.0), ("power_w", 250.5), ("temperature_c", 21.0)];
    assert_eq!(
        names,
        expected.map(|(name, value)| (name.to_owned(), Some(value)))
    );
    let body = json!({ "readings": [
        { "instrument": "A-1", "channel": "pressure_pa", "value": 3.5, "unit": "Pa" },
        { "instrument": "A-1", "channel": "door_bit", "value": true },
        { "instrument": "A-1", "channel": "humidity_percent", "value": null, "time": at(-1) } ] });
    let kept = place.post(Who::Manager, "/api/v1/readings", &body).await;
    assert_eq!(kept.expect(200)["accepted"], 3);
    let pressure = latest(&place, 1)
        .into_iter()
        .find(|one| one.0 == "pressure_pa");
    assert_eq!(pressure.unwrap().2, "Pa");
    let readings = "/api/v1/instruments/A-1/readings?channel=power_w&from=2026-11-23T00:00:00Z&to=2026-11-25T00:00:00Z";
    let read = place.get(Who::Anonymous, readings).await.expect(200);
    assert_eq!(
        read["values"],
        json!([250.5]),
        "the same reading is kept once"
    );
}

#[tokio::test]
async fn of_readings_that_are_wrong_each_is_named_and_none_is_kept() {
    let place = Place::new().await;
    let agent = json!({ "agent": "agent-1" });
    let path = "/api/v1/instruments/D-0/source";
    place
        .send(Who::Manager, Method::PUT, path, Some(&agent))
        .await
        .expect(200);
    let good = json!({ "instrument": "A-1", "channel": "power_w", "value": 1.0 });
    let with = |change: Value| {
        let mut reading = good.clone();
        reading
            .as_object_mut()
            .unwrap()
            .extend(change.as_object().unwrap().clone());
        reading
    };
    let wrong = [
        (with(json!({ "instrument": "NO-SUCH" })), "instrument"),
        (with(json!({ "channel": "Power W" })), "channel"),
        (with(json!({ "value": "1" })), "value"),
        (with(json!({ "value": 1e16 })), "value"),
        (with(json!({ "time": at(48) })), "time"),
        (with(json!({ "time": "2020-01-01T00:00:00Z" })), "time"),
        (with(json!({ "time": "yesterday" })), "time"),
        (with(json!({ "unit": "x".repeat(17) })), "unit"),
        (with(json!({ "instrument": "D-0" })), "channel"),
        (with(json!({ "extra": 1 })), "extra"),
    ];
    let mut all = vec![good.clone()];
    all.extend(wrong.iter().map(|(reading, _)| reading.clone()));
    let answer = place
        .post(
            Who::Manager,
            "/api/v1/readings",
            &json!({ "readings": all }),
        )
        .await;
    let problem = answer.expect_problem(400, "malformed-request");
    let mut fields: Vec<String> = problem["errors"]
        .as_array()
        .unwrap()
        .iter()
        .map(|error| error["field"].as_str().unwrap().to_owned())
        .collect();
    fields.sort();
    let mut expected: Vec<String> = (1..)
        .zip(&wrong)
        .map(|(place, (_, field))| format!("readings[{place}].{field}"))
        .collect();
    expected.sort();
    assert_eq!(fields, expected);
    assert!(latest(&place, 1).is_empty(), "nothing was kept");
}

#[tokio::test]
async fn lines_that_are_wrong_too_many_or_of_others_are_refused_as_a_whole() {
    let place = Place::new().await;
    let lines = "m,instrument=A-1 power_w=1\nnonsense\nm power_w=1\nm,instrument=A-1 note=\"x\"";
    let problem = post_lines(&place, "/api/v1/readings", lines).await;
    let problem = problem.expect_problem(400, "malformed-request");
    let fields: Vec<&str> = problem["errors"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| one["field"].as_str().unwrap())
        .collect();
    assert_eq!(fields, ["lines[2]", "lines[3].instrument", "lines[4].note"]);
    let reading = |key: &str| json!({ "instrument": key, "channel": "power_w", "value": 1.0 });
    let foreign = json!({ "readings": [reading("A-1"), reading("B-1")] });
    let refused = place.post(Who::Manager, "/api/v1/readings", &foreign).await;
    assert_eq!(
        refused.expect_problem(403, "not-allowed")["readings"],
        json!(["readings[1]"])
    );
    // What is wrong besides is named, too.
    let both = json!({ "readings": [reading("B-1"), reading("NO-SUCH")] });
    let refused = place.post(Who::Manager, "/api/v1/readings", &both).await;
    let refused = refused.expect_problem(403, "not-allowed");
    assert_eq!(refused["readings"], json!(["readings[0]"]));
    assert_eq!(refused["errors"][0]["field"], "readings[1].instrument");
    for body in ["", "# nothing"] {
        post_lines(&place, "/api/v1/readings", body)
            .await
            .expect_problem(400, "malformed-request");
    }
    let large = "x".repeat(1_100_000);
    post_lines(&place, "/api/v1/readings", &large)
        .await
        .expect_problem(413, "too-large");
    let many = "m,instrument=A-1 a=1\n".repeat(10_001);
    post_lines(&place, "/api/v1/readings", &many)
        .await
        .expect_problem(400, "malformed-request");
    assert!(latest(&place, 1).is_empty(), "nothing was kept");
}

#[tokio::test]
async fn more_new_channels_than_a_lab_may_bring_are_refused_as_a_whole() {
    let place = Place::new().await;
    let numbered = |count: usize| {
        let each = (0..count).map(
            |number| json!({ "instrument": "A-1", "channel": format!("c{number}"), "value": 1 }),
        );
        json!({ "readings": each.collect::<Vec<_>>() })
    };
    let path = "/api/v1/readings";
    let refused = place.post(Who::Manager, path, &numbered(129)).await;
    refused.expect_problem(409, "wrong-state");
    assert!(latest(&place, 1).is_empty(), "nothing was kept");
    place
        .post(Who::Manager, path, &numbered(128))
        .await
        .expect(200);
    assert_eq!(latest(&place, 1).len(), 128);
}
