//! One's own password and tokens.

use axum::http::Method;
use serde_json::{Value, json};

use super::edits::{sign_in, with_headers};
use super::world::PASSWORD;
use super::{Answer, NO_LIMITS, Place, Who};
use crate::config::Limits;

async fn change(place: &Place, cookie: &str, old: &str, new: &str) -> Answer {
    let headers = [("cookie", cookie), ("sec-fetch-site", "same-origin")];
    let body = json!({ "old": old, "new": new });
    let path = "/api/v1/me/password";
    with_headers(place, Method::PUT, path, &headers, Some(body)).await
}

async fn me(place: &Place, cookie: &str) -> u16 {
    let headers = [("cookie", cookie)];
    let answer = with_headers(place, Method::GET, "/api/v1/me", &headers, None).await;
    answer.status.as_u16()
}

#[tokio::test]
async fn a_new_password_ends_every_other_session() {
    let place = Place::new().await;
    let here = sign_in(&place).await;
    let elsewhere = sign_in(&place).await;
    for (old, new, field) in [
        ("wrong", "a new password", "old"),
        (PASSWORD, "short", "new"),
        (PASSWORD, PASSWORD, "new"),
        (PASSWORD, "ReSearcher", "new"),
    ] {
        let refused = change(&place, &here, old, new).await;
        let refused = refused.expect_problem(400, "malformed-request");
        assert_eq!(refused["errors"][0]["field"], field);
    }
    assert_eq!(me(&place, &elsewhere).await, 200);
    let new = "a new password";
    change(&place, &here, PASSWORD, new).await.expect(204);
    assert_eq!(
        (me(&place, &here).await, me(&place, &elsewhere).await),
        (200, 401)
    );
    for (password, expected) in [(PASSWORD, 401), (new, 200)] {
        let body = json!({ "name": "researcher", "password": password });
        let answer = place.post(Who::Anonymous, "/api/v1/login", &body).await;
        assert_eq!(answer.status.as_u16(), expected);
    }
    let member = place.get(Who::Researcher, "/api/v1/me").await.expect(200);
    assert_eq!(member["via"], "token", "tokens stay");
}

#[tokio::test]
async fn guessing_at_the_present_password_is_guessing_at_signing_in() {
    let limits = Limits {
        login_per_minute: 3,
        ..NO_LIMITS
    };
    let place = Place::with_limits(limits).await;
    let cookie = sign_in(&place).await;
    for _ in 0..3 {
        let wrong = change(&place, &cookie, "wrong", "a new password").await;
        wrong.expect_problem(400, "malformed-request");
    }
    let more = change(&place, &cookie, PASSWORD, "a new password").await;
    more.expect_problem(429, "too-many-requests");
    let body = json!({ "name": "researcher", "password": PASSWORD });
    let sign_in = place.post(Who::Anonymous, "/api/v1/login", &body).await;
    sign_in.expect_problem(429, "too-many-requests");
}

#[tokio::test]
async fn a_token_for_reading_reads() {
    let place = Place::new().await;
    let path = "/api/v1/tokens";
    let with_scope = async |scope: Value| {
        let body = json!({ "name": "x", "expires_in_days": 1, "scope": scope });
        place.post(Who::Researcher, path, &body).await
    };
    with_scope(json!("write"))
        .await
        .expect_problem(400, "malformed-request");
    let made = with_scope(json!("read")).await.expect(201);
    assert_eq!(made["scope"], "read");
    let bearer = format!("Bearer {}", made["token"].as_str().unwrap());
    let headers = [("authorization", bearer.as_str())];
    let list = with_headers(&place, Method::GET, path, &headers, None).await;
    let scopes: Vec<Value> = list.expect(200)["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| one["scope"].clone())
        .collect();
    assert_eq!(scopes, ["all", "read"]);
    let one = format!("{path}/{}", made["id"]);
    let write = with_headers(&place, Method::DELETE, &one, &headers, None).await;
    write.expect_problem(403, "not-allowed");
    place.delete(Who::Researcher, &one).await.expect(204);
    let gone = with_headers(&place, Method::GET, path, &headers, None).await;
    gone.expect_problem(401, "not-signed-in");
}
