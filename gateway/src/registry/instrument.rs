//! An instrument as registered: what it is, where its telemetry comes from, how its state is judged.

use chrono_tz::Tz;
use scheduler::id::{InstrumentId, NodeId};
use scheduler::place::Place;
use serde::{Deserialize, Serialize};
use wire::{AgentName, ChannelName, InstrumentKey};

use super::state_rule::StateRule;

/// A name in both languages.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Names {
    /// Chinese.
    pub zh: String,
    /// English; may repeat the Chinese one where there is none.
    pub en: String,
}

/// A registered instrument.
#[derive(Debug, Clone, PartialEq)]
pub struct Instrument {
    /// Identity inside.
    pub id: InstrumentId,
    /// Identity outside: the asset code.
    pub key: InstrumentKey,
    /// Names.
    pub names: Names,
    /// Model, such as `D8 Advance`.
    pub model: String,
    /// Manufacturer.
    pub manufacturer: String,
    /// National class code (GB/T 32847, six digits), if known.
    pub category: Option<String>,
    /// What it can do, lower-case words such as `xrd`.
    pub capabilities: Vec<String>,
    /// Room.
    pub room: String,
    /// The lab it belongs to.
    pub lab: NodeId,
    /// Where it stands, if that is not where its lab does.
    pub place: Option<Place>,
    /// Zone of its opening hours and pages.
    pub zone: Tz,
    /// How many bookings may run at once, 1 to 64.
    pub capacity: u8,
    /// Whether it can be booked here.
    pub bookable: bool,
    /// Whether the public sees it.
    pub published: bool,
    /// Whether it draws power all the time, so that telemetry cannot tell whether it is used: then
    /// check-ins do.
    pub always_on: bool,
    /// Counts edits; the `ETag`.
    pub version: i64,
    /// Where its telemetry comes from.
    pub source: Option<Source>,
    /// How its state is judged.
    pub state_rule: StateRule,
}

impl Instrument {
    /// Returns true if a channel is its agent's alone: one that the state rule looks at, where an
    /// agent speaks for the instrument. One voice tells the state.
    #[must_use]
    pub fn is_agents(&self, channel: &ChannelName) -> bool {
        self.source.is_some() && self.state_rule.channels().contains(&channel)
    }
}

/// Which agent may speak for an instrument.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Source {
    /// The agent.
    pub agent: AgentName,
    /// The device in the agent's configuration, for people; not checked.
    pub device: Option<String>,
    /// What the gateway polls itself, if the agent is its own.
    pub polled: Option<Polled>,
}

/// A Modbus unit that the gateway polls itself. Bounds: [`crate::polling`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Polled {
    /// The name of its device profile.
    pub profile: String,
    /// Where it answers, `host:port`.
    pub address: String,
    /// Its Modbus unit.
    pub unit: u8,
    /// Milliseconds between two polls.
    pub every_ms: u32,
    /// Longest time for an answer, in milliseconds.
    pub timeout_ms: u32,
}
