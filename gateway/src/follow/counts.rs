//! What the follower and the reads of the store elsewhere count, and what troubles them now.

use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::history::ElsewhereCounts;

/// A line of the log for the same trouble at most so often, in failures: the back-off makes it about
/// a quarter of an hour while a store is down.
const LOG_EVERY: u64 = 32;

/// Counts; each is written by one task and read by anybody.
#[derive(Debug, Default)]
pub(super) struct FollowCounts {
    written_lines: AtomicU64,
    requests: AtomicU64,
    failures: AtomicU64,
    set_aside_lines: AtomicU64,
    left_out_values: AtomicU64,
    read_failures: AtomicU64,
    /// Journal rows given up that the log knows of.
    told_lost: AtomicU64,
    /// Why the last request failed, and how many did since one succeeded.
    trouble: Mutex<Option<(String, u64)>>,
}

fn add(counter: &AtomicU64, number: usize) {
    counter.fetch_add(u64::try_from(number).unwrap_or(0), Ordering::Relaxed);
}

impl FollowCounts {
    pub(super) fn written(&self, lines: usize) {
        add(&self.written_lines, lines);
    }

    pub(super) fn left_out(&self, values: u64) {
        self.left_out_values.fetch_add(values, Ordering::Relaxed);
    }

    /// Notes lines that were refused, with a line in the log.
    pub(super) fn set_aside(&self, lines: usize, reason: &str) {
        add(&self.set_aside_lines, lines);
        tracing::warn!(
            lines,
            reason,
            "the store elsewhere refused lines: set aside"
        );
    }

    /// Notes how many journal rows were given up in all, with a line in the log when they are more.
    pub(super) fn lost(&self, rows: u64) {
        let before = self.told_lost.swap(rows, Ordering::Relaxed);
        if rows > before {
            let more = rows - before;
            tracing::warn!(
                more,
                rows,
                "the queue is full: commits never reach the store elsewhere"
            );
        }
    }

    /// Notes a read that failed.
    pub(super) fn read_failed(&self, why: &str) {
        let before = self.read_failures.fetch_add(1, Ordering::Relaxed);
        if before.is_multiple_of(LOG_EVERY) {
            tracing::warn!(why, "the store elsewhere cannot be read");
        }
    }

    /// Notes that the store answered.
    pub(super) fn succeed(&self) {
        add(&self.requests, 1);
        let before = self.trouble().take();
        if let Some((_, failures)) = before {
            tracing::info!(failures, "the store elsewhere takes readings again");
        }
    }

    /// Notes that it did not, with a line in the log for the first time and then now and again.
    pub(super) fn fail(&self, why: &str) {
        add(&self.failures, 1);
        let mut trouble = self.trouble();
        let failures = trouble.take().map_or(0, |(_, failures)| failures);
        *trouble = Some((why.to_owned(), failures + 1));
        drop(trouble);
        if failures.is_multiple_of(LOG_EVERY) {
            tracing::warn!(
                why,
                failures,
                "readings cannot be written on: they wait on disk"
            );
        }
    }

    /// Returns why the store cannot be written now.
    pub(super) fn why_not(&self) -> Option<String> {
        self.trouble().as_ref().map(|(why, _)| why.clone())
    }

    pub(super) fn view(&self) -> ElsewhereCounts {
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        ElsewhereCounts {
            written_lines: read(&self.written_lines),
            requests: read(&self.requests),
            failures: read(&self.failures),
            set_aside_lines: read(&self.set_aside_lines),
            left_out_values: read(&self.left_out_values),
            read_failures: read(&self.read_failures),
        }
    }

    fn trouble(&self) -> std::sync::MutexGuard<'_, Option<(String, u64)>> {
        let lock = self.trouble.lock();
        lock.expect("nobody panics while holding this lock")
    }
}
