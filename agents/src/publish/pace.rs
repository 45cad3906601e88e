//! How fast the backlog goes: so many records and bytes a second, whichever is less.
//!
//! Live records are not held back. Five thousand agents that return after an hour bring a day's work
//! of the gateway with them; at a bounded rate each of them it stays a multiple of what they report
//! anyway.

use std::time::Duration;

use tokio::time::Instant;

use crate::config::Backfill;

/// After a pause so much of the rate may go at once.
const BURST: Duration = Duration::from_secs(1);

/// When the next record of the backlog may go. Pure: time is an argument.
#[derive(Debug)]
pub(super) struct Pace {
    rate: Backfill,
    /// The time that is spent already.
    spent_until: Instant,
}

impl Pace {
    pub(super) fn new(rate: Backfill, now: Instant) -> Self {
        Self {
            rate,
            spent_until: now,
        }
    }

    /// Returns when the next record may go; it may now if that is not later than now.
    pub(super) fn ready_at(&self) -> Instant {
        self.spent_until
    }

    /// Notes that a record of so many bytes goes.
    pub(super) fn spend(&mut self, bytes: usize, now: Instant) {
        let records = f64::from(self.rate.records_per_s).recip();
        let bytes = f64::from(u32::try_from(bytes).unwrap_or(u32::MAX));
        let bytes = bytes / f64::from(self.rate.bytes_per_s);
        let earliest = now.checked_sub(BURST).unwrap_or(now);
        self.spent_until =
            self.spent_until.max(earliest) + Duration::from_secs_f64(records.max(bytes));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Sends records of a size as fast as permitted for some seconds and counts them.
    fn sent(rate: Backfill, bytes: usize, seconds: u64) -> u64 {
        let start = Instant::now() + Duration::from_mins(1);
        let mut pace = Pace::new(rate, start);
        let (mut now, mut count) = (start, 0);
        while now < start + Duration::from_secs(seconds) {
            if pace.ready_at() <= now {
                pace.spend(bytes, now);
                count += 1;
            } else {
                now = pace.ready_at();
            }
        }
        count
    }

    #[test]
    fn both_rates_bound_it_and_a_pause_gives_a_second_of_it() {
        let rate = Backfill {
            records_per_s: 5,
            bytes_per_s: 10_000,
        };
        assert!((50..=56).contains(&sent(rate, 100, 10)));
        assert!((10..=12).contains(&sent(rate, 10_000, 10)));
        assert!((1..=2).contains(&sent(rate, 200_000, 10)), "never none");
        let start = Instant::now() + Duration::from_mins(1);
        let mut pace = Pace::new(rate, start);
        let later = start + Duration::from_hours(1);
        let burst = std::iter::repeat_with(|| {
            let may = pace.ready_at() <= later;
            pace.spend(100, later);
            may
        });
        assert_eq!(burst.take_while(|may| *may).count(), 6);
    }
}
