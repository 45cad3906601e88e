//! What bad messages get: they are counted by reason, and nobody else suffers.

use std::path::Path;
use std::time::Duration;

use serde_json::{Value, json};
use tests::gateway::{Gateway, Setup};
use tests::publisher::Publisher;
use tests::region::{Plan, Region};
use tests::speaker::Speaker;
use tests::times::{now_ms, rfc3339};
use tests::wait;

const SOON: Duration = Duration::from_secs(20);
const YEAR_MS: i64 = 365 * 86_400_000;

async fn start(dir: &Path) -> (Region, Gateway) {
    let setup = Setup::new(dir);
    let plan = Plan {
        researchers: 1,
        instruments: 2,
        agents: 2,
    };
    let region = Region::fill(&setup, plan).await;
    (region, Gateway::start(dir, setup).await)
}

async fn connect(gateway: &Gateway, region: &Region, agent: usize) -> (Publisher, Speaker) {
    let agent = &region.agents[agent];
    let url = gateway.mqtt_url();
    let mut session = Publisher::connect(&url, &agent.name, &agent.secret)
        .await
        .unwrap();
    let speaker = Speaker::new(&agent.name);
    session
        .subscribe(&format!("ortoo/v1/{}/down/+", agent.name))
        .await;
    session
        .send(&speaker.topic("hello"), speaker.hello().to_string())
        .await;
    session
        .send(&speaker.topic("status"), speaker.online().to_string())
        .await;
    session.settled().await.unwrap();
    (session, speaker)
}

/// Waits until the gateway has acknowledged everything up to a number.
async fn acknowledged(session: &Publisher, speaker: &Speaker, seq: u64) {
    wait::until(&format!("ack up to {seq}"), SOON, async || {
        let messages = session.messages();
        let acks = messages
            .iter()
            .filter_map(|(_, payload)| wire::decode_ack(payload).ok());
        let upto = acks
            .filter(|ack| ack.stream.as_str() == speaker.stream)
            .map(|ack| ack.upto)
            .max();
        if upto >= Some(seq) {
            Ok(())
        } else {
            Err(format!("{upto:?}, ended {:?}", session.ended()))
        }
    })
    .await;
}

/// A copy of a good batch with one thing made wrong.
fn spoilt(speaker: &mut Speaker, key: &str, spoil: impl FnOnce(&mut Value)) -> String {
    let mut batch = speaker.readings(key, &[("power_w", 666.0)]);
    spoil(&mut batch);
    batch.to_string()
}

#[tokio::test]
async fn bad_messages_are_counted_by_reason_and_stop_nobody() {
    let dir = tempfile::tempdir().unwrap();
    let (region, gateway) = start(dir.path()).await;
    let (bad_key, good_key) = (
        region.instruments[0].as_str(),
        region.instruments[1].as_str(),
    );
    let (mut good, mut good_speaker) = connect(&gateway, &region, 1).await;
    let (mut bad, mut speaker) = connect(&gateway, &region, 0).await;
    let topic = speaker.topic("readings");
    let series = |batch: &mut Value, field: &str, value: Value| {
        batch["record"]["series"][0][field] = value;
    };
    let nan = speaker
        .readings(bad_key, &[("power_w", 666.0)])
        .to_string()
        .replace("666.0", "NaN");
    let huge = speaker
        .readings(bad_key, &[("power_w", 666.0)])
        .to_string()
        .replace("666.0", "1e999");
    let messages: Vec<(&str, String)> = vec![
        ("malformed", "{\"stream\":".to_owned()),
        ("malformed", String::new()),
        ("malformed", "\u{0}\u{1}binary".to_owned()),
        ("malformed", "[".repeat(100_000)),
        ("malformed", nan),
        ("malformed", huge),
        (
            "malformed",
            spoilt(&mut speaker, bad_key, |b| b["seq"] = json!(-1)),
        ),
        (
            "shape",
            spoilt(&mut speaker, bad_key, |b| {
                series(b, "offsets_ms", json!([0, -5]))
            }),
        ),
        (
            "shape",
            spoilt(&mut speaker, bad_key, |b| {
                series(b, "values", json!([[1.0, 2.0]]))
            }),
        ),
        (
            "shape",
            spoilt(&mut speaker, bad_key, |b| series(b, "values", json!([]))),
        ),
        (
            "shape",
            spoilt(&mut speaker, bad_key, |b| b["oldest"] = json!(u64::MAX)),
        ),
        ("too_large", "x".repeat(wire::PAYLOAD_BYTES_MAX + 1)),
    ];
    let count = messages.len();
    for (reason, message) in messages {
        let before = gateway.metrics().await;
        let labels = [format!("reason=\"{reason}\"")];
        let labels: Vec<&str> = labels.iter().map(String::as_str).collect();
        let counted = before.sum(REJECTED, &labels);
        bad.send(&topic, message.clone()).await;
        let begin: String = message.chars().take(60).collect();
        wait::until(
            &format!("{reason} to be counted for {begin}"),
            SOON,
            async || {
                let now = gateway.metrics().await;
                if now.sum(REJECTED, &labels) > counted {
                    Ok(())
                } else {
                    Err(now.describe("reject"))
                }
            },
        )
        .await;
        if bad.ended().is_some() {
            // The broker may close a session that sends such things; the agent comes again.
            (bad, _) = connect(&gateway, &region, 0).await;
        }
        let batch = good_speaker.readings(good_key, &[("power_w", 42.0)]);
        good.send(&good_speaker.topic("readings"), batch.to_string())
            .await;
        acknowledged(&good, &good_speaker, good_speaker.seq).await;
    }
    assert_eq!(good_speaker.seq, count as u64);
    let shown = gateway
        .client()
        .get(&format!("/api/v1/instruments/{good_key}"))
        .await
        .expect(200);
    assert_eq!(shown["channels"][0]["value"], 42.0);
    let shown = gateway
        .client()
        .get(&format!("/api/v1/instruments/{bad_key}"))
        .await
        .expect(200);
    assert_eq!(
        shown["channels"].as_array().map(Vec::len),
        Some(0),
        "{shown:#}"
    );
}

/// Counter of messages that were not taken, by reason.
const REJECTED: &str = "ortoo_telemetry_rejected_total";

#[tokio::test]
async fn a_megabyte_hurts_only_its_sender() {
    let dir = tempfile::tempdir().unwrap();
    let (region, gateway) = start(dir.path()).await;
    let (mut good, mut good_speaker) = connect(&gateway, &region, 1).await;
    let (mut bad, speaker) = connect(&gateway, &region, 0).await;
    bad.send(&speaker.topic("readings"), vec![b'x'; 1024 * 1024])
        .await;
    wait::until("the megabyte to be refused", SOON, async || {
        let counted = gateway
            .metrics()
            .await
            .sum(REJECTED, &["reason=\"too_large\""]);
        if counted > 0.0 || bad.ended().is_some() {
            Ok(())
        } else {
            Err("not yet".to_owned())
        }
    })
    .await;
    let batch = good_speaker.readings(&region.instruments[1], &[("power_w", 42.0)]);
    good.send(&good_speaker.topic("readings"), batch.to_string())
        .await;
    acknowledged(&good, &good_speaker, 1).await;
}

#[tokio::test]
async fn an_agent_speaks_only_for_itself_and_its_instruments() {
    let dir = tempfile::tempdir().unwrap();
    let (region, gateway) = start(dir.path()).await;
    let url = gateway.mqtt_url();
    let agent = &region.agents[0];
    assert!(
        Publisher::connect(&url, &agent.name, "wrong")
            .await
            .is_err()
    );
    assert!(
        Publisher::connect(&url, "nobody", &agent.secret)
            .await
            .is_err()
    );

    // Another agent's instrument: the record is acknowledged, for poison never blocks, and counted.
    let (mut session, mut speaker) = connect(&gateway, &region, 0).await;
    let foreign = speaker.readings(&region.instruments[1], &[("power_w", 666.0)]);
    session
        .send(&speaker.topic("readings"), foreign.to_string())
        .await;
    let unknown = speaker.readings("NM-NOBODY", &[("power_w", 666.0)]);
    session
        .send(&speaker.topic("readings"), unknown.to_string())
        .await;
    acknowledged(&session, &speaker, 2).await;
    let metrics = gateway.metrics().await;
    assert!(
        metrics.sum(REJECTED, &[]) >= 2.0,
        "{}",
        metrics.describe("reject")
    );

    // Another agent's topic: refused by the broker, by its end of the session or by silence.
    let other = Speaker::new(&region.agents[1].name);
    let message = speaker.readings(&region.instruments[0], &[("power_w", 667.0)]);
    session
        .send(&other.topic("readings"), message.to_string())
        .await;
    drop(session);
    let (mut good, mut good_speaker) = connect(&gateway, &region, 1).await;
    let batch = good_speaker.readings(&region.instruments[1], &[("power_w", 42.0)]);
    good.send(&good_speaker.topic("readings"), batch.to_string())
        .await;
    acknowledged(&good, &good_speaker, 1).await;
    let client = gateway.client();
    let shown = client
        .get(&format!("/api/v1/instruments/{}", region.instruments[1]))
        .await
        .expect(200);
    assert_eq!(shown["channels"][0]["value"], 42.0);
    let shown = client
        .get(&format!("/api/v1/instruments/{}", region.instruments[0]))
        .await
        .expect(200);
    assert_eq!(
        shown["channels"].as_array().map(Vec::len),
        Some(0),
        "{shown:#}"
    );
}

#[tokio::test]
async fn wrong_clocks_are_mapped_to_the_gateways_time() {
    let dir = tempfile::tempdir().unwrap();
    let (region, gateway) = start(dir.path()).await;
    // A board without a clock begins in 1970; a broken one may think it is 2099.
    for (agent, skew_ms) in [(0, -now_ms()), (1, 73 * YEAR_MS)] {
        let (mut session, mut speaker) = connect(&gateway, &region, agent).await;
        speaker.wall_skew_ms = skew_ms;
        let batch = speaker.readings(&region.instruments[agent], &[("power_w", 42.0)]);
        session
            .send(&speaker.topic("readings"), batch.to_string())
            .await;
        acknowledged(&session, &speaker, 1).await;
        let key = &region.instruments[agent];
        let (from, to) = (rfc3339(now_ms() - 60_000), rfc3339(now_ms() + 60_000));
        let path =
            format!("/api/v1/instruments/{key}/readings?channel=power_w&from={from}&to={to}");
        let readings = gateway.client().get(&path).await.expect(200);
        assert_eq!(readings["values"], json!([42.0]), "{readings:#}");
    }
}
