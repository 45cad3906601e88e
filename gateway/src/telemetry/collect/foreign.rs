//! Readings of others: when they were read, whether they may count, and what they are kept as.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use scheduler::id::{InstrumentId, NodeId};
use scheduler::time::{MINUTE_US, Micros, SECOND_US};
use wire::{ChannelName, Quality};

use super::Collector;
use super::sparkplug::EdgeNodes;
use crate::history::{Cell, ChannelNo, ClockMark, Rows, Writer};
use crate::registry::{Directory, Instrument, SourceName};
use crate::telemetry::board::add;
use crate::telemetry::clocks::Possible;
use crate::telemetry::foreign::{
    ForeignBatch, ForeignMessage, ForeignReading, Presence, ReadingTime, Refused, TOO_MANY_CHANNELS,
};
use crate::telemetry::intake::Inbound;
use crate::telemetry::mapping::{self, MappingIndex};
use crate::telemetry::sparkplug::Topic;

/// How far a device's time may be off without being uncertain: what transport and a clock set by
/// NTP explain.
const CLOSE_US: i64 = 5 * SECOND_US;

/// How uncertain a reading is whose device gave a time that cannot be. Beyond a minute, so that it is
/// in doubt.
const IN_DOUBT_US: i64 = 60 * MINUTE_US;

/// How far an arrival may be moved on so that an instrument's readings ascend.
const NUDGE_MS: i64 = 1_000;

/// What is known of other makers' devices.
#[derive(Debug, Default)]
pub(super) struct Others {
    /// Instruments whose source says that it is gone.
    pub(super) absent: HashSet<InstrumentId>,
    pub(super) mappings: MappingIndex,
    pub(super) nodes: EdgeNodes,
}

/// Readings of one instrument: by time the cells of each channel and how sure the time is.
type Grid = BTreeMap<i64, (ClockMark, Vec<(ChannelNo, Cell)>)>;

/// What is refused, with the reason and in words.
type Refusal = (&'static str, String);

impl Collector {
    /// Takes what came in, whatever it is.
    pub(in crate::telemetry) fn take(
        &mut self,
        inbound: Inbound,
        writer: &mut Writer,
        now: Micros,
    ) {
        match inbound {
            Inbound::Agent(delivery) => self.take_delivery(delivery, writer, now),
            Inbound::Foreign(message) => self.take_foreign(message, writer, now),
            Inbound::Readings(batch) => self.take_batch_of_others(batch, writer, now),
        }
    }

    /// Takes a message in somebody else's format.
    fn take_foreign(&mut self, message: ForeignMessage, writer: &mut Writer, now: Micros) {
        let counters = &self.board.counters;
        add(&counters.messages, 1);
        add(&counters.foreign_messages, 1);
        let is_at_most_once = !message.acknowledge.is_awaited();
        self.collected.acknowledges.push(message.acknowledge);
        let directory = self.directory.load_full();
        self.others.mappings.follow(&directory);
        let (topic, payload) = (message.topic.as_str(), &message.payload);
        let Some((lab, owner)) = self.others.mappings.owner(topic) else {
            self.refuse(
                (topic, payload),
                ("no_source", "no source sends there"),
                now,
            );
            return;
        };
        let source = message.publisher.unwrap_or_else(|| owner.clone());
        self.board.see_source(&source, now, is_at_most_once);
        let whose = (lab, &source);
        if Topic::is_sparkplug(topic) {
            self.take_sparkplug(whose, (topic, payload), message.is_retained, writer, now);
        } else {
            let kept_for = message.kept_for;
            let as_came = mapping::Message {
                topic,
                payload,
                arrival: now,
                is_retained: message.is_retained,
            };
            self.read_message(whose, &as_came, (payload, kept_for), writer);
        }
    }

    /// Reads a message by the mappings of its lab. A broker may have kept it for a time.
    pub(super) fn read_message(
        &mut self,
        (lab, source): (NodeId, &SourceName),
        message: &mapping::Message<'_>,
        (payload, kept_for): (&Bytes, Duration),
        writer: &mut Writer,
    ) {
        let (topic, now) = (message.topic, message.arrival);
        let directory = self.directory.load_full();
        self.others.mappings.follow(&directory);
        let candidates = self.others.mappings.candidates(lab, topic);
        let entries = candidates.iter().map(Arc::as_ref);
        let outcome = mapping::read(&directory, lab, entries, message);
        if let Some(why) = outcome.unknown().filter(|_| !Topic::is_presence(topic)) {
            self.board.reject(why.as_str());
            let message = (topic, payload);
            self.board.see_unknown(lab, source, message, why, now);
        }
        for note in outcome.notes.iter().filter(|note| note.why.is_fault()) {
            self.refuse((topic, payload), (note.why.as_str(), &note.what), now);
        }
        let readings = outcome.taken.into_iter().map(|taken| {
            let mut reading = taken.reading;
            if reading.time == ReadingTime::Arrival && !kept_for.is_zero() {
                reading.time = ReadingTime::Kept(kept_for);
            }
            reading
        });
        let refusals = self.take_readings(&directory, readings.collect(), writer, now);
        for (reason, detail) in refusals {
            self.refuse((topic, payload), (reason, &detail), now);
        }
        self.take_presence(&outcome.presence);
    }

    /// Takes readings that somebody has read already; none if their channels' names are too many.
    fn take_batch_of_others(&mut self, batch: ForeignBatch, writer: &mut Writer, now: Micros) {
        add(&self.board.counters.messages, 1);
        self.collected.acknowledges.push(batch.acknowledge);
        let directory = self.directory.load_full();
        let refusals = if writer.has_room(&names_by_lab(&directory, &batch.readings)) {
            self.take_readings(&directory, batch.readings, writer, now)
        } else {
            let detail = format!("all {} readings of the batch", batch.readings.len());
            vec![(TOO_MANY_CHANNELS, detail)]
        };
        for (reason, detail) in refusals {
            self.note_refused(&batch.refused, reason, &detail);
        }
        self.take_presence(&batch.presence);
    }

    fn note_refused(&self, refused: &Refused, reason: &'static str, detail: &str) {
        self.board.reject(reason);
        refused.add(reason, detail);
    }

    /// Takes readings into the group; returns what was not taken as it came.
    pub(super) fn take_readings(
        &mut self,
        directory: &Directory,
        readings: Vec<ForeignReading>,
        writer: &mut Writer,
        now: Micros,
    ) -> Vec<Refusal> {
        let count = u64::try_from(readings.len()).unwrap_or(u64::MAX);
        add(&self.board.counters.foreign_readings, count);
        let mut refusals = Vec::new();
        let mut by_instrument: BTreeMap<InstrumentId, Vec<ForeignReading>> = BTreeMap::new();
        for reading in readings {
            let of_one = by_instrument.entry(reading.instrument).or_default();
            of_one.push(reading);
        }
        for (id, readings) in by_instrument {
            let Some(instrument) = directory.instruments.get(&id) else {
                let detail = format!("{} readings of an instrument that is gone", readings.len());
                refusals.push(("unknown_instrument", detail));
                continue;
            };
            let of_rule = instrument.state_rule.channels();
            if readings.iter().any(|one| of_rule.contains(&&one.channel)) {
                self.others.absent.remove(&id);
            }
            let newest_ms = self.folds.get(&id).and_then(super::Fold::newest_ms);
            let arrival_ms = arrival(now, newest_ms);
            let mut grid = Grid::new();
            for reading in readings {
                let placed = place(
                    instrument,
                    &reading,
                    writer,
                    (now, arrival_ms),
                    &mut refusals,
                );
                if let Some((time_ms, mark, channel, cell)) = placed {
                    put(&mut grid, (time_ms, mark), channel, cell);
                }
            }
            let rows = rows_of(grid);
            if rows.is_empty() {
                continue;
            }
            if instrument.source.is_some() {
                self.collected.points += rows.points();
                self.collected.group.rows.push((id, rows));
            } else {
                self.take_rows(instrument, rows, None, writer, now);
            }
        }
        refusals
    }

    /// Takes note of who came and who went.
    pub(super) fn take_presence(&mut self, presence: &[Presence]) {
        for one in presence {
            if one.is_here {
                self.others.absent.remove(&one.instrument);
            } else {
                self.others.absent.insert(one.instrument);
            }
        }
    }
}

fn names_by_lab<'r>(
    directory: &Directory,
    readings: &'r [ForeignReading],
) -> BTreeMap<NodeId, BTreeSet<&'r ChannelName>> {
    let mut names: BTreeMap<NodeId, BTreeSet<&ChannelName>> = BTreeMap::new();
    for reading in readings {
        if let Some(instrument) = directory.instruments.get(&reading.instrument) {
            let of_lab = names.entry(instrument.lab).or_default();
            of_lab.insert(&reading.channel);
        }
    }
    names
}

/// Returns the arrival in milliseconds, just after the newest reading if that is not later than this
/// by more than a moment: messages of one device often come within one millisecond.
fn arrival(now: Micros, newest_ms: Option<i64>) -> i64 {
    let now_ms = now.get().div_euclid(1_000);
    newest_ms
        .filter(|newest| (now_ms..now_ms + NUDGE_MS).contains(newest))
        .map_or(now_ms, |newest| newest + 1)
}

/// Places a reading: its time, how sure that is, its channel and cell. `None` if it is refused.
fn place(
    instrument: &Instrument,
    reading: &ForeignReading,
    writer: &mut Writer,
    (now, arrival_ms): (Micros, i64),
    refusals: &mut Vec<Refusal>,
) -> Option<(i64, ClockMark, ChannelNo, Cell)> {
    let name = format!("{} of instrument {}", reading.channel, instrument.key);
    let (time_ms, mark) = match time_of(reading.time, now, arrival_ms, writer.raw_from(now)) {
        Placed::Sure(time_ms, mark) => (time_ms, mark),
        Placed::InDoubt(time_ms, mark, given_ms) => {
            refusals.push((
                "implausible_time",
                format!("{name} at {given_ms} ms by its device: kept at its arrival, in doubt"),
            ));
            (time_ms, mark)
        }
        Placed::Refused(reason, given_ms) => {
            refusals.push((reason, format!("{name} at {given_ms} ms")));
            return None;
        }
    };
    if instrument.is_agents(&reading.channel) {
        refusals.push((
            "agents_channel",
            format!("{name}: its own agent reads that"),
        ));
        return None;
    }
    let Some(channel) = writer.channel(&reading.channel, instrument.lab) else {
        refusals.push((TOO_MANY_CHANNELS, name));
        return None;
    };
    if !reading.unit.is_empty() {
        writer.set_unit(instrument.id, channel, &reading.unit);
    }
    let cell = match reading.value {
        Ok(value) if value.abs() <= wire::VALUE_MAGNITUDE_MAX => Cell::Good(value),
        Ok(value) => {
            refusals.push(("implausible_value", format!("{name}: {value:e}")));
            Cell::Bad(Quality::OutOfRange)
        }
        Err(Quality::Good) => Cell::Bad(Quality::Other),
        Err(quality) => Cell::Bad(quality),
    };
    Some((time_ms, mark, channel, cell))
}

/// Where a reading lies in time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Placed {
    /// There.
    Sure(i64, ClockMark),
    /// At its arrival, though its device said another time, which cannot be.
    InDoubt(i64, ClockMark, i64),
    /// Nowhere, for this reason.
    Refused(&'static str, i64),
}

fn time_of(time: ReadingTime, now: Micros, arrival_ms: i64, raw_from: Micros) -> Placed {
    let possible = Possible::now(now, raw_from);
    match time {
        ReadingTime::Arrival => Placed::Sure(arrival_ms, ClockMark::default()),
        ReadingTime::Kept(kept) => {
            let kept_us = i64::try_from(kept.as_micros()).unwrap_or(i64::MAX);
            let doubt_us = if kept_us <= CLOSE_US { 0 } else { kept_us };
            Placed::Sure(arrival_ms, mark(0, 0, doubt_us))
        }
        ReadingTime::Device(at) => {
            let given_ms = at.get().div_euclid(1_000);
            let off_us = at.get().saturating_sub(now.get());
            if possible.refusal(given_ms).is_some() {
                let mark = mark(off_us, 0, IN_DOUBT_US);
                return Placed::InDoubt(arrival_ms, mark, given_ms);
            }
            // Late, or a clock that is wrong: nobody can tell, so both are possible.
            let doubt_us = off_us.saturating_abs();
            let doubt_us = if doubt_us <= CLOSE_US { 0 } else { doubt_us };
            Placed::Sure(given_ms, mark(0, off_us.saturating_neg(), doubt_us))
        }
        ReadingTime::Stated(at) => {
            let given_ms = at.get().div_euclid(1_000);
            match possible.refusal(given_ms) {
                Some(reason) => Placed::Refused(reason, given_ms),
                None => Placed::Sure(given_ms, mark(0, now.get() - at.get(), 0)),
            }
        }
    }
}

fn mark(skew_us: i64, lag_us: i64, doubt_us: i64) -> ClockMark {
    let tenths = |us: i64| clamped(us.div_euclid(SECOND_US / 10));
    ClockMark {
        skew_ds: tenths(skew_us),
        lag_s: clamped(lag_us.div_euclid(SECOND_US)),
        uncertainty_ds: tenths(doubt_us),
    }
}

fn clamped(number: i64) -> i32 {
    let bounded = number.clamp(i64::from(i32::MIN), i64::from(i32::MAX));
    i32::try_from(bounded).unwrap_or(i32::MAX)
}

fn put(grid: &mut Grid, (time_ms, mark): (i64, ClockMark), channel: ChannelNo, cell: Cell) {
    let (held, cells) = grid.entry(time_ms).or_insert_with(|| (mark, Vec::new()));
    // One row has one mark: as uncertain as the least certain of its cells.
    if mark.uncertainty_ds > held.uncertainty_ds {
        *held = mark;
    }
    match cells.iter_mut().find(|(known, _)| *known == channel) {
        Some((_, held)) => *held = cell,
        None => cells.push((channel, cell)),
    }
}

fn rows_of(grid: Grid) -> Rows {
    let mut channels: Vec<ChannelNo> = Vec::new();
    for (_, cells) in grid.values() {
        for (channel, _) in cells {
            if !channels.contains(channel) {
                channels.push(*channel);
            }
        }
    }
    let mut rows = Rows::of_channels(&channels);
    for (time_ms, (mark, cells)) in grid {
        let cell = |channel: &ChannelNo| {
            let found = cells.iter().find(|(known, _)| known == channel);
            found.map_or(Cell::Absent, |(_, cell)| *cell)
        };
        rows.push(time_ms, channels.iter().map(cell), mark);
    }
    rows
}
