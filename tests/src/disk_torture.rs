//! One failed flush of a gateway's disk, and whether every promise outlives it.

use std::path::Path;
use std::time::Duration;

use serde_json::{Value, json};

use crate::client::Client;
use crate::disk_faults::failing_flush;
use crate::gateway::{Gateway, Setup};
use crate::publisher::Publisher;
use crate::region::{Plan, Region};
use crate::speaker::Speaker;
use crate::times::{now_ms, quarter_ahead_ms, rfc3339};
use crate::wait;

/// What is asked of a gateway beyond the position of the failure: each thread flushes about once for
/// each round, some at the start.
const ROUNDS_MORE: i64 = 12;
/// An acknowledgement comes within this time, or the disk refused.
const ACK: Duration = Duration::from_secs(5);

/// What came of one failure.
#[derive(Debug, Clone, Copy)]
pub struct Outcome {
    /// A flush failed, and not only was meant to.
    pub failed: bool,
    /// Bookings that were promised, and kept.
    pub bookings: usize,
    /// Readings that were acknowledged, and kept.
    pub readings: usize,
}

/// Starts a gateway whose `position`-th flush of each thread fails once, books and reports while it
/// does, kills it, and checks on a sound disk that all that was promised is there.
///
/// # Panics
/// When a promise is broken, or anything but "not ready" is answered.
pub async fn one_failure(dir: &Path, position: u32) -> Outcome {
    let mut setup = Setup::new(dir);
    let plan = Plan {
        researchers: 1,
        instruments: 1,
        agents: 1,
    };
    let region = Region::fill(&setup, plan).await;
    setup.entrance = failing_flush(dir, position);
    // A gateway whose first flushes fail may refuse to start; it has promised nothing then.
    let Some(mut gateway) = Gateway::try_start(dir, setup).await else {
        return Outcome {
            failed: true,
            bookings: 0,
            readings: 0,
        };
    };
    let client = gateway.client().with_token(&region.researchers[0].token);
    let (agent, key) = (&region.agents[0], &region.instruments[0]);
    let mut speaker = Speaker::new(&agent.name);
    let mut session = Publisher::connect(&gateway.mqtt_url(), &agent.name, &agent.secret)
        .await
        .expect("the broker takes its agent");
    session
        .subscribe(&format!("ortoo/v1/{}/down/+", agent.name))
        .await;
    session
        .send(&speaker.topic("hello"), speaker.hello().to_string())
        .await;
    let mut promised = Vec::new();
    let mut counted = Vec::new();
    for round in 0..i64::from(position) + ROUNDS_MORE {
        promised.extend(book(&client, key, 24 + round).await);
        let value = round as f64;
        let before = session.messages().len();
        let batch = speaker.readings(key, &[("power_w", value)]).to_string();
        session.send(&speaker.topic("readings"), batch).await;
        let acked = tokio::time::timeout(ACK, async {
            while session.messages().len() == before {
                tokio::time::sleep(Duration::from_millis(10)).await; // looks until the deadline
            }
        });
        if acked.await.is_ok() {
            counted.push(json!(value));
        }
    }
    let injected = std::fs::read_to_string(dir.join("flushes.strace")).unwrap_or_default();
    let failed = injected.contains("EIO");
    gateway.kill();
    gateway.setup.entrance = Vec::new();
    gateway.restart().await;
    gateway.is_ready(Duration::from_secs(20)).await;
    for booking in &promised {
        let path = format!("/api/v1/bookings/{booking}");
        let shown = client.get(&path).await.expect(200);
        assert_eq!(shown["status"], "confirmed", "position {position}");
    }
    let shown = values(&client, key).await;
    let missing: Vec<&Value> = counted.iter().filter(|one| !shown.contains(one)).collect();
    assert!(
        missing.is_empty(),
        "position {position}: {missing:?} of {shown:?}"
    );
    Outcome {
        failed,
        bookings: promised.len(),
        readings: counted.len(),
    }
}

/// Returns the booking's id if it was promised; a refusal must be one for a while.
async fn book(client: &Client, key: &str, hours: i64) -> Option<i64> {
    let (start, end) = (
        rfc3339(quarter_ahead_ms(hours)),
        rfc3339(quarter_ahead_ms(hours + 1)),
    );
    let body = json!({ "instrument": key, "start": start, "end": end, "purpose": "disk" });
    let answer = client.post("/api/v1/bookings", &body).await;
    if answer.status == 201 {
        return answer.body["id"].as_i64();
    }
    let _ = answer.expect_problem(503, "not-ready");
    None
}

async fn values(client: &Client, key: &str) -> Vec<Value> {
    let (from, to) = (rfc3339(now_ms() - 600_000), rfc3339(now_ms() + 60_000));
    let path = format!("/api/v1/instruments/{key}/readings?channel=power_w&from={from}&to={to}");
    wait::until("history", Duration::from_secs(10), async || {
        let answer = client.try_send(reqwest::Method::GET, &path, None).await?;
        let body = answer.expect(200);
        body["values"].as_array().cloned().ok_or(body.to_string())
    })
    .await
}
