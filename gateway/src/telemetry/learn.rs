//! Learning a state rule from how much power an instrument drew: a proposal for its manager, never
//! more. Pure.
//!
//! 1. A **histogram** of time over power; logarithmic if the values span more than [`SPAN_MAX`].
//! 2. **Levels** by one-dimensional k-means over the bins, solved exactly by dynamic programming
//!    (Fisher's and Jenks' natural breaks; on a histogram the same as Otsu's method with several
//!    thresholds): no start values, no chance, the same answer for the same readings. How many: the
//!    most distinct by silhouette among those with a valley between every two neighbours, since a
//!    silhouette alone finds levels in anything.
//! 3. **Cycles**: neighbours that take turns within minutes are one activity (a heater under its
//!    thermostat), not two states.
//! 4. **Thresholds** at a third and two thirds of the gap between two levels, and a **dwell** time
//!    between the short stretches and the long ones, where there is such a difference.

mod breaks;
mod stretches;

use breaks::{Histogram, natural_breaks, silhouette};
use stretches::{dwell_s, take_turns};

/// Greatest and least value further apart than this: the scale is logarithmic.
const SPAN_MAX: f64 = 20.0;

/// Most levels looked for.
const LEVELS_MAX: usize = 4;

/// A level lasts at least this share of the time.
const SHARE_MIN: f64 = 0.004;

/// The bins between two levels hold at most this share of the lower of both peaks.
const VALLEY_MAX: f64 = 0.5;

/// The lowest level is off if it draws less than this share of the highest.
const OFF_SHARE: f64 = 0.04;

/// A day of readings is enough to be sure of.
const ENOUGH_S: f64 = 86_400.0;

/// A value and how long it held.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Sample {
    /// The value, in the channel's unit.
    pub value: f64,
    /// How long, in seconds.
    pub lasted_s: f64,
}

/// A level of power.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PowerLevel {
    /// Its middle.
    pub center: f64,
    /// Nearly all its values lie above.
    pub low: f64,
    /// Nearly all its values lie below.
    pub high: f64,
    /// Its share of the time, 0 to 1.
    pub share: f64,
    /// What it is taken for.
    pub state: TakenFor,
}

/// What a level is taken for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TakenFor {
    /// Without power.
    Off,
    /// Powered, not working.
    Standby,
    /// Working.
    Running,
}

/// Thresholds to propose.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Proposal {
    /// Above it runs.
    pub running_above: f64,
    /// Below it no longer runs.
    pub running_below: f64,
    /// From off to standby, and back.
    pub standby: Option<(f64, f64)>,
    /// How long a change must last, in seconds.
    pub dwell_s: f64,
    /// How sure it is, 0 to 1.
    pub confidence: f64,
}

/// Why nothing is proposed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NotLearned {
    /// There are too few readings.
    TooFew,
    /// It was at one level all the time, or there are no levels to tell apart.
    OneLevel,
}

/// What was learned.
#[derive(Debug, Clone, PartialEq)]
pub struct Learned {
    /// Bounds of the histogram's bins, ascending; one more than there are bins.
    pub bounds: Vec<f64>,
    /// Seconds in each bin.
    pub lasted_s: Vec<f64>,
    /// Whether bins are equal on a logarithmic scale.
    pub is_logarithmic: bool,
    /// Levels found, ascending.
    pub levels: Vec<PowerLevel>,
    /// How distinct the levels are, 0 to 1.
    pub silhouette: f64,
    /// How much time the readings cover, in seconds.
    pub covered_s: f64,
    /// The proposal, or why there is none.
    pub proposal: Result<Proposal, NotLearned>,
}

/// Learns from samples in the order of their times. Values that are not finite are passed over.
#[must_use]
pub fn learn(samples: &[Sample]) -> Learned {
    let is_sound = |one: &&Sample| one.value.is_finite() && one.lasted_s > 0.0;
    let samples: Vec<Sample> = samples.iter().filter(is_sound).copied().collect();
    let covered_s = samples.iter().map(|one| one.lasted_s).sum();
    let histogram = Histogram::of(&samples, SPAN_MAX);
    let mut learned = Learned {
        bounds: histogram.bounds(),
        lasted_s: histogram.weights.clone(),
        is_logarithmic: histogram.scale.is_logarithmic(),
        levels: Vec::new(),
        silhouette: 0.0,
        covered_s,
        proposal: Err(NotLearned::TooFew),
    };
    if samples.len() < 20 {
        return learned;
    }
    let Some(found) = distinct(&histogram) else {
        learned.proposal = Err(NotLearned::OneLevel);
        learned.levels = levels_of(&histogram, &[], &[]);
        return learned;
    };
    learned.silhouette = found.silhouette;
    let gaps: Vec<Gap> = found
        .breaks
        .iter()
        .map(|at| gap_at(&histogram, &found.breaks, *at))
        .collect();
    let kept: Vec<usize> = (0..gaps.len())
        .filter(|place| {
            gaps.get(*place)
                .is_some_and(|gap| !take_turns(&samples, gap))
        })
        .collect();
    let groups = kept.len() + 1;
    let centers = group_centers(&histogram, &found.breaks, &kept);
    let runs_from = running_from(&centers);
    learned.levels = levels_of(
        &histogram,
        &found.breaks,
        &states(&found.breaks, &kept, &centers),
    );
    let Some(running) = runs_from.checked_sub(1).and_then(|place| kept.get(place)) else {
        learned.proposal = Err(NotLearned::OneLevel);
        return learned;
    };
    let Some(running) = gaps.get(*running) else {
        return learned;
    };
    let is_off = centers.first().is_some_and(|low| is_off(*low, &centers));
    let standby = match kept.first().and_then(|place| gaps.get(*place)) {
        Some(gap) if is_off && groups > 2 => Some((gap.enter, gap.leave)),
        Some(_) if is_off => Some((running.leave, running.leave)),
        _ => None,
    };
    let sure = ((found.silhouette - 0.5) * 2.0).clamp(0.0, 1.0)
        * (1.0 - found.valley)
        * (covered_s / ENOUGH_S).min(1.0);
    learned.proposal = Ok(Proposal {
        running_above: rounded(running.enter),
        running_below: rounded(running.leave),
        standby: standby.map(|(enter, leave)| (rounded(enter), rounded(leave))),
        dwell_s: dwell_s(&samples, running),
        confidence: sure,
    });
    learned
}

/// The gap between two neighbouring levels, with the thresholds in it.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Gap {
    enter: f64,
    leave: f64,
}

/// Levels that were told apart: the first bins of all but the lowest.
struct Distinct {
    breaks: Vec<usize>,
    silhouette: f64,
    /// How full the fullest valley is, 0 to 1.
    valley: f64,
}

fn distinct(histogram: &Histogram) -> Option<Distinct> {
    let whole: f64 = histogram.weights.iter().sum();
    let candidates = (2..=LEVELS_MAX).filter_map(|count| {
        let breaks = natural_breaks(histogram, count)?;
        let parts = histogram.parts(&breaks);
        let shares = parts
            .iter()
            .map(|part| histogram.weight(part.clone()) / whole);
        if shares.fold(1.0, f64::min) < SHARE_MIN {
            return None;
        }
        let pairs = parts.iter().zip(parts.iter().skip(1));
        let valleys = pairs.map(|(low, high)| histogram.valley(low.clone(), high.clone()));
        let valley = valleys.fold(0.0, f64::max);
        (valley <= VALLEY_MAX).then(|| Distinct {
            silhouette: silhouette(histogram, &breaks),
            breaks,
            valley,
        })
    });
    candidates.max_by(|one, other| one.silhouette.total_cmp(&other.silhouette))
}

/// Returns the thresholds in the gap before a break.
fn gap_at(histogram: &Histogram, breaks: &[usize], at: usize) -> Gap {
    let parts = histogram.parts(breaks);
    let below = parts.iter().find(|part| part.end == at);
    let above = parts.iter().find(|part| part.start == at);
    let top = below.map_or(0.0, |part| histogram.quantile(part.clone(), 0.995));
    let bottom = above.map_or(top, |part| histogram.quantile(part.clone(), 0.005));
    let (low, high) = (top.min(bottom), top.max(bottom));
    let third = (high - low) / 3.0;
    Gap {
        enter: histogram.scale.value(high - third),
        leave: histogram.scale.value(low + third),
    }
}

/// Returns the middle of each group of levels that belong together.
fn group_centers(histogram: &Histogram, breaks: &[usize], kept: &[usize]) -> Vec<f64> {
    let kept: Vec<usize> = kept
        .iter()
        .filter_map(|place| breaks.get(*place).copied())
        .collect();
    let parts = histogram.parts(&kept);
    let centers = parts
        .into_iter()
        .map(|part| histogram.scale.value(histogram.center(part)));
    centers.collect()
}

fn is_off(lowest: f64, centers: &[f64]) -> bool {
    let highest = centers.iter().copied().fold(0.0, f64::max);
    lowest < highest * OFF_SHARE
}

/// Returns the first group that runs: all above off and standby where there is off, else the
/// highest.
fn running_from(centers: &[f64]) -> usize {
    let lowest_is_off = centers.first().is_some_and(|low| is_off(*low, centers));
    match centers.len() {
        0 | 1 => 0,
        2 => 1,
        _ if lowest_is_off => 2,
        count => count - 1,
    }
}

/// Returns what each level is taken for.
fn states(breaks: &[usize], kept: &[usize], centers: &[f64]) -> Vec<TakenFor> {
    let runs_from = running_from(centers);
    let lowest_is_off = centers.first().is_some_and(|low| is_off(*low, centers));
    let levels = 0..=breaks.len();
    let state = |level: usize| {
        let group = kept.iter().filter(|place| **place < level).count();
        match group {
            _ if centers.len() < 2 => TakenFor::Standby,
            group if group >= runs_from => TakenFor::Running,
            0 if lowest_is_off => TakenFor::Off,
            _ => TakenFor::Standby,
        }
    };
    levels.map(state).collect()
}

fn levels_of(histogram: &Histogram, breaks: &[usize], states: &[TakenFor]) -> Vec<PowerLevel> {
    let whole: f64 = histogram.weights.iter().sum();
    let scale = histogram.scale;
    let states = states
        .iter()
        .copied()
        .chain(std::iter::repeat(TakenFor::Standby));
    let parts = histogram.parts(breaks).into_iter().zip(states);
    let level = |(part, state): (std::ops::Range<usize>, TakenFor)| PowerLevel {
        center: rounded(scale.value(histogram.center(part.clone()))),
        low: rounded(scale.value(histogram.quantile(part.clone(), 0.005))),
        high: rounded(scale.value(histogram.quantile(part.clone(), 0.995))),
        share: histogram.weight(part) / whole.max(f64::MIN_POSITIVE),
        state,
    };
    parts.map(level).collect()
}

/// Returns a value with three digits: more would promise what no meter keeps.
fn rounded(value: f64) -> f64 {
    if value.abs() < 1e-9 {
        return 0.0;
    }
    let step = 10_f64.powf(value.abs().log10().floor() - 2.0);
    let rounded = (value / step).round() * step;
    // A step that is no binary fraction leaves a tail of digits.
    format!("{rounded:.6}").parse().unwrap_or(rounded)
}

#[cfg(test)]
#[path = "learn_tests.rs"]
mod tests;
