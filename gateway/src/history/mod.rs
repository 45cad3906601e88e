//! The embedded telemetry store: one SQLite file of its own, so that readings never hold up
//! bookings.
//!
//! What comes in: group commits of the recorder. What goes out: series, states, newest readings.
//! Deliberately not here: what a message is, whose it is, what state follows from it.
//!
//! **From commit to block.** A group commit is one transaction with one journal row that holds all
//! its new readings and the numbers received; only after it is anything acknowledged. The same
//! readings are in tails in memory, one an instrument. A full tail becomes a [`block`] in the
//! transaction that frees its journal rows, so recovery is: checkpoint plus journal.
//!
//! **Reading.** Readers have connections of their own that cannot write. They merge blocks and
//! tails by time; of two readings at one time the last received wins.
//!
//! **Block format**: documented in [`block`], readable from Python.
//!
//! ```python
//! import sqlite3, struct, numpy as np
//! from pcodec import standalone                      # pip install pcodec
//! db = sqlite3.connect("file:telemetry.db?mode=ro", uri=True)
//! for (data,) in db.execute("SELECT data FROM block WHERE instrument = 1 ORDER BY first_ms"):
//!     _, _, columns, rows, marks, times = struct.unpack_from("<BBHIII", data)
//!     directory = [struct.unpack_from("<HHII", data, 16 + 12 * i) for i in range(columns)]
//!     at = 16 + 12 * columns + 16 * marks
//!     times_ms = standalone.simple_decompress(data[at:at + times]); at += times
//!     for channel, _, codes, values in directory:
//!         c = standalone.simple_decompress(data[at:at + codes]) if codes else np.zeros(rows)
//!         at += codes
//!         v = standalone.simple_decompress(data[at:at + values]) if values else np.zeros(0)
//!         at += values                               # v belongs to times_ms[c == 0]
//! ```
//!
//! Rollups and the hourly merge of blocks will be tables beside `block`, computed from points.

pub mod block;
mod dictionary;
mod doubts;
mod error;
mod gaps;
mod group;
mod journal;
mod keep;
mod pins;
mod placing;
mod prepared;
mod ranges;
mod read;
mod recover;
mod rows;
mod schema;
mod series;
mod states;
mod tails;
mod versions;
mod writer;

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::{Arc, Mutex, RwLock, RwLockReadGuard, RwLockWriteGuard};

use scheduler::id::InstrumentId;
use scheduler::time::{DAY_US, Micros};
use wire::{ChannelName, Quality};

use self::dictionary::Dictionary;
use self::schema::Pools;
use self::tails::Tails;
use crate::clock::Clock;

pub use error::HistoryError;
pub use gaps::Losses;
pub use group::{
    AgentRow, BootClock, Gap, Group, PAYLOAD_KEPT_MAX, QUARANTINE_MAX, Quarantined, StateChange,
};
pub use journal::{Received, StreamNo};
pub use keep::RAW_KEPT_DAYS;
pub use prepared::Prepared;
pub use ranges::{RANGES_MAX, RangeSet};
pub use recover::Recovered;
pub use rows::{Cell, ChannelNo, ClockMark, Rows};
pub use series::{ChannelReading, RAW_POINTS_MAX, RawSeries, STEPS_MAX, StateInterval, StepSeries};
pub(crate) use states::intervals;
pub use versions::StateVersion;
pub use writer::{NewestOf, Receipt, Writer};

/// Longest time between the first and the last row of a block, in milliseconds: a reader looks for
/// blocks that begin at most so long before its window.
const SPAN_MS_MAX: i64 = 7 * DAY_US / 1_000;

/// What the writer and all readers share.
#[derive(Debug)]
struct Shared {
    tails: Tails,
    dictionary: RwLock<Dictionary>,
}

impl Shared {
    fn dictionary(&self) -> RwLockReadGuard<'_, Dictionary> {
        let lock = self.dictionary.read();
        lock.expect("nobody panics while holding this lock")
    }

    fn dictionary_mut(&self) -> RwLockWriteGuard<'_, Dictionary> {
        let lock = self.dictionary.write();
        lock.expect("nobody panics while holding this lock")
    }
}

/// The reading end. Clones share it.
#[derive(Debug, Clone)]
pub struct History {
    pools: Pools,
    shared: Arc<Shared>,
    clock: Clock,
    /// Taken by the recorder, once.
    writing: Arc<Mutex<Option<(Writer, Recovered)>>>,
}

impl History {
    /// Opens `telemetry.db` in a folder, makes it if it is not there, and recovers what a crash left:
    /// everything that was ever acknowledged.
    ///
    /// # Errors
    /// Returns [`HistoryError`] when the file cannot be used, a setting does not hold, a newer
    /// release wrote it, or it is damaged.
    pub async fn open(folder: &Path, clock: Clock) -> Result<Self, HistoryError> {
        let pools = schema::open(folder).await?;
        let memory = recover::memory(&pools.readers).await?;
        let shared = Arc::new(Shared {
            tails: Tails::new(memory.tails),
            dictionary: RwLock::new(memory.dictionary),
        });
        let numbers = memory.streams.iter();
        let numbers = numbers
            .map(|(number, book)| ((book.agent.clone(), book.stream.clone()), *number))
            .collect();
        let writer = Writer {
            pools: pools.clone(),
            shared: Arc::clone(&shared),
            next_seq: memory.journal.back().map_or(1, |(seq, _)| seq + 1),
            next_state_seq: memory.last_state_seq + 1,
            numbers,
            streams: memory.streams,
            new_channels: Vec::new(),
            new_units: Vec::new(),
            tail_pins: memory.tail_pins,
            stream_pins: memory.stream_pins,
            journal: memory.journal,
            swept_at: Micros::new(0),
        };
        Ok(Self {
            pools,
            shared,
            clock,
            writing: Arc::new(Mutex::new(Some((writer, memory.recovered)))),
        })
    }

    /// Hands out the writing end and what the recorder starts from; `None` if it was taken before.
    ///
    /// # Panics
    /// Never: nobody panics while holding the lock.
    #[must_use]
    pub fn take_writer(&self) -> Option<(Writer, Recovered)> {
        let mut writing = self.writing.lock();
        let writing = writing
            .as_mut()
            .expect("nobody panics while holding this lock");
        writing.take()
    }

    /// Returns the newest reading of each channel of an instrument, by name.
    #[must_use]
    pub fn latest(&self, instrument: InstrumentId) -> Vec<ChannelReading> {
        let tails = self.shared.tails.read();
        let newest = tails
            .get(&instrument)
            .map_or_else(Vec::new, |tails| tails.newest.clone());
        drop(tails);
        let dictionary = self.shared.dictionary();
        let reading = |one: &tails::Newest| {
            let (value, quality) = match one.cell {
                Cell::Good(value) => (Some(value), Quality::Good),
                Cell::Bad(quality) => (None, quality),
                Cell::Absent => return None,
            };
            Some(ChannelReading {
                name: dictionary.name(one.channel)?.clone(),
                unit: dictionary.unit(instrument, one.channel).to_owned(),
                time: Micros::new(one.time_ms.saturating_mul(1_000)),
                value,
                quality,
            })
        };
        let mut readings: Vec<ChannelReading> = newest.iter().filter_map(reading).collect();
        readings.sort_by(|one, other| one.name.cmp(&other.name));
        readings
    }

    /// Returns the channels that an instrument is known to have: declared, or read of late.
    #[must_use]
    pub fn channels(&self, instrument: InstrumentId) -> BTreeSet<ChannelName> {
        let read = self.latest(instrument).into_iter();
        let mut channels: BTreeSet<ChannelName> = read.map(|reading| reading.name).collect();
        let dictionary = self.shared.dictionary();
        let declared = dictionary.declared(instrument);
        channels.extend(declared.filter_map(|number| dictionary.name(number).cloned()));
        channels
    }

    /// Returns the unit of an instrument's channel; empty if it was never declared.
    #[must_use]
    pub fn unit(&self, instrument: InstrumentId, channel: &ChannelName) -> String {
        let dictionary = self.shared.dictionary();
        let number = dictionary.number(channel);
        number.map_or_else(String::new, |number| {
            dictionary.unit(instrument, number).to_owned()
        })
    }

    /// Returns the name of a channel's number.
    #[must_use]
    pub fn channel_name(&self, number: ChannelNo) -> Option<ChannelName> {
        self.shared.dictionary().name(number).cloned()
    }
}
