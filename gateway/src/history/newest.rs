//! The newest readings of an instrument's channels, and how a tail's row keeps them.

use bytes::{Buf, BufMut};

use super::block::Damage;
use super::rows::{Cell, ChannelNo};

/// The newest reading of a channel.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Newest {
    pub(super) channel: ChannelNo,
    pub(super) time_ms: i64,
    /// Never absent.
    pub(super) cell: Cell,
    /// The last good value, if this one is bad and there ever was one.
    pub(super) good: Option<f64>,
}

/// Encodes newest readings: each `{ u16 channel, u8 code, i64 ms, f64 value }`, little-endian. The value
/// of a bad one is the last good one; not a number, if there never was one.
pub(super) fn encode_newest(newest: &[Newest]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(19 * newest.len());
    for one in newest {
        let (code, mut value) = one.cell.split();
        if matches!(one.cell, Cell::Bad(_)) {
            value = one.good.unwrap_or(f64::NAN);
        }
        bytes.put_u16_le(one.channel.0);
        bytes.put_u8(code);
        bytes.put_i64_le(one.time_ms);
        bytes.put_f64_le(value);
    }
    bytes
}

/// Reads what [`encode_newest`] wrote.
pub(super) fn decode_newest(mut bytes: &[u8]) -> Result<Vec<Newest>, Damage> {
    let mut newest = Vec::new();
    while !bytes.is_empty() {
        let channel = ChannelNo(bytes.try_get_u16_le()?);
        let code = bytes.try_get_u8()?;
        let time_ms = bytes.try_get_i64_le()?;
        let value = bytes.try_get_f64_le()?;
        let cell = Cell::of(code, value);
        let good = matches!(cell, Cell::Bad(_)) && value.is_finite();
        newest.push(Newest {
            channel,
            time_ms,
            cell,
            good: good.then_some(value),
        });
    }
    Ok(newest)
}
