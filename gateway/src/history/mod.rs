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
//! **Following.** A store elsewhere may get a copy of all readings ([`crate::follow`]). It reads the
//! journal behind the commits (`following`); rows that it has not got yet stay, up to a limit, after
//! recovery needs them no more. `follower.needed_seq` tells recovery where its own rows begin.
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
//! **After the hour.** The [`Caretaker`] works beside the recorder: it merges the blocks of each
//! hour that got readings, computes its rollups by minute and by hour from all its points, and lets
//! go what is expired. Which hours got readings is written in the commit that brings them, so no
//! crash loses it. What comes late, or twice, makes its hours be computed anew; readers take such
//! hours from points until then. Format of rollups:
//! `rollup.rs`.
//!
//! A **merged block** has its columns in a table of their own, and so has each channel its rollups:
//!
//! ```python
//! for block, data in db.execute("SELECT id, data FROM block WHERE instrument = 1"):
//!     ...                                            # times_ms as above; if columns == 0:
//!     for key, part in db.execute("SELECT id, data FROM block_column "
//!                                 "WHERE id BETWEEN ? * 8192 AND ? * 8192 + 8191", (block, block)):
//!         channel, codes = key % 8192, struct.unpack_from("<I", part)[0]
//!         c = standalone.simple_decompress(part[4:4 + codes]) if codes else np.zeros(rows)
//!         v = standalone.simple_decompress(part[4 + codes:])  # nothing is there if no code is 0
//!
//! for chunk, data in db.execute("SELECT chunk, data FROM rollup WHERE instrument = 1 AND "
//!                               "channel = 1 AND step_ms = 3600000 ORDER BY chunk"):
//!     lengths, at, parts = struct.unpack_from("<7I", data, 8), 36, []
//!     for length in lengths:
//!         parts.append(standalone.simple_decompress(data[at:at + length])); at += length
//!     step, count, good_ms, least, most, last, mean = parts   # the last four where count > 0
//!     begin_ms = (chunk * 768 + step.astype("i8")) * 3600000  # minutes: chunk * 1440, 60000
//!     mean = least + (most - least) * mean / 65535
//! ```
//!
//! Blocks may overlap: of two readings of a channel at one time the one of the higher
//! `coalesce(rank, id)` holds. What is not in blocks yet (at most 300 rows of an instrument) is in
//! the tables `tail` and `journal`, which only the gateway reads; `GET .../readings` has all of it.

mod backlog;
pub mod block;
mod caretaker;
mod dictionary;
mod doubts;
mod elsewhere;
mod error;
mod following;
#[cfg(test)]
mod following_tests;
mod gaps;
mod gather;
mod group;
mod hours;
mod inspect;
mod journal;
mod keep;
mod newest;
mod pins;
mod placing;
mod prepared;
mod ranges;
mod read;
mod recover;
mod rollup;
mod rows;
mod schema;
mod series;
mod states;
mod steady;
mod stepped;
mod steps;
mod streams;
mod stretches;
mod tails;
#[cfg(test)]
mod tests;
mod touched;
mod versions;
mod writer;

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, RwLock, RwLockReadGuard, RwLockWriteGuard};

use scheduler::id::InstrumentId;
use scheduler::time::{DAY_US, Micros};
use tokio::sync::Notify;
use wire::{ChannelName, Quality};

use self::backlog::Backlog;
use self::dictionary::Dictionary;
use self::keep::Horizons;
use self::schema::Pools;
use self::streams::Streams;
use self::tails::Tails;
use self::touched::Touched;
use crate::clock::Clock;

pub use backlog::BacklogView;
pub use caretaker::Caretaker;
pub use elsewhere::{ElsewhereCounts, StoreElsewhere};
pub use error::HistoryError;
pub use following::{Committed, SetAside};
pub use gaps::Losses;
pub use group::{
    AgentRow, BootClock, Gap, Group, PAYLOAD_KEPT_MAX, QUARANTINE_MAX, Quarantined, StateChange,
};
pub use inspect::Inspection;
pub use journal::{Received, StreamNo};
pub use keep::Kept;
pub use prepared::Prepared;
pub use ranges::{RANGES_MAX, RangeSet};
pub use recover::Recovered;
pub use rows::{Cell, ChannelNo, ClockMark, Rows, quality_code, quality_of_code};
pub use series::{ChannelReading, RAW_POINTS_MAX, RawSeries, STEPS_MAX, StateInterval, StepSeries};
pub(crate) use states::intervals;
pub(crate) use stepped::first_step;
pub use stretches::{StretchChanges, StretchRow};
pub use versions::StateVersion;
pub use writer::{NewestCell, NewestOf, Receipt, Writer};

/// Longest time between the first and the last row of a block, in milliseconds: a reader looks for
/// blocks that begin at most so long before its window.
const SPAN_MS_MAX: i64 = 7 * DAY_US / 1_000;

/// What the writer and all readers share.
#[derive(Debug)]
struct Shared {
    tails: Tails,
    dictionary: RwLock<Dictionary>,
    touched: Mutex<Touched>,
    horizons: Mutex<Horizons>,
    /// Whether the caretaker was handed out.
    is_kept: AtomicBool,
    /// How long readings are kept as they came, in microseconds.
    raw_kept_us: AtomicI64,
    /// What a store elsewhere has not got yet; `None` without one.
    backlog: Mutex<Option<Backlog>>,
    /// Told after each commit.
    committed: Notify,
    /// When the last commit before this start was.
    committed_before: Option<Micros>,
}

impl Shared {
    fn dictionary(&self) -> RwLockReadGuard<'_, Dictionary> {
        let lock = self.dictionary.read();
        lock.expect("nobody panics while holding this lock")
    }

    fn touched(&self) -> MutexGuard<'_, Touched> {
        let lock = self.touched.lock();
        lock.expect("nobody panics while holding this lock")
    }

    fn horizons(&self) -> Horizons {
        let lock = self.horizons.lock();
        *lock.expect("nobody panics while holding this lock")
    }

    fn raw_from(&self, now: Micros) -> Micros {
        let kept_us = self.raw_kept_us.load(Ordering::Relaxed);
        let horizon_us = self.horizons().points.saturating_mul(1_000);
        let from_us = now.get().saturating_sub(kept_us);
        // A horizon of the future is a wrong clock's: nothing would be taken.
        let is_sane = horizon_us <= now.get();
        Micros::new(if is_sane {
            from_us.max(horizon_us)
        } else {
            from_us
        })
    }

    fn set_horizons(&self, horizons: Horizons) {
        let lock = self.horizons.lock();
        *lock.expect("nobody panics while holding this lock") = horizons;
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
    /// Set once, before readings come.
    elsewhere: Arc<OnceLock<Arc<dyn StoreElsewhere>>>,
    /// Taken by the recorder, once.
    writing: Arc<Mutex<Option<(Writer, Recovered)>>>,
}

impl History {
    /// Returns from when on readings are kept as they came; older ones are not taken. After the
    /// setting was raised this is where it was until new time has filled it: what lies before is
    /// let go at once.
    #[must_use]
    pub fn raw_from(&self, now: Micros) -> Micros {
        self.shared.raw_from(now)
    }

    /// Returns from when on steps that begin with `from` are kept, as readings or summed up.
    #[must_use]
    pub fn kept_from(&self, now: Micros, from: Micros, step_us: i64) -> Micros {
        let horizons = self.shared.horizons();
        let is_whole = |unit_ms: i64| {
            let unit_us = unit_ms * 1_000;
            step_us % unit_us == 0 && from.get() % unit_us == 0
        };
        if is_whole(rollup::HOUR.step_ms) {
            Micros::new(horizons.hours.saturating_mul(1_000))
        } else if is_whole(rollup::MINUTE.step_ms) {
            Micros::new(horizons.minutes.saturating_mul(1_000))
        } else {
            self.raw_from(now)
        }
    }

    /// Opens `telemetry.db` in a folder, makes it if it is not there, and recovers what a crash left:
    /// everything that was ever acknowledged.
    ///
    /// # Errors
    /// Returns [`HistoryError`] when the file cannot be used, a setting does not hold, a newer
    /// release wrote it, or it is damaged.
    pub async fn open(folder: &Path, clock: Clock) -> Result<Self, HistoryError> {
        let pools = schema::open(folder).await?;
        let memory = recover::memory(&pools.readers, clock.now()).await?;
        let shared = Arc::new(Shared {
            tails: Tails::new(memory.tails),
            dictionary: RwLock::new(memory.dictionary),
            touched: Mutex::new(memory.touched),
            horizons: Mutex::new(memory.horizons),
            is_kept: AtomicBool::new(false),
            raw_kept_us: AtomicI64::new(Kept::default().raw_us()),
            backlog: Mutex::new(None),
            committed: Notify::new(),
            committed_before: memory.journal.back().map(|(_, at)| *at),
        });
        let writer = Writer {
            pools: pools.clone(),
            shared: Arc::clone(&shared),
            next_seq: memory.journal.back().map_or(1, |(seq, _)| seq + 1),
            next_state_seq: memory.last_state_seq + 1,
            streams: Streams::stored(memory.streams),
            new_channels: Vec::new(),
            new_units: Vec::new(),
            tail_pins: memory.tail_pins,
            stream_pins: memory.stream_pins,
            journal: memory.journal,
        };
        Ok(Self {
            pools,
            shared,
            clock,
            elsewhere: Arc::default(),
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
        let reading = |one: &newest::Newest| {
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
