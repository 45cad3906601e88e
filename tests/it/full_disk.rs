//! A full disk: the gateway says so, promises nothing, and goes on when there is room.

use std::time::Duration;

use serde_json::json;
use tests::disk::Disk;
use tests::gateway::{Gateway, Setup};
use tests::publisher::Publisher;
use tests::region::{Plan, Region};
use tests::speaker::Speaker;
use tests::times::{now_ms, quarter_ahead_ms, rfc3339};
use tests::wait;

/// Room for the databases and their journals, and little more.
const DISK: &str = "48m";
/// The gateway notices that the disk is full, or no longer, within this time.
const NOTICED: Duration = Duration::from_secs(20);

#[tokio::test]
async fn a_full_disk_promises_nothing_and_recovers() {
    let dir = tempfile::tempdir().unwrap();
    let mut setup = Setup::new(dir.path());
    let plan = Plan {
        researchers: 1,
        instruments: 1,
        agents: 1,
    };
    let region = Region::fill(&setup, plan).await;
    let disk = Disk::mount(dir.path(), DISK).await;
    disk.take(&setup.data);
    setup.data = disk.inside().to_owned();
    setup.entrance = disk.entrance();
    let mut gateway = Gateway::start(dir.path(), setup).await;
    let client = gateway.client().with_token(&region.researchers[0].token);
    let agent = &region.agents[0];
    let mut speaker = Speaker::new(&agent.name);
    let key = &region.instruments[0];
    let book = async |hours: i64| {
        let (start, end) = (
            rfc3339(quarter_ahead_ms(hours)),
            rfc3339(quarter_ahead_ms(hours + 1)),
        );
        let body = json!({ "instrument": key, "start": start, "end": end, "purpose": "disk" });
        client.post("/api/v1/bookings", &body).await
    };
    let before = book(24).await.expect(201);
    gateway.is_ready(NOTICED).await;

    disk.fill();
    let reason = wait::until(
        "/readyz to say that the disk is full",
        NOTICED,
        async || {
            let answer = client.get("/readyz").await;
            let disk = answer.body["checks"]["disk"]
                .as_str()
                .unwrap_or_default()
                .to_owned();
            if answer.status == 503 && disk != "ok" {
                Ok(disk)
            } else {
                Err(answer.body.to_string())
            }
        },
    )
    .await;
    println!("readyz: {reason}");
    // What the database's journal still has room for is booked and kept; then bookings are refused.
    let mut promised = vec![before["id"].clone()];
    let mut hours = 25;
    let problem = loop {
        let answer = book(hours).await;
        if answer.status != 201 {
            break answer.expect_problem(503, "not-ready");
        }
        promised.push(answer.body["id"].clone());
        hours += 1;
        assert!(hours < 13 * 24, "bookings are still taken on a full disk");
    };
    let retry_after_s = problem["retry_after_s"].as_u64();
    assert!(
        retry_after_s.is_some_and(|seconds| seconds > 0),
        "{problem:#}"
    );
    println!("{} bookings before the journal was full", promised.len());
    let _ = client.get("/healthz").await.expect(200);
    let shown = client
        .get(&format!("/api/v1/bookings/{}", before["id"]))
        .await
        .expect(200);
    assert_eq!(shown["status"], "confirmed");

    // Readings are not acknowledged while they cannot be kept; the agent tries again, as agents do.
    // What it says at every connect: its outbox holds number 1 and nothing above.
    let hello = speaker.hello().to_string();
    let batch = speaker.readings(key, &[("power_w", 42.0)]).to_string();
    let url = gateway.mqtt_url();
    let session = say(&url, &agent.name, &agent.secret, &speaker, [&hello, &batch]).await;
    let refused = wait::until(
        "the gateway to fail a commit or end the session",
        NOTICED,
        async || {
            let answer = client.get("/readyz").await;
            let store = answer.body["checks"]["telemetry_store"] != "ok";
            let ended = session
                .as_ref()
                .is_none_or(|session| session.ended().is_some());
            if store || ended {
                Ok(answer.body)
            } else {
                Err(answer.body.to_string())
            }
        },
    )
    .await;
    println!("while full: {refused}");
    let acks = session
        .as_ref()
        .map_or(0, |session| session.messages().len());
    assert_eq!(acks, 0, "acknowledged on a full disk");

    disk.make_room();
    gateway.is_ready(NOTICED).await;
    promised.push(book(hours).await.expect(201)["id"].clone());
    wait::until("the readings to be acknowledged", NOTICED, async || {
        let session = say(&url, &agent.name, &agent.secret, &speaker, [&hello, &batch]).await;
        let session = session.ok_or("no session")?;
        let found = tokio::time::timeout(Duration::from_secs(2), async {
            while session.messages().is_empty() {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        });
        found.await.map_err(|_| "no ack".to_owned())
    })
    .await;

    // What was promised is there after a restart, and nothing twice.
    gateway.kill();
    gateway.restart().await;
    for booking in promised {
        let shown = client
            .get(&format!("/api/v1/bookings/{booking}"))
            .await
            .expect(200);
        assert_eq!(shown["status"], "confirmed");
    }
    let (from, to) = (rfc3339(now_ms() - 600_000), rfc3339(now_ms() + 60_000));
    let path = format!("/api/v1/instruments/{key}/readings?channel=power_w&from={from}&to={to}");
    let readings = client.get(&path).await.expect(200);
    assert_eq!(readings["values"], json!([42.0]), "{readings:#}");
}

/// Connects as the agent and says hello and one batch; `None` when the broker would not have it.
async fn say(
    url: &str,
    name: &str,
    secret: &str,
    speaker: &Speaker,
    [hello, batch]: [&str; 2],
) -> Option<Publisher> {
    let mut session = Publisher::connect(url, name, secret).await.ok()?;
    session.subscribe(&format!("ortoo/v1/{name}/down/+")).await;
    session.send(&speaker.topic("hello"), hello).await;
    session.send(&speaker.topic("readings"), batch).await;
    Some(session)
}
