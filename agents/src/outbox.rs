//! The outbox: records wait here, numbered, until the gateway has committed them.
//!
//! What comes in: records, and acks. What goes out: records by number. The promises:
//! - A record has a number once [`Outbox::commit`] returned, and then survives `kill -9` and, on
//!   disk, a power cut. What was offered and not committed is lost with the process: at most the
//!   readings since the last commit (one second).
//! - Numbers are 1, 2, 3, ... of one stream; the stream's id is random and lives in the file. The
//!   gateway never gets one number for two records ([`Outbox::sendable_before`]).
//! - A record is deleted only when an ack covers it, when it is older than [`Limits::age`]
//!   (readings alone), or when the outbox is full ([`Limits::bytes`]): then the oldest readings go
//!   first, those that wait for a number after those that have one. Only when there is no reading
//!   left to make room, the oldest events go.
//! - Whatever goes without an ack is counted and reported by [`wire::Event::Dropped`]; a report that has
//!   to go itself is contained in the next one.
//! - While the disk refuses (full, broken), offered records wait in bounded memory; beyond that the
//!   oldest readings are dropped, and they too get numbers and are reported afterwards.
//!
//! There are two stores with one face: a SQLite file, and memory for simulated agents.

use std::collections::VecDeque;
use std::path::Path;

use wire::{Ack, DropReason, Record, RecordBody, StreamId};

use crate::clock::Clock;
use crate::ranges::Ranges;

mod age;
mod disk;
mod error;
mod limits;
mod memory;
mod report;
mod room;
mod write;

pub use error::OutboxError;
pub use limits::Limits;

use disk::Disk;

use memory::Memory;
use report::{Loss, Unsent};
use write::{Done, Draft, Holding};

/// Records that wait for a commit, in estimated bytes. Full means the disk has refused for a while.
const WAITING_BYTES_MAX: usize = 4 * 1024 * 1024;

/// Greater numbers are no numbers of an outbox; a file holds 63 bits.
const SEQ_MAX: u64 = 1 << 62;

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

#[derive(Debug)]
enum Store {
    Disk(Box<Disk>),
    Memory(Memory),
}

/// See the module.
#[derive(Debug)]
pub struct Outbox {
    store: Store,
    limits: Limits,
    clock: Clock,
    waiting: VecDeque<Waiting>,
    waiting_bytes: usize,
    tickets: u64,
    /// Records dropped before they got a number.
    skipped: u64,
    /// Losses of numbered records that no commit has reported yet.
    lost: Vec<(DropReason, Loss)>,
    unsent: Unsent,
    /// Monotonic time at which the age of the oldest reading is looked at, in milliseconds.
    age_check_ms: i64,
}

impl Outbox {
    /// Opens the outbox in a folder, making both if needed, and keeps other processes out.
    ///
    /// # Errors
    /// [`OutboxError::Locked`] when another process has it, else what the file system says.
    pub async fn open(folder: &Path, limits: Limits, clock: Clock) -> Result<Self, OutboxError> {
        let disk = Disk::open(folder, &clock).await?;
        Ok(Self::new(Store::Disk(Box::new(disk)), limits, clock))
    }

    /// Makes an outbox that is lost with the process.
    #[must_use]
    pub fn in_memory(limits: Limits, clock: Clock) -> Self {
        Self::new(Store::Memory(Memory::new()), limits, clock)
    }

    fn new(store: Store, limits: Limits, clock: Clock) -> Self {
        Self {
            store,
            limits,
            clock,
            waiting: VecDeque::new(),
            waiting_bytes: 0,
            tickets: 0,
            skipped: 0,
            lost: Vec::new(),
            unsent: Unsent::default(),
            age_check_ms: i64::MIN,
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
        let now_ms = self.clock.now().mono_ms;
        let draft = Draft {
            limits: self.limits,
            clock: &self.clock,
            waiting: self.waiting.make_contiguous(),
            skipped: self.skipped,
            lost: &self.lost,
            unsent: &self.unsent,
            checks_age: now_ms >= self.age_check_ms,
        };
        let done = match &mut self.store {
            Store::Memory(memory) => Ok(memory.commit(&draft).await),
            Store::Disk(disk) => disk.commit(&draft).await,
        };
        self.note_vanished();
        if let Ok(done) = &done {
            self.settle(done, now_ms);
        }
        done.map(|_| ())
    }

    /// Forgets what is stored now.
    fn settle(&mut self, done: &Done, now_ms: i64) {
        self.skipped = self.skipped.saturating_sub(done.skipped);
        self.lost.drain(..done.lost.min(self.lost.len()));
        if let Some(unsent) = &done.unsent {
            self.unsent = unsent.clone();
        }
        if let Some(again) = done.age_check {
            let again = i64::try_from(again.as_millis()).unwrap_or(i64::MAX);
            self.age_check_ms = now_ms.saturating_add(again);
        }
        let added = i64::try_from(done.age_of_added.as_millis()).unwrap_or(i64::MAX);
        self.age_check_ms = self.age_check_ms.min(now_ms.saturating_add(added));
        while self
            .waiting
            .front()
            .is_some_and(|one| one.ticket <= done.ticket)
        {
            if let Some(one) = self.waiting.pop_front() {
                self.waiting_bytes -= one.bytes;
            }
        }
    }

    /// After the file may have been opened again: what it no longer holds is lost.
    fn note_vanished(&mut self) {
        let Store::Disk(disk) = &mut self.store else {
            return;
        };
        if disk.take_renewed() {
            // These numbers are of the stream before.
            self.unsent.clear();
            self.lost.clear();
        }
        for (from, to) in disk.take_vanished().iter() {
            tracing::error!(from, to, "records of the outbox are lost");
            self.lost.push((DropReason::Damaged, Loss::all(from, to)));
        }
    }

    /// Notes what the gateway has committed; an ack of another stream is ignored. The records are
    /// no longer held at once, their rows go with the next commit.
    ///
    /// # Errors
    /// Returns [`OutboxError`] when the database fails; then nothing is acknowledged, and the next
    /// ack says it again.
    pub async fn acknowledge(&mut self, ack: &Ack) -> Result<(), OutboxError> {
        let last = ack.ranges.last().map_or(ack.upto, |range| range.1);
        if ack.stream != *self.stream() || last > SEQ_MAX {
            return Ok(());
        }
        let unsure = self.sendable_before();
        if last >= unsure {
            // The file has lost its newest commits: the gateway has those numbers already.
            tracing::error!("the gateway knows record {last}, the outbox begins at {unsure}");
            self.make_way(unsure, last).await?;
        }
        if let Store::Disk(disk) = &mut self.store {
            disk.confirm();
        }
        let ranges = ack.ranges.iter().map(|range| (range.0, range.1));
        for (from, to) in ranges.chain([(0, ack.upto)]) {
            self.release(from, to);
        }
        Ok(())
    }

    /// Gives the records from `from` to `to` other numbers, above `to`: they were never sent, but
    /// the gateway has had others under these numbers.
    async fn make_way(&mut self, from: u64, to: u64) -> Result<(), OutboxError> {
        let mut numbers = Ranges::default();
        for (first, last) in self.held().iter() {
            numbers.insert(first.max(from), last.min(to));
        }
        let mut moved = Vec::new();
        for seq in numbers.iter().flat_map(|(first, last)| first..=last) {
            moved.extend(self.load(seq).await?);
        }
        self.release(from, to);
        self.age_check_ms = i64::MIN;
        match &mut self.store {
            Store::Disk(disk) => disk.skip_to(to.saturating_add(1)),
            Store::Memory(memory) => memory.skip_to(to.saturating_add(1)),
        }
        for record in moved {
            self.offer(record);
        }
        Ok(())
    }

    fn release(&mut self, from: u64, to: u64) {
        match &mut self.store {
            Store::Disk(disk) => disk.release(from, to),
            Store::Memory(memory) => memory.release(from, to),
        }
    }

    /// Reads a record; `None` if it is not held or its row is damaged. A damaged row is given up
    /// and reported as dropped.
    ///
    /// # Errors
    /// Returns [`OutboxError`] when the database fails.
    pub async fn load(&mut self, seq: u64) -> Result<Option<Record>, OutboxError> {
        self.unsent.forget(seq);
        let loaded = match &mut self.store {
            Store::Memory(memory) => return Ok(memory.load(seq)),
            Store::Disk(disk) => disk.load(seq, &self.clock).await,
        };
        self.note_vanished();
        let loaded = loaded?;
        if loaded.is_none() && self.held().contains(seq) {
            tracing::error!(seq, "a record of the outbox is damaged and given up");
            self.give_up(seq, DropReason::Damaged);
        }
        Ok(loaded)
    }

    /// Gives up one record for good; the next commit reports it.
    pub(crate) fn give_up(&mut self, seq: u64, reason: DropReason) {
        self.release(seq, seq);
        self.lost.push((reason, Loss::all(seq, seq)));
    }

    /// Returns the stream's id.
    #[must_use]
    pub fn stream(&self) -> &StreamId {
        match &self.store {
            Store::Disk(disk) => disk.stream(),
            Store::Memory(memory) => memory.stream(),
        }
    }

    fn holding(&self) -> &Holding {
        match &self.store {
            Store::Disk(disk) => disk.holding(),
            Store::Memory(memory) => memory.holding(),
        }
    }

    /// Returns the number that the next record will get.
    #[must_use]
    pub fn next(&self) -> u64 {
        self.holding().next
    }

    /// Returns the first number that may not be sent yet.
    ///
    /// After an opening that is the first number given since: the file may have lost commits, so
    /// that the gateway has these numbers already. The first ack tells; the commit after it frees
    /// them.
    #[must_use]
    pub fn sendable_before(&self) -> u64 {
        match &self.store {
            Store::Disk(disk) => disk.unconfirmed().unwrap_or(disk.holding().next),
            Store::Memory(memory) => memory.holding().next,
        }
    }

    /// Returns true if all that is held may be sent.
    #[must_use]
    pub fn is_confirmed(&self) -> bool {
        !matches!(&self.store, Store::Disk(disk) if disk.unconfirmed().is_some())
    }

    /// Returns the lowest number held, or the next one if none is.
    #[must_use]
    pub fn oldest(&self) -> u64 {
        self.held().first().unwrap_or_else(|| self.next())
    }

    /// Returns true if the file still holds rows that were acknowledged, records wait, losses are to
    /// be reported, or the first ack since an opening is to be noted.
    #[must_use]
    pub fn needs_commit(&self) -> bool {
        let needs = matches!(&self.store, Store::Disk(disk) if disk.needs_commit());
        needs || !self.waiting.is_empty() || self.skipped > 0 || !self.lost.is_empty()
    }

    /// Returns the numbers held.
    pub(crate) fn held(&self) -> &Ranges {
        &self.holding().held
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
