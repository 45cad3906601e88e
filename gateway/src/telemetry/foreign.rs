//! What does not come from our own agents, in the one form in which the recorder takes it.
//!
//! Three ways lead here, and all go on through the same path as agents' batches (`state -> record ->
//! ack -> live`), in the same group commits:
//!
//! - A broker brings a [`ForeignMessage`]: somebody else's format, read by the mappings of the lab
//!   that its topic belongs to ([`super::mapping`]).
//! - Somebody who has read it already brings a [`ForeignBatch`] by
//!   [`TelemetryHandle::ingest_readings`](super::TelemetryHandle::ingest_readings): scripts by HTTP,
//!   and whatever decodes a protocol of its own (Sparkplug B, devices polled in this process).
//!   **This is the place to plug another protocol in**: make [`ForeignReading`]s and [`Presence`],
//!   and put what must wait for the commit (a PUBACK, an answer) into `acknowledge`.
//! - A protocol whose messages come by the broker but need state to be read is decoded where
//!   messages of mappings are, in `collect/foreign.rs`.
//!
//! **Whose voice counts.** An instrument with an agent of its own gets its machine state from that
//! agent alone. Foreign readings may add channels to it, but never those its state rule looks at;
//! they are refused as `agents_channel`.
//!
//! **Time.** See [`ReadingTime`]. Times that no clock of ours vouches for carry an uncertainty, and
//! a run whose readings are in doubt by more than a minute is neither billed nor punished without a
//! person.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use scheduler::id::InstrumentId;
use scheduler::time::Micros;
use wire::{ChannelName, Quality};

use super::clocks::Possible;
use super::intake::Acknowledge;
use crate::registry::SourceName;

/// Most characters of a channel's unit.
pub const UNIT_CHARACTERS_MAX: usize = 16;

/// Most readings in one batch. Whoever has more sends several.
pub const READINGS_MAX: usize = 10_000;

/// When something was read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReadingTime {
    /// When it came in. Right for devices that send at once and keep nothing.
    Arrival,
    /// When it came in, though a broker may have kept it for so long: in doubt by that.
    Kept(Duration),
    /// What a device's clock said that nobody checks. Kept if it is possible, and as uncertain as it
    /// is far from the arrival; else the arrival is kept, in doubt.
    Device(Micros),
    /// What somebody states who answers for it, such as a script that brings yesterday's file. Kept
    /// as it is; refused if it lies ahead or beyond what is kept.
    Stated(Micros),
}

/// One value of one channel of one instrument, read by somebody else.
#[derive(Debug, Clone, PartialEq)]
pub struct ForeignReading {
    /// The instrument. The caller has checked that the sender may speak for it.
    pub instrument: InstrumentId,
    /// The channel.
    pub channel: ChannelName,
    /// The unit of the value, at most [`UNIT_CHARACTERS_MAX`] characters; empty: not known, and what
    /// was known stays.
    pub unit: String,
    /// When.
    pub time: ReadingTime,
    /// A finite value, or why there is none; never [`Quality::Good`] as the error.
    pub value: Result<f64, Quality>,
}

/// Returns why a reading stated for a time would be refused now, while readings are kept from
/// `raw_from` on: `future_time` or `too_old`.
#[must_use]
pub fn stated_time_refusal(at: Micros, now: Micros, raw_from: Micros) -> Option<&'static str> {
    Possible::now(now, raw_from).refusal(at.get().div_euclid(1_000))
}

/// Whether what reads an instrument is there, as it said or as its last will says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Presence {
    /// The instrument.
    pub instrument: InstrumentId,
    /// Whether its source is there. Gone: after 15 s without readings the instrument is offline. Any
    /// reading says that it is there again.
    pub is_here: bool,
}

/// Why readings are refused whose channels' names are more than the store or their lab has room for;
/// of a [`ForeignBatch`] none is taken then.
pub const TOO_MANY_CHANNELS: &str = "too_many_channels";

/// Readings that are committed together with whatever else their group holds.
#[derive(Debug, Default)]
pub struct ForeignBatch {
    /// At most [`READINGS_MAX`], in any order; of two of one channel at one time the last counts.
    pub readings: Vec<ForeignReading>,
    /// Who came and who went, in order, after the readings.
    pub presence: Vec<Presence>,
    /// Filled before `acknowledge` fires with what was not taken.
    pub refused: Refused,
    /// Fires after the commit.
    pub acknowledge: Acknowledge,
}

/// What was not taken of a batch, in words for people; shared between sender and recorder.
#[derive(Debug, Clone, Default)]
pub struct Refused(Arc<Mutex<Vec<(&'static str, String)>>>);

impl Refused {
    pub(super) fn add(&self, reason: &'static str, detail: &str) {
        let mut held = self
            .0
            .lock()
            .expect("nobody panics while holding this lock");
        held.push((reason, detail.to_owned()));
    }

    /// Returns and forgets what was refused: a stable word and, in English, what exactly.
    ///
    /// # Panics
    /// Never: nobody panics while holding the lock.
    #[must_use]
    pub fn take(&self) -> Vec<(&'static str, String)> {
        let mut held = self
            .0
            .lock()
            .expect("nobody panics while holding this lock");
        std::mem::take(&mut *held)
    }
}

/// A message of somebody else's device, as a broker handed it over.
#[derive(Debug)]
pub struct ForeignMessage {
    /// Who sent it; `None` when an external broker knows, not we: then its topic tells.
    pub publisher: Option<SourceName>,
    /// The topic as published.
    pub topic: String,
    /// The payload, unchecked.
    pub payload: Bytes,
    /// Whether the broker had kept it from before: then nobody knows how old it is, and it tells
    /// who is there but nothing else.
    pub is_retained: bool,
    /// For how long the broker may have kept it, at the most.
    pub kept_for: Duration,
    /// Fires after the commit; none at QoS 0, where nobody sends anything again.
    pub acknowledge: Acknowledge,
}
