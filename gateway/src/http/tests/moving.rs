//! Moving a node of the tree: who may, where to, and what follows.

use axum::http::Method;
use serde_json::{Value, json};

use super::waiting::wish;
use super::{Answer, Place, Who};

async fn to(place: &Place, who: Who, node: i64, parent: i64) -> Answer {
    let path = format!("/api/v1/nodes/{node}");
    let body = json!({ "parent": parent });
    place.send(who, Method::PATCH, &path, Some(&body)).await
}

#[tokio::test]
async fn a_lab_goes_to_another_institution_with_its_rules_judged_anew() {
    let place = Place::new().await;
    let made = place
        .post(
            Who::RegionAdmin,
            "/api/v1/nodes",
            &json!({ "parent": 2, "name": "新单位" }),
        )
        .await;
    let other = made.expect(201)["id"].as_i64().unwrap();
    let longest = json!({ "rules": [{ "rule": "longest", "mode": "binding", "minutes": 60 }] });
    let rules = format!("/api/v1/nodes/{other}/policy");
    place
        .send(Who::RegionAdmin, Method::PUT, &rules, Some(&longest))
        .await
        .expect(200);
    let two_hours = place.book(Who::Researcher, &wish("A-1", 57, 59)).await;
    for who in [Who::Manager, Who::CentreAdmin] {
        to(&place, who, 4, other)
            .await
            .expect_problem(403, "not-allowed");
    }
    for parent in [1, 2, 4, 99] {
        let wrong = to(&place, Who::RegionAdmin, 4, parent).await;
        let wrong = wrong.expect_problem(400, "malformed-request");
        assert_eq!(wrong["errors"][0]["field"], "parent");
    }
    to(&place, Who::RegionAdmin, 1, 1)
        .await
        .expect_problem(400, "malformed-request");
    place.hand.advance(1);
    let moved = to(&place, Who::RegionAdmin, 4, other).await.expect(200);
    assert_eq!(
        (&moved["parent"], &moved["version"]),
        (&json!(other), &json!(2))
    );
    let again = to(&place, Who::Manager, 4, other).await.expect(200);
    assert_eq!(again["version"], 3, "where it is, it may stay");
    // The rules of the new place are in force; what was booked stays, and was the old place's.
    let refused = place
        .post(Who::Researcher, "/api/v1/bookings", &wish("A-1", 60, 62))
        .await
        .expect_problem(422, "refused-by-policy");
    assert_eq!(refused["refusals"][0]["rule"], "longest");
    let hour = place.book(Who::Researcher, &wish("A-1", 60, 61)).await;
    let institution = async |path: &str| -> Value {
        let read = place.get(Who::Researcher, path).await.expect(200);
        read["institution"]["id"].clone()
    };
    assert_eq!(institution(&two_hours).await, 3);
    assert_eq!(institution(&hour).await, other);
    place.hand.advance(1);
    to(&place, Who::RegionAdmin, 4, 3).await.expect(200);
    assert_eq!(institution(&two_hours).await, 3);
    assert_eq!(institution(&hour).await, other, "also when it went back");
}
