//! The hourly merge and the rollups of some hours of one instrument, computed from points. Pure.
//!
//! **Merge.** Blocks that overlap become blocks that do not, with one row a time; many short blocks
//! of a fast instrument become one an hour with its columns apart. What a block has outside the
//! hours goes into a block of its own that keeps its rank, so no other hour changes.

use std::collections::BTreeMap;

use super::block::{self, BLOCK_ROWS_MAX};
use super::rollup::{self, HOUR, Level, MINUTE};
use super::rows::{Cell, ChannelNo, Column, Rows};
use super::steps::{Entry, Fold, HOLD_MS, Steps};
use super::touched::HOUR_MS;

/// Rows from which columns stand apart. Blocks that do not overlap are merged if together they have
/// more and each has less: a block of a slow instrument spans hours already and gains nothing.
const APART_ROWS_MIN: usize = 1_000;

/// A block as it is stored.
#[derive(Debug)]
pub(super) struct Stored {
    pub(super) id: i64,
    pub(super) rank: i64,
    pub(super) rows: Rows,
}

/// Rollups as they are, by channel and length of step.
pub(super) type Chunks = BTreeMap<(ChannelNo, i64), Vec<Entry>>;

/// What some hours are computed from.
#[derive(Debug)]
pub(super) struct Hours {
    /// The window, whole hours of one day, in milliseconds.
    pub(super) from_ms: i64,
    pub(super) to_ms: i64,
    /// Blocks that have rows there or at most [`HOLD_MS`] before, ascending by rank.
    pub(super) blocks: Vec<Stored>,
    /// Tails, which were received after all blocks with the same times.
    pub(super) tails: Vec<Rows>,
    /// The rows of the table `rollup` that span the window.
    pub(super) known: Chunks,
    /// Readings before it may have been deleted: then what is left does not make a rollup, and
    /// only channels without one get theirs from it.
    pub(super) points_ms: i64,
}

/// A block to be written.
#[derive(Debug)]
pub(super) struct NewBlock {
    pub(super) rank: i64,
    pub(super) first_ms: i64,
    pub(super) last_ms: i64,
    pub(super) rows: usize,
    pub(super) data: Vec<u8>,
    /// Columns that stand apart.
    pub(super) columns: Vec<(ChannelNo, Vec<u8>)>,
}

/// A row of rollups to be written.
#[derive(Debug)]
pub(super) struct NewRollup {
    pub(super) level: Level,
    pub(super) chunk: i64,
    pub(super) channel: ChannelNo,
    pub(super) data: Vec<u8>,
}

/// What is to be written of some hours.
#[derive(Debug, Default)]
pub(super) struct Computed {
    /// Blocks that `blocks` replace.
    pub(super) replaced: Vec<i64>,
    pub(super) blocks: Vec<NewBlock>,
    pub(super) rollups: Vec<NewRollup>,
}

impl Hours {
    /// Computes them.
    pub(super) fn compute(mut self) -> Computed {
        let mut computed = Computed::default();
        self.merge_blocks(&mut computed);
        let blocks = self.blocks.iter().map(|block| &block.rows);
        let sources: Vec<&Rows> = blocks.chain(&self.tails).collect();
        let rows = merged(&sources, self.from_ms - HOLD_MS, self.to_ms);
        for (channel, column) in &rows.columns {
            self.roll(&rows.times_ms, (*channel, column), &mut computed);
        }
        computed
    }

    fn merge_blocks(&self, computed: &mut Computed) {
        let has_rows = |block: &&Stored| !range(&block.rows, self.from_ms, self.to_ms).is_empty();
        let blocks: Vec<&Stored> = self.blocks.iter().filter(has_rows).collect();
        let sources: Vec<&Rows> = blocks.iter().map(|block| &block.rows).collect();
        let rows: usize = sources
            .iter()
            .map(|rows| range(rows, self.from_ms, self.to_ms).len())
            .sum();
        let is_worth = (APART_ROWS_MIN..blocks.len() * APART_ROWS_MIN).contains(&rows);
        if !is_worth && in_order(&sources, self.from_ms, self.to_ms).is_some() {
            return;
        }
        let rank = blocks.iter().map(|block| block.rank).max().unwrap_or(0);
        let all = merged(&sources, self.from_ms, self.to_ms);
        for part in cut(&all, self.from_ms) {
            computed.blocks.push(new_block(&part, rank));
        }
        for block in blocks {
            computed.replaced.push(block.id);
            for (from_ms, to_ms) in [(i64::MIN, self.from_ms), (self.to_ms, i64::MAX)] {
                let outside = range(&block.rows, from_ms, to_ms);
                if !outside.is_empty() {
                    let mut part = Rows::default();
                    part.append(&block.rows, outside.start, outside.end);
                    computed.blocks.push(new_block(&part, block.rank));
                }
            }
        }
    }

    fn roll(
        &mut self,
        times_ms: &[i64],
        (channel, column): (ChannelNo, &Column),
        computed: &mut Computed,
    ) {
        let mut minutes = Steps::new(0, MINUTE.step_ms);
        let mut fold = Fold::new(&mut minutes, self.from_ms, self.to_ms);
        for (row, time_ms) in times_ms.iter().enumerate() {
            let cell = column.cell(row);
            if cell != Cell::Absent {
                fold.add(*time_ms, cell);
            }
        }
        fold.finish(self.to_ms);
        let mut hours = Steps::new(0, HOUR.step_ms);
        for minute in &minutes.entries {
            hours.absorb(minute);
        }
        for (level, steps) in [(MINUTE, minutes), (HOUR, hours)] {
            let known = self.known.remove(&(channel, level.step_ms));
            let mut entries = known.unwrap_or_default();
            let before = entries.clone();
            self.replace(&mut entries, &steps.entries);
            if entries != before {
                let chunk = level.chunk(self.from_ms);
                computed.rollups.push(NewRollup {
                    level,
                    chunk,
                    channel,
                    data: rollup::encode(level, chunk, &entries),
                });
            }
        }
    }

    /// Puts new steps in the place of those of each hour.
    fn replace(&self, entries: &mut Vec<Entry>, steps: &[Entry]) {
        let mut hour_ms = self.from_ms;
        while hour_ms < self.to_ms {
            let is_in = |entry: &&Entry| entry.begin_ms.div_euclid(HOUR_MS) * HOUR_MS == hour_ms;
            let has_some = entries.iter().filter(is_in).any(|entry| entry.count > 0);
            if !(hour_ms < self.points_ms && has_some) {
                let new = steps.iter().filter(is_in).copied().collect();
                rollup::replace(entries, hour_ms, hour_ms + HOUR_MS, new);
            }
            hour_ms += HOUR_MS;
        }
    }
}

/// Returns the row numbers of a window; rows ascend by time.
fn range(rows: &Rows, from_ms: i64, to_ms: i64) -> std::ops::Range<usize> {
    let at = |ms: i64| rows.times_ms().partition_point(|time| *time < ms);
    at(from_ms)..at(to_ms)
}

/// Returns the sources in the order of their times if they have no time twice and do not overlap
/// in the window.
fn in_order<'a>(sources: &[&'a Rows], from_ms: i64, to_ms: i64) -> Option<Vec<&'a Rows>> {
    let mut parts = Vec::with_capacity(sources.len());
    for rows in sources {
        let times = rows.times_ms().get(range(rows, from_ms, to_ms))?;
        if let (Some(first), Some(last)) = (times.first(), times.last()) {
            if !times.is_sorted_by(|one, other| one < other) {
                return None;
            }
            parts.push((*first, *last, *rows));
        }
    }
    parts.sort_by_key(|(first, _, _)| *first);
    let follows = |one: &(i64, i64, &Rows), other: &(i64, i64, &Rows)| one.1 < other.0;
    let is_apart = parts.is_sorted_by(follows);
    is_apart.then(|| parts.into_iter().map(|(_, _, rows)| rows).collect())
}

/// Returns the rows of a window, one a time: of each channel the last received that was reported.
/// Sources are in the order of receipt, and so are rows of a source at one time.
pub(super) fn merged(sources: &[&Rows], from_ms: i64, to_ms: i64) -> Rows {
    if let Some(parts) = in_order(sources, from_ms, to_ms) {
        let mut all = Rows::default();
        for rows in parts {
            let wanted = range(rows, from_ms, to_ms);
            all.append(rows, wanted.start, wanted.end);
        }
        return all;
    }
    let mut channels: Vec<ChannelNo> = Vec::new();
    let mut order: Vec<(i64, usize, usize)> = Vec::new();
    for (source, rows) in sources.iter().enumerate() {
        let wanted = range(rows, from_ms, to_ms);
        let times = rows.times_ms().iter().copied().enumerate();
        let times = times.take(wanted.end).skip(wanted.start);
        order.extend(times.map(|(row, time_ms)| (time_ms, source, row)));
        let new = rows.columns.iter().map(|(channel, _)| *channel);
        for channel in new {
            if !channels.contains(&channel) {
                channels.push(channel);
            }
        }
    }
    order.sort_unstable();
    let mut all = Rows::of_channels(&channels);
    for same in order.chunk_by(|one, other| one.0 == other.0) {
        let Some((time_ms, source, row)) = same.last().copied() else {
            continue;
        };
        let cells = channels.iter().map(|channel| {
            let received = same.iter().rev().filter_map(|(_, source, row)| {
                let rows = sources.get(*source)?;
                Some(rows.cell(*channel, *row)).filter(|cell| *cell != Cell::Absent)
            });
            received.into_iter().next().unwrap_or(Cell::Absent)
        });
        let cells: Vec<Cell> = cells.collect();
        let mark = sources.get(source).map(|rows| rows.mark_of(row));
        all.push(time_ms, cells, mark.unwrap_or_default());
    }
    all
}

/// Cuts merged rows into blocks: as many whole hours as fit into one, and no more rows than that.
fn cut(rows: &Rows, from_ms: i64) -> Vec<Rows> {
    let mut parts = Vec::new();
    let mut start = 0;
    while start < rows.len() {
        let most = rows.len().min(start + BLOCK_ROWS_MAX);
        let end = if most == rows.len() {
            most
        } else {
            let cut_ms = rows.times_ms().get(most).copied().unwrap_or(i64::MAX);
            let hour_ms = cut_ms - (cut_ms - from_ms).rem_euclid(HOUR_MS);
            let at_hour = rows.times_ms().partition_point(|time| *time < hour_ms);
            if at_hour > start { at_hour } else { most }
        };
        let mut part = Rows::default();
        part.append(rows, start, end);
        parts.push(part);
        start = end;
    }
    parts
}

fn new_block(rows: &Rows, rank: i64) -> NewBlock {
    let (data, columns) = if rows.len() < APART_ROWS_MIN {
        (block::encode(rows), Vec::new())
    } else {
        let bare = Rows {
            times_ms: rows.times_ms.clone(),
            columns: Vec::new(),
            marks: rows.marks.clone(),
        };
        let columns = rows.columns.iter();
        let columns = columns.map(|(channel, column)| (*channel, block::encode_apart(column)));
        (block::encode(&bare), columns.collect())
    };
    NewBlock {
        rank,
        first_ms: rows.times_ms().first().copied().unwrap_or(0),
        last_ms: rows.times_ms().last().copied().unwrap_or(0),
        rows: rows.len(),
        data,
        columns,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use wire::Quality;

    use super::super::rows::ClockMark;
    use super::*;

    const A: ChannelNo = ChannelNo(1);
    const B: ChannelNo = ChannelNo(2);

    fn rows(cells: &[(i64, Cell, Cell)]) -> Rows {
        let mut rows = Rows::of_channels(&[A, B]);
        let mut cells = cells.to_vec();
        cells.sort_by_key(|(time, _, _)| *time);
        for (time, a, b) in cells {
            rows.push(time, [a, b], ClockMark::default());
        }
        rows
    }

    fn cell() -> impl Strategy<Value = Cell> {
        prop_oneof![
            3 => (0..100_i32).prop_map(|value| Cell::Good(f64::from(value))),
            1 => Just(Cell::Bad(Quality::Timeout)),
            2 => Just(Cell::Absent),
        ]
    }

    proptest! {
        #[test]
        fn of_each_channel_the_last_received_stays(
            sources in prop::collection::vec(
                prop::collection::vec((0..40_i64, cell(), cell()), 0..20), 0..5),
        ) {
            let sources: Vec<Rows> = sources.iter().map(|cells| rows(cells)).collect();
            let mut expected: BTreeMap<i64, [Cell; 2]> = BTreeMap::new();
            for source in &sources {
                for (row, time) in source.times_ms().iter().enumerate() {
                    if (10..30).contains(time) {
                        let known = expected.entry(*time).or_insert([Cell::Absent; 2]);
                        for (known, channel) in known.iter_mut().zip([A, B]) {
                            let cell = source.cell(channel, row);
                            *known = if cell == Cell::Absent { *known } else { cell };
                        }
                    }
                }
            }
            let borrowed: Vec<&Rows> = sources.iter().collect();
            let all = merged(&borrowed, 10, 30);
            let times: Vec<i64> = expected.keys().copied().collect();
            prop_assert_eq!(all.times_ms(), times.as_slice());
            for (row, (_, cells)) in expected.iter().enumerate() {
                prop_assert_eq!([all.cell(A, row), all.cell(B, row)], *cells);
            }
        }
    }

    #[test]
    fn blocks_end_with_hours_if_more_than_one_does_not_fit() {
        let mut rows = Rows::of_channels(&[A]);
        for second in 0..3 * 3_600 {
            rows.push(second * 1_000, [Cell::Good(1.0)], ClockMark::default());
        }
        let lengths: Vec<usize> = cut(&rows, 0).iter().map(Rows::len).collect();
        assert_eq!(lengths, [3_600; 3]);
        let mut fast = Rows::of_channels(&[A]);
        for at in 0..9_000 {
            fast.push(at * 100, [Cell::Good(1.0)], ClockMark::default());
        }
        let lengths: Vec<usize> = cut(&fast, 0).iter().map(Rows::len).collect();
        assert_eq!(lengths, [4_096, 4_096, 808]);
    }
}
