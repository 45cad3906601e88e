//! How much must go when the outbox is full, and which records: the oldest, in runs.

/// A record that could go: its number and its bytes.
pub(super) type Candidate = (u64, u64);

/// After a drop of stored readings so much of the bound is free, so that drops are few: one part in
/// 64.
const SLACK: u64 = 64;

/// Room for the reports of a drop: one for each reason.
const REPORTS_BYTES: u64 = 1_024;

/// Bytes that must go before `wanted` bytes fit beside `held` below `max`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Need {
    /// What must go whatever it costs; 0 if it fits.
    pub(super) bytes: u64,
    /// What goes as well if it is stored readings.
    pub(super) slack: u64,
}

impl Need {
    pub(super) fn new(held: u64, wanted: u64, max: u64) -> Self {
        match held.saturating_add(wanted).saturating_sub(max) {
            0 => Self { bytes: 0, slack: 0 },
            over => Self {
                bytes: over.saturating_add(REPORTS_BYTES),
                slack: max / SLACK,
            },
        }
    }

    /// Notes that so much was freed.
    pub(super) fn freed(&mut self, bytes: u64) {
        self.slack = self.slack.saturating_sub(bytes.saturating_sub(self.bytes));
        self.bytes = self.bytes.saturating_sub(bytes);
    }
}

/// Chooses the first candidates that free `needed` bytes, as inclusive runs of neighbouring
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
        let fits = Need { bytes: 0, slack: 0 };
        assert_eq!(Need::new(500, 100, 640), fits);
        let mut need = Need::new(600, 100, 640);
        assert_eq!((need.bytes, need.slack), (60 + REPORTS_BYTES, 10));
        need.freed(60);
        assert_eq!((need.bytes, need.slack), (REPORTS_BYTES, 10));
        need.freed(REPORTS_BYTES + 4);
        assert_eq!((need.bytes, need.slack), (0, 6));
        let candidates = [(3, 30), (4, 30), (7, 30), (8, 30)];
        assert_eq!(
            choose(candidates.into_iter(), 70),
            (vec![(3, 4), (7, 7)], 90)
        );
        assert_eq!(choose(candidates.into_iter(), 0), (vec![], 0));
        assert_eq!(choose(candidates.into_iter(), 999).1, 120);
    }
}
