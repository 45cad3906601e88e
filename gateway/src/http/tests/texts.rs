//! What texts may hold, wherever they come in.

use axum::http::Method;
use serde_json::{Value, json};

use super::world::LAB;
use super::{Place, Who, at};

#[tokio::test]
async fn control_characters_are_refused_in_every_text() {
    let place = Place::new().await;
    let booking = json!({ "instrument": "A-1", "start": at(33), "end": at(34), "purpose": "x" });
    let outage = json!({ "instrument": "A-1", "start": at(33), "end": at(34), "reason": "x" });
    let token = json!({ "name": "x", "expires_in_days": 2 });
    let instrument = json!({ "key": "N-1", "name": "显微镜", "name_en": "x", "model": "x",
        "manufacturer": "x", "capabilities": ["sem"], "room": "x", "lab": LAB });
    let one_line = [
        "a\u{0}",
        "a\nb",
        "a\u{202e}b",
        "\u{200b}a",
        "a\u{feff}",
        "\u{9b}",
    ];
    let prose = ["a\u{0}", "\u{1b}[2J", "\u{7f}"];
    for (path, body, field, wrong) in [
        ("bookings", &booking, "purpose", prose.as_slice()),
        ("bookings", &booking, "project", &one_line),
        ("bookings", &booking, "instrument", &one_line),
        ("outages", &outage, "reason", &prose),
        ("outages", &outage, "reason", &["", " \n\t"]),
        ("tokens", &token, "name", &one_line),
        ("tokens", &token, "name", &["", " "]),
        ("instruments", &instrument, "name", &one_line),
        ("instruments", &instrument, "name_en", &one_line),
        ("instruments", &instrument, "model", &one_line),
        ("instruments", &instrument, "manufacturer", &one_line),
        ("instruments", &instrument, "room", &one_line),
        (
            "login",
            &json!({ "name": "x", "password": "y" }),
            "name",
            &one_line,
        ),
    ] {
        for text in wrong {
            let mut body = body.clone();
            body[field] = json!(text);
            let answer = place
                .post(Who::Manager, &format!("/api/v1/{path}"), &body)
                .await;
            let problem = answer.expect_problem(400, "malformed-request");
            assert_eq!(problem["errors"][0]["field"], field, "{path} {text:?}");
        }
    }
    let path = "/api/v1/instruments?q=%00";
    let problem = place.get(Who::Anonymous, path).await;
    let problem = problem.expect_problem(400, "malformed-request");
    assert_eq!(problem["errors"][0]["field"], "q");
    let source = json!({ "agent": "agent-1", "device": "a\u{2067}" });
    let path = "/api/v1/instruments/A-1/source";
    let answer = place.send(Who::Manager, Method::PUT, path, Some(&source));
    answer.await.expect_problem(400, "malformed-request");
}

#[tokio::test]
async fn a_purpose_may_have_lines_or_be_left_empty() {
    let place = Place::new().await;
    for (hour, purpose, kept) in [
        (10, "第一行\n\tsecond", "第一行\n\tsecond"),
        (11, " \n ", ""),
        (12, "", ""),
    ] {
        let (start, end) = (at(hour), at(hour + 1));
        let body = json!({ "instrument": "A-1", "start": start, "end": end, "purpose": purpose });
        let answer = place.post(Who::Researcher, "/api/v1/bookings", &body).await;
        let booking: Value = answer.expect(201);
        assert_eq!(booking["purpose"], kept);
    }
}
