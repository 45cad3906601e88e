//! The payload of every message, with the field numbers of `sparkplug_b.proto` (Eclipse Tahu). Fields
//! that are not read here are left out: the decoder skips them.

use bytes::Buf;
use prost::Message;
use prost::encoding::{DecodeContext, decode_key, skip_field};

use super::{METRICS_OF_MESSAGE_MAX, PAYLOAD_BYTES_MAX, topic};

/// The metric that makes an edge node send its births again (specification, 5.15 and 6.4.21).
pub(super) const REBIRTH: &str = "Node Control/Rebirth";

/// The metric that ties a death to its birth (6.4.21 and 6.4.25).
pub(super) const BD_SEQ: &str = "bdSeq";

/// `DataType.Boolean` (6.4.16).
const BOOLEAN: u32 = 11;

/// What a payload that is compressed says of itself (Tahu's convention, not in the specification).
const COMPRESSED: &str = "SPBV1.0_COMPRESSED";

/// The number of `Payload.metrics`.
const METRICS_TAG: u32 = 2;

/// A message (6.4.4).
#[derive(Clone, PartialEq, Message)]
pub(super) struct Payload {
    /// When it was sent, in milliseconds since 1970 UTC.
    #[prost(uint64, optional, tag = "1")]
    pub(super) timestamp: Option<u64>,
    #[prost(message, repeated, tag = "2")]
    pub(super) metrics: Vec<Metric>,
    /// 0 to 255, one more than in the message before.
    #[prost(uint64, optional, tag = "3")]
    pub(super) seq: Option<u64>,
    #[prost(string, optional, tag = "4")]
    pub(super) uuid: Option<String>,
}

/// A value (6.4.6).
#[derive(Clone, PartialEq, Message)]
pub(super) struct Metric {
    #[prost(string, optional, tag = "1")]
    pub(super) name: Option<String>,
    /// Stands for the name after the birth.
    #[prost(uint64, optional, tag = "2")]
    pub(super) alias: Option<u64>,
    /// When it was acquired, in milliseconds since 1970 UTC.
    #[prost(uint64, optional, tag = "3")]
    pub(super) timestamp: Option<u64>,
    /// A number of 6.4.16.
    #[prost(uint32, optional, tag = "4")]
    pub(super) datatype: Option<u32>,
    /// From a time when nobody could be told.
    #[prost(bool, optional, tag = "5")]
    pub(super) is_historical: Option<bool>,
    #[prost(bool, optional, tag = "7")]
    pub(super) is_null: Option<bool>,
    #[prost(message, optional, tag = "9")]
    pub(super) properties: Option<Properties>,
    #[prost(oneof = "Value", tags = "10, 11, 12, 13, 14, 15, 16, 17, 18")]
    pub(super) value: Option<Value>,
}

/// What a metric carries. Data sets and templates are left as bytes: they are not taken, and so their
/// depth needs no bound.
#[derive(Clone, PartialEq, prost::Oneof)]
pub(super) enum Value {
    #[prost(uint32, tag = "10")]
    Int(u32),
    #[prost(uint64, tag = "11")]
    Long(u64),
    #[prost(float, tag = "12")]
    Float(f32),
    #[prost(double, tag = "13")]
    Double(f64),
    #[prost(bool, tag = "14")]
    Boolean(bool),
    #[prost(string, tag = "15")]
    Text(String),
    #[prost(bytes = "vec", tag = "16")]
    Bytes(Vec<u8>),
    #[prost(bytes = "vec", tag = "17")]
    DataSet(Vec<u8>),
    #[prost(bytes = "vec", tag = "18")]
    Template(Vec<u8>),
}

/// What a metric says of itself: two lists that belong together (6.4.9).
#[derive(Clone, PartialEq, Message)]
pub(super) struct Properties {
    #[prost(string, repeated, tag = "1")]
    pub(super) keys: Vec<String>,
    #[prost(message, repeated, tag = "2")]
    pub(super) values: Vec<Property>,
}

/// One of them (6.4.11); only numbers and texts are read.
#[derive(Clone, PartialEq, Message)]
pub(super) struct Property {
    #[prost(uint32, optional, tag = "3")]
    pub(super) int: Option<u32>,
    #[prost(uint64, optional, tag = "4")]
    pub(super) long: Option<u64>,
    #[prost(string, optional, tag = "8")]
    pub(super) text: Option<String>,
}

impl Metric {
    /// Returns a property.
    pub(super) fn property(&self, key: &str) -> Option<&Property> {
        let properties = self.properties.as_ref()?;
        let mut pairs = properties.keys.iter().zip(&properties.values);
        pairs.find(|(held, _)| *held == key).map(|(_, value)| value)
    }
}

/// Why a payload is not read at all; a stable word each.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Refusal {
    TooLarge,
    TooManyMetrics,
    NotProtobuf,
    Compressed,
}

impl Refusal {
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::TooLarge => "too_large",
            Self::TooManyMetrics => "too_many_metrics",
            Self::NotProtobuf => "not_sparkplug",
            Self::Compressed => "compressed",
        }
    }
}

/// Decodes a payload within the limits.
pub(super) fn decode(bytes: &[u8]) -> Result<Payload, Refusal> {
    if bytes.len() > PAYLOAD_BYTES_MAX {
        return Err(Refusal::TooLarge);
    }
    let metrics = count_metrics(bytes).map_err(|_| Refusal::NotProtobuf)?;
    if metrics > METRICS_OF_MESSAGE_MAX {
        return Err(Refusal::TooManyMetrics);
    }
    let payload = Payload::decode(bytes).map_err(|_| Refusal::NotProtobuf)?;
    if payload.uuid.as_deref() == Some(COMPRESSED) {
        return Err(Refusal::Compressed);
    }
    Ok(payload)
}

/// Counts metrics without making them: two bytes of payload can become two hundred of memory.
fn count_metrics(mut bytes: &[u8]) -> Result<usize, prost::DecodeError> {
    let mut count = 0;
    while bytes.has_remaining() {
        let (tag, wire_type) = decode_key(&mut bytes)?;
        count += usize::from(tag == METRICS_TAG);
        skip_field(wire_type, tag, &mut bytes, DecodeContext::default())?;
    }
    Ok(count)
}

/// Returns topic and payload of the command that asks an edge node to be born again. No sequence
/// number: commands have none.
#[must_use]
pub fn rebirth_request(group: &str, node: &str, now_ms: i64) -> (String, Vec<u8>) {
    let timestamp = u64::try_from(now_ms).ok();
    let payload = Payload {
        timestamp,
        metrics: vec![Metric {
            name: Some(REBIRTH.to_owned()),
            timestamp,
            datatype: Some(BOOLEAN),
            value: Some(Value::Boolean(true)),
            ..Metric::default()
        }],
        seq: None,
        uuid: None,
    };
    (topic::command_topic(group, node), payload.encode_to_vec())
}

/// Returns topic and payload of what a host application says of itself, retained (6.4.27): a birth and
/// the death that ends it carry the same time.
#[must_use]
pub fn state(host: &str, online: bool, since_ms: i64) -> (String, Vec<u8>) {
    let payload = format!(r#"{{"online":{online},"timestamp":{since_ms}}}"#);
    (topic::state_topic(host), payload.into_bytes())
}
