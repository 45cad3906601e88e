//! Pauses of a connection: when it is tried again, and how old what comes after one may be.

use std::time::Duration;

use tokio::time::Instant;

/// Time before the second attempt to connect; each time that fails doubles it.
const RETRY_MIN: Duration = Duration::from_secs(1);

/// Longest time between attempts to connect.
const RETRY_MAX: Duration = Duration::from_secs(30);

/// After a connection to a kept session the broker has delivered what it kept: 1,000 messages for each
/// client by default of Mosquitto, 20 under way at a time, one commit each 200 ms, several times over.
pub(super) const DRAINED_AFTER: Duration = Duration::from_mins(1);

/// How long a session was left alone that this process did not leave: nobody knows, a day is in doubt.
pub(super) const LEFT_ALONE: Duration = Duration::from_hours(24);

/// How long to wait between attempts: 1 s, doubling to 30 s, from the start again after a connection
/// that worked.
#[derive(Debug, Default)]
pub(super) struct Retry {
    failures: u32,
}

impl Retry {
    /// Returns how long to wait after a connection that worked for a while, or never did.
    pub(super) fn after(&mut self, was_up: bool) -> Duration {
        if was_up {
            self.failures = 0;
        }
        let factor = 1u32.checked_shl(self.failures).unwrap_or(u32::MAX);
        self.failures = self.failures.saturating_add(1);
        RETRY_MIN.saturating_mul(factor).min(RETRY_MAX)
    }
}

/// Until when what comes may have been kept by the broker, and for how long.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Kept {
    until: Option<Instant>,
    longest: Duration,
}

impl Kept {
    /// A session that was left alone at a moment, if this process knows when, goes on now.
    pub(super) fn since(left: Option<Instant>, now: Instant) -> Self {
        Self {
            until: Some(now + DRAINED_AFTER),
            longest: left.map_or(LEFT_ALONE, |left| now.saturating_duration_since(left)),
        }
    }

    /// Returns for how long a message that comes now may have been kept.
    pub(super) fn at(&self, now: Instant) -> Duration {
        match self.until {
            Some(until) if now < until => self.longest,
            Some(_) | None => Duration::ZERO,
        }
    }
}
