//! The whole store: what was committed is what is read, whatever happened in between.

mod bounds;
mod crash;
mod order;
mod streams;
mod touched;

use std::collections::BTreeMap;
use std::path::Path;

use scheduler::id::{InstrumentId, NodeId};
use scheduler::time::{DAY_US, MINUTE_US, Micros, Span};
use wire::ChannelName;

use super::*;

/// Times of the tests begin here: a midnight.
pub(super) const T0_MS: i64 = 20_500 * 86_400_000;

/// How far a good reading speaks.
const HOLD_MS: i64 = 300_000;

/// What has been committed: of each instrument and channel the last received cell at each time.
#[derive(Debug, Clone, Default)]
pub(super) struct Model(pub(super) BTreeMap<(u32, u16), BTreeMap<i64, Cell>>);

/// One row of two channels as a test writes it: milliseconds after [`T0_MS`], and the cells.
pub(super) type Line = (i64, [Cell; 2]);

/// Returns rows of the channels 1 and 2.
pub(super) fn rows(lines: &[Line]) -> Rows {
    let channels = [1, 2].map(|number| ChannelNo::new(number).unwrap());
    let mut rows = Rows::of_channels(&channels);
    for (time_ms, cells) in lines {
        rows.push(T0_MS + time_ms, *cells, ClockMark::default());
    }
    rows
}

/// A step: begin, count, milliseconds that are good, least, mean, greatest and last value.
type Step = (i64, u64, i64, [f64; 4]);

impl Model {
    pub(super) fn add(&mut self, instrument: u32, lines: &[Line]) {
        for (time_ms, cells) in lines {
            for (channel, cell) in (1_u16..).zip(cells) {
                if *cell != Cell::Absent {
                    let channel = self.0.entry((instrument, channel)).or_default();
                    channel.insert(T0_MS + time_ms, *cell);
                }
            }
        }
    }

    /// Steps as they should be.
    fn steps(&self, key: (u32, u16), step_ms: i64, now_ms: i64) -> Vec<Step> {
        let mut steps: BTreeMap<i64, (Vec<f64>, i64)> = BTreeMap::new();
        let empty = BTreeMap::new();
        let points = self.0.get(&key).unwrap_or(&empty);
        let begin = |ms: i64| ms - (ms - T0_MS).rem_euclid(step_ms);
        for (time_ms, cell) in points {
            let Cell::Good(value) = cell else { continue };
            let values = &mut steps.entry(begin(*time_ms)).or_default().0;
            values.push(*value);
            let next = points.range(time_ms + 1..).next().map(|(next, _)| *next);
            let end = next.unwrap_or(i64::MAX).min(time_ms + HOLD_MS).min(now_ms);
            let mut at = *time_ms;
            while at < end {
                let until = (begin(at) + step_ms).min(end);
                steps.entry(begin(at)).or_default().1 += until - at;
                at = until;
            }
        }
        let made = |(begin, (values, good_ms)): (i64, (Vec<f64>, i64))| {
            let last = *values.last()?;
            let bottom = values.iter().copied().fold(f64::INFINITY, f64::min);
            let top = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
            let count = u32::try_from(values.len()).unwrap();
            let mean = values.iter().sum::<f64>() / f64::from(count);
            Some((begin, u64::from(count), good_ms, [bottom, mean, top, last]))
        };
        steps.into_iter().filter_map(made).collect()
    }
}

/// A store in a folder with everything that works on it.
pub(super) struct Store {
    pub(super) history: History,
    pub(super) writer: Writer,
    pub(super) caretaker: Caretaker,
    pub(super) clock: Clock,
}

impl Store {
    /// Opens it at `now_ms` after the tests' begin.
    pub(super) async fn open(folder: &Path, now_ms: i64, kept: Kept) -> (Self, crate::clock::Hand) {
        let (clock, hand) = Clock::manual(Micros::new((T0_MS + now_ms) * 1_000));
        (Self::open_at(folder, clock, kept).await, hand)
    }

    pub(super) async fn open_at(folder: &Path, clock: Clock, kept: Kept) -> Self {
        let history = History::open(folder, clock.clone()).await.unwrap();
        let (mut writer, _) = history.take_writer().unwrap();
        for name in ["power_w", "energy_kwh"] {
            writer
                .channel(&ChannelName::parse(name).unwrap(), NodeId::new(1))
                .unwrap();
        }
        let caretaker = history.take_caretaker(kept).unwrap();
        Self {
            history,
            writer,
            caretaker,
            clock,
        }
    }

    pub(super) async fn commit(&mut self, batches: &[(u32, Vec<Line>)]) {
        let mut prepared = self.prepare(batches);
        self.writer.execute(&mut prepared).await.unwrap();
        self.writer.apply(prepared);
    }

    pub(super) fn prepare(&mut self, batches: &[(u32, Vec<Line>)]) -> Prepared {
        let all = batches.iter();
        let all = all.map(|(number, lines)| (InstrumentId::new(*number), rows(lines)));
        let group = Group {
            rows: all.collect(),
            ..Group::default()
        };
        self.writer.prepare(group, self.clock.now())
    }

    /// Lets the caretaker do all that is due.
    pub(super) async fn tidy(&mut self) {
        for _ in 0..1_000 {
            if !self.caretaker.work().await.unwrap() {
                return;
            }
        }
        panic!("the caretaker never comes to an end");
    }

    /// Compares what readers see with what was committed: points, and steps of several lengths.
    pub(super) async fn check(&self, model: &Model, days: i64) {
        let (from, to) = (at(0), at(days * DAY_US / 1_000));
        let now_ms = self.clock.now().get() / 1_000;
        for (key, points) in &model.0 {
            let instrument = InstrumentId::new(key.0);
            let name = self.history.channel_name(ChannelNo(key.1)).unwrap();
            let raw = self.history.raw(instrument, &name, from, to).await.unwrap();
            let times: Vec<i64> = points.keys().copied().collect();
            assert_eq!(raw.times_ms, times, "{key:?}");
            let good = |cell: &Cell| match cell {
                Cell::Good(value) => Some(*value),
                Cell::Bad(_) | Cell::Absent => None,
            };
            let values: Vec<Option<f64>> = points.values().map(good).collect();
            assert_eq!(raw.values, values, "{key:?}");
            for step_ms in [7_000, 60_000, 420_000, 3_600_000, 7_200_000] {
                let step = Span::new(step_ms * 1_000).unwrap();
                let found = self
                    .history
                    .stepped(instrument, &name, from, to, step)
                    .await;
                let expected = model.steps(*key, step_ms, now_ms);
                compare(
                    &found.unwrap(),
                    &expected,
                    &format!("{key:?} by {step_ms} ms"),
                );
            }
        }
    }

    /// Returns one number that a statement asks for.
    pub(super) async fn number(&self, statement: &'static str) -> i64 {
        sqlx::query_scalar(statement)
            .fetch_one(&self.history.pools.readers)
            .await
            .unwrap()
    }
}

#[track_caller]
fn compare(found: &StepSeries, expected: &[Step], what: &str) {
    let begins: Vec<i64> = expected.iter().map(|step| step.0).collect();
    assert_eq!(found.times_ms, begins, "{what}");
    for (at, (_, count, good_ms, [min, mean, max, last])) in expected.iter().enumerate() {
        let exact = (
            found.count[at],
            found.good_ms[at],
            found.min[at],
            found.max[at],
        );
        assert_eq!(exact, (*count, *good_ms, *min, *max), "{what} at {at}");
        assert!((found.last[at] - last).abs() < 1e-12, "{what} at {at}");
        let off = (found.mean[at] - mean).abs();
        assert!(
            off <= (max - min) / 131_000.0 + 1e-9,
            "{what} at {at}: off by {off}"
        );
    }
}

/// A moment, milliseconds after the tests' begin.
pub(super) fn at(ms: i64) -> Micros {
    Micros::new((T0_MS + ms) * 1_000)
}

/// Long enough that the caretaker takes up what was touched before.
pub(super) const QUIET_US: i64 = 3 * MINUTE_US;
