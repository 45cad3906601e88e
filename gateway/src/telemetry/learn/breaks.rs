//! The histogram of power, and its natural breaks.

use std::ops::Range;

use super::Sample;

/// Bins.
const BINS: u32 = 96;

/// Values below this share of the greatest are told apart no more on a logarithmic scale.
const FLOOR_SHARE: f64 = 0.001;

/// From values to places on the histogram's axis and back.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Scale {
    /// As they are.
    Linear,
    /// The logarithm of the value and a floor.
    Logarithmic(f64),
}

impl Scale {
    pub(super) fn is_logarithmic(self) -> bool {
        self != Self::Linear
    }

    fn place(self, value: f64) -> f64 {
        match self {
            Self::Linear => value,
            Self::Logarithmic(floor) => (value.max(0.0) + floor).ln(),
        }
    }

    pub(super) fn value(self, place: f64) -> f64 {
        match self {
            Self::Linear => place,
            Self::Logarithmic(floor) => (place.exp() - floor).max(0.0),
        }
    }
}

/// Seconds over power.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Histogram {
    pub(super) scale: Scale,
    low: f64,
    width: f64,
    pub(super) weights: Vec<f64>,
    /// The mean place of what fell into each bin: finer than its middle.
    means: Vec<f64>,
}

impl Histogram {
    pub(super) fn of(samples: &[Sample], span_max: f64) -> Self {
        let values = samples.iter().map(|one| one.value);
        let (least, greatest) = values
            .fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), one| {
                (low.min(one), high.max(one))
            });
        let (least, greatest) = if least <= greatest {
            (least, greatest)
        } else {
            (0.0, 1.0)
        };
        let is_wide = greatest > 0.0 && greatest > least.max(0.0) * span_max;
        let scale = if is_wide {
            Scale::Logarithmic(greatest * FLOOR_SHARE)
        } else {
            Scale::Linear
        };
        let low = scale.place(least);
        let width = ((scale.place(greatest) - low) / f64::from(BINS)).max(1e-9);
        let mut histogram = Self {
            scale,
            low,
            width,
            weights: (0..BINS).map(|_| 0.0).collect(),
            means: (0..BINS).map(|_| 0.0).collect(),
        };
        for sample in samples {
            histogram.add(scale.place(sample.value), sample.lasted_s);
        }
        histogram
    }

    fn add(&mut self, place: f64, lasted_s: f64) {
        let bin = bin_of((place - self.low) / self.width);
        let (Some(weight), Some(mean)) = (self.weights.get_mut(bin), self.means.get_mut(bin))
        else {
            return;
        };
        *weight += lasted_s;
        *mean += (place - *mean) * (lasted_s / *weight);
    }

    /// Returns the bounds of bins as values.
    pub(super) fn bounds(&self) -> Vec<f64> {
        let bounds = (0..=BINS).map(|bin| self.low + self.width * f64::from(bin));
        bounds.map(|place| self.scale.value(place)).collect()
    }

    /// Returns the bins of each level, from the first bins of all but the lowest.
    pub(super) fn parts(&self, breaks: &[usize]) -> Vec<Range<usize>> {
        let starts = std::iter::once(0).chain(breaks.iter().copied());
        let ends = breaks.iter().copied().chain([self.weights.len()]);
        starts.zip(ends).map(|(start, end)| start..end).collect()
    }

    fn bins(&self, part: Range<usize>) -> impl Iterator<Item = (f64, f64)> + '_ {
        let bins = self.weights.iter().copied().zip(self.means.iter().copied());
        bins.skip(part.start).take(part.len())
    }

    pub(super) fn weight(&self, part: Range<usize>) -> f64 {
        self.bins(part).map(|(weight, _)| weight).sum()
    }

    /// Returns the weighted mean of a level's places.
    pub(super) fn center(&self, part: Range<usize>) -> f64 {
        let weight = self.weight(part.clone()).max(f64::MIN_POSITIVE);
        let sum: f64 = self.bins(part).map(|(weight, mean)| weight * mean).sum();
        sum / weight
    }

    /// Returns the place below which a share of a level's time lies.
    pub(super) fn quantile(&self, part: Range<usize>, share: f64) -> f64 {
        let wanted = self.weight(part.clone()) * share;
        let mut below = 0.0;
        let mut last = self.center(part.clone());
        for (weight, mean) in self.bins(part).filter(|(weight, _)| *weight > 0.0) {
            below += weight;
            last = mean;
            if below >= wanted {
                break;
            }
        }
        last
    }

    /// Returns how full the emptiest bins between two levels' peaks are, as a share of the lower
    /// peak. Bins are looked at three at a time, so that one that happens to be empty is no valley.
    pub(super) fn valley(&self, low: Range<usize>, high: Range<usize>) -> f64 {
        let smooth = |bin: usize| -> f64 {
            let window = bin.saturating_sub(1)..bin.saturating_add(2);
            self.weight(window)
        };
        // The fullest bin of its own: what lies beside a part may be of the next one.
        let peak = |part: Range<usize>| {
            let weight = |bin: usize| self.weights.get(bin).copied().unwrap_or(0.0);
            let fullest = part.max_by(|one, other| weight(*one).total_cmp(&weight(*other)));
            fullest.map_or((0.0, 0), |bin| (smooth(bin), bin))
        };
        let (low_peak, high_peak) = (peak(low), peak(high));
        let between = (low_peak.1..=high_peak.1).map(smooth);
        let least = between.fold(f64::INFINITY, f64::min);
        least / low_peak.0.min(high_peak.0).max(f64::MIN_POSITIVE)
    }
}

/// Returns the number of the bin, within the histogram.
#[expect(
    clippy::as_conversions,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "clamped to a few bins"
)]
fn bin_of(bins: f64) -> usize {
    bins.clamp(0.0, f64::from(BINS - 1)) as usize
}

/// Weight, sum and sum of squares up to each bin.
struct Sums(Vec<(f64, f64, f64)>);

impl Sums {
    fn of(histogram: &Histogram) -> Self {
        let mut sums = vec![(0.0, 0.0, 0.0)];
        let (mut weight, mut sum, mut squares) = (0.0, 0.0, 0.0);
        for (one, mean) in histogram.bins(0..histogram.weights.len()) {
            weight += one;
            sum += one * mean;
            squares += one * mean * mean;
            sums.push((weight, sum, squares));
        }
        Self(sums)
    }

    /// Returns the sum of squared distances from their mean of bins `from..to`.
    fn spread(&self, from: usize, to: usize) -> f64 {
        let zero = (0.0, 0.0, 0.0);
        let (low, high) = (
            self.0.get(from).unwrap_or(&zero),
            self.0.get(to).unwrap_or(&zero),
        );
        let weight = high.0 - low.0;
        if weight <= 0.0 {
            return 0.0;
        }
        let sum = high.1 - low.1;
        (high.2 - low.2 - sum * sum / weight).max(0.0)
    }
}

/// Returns the first bins of all but the lowest of `count` levels with the least spread within
/// levels; `None` if there are not that many bins with anything in them.
pub(super) fn natural_breaks(histogram: &Histogram, count: usize) -> Option<Vec<usize>> {
    let bins = histogram.weights.len();
    if histogram
        .weights
        .iter()
        .filter(|weight| **weight > 0.0)
        .count()
        < count
    {
        return None;
    }
    let sums = Sums::of(histogram);
    // best[level][to]: least spread of bins 0..to in level + 1 levels, and where the last begins.
    let mut best: Vec<Vec<(f64, usize)>> =
        vec![(0..=bins).map(|to| (sums.spread(0, to), 0)).collect()];
    for level in 1..count {
        let before = best.get(level - 1)?;
        let row = (0..=bins).map(|to| {
            let starts = before.iter().enumerate().take(to).skip(level);
            let totals = starts.map(|(from, (spread, _))| (spread + sums.spread(from, to), from));
            let least = totals.min_by(|one, other| one.0.total_cmp(&other.0));
            least.unwrap_or((f64::INFINITY, 0))
        });
        let row = row.collect();
        best.push(row);
    }
    let mut breaks = Vec::with_capacity(count - 1);
    let mut to = bins;
    for level in (1..count).rev() {
        let (_, from) = *best.get(level)?.get(to)?;
        breaks.push(from);
        to = from;
    }
    breaks.reverse();
    Some(breaks)
}

/// Returns how distinct levels are, 0 to 1: the mean over time of how much nearer the own level's
/// center is than the next one's.
pub(super) fn silhouette(histogram: &Histogram, breaks: &[usize]) -> f64 {
    let parts = histogram.parts(breaks);
    let centers: Vec<f64> = parts
        .iter()
        .map(|part| histogram.center(part.clone()))
        .collect();
    let (mut sum, mut whole) = (0.0, 0.0);
    for (own, part) in parts.into_iter().enumerate() {
        for (weight, mean) in histogram.bins(part) {
            let distance = |(_, center): (usize, &f64)| (mean - center).abs();
            let to_own = centers.get(own).map_or(0.0, |center| (mean - center).abs());
            let others = centers
                .iter()
                .enumerate()
                .filter(|(place, _)| *place != own);
            let to_next = others.map(distance).fold(f64::INFINITY, f64::min);
            let greater = to_own.max(to_next);
            if weight > 0.0 && greater > 0.0 {
                sum += weight * (to_next - to_own) / greater;
                whole += weight;
            }
        }
    }
    if whole > 0.0 { sum / whole } else { 0.0 }
}
