//! Reads of one channel over a window: blocks and tails merged by time, the last received wins.
//!
//! Blocks are read in the order of their first times. Those that overlap are merged together; most
//! do not, and are passed on as they come, so that a long window takes little memory.

use futures::TryStreamExt as _;
use scheduler::id::InstrumentId;
use scheduler::time::Micros;
use sqlx::Row as _;
use sqlx::sqlite::SqliteRow;
use wire::ChannelName;

use super::block;
use super::error::HistoryError;
use super::rows::{Cell, ChannelNo, Rows};
use super::series::{RAW_POINTS_MAX, RawSeries};
use super::tails::Kind;
use super::{History, SPAN_MS_MAX};

const DOING: &str = "reading blocks";

/// Rank of what is still in tails: received after all that is in blocks at the same times.
const RANK_TAILS: i64 = i64::MAX;

/// A reading on its way to a series; of two at one time the one of higher rank wins, then the later.
#[derive(Debug, Clone, Copy)]
struct Point {
    time_ms: i64,
    rank: i64,
    cell: Cell,
}

/// A window `[from, to)` in milliseconds.
#[derive(Debug, Clone, Copy)]
pub(super) struct Window {
    pub(super) from_ms: i64,
    pub(super) to_ms: i64,
}

impl Window {
    pub(super) fn new(from: Micros, to: Micros) -> Self {
        // Readings are kept in whole milliseconds: the first not before a moment is rounded up.
        let up =
            |at: Micros| at.get().div_euclid(1_000) + i64::from(at.get().rem_euclid(1_000) > 0);
        Self {
            from_ms: up(from),
            to_ms: up(to),
        }
    }
}

/// What takes points that ascend by time.
pub(super) trait Sink {
    /// Takes the next one.
    fn take(&mut self, time_ms: i64, cell: Cell) -> Result<(), HistoryError>;
}

impl History {
    /// Returns the readings of a channel in `[from, to)` as they came.
    ///
    /// # Errors
    /// Returns [`HistoryError::TooMany`] for more than [`RAW_POINTS_MAX`] points, and other variants
    /// when the store fails.
    pub async fn raw(
        &self,
        instrument: InstrumentId,
        channel: &ChannelName,
        from: Micros,
        to: Micros,
    ) -> Result<RawSeries, HistoryError> {
        let mut series = RawSeries::default();
        let number = self.shared.dictionary().number(channel);
        if let Some(number) = number {
            let window = Window::new(from, to);
            self.scan(instrument, number, window, &mut series).await?;
        }
        Ok(series)
    }

    /// Passes the points of a channel in a window to a sink, ascending by time, one a time.
    pub(super) async fn scan(
        &self,
        instrument: InstrumentId,
        number: ChannelNo,
        window: Window,
        sink: &mut (impl Sink + Send),
    ) -> Result<(), HistoryError> {
        // Tails first: what moves from a tail to a block in between is seen twice, not missed.
        let mut tails = Vec::new();
        if let Some(held) = self.shared.tails.read().get(&instrument) {
            for kind in [Kind::Live, Kind::Late] {
                points(held.of(kind), number, window, RANK_TAILS, &mut tails);
            }
        }
        tails.sort_by_key(|point| point.time_ms);
        let mut merge = Merge {
            pending: Vec::new(),
            reaches_ms: i64::MIN,
        };
        let mut rows = sqlx::query(
            "SELECT b.id, b.first_ms, b.last_ms, coalesce(b.rank, b.id), b.data, c.data FROM block b \
             LEFT JOIN block_column c ON c.id = b.id * 8192 + $5 WHERE b.instrument = $1 \
             AND b.first_ms >= $2 AND b.first_ms < $3 AND b.last_ms >= $4 ORDER BY b.first_ms",
        )
        .bind(i64::from(instrument.get()))
        .bind(window.from_ms.saturating_sub(SPAN_MS_MAX))
        .bind(window.to_ms)
        .bind(window.from_ms)
        .bind(i64::from(number.0))
        .fetch(&self.pools.readers);
        let mut tails = tails.into_iter().peekable();
        while let Some(row) = rows.try_next().await.map_err(HistoryError::sql(DOING))? {
            let (first_ms, last_ms) = (get(&row, 1)?, get(&row, 2)?);
            // Points of tails before this block form a cluster of their own or join the last one.
            while let Some(point) = tails.next_if(|point| point.time_ms < first_ms) {
                merge.begin(point.time_ms, sink)?;
                merge.add([point], point.time_ms);
            }
            merge.begin(first_ms, sink)?;
            let rows = decode(&row, number)?;
            let mut found = Vec::with_capacity(rows.len());
            points(&rows, number, window, get(&row, 3)?, &mut found);
            merge.add(found, last_ms);
        }
        for point in tails {
            merge.begin(point.time_ms, sink)?;
            merge.add([point], point.time_ms);
        }
        merge.flush(sink)
    }
}

fn get(row: &SqliteRow, column: usize) -> Result<i64, HistoryError> {
    row.try_get(column).map_err(HistoryError::sql(DOING))
}

/// Reads a block with one column: its own, or the one kept apart.
fn decode(row: &SqliteRow, channel: ChannelNo) -> Result<Rows, HistoryError> {
    let id = get(row, 0)?;
    let damaged = |source| HistoryError::Damaged {
        table: "block",
        row: id,
        source,
    };
    let data: &[u8] = row.try_get(4).map_err(HistoryError::sql(DOING))?;
    let apart: Option<&[u8]> = row.try_get(5).map_err(HistoryError::sql(DOING))?;
    let mut rows = block::decode(data, Some(channel)).map_err(damaged)?;
    if let Some(apart) = apart {
        block::add_column(&mut rows, channel, apart).map_err(damaged)?;
    }
    Ok(rows)
}

/// Takes the reported cells of a channel in the window.
fn points(rows: &Rows, channel: ChannelNo, window: Window, rank: i64, found: &mut Vec<Point>) {
    let Some(column) = rows.column(channel) else {
        return;
    };
    for (row, time_ms) in rows.times_ms().iter().enumerate() {
        if *time_ms < window.from_ms || *time_ms >= window.to_ms {
            continue;
        }
        let cell = column.cell(row);
        if cell != Cell::Absent {
            found.push(Point {
                time_ms: *time_ms,
                rank,
                cell,
            });
        }
    }
}

/// Points of sources that overlap, collected until the next source begins after all of them.
struct Merge {
    pending: Vec<Point>,
    reaches_ms: i64,
}

impl Merge {
    /// Passes on what lies before a source that begins at `first_ms`.
    fn begin(&mut self, first_ms: i64, sink: &mut impl Sink) -> Result<(), HistoryError> {
        if first_ms > self.reaches_ms {
            self.flush(sink)?;
        }
        Ok(())
    }

    fn add(&mut self, points: impl IntoIterator<Item = Point>, last_ms: i64) {
        self.pending.extend(points);
        self.reaches_ms = self.reaches_ms.max(last_ms);
    }

    fn flush(&mut self, sink: &mut impl Sink) -> Result<(), HistoryError> {
        let key = |point: &Point| (point.time_ms, point.rank);
        if !self.pending.is_sorted_by_key(key) {
            self.pending.sort_by_key(key);
        }
        let mut points = self.pending.drain(..).peekable();
        while let Some(point) = points.next() {
            let next = points.peek().map(|next| next.time_ms);
            if next != Some(point.time_ms) {
                sink.take(point.time_ms, point.cell)?;
            }
        }
        Ok(())
    }
}

impl Sink for RawSeries {
    fn take(&mut self, time_ms: i64, cell: Cell) -> Result<(), HistoryError> {
        if self.times_ms.len() >= RAW_POINTS_MAX {
            return Err(HistoryError::TooMany {
                max: RAW_POINTS_MAX,
            });
        }
        self.times_ms.push(time_ms);
        match cell {
            Cell::Good(value) => self.values.push(Some(value)),
            Cell::Bad(quality) => {
                self.values.push(None);
                self.bad.push((time_ms, quality));
            }
            Cell::Absent => self.values.push(None),
        }
        Ok(())
    }
}
