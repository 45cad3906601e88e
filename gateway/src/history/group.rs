//! What one group commit carries.

use bytes::Bytes;
use scheduler::id::InstrumentId;
use scheduler::time::Micros;
use wire::{AgentName, BootId, StreamId};

use super::journal::Received;
use super::rows::Rows;
use super::stretches::StretchChanges;
use crate::status::MachineState;

/// A committed change of machine state.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StateChange {
    /// Counts changes of all instruments, ascending by one; never used twice.
    pub seq: i64,
    /// The instrument.
    pub instrument: InstrumentId,
    /// From when it holds. Lies before `decided_at` by the dwell time, or by the backlog's age.
    pub at: Micros,
    /// The new state.
    pub state: MachineState,
    /// When the gateway decided it.
    pub decided_at: Micros,
}

/// Records that never came and never will: numbers `first` to `last`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Gap {
    /// Whose.
    pub agent: AgentName,
    /// Of which outbox.
    pub stream: StreamId,
    /// First number.
    pub first: u64,
    /// Last number.
    pub last: u64,
}

/// A message that could not be accepted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Quarantined {
    /// When it came.
    pub at: Micros,
    /// Its topic.
    pub topic: String,
    /// Why, as a stable word.
    pub reason: &'static str,
    /// Why, for people.
    pub detail: String,
    /// Length of the payload as it came.
    pub bytes: usize,
    /// The payload's beginning, at most [`PAYLOAD_KEPT_MAX`] bytes.
    pub payload: Bytes,
}

/// Most bytes of a quarantined payload that are kept.
pub const PAYLOAD_KEPT_MAX: usize = 4_096;

/// Most quarantined messages that are kept; the oldest are dropped.
pub const QUARANTINE_MAX: i64 = 2_000;

/// Where the monotonic clock of an agent's boot stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BootClock {
    /// Whose.
    pub agent: AgentName,
    /// Which boot.
    pub boot: BootId,
    /// Gateway time minus monotonic time, in microseconds.
    pub offset_us: i64,
    /// When it was last heard of.
    pub seen: Micros,
}

/// What an agent said of itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AgentRow {
    /// Its name.
    pub name: AgentName,
    /// Its release; empty if it never said hello.
    pub version: String,
    /// When its last message came.
    pub seen: Micros,
    /// How often it promised to report at the latest, in milliseconds.
    pub report_every_ms: Option<i64>,
}

/// Everything that is committed together.
#[derive(Debug, Default)]
pub struct Group {
    /// Readings, in the order received; rows of each entry ascend by time.
    pub rows: Vec<(InstrumentId, Rows)>,
    /// Records dealt with.
    pub received: Vec<Received>,
    /// Changes of state; of two of an instrument at one moment the later one counts.
    pub states: Vec<StateChange>,
    /// Times of which readings are missing.
    pub stretches: StretchChanges,
    /// Losses noticed.
    pub gaps: Vec<Gap>,
    /// Messages refused.
    pub quarantined: Vec<Quarantined>,
    /// Boot clocks that are new or moved.
    pub boots: Vec<BootClock>,
    /// Agents that said something new of themselves.
    pub agents: Vec<AgentRow>,
}

impl Group {
    /// Returns true if there is nothing to commit.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
            && self.received.is_empty()
            && self.states.is_empty()
            && self.stretches.is_empty()
            && self.gaps.is_empty()
            && self.quarantined.is_empty()
            && self.boots.is_empty()
            && self.agents.is_empty()
    }

    /// Returns how many cells of readings there are.
    #[must_use]
    pub fn points(&self) -> u64 {
        self.rows.iter().map(|(_, rows)| rows.points()).sum()
    }
}
