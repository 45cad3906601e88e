//! Says the same thing at most once a minute.

use std::collections::HashMap;
use std::hash::Hash;
use std::time::Duration;

use tokio::time::Instant;

/// The same message is logged again after this time at the earliest.
const PAUSE: Duration = Duration::from_mins(1);

/// Most messages remembered; beyond, the old ones are forgotten first.
const MEMORY_MAX: usize = 256;

/// Remembers when which message was logged last.
#[derive(Debug)]
pub(crate) struct Throttle<K>(HashMap<K, Instant>);

impl<K: Eq + Hash> Throttle<K> {
    pub(crate) fn new() -> Self {
        Self(HashMap::new())
    }

    /// Returns true if the message was not logged within the last minute, and notes it as logged.
    pub(crate) fn permits(&mut self, key: K) -> bool {
        let now = Instant::now();
        if self.0.len() >= MEMORY_MAX {
            self.0.retain(|_, at| now.duration_since(*at) < PAUSE);
        }
        let is_due = self
            .0
            .get(&key)
            .is_none_or(|at| now.duration_since(*at) >= PAUSE);
        if is_due && self.0.len() < MEMORY_MAX {
            self.0.insert(key, now);
        }
        is_due
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn each_message_once_a_minute() {
        let mut throttle = Throttle::new();
        assert!(throttle.permits(1) && throttle.permits(2) && !throttle.permits(1));
        tokio::time::advance(PAUSE).await;
        assert!(throttle.permits(1));
    }
}
