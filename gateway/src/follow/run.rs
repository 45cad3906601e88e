//! The follower's task: journal rows to lines to the store elsewhere, at its own pace.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use rand::RngExt as _;
use tokio_util::sync::CancellationToken;

use super::counts::FollowCounts;
use super::encode::{Encoded, Limits};
use super::line::Lines;
use super::target::{Target, WriteError};
use crate::clock::Clock;
use crate::history::{History, HistoryError, SetAside};
use crate::registry::SharedDirectory;

/// Lines in a request: more gain nothing, fewer cost more time of both sides.
const LINES_MAX: usize = 5_000;

/// How the follower waits.
#[derive(Debug, Clone, Copy)]
pub(super) struct Pace {
    /// How long lines are gathered, so that requests are few when little comes.
    pub(super) gather: Duration,
    /// First time between attempts; the real one is a random share of it, so that several gateways do
    /// not come back together.
    pub(super) retry_first: Duration,
    /// Longest time between attempts.
    pub(super) retry_most: Duration,
}

impl Default for Pace {
    fn default() -> Self {
        Self {
            gather: Duration::from_secs(1),
            retry_first: Duration::from_millis(500),
            retry_most: Duration::from_secs(30),
        }
    }
}

/// How often a batch that is refused is halved in search of the lines to blame. What is refused
/// after that is set aside whole.
const HALVINGS_MAX: u32 = 64;

/// The task and what it works with.
pub(super) struct Follower {
    pub(super) store: String,
    pub(super) target: Target,
    pub(super) limits: Limits,
    pub(super) pace: Pace,
    pub(super) history: History,
    pub(super) directory: SharedDirectory,
    pub(super) clock: Clock,
    pub(super) counts: Arc<FollowCounts>,
}

impl Follower {
    /// Follows until asked to stop. What is not delivered then waits in the journal.
    pub(super) async fn run(self, stop: CancellationToken) {
        tokio::select! {
            () = stop.cancelled() => {}
            () = self.follow() => {}
        }
    }

    async fn follow(&self) {
        loop {
            match self.deliver_next().await {
                Ok(0) => self.history.wait_for_commit().await,
                Ok(lines) if lines >= LINES_MAX => {}
                Ok(_) => tokio::time::sleep(self.pace.gather).await,
                Err(HistoryError::Damaged { row, source, .. }) => {
                    tracing::error!(row, %source, "a journal row is damaged: not written on");
                    self.history.give_up(row);
                }
                Err(error) => {
                    // Nothing of the store elsewhere: this one cannot be read.
                    self.counts.fail(&error.for_operators());
                    tokio::time::sleep(self.pace.retry_most).await;
                }
            }
            self.tell_losses();
        }
    }

    /// Tells the log what was given up since the last time.
    fn tell_losses(&self) {
        let backlog = self.history.backlog();
        self.counts
            .lost(backlog.map_or(0, |backlog| backlog.lost_rows));
    }

    /// Delivers the oldest commits that are not. Returns how many lines they had; 0 if none waits.
    async fn deliver_next(&self) -> Result<usize, HistoryError> {
        let commits = self.history.undelivered(LINES_MAX).await?;
        let Some(last) = commits.last().map(|commit| commit.seq) else {
            return Ok(0);
        };
        let mut encoded = Encoded::default();
        let directory = self.directory.load_full();
        let names = |number| self.history.channel_name(number);
        for commit in &commits {
            encoded.add(commit, &directory, &names, self.limits);
        }
        self.counts.left_out(encoded.left_out);
        self.deliver(&encoded.lines).await;
        self.history.delivered(last);
        // Commits without readings are no reason to wait for more.
        Ok(encoded.lines.len().max(1))
    }

    /// Delivers lines, however long it takes.
    async fn deliver(&self, lines: &Lines) {
        let text = Bytes::copy_from_slice(lines.text.as_bytes());
        let mut from = 0;
        while from < lines.len() {
            let to = (from + LINES_MAX).min(lines.len());
            let mut halvings = HALVINGS_MAX;
            let mut parts = vec![(from, to)];
            while let Some((from, to)) = parts.pop() {
                let part = text.slice(lines.range(from, to));
                let Err(reason) = self.send(&part).await else {
                    self.counts.written(to - from);
                    continue;
                };
                if to - from > 1 && halvings > 0 {
                    halvings -= 1;
                    let middle = from.midpoint(to);
                    parts.extend([(middle, to), (from, middle)]);
                } else {
                    self.set_aside(&part, to - from, &reason).await;
                }
            }
            from = to;
        }
    }

    /// Sends lines until the store takes or refuses them.
    async fn send(&self, lines: &Bytes) -> Result<(), String> {
        let mut wait = self.pace.retry_first;
        loop {
            let why = match self.target.write(lines.clone()).await {
                Ok(()) => {
                    self.counts.succeed();
                    return Ok(());
                }
                Err(WriteError::Refused(reason)) => {
                    self.counts.succeed();
                    return Err(reason);
                }
                Err(WriteError::Trouble(why)) => why,
            };
            self.counts.fail(&why);
            self.tell_losses();
            let share = rand::rng().random_range(0.5..=1.0);
            tokio::time::sleep(wait.mul_f64(share)).await;
            wait = (wait * 2).min(self.pace.retry_most);
        }
    }

    async fn set_aside(&self, lines: &Bytes, count: usize, reason: &str) {
        self.counts.set_aside(count, reason);
        let refused = SetAside {
            at: self.clock.now(),
            store: &self.store,
            reason,
            lines: count,
            text: std::str::from_utf8(lines).unwrap_or_default(),
        };
        if let Err(error) = self.history.set_aside(&refused).await {
            let why = error.for_operators();
            tracing::warn!(why, "refused lines cannot be kept");
        }
    }
}
