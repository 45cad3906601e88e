//! The messages between agent and gateway: topics, JSON encoding and limits. Nothing of ours below.
//!
//! What comes in: bytes and topic text from an MQTT session. What goes out: checked messages, or an
//! error that names what is wrong. Deliberately not here: sockets, clocks, storage, any decision
//! about machine state.
//!
//! **Flow.** An agent gives every [`Record`] a sequence number when it enters the outbox, publishes
//! it in a [`Batch`] and deletes it only when an [`Ack`] covers it. The gateway sends an ack after
//! its commit. `PUBACK` is transport and promises nothing.
//!
//! **Compatibility.** [`VERSION`] is the major version in the topic prefix. Within it fields are
//! only added, readers ignore fields they do not know, and the gateway reads what the previous
//! release of the agent sent (golden bytes under `tests/golden` prove it).

mod ack;
mod batch;
mod codec;
mod hello;
mod key;
mod topic;

pub use ack::{Ack, SeqRange};
pub use batch::{Bad, Batch, Clocks, DropReason, Event, Quality, Record, RecordBody, Series};
pub use codec::{
    DecodeError, Limit, decode_ack, decode_batch, decode_hello, decode_status, encode,
};
pub use hello::{ChannelInfo, DeviceInfo, Hello, Status};
pub use key::{AgentName, BootId, ChannelName, InstrumentKey, KeyError, StreamId};
pub use topic::{Down, Topic, TopicError, Up};

/// Major version of the protocol, as in the topic prefix `ortoo/v1/`.
pub const VERSION: u8 = 1;

/// Largest payload that is decoded, in bytes. Larger messages are quarantined unread.
pub const PAYLOAD_BYTES_MAX: usize = 256 * 1024;

/// Most series in one batch.
pub const SERIES_MAX: usize = 512;

/// Most channels in one series.
pub const CHANNELS_MAX: usize = 64;

/// Most times in one series.
pub const TIMES_MAX: usize = 4_096;

/// Most values (times x channels, all series) in one batch.
pub const VALUES_MAX: usize = 32_768;

/// Greatest magnitude of a value that is believed, in the channel's unit. No quantity of an instrument
/// comes near (a petawatt, 30 million years in seconds), but garbled registers read as floats do, and
/// one of them would drown an hour's mean. The gateway keeps what lies beyond as
/// [`Quality::OutOfRange`].
pub const VALUE_MAGNITUDE_MAX: f64 = 1e15;

/// Most ranges in one ack. What lies above is acknowledged by a later ack.
pub const ACK_RANGES_MAX: usize = 64;

/// Most devices an agent declares in its hello.
pub const DEVICES_MAX: usize = 512;
