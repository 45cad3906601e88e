//! Problems: reported with a photo, stopped for, closed; who is told and who sees what.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::{Answer, Method, Place, Who, at};

const PNG: &[u8] = b"\x89PNG\r\n\x1A\n and the picture";

async fn report(place: &Place, who: Who, body: Value) -> Answer {
    place.post(who, "/api/v1/problems", &body).await
}

async fn patch(place: &Place, id: i64, body: Value) -> Answer {
    let path = format!("/api/v1/problems/{id}");
    place
        .send(Who::Manager, Method::PATCH, &path, Some(&body))
        .await
}

async fn notices(place: &Place, who: Who) -> Vec<Value> {
    let list = place.get(who, "/api/v1/notices").await.expect(200);
    list["items"].as_array().unwrap().clone()
}

#[tokio::test]
async fn a_problem_goes_from_its_report_to_its_cause() {
    let place = Place::new().await;
    let photo = STANDARD.encode(PNG);
    let body = json!({ "instrument": "A-1", "text": "样品台卡住", "photo": photo });
    let made = report(&place, Who::Researcher, body).await.expect(201);
    assert_eq!(made["open"], true);
    assert_eq!(made["instrument"], "A-1");
    assert_eq!(made["reporter"]["id"], Who::Researcher.number());
    // Everybody who is signed in sees the problem, not who reported it.
    let detail = place
        .get(Who::Stranger, "/api/v1/instruments/A-1")
        .await
        .expect(200);
    assert_eq!(detail["problems"][0]["text"], "样品台卡住");
    let detail = place
        .get(Who::Anonymous, "/api/v1/instruments/A-1")
        .await
        .expect(200);
    assert_eq!(detail["problems"], json!([]));
    let seen = place
        .get(Who::Stranger, "/api/v1/problems/1")
        .await
        .expect(200);
    assert_eq!(seen["reporter"], Value::Null);
    let told = notices(&place, Who::Manager).await;
    assert_eq!(told[0]["kind"], "problem_reported");
    assert_eq!(
        told[0]["sentence"],
        "X射线衍射仪：有人报告了问题。“样品台卡住”"
    );
    assert!(notices(&place, Who::Neighbour).await.is_empty());

    // Out for a week, linked to the problem; what is booked inside is at risk.
    let stopped = patch(&place, 1, json!({ "stop": {} })).await.expect(200);
    let outage = stopped["outage"].as_i64().unwrap();
    let booking = place
        .get(Who::Researcher, "/api/v1/bookings/1")
        .await
        .expect(200);
    assert_eq!(booking["at_risk"], true);
    let detail = place
        .get(Who::Anonymous, "/api/v1/instruments/A-1")
        .await
        .expect(200);
    assert_eq!(detail["status"], "maintenance");
    let again = patch(&place, 1, json!({ "stop": {} })).await;
    again.expect_problem(409, "wrong-state");

    let closing = json!({ "close": { "cause": "wear", "remedy": "换轴承" } });
    let closed = patch(&place, 1, closing.clone()).await.expect(200);
    assert_eq!(closed["cause"], "wear");
    assert_eq!(closed["outage"], outage, "the history keeps the outage");
    let booking = place
        .get(Who::Researcher, "/api/v1/bookings/1")
        .await
        .expect(200);
    assert_eq!(booking["at_risk"], false, "the outage ended");
    patch(&place, 1, closing)
        .await
        .expect_problem(409, "wrong-state");
    let told = notices(&place, Who::Researcher).await;
    assert_eq!(told[0]["kind"], "problem_closed");
    let detail = place
        .get(Who::Stranger, "/api/v1/instruments/A-1")
        .await
        .expect(200);
    assert_eq!(detail["problems"], json!([]));
    let path = "/api/v1/problems?instrument=A-1&open=false";
    let history = place.get(Who::Stranger, path).await.expect(200);
    assert_eq!(history["items"][0]["remedy"], "换轴承");
}

#[tokio::test]
async fn a_photo_is_served_as_what_it_is_to_those_who_see_the_instrument() {
    let place = Place::new().await;
    let photo = format!("data:text/html;base64,{}", STANDARD.encode(PNG));
    let body = json!({ "instrument": "A-DRAFT", "text": "x", "photo": photo });
    let made = report(&place, Who::Manager, body).await.expect(201);
    let path = made["photo"].as_str().unwrap();
    let answer = place.get(Who::Manager, path).await;
    assert_eq!(answer.status, 200);
    assert_eq!(answer.bytes, PNG);
    assert_eq!(
        answer.header("content-type"),
        "image/png",
        "not what its sender says"
    );
    assert_eq!(answer.header("x-content-type-options"), "nosniff");
    assert!(
        answer
            .header("content-disposition")
            .contains("problem-1.png")
    );
    assert!(answer.header("content-security-policy").contains("sandbox"));
    place
        .get(Who::Anonymous, path)
        .await
        .expect_problem(401, "not-signed-in");
    place
        .get(Who::Stranger, path)
        .await
        .expect_problem(404, "not-found");
    let script = STANDARD.encode(b"<svg onload=alert(1)>");
    let body = json!({ "instrument": "A-1", "text": "x", "photo": script });
    let refused = report(&place, Who::Researcher, body).await;
    let refused = refused.expect_problem(400, "malformed-request");
    assert_eq!(refused["errors"][0]["field"], "photo");
    // Above the limit of other bodies, below the own one; then above the own one.
    let mut large = vec![0; 4 * 1024 * 1024];
    large[..3].copy_from_slice(&[0xFF, 0xD8, 0xFF]);
    let body = json!({ "instrument": "A-1", "text": "x", "photo": STANDARD.encode(&large) });
    report(&place, Who::Researcher, body).await.expect(201);
    large.resize(7 * 1024 * 1024, 0);
    let body = json!({ "instrument": "A-1", "text": "x", "photo": STANDARD.encode(&large) });
    let refused = report(&place, Who::Researcher, body).await;
    refused.expect_problem(413, "too-large");
}

#[tokio::test]
async fn reports_are_bounded_by_person_and_by_instrument() {
    let place = Place::new().await;
    let body = || json!({ "instrument": "A-1", "text": "x" });
    for _ in 0..5 {
        report(&place, Who::Researcher, body()).await.expect(201);
    }
    let refused = report(&place, Who::Researcher, body()).await;
    assert_eq!(refused.header("retry-after"), "3601");
    let refused = refused.expect_problem(429, "too-many-requests");
    assert_eq!(refused["detail"], "每人每小时最多报告 5 个问题");
    let others = [Who::Manager, Who::Stranger, Who::CentreAdmin];
    for who in others {
        for _ in 0..5 {
            report(&place, who, body()).await.expect(201);
        }
    }
    let full = report(&place, Who::Neighbour, body()).await;
    full.expect_problem(409, "wrong-state");
    place.hand.advance(scheduler::time::HOUR_US);
    let other = json!({ "instrument": "B-1", "text": "x" });
    report(&place, Who::Researcher, other).await.expect(201);
}

#[tokio::test]
async fn edits_of_problems_name_what_is_wrong() {
    let place = Place::new().await;
    let body = json!({ "instrument": "A-1", "text": "x" });
    report(&place, Who::Researcher, body).await.expect(201);
    for (body, field) in [
        (json!({}), "close"),
        (json!({ "stop": {}, "close": { "cause": "wear" } }), "close"),
        (json!({ "stop": { "until": at(0) } }), "stop.until"),
        (json!({ "stop": { "until": at(24 * 400) } }), "stop.until"),
        (json!({ "close": { "cause": "magic" } }), "close.cause"),
    ] {
        let problem = patch(&place, 1, body).await;
        let problem = problem.expect_problem(400, "malformed-request");
        assert_eq!(problem["errors"][0]["field"], field);
    }
    let by_reporter = place
        .send(
            Who::Researcher,
            Method::PATCH,
            "/api/v1/problems/1",
            Some(&json!({ "stop": {} })),
        )
        .await;
    by_reporter.expect_problem(403, "not-allowed");
    let empty = report(
        &place,
        Who::Researcher,
        json!({ "instrument": "A-1", "text": " " }),
    )
    .await;
    empty.expect_problem(400, "malformed-request");
}
