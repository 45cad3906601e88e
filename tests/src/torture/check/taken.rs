//! A slot that somebody had: possibly, certainly, and how many at once.

use crate::torture::history::{Operation, Slot};

/// Time in which something held, in microseconds of the run: from and to are in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Period {
    pub(super) from_us: u64,
    pub(super) to_us: u64,
}

impl Period {
    pub(super) fn of(operation: &Operation) -> Self {
        Self {
            from_us: operation.from_us,
            to_us: operation.to_us,
        }
    }

    pub(super) fn overlaps(self, other: Self) -> bool {
        self.from_us <= other.to_us && other.from_us <= self.to_us
    }

    pub(super) fn contains(self, other: Self) -> bool {
        self.from_us <= other.from_us && other.to_us <= self.to_us
    }
}

/// Who has a slot.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Subject {
    Booking(i64),
    Hold(i64),
    Outage(i64),
}

/// A slot that somebody had.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Taken {
    pub(super) subject: Subject,
    pub(super) instrument: String,
    pub(super) slot: Slot,
    /// No earlier and no later than this.
    pub(super) possibly: Period,
    /// All of this, if it was ever certain.
    pub(super) certainly: Option<Period>,
}

/// Returns the most slots that share one instant within a window.
pub(super) fn depth(slots: impl Iterator<Item = Slot>, within: Slot) -> usize {
    let mut edges: Vec<(i64, i64)> = slots
        .filter_map(|slot| slot.common(within))
        .flat_map(|slot| [(slot.start_ms, 1), (slot.end_ms, -1)])
        .collect();
    // An end sorts before a start at the same instant: it is free for the next one.
    edges.sort_unstable();
    let (mut now, mut most) = (0_i64, 0);
    for (_, step) in edges {
        now += step;
        most = most.max(now);
    }
    usize::try_from(most).unwrap_or(0)
}
