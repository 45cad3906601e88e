//! What a gateway has of a stream, as the model of it remembers.

use std::collections::BTreeMap;

use super::*;

/// What the gateway has of one stream.
#[derive(Default)]
pub(super) struct Received {
    pub(super) records: BTreeMap<u64, Record>,
    /// Numbers up to here have come or never will.
    pub(super) floor: u64,
}

impl Received {
    fn has(&self, seq: u64) -> bool {
        seq <= self.floor || self.records.contains_key(&seq)
    }

    pub(super) fn ack(&self, stream: &StreamId, most: usize) -> Ack {
        let mut all = Ranges::default();
        all.insert(1, self.floor);
        for seq in self.records.keys() {
            all.insert(*seq, *seq);
        }
        let mut ranges: Vec<SeqRange> = all.iter().map(|(from, to)| SeqRange(from, to)).collect();
        let upto = match ranges.first() {
            Some(first) if first.0 == 1 => ranges.remove(0).1,
            _ => 0,
        };
        // The hello's answer says all; the wire's limit is far above what a test makes.
        ranges.truncate(most);
        Ack {
            stream: stream.clone(),
            upto,
            ranges,
        }
    }
}

/// Returns how many losses the records of a stream report; all holes must be within them. A stream
/// that a torn file ended has holes for ever if its newest records came first: nobody sends for it.
pub(super) fn check_reports(received: &Received, was_torn: bool, has_ended: bool) -> usize {
    let mut reported = Ranges::default();
    let mut told = 0;
    for (_, loss) in received.records.values().filter_map(Loss::reported) {
        reported.insert(loss.from, loss.to);
        told += usize::try_from(loss.count).unwrap();
    }
    let last = received.records.keys().next_back().copied().unwrap_or(0);
    let holes: Vec<u64> = (1..=last)
        .filter(|seq| !received.records.contains_key(seq))
        .collect();
    if !was_torn {
        let silent: Vec<&u64> = holes
            .iter()
            .filter(|seq| !reported.contains(**seq))
            .collect();
        assert!(silent.is_empty(), "lost without a word: {silent:?}");
        assert!(holes.len() <= told, "{} holes, {told} told", holes.len());
    }
    let has_all = (1..=last).all(|seq| received.has(seq));
    assert!(has_all || has_ended, "the mark stalls");
    told
}
