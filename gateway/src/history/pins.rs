//! Which journal rows are still needed, and by what.

use std::collections::hash_map::Entry;
use std::collections::{BTreeSet, HashMap};
use std::hash::Hash;

/// For each thing that is not yet written elsewhere: the oldest journal row that holds some of it.
#[derive(Debug)]
pub(super) struct Pins<K> {
    by_age: BTreeSet<(i64, K)>,
    oldest: HashMap<K, i64>,
}

impl<K: Copy + Ord + Hash> Pins<K> {
    pub(super) fn new() -> Self {
        Self {
            by_age: BTreeSet::new(),
            oldest: HashMap::new(),
        }
    }

    /// Notes that a journal row holds some of `key`; an older row already noted stays.
    pub(super) fn pin(&mut self, key: K, seq: i64) {
        if let Entry::Vacant(place) = self.oldest.entry(key) {
            place.insert(seq);
            self.by_age.insert((seq, key));
        }
    }

    /// Notes that all of `key` so far is written elsewhere.
    pub(super) fn release(&mut self, key: K) {
        if let Some(seq) = self.oldest.remove(&key) {
            self.by_age.remove(&(seq, key));
        }
    }

    /// Returns the oldest journal row that is needed.
    pub(super) fn low(&self) -> Option<i64> {
        self.by_age.first().map(|(seq, _)| *seq)
    }

    /// Returns at most `count` things that pin journal rows up to `seq`, oldest first.
    pub(super) fn due(&self, seq: i64, count: usize) -> Vec<K> {
        let due = self.by_age.iter().take_while(|(pinned, _)| *pinned <= seq);
        due.take(count).map(|(_, key)| *key).collect()
    }
}
