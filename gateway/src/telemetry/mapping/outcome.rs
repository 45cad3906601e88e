//! What becomes of a message: what is read, and why the rest is not.

use crate::telemetry::foreign::{ForeignReading, Presence};

/// Why something of a message is not read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Why {
    /// No mapping has a topic that fits.
    NoMapping,
    /// The mapping names no instrument of the lab.
    UnknownInstrument,
    /// The payload is too large.
    TooLarge,
    /// It is nested too deeply.
    TooDeep,
    /// It gives more readings than are taken at once.
    TooManyValues,
    /// It is no JSON, and a pointer leads into it.
    NotJson,
    /// No value that the mapping names was found.
    NothingRead,
    /// What should be a number is none.
    NotANumber,
    /// A word that the mapping does not know.
    NotAWord,
    /// A field's name makes no channel's name.
    NoChannel,
    /// The state of the instrument comes from its own agent, which reads this channel.
    AgentsChannel,
    /// A time that is not written as the mapping says: the reading is kept at its arrival, in doubt.
    BadTime,
    /// The device's clock is set to another zone: read as that zone's.
    OtherZone,
    /// No time where one was looked for: the arrival counts.
    NoTime,
    /// The value is not in this message: the channel stays as it was.
    Absent,
    /// The topic belongs to the device, and nothing is read from it.
    NotUsed,
    /// The broker had kept it, and nobody knows since when.
    Retained,
}

impl Why {
    /// All reasons.
    pub const ALL: [Self; 17] = [
        Self::NoMapping,
        Self::UnknownInstrument,
        Self::TooLarge,
        Self::TooDeep,
        Self::TooManyValues,
        Self::NotJson,
        Self::NothingRead,
        Self::NotANumber,
        Self::NotAWord,
        Self::NoChannel,
        Self::AgentsChannel,
        Self::BadTime,
        Self::OtherZone,
        Self::NoTime,
        Self::Absent,
        Self::NotUsed,
        Self::Retained,
    ];

    /// Returns the stable word, under which it is counted.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::NoMapping => "no_mapping",
            Self::UnknownInstrument => "no_such_instrument",
            Self::TooLarge => "too_large",
            Self::TooDeep => "too_deep",
            Self::TooManyValues => "too_many_values",
            Self::NotJson => "not_json",
            Self::NothingRead => "nothing_read",
            Self::NotANumber => "not_a_number",
            Self::NotAWord => "not_a_word",
            Self::NoChannel => "no_channel_name",
            Self::AgentsChannel => "agents_channel",
            Self::BadTime => "bad_time",
            Self::OtherZone => "other_zone",
            Self::NoTime => "no_time",
            Self::Absent => "absent",
            Self::NotUsed => "not_used",
            Self::Retained => "retained",
        }
    }

    /// Returns true if something is wrong, so that the message is counted and kept in quarantine.
    #[must_use]
    pub fn is_fault(self) -> bool {
        match self {
            Self::TooLarge
            | Self::TooDeep
            | Self::TooManyValues
            | Self::NotJson
            | Self::NothingRead
            | Self::NotANumber
            | Self::NotAWord
            | Self::NoChannel
            | Self::AgentsChannel
            | Self::BadTime => true,
            // The first two list the device instead.
            Self::NoMapping
            | Self::UnknownInstrument
            | Self::OtherZone
            | Self::NoTime
            | Self::Absent
            | Self::NotUsed
            | Self::Retained => false,
        }
    }
}

/// Something that is not read, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Note {
    /// By which mapping; `None`: by none.
    pub mapping: Option<i64>,
    /// A pointer, a name or a topic.
    pub what: String,
    /// Why.
    pub why: Why,
}

/// A reading, where it comes from.
#[derive(Debug, Clone, PartialEq)]
pub struct Taken {
    /// The mapping.
    pub mapping: i64,
    /// Pointer to the value; empty: the whole payload.
    pub from: String,
    /// The reading.
    pub reading: ForeignReading,
}

/// Most notes of one message.
const NOTES_MAX: usize = 64;

/// What becomes of a message.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Outcome {
    /// Readings.
    pub taken: Vec<Taken>,
    /// Who came and who went.
    pub presence: Vec<Presence>,
    /// What is not read.
    pub notes: Vec<Note>,
    /// Whether some mapping knows the topic.
    pub is_known: bool,
    /// How many values were looked for, found or not.
    pub(super) looks: usize,
}

impl Outcome {
    /// Returns what makes the message one of an unknown device, if it is one.
    #[must_use]
    pub fn unknown(&self) -> Option<Why> {
        if !self.is_known {
            return Some(Why::NoMapping);
        }
        let mut notes = self.notes.iter();
        let is_strange = notes.any(|note| note.why == Why::UnknownInstrument);
        (is_strange && self.taken.is_empty() && self.presence.is_empty())
            .then_some(Why::UnknownInstrument)
    }

    pub(super) fn note(&mut self, mapping: Option<i64>, what: &str, why: Why) {
        // One text for each thing: a batch of a thousand has the same fault a thousand times. Beyond
        // the limit what is not read is not told one by one.
        let is_told = |note: &Note| note.why == why && note.what == what && note.mapping == mapping;
        if self.notes.len() < NOTES_MAX && !self.notes.iter().any(is_told) {
            self.notes.push(Note {
                mapping,
                what: what.to_owned(),
                why,
            });
        }
    }
}
