//! What a message holds, read by what its births named.

use std::sync::Arc;

use super::catalogue::{Catalogue, Metric, Unread};
use super::payload::{BD_SEQ, Payload, Value as Carried};
use super::topic::Kind;
use super::value::Number;

/// A message of an edge node.
#[derive(Debug)]
pub(super) struct Message {
    pub(super) kind: Kind,
    pub(super) device: Option<Arc<str>>,
    pub(super) payload: Payload,
    /// Size of the payload as it came.
    pub(super) bytes: usize,
}

/// What follows from a message or from time.
#[derive(Debug, Clone, PartialEq)]
pub enum Told {
    /// A value.
    Value {
        /// The device; `None`: the edge node itself.
        device: Option<Arc<str>>,
        /// The metric.
        metric: Metric,
        /// The number, or why there is none.
        value: Number,
        /// By the sender's clock, in milliseconds since 1970 UTC, if it tells.
        at_ms: Option<i64>,
    },
    /// A metric that is not read.
    Unread {
        /// The device; `None`: the edge node itself.
        device: Option<Arc<str>>,
        /// Its name; empty: it has none.
        metric: Arc<str>,
        /// Why.
        why: Unread,
    },
    /// The node itself, or one of its devices, is there or not.
    Here(Option<Arc<str>>, bool),
    /// A message that was passed over as a whole; a stable word.
    Dropped(&'static str),
    /// The node is to be asked to be born again.
    Rebirth,
}

/// Reads a birth, at most `room` metrics of it.
pub(super) fn read_birth(
    device: Option<&Arc<str>>,
    payload: &Payload,
    room: usize,
    told: &mut Vec<Told>,
) -> Catalogue {
    let (mut values, mut unread) = (Vec::new(), Vec::new());
    let catalogue = Catalogue::born(&payload.metrics, room, &mut values, &mut unread);
    for ((metric, value), place) in values {
        let sent = payload.metrics.get(place).and_then(|sent| sent.timestamp);
        told.push(Told::Value {
            device: device.cloned(),
            metric,
            value,
            at_ms: time(sent, payload),
        });
    }
    told.extend(unread.into_iter().map(|(metric, why)| Told::Unread {
        device: device.cloned(),
        metric,
        why,
    }));
    catalogue
}

/// Reads data by a catalogue and whether that is certain to hold. Returns true if a birth is needed to
/// understand all of it.
pub(super) fn read_data(
    catalogue: Option<(&Catalogue, bool)>,
    message: &Message,
    told: &mut Vec<Told>,
) -> bool {
    let nothing = Catalogue::default();
    let (catalogue, trust) = catalogue.unwrap_or((&nothing, false));
    let mut is_strange = false;
    for sent in &message.payload.metrics {
        let device = message.device.clone();
        told.push(match catalogue.resolve(sent, trust) {
            Ok((metric, value)) => Told::Value {
                device,
                metric,
                value,
                at_ms: time(sent.timestamp, &message.payload),
            },
            Err((metric, why)) => {
                is_strange |= why == Unread::NotInBirth;
                Told::Unread {
                    device,
                    metric,
                    why,
                }
            }
        });
    }
    is_strange
}

/// The metric's own time, or else the message's.
fn time(metric: Option<u64>, payload: &Payload) -> Option<i64> {
    metric
        .or(payload.timestamp)
        .and_then(|time| i64::try_from(time).ok())
}

/// The message's number, if it has one.
pub(super) fn seq_of(payload: &Payload) -> Option<u8> {
    payload.seq.and_then(|seq| u8::try_from(seq).ok())
}

/// What ties births and deaths together, if the message tells.
pub(super) fn bd_seq_of(payload: &Payload) -> Option<u64> {
    let mut metrics = payload.metrics.iter();
    let metric = metrics.find(|metric| metric.name.as_deref() == Some(BD_SEQ))?;
    if let Some(Carried::Int(number)) = metric.value {
        return Some(number.into());
    }
    if let Some(Carried::Long(number)) = metric.value {
        return Some(number);
    }
    None
}
