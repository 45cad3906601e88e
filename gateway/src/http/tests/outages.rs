//! Outages that ask for a choice, over HTTP.

use axum::http::Method;
use serde_json::{Value, json};

use super::{Place, Who, at};

/// Over the researcher's bookings 1 to 3 on A-1, tomorrow from 8 to 11.
fn outage(bookings: &Value) -> Value {
    json!({ "instrument": "A-1", "start": at(32), "end": at(35), "kind": "fault",
        "reason": "lamp", "bookings": bookings })
}

#[tokio::test]
async fn a_trial_lists_bookings_with_places_for_them() {
    let place = Place::new().await;
    let path = "/api/v1/outages?dry_run=true";
    let tried = place
        .post(Who::Manager, path, &outage(&json!([])))
        .await
        .expect(200);
    assert_eq!(tried["total"], 3);
    let first = &tried["bookings"][0];
    assert_eq!((&first["id"], &first["start"]), (&json!(1), &json!(at(32))));
    assert_eq!(first["member"], json!({ "id": 1, "name": "人员1" }));
    let proposals = first["proposals"].as_array().unwrap();
    assert_eq!(proposals.len(), 3);
    assert_eq!(proposals[0]["instrument"], "D-0");
    assert_eq!(
        (&proposals[0]["start"], &proposals[0]["end"]),
        (&json!(at(32)), &json!(at(33)))
    );
    assert_eq!(proposals[0]["same_lab"], true);
    let list = place
        .get(Who::Manager, "/api/v1/outages?instrument=A-1")
        .await;
    assert_eq!(list.expect(200)["total"], 0);
}

#[tokio::test]
async fn a_proposal_can_be_chosen() {
    let place = Place::new().await;
    let choices = json!([
        { "id": 1, "do": "move", "to": { "instrument": "D-0", "start": at(32) } },
        { "id": 2, "do": "cancel" },
        { "id": 3, "do": "keep" },
    ]);
    let opened = place
        .post(Who::Manager, "/api/v1/outages", &outage(&choices))
        .await
        .expect(201);
    assert_eq!(opened["at_risk"], json!([3]));
    assert_eq!(opened["kind"], "fault");
    let booking = async |id: i64| {
        let path = format!("/api/v1/bookings/{id}");
        place.get(Who::Researcher, &path).await.expect(200)
    };
    assert_eq!(booking(1).await["instrument"]["key"], "D-0");
    assert_eq!(booking(2).await["status"], "cancelled");
    assert_eq!(booking(3).await["at_risk"], true);
}

#[tokio::test]
async fn a_choice_that_fails_names_its_booking() {
    let place = Place::new().await;
    let path = "/api/v1/outages";
    for (choice, slug) in [
        (
            json!({ "id": 1, "do": "move", "to": { "instrument": "A-1", "start": at(36) } }),
            "slot-taken",
        ),
        (
            json!({ "id": 1, "do": "move", "to": { "instrument": "A-1", "start": at(33) } }),
            "wrong-state",
        ),
        (json!({ "id": 5, "do": "cancel" }), "wrong-state"),
        (
            json!({ "id": 1, "do": "move", "to": { "instrument": "D-0", "start": at(-2) } }),
            "wrong-state",
        ),
    ] {
        let id = choice["id"].clone();
        let answer = place
            .post(Who::Manager, path, &outage(&json!([choice])))
            .await;
        assert_eq!(answer.expect_problem(409, slug)["booking"], id);
    }
    for choice in [
        json!({ "id": 1, "do": "move" }),
        json!({ "id": 1, "do": "keep", "to": { "instrument": "D-0", "start": at(32) } }),
        json!({ "id": 1, "do": "forget" }),
    ] {
        let answer = place
            .post(Who::Manager, path, &outage(&json!([choice])))
            .await;
        answer.expect_problem(400, "malformed-request");
    }
    let hidden =
        json!([{ "id": 1, "do": "move", "to": { "instrument": "NOWHERE", "start": at(32) } }]);
    let answer = place.post(Who::Manager, path, &outage(&hidden)).await;
    answer.expect_problem(404, "not-found");
    let kept = place
        .get(Who::Researcher, "/api/v1/bookings/1")
        .await
        .expect(200);
    assert_eq!(
        (&kept["status"], &kept["at_risk"]),
        (&json!("confirmed"), &json!(false))
    );
}

#[tokio::test]
async fn an_end_can_be_moved_while_it_lasts() {
    let place = Place::new().await;
    let opened = place
        .post(Who::Manager, "/api/v1/outages", &outage(&json!([])))
        .await
        .expect(201);
    let path = format!("/api/v1/outages/{}", opened["id"]);
    let until = async |end: String| {
        let body = json!({ "end": end });
        place
            .send(Who::Manager, Method::PATCH, &path, Some(&body))
            .await
    };
    let longer = until(at(36)).await.expect(200);
    assert_eq!(longer["end"], at(36));
    assert_eq!(longer["at_risk"], json!([1, 2, 3, 4]));
    for wrong in [at(32), at(-1)] {
        until(wrong).await.expect_problem(400, "malformed-request");
    }
    place
        .send(Who::Manager, Method::DELETE, &path, None)
        .await
        .expect(204);
    until(at(40)).await.expect_problem(409, "wrong-state");
}
