//! A batch: one record of an agent's outbox on its way, with the clocks at sending.

use serde::{Deserialize, Serialize};

use crate::key::{BootId, ChannelName, InstrumentKey, StreamId};

/// Two clocks of a device read at one moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Clocks {
    /// Wall clock, milliseconds since 1970 UTC. May be wrong by decades.
    pub wall_ms: i64,
    /// Monotonic clock, milliseconds since an unknown moment of this boot.
    pub mono_ms: i64,
}

/// One record on its way: `readings` and `event` messages have this form.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Batch {
    /// The outbox it comes from.
    pub stream: StreamId,
    /// The record's number in that outbox: 1, 2, 3, ... without holes when it was written.
    pub seq: u64,
    /// The lowest number the outbox still holds; lower ones that never came are lost.
    pub oldest: u64,
    /// The boot in which it is sent.
    pub boot: BootId,
    /// Clocks of the agent at sending.
    pub sent: Clocks,
    /// What was recorded.
    pub record: Record,
}

/// What the outbox keeps: readings or an event, with the clocks at recording.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "RecordFields")]
pub struct Record {
    /// The boot in which it was recorded.
    pub boot: BootId,
    /// Clocks of the agent at recording; offsets of readings count from here.
    pub at: Clocks,
    /// The content.
    #[serde(flatten)]
    pub body: RecordBody,
}

/// A record's fields as they are read: a flattened content would be read twice, by way of a copy.
#[derive(Deserialize)]
struct RecordFields {
    boot: BootId,
    at: Clocks,
    series: Option<Vec<Series>>,
    event: Option<Event>,
}

impl TryFrom<RecordFields> for Record {
    type Error = &'static str;

    fn try_from(fields: RecordFields) -> Result<Self, Self::Error> {
        let body = match (fields.series, fields.event) {
            (Some(series), None) => RecordBody::Series(series),
            (None, Some(event)) => RecordBody::Event(event),
            (Some(_), Some(_)) | (None, None) => {
                return Err("a record holds either `series` or `event`");
            }
        };
        Ok(Self {
            boot: fields.boot,
            at: fields.at,
            body,
        })
    }
}

/// The content of a record.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum RecordBody {
    /// Readings of one or many instruments.
    Series(Vec<Series>),
    /// Something that happened; never dropped before telemetry.
    Event(Event),
}

/// Readings of one instrument: shared times, one column a channel.
///
/// Shape: `values` has one column for each of `channels`, each column one entry for each of
/// `offsets_ms`. An entry is `null` exactly where `bad` has an item for it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Series {
    /// The instrument the agent says it reads.
    pub key: InstrumentKey,
    /// Milliseconds from the record's clocks to each reading, ascending; usually 0 or negative.
    pub offsets_ms: Vec<i64>,
    /// The channels.
    pub channels: Vec<ChannelName>,
    /// Columns of finite values in the channel's unit.
    pub values: Vec<Vec<Option<f64>>>,
    /// Why entries are missing.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub bad: Vec<Bad>,
}

/// One missing value and its reason.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Bad {
    /// Index into `channels`.
    pub channel: usize,
    /// Index into `offsets_ms`.
    pub at: usize,
    /// The reason.
    pub reason: Quality,
}

/// Whether a reading can be believed, and if not, why. Texts are stable: they are stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Quality {
    /// A value from the device.
    Good,
    /// The device did not answer in time.
    Timeout,
    /// The connection to the device could not be made or broke.
    Link,
    /// The device answered with an exception: illegal function (Modbus exception 1).
    IllegalFunction,
    /// Illegal data address (Modbus exception 2): the register map is wrong for this device.
    IllegalAddress,
    /// Illegal data value (Modbus exception 3).
    IllegalValue,
    /// Device failure (Modbus exception 4) or any other exception.
    DeviceFailure,
    /// The device is busy (Modbus exceptions 5 and 6).
    DeviceBusy,
    /// A Modbus gateway could not reach the device (Modbus exceptions 10 and 11).
    DeviceUnreachable,
    /// The answer did not fit the question (wrong header, function or length).
    Nonsense,
    /// The registers hold the pattern that means "no value", a NaN or an infinity.
    NotAValue,
    /// The value lies outside what the profile says the quantity can be.
    OutOfRange,
    /// A reason of a newer release that this one does not know.
    #[serde(other)]
    Other,
}

impl Quality {
    /// Returns the stable text, as on the wire.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Good => "good",
            Self::Timeout => "timeout",
            Self::Link => "link",
            Self::IllegalFunction => "illegal_function",
            Self::IllegalAddress => "illegal_address",
            Self::IllegalValue => "illegal_value",
            Self::DeviceFailure => "device_failure",
            Self::DeviceBusy => "device_busy",
            Self::DeviceUnreachable => "device_unreachable",
            Self::Nonsense => "nonsense",
            Self::NotAValue => "not_a_value",
            Self::OutOfRange => "out_of_range",
            Self::Other => "other",
        }
    }

    /// Every reason in a fixed order; the position is the code kept in the store.
    pub const ALL: [Self; 13] = [
        Self::Good,
        Self::Timeout,
        Self::Link,
        Self::IllegalFunction,
        Self::IllegalAddress,
        Self::IllegalValue,
        Self::DeviceFailure,
        Self::DeviceBusy,
        Self::DeviceUnreachable,
        Self::Nonsense,
        Self::NotAValue,
        Self::OutOfRange,
        Self::Other,
    ];
}

/// Why an outbox gave records up. Texts are stable: they are metric labels.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DropReason {
    /// The outbox held as many bytes as it may.
    Full,
    /// They were older than the outbox keeps readings.
    Age,
    /// The disk took nothing for so long that they found no place in memory.
    Disk,
    /// Their bytes in the file were damaged.
    Damaged,
    /// One record is larger than a message may be.
    TooLarge,
    /// A reason of a newer release, or none was given.
    #[serde(other)]
    Other,
}

impl DropReason {
    /// Returns the stable text, as on the wire.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Full => "full",
            Self::Age => "age",
            Self::Disk => "disk",
            Self::Damaged => "damaged",
            Self::TooLarge => "too_large",
            Self::Other => "other",
        }
    }
}

/// Something that happened at an agent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "kind")]
pub enum Event {
    /// The outbox gave records up: they have numbers and will never come.
    Dropped {
        /// First dropped number.
        from: u64,
        /// Last dropped number.
        to: u64,
        /// How many of these numbers; without it all of them. Records that were kept may lie
        /// between.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        count: Option<u64>,
        /// Why.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        reason: Option<DropReason>,
    },
    /// The outbox's file was damaged; it was set aside and what could be read goes on in a new one.
    /// Which numbers are lost shows in the stream's gaps.
    Damaged {
        /// Records that could be read.
        kept: u64,
        /// True if not even the stream's id could be read: this stream is a new one, the numbers of
        /// the one before end here.
        renewed: bool,
    },
    /// A device began or ceased to answer.
    Device {
        /// The device's name in the agent's configuration.
        device: String,
        /// Whether it answers now.
        reachable: bool,
        /// Why not; [`Quality::Good`] when it answers.
        reason: Quality,
    },
    /// An event of a newer release.
    #[serde(other)]
    Other,
}
