//! Stretches of time that a backlog fills in behind live readings. Pure.
//!
//! After a pause an agent sends what is new at once, and what it recorded meanwhile beside that. The
//! fold of an instrument goes on with what is new. What comes behind is folded here, from where the
//! instrument stood before the pause, and decides what held at its own time: a machine that ran
//! while its agent was cut off has run. What was decided for want of readings is decided anew, at the same
//! moment and with a later number, which is what readers go by.
//!
//! A stretch is over when no record of the agent's outbox is missing before its end. Until then an
//! instrument's states are final up to the newest reading of its first stretch only, and bookings
//! wait for the rest.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use scheduler::id::InstrumentId;
use scheduler::time::Micros;
use wire::ChannelName;

use super::replay::Track;
use super::state::{Decision, Fold, RuleChannels, Terms};
use crate::history::{Cell, Rows, StreamNo, StretchChanges, StretchRow};
use crate::status::MachineState;

/// Most stretches of one instrument; what is missing after so many pauses decides nothing.
const STRETCHES_MAX: usize = 16;

/// The number of a record in its agent's outbox.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Origin {
    pub(super) stream: StreamNo,
    pub(super) seq: u64,
}

/// Readings that are missing between two that came.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Stretch {
    /// The record that ends it.
    origin: Origin,
    /// The instrument as it was before it, and from then on.
    fold: Fold,
    /// Its newest reading before, what it was then, and when it was taken to be silent.
    from_ms: Option<i64>,
    before: MachineState,
    silent_ms: Option<i64>,
    /// When it was taken to be silent, until it is known whether it was.
    silent_from: Option<i64>,
    /// What it was then, as far as is known.
    held: MachineState,
    /// Time of the first reading after it, and what the instrument was from then on.
    until_ms: i64,
    then: MachineState,
    /// Whether anything of it has come.
    is_touched: bool,
}

impl Stretch {
    fn holds(&self, rows: &Rows) -> bool {
        let last = rows.times_ms().last();
        last.is_some_and(|last| *last < self.until_ms)
    }

    fn take(
        &mut self,
        terms: Terms<'_>,
        channels: &RuleChannels<'_>,
        rows: &Rows,
        decided: &mut Vec<Decision>,
    ) {
        let heard = self.fold.heard_ms();
        let mut found = Vec::new();
        // The time of arrival matters to the clock alone, and here is none.
        let now = Micros::new(0);
        self.fold.take(terms, channels, rows, now, &mut found);
        if self.fold.heard_ms() == heard {
            return;
        }
        self.follow(&mut found, decided);
    }

    /// Takes over what follows from readings that came.
    fn follow(&mut self, found: &mut Vec<Decision>, decided: &mut Vec<Decision>) {
        self.is_touched = true;
        self.note(found);
        decided.append(found);
        let is_open = self.fold.candidate_since();
        let passed = |at_ms| self.fold.heard_ms() > Some(at_ms);
        let is_passed = |at_ms: &i64| passed(*at_ms) && is_open.is_none_or(|since| since > *at_ms);
        if self.silent_from.as_ref().is_some_and(is_passed) {
            self.correct(decided);
        }
    }

    /// Takes note of what held when it was taken to be silent.
    fn note(&mut self, found: &[Decision]) {
        let Some(silent_from) = self.silent_from else {
            return;
        };
        let until = found.iter().rfind(|one| one.at_ms <= silent_from);
        self.held = until.map_or(self.held, |one| one.state);
    }

    /// Takes note of what was decided of live readings: of this stretch what belongs to its time.
    fn note_front(&mut self, decided: &[Decision]) {
        let heard = self.fold.heard_ms().unwrap_or(i64::MIN);
        for decision in decided.iter().filter(|one| one.at_ms <= self.until_ms) {
            self.then = decision.state;
            let is_silent = matches!(decision.state, MachineState::Offline(_));
            let is_within = heard < decision.at_ms && decision.at_ms < self.until_ms;
            if is_silent && is_within && !self.is_touched {
                let at_ms = *self.silent_from.get_or_insert(decision.at_ms);
                self.silent_ms.get_or_insert(at_ms);
            }
        }
    }

    /// Says what held when it was taken to be silent, unless it was.
    fn correct(&mut self, decided: &mut Vec<Decision>) {
        let Some(at_ms) = self.silent_from.take() else {
            return;
        };
        let state = self.held;
        if !matches!(state, MachineState::Offline(_) | MachineState::Unknown) {
            decided.push(Decision { at_ms, state });
        }
    }

    /// Reads again what came of it before a start: it has been decided then.
    fn again(&mut self, terms: Terms<'_>, tracks: &[Track]) {
        let mut rows: BTreeMap<i64, Vec<(&ChannelName, Cell)>> = BTreeMap::new();
        for track in tracks {
            for (time_ms, cell) in &track.points {
                let cells = rows.entry(*time_ms).or_default();
                cells.push((&track.channel, *cell));
            }
        }
        for (time_ms, cells) in rows {
            let mut found = Vec::new();
            self.fold.pass_silence(terms, time_ms, &mut found);
            self.fold.take_row(terms, time_ms, cells, &mut found);
            self.follow(&mut found, &mut Vec::new());
        }
    }

    fn row(&self, instrument: InstrumentId) -> StretchRow {
        StretchRow {
            instrument,
            stream: self.origin.stream,
            seq: self.origin.seq,
            from_ms: self.from_ms,
            until_ms: self.until_ms,
            before: self.before,
            silent_ms: self.silent_ms,
            then: self.then,
        }
    }

    /// Nothing more comes.
    fn end(mut self, terms: Terms<'_>, decided: &mut Vec<Decision>) {
        if !self.is_touched {
            return;
        }
        let until_ms = self.until_ms;
        let mut found = Vec::new();
        self.fold.pass_silence(terms, until_ms, &mut found);
        self.fold.mature(terms, until_ms, &mut found);
        self.note(&found);
        decided.append(&mut found);
        self.correct(decided);
        if self.fold.state() != self.then && self.then != MachineState::Unknown {
            decided.push(Decision {
                at_ms: until_ms,
                state: self.then,
            });
        }
    }
}

/// The stretches of all instruments.
#[derive(Debug, Default)]
pub(super) struct Filling {
    /// Of each instrument ascending by time; none is empty.
    stretches: HashMap<InstrumentId, Vec<Stretch>>,
    /// The instruments that have stretches of a stream; none is empty.
    streams: HashMap<StreamNo, HashSet<InstrumentId>>,
    /// The record of each instrument's newest reading by its agent, and the time of that.
    last: HashMap<InstrumentId, (Origin, i64)>,
    /// Stretches, by their ends, of which the store does not know how they stand.
    changed: BTreeSet<(InstrumentId, i64)>,
}

impl Filling {
    /// Looks at readings before they are folded: begins a stretch if they are newer than all before and
    /// records between are missing. `is_whole` tells whether none is, of these numbers.
    pub(super) fn look(
        &mut self,
        instrument: InstrumentId,
        origin: Origin,
        (front, rows): (&Fold, &Rows),
        is_whole: impl Fn(u64, u64) -> bool,
    ) {
        let times = rows.times_ms();
        let (Some(first), Some(last)) = (times.first().copied(), times.last().copied()) else {
            return;
        };
        let before = self.last.get(&instrument).copied();
        let newest = before.map(|(_, time_ms)| time_ms).or(front.heard_ms());
        if newest.is_some_and(|newest| first <= newest) {
            return;
        }
        self.last.insert(instrument, (origin, last));
        let before = before.filter(|(before, _)| before.stream == origin.stream);
        let from = before.map_or(1, |(before, _)| before.seq.saturating_add(1));
        if is_whole(from, origin.seq.saturating_sub(1)) {
            return;
        }
        let stretches = self.stretches.entry(instrument).or_default();
        if stretches.len() >= STRETCHES_MAX {
            return;
        }
        let of_stream = self.streams.entry(origin.stream).or_default();
        of_stream.insert(instrument);
        self.changed.insert((instrument, first));
        let (fold, silent_from) = front.before_silence();
        stretches.push(Stretch {
            origin,
            held: fold.state(),
            from_ms: fold.heard_ms(),
            before: fold.state(),
            silent_ms: silent_from,
            fold,
            silent_from,
            until_ms: first,
            then: front.state(),
            is_touched: false,
        });
    }

    /// Takes readings that lie in a stretch; the others decide nothing here.
    pub(super) fn take(
        &mut self,
        instrument: InstrumentId,
        terms: Terms<'_>,
        (channels, rows): (&RuleChannels<'_>, &Rows),
        decided: &mut Vec<Decision>,
    ) {
        let Some(stretches) = self.stretches.get_mut(&instrument) else {
            return;
        };
        if let Some(stretch) = stretches.iter_mut().find(|stretch| stretch.holds(rows)) {
            stretch.take(terms, channels, rows, decided);
        }
    }

    /// Takes note of what was decided of the live readings.
    pub(super) fn note(&mut self, instrument: InstrumentId, decided: &[Decision]) {
        let stretches = self.stretches.get_mut(&instrument);
        for stretch in stretches.into_iter().flatten() {
            let before = (stretch.then, stretch.silent_ms);
            stretch.note_front(decided);
            if before != (stretch.then, stretch.silent_ms) {
                self.changed.insert((instrument, stretch.until_ms));
            }
        }
    }

    /// Ends the stretches of an instrument that are `over`, by the record that ends each; returns
    /// whether any was.
    pub(super) fn end(
        &mut self,
        instrument: InstrumentId,
        terms: Terms<'_>,
        over: impl Fn(Origin) -> bool,
        decided: &mut Vec<Decision>,
    ) -> bool {
        let Some(stretches) = self.stretches.get_mut(&instrument) else {
            return false;
        };
        let ended = stretches.extract_if(.., |stretch| over(stretch.origin));
        let ended: Vec<Stretch> = ended.collect();
        if stretches.is_empty() {
            self.stretches.remove(&instrument);
        }
        let is_any = !ended.is_empty();
        for stretch in ended {
            self.unlist(instrument, &stretch);
            stretch.end(terms, decided);
        }
        is_any
    }

    /// Takes note that a stretch is over; its instrument is no longer listed with its stream if it was
    /// the last one of that.
    fn unlist(&mut self, instrument: InstrumentId, over: &Stretch) {
        self.changed.insert((instrument, over.until_ms));
        let stream = over.origin.stream;
        let rest = self.stretches.get(&instrument).into_iter().flatten();
        if rest.into_iter().any(|one| one.origin.stream == stream) {
            return;
        }
        if let Some(of_stream) = self.streams.get_mut(&stream) {
            of_stream.remove(&instrument);
            if of_stream.is_empty() {
                self.streams.remove(&stream);
            }
        }
    }

    /// Returns the instruments that have stretches.
    pub(super) fn all(&self) -> Vec<InstrumentId> {
        self.stretches.keys().copied().collect()
    }

    /// Returns the instruments that have stretches of a stream.
    pub(super) fn of(&self, stream: StreamNo) -> Vec<InstrumentId> {
        let of_stream = self.streams.get(&stream);
        of_stream.map_or_else(Vec::new, |of_stream| of_stream.iter().copied().collect())
    }

    /// Returns up to when nothing is missing of an instrument.
    pub(super) fn known_until_ms(&self, instrument: InstrumentId, front: &Fold) -> Option<i64> {
        let stretches = self.stretches.get(&instrument);
        let first = stretches.and_then(|stretches| stretches.first());
        first.map_or(front.newest_ms(), |stretch| stretch.fold.heard_ms())
    }

    /// Goes on filling a stretch that was open before a start, of which these readings have come; `cells`
    /// are the newest before it.
    pub(super) fn go_on<'c>(
        &mut self,
        row: &StretchRow,
        terms: Terms<'_>,
        cells: impl IntoIterator<Item = (&'c ChannelName, Cell)>,
        tracks: &[Track],
    ) {
        let mut fold = Fold::new();
        if let Some(at_ms) = row.from_ms {
            let last = Decision {
                at_ms,
                state: row.before,
            };
            let heard = (row.from_ms, row.from_ms);
            fold = Fold::restored(last, cells, heard, Micros::new(0));
        }
        let origin = Origin {
            stream: row.stream,
            seq: row.seq,
        };
        let mut stretch = Stretch {
            origin,
            fold,
            from_ms: row.from_ms,
            before: row.before,
            silent_ms: row.silent_ms,
            silent_from: row.silent_ms,
            held: row.before,
            until_ms: row.until_ms,
            then: row.then,
            is_touched: false,
        };
        stretch.again(terms, tracks);
        let of_one = self.stretches.entry(row.instrument).or_default();
        of_one.push(stretch);
        let of_stream = self.streams.entry(row.stream).or_default();
        of_stream.insert(row.instrument);
    }

    /// Notes a stretch of before a start that nobody can go on with.
    pub(super) fn give_up(&mut self, row: &StretchRow) {
        self.changed.insert((row.instrument, row.until_ms));
    }

    /// Returns what the store does not know yet.
    pub(super) fn take_changes(&mut self) -> StretchChanges {
        let mut changes = StretchChanges::default();
        for (instrument, until_ms) in std::mem::take(&mut self.changed) {
            let of_one = self.stretches.get(&instrument);
            let mut of_one = of_one.into_iter().flatten();
            match of_one.find(|one| one.until_ms == until_ms) {
                Some(stretch) => changes.open.push(stretch.row(instrument)),
                None => changes.over.push((instrument, until_ms)),
            }
        }
        changes
    }

    /// Forgets an instrument.
    pub(super) fn forget(&mut self, instrument: InstrumentId) {
        for stretch in self.stretches.remove(&instrument).into_iter().flatten() {
            self.unlist(instrument, &stretch);
        }
        self.last.remove(&instrument);
    }
}

#[cfg(test)]
#[path = "filling_tests.rs"]
mod tests;
