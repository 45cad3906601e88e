//! From deliveries to the next group commit: decode, resolve, state.

mod foreign;
mod going_on;
mod passing;
mod rows;
mod sparkplug;

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use bytes::Bytes;
use scheduler::id::InstrumentId;
use scheduler::time::Micros;
use wire::{Ack, AgentName, Batch, Event, Hello, RecordBody, SeqRange};

use super::agents::AgentBook;
use super::board::{Board, add};
use super::clocks::{ClockBook, Possible};
use super::collected::{Collected, machine_view};
use super::decode::{self, Head, Message, Rejection};
use super::filling::{Filling, Origin};
use super::intake::Delivery;
use super::losses::Losses;
use super::refuse::Refusals;
use super::resolve;
use super::restore::restore;
use super::state::Fold;
use crate::history::{Gap, Receipt, Received, Recovered, Writer};
use crate::registry::{Directory, SharedDirectory};

/// Everything that is folded from messages.
pub(super) struct Collector {
    directory: SharedDirectory,
    board: Arc<Board>,
    clocks: ClockBook,
    agents: AgentBook,
    folds: HashMap<InstrumentId, Fold>,
    refusals: Refusals,
    losses: Losses,
    filling: Filling,
    others: foreign::Others,
    collected: Collected,
    /// Whether somebody listens to the live stream.
    pub(super) is_watched: bool,
}

impl Collector {
    /// Starts from what the store recovered.
    pub(super) fn new(
        directory: SharedDirectory,
        board: Arc<Board>,
        recovered: Recovered,
        writer: &Writer,
        (now, mono_us): (Micros, i64),
    ) -> Self {
        let folds = restore(&directory.load(), &recovered, writer, now);
        let collector = Self {
            directory,
            board,
            clocks: ClockBook::new(recovered.boots, now, mono_us),
            agents: AgentBook::new(recovered.agents),
            folds,
            refusals: Refusals::default(),
            losses: Losses::default(),
            filling: Filling::default(),
            others: foreign::Others::default(),
            collected: Collected::default(),
            is_watched: false,
        };
        let board = &collector.board;
        board.publish_machines(
            collector
                .folds
                .iter()
                .map(|(id, fold)| (*id, machine_view(fold, fold.newest_ms()))),
        );
        let names = collector.agents.names();
        board.publish_agents(names.filter_map(|name| collector.agents.view(name)));
        collector
    }

    /// Returns what was collected since the last time, and begins anew.
    pub(super) fn take_collected(&mut self) -> Collected {
        let mut collected = std::mem::take(&mut self.collected);
        collected.group.boots = self.clocks.take_moved();
        collected.group.stretches = self.filling.take_changes();
        collected
    }

    /// Returns true if something is to be committed or acknowledged.
    pub(super) fn has_something(&self) -> bool {
        !self.collected.is_empty()
    }

    /// Returns how many messages and points wait for the commit.
    pub(super) fn collected_size(&self) -> (usize, u64) {
        (self.collected.acknowledges.len(), self.collected.points)
    }

    /// Returns what is to be published of instruments and agents after a commit.
    pub(super) fn publish(&self, machines: &HashSet<InstrumentId>, agents: &HashSet<AgentName>) {
        let views = machines.iter().filter_map(|id| {
            let fold = self.folds.get(id)?;
            Some((
                *id,
                machine_view(fold, self.filling.known_until_ms(*id, fold)),
            ))
        });
        self.board.publish_machines(views);
        let agents = agents.iter().filter_map(|name| self.agents.view(name));
        self.board.publish_agents(agents);
    }

    /// Takes a message of an agent.
    fn take_delivery(&mut self, delivery: Delivery, writer: &mut Writer, now: Micros) {
        let Delivery {
            topic,
            payload,
            acknowledge,
        } = delivery;
        add(&self.board.counters.messages, 1);
        self.collected.acknowledges.push(acknowledge);
        let directory = self.directory.load_full();
        let message = decode::decode(&topic, &payload).and_then(|message| {
            let (agent, head) = match &message {
                Message::Batch(agent, batch) => (agent, Some(Head::of(batch))),
                Message::Hello(agent, _) | Message::Status(agent, _) => (agent, None),
            };
            if directory.agents.contains_key(agent) {
                return Ok(message);
            }
            Err(Rejection {
                reason: "unknown_agent",
                detail: format!("agent {agent} is not registered"),
                agent: Some(agent.clone()),
                head,
            })
        });
        match message {
            Ok(Message::Batch(agent, batch)) => {
                self.collected.agents.insert(agent.clone());
                self.agents.see(&agent, now);
                self.clocks.hear(&agent, &batch.boot, batch.sent, now);
                let skew_ms = self.clocks.skew_ms(&agent, &batch.boot);
                self.agents.clock(&agent, skew_ms);
                self.take_batch(&directory, &agent, *batch, writer, now, (&topic, &payload));
            }
            Ok(Message::Hello(agent, hello)) => {
                self.take_hello(&directory, &agent, &hello, writer, now);
                self.collected.agents.insert(agent);
            }
            Ok(Message::Status(agent, status)) => {
                self.agents.status(&agent, &status, now);
                self.collected.agents.insert(agent);
            }
            Err(rejection) => {
                self.take_rejection(&directory, rejection, writer, now, (&topic, &payload));
            }
        }
    }

    fn take_batch(
        &mut self,
        directory: &Directory,
        agent: &AgentName,
        batch: Batch,
        writer: &mut Writer,
        now: Micros,
        message: (&str, &Bytes),
    ) {
        let stream = writer.stream(agent, &batch.stream, now);
        match self.receive(agent, &Head::of(&batch), writer, now) {
            Receipt::New => {}
            Receipt::Duplicate => {
                add(&self.board.counters.duplicates, 1);
                self.end_stretches(directory, stream, writer, now);
                return;
            }
            Receipt::Scattered => {
                self.refuse(message, ("too_scattered", "too many holes before it"), now);
                return;
            }
        }
        add(&self.board.counters.batches, 1);
        let possible = Possible::now(now, writer.raw_from(now));
        let placed = self.clocks.place(agent, &batch, now, possible);
        match batch.record.body {
            RecordBody::Series(series) => {
                let mut number_of = |name: &_, lab| writer.channel(name, lab);
                let resolved =
                    resolve::resolve(directory, agent, &series, placed, possible, &mut number_of);
                self.agents.refuse(agent, resolved.strange);
                for refusal in resolved.refusals {
                    self.refuse(message, (refusal.reason, &refusal.detail), now);
                }
                let origin = Origin {
                    stream,
                    seq: batch.seq,
                };
                for (id, rows) in resolved.rows {
                    if let Some(instrument) = directory.instruments.get(&id) {
                        self.take_rows(instrument, rows, Some(origin), writer, now);
                    }
                }
            }
            RecordBody::Event(event) => self.take_event(directory, agent, &event, now),
        }
        self.end_stretches(directory, stream, writer, now);
    }

    /// Notes a record's number and what was lost before it.
    fn receive(
        &mut self,
        agent: &AgentName,
        head: &Head,
        writer: &mut Writer,
        now: Micros,
    ) -> Receipt {
        let stream = writer.stream(agent, &head.stream, now);
        let lost = writer.raise(stream, head.oldest, now);
        let receipt = writer.receive(stream, head.seq);
        self.collected.streams.insert(stream);
        if receipt == Receipt::New || !lost.is_empty() {
            self.collected.group.received.push(Received {
                stream,
                number: if receipt == Receipt::New { head.seq } else { 0 },
                floor: head.oldest.saturating_sub(1),
            });
        }
        self.note_lost(agent, head, &lost, now);
        receipt
    }

    fn note_lost(&mut self, agent: &AgentName, head: &Head, lost: &[(u64, u64)], now: Micros) {
        for (first, last) in lost {
            self.losses.lost(&self.board, agent, (*first, *last), now);
            self.collected.group.gaps.push(Gap {
                agent: agent.clone(),
                stream: head.stream.clone(),
                first: *first,
                last: *last,
            });
        }
    }

    fn take_event(&mut self, directory: &Directory, agent: &AgentName, event: &Event, now: Micros) {
        match event {
            Event::Dropped {
                from,
                to,
                count,
                reason,
            } => {
                let why = (*count, *reason);
                self.losses
                    .dropped(&self.board, agent, (*from, *to), why, now);
            }
            Event::Damaged { kept, renewed } => {
                self.losses
                    .damaged(&self.board, agent, (*kept, *renewed), now);
            }
            Event::Device {
                device,
                reachable,
                reason,
            } => {
                let answer = if *reachable { Ok(()) } else { Err(*reason) };
                self.agents.device(agent, device, answer, directory);
            }
            Event::Other => {}
        }
    }

    fn take_hello(
        &mut self,
        directory: &Directory,
        agent: &AgentName,
        hello: &Hello,
        writer: &mut Writer,
        now: Micros,
    ) {
        self.clocks.hear(agent, &hello.boot, hello.sent, now);
        let row = self.agents.hello(agent, hello, now);
        let skew_ms = self.clocks.skew_ms(agent, &hello.boot);
        self.agents.clock(agent, skew_ms);
        self.collected.group.agents.push(row);
        for device in &hello.devices {
            let Some(instrument) = directory.speaks_for(agent, &device.instrument) else {
                let strange = vec![device.instrument.clone()];
                self.agents.refuse(agent, strange);
                continue;
            };
            for channel in &device.channels {
                if let Some(number) = writer.channel(&channel.name, instrument.lab) {
                    writer.set_unit(instrument.id, number, &channel.unit);
                }
            }
        }
        // The answer tells the agent what is committed, in case the last ack was lost.
        let stream = writer.stream(agent, &hello.stream, now);
        self.collected.streams.insert(stream);
        let oldest = hello.oldest.min(hello.next);
        let lost = writer.raise(stream, oldest, now);
        self.collected.group.received.push(Received {
            stream,
            number: 0,
            floor: oldest.saturating_sub(1),
        });
        let head = Head {
            stream: hello.stream.clone(),
            seq: 0,
            oldest,
        };
        self.note_lost(agent, &head, &lost, now);
    }

    /// Puts a message into quarantine and acknowledges it if its number can be read.
    fn take_rejection(
        &mut self,
        directory: &Directory,
        rejection: Rejection,
        writer: &mut Writer,
        now: Micros,
        message: (&str, &Bytes),
    ) {
        self.refuse(message, (rejection.reason, &rejection.detail), now);
        let (Some(agent), Some(head)) = (rejection.agent, rejection.head) else {
            return;
        };
        if directory.agents.contains_key(&agent) {
            self.receive(&agent, &head, writer, now);
        } else {
            let ack = Ack {
                stream: head.stream,
                upto: head.oldest.saturating_sub(1),
                ranges: vec![SeqRange(head.seq, head.seq)],
            };
            self.collected.strangers.push((agent, ack));
        }
    }

    fn refuse(&mut self, message: (&str, &Bytes), why: (&'static str, &str), now: Micros) {
        let quarantine = &mut self.collected.group.quarantined;
        self.refusals
            .refuse(&self.board, message, why, now, quarantine);
    }
}
