//! Rate limits: how many requests a minute a key may make.
//!
//! A bucket a key, refilled evenly (GCRA: one number a key, the time at which its bucket would be
//! full again). With a limit of 0 nothing is counted and no lock is taken.

use std::borrow::Borrow;
use std::collections::HashMap;
use std::hash::{BuildHasher, Hash, RandomState};
use std::sync::{Mutex, PoisonError};

use scheduler::time::{MINUTE_US, SECOND_US};

/// Locks that keys are spread over, so that callers seldom wait for each other.
const SHARDS: usize = 16;
/// Keys remembered in one shard. When full, those at rest are forgotten; if none is, new keys pass
/// uncounted: the limit protects against the few that ask too much, not against many that ask once.
const KEYS_MAX: usize = 8_192;

/// Limits of one kind, by key.
#[derive(Debug)]
pub struct Pace<K> {
    /// Microseconds that one request costs; 0: no limit.
    cost_us: i64,
    shards: Vec<Mutex<HashMap<K, i64>>>,
    hasher: RandomState,
}

impl<K: Hash + Eq> Pace<K> {
    /// Returns a limit of so many requests a minute, all of which may come at once; 0: no limit.
    #[must_use]
    pub fn per_minute(requests: u32) -> Self {
        let cost_us = match requests {
            0 => 0,
            requests => MINUTE_US / i64::from(requests),
        };
        Self {
            cost_us,
            shards: (0..SHARDS).map(|_| Mutex::default()).collect(),
            hasher: RandomState::new(),
        }
    }

    /// Takes back what [`Pace::take`] has counted: it was no such request after all.
    pub fn give_back<Q>(&self, key: &Q)
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        let Some(shard) = self.shard_of(key) else {
            return;
        };
        let mut full_at = shard.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(at) = full_at.get_mut(key) {
            *at -= self.cost_us;
        }
    }

    fn shard_of<Q: Hash + ?Sized>(&self, key: &Q) -> Option<&Mutex<HashMap<K, i64>>> {
        let shards = u64::try_from(self.shards.len()).unwrap_or(1);
        let shard = usize::try_from(self.hasher.hash_one(key) % shards).unwrap_or(0);
        self.shards.get(shard)
    }

    /// Counts a request made at `now_us` of a clock that never goes back.
    ///
    /// # Errors
    /// Returns the whole seconds to wait when the key has none left.
    pub fn take(&self, key: K, now_us: i64) -> Result<(), u64> {
        if self.cost_us == 0 {
            return Ok(());
        }
        let Some(shard) = self.shard_of(&key) else {
            return Ok(());
        };
        let mut full_at = shard.lock().unwrap_or_else(PoisonError::into_inner);
        if full_at.len() >= KEYS_MAX && !full_at.contains_key(&key) {
            full_at.retain(|_, at| *at > now_us);
            if full_at.len() >= KEYS_MAX {
                return Ok(());
            }
        }
        let at = full_at.entry(key).or_insert(now_us);
        let next = (*at).max(now_us) + self.cost_us;
        let wait_us = next - now_us - MINUTE_US;
        if wait_us > 0 {
            return Err(u64::try_from(wait_us / SECOND_US + 1).unwrap_or(1));
        }
        *at = next;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn so_many_a_minute_and_then_one_at_a_time() {
        let pace = Pace::per_minute(5);
        for _ in 0..5 {
            assert_eq!(pace.take("a", 0), Ok(()));
        }
        assert_eq!(pace.take("a", 0), Err(13));
        assert_eq!(pace.take("b", 0), Ok(()), "others are not concerned");
        assert_eq!(pace.take("a", 11 * SECOND_US), Err(2));
        assert_eq!(pace.take("a", 12 * SECOND_US), Ok(()));
        assert!(pace.take("a", 12 * SECOND_US).is_err());
    }

    #[test]
    fn what_is_given_back_was_never_counted() {
        let pace = Pace::per_minute(2);
        for _ in 0..100 {
            assert_eq!(pace.take("a", 0), Ok(()));
            pace.give_back("a");
        }
        assert_eq!(pace.take("a", 0), Ok(()));
        assert_eq!(pace.take("a", 0), Ok(()));
        assert!(pace.take("a", 0).is_err());
        pace.give_back("nobody");
    }

    #[test]
    fn zero_is_no_limit() {
        let pace = Pace::per_minute(0);
        assert!((0..100_000).all(|_| pace.take("a", 0).is_ok()));
    }

    #[test]
    fn memory_is_bounded_and_keys_at_rest_are_forgotten() {
        let pace = Pace::per_minute(60);
        for key in 0..(2 * SHARDS * KEYS_MAX) {
            assert_eq!(pace.take(key, 0), Ok(()));
        }
        let held: usize = pace.shards.iter().map(|s| s.lock().unwrap().len()).sum();
        assert!(held <= SHARDS * KEYS_MAX);
        for key in 0..1_000 {
            assert_eq!(pace.take(usize::MAX - key, MINUTE_US * 2), Ok(()));
        }
        let held: usize = pace.shards.iter().map(|s| s.lock().unwrap().len()).sum();
        assert!(held <= SHARDS * KEYS_MAX);
    }
}
