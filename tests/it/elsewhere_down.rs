//! A store elsewhere that is down or hangs: bookings and acknowledgements go on, and nothing that was
//! acknowledged is missing there in the end.

use std::collections::BTreeSet;
use std::time::Duration;

use serde_json::{Value, json};
use tests::client::Client;
use tests::gateway::{Gateway, Setup};
use tests::publisher::Publisher;
use tests::region::{Plan, Region};
use tests::speaker::Speaker;
use tests::times::{now_ms, quarter_ahead_ms, rfc3339};
use tests::victoria::Victoria;
use tests::wait;

/// What is expected comes within this time, also on a busy machine.
const WITHIN: Duration = Duration::from_secs(60);

/// A gateway whose readings are written on, and who speaks to it.
struct Plant {
    region: Region,
    gateway: Gateway,
    speaker: Speaker,
    said: u32,
}

impl Plant {
    async fn start(dir: &std::path::Path, store_url: &str) -> Self {
        let mut setup = Setup::new(dir);
        let plan = Plan {
            researchers: 1,
            instruments: 1,
            agents: 1,
        };
        let region = Region::fill(&setup, plan).await;
        setup.more = format!("[history]\nstore = \"victoriametrics\"\nurl = \"{store_url}\"\n");
        let gateway = Gateway::start(dir, setup).await;
        let speaker = Speaker::new(&region.agents[0].name);
        Self {
            region,
            gateway,
            speaker,
            said: 0,
        }
    }

    fn client(&self) -> Client {
        let token = &self.region.researchers[0].token;
        self.gateway.client().with_token(token)
    }

    /// Says so many readings and waits until each is acknowledged.
    async fn say(&mut self, count: u32) {
        let agent = &self.region.agents[0];
        let url = self.gateway.mqtt_url();
        let session = Publisher::connect(&url, &agent.name, &agent.secret).await;
        let mut session = session.expect("the broker lets it in");
        let down = format!("ortoo/v1/{}/down/ack", agent.name);
        session.subscribe(&down).await;
        let hello = self.speaker.hello().to_string();
        session.send(&self.speaker.topic("hello"), hello).await;
        for _ in 0..count {
            self.said += 1;
            let values = [("power_w", f64::from(self.said))];
            let batch = self.speaker.readings(&self.region.instruments[0], &values);
            let topic = self.speaker.topic("readings");
            session.send(&topic, batch.to_string()).await;
            session.settled().await.expect("the broker took it");
        }
        let upto = u64::from(self.said);
        wait::until("all to be acknowledged", WITHIN, async || {
            let messages = session.messages();
            let acks = messages.iter().filter_map(|(_, payload)| {
                let ack: Value = serde_json::from_slice(payload).ok()?;
                ack["upto"].as_u64()
            });
            match acks.max() {
                Some(most) if most >= upto => Ok(()),
                most => Err(format!("up to {most:?} of {upto}")),
            }
        })
        .await;
    }

    async fn book(&self, hours: i64) {
        let (start, end) = (
            rfc3339(quarter_ahead_ms(hours)),
            rfc3339(quarter_ahead_ms(hours + 1)),
        );
        let key = &self.region.instruments[0];
        let body = json!({ "instrument": key, "start": start, "end": end, "purpose": "x" });
        let _ = self
            .client()
            .post("/api/v1/bookings", &body)
            .await
            .expect(201);
    }

    /// Returns time and value of all readings as the API tells them.
    async fn told(&self) -> BTreeSet<(i64, u64)> {
        let (from, to) = (rfc3339(now_ms() - 600_000), rfc3339(now_ms() + 60_000));
        let key = &self.region.instruments[0];
        let path =
            format!("/api/v1/instruments/{key}/readings?channel=power_w&from={from}&to={to}");
        let readings = self.client().get(&path).await.expect(200);
        let times: Vec<i64> = serde_json::from_value(readings["times_ms"].clone()).unwrap();
        let values: Vec<f64> = serde_json::from_value(readings["values"].clone()).unwrap();
        let bits = values.into_iter().map(f64::to_bits);
        times.into_iter().zip(bits).collect()
    }

    /// Waits until `/readyz` tells this of the store elsewhere. The gateway itself is ready.
    async fn store_is(&self, well: bool) {
        let client = self.client();
        wait::until("what /readyz says of the store", WITHIN, async || {
            let answer = client.get("/readyz").await;
            let told = answer.body["checks"]["store_elsewhere"].clone();
            if answer.status == 200 && (told == "ok") == well {
                Ok(())
            } else {
                Err(answer.body.to_string())
            }
        })
        .await;
    }
}

#[tokio::test]
async fn what_was_acknowledged_while_the_store_was_down_arrives_after_a_kill() {
    let dir = tempfile::tempdir().unwrap();
    let mut victoria = Victoria::start(dir.path()).await;
    let mut plant = Plant::start(dir.path(), &victoria.url()).await;
    plant.say(10).await;
    plant.store_is(true).await;
    victoria.stop().await;
    plant.say(20).await;
    plant.store_is(false).await;
    plant.book(24).await;
    // More is acknowledged, and the gateway dies before the store is back.
    plant.say(5).await;
    let told = plant.told().await;
    plant.gateway.kill();
    victoria.restart().await;
    plant.gateway.restart().await;
    plant.say(5).await;
    assert!(told.is_subset(&plant.told().await));
    let told = plant.told().await;
    let key = plant.region.instruments[0].clone();
    let selector = format!("ortoo_reading_power_w{{instrument=\"{key}\"}}");
    wait::until("all readings to be in the store", WITHIN, async || {
        let series = victoria.export(&selector).await;
        let samples = series.iter().flat_map(|(_, samples)| samples);
        let there: BTreeSet<(i64, u64)> = samples
            .map(|(time, value)| (*time, value.to_bits()))
            .collect();
        if there == told {
            Ok(())
        } else {
            Err(format!("{} of {} are there", there.len(), told.len()))
        }
    })
    .await;
    plant.store_is(true).await;
    let metrics = plant.gateway.metrics().await;
    assert_eq!(metrics.sum("ortoo_follower_lost_commits_total", &[]), 0.0);
    assert_eq!(plant.gateway.stop().await, Some(0));
}

#[tokio::test]
async fn a_store_that_hangs_stops_neither_bookings_nor_acknowledgements() {
    let dir = tempfile::tempdir().unwrap();
    // It takes connections, as far as the system's queue goes, and never says a word.
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", silent.local_addr().unwrap());
    let mut plant = Plant::start(dir.path(), &url).await;
    plant.say(20).await;
    plant.book(24).await;
    assert_eq!(plant.told().await.len(), 20);
    let metrics = plant.gateway.metrics().await;
    assert!(
        metrics.sum("ortoo_follower_queue_commits", &[]) > 0.0,
        "{}",
        metrics.describe("follower")
    );
    // A request that hangs does not hold up the stop either.
    assert_eq!(plant.gateway.stop().await, Some(0));
}
