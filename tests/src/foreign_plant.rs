//! A gateway with a credential for other makers' devices, and instruments that no agent speaks for.

use std::path::Path;
use std::process::Command;

use serde_json::json;

use crate::client::Client;
use crate::gateway::{Broker, Gateway, Setup};
use crate::mosquitto::Mosquitto;
use crate::region::{Plan, Region};

/// The lab of a filled region's instruments.
pub const LAB: i64 = 4;

/// See the module.
pub struct ForeignPlant {
    /// The gateway.
    pub gateway: Gateway,
    /// Manages the lab.
    pub manager: Client,
    /// The instruments' keys.
    pub keys: Vec<String>,
    /// The broker's address.
    pub broker: String,
    /// The credential's name and secret.
    pub source: String,
    /// See above.
    pub secret: String,
    _mosquitto: Option<Mosquitto>,
}

impl ForeignPlant {
    /// Returns a command of Mosquitto's own clients that speaks to the broker with a secret.
    ///
    /// # Panics
    /// When the broker's address has no port.
    #[must_use]
    pub fn mosquitto(&self, program: &str, secret: &str) -> Command {
        let (_, port) = self.broker.rsplit_once(':').expect("an address has a port");
        let mut command = Command::new(program);
        command.args([
            "-h",
            "127.0.0.1",
            "-p",
            port,
            "-u",
            &self.source,
            "-P",
            secret,
        ]);
        command
    }

    /// Starts a gateway in a folder, with so many instruments and a source with these filters. With
    /// access rules the broker is a Mosquitto that has them, else the gateway's own.
    ///
    /// # Panics
    /// When something does not start, or the gateway refuses the source.
    pub async fn start(
        dir: &Path,
        instruments: usize,
        (source, filters): (&str, &[&str]),
        rules: Option<&str>,
    ) -> Self {
        let mut setup = Setup::new(dir);
        let plan = Plan {
            researchers: 1,
            instruments,
            agents: 1,
        };
        let region = Region::fill(&setup, plan).await;
        let of_broker = format!("{source}-secret");
        let mut mosquitto = None;
        if let Some(rules) = rules {
            let users = [(source, of_broker.as_str())];
            let broker = Mosquitto::start_with(dir, &users, rules).await;
            setup.broker = Broker::External(broker.gateway_url());
            mosquitto = Some(broker);
        }
        let gateway = Gateway::start(dir, setup).await;
        let manager = gateway.client().with_token(&region.manager.token);
        for key in &region.instruments {
            let path = format!("/api/v1/instruments/{key}/source");
            let set = manager.put(&path, &json!({ "agent": null })).await;
            let _ = set.expect(200);
        }
        let made = json!({ "name": source, "lab": LAB, "filters": filters });
        let made = manager.post("/api/v1/sources", &made).await.expect(201);
        let made = made["secret"].as_str().expect("it is told once");
        let (broker, secret) = match &mosquitto {
            Some(broker) => (broker.url(), of_broker),
            None => (gateway.mqtt_url(), made.to_owned()),
        };
        Self {
            gateway,
            manager,
            keys: region.instruments,
            broker,
            source: source.to_owned(),
            secret,
            _mosquitto: mosquitto,
        }
    }
}
