//! What the rest of the gateway sees of telemetry.

use std::collections::BTreeMap;

use scheduler::id::{InstrumentId, NodeId};
use scheduler::time::Micros;
use wire::{AgentName, ChannelName, InstrumentKey, Quality};

use super::sparkplug::Listed;
use crate::histogram::HistogramView;
pub use crate::history::StateChange;
use crate::registry::SourceName;
use crate::status::MachineState;

/// An instrument's machine state as committed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MachineView {
    /// The state, with its reason when it is offline.
    pub state: MachineState,
    /// Since when; `None` while it is unknown.
    pub since: Option<Micros>,
    /// Time of the newest reading or, while a backlog fills in what is missing before it, of the
    /// newest before what is missing; `None` if there never was one.
    pub known_until: Option<Micros>,
}

/// A wall clock that is off by more than this is worth a warning: readings are placed right all the
/// same, but whoever reads the device's own log is misled.
pub const CLOCK_SKEW_MS_MAX: i64 = 5_000;

impl AgentView {
    /// Returns whether its wall clock is off by more than [`CLOCK_SKEW_MS_MAX`].
    #[must_use]
    pub fn is_clock_off(&self) -> bool {
        self.clock_skew_ms
            .is_some_and(|skew| skew.abs() > CLOCK_SKEW_MS_MAX)
    }
}

impl MachineView {
    /// What is known of an instrument that never reported.
    pub const UNKNOWN: Self = Self {
        state: MachineState::Unknown,
        since: None,
        known_until: None,
    };
}

/// What is known of an agent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AgentView {
    /// Its name.
    pub name: AgentName,
    /// Whether it is connected, as its status and last will say.
    pub online: bool,
    /// When its last message came.
    pub last_seen: Micros,
    /// Its release, as of its last hello.
    pub version: Option<String>,
    /// How often it promised to report at the latest, in milliseconds.
    pub report_every_ms: Option<i64>,
    /// Its wall clock minus the gateway's, in milliseconds, as of its last message; `None` until it
    /// sent one in this process.
    pub clock_skew_ms: Option<i64>,
    /// Keys that it reported and was not let speak for, ascending.
    pub refused_keys: Vec<InstrumentKey>,
}

/// What a foreign source has sent since the start.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SourceView {
    /// Messages.
    pub messages: u64,
    /// When the last came.
    pub last_seen: Micros,
    /// Whether the last came at QoS 0: then what the network loses is lost.
    pub is_at_most_once: bool,
}

/// A Sparkplug edge node as it was last born, or died.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EdgeNodeView {
    /// The lab of its source.
    pub lab: NodeId,
    /// Who sends for it.
    pub source: SourceName,
    /// When it or one of its devices came or went last.
    pub changed_at: Micros,
    /// What it is and has.
    pub listed: Listed,
}

/// New readings of one instrument at one time.
#[derive(Debug, Clone, PartialEq)]
pub struct LiveReading {
    /// The instrument.
    pub instrument: InstrumentId,
    /// When, milliseconds since 1970 UTC.
    pub time_ms: i64,
    /// Each channel read then, and its value or why there is none.
    pub values: Vec<(ChannelName, Result<f64, Quality>)>,
}

/// What one group commit brought, sent after the commit. Readings that came late are not in it.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct LiveChange {
    /// Changes of state, ascending by `seq`.
    pub states: Vec<StateChange>,
    /// The newest readings of each instrument that reported: one entry an instrument and group.
    pub readings: Vec<LiveReading>,
}

/// Counts since the process started.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Counts {
    /// Messages taken from the queue.
    pub messages: u64,
    /// Batches committed for the first time.
    pub batches: u64,
    /// Points (values and reasons for missing ones) committed.
    pub points: u64,
    /// Points that came after newer ones of their instrument.
    pub late_points: u64,
    /// Batches that had been committed before and were acknowledged again.
    pub duplicates: u64,
    /// Record numbers that never came and never will.
    pub gaps: u64,
    /// Records that agents said they dropped, by reason. They are among the gaps, or will be.
    pub dropped: BTreeMap<&'static str, u64>,
    /// Outboxes that agents found damaged.
    pub damaged_outboxes: u64,
    /// Rejections by reason.
    pub rejected: BTreeMap<&'static str, u64>,
    /// Group commits.
    pub commits: u64,
    /// How long group commits took, with repetitions.
    pub commit_time: HistogramView,
    /// From the newest reading of each batch of an instrument to its commit.
    pub ingest_lag: HistogramView,
    /// Attempts to commit that failed and were repeated.
    pub commit_failures: u64,
    /// Acks sent.
    pub acks: u64,
    /// Messages of foreign sources.
    pub foreign_messages: u64,
    /// Readings of foreign sources and scripts, before they were checked.
    pub foreign_readings: u64,
    /// Unknown devices forgotten because there were too many.
    pub unknown_forgotten: u64,
    /// Messages waiting in the queue now.
    pub queued: u64,
    /// Their bytes, in whole KiB each.
    pub queued_bytes: u64,
    /// Agents connected now.
    pub agents_online: u64,
    /// Agents connected now whose wall clock is off by more than [`CLOCK_SKEW_MS_MAX`].
    pub clocks_off: u64,
    /// The most that a connected agent's wall clock is off, in milliseconds.
    pub clock_skew_ms_max: u64,
}
