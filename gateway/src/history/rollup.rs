//! Rollups: the steps of one channel over a day by minute or 32 days by hour, compressed.
//!
//! All numbers are little-endian; `pco` as in [`super::block`].
//!
//! ```text
//! offset 0   u8        version, 1
//!        1   3 x u8    reserved, 0
//!        4   u32       number of steps N; steps that nothing is known of are left out
//!        8   7 x u32   lengths in bytes of the parts that follow
//!            step      pco of N u32: position in the row, ascending
//!            count     pco of N u32: good points
//!            good      pco of N u32: milliseconds for which a good reading speaks: from it to the
//!                      next reading, at most 300 s
//!            min       pco of f64, one for each step with count > 0, as are the three below
//!            max       pco of f64
//!            last      pco of f64
//!            mean      pco of u32 m: the mean is min + (max - min) * m / 65535
//! ```
//!
//! A step begins at `(chunk * rows + step) * step_ms`, where `rows` is 1,440 for minutes and 768 for
//! hours. The mean is so rounded because its exact digits would take more room than all else.

use bytes::{Buf, BufMut};

use super::block::{Damage, compress, count, decompress, size, take};
use super::steps::Entry;
use super::touched::{DAY_MS, HOUR_MS};

const VERSION: u8 = 1;

/// Steps the mean is rounded to between the least and the greatest value.
const MEAN_STEPS: f64 = 65_535.0;

/// How long steps are, and how many are stored together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Level {
    pub(super) step_ms: i64,
    /// Time that one row of the table spans.
    pub(super) chunk_ms: i64,
}

/// Minutes, a day a row.
pub(super) const MINUTE: Level = Level {
    step_ms: 60_000,
    chunk_ms: DAY_MS,
};

/// Hours, 32 days a row.
pub(super) const HOUR: Level = Level {
    step_ms: HOUR_MS,
    chunk_ms: 32 * DAY_MS,
};

impl Level {
    /// Returns the row that holds a moment.
    pub(super) fn chunk(self, time_ms: i64) -> i64 {
        time_ms.div_euclid(self.chunk_ms)
    }
}

/// Compresses steps of one row, ascending.
pub(super) fn encode(level: Level, chunk: i64, entries: &[Entry]) -> Vec<u8> {
    let begin_ms = chunk * level.chunk_ms;
    let small = |number: i64| u32::try_from(number).unwrap_or(u32::MAX);
    let steps: Vec<u32> = entries
        .iter()
        .map(|entry| small((entry.begin_ms - begin_ms) / level.step_ms))
        .collect();
    let counts: Vec<u32> = entries
        .iter()
        .map(|entry| u32::try_from(entry.count).unwrap_or(u32::MAX))
        .collect();
    let good: Vec<u32> = entries.iter().map(|entry| small(entry.good_ms)).collect();
    let values = |of: fn(&Entry) -> f64| -> Vec<f64> {
        let known = entries.iter().filter(|entry| entry.count > 0);
        known.map(of).collect()
    };
    let means: Vec<u32> = entries
        .iter()
        .filter(|entry| entry.count > 0)
        .map(round_mean)
        .collect();
    let parts = [
        compress(&steps),
        compress(&counts),
        compress(&good),
        compress(&values(|entry| entry.min)),
        compress(&values(|entry| entry.max)),
        compress(&values(|entry| entry.last)),
        compress(&means),
    ];
    let mut bytes = Vec::with_capacity(36 + parts.iter().map(Vec::len).sum::<usize>());
    bytes.put_u32_le(u32::from(VERSION));
    bytes.put_u32_le(count(entries.len()));
    for part in &parts {
        bytes.put_u32_le(count(part.len()));
    }
    for part in &parts {
        bytes.put_slice(part);
    }
    bytes
}

/// Reads what [`encode`] wrote.
pub(super) fn decode(level: Level, chunk: i64, mut bytes: &[u8]) -> Result<Vec<Entry>, Damage> {
    let version = bytes.try_get_u8()?;
    if version != VERSION {
        return Err(Damage::Version(version));
    }
    take(&mut bytes, 3)?;
    let number = size(bytes.try_get_u32_le()?);
    let mut lengths = [0; 7];
    for length in &mut lengths {
        *length = size(bytes.try_get_u32_le()?);
    }
    let mut parts = lengths.into_iter();
    let mut part = || take(&mut bytes, parts.next().unwrap_or(0));
    let steps: Vec<u32> = decompress(part()?)?;
    let counts: Vec<u32> = decompress(part()?)?;
    let good: Vec<u32> = decompress(part()?)?;
    let (min, max, last): (Vec<f64>, Vec<f64>, Vec<f64>) = (
        decompress(part()?)?,
        decompress(part()?)?,
        decompress(part()?)?,
    );
    let means: Vec<u32> = decompress(part()?)?;
    let known = counts.iter().filter(|count| **count > 0).count();
    if [steps.len(), counts.len(), good.len()] != [number; 3]
        || [min.len(), max.len(), last.len(), means.len()] != [known; 4]
    {
        return Err(Damage::Contradiction("parts of a rollup differ in number"));
    }
    let mut values = min.into_iter().zip(max).zip(last).zip(means);
    let mut entries = Vec::with_capacity(number);
    for ((step, points), good_ms) in steps.into_iter().zip(counts).zip(good) {
        let found = if points > 0 { values.next() } else { None };
        let (((min, max), last), mean) = found.unwrap_or((((0.0, 0.0), 0.0), 0));
        entries.push(Entry {
            begin_ms: chunk * level.chunk_ms + i64::from(step) * level.step_ms,
            count: u64::from(points),
            good_ms: i64::from(good_ms),
            min,
            mean: mean_at(min, max, mean),
            max,
            last,
        });
    }
    Ok(entries)
}

/// Puts `new` in the place of all steps in `[from_ms, to_ms)`.
pub(super) fn replace(entries: &mut Vec<Entry>, from_ms: i64, to_ms: i64, new: Vec<Entry>) {
    let at = |ms: i64| entries.partition_point(|entry| entry.begin_ms < ms);
    let range = at(from_ms)..at(to_ms);
    entries.splice(range, new);
}

#[expect(
    clippy::as_conversions,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a rounded share of 0 to 65,535 fits"
)]
fn round_mean(entry: &Entry) -> u32 {
    // Halves first: the difference of the largest numbers is not finite.
    let spread = entry.max / 2.0 - entry.min / 2.0;
    if spread <= 0.0 {
        return 0;
    }
    let share = (entry.mean / 2.0 - entry.min / 2.0) / spread;
    (share.clamp(0.0, 1.0) * MEAN_STEPS).round() as u32
}

fn mean_at(min: f64, max: f64, rounded: u32) -> f64 {
    let share = f64::from(rounded) / MEAN_STEPS;
    let spread = max / 2.0 - min / 2.0;
    min + spread * share + spread * share
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn entry() -> impl Strategy<Value = Entry> {
        let value = prop_oneof![8 => -1e6..1e6_f64, 1 => Just(f64::MAX), 1 => Just(f64::MIN)];
        let values = (value.clone(), value, 0.0..1.0_f64);
        (0..4_u64, 0..60_000_i64, values).prop_map(|(count, good_ms, (one, other, share))| {
            let (min, max) = if count == 0 {
                (0.0, 0.0)
            } else {
                (one.min(other), one.max(other))
            };
            let spread = (max / 2.0 - min / 2.0) * share;
            let mean = min + spread + spread;
            Entry {
                begin_ms: 0,
                count,
                good_ms,
                min,
                mean,
                max,
                last: max,
            }
        })
    }

    proptest! {
        #[test]
        fn any_steps_come_back_and_torn_ones_are_errors(
            entries in prop::collection::vec((entry(), 1..5_i64), 0..300),
            cut in 0..500_usize,
        ) {
            for level in [MINUTE, HOUR] {
                let chunk = 20_000;
                let mut step = -1;
                let mut written = Vec::new();
                for (entry, gap) in &entries {
                    step += gap;
                    if step >= level.chunk_ms / level.step_ms {
                        break;
                    }
                    let begin_ms = chunk * level.chunk_ms + step * level.step_ms;
                    written.push(Entry { begin_ms, ..*entry });
                }
                let bytes = encode(level, chunk, &written);
                let back = decode(level, chunk, &bytes).unwrap();
                prop_assert_eq!(back.len(), written.len());
                for (back, entry) in back.iter().zip(&written) {
                    let off = (back.mean / 2.0 - entry.mean / 2.0).abs();
                    let spread = entry.max / 2.0 - entry.min / 2.0;
                    prop_assert!(off <= spread / 130_000.0, "{back:?} {entry:?}");
                    prop_assert_eq!(Entry { mean: 0.0, ..*back }, Entry { mean: 0.0, ..*entry });
                }
                let cut = cut.min(bytes.len() - 1);
                prop_assert!(decode(level, chunk, &bytes[..cut]).is_err() || cut >= bytes.len());
            }
        }
    }

    #[test]
    fn only_the_window_is_replaced() {
        let at = |begin_ms| Entry {
            begin_ms,
            count: 0,
            good_ms: begin_ms,
            min: 0.0,
            mean: 0.0,
            max: 0.0,
            last: 0.0,
        };
        let mut entries = vec![at(1), at(5), at(8)];
        replace(&mut entries, 5, 8, vec![at(6), at(7)]);
        let begins: Vec<i64> = entries.iter().map(|entry| entry.begin_ms).collect();
        assert_eq!(begins, [1, 6, 7, 8]);
    }
}
