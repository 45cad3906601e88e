//! From what a store elsewhere answers to the series that readers get. Pure.

use std::collections::HashMap;

use scheduler::id::InstrumentId;
use wire::ChannelName;

use crate::history::{Cell, HistoryError, RAW_POINTS_MAX, RawSeries, StepSeries, quality_of_code};

/// What is asked of a store elsewhere: a channel in `[from_ms, to_ms)`, not empty, from 1970 on.
#[derive(Debug, Clone, Copy)]
pub(super) struct Asked<'a> {
    pub(super) instrument: InstrumentId,
    pub(super) channel: &'a ChannelName,
    pub(super) from_ms: i64,
    pub(super) to_ms: i64,
}

/// Returns a reason from its code; one of a newer release is `other`.
pub(super) fn reason(code: f64) -> Cell {
    let known = (0..u8::MAX).find(|known| (f64::from(*known) - code).abs() < 0.5);
    Cell::Bad(quality_of_code(known.unwrap_or(u8::MAX)))
}

/// Returns the error of an answer that cannot be read.
pub(super) fn nonsense(error: impl std::fmt::Display) -> HistoryError {
    HistoryError::Elsewhere {
        why: format!("its answer makes no sense: {error}"),
    }
}

/// Makes a series of points in any order. Of two at one time a value wins over a reason; of two
/// values the later in the list, because the stores keep no order of arrival.
pub(super) fn raw_series(mut points: Vec<(i64, Cell)>) -> Result<RawSeries, HistoryError> {
    let rank = |cell: &Cell| matches!(cell, Cell::Good(_));
    points.sort_by_key(|(time_ms, cell)| (*time_ms, rank(cell)));
    let mut series = RawSeries::default();
    let mut points = points.into_iter().peekable();
    while let Some((time_ms, cell)) = points.next() {
        if points.peek().is_some_and(|next| next.0 == time_ms) {
            continue;
        }
        match cell {
            Cell::Good(value) => series.values.push(Some(value)),
            Cell::Bad(quality) => {
                series.values.push(None);
                series.bad.push((time_ms, quality));
            }
            Cell::Absent => continue,
        }
        series.times_ms.push(time_ms);
    }
    check_size(&series)?;
    Ok(series)
}

/// Refuses a series with more points than one answer may have.
pub(super) fn check_size(series: &RawSeries) -> Result<(), HistoryError> {
    if series.times_ms.len() > RAW_POINTS_MAX {
        return Err(HistoryError::TooMany {
            max: RAW_POINTS_MAX,
        });
    }
    Ok(())
}

/// What a store computed for one step of one of its series. `None` while that part has not come.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(super) struct Step {
    pub(super) min: Option<f64>,
    pub(super) mean: Option<f64>,
    pub(super) max: Option<f64>,
    pub(super) last: Option<f64>,
    pub(super) count: Option<f64>,
}

/// A part of a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Part {
    Min,
    Mean,
    Max,
    Last,
    Count,
}

/// Parts, and the word for each in Flux and in `MetricsQL`.
pub(super) const PARTS: [(Part, &str, &str); 5] = [
    (Part::Min, "min", "min_over_time"),
    (Part::Mean, "mean", "avg_over_time"),
    (Part::Max, "max", "max_over_time"),
    (Part::Last, "last", "last_over_time"),
    (Part::Count, "count", "count_over_time"),
];

impl Step {
    /// Notes a part.
    pub(super) fn set(&mut self, part: Part, value: f64) {
        let place = match part {
            Part::Min => &mut self.min,
            Part::Mean => &mut self.mean,
            Part::Max => &mut self.max,
            Part::Last => &mut self.last,
            Part::Count => &mut self.count,
        };
        *place = Some(value);
    }
}

/// Makes a series of steps: begin in milliseconds, a number that tells the store's series apart (an
/// instrument whose code changed has two), and the step. Steps of equal begin are put together; the
/// last value is then the one of the series with the higher number.
pub(super) fn step_series(
    steps: impl IntoIterator<Item = ((i64, usize), Step)>,
) -> Result<StepSeries, HistoryError> {
    let mut steps: Vec<_> = steps.into_iter().collect();
    steps.sort_by_key(|(key, _)| *key);
    let mut series = StepSeries::default();
    for ((begin_ms, _), step) in steps {
        let parts = (step.min, step.mean, step.max, step.last, step.count);
        let (Some(min), Some(mean), Some(max), Some(last), Some(count)) = parts else {
            return Err(HistoryError::Elsewhere {
                why: "a part of a step is missing in its answer".to_owned(),
            });
        };
        let count = whole(count);
        if series.times_ms.last() != Some(&begin_ms) {
            series.times_ms.push(begin_ms);
            series.min.push(min);
            series.mean.push(mean);
            series.max.push(max);
            series.last.push(last);
            series.count.push(count);
            continue;
        }
        let known = (
            series.min.last_mut(),
            series.mean.last_mut(),
            series.max.last_mut(),
            series.last.last_mut(),
            series.count.last_mut(),
        );
        let (Some(min_), Some(mean_), Some(max_), Some(last_), Some(count_)) = known else {
            continue;
        };
        *min_ = min_.min(min);
        *max_ = max_.max(max);
        *last_ = last;
        let share = share(count, *count_ + count);
        *mean_ = *mean_ * (1.0 - share) + mean * share;
        *count_ += count;
    }
    Ok(series)
}

#[expect(
    clippy::as_conversions,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "no step has 2^53 points, and the cast of what is none saturates"
)]
fn whole(count: f64) -> u64 {
    count as u64
}

#[expect(
    clippy::as_conversions,
    clippy::cast_precision_loss,
    reason = "no step has 2^53 points"
)]
fn share(part: u64, all: u64) -> f64 {
    part as f64 / all.max(1) as f64
}

/// Appends a series of steps that begins later.
pub(super) fn append_steps(series: &mut StepSeries, later: StepSeries) {
    series.times_ms.extend(later.times_ms);
    series.min.extend(later.min);
    series.mean.extend(later.mean);
    series.max.extend(later.max);
    series.last.extend(later.last);
    series.count.extend(later.count);
}

/// Returns for how long each step's readings speak, as the embedded store knows it; 0 where that has
/// let go of the time.
pub(super) fn good_ms(times_ms: &[i64], own: &StepSeries) -> Vec<i64> {
    let known: HashMap<i64, i64> = own
        .times_ms
        .iter()
        .copied()
        .zip(own.good_ms.iter().copied())
        .collect();
    let good_ms = |time_ms| known.get(time_ms).copied().unwrap_or(0);
    times_ms.iter().map(good_ms).collect()
}

/// Appends a raw series that begins later.
pub(super) fn append_raw(series: &mut RawSeries, later: RawSeries) {
    series.times_ms.extend(later.times_ms);
    series.values.extend(later.values);
    series.bad.extend(later.bad);
}

#[cfg(test)]
mod tests {
    use wire::Quality;

    use super::*;

    #[test]
    fn a_value_wins_over_a_reason_and_repetitions_are_one_point() {
        let points = vec![
            (5, Cell::Good(1.0)),
            (3, Cell::Bad(Quality::Timeout)),
            (5, Cell::Bad(Quality::Link)),
            (5, Cell::Good(1.0)),
        ];
        let series = raw_series(points).unwrap();
        assert_eq!(series.times_ms, [3, 5]);
        assert_eq!(series.values, [None, Some(1.0)]);
        assert_eq!(series.bad, [(3, Quality::Timeout)]);
    }

    #[test]
    fn steps_of_two_series_are_put_together() {
        let step = |min, mean, max, last, count| Step {
            min: Some(min),
            mean: Some(mean),
            max: Some(max),
            last: Some(last),
            count: Some(count),
        };
        let steps = [
            ((0, 1), step(2.0, 5.0, 8.0, 8.0, 3.0)),
            ((0, 0), step(1.0, 1.0, 1.0, 1.0, 1.0)),
        ];
        let series = step_series(steps).unwrap();
        assert_eq!(series.times_ms, [0]);
        assert_eq!(
            (series.min[0], series.max[0], series.last[0]),
            (1.0, 8.0, 8.0)
        );
        assert_eq!(series.count, [4]);
        assert!((series.mean[0] - 4.0).abs() < 1e-12);
        assert!(step_series([((0, 0), Step::default())]).is_err());
    }
}
