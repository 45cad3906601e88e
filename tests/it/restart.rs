//! Scenario 3: `kill -9` of gateway, agent and broker in turn under load. What was acknowledged is
//! there afterwards, once.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use rand::RngExt as _;
use serde_json::{Value, json};
use tests::agent::{Agent, Device};
use tests::client::{Answer, Client};
use tests::gateway::{Broker, Gateway, Setup};
use tests::modbus::Meter;
use tests::mosquitto::Mosquitto;
use tests::region::{Plan, Region};
use tests::times::{QUARTER_MS, now_ms, quarter_ahead_ms, rfc3339};
use tests::wait;
use tokio::task::JoinSet;

const ROUNDS: usize = 20;
/// How often the device is read.
const EVERY_MS: u32 = 50;
/// A reading is in the outbox about a second after it was read; a kill may cost what is not yet
/// there. Twice that, for a busy machine.
const UNSYNCED_MS: u32 = 2_000;
/// Members that book all the time, each on instruments of its own.
const BOOKERS: usize = 2;
const INSTRUMENTS_EACH: usize = 8;
/// Everything has caught up within this time of the last kill.
const CAUGHT_UP: Duration = Duration::from_secs(60);
/// The SDM120's power, where the device serves its counter.
const POWER: u16 = 0x000C;

#[tokio::test]
async fn nothing_acknowledged_is_lost_or_doubled() {
    let dir = tempfile::tempdir().unwrap();
    let mut setup = Setup::new(dir.path());
    let plan = Plan {
        researchers: BOOKERS,
        instruments: 1 + BOOKERS * INSTRUMENTS_EACH,
        agents: 1,
    };
    let region = Region::fill(&setup, plan).await;
    let credential = &region.agents[0];
    let mut broker = Mosquitto::start(dir.path(), &[(&credential.name, &credential.secret)]).await;
    setup.broker = Broker::External(broker.gateway_url());
    let mut gateway = Gateway::start(dir.path(), setup).await;
    let mut meter = Meter::start(dir.path(), 0x160).await;
    meter.tell(json!({ "counter": { "address": POWER } })).await;
    let from_ms = now_ms();
    let mut agent = start_agent(dir.path(), &region, &broker, &meter);

    let over = Arc::new(AtomicBool::new(false));
    let mut load = JoinSet::new();
    for (number, member) in region.researchers.iter().enumerate() {
        let client = gateway.client().with_token(&member.token);
        let first = 1 + number * INSTRUMENTS_EACH;
        let keys = region.instruments[first..first + INSTRUMENTS_EACH].to_vec();
        load.spawn(book_all_the_time(client, keys, number, Arc::clone(&over)));
    }
    for round in 0..ROUNDS {
        // A kill comes after some more readings, so that it hits every stage of their way.
        let more = rand::rng().random_range(5..40);
        let until = meter.report().await["counter"].as_u64().unwrap() + more;
        wait::until(
            &format!("{more} more readings in round {round}"),
            CAUGHT_UP,
            async || {
                let counter = meter.report().await["counter"].as_u64().unwrap();
                if counter >= until {
                    Ok(())
                } else {
                    Err(counter.to_string())
                }
            },
        )
        .await;
        match round % 3 {
            0 => gateway.restart().await,
            1 => agent.restart(),
            _ => broker.restart().await,
        }
        // The next kill must hit a path that works again.
        let client = gateway.client();
        wait::until(
            &format!("readings after kill {round}"),
            CAUGHT_UP,
            async || {
                let path = format!("/api/v1/instruments/{}", region.instruments[0]);
                let shown = client
                    .try_send(reqwest::Method::GET, &path, None)
                    .await?
                    .body;
                let newest = latest(&shown, "power_w").unwrap_or(0.0) as u64;
                if newest > until {
                    Ok(())
                } else {
                    Err(format!("{newest}, not yet beyond {until}"))
                }
            },
        )
        .await;
    }
    // The device falls silent; what it said last arrives.
    let last = meter.tell(json!({ "exception": 4 })).await["counter"]
        .as_u64()
        .unwrap();
    let key = &region.instruments[0];
    let client = gateway.client();
    let kills = ROUNDS.div_ceil(3);
    let history = wait::until(
        &format!("every reading up to {last}"),
        CAUGHT_UP,
        async || {
            let history = readings(&client, key, from_ms).await?;
            // Live readings come first: what was held back follows at its own pace.
            let holes = holes(&history);
            let missing = holes.len() > kills || holes.iter().any(is_too_long);
            if history.last() == Some(&last) && !missing {
                Ok(history)
            } else {
                Err(format!("{:?}, holes {holes:?}", history.last()))
            }
        },
    )
    .await;
    over.store(true, Ordering::Relaxed);
    let booked = load.join_all().await.concat();
    check_counter(&history);
    println!(
        "{} readings, {} bookings over {ROUNDS} kills",
        history.len(),
        booked.len()
    );
    assert!(
        booked.len() > ROUNDS,
        "there was no load: {} bookings",
        booked.len()
    );

    // Of the outbox's own numbers none is missing: the gateway knows no gap, and the agent holds
    // nothing that is not acknowledged.
    assert_eq!(agent.stop().await, Some(0));
    let outbox = agent.outbox().await;
    assert_eq!(
        (outbox.oldest(), outbox.next() > ROUNDS as u64),
        (outbox.next(), true)
    );
    let metrics = gateway.metrics().await;
    assert_eq!(
        metrics.sum("ortoo_telemetry_gaps_total", &[]),
        0.0,
        "{}",
        metrics.describe("gap")
    );

    // After one more kill, every booking that was answered 201 is there.
    gateway.restart().await;
    let admin = gateway.client().with_token(&region.manager.token);
    for key in &region.instruments[1..] {
        let listed = list_bookings(&admin, key).await;
        let mut promised: Vec<i64> = booked
            .iter()
            .filter(|one| one["instrument"]["key"] == **key)
            .map(id_of)
            .collect();
        promised.sort_unstable();
        assert_eq!(listed, promised, "{key}");
    }
    assert_eq!(
        readings(&gateway.client(), key, from_ms).await.unwrap(),
        history
    );
}

/// Returns the latest good value of a channel.
fn latest(instrument: &Value, channel: &str) -> Option<f64> {
    let channels = instrument["channels"].as_array()?;
    channels.iter().find(|one| one["name"] == channel)?["value"].as_f64()
}

fn start_agent(dir: &Path, region: &Region, broker: &Mosquitto, meter: &Meter) -> Agent {
    let device = Device {
        instrument: region.instruments[0].clone(),
        profile: "sdm120".to_owned(),
        address: meter.address.clone(),
        every_ms: EVERY_MS,
    };
    let credential = &region.agents[0];
    Agent::start(
        dir,
        &credential.name,
        &credential.secret,
        &broker.url(),
        &[device],
    )
}

/// The counter rises by one from reading to reading. Only a kill of the agent may cost readings:
/// those that were not yet in the outbox, and the one under way.
fn check_counter(history: &[u64]) {
    for pair in history.windows(2) {
        assert!(pair[1] > pair[0], "doubled or out of order: {pair:?}");
    }
    println!("holes at kills of the agent: {:?}", holes(history));
}

/// Returns the numbers around each hole.
fn holes(history: &[u64]) -> Vec<(u64, u64)> {
    let pairs = history.windows(2).map(|pair| (pair[0], pair[1]));
    pairs
        .filter(|(before, after)| *after != before + 1)
        .collect()
}

/// Returns true if a hole is more than what an agent has not yet written when it is killed.
fn is_too_long((before, after): &(u64, u64)) -> bool {
    after.saturating_sub(*before) > u64::from(UNSYNCED_MS / EVERY_MS) + 2
}

async fn readings(client: &Client, key: &str, from_ms: i64) -> Result<Vec<u64>, String> {
    let (from, to) = (rfc3339(from_ms), rfc3339(now_ms() + 60_000));
    let path = format!("/api/v1/instruments/{key}/readings?channel=power_w&from={from}&to={to}");
    let answer = client.try_send(reqwest::Method::GET, &path, None).await?;
    let body = answer.expect(200);
    let values = body["values"].as_array().unwrap();
    Ok(values
        .iter()
        .filter_map(Value::as_f64)
        .map(|value| value as u64)
        .collect())
}

/// Books slot after slot until told to stop. Without an answer it asks again under the same key,
/// and the answer must be the booking, made once.
async fn book_all_the_time(
    client: Client,
    keys: Vec<String>,
    number: usize,
    over: Arc<AtomicBool>,
) -> Vec<Value> {
    let first_ms = quarter_ahead_ms(24);
    let slots = 10 * 24 * 4;
    let mut booked = Vec::new();
    for slot in 0..slots * keys.len() {
        if over.load(Ordering::Relaxed) {
            break;
        }
        let start_ms = first_ms + (slot / keys.len()) as i64 * QUARTER_MS;
        let body = json!({
            "instrument": keys[slot % keys.len()], "start": rfc3339(start_ms),
            "end": rfc3339(start_ms + QUARTER_MS), "purpose": "load",
        });
        booked.push(book_once(&client, &format!("{number}-{slot}"), &body).await);
        tokio::time::sleep(Duration::from_millis(10)).await; // a load, not a flood
    }
    booked
}

/// Asks until there is an answer.
async fn book_once(client: &Client, once: &str, body: &Value) -> Value {
    let began = Instant::now();
    loop {
        let request = client.request(reqwest::Method::POST, "/api/v1/bookings");
        let request = request.header("Idempotency-Key", once).json(body);
        let answer = Answer::of(once.to_owned(), request).await;
        match answer {
            Ok(answer) if answer.status == 201 => return answer.body,
            Ok(answer) => assert_eq!(answer.status, 503, "{answer:#?}"),
            Err(error) => assert!(began.elapsed() < CAUGHT_UP, "{error}"),
        }
        tokio::time::sleep(Duration::from_millis(20)).await; // it is being started again
    }
}

/// Returns the sorted ids of all bookings of an instrument.
async fn list_bookings(client: &Client, key: &str) -> Vec<i64> {
    let mut ids = Vec::new();
    let mut cursor = String::new();
    loop {
        let path = format!("/api/v1/bookings?instrument={key}&limit=500{cursor}");
        let page = client.get(&path).await.expect(200);
        ids.extend(page["items"].as_array().unwrap().iter().map(id_of));
        match page["next_cursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => break,
        }
    }
    ids.sort_unstable();
    ids
}

fn id_of(booking: &Value) -> i64 {
    booking["id"].as_i64().unwrap()
}
