//! A set of sequence numbers that are mostly neighbours: three days of records are a handful of
//! ranges, not 250,000 numbers.

use std::collections::BTreeMap;

/// A set of numbers kept as inclusive ranges that neither overlap nor touch.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Ranges(BTreeMap<u64, u64>);

impl Ranges {
    /// Adds all numbers from `from` to `to`; nothing if `from > to`. `O(log n)` plus what it joins.
    pub(crate) fn insert(&mut self, from: u64, to: u64) {
        if from > to {
            return;
        }
        let (mut from, mut to) = (from, to);
        // Ranges that begin at most one after `to` and end at least one before `from` are joined.
        let reach = to.saturating_add(1);
        while let Some((&start, &end)) = self.0.range(..=reach).next_back() {
            if end.saturating_add(1) < from {
                break;
            }
            self.0.remove(&start);
            from = from.min(start);
            to = to.max(end);
        }
        self.0.insert(from, to);
    }

    /// Removes all numbers from `from` to `to` and returns those that were there.
    pub(crate) fn remove(&mut self, from: u64, to: u64) -> Self {
        let mut removed = Self::default();
        if from > to {
            return removed;
        }
        while let Some((&start, &end)) = self.0.range(..=to).next_back() {
            if end < from {
                break;
            }
            self.0.remove(&start);
            if start < from {
                self.0.insert(start, from - 1);
            }
            if end > to {
                self.0.insert(to + 1, end);
            }
            removed.insert(start.max(from), end.min(to));
        }
        removed
    }

    /// Returns true if the number is in the set.
    pub(crate) fn contains(&self, number: u64) -> bool {
        let before = self.0.range(..=number).next_back();
        before.is_some_and(|(_, &end)| number <= end)
    }

    /// Returns the least number of the set that is at least `from`.
    pub(crate) fn next_from(&self, from: u64) -> Option<u64> {
        if self.contains(from) {
            return Some(from);
        }
        self.0.range(from..).next().map(|(&start, _)| start)
    }

    /// Returns the least number.
    pub(crate) fn first(&self) -> Option<u64> {
        self.0.keys().next().copied()
    }

    /// Returns true if there is no number.
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Returns the ranges, ascending.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (u64, u64)> + '_ {
        self.0.iter().map(|(&from, &to)| (from, to))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn behaves_as_a_set_of_numbers(
            steps in prop::collection::vec((any::<bool>(), 0..40_u64, 0..12_u64), 0..60),
        ) {
            let mut ranges = Ranges::default();
            let mut model = BTreeSet::new();
            for (inserts, from, width) in steps {
                let to = from + width;
                if inserts {
                    ranges.insert(from, to);
                    model.extend(from..=to);
                } else {
                    let removed = ranges.remove(from, to);
                    let expected: BTreeSet<u64> = model.range(from..=to).copied().collect();
                    let got: BTreeSet<u64> = removed.iter().flat_map(|(a, b)| a..=b).collect();
                    prop_assert_eq!(got, expected);
                    model.retain(|number| !(from..=to).contains(number));
                }
                for number in 0..60 {
                    prop_assert_eq!(ranges.contains(number), model.contains(&number));
                    let next = model.range(number..).next().copied();
                    prop_assert_eq!(ranges.next_from(number), next);
                }
                let all: Vec<(u64, u64)> = ranges.iter().collect();
                prop_assert!(all.windows(2).all(|pair| pair[0].1 + 1 < pair[1].0));
                prop_assert_eq!(ranges.first(), model.first().copied());
                prop_assert_eq!(ranges.is_empty(), model.is_empty());
            }
        }
    }
}
