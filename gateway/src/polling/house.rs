//! One agent of the gateway's own, for as long as the process lives: it runs while there is something
//! to poll, and is started anew when it fails. A broken device or outbox never stops the bookings.

use std::path::PathBuf;
use std::time::Duration;

use agents::allow::Allow;
use agents::clock::Clock;
use agents::resident::{Devices, Resident};
use agents::{Door, Letter, RunError};
use bytes::Bytes;
use tokio::sync::{mpsc, watch};
use tokio_util::sync::CancellationToken;
use wire::AgentName;

use crate::telemetry::{Acknowledge, Delivery, TelemetryHandle};

/// What to poll; nothing: there is no such agent any more.
pub(super) type Wanted = Option<Devices>;

/// Messages between an agent and the queue of the recorder. Full means that the recorder is slower:
/// the agent waits, and its outbox grows.
const LETTERS_MAX: usize = 16;

/// An unchanged reading is reported again after this time, as by agents elsewhere.
const REPORT_EVERY: Duration = Duration::from_secs(10);

/// After a failure it is tried again so much later.
const RETRY: Duration = Duration::from_secs(5);

/// When telemetry has stopped, the last acks are waited for so long.
const LAST_ACKS: Duration = Duration::from_millis(500);

/// Where an agent lives.
pub(super) struct House {
    pub(super) name: AgentName,
    /// The folder of its outbox.
    pub(super) folder: PathBuf,
    pub(super) outbox_bytes_max: u64,
    pub(super) allow: Allow,
    pub(super) telemetry: TelemetryHandle,
}

impl House {
    /// Lives until asked to stop.
    pub(super) async fn run(self, mut wanted: watch::Receiver<Wanted>, stop: CancellationToken) {
        while let Some(devices) = next(&mut wanted, &stop).await {
            let leave = stop.child_token();
            let (told, followed) = watch::channel(devices);
            let following = async {
                while wanted.changed().await.is_ok() {
                    match wanted.borrow_and_update().clone() {
                        Some(devices) => drop(told.send_replace(devices)),
                        None => leave.cancel(),
                    }
                }
                std::future::pending::<()>().await;
            };
            let ended = tokio::select! {
                ended = self.session(followed, leave.clone()) => ended,
                () = following => Ok(()),
            };
            if let Err(error) = ended {
                tracing::error!(agent = %self.name, %error, "the gateway cannot poll devices");
                stop.run_until_cancelled(tokio::time::sleep(RETRY)).await;
            }
        }
    }

    /// Runs the agent until it is asked to leave, or fails.
    async fn session(
        &self,
        devices: watch::Receiver<Devices>,
        leave: CancellationToken,
    ) -> Result<(), RunError> {
        let (letters, received) = mpsc::channel(LETTERS_MAX);
        let acks = self.telemetry.acks_inside(&self.name);
        let resident = Resident {
            name: self.name.clone(),
            folder: self.folder.clone(),
            outbox_bytes_max: self.outbox_bytes_max,
            report_every: REPORT_EVERY,
            allow: self.allow.clone(),
            door: Door { letters, acks },
        };
        let running = resident.run(devices, Clock::system(), leave);
        let (ended, ()) = tokio::join!(running, carry(received, &self.telemetry));
        ended
    }
}

/// Waits until there is something to poll; `None` when a stop is asked for.
async fn next(wanted: &mut watch::Receiver<Wanted>, stop: &CancellationToken) -> Wanted {
    while !stop.is_cancelled() {
        let now = wanted.borrow_and_update().clone();
        if now.is_some() {
            return now;
        }
        stop.run_until_cancelled(async {
            if wanted.changed().await.is_err() {
                std::future::pending::<()>().await;
            }
        })
        .await;
    }
    None
}

/// Hands over what the agent says, until it has ended or telemetry has.
async fn carry(mut letters: mpsc::Receiver<Letter>, telemetry: &TelemetryHandle) {
    let stopped = async {
        telemetry.stopped().await;
        tokio::time::sleep(LAST_ACKS).await;
    };
    let carrying = async {
        while let Some(Letter { topic, payload }) = letters.recv().await {
            let delivery = Delivery {
                topic,
                payload: Bytes::from(payload),
                // The agent's outbox waits for the ack after the commit.
                acknowledge: Acknowledge::none(),
            };
            if telemetry.ingest(delivery).await.is_err() {
                // What is still to come of acks is waited for above.
                std::future::pending::<()>().await;
            }
        }
    };
    tokio::select! {
        () = carrying => {}
        () = stopped => {}
    }
}
