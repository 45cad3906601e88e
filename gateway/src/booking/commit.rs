//! Writing, so that what is answered is what the database holds.

use std::time::Duration;

use scheduler::id::InstrumentId;
use scheduler::time::Span;
use tokio::time::Instant;

use super::command::DeskError;
use super::desk::Desk;
use crate::store::{self, Cause, Edit, StoreError, Writes};

/// How long idempotency keys are kept: a day.
pub(super) const ANSWERS_KEPT: Span = Span::days(1);

/// How long a proof that writes work is believed. Anybody may ask for one, and each costs a sync.
const PROOF_KEPT: Duration = Duration::from_secs(1);

/// A group or edit that was not committed.
#[derive(Debug)]
pub(super) struct Failure {
    pub(super) cause: Cause,
    pub(super) why: String,
    /// Instruments whose claims may differ from what memory holds, after a conflict.
    pub(super) touched: Vec<InstrumentId>,
}

impl Failure {
    pub(super) fn new(error: &StoreError, touched: Vec<InstrumentId>) -> Self {
        let cause = error.cause();
        let mut why = error.to_string();
        if let Some(source) = std::error::Error::source(error) {
            why = format!("{why}: {source}");
        }
        Self {
            cause,
            why,
            touched,
        }
    }
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        Self::new(&error, Vec::new())
    }
}

impl From<Failure> for DeskError {
    fn from(failure: Failure) -> Self {
        match failure.cause {
            Cause::Full => Self::Full(failure.why),
            Cause::Data => Self::Data(failure.why),
            Cause::Conflict | Cause::Missing | Cause::Unreachable | Cause::Other => {
                Self::NotReady(failure.why)
            }
        }
    }
}

impl Desk {
    /// Writes edits and a group in one transaction. `Ok` is committed; an error is not, unless the
    /// database cannot even be asked, and then it is asked before anything else is answered.
    pub(super) async fn commit(
        &mut self,
        edits: &[Edit],
        writes: &Writes,
    ) -> Result<(), StoreError> {
        let written = self.try_commit(edits, writes).await;
        if let Err(error) = &written {
            self.tell_failure(error);
        } else if self.failing {
            tracing::info!("the booking database takes writes again");
        }
        self.failing = written
            .as_ref()
            .is_err_and(|error| !error.cause().is_about_the_rows());
        written
    }

    /// Tells the log of a row that cannot be kept, and of the first of many failures.
    fn tell_failure(&self, error: &StoreError) {
        let cause = error.cause();
        let what = if cause == Cause::Data {
            "the booking database cannot hold a row of ours"
        } else if self.failing || cause.is_about_the_rows() {
            return;
        } else {
            "the booking database does not take writes"
        };
        let why = Failure::new(error, Vec::new()).why;
        tracing::error!(why, "{what}");
    }

    async fn try_commit(&mut self, edits: &[Edit], writes: &Writes) -> Result<(), StoreError> {
        let mut tx = self.database.begin().await?;
        store::write_edits(&mut tx, edits).await?;
        store::write_group(&mut tx, writes).await?;
        let Err(error) = self.database.commit(tx).await else {
            return Ok(());
        };
        // The answer was lost, not necessarily the commit.
        self.must_reload = true;
        if self.is_committed(writes).await? {
            self.must_reload = false;
            return Ok(());
        }
        Err(error)
    }

    /// Looks for the last event of a group. One without events leaves the question to the reload.
    async fn is_committed(&mut self, writes: &Writes) -> Result<bool, StoreError> {
        let Some(last) = writes.events.last() else {
            return Ok(false);
        };
        let mut tx = self.database.begin().await?;
        let logged = store::is_logged(&mut tx, last).await?;
        tx.rollback()
            .await
            .map_err(StoreError::at("rolling back"))?;
        // Either way memory is now what the database holds: before the group, or with it.
        self.must_reload = false;
        Ok(logged)
    }

    /// Proves that a write can be committed, at most once a second. A transaction that is rolled
    /// back would prove nothing: SQLite first touches the disk when it commits.
    pub(super) async fn probe(&mut self) -> Result<(), DeskError> {
        if self.proven.is_some_and(|at| at.elapsed() < PROOF_KEPT) {
            return Ok(());
        }
        self.proven = None;
        self.ensure_fresh().await?;
        let now = self.clock.now();
        let written = async {
            let mut tx = self.database.begin().await?;
            store::prove_writable(&mut tx, now).await?;
            self.database.commit(tx).await
        };
        written.await.map_err(Failure::from)?;
        self.proven = Some(Instant::now());
        Ok(())
    }

    /// Forgets what is too old, in memory and in the database.
    pub(super) async fn tidy(&mut self) {
        let now = self.clock.now();
        let answers = now.saturating_sub(ANSWERS_KEPT);
        let sessions = now.saturating_sub(self.sessions.settings().absolute);
        let deleted = async {
            let mut tx = self.database.begin().await?;
            store::delete_old(&mut tx, answers, sessions).await?;
            self.database.commit(tx).await
        };
        if let Err(error) = deleted.await {
            let why = Failure::from(error).why;
            tracing::warn!(why, "old answers could not be deleted; tried again later");
        }
        self.answers
            .retain(|_, answer| answer.created_at >= answers);
        self.sessions.drop_ended(now);
        self.forget(now);
    }
}
