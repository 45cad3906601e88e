//! The outbox in a SQLite file: WAL, a sync for each commit, a checksum for each row.
//!
//! The connection is dropped after any failure and the file is opened again at the next use, so
//! that what it holds is read back rather than assumed; a commit whose outcome was unknown is told
//! by the stream's next number. A file that SQLite calls damaged is set aside, what can be read of
//! it goes into a new one as a new stream (the gateway then may see those readings twice, under the
//! same instrument and time, which is harmless; a reused number would not be).

use std::fs::File;
use std::path::{Path, PathBuf};

use sqlx::Connection;
use sqlx::sqlite::SqliteConnection;
use wire::{Record, StreamId};

use super::room::{choose, needed};
use super::{Done, OutboxError, Waiting, dropped, is_event, new_stream};
use crate::clock::Clock;
use crate::ranges::Ranges;

mod file;

use file::{Opened, Row};

/// Bytes of a row beside its body, about.
const ROW_BYTES: u64 = 48;

/// Rows looked at together when room is made.
const CANDIDATES_MAX: i64 = 4_096;

/// A folder with a locked SQLite file.
#[derive(Debug)]
pub(super) struct Disk {
    path: PathBuf,
    /// Held for as long as the outbox lives.
    _lock: File,
    connection: Option<SqliteConnection>,
    stream: StreamId,
    next: u64,
    held: Ranges,
    /// Acknowledged, but still in the file.
    released: Ranges,
    bytes: u64,
    bytes_max: u64,
    /// A commit that failed in an unknown way: the next number if it succeeded, and what it stored.
    uncertain: Option<(u64, Done)>,
}

impl Disk {
    pub(super) async fn open(
        folder: &Path,
        bytes_max: u64,
        clock: &Clock,
    ) -> Result<Self, OutboxError> {
        let lock = file::lock(folder)?;
        let path = folder.join("outbox.db");
        let (connection, opened) = file::open_or_replace(&path, clock).await?;
        Ok(Self {
            path,
            _lock: lock,
            connection: Some(connection),
            stream: opened.stream,
            next: opened.next,
            held: opened.held,
            released: Ranges::default(),
            bytes: opened.bytes,
            bytes_max,
            uncertain: None,
        })
    }

    pub(super) async fn close(self) {
        if let Some(connection) = self.connection
            && let Err(error) = connection.close().await
        {
            tracing::warn!("the outbox does not close cleanly: {error}");
        }
    }

    /// Leaves no room for another page, as a full disk does, until the file is opened again.
    #[cfg(test)]
    pub(super) async fn fill_up(&mut self) {
        let connection = self.connection.as_mut().expect("the file is open");
        let statement = sqlx::query("PRAGMA max_page_count = 1");
        statement
            .execute(connection)
            .await
            .expect("the pragma is known");
    }

    /// Stores everything or nothing.
    pub(super) async fn commit(
        &mut self,
        skipped: u64,
        waiting: &[Waiting],
        clock: &Clock,
    ) -> Result<Done, OutboxError> {
        let mut connection = self.connection(clock).await?;
        if let Some((next, done)) = self.uncertain.take()
            && self.next == next
        {
            // The failed commit had succeeded; the records since then wait for the next one.
            self.connection = Some(connection);
            return Ok(done);
        }
        let done = Done {
            ticket: waiting.last().map_or(0, |one| one.ticket),
            skipped,
        };
        if waiting.is_empty() && self.released.is_empty() && skipped == 0 {
            self.connection = Some(connection);
            return Ok(done);
        }
        match self.write(&mut connection, skipped, waiting, clock).await {
            Ok(written) => {
                self.next = written.next;
                self.bytes = written.bytes;
                self.held = written.held;
                self.released = Ranges::default();
                self.connection = Some(connection);
                Ok(done)
            }
            Err((planned, error)) => {
                self.uncertain = planned.map(|next| (next, done));
                Err(file::classify(error))
            }
        }
    }

    /// On failure returns the next number that was being committed, if it came that far.
    async fn write(
        &self,
        connection: &mut SqliteConnection,
        skipped: u64,
        waiting: &[Waiting],
        clock: &Clock,
    ) -> Result<Written, (Option<u64>, sqlx::Error)> {
        let early = |error| (None, error);
        let transaction = connection.begin_with("BEGIN IMMEDIATE").await;
        let mut transaction = transaction.map_err(early)?;
        let mut held = self.held.clone();
        let mut bytes = self.bytes;
        for (from, to) in self.released.iter() {
            bytes -= file::delete(&mut transaction, from, to)
                .await
                .map_err(early)?;
        }
        let rows: Vec<Row> = waiting.iter().map(|one| Row::new(&one.record)).collect();
        let wanted = rows.iter().map(Row::bytes).sum();
        let needed = needed(bytes, wanted, self.bytes_max);
        let runs = make_room(&mut transaction, needed).await.map_err(early)?;
        for (from, to) in &runs {
            bytes -= file::delete(&mut transaction, *from, *to)
                .await
                .map_err(early)?;
            held.remove(*from, *to);
        }
        let events = runs.into_iter().map(|(from, to)| dropped(clock, from, to));
        let skip = skipped
            .checked_sub(1)
            .map(|more| (self.next, self.next + more));
        let skip = skip.map(|(from, to)| dropped(clock, from, to));
        let events = skip.into_iter().chain(events);
        let mut next = self.next + skipped;
        for row in events.map(|record| Row::new(&record)).chain(rows) {
            file::insert(&mut transaction, next, &row)
                .await
                .map_err(early)?;
            bytes += row.bytes();
            held.insert(next, next);
            next += 1;
        }
        file::set_next(&mut transaction, next)
            .await
            .map_err(early)?;
        transaction
            .commit()
            .await
            .map_err(|error| (Some(next), error))?;
        Ok(Written { next, bytes, held })
    }

    pub(super) async fn load(
        &mut self,
        seq: u64,
        clock: &Clock,
    ) -> Result<Option<Record>, OutboxError> {
        if !self.held.contains(seq) {
            return Ok(None);
        }
        let mut connection = self.connection(clock).await?;
        let row = file::select(&mut connection, seq)
            .await
            .map_err(file::classify)?;
        self.connection = Some(connection);
        Ok(row.and_then(|row| row.record()))
    }

    pub(super) fn release(&mut self, from: u64, to: u64) {
        for (from, to) in self.held.remove(from, to).iter() {
            self.released.insert(from, to);
        }
    }

    /// Goes on numbering from `next`; it is kept with the next commit.
    pub(super) fn skip_to(&mut self, next: u64) {
        self.next = self.next.max(next);
    }

    /// Takes the connection out, so that any early return drops it; opens the file if there is none.
    async fn connection(&mut self, clock: &Clock) -> Result<SqliteConnection, OutboxError> {
        if let Some(connection) = self.connection.take() {
            return Ok(connection);
        }
        let (connection, opened) = file::open_or_replace(&self.path, clock).await?;
        self.adopt(opened);
        Ok(connection)
    }

    /// Believes the file; what was acknowledged meanwhile stays acknowledged.
    fn adopt(&mut self, opened: Opened) {
        if opened.stream != self.stream {
            self.released = Ranges::default();
        }
        self.stream = opened.stream;
        self.next = opened.next;
        self.held = opened.held;
        self.bytes = opened.bytes;
        for (from, to) in self.released.clone().iter() {
            self.held.remove(from, to);
        }
    }

    pub(super) fn stream(&self) -> &StreamId {
        &self.stream
    }

    pub(super) fn next(&self) -> u64 {
        self.next
    }

    pub(super) fn held(&self) -> &Ranges {
        &self.held
    }

    pub(super) fn has_released(&self) -> bool {
        !self.released.is_empty()
    }
}

/// What a transaction leaves behind.
struct Written {
    next: u64,
    bytes: u64,
    held: Ranges,
}

/// Chooses the oldest readings that free `needed` bytes.
async fn make_room(
    connection: &mut SqliteConnection,
    needed: u64,
) -> Result<Vec<(u64, u64)>, sqlx::Error> {
    let mut runs = Vec::new();
    let (mut after, mut left) = (0, needed);
    while left > 0 {
        let candidates = file::readings_after(connection, after, CANDIDATES_MAX).await?;
        let Some((last, _)) = candidates.last().copied() else {
            break;
        };
        let (more, freed) = choose(candidates.into_iter(), left);
        runs.extend(more);
        left = left.saturating_sub(freed);
        after = last;
    }
    Ok(runs)
}

/// Puts what could be read of a damaged file into a new one, as a new stream.
async fn refill(
    connection: &mut SqliteConnection,
    records: &[Record],
) -> Result<StreamId, sqlx::Error> {
    let stream = new_stream();
    let mut transaction = connection.begin_with("BEGIN IMMEDIATE").await?;
    file::create(&mut transaction, &stream).await?;
    let mut next = 1;
    for record in records {
        file::insert(&mut transaction, next, &Row::new(record)).await?;
        next += 1;
    }
    file::set_next(&mut transaction, next).await?;
    transaction.commit().await?;
    Ok(stream)
}
