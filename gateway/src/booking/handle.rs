//! What everybody else holds of the desk: commands go in, snapshots are looked at.

use std::sync::Arc;

use scheduler::id::{BookingId, InstrumentId};
use tokio::sync::{broadcast, mpsc, oneshot};

use super::ask::Ask;
use super::command::{DeskError, Import, ImportReport, RegistryEdit, RegistryOutcome, Request};
use super::ledger::{Ledger, SharedLedger};
use super::record::{Attachment, Booking, EventRow, Override};
use super::sessions::Sessions;
use super::shelf::{InstrumentSnapshot, Shelf};
use crate::clock::Clock;
use crate::registry::{Directory, SharedDirectory};
use crate::store::{self, Database, StoreError};

/// The way to the desk. Clones share it.
#[derive(Debug, Clone)]
pub struct DeskHandle {
    pub(super) queue: mpsc::Sender<Request>,
    pub(super) directory: SharedDirectory,
    pub(super) shelf: Arc<Shelf>,
    pub(super) ledger: SharedLedger,
    pub(super) sessions: Arc<Sessions>,
    pub(super) database: Database,
    pub(super) events: broadcast::Sender<EventRow>,
    pub(super) clock: Clock,
}

impl DeskHandle {
    /// Asks for what belongs to a group; the answer comes after the commit.
    ///
    /// # Errors
    /// Returns [`DeskError`] when nothing can be written; nothing was changed then.
    pub async fn ask<A: Ask>(&self, asked: A) -> Result<A::Outcome, DeskError> {
        let command = Box::new(asked.into());
        let answer = self
            .request(|reply| Request::Grouped(command, reply))
            .await?;
        A::outcome(answer).map_err(|answer| {
            // Cannot happen; if it does, nobody is told that something was booked.
            tracing::error!(?answer, "the desk mixed up its answers");
            DeskError::NotReady("internal error".to_owned())
        })
    }

    /// Edits the registry; the answer comes after the commit and the new directory.
    ///
    /// # Errors
    /// Returns [`DeskError`] as [`DeskHandle::ask`] does.
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

    /// Returns holds, offers, waitlist, projects and everything else beside bookings.
    #[must_use]
    pub fn ledger(&self) -> Arc<Ledger> {
        self.ledger.load_full()
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

    /// Returns a photo.
    ///
    /// # Errors
    /// Returns [`StoreError`] when it cannot be read.
    pub async fn attachment(&self, id: i64) -> Result<Option<Attachment>, StoreError> {
        let mut tx = self.database.begin().await?;
        store::load_record(&mut tx, id).await
    }

    /// Returns the rules that were set aside for a booking, the first first.
    ///
    /// # Errors
    /// Returns [`StoreError`] when they cannot be read.
    pub async fn overrides_of(&self, booking: BookingId) -> Result<Vec<Override>, StoreError> {
        let mut tx = self.database.begin().await?;
        store::load_records(&mut tx, "booking = $1", booking.get()).await
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
