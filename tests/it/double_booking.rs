//! Scenario 2: many members post the same slot at the same moment, and exactly one gets it; past
//! the desk, the database refuses.

use std::collections::HashSet;
use std::path::Path;
use std::sync::Arc;

use serde_json::{Value, json};
use tests::database::Database;
use tests::gateway::{Gateway, Setup};
use tests::postgres::Postgres;
use tests::region::{Plan, Region};
use tests::times::{quarter_ahead_ms, rfc3339, same_instant};
use tokio::sync::Barrier;
use tokio::task::JoinSet;

const MEMBERS: usize = 16;
const SLOTS: i64 = 50;
const HOUR_MS: i64 = 3_600_000;

#[tokio::test]
async fn one_of_sixteen_gets_each_slot_on_sqlite() {
    let dir = tempfile::tempdir().unwrap();
    race(dir.path(), None).await;
}

#[tokio::test]
async fn one_of_sixteen_gets_each_slot_on_postgres() {
    let dir = tempfile::tempdir().unwrap();
    let server = Postgres::start(dir.path()).await;
    race(dir.path(), Some(server.database("ortoo"))).await;
}

async fn race(dir: &Path, database: Option<String>) {
    let mut setup = Setup::new(dir);
    setup.database = database;
    let plan = Plan {
        researchers: MEMBERS,
        instruments: 2,
        agents: 1,
    };
    let region = Region::fill(&setup, plan).await;
    let mut gateway = Gateway::start(dir, setup.clone()).await;
    let key = region.instruments[0].clone();
    let first_ms = quarter_ahead_ms(24);
    let gate = Arc::new(Barrier::new(MEMBERS));
    let mut members = JoinSet::new();
    for member in &region.researchers {
        let client = gateway.client().with_token(&member.token);
        let (gate, key) = (Arc::clone(&gate), key.clone());
        members.spawn(async move {
            let mut answers = Vec::new();
            for slot in 0..SLOTS {
                let (start, end) = slot_times(first_ms, slot);
                let body =
                    json!({ "instrument": key, "start": start, "end": end, "purpose": "race" });
                gate.wait().await;
                answers.push(client.post("/api/v1/bookings", &body).await);
            }
            answers
        });
    }
    let answers = members.join_all().await;
    let mut booked = HashSet::new();
    for slot in 0..SLOTS {
        let (start, end) = slot_times(first_ms, slot);
        let mut winners = 0;
        for answer in answers.iter().map(|answers| &answers[slot as usize]) {
            match answer.status.as_u16() {
                201 => {
                    winners += 1;
                    booked.insert(answer.body["id"].as_i64().unwrap());
                    assert!(
                        same_instant(&answer.body["start"], &start),
                        "{:#}",
                        answer.body
                    );
                }
                409 => check_conflict(&answer.body, &start, &end),
                _ => panic!("slot {slot}: {answer:#?}"),
            }
        }
        assert_eq!(winners, 1, "slot {slot}");
    }
    assert_eq!(
        booked.len(),
        SLOTS as usize,
        "two slots got the same booking"
    );

    let database = Database::open(&setup).await;
    assert_eq!(database.overlaps().await, 0);
    assert_eq!(database.claims(&key).await, SLOTS);
    // What the API shows afterwards is what was promised.
    let manager = gateway.client().with_token(&region.manager.token);
    let list = manager
        .get(&format!("/api/v1/bookings?instrument={key}&limit=500"))
        .await
        .expect(200);
    let listed: HashSet<i64> = list["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| one["id"].as_i64().unwrap())
        .collect();
    assert_eq!(listed, booked);

    // Past the desk: a copy of a claim, one that reaches into another, and one moved into another.
    let half_ms = HOUR_MS / 2;
    for shift_ms in [0, half_ms, -half_ms] {
        let refused = database.try_copy(&key, shift_ms).await.unwrap_err();
        assert!(refused.contains("overlap"), "{shift_ms} ms: {refused}");
    }
    for shift_ms in [half_ms, -half_ms] {
        let refused = database.try_move(&key, shift_ms).await.unwrap_err();
        assert!(refused.contains("overlap"), "{shift_ms} ms: {refused}");
    }
    // The same statements pass where the time is free: it was the overlap that was refused.
    let free_ms = 100 * 24 * HOUR_MS;
    database.try_copy(&key, free_ms).await.unwrap();
    database.try_move(&key, free_ms).await.unwrap();
    assert_eq!(database.overlaps().await, 0);
    assert_eq!(gateway.stop().await, Some(0));
}

fn slot_times(first_ms: i64, slot: i64) -> (String, String) {
    let start = first_ms + slot * HOUR_MS;
    (rfc3339(start), rfc3339(start + HOUR_MS))
}

/// A refusal names what is in the way and at most three slots that are free.
#[track_caller]
fn check_conflict(body: &Value, start: &str, end: &str) {
    assert_eq!(body["type"], "/problems/slot-taken", "{body:#}");
    let conflicts = body["conflicts"].as_array().unwrap();
    assert_eq!(conflicts.len(), 1, "{body:#}");
    assert!(same_instant(&conflicts[0]["start"], start), "{body:#}");
    assert!(same_instant(&conflicts[0]["end"], end), "{body:#}");
    assert_eq!(conflicts[0]["kind"], "booking", "{body:#}");
    let next = body["next_free"].as_array().unwrap();
    assert!((1..=3).contains(&next.len()), "{body:#}");
}
