//! One message read by the mappings of its lab.

use std::borrow::Cow;

use scheduler::id::{InstrumentId, NodeId};
use scheduler::time::Micros;
use serde_json::Value;
use wire::Quality;

use super::limits::{LOOKS_OF_MESSAGE_MAX, VALUES_OF_MESSAGE_MAX, check_payload};
use super::number;
use super::outcome::{Outcome, Taken, Why};
use super::route::{Mapping, OnlineRead, Reads, Route, ValueRead, ValuesRead};
use super::time;
use super::topic::Captures;
use crate::registry::{Directory, Instrument, MappingEntry};
use crate::telemetry::foreign::{ForeignReading, Presence, ReadingTime};

/// A message as it came.
#[derive(Debug, Clone, Copy)]
pub struct Message<'m> {
    /// The topic.
    pub topic: &'m str,
    /// The payload.
    pub payload: &'m [u8],
    /// When it came.
    pub arrival: Micros,
    /// Whether the broker had kept it from before.
    pub is_retained: bool,
}

/// Reads a message with the mappings that might fit, all of one lab.
#[must_use]
pub fn read<'m>(
    directory: &Directory,
    lab: NodeId,
    mappings: impl IntoIterator<Item = &'m MappingEntry>,
    message: &Message<'_>,
) -> Outcome {
    let mut outcome = Outcome::default();
    let size = check_payload(message.payload);
    let mut parsed = None;
    for entry in mappings {
        let fitting = entry
            .mapping
            .routes()
            .iter()
            .filter_map(|route| Some((route, route.pattern.captures(message.topic)?)));
        let mut fitting: Vec<(&Route, Captures)> = fitting.collect();
        if fitting.is_empty() {
            continue;
        }
        outcome.is_known = true;
        if outcome.taken.len() >= VALUES_OF_MESSAGE_MAX {
            // One message is read by many mappings, within one limit.
            outcome.note(Some(entry.id), message.topic, Why::TooManyValues);
            break;
        }
        fitting.retain(|(route, _)| route.reads != Reads::Nothing);
        if fitting.is_empty() {
            outcome.note(Some(entry.id), message.topic, Why::NotUsed);
            continue;
        }
        if let Err(why) = size {
            outcome.note(Some(entry.id), message.topic, why);
            continue;
        }
        let document = parsed.get_or_insert_with(|| Document::of(message.payload));
        let mut reader = Reader {
            directory,
            lab,
            entry,
            message,
            document,
            outcome: &mut outcome,
        };
        reader.take(&fitting);
    }
    if !outcome.is_known {
        outcome.note(None, message.topic, Why::NoMapping);
    }
    outcome
}

/// A payload: JSON, or one word.
struct Document {
    value: Value,
    is_json: bool,
}

impl Document {
    fn of(payload: &[u8]) -> Self {
        serde_json::from_slice(payload).map_or_else(
            |_| Self {
                value: Value::String(String::from_utf8_lossy(payload).trim().to_owned()),
                is_json: false,
            },
            |value| Self {
                value,
                is_json: true,
            },
        )
    }
}

struct Reader<'r> {
    directory: &'r Directory,
    lab: NodeId,
    entry: &'r MappingEntry,
    message: &'r Message<'r>,
    document: &'r Document,
    outcome: &'r mut Outcome,
}

impl Reader<'_> {
    fn note(&mut self, what: &str, why: Why) {
        self.outcome.note(Some(self.entry.id), what, why);
    }

    fn mapping(&self) -> &Mapping {
        &self.entry.mapping
    }

    fn take(&mut self, fitting: &[(&Route, Captures)]) {
        let before = self.outcome.taken.len();
        for (route, captures) in fitting {
            match &route.reads {
                Reads::Values(_) if self.message.is_retained => {
                    self.note(self.message.topic, Why::Retained);
                }
                Reads::Values(reads) => self.take_values(reads, captures),
                Reads::Online(reads) => self.take_online(reads, captures),
                Reads::Nothing => {}
            }
            if self.outcome.taken.len() - before > VALUES_OF_MESSAGE_MAX {
                self.outcome.taken.truncate(before);
                self.note(self.message.topic, Why::TooManyValues);
                return;
            }
        }
    }

    fn take_values(&mut self, reads: &ValuesRead, captures: &Captures) {
        let whole = &self.document.value;
        if let Some((pointer, words)) = reads.only_if {
            let word = whole.pointer(pointer).and_then(Value::as_str);
            if word.is_none_or(|word| !words.contains(&word)) {
                self.note(pointer, Why::NotUsed);
                return;
            }
        }
        let entries = match reads
            .each
            .as_deref()
            .map(|each| (each, whole.pointer(each)))
        {
            None => std::slice::from_ref(whole),
            Some((_, Some(Value::Array(entries)))) => entries,
            Some(_) if reads.or_whole => std::slice::from_ref(whole),
            Some((each, _)) => {
                self.note(each, Why::NothingRead);
                return;
            }
        };
        let looks = entries.len().saturating_mul(1 + reads.values.len());
        self.outcome.looks = self.outcome.looks.saturating_add(looks);
        if self.outcome.looks > LOOKS_OF_MESSAGE_MAX {
            self.note(self.message.topic, Why::TooManyValues);
            return;
        }
        let before = self.outcome.taken.len();
        for entry in entries {
            self.take_entry(entry, reads, captures);
            if self.outcome.taken.len() - before > VALUES_OF_MESSAGE_MAX {
                return;
            }
        }
    }

    fn take_entry(&mut self, entry: &Value, reads: &ValuesRead, captures: &Captures) {
        let Some(id) = self.instrument(captures, entry) else {
            return;
        };
        let Some(root) = entry.pointer(&reads.root) else {
            self.note(&reads.root, Why::NotUsed);
            return;
        };
        let time = self.time(entry, reads, id);
        let before = self.outcome.taken.len();
        let mut faults = 0usize;
        for rule in &reads.values {
            faults += usize::from(!self.take_value(root, rule, (&reads.root, id, time)));
        }
        if let Some(fields) = reads.fields {
            self.take_fields(root.pointer(fields), fields, id, time);
        }
        if self.outcome.taken.len() == before && faults == 0 && !reads.is_partial {
            self.note(self.message.topic, Why::NothingRead);
        }
    }

    /// Takes one value. Returns false if there is one that cannot be read.
    fn take_value(
        &mut self,
        root: &Value,
        rule: &ValueRead,
        (before, id, time): (&str, InstrumentId, ReadingTime),
    ) -> bool {
        let pointer = rule.pointer.as_deref().unwrap_or_default();
        let from = format!("{before}{pointer}");
        if !self.document.is_json && rule.pointer.is_some() {
            self.note(&from, Why::NotJson);
            return false;
        }
        let Some(value) = root.pointer(pointer) else {
            self.note(&from, Why::Absent);
            return true;
        };
        match number::read(value, rule) {
            Ok(numbers) => {
                for (channel, value) in numbers {
                    self.push(from.clone(), id, time, (channel, rule.unit.clone()), value);
                }
                true
            }
            Err(why) => {
                self.note(&from, why);
                false
            }
        }
    }

    fn take_fields(
        &mut self,
        fields: Option<&Value>,
        pointer: &str,
        id: InstrumentId,
        time: ReadingTime,
    ) {
        let Some(Value::Object(fields)) = fields else {
            let why = if self.document.is_json {
                Why::Absent
            } else {
                Why::NotJson
            };
            self.note(pointer, why);
            return;
        };
        for (name, value) in fields {
            let from = format!("{pointer}/{name}");
            let truth = value.as_bool().map(|truth| f64::from(u8::from(truth)));
            let number = truth.or_else(|| number::number(value));
            match (number, number::channel_of(name)) {
                (Some(number), Some(channel)) => {
                    self.push(from, id, time, (channel, String::new()), Ok(number));
                }
                (Some(_), None) => self.note(&from, Why::NoChannel),
                // A text among the fields is a label.
                (None, _) => self.note(&from, Why::NotUsed),
            }
        }
    }

    fn push(
        &mut self,
        from: String,
        instrument: InstrumentId,
        time: ReadingTime,
        (channel, unit): (wire::ChannelName, String),
        value: Result<f64, Quality>,
    ) {
        let known = self.directory.instruments.get(&instrument);
        if known.is_some_and(|known| known.is_agents(&channel)) {
            self.note(&from, Why::AgentsChannel);
            return;
        }
        self.outcome.taken.push(Taken {
            mapping: self.entry.id,
            from,
            reading: ForeignReading {
                instrument,
                channel,
                unit,
                time,
                value,
            },
        });
    }

    fn take_online(&mut self, reads: &OnlineRead, captures: &Captures) {
        let whole = &self.document.value;
        let found = match &reads.pointer {
            None => Some(whole),
            Some(pointer) => whole.pointer(pointer),
        };
        let found = found.or_else(|| reads.or_plain.then_some(whole));
        let word = found.and_then(number::word);
        let is = |words: &[String]| word.as_ref().is_some_and(|word| words.contains(word));
        let is_here = match (is(&reads.online), is(&reads.offline)) {
            (true, _) => true,
            (false, true) => false,
            (false, false) => {
                let what: Cow<'_, str> = reads.pointer.as_deref().map_or_else(
                    || self.message.topic.to_owned().into(),
                    |pointer| pointer.to_owned().into(),
                );
                self.note(&what, Why::NotAWord);
                return;
            }
        };
        if let Some(instrument) = self.instrument(captures, whole) {
            self.outcome.presence.push(Presence {
                instrument,
                is_here,
            });
        }
    }

    fn instrument(&mut self, captures: &Captures, entry: &Value) -> Option<InstrumentId> {
        let yielded = self.mapping().template().fill(captures, entry);
        let found = yielded.as_deref().and_then(|yielded| {
            let key = self.mapping().key_of(yielded)?;
            let instrument = self.directory.instrument_by_key(&key)?;
            (instrument.lab == self.lab).then_some(instrument.id)
        });
        if found.is_none() {
            let template = self.mapping().spec().instrument.clone();
            self.note(&yielded.unwrap_or(template), Why::UnknownInstrument);
        }
        found
    }

    fn time(&mut self, entry: &Value, reads: &ValuesRead, id: InstrumentId) -> ReadingTime {
        let Some(spec) = &reads.time else {
            return ReadingTime::Arrival;
        };
        let value = match entry.pointer(&spec.pointer) {
            None | Some(Value::Null) => {
                self.note(&spec.pointer, Why::NoTime);
                return ReadingTime::Arrival;
            }
            Some(value) => value,
        };
        let zone = self
            .directory
            .instruments
            .get(&id)
            .map(|one: &Instrument| one.zone);
        let zone = zone.unwrap_or(chrono_tz::Tz::Asia__Shanghai);
        let at = time::read(value, spec.format, zone, self.message.arrival);
        if reads.is_live
            && !self.message.is_retained
            && let Some(mended) = at.and_then(|at| time::of_other_zone(at, self.message.arrival))
        {
            self.note(&spec.pointer, Why::OtherZone);
            return ReadingTime::Device(mended);
        }
        at.map_or_else(
            || {
                self.note(&spec.pointer, Why::BadTime);
                // As good as a clock that was never set.
                ReadingTime::Device(Micros::new(0))
            },
            ReadingTime::Device,
        )
    }
}
