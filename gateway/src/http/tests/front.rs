//! What every answer carries: ids, security headers, limits; the pages and the description.

use axum::body::Body;
use axum::http::{Method, Request, header};

use super::{NO_LIMITS, Place, Who};
use crate::config::Limits;
use crate::http::document;

async fn browse(place: &Place, path: &str) -> super::Answer {
    let request = Request::builder()
        .uri(path)
        .header(header::ACCEPT, "text/html,*/*")
        .header(header::ACCEPT_LANGUAGE, "en");
    place.raw(request.body(Body::empty()).unwrap()).await
}

#[tokio::test]
async fn every_answer_is_sealed() {
    let place = Place::new().await;
    let described = document();
    let paths = described.paths.paths.keys().map(String::as_str);
    let others = [
        "/",
        "/instruments/A-1",
        "/assets/none",
        "/problems/not-found",
        "/nowhere.txt",
    ];
    let mut ids = std::collections::HashSet::new();
    for path in paths.chain(others).chain(["/api/v1/openapi.json"]) {
        for method in [Method::GET, Method::POST, Method::OPTIONS] {
            let answer = place.send(Who::Anonymous, method.clone(), path, None).await;
            let policy = answer.header("content-security-policy");
            assert!(
                policy.contains("default-src 'none'"),
                "{method} {path}: {policy}"
            );
            assert!(policy.contains("frame-ancestors 'none'"), "{method} {path}");
            assert_eq!(answer.header("x-content-type-options"), "nosniff");
            assert_eq!(answer.header("referrer-policy"), "no-referrer");
            assert!(
                !answer.header("cache-control").is_empty(),
                "{method} {path}"
            );
            assert!(ids.insert(answer.header("x-request-id").to_owned()));
        }
    }
}

#[tokio::test]
async fn the_pages_start_from_any_address_that_is_no_api() {
    let place = Place::new().await;
    for path in ["/", "/instruments/NM-00001", "/bookings?x=1"] {
        let page = browse(&place, path).await;
        assert_eq!(page.status, 200);
        assert!(
            page.header("content-type").starts_with("text/html"),
            "{path}"
        );
        assert_eq!(page.header("cache-control"), "no-cache");
        assert!(!page.header("etag").is_empty());
    }
    browse(&place, "/api/v1/nowhere")
        .await
        .expect_problem(404, "not-found");
    browse(&place, "/assets/nowhere.js")
        .await
        .expect_problem(404, "not-found");
    let program = place.get(Who::Anonymous, "/nowhere.txt").await;
    program.expect_problem(404, "not-found");
}

#[tokio::test]
async fn programs_that_take_anything_find_the_pages_too() {
    let place = Place::new().await;
    let ask = async |method: Method, path: &str, accept: Option<&str>| {
        let mut request = Request::builder().method(method).uri(path);
        if let Some(accept) = accept {
            request = request.header(header::ACCEPT, accept);
        }
        place.raw(request.body(Body::empty()).unwrap()).await
    };
    for path in ["/", "/instruments/A-1", "/bookings"] {
        for accept in [None, Some("*/*"), Some("text/html")] {
            for method in [Method::GET, Method::HEAD] {
                let answer = ask(method.clone(), path, accept).await;
                assert_eq!(answer.status, 200, "{method} {path} {accept:?}");
                assert!(answer.header("content-type").starts_with("text/html"));
                assert_eq!(answer.bytes.is_empty(), method == Method::HEAD);
            }
        }
        let picky = ask(Method::GET, path, Some("application/json")).await;
        picky.expect_problem(404, "not-found");
    }
    let robots = ask(Method::GET, "/robots.txt", None).await;
    assert_eq!(robots.status, 200);
    assert!(robots.header("content-type").starts_with("text/plain"));
    assert!(
        robots.text().contains("Disallow: /api/"),
        "{}",
        robots.text()
    );
    let icon = ask(Method::GET, "/favicon.ico", Some("image/*")).await;
    assert_eq!(icon.status, 200);
    assert_eq!(icon.header("content-type"), "image/svg+xml");
    assert!(icon.text().contains("<svg"));
}

#[tokio::test]
async fn the_description_is_complete_and_browsable() {
    let place = Place::new().await;
    let answer = place.get(Who::Anonymous, "/api/v1/openapi.json").await;
    let tag = answer.header("etag").to_owned();
    let described = answer.expect(200);
    assert!(described["openapi"].as_str().unwrap().starts_with("3.1"));
    let text = described.to_string();
    // Every reference leads somewhere.
    for part in text.split("#/components/schemas/").skip(1) {
        let name = part.split('"').next().unwrap();
        assert!(
            described["components"]["schemas"][name].is_object(),
            "{name}"
        );
    }
    let request = Request::builder()
        .uri("/api/v1/openapi.json")
        .header(header::IF_NONE_MATCH, tag);
    let again = place.raw(request.body(Body::empty()).unwrap()).await;
    assert_eq!(again.status, 304);
    let docs = browse(&place, "/api/docs/").await;
    assert_eq!(docs.status, 200);
    assert!(docs.text().contains("swagger-ui"));
    assert!(!docs.text().contains("https://"), "no file from elsewhere");
}

/// Every closed list of words is described by the texts that travel.
#[test]
fn lists_of_words_are_described_as_they_are_sent() {
    use crate::booking::record;
    use utoipa::PartialSchema as _;
    let described = serde_json::to_value(document()).unwrap();
    let kinds = &described["components"]["schemas"]["OutageKind"]["enum"];
    let expected = ["planned", "calibration", "fault", "closure"];
    assert_eq!(kinds, &serde_json::json!(expected));
    let described = |schema: utoipa::openapi::RefOr<utoipa::openapi::Schema>| {
        serde_json::to_value(schema).unwrap()["enum"].clone()
    };
    macro_rules! all {
        ($($name:ident)*) => {
            [$((described(record::$name::schema()), serde_json::json!(record::$name::ALL)),)*]
        };
    }
    let all = all!(OutageKind EventKind NoticeKind WaitState PenaltyReason AppealState Corrected
        ServiceKind Cause RunKind Evidence RunState);
    for (described, sent) in all {
        assert_eq!(described, sent);
    }
}

#[tokio::test]
async fn forged_requests_are_measured_by_the_public_address() {
    let here = Place::new().await;
    let public = Place::at(Some("https://ortoo.example"), NO_LIMITS).await;
    for (place, host, origin, status) in [
        (&here, "127.0.0.1:8080", "http://127.0.0.1:8080", 401),
        (&here, "localhost:9", "http://localhost:9", 401),
        (&here, "[::1]:9", "http://[::1]:9", 401),
        (&here, "localhost:9", "http://localhost:10", 403),
        (&here, "evil.example", "http://evil.example", 403),
        (
            &here,
            "127.0.0.1.evil.example",
            "http://127.0.0.1.evil.example",
            403,
        ),
        (&public, "ortoo.example", "https://ortoo.example", 401),
        (&public, "inside:8080", "https://ortoo.example", 401),
        (&public, "ortoo.example", "http://ortoo.example", 403),
        (&public, "evil.example", "http://evil.example", 403),
        (&public, "localhost:9", "http://localhost:9", 403),
        (&public, "ortoo.example", "null", 403),
    ] {
        let request = Request::builder()
            .method(Method::POST)
            .uri("/api/v1/login")
            .header(header::CONTENT_TYPE, "application/json")
            .header(header::HOST, host)
            .header(header::ORIGIN, origin);
        let body = Body::from(r#"{"name":"researcher","password":"guess"}"#);
        let answer = place.raw(request.body(body).unwrap()).await;
        assert_eq!(answer.status, status, "{host} {origin}");
    }
}

#[tokio::test]
async fn strangers_and_members_have_limits_of_their_own() {
    let limits = Limits {
        requests_per_minute: 3,
        anonymous_per_minute: 2,
        ..NO_LIMITS
    };
    let place = Place::with_limits(limits).await;
    for (who, most) in [(Who::Anonymous, 2), (Who::Researcher, 3), (Who::Manager, 3)] {
        for _ in 0..most {
            place.get(who, "/api/v1/status").await.expect(200);
        }
        let limited = place.get(who, "/api/v1/status").await;
        limited.expect_problem(429, "too-many-requests");
    }
    // Pages and health are not counted.
    assert_eq!(browse(&place, "/").await.status, 200);
    place.get(Who::Anonymous, "/healthz").await.expect(200);
    // Another address behind the proxy here is somebody else.
    let request = Request::builder()
        .uri("/api/v1/status")
        .header("x-forwarded-for", "10.0.0.1, 192.0.2.7");
    let other = place.raw(request.body(Body::empty()).unwrap()).await;
    assert_eq!(other.status, 200);
}

#[tokio::test]
async fn readiness_tells_each_part_and_stopping() {
    let place = Place::new().await;
    let ready = place.get(Who::Anonymous, "/readyz").await.expect(200);
    assert_eq!(ready["ready"], true);
    for check in ["booking_database", "telemetry_store", "broker", "disk"] {
        assert_eq!(ready["checks"][check], "ok");
    }
    place.lifecycle.stop();
    place.hand.advance(2_000_000);
    let ready = place.get(Who::Anonymous, "/readyz").await.expect(503);
    assert_eq!(ready["ready"], false);
}

#[tokio::test]
async fn a_panic_is_an_answer() {
    let router = axum::Router::new()
        .route("/", axum::routing::get(panicking))
        .layer(axum::middleware::from_fn_with_state(
            Place::new().await.state.clone(),
            crate::http::front::front,
        ));
    let request = Request::builder().uri("/").body(Body::empty()).unwrap();
    let response = tower::ServiceExt::oneshot(router, request).await.unwrap();
    assert_eq!(response.status(), 500);
    let bytes = axum::body::to_bytes(response.into_body(), usize::MAX)
        .await
        .unwrap();
    let text = String::from_utf8_lossy(&bytes);
    assert!(text.contains("/problems/internal"), "{text}");
    assert!(!text.contains("secret"), "the cause is for the log: {text}");
}

async fn panicking() {
    panic!("a secret of the log");
}
