//! The outbox: records wait here, numbered, until the gateway has committed them.
//!
//! What comes in: records, and acks. What goes out: records by number. The promises:
//! - A record has a number once [`Outbox::commit`] returned, and then survives `kill -9` and, on
//!   disk, a power cut. What was offered and not committed is lost with the process: at most the
//!   readings since the last commit (one second).
//! - Numbers are 1, 2, 3, ... of one stream; the stream's id is random and lives in the file.
//! - A record is deleted only when an ack covers it, or when the outbox is full: then the oldest
//!   readings go first, events never, and what went is recorded as [`Event::Dropped`].
//! - While the disk refuses (full, broken), offered records wait in bounded memory; beyond that the
//!   oldest readings are dropped, and they too get numbers and an [`Event::Dropped`] afterwards.
//!
//! There are two stores with one face: a SQLite file, and memory for simulated agents.

use std::collections::VecDeque;
use std::path::Path;

use wire::{Ack, Event, Record, RecordBody, StreamId};

use crate::clock::Clock;
use crate::ranges::Ranges;

mod disk;
mod memory;
mod room;

use disk::Disk;
use memory::Memory;

/// Records that wait for a commit, in estimated bytes. Full means the disk has refused for a while.
const WAITING_BYTES_MAX: usize = 4 * 1024 * 1024;

/// What an outbox cannot do.
#[derive(Debug, thiserror::Error)]
pub enum OutboxError {
    /// Another process uses the folder.
    #[error("another process uses {0}")]
    Locked(String),
    /// The folder or the lock cannot be made.
    #[error("cannot use {path}: {source}")]
    Folder {
        /// The folder.
        path: String,
        /// Why.
        source: std::io::Error,
    },
    /// The disk is full.
    #[error("the disk is full")]
    Full,
    /// The database fails otherwise.
    #[error("the outbox database fails: {0}")]
    Database(#[from] sqlx::Error),
    /// The SQLite library is one with a known fault.
    #[error("SQLite {0} may corrupt files; 3.51.3 or newer is needed")]
    Version(String),
}

/// A record that has no number yet.
#[derive(Debug, Clone)]
struct Waiting {
    /// Counts offers of this process, so that a commit of unknown outcome can be told later.
    ticket: u64,
    record: Record,
    bytes: usize,
}

impl Waiting {
    fn is_event(&self) -> bool {
        is_event(&self.record)
    }
}

fn is_event(record: &Record) -> bool {
    matches!(record.body, RecordBody::Event(_))
}

/// What a commit stored: the offers up to a ticket, and how many dropped ones got their numbers.
#[derive(Debug, Clone, Copy, Default)]
struct Done {
    ticket: u64,
    skipped: u64,
}

#[derive(Debug)]
enum Store {
    Disk(Box<Disk>),
    Memory(Memory),
}

/// See the module.
#[derive(Debug)]
pub struct Outbox {
    store: Store,
    clock: Clock,
    waiting: VecDeque<Waiting>,
    waiting_bytes: usize,
    tickets: u64,
    /// Records dropped before they got a number.
    skipped: u64,
}

impl Outbox {
    /// Opens the outbox in a folder, making both if needed, and keeps other processes out.
    ///
    /// # Errors
    /// [`OutboxError::Locked`] when another process has it, else what the file system says.
    pub async fn open(folder: &Path, bytes_max: u64, clock: Clock) -> Result<Self, OutboxError> {
        let disk = Disk::open(folder, bytes_max, &clock).await?;
        Ok(Self::new(Store::Disk(Box::new(disk)), clock))
    }

    /// Makes an outbox that is lost with the process.
    #[must_use]
    pub fn in_memory(bytes_max: u64, clock: Clock) -> Self {
        Self::new(Store::Memory(Memory::new(bytes_max)), clock)
    }

    fn new(store: Store, clock: Clock) -> Self {
        Self {
            store,
            clock,
            waiting: VecDeque::new(),
            waiting_bytes: 0,
            tickets: 0,
            skipped: 0,
        }
    }

    /// Closes the file. What was offered and not committed is lost; not closing loses no more.
    pub async fn close(self) {
        if let Store::Disk(disk) = self.store {
            disk.close().await;
        }
    }

    /// Takes a record that waits for the next commit. Never fails: beyond the bound the oldest
    /// waiting readings are dropped and counted.
    pub fn offer(&mut self, record: Record) {
        let bytes = estimated_bytes(&record);
        self.tickets += 1;
        self.waiting_bytes += bytes;
        self.waiting.push_back(Waiting {
            ticket: self.tickets,
            record,
            bytes,
        });
        while self.waiting_bytes > WAITING_BYTES_MAX {
            let oldest = self.waiting.iter().position(|one| !one.is_event());
            // With nothing but events left the oldest of them goes: memory is finite.
            let Some(dropped) = self.waiting.remove(oldest.unwrap_or(0)) else {
                return;
            };
            self.waiting_bytes -= dropped.bytes;
            self.skipped += 1;
        }
    }

    /// Numbers and stores what was offered, and deletes what was acknowledged, in one transaction.
    /// Costs one sync of the file if there was anything to do.
    ///
    /// # Errors
    /// Returns [`OutboxError`]; nothing offered is lost by it, the next commit tries again.
    pub async fn commit(&mut self) -> Result<(), OutboxError> {
        let waiting = self.waiting.make_contiguous();
        let done = match &mut self.store {
            Store::Memory(memory) => memory.commit(self.skipped, waiting, &self.clock),
            Store::Disk(disk) => disk.commit(self.skipped, waiting, &self.clock).await?,
        };
        self.skipped -= done.skipped;
        while self
            .waiting
            .front()
            .is_some_and(|one| one.ticket <= done.ticket)
        {
            if let Some(one) = self.waiting.pop_front() {
                self.waiting_bytes -= one.bytes;
            }
        }
        Ok(())
    }

    /// Notes what the gateway has committed; an ack of another stream is ignored. The records are
    /// no longer held at once, their rows go with the next commit.
    pub fn acknowledge(&mut self, ack: &Ack) {
        if ack.stream != *self.stream() {
            return;
        }
        let last = ack.ranges.last().map_or(ack.upto, |range| range.1);
        if last >= self.next() {
            // The file has lost its newest commits: those numbers are taken, so go on above them.
            tracing::error!(
                "the gateway knows record {last}, the outbox only {}",
                self.next()
            );
            match &mut self.store {
                Store::Disk(disk) => disk.skip_to(last.saturating_add(1)),
                Store::Memory(memory) => memory.skip_to(last.saturating_add(1)),
            }
        }
        let ranges = ack.ranges.iter().map(|range| (range.0, range.1));
        for (from, to) in ranges.chain([(0, ack.upto)]) {
            match &mut self.store {
                Store::Disk(disk) => disk.release(from, to),
                Store::Memory(memory) => memory.release(from, to),
            }
        }
    }

    /// Reads a record; `None` if it is not held or its row is damaged. A damaged row is given up
    /// and reported as dropped.
    ///
    /// # Errors
    /// Returns [`OutboxError`] when the database fails.
    pub async fn load(&mut self, seq: u64) -> Result<Option<Record>, OutboxError> {
        let loaded = match &mut self.store {
            Store::Memory(memory) => return Ok(memory.load(seq)),
            Store::Disk(disk) => disk.load(seq, &self.clock).await?,
        };
        if loaded.is_none() && self.held().contains(seq) {
            tracing::error!(seq, "a record of the outbox is damaged and given up");
            self.give_up(seq);
        }
        Ok(loaded)
    }

    /// Gives up one record for good and reports it as dropped.
    pub(crate) fn give_up(&mut self, seq: u64) {
        match &mut self.store {
            Store::Disk(disk) => disk.release(seq, seq),
            Store::Memory(memory) => memory.release(seq, seq),
        }
        let event = self.dropped(seq, seq);
        self.offer(event);
    }

    /// Returns the stream's id.
    #[must_use]
    pub fn stream(&self) -> &StreamId {
        match &self.store {
            Store::Disk(disk) => disk.stream(),
            Store::Memory(memory) => memory.stream(),
        }
    }

    /// Returns the number that the next record will get.
    #[must_use]
    pub fn next(&self) -> u64 {
        match &self.store {
            Store::Disk(disk) => disk.next(),
            Store::Memory(memory) => memory.next(),
        }
    }

    /// Returns the lowest number held, or the next one if none is.
    #[must_use]
    pub fn oldest(&self) -> u64 {
        self.held().first().unwrap_or_else(|| self.next())
    }

    /// Returns true if the file still holds rows that were acknowledged, or records wait.
    #[must_use]
    pub fn needs_commit(&self) -> bool {
        let has_rows = match &self.store {
            Store::Disk(disk) => disk.has_released(),
            Store::Memory(_) => false,
        };
        has_rows || !self.waiting.is_empty() || self.skipped > 0
    }

    /// Returns the numbers held.
    pub(crate) fn held(&self) -> &Ranges {
        match &self.store {
            Store::Disk(disk) => disk.held(),
            Store::Memory(memory) => memory.held(),
        }
    }

    fn dropped(&self, from: u64, to: u64) -> Record {
        dropped(&self.clock, from, to)
    }
}

/// Makes the record that tells of dropped numbers.
fn dropped(clock: &Clock, from: u64, to: u64) -> Record {
    Record {
        boot: clock.boot().clone(),
        at: clock.now(),
        body: RecordBody::Event(Event::Dropped { from, to }),
    }
}

/// Makes the id of a new stream.
fn new_stream() -> StreamId {
    let bytes: [u8; 16] = rand::random();
    StreamId::parse(&hex::encode(bytes)).expect("32 hexadecimal digits are a stream id")
}

/// About the size of a record as JSON, from above for usual numbers.
fn estimated_bytes(record: &Record) -> usize {
    match &record.body {
        RecordBody::Event(_) => 300,
        RecordBody::Series(series) => series.iter().fold(200, |sum, one| {
            let values = one.channels.len() * one.offsets_ms.len();
            let head = 120 + one.channels.len() * 24 + one.offsets_ms.len() * 8;
            sum + head + values * 12 + one.bad.len() * 52
        }),
    }
}

#[cfg(test)]
#[path = "outbox/tests.rs"]
mod tests;
