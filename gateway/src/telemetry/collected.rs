//! What is collected for one group commit, and how it looks to readers after it.

use std::collections::{BTreeSet, HashMap, HashSet};

use scheduler::id::InstrumentId;
use scheduler::time::Micros;
use wire::{Ack, AgentName, Quality};

use super::intake::Acknowledge;
use super::state::Fold;
use super::view::{LiveReading, MachineView};
use crate::history::{Cell, Group, Rows, StreamNo, Writer};

/// What is collected for one group commit, and what is to be done after it.
#[derive(Debug, Default)]
pub(super) struct Collected {
    pub(super) group: Group,
    /// Of every message, to be fired after the commit.
    pub(super) acknowledges: Vec<Acknowledge>,
    /// Streams to tell what is committed.
    pub(super) streams: BTreeSet<StreamNo>,
    /// Acks for agents that are not registered: nothing is remembered of them.
    pub(super) strangers: Vec<(AgentName, Ack)>,
    /// Topics and payloads of commands to edge nodes.
    pub(super) commands: Vec<(String, Vec<u8>)>,
    /// The newest readings that are not late.
    pub(super) readings: HashMap<InstrumentId, LiveReading>,
    /// Instruments with new readings or a new state.
    pub(super) machines: HashSet<InstrumentId>,
    /// Agents heard of.
    pub(super) agents: HashSet<AgentName>,
    pub(super) points: u64,
}

impl Collected {
    /// Returns true if nothing is to be committed, acknowledged or sent.
    pub(super) fn is_empty(&self) -> bool {
        self.acknowledges.is_empty() && self.commands.is_empty() && self.group.is_empty()
    }
}

/// Returns what readers see of an instrument.
///
/// Nothing is missing up to `known_until_ms`.
pub(super) fn machine_view(fold: &Fold, known_until_ms: Option<i64>) -> MachineView {
    let micros = |ms: i64| Micros::new(ms.saturating_mul(1_000));
    MachineView {
        state: fold.state(),
        since: fold.since_ms().map(micros),
        known_until: known_until_ms.map(micros),
    }
}

/// Returns the newest row of an instrument, with names.
pub(super) fn live_reading(instrument: InstrumentId, rows: &Rows, writer: &Writer) -> LiveReading {
    let last = rows.len().saturating_sub(1);
    let value = |cell| match cell {
        Cell::Good(value) => Some(Ok(value)),
        Cell::Bad(quality) => Some(Err::<f64, Quality>(quality)),
        Cell::Absent => None,
    };
    let cells = rows.row(last).filter_map(|(channel, cell)| {
        let value = value(cell)?;
        Some((writer.channel_name(channel)?, value))
    });
    LiveReading {
        instrument,
        time_ms: rows.times_ms().last().copied().unwrap_or(0),
        values: cells.collect(),
    }
}
