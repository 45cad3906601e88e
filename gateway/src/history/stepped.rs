//! Reads of one channel by step: from rollups where there are, from points where there are not yet.
//!
//! A step of whole hours is served from hours, one of whole minutes from minutes, any other from
//! points; so are hours that got readings since their rollups were computed, whatever the step.

use std::ops::Range;

use futures::TryStreamExt as _;
use scheduler::id::InstrumentId;
use scheduler::time::{Micros, Span};
use sqlx::Row as _;
use wire::ChannelName;

use super::History;
use super::error::HistoryError;
use super::keep::Horizons;
use super::read::Window;
use super::rollup::{self, HOUR, Level, MINUTE};
use super::rows::ChannelNo;
use super::series::{STEPS_MAX, StepSeries};
use super::steps::{Fold, HOLD_MS, Steps};
use super::touched::HOUR_MS;

/// Where a stretch of steps comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Source {
    Points,
    Rollup(Level),
}

/// A stretch `[from_ms, to_ms)` with one source.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Stretch {
    from_ms: i64,
    to_ms: i64,
    source: Source,
}

fn is_whole_minutes(step_ms: i64) -> bool {
    step_ms % MINUTE.step_ms == 0
}

/// Returns where the first step of a window begins: at the window's begin, with steps of whole
/// minutes at the whole minute that it lies in.
pub(crate) fn first_step(from: Micros, step: Span) -> Micros {
    let step_ms = (step.get() / 1_000).max(1);
    if is_whole_minutes(step_ms) {
        let minute_us = MINUTE.step_ms * 1_000;
        return Micros::new(from.get() - from.get().rem_euclid(minute_us));
    }
    from
}

impl History {
    /// Returns a channel in `[from, to)` by step: least, mean, greatest and last value, the number
    /// of points, and for how long they speak.
    ///
    /// Steps begin at `from`; steps of whole minutes at the whole minute that `from` lies in. Where
    /// readings are kept no longer, a step is made of the shorter ones that begin in it, hours at
    /// last.
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
        let mut window = Window::new(from, to);
        let step_ms = (step.get() / 1_000).max(1);
        if is_whole_minutes(step_ms) {
            window.from_ms -= window.from_ms.rem_euclid(MINUTE.step_ms);
        }
        let count = window.to_ms.saturating_sub(window.from_ms) / step_ms;
        if usize::try_from(count).is_ok_and(|count| count > STEPS_MAX) {
            return Err(HistoryError::TooMany { max: STEPS_MAX });
        }
        let number = self.shared.dictionary().number(channel);
        let Some(number) = number.filter(|_| window.from_ms < window.to_ms) else {
            return Ok(StepSeries::default());
        };
        let touched = self
            .shared
            .touched()
            .hours(instrument, window.from_ms, window.to_ms);
        let stretches = stretches(window, step_ms, &touched, self.shared.horizons());
        let mut steps = Steps::new(window.from_ms, step_ms);
        for stretch in stretches {
            let Stretch {
                from_ms,
                to_ms,
                source,
            } = stretch;
            match source {
                Source::Points => {
                    let range = from_ms..to_ms;
                    self.fold(instrument, number, range, &mut steps).await?;
                }
                Source::Rollup(level) => {
                    self.roll(instrument, number, stretch, level, &mut steps)
                        .await?;
                }
            }
        }
        Ok(series(&steps))
    }

    /// Adds steps made of points.
    async fn fold(
        &self,
        instrument: InstrumentId,
        channel: ChannelNo,
        range: Range<i64>,
        steps: &mut Steps,
    ) -> Result<(), HistoryError> {
        let window = Window {
            from_ms: range.start.saturating_sub(HOLD_MS),
            to_ms: range.end,
        };
        let mut fold = Fold::new(steps, range.start, range.end);
        self.scan(instrument, channel, window, &mut fold).await?;
        // Nothing speaks for what has not happened.
        fold.finish(self.clock.now().get().div_euclid(1_000));
        Ok(())
    }

    /// Adds steps made of rollups.
    async fn roll(
        &self,
        instrument: InstrumentId,
        channel: ChannelNo,
        stretch: Stretch,
        level: Level,
        steps: &mut Steps,
    ) -> Result<(), HistoryError> {
        const DOING: &str = "reading rollups";
        // A stored step that begins a little before the window is part of its first step.
        let first_ms = stretch.from_ms - stretch.from_ms.rem_euclid(level.step_ms);
        let mut rows = sqlx::query(
            "SELECT id, chunk, data FROM rollup WHERE instrument = $1 AND step_ms = $2 \
             AND chunk >= $3 AND chunk <= $4 AND channel = $5 ORDER BY chunk",
        )
        .bind(i64::from(instrument.get()))
        .bind(level.step_ms)
        .bind(level.chunk(first_ms))
        .bind(level.chunk(stretch.to_ms - 1))
        .bind(i64::from(channel.0))
        .fetch(&self.pools.readers);
        while let Some(row) = rows.try_next().await.map_err(HistoryError::sql(DOING))? {
            let id: i64 = row.try_get(0).map_err(HistoryError::sql(DOING))?;
            let chunk: i64 = row.try_get(1).map_err(HistoryError::sql(DOING))?;
            let data: &[u8] = row.try_get(2).map_err(HistoryError::sql(DOING))?;
            let entries = rollup::decode(level, chunk, data);
            let entries = entries.map_err(|source| HistoryError::Damaged {
                table: "rollup",
                row: id,
                source,
            })?;
            for mut entry in entries {
                if entry.begin_ms >= first_ms && entry.begin_ms < stretch.to_ms {
                    entry.begin_ms = entry.begin_ms.max(stretch.from_ms);
                    steps.absorb(&entry);
                }
            }
        }
        Ok(())
    }
}

/// Decides where each hour of a window comes from. `touched` ascends.
fn stretches(window: Window, step_ms: i64, touched: &[i64], horizons: Horizons) -> Vec<Stretch> {
    let Window { from_ms, to_ms } = window;
    let divides = |level: Level| step_ms % level.step_ms == 0 && from_ms % level.step_ms == 0;
    let level = [HOUR, MINUTE].into_iter().find(|level| divides(*level));
    let Some(level) = level else {
        let source = Source::Points;
        return vec![Stretch {
            from_ms,
            to_ms,
            source,
        }];
    };
    let mut found: Vec<Stretch> = Vec::new();
    let mut touched = touched.iter().copied().peekable();
    let mut at_ms = from_ms;
    while at_ms < to_ms {
        let hour = at_ms.div_euclid(HOUR_MS);
        let end_ms = ((hour + 1) * HOUR_MS).min(to_ms);
        while touched.next_if(|one| *one < hour).is_some() {}
        // A stored step that reaches beyond the window would bring too much.
        let is_cut = end_ms % level.step_ms != 0;
        let has_points = hour * HOUR_MS >= horizons.points;
        let source = if has_points && (is_cut || touched.peek() == Some(&hour)) {
            Source::Points
        } else if hour * HOUR_MS < horizons.minutes {
            Source::Rollup(HOUR)
        } else if is_cut {
            Source::Rollup(MINUTE)
        } else {
            Source::Rollup(level)
        };
        match found.last_mut() {
            Some(last) if last.source == source => last.to_ms = end_ms,
            Some(_) | None => found.push(Stretch {
                from_ms: at_ms,
                to_ms: end_ms,
                source,
            }),
        }
        at_ms = end_ms;
    }
    found
}

fn series(steps: &Steps) -> StepSeries {
    let mut series = StepSeries::default();
    for entry in steps.entries.iter().filter(|entry| entry.count > 0) {
        series.times_ms.push(entry.begin_ms);
        series.min.push(entry.min);
        series.mean.push(entry.mean);
        series.max.push(entry.max);
        series.last.push(entry.last);
        series.count.push(entry.count);
        series.good_ms.push(entry.good_ms);
    }
    series
}

#[cfg(test)]
mod tests {
    use super::*;

    const POINTS: Source = Source::Points;
    const HOURS: Source = Source::Rollup(HOUR);
    const MINUTES: Source = Source::Rollup(MINUTE);

    #[track_caller]
    fn check(window: Range<i64>, step_min: i64, touched: &[i64], expected: &[(i64, i64, Source)]) {
        let window = Window {
            from_ms: window.start * 60_000,
            to_ms: window.end * 60_000,
        };
        let horizons = Horizons {
            points: 20 * HOUR_MS,
            minutes: 10 * HOUR_MS,
            hours: 0,
        };
        let found = stretches(window, step_min * 60_000, touched, horizons);
        let minute = |ms: i64| ms / 60_000;
        let found: Vec<(i64, i64, Source)> = found
            .iter()
            .map(|one| (minute(one.from_ms), minute(one.to_ms), one.source))
            .collect();
        assert_eq!(found, expected);
    }

    #[test]
    fn the_coarsest_rollup_serves_and_points_where_it_is_behind() {
        let h = 60;
        check(24 * h..48 * h, 60, &[], &[(24 * h, 48 * h, HOURS)]);
        check(24 * h..48 * h, 15, &[], &[(24 * h, 48 * h, MINUTES)]);
        let behind = [
            (24 * h, 25 * h, HOURS),
            (25 * h, 26 * h, POINTS),
            (26 * h, 28 * h, HOURS),
        ];
        check(24 * h..28 * h, 120, &[25], &behind);
        let ends = [(24 * h, 25 * h, HOURS), (25 * h, 25 * h + 7, POINTS)];
        check(24 * h..25 * h + 7, 60, &[], &ends);
        check(
            24 * h + 30..25 * h + 30,
            60,
            &[],
            &[(24 * h + 30, 25 * h + 30, MINUTES)],
        );
    }

    #[test]
    fn what_is_no_longer_kept_comes_from_what_is() {
        let h = 60;
        let aged = [(8 * h, 10 * h, HOURS), (10 * h, 12 * h, MINUTES)];
        check(8 * h..12 * h, 1, &[], &aged);
        check(12 * h..14 * h, 1, &[13], &[(12 * h, 14 * h, MINUTES)]);
        let ends = [(12 * h, 13 * h, HOURS), (13 * h, 13 * h + 30, MINUTES)];
        check(12 * h..13 * h + 30, 60, &[], &ends);
    }
}
