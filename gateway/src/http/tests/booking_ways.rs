//! The ways of one booking over HTTP: for somebody else, past rules, at once, with a yes, told in
//! full, handed over, given up late.

use axum::http::Method;
use scheduler::time::{HOUR_US, MINUTE_US};
use serde_json::{Value, json};

use super::{Answer, Place, Who, at};

const BOOKINGS: &str = "/api/v1/bookings";
const TRIAL: &str = "/api/v1/bookings?dry_run=true";

fn wish(instrument: &str, from: i64, to: i64) -> Value {
    json!({ "instrument": instrument, "start": at(from), "end": at(to), "purpose": "XRD" })
}

fn with(mut wish: Value, name: &str, value: Value) -> Value {
    wish[name] = value;
    wish
}

async fn set_rules(place: &Place, key: &str, rules: Value) {
    let path = format!("/api/v1/instruments/{key}/policy");
    let body = json!({ "rules": rules });
    let who = Who::RegionAdmin;
    place
        .send(who, Method::PUT, &path, Some(&body))
        .await
        .expect(200);
}

async fn with_approval(key: &str) -> Place {
    let place = Place::new().await;
    let rules = json!([{ "rule": "approval", "mode": "default" }]);
    set_rules(&place, key, rules).await;
    place
}

async fn patch(place: &Place, who: Who, path: &str, body: Value) -> Answer {
    place.send(who, Method::PATCH, path, Some(&body)).await
}

#[tokio::test]
async fn the_lab_books_for_others_and_nobody_else_does() {
    let place = Place::new().await;
    let for_stranger = with(wish("A-1", 56, 57), "member", json!(7));
    place
        .post(Who::Researcher, BOOKINGS, &for_stranger)
        .await
        .expect_problem(403, "not-allowed");
    let made = place.post(Who::Manager, BOOKINGS, &for_stranger).await;
    let made = made.expect(201);
    assert_eq!(made["member"]["id"], 7);
    assert_eq!(made["made_by"], json!({ "id": 2, "name": "人员2" }));
    assert_eq!(made["instrument_name"], "X射线衍射仪");
    let path = format!("{BOOKINGS}/{}", made["id"]);
    let seen = place.get(Who::Stranger, &path).await.expect(200);
    assert_eq!(seen["made_by"]["id"], 2);
    let nobody = with(wish("A-1", 58, 59), "member", json!(99));
    place
        .post(Who::Manager, BOOKINGS, &nobody)
        .await
        .expect_problem(400, "malformed-request");
}

#[tokio::test]
async fn rules_are_set_aside_with_a_reason_that_the_lab_sees() {
    let place = Place::new().await;
    let long = wish("A-1", 56, 65);
    for (who, overridable) in [
        (Who::Researcher, false),
        (Who::Manager, true),
        (Who::Neighbour, false),
        (Who::CentreAdmin, true),
    ] {
        let verdict = place.post(who, TRIAL, &long).await.expect(200);
        assert_eq!(verdict["would"], "refuse");
        assert_eq!(verdict["overridable"], overridable, "{who:?}");
    }
    let over = |reason: &str| with(long.clone(), "override", json!({ "reason": reason }));
    place
        .post(Who::Researcher, BOOKINGS, &over("急"))
        .await
        .expect_problem(403, "not-allowed");
    place
        .post(Who::Manager, BOOKINGS, &over(" "))
        .await
        .expect_problem(400, "malformed-request");
    let over = with(over("急用"), "member", json!(1));
    let made = place.post(Who::Manager, BOOKINGS, &over).await.expect(201);
    let path = format!("{BOOKINGS}/{}", made["id"]);
    let seen = place.get(Who::Manager, &path).await.expect(200);
    let noted = &seen["overrides"][0];
    assert_eq!(noted["by"], json!({ "id": 2, "name": "人员2" }));
    assert_eq!(noted["reason"], "急用");
    assert_eq!(noted["rules"], json!(["longest"]));
    let seen = place.get(Who::Researcher, &path).await.expect(200);
    assert_eq!(seen["overrides"], Value::Null);
}

#[tokio::test]
async fn whoever_stands_before_the_machine_begins_at_once() {
    let place = Place::new().await;
    place.hand.advance(9 * HOUR_US + 5 * MINUTE_US + 7);
    let wish = json!({ "instrument": "B-1", "end": at(10), "purpose": "x", "now": true });
    let trial = place.post(Who::Researcher, TRIAL, &wish).await.expect(200);
    assert_eq!(trial["would"], "accept");
    let made = place.post(Who::Researcher, BOOKINGS, &wish).await;
    let made = made.expect(201);
    assert_eq!(made["status"], "in_use");
    assert_eq!(made["start"], "2026-11-24T09:05:00+08:00");
    assert!(made["began_at"].is_string());
    assert_eq!(made["can"], json!(["change", "check_out"]));
    let path = format!("{BOOKINGS}/{}", made["id"]);
    let seen = place.get(Who::Researcher, &path).await.expect(200);
    assert_eq!(seen["evidence"], "check_in");
    let no_start = json!({ "instrument": "B-1", "end": at(12), "purpose": "x" });
    let problem = place.post(Who::Researcher, BOOKINGS, &no_start).await;
    let problem = problem.expect_problem(400, "malformed-request");
    assert_eq!(problem["errors"][0]["field"], "start");
}

#[tokio::test]
async fn what_needs_a_yes_waits_for_it_and_holds_its_place() {
    let place = with_approval("A-1").await;
    let wanted = wish("A-1", 56, 57);
    let trial = place.post(Who::Stranger, TRIAL, &wanted).await.expect(200);
    assert_eq!(trial["would"], "ask_approval");
    let made = place.post(Who::Stranger, BOOKINGS, &wanted).await;
    let made = made.expect(201);
    assert_eq!(made["status"], "pending");
    assert_eq!(made["approve_by"], made["start"]);
    let conflict = place.post(Who::Researcher, BOOKINGS, &wanted).await;
    conflict.expect_problem(409, "slot-taken");
    let day = format!(
        "/api/v1/instruments/A-1/availability?from={}&to={}",
        at(48).replace('+', "%2B"),
        at(72).replace('+', "%2B")
    );
    let shown = place.get(Who::Anonymous, &day).await.expect(200);
    assert_eq!(shown["occupied"][0]["start"], made["start"]);
    let waiting = "/api/v1/bookings?status=pending&lab=4";
    for (who, count) in [(Who::Manager, 1), (Who::Neighbour, 0), (Who::Stranger, 1)] {
        let list = place.get(who, waiting).await.expect(200);
        assert_eq!(list["total"], count, "{who:?}");
    }
    let elsewhere = place.get(Who::RegionAdmin, "/api/v1/bookings?lab=7").await;
    assert_eq!(elsewhere.expect(200)["total"], 0);
    let path = format!("{BOOKINGS}/{}", made["id"]);
    let yes = format!("{path}/approve");
    let done = place
        .send(Who::Manager, Method::POST, &yes, None)
        .await
        .expect(200);
    assert_eq!(done["status"], "confirmed");
    assert_eq!(done["approve_by"], Value::Null);
    let longer = json!({ "end": at(58) });
    let trial = format!("{path}?dry_run=true");
    let verdict = patch(&place, Who::Stranger, &trial, longer.clone()).await;
    assert_eq!(verdict.expect(200)["would"], "ask_approval");
    let verdict = patch(&place, Who::Manager, &trial, longer.clone()).await;
    assert_eq!(verdict.expect(200)["would"], "accept");
    let again = patch(&place, Who::Stranger, &path, longer)
        .await
        .expect(200);
    assert_eq!(again["status"], "pending");
    let no = format!("{path}/decline");
    let reason = json!({ "reason": "样品不符" });
    let done = place.post(Who::Manager, &no, &reason).await.expect(200);
    assert_eq!(done["status"], "declined");
    let problem = place.post(Who::Manager, &no, &reason).await;
    let problem = problem.expect_problem(409, "wrong-state");
    assert_eq!(problem["detail"], "预约未获批准");
    place
        .post(Who::Researcher, BOOKINGS, &wanted)
        .await
        .expect(201);
}

#[tokio::test]
async fn nothing_that_needs_a_yes_begins_at_once() {
    let place = with_approval("B-1").await;
    place.hand.advance(9 * HOUR_US);
    let wish = json!({ "instrument": "B-1", "end": at(10), "purpose": "x", "now": true });
    let problem = place.post(Who::Researcher, BOOKINGS, &wish).await;
    problem.expect_problem(409, "wrong-state");
}

#[tokio::test]
async fn details_are_kept_told_in_parts_and_copied() {
    let place = Place::new().await;
    let question = |name: &str, answer: Value| json!({ "name": name, "label": "问", "label_en": "Q", "answer": answer });
    let phase = question("phase", json!({ "kind": "text", "characters_max": 20 }));
    let heat = question("heat", json!({ "kind": "yes_no" }));
    let asked = json!({ "questions": [phase, heat] });
    let questions = "/api/v1/instruments/B-1/questions";
    let set = place
        .send(Who::RegionAdmin, Method::PUT, questions, Some(&asked))
        .await;
    set.expect(200);
    let details = json!({ "payer": "内蒙古大学", "service": "commissioned", "samples": 4,
        "answers": { "phase": "α" } });
    let wanted = with(wish("B-1", 33, 35), "details", details.clone());
    let made = place.post(Who::Researcher, BOOKINGS, &wanted).await;
    let made = made.expect(201);
    assert_eq!(made["details"], details);
    let path = format!("{BOOKINGS}/{}", made["id"]);
    let part = json!({ "details": { "samples": 6, "payer": null, "answers": { "heat": true } } });
    let told = patch(&place, Who::Researcher, &path, part)
        .await
        .expect(200);
    let all = json!({ "service": "commissioned", "samples": 6,
        "answers": { "heat": true, "phase": "α" } });
    assert_eq!(told["details"], all);
    let bad = json!({ "details": { "samples": 100_001 } });
    let problem = patch(&place, Who::Researcher, &path, bad).await;
    let problem = problem.expect_problem(400, "malformed-request");
    assert_eq!(problem["errors"][0]["field"], "details.samples");
    let last = "/api/v1/instruments/B-1/last-booking";
    let copied = place.get(Who::Researcher, last).await.expect(200);
    assert_eq!(
        copied,
        json!({ "length": "PT2H", "purpose": "XRD", "details": all })
    );
    place
        .get(Who::Manager, last)
        .await
        .expect_problem(404, "not-found");
    let closed = with(wish("B-1", 37, 38), "details", json!({ "project": 9 }));
    let problem = place.post(Who::Researcher, BOOKINGS, &closed).await;
    let problem = problem.expect_problem(422, "refused-by-policy");
    assert_eq!(problem["refusals"][0]["rule"], "project_closed");
    assert_eq!(problem["refusals"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn a_booking_is_handed_over_to_a_colleague() {
    let place = Place::new().await;
    let path = format!("{BOOKINGS}/1/transfer");
    for stranger in [7, 99, 1] {
        place
            .post(Who::Researcher, &path, &json!({ "member": stranger }))
            .await
            .expect_problem(400, "malformed-request");
    }
    let theirs = place
        .post(Who::Researcher, &path, &json!({ "member": 2 }))
        .await
        .expect(200);
    assert_eq!(theirs["member"]["id"], 2);
    place
        .get(Who::Researcher, "/api/v1/bookings/1")
        .await
        .expect_problem(404, "not-found");
    let own = place
        .get(Who::Researcher, "/api/v1/bookings?member=me")
        .await;
    assert_eq!(own.expect(200)["total"], 6);
    // The lab hands over to whom it likes.
    let by_lab = place
        .post(Who::Manager, &path, &json!({ "member": 7 }))
        .await
        .expect(200);
    assert_eq!(by_lab["member"]["id"], 7);
}

#[tokio::test]
async fn giving_up_late_costs_what_the_rule_says() {
    let place = Place::new().await;
    let rules = json!([{ "rule": "late_cancellation", "mode": "default", "minutes": 2880,
        "points": 3 }]);
    set_rules(&place, "A-1", rules).await;
    place.hand.advance(HOUR_US);
    let reason = json!({ "reason": "停电" });
    let by_lab = place
        .send(
            Who::Manager,
            Method::DELETE,
            "/api/v1/bookings/2",
            Some(&reason),
        )
        .await
        .expect(200);
    assert_eq!(
        (&by_lab["late"], &by_lab["points"]),
        (&json!(false), &json!(0))
    );
    let own = "/api/v1/bookings/1";
    let gone = place
        .send(Who::Researcher, Method::DELETE, own, None)
        .await
        .expect(200);
    assert_eq!(gone["status"], "cancelled");
    assert_eq!((&gone["late"], &gone["points"]), (&json!(true), &json!(3)));
    assert_eq!(gone["can"], json!(["restore", "appeal"]));
    let rules = json!([{ "rule": "notice_to_cancel", "mode": "default", "minutes": 2880 }]);
    set_rules(&place, "A-1", rules).await;
    let problem = place
        .send(Who::Researcher, Method::DELETE, "/api/v1/bookings/3", None)
        .await
        .expect_problem(422, "refused-by-policy");
    assert_eq!(problem["refusals"][0]["rule"], "notice_to_cancel");
}

#[tokio::test]
async fn set_up_and_clean_up_are_shown_beside_the_use() {
    let place = Place::new().await;
    let rules = json!([{ "rule": "buffers", "mode": "default", "setup_minutes": 30,
        "cleanup_minutes": 60 }]);
    set_rules(&place, "B-1", rules).await;
    place
        .post(Who::Researcher, BOOKINGS, &wish("B-1", 33, 35))
        .await
        .expect(201);
    let day = format!(
        "/api/v1/instruments/B-1/availability?from={}&to={}",
        at(24).replace('+', "%2B"),
        at(48).replace('+', "%2B")
    );
    let shown = place.get(Who::Anonymous, &day).await.expect(200);
    let of = |name: &str| -> Vec<Value> {
        let occupied = shown["occupied"].as_array().unwrap();
        occupied.iter().map(|one| one[name].clone()).collect()
    };
    assert_eq!(of("kind"), ["buffer", "booking", "buffer"]);
    assert_eq!(of("label"), ["准备", "已预约 · 实验室4", "清理"]);
    let starts = [
        "2026-11-25T08:30:00+08:00",
        "2026-11-25T09:00:00+08:00",
        "2026-11-25T11:00:00+08:00",
    ];
    assert_eq!(of("start"), starts);
    assert_eq!(of("end")[2], "2026-11-25T12:00:00+08:00");
    assert!(!shown.to_string().contains("XRD"));
}
