//! The block: rows of one instrument, compressed. Written once, never changed, only replaced.
//!
//! All numbers are little-endian. `pco` means a standalone file of the `pco` format as its simple
//! API writes it, so that Python reads one with `pcodec.standalone.simple_decompress(data)`.
//!
//! ```text
//! offset 0   u8        version, 1
//!        1   u8        reserved, 0
//!        2   u16       number of columns C
//!        4   u32       number of rows R
//!        8   u32       number of clock marks M
//!       12   u32       length of the times in bytes
//!       16   C x { u16 channel, u16 reserved, u32 length of the codes, u32 length of the values }
//!            M x { u32 first row, i32 skew in 0.1 s, i32 lag in s, i32 uncertainty in 0.1 s }
//!            times     pco of R i64: milliseconds since 1970 UTC, ascending
//!            C x { codes    pco of R u16; length 0 means that all R are 0
//!                  values   pco of f64, one for each code 0, in order; length 0 means none }
//! ```
//!
//! Codes: 0 a good value; 1 to 12 no value and why, as the position in `wire::Quality::ALL`
//! (1 timeout, 2 link, 3 `illegal_function`, 4 `illegal_address`, 5 `illegal_value`, 6 `device_failure`,
//! 7 `device_busy`, 8 `device_unreachable`, 9 nonsense, 10 `not_a_value`, 11 `out_of_range`, 12 other);
//! 255 the channel was not reported at that time. Units and channel names are in the tables
//! `unit` and `channel`.
//!
//! A **merged** block has no columns of its own (C is 0): each is a row of the table `block_column`
//! with the id `block * 8192 + channel`, which holds `u32 length of the codes, codes, values`.

use bytes::{Buf, BufMut, TryGetError};
use pco::ChunkConfig;
use pco::standalone::{simple_compress, simple_decompress};

use super::rows::{ChannelNo, ClockMark, Column, Rows};

const VERSION: u8 = 1;

/// Most rows of a block; more are split.
pub(super) const BLOCK_ROWS_MAX: usize = 4_096;

/// Why bytes are not a block.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Damage {
    /// It ends too early.
    #[error("it ends too early")]
    Short,
    /// Its version is not one this release reads.
    #[error("its version is {0}, this release reads 1")]
    Version(u8),
    /// A compressed part cannot be read.
    #[error("a compressed part cannot be read: {0}")]
    Compressed(String),
    /// Its parts contradict each other.
    #[error("its parts contradict each other: {0}")]
    Contradiction(&'static str),
}

impl From<TryGetError> for Damage {
    fn from(_: TryGetError) -> Self {
        Self::Short
    }
}

/// Compresses rows, which must ascend by time and be at most [`BLOCK_ROWS_MAX`].
pub(super) fn encode(rows: &Rows) -> Vec<u8> {
    let times = compress(&rows.times_ms);
    let columns: Vec<(ChannelNo, Vec<u8>, Vec<u8>)> = rows
        .columns
        .iter()
        .map(|(channel, column)| {
            let (codes, values) = encode_column(column);
            (*channel, codes, values)
        })
        .collect();
    let mut bytes = Vec::with_capacity(64 + times.len() + 16 * columns.len());
    bytes.put_u8(VERSION);
    bytes.put_u8(0);
    bytes.put_u16_le(u16::try_from(columns.len()).expect("channels of an instrument are few"));
    bytes.put_u32_le(count(rows.len()));
    bytes.put_u32_le(count(rows.marks.len()));
    bytes.put_u32_le(count(times.len()));
    for (channel, codes, values) in &columns {
        bytes.put_u16_le(channel.0);
        bytes.put_u16_le(0);
        bytes.put_u32_le(count(codes.len()));
        bytes.put_u32_le(count(values.len()));
    }
    put_marks(&mut bytes, &rows.marks);
    bytes.put_slice(&times);
    for (_, codes, values) in &columns {
        bytes.put_slice(codes);
        bytes.put_slice(values);
    }
    bytes
}

/// Reads a block: all its columns, or only the one asked for.
///
/// # Errors
/// Returns [`Damage`] when the bytes are not a whole block.
pub(super) fn decode(mut bytes: &[u8], only: Option<ChannelNo>) -> Result<Rows, Damage> {
    let version = bytes.try_get_u8()?;
    if version != VERSION {
        return Err(Damage::Version(version));
    }
    bytes.try_get_u8()?;
    let columns = bytes.try_get_u16_le()?;
    let rows = size(bytes.try_get_u32_le()?);
    let marks = size(bytes.try_get_u32_le()?);
    let times = size(bytes.try_get_u32_le()?);
    if rows > BLOCK_ROWS_MAX || marks > rows {
        return Err(Damage::Contradiction("more rows or marks than a block has"));
    }
    let mut directory = Vec::new();
    for _ in 0..columns {
        let channel = ChannelNo(bytes.try_get_u16_le()?);
        bytes.try_get_u16_le()?;
        let codes = size(bytes.try_get_u32_le()?);
        directory.push((channel, codes, size(bytes.try_get_u32_le()?)));
    }
    let marks = get_marks(&mut bytes, marks)?;
    let times_ms: Vec<i64> = decompress(take(&mut bytes, times)?)?;
    if times_ms.len() != rows {
        return Err(Damage::Contradiction("times and rows differ in number"));
    }
    let mut read = Rows {
        times_ms,
        columns: Vec::new(),
        marks,
    };
    for (channel, codes, values) in directory {
        let codes = take(&mut bytes, codes)?;
        let values = take(&mut bytes, values)?;
        if only.is_none_or(|only| only == channel) {
            read.columns
                .push((channel, decode_column(codes, values, rows)?));
        }
    }
    Ok(read)
}

/// Reads only a block's clock marks, which stand before all that is compressed.
///
/// # Errors
/// Returns [`Damage`] when the bytes do not begin as a block does.
pub(super) fn marks(mut bytes: &[u8]) -> Result<Vec<ClockMark>, Damage> {
    let version = bytes.try_get_u8()?;
    if version != VERSION {
        return Err(Damage::Version(version));
    }
    bytes.try_get_u8()?;
    let columns = bytes.try_get_u16_le()?;
    bytes.try_get_u32_le()?;
    let count = size(bytes.try_get_u32_le()?);
    bytes.try_get_u32_le()?;
    take(&mut bytes, 12 * usize::from(columns))?;
    let marks = get_marks(&mut bytes, count)?;
    Ok(marks.into_iter().map(|(_, mark)| mark).collect())
}

/// Compresses a column of a merged block: length of the codes as `u32`, codes, values.
pub(super) fn encode_apart(column: &Column) -> Vec<u8> {
    let (codes, values) = encode_column(column);
    let mut bytes = Vec::with_capacity(4 + codes.len() + values.len());
    bytes.put_u32_le(count(codes.len()));
    bytes.put_slice(&codes);
    bytes.put_slice(&values);
    bytes
}

/// Reads a column that [`encode_apart`] wrote and puts it to the rows of its block.
///
/// # Errors
/// Returns [`Damage`] when the bytes are not a column of so many rows.
pub(super) fn add_column(
    rows: &mut Rows,
    channel: ChannelNo,
    mut bytes: &[u8],
) -> Result<(), Damage> {
    let codes = size(bytes.try_get_u32_le()?);
    let codes = take(&mut bytes, codes)?;
    let column = decode_column(codes, bytes, rows.len())?;
    rows.columns.push((channel, column));
    Ok(())
}

fn encode_column(column: &Column) -> (Vec<u8>, Vec<u8>) {
    let Some(codes) = column
        .codes
        .as_ref()
        .filter(|codes| codes.iter().any(|code| *code != 0))
    else {
        return (Vec::new(), compress(&column.values));
    };
    let good = column
        .values
        .iter()
        .zip(codes)
        .filter(|(_, code)| **code == 0);
    let good: Vec<f64> = good.map(|(value, _)| *value).collect();
    let wide: Vec<u16> = codes.iter().map(|code| u16::from(*code)).collect();
    (compress(&wide), compress(&good))
}

fn decode_column(codes: &[u8], values: &[u8], rows: usize) -> Result<Column, Damage> {
    let good: Vec<f64> = decompress(values)?;
    if codes.is_empty() {
        if good.len() != rows {
            return Err(Damage::Contradiction("values and rows differ in number"));
        }
        return Ok(Column {
            values: good,
            codes: None,
        });
    }
    let wide: Vec<u16> = decompress(codes)?;
    let codes: Vec<u8> = wide
        .into_iter()
        .map(|code| u8::try_from(code).unwrap_or(12))
        .collect();
    let mut good = good.into_iter();
    let mut values = Vec::with_capacity(rows);
    for code in &codes {
        let value = if *code == 0 { good.next() } else { Some(0.0) };
        values.push(value.ok_or(Damage::Contradiction("fewer values than good codes"))?);
    }
    if codes.len() != rows || good.next().is_some() {
        return Err(Damage::Contradiction(
            "codes, values and rows differ in number",
        ));
    }
    Ok(Column {
        values,
        codes: Some(codes),
    })
}

/// Appends marks as [`get_marks`] reads them.
pub(super) fn put_marks(bytes: &mut Vec<u8>, marks: &[(u32, ClockMark)]) {
    for (start, mark) in marks {
        bytes.put_u32_le(*start);
        bytes.put_i32_le(mark.skew_ds);
        bytes.put_i32_le(mark.lag_s);
        bytes.put_i32_le(mark.uncertainty_ds);
    }
}

/// Takes `count` marks off the front.
pub(super) fn get_marks(bytes: &mut &[u8], count: usize) -> Result<Vec<(u32, ClockMark)>, Damage> {
    let mut marks = Vec::new();
    for _ in 0..count {
        let start = bytes.try_get_u32_le()?;
        let mark = ClockMark {
            skew_ds: bytes.try_get_i32_le()?,
            lag_s: bytes.try_get_i32_le()?,
            uncertainty_ds: bytes.try_get_i32_le()?,
        };
        marks.push((start, mark));
    }
    Ok(marks)
}

/// Compresses numbers, which are few enough to fit in memory; none is nothing.
pub(super) fn compress<T: pco::data_types::Number>(numbers: &[T]) -> Vec<u8> {
    if numbers.is_empty() {
        return Vec::new();
    }
    simple_compress(numbers, &ChunkConfig::default())
        .expect("the configuration is valid and memory does not fail")
}

/// Reads what [`compress`] wrote.
pub(super) fn decompress<T: pco::data_types::Number>(bytes: &[u8]) -> Result<Vec<T>, Damage> {
    if bytes.is_empty() {
        return Ok(Vec::new());
    }
    simple_decompress(bytes).map_err(|error| Damage::Compressed(error.to_string()))
}

/// Takes `length` bytes off the front.
pub(super) fn take<'a>(bytes: &mut &'a [u8], length: usize) -> Result<&'a [u8], Damage> {
    let (taken, rest) = bytes.split_at_checked(length).ok_or(Damage::Short)?;
    *bytes = rest;
    Ok(taken)
}

/// Narrows a count to be stored.
pub(super) fn count(number: usize) -> u32 {
    u32::try_from(number).expect("a block is far smaller than 4 GiB")
}

/// Widens a stored count.
pub(super) fn size(number: u32) -> usize {
    usize::try_from(number).expect("u32 fits in usize on every platform this runs on")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use wire::Quality;

    use super::super::rows::Cell;
    use super::*;

    const POWER: ChannelNo = ChannelNo(1);
    const ENERGY: ChannelNo = ChannelNo(7);

    fn sample() -> Rows {
        let mut rows = Rows::of_channels(&[POWER, ENERGY]);
        let mark = ClockMark {
            skew_ds: -12,
            lag_s: 3,
            uncertainty_ds: 1,
        };
        rows.push(
            1_760_000_000_000,
            [Cell::Good(283.5), Cell::Good(7.0)],
            mark,
        );
        rows.push(
            1_760_000_001_000,
            [Cell::Bad(Quality::Timeout), Cell::Absent],
            mark,
        );
        rows.push(
            1_760_000_002_000,
            [Cell::Good(284.0), Cell::Good(7.5)],
            ClockMark::default(),
        );
        rows
    }

    /// Bytes as release 0.1.0 wrote them: later releases must read them.
    const GOLDEN: &str = include_str!("block_golden.hex");

    #[test]
    fn blocks_of_earlier_releases_can_be_read() {
        let golden = hex::decode(GOLDEN.trim()).unwrap();
        assert_eq!(decode(&golden, None).unwrap(), sample());
    }

    #[test]
    fn damaged_bytes_are_errors_and_never_panics() {
        let bytes = encode(&sample());
        for length in 0..bytes.len() {
            assert!(decode(&bytes[..length], None).is_err(), "cut at {length}");
        }
        for at in 0..bytes.len() {
            let mut scrambled = bytes.clone();
            scrambled[at] ^= 0xff;
            drop(decode(&scrambled, None));
        }
    }

    fn cell() -> impl Strategy<Value = Cell> {
        prop_oneof![
            8 => (-1e6..1e6_f64).prop_map(|value| Cell::Good((value * 10.0).round() / 10.0)),
            1 => (1..Quality::ALL.len()).prop_map(|at| Cell::Bad(Quality::ALL[at])),
            1 => Just(Cell::Absent),
        ]
    }

    proptest! {
        #[test]
        fn any_rows_come_back(
            cells in prop::collection::vec((cell(), cell(), 0..3_i32), 0..400),
        ) {
            let mut rows = Rows::of_channels(&[POWER, ENERGY]);
            for (at, (power, energy, lag_s)) in (0..).zip(&cells) {
                let mark = ClockMark { lag_s: *lag_s, ..ClockMark::default() };
                rows.push(at * 1_000, [*power, *energy], mark);
            }
            let back = decode(&encode(&rows), None).unwrap();
            prop_assert_eq!(back.len(), rows.len());
            prop_assert_eq!(&back.marks, &rows.marks);
            for row in 0..rows.len() {
                prop_assert_eq!(back.cell(POWER, row), rows.cell(POWER, row));
                prop_assert_eq!(back.cell(ENERGY, row), rows.cell(ENERGY, row));
            }
            let one = decode(&encode(&rows), Some(ENERGY)).unwrap();
            prop_assert_eq!(one.columns.len(), 1);
        }
    }
}
