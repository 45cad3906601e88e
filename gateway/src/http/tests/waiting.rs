//! Holds, undo and the waitlist over HTTP.

use axum::http::Method;
use scheduler::time::MINUTE_US;
use serde_json::{Value, json};

use super::{Place, Who, at};

pub(super) fn wish(instrument: &str, from: i64, to: i64) -> Value {
    json!({ "instrument": instrument, "start": at(from), "end": at(to), "purpose": "XRD" })
}

pub(super) fn slot(instrument: &str, from: i64, to: i64) -> Value {
    json!({ "instrument": instrument, "start": at(from), "end": at(to) })
}

impl Place {
    pub(super) async fn delete(&self, who: Who, path: &str) -> super::Answer {
        self.send(who, Method::DELETE, path, None).await
    }

    /// Books, and returns the address.
    pub(super) async fn book(&self, who: Who, wish: &Value) -> String {
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
}

#[tokio::test]
async fn a_wish_is_taken_back_once() {
    let place = Place::new().await;
    let wish = waits(&["B-1"], 33, 34);
    let made = place.post(Who::Researcher, "/api/v1/waitlist", &wish).await;
    let location = made.header("location").to_owned();
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
