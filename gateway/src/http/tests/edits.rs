//! Signing in, tokens, instruments, rules, agents; versions and entity tags.

use std::io::Read as _;

use axum::body::Body;
use axum::http::{Method, Request, header};
use serde_json::{Value, json};

use super::world::{LAB, OTHER_LAB, PASSWORD};
use super::{Answer, NO_LIMITS, Place, Who};
use crate::config::Limits;

/// Sends a request with headers of its own and nobody's token.
pub(super) async fn with_headers(
    place: &Place,
    method: Method,
    path: &str,
    headers: &[(&str, &str)],
    body: Option<Value>,
) -> Answer {
    let mut request = Request::builder().method(method).uri(path);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let body = match body {
        Some(body) => {
            request = request.header(header::CONTENT_TYPE, "application/json");
            Body::from(body.to_string())
        }
        None => Body::empty(),
    };
    place.raw(request.body(body).unwrap()).await
}

pub(super) async fn sign_in(place: &Place) -> String {
    let body = json!({ "name": "researcher", "password": PASSWORD });
    let answer = place.post(Who::Anonymous, "/api/v1/login", &body).await;
    let cookie = answer.header("set-cookie").to_owned();
    let body = answer.expect(200);
    assert_eq!(body["member"]["login"], "researcher");
    assert_eq!(body["member"]["roles"][0]["role"], "researcher");
    for part in ["HttpOnly", "SameSite=Lax", "Path=/"] {
        assert!(cookie.contains(part), "{cookie}");
    }
    cookie.split(';').next().unwrap().to_owned()
}

#[tokio::test]
async fn a_session_lives_in_its_cookie_until_it_is_signed_out() {
    let place = Place::new().await;
    let cookie = sign_in(&place).await;
    let me = async |cookie: &str| {
        let headers = [("cookie", cookie)];
        with_headers(&place, Method::GET, "/api/v1/me", &headers, None).await
    };
    let body = me(&cookie).await.expect(200);
    assert_eq!(body["via"], "session");
    me("ortoo_session=0")
        .await
        .expect_problem(401, "not-signed-in");
    let headers = [
        ("cookie", cookie.as_str()),
        ("sec-fetch-site", "same-origin"),
    ];
    let out = with_headers(&place, Method::POST, "/api/v1/logout", &headers, None).await;
    assert!(out.header("set-cookie").contains("Max-Age=0"));
    out.expect(204);
    me(&cookie).await.expect_problem(401, "not-signed-in");
}

#[tokio::test]
async fn what_another_site_makes_a_browser_send_is_refused() {
    let place = Place::new().await;
    let cookie = sign_in(&place).await;
    for (name, value, expected) in [
        ("sec-fetch-site", "cross-site", 403),
        ("sec-fetch-site", "same-site", 403),
        ("origin", "https://evil.example", 403),
        ("origin", "null", 403),
        ("x-nothing", "at all", 403),
        ("origin", "http://127.0.0.1:8080", 201),
        ("sec-fetch-site", "same-origin", 201),
    ] {
        let headers = [("cookie", cookie.as_str()), (name, value)];
        let body = json!({ "name": "x", "expires_in_days": 1 });
        let answer =
            with_headers(&place, Method::POST, "/api/v1/tokens", &headers, Some(body)).await;
        assert_eq!(
            answer.status,
            expected,
            "{name}: {value}: {}",
            answer.text()
        );
    }
    // A page of another site may not sign its visitor in either; programs without a browser may.
    let body = json!({ "name": "researcher", "password": PASSWORD });
    let headers = [("origin", "https://evil.example")];
    let forged = with_headers(&place, Method::POST, "/api/v1/login", &headers, Some(body)).await;
    forged.expect_problem(403, "not-allowed");
}

#[tokio::test]
async fn wrong_passwords_are_refused_and_then_not_tried_any_more() {
    let limits = Limits {
        login_per_minute: 5,
        ..NO_LIMITS
    };
    let place = Place::with_limits(limits).await;
    let try_it = async |name: &str, password: &str| {
        let body = json!({ "name": name, "password": password });
        place.post(Who::Anonymous, "/api/v1/login", &body).await
    };
    for _ in 0..4 {
        let wrong = try_it("researcher", "guess").await;
        wrong.expect_problem(401, "not-signed-in");
    }
    // Right ones are no failures.
    for _ in 0..3 {
        try_it("researcher", PASSWORD).await.expect(200);
    }
    try_it("researcher", "guess").await.expect(401);
    let limited = try_it("researcher", PASSWORD).await;
    assert!(!limited.header("retry-after").is_empty());
    let problem = limited.expect_problem(429, "too-many-requests");
    assert!(problem["retry_after_s"].as_u64().unwrap() > 0);
    try_it("nobody", "x")
        .await
        .expect_problem(401, "not-signed-in");
    // The owner, elsewhere, is not locked out by whoever guesses here.
    let body = json!({ "name": "researcher", "password": PASSWORD });
    let elsewhere = [("x-forwarded-for", "192.0.2.7")];
    let path = "/api/v1/login";
    let owner = with_headers(&place, Method::POST, path, &elsewhere, Some(body)).await;
    owner.expect(200);
    place.hand.advance(60_000_000);
    try_it("researcher", PASSWORD).await.expect(200);
}

#[tokio::test]
async fn a_token_works_until_it_is_revoked_or_ends() {
    let place = Place::new().await;
    let body = json!({ "name": "notebook", "expires_in_days": 2 });
    let made = place
        .post(Who::Researcher, "/api/v1/tokens", &body)
        .await
        .expect(201);
    let token = made["token"].as_str().unwrap();
    assert!(token.starts_with("ort_") && token.len() == 68, "{token}");
    let bearer = format!("Bearer {token}");
    let me = async || {
        let headers = [("authorization", bearer.as_str())];
        with_headers(&place, Method::GET, "/api/v1/me", &headers, None).await
    };
    assert_eq!(me().await.expect(200)["via"], "token");
    let list = place.get(Who::Researcher, "/api/v1/tokens").await;
    assert!(!list.text().contains(token), "a token is shown once");
    assert_eq!(list.expect(200)["items"].as_array().unwrap().len(), 2);
    place.hand.advance(2 * scheduler::time::DAY_US);
    me().await.expect_problem(401, "not-signed-in");
    for days in [0, 366] {
        let body = json!({ "name": "x", "expires_in_days": days });
        let problem = place.post(Who::Researcher, "/api/v1/tokens", &body).await;
        problem.expect_problem(400, "malformed-request");
    }
    for bad in ["Bearer nonsense", "Basic x", "Bearer"] {
        let headers = [("authorization", bad)];
        let answer = with_headers(&place, Method::GET, "/api/v1/status", &headers, None).await;
        answer.expect_problem(401, "not-signed-in");
    }
}

#[tokio::test]
async fn an_edit_needs_the_version_it_was_made_from() {
    let place = Place::new().await;
    let path = "/api/v1/instruments/A-1";
    let answer = place.get(Who::Manager, path).await;
    assert_eq!(answer.header("etag"), "\"1\"");
    let detail = answer.expect(200);
    assert_eq!(detail["may"], json!({ "book": true, "edit": true }));
    assert_eq!(detail["rules"]["longest"], "PT8H");
    assert_eq!(detail["rules"]["horizon"], "P14D");
    assert_eq!(detail["rules"]["opening_hours"][0]["from"], "08:00");
    assert_eq!(detail["status"], "no_telemetry");
    assert_eq!(detail["centre"]["name"], "分中心2");
    let edit = async |tag: &str, body: Value| {
        let headers = [("authorization", "Bearer ort_2"), ("if-match", tag)];
        with_headers(&place, Method::PATCH, path, &headers, Some(body)).await
    };
    let body = json!({ "room": "B200", "category": "010303" });
    let edited = edit("\"1\"", body).await.expect(200);
    assert_eq!(edited["version"], 2);
    assert_eq!(edited["room"], "B200");
    assert_eq!(edited["category"], "010303");
    edit("\"1\"", json!({ "room": "C" }))
        .await
        .expect_problem(409, "stale-version");
    let cleared = edit("\"2\"", json!({ "category": null })).await.expect(200);
    assert_eq!(cleared["category"], Value::Null);
    assert_eq!(cleared["room"], "B200");
    for body in [
        json!({ "capacity": 0 }),
        json!({ "zone": "Mars/Base" }),
        json!({ "lab": 2 }),
        json!({ "name": " " }),
        json!({ "capabilities": ["Big Word"] }),
        json!({ "category": "12" }),
        json!({ "key": "X" }),
    ] {
        let problem = edit("*", body.clone()).await;
        problem.expect_problem(400, "malformed-request");
    }
    let elsewhere = edit("*", json!({ "lab": OTHER_LAB })).await;
    elsewhere.expect_problem(403, "not-allowed");
}

#[tokio::test]
async fn a_new_instrument_is_found_at_once() {
    let place = Place::new().await;
    let index = async |headers: &[(&str, &str)]| {
        with_headers(
            &place,
            Method::GET,
            "/api/v1/instruments/index",
            headers,
            None,
        )
        .await
    };
    let before = index(&[]).await;
    let tag = before.header("etag").to_owned();
    assert_eq!(
        before.json()["rows"].as_array().unwrap().len(),
        9,
        "drafts are not in it"
    );
    assert_eq!(index(&[("if-none-match", &tag)]).await.status, 304);
    let packed = index(&[("accept-encoding", "gzip")]).await;
    assert_eq!(packed.header("content-encoding"), "gzip");
    let mut text = Vec::new();
    let mut unpacker = flate2::read::GzDecoder::new(packed.bytes.as_slice());
    unpacker.read_to_end(&mut text).unwrap();
    assert_eq!(text, before.bytes);

    let body = json!({ "key": "NM-00001", "name": "显微镜", "name_en": "Microscope",
        "model": "M1", "manufacturer": "Zeiss", "capabilities": ["sem"], "room": "1", "lab": LAB });
    let answer = place.post(Who::Manager, "/api/v1/instruments", &body).await;
    assert_eq!(answer.header("location"), "/api/v1/instruments/NM-00001");
    answer.expect(201);
    place
        .post(Who::Manager, "/api/v1/instruments", &body)
        .await
        .expect_problem(409, "wrong-state");
    let after = index(&[("if-none-match", &tag)]).await;
    assert_eq!(after.status, 200);
    let rows = after.json()["rows"].clone();
    let row = rows
        .as_array()
        .unwrap()
        .iter()
        .find(|row| row[0] == "NM-00001")
        .unwrap();
    assert_eq!(row[6], "sem");
    let path = "/api/v1/instruments?q=zeiss%20%E6%98%BE%E5%BE%AE";
    let list = place.get(Who::Anonymous, path).await.expect(200);
    assert_eq!(list["total"], 1);
    assert_eq!(list["items"][0]["key"], "NM-00001");
}

#[tokio::test]
async fn a_key_is_given_once_whatever_its_capitals() {
    let place = Place::new().await;
    let add = async |key: &str| {
        let body = json!({ "key": key, "name": "显微镜", "model": "M1", "manufacturer": "Zeiss",
            "capabilities": ["sem"], "room": "1", "lab": LAB });
        place.post(Who::Manager, "/api/v1/instruments", &body).await
    };
    let problem = add("a-1").await.expect_problem(409, "wrong-state");
    let detail = problem["detail"].as_str().unwrap();
    assert!(
        detail.contains("A-1") && detail.contains("大小写"),
        "{detail}"
    );
    // D-0 had outages, D-1 nothing at all.
    for key in ["D-0", "D-1"] {
        let path = format!("/api/v1/instruments/{key}");
        let removed = place.send(Who::Manager, Method::DELETE, &path, None).await;
        assert_eq!(removed.status, 204);
    }
    for key in ["D-0", "d-0"] {
        let problem = add(key).await.expect_problem(409, "wrong-state");
        let detail = problem["detail"].as_str().unwrap();
        assert!(detail.contains("历史"), "{detail}");
    }
    add("d-1").await.expect(201);
}

#[tokio::test]
async fn lists_are_filtered_and_paged() {
    let place = Place::new().await;
    for (path, who, expected) in [
        ("/api/v1/instruments", Who::Anonymous, 9),
        ("/api/v1/instruments", Who::Manager, 10),
        ("/api/v1/instruments", Who::Neighbour, 9),
        ("/api/v1/instruments?centre=5", Who::Anonymous, 1),
        ("/api/v1/instruments?lab=4", Who::Anonymous, 8),
        ("/api/v1/instruments?institution=6", Who::Anonymous, 1),
        ("/api/v1/instruments?state=no_telemetry", Who::Anonymous, 9),
        ("/api/v1/instruments?state=running", Who::Anonymous, 0),
        ("/api/v1/instruments?capability=sem", Who::Anonymous, 0),
        ("/api/v1/instruments?bookable=false", Who::Anonymous, 0),
    ] {
        let list = place.get(who, path).await.expect(200);
        assert_eq!(list["total"], expected, "{path} {who:?}");
    }
    let page = place
        .get(Who::Anonymous, "/api/v1/instruments?limit=4")
        .await
        .expect(200);
    assert_eq!(page["next_cursor"], "D-1");
    let path = "/api/v1/instruments?limit=500&cursor=D-1";
    let rest = place.get(Who::Anonymous, path).await.expect(200);
    assert_eq!(rest["items"].as_array().unwrap().len(), 5);
    assert_eq!(rest["next_cursor"], Value::Null);
}
