//! Bytes to message and message to bytes, with every limit checked here.

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::ack::Ack;
use crate::batch::{Batch, Quality, RecordBody, Series};
use crate::hello::{Hello, Status};
use crate::{
    ACK_RANGES_MAX, CHANNELS_MAX, DEVICES_MAX, PAYLOAD_BYTES_MAX, SERIES_MAX, TIMES_MAX, VALUES_MAX,
};

/// A limit of the protocol that a message exceeds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{what} is {actual}, the limit is {limit}")]
pub struct Limit {
    /// What is too large.
    pub what: &'static str,
    /// How large it is.
    pub actual: usize,
    /// How large it may be.
    pub limit: usize,
}

/// Why bytes are not a message.
#[derive(Debug, thiserror::Error)]
pub enum DecodeError {
    /// A limit is exceeded.
    #[error("the message is too large")]
    TooLarge(#[from] Limit),
    /// Not JSON of the expected form.
    #[error("the message is not JSON of the expected form")]
    Malformed(#[from] serde_json::Error),
    /// JSON of the right form with an impossible shape: column lengths, indexes, order.
    #[error("the message contradicts itself: {0}")]
    Shape(&'static str),
}

impl DecodeError {
    /// Returns the short stable word under which rejections are counted.
    #[must_use]
    pub fn reason(&self) -> &'static str {
        match self {
            Self::TooLarge(_) => "too_large",
            Self::Malformed(_) => "malformed",
            Self::Shape(_) => "shape",
        }
    }
}

/// Encodes any message of this crate as compact JSON.
///
/// # Panics
/// Never for messages of this crate: they have string keys and finite numbers only.
#[must_use]
pub fn encode<T: Serialize>(message: &T) -> Vec<u8> {
    serde_json::to_vec(message).expect("messages of this crate always encode")
}

/// Decodes a `readings` or `event` message and checks its shape and limits.
///
/// # Errors
/// Returns [`DecodeError`] naming the limit, the JSON position or the contradiction.
pub fn decode_batch(payload: &[u8]) -> Result<Batch, DecodeError> {
    let batch: Batch = decode(payload)?;
    if batch.seq == 0 || batch.oldest == 0 || batch.oldest > batch.seq {
        return Err(DecodeError::Shape(
            "seq and oldest must satisfy 1 <= oldest <= seq",
        ));
    }
    if let RecordBody::Series(series) = &batch.record.body {
        check_limit("number of series", series.len(), SERIES_MAX)?;
        let mut values = 0;
        for one in series {
            check_series(one)?;
            values += one.channels.len() * one.offsets_ms.len();
        }
        check_limit("number of values", values, VALUES_MAX)?;
    }
    Ok(batch)
}

/// Decodes a `hello` message.
///
/// # Errors
/// Returns [`DecodeError`] as [`decode_batch`] does.
pub fn decode_hello(payload: &[u8]) -> Result<Hello, DecodeError> {
    let hello: Hello = decode(payload)?;
    check_limit("number of devices", hello.devices.len(), DEVICES_MAX)?;
    for device in &hello.devices {
        check_limit("number of channels", device.channels.len(), CHANNELS_MAX)?;
        for channel in &device.channels {
            check_limit("length of a unit", channel.unit.chars().count(), 16)?;
        }
        check_limit("length of a device name", device.name.chars().count(), 64)?;
        check_limit(
            "length of a profile name",
            device.profile.chars().count(),
            64,
        )?;
    }
    check_limit("length of the version", hello.version.len(), 32)?;
    Ok(hello)
}

/// Decodes a `status` message.
///
/// # Errors
/// Returns [`DecodeError`] when the bytes are not a status.
pub fn decode_status(payload: &[u8]) -> Result<Status, DecodeError> {
    decode(payload)
}

/// Decodes an `ack` message.
///
/// # Errors
/// Returns [`DecodeError`] when the bytes are not an ack, or its ranges are too many or unordered.
pub fn decode_ack(payload: &[u8]) -> Result<Ack, DecodeError> {
    let ack: Ack = decode(payload)?;
    check_limit("number of ranges", ack.ranges.len(), ACK_RANGES_MAX)?;
    let mut last = ack.upto;
    for range in &ack.ranges {
        if range.0 <= last || range.1 < range.0 {
            return Err(DecodeError::Shape(
                "ranges must ascend above upto and not touch",
            ));
        }
        last = range.1;
    }
    Ok(ack)
}

fn decode<T: DeserializeOwned>(payload: &[u8]) -> Result<T, DecodeError> {
    check_limit(
        "length of the payload in bytes",
        payload.len(),
        PAYLOAD_BYTES_MAX,
    )?;
    Ok(serde_json::from_slice(payload)?)
}

fn check_limit(what: &'static str, actual: usize, limit: usize) -> Result<(), Limit> {
    if actual > limit {
        Err(Limit {
            what,
            actual,
            limit,
        })
    } else {
        Ok(())
    }
}

fn check_series(series: &Series) -> Result<(), DecodeError> {
    check_limit("number of channels", series.channels.len(), CHANNELS_MAX)?;
    check_limit("number of times", series.offsets_ms.len(), TIMES_MAX)?;
    if series.channels.len() != series.values.len() {
        return Err(DecodeError::Shape(
            "values must have one column for each channel",
        ));
    }
    if series
        .values
        .iter()
        .any(|column| column.len() != series.offsets_ms.len())
    {
        return Err(DecodeError::Shape(
            "each column must have one value for each time",
        ));
    }
    if !series.offsets_ms.is_sorted() {
        return Err(DecodeError::Shape("offsets_ms must ascend"));
    }
    let mut names: Vec<_> = series.channels.iter().collect();
    names.sort_unstable();
    names.dedup();
    if names.len() != series.channels.len() {
        return Err(DecodeError::Shape("a channel is named twice"));
    }
    check_bad(series)
}

/// Every missing value has exactly one reason, and every reason belongs to a missing value.
fn check_bad(series: &Series) -> Result<(), DecodeError> {
    let holes: usize = series
        .values
        .iter()
        .flatten()
        .filter(|value| value.is_none())
        .count();
    let mut places: Vec<_> = series.bad.iter().map(|bad| (bad.channel, bad.at)).collect();
    places.sort_unstable();
    places.dedup();
    if places.len() != series.bad.len() || places.len() != holes {
        return Err(DecodeError::Shape(
            "each missing value needs exactly one reason in bad",
        ));
    }
    for bad in &series.bad {
        let value = series
            .values
            .get(bad.channel)
            .and_then(|column| column.get(bad.at));
        if value != Some(&None) || bad.reason == Quality::Good {
            return Err(DecodeError::Shape(
                "bad must name missing values with a reason",
            ));
        }
    }
    Ok(())
}
