//! What a metric's value is as a number. Source: specification, 6.4.16 (data types) and 6.4.7.

use wire::Quality;

use super::catalogue::Unread;
use super::payload::{Metric, Value};

/// Quality codes of the property `Quality` (6.4.10): anything else is not good.
const GOOD: u64 = 192;
const STALE: u64 = 500;

/// A value that there is, or why there is none.
pub type Number = Result<f64, Quality>;

/// Reads a metric's value. Without a type only what tells its own is read: the number of an integer
/// would be another one by another type.
pub(super) fn number(metric: &Metric, datatype: Option<u32>) -> Result<Number, Unread> {
    if let Some(quality) = metric.property("Quality") {
        let code = quality.int.map(u64::from).or(quality.long);
        match code {
            Some(GOOD) | None => {}
            Some(STALE) => return Ok(Err(Quality::Timeout)),
            Some(_) => return Ok(Err(Quality::DeviceFailure)),
        }
    }
    if metric.is_null == Some(true) {
        return Ok(Err(Quality::NotAValue));
    }
    let Some(value) = &metric.value else {
        // A birth may name a metric that has no value yet.
        return Ok(Err(Quality::NotAValue));
    };
    let number = match value {
        Value::Float(number) => f64::from(*number),
        Value::Double(number) => *number,
        Value::Boolean(is_on) => f64::from(u8::from(*is_on)),
        Value::Int(number) => integer(u64::from(*number), 32, datatype)?,
        Value::Long(number) => integer(*number, 64, datatype)?,
        Value::Text(_) => return Err(Unread::Text),
        Value::Bytes(_) if matches!(datatype, Some(22..=34)) => return Err(Unread::Array),
        Value::Bytes(_) => return Err(Unread::Bytes),
        Value::DataSet(_) => return Err(Unread::DataSet),
        Value::Template(_) => return Err(Unread::Template),
    };
    if number.is_finite() {
        Ok(Ok(number))
    } else {
        Ok(Err(Quality::NotAValue))
    }
}

/// Reads an integer of a data type. Some senders extend the sign of a small one to the whole field,
/// some do not, and some send 32 bits in the field of 64.
fn integer(bits: u64, width: u32, datatype: Option<u32>) -> Result<f64, Unread> {
    let signed = |size: u32| {
        let value = sign_extended(bits, size);
        // As it stands, or with the sign in the whole field.
        let is_bare = size >= 64 || bits >> size == 0;
        let is_extended = sign_extended(bits, width) == value;
        (is_bare || is_extended).then(|| float(value))
    };
    let unsigned = |size: u32| (size >= 64 || bits >> size == 0).then(|| unsigned_float(bits));
    let number = match datatype.ok_or(Unread::NoType)? {
        1 => signed(8),
        2 => signed(16),
        3 => signed(32),
        4 => signed(64),
        5 => unsigned(8),
        6 => unsigned(16),
        7 => unsigned(32),
        8 => unsigned(64),
        // A boolean that a sender wrote as a number.
        11 if bits <= 1 => Some(unsigned_float(bits)),
        13 => return Err(Unread::Time),
        _ => None,
    };
    number.ok_or(Unread::WrongType)
}

/// Takes the lowest `size` bits (1 to 64) as a number with a sign.
fn sign_extended(bits: u64, size: u32) -> i64 {
    let shift = 64 - size;
    (bits << shift).cast_signed() >> shift
}

/// The nearest number; beyond 2^53 not every integer has one of its own.
fn float(value: i64) -> f64 {
    let magnitude = unsigned_float(value.unsigned_abs());
    if value < 0 { -magnitude } else { magnitude }
}

fn unsigned_float(value: u64) -> f64 {
    let high = u32::try_from(value >> 32).unwrap_or(u32::MAX);
    let low = u32::try_from(value & u64::from(u32::MAX)).unwrap_or(u32::MAX);
    f64::from(high) * 4_294_967_296.0 + f64::from(low)
}
