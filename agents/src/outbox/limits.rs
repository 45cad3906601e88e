//! How much an outbox keeps.

use std::time::Duration;

/// Bounds of an outbox.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of records; a commit goes beyond by a kilobyte at most.
    pub bytes: u64,
    /// Readings older than this are dropped at the next commit. Events do not age. A reading of an
    /// earlier boot is taken to be as old as this boot: no wall clock is believed.
    pub age: Duration,
}

impl Limits {
    /// 1 GiB, 30 days.
    pub const DEFAULT: Self = Self {
        bytes: 1 << 30,
        age: Duration::from_hours(30 * 24),
    };
}
