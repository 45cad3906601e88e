//! Readings of one instrument: what its state is from now on, and what it was where a backlog fills in.

use scheduler::id::InstrumentId;
use scheduler::time::Micros;

use super::Collector;
use crate::history::{Rows, StateChange, StreamNo, Writer};
use crate::registry::{Directory, Instrument};
use crate::telemetry::board::add;
use crate::telemetry::collected::live_reading;
use crate::telemetry::filling::Origin;
use crate::telemetry::restore::rule_channels;
use crate::telemetry::state::{Decision, Fold};

impl Collector {
    /// Takes rows of an instrument; `origin` tells of which record of its agent, if it is one's.
    pub(super) fn take_rows(
        &mut self,
        instrument: &Instrument,
        rows: Rows,
        origin: Option<Origin>,
        writer: &mut Writer,
        now: Micros,
    ) {
        let channels = rule_channels(&instrument.state_rule, writer);
        let terms = self.agents.terms(&self.directory.load(), instrument);
        let fold = self.folds.entry(instrument.id).or_insert_with(Fold::new);
        let newest = fold.newest_ms();
        let points = rows.points();
        let is_late = rows
            .times_ms()
            .first()
            .is_some_and(|first| newest.is_some_and(|newest| *first <= newest));
        if is_late {
            add(&self.board.counters.late_points, points);
        }
        let id = instrument.id;
        let mut decided = Vec::new();
        if let Some(origin) = origin {
            // Of an outbox that was given up, or of another agent's, nothing more comes.
            let is_other = |one: Origin| one.stream != origin.stream;
            self.filling.end(id, terms, is_other, &mut decided);
            let is_whole = |from, to| writer.is_whole(origin.stream, from, to);
            self.filling.look(id, origin, (&*fold, &rows), is_whole);
            let read = (&channels, &rows);
            self.filling.take(id, terms, read, &mut decided);
        }
        let mut front = Vec::new();
        fold.take(terms, &channels, &rows, now, &mut front);
        self.filling.note(id, &front);
        decided.append(&mut front);
        if self.is_watched && fold.newest_ms() != newest {
            let reading = live_reading(instrument.id, &rows, writer);
            self.collected.readings.insert(instrument.id, reading);
        }
        self.note_decisions(instrument.id, decided, writer, now);
        self.collected.machines.insert(instrument.id);
        self.collected.points += points;
        self.collected.group.rows.push((instrument.id, rows));
    }

    pub(super) fn note_decisions(
        &mut self,
        instrument: InstrumentId,
        decided: Vec<Decision>,
        writer: &mut Writer,
        now: Micros,
    ) {
        for decision in decided {
            self.collected.machines.insert(instrument);
            self.collected.group.states.push(StateChange {
                seq: writer.take_state_seq(),
                instrument,
                at: Micros::new(decision.at_ms.saturating_mul(1_000)),
                state: decision.state,
                decided_at: now,
            });
        }
    }

    /// Ends what a stream has filled in.
    pub(super) fn end_stretches(
        &mut self,
        directory: &Directory,
        stream: StreamNo,
        writer: &mut Writer,
        now: Micros,
    ) {
        for id in self.filling.of(stream) {
            let is_over = |one: Origin, writer: &Writer| {
                one.stream == stream && writer.is_whole(stream, 1, one.seq)
            };
            self.end_stretches_of(directory, id, is_over, writer, now);
        }
    }

    /// Ends all that waits for agents which may no longer speak.
    pub(super) fn end_stretches_of_gone(
        &mut self,
        directory: &Directory,
        writer: &mut Writer,
        now: Micros,
    ) {
        for id in self.filling.all() {
            let instrument = directory.instruments.get(&id);
            if instrument.is_none_or(|one| directory.agent_of(one).is_none()) {
                self.end_stretches_of(directory, id, |_, _| true, writer, now);
            }
        }
    }

    fn end_stretches_of(
        &mut self,
        directory: &Directory,
        id: InstrumentId,
        is_over: impl Fn(Origin, &Writer) -> bool,
        writer: &mut Writer,
        now: Micros,
    ) {
        let Some(instrument) = directory.instruments.get(&id) else {
            self.filling.forget(id);
            return;
        };
        let terms = self.agents.terms(directory, instrument);
        let mut decided = Vec::new();
        let over = |one| is_over(one, writer);
        if self.filling.end(id, terms, over, &mut decided) {
            self.collected.machines.insert(id);
            self.note_decisions(id, decided, writer, now);
        }
    }
}
