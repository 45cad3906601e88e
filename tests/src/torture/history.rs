//! What the clients of the torture asked and heard, as lines of JSON with a monotonic clock.

use std::collections::HashMap;
use std::fs::File;
use std::io::{BufRead, BufReader, BufWriter, Write};
use std::path::Path;
use std::time::Instant;

use serde::{Deserialize, Serialize};

/// When something that never got an answer may still take effect: to the end.
pub const OPEN_END: u64 = u64::MAX;

/// A stretch of time `[start, end)` on an instrument, in milliseconds since 1970.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, Default,
)]
#[serde(from = "(i64, i64)", into = "(i64, i64)")]
pub struct Slot {
    /// First instant.
    pub start_ms: i64,
    /// First instant after it.
    pub end_ms: i64,
}

/// What a client asks.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Call {
    /// A booking. The tag is its purpose, so that its row can be found in the database; the
    /// idempotency key is the tag too, except where a client misuses the key of another booking.
    Book {
        /// Names the booking.
        tag: String,
        /// The idempotency key.
        key: String,
        /// What.
        instrument: String,
        /// When.
        slot: Slot,
        /// The hold that the booking takes the place of.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        hold: Option<i64>,
    },
    /// A dry run of a booking.
    Try {
        /// What.
        instrument: String,
        /// When.
        slot: Slot,
    },
    /// Moves, shortens or extends a booking to this slot.
    Change {
        /// Which.
        booking: i64,
        /// Where it is.
        instrument: String,
        /// The slot it shall have.
        slot: Slot,
        /// Only if it has this version.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        version: Option<i64>,
    },
    /// Gives a booking up.
    Cancel {
        /// Which.
        booking: i64,
    },
    /// Looks at a booking.
    Read {
        /// Which.
        booking: i64,
    },
    /// Keeps a slot for a while.
    Hold {
        /// What.
        instrument: String,
        /// When.
        slot: Slot,
    },
    /// Lets a hold go.
    Release {
        /// Which.
        hold: i64,
    },
    /// An outage. The tag is its reason.
    OpenOutage {
        /// Names the outage.
        tag: String,
        /// Of what.
        instrument: String,
        /// When.
        slot: Slot,
    },
    /// The end of an outage.
    EndOutage {
        /// Which.
        outage: i64,
    },
}

/// An answer that says yes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Answer {
    /// A booking as it is now.
    Booking {
        /// Identity.
        id: i64,
        /// When.
        slot: Slot,
        /// Where it is in its life.
        status: String,
        /// Counts changes.
        version: i64,
    },
    /// What would become of a wish.
    Verdict {
        /// Whether it would be booked.
        accepts: bool,
        /// What stands against it.
        against: Against,
    },
    /// A hold.
    Hold {
        /// Identity.
        id: i64,
        /// How long it lasts from the answer on, in milliseconds.
        lasts_ms: i64,
    },
    /// An outage.
    Outage {
        /// Identity.
        id: i64,
    },
    /// Done, and nothing more to say.
    Done,
}

/// What stands against a wish.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Against {
    /// Names of rules.
    pub refusals: Vec<String>,
    /// Claims in the way.
    pub conflicts: Vec<Conflict>,
    /// Slots offered instead.
    pub next_free: Vec<Slot>,
}

/// A claim in the way.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Conflict {
    /// Its time.
    pub slot: Slot,
    /// `booking`, `outage`, `hold` or `offer`.
    pub kind: String,
}

/// An answer that says no.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Refusal {
    /// Status of the answer.
    pub status: u16,
    /// Slug of the problem.
    pub problem: String,
    /// The reasons.
    pub against: Against,
}

/// What a client heard.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Heard {
    /// Yes.
    Ok(Answer),
    /// No, and nothing was done.
    Refused(Refusal),
    /// Nothing: it was done, or will be, or never.
    Unknown(String),
}

/// One half of an operation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum What {
    /// It was asked.
    Invoke(Call),
    /// It was answered, or not.
    Heard(Heard),
}

/// A line of a history.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Event {
    /// Microseconds since the run began, by the monotonic clock that all clients share.
    pub at_us: u64,
    /// Whose. Somebody who got no answer goes on under a new identity.
    pub who: u32,
    /// What.
    pub what: What,
}

/// A question with what became of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Operation {
    /// Whose.
    pub who: u32,
    /// When it was asked.
    pub from_us: u64,
    /// When the answer came; [`OPEN_END`] when none did.
    pub to_us: u64,
    /// What was asked.
    pub call: Call,
    /// What was heard.
    pub heard: Heard,
}

impl Slot {
    /// Returns a slot.
    #[must_use]
    pub fn new(start_ms: i64, end_ms: i64) -> Self {
        Self { start_ms, end_ms }
    }

    /// Returns true if both share an instant.
    #[must_use]
    pub fn overlaps(self, other: Self) -> bool {
        self.start_ms < other.end_ms && other.start_ms < self.end_ms
    }

    /// Returns true if all of the other lies within.
    #[must_use]
    pub fn contains(self, other: Self) -> bool {
        self.start_ms <= other.start_ms && other.end_ms <= self.end_ms
    }

    /// Returns what both share.
    #[must_use]
    pub fn common(self, other: Self) -> Option<Self> {
        let common = Self::new(
            self.start_ms.max(other.start_ms),
            self.end_ms.min(other.end_ms),
        );
        self.overlaps(other).then_some(common)
    }
}

impl From<(i64, i64)> for Slot {
    fn from((start_ms, end_ms): (i64, i64)) -> Self {
        Self::new(start_ms, end_ms)
    }
}

impl From<Slot> for (i64, i64) {
    fn from(slot: Slot) -> Self {
        (slot.start_ms, slot.end_ms)
    }
}

/// Writes the history of one client.
pub struct Scribe {
    lines: BufWriter<File>,
    began: Instant,
}

impl Scribe {
    /// Begins a history in a file.
    ///
    /// # Panics
    /// When the file cannot be made.
    #[must_use]
    pub fn new(file: &Path, began: Instant) -> Self {
        let lines = BufWriter::new(File::create(file).expect("the scratch folder is ours"));
        Self { lines, began }
    }

    /// Writes a line with the time of now.
    ///
    /// # Panics
    /// When the file cannot be written.
    pub fn note(&mut self, who: u32, what: What) {
        let at_us = u64::try_from(self.began.elapsed().as_micros()).expect("a run is short");
        let event = Event { at_us, who, what };
        serde_json::to_writer(&mut self.lines, &event).expect("the scratch folder is ours");
        self.lines
            .write_all(b"\n")
            .expect("the scratch folder is ours");
    }
}

/// Reads all histories of a folder and pairs questions with answers.
///
/// # Panics
/// When a file is not a history.
#[must_use]
pub fn read(folder: &Path) -> Vec<Operation> {
    let mut operations = Vec::new();
    let entries = std::fs::read_dir(folder).expect("the folder of the histories exists");
    for entry in entries.flatten() {
        let file = File::open(entry.path()).expect("the history can be read");
        let lines = BufReader::new(file).lines();
        let events = lines.map(|line| {
            let line = line.expect("the history can be read");
            serde_json::from_str(&line).unwrap_or_else(|error| panic!("{line}: {error}"))
        });
        operations.extend(pair(events));
    }
    operations
}

/// Pairs questions with answers. A question without one is open to the end.
///
/// # Panics
/// When somebody asks again before hearing, or after not hearing.
#[must_use]
pub fn pair(events: impl Iterator<Item = Event>) -> Vec<Operation> {
    let mut operations: Vec<Operation> = Vec::new();
    let mut asked: HashMap<u32, usize> = HashMap::new();
    for Event { at_us, who, what } in events {
        match what {
            What::Invoke(call) => {
                let open = asked.insert(who, operations.len());
                assert_eq!(open, None, "{who} asks twice at {at_us}");
                operations.push(Operation {
                    who,
                    from_us: at_us,
                    to_us: OPEN_END,
                    call,
                    heard: Heard::Unknown("the run ended".to_owned()),
                });
            }
            What::Heard(heard) => {
                let open = *asked.get(&who).expect("who hears has asked");
                if !matches!(heard, Heard::Unknown(_)) {
                    operations[open].to_us = at_us;
                    asked.remove(&who);
                }
                operations[open].heard = heard;
            }
        }
    }
    operations
}
