//! A slot: the half-open interval everything is about.

use crate::time::{Micros, Span};

/// An interval `[start, end)`: the end instant is free for the next one.
///
/// Holds `start < end` always, so no function that takes a `Slot` checks it again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Slot {
    start: Micros,
    end: Micros,
}

impl Slot {
    /// Returns the slot, or nothing if it would be empty or reversed.
    #[must_use]
    pub fn new(start: Micros, end: Micros) -> Option<Self> {
        (start < end).then_some(Self { start, end })
    }

    /// Returns the first instant.
    #[must_use]
    pub fn start(self) -> Micros {
        self.start
    }

    /// Returns the first instant after it.
    #[must_use]
    pub fn end(self) -> Micros {
        self.end
    }

    /// Returns the length, above 0.
    ///
    /// # Panics
    /// Never: the end is after the start.
    #[must_use]
    pub fn len(self) -> Span {
        Span::new(self.end - self.start).expect("a slot ends after it starts")
    }

    /// Returns false: a slot is never empty.
    #[must_use]
    pub fn is_empty(self) -> bool {
        false
    }

    /// Returns true if the two share an instant; abutting slots do not.
    #[must_use]
    pub fn overlaps(self, other: Self) -> bool {
        self.start < other.end && other.start < self.end
    }

    /// Returns true if the instant lies within.
    #[must_use]
    pub fn contains(self, instant: Micros) -> bool {
        self.start <= instant && instant < self.end
    }

    /// Returns true if the other lies within.
    #[must_use]
    pub fn covers(self, other: Self) -> bool {
        self.start <= other.start && other.end <= self.end
    }

    /// Returns the shared part.
    #[must_use]
    pub fn intersect(self, other: Self) -> Option<Self> {
        Self::new(self.start.max(other.start), self.end.min(other.end))
    }
}

/// Joins overlapping and abutting slots: ascending, disjoint, with gaps between.
#[must_use]
pub fn merged(mut slots: Vec<Slot>) -> Vec<Slot> {
    slots.sort_unstable();
    let mut joined: Vec<Slot> = Vec::with_capacity(slots.len());
    for slot in slots {
        match joined.last_mut() {
            Some(last) if slot.start <= last.end => last.end = last.end.max(slot.end),
            _ => joined.push(slot),
        }
    }
    joined
}

/// Returns what is in both of two ascending, disjoint lists.
#[must_use]
pub fn intersected(left: &[Slot], right: &[Slot]) -> Vec<Slot> {
    let (mut left, mut right) = (left.iter().peekable(), right.iter().peekable());
    let mut shared = Vec::new();
    while let (Some(&&a), Some(&&b)) = (left.peek(), right.peek()) {
        shared.extend(a.intersect(b));
        if a.end <= b.end {
            left.next()
        } else {
            right.next()
        };
    }
    shared
}

/// Returns what of the window is in none of an ascending, disjoint list.
#[must_use]
pub fn complement(window: Slot, slots: &[Slot]) -> Vec<Slot> {
    let mut rest = Vec::with_capacity(slots.len() + 1);
    let mut from = window.start;
    for slot in slots.iter().filter(|slot| slot.overlaps(window)) {
        rest.extend(Slot::new(from, slot.start));
        from = from.max(slot.end);
    }
    rest.extend(Slot::new(from, window.end));
    rest
}

/// Returns what of an ascending, disjoint list is not in a second one.
#[must_use]
pub fn subtracted(slots: &[Slot], taken: &[Slot]) -> Vec<Slot> {
    let ends = slots.first().zip(slots.last());
    let hull = ends.and_then(|(first, last)| Slot::new(first.start, last.end));
    hull.map_or_else(Vec::new, |hull| {
        intersected(slots, &complement(hull, taken))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn slot(start: i64, end: i64) -> Slot {
        Slot::new(Micros::new(start), Micros::new(end)).unwrap()
    }

    #[test]
    fn abutting_slots_do_not_overlap_and_empty_ones_do_not_exist() {
        assert!(!slot(0, 5).overlaps(slot(5, 9)));
        assert!(slot(0, 6).overlaps(slot(5, 9)));
        assert!(Slot::new(Micros::new(5), Micros::new(5)).is_none());
        assert!(Slot::new(Micros::new(6), Micros::new(5)).is_none());
    }

    #[test]
    fn lists_of_slots_join_intersect_and_complement() {
        assert_eq!(
            merged(vec![slot(5, 9), slot(0, 5), slot(20, 30)]),
            [slot(0, 9), slot(20, 30)]
        );
        let (left, right) = ([slot(0, 10), slot(20, 30)], [slot(5, 25)]);
        assert_eq!(intersected(&left, &right), [slot(5, 10), slot(20, 25)]);
        assert_eq!(complement(slot(0, 40), &left), [slot(10, 20), slot(30, 40)]);
        assert_eq!(complement(slot(2, 8), &left), []);
        assert_eq!(
            subtracted(&left, &[slot(2, 4), slot(9, 22)]),
            [slot(0, 2), slot(4, 9), slot(22, 30)]
        );
        assert_eq!(subtracted(&[], &left), []);
    }
}
