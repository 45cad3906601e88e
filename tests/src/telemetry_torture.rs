//! Telemetry torture: `kill -9` and broken links over gateway, broker, agents, while devices count.
//!
//! What comes in: a plan. What goes out: what each device counted beside what history holds of it.
//! Every read of a device raises its counter by one, so that a number that is missing is a reading
//! that was lost, and one that comes twice was stored twice.

use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};
use serde_json::{Value, json};

use crate::agent::{Agent, Device};
use crate::client::Client;
use crate::gateway::{Broker, Gateway, Setup};
use crate::link::{Fault, Link};
use crate::modbus::Meter;
use crate::mosquitto::Mosquitto;
use crate::region::{self, Region};
use crate::times::{now_ms, rfc3339};
use crate::wait;

/// How often a device is read.
const EVERY_MS: u32 = 100;
/// A reading is in the outbox about a second after it was read: a kill of the agent may cost what is
/// not there yet. Twice that, for a busy machine.
const UNSYNCED_MS: u32 = 2_000;
/// The SDM120's power, where the device serves its counter.
const POWER: u16 = 0x000C;
/// Everything has caught up within this time of a fault's end.
const CAUGHT_UP: Duration = Duration::from_secs(120);
/// What a slow link adds to each chunk.
const LATE: Duration = Duration::from_millis(150);

/// A torture.
#[derive(Debug, Clone, Copy)]
pub struct Plan {
    /// Faults, one after the other.
    pub cycles: usize,
    /// Agents, each with one device and one instrument.
    pub agents: usize,
    /// Whether a Mosquitto stands between; otherwise the gateway is the broker.
    pub external: bool,
    /// What chooses the faults.
    pub seed: u64,
}

/// One device and what became of its count.
#[derive(Debug)]
pub struct Counted {
    /// The last number it gave out.
    pub last: u64,
    /// How often its agent was killed.
    pub kills: usize,
    /// What history holds, in the order of time.
    pub history: Vec<u64>,
}

/// What a torture showed.
#[derive(Debug)]
pub struct Report {
    /// Each device.
    pub counted: Vec<Counted>,
    /// Each fault, in words.
    pub faults: Vec<String>,
    /// Records that the gateway says were lost; none may be.
    pub gaps: f64,
    /// Agents that still held something when all had arrived.
    pub holding: usize,
}

impl Report {
    /// Returns everything wrong, in words.
    #[must_use]
    pub fn findings(&self) -> Vec<String> {
        let mut found = Vec::new();
        if self.gaps > 0.0 {
            found.push(format!("the gateway counts {} gaps", self.gaps));
        }
        if self.holding > 0 {
            found.push(format!("{} agents still hold records", self.holding));
        }
        for (number, counted) in self.counted.iter().enumerate() {
            counted.check(number, &mut found);
        }
        found
    }
}

impl Counted {
    /// Returns what is wrong with it, in words.
    fn faults(&self, number: usize) -> Vec<String> {
        let mut found = Vec::new();
        self.check(number, &mut found);
        found
    }

    fn check(&self, number: usize, found: &mut Vec<String>) {
        if self.history.last() != Some(&self.last) {
            let last = self.history.last();
            found.push(format!(
                "device {number} ends at {last:?}, not {}",
                self.last
            ));
        }
        let most = u64::from(UNSYNCED_MS / EVERY_MS) + 2;
        let mut holes = 0;
        for pair in self.history.windows(2) {
            let &[before, after] = pair else { continue };
            if after <= before {
                found.push(format!("device {number}: {before} then {after}"));
            } else if after != before + 1 {
                holes += 1;
                if after - before > most {
                    found.push(format!("device {number}: nothing from {before} to {after}"));
                }
            }
        }
        if holes > self.kills {
            let kills = self.kills;
            found.push(format!("device {number}: {holes} holes, {kills} kills"));
        }
    }
}

/// Everything that runs.
struct Plant {
    gateway: Gateway,
    broker: Option<Mosquitto>,
    /// Between agents and broker.
    edge: Link,
    /// Between broker and gateway, if they are two.
    core: Option<Link>,
    agents: Vec<Agent>,
    meters: Vec<Meter>,
    kills: Vec<usize>,
    region: Region,
    client: Client,
}

/// Runs a torture in a folder.
///
/// # Panics
/// When a part does not start, or does not work again after a fault.
pub async fn run(dir: &Path, plan: Plan) -> Report {
    let mut dice = StdRng::seed_from_u64(plan.seed);
    let from_ms = now_ms();
    let mut plant = Plant::start(dir, plan).await;
    let mut faults = Vec::new();
    for cycle in 0..plan.cycles {
        plant.count_on(dice.random_range(3..15)).await;
        let fault = plant.break_something(&mut dice).await;
        plant.works_again(cycle, &fault).await;
        faults.push(fault);
    }
    plant.end(from_ms, faults).await
}

impl Plant {
    async fn start(dir: &Path, plan: Plan) -> Self {
        let mut setup = Setup::new(dir);
        let size = region::Plan {
            researchers: 1,
            instruments: plan.agents,
            agents: plan.agents,
        };
        let region = Region::fill(&setup, size).await;
        let (mut broker, mut core) = (None, None);
        if plan.external {
            let credentials: Vec<(&str, &str)> = region
                .agents
                .iter()
                .map(|one| (one.name.as_str(), one.secret.as_str()))
                .collect();
            let mosquitto = Mosquitto::start(dir, &credentials).await;
            let link = Link::to(loopback(mosquitto.port())).await;
            let url = mosquitto.gateway_url();
            let (before, _) = url.rsplit_once(':').expect("an address has a port");
            setup.broker = Broker::External(format!("{before}:{}", link.address().port()));
            (broker, core) = (Some(mosquitto), Some(link));
        }
        let gateway = Gateway::start(dir, setup).await;
        let port = match &broker {
            Some(broker) => broker.port(),
            None => crate::gateway::port_of(&json!(gateway.mqtt_url())),
        };
        let edge = Link::to(loopback(port)).await;
        let url = format!("mqtt://{}", edge.address());
        let (mut agents, mut meters) = (Vec::new(), Vec::new());
        for (credential, instrument) in region.agents.iter().zip(&region.instruments) {
            let mut meter = Meter::start(dir, 0x160).await;
            meter.tell(json!({ "counter": { "address": POWER } })).await;
            let device = Device {
                instrument: instrument.clone(),
                profile: "sdm120".to_owned(),
                address: meter.address.clone(),
                every_ms: EVERY_MS,
            };
            let (name, secret) = (&credential.name, &credential.secret);
            agents.push(Agent::start(dir, name, secret, &url, &[device]));
            meters.push(meter);
        }
        Self {
            client: gateway.client(),
            kills: vec![0; agents.len()],
            gateway,
            broker,
            edge,
            core,
            agents,
            meters,
            region,
        }
    }

    /// Waits until the first device was read so many times more: a fault is to hit every stage of a
    /// reading's way.
    async fn count_on(&mut self, more: u64) {
        let meter = &mut self.meters[0];
        let until = counter(meter).await + more;
        wait::until(&format!("{more} more readings"), CAUGHT_UP, async || {
            let now = counter(meter).await;
            if now >= until {
                Ok(())
            } else {
                Err(now.to_string())
            }
        })
        .await;
    }

    /// Does one fault from beginning to end, and says which.
    async fn break_something(&mut self, dice: &mut StdRng) -> String {
        match dice.random_range(0..8) {
            0 | 1 => {
                self.gateway.restart().await;
                "kill of the gateway".to_owned()
            }
            2 => {
                let at = dice.random_range(0..self.agents.len());
                self.kills[at] += 1;
                self.agents[at].restart();
                format!("kill of agent {at}")
            }
            3 if self.broker.is_some() => {
                if let Some(broker) = &mut self.broker {
                    broker.restart().await;
                }
                "kill of the broker".to_owned()
            }
            _ => {
                let faults = [
                    Fault::Delay(LATE),
                    Fault::Split,
                    Fault::BlackHole,
                    Fault::HalfOpen,
                    Fault::Reset,
                ];
                let fault = faults[dice.random_range(0..faults.len())];
                let is_core = dice.random_range(0..2) == 0 && self.core.is_some();
                let more = dice.random_range(5..30);
                self.link(is_core).set(fault);
                self.count_on(more).await;
                self.link(is_core).set(Fault::None);
                format!("{fault:?} of the {}", if is_core { "core" } else { "edge" })
            }
        }
    }

    fn link(&self, is_core: bool) -> &Link {
        match &self.core {
            Some(core) if is_core => core,
            _ => &self.edge,
        }
    }

    /// Waits until the gateway shows a reading of each device that was made after now: the next
    /// fault must hit a path that works.
    async fn works_again(&mut self, cycle: usize, fault: &str) {
        for (key, meter) in self.region.instruments.iter().zip(&mut self.meters) {
            let until = counter(meter).await;
            let what = format!("readings of {key} after fault {cycle}, {fault}");
            let client = &self.client;
            wait::until(&what, CAUGHT_UP, async || {
                let path = format!("/api/v1/instruments/{key}");
                let shown = client.try_send(reqwest::Method::GET, &path, None).await?;
                let newest = latest(&shown.body).unwrap_or(0);
                if newest > until {
                    Ok(())
                } else {
                    Err(format!("{newest}, not yet beyond {until}"))
                }
            })
            .await;
        }
    }

    /// Lets the devices fall silent, waits for what they said last, and gathers what is there.
    async fn end(mut self, from_ms: i64, faults: Vec<String>) -> Report {
        let mut counted = Vec::new();
        for (number, meter) in self.meters.iter_mut().enumerate() {
            let said = meter.tell(json!({ "exception": 4 })).await;
            let last = said["counter"].as_u64().expect("a counter is a number");
            let (client, key) = (&self.client, &self.region.instruments[number]);
            let kills = self.kills[number];
            let what = format!("every reading of {key} up to {last}");
            // Live readings come first: what an agent held back follows at its own pace.
            let all = wait::until(&what, CAUGHT_UP, async || {
                let counted = Counted {
                    last,
                    kills,
                    history: history(client, key, from_ms).await?,
                };
                let faults = counted.faults(number);
                if faults.is_empty() {
                    Ok(counted)
                } else {
                    Err(faults.join("; "))
                }
            })
            .await;
            counted.push(all);
        }
        let mut holding = 0;
        for agent in &mut self.agents {
            assert_eq!(agent.stop().await, Some(0), "an agent stops when asked");
            let outbox = agent.outbox().await;
            holding += usize::from(outbox.oldest() != outbox.next());
        }
        // One more kill: what was shown is what is kept.
        let metrics = self.gateway.metrics().await;
        self.gateway.restart().await;
        for (counted, key) in counted.iter_mut().zip(&self.region.instruments) {
            counted.history = history(&self.client, key, from_ms)
                .await
                .expect("a started gateway answers");
        }
        Report {
            counted,
            faults,
            gaps: metrics.sum("ortoo_telemetry_gaps_total", &[]),
            holding,
        }
    }
}

fn loopback(port: u16) -> SocketAddr {
    SocketAddr::from(([127, 0, 0, 1], port))
}

async fn counter(meter: &mut Meter) -> u64 {
    let report = meter.report().await;
    report["counter"].as_u64().expect("a counter is a number")
}

/// Returns the newest count that the gateway shows.
fn latest(instrument: &Value) -> Option<u64> {
    let channels = instrument["channels"].as_array()?;
    let power = channels.iter().find(|one| one["name"] == "power_w")?;
    Some(power["value"].as_f64()? as u64)
}

/// Returns every count in history, in the order of time.
async fn history(client: &Client, key: &str, from_ms: i64) -> Result<Vec<u64>, String> {
    let (from, to) = (rfc3339(from_ms), rfc3339(now_ms() + 60_000));
    let path = format!("/api/v1/instruments/{key}/readings?channel=power_w&from={from}&to={to}");
    let answer = client.try_send(reqwest::Method::GET, &path, None).await?;
    let body = answer.expect(200);
    let values = body["values"].as_array().cloned().unwrap_or_default();
    Ok(values
        .iter()
        .filter_map(Value::as_f64)
        .map(|value| value as u64)
        .collect())
}
