//! From points to steps: least, mean, greatest and last value, how many, and for how long a good
//! reading speaks. Pure.

use super::error::HistoryError;
use super::read::Sink;
use super::rows::Cell;

/// How long a good reading speaks if no other follows.
pub(super) const HOLD_MS: i64 = 300_000;

/// One step of a channel.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Entry {
    /// Its begin, milliseconds since 1970 UTC.
    pub(super) begin_ms: i64,
    /// How many good points; the values mean nothing if there are none.
    pub(super) count: u64,
    /// For how many of its milliseconds a good reading speaks.
    pub(super) good_ms: i64,
    pub(super) min: f64,
    pub(super) mean: f64,
    pub(super) max: f64,
    pub(super) last: f64,
}

impl Entry {
    fn new(begin_ms: i64) -> Self {
        Self {
            begin_ms,
            count: 0,
            good_ms: 0,
            min: 0.0,
            mean: 0.0,
            max: 0.0,
            last: 0.0,
        }
    }

    fn add(&mut self, value: f64) {
        self.absorb(&Self {
            count: 1,
            min: value,
            mean: value,
            max: value,
            last: value,
            ..Self::new(self.begin_ms)
        });
    }

    /// Adds a later part of the same step.
    pub(super) fn absorb(&mut self, later: &Self) {
        self.good_ms += later.good_ms;
        if later.count == 0 {
            return;
        }
        if self.count == 0 {
            (self.min, self.max) = (later.min, later.max);
        }
        self.min = self.min.min(later.min);
        self.max = self.max.max(later.max);
        self.last = later.last;
        self.mean = mean_of((self.mean, self.count), (later.mean, later.count));
        self.count += later.count;
    }
}

/// Returns the mean of two parts from their means and counts, of which one is not 0. Parts are
/// divided before they are added, so that it stays finite and between the least and the greatest
/// value, whatever these are: a sum of large values does not.
#[expect(
    clippy::as_conversions,
    clippy::cast_precision_loss,
    reason = "no step has 2^53 points"
)]
fn mean_of((mean, count): (f64, u64), (more, added): (f64, u64)) -> f64 {
    if count == 0 {
        return more;
    }
    // The smaller share is taken of both, so that the difference is finite too.
    let ((base, other), share) = if added <= count {
        ((mean, more), added as f64 / (count + added) as f64)
    } else {
        ((more, mean), count as f64 / (count + added) as f64)
    };
    base + (other * share - base * share)
}

/// Steps on their way, ascending, without those that nothing is known of.
#[derive(Debug)]
pub(super) struct Steps {
    origin_ms: i64,
    step_ms: i64,
    pub(super) entries: Vec<Entry>,
}

impl Steps {
    /// Returns none yet. Steps begin at multiples of `step_ms` after `origin_ms`.
    pub(super) fn new(origin_ms: i64, step_ms: i64) -> Self {
        Self {
            origin_ms,
            step_ms,
            entries: Vec::new(),
        }
    }

    fn begin(&self, time_ms: i64) -> i64 {
        let steps = (time_ms - self.origin_ms).div_euclid(self.step_ms);
        self.origin_ms + steps * self.step_ms
    }

    fn at(&mut self, time_ms: i64) -> &mut Entry {
        let begin_ms = self.begin(time_ms);
        if self
            .entries
            .last()
            .is_none_or(|last| last.begin_ms < begin_ms)
        {
            self.entries.push(Entry::new(begin_ms));
        }
        self.entries
            .last_mut()
            .expect("one was just added if there was none")
    }

    /// Adds a part that is later than all before it.
    pub(super) fn absorb(&mut self, part: &Entry) {
        self.at(part.begin_ms).absorb(part);
    }
}

/// Folds points into steps. Points up to [`HOLD_MS`] before the window may come first: they say
/// whether its begin is covered.
#[derive(Debug)]
pub(super) struct Fold<'a> {
    steps: &'a mut Steps,
    from_ms: i64,
    to_ms: i64,
    /// When the last reading came, if it was good.
    good_at: Option<i64>,
}

impl<'a> Fold<'a> {
    pub(super) fn new(steps: &'a mut Steps, from_ms: i64, to_ms: i64) -> Self {
        Self {
            steps,
            from_ms,
            to_ms,
            good_at: None,
        }
    }

    /// Ends it; the last reading speaks no longer than `until_ms`.
    pub(super) fn finish(mut self, until_ms: i64) {
        self.cover(until_ms);
    }

    /// Counts the time for which the last good reading spoke before something came at `until_ms`.
    fn cover(&mut self, until_ms: i64) {
        let Some(good_at) = self.good_at.take() else {
            return;
        };
        let end_ms = until_ms.min(good_at + HOLD_MS).min(self.to_ms);
        let mut at_ms = good_at.max(self.from_ms);
        while at_ms < end_ms {
            let next_ms = (self.steps.begin(at_ms) + self.steps.step_ms).min(end_ms);
            self.steps.at(at_ms).good_ms += next_ms - at_ms;
            at_ms = next_ms;
        }
    }

    /// Takes the next point.
    pub(super) fn add(&mut self, time_ms: i64, cell: Cell) {
        self.cover(time_ms);
        if let Cell::Good(value) = cell {
            self.good_at = Some(time_ms);
            if (self.from_ms..self.to_ms).contains(&time_ms) {
                self.steps.at(time_ms).add(value);
            }
        }
    }
}

impl Sink for Fold<'_> {
    fn take(&mut self, time_ms: i64, cell: Cell) -> Result<(), HistoryError> {
        self.add(time_ms, cell);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use wire::Quality;

    use super::*;

    fn mean(values: &[f64]) -> f64 {
        let mut entry = Entry::new(0);
        for value in values {
            entry.add(*value);
        }
        entry.mean
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

    #[test]
    fn a_good_reading_speaks_until_the_next_one_and_no_longer_than_five_minutes() {
        let mut steps = Steps::new(0, 60_000);
        let mut fold = Fold::new(&mut steps, 60_000, 1_200_000);
        fold.add(30_000, Cell::Good(1.0));
        fold.add(90_000, Cell::Bad(Quality::Timeout));
        fold.add(150_000, Cell::Good(2.0));
        fold.add(1_190_000, Cell::Good(3.0));
        fold.finish(1_195_000);
        let found: Vec<(i64, u64, i64)> = steps
            .entries
            .iter()
            .map(|entry| (entry.begin_ms / 60_000, entry.count, entry.good_ms / 1_000))
            .collect();
        let read = [(1, 0, 30), (2, 1, 30)];
        let held = [(3, 0, 60), (4, 0, 60), (5, 0, 60), (6, 0, 60), (7, 0, 30)];
        let expected: Vec<(i64, u64, i64)> =
            read.into_iter().chain(held).chain([(19, 1, 5)]).collect();
        assert_eq!(found, expected);
    }

    proptest! {
        #[test]
        fn it_is_the_sum_divided_by_the_count(values in prop::collection::vec(-1e12..1e12f64, 1..200)) {
            let sum: f64 = values.iter().sum();
            let count = u32::try_from(values.len()).unwrap();
            let magnitude = values.iter().fold(1.0, |most: f64, value| most.max(value.abs()));
            prop_assert!((mean(&values) - sum / f64::from(count)).abs() <= magnitude * 1e-12);
        }

        #[test]
        fn parts_of_a_step_make_the_whole(values in prop::collection::vec(-1e6..1e6f64, 2..60), cut in 1..59_usize) {
            let cut = cut.min(values.len() - 1);
            let mut whole = Entry::new(0);
            for value in &values { whole.add(*value); }
            let mut parts = [Entry::new(0), Entry::new(0)];
            for value in &values[..cut] { parts[0].add(*value); }
            for value in &values[cut..] { parts[1].add(*value); }
            let [mut first, second] = parts;
            first.absorb(&second);
            prop_assert!((first.mean - whole.mean).abs() < 1e-6);
            prop_assert_eq!(Entry { mean: 0.0, ..first }, Entry { mean: 0.0, ..whole });
        }
    }
}
