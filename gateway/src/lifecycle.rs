//! Start and end of every task: a dying one stops the process, a stop is asked for once and waited
//! for with a deadline.

use std::fmt::Display;
use std::future::Future;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// A task ended that should not have, or did not end when it should have.
#[derive(Debug, Clone, thiserror::Error)]
pub enum TaskDied {
    /// It ended with an error, a panic, or without being asked to.
    #[error("task {task} died: {why}")]
    Died {
        /// The task's name.
        task: &'static str,
        /// What it said.
        why: String,
    },
    /// Tasks were still running when the grace time was over.
    #[error("{count} tasks did not stop within {seconds} s")]
    Stuck {
        /// How many.
        count: usize,
        /// The grace time.
        seconds: u64,
    },
}

/// Owns the process's tasks. Clones share them.
#[derive(Debug, Clone, Default)]
pub struct Lifecycle {
    stop: CancellationToken,
    tracker: TaskTracker,
    /// The first task that died; later ones are consequences and only logged.
    died: Arc<Mutex<Option<TaskDied>>>,
}

impl Lifecycle {
    /// Returns a lifecycle without tasks.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Runs a task until it ends. If it ends with an error, panics, or ends before a stop was asked
    /// for, everything is asked to stop and [`Lifecycle::finished`] names it.
    pub fn spawn<F, E>(&self, task: &'static str, future: F)
    where
        F: Future<Output = Result<(), E>> + Send + 'static,
        E: Display + Send + 'static,
    {
        let lifecycle = self.clone();
        self.tracker.spawn(async move {
            // A second task, so that a panic is an answer here and not a silent end.
            #[expect(clippy::disallowed_methods, reason = "this is where tasks are tracked")]
            let outcome = tokio::spawn(future).await;
            let why = match outcome {
                Ok(Ok(())) if lifecycle.stop.is_cancelled() => return,
                Ok(Ok(())) => "it ended without being asked to".to_owned(),
                Ok(Err(error)) => error.to_string(),
                Err(error) => error.to_string(),
            };
            lifecycle.report_death(task, why);
        });
    }

    /// Runs something short that may end at any time and whose failure concerns nobody else, such
    /// as serving one connection. It is waited for at the end.
    pub fn spawn_short<F>(&self, future: F)
    where
        F: Future<Output = ()> + Send + 'static,
    {
        self.tracker.spawn(future);
    }

    /// Returns the token that is cancelled when the process should stop.
    #[must_use]
    pub fn stop_token(&self) -> CancellationToken {
        self.stop.clone()
    }

    /// Asks everything to stop.
    pub fn stop(&self) {
        self.stop.cancel();
    }

    /// Waits until a stop was asked for and then, at most `grace`, until all tasks have ended.
    ///
    /// # Errors
    /// Returns [`TaskDied`] when a task died, or some were still running after the grace time.
    pub async fn finished(&self, grace: Duration) -> Result<(), TaskDied> {
        self.stop.cancelled().await;
        self.tracker.close();
        let stuck = tokio::time::timeout(grace, self.tracker.wait())
            .await
            .is_err();
        if let Some(died) = self.death() {
            return Err(died);
        }
        if stuck {
            return Err(TaskDied::Stuck {
                count: self.tracker.len(),
                seconds: grace.as_secs(),
            });
        }
        Ok(())
    }

    fn death(&self) -> Option<TaskDied> {
        self.died
            .lock()
            .expect("nobody panics while holding this lock")
            .clone()
    }

    fn report_death(&self, task: &'static str, why: String) {
        tracing::error!(task, why, "a task died; the process stops");
        let mut died = self
            .died
            .lock()
            .expect("nobody panics while holding this lock");
        died.get_or_insert(TaskDied::Died { task, why });
        drop(died);
        self.stop.cancel();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GRACE: Duration = Duration::from_secs(5);

    #[tokio::test]
    async fn a_panic_stops_everything_and_is_named() {
        let lifecycle = Lifecycle::new();
        let token = lifecycle.stop_token();
        lifecycle.spawn("waiter", async move {
            token.cancelled().await;
            Ok::<(), String>(())
        });
        lifecycle.spawn::<_, String>("victim", async { panic!("broken invariant") });
        let error = lifecycle.finished(GRACE).await.unwrap_err();
        assert!(error.to_string().contains("victim"), "{error}");
    }

    #[tokio::test]
    async fn an_early_end_is_a_death_and_a_late_one_is_not() {
        let lifecycle = Lifecycle::new();
        lifecycle.spawn("early", async { Ok::<(), String>(()) });
        assert!(lifecycle.finished(GRACE).await.is_err());

        let lifecycle = Lifecycle::new();
        let token = lifecycle.stop_token();
        lifecycle.spawn("late", async move {
            token.cancelled().await;
            Ok::<(), String>(())
        });
        lifecycle.stop();
        assert!(lifecycle.finished(GRACE).await.is_ok());
    }
}
