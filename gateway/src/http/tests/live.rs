//! The live stream and the status board.

use std::time::Duration;

use axum::body::{Body, BodyDataStream};
use axum::http::Request;
use futures::StreamExt as _;
use serde_json::{Value, json};
use tower::ServiceExt as _;

use super::{Place, Who, at};
use crate::http::router;

/// A reader of events.
struct Reader {
    body: BodyDataStream,
    text: String,
}

/// One event.
#[derive(Debug)]
struct Event {
    name: String,
    id: Option<i64>,
    data: Value,
}

impl Reader {
    async fn open(place: &Place, path: &str, last: Option<i64>) -> Self {
        Self::of(place, path, last, None).await
    }

    async fn of(place: &Place, path: &str, last: Option<i64>, by: Option<(&str, &str)>) -> Self {
        let mut request = Request::builder().uri(path);
        if let Some((header, value)) = by {
            request = request.header(header, value);
        }
        if let Some(last) = last {
            request = request.header("last-event-id", last.to_string());
        }
        let request = request.body(Body::empty()).unwrap();
        let response = router(place.state.clone()).oneshot(request).await.unwrap();
        assert_eq!(response.status(), 200);
        Self {
            body: response.into_body().into_data_stream(),
            text: String::new(),
        }
    }

    /// Returns the next event of a name, passing over others.
    async fn next(&mut self, name: &str) -> Event {
        loop {
            let event = tokio::time::timeout(Duration::from_secs(20), self.any()).await;
            let event = event.unwrap_or_else(|_| panic!("no {name} within 20 s"));
            if event.name == name {
                return event;
            }
        }
    }

    async fn any(&mut self) -> Event {
        loop {
            if let Some((event, rest)) = self.text.split_once("\n\n") {
                let field = |name: &str| {
                    event
                        .lines()
                        .find_map(|line| line.strip_prefix(name))
                        .map(str::to_owned)
                };
                let found = field("event: ").map(|name| Event {
                    name,
                    id: field("id: ").map(|id| id.parse().unwrap()),
                    data: serde_json::from_str(&field("data: ").unwrap()).unwrap(),
                });
                self.text = rest.to_owned();
                if let Some(found) = found {
                    return found;
                }
                continue;
            }
            let chunk = self.body.next().await.expect("the stream goes on").unwrap();
            self.text.push_str(std::str::from_utf8(&chunk).unwrap());
        }
    }
}

async fn book(place: &Place, from: i64) -> Value {
    let body =
        json!({ "instrument": "B-1", "start": at(from), "end": at(from + 1), "purpose": "" });
    place
        .post(Who::Researcher, "/api/v1/bookings", &body)
        .await
        .expect(201)
}

#[tokio::test]
async fn a_reader_is_greeted_and_told_what_others_do() {
    let place = Place::new().await;
    let mut reader = Reader::open(&place, "/api/v1/live", None).await;
    let hello = reader.any().await;
    assert_eq!(hello.name, "hello");
    assert_eq!(hello.data["server_time"], at(0));
    let snapshot = reader.any().await;
    assert_eq!(snapshot.name, "status");
    assert_eq!(snapshot.data["snapshot"], true);
    assert_eq!(snapshot.data["status"]["A-1"], "no_telemetry");
    assert_eq!(snapshot.data["status"]["A-DRAFT"], Value::Null);
    assert_eq!(snapshot.data["counts"]["no_telemetry"], 9);

    book(&place, 33).await;
    let told = reader.next("bookings").await;
    assert_eq!(told.data["instruments"], json!(["B-1"]));
    let first = told.id.unwrap();

    // Who comes back is told what was missed, and what is.
    book(&place, 34).await;
    reader.next("bookings").await;
    let mut back = Reader::open(&place, "/api/v1/live", Some(first)).await;
    assert_eq!(back.any().await.name, "hello");
    let missed = back.any().await;
    assert_eq!(missed.name, "bookings");
    assert_eq!(missed.id, Some(first + 1));
    assert_eq!(back.any().await.data["snapshot"], true);
    // Who was away for longer than is remembered is told that.
    let mut late = Reader::open(&place, "/api/v1/live", Some(-1_000)).await;
    assert_eq!(late.any().await.name, "hello");
    assert_eq!(late.any().await.name, "skipped");
}

#[tokio::test]
async fn time_alone_changes_what_is_shown() {
    let place = Place::new().await;
    let mut reader = Reader::open(&place, "/api/v1/live", None).await;
    reader.next("status").await;
    // Tomorrow at 8 the first of seven bookings begins.
    place.hand.advance(32 * scheduler::time::HOUR_US);
    let change = reader.next("status").await.data;
    assert_eq!(change["changes"][0]["key"], "A-1");
    assert_eq!(change["changes"][0]["status"], "booked");
    assert_eq!(change["changes"][0]["since"], at(32));
    assert_eq!(change["counts"]["booked"], 1);
    let status = place
        .get(Who::Anonymous, "/api/v1/status")
        .await
        .expect(200);
    assert_eq!(status["status"]["A-1"], "booked");
    assert_eq!(status["server_time"], at(32));
    let list = place
        .get(Who::Anonymous, "/api/v1/instruments?state=booked")
        .await
        .expect(200);
    assert_eq!(list["items"][0]["key"], "A-1");
    // The night after, outages of an hour each.
    place.hand.advance(16 * scheduler::time::HOUR_US);
    let change = reader.next("status").await.data;
    let changes = change["changes"].as_array().unwrap();
    let of = |key: &str| changes.iter().find(|change| change["key"] == key).unwrap();
    assert_eq!(of("A-1")["status"], "no_telemetry");
    assert_eq!(of("D-0")["status"], "maintenance");
}

#[tokio::test]
async fn the_stream_ends_when_the_gateway_stops() {
    let place = Place::new().await;
    let mut reader = Reader::open(&place, "/api/v1/live", None).await;
    reader.next("status").await;
    place.lifecycle.stop();
    let end = tokio::time::timeout(Duration::from_secs(5), reader.body.next()).await;
    assert!(end.unwrap().is_none());
}

#[tokio::test]
async fn a_stream_ends_with_the_session_or_token_it_was_opened_with() {
    let place = Place::new().await;
    let sign_in = json!({ "name": "researcher", "password": super::world::PASSWORD });
    let answer = place.post(Who::Anonymous, "/api/v1/login", &sign_in).await;
    let cookie = answer
        .header("set-cookie")
        .split(';')
        .next()
        .unwrap()
        .to_owned();
    let by_cookie = [("cookie", cookie.as_str())];
    let by_token = [("authorization", "Bearer ort_1")];
    let mut readers = Vec::new();
    for by in by_cookie.into_iter().chain(by_token) {
        readers.push(Reader::of(&place, "/api/v1/live", None, Some(by)).await);
    }
    let mut stranger = Reader::open(&place, "/api/v1/live", None).await;
    for reader in readers.iter_mut().chain([&mut stranger]) {
        reader.next("status").await;
    }
    let out = Request::builder()
        .method("POST")
        .uri("/api/v1/logout")
        .header("cookie", &cookie)
        .header("sec-fetch-site", "same-origin");
    let out = place.raw(out.body(Body::empty()).unwrap()).await;
    assert_eq!(out.status, 204);
    let revoked = place
        .send(
            Who::Researcher,
            axum::http::Method::DELETE,
            "/api/v1/tokens/1",
            None,
        )
        .await;
    assert_eq!(revoked.status, 204);
    let body = json!({ "instrument": "B-1", "start": at(10), "end": at(11), "purpose": "" });
    let booked = place.post(Who::Stranger, "/api/v1/bookings", &body).await;
    booked.expect(201);
    stranger.next("bookings").await;
    for mut reader in readers {
        let rest = async {
            while let Some(chunk) = reader.body.next().await {
                let text = String::from_utf8_lossy(&chunk.unwrap()).into_owned();
                assert!(!text.contains("event: bookings"), "{text}");
            }
        };
        let ended = tokio::time::timeout(Duration::from_secs(20), rest).await;
        ended.expect("the stream ends");
    }
}
