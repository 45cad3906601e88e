//! Coming and going, and runs: what is told to whom, and what people may change.

use axum::http::{Method, Request, header};
use scheduler::id::InstrumentId;
use scheduler::machine::{Machine, MachineInterval};
use scheduler::slot::Slot;
use scheduler::time::{HOUR_US, Micros};
use serde_json::{Value, json};

use super::{MIDNIGHT, Place, Who, at};
use crate::booking::{Hear, SeenMachine};

fn hour(hour: i64) -> Micros {
    Micros::new(MIDNIGHT + hour * HOUR_US)
}

/// Lets the desk hear that A-1 ran for an hour from midnight on, three hours later.
async fn ran_an_hour(place: &Place) {
    let source = json!({ "agent": "agent-0" });
    let path = "/api/v1/instruments/A-1/source";
    let set = place
        .send(Who::Manager, Method::PUT, path, Some(&source))
        .await;
    set.expect(200);
    place.hand.advance(3 * HOUR_US);
    let interval = |from, to, machine| MachineInterval {
        slot: Slot::new(hour(from), hour(to)).unwrap(),
        machine,
        is_uncertain: false,
    };
    let machine = [
        interval(-1, 0, Machine::NotRunning),
        interval(0, 1, Machine::Running),
        interval(1, 3, Machine::NotRunning),
    ];
    let seen = SeenMachine {
        instrument: InstrumentId::new(1),
        from: hour(-1),
        machine: machine.into(),
        watermark: Some(hour(3)),
    };
    let hear = Hear {
        seen: vec![seen],
        listening_since: hour(0),
        upto: None,
    };
    place.state.desk().ask(hear).await.unwrap();
}

async fn patch(place: &Place, who: Who, path: &str, body: Value) -> super::Answer {
    place.send(who, Method::PATCH, path, Some(&body)).await
}

#[tokio::test]
async fn who_stands_before_the_instrument_checks_in_by_its_label() {
    let place = Place::new().await;
    place.hand.advance(32 * HOUR_US);
    let label = place
        .get(Who::Manager, "/api/v1/instruments/A-1/qr")
        .await
        .expect(200);
    let code = label["code"].as_str().unwrap();
    let text = format!("http://127.0.0.1:8080/i/A-1?c={code}");
    assert_eq!(label["text"], text);
    let other = place
        .get(Who::Manager, "/api/v1/instruments/D-0/qr")
        .await
        .expect(200);
    let check_in = |code: &str| format!("/api/v1/bookings/1/check-in?qr={code}");
    let send = async |path: &str| place.send(Who::Researcher, Method::POST, path, None).await;
    let wrong = check_in(other["code"].as_str().unwrap());
    send(&wrong).await.expect_problem(400, "malformed-request");
    let there = send(&check_in(code)).await.expect(200);
    assert_eq!(
        (&there["status"], &there["began_at"], &there["evidence"]),
        (&json!("in_use"), &json!(at(32)), &json!("check_in"))
    );
    let again = send("/api/v1/bookings/1/check-in").await.expect(200);
    assert_eq!(again["version"], there["version"], "said twice");
    place.hand.advance(HOUR_US / 2);
    let gone = send("/api/v1/bookings/1/check-out").await.expect(200);
    assert_eq!(gone["status"], "completed");
    assert_ne!(gone["finished_at"], Value::Null);
    let after = send("/api/v1/bookings/1/check-out").await;
    after.expect_problem(409, "wrong-state");
    let next = send("/api/v1/bookings/2/check-in").await;
    next.expect_problem(409, "wrong-state");
}

/// Returns the address of the one run that is not settled.
async fn unsettled(place: &Place) -> String {
    let path = "/api/v1/runs?lab=4&state=unsettled";
    let list = place.get(Who::Manager, path).await.expect(200);
    assert_eq!(list["total"], 1);
    let run = &list["items"][0];
    assert_eq!(run["kind"], "unbooked");
    assert_eq!(run["running"], "PT1H");
    assert_eq!(run["member"], Value::Null);
    assert_eq!(run["instrument"], "A-1");
    format!("/api/v1/runs/{}", run["id"])
}

fn as_researchers() -> Value {
    json!({ "member": 1, "note": "值班记录", "end": "2026-11-24T00:45:00+08:00" })
}

#[tokio::test]
async fn a_run_that_is_nobodys_is_settled_with_words_and_both_values_stay() {
    let place = Place::new().await;
    ran_an_hour(&place).await;
    let path = unsettled(&place).await;
    for (body, status, slug) in [
        (json!({ "accept": true }), 409, "wrong-state"),
        (
            json!({ "accept": true, "reject": true }),
            400,
            "malformed-request",
        ),
        (json!({}), 400, "malformed-request"),
        (json!({ "member": 1 }), 400, "malformed-request"),
        (
            json!({ "member": 99, "note": "x" }),
            400,
            "malformed-request",
        ),
        (
            json!({ "booking": 99, "note": "x" }),
            400,
            "malformed-request",
        ),
        (
            json!({ "member": 1, "note": "x", "end": at(9) }),
            400,
            "malformed-request",
        ),
    ] {
        let answer = patch(&place, Who::Manager, &path, body).await;
        answer.expect_problem(status, slug);
    }
    let done = patch(&place, Who::Manager, &path, as_researchers()).await;
    let done = done.expect(200);
    assert_eq!(
        (&done["state"], &done["running"]),
        (&json!("settled"), &json!("PT45M"))
    );
    let correction = &done["corrections"][0];
    assert_eq!(correction["reason"], "值班记录");
    assert_eq!(correction["before"]["end"], at(1));
    assert_eq!(correction["after"]["end"], "2026-11-24T00:45:00+08:00");
    assert_eq!(correction["by"]["id"], 2);
    let request = Request::builder()
        .method(Method::PATCH)
        .uri(&path)
        .header(header::AUTHORIZATION, "Bearer ort_2")
        .header(header::CONTENT_TYPE, "application/json")
        .header(header::IF_MATCH, "\"1\"");
    let request = request.body(as_researchers().to_string().into()).unwrap();
    let stale = place.raw(request).await;
    stale.expect_problem(409, "stale-version");
}

/// Returns the hours used in all labs.
async fn used_h(place: &Place) -> f64 {
    let path = "/api/v1/utilisation?group_by=lab&from=2026-11-23T00:00:00Z&to=2026-11-25T00:00:00Z";
    let figures = place.get(Who::RegionAdmin, path).await.expect(200);
    let labs = figures["items"].as_array().unwrap();
    labs.iter().filter_map(|lab| lab["used_h"].as_f64()).sum()
}

#[tokio::test]
async fn a_run_is_its_owners_once_it_is_settled_and_counts_then() {
    let place = Place::new().await;
    ran_an_hour(&place).await;
    let path = unsettled(&place).await;
    let list = "/api/v1/instruments/A-1/runs";
    let hidden = place.get(Who::Researcher, &path).await;
    hidden.expect_problem(404, "not-found");
    assert_eq!(
        place.get(Who::Researcher, list).await.expect(200)["total"],
        0
    );
    assert!(used_h(&place).await < 1e-9);
    let done = patch(&place, Who::Manager, &path, as_researchers()).await;
    done.expect(200);
    place.get(Who::Researcher, &path).await.expect(200);
    assert_eq!(
        place.get(Who::Researcher, list).await.expect(200)["total"],
        1
    );
    let reject = json!({ "reject": true, "note": "x" });
    let own = patch(&place, Who::Researcher, &path, reject).await;
    own.expect_problem(403, "not-allowed");
    let other = place.get(Who::Stranger, &path).await;
    other.expect_problem(404, "not-found");
    assert!((used_h(&place).await - 0.75).abs() < 1e-9);
}

#[tokio::test]
async fn use_entered_by_hand_counts_once_it_is_accepted() {
    let place = Place::new().await;
    let used = |start, end| json!({ "instrument": "A-1", "start": start, "end": end });
    let ahead = place
        .post(Who::Researcher, "/api/v1/runs", &used(at(-1), at(1)))
        .await;
    ahead.expect_problem(400, "malformed-request");
    let long = place
        .post(Who::Researcher, "/api/v1/runs", &used(at(-800), at(-1)))
        .await;
    long.expect_problem(400, "malformed-request");
    let run = place
        .post(Who::Researcher, "/api/v1/runs", &used(at(-3), at(-1)))
        .await;
    let run = run.expect(201);
    assert_eq!(
        (&run["state"], &run["evidence"], &run["member"]["id"]),
        (&json!("unsettled"), &json!("declared"), &json!(1))
    );
    let path = format!("/api/v1/runs/{}", run["id"]);
    let foreign = patch(&place, Who::Neighbour, &path, json!({ "accept": true })).await;
    foreign.expect_problem(404, "not-found");
    let own = patch(&place, Who::Researcher, &path, json!({ "accept": true })).await;
    own.expect_problem(403, "not-allowed");
    let done = patch(&place, Who::Manager, &path, json!({ "accept": true }))
        .await
        .expect(200);
    assert_eq!(done["state"], "settled");
    let twice = place
        .post(Who::Manager, "/api/v1/runs", &used(at(-2), at(0)))
        .await;
    twice.expect_problem(409, "wrong-state");
    let page = place
        .get(Who::Researcher, "/api/v1/runs?limit=1")
        .await
        .expect(200);
    assert_eq!(
        (&page["total"], &page["next_cursor"]),
        (&json!(1), &Value::Null)
    );
    let none = "/api/v1/instruments/A-1/runs?from=2026-11-25T00:00:00Z";
    assert_eq!(
        place.get(Who::Researcher, none).await.expect(200)["total"],
        0
    );
}
