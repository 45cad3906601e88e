//! The journal row: everything one group commit brought that is not in blocks yet. Private to this
//! store and short-lived: it is read only to recover.
//!
//! ```text
//! u8 version, 1 · u32 received · u32 sections
//! received x { u32 stream, u64 number, u64 floor }      floor: all up to it is received or lost
//! sections x { u32 instrument, u8 kind, u16 columns, u32 rows, u32 marks,
//!              marks (as in a block), rows x i64 ms,
//!              columns x { u16 channel, u8 has codes, rows x u8 codes if so, rows x f64 } }
//! ```

use std::collections::BTreeMap;

use bytes::{Buf, BufMut};
use scheduler::id::InstrumentId;

use super::block::{BLOCK_ROWS_MAX, Damage, get_marks, put_marks, size};
use super::placing::TailKey;
use super::rows::{ChannelNo, Column, Rows};
use super::tails::Kind;

const VERSION: u8 = 1;

/// A stream's number in this store.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct StreamNo(pub(super) u32);

#[cfg(test)]
impl StreamNo {
    /// Makes a number for a test.
    pub(crate) fn new(number: u32) -> Self {
        Self(number)
    }
}

/// One record of a stream that is dealt with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Received {
    /// The stream.
    pub stream: StreamNo,
    /// The record's number; 0 if only the floor moves.
    pub number: u64,
    /// Everything up to it is received or lost.
    pub floor: u64,
}

/// Rows of one tail.
pub(super) type Section = (InstrumentId, Kind, Rows);

/// What a journal row holds.
#[derive(Debug, Clone, PartialEq, Default)]
pub(super) struct Entry {
    pub(super) received: Vec<Received>,
    pub(super) sections: Vec<Section>,
}

/// Encodes a journal row. A section has at most [`BLOCK_ROWS_MAX`] rows: more would be a block.
pub(super) fn encode(received: &[Received], sections: &[(InstrumentId, Kind, &Rows)]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(9 + 20 * received.len() + 96 * sections.len());
    bytes.put_u8(VERSION);
    bytes.put_u32_le(count(received.len()));
    bytes.put_u32_le(count(sections.len()));
    for one in received {
        bytes.put_u32_le(one.stream.0);
        bytes.put_u64_le(one.number);
        bytes.put_u64_le(one.floor);
    }
    for (instrument, kind, rows) in sections {
        bytes.put_u32_le(instrument.get());
        bytes.put_u8(kind.code());
        put_rows(&mut bytes, rows);
    }
    bytes
}

/// Returns rows of any number as sections, each small enough for a journal row.
pub(super) fn in_sections(rows: &BTreeMap<TailKey, Rows>) -> Vec<Section> {
    let mut sections = Vec::new();
    for ((instrument, kind), rows) in rows {
        for from in (0..rows.len()).step_by(BLOCK_ROWS_MAX) {
            let mut part = Rows::default();
            part.append(rows, from, from + BLOCK_ROWS_MAX);
            sections.push((*instrument, *kind, part));
        }
    }
    sections
}

/// Reads a journal row.
pub(super) fn decode(mut bytes: &[u8]) -> Result<Entry, Damage> {
    let version = bytes.try_get_u8()?;
    if version != VERSION {
        return Err(Damage::Version(version));
    }
    let (received, sections) = (bytes.try_get_u32_le()?, bytes.try_get_u32_le()?);
    let mut entry = Entry::default();
    for _ in 0..received {
        entry.received.push(Received {
            stream: StreamNo(bytes.try_get_u32_le()?),
            number: bytes.try_get_u64_le()?,
            floor: bytes.try_get_u64_le()?,
        });
    }
    for _ in 0..sections {
        let instrument = InstrumentId::new(bytes.try_get_u32_le()?);
        let kind = Kind::of_code(bytes.try_get_u8()?)
            .ok_or(Damage::Contradiction("a tail of an unknown kind"))?;
        entry
            .sections
            .push((instrument, kind, get_rows(&mut bytes)?));
    }
    Ok(entry)
}

fn put_rows(bytes: &mut Vec<u8>, rows: &Rows) {
    bytes.put_u16_le(u16::try_from(rows.columns.len()).expect("channels are few"));
    bytes.put_u32_le(count(rows.len()));
    bytes.put_u32_le(count(rows.marks.len()));
    put_marks(bytes, &rows.marks);
    for time_ms in &rows.times_ms {
        bytes.put_i64_le(*time_ms);
    }
    for (channel, column) in &rows.columns {
        bytes.put_u16_le(channel.0);
        bytes.put_u8(u8::from(column.codes.is_some()));
        if let Some(codes) = &column.codes {
            bytes.put_slice(codes);
        }
        for value in &column.values {
            bytes.put_f64_le(*value);
        }
    }
}

fn get_rows(bytes: &mut &[u8]) -> Result<Rows, Damage> {
    let columns = bytes.try_get_u16_le()?;
    let count = size(bytes.try_get_u32_le()?);
    let marks = size(bytes.try_get_u32_le()?);
    if count > BLOCK_ROWS_MAX || marks > count {
        return Err(Damage::Contradiction("more rows or marks than a tail has"));
    }
    let mut rows = Rows {
        marks: get_marks(bytes, marks)?,
        ..Rows::default()
    };
    for _ in 0..count {
        rows.times_ms.push(bytes.try_get_i64_le()?);
    }
    for _ in 0..columns {
        let channel = ChannelNo(bytes.try_get_u16_le()?);
        let has_codes = bytes.try_get_u8()? != 0;
        let mut column = Column::default();
        if has_codes {
            let mut codes = vec![0; count];
            bytes.try_copy_to_slice(&mut codes)?;
            column.codes = Some(codes);
        }
        for _ in 0..count {
            column.values.push(bytes.try_get_f64_le()?);
        }
        rows.columns.push((channel, column));
    }
    Ok(rows)
}

fn count(number: usize) -> u32 {
    u32::try_from(number).expect("a group commit is far smaller than 4 GiB")
}

#[cfg(test)]
mod tests {
    use wire::Quality;

    use super::super::rows::{Cell, ClockMark};
    use super::*;

    #[test]
    fn a_row_comes_back_and_a_torn_one_is_an_error() {
        let mut rows = Rows::of_channels(&[ChannelNo(3), ChannelNo(9)]);
        let mark = ClockMark {
            lag_s: 7,
            ..ClockMark::default()
        };
        rows.push(5, [Cell::Good(1.5), Cell::Bad(Quality::Link)], mark);
        rows.push(6, [Cell::Good(2.5), Cell::Absent], mark);
        let received = [Received {
            stream: StreamNo(2),
            number: 77,
            floor: 70,
        }];
        let instrument = InstrumentId::new(12);
        let bytes = encode(&received, &[(instrument, Kind::Late, &rows)]);
        let entry = decode(&bytes).unwrap();
        assert_eq!(entry.received, received);
        assert_eq!(entry.sections, [(instrument, Kind::Late, rows)]);
        for length in 0..bytes.len() {
            assert!(decode(&bytes[..length]).is_err(), "cut at {length}");
        }
    }
}
