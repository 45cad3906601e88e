//! The one writer: makes of a [`Group`] one transaction.
//!
//! Three steps, so that a commit can be repeated for as long as the disk is full: [`Writer::prepare`]
//! computes what to write and changes nothing that readers see; [`Writer::execute`] writes it, as
//! often as needed; [`Writer::apply`] makes it visible after the commit.
//!
//! **What pins the journal.** A journal row is deleted in the transaction after which nothing needs
//! it: a tail that is full becomes a block; a tail that is not full 10 minutes after its oldest
//! journal row is written as a checkpoint, and so is what was received of a stream after 2 minutes.
//! So a silent channel never pins the journal.

use std::collections::{BTreeMap, BTreeSet, HashSet, VecDeque};
use std::sync::Arc;

use scheduler::id::{InstrumentId, NodeId};
use scheduler::time::{MINUTE_US, Micros};
use wire::{Ack, AgentName, ChannelName, StreamId};

use super::Shared;
use super::error::HistoryError;
use super::group::Group;
use super::journal::{self, Received, StreamNo};
use super::pins::Pins;
use super::placing::{TailKey, checkpoint_tail, place, split_by_tail, touch};
use super::prepared::{Prepared, StreamRow};
use super::rows::{Cell, ChannelNo, Rows};
use super::schema::Pools;
use super::streams::Streams;
use super::tails::Kind;

/// Age of a tail's oldest journal row at which the tail is written as a checkpoint.
const TAIL_AGE_US: i64 = 10 * MINUTE_US;

/// The same for what was received of a stream.
const STREAM_AGE_US: i64 = 2 * MINUTE_US;

/// Most checkpoints of each kind in one commit, so that none takes long.
const CHECKPOINTS_MAX: usize = 256;

/// Whether a record is new.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Receipt {
    /// It is.
    New,
    /// It was received before.
    Duplicate,
    /// There are too many holes before it; it may come again later.
    Scattered,
}

/// The newest readings of an instrument.
#[derive(Debug, Clone, PartialEq)]
pub struct NewestOf {
    /// The instrument.
    pub instrument: InstrumentId,
    /// Time of its newest reading, milliseconds since 1970 UTC.
    pub time_ms: Option<i64>,
    /// The newest cells of each channel.
    pub cells: Vec<NewestCell>,
}

/// The newest cell of a channel.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct NewestCell {
    /// The channel.
    pub channel: ChannelNo,
    /// When, milliseconds since 1970 UTC.
    pub time_ms: i64,
    /// Never absent.
    pub cell: Cell,
    /// The last good value, if the cell is bad and there ever was one.
    pub good: Option<f64>,
}

/// The writing end. There is one.
#[derive(Debug)]
pub struct Writer {
    pub(super) pools: Pools,
    pub(super) shared: Arc<Shared>,
    pub(super) next_seq: i64,
    pub(super) next_state_seq: i64,
    pub(super) streams: Streams,
    /// Channel names and units given since the last commit.
    pub(super) new_channels: Vec<(ChannelNo, NodeId)>,
    pub(super) new_units: Vec<(InstrumentId, ChannelNo, String)>,
    pub(super) tail_pins: Pins<TailKey>,
    pub(super) stream_pins: Pins<StreamNo>,
    /// Journal rows in the file: number and time, ascending.
    pub(super) journal: VecDeque<(i64, Micros)>,
}

impl Writer {
    /// Returns from when on readings are kept as they came; older ones are not taken.
    #[must_use]
    pub fn raw_from(&self, now: Micros) -> Micros {
        self.shared.raw_from(now)
    }

    /// Returns the number of a channel, giving a new name that a lab brings its own; `None` if there
    /// are too many, in all or of that lab.
    pub fn channel(&mut self, name: &ChannelName, lab: NodeId) -> Option<ChannelNo> {
        let known = self.shared.dictionary().number(name);
        known.or_else(|| {
            let number = self.shared.dictionary_mut().add(name, lab)?;
            self.new_channels.push((number, lab));
            Some(number)
        })
    }

    /// Returns true if there is room for all of these names together, as their labs bring them.
    #[must_use]
    pub fn has_room(&self, names: &BTreeMap<NodeId, BTreeSet<&ChannelName>>) -> bool {
        self.shared.dictionary().has_room(names)
    }

    /// Takes note of a unit. It is committed with the next group.
    pub fn set_unit(&mut self, instrument: InstrumentId, channel: ChannelNo, unit: &str) {
        let is_new = self
            .shared
            .dictionary_mut()
            .set_unit(instrument, channel, unit);
        if is_new {
            self.new_units.push((instrument, channel, unit.to_owned()));
        }
    }

    /// Returns the number of a stream, giving a new one its own; at most 32 are known of an agent.
    pub fn stream(&mut self, agent: &AgentName, stream: &StreamId, now: Micros) -> StreamNo {
        self.streams.number(agent, stream, now)
    }

    /// Takes note of the lowest number that an outbox still holds. Returns the ranges below it that
    /// never came: they are lost for good.
    pub fn raise(&mut self, stream: StreamNo, oldest: u64, now: Micros) -> Vec<(u64, u64)> {
        let Some(book) = self.streams.get_mut(stream) else {
            return Vec::new();
        };
        book.seen = now;
        book.received.raise(oldest.saturating_sub(1))
    }

    /// Takes note of a record. It counts as committed only after the group that carries it; until
    /// then nothing may be acknowledged.
    pub fn receive(&mut self, stream: StreamNo, number: u64) -> Receipt {
        let Some(book) = self.streams.get_mut(stream) else {
            return Receipt::Scattered;
        };
        if book.received.is_too_scattered_for(number) {
            Receipt::Scattered
        } else if book.received.insert(number) {
            Receipt::New
        } else {
            Receipt::Duplicate
        }
    }

    /// Returns true if all records of a stream from one number to another were received or are known to
    /// be lost.
    #[must_use]
    pub fn is_whole(&self, stream: StreamNo, from: u64, to: u64) -> bool {
        let book = self.streams.get(stream);
        book.is_some_and(|book| book.received.contains_all(from, to))
    }

    /// Returns what was received of a stream, as the ack to send after the commit, and its agent.
    #[must_use]
    pub fn ack(&self, stream: StreamNo) -> Option<(&AgentName, Ack)> {
        let book = self.streams.get(stream)?;
        Some((&book.agent, book.received.ack(book.stream.clone())))
    }

    /// Returns the number of a channel if it has one.
    #[must_use]
    pub fn known_channel(&self, name: &ChannelName) -> Option<ChannelNo> {
        self.shared.dictionary().number(name)
    }

    /// Returns the name of a channel's number.
    #[must_use]
    pub fn channel_name(&self, number: ChannelNo) -> Option<ChannelName> {
        self.shared.dictionary().name(number).cloned()
    }

    /// Returns each instrument with readings, the time of its newest one, and the newest cells of
    /// each channel: what states are rebuilt from at start.
    #[must_use]
    pub fn newest(&self) -> Vec<NewestOf> {
        let tails = self.shared.tails.read();
        let newest = tails.iter().map(|(instrument, tails)| NewestOf {
            instrument: *instrument,
            time_ms: tails.live_upto_ms,
            cells: tails
                .newest
                .iter()
                .map(|one| NewestCell {
                    channel: one.channel,
                    time_ms: one.time_ms,
                    cell: one.cell,
                    good: one.good,
                })
                .collect(),
        });
        newest.collect()
    }

    /// Returns the number for the next change of state.
    pub fn take_state_seq(&mut self) -> i64 {
        let seq = self.next_state_seq;
        self.next_state_seq += 1;
        seq
    }

    /// Returns true if something should be written although nothing was received.
    #[must_use]
    pub fn is_due(&self, now: Micros) -> bool {
        let is_old =
            |low: Option<i64>, age_us| low.is_some_and(|low| low <= self.seq_before(now, age_us));
        !self.new_channels.is_empty()
            || !self.new_units.is_empty()
            || is_old(self.tail_pins.low(), TAIL_AGE_US)
            || is_old(self.stream_pins.low(), STREAM_AGE_US)
    }

    /// Returns the newest journal row that is at least that old, or 0.
    fn seq_before(&self, now: Micros, age_us: i64) -> i64 {
        let old = self.journal.partition_point(|(_, at)| now - *at >= age_us);
        let last = old.checked_sub(1).and_then(|at| self.journal.get(at));
        last.map_or(0, |(seq, _)| *seq)
    }

    /// Computes what to write. Changes nothing that readers see.
    pub fn prepare(&mut self, group: Group, now: Micros) -> Prepared {
        let seq = self.next_seq;
        let mut prepared = Prepared::new(seq, now);
        prepared.new_channels = std::mem::take(&mut self.new_channels);
        prepared.new_units = std::mem::take(&mut self.new_units);
        {
            let tails = self.shared.tails.read();
            let deltas = split_by_tail(&tails, group.rows);
            for ((instrument, kind), delta) in deltas {
                let before = tails.get(&instrument);
                place(&mut prepared, before, (instrument, kind), delta);
            }
            for key in self
                .tail_pins
                .due(self.seq_before(now, TAIL_AGE_US), CHECKPOINTS_MAX)
            {
                checkpoint_tail(&mut prepared, tails.get(&key.0), key);
            }
        }
        touch(&mut prepared, &mut self.shared.touched());
        self.prepare_streams(&mut prepared, now);
        let sections: Vec<(InstrumentId, Kind, &Rows)> = prepared
            .kept
            .iter()
            .map(|((instrument, kind), rows)| (*instrument, *kind, rows))
            .collect();
        // A follower reads the journal alone, so what goes into blocks at once is there as well.
        // Recovery passes it over: the tail's row is as of this commit.
        let at_once = if self.shared.backlog().is_some() {
            journal::in_sections(&prepared.full)
        } else {
            Vec::new()
        };
        let sections: Vec<_> = sections
            .into_iter()
            .chain(at_once.iter().map(|(of, kind, rows)| (*of, *kind, rows)))
            .collect();
        prepared.journal = journal::encode(&group.received, &sections);
        prepared.states = group.states;
        prepared.stretches = group.stretches;
        prepared.gaps = group.gaps;
        prepared.quarantined = group.quarantined;
        prepared.boots = group.boots;
        prepared.agents = group.agents;
        self.pin(&mut prepared, &group.received);
        if let Some(backlog) = self.shared.backlog().as_mut() {
            let bytes = u64::try_from(prepared.journal.len()).unwrap_or(u64::MAX);
            prepared.follower = Some(backlog.prepare(prepared.journal_low, bytes));
        }
        prepared
    }

    /// Writes new streams, and those whose oldest journal row is old.
    fn prepare_streams(&mut self, prepared: &mut Prepared, now: Micros) {
        let due = self
            .stream_pins
            .due(self.seq_before(now, STREAM_AGE_US), CHECKPOINTS_MAX);
        let mut numbers = self.streams.take_fresh();
        numbers.extend(due);
        for number in numbers {
            if let Some(book) = self.streams.get(number) {
                prepared.streams.push(StreamRow {
                    number,
                    agent: book.agent.clone(),
                    stream: book.stream.clone(),
                    received: book.received.to_bytes(),
                    seen: book.seen,
                });
            }
        }
    }

    /// Moves the pins as after this commit and notes which journal rows nothing needs any more.
    fn pin(&mut self, prepared: &mut Prepared, received: &[Received]) {
        let tails = prepared.tails.iter();
        let tails: HashSet<TailKey> = tails.map(|tail| (tail.instrument, tail.kind)).collect();
        let streams: HashSet<StreamNo> = prepared
            .streams
            .iter()
            .map(|stream| stream.number)
            .collect();
        for key in &tails {
            self.tail_pins.release(*key);
        }
        for number in &streams {
            self.stream_pins.release(*number);
        }
        for key in prepared.kept.keys().filter(|key| !tails.contains(*key)) {
            self.tail_pins.pin(*key, prepared.seq);
        }
        let received = received.iter().map(|one| one.stream);
        for number in received.filter(|number| !streams.contains(number)) {
            self.stream_pins.pin(number, prepared.seq);
        }
        let lows = [self.tail_pins.low(), self.stream_pins.low()];
        // The newest row stays: it proves to a repeated commit that the first one succeeded, and
        // keeps the numbers ascending over a restart.
        let low = lows.into_iter().flatten().min().unwrap_or(prepared.seq);
        prepared.journal_low = low.min(prepared.seq);
    }

    /// Writes it in one transaction. After a failure it may be called again with the same.
    ///
    /// # Errors
    /// Returns [`HistoryError::Sql`]; then nothing of it is written, or all of it, which the next
    /// call finds out.
    pub async fn execute(&self, prepared: &mut Prepared) -> Result<(), HistoryError> {
        prepared.execute(&self.pools.writer, &self.shared).await
    }

    /// Makes it visible to readers, after the commit.
    pub fn apply(&mut self, prepared: Prepared) {
        self.next_seq = prepared.seq + 1;
        self.journal.push_back((prepared.seq, prepared.at));
        if let Some(backlog) = self.shared.backlog().as_mut() {
            let bytes = u64::try_from(prepared.journal.len()).unwrap_or(u64::MAX);
            backlog.push(prepared.seq, prepared.at, bytes);
        }
        self.shared.committed.notify_one();
        while self
            .journal
            .front()
            .is_some_and(|(seq, _)| *seq < prepared.journal_low)
        {
            self.journal.pop_front();
        }
        let mut tails = self.shared.tails.write();
        for ((instrument, kind), delta) in prepared.full {
            let tail = tails.entry(instrument).or_default();
            tail.note(kind, &delta);
            *tail.of_mut(kind) = Rows::default();
            tail.has_ended = true;
        }
        for ((instrument, kind), delta) in prepared.kept {
            let tail = tails.entry(instrument).or_default();
            tail.note(kind, &delta);
            tail.of_mut(kind).append(&delta, 0, delta.len());
        }
        drop(tails);
        self.shared.touched().set_committing(false);
    }
}
