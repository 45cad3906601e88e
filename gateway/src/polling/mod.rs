//! Modbus devices that the gateway polls itself: no agent stands beside them.
//!
//! What comes in: the networks that the configuration permits, and the instruments whose source names
//! a Modbus unit. What goes out: for each lab with such instruments an agent of the gateway's own
//! ([`agents::resident`]), with its outbox below the data folder, whose messages pass the same path as
//! everybody's. [`wanted`] decides who polls what and is pure; [`house`] keeps the agents going.

mod house;
mod wanted;

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use agents::allow::Allow;
use agents::profile::Profiles;
use tokio::sync::broadcast::error::RecvError;
use tokio::sync::watch;
use tokio::task::JoinSet;
use wire::AgentName;

use self::house::{House, Wanted};
use crate::booking::DeskHandle;
use crate::config::Modbus;
use crate::lifecycle::Lifecycle;
use crate::registry::SharedDirectory;
use crate::telemetry::TelemetryHandle;

pub use wanted::Fault;

/// What the gateway may poll, and as what. Clones share it.
#[derive(Debug, Clone)]
pub struct Polling(Arc<Permitted>);

#[derive(Debug)]
struct Permitted {
    allow: Allow,
    profiles: Profiles,
    outbox_bytes_max: u64,
}

impl Polling {
    /// Takes the settings.
    #[must_use]
    pub fn new(settings: &Modbus) -> Self {
        Self(Arc::new(Permitted {
            allow: Allow::networks(settings.allow.clone()),
            profiles: settings.profiles.clone(),
            outbox_bytes_max: u64::from(settings.outbox_mb) * 1024 * 1024,
        }))
    }

    /// Returns the device profiles that a source may name.
    #[must_use]
    pub fn profiles(&self) -> &Profiles {
        &self.0.profiles
    }

    /// Starts to poll what the directory asks for, and follows it. Outboxes lie in `data/polling`.
    pub fn start(
        &self,
        desk: &DeskHandle,
        telemetry: &TelemetryHandle,
        data: &Path,
        lifecycle: &Lifecycle,
    ) {
        let stop = lifecycle.stop_token();
        let keeper = Keeper {
            polling: self.clone(),
            directory: desk.shared_directory(),
            telemetry: telemetry.clone(),
            folder: data.join("polling"),
            houses: BTreeMap::new(),
            tasks: JoinSet::new(),
            refused: Vec::new(),
            seen: None,
        };
        let mut events = desk.events();
        lifecycle.spawn("polling", async move {
            let mut keeper = keeper;
            loop {
                keeper.follow(&stop);
                // Whatever happened may have been an edit.
                let event = tokio::select! {
                    () = stop.cancelled() => break,
                    event = events.recv() => event,
                };
                if matches!(event, Err(RecvError::Closed)) {
                    stop.cancelled().await;
                    break;
                }
            }
            keeper.end().await;
            Ok::<(), String>(())
        });
    }
}

/// Knows which agents there are and tells each what to poll.
struct Keeper {
    polling: Polling,
    directory: SharedDirectory,
    telemetry: TelemetryHandle,
    folder: std::path::PathBuf,
    houses: BTreeMap<AgentName, watch::Sender<Wanted>>,
    tasks: JoinSet<()>,
    /// What was told as refused the last time.
    refused: Vec<String>,
    /// The directory that was looked at.
    seen: Option<u64>,
}

impl Keeper {
    /// Makes what is polled follow the directory.
    fn follow(&mut self, stop: &tokio_util::sync::CancellationToken) {
        let directory = self.directory.load();
        if self.seen.replace(directory.generation) == Some(directory.generation) {
            return;
        }
        let (mut wanted, refused) = wanted::wanted(&directory, &self.polling);
        if refused != self.refused {
            for refusal in &refused {
                tracing::warn!("{refusal}");
            }
            self.refused = refused;
        }
        for (name, devices) in &self.houses {
            let now = wanted.remove(name);
            devices.send_if_modified(|told| {
                let is_other = *told != now;
                if is_other {
                    *told = now;
                }
                is_other
            });
        }
        for (name, devices) in wanted {
            let (told, wanted) = watch::channel(Some(devices));
            let house = House {
                folder: self.folder.join(name.as_str()),
                name: name.clone(),
                outbox_bytes_max: self.polling.0.outbox_bytes_max,
                allow: self.polling.0.allow.clone(),
                telemetry: self.telemetry.clone(),
            };
            self.tasks.spawn(house.run(wanted, stop.clone()));
            self.houses.insert(name, told);
        }
    }

    async fn end(mut self) {
        while self.tasks.join_next().await.is_some() {}
    }
}
