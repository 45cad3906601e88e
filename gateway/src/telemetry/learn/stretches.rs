//! How long an instrument stays on either side of a gap: cycles, and the dwell time.

use super::{Gap, Sample};

/// Levels that take turns within this, in seconds, are one activity.
const CYCLE_S: f64 = 180.0;

/// So many turns make a habit.
const TURNS_MIN: usize = 6;

/// The dwell time where stretches do not tell, and the longest proposed, in seconds.
const DWELL_S: f64 = 10.0;
const DWELL_S_MAX: f64 = 600.0;

/// Short stretches are this much shorter than long ones.
const APART: f64 = 4.0;

/// Returns the lengths of the stretches below and above a gap, in seconds. The first and the last
/// are left out: nobody knows how long they were.
fn stretches(samples: &[Sample], gap: &Gap) -> (Vec<f64>, Vec<f64>) {
    let (mut below, mut above) = (Vec::new(), Vec::new());
    let mut is_above: Option<bool> = None;
    let mut lasted_s = 0.0;
    let mut is_whole = false;
    for sample in samples {
        let now = match is_above {
            Some(true) => sample.value >= gap.leave,
            Some(false) | None => sample.value > gap.enter,
        };
        if let Some(before) = is_above
            && before != now
        {
            if is_whole {
                let side = if before { &mut above } else { &mut below };
                side.push(lasted_s);
            }
            is_whole = true;
            lasted_s = 0.0;
        }
        is_above = Some(now);
        lasted_s += sample.lasted_s;
    }
    (below, above)
}

fn median(lengths: &mut [f64]) -> Option<f64> {
    lengths.sort_by(f64::total_cmp);
    lengths.get(lengths.len() / 2).copied()
}

/// Returns true if the levels on both sides of a gap take turns within minutes.
pub(super) fn take_turns(samples: &[Sample], gap: &Gap) -> bool {
    let (mut below, mut above) = stretches(samples, gap);
    if below.len().min(above.len()) < TURNS_MIN {
        return false;
    }
    let medians = (median(&mut below), median(&mut above));
    matches!(medians, (Some(below), Some(above)) if below < CYCLE_S && above < CYCLE_S)
}

/// Returns a dwell time that passes over the short stretches and keeps the long ones, in whole
/// seconds: the middle of the widest difference between two lengths, if it is wide enough.
pub(super) fn dwell_s(samples: &[Sample], gap: &Gap) -> f64 {
    let (mut lengths, above) = stretches(samples, gap);
    lengths.extend(above);
    lengths.sort_by(f64::total_cmp);
    let pairs = lengths.iter().zip(lengths.iter().skip(1));
    let apart = pairs
        .filter(|(short, long)| **short > 0.0 && **short < DWELL_S_MAX && **long > DWELL_S)
        .map(|(short, long)| (long / short, short * long));
    let widest = apart.max_by(|one, other| one.0.total_cmp(&other.0));
    match widest {
        Some((ratio, product)) if ratio >= APART => {
            product.sqrt().round().clamp(DWELL_S, DWELL_S_MAX)
        }
        _ => DWELL_S,
    }
}
