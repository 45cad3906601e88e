//! Booking over HTTP: asked, refused with figures, retried, changed, given up; and who sees what.

use axum::body::Body;
use axum::http::{Method, Request, header};
use serde_json::{Value, json};

use super::{Place, Who, at};

const BOOKINGS: &str = "/api/v1/bookings";

fn wish(instrument: &str, from: i64, to: i64) -> Value {
    json!({ "instrument": instrument, "start": at(from), "end": at(to), "purpose": "XRD" })
}

/// Sends a wish with an idempotency key.
async fn keyed(place: &Place, key: &str, body: &Value) -> super::Answer {
    let request = Request::builder()
        .method(Method::POST)
        .uri(BOOKINGS)
        .header(header::CONTENT_TYPE, "application/json")
        .header(header::AUTHORIZATION, "Bearer ort_1")
        .header("idempotency-key", key);
    let request = request.body(Body::from(body.to_string())).unwrap();
    place.raw(request).await
}

#[tokio::test]
async fn a_slot_is_booked_once_and_the_loser_is_told_what_is_free() {
    let place = Place::new().await;
    let answer = place
        .post(Who::Researcher, BOOKINGS, &wish("B-1", 33, 34))
        .await;
    let tag = answer.header("etag").to_owned();
    let location = answer.header("location").to_owned();
    let booked = answer.expect(201);
    assert_eq!(location, format!("/api/v1/bookings/{}", booked["id"]));
    assert_eq!(tag, "\"1\"");
    assert_eq!(booked["start"], "2026-11-25T09:00:00+08:00");
    assert_eq!(booked["instrument"]["key"], "B-1");
    assert_eq!(booked["member"]["id"], 1);
    assert_eq!(booked["status"], "confirmed");

    let problem = place
        .post(Who::Stranger, BOOKINGS, &wish("B-1", 33, 35))
        .await;
    let problem = problem.expect_problem(409, "slot-taken");
    let conflict = &problem["conflicts"][0];
    assert_eq!(conflict["start"], "2026-11-25T09:00:00+08:00");
    assert_eq!(conflict["kind"], "booking");
    assert_eq!(
        conflict["label"], "已预约 · 实验室4",
        "the lab, not the person"
    );
    assert_eq!(
        problem["next_free"][0]["start"],
        "2026-11-25T10:00:00+08:00"
    );
    assert_eq!(problem["next_free"].as_array().unwrap().len(), 3);
}

#[tokio::test]
async fn all_reasons_come_with_their_figures_in_the_readers_language() {
    let place = Place::new().await;
    let body = wish("B-1", 30, 39).to_string();
    let request = Request::builder()
        .method(Method::POST)
        .uri(BOOKINGS)
        .header(header::CONTENT_TYPE, "application/json")
        .header(header::AUTHORIZATION, "bearer ort_1")
        .header(header::ACCEPT_LANGUAGE, "en-GB");
    let answer = place.raw(request.body(Body::from(body)).unwrap()).await;
    let problem = answer.expect_problem(422, "refused-by-policy");
    let refusals = problem["refusals"].as_array().unwrap();
    let of = |rule: &str| {
        refusals
            .iter()
            .find(|refusal| refusal["rule"] == rule)
            .unwrap()
    };
    let longest = of("longest");
    assert_eq!(longest["limit"], "PT8H");
    assert_eq!(longest["actual"], "PT9H");
    let who = json!(["manager", "centre_admin", "region_admin"]);
    assert_eq!(longest["override_by"], who);
    assert_eq!(longest["message"], "At most 8 h; you chose 9 h");
    let hours = of("opening_hours");
    assert_eq!(
        hours["limit"],
        "2026-11-25T08:00:00+08:00/2026-11-25T22:00:00+08:00"
    );
    assert_eq!(refusals.len(), 2);

    let answer = place
        .post(
            Who::Researcher,
            BOOKINGS,
            &wish("B-1", 24 * 20 + 9, 24 * 20 + 10),
        )
        .await;
    let problem = answer.expect_problem(422, "refused-by-policy");
    assert_eq!(problem["refusals"][0]["limit"], "P14D");
    assert_eq!(
        problem["refusals"][0]["passes_at"],
        "2026-11-30T09:00:00+08:00"
    );
}

#[tokio::test]
async fn a_trial_changes_nothing() {
    let place = Place::new().await;
    let path = "/api/v1/bookings?dry_run=true";
    let verdict = place
        .post(Who::Researcher, path, &wish("B-1", 33, 34))
        .await
        .expect(200);
    assert_eq!(verdict["would"], "accept");
    assert_eq!(verdict["refusals"], json!([]));
    let verdict = place
        .post(Who::Stranger, path, &wish("A-1", 32, 33))
        .await
        .expect(200);
    assert_eq!(verdict["would"], "refuse");
    assert_eq!(verdict["conflicts"].as_array().unwrap().len(), 1);
    assert_eq!(
        verdict["next_free"][0]["start"],
        "2026-11-25T15:00:00+08:00"
    );
    place
        .post(Who::Stranger, BOOKINGS, &wish("B-1", 33, 34))
        .await
        .expect(201);
}

#[tokio::test]
async fn a_retry_with_the_same_key_books_once() {
    let place = Place::new().await;
    let first = keyed(&place, "k1", &wish("B-1", 33, 34)).await.expect(201);
    // Written with another offset, it means the same.
    let mut again = wish("B-1", 33, 34);
    again["start"] = json!("2026-11-25T01:00:00Z");
    let second = keyed(&place, "k1", &again).await.expect(201);
    assert_eq!(first["id"], second["id"]);
    keyed(&place, "k1", &wish("B-1", 35, 36))
        .await
        .expect_problem(422, "idempotency-key-reused");
    keyed(&place, "", &wish("B-1", 35, 36))
        .await
        .expect_problem(400, "malformed-request");
}

#[tokio::test]
async fn a_booking_is_moved_and_given_up_by_its_owner() {
    let place = Place::new().await;
    let patch = async |body: Value, tag: Option<&str>| {
        let mut request = Request::builder()
            .method(Method::PATCH)
            .uri("/api/v1/bookings/1")
            .header(header::CONTENT_TYPE, "application/json")
            .header(header::AUTHORIZATION, "Bearer ort_1");
        if let Some(tag) = tag {
            request = request.header(header::IF_MATCH, tag);
        }
        place
            .raw(request.body(Body::from(body.to_string())).unwrap())
            .await
    };
    // Booking 1 is from 8 to 9 tomorrow, 2 to 7 follow by the hour.
    patch(json!({ "end": at(34) }), None)
        .await
        .expect_problem(409, "slot-taken");
    let moved = patch(json!({ "start": at(40), "end": at(42) }), Some("\"1\"")).await;
    let moved = moved.expect(200);
    assert_eq!(moved["version"], 2);
    assert_eq!(moved["end"], "2026-11-25T18:00:00+08:00");
    patch(json!({ "purpose": "x" }), Some("\"1\""))
        .await
        .expect_problem(409, "stale-version");
    let own = "/api/v1/bookings/1";
    let gone = place
        .send(Who::Researcher, Method::DELETE, own, None)
        .await
        .expect(200);
    assert_eq!(gone["status"], "cancelled");
    assert!(gone["cancelled_at"].is_string());
    let again = place.send(Who::Researcher, Method::DELETE, own, None).await;
    let problem = again.expect_problem(409, "wrong-state");
    assert_eq!(problem["detail"], "预约已取消");
    patch(json!({ "purpose": "x" }), None)
        .await
        .expect_problem(409, "wrong-state");
}

#[tokio::test]
async fn others_see_that_it_is_taken_and_the_lab_and_no_more() {
    let place = Place::new().await;
    let path = format!(
        "/api/v1/instruments/A-1/availability?from={}&to={}",
        at(24).replace('+', "%2B"),
        at(48).replace('+', "%2B")
    );
    let seen = place.get(Who::Anonymous, &path).await;
    assert!(!seen.text().contains("secret purpose"), "{}", seen.text());
    assert!(!seen.text().contains("人员1"), "{}", seen.text());
    let seen = seen.expect(200);
    let first = &seen["occupied"][0];
    assert_eq!(first["label"], "已预约 · 实验室4");
    assert_eq!(first["mine"], false);
    assert_eq!(first["booking"], Value::Null);
    assert_eq!(seen["zone"], "Asia/Shanghai");
    let free = seen["free"].as_array().unwrap();
    assert_eq!(free[0]["start"], "2026-11-25T15:00:00+08:00");
    assert_eq!(free[0]["end"], "2026-11-25T22:00:00+08:00");
    assert_eq!(seen["closed"][0]["end"], "2026-11-25T08:00:00+08:00");

    let own = place.get(Who::Researcher, &path).await.expect(200);
    assert_eq!(own["occupied"][0]["mine"], true);
    assert_eq!(own["occupied"][0]["purpose"], "secret purpose");
    let manager = place.get(Who::Manager, &path).await.expect(200);
    assert_eq!(manager["occupied"][0]["label"], "已预约 · 人员1");
    assert_eq!(manager["occupied"][0]["booking"], 1);
}

#[tokio::test]
async fn lists_hold_ones_own_and_what_one_manages_page_by_page() {
    let place = Place::new().await;
    for (who, expected) in [
        (Who::Researcher, 7),
        (Who::Manager, 7),
        (Who::Neighbour, 0),
        (Who::Stranger, 0),
        (Who::Auditor, 7),
    ] {
        let list = place.get(who, BOOKINGS).await.expect(200);
        assert_eq!(list["total"], expected, "{who:?}");
    }
    let mine = place
        .get(Who::Manager, "/api/v1/bookings?member=me")
        .await
        .expect(200);
    assert_eq!(mine["total"], 0);

    let mut seen = Vec::new();
    let mut path = "/api/v1/bookings?limit=3".to_owned();
    loop {
        let page = place.get(Who::Researcher, &path).await.expect(200);
        assert_eq!(page["total"], 7);
        seen.extend(
            page["items"]
                .as_array()
                .unwrap()
                .iter()
                .map(|item| item["id"].clone()),
        );
        let Some(cursor) = page["next_cursor"].as_str() else {
            break;
        };
        path = format!("/api/v1/bookings?limit=3&cursor={cursor}");
    }
    assert_eq!(Value::from(seen), json!([1, 2, 3, 4, 5, 6, 7]));

    place
        .send(Who::Researcher, Method::DELETE, "/api/v1/bookings/2", None)
        .await
        .expect(200);
    let path = "/api/v1/bookings?instrument=A-1&status=cancelled";
    let gone = place.get(Who::Manager, path).await.expect(200);
    assert_eq!(gone["items"][0]["id"], 2);
    assert_eq!(gone["total"], 1);
}

#[tokio::test]
async fn an_outage_lies_in_reach_and_overlaps_are_told() {
    let place = Place::new().await;
    let open = async |start: i64, end: i64| {
        let (start, end) = (at(start), at(end));
        let body = json!({ "instrument": "A-1", "start": start, "end": end, "reason": "lamp",
            "kind": "fault" });
        place.post(Who::Manager, "/api/v1/outages", &body).await
    };
    for (start, end, field) in [
        (-2, 0, "end"),
        (-366 * 24 - 1, 10, "start"),
        (1, 366 * 24 + 2, "end"),
    ] {
        let problem = open(start, end).await;
        let problem = problem.expect_problem(400, "malformed-request");
        assert_eq!(problem["errors"][0]["field"], field, "{start} {end}");
    }
    let first = open(-366 * 24 + 1, 1).await.expect(201);
    assert_eq!(first["kind"], "fault");
    assert_eq!(first["overlaps"], Value::Null);
    let second = open(0, 5).await.expect(201);
    assert_eq!(second["overlaps"], json!([first["id"]]));
    assert_eq!(open(5, 6).await.expect(201)["overlaps"], Value::Null);
}

#[tokio::test]
async fn an_outage_claims_what_is_free_and_names_what_is_at_risk() {
    let place = Place::new().await;
    let body = json!({ "instrument": "A-1", "start": at(24), "end": at(48), "reason": "灯管" });
    let outage = place
        .post(Who::Manager, "/api/v1/outages", &body)
        .await
        .expect(201);
    assert_eq!(outage["at_risk"], json!([1, 2, 3, 4, 5, 6, 7]));
    let path = "/api/v1/outages?instrument=A-1";
    let public = place.get(Who::Anonymous, path).await.expect(200);
    assert_eq!(public["items"][0]["reason"], "灯管");
    assert_eq!(public["items"][0]["at_risk"], json!([]));
    let grid = format!(
        "/api/v1/availability/grid?keys=A-1,B-1&from={}&to={}&step=PT4H",
        at(24).replace('+', "%2B"),
        at(48).replace('+', "%2B")
    );
    let cells = place.get(Who::Anonymous, &grid).await.expect(200);
    // The first two cells are closed, but the outage is what people must know.
    assert_eq!(cells["items"][0]["cells"], "MMBMMM");
    assert_eq!(cells["items"][0]["next_free"], Value::Null);
    assert_eq!(cells["items"][1]["cells"], "CCFFFF");
    assert_eq!(cells["items"][1]["next_free"], "2026-11-25T08:00:00+08:00");

    let problem = place
        .post(Who::Stranger, BOOKINGS, &wish("A-1", 40, 41))
        .await;
    let problem = problem.expect_problem(409, "slot-taken");
    assert_eq!(problem["conflicts"][0]["kind"], "outage");
    assert_eq!(problem["conflicts"][0]["label"], "停机 · 灯管");
    let path = format!("/api/v1/outages/{}", outage["id"]);
    place
        .send(Who::Manager, Method::DELETE, &path, None)
        .await
        .expect(204);
    place
        .post(Who::Stranger, BOOKINGS, &wish("A-1", 40, 41))
        .await
        .expect(201);
}

#[tokio::test]
async fn only_one_of_many_at_the_same_moment_gets_it() {
    let place = std::sync::Arc::new(Place::new().await);
    let asks = (0..16).map(|number| {
        let who = [Who::Researcher, Who::Manager, Who::Neighbour, Who::Stranger][number % 4];
        let place = std::sync::Arc::clone(&place);
        async move { place.post(who, BOOKINGS, &wish("B-1", 33, 34)).await.status }
    });
    let statuses = futures::future::join_all(asks).await;
    assert_eq!(statuses.iter().filter(|status| **status == 201).count(), 1);
    assert_eq!(statuses.iter().filter(|status| **status == 409).count(), 15);
}
