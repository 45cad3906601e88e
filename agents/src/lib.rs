//! The edge process beside the instruments: poll, decode, keep, report.
//!
//! ```text
//! poll (one task a device) -> decode -> report (what is worth a message) -> outbox -> publish
//! ```
//!
//! [`run`] builds these parts top to bottom. A reading is on disk within about a second, and leaves
//! the disk when the gateway has committed it. Devices are only ever read, and only inside the
//! networks of the local allow-list. What the machine *does* is decided by the gateway; the agent
//! reports facts.

pub mod allow;
pub mod clock;
pub mod config;
pub mod day;
mod decode;
mod document;
pub mod fleet;
mod modbus;
mod outbox;
mod plan;
mod poll;
pub mod probe;
pub mod profile;
mod publish;
mod ranges;
pub mod register;
mod report;
pub mod simulate;
mod throttle;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use clock::Clock;
use config::Config;
pub use document::{Fault, Faults};
use modbus::Line;
pub use modbus::ReadError;
pub use outbox::{Limits, Outbox, OutboxError};
pub use plan::{Block, plan};
use poll::Poller;
use publish::{About, Publisher};
use report::Reporter;

/// Polls on their way to the reporter. Full means the outbox is slow: pollers wait, ticks are
/// delayed.
const POLLS_MAX: usize = 256;

/// Batches of records on their way to the publisher. Full means its disk is slow.
const BATCHES_MAX: usize = 8;

/// From the request to stop to the end of the process.
const STOP_MAX: Duration = Duration::from_secs(14);

/// Why an agent ended before it was asked to.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// The outbox cannot be opened.
    #[error(transparent)]
    Outbox(#[from] OutboxError),
    /// A part of it died; a bug.
    #[error("{name} ended unexpectedly: {why}")]
    Died {
        /// Which part.
        name: String,
        /// How.
        why: String,
    },
    /// It did not stop in time.
    #[error("parts of the agent did not stop within {} s", STOP_MAX.as_secs())]
    Stuck,
}

/// Runs an agent until the token is cancelled; then what was read is committed, what can be sent
/// is sent, and the status is set to offline, within 14 seconds.
///
/// # Errors
/// Returns [`RunError`] when the outbox cannot be used, or when a part dies.
pub async fn run(config: Config, clock: Clock, stop: CancellationToken) -> Result<(), RunError> {
    for warning in &config.warnings {
        tracing::warn!("{warning}");
    }
    let outbox = Outbox::open(&config.data, config.outbox, clock.clone()).await?;
    tracing::info!(
        stream = %outbox.stream(),
        oldest = outbox.oldest(),
        next = outbox.next(),
        "agent {} serves {} devices",
        config.agent,
        config.devices.len()
    );
    let about = About {
        agent: config.agent.clone(),
        secret: config.secret.clone(),
        gateway: config.gateway.clone(),
        devices: config.device_infos(),
        report_every: config.report_every,
        backfill: config.backfill,
    };
    let publisher = Publisher::new(about, outbox, clock.clone());
    let reporter = Reporter::new(&config.devices, config.report_every);

    let (polls, outcomes) = mpsc::channel(POLLS_MAX);
    let (records, recorded) = mpsc::channel(BATCHES_MAX);
    let mut parts = Parts::default();
    let mut lines: BTreeMap<config::Address, Arc<Line>> = BTreeMap::new();
    for (index, device) in config.devices.into_iter().enumerate() {
        let address = device.address.clone();
        let line = lines
            .entry(address.clone())
            .or_insert_with(|| Arc::new(Line::new(address, config.allow.clone())));
        let name = format!("the poller of {}", device.name);
        let poller = Poller::new(index, device, Arc::clone(line), clock.clone());
        parts.spawn(name, poller.run(polls.clone(), stop.clone()));
    }
    // The pollers' end closes the reporter's input, the reporter's end the publisher's. An agent
    // without devices stays online until it is stopped.
    let idle = async move {
        stop.cancelled().await;
        drop(polls);
        stop
    };
    parts.spawn(
        "the reporter".to_owned(),
        report::run(reporter, clock, outcomes, records),
    );
    parts.spawn("the publisher".to_owned(), publisher.run(recorded));
    parts.supervise(idle).await
}

/// The tasks of an agent, by name.
#[derive(Default)]
struct Parts {
    tasks: JoinSet<()>,
    names: BTreeMap<tokio::task::Id, String>,
}

impl Parts {
    fn spawn(&mut self, name: String, task: impl Future<Output = ()> + Send + 'static) {
        let handle = self.tasks.spawn(task);
        self.names.insert(handle.id(), name);
    }

    /// Waits until all have ended after the stop; one that ends before it is an error.
    async fn supervise(
        mut self,
        stopping: impl Future<Output = CancellationToken>,
    ) -> Result<(), RunError> {
        tokio::select! {
            // The stop ends the pollers too: it must be seen first.
            biased;
            _ = stopping => {}
            ended = self.tasks.join_next_with_id() => return Err(self.died(ended)),
        }
        let draining = async {
            while let Some(ended) = self.tasks.join_next_with_id().await {
                if ended.is_err() {
                    return Err(self.died(Some(ended)));
                }
            }
            Ok(())
        };
        match tokio::time::timeout(STOP_MAX, draining).await {
            Ok(result) => result,
            Err(_) => Err(RunError::Stuck),
        }
    }

    fn died(
        &self,
        ended: Option<Result<(tokio::task::Id, ()), tokio::task::JoinError>>,
    ) -> RunError {
        let (id, why) = match ended {
            Some(Ok((id, ()))) => (Some(id), "it returned".to_owned()),
            Some(Err(error)) => (Some(error.id()), error.to_string()),
            None => (None, "no task is left".to_owned()),
        };
        let name = id.and_then(|id| self.names.get(&id).cloned());
        RunError::Died {
            name: name.unwrap_or_else(|| "the agent".to_owned()),
            why,
        }
    }
}
