//! Holds, undo, the waitlist, bundles and series over HTTP.

use axum::body::Body;
use axum::http::{Method, Request, header};
use scheduler::time::MINUTE_US;
use serde_json::{Value, json};

use super::{Place, Who, at};

fn wish(instrument: &str, from: i64, to: i64) -> Value {
    json!({ "instrument": instrument, "start": at(from), "end": at(to), "purpose": "XRD" })
}

fn slot(instrument: &str, from: i64, to: i64) -> Value {
    json!({ "instrument": instrument, "start": at(from), "end": at(to) })
}

impl Place {
    async fn delete(&self, who: Who, path: &str) -> super::Answer {
        self.send(who, Method::DELETE, path, None).await
    }

    /// Books, and returns the address.
    async fn book(&self, who: Who, wish: &Value) -> String {
        let booked = self.post(who, "/api/v1/bookings", wish).await.expect(201);
        format!("/api/v1/bookings/{}", booked["id"])
    }
}

#[tokio::test]
async fn a_hold_is_kept_listed_and_let_go() {
    let place = Place::new().await;
    let who = Who::Researcher;
    let answer = place.post(who, "/api/v1/holds", &slot("B-1", 33, 34)).await;
    let location = answer.header("location").to_owned();
    let held = answer.expect(201);
    assert_eq!(location, format!("/api/v1/holds/{}", held["id"]));
    assert_eq!(held["instrument"], "B-1");
    assert_eq!(held["instrument_name"], "X射线衍射仪");
    assert_eq!(held["start"], at(33));
    assert_eq!(held["expires_at"], "2026-11-24T00:10:00+08:00");
    let list = place.get(who, "/api/v1/holds").await.expect(200);
    assert_eq!(list["items"], json!([held]));
    let others = place.get(Who::Stranger, "/api/v1/holds").await.expect(200);
    assert_eq!(others["items"], json!([]));
    let taken = place
        .post(Who::Stranger, "/api/v1/bookings", &wish("B-1", 33, 34))
        .await
        .expect_problem(409, "slot-taken");
    assert_eq!(taken["conflicts"][0]["kind"], "hold");
    place
        .delete(Who::Stranger, &location)
        .await
        .expect_problem(404, "not-found");
    place.delete(who, &location).await.expect(204);
    place
        .delete(who, &location)
        .await
        .expect_problem(404, "not-found");
    place.book(Who::Stranger, &wish("B-1", 33, 34)).await;
    let shut = place.post(who, "/api/v1/holds", &slot("B-1", 23, 24)).await;
    let shut = shut.expect_problem(422, "refused-by-policy");
    assert_eq!(shut["refusals"][0]["rule"], "opening_hours");
    for from in [35, 36] {
        let held = place
            .post(who, "/api/v1/holds", &slot("B-1", from, from + 1))
            .await;
        held.expect(201);
    }
    let third = place.post(who, "/api/v1/holds", &slot("B-1", 38, 39)).await;
    let third = third.expect_problem(422, "refused-by-policy");
    assert_eq!(third["refusals"][0]["rule"], "hold_limit");
    place.hand.advance(10 * MINUTE_US);
    let list = place.get(who, "/api/v1/holds").await.expect(200);
    assert_eq!(list["items"], json!([]));
}

#[tokio::test]
async fn a_cancellation_is_taken_back_by_its_owner_only() {
    let place = Place::new().await;
    let (who, booking) = (Who::Researcher, "/api/v1/bookings/1");
    let restore = format!("{booking}/restore");
    let post = async |who| place.send(who, Method::POST, &restore, None).await;
    post(who).await.expect_problem(409, "wrong-state");
    place.delete(who, booking).await.expect(200);
    post(Who::Manager).await.expect_problem(403, "not-allowed");
    post(Who::Stranger).await.expect_problem(404, "not-found");
    let answer = post(who).await;
    assert_eq!(answer.header("etag"), "\"3\"");
    let back = answer.expect(200);
    assert_eq!(
        (&back["id"], &back["status"]),
        (&json!(1), &json!("confirmed"))
    );
    assert_eq!(back["cancelled_at"], Value::Null);
    place.delete(who, booking).await.expect(200);
    place.book(Who::Stranger, &wish("A-1", 32, 33)).await;
    post(who).await.expect_problem(409, "slot-taken");
    place.hand.advance(5 * MINUTE_US);
    let late = post(who).await.expect_problem(409, "wrong-state");
    assert_eq!(late["detail"], "撤销时限已过，或该预约不是您自己取消的");
}

fn waits(keys: &[&str], from: i64, to: i64) -> Value {
    json!({ "instruments": keys, "start": at(from), "end": at(to), "length": "PT1H", "purpose": "急" })
}

#[tokio::test]
async fn a_freed_slot_is_offered_and_taken() {
    let place = Place::new().await;
    let held = place.book(Who::Manager, &wish("B-1", 33, 34)).await;
    let answer = place
        .post(
            Who::Researcher,
            "/api/v1/waitlist",
            &waits(&["B-1"], 33, 34),
        )
        .await;
    let location = answer.header("location").to_owned();
    let made = answer.expect(201);
    assert_eq!(location, format!("/api/v1/waitlist/{}", made["id"]));
    assert_eq!(made["instruments"][0]["instrument"], "B-1");
    assert_eq!(
        (&made["length"], &made["state"]),
        (&json!("PT1H"), &json!("waiting"))
    );
    assert_eq!(
        (&made["position"], &made["free_now"]),
        (&json!(1), &Value::Null)
    );
    let second = place
        .post(
            Who::Stranger,
            "/api/v1/waitlist",
            &waits(&["B-1", "A-1"], 33, 34),
        )
        .await
        .expect(201);
    assert_eq!(second["position"], 2);
    let act = async |who, what: &str| {
        let path = format!("{location}/{what}");
        place.send(who, Method::POST, &path, None).await
    };
    let early = act(Who::Researcher, "accept")
        .await
        .expect_problem(409, "wrong-state");
    assert_eq!(early["detail"], "还没有邀约");
    place.delete(Who::Manager, &held).await.expect(200);
    // The manager may still take it back; then it is offered.
    place.hand.advance(5 * MINUTE_US);
    let nobody = act(Who::Stranger, "accept").await;
    nobody.expect_problem(404, "not-found");
    let list = place
        .get(Who::Researcher, "/api/v1/waitlist")
        .await
        .expect(200);
    let offer = &list["items"][0]["offer"];
    assert_eq!(offer["instrument"], "B-1");
    assert_eq!(offer["start"], at(33));
    assert_eq!(offer["expires_at"], "2026-11-24T00:20:00+08:00");
    let declined = act(Who::Researcher, "decline").await.expect(200);
    assert_eq!(declined["offer"], Value::Null);
    let path = format!("/api/v1/waitlist/{}/accept", second["id"]);
    let answer = place.send(Who::Stranger, Method::POST, &path, None).await;
    let place_of = answer.header("location").to_owned();
    let booked = answer.expect(201);
    assert_eq!(place_of, format!("/api/v1/bookings/{}", booked["id"]));
    assert_eq!(
        (&booked["start"], &booked["purpose"]),
        (&json!(at(33)), &json!("急"))
    );
    let again = act(Who::Researcher, "accept")
        .await
        .expect_problem(409, "wrong-state");
    assert_eq!(again["detail"], "邀约已谢绝");
    place.delete(Who::Researcher, &location).await.expect(204);
    let again = place.delete(Who::Researcher, &location).await;
    assert_eq!(
        again.expect_problem(409, "wrong-state")["detail"],
        "候补已撤回"
    );
}

#[tokio::test]
async fn those_who_run_an_instrument_see_who_waits() {
    let place = Place::new().await;
    place.book(Who::Manager, &wish("B-1", 33, 34)).await;
    for who in [Who::Researcher, Who::Stranger] {
        let wish = waits(&["B-1"], 33, 34);
        place.post(who, "/api/v1/waitlist", &wish).await.expect(201);
    }
    let inside = "/api/v1/instruments/B-1/waitlist";
    place
        .get(Who::Researcher, inside)
        .await
        .expect_problem(403, "not-allowed");
    let line = place.get(Who::Neighbour, inside).await.expect(200);
    let people: Vec<&Value> = line["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|w| &w["member"]["id"])
        .collect();
    assert_eq!(people, [1, 7]);
    assert_eq!(line["items"][0]["purpose"], Value::Null);
}

#[tokio::test]
async fn a_wish_for_what_is_free_is_told_so() {
    let place = Place::new().await;
    let path = "/api/v1/waitlist";
    place.book(Who::Manager, &wish("B-1", 33, 35)).await;
    let made = place
        .post(Who::Researcher, path, &waits(&["A-1", "B-1"], 32, 48))
        .await;
    let free = &made.expect(201)["free_now"];
    assert_eq!(
        (&free["instrument"], &free["start"]),
        (&json!("B-1"), &json!(at(32)))
    );
    let malformed = async |body: Value, field: &str| {
        let answer = place.post(Who::Researcher, path, &body).await;
        let problem = answer.expect_problem(400, "malformed-request");
        assert_eq!(problem["errors"][0]["field"], field, "{problem:#}");
    };
    malformed(waits(&[], 33, 34), "instruments").await;
    malformed(waits(&["B-1"], 33, 24 * 62), "end").await;
    let mut long = waits(&["B-1"], 33, 34);
    long["length"] = json!("PT2H");
    malformed(long, "length").await;
    let draft = place
        .post(Who::Researcher, path, &waits(&["A-DRAFT"], 33, 34))
        .await;
    draft.expect_problem(404, "not-found");
    let past = place
        .post(Who::Researcher, path, &waits(&["B-1"], -3, 0))
        .await;
    past.expect_problem(409, "wrong-state");
    for _ in 1..20 {
        let one = place
            .post(Who::Researcher, path, &waits(&["B-1"], 33, 34))
            .await;
        one.expect(201);
    }
    let more = place
        .post(Who::Researcher, path, &waits(&["B-1"], 33, 34))
        .await;
    more.expect_problem(409, "wrong-state");
}

async fn keyed(place: &Place, path: &str, body: &Value) -> super::Answer {
    let request = Request::builder()
        .method(Method::POST)
        .uri(path)
        .header(header::CONTENT_TYPE, "application/json")
        .header(header::AUTHORIZATION, "Bearer ort_1")
        .header("idempotency-key", "k");
    place
        .raw(request.body(Body::from(body.to_string())).unwrap())
        .await
}

#[tokio::test]
async fn a_bundle_is_all_or_nothing_and_told_part_by_part() {
    let place = Place::new().await;
    let path = "/api/v1/bundles";
    let mut bundle = json!({
        "bookings": [slot("B-1", 33, 34), slot("A-1", 32, 33), slot("B-1", 23, 24)],
        "purpose": "制样、测试", "details": { "samples": 4 },
    });
    let refused = keyed(&place, path, &bundle)
        .await
        .expect_problem(422, "refused-by-policy");
    let parts = refused["parts"].as_array().unwrap();
    let numbers: Vec<&Value> = parts.iter().map(|part| &part["part"]).collect();
    assert_eq!(numbers, [1, 2]);
    assert_eq!(parts[0]["conflicts"][0]["kind"], "booking");
    assert_eq!(parts[1]["refusals"][0]["rule"], "opening_hours");
    let tried = place
        .post(Who::Researcher, "/api/v1/bundles?dry_run=true", &bundle)
        .await;
    let tried = tried.expect(200);
    assert_eq!(
        (&tried["would"], tried["parts"].as_array().unwrap().len()),
        (&json!("refuse"), 3)
    );
    bundle["bookings"][2] = slot("B-1", 34, 35);
    let taken = keyed(&place, path, &bundle).await;
    taken.expect_problem(409, "slot-taken");
    bundle["bookings"][1] = slot("A-1", 40, 41);
    let tried = place
        .post(Who::Researcher, "/api/v1/bundles?dry_run=true", &bundle)
        .await;
    assert_eq!(tried.expect(200)["would"], "accept");
    let made = keyed(&place, path, &bundle).await.expect(201);
    assert_eq!(made["items"].as_array().unwrap().len(), 3);
    let again = keyed(&place, path, &bundle).await.expect(201);
    assert_eq!(again, made);
    bundle["purpose"] = json!("另一个");
    let other = keyed(&place, path, &bundle).await;
    other.expect_problem(422, "idempotency-key-reused");
    bundle["bookings"] = json!([]);
    let none = place.post(Who::Researcher, path, &bundle).await;
    none.expect_problem(400, "malformed-request");
}

#[tokio::test]
async fn a_series_is_reported_occurrence_by_occurrence() {
    let place = Place::new().await;
    let path = "/api/v1/series";
    let mut series = json!({
        "instrument": "B-1", "start": at(33), "end": at(34), "purpose": "每天",
        "rule": "FREQ=DAILY;COUNT=5", "exceptions": [at(33 + 24)],
    });
    place
        .book(Who::Stranger, &wish("B-1", 33 + 48, 34 + 48))
        .await;
    let refused = keyed(&place, path, &series)
        .await
        .expect_problem(409, "slot-taken");
    let would = |answer: &Value| -> Vec<String> {
        let all = answer["occurrences"].as_array().unwrap().iter();
        all.map(|one| one["would"].as_str().unwrap().to_owned())
            .collect()
    };
    assert_eq!(would(&refused), ["accept", "refuse", "accept", "accept"]);
    series["on_conflict"] = json!("skip");
    let tried = place
        .post(Who::Researcher, "/api/v1/series?dry_run=true", &series)
        .await;
    let tried = tried.expect(200);
    assert_eq!(would(&tried), ["accept", "refuse", "accept", "accept"]);
    assert_eq!(tried["series"], Value::Null);
    let answer = keyed(&place, path, &series).await;
    let location = answer.header("location").to_owned();
    let made = answer.expect(201);
    assert_eq!(would(&made), ["accept", "refuse", "accept", "accept"]);
    assert_eq!(made["occurrences"][0]["booking"]["start"], at(33));
    assert_eq!(made["occurrences"][1]["conflicts"][0]["kind"], "booking");
    assert_eq!(
        made["series"]["rule"],
        "FREQ=DAILY;COUNT=5\nEXDATE:20261126T010000Z"
    );
    let again = keyed(&place, path, &series).await.expect(201);
    assert_eq!(again["series"]["id"], made["series"]["id"]);
    let list = place.get(Who::Researcher, path).await.expect(200);
    assert_eq!(
        (&list["total"], &list["items"][0]["id"]),
        (&json!(1), &made["series"]["id"])
    );
    let nobody = place.get(Who::Stranger, path).await.expect(200);
    assert_eq!(nobody["total"], 0);
    let lab = place
        .get(Who::Neighbour, "/api/v1/series?instrument=B-1")
        .await
        .expect(200);
    assert_eq!(lab["total"], 1);
    place
        .get(Who::Stranger, &location)
        .await
        .expect_problem(404, "not-found");
    let read = place.get(Who::Neighbour, &location).await.expect(200);
    assert_eq!(read["bookings"].as_array().unwrap().len(), 3);
    let from = "?from=2026-11-28T00:00:00%2B08:00";
    let ended = place
        .delete(Who::Researcher, &format!("{location}{from}"))
        .await
        .expect(200);
    assert_eq!(
        (ended["cancelled"].as_array().unwrap().len(), &ended["kept"]),
        (2, &json!([]))
    );
    assert_eq!(ended["series"]["bookings"][0]["status"], "confirmed");
    assert_eq!(ended["series"]["bookings"][1]["status"], "cancelled");
}

#[tokio::test]
async fn rules_of_series_are_read_strictly() {
    let place = Place::new().await;
    for (rule, detail) in [
        (
            "FREQ=YEARLY;COUNT=2",
            "rule：FREQ：应为 DAILY、WEEKLY 或 MONTHLY",
        ),
        (
            "FREQ=DAILY",
            "rule：须有 COUNT 或 UNTIL，最多 200 次，五年以内",
        ),
        (
            "FREQ=DAILY;COUNT=201",
            "rule：须有 COUNT 或 UNTIL，最多 200 次，五年以内",
        ),
        ("FREQ=DAILY;UNTIL=20200101", "rule：没有任何一次"),
    ] {
        let series = json!({
            "instrument": "B-1", "start": at(33), "end": at(34), "purpose": "x", "rule": rule,
        });
        let answer = place.post(Who::Researcher, "/api/v1/series", &series).await;
        let problem = answer.expect_problem(400, "malformed-request");
        assert_eq!(problem["detail"], detail);
    }
}
