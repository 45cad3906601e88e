//! Every problem in both languages, and how bad requests are told what is wrong with them.

use axum::body::Body;
use axum::http::{Method, Request, header};
use serde_json::{Value, json};

use super::{Place, Who, at};
use crate::http::front::RequestId;
use crate::http::problem::{Problem, ProblemType};
use crate::words::{Language, Said};

/// What each type says, Chinese and English; the pages and their tests rely on it.
const GOLDEN: &str = include_str!("problems.json");

#[tokio::test]
async fn every_problem_says_the_same_as_ever() {
    let mut said = serde_json::Map::new();
    for kind in ProblemType::ALL {
        for language in [Language::Zh, Language::En] {
            let problem = example(kind);
            let id = RequestId {
                run: 7,
                number: 255,
            };
            let response = problem.render(language, id);
            assert_eq!(response.status(), kind.status());
            let bytes = axum::body::to_bytes(response.into_body(), usize::MAX).await;
            let body: Value = serde_json::from_slice(&bytes.unwrap()).unwrap();
            said.insert(format!("{} {}", kind.slug(), language.tag()), body);
        }
    }
    let said = Value::Object(said);
    let golden: Value = serde_json::from_str(GOLDEN).unwrap_or_default();
    assert_eq!(said, golden, "problems.json should be:\n{said:#}");
}

fn example(kind: ProblemType) -> Problem {
    if kind == ProblemType::MalformedRequest {
        Problem::field("start", "must not be empty")
    } else if kind == ProblemType::TooManyRequests {
        Problem::too_many(13)
    } else if kind == ProblemType::NotReady {
        Problem::not_ready(Said::fixed("磁盘已满", "disk full"), 5)
    } else if kind == ProblemType::Internal {
        Problem::internal("a secret of the log")
    } else {
        Problem::new(kind)
    }
}

#[tokio::test]
async fn help_pages_exist_for_every_type_and_no_other() {
    let place = Place::new().await;
    for kind in ProblemType::ALL {
        let page = place.get(Who::Anonymous, &kind.uri()).await;
        assert_eq!(page.status, 200);
        assert!(page.header("content-type").starts_with("text/html"));
        assert!(page.text().contains(kind.slug()));
    }
    place
        .get(Who::Anonymous, "/problems/nonsense")
        .await
        .expect_problem(404, "not-found");
}

#[tokio::test]
async fn a_bad_body_names_the_field() {
    let place = Place::new().await;
    let good = json!({ "instrument": "A-1", "start": at(33), "end": at(34), "purpose": "x" });
    for (field, value) in [
        ("start", json!("tomorrow")),
        ("end", json!(17)),
        ("end", json!(at(1))),
        ("instrument", json!("../../etc")),
        ("instrument", json!(null)),
        ("purpose", json!({ "a": 1 })),
        ("purpose", json!("字".repeat(501))),
        ("colour", json!("red")),
    ] {
        let mut body = good.clone();
        body[field] = value;
        let answer = place.post(Who::Researcher, "/api/v1/bookings", &body).await;
        let problem = answer.expect_problem(400, "malformed-request");
        assert_eq!(problem["errors"][0]["field"], field, "{problem:#}");
        let message = problem["errors"][0]["message"].as_str().unwrap();
        assert!(!message.is_empty());
    }
    let mut body = good.clone();
    body.as_object_mut().unwrap().remove("end");
    let answer = place.post(Who::Researcher, "/api/v1/bookings", &body).await;
    let problem = answer.expect_problem(400, "malformed-request");
    assert_eq!(problem["errors"][0]["field"], "end");
    assert_eq!(problem["errors"][0]["message"], "缺少此字段");

    let rules = json!({ "rules": [{ "rule": "longest", "mode": "default", "minutes": 60 },
        { "rule": "shortest", "mode": "default", "minutes": 0 }] });
    let path = "/api/v1/nodes/4/policy";
    let answer = place
        .send(Who::Manager, Method::PUT, path, Some(&rules))
        .await;
    let problem = answer.expect_problem(400, "malformed-request");
    assert_eq!(problem["errors"][0]["field"], "rules[1].minutes");
}

#[tokio::test]
async fn a_bad_query_names_the_parameter() {
    let place = Place::new().await;
    for (path, field) in [
        ("/api/v1/instruments?limit=many", "limit"),
        ("/api/v1/instruments?limit=501", "limit"),
        ("/api/v1/instruments?state=asleep", "state"),
        ("/api/v1/instruments?colour=red", "colour"),
        ("/api/v1/instruments/A-1/availability?from=x&to=y", "from"),
        (
            "/api/v1/instruments/A-1/availability?from=2026-11-24T00:00:00Z",
            "to",
        ),
        (
            "/api/v1/instruments/A-1/availability?from=2026-11-24T00:00:00Z&to=2027-11-24T00:00:00Z",
            "to",
        ),
        ("/api/v1/bookings?cursor=x", "cursor"),
        ("/api/v1/instruments?cursor=%20", "cursor"),
        ("/api/v1/outages?cursor=x", "cursor"),
        (
            "/api/v1/bookings?from=2026-11-25T00:00:00Z&to=2026-11-24T00:00:00Z",
            "to",
        ),
        ("/api/v1/bookings?limit=1&limit=2", "limit"),
        ("/api/v1/instruments?bookable=perhaps", "bookable"),
        ("/api/v1/instruments?centre=x", "centre"),
        (
            "/api/v1/instruments/A-1/readings?channel=nonsense&from=2026-11-24T00:00:00Z&to=2026-11-25T00:00:00Z",
            "channel",
        ),
        (
            "/api/v1/instruments/A-1/readings?channel=power_w&from=2026-11-24T00:00:00Z&to=2026-11-25T00:00:00Z&format=xml",
            "format",
        ),
        ("/api/v1/bookings?status=lost", "status"),
    ] {
        let problem = place.get(Who::Researcher, path).await;
        let problem = problem.expect_problem(400, "malformed-request");
        assert_eq!(problem["errors"][0]["field"], field, "{path}: {problem:#}");
    }
}

#[tokio::test]
async fn a_channel_that_is_not_there_is_told_with_those_that_are() {
    let place = Place::new().await;
    let window = "from=2026-11-24T00:00:00Z&to=2026-11-25T00:00:00Z";
    for step in ["", "&step=PT1H"] {
        let path = format!("/api/v1/instruments/A-1/readings?channel=pwer_w&{window}{step}");
        let problem = place.get(Who::Anonymous, &path).await;
        let problem = problem.expect_problem(400, "malformed-request");
        let detail = problem["detail"].as_str().unwrap();
        assert!(detail.contains("power_w"), "{detail}");
    }
}

#[tokio::test]
async fn a_tag_that_is_none_is_told() {
    let place = Place::new().await;
    for (tag, status) in [
        ("\"x\"", 400),
        ("W/\"1\"", 400),
        ("\"9\"", 409),
        ("\"1\"", 200),
    ] {
        let request = Request::builder()
            .method(Method::PATCH)
            .uri("/api/v1/instruments/A-1")
            .header(header::AUTHORIZATION, "Bearer ort_2")
            .header(header::CONTENT_TYPE, "application/json")
            .header(header::IF_MATCH, tag);
        let answer = place.raw(request.body(Body::from("{}")).unwrap()).await;
        assert_eq!(answer.status, status, "{tag}: {}", answer.text());
    }
}

#[tokio::test]
async fn what_is_no_json_or_too_large_is_told() {
    let place = Place::new().await;
    let send = async |kind: &str, body: Vec<u8>| {
        let request = Request::builder()
            .method(Method::POST)
            .uri("/api/v1/login")
            .header(header::CONTENT_TYPE, kind)
            .header(header::ACCEPT_LANGUAGE, "en");
        place.raw(request.body(Body::from(body)).unwrap()).await
    };
    for body in ["", "{", "[]", "null", "{} {}", "\u{0}"] {
        let answer = send("application/json", body.as_bytes().to_vec()).await;
        let problem = answer.expect_problem(400, "malformed-request");
        assert!(!problem["errors"].as_array().unwrap().is_empty(), "{body}");
    }
    let answer = send("text/plain", b"{}".to_vec()).await;
    let problem = answer.expect_problem(400, "malformed-request");
    assert_eq!(problem["errors"][0]["field"], "Content-Type");
    assert_eq!(problem["title"], "The request is malformed");
    let large = send("application/json", vec![b' '; 2 * 1024 * 1024]).await;
    large.expect_problem(413, "too-large");
}

#[tokio::test]
async fn addresses_and_methods_that_are_not_there_are_problems() {
    let place = Place::new().await;
    for path in [
        "/api/v1/nowhere",
        "/api/v1/instruments/NO-SUCH",
        "/api/v1/instruments/%2e%2e",
        "/api/v1/bookings/x",
        "/api/v1/nodes/999/policy",
        "/assets/none.js",
    ] {
        let answer = place.get(Who::Manager, path).await;
        answer.expect_problem(404, "not-found");
    }
    let answer = place
        .send(Who::Manager, Method::DELETE, "/api/v1/status", None)
        .await;
    assert!(
        answer.header("allow").contains("GET"),
        "{:?}",
        answer.headers
    );
    answer.expect_problem(405, "method-not-allowed");
}
