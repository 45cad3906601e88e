//! Reads of one channel over a window: blocks and tails merged by time, the last received wins.
//!
//! Blocks are read in the order of their first times. Those that overlap are merged together; most
//! do not, and are passed on as they come, so that a long window takes little memory.

use futures::TryStreamExt as _;
use scheduler::id::InstrumentId;
use scheduler::time::{Micros, Span};
use sqlx::Row as _;
use wire::ChannelName;

use super::block;
use super::error::HistoryError;
use super::rows::{Cell, ChannelNo, Rows};
use super::series::{RAW_POINTS_MAX, RawSeries, STEPS_MAX, StepSeries};
use super::tails::Kind;
use super::{History, SPAN_MS_MAX};

/// Rank of what is still in tails: received after all that is in blocks.
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
struct Window {
    from_ms: i64,
    to_ms: i64,
}

impl Window {
    fn new(from: Micros, to: Micros) -> Self {
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
trait Sink {
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
        let window = Window::new(from, to);
        self.scan(instrument, channel, window, &mut series).await?;
        Ok(series)
    }

    /// Returns a channel in `[from, to)` by step: least, mean, greatest and last value and the
    /// number of points, computed from points. Steps begin at `from`.
    ///
    /// # Errors
    /// Returns [`HistoryError::TooMany`] for more than [`STEPS_MAX`] steps in the window, and other
    /// variants when the store fails.
    pub async fn stepped(
        &self,
        instrument: InstrumentId,
        channel: &ChannelName,
        from: Micros,
        to: Micros,
        step: Span,
    ) -> Result<StepSeries, HistoryError> {
        let window = Window::new(from, to);
        let step_ms = (step.get() / 1_000).max(1);
        let steps = window.to_ms.saturating_sub(window.from_ms) / step_ms;
        if usize::try_from(steps).is_ok_and(|steps| steps > STEPS_MAX) {
            return Err(HistoryError::TooMany { max: STEPS_MAX });
        }
        let mut steps = Steps {
            from_ms: window.from_ms,
            step_ms,
            series: StepSeries::default(),
            current: None,
        };
        self.scan(instrument, channel, window, &mut steps).await?;
        steps.close();
        Ok(steps.series)
    }

    async fn scan(
        &self,
        instrument: InstrumentId,
        channel: &ChannelName,
        window: Window,
        sink: &mut (impl Sink + Send),
    ) -> Result<(), HistoryError> {
        let number = self.shared.dictionary().number(channel);
        let Some(number) = number else {
            return Ok(());
        };
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
            "SELECT id, first_ms, last_ms, data FROM block WHERE instrument = $1 \
             AND first_ms >= $2 AND first_ms < $3 AND last_ms >= $4 ORDER BY first_ms",
        )
        .bind(i64::from(instrument.get()))
        .bind(window.from_ms.saturating_sub(SPAN_MS_MAX))
        .bind(window.to_ms)
        .bind(window.from_ms)
        .fetch(&self.pools.readers);
        let doing = "reading blocks";
        let mut tails = tails.into_iter().peekable();
        while let Some(row) = rows.try_next().await.map_err(HistoryError::sql(doing))? {
            let id: i64 = row.try_get(0).map_err(HistoryError::sql(doing))?;
            let first_ms: i64 = row.try_get(1).map_err(HistoryError::sql(doing))?;
            let last_ms: i64 = row.try_get(2).map_err(HistoryError::sql(doing))?;
            let data: &[u8] = row.try_get(3).map_err(HistoryError::sql(doing))?;
            // Points of tails before this block form a cluster of their own or join the last one.
            while let Some(point) = tails.next_if(|point| point.time_ms < first_ms) {
                merge.begin(point.time_ms, sink)?;
                merge.add([point], point.time_ms);
            }
            merge.begin(first_ms, sink)?;
            let rows =
                block::decode(data, Some(number)).map_err(|source| HistoryError::Damaged {
                    table: "block",
                    row: id,
                    source,
                })?;
            let mut found = Vec::with_capacity(rows.len());
            points(&rows, number, window, id, &mut found);
            merge.add(found, last_ms);
        }
        for point in tails {
            merge.begin(point.time_ms, sink)?;
            merge.add([point], point.time_ms);
        }
        merge.flush(sink)
    }
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

/// Good points of one step.
struct Step {
    number: i64,
    min: f64,
    max: f64,
    last: f64,
    mean: f64,
    count: u64,
}

struct Steps {
    from_ms: i64,
    step_ms: i64,
    series: StepSeries,
    current: Option<Step>,
}

impl Steps {
    /// Appends the current step to the series.
    fn close(&mut self) {
        let Some(step) = self.current.take() else {
            return;
        };
        let begin_ms = self.from_ms + step.number * self.step_ms;
        self.series.times_ms.push(begin_ms);
        self.series.min.push(step.min);
        self.series.max.push(step.max);
        self.series.last.push(step.last);
        self.series.count.push(step.count);
        self.series.mean.push(step.mean);
    }
}

impl Sink for Steps {
    fn take(&mut self, time_ms: i64, cell: Cell) -> Result<(), HistoryError> {
        let Cell::Good(value) = cell else {
            return Ok(());
        };
        let number = (time_ms - self.from_ms).div_euclid(self.step_ms);
        if self
            .current
            .as_ref()
            .is_some_and(|step| step.number != number)
        {
            self.close();
        }
        let step = self.current.get_or_insert(Step {
            number,
            min: value,
            max: value,
            last: value,
            mean: 0.0,
            count: 0,
        });
        step.min = step.min.min(value);
        step.max = step.max.max(value);
        step.last = value;
        step.count += 1;
        step.mean = mean_with(step.mean, value, step.count);
        Ok(())
    }
}

/// Returns the mean of `count` values from the mean of all but the last, and the last. Parts are
/// divided before they are added, so that it stays finite and between the least and the greatest
/// value, whatever these are: a sum of large values does not.
#[expect(
    clippy::as_conversions,
    clippy::cast_precision_loss,
    reason = "no step has 2^53 points"
)]
fn mean_with(mean: f64, value: f64, count: u64) -> f64 {
    let count = count as f64;
    mean + (value / count - mean / count)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn mean(values: &[f64]) -> f64 {
        let counted = (1..).zip(values);
        counted.fold(0.0, |mean, (count, value)| mean_with(mean, *value, count))
    }

    #[test]
    fn one_wild_value_leaves_a_mean_that_is_a_number() {
        assert!((mean(&[1.0, 2.0, 6.0]) - 3.0).abs() < 1e-12);
        for wild in [f64::MAX, f64::MIN] {
            let mean = mean(&[wild, wild, 1.0, wild]);
            assert!(mean.is_finite(), "{mean}");
        }
        assert!(mean(&[f64::MAX, f64::MIN]).is_finite());
    }

    proptest! {
        #[test]
        fn it_is_the_sum_divided_by_the_count(values in prop::collection::vec(-1e12..1e12f64, 1..200)) {
            let sum: f64 = values.iter().sum();
            let count = u32::try_from(values.len()).unwrap();
            let magnitude = values.iter().fold(1.0, |most: f64, value| most.max(value.abs()));
            prop_assert!((mean(&values) - sum / f64::from(count)).abs() <= magnitude * 1e-12);
        }
    }
}
