//! Who an agent is, what it reads, and whether it is there.

use serde::{Deserialize, Serialize};

use crate::batch::Clocks;
use crate::key::{BootId, ChannelName, InstrumentKey, StreamId};

/// The first message after every connect.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hello {
    /// Release of the agent, such as `0.1.0`.
    pub version: String,
    /// The outbox in use.
    pub stream: StreamId,
    /// The lowest number the outbox still holds.
    pub oldest: u64,
    /// The number the next record will get.
    pub next: u64,
    /// This boot.
    pub boot: BootId,
    /// Clocks at sending.
    pub sent: Clocks,
    /// How often the agent reports at the latest while all is well, in milliseconds.
    pub report_every_ms: u64,
    /// What it reads.
    pub devices: Vec<DeviceInfo>,
}

/// A device an agent polls.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeviceInfo {
    /// Its name in the agent's configuration.
    pub name: String,
    /// The profile that reads it.
    pub profile: String,
    /// The instrument it speaks for.
    pub instrument: InstrumentKey,
    /// What it measures.
    pub channels: Vec<ChannelInfo>,
}

/// A channel and its unit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChannelInfo {
    /// The channel.
    pub name: ChannelName,
    /// Its unit, such as `W` or `degC`; at most 16 characters.
    pub unit: String,
}

/// Whether the agent is there: retained, and set to offline by the last will.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Status {
    /// The boot that wrote it: a late will of an earlier connection does not silence a newer one.
    pub boot: BootId,
    /// Counts connects of this boot, for the same reason.
    pub connect: u64,
    /// True while connected.
    pub online: bool,
}
