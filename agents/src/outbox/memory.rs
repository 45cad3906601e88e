//! The outbox of a simulated agent: no file, no thread, the same numbers and drops.

use std::collections::BTreeMap;

use wire::{Record, StreamId};

use super::room::{choose, needed};
use super::{Done, Waiting, dropped, estimated_bytes, is_event, new_stream};
use crate::clock::Clock;
use crate::ranges::Ranges;

/// Records by number.
#[derive(Debug)]
pub(super) struct Memory {
    stream: StreamId,
    next: u64,
    records: BTreeMap<u64, Record>,
    held: Ranges,
    bytes: u64,
    bytes_max: u64,
}

impl Memory {
    pub(super) fn new(bytes_max: u64) -> Self {
        Self {
            stream: new_stream(),
            next: 1,
            records: BTreeMap::new(),
            held: Ranges::default(),
            bytes: 0,
            bytes_max,
        }
    }

    pub(super) fn commit(&mut self, skipped: u64, waiting: &[Waiting], clock: &Clock) -> Done {
        let event = skipped.checked_sub(1);
        let event = event.map(|more| dropped(clock, self.next, self.next + more));
        let wanted = waiting.iter().map(|one| weight(&one.record)).sum();
        let needed = needed(self.bytes, wanted, self.bytes_max);
        let candidates = self.records.iter().filter(|(_, record)| !is_event(record));
        let candidates = candidates.map(|(seq, record)| (*seq, weight(record)));
        let (runs, _) = choose(candidates, needed);
        self.next += skipped;
        for (from, to) in &runs {
            self.release(*from, *to);
        }
        let events = runs.into_iter().map(|(from, to)| dropped(clock, from, to));
        for record in event.into_iter().chain(events) {
            self.push(record);
        }
        for one in waiting {
            self.push(one.record.clone());
        }
        Done {
            ticket: waiting.last().map_or(0, |one| one.ticket),
            skipped,
        }
    }

    fn push(&mut self, record: Record) {
        self.bytes += weight(&record);
        self.held.insert(self.next, self.next);
        self.records.insert(self.next, record);
        self.next += 1;
    }

    pub(super) fn release(&mut self, from: u64, to: u64) {
        for (from, to) in self.held.remove(from, to).iter() {
            for seq in from..=to {
                if let Some(record) = self.records.remove(&seq) {
                    self.bytes -= weight(&record);
                }
            }
        }
    }

    pub(super) fn skip_to(&mut self, next: u64) {
        self.next = self.next.max(next);
    }

    pub(super) fn load(&self, seq: u64) -> Option<Record> {
        self.records.get(&seq).cloned()
    }

    pub(super) fn stream(&self) -> &StreamId {
        &self.stream
    }

    pub(super) fn next(&self) -> u64 {
        self.next
    }

    pub(super) fn held(&self) -> &Ranges {
        &self.held
    }
}

fn weight(record: &Record) -> u64 {
    u64::try_from(estimated_bytes(record)).unwrap_or(u64::MAX)
}
