//! How often something took how long: counted without a lock, in buckets with fixed bounds.

use std::sync::atomic::{AtomicU64, Ordering};

/// Upper bounds for what may take a millisecond or a day, in microseconds.
const WIDE_US: [u64; 14] = [
    1_000,
    5_000,
    25_000,
    100_000,
    250_000,
    500_000,
    1_000_000,
    2_500_000,
    10_000_000,
    60_000_000,
    600_000_000,
    3_600_000_000,
    21_600_000_000,
    86_400_000_000,
];

/// Durations by bucket.
#[derive(Debug)]
pub struct Histogram {
    bounds_us: &'static [u64],
    /// One a bound, and one for what is longer than all.
    counts: Vec<AtomicU64>,
    sum_us: AtomicU64,
}

/// What was counted, at one moment.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct HistogramView {
    /// Upper bounds, ascending, in microseconds.
    pub bounds_us: &'static [u64],
    /// How many fell into each bucket; the last: longer than all bounds.
    pub counts: Vec<u64>,
    /// Sum of all durations, in microseconds.
    pub sum_us: u64,
}

impl Histogram {
    /// Returns one with these upper bounds, ascending, in microseconds.
    #[must_use]
    pub fn new(bounds_us: &'static [u64]) -> Self {
        Self {
            bounds_us,
            counts: (0..=bounds_us.len()).map(|_| AtomicU64::new(0)).collect(),
            sum_us: AtomicU64::new(0),
        }
    }

    /// Counts a duration.
    pub fn observe(&self, us: u64) {
        let bucket = self.bounds_us.partition_point(|bound| *bound < us);
        if let Some(count) = self.counts.get(bucket) {
            count.fetch_add(1, Ordering::Relaxed);
        }
        self.sum_us.fetch_add(us, Ordering::Relaxed);
    }

    /// Returns what was counted.
    #[must_use]
    pub fn view(&self) -> HistogramView {
        let counts = self.counts.iter();
        HistogramView {
            bounds_us: self.bounds_us,
            counts: counts.map(|count| count.load(Ordering::Relaxed)).collect(),
            sum_us: self.sum_us.load(Ordering::Relaxed),
        }
    }
}

impl Default for Histogram {
    fn default() -> Self {
        Self::new(&WIDE_US)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bound_belongs_to_its_bucket_and_nothing_is_too_long() {
        let histogram = Histogram::new(&[10, 20]);
        for us in [0, 10, 11, 20, 21, 9_000] {
            histogram.observe(us);
        }
        let view = histogram.view();
        assert_eq!(view.counts, [2, 2, 2]);
        assert_eq!(view.sum_us, 9_062);
    }
}
