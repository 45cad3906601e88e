//! Bundles and series over HTTP.

use axum::body::Body;
use axum::http::{Method, Request, header};
use serde_json::{Value, json};

use super::waiting::{slot, wish};
use super::{Place, Who, at};

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

/// Asks a mass in milligrams of everybody who books an instrument.
async fn ask_mass(place: &Place, instrument: &str) {
    let question = json!({ "name": "mass", "label": "样品质量", "required": true,
        "answer": { "kind": "number", "least": 1, "most": 500 } });
    let path = format!("/api/v1/instruments/{instrument}/questions");
    let set = json!({ "questions": [question] });
    place
        .send(Who::RegionAdmin, Method::PUT, &path, Some(&set))
        .await
        .expect(200);
}

#[tokio::test]
async fn every_way_to_book_is_refused_in_the_same_words_and_a_retry_in_none() {
    let place = Place::new().await;
    let day = |details: Value| {
        json!({ "instrument": "B-1", "start": at(33), "end": at(34), "purpose": "测试",
            "project": "课题", "details": details })
    };
    let mut series = day(json!({ "payer": "甲" }));
    series["rule"] = json!("FREQ=DAILY;COUNT=2");
    let made = keyed(&place, "/api/v1/series", &series).await.expect(201);
    ask_mass(&place, "B-1").await;
    let again = keyed(&place, "/api/v1/series", &series).await.expect(201);
    assert_eq!(again["series"], made["series"], "it was asked before");
    assert_eq!(again["occurrences"][0]["booking"]["project"], "课题");
    let kept = &again["occurrences"][0]["booking"]["details"];
    assert_eq!(kept["payer"], "甲");
    let mut next = day(json!({}));
    (next["start"], next["end"]) = (json!(at(35)), json!(at(36)));
    let bundle = json!({ "bookings": [slot("B-1", 35, 36), slot("A-1", 40, 41)],
        "purpose": "测试" });
    let mut repeated = next.clone();
    repeated["rule"] = json!("FREQ=DAILY;COUNT=2");
    let wait = json!({ "instruments": ["A-1", "B-1"], "start": at(35), "end": at(36),
        "auto_book": true, "purpose": "测试" });
    let ways = [
        ("bookings", &next),
        ("bundles", &bundle),
        ("series", &repeated),
        ("waitlist", &wait),
    ];
    let mut said = Vec::new();
    for (way, body) in ways {
        let path = format!("/api/v1/{way}");
        let refused = place.post(Who::Researcher, &path, body).await;
        let refused = refused.expect_problem(400, "malformed-request");
        assert_eq!(refused["errors"][0]["field"], "details.answers.mass");
        said.push((refused["detail"].clone(), refused["errors"].clone()));
    }
    assert!(said.iter().all(|one| *one == said[0]), "{said:?}");
    for (way, body) in ways {
        let mut body = body.clone();
        body["details"] = json!({ "answers": { "mass": 3 } });
        let path = format!("/api/v1/{way}");
        let dry = path.clone() + "?dry_run=true";
        if way != "waitlist" {
            place.post(Who::Researcher, &dry, &body).await.expect(200);
        }
        if way == "bundles" || way == "waitlist" {
            let done = place.post(Who::Researcher, &path, &body).await.expect(201);
            let details = match way {
                "bundles" => &done["items"][0]["details"],
                _ => &done["details"],
            };
            assert_eq!(details["answers"]["mass"], 3);
        }
    }
}

#[tokio::test]
async fn what_an_offer_asks_is_answered_with_it() {
    let place = Place::new().await;
    let held = place.book(Who::Manager, &wish("B-1", 33, 34)).await;
    let wait = json!({ "instruments": ["B-1"], "start": at(33), "end": at(34),
        "purpose": "急", "details": { "samples": 2 } });
    let made = place.post(Who::Researcher, "/api/v1/waitlist", &wait).await;
    let made = made.expect(201);
    ask_mass(&place, "B-1").await;
    place.delete(Who::Manager, &held).await.expect(200);
    place.hand.advance(5 * scheduler::time::MINUTE_US);
    let path = format!("/api/v1/waitlist/{}/accept", made["id"]);
    let bare = place.send(Who::Researcher, Method::POST, &path, None).await;
    let bare = bare.expect_problem(400, "malformed-request");
    assert_eq!(bare["errors"][0]["field"], "details.answers.mass");
    let told = json!({ "details": { "payer": "甲", "answers": { "mass": 3 } } });
    let booked = place.post(Who::Researcher, &path, &told).await.expect(201);
    assert_eq!(
        booked["details"],
        json!({ "payer": "甲", "samples": 2, "answers": { "mass": 3 } })
    );
}
