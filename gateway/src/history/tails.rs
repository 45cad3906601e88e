//! Tails: what is committed and not yet in blocks, in memory, shared between the one writer and
//! all readers.
//!
//! An instrument has two: the live one ascends by time; what comes after newer readings goes to the
//! late one, so that a backlog does not tear the live one into many overlapping blocks.

use std::collections::HashMap;
use std::sync::{RwLock, RwLockReadGuard, RwLockWriteGuard};

use scheduler::id::InstrumentId;

use super::newest::Newest;
use super::rows::{Cell, Rows};

/// Which of an instrument's tails.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Kind {
    /// Ascends by time.
    Live,
    /// In the order of arrival.
    Late,
}

impl Kind {
    /// Returns the code in the store.
    pub(super) fn code(self) -> u8 {
        match self {
            Self::Live => 0,
            Self::Late => 1,
        }
    }

    /// Reads the code in the store.
    pub(super) fn of_code(code: u8) -> Option<Self> {
        match code {
            0 => Some(Self::Live),
            1 => Some(Self::Late),
            _ => None,
        }
    }
}

/// What memory holds of an instrument.
#[derive(Debug, Clone, Default)]
pub(super) struct InstrumentTails {
    pub(super) live: Rows,
    pub(super) late: Rows,
    /// Time of the newest row that ever was in the live tail.
    pub(super) live_upto_ms: Option<i64>,
    /// True once a tail became a block, or stood beyond its first end when the store was opened.
    pub(super) has_ended: bool,
    pub(super) newest: Vec<Newest>,
}

impl InstrumentTails {
    pub(super) fn of(&self, kind: Kind) -> &Rows {
        match kind {
            Kind::Live => &self.live,
            Kind::Late => &self.late,
        }
    }

    pub(super) fn of_mut(&mut self, kind: Kind) -> &mut Rows {
        match kind {
            Kind::Live => &mut self.live,
            Kind::Late => &mut self.late,
        }
    }

    /// Takes note of rows that are now committed, wherever they are kept.
    pub(super) fn note(&mut self, kind: Kind, rows: &Rows) {
        if kind == Kind::Live {
            self.live_upto_ms = self.live_upto_ms.max(rows.times_ms().last().copied());
        }
        for (channel, column) in &rows.columns {
            let reported = (0..rows.len()).rev().map(|row| (row, column.cell(row)));
            let last = reported
                .filter(|(_, cell)| *cell != Cell::Absent)
                .filter_map(|(row, cell)| rows.times_ms().get(row).map(|time| (*time, cell)))
                // Late rows are in the order of arrival: the newest may be anywhere.
                .take(if kind == Kind::Live { 1 } else { usize::MAX })
                .max_by_key(|(time, _)| *time);
            if let Some((time_ms, cell)) = last {
                let mut cells = (0..rows.len()).rev().map(|row| column.cell(row));
                let good = cells.find_map(|cell| match cell {
                    Cell::Good(value) => Some(value),
                    Cell::Bad(_) | Cell::Absent => None,
                });
                self.note_newest(Newest {
                    channel: *channel,
                    time_ms,
                    cell,
                    good: good.filter(|_| matches!(cell, Cell::Bad(_))),
                });
            }
        }
    }

    pub(super) fn note_newest(&mut self, newest: Newest) {
        let known = self
            .newest
            .iter_mut()
            .find(|one| one.channel == newest.channel);
        match known {
            Some(known) if known.time_ms <= newest.time_ms => {
                let before = match (newest.cell, known.cell) {
                    (Cell::Bad(_), Cell::Good(value)) => Some(value),
                    (Cell::Bad(_), _) => known.good,
                    (Cell::Good(_) | Cell::Absent, _) => None,
                };
                *known = Newest {
                    good: newest.good.or(before),
                    ..newest
                };
            }
            Some(_) => {}
            None => self.newest.push(newest),
        }
    }
}

/// All instruments' tails. The writer writes only after a commit and only for microseconds.
#[derive(Debug, Default)]
pub(super) struct Tails(RwLock<HashMap<InstrumentId, InstrumentTails>>);

impl Tails {
    pub(super) fn new(recovered: HashMap<InstrumentId, InstrumentTails>) -> Self {
        Self(RwLock::new(recovered))
    }

    pub(super) fn read(&self) -> RwLockReadGuard<'_, HashMap<InstrumentId, InstrumentTails>> {
        self.0
            .read()
            .expect("nobody panics while holding this lock")
    }

    pub(super) fn write(&self) -> RwLockWriteGuard<'_, HashMap<InstrumentId, InstrumentTails>> {
        self.0
            .write()
            .expect("nobody panics while holding this lock")
    }
}
