//! The outbox of a simulated agent: in memory, bounded, with the numbers the protocol asks for.

use std::collections::VecDeque;

use wire::{Ack, Batch, BootId, Clocks, Record, StreamId};

/// Records kept while nothing is acknowledged: at one every ten seconds more than the longest time a
/// simulated agent is away. Full means the oldest are dropped, which the gateway learns from
/// `oldest` and records as a gap.
const RECORDS_MAX: usize = 720;

/// Numbered records that are not yet acknowledged.
#[derive(Debug)]
pub(super) struct Outbox {
    stream: StreamId,
    boot: BootId,
    next: u64,
    held: VecDeque<(u64, Record)>,
    /// Everything below was handed to the present connection.
    sent_below: u64,
}

impl Outbox {
    /// Returns an empty outbox; its first record gets number 1.
    pub(super) fn new(stream: StreamId, boot: BootId) -> Self {
        Self {
            stream,
            boot,
            next: 1,
            held: VecDeque::new(),
            sent_below: 1,
        }
    }

    /// Returns the stream.
    pub(super) fn stream(&self) -> &StreamId {
        &self.stream
    }

    /// Returns the boot.
    pub(super) fn boot(&self) -> &BootId {
        &self.boot
    }

    /// Returns the number the next record will get.
    pub(super) fn next(&self) -> u64 {
        self.next
    }

    /// Returns the lowest number still held, or the next one if nothing is.
    pub(super) fn oldest(&self) -> u64 {
        self.held.front().map_or(self.next, |(seq, _)| *seq)
    }

    /// Keeps a record.
    pub(super) fn push(&mut self, record: Record) {
        if self.held.len() >= RECORDS_MAX {
            self.held.pop_front();
        }
        self.held.push_back((self.next, record));
        self.next += 1;
    }

    /// Numbers a record that is delivered at once and not kept: the history, which is loaded past
    /// the broker.
    pub(super) fn pass(&mut self, record: Record, sent: Clocks) -> Batch {
        let seq = self.next;
        self.next += 1;
        self.batch(seq, seq, record, sent)
    }

    /// Forgets what was handed to an earlier connection: all that is held is due again.
    pub(super) fn reconnect(&mut self) {
        self.sent_below = 0;
    }

    /// Returns the next record that this connection has not got yet.
    pub(super) fn take_due(&mut self, sent: Clocks) -> Option<Batch> {
        let due = self.held.iter().find(|(seq, _)| *seq >= self.sent_below);
        let (seq, record) = due.map(|(seq, record)| (*seq, record.clone()))?;
        self.sent_below = seq + 1;
        Some(self.batch(seq, self.oldest(), record, sent))
    }

    /// Deletes what the gateway has committed.
    pub(super) fn acknowledge(&mut self, ack: &Ack) {
        if ack.stream == self.stream {
            self.held.retain(|(seq, _)| !ack.covers(*seq));
        }
    }

    fn batch(&self, seq: u64, oldest: u64, record: Record, sent: Clocks) -> Batch {
        let (stream, boot) = (self.stream.clone(), self.boot.clone());
        Batch {
            stream,
            seq,
            oldest,
            boot,
            sent,
            record,
        }
    }
}

#[cfg(test)]
mod tests {
    use wire::{Event, RecordBody, SeqRange};

    use super::*;

    const NOW: Clocks = Clocks {
        wall_ms: 1_000,
        mono_ms: 0,
    };

    fn record() -> Record {
        let boot = BootId::parse("demo").unwrap();
        Record {
            boot,
            at: NOW,
            body: RecordBody::Event(Event::Other),
        }
    }

    fn outbox(records: u64) -> Outbox {
        let stream = StreamId::parse(&"0a".repeat(16)).unwrap();
        let mut outbox = Outbox::new(stream, BootId::parse("demo").unwrap());
        (0..records).for_each(|_| outbox.push(record()));
        outbox
    }

    fn due(outbox: &mut Outbox) -> Vec<u64> {
        std::iter::from_fn(|| outbox.take_due(NOW))
            .map(|batch| batch.seq)
            .collect()
    }

    #[test]
    fn each_record_is_due_once_a_connection_until_it_is_acknowledged() {
        let mut outbox = outbox(4);
        assert_eq!(due(&mut outbox), [1, 2, 3, 4]);
        assert!(due(&mut outbox).is_empty());
        let ranges = vec![SeqRange(4, 4)];
        outbox.acknowledge(&Ack {
            stream: outbox.stream.clone(),
            upto: 2,
            ranges,
        });
        assert_eq!((outbox.oldest(), outbox.next()), (3, 5));
        outbox.reconnect();
        assert_eq!(due(&mut outbox), [3]);
        let other = StreamId::parse(&"0b".repeat(16)).unwrap();
        outbox.acknowledge(&Ack {
            stream: other,
            upto: 9,
            ranges: Vec::new(),
        });
        assert_eq!(outbox.oldest(), 3);
    }

    #[test]
    fn a_full_outbox_drops_its_oldest_and_numbers_go_on_after_history() {
        let mut outbox = outbox(0);
        assert_eq!(outbox.pass(record(), NOW).seq, 1);
        assert_eq!(outbox.oldest(), 2);
        (0..=RECORDS_MAX).for_each(|_| outbox.push(record()));
        assert_eq!(outbox.oldest(), 3);
        assert_eq!(outbox.held.len(), RECORDS_MAX);
    }
}
