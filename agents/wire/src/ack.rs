//! What the gateway has committed of an agent's stream.

use serde::{Deserialize, Serialize};

use crate::key::StreamId;

/// An inclusive range of sequence numbers, as `[from, to]` on the wire.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct SeqRange(pub u64, pub u64);

/// Sent after the commit of the records it names.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ack {
    /// The stream; an ack of another stream is ignored.
    pub stream: StreamId,
    /// Everything up to and including this number is committed or a known gap.
    pub upto: u64,
    /// Committed ranges above `upto`, ascending, disjoint, at most [`crate::ACK_RANGES_MAX`].
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub ranges: Vec<SeqRange>,
}

impl Ack {
    /// Returns true if the number is covered.
    #[must_use]
    pub fn covers(&self, seq: u64) -> bool {
        seq <= self.upto
            || self
                .ranges
                .iter()
                .any(|range| (range.0..=range.1).contains(&seq))
    }
}
