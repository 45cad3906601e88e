//! Which numbers of a stream were received: everything up to a mark, and ranges above it.

use bytes::{Buf, BufMut};
use wire::{Ack, SeqRange, StreamId};

use super::block::Damage;

/// Most ranges above the mark. They arise when live values go before a backlog: a few. A stream
/// that makes more is refused until lower numbers come, and keeps what it has.
pub const RANGES_MAX: usize = 1_024;

/// A set of numbers from 1, kept as a mark and ranges.
///
/// Invariant: ranges ascend, are disjoint, do not touch each other, and lie above `upto + 1`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct RangeSet {
    upto: u64,
    ranges: Vec<(u64, u64)>,
}

impl RangeSet {
    /// Returns the highest number up to which all are in the set.
    #[must_use]
    pub fn upto(&self) -> u64 {
        self.upto
    }

    /// Returns true if the number is in the set.
    #[must_use]
    pub fn contains(&self, number: u64) -> bool {
        if number <= self.upto {
            return true;
        }
        let after = self.ranges.partition_point(|(from, _)| *from <= number);
        let last = after.checked_sub(1).and_then(|at| self.ranges.get(at));
        last.is_some_and(|(_, to)| number <= *to)
    }

    /// Returns true if all numbers from one to another are in the set; of none all are.
    #[must_use]
    pub fn contains_all(&self, from: u64, to: u64) -> bool {
        if to < from || to <= self.upto {
            return true;
        }
        let after = self.ranges.partition_point(|(first, _)| *first <= to);
        let last = after.checked_sub(1).and_then(|at| self.ranges.get(at));
        let first = from.max(self.upto + 1);
        last.is_some_and(|(begin, end)| *begin <= first && to <= *end)
    }

    /// Returns true if adding the number would make more ranges than are kept.
    #[must_use]
    pub fn is_too_scattered_for(&self, number: u64) -> bool {
        self.ranges.len() >= RANGES_MAX
            && !self.contains(number)
            && !self.contains(number.saturating_sub(1))
            && !self.contains(number.saturating_add(1))
    }

    /// Adds a number. Returns false if it was in the set.
    pub fn insert(&mut self, number: u64) -> bool {
        if self.contains(number) {
            return false;
        }
        let at = self.ranges.partition_point(|(from, _)| *from <= number);
        self.ranges.insert(at, (number, number));
        self.join(at);
        true
    }

    /// Moves the mark to `floor` at least. Returns the ranges that were not in the set: lost.
    pub fn raise(&mut self, floor: u64) -> Vec<(u64, u64)> {
        let mut lost = Vec::new();
        while self.upto < floor {
            match self.ranges.first().copied() {
                Some((from, to)) if from <= floor => {
                    if from > self.upto + 1 {
                        lost.push((self.upto + 1, from - 1));
                    }
                    self.upto = to;
                    self.ranges.remove(0);
                }
                Some(_) | None => {
                    lost.push((self.upto + 1, floor));
                    self.upto = floor;
                }
            }
        }
        self.absorb();
        lost
    }

    /// Returns the ack that tells of this set. Of more ranges than it has room for it tells the lowest
    /// and the highest: a backlog goes on by the former, live readings by the latter, and the highest
    /// number of all is the one after which an outbox whose file was torn may number again.
    #[must_use]
    pub fn ack(&self, stream: StreamId) -> Ack {
        let ranges = self.ranges.as_slice();
        let over = ranges.len().saturating_sub(wire::ACK_RANGES_MAX);
        let low = if over > 0 {
            wire::ACK_RANGES_MAX / 2
        } else {
            0
        };
        let (lowest, rest) = ranges.split_at(low);
        let told = lowest.iter().chain(rest.iter().skip(over));
        Ack {
            stream,
            upto: self.upto,
            ranges: told.map(|(from, to)| SeqRange(*from, *to)).collect(),
        }
    }

    /// Joins the range at `at` with its neighbours and the mark.
    fn join(&mut self, at: usize) {
        if let (Some((_, to)), Some((next, end))) = (
            self.ranges.get(at).copied(),
            self.ranges.get(at + 1).copied(),
        ) && to + 1 == next
        {
            self.ranges.remove(at + 1);
            if let Some(range) = self.ranges.get_mut(at) {
                range.1 = end;
            }
        }
        if let Some(before) = at.checked_sub(1)
            && let (Some((_, to)), Some((from, end))) = (
                self.ranges.get(before).copied(),
                self.ranges.get(at).copied(),
            )
            && to + 1 == from
        {
            self.ranges.remove(at);
            if let Some(range) = self.ranges.get_mut(before) {
                range.1 = end;
            }
        }
        self.absorb();
    }

    /// Takes ranges that touch the mark into it.
    fn absorb(&mut self) {
        while let Some((from, to)) = self.ranges.first().copied() {
            if from > self.upto.saturating_add(1) {
                break;
            }
            self.upto = self.upto.max(to);
            self.ranges.remove(0);
        }
    }

    /// Returns the bytes to store: the mark, then each range, as little-endian `u64`.
    pub(super) fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(8 + 16 * self.ranges.len());
        bytes.put_u64_le(self.upto);
        for (from, to) in &self.ranges {
            bytes.put_u64_le(*from);
            bytes.put_u64_le(*to);
        }
        bytes
    }

    /// Reads what [`Self::to_bytes`] wrote.
    pub(super) fn from_bytes(mut bytes: &[u8]) -> Result<Self, Damage> {
        let mut set = Self {
            upto: bytes.try_get_u64_le()?,
            ranges: Vec::new(),
        };
        let mut last = set.upto;
        while !bytes.is_empty() {
            let range = (bytes.try_get_u64_le()?, bytes.try_get_u64_le()?);
            if range.0 <= last || range.1 < range.0 {
                return Err(Damage::Contradiction("received ranges do not ascend"));
            }
            last = range.1;
            set.ranges.push(range);
        }
        set.absorb();
        Ok(set)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn an_ack_of_many_ranges_names_the_lowest_and_the_highest() {
        let mut set = RangeSet::default();
        for number in 1..=100_u64 {
            assert!(set.insert(number * 10));
        }
        let ack = set.ack(StreamId::parse("0123456789abcdef0123456789abcdef").unwrap());
        assert_eq!(ack.ranges.len(), wire::ACK_RANGES_MAX);
        assert_eq!(ack.ranges[31], SeqRange(320, 320));
        assert_eq!(ack.ranges[32], SeqRange(690, 690));
        assert_eq!(ack.ranges[63], SeqRange(1_000, 1_000));
    }

    #[test]
    fn the_mark_passes_what_was_lost_and_says_what() {
        let mut set = RangeSet::default();
        for number in [1, 2, 5, 6, 9] {
            assert!(set.insert(number));
        }
        assert_eq!(set.raise(7), [(3, 4), (7, 7)]);
        assert_eq!(set.upto(), 7);
        assert!(!set.insert(3), "lost is dealt with");
        assert!(set.insert(8));
        assert_eq!(set.upto(), 9);
        assert!(set.raise(4).is_empty());
    }

    proptest! {
        #[test]
        fn it_is_a_set(numbers in prop::collection::vec(1..60_u64, 0..80), floor in 0..60_u64) {
            let (mut set, mut plain) = (RangeSet::default(), BTreeSet::new());
            for number in &numbers {
                prop_assert_eq!(set.insert(*number), plain.insert(*number));
            }
            for from in 1..62 {
                let to = from + floor % 7;
                let all = (from..=to).all(|number| plain.contains(&number));
                prop_assert_eq!(set.contains_all(from, to), all, "{} to {}", from, to);
                prop_assert!(set.contains_all(from + 1, from));
            }
            let lost: BTreeSet<u64> =
                set.raise(floor).into_iter().flat_map(|(from, to)| from..=to).collect();
            let missing: BTreeSet<u64> =
                (1..=floor).filter(|number| !plain.contains(number)).collect();
            prop_assert_eq!(&lost, &missing);
            plain.extend(missing);
            for number in 1..62 {
                prop_assert_eq!(set.contains(number), plain.contains(&number));
            }
            prop_assert!(!set.contains(set.upto() + 1));
            prop_assert_eq!(RangeSet::from_bytes(&set.to_bytes()).unwrap(), set);
        }
    }
}
