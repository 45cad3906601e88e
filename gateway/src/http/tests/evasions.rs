//! Ways round the rules, and to what is others', that lead nowhere.

use axum::body::Body;
use axum::http::{Method, Request, header};
use scheduler::class::{CallerClass, ClassSet};
use scheduler::id::NodeId;
use scheduler::policy::{Mode, Rule, RuleBody};
use scheduler::time::{HOUR_US, MINUTE_US};
use serde_json::{Value, json};

use super::waiting::{slot, wish};
use super::{Answer, Place, Who, at};
use crate::booking::RegistryEdit;
use crate::registry::{RuleSet, Scope};

async fn keyed(place: &Place, path: &str, body: &Value) -> Answer {
    let request = Request::builder()
        .method(Method::POST)
        .uri(path)
        .header(header::CONTENT_TYPE, "application/json")
        .header(header::AUTHORIZATION, "Bearer ort_1")
        .header("idempotency-key", "k");
    let request = request.body(Body::from(body.to_string())).unwrap();
    place.raw(request).await
}

/// Sets the one rule of the lab.
async fn set_rule(place: &Place, body: RuleBody) {
    let rule = Rule {
        body,
        mode: Mode::Default,
        classes: ClassSet::ALL,
    };
    let set = RuleSet {
        version: 0,
        rules: vec![rule],
    };
    let scope = Scope::Node(NodeId::new(super::world::LAB));
    let edit = RegistryEdit::SetRules(scope, set, Some(0));
    place.state.desk().edit(edit).await.unwrap();
}

async fn hand_over(place: &Place, booking: &Value) {
    let path = format!("/api/v1/bookings/{booking}/transfer");
    let to = json!({ "member": Who::Manager.number() });
    place.post(Who::Researcher, &path, &to).await.expect(200);
}

#[tokio::test]
async fn a_replay_shows_nothing_that_was_handed_over() {
    let place = Place::new().await;
    let path = "/api/v1/bookings";
    let body = wish("B-1", 33, 34);
    let made = keyed(&place, path, &body).await.expect(201);
    keyed(&place, path, &body).await.expect(201);
    hand_over(&place, &made["id"]).await;
    let replayed = keyed(&place, path, &body).await;
    replayed.expect_problem(404, "not-found");
}

#[tokio::test]
async fn a_replayed_bundle_shows_what_is_still_ones_own() {
    let place = Place::new().await;
    let path = "/api/v1/bundles";
    let parts = json!([slot("B-1", 33, 34), slot("B-1", 35, 36)]);
    let body = json!({ "bookings": parts, "purpose": "XRD" });
    let made = keyed(&place, path, &body).await.expect(201);
    hand_over(&place, &made["items"][0]["id"]).await;
    let replayed = keyed(&place, path, &body).await.expect(201);
    let left = replayed["items"].as_array().unwrap();
    assert_eq!(left.len(), 1);
    assert_eq!(left[0]["id"], made["items"][1]["id"]);
    hand_over(&place, &made["items"][1]["id"]).await;
    let replayed = keyed(&place, path, &body).await;
    replayed.expect_problem(404, "not-found");
}

#[tokio::test]
async fn what_the_lab_cancels_offers_no_way_back() {
    let place = Place::new().await;
    let one = "/api/v1/bookings/1";
    place.delete(Who::Manager, one).await.expect(200);
    let seen = place.get(Who::Researcher, one).await.expect(200);
    assert_eq!(seen["status"], "cancelled");
    let can = seen["can"].as_array().unwrap();
    assert!(!can.contains(&json!("restore")), "{can:?}");
    let back = format!("{one}/restore");
    let answer = place.send(Who::Researcher, Method::POST, &back, None).await;
    answer.expect_problem(409, "wrong-state");
    let answer = place.send(Who::Manager, Method::POST, &back, None).await;
    let problem = answer.expect_problem(403, "not-allowed");
    let said = problem["detail"].as_str().unwrap();
    assert!(said.contains("本人"), "{said}");
}

#[tokio::test]
async fn use_long_ago_is_not_declared() {
    let place = Place::new().await;
    for start in ["2005-01-01T00:00:00Z", "2025-10-01T00:00:00Z"] {
        let end = start.replace("T00", "T01");
        let body = json!({ "instrument": "A-1", "start": start, "end": end });
        let answer = place.post(Who::Researcher, "/api/v1/runs", &body).await;
        let problem = answer.expect_problem(400, "malformed-request");
        assert_eq!(problem["errors"][0]["field"], "start", "{problem:#}");
    }
}

#[tokio::test]
async fn an_outage_that_never_began_does_not_end_before_its_begin() {
    let place = Place::new().await;
    place
        .delete(Who::Manager, "/api/v1/outages/1")
        .await
        .expect(204);
    let path = "/api/v1/outages?instrument=D-0";
    let list = place.get(Who::Manager, path).await.expect(200);
    let items = list["items"].as_array().unwrap();
    let ended = items.iter().find(|outage| outage["id"] == 1).unwrap();
    assert_eq!(
        (&ended["start"], &ended["end"]),
        (&json!(at(48)), &json!(at(48)))
    );
}

#[tokio::test]
async fn a_dry_run_tells_what_a_late_move_costs() {
    let place = Place::new().await;
    let late = RuleBody::LateCancellation {
        minutes: 2_880,
        points: 2,
    };
    set_rule(&place, late).await;
    place.hand.advance(10 * MINUTE_US);
    let path = "/api/v1/bookings/1?dry_run=true";
    let tried = async |who, hour| {
        let body = json!({ "start": at(hour), "end": at(hour + 1) });
        let answer = place.send(who, Method::PATCH, path, Some(&body)).await;
        let verdict = answer.expect(200);
        assert_eq!(verdict["would"], "accept", "{verdict:#}");
        (verdict["late"].as_bool(), verdict["points"].as_u64())
    };
    let free = (Some(false), Some(0));
    assert_eq!(tried(Who::Researcher, 130).await, (Some(true), Some(2)));
    assert_eq!(tried(Who::Researcher, 40).await, free, "still late there");
    assert_eq!(tried(Who::Manager, 130).await, free, "the lab moves it");
}

async fn patch(place: &Place, who: Who, path: &str, body: Value) -> Answer {
    place.send(who, Method::PATCH, path, Some(&body)).await
}

#[tokio::test]
async fn an_instrument_that_is_always_on_wants_its_label() {
    let place = Place::new().await;
    let one = "/api/v1/instruments/A-1";
    let always = json!({ "always_on": true });
    patch(&place, Who::Manager, one, always).await.expect(200);
    place.hand.advance(32 * HOUR_US);
    let path = "/api/v1/bookings/1/check-in";
    let send = async |path: &str| place.send(Who::Researcher, Method::POST, path, None).await;
    let problem = send(path).await.expect_problem(400, "malformed-request");
    assert_eq!(problem["errors"][0]["field"], "qr");
    let label = place.get(Who::Manager, &format!("{one}/qr")).await;
    let code = label.expect(200)["code"].as_str().unwrap().to_owned();
    send(&format!("{path}?qr={code}")).await.expect(200);
}

#[tokio::test]
async fn times_and_their_order_are_told_by_their_field() {
    let place = Place::new().await;
    let one = "/api/v1/bookings/1";
    for (body, field, said) in [
        (json!({ "start": "0000-01-01T00:00:00Z" }), "start", "2000"),
        (json!({ "end": "9999-01-01T00:00:00Z" }), "end", "2000"),
        (json!({ "start": at(40) }), "start", "早于"),
        (json!({ "end": at(20) }), "end", "晚于"),
    ] {
        let answer = patch(&place, Who::Researcher, one, body).await;
        let problem = answer.expect_problem(400, "malformed-request");
        let error = &problem["errors"][0];
        assert_eq!(error["field"], field, "{problem:#}");
        let message = error["message"].as_str().unwrap();
        assert!(message.contains(said), "{message}");
    }
    let mut now = wish("B-1", 33, 34);
    now["now"] = json!(true);
    let answer = place.post(Who::Researcher, "/api/v1/bookings", &now).await;
    let problem = answer.expect_problem(400, "malformed-request");
    assert_eq!(problem["errors"][0]["field"], "start");
}

#[tokio::test]
async fn a_change_of_nothing_is_none() {
    let place = Place::new().await;
    let one = "/api/v1/bookings/1";
    for body in [
        json!({}),
        json!({ "start": at(32), "purpose": "secret purpose" }),
    ] {
        let same = patch(&place, Who::Researcher, one, body).await.expect(200);
        assert_eq!(same["version"], 1);
    }
}

#[tokio::test]
async fn a_login_is_one_persons_whatever_its_capitals() {
    let place = Place::new().await;
    let person = json!({ "login": "ReSearcher", "name": "x",
        "roles": [{ "role": "researcher", "node": super::world::LAB }] });
    let answer = place
        .post(Who::RegionAdmin, "/api/v1/members", &person)
        .await;
    answer.expect_problem(409, "wrong-state");
    let body = json!({ "name": "RESEARCHER", "password": super::world::PASSWORD });
    place
        .post(Who::Anonymous, "/api/v1/login", &body)
        .await
        .expect(200);
}

#[tokio::test]
async fn an_instrument_with_an_open_problem_does_not_go() {
    let place = Place::new().await;
    let report = json!({ "instrument": "D-1", "text": "坏了" });
    let answer = place
        .post(Who::Researcher, "/api/v1/problems", &report)
        .await;
    answer.expect(201);
    let one = "/api/v1/instruments/D-1";
    place
        .delete(Who::Manager, one)
        .await
        .expect_problem(409, "wrong-state");
}

#[tokio::test]
async fn nobody_waits_for_what_is_not_for_them() {
    let place = Place::new().await;
    let one = "/api/v1/instruments/B-1";
    let closed = json!({ "bookable": false });
    patch(&place, Who::Neighbour, one, closed).await.expect(200);
    let body = json!({ "instruments": ["B-1"], "start": at(33), "end": at(34), "purpose": "x" });
    let answer = place.post(Who::Researcher, "/api/v1/waitlist", &body).await;
    let problem = answer.expect_problem(422, "refused-by-policy");
    assert_eq!(problem["refusals"][0]["rule"], "not_bookable");
}

#[tokio::test]
async fn what_is_refused_to_another_is_not_told_as_ones_own() {
    let place = Place::new().await;
    let classes = ClassSet::of(&[CallerClass::Enterprise]);
    set_rule(&place, RuleBody::WhoMayBook { classes }).await;
    let to = json!({ "member": Who::Manager.number() });
    let path = "/api/v1/bookings/1/transfer";
    let answer = place.post(Who::Researcher, path, &to).await;
    let problem = answer.expect_problem(422, "refused-by-policy");
    let said = problem["refusals"][0]["message"].as_str().unwrap();
    assert!(said.contains("对方"), "{said}");
    let own = wish("A-1", 60, 61);
    let answer = place.post(Who::Researcher, "/api/v1/bookings", &own).await;
    let problem = answer.expect_problem(422, "refused-by-policy");
    let said = problem["refusals"][0]["message"].as_str().unwrap();
    assert!(said.contains('您'), "{said}");
}

#[tokio::test]
async fn a_dry_run_tells_what_is_still_to_be_answered() {
    let place = Place::new().await;
    let question = json!({ "name": "mass", "label": "质量", "required": true,
        "answer": { "kind": "yes_no" } });
    let asked = json!({ "questions": [question] });
    let path = "/api/v1/instruments/B-1/questions";
    let set = place.send(Who::RegionAdmin, Method::PUT, path, Some(&asked));
    set.await.expect(200);
    let path = "/api/v1/bookings?dry_run=true";
    let mut wish = wish("B-1", 33, 34);
    let tried = place.post(Who::Researcher, path, &wish).await.expect(200);
    assert_eq!(tried["unanswered"], json!(["details.answers.mass"]));
    wish["details"] = json!({ "answers": { "mass": true } });
    let tried = place.post(Who::Researcher, path, &wish).await.expect(200);
    assert_eq!(tried["unanswered"], json!([]));
}
