//! SQLite and PostgreSQL stay one product: equal migrations, equal answers.

use std::collections::BTreeSet;
use std::path::Path;

use serde_json::{Value, json};
use tests::client::Client;
use tests::gateway::{Gateway, Setup};
use tests::postgres::Postgres;
use tests::process::workspace;
use tests::region::{Plan, Region};
use tests::times::{QUARTER_MS, quarter_ahead_ms, rfc3339};

/// Returns the names of the migrations of one database.
fn migrations(database: &str) -> BTreeSet<String> {
    let folder = workspace().join("gateway/migrations").join(database);
    let entries = std::fs::read_dir(&folder).unwrap_or_else(|error| panic!("{folder:?}: {error}"));
    entries
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect()
}

#[test]
fn migrations_have_equal_numbers_and_names() {
    let sqlite = migrations("sqlite");
    assert!(!sqlite.is_empty());
    assert_eq!(sqlite, migrations("postgres"));
    let numbers: Vec<u32> = sqlite
        .iter()
        .map(|name| name.split('_').next().unwrap().parse().unwrap())
        .collect();
    let expected: Vec<u32> = (1..=numbers.len() as u32).collect();
    assert_eq!(numbers, expected, "numbers ascend without holes");
}

#[tokio::test]
async fn the_same_story_gets_the_same_answers() {
    let dir = tempfile::tempdir().unwrap();
    let server = Postgres::start(dir.path()).await;
    let sqlite = story(&dir.path().join("sqlite"), None).await;
    let postgres = story(
        &dir.path().join("postgres-story"),
        Some(server.database("ortoo")),
    )
    .await;
    assert_eq!(sqlite.len(), postgres.len());
    for (number, (one, other)) in sqlite.iter().zip(&postgres).enumerate() {
        assert_eq!(one, other, "step {number}");
    }
}

/// Tells a booking story and returns the answers without what differs from run to run.
async fn story(dir: &Path, database: Option<String>) -> Vec<Value> {
    std::fs::create_dir_all(dir).unwrap();
    let mut setup = Setup::new(dir);
    setup.database = database;
    let plan = Plan {
        researchers: 2,
        instruments: 2,
        agents: 1,
    };
    let region = Region::fill(&setup, plan).await;
    let mut gateway = Gateway::start(dir, setup).await;
    let mut answers = Vec::new();
    let key = region.instruments[0].clone();
    let first_ms = quarter_ahead_ms(48);
    let at = |quarters: i64| rfc3339(first_ms + quarters * QUARTER_MS);
    let body = |from: i64, to: i64| json!({ "instrument": key, "start": at(from), "end": at(to), "purpose": "同一个故事" });
    let nobody = gateway.client();
    let one = nobody.with_token(&region.researchers[0].token);
    let two = nobody
        .with_token(&region.researchers[1].token)
        .reading("zh");
    let manager = nobody.with_token(&region.manager.token);
    let mut tell = async |client: &Client, method: &str, path: String, body: Option<Value>| {
        let method = method.parse().unwrap();
        let answer = client.try_send(method, &path, body.as_ref()).await.unwrap();
        let id = answer.body["id"].clone();
        let mut kept = answer.body;
        strip(&mut kept);
        answers.push(json!({ "asked": path.split('?').next(), "status": answer.status.as_u16(), "body": kept }));
        id
    };
    let bookings = || "/api/v1/bookings".to_owned();
    tell(&nobody, "POST", bookings(), Some(body(0, 4))).await;
    let id = tell(&one, "POST", bookings(), Some(body(0, 4))).await;
    tell(&two, "POST", bookings(), Some(body(2, 6))).await;
    tell(&two, "POST", bookings(), Some(body(4, 8))).await;
    tell(&two, "POST", bookings(), Some(body(8, 100))).await;
    let mut crooked = body(8, 12);
    crooked["start"] = json!(rfc3339(first_ms + 8 * QUARTER_MS + 60_000));
    tell(&two, "POST", bookings(), Some(crooked)).await;
    tell(
        &one,
        "PATCH",
        format!("/api/v1/bookings/{id}"),
        Some(json!({ "end": at(6) })),
    )
    .await;
    tell(
        &one,
        "PATCH",
        format!("/api/v1/bookings/{id}"),
        Some(json!({ "end": at(3) })),
    )
    .await;
    tell(&two, "DELETE", format!("/api/v1/bookings/{id}"), None).await;
    tell(&one, "DELETE", format!("/api/v1/bookings/{id}"), None).await;
    tell(&one, "DELETE", format!("/api/v1/bookings/{id}"), None).await;
    tell(&two, "POST", bookings(), Some(body(0, 4))).await;
    let outage = json!({ "instrument": key, "start": at(2), "end": at(12), "reason": "维护" });
    tell(
        &one,
        "POST",
        "/api/v1/outages".to_owned(),
        Some(outage.clone()),
    )
    .await;
    tell(&manager, "POST", "/api/v1/outages".to_owned(), Some(outage)).await;
    tell(&one, "POST", bookings(), Some(body(9, 11))).await;
    let window = format!("?from={}&to={}", at(-4), at(40));
    tell(
        &nobody,
        "GET",
        format!("/api/v1/instruments/{key}/availability{window}"),
        None,
    )
    .await;
    tell(
        &manager,
        "GET",
        format!("/api/v1/bookings?instrument={key}"),
        None,
    )
    .await;
    assert_eq!(gateway.stop().await, Some(0));
    answers
}

/// Removes identities and times of the run; offsets between times are what the story compares.
fn strip(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            for name in [
                "id",
                "instance",
                "created_at",
                "cancelled_at",
                "undo_until",
                "start",
                "end",
                "from",
                "to",
            ] {
                if fields.get(name).is_some_and(|field| !field.is_null()) {
                    fields.insert(name.to_owned(), json!("..."));
                }
            }
            fields.remove("passes_at");
            fields.values_mut().for_each(strip);
        }
        Value::Array(items) => items.iter_mut().for_each(strip),
        _ => {}
    }
}
