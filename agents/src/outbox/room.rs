//! Which readings go when the outbox is full: the oldest, in runs, never an event.

/// A record that could go: its number and its bytes.
pub(super) type Candidate = (u64, u64);

/// After a drop so much of the bound is free, so that drops are few: one part in 64.
const SLACK: u64 = 64;

/// Returns how many bytes must go before `wanted` bytes fit beside `held` below `max`; 0 if they
/// already fit.
pub(super) fn needed(held: u64, wanted: u64, max: u64) -> u64 {
    let over = held.saturating_add(wanted).saturating_sub(max);
    if over == 0 { 0 } else { over + max / SLACK }
}

/// Chooses the oldest candidates that free `needed` bytes, as inclusive runs of neighbouring
/// numbers. Shape: candidates ascend. Returns the runs and the bytes they free.
pub(super) fn choose(
    candidates: impl Iterator<Item = Candidate>,
    needed: u64,
) -> (Vec<(u64, u64)>, u64) {
    let mut runs: Vec<(u64, u64)> = Vec::new();
    let mut freed = 0;
    for (seq, bytes) in candidates {
        if freed >= needed {
            break;
        }
        freed += bytes;
        match runs.last_mut() {
            Some(run) if run.1 + 1 == seq => run.1 = seq,
            _ => runs.push((seq, seq)),
        }
    }
    (runs, freed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_go_until_it_fits() {
        assert_eq!(needed(500, 100, 640), 0);
        assert_eq!(needed(600, 100, 640), 70);
        let candidates = [(3, 30), (4, 30), (7, 30), (8, 30)];
        assert_eq!(
            choose(candidates.into_iter(), 70),
            (vec![(3, 4), (7, 7)], 90)
        );
        assert_eq!(choose(candidates.into_iter(), 0), (vec![], 0));
        assert_eq!(choose(candidates.into_iter(), 999).1, 120);
    }
}
