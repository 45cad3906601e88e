//! What everybody else holds of the desk: commands go in, snapshots are looked at.

use std::sync::Arc;

use scheduler::id::{BookingId, InstrumentId};
use tokio::sync::{broadcast, mpsc, oneshot};

use super::command::{
    Answer, Book, BookOutcome, Cancel, CancelOutcome, Change, ChangeOutcome, Command, DeskError,
    EndOutage, Import, ImportReport, OpenOutage, OutageOutcome, RegistryEdit, RegistryOutcome,
    Request,
};
use super::record::{Booking, EventRow};
use super::sessions::Sessions;
use super::shelf::{InstrumentSnapshot, Shelf};
use crate::clock::Clock;
use crate::registry::{Directory, SharedDirectory};
use crate::store::{self, Database, StoreError};

/// The way to the desk. Clones share it.
#[derive(Debug, Clone)]
pub struct DeskHandle {
    queue: mpsc::Sender<Request>,
    directory: SharedDirectory,
    shelf: Arc<Shelf>,
    sessions: Arc<Sessions>,
    database: Database,
    events: broadcast::Sender<EventRow>,
    clock: Clock,
}

impl DeskHandle {
    pub(super) fn new(
        queue: mpsc::Sender<Request>,
        directory: SharedDirectory,
        shelf: Arc<Shelf>,
        sessions: Arc<Sessions>,
        database: Database,
        events: broadcast::Sender<EventRow>,
        clock: Clock,
    ) -> Self {
        Self {
            queue,
            directory,
            shelf,
            sessions,
            database,
            events,
            clock,
        }
    }

    /// Books a slot; the answer comes after the commit.
    ///
    /// # Errors
    /// Returns [`DeskError`] when nothing can be written; nothing was changed then.
    pub async fn book(&self, book: Book) -> Result<BookOutcome, DeskError> {
        let answer = self.send(Command::Book(book)).await?;
        let Answer::Book(outcome) = answer else {
            return Err(mixed_up(&answer));
        };
        Ok(outcome)
    }

    /// Changes a booking; the answer comes after the commit.
    ///
    /// # Errors
    /// Returns [`DeskError`] as [`DeskHandle::book`] does.
    pub async fn change(&self, change: Change) -> Result<ChangeOutcome, DeskError> {
        let answer = self.send(Command::Change(change)).await?;
        let Answer::Change(outcome) = answer else {
            return Err(mixed_up(&answer));
        };
        Ok(outcome)
    }

    /// Gives a booking up; the answer comes after the commit.
    ///
    /// # Errors
    /// Returns [`DeskError`] as [`DeskHandle::book`] does.
    pub async fn cancel(&self, cancel: Cancel) -> Result<CancelOutcome, DeskError> {
        let answer = self.send(Command::Cancel(cancel)).await?;
        let Answer::Cancel(outcome) = answer else {
            return Err(mixed_up(&answer));
        };
        Ok(outcome)
    }

    /// Opens an outage; the answer comes after the commit.
    ///
    /// # Errors
    /// Returns [`DeskError`] as [`DeskHandle::book`] does.
    pub async fn open_outage(&self, open: OpenOutage) -> Result<OutageOutcome, DeskError> {
        let answer = self.send(Command::OpenOutage(open)).await?;
        let Answer::Outage(outcome) = answer else {
            return Err(mixed_up(&answer));
        };
        Ok(outcome)
    }

    /// Ends an outage; the answer comes after the commit.
    ///
    /// # Errors
    /// Returns [`DeskError`] as [`DeskHandle::book`] does.
    pub async fn end_outage(&self, end: EndOutage) -> Result<OutageOutcome, DeskError> {
        let answer = self.send(Command::EndOutage(end)).await?;
        let Answer::Outage(outcome) = answer else {
            return Err(mixed_up(&answer));
        };
        Ok(outcome)
    }

    /// Edits the registry; the answer comes after the commit and the new directory.
    ///
    /// # Errors
    /// Returns [`DeskError`] as [`DeskHandle::book`] does.
    pub async fn edit(&self, edit: RegistryEdit) -> Result<RegistryOutcome, DeskError> {
        self.request(|reply| Request::Edit(Box::new(edit), reply))
            .await
    }

    /// Fills an empty database.
    ///
    /// # Errors
    /// Returns [`DeskError::NotReady`] when it fails; what was committed before stays.
    pub async fn import(&self, import: Import) -> Result<ImportReport, DeskError> {
        self.request(|reply| Request::Import(Box::new(import), reply))
            .await
    }

    /// Proves that the database takes writes.
    ///
    /// # Errors
    /// Returns why it does not.
    pub async fn ready(&self) -> Result<(), DeskError> {
        self.request(Request::Probe).await
    }

    /// Returns the registry as it is now.
    #[must_use]
    pub fn directory(&self) -> Arc<Directory> {
        self.directory.load_full()
    }

    /// Returns the registry as it will be, for those who look often.
    #[must_use]
    pub fn shared_directory(&self) -> SharedDirectory {
        Arc::clone(&self.directory)
    }

    /// Returns an instrument's snapshot.
    #[must_use]
    pub fn snapshot(&self, id: InstrumentId) -> Option<Arc<InstrumentSnapshot>> {
        self.shelf.instrument(id)
    }

    /// Returns a booking, cancelled ones too.
    #[must_use]
    pub fn booking(&self, id: BookingId) -> Option<Arc<Booking>> {
        self.shelf.booking(id)
    }

    /// Returns every snapshot and index.
    #[must_use]
    pub fn shelf(&self) -> &Shelf {
        &self.shelf
    }

    /// Returns who is signed in.
    #[must_use]
    pub fn sessions(&self) -> &Sessions {
        &self.sessions
    }

    /// Returns the clock the desk judges by.
    #[must_use]
    pub fn clock(&self) -> &Clock {
        &self.clock
    }

    /// Follows committed events from now on. A follower that lags is told how many it missed and
    /// finds them with [`DeskHandle::events_after`].
    #[must_use]
    pub fn events(&self) -> broadcast::Receiver<EventRow> {
        self.events.subscribe()
    }

    /// Returns at most 10,000 events after an identity, ascending.
    ///
    /// # Errors
    /// Returns [`StoreError`] when they cannot be read.
    pub async fn events_after(&self, id: i64) -> Result<Vec<EventRow>, StoreError> {
        let mut tx = self.database.begin().await?;
        store::load_events(&mut tx, id).await
    }

    /// Returns how many commands wait.
    #[must_use]
    pub fn waiting(&self) -> usize {
        self.queue.max_capacity() - self.queue.capacity()
    }

    /// Returns the database, to break it in tests.
    #[cfg(test)]
    pub(super) fn database(&self) -> &Database {
        &self.database
    }

    async fn send(&self, command: Command) -> Result<Answer, DeskError> {
        self.request(|reply| Request::Grouped(command, reply)).await
    }

    async fn request<T>(
        &self,
        wrap: impl FnOnce(oneshot::Sender<Result<T, DeskError>>) -> Request,
    ) -> Result<T, DeskError> {
        let stopping = || DeskError::NotReady("the gateway is stopping".to_owned());
        let (reply, answer) = oneshot::channel();
        self.queue
            .try_send(wrap(reply))
            .map_err(|error| match error {
                mpsc::error::TrySendError::Full(_) => DeskError::Busy,
                mpsc::error::TrySendError::Closed(_) => stopping(),
            })?;
        answer.await.unwrap_or_else(|_| Err(stopping()))
    }
}

/// An answer of another kind than the command. Cannot happen; if it does, nobody is told that
/// something was booked.
fn mixed_up(answer: &Answer) -> DeskError {
    tracing::error!(?answer, "the desk mixed up its answers");
    DeskError::NotReady("internal error".to_owned())
}
