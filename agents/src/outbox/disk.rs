//! The outbox in a SQLite file: WAL, a sync for each commit, a checksum for each row.
//!
//! The connection is dropped after any failure and the file is opened again at the next use, so
//! that what it holds is read back rather than assumed; a commit whose outcome was unknown is told
//! by the stream's next number. A full disk is the exception: SQLite then stored nothing for sure, so
//! that all that is read back of a large outbox, once a second, is that number. A file that is
//! damaged is set aside ([`rescue`]).
//!
//! A file may have lost its newest commits without a trace: a disk that lied about a sync, then a
//! power cut. What it then numbers anew could bear numbers that the gateway has already. So numbers
//! given after an opening are *unconfirmed* until the gateway has said what it has, and are not sent
//! before.

use std::fs::File;
use std::path::{Path, PathBuf};

use sqlx::Connection;
use sqlx::sqlite::SqliteConnection;
use wire::{Record, StreamId};

use super::report::Unsent;
use super::room::Candidate;
use super::write::{Done, Draft, Holding, Rows, write};
use super::{OutboxError, is_event, new_stream};
use crate::clock::Clock;
use crate::ranges::Ranges;

#[cfg(test)]
pub(super) mod fault;
mod file;
mod rescue;
mod rows;

use file::{Head, Opened};
use rows::Row;

/// Rows looked at together when room is made.
const PAGE: i64 = 1_024;

/// A folder with a locked SQLite file.
#[derive(Debug)]
pub(super) struct Disk {
    path: PathBuf,
    /// Held for as long as the outbox lives.
    _lock: File,
    connection: Option<SqliteConnection>,
    stream: StreamId,
    holding: Holding,
    /// Acknowledged, but still in the file.
    released: Ranges,
    /// The first number that the gateway may have under another content.
    unconfirmed: Option<u64>,
    /// Whether the next commit notes that there is no such number.
    confirms: bool,
    /// Held once, and not in the file when it was opened again.
    vanished: Ranges,
    /// A commit that failed in an unknown way: the next number if it succeeded, and what it stored.
    uncertain: Option<(u64, Done)>,
    /// The next number as the file says it.
    stored_next: u64,
    /// The same, if the last failure was that the disk is full.
    full_at: Option<u64>,
    /// Whether the file was found damaged since it was opened.
    is_damaged: bool,
    /// Whether the stream became another one while this was open.
    renewed: bool,
    /// Where tests make it fail.
    #[cfg(test)]
    pub(super) fault: fault::Fault,
}

impl Disk {
    pub(super) async fn open(folder: &Path, clock: &Clock) -> Result<Self, OutboxError> {
        let lock = file::lock(folder)?;
        let path = folder.join("outbox.db");
        let (connection, opened) = rescue::open_or_rescue(&path, clock).await?;
        Ok(Self {
            path,
            _lock: lock,
            connection: Some(connection),
            stored_next: opened.head.next,
            full_at: None,
            stream: opened.head.stream,
            holding: opened.holding,
            released: Ranges::default(),
            unconfirmed: opened.head.unconfirmed,
            confirms: false,
            vanished: Ranges::default(),
            uncertain: None,
            is_damaged: false,
            renewed: false,
            #[cfg(test)]
            fault: fault::Fault::default(),
        })
    }

    pub(super) async fn close(self) {
        if let Some(connection) = self.connection
            && let Err(error) = connection.close().await
        {
            tracing::warn!("the outbox does not close cleanly: {error}");
        }
    }

    /// Stores everything or nothing.
    pub(super) async fn commit(&mut self, draft: &Draft<'_>) -> Result<Done, OutboxError> {
        let (mut connection, settled) = self.connection(draft.clock).await?;
        if let Some((_, done)) = settled {
            // The failed commit had succeeded; the records since then wait for the next one.
            self.connection = Some(connection);
            return Ok(done);
        }
        if draft.is_empty() && self.released.is_empty() && !self.confirms {
            self.connection = Some(connection);
            return Ok(draft.done());
        }
        // What a draft says of numbers is said of those of the stream before.
        let nothing = Unsent::default();
        let anew = Draft {
            lost: &[],
            unsent: &nothing,
            ..*draft
        };
        let draft = if self.renewed { &anew } else { draft };
        let mut holding = self.holding.clone();
        let mut planned = None;
        let written = self
            .write(&mut connection, &mut holding, draft, &mut planned)
            .await;
        match written {
            Ok(done) => {
                self.stored_next = holding.next;
                self.holding = holding;
                self.released = Ranges::default();
                if std::mem::take(&mut self.confirms) {
                    self.unconfirmed = None;
                }
                self.connection = Some(connection);
                Ok(done)
            }
            Err(error) => {
                self.uncertain = planned.map(|done| (holding.next, done));
                Err(self.failed(error))
            }
        }
    }

    /// Notes in `planned` what is being committed, once it has come that far.
    async fn write(
        &mut self,
        connection: &mut SqliteConnection,
        holding: &mut Holding,
        draft: &Draft<'_>,
        planned: &mut Option<Done>,
    ) -> Result<Done, sqlx::Error> {
        let mut transaction = connection.begin_with("BEGIN IMMEDIATE").await?;
        let mut rows = Open {
            connection: &mut transaction,
            #[cfg(test)]
            fault: &mut self.fault,
        };
        let done = write(&mut rows, holding, &self.released, draft).await?;
        let head = Head {
            stream: self.stream.clone(),
            next: holding.next,
            unconfirmed: self.unconfirmed.filter(|_| !self.confirms),
        };
        file::set_head(&mut transaction, &head).await?;
        *planned = Some(done.clone());
        #[cfg(test)]
        self.fault.step()?;
        transaction.commit().await?;
        #[cfg(test)]
        self.fault.step()?;
        Ok(done)
    }

    pub(super) async fn load(
        &mut self,
        seq: u64,
        clock: &Clock,
    ) -> Result<Option<Record>, OutboxError> {
        if !self.holding.held.contains(seq) {
            return Ok(None);
        }
        let (mut connection, settled) = self.connection(clock).await?;
        // That a commit had succeeded is told by the next one.
        self.uncertain = settled;
        match rows::select(&mut connection, seq).await {
            Ok(row) => {
                self.connection = Some(connection);
                Ok(row.and_then(|row| row.record()))
            }
            Err(error) => Err(self.failed(error)),
        }
    }

    fn failed(&mut self, error: sqlx::Error) -> OutboxError {
        self.is_damaged |= file::is_damage(&error);
        let error = file::classify(error);
        self.full_at = matches!(error, OutboxError::Full).then_some(self.stored_next);
        error
    }

    pub(super) fn release(&mut self, from: u64, to: u64) {
        for (from, to) in self.holding.held.remove(from, to).iter() {
            self.released.insert(from, to);
        }
    }

    /// Goes on numbering from `next`; it is kept with the next commit.
    pub(super) fn skip_to(&mut self, next: u64) {
        self.holding.next = self.holding.next.max(next);
    }

    /// Returns the first number that must not be sent yet.
    pub(super) fn unconfirmed(&self) -> Option<u64> {
        self.unconfirmed
    }

    /// Notes that the gateway has none of the numbers that are held. They may be sent after the next
    /// commit: once one was, the file must know that it need not ask again.
    pub(super) fn confirm(&mut self) {
        self.confirms = self.unconfirmed.is_some();
    }

    /// Returns true if the stream became another one since the last time.
    pub(super) fn take_renewed(&mut self) -> bool {
        std::mem::take(&mut self.renewed)
    }

    /// Takes out the numbers that were held and are lost.
    pub(super) fn take_vanished(&mut self) -> Ranges {
        std::mem::take(&mut self.vanished)
    }

    /// Takes the connection out, so that any early return drops it; opens the file if there is none.
    /// Returns also what a commit of unknown outcome has stored, if it had succeeded.
    async fn connection(
        &mut self,
        clock: &Clock,
    ) -> Result<(SqliteConnection, Option<(u64, Done)>), OutboxError> {
        if let Some(connection) = self.connection.take() {
            return Ok((connection, self.uncertain.take()));
        }
        if let Some(next) = self.full_at.take() {
            match self.as_it_was(next).await {
                Ok(Some(connection)) => {
                    self.uncertain = None;
                    return Ok((connection, None));
                }
                Ok(None) => {}
                Err(error) => return Err(self.failed(error)),
            }
        }
        let (connection, opened) = if self.is_damaged {
            let why = "a page cannot be read";
            rescue::rescue(&self.path, clock, why).await?
        } else {
            rescue::open_or_rescue(&self.path, clock).await?
        };
        self.is_damaged = false;
        self.stored_next = opened.head.next;
        let settled = self.adopt(opened);
        Ok((connection, settled))
    }

    /// Opens the file after the disk was full; `None` if it is not as it was before.
    async fn as_it_was(&self, next: u64) -> Result<Option<SqliteConnection>, sqlx::Error> {
        let mut connection = file::connect(&self.path).await?;
        let head = file::head(&mut connection).await?;
        let is_known = head.is_some_and(|head| head.stream == self.stream && head.next == next);
        Ok(is_known.then_some(connection))
    }

    /// Believes the file; what was acknowledged meanwhile stays acknowledged, and numbers that were
    /// given are not given again.
    fn adopt(&mut self, opened: Opened) -> Option<(u64, Done)> {
        let uncertain = self.uncertain.take();
        let had = std::mem::replace(&mut self.holding, opened.holding);
        if opened.head.stream != self.stream {
            self.stream = opened.head.stream;
            self.renewed = true;
            self.unconfirmed = opened.head.unconfirmed;
            self.confirms = false;
            self.released = Ranges::default();
            self.vanished = Ranges::default();
            return None;
        }
        for (from, to) in self.released.iter() {
            self.holding.held.remove(from, to);
        }
        let stored = self.holding.next;
        self.holding.next = stored.max(had.next);
        let settled = uncertain.filter(|(next, _)| *next == stored);
        if settled.is_some() {
            return settled;
        }
        let mut gone = had.held;
        for (from, to) in self.holding.held.iter() {
            gone.remove(from, to);
        }
        for (from, to) in gone.iter() {
            self.vanished.insert(from, to);
        }
        None
    }

    pub(super) fn stream(&self) -> &StreamId {
        &self.stream
    }

    pub(super) fn holding(&self) -> &Holding {
        &self.holding
    }

    /// Returns true if a commit has something to do besides what it is given.
    pub(super) fn needs_commit(&self) -> bool {
        self.confirms || !self.released.is_empty()
    }
}

/// The rows of the file inside a transaction.
struct Open<'a> {
    connection: &'a mut SqliteConnection,
    #[cfg(test)]
    fault: &'a mut fault::Fault,
}

impl Rows for Open<'_> {
    type Row = Row;
    type Error = sqlx::Error;

    fn row(record: &Record) -> Row {
        Row::new(record)
    }

    fn bytes(row: &Row) -> u64 {
        row.bytes()
    }

    async fn page(&mut self, events: bool, after: u64) -> Result<Vec<Candidate>, sqlx::Error> {
        rows::page(self.connection, events, after, PAGE).await
    }

    async fn record(&mut self, seq: u64) -> Result<Option<Record>, sqlx::Error> {
        let row = rows::select(self.connection, seq).await?;
        Ok(row.and_then(|row| row.record()))
    }

    async fn insert(&mut self, seq: u64, row: Row) -> Result<(), sqlx::Error> {
        #[cfg(test)]
        self.fault.step()?;
        rows::insert(self.connection, seq, &row).await
    }

    async fn delete(&mut self, from: u64, to: u64) -> Result<u64, sqlx::Error> {
        #[cfg(test)]
        self.fault.step()?;
        rows::delete(self.connection, from, to).await
    }
}
