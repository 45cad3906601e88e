//! Whether the wall clock may be believed when things are to be deleted by it.
//!
//! A clock that is set forward by mistake, by a typing error or by a machine that comes back from a
//! snapshot, makes everything look expired. So nothing is let go for some hours after it jumped, nor
//! after a start long after the last commit: somebody notices, or it was right.

use scheduler::time::{DAY_US, HOUR_US, Micros};

/// A jump against the clock that only counts on.
const JUMP_US: i64 = HOUR_US;

/// How long after the last commit a start is a jump as well.
const PAUSE_US: i64 = 2 * DAY_US;

/// How long it must have been steady.
const STEADY_US: i64 = 6 * HOUR_US;

/// See the module.
#[derive(Debug)]
pub(super) struct Steady {
    /// Wall and monotonic clock at the last look.
    last: (Micros, i64),
    /// From when on it is believed, by the monotonic clock.
    from_mono_us: i64,
}

impl Steady {
    /// Begins at a start. `committed` is when the store last took anything.
    pub(super) fn new(committed: Option<Micros>, now: Micros, mono_us: i64) -> Self {
        let is_long = committed.is_some_and(|committed| now - committed > PAUSE_US);
        Self {
            last: (now, mono_us),
            from_mono_us: if is_long {
                mono_us.saturating_add(STEADY_US)
            } else {
                mono_us
            },
        }
    }

    /// Looks at the clocks. Returns true if the wall clock is believed.
    pub(super) fn look(&mut self, now: Micros, mono_us: i64) -> bool {
        let (last, last_mono_us) = self.last;
        self.last = (now, mono_us);
        let jump_us = (now - last).saturating_sub(mono_us.saturating_sub(last_mono_us));
        if jump_us.abs() >= JUMP_US {
            self.from_mono_us = mono_us.saturating_add(STEADY_US);
            tracing::warn!(
                jump_s = jump_us / 1_000_000,
                "the wall clock was set: nothing expires in the next hours"
            );
        }
        mono_us >= self.from_mono_us
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(hours: i64) -> Micros {
        Micros::new(hours * HOUR_US)
    }

    #[test]
    fn a_clock_that_jumped_is_believed_after_some_hours() {
        let mut steady = Steady::new(Some(at(999)), at(1_000), 0);
        assert!(steady.look(at(1_000), 1));
        assert!(steady.look(at(1_001), HOUR_US));
        // 40 days ahead, and back again.
        assert!(!steady.look(at(1_962), 2 * HOUR_US));
        assert!(!steady.look(at(1_963), 3 * HOUR_US));
        assert!(!steady.look(at(1_004), 4 * HOUR_US));
        assert!(!steady.look(at(1_009), 9 * HOUR_US));
        assert!(steady.look(at(1_010), 10 * HOUR_US));
    }

    #[test]
    fn a_start_long_after_the_last_commit_waits() {
        let mut steady = Steady::new(Some(at(0)), at(49), 0);
        assert!(!steady.look(at(50), HOUR_US));
        assert!(steady.look(at(55), 6 * HOUR_US));
        assert!(Steady::new(Some(at(0)), at(48), 0).look(at(48), 1));
        assert!(Steady::new(None, at(48), 0).look(at(48), 1));
    }
}
