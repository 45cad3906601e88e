//! The outbox of a simulated agent: no file, no thread, the same numbers and drops.

use std::collections::BTreeMap;
use std::convert::Infallible;

use wire::{Record, StreamId};

use super::room::Candidate;
use super::write::{Done, Draft, Holding, Rows, write};
use super::{estimated_bytes, is_event, new_stream};
use crate::ranges::Ranges;

/// Records looked at together.
const PAGE: usize = 256;

/// Records by number.
#[derive(Debug)]
pub(super) struct Memory {
    stream: StreamId,
    records: Records,
    holding: Holding,
}

#[derive(Debug, Default)]
struct Records(BTreeMap<u64, Record>);

impl Memory {
    pub(super) fn new() -> Self {
        Self {
            stream: new_stream(),
            records: Records::default(),
            holding: Holding {
                next: 1,
                held: Ranges::default(),
                bytes: 0,
            },
        }
    }

    pub(super) async fn commit(&mut self, draft: &Draft<'_>) -> Done {
        let nothing = Ranges::default();
        match write(&mut self.records, &mut self.holding, &nothing, draft).await {
            Ok(done) => done,
            Err(never) => match never {},
        }
    }

    pub(super) fn release(&mut self, from: u64, to: u64) {
        for (from, to) in self.holding.held.remove(from, to).iter() {
            let freed = self.records.remove(from, to);
            self.holding.bytes = self.holding.bytes.saturating_sub(freed);
        }
    }

    pub(super) fn skip_to(&mut self, next: u64) {
        self.holding.next = self.holding.next.max(next);
    }

    pub(super) fn load(&self, seq: u64) -> Option<Record> {
        self.records.0.get(&seq).cloned()
    }

    pub(super) fn stream(&self) -> &StreamId {
        &self.stream
    }

    pub(super) fn holding(&self) -> &Holding {
        &self.holding
    }
}

impl Records {
    fn remove(&mut self, from: u64, to: u64) -> u64 {
        let gone: Vec<u64> = self.0.range(from..=to).map(|(seq, _)| *seq).collect();
        let gone = gone.into_iter().filter_map(|seq| self.0.remove(&seq));
        gone.map(|record| weight(&record)).sum()
    }
}

impl Rows for Records {
    type Row = Record;
    type Error = Infallible;

    fn row(record: &Record) -> Record {
        record.clone()
    }

    fn bytes(row: &Record) -> u64 {
        weight(row)
    }

    async fn page(&mut self, events: bool, after: u64) -> Result<Vec<Candidate>, Infallible> {
        let above = self.0.range(after + 1..);
        let wanted = above.filter(|(_, record)| is_event(record) == events);
        let page = wanted.map(|(seq, record)| (*seq, weight(record)));
        Ok(page.take(PAGE).collect())
    }

    async fn record(&mut self, seq: u64) -> Result<Option<Record>, Infallible> {
        Ok(self.0.get(&seq).cloned())
    }

    async fn insert(&mut self, seq: u64, row: Record) -> Result<(), Infallible> {
        self.0.insert(seq, row);
        Ok(())
    }

    async fn delete(&mut self, from: u64, to: u64) -> Result<u64, Infallible> {
        Ok(self.remove(from, to))
    }
}

fn weight(record: &Record) -> u64 {
    u64::try_from(estimated_bytes(record)).unwrap_or(u64::MAX)
}
