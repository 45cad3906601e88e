//! What the rest of the gateway holds of telemetry.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;

use scheduler::id::InstrumentId;
use tokio::sync::broadcast;
use wire::AgentName;

use super::board::Board;
use super::denials::{Denial, Denials};
use super::doors::Doors;
use super::foreign::{ForeignBatch, ForeignMessage};
use super::intake::{Delivery, Intake, Stopped};
use super::subscribe::Downlink as _;
use super::unknown::UnknownDevice;
use super::view::{AgentView, Counts, EdgeNodeView, LiveChange, MachineView, SourceView};
use crate::history::{ChannelReading, History};
use crate::registry::SourceName;

/// Reads without waiting for anybody; clones share it.
#[derive(Clone)]
pub struct TelemetryHandle {
    pub(super) board: Arc<Board>,
    pub(super) history: History,
    pub(super) intake: Intake,
    pub(super) denials: Arc<Denials>,
    pub(super) live: broadcast::Sender<Arc<LiveChange>>,
    pub(super) doors: Arc<Doors>,
}

impl std::fmt::Debug for TelemetryHandle {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("TelemetryHandle")
    }
}

impl TelemetryHandle {
    /// Returns an instrument's machine state as committed; unknown if it never reported.
    #[must_use]
    pub fn machine(&self, instrument: InstrumentId) -> MachineView {
        self.board.machine(instrument)
    }

    /// Returns the machine states of all instruments that ever reported, in no order.
    #[must_use]
    pub fn machines(&self) -> Vec<(InstrumentId, MachineView)> {
        self.board.machines()
    }

    /// Returns the newest reading of each channel of an instrument, by name.
    #[must_use]
    pub fn latest(&self, instrument: InstrumentId) -> Vec<ChannelReading> {
        self.history.latest(instrument)
    }

    /// Returns a receiver of what every commit from now on brings. A receiver that is slower than
    /// [`super::LIVE_KEPT_MAX`] commits misses the oldest and is told how many (`Lagged`).
    #[must_use]
    pub fn live(&self) -> broadcast::Receiver<Arc<LiveChange>> {
        self.live.subscribe()
    }

    /// Returns what is known of an agent; `None` if it was never heard of.
    #[must_use]
    pub fn agent(&self, name: &AgentName) -> Option<AgentView> {
        self.board.agent(name)
    }

    /// Returns what a foreign source has sent since the start; `None`: nothing.
    #[must_use]
    pub fn source(&self, name: &SourceName) -> Option<SourceView> {
        self.board.source(name)
    }

    /// Returns the last time that the embedded broker turned away an agent or a source of this name;
    /// `None`: never since the start.
    #[must_use]
    pub fn denial(&self, name: &SourceName) -> Option<Denial> {
        self.denials.of(name)
    }

    /// Returns how often the embedded broker turned somebody away, by reason.
    #[must_use]
    pub fn denied(&self) -> BTreeMap<&'static str, u64> {
        self.denials.by_reason()
    }

    /// Returns the devices that sent what nobody took, in no order. Some may be known by now: their
    /// mappings are newer than their last message.
    #[must_use]
    pub fn unknown_devices(&self) -> Vec<UnknownDevice> {
        self.board.unknown()
    }

    /// Returns how many agents are connected.
    #[must_use]
    pub fn agents_online(&self) -> u64 {
        self.board.agents_online()
    }

    /// Closes an agent's session. Agents that are revoked in the directory are disconnected within
    /// two seconds without it. An external broker keeps the session: its own rules hold there.
    pub async fn disconnect(&self, name: &AgentName) {
        self.doors.disconnect(name).await;
    }

    /// Takes a message as if a broker had brought it, on the same path. Waits while the queue is
    /// full; returns before the commit (see [`super::Acknowledge`] to learn of it).
    ///
    /// # Errors
    /// Returns [`Stopped`] when telemetry has stopped.
    pub async fn ingest(&self, delivery: Delivery) -> Result<(), Stopped> {
        self.intake.submit(delivery).await
    }

    /// Returns the Sparkplug edge nodes that were heard since the start, by name.
    #[must_use]
    pub fn edge_nodes(&self) -> Vec<Arc<EdgeNodeView>> {
        self.board.edge_nodes()
    }

    /// Returns where an agent in this process gets its acks from, from now on: as payloads.
    #[must_use]
    pub fn acks_inside(&self, name: &AgentName) -> broadcast::Sender<Vec<u8>> {
        self.doors.open(name)
    }

    /// Waits until no more messages are taken.
    pub async fn stopped(&self) {
        self.intake.closed().await;
    }

    /// Takes readings that somebody else has read, on the same path. Waits while the queue is full;
    /// returns before the commit (see [`ForeignBatch::acknowledge`]).
    ///
    /// # Errors
    /// Returns [`Stopped`] when telemetry has stopped.
    pub async fn ingest_readings(&self, batch: ForeignBatch) -> Result<(), Stopped> {
        self.intake.submit(batch).await
    }

    /// Takes a message in somebody else's format as if a broker had brought it.
    ///
    /// # Errors
    /// Returns [`Stopped`] when telemetry has stopped.
    pub async fn ingest_foreign(&self, message: ForeignMessage) -> Result<(), Stopped> {
        self.intake.submit(message).await
    }

    /// Returns all counts.
    #[must_use]
    pub fn counts(&self) -> Counts {
        let queued = u64::try_from(self.intake.len()).unwrap_or(u64::MAX);
        self.board.counts(queued, self.intake.bytes())
    }

    /// Returns whether readings can be committed in time; `mono_us` is the gateway's monotonic clock
    /// now. The last attempt is at most ten seconds old.
    ///
    /// # Errors
    /// Returns why not, for operators, in Chinese and English.
    pub fn ready(&self, mono_us: i64) -> Result<(), String> {
        self.board.trouble(mono_us).map_or(Ok(()), Err)
    }

    /// Returns whether messages can come in.
    ///
    /// # Errors
    /// Returns why not, for operators, in Chinese and English.
    pub fn broker_ready(&self) -> Result<(), String> {
        self.doors.trouble().map_or(Ok(()), Err)
    }

    /// Returns where agents connect, with the real port; `None` with an external broker.
    #[must_use]
    pub fn broker_address(&self) -> Option<SocketAddr> {
        self.doors.address()
    }

    /// Returns the store, for reads of series and states.
    #[must_use]
    pub fn history(&self) -> &History {
        &self.history
    }
}
