//! One lab as the telemetry scenarios need it: a gateway, a broker, an agent's credential.

use std::path::Path;
use std::time::Duration;

use serde_json::Value;

use crate::agent::{Agent, Device};
use crate::client::Client;
use crate::gateway::{Broker, Gateway, Setup};
use crate::modbus::Meter;
use crate::mosquitto::Mosquitto;
use crate::region::{Plan, Region};
use crate::times::{now_ms, rfc3339};
use crate::wait;

/// The first values are there within this time of the agent's start.
pub const FIRST: Duration = Duration::from_secs(20);

/// Everything of one lab, running.
pub struct Lab {
    /// What is registered.
    pub region: Region,
    /// The gateway.
    pub gateway: Gateway,
    /// The external broker, if it is one.
    pub broker: Option<Mosquitto>,
    /// A caller without a name.
    pub client: Client,
}

impl Lab {
    /// Starts broker and gateway with two instruments and one agent's credential.
    ///
    /// # Panics
    /// When a part does not start.
    pub async fn start(dir: &Path, external: bool) -> Self {
        Self::start_with(dir, external, "").await
    }

    /// Starts it with more lines in the gateway's settings.
    ///
    /// # Panics
    /// When a part does not start.
    pub async fn start_with(dir: &Path, external: bool, more: &str) -> Self {
        let mut setup = Setup::new(dir);
        more.clone_into(&mut setup.more);
        let plan = Plan {
            researchers: 1,
            instruments: 2,
            agents: 1,
        };
        let region = Region::fill(&setup, plan).await;
        let mut broker = None;
        if external {
            let agent = &region.agents[0];
            let mosquitto = Mosquitto::start(dir, &[(&agent.name, &agent.secret)]).await;
            setup.broker = Broker::External(mosquitto.gateway_url());
            broker = Some(mosquitto);
        }
        let gateway = Gateway::start(dir, setup).await;
        let client = gateway.client();
        Self {
            region,
            gateway,
            broker,
            client,
        }
    }

    /// Starts the agent with one device for the first instrument.
    #[must_use]
    pub fn agent(&self, dir: &Path, profile: &str, meter: &Meter, every_ms: u32) -> Agent {
        let agent = &self.region.agents[0];
        let url = self
            .broker
            .as_ref()
            .map_or_else(|| self.gateway.mqtt_url(), Mosquitto::url);
        let device = Device {
            instrument: self.region.instruments[0].clone(),
            profile: profile.to_owned(),
            address: meter.address.clone(),
            every_ms,
        };
        Agent::start(dir, &agent.name, &agent.secret, &url, &[device])
    }

    /// Sets the state rule of the first instrument as its manager.
    pub async fn rule(&self, rule: Value) {
        let manager = self.client.with_token(&self.region.manager.token);
        let _ = manager
            .put(&self.path("/state-rule"), &rule)
            .await
            .expect(200);
    }

    /// Returns a path below the first instrument's.
    #[must_use]
    pub fn path(&self, rest: &str) -> String {
        format!("/api/v1/instruments/{}{rest}", self.region.instruments[0])
    }

    /// Reads the first instrument.
    pub async fn instrument(&self) -> Value {
        self.client.get(&self.path("")).await.expect(200)
    }

    /// Waits until the instrument is in a machine state.
    pub async fn state(&self, state: &str, within: Duration) {
        wait::until(&format!("machine state {state}"), within, async || {
            let instrument = self.instrument().await;
            if instrument["machine_state"] == state {
                Ok(())
            } else {
                Err(describe(&instrument))
            }
        })
        .await;
    }

    /// Waits until a channel's latest reading has this quality, and returns the channel.
    pub async fn quality(&self, channel: &str, quality: &str, within: Duration) -> Value {
        wait::until(&format!("{channel} to be {quality}"), within, async || {
            let instrument = self.instrument().await;
            let channels = instrument["channels"]
                .as_array()
                .cloned()
                .unwrap_or_default();
            let found = channels.into_iter().find(|one| one["name"] == channel);
            match found {
                Some(found) if found["quality"] == quality => Ok(found),
                _ => Err(describe(&instrument)),
            }
        })
        .await
    }

    /// Reads the history of a channel from a moment on.
    pub async fn readings(&self, channel: &str, from_ms: i64) -> Value {
        let to_ms = now_ms() + 60_000;
        let query = format!(
            "/readings?channel={channel}&from={}&to={}",
            rfc3339(from_ms),
            rfc3339(to_ms)
        );
        self.client.get(&self.path(&query)).await.expect(200)
    }
}

/// Writes state and channels of an instrument in one line, for messages.
#[must_use]
pub fn describe(instrument: &Value) -> String {
    let part = |name: &str| instrument[name].to_string();
    format!(
        "{} {} {}",
        part("machine_state"),
        part("offline_reason"),
        part("channels")
    )
}
