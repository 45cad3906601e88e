//! How long to wait before the next attempt to connect.
//!
//! Exponential with full jitter: a random time between nothing and a limit that doubles with each
//! attempt. When a gateway ends under thousands of agents they all lose their connections at the
//! same moment; the jitter spreads them, the doubling makes them fewer the longer it stays away, and
//! the greatest limit bounds how long the last one stays out when it is back.
//! Source: M. Brooker, "Exponential Backoff and Jitter", AWS Architecture Blog, 2015.

use std::time::Duration;

/// Limit of the first wait; it doubles with each attempt.
const FIRST: Duration = Duration::from_secs(1);

/// The greatest limit.
const GREATEST: Duration = Duration::from_secs(30);

/// Counts attempts.
#[derive(Debug, Default)]
pub(super) struct Backoff {
    attempts: u32,
}

impl Backoff {
    /// Returns how long to wait; `random` is in `[0, 1)`.
    pub(super) fn next(&mut self, random: f64) -> Duration {
        let limit = FIRST.saturating_mul(2_u32.saturating_pow(self.attempts));
        self.attempts = self.attempts.saturating_add(1);
        limit.min(GREATEST).mul_f64(random)
    }

    /// Notes that a connection was a good one: the next wait is short again.
    pub(super) fn reset(&mut self) {
        self.attempts = 0;
    }
}

#[cfg(test)]
mod tests {
    use rand::rngs::StdRng;
    use rand::{RngExt as _, SeedableRng as _};

    use super::*;

    #[test]
    fn the_limit_doubles_up_to_the_greatest_and_begins_again() {
        let mut backoff = Backoff::default();
        let most = 1.0 - f64::EPSILON;
        let limits: Vec<u64> = (0..8)
            .map(|_| backoff.next(most).as_millis().div_ceil(1000))
            .map(|seconds| u64::try_from(seconds).unwrap())
            .collect();
        assert_eq!(limits, [1, 2, 4, 8, 16, 30, 30, 30]);
        assert_eq!(backoff.next(0.0), Duration::ZERO);
        for _ in 0..200 {
            backoff.next(0.5);
        }
        backoff.reset();
        assert_eq!(backoff.next(0.5), FIRST / 2);
    }

    /// When each of the region's agents connects again, in seconds after the gateway is back from an
    /// outage. An attempt against a gateway that is away fails at once.
    fn returns(outage_s: f64, seed: u64) -> Vec<f64> {
        let mut random = StdRng::seed_from_u64(seed);
        let mut all: Vec<f64> = (0..5_534)
            .map(|_| {
                let (mut backoff, mut now) = (Backoff::default(), 0.0);
                while now < outage_s {
                    now += backoff.next(random.random()).as_secs_f64();
                }
                now - outage_s
            })
            .collect();
        all.sort_by(f64::total_cmp);
        all
    }

    #[test]
    fn a_region_of_agents_comes_back_spread_and_in_time() {
        for (outage_s, seed) in [(2.0, 1), (10.0, 2), (60.0, 3), (3_600.0, 4)] {
            let all = returns(outage_s, seed);
            let last = *all.last().unwrap();
            assert!(last <= 30.0, "{outage_s} s: the last after {last} s");
            // The busiest second: a fixed wait would bring all of them in one.
            let within =
                |(before, from): (usize, &f64)| all.partition_point(|at| *at < from + 1.0) - before;
            let busiest = all.iter().enumerate().map(within).max().unwrap();
            let most = if outage_s < 30.0 {
                5_534 / 2
            } else {
                5_534 / 10
            };
            assert!(busiest <= most, "{outage_s} s: {busiest} in one second");
        }
    }
}
