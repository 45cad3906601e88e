//! A set of time on a grid of quarter hours, known from both sides.
//!
//! What comes in: sorted slots, on the grid or off it. What goes out: for each cell of 15 minutes
//! UTC whether the set touches it and whether it covers it all. So most questions about free and
//! open time are answered 64 cells at a time, and a cell that is touched but not covered says that
//! the exact lists have to be asked. Deliberately not here: what the slots mean.
//!
//! Cells are numbered from 1970, 64 of them (16 hours) make a word. Outside of what is known a cell
//! counts as touched and not covered, which is never wrong and always leads to the lists.

use std::ops::Range;

use crate::slot::Slot;
use crate::time::{MINUTE_US, Micros, Span};

/// Length of a cell.
pub const CELL: Span = Span::minutes(15);

/// How far a set is known from its base: 64 days, 96 words; two such sets for each of 5,534 instruments are 8 MiB.
pub const KNOWN_DAYS: u32 = 64;

const CELL_US: i64 = 15 * MINUTE_US;
const WORD_CELLS: i64 = 64;
const KNOWN_WORDS: i64 = 96;

/// 64 cells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Word {
    /// The set has some of the cell.
    touched: u64,
    /// The set has all of the cell.
    covered: u64,
}

const EMPTY: Word = Word {
    touched: 0,
    covered: 0,
};
const ALL: Word = Word {
    touched: u64::MAX,
    covered: u64::MAX,
};
const UNKNOWN: Word = Word {
    touched: u64::MAX,
    covered: 0,
};

/// A set of time: which cells it touches, and which it covers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cells {
    /// The first known word.
    first: i64,
    /// How many words are known, the first and last perhaps in part.
    known: usize,
    /// The known cells.
    inner: Range<i64>,
    /// The known words up to the last one that is not empty.
    words: Vec<Word>,
    /// What holds where nothing is known.
    outside: Word,
}

impl Cells {
    /// Returns a set of which nothing is known.
    #[must_use]
    pub const fn unknown() -> Self {
        Self {
            first: 0,
            known: 0,
            inner: 0..0,
            words: Vec::new(),
            outside: UNKNOWN,
        }
    }

    /// Returns all of time.
    #[must_use]
    pub const fn always() -> Self {
        Self {
            first: 0,
            known: 0,
            inner: i64::MIN..i64::MAX,
            words: Vec::new(),
            outside: ALL,
        }
    }

    /// Returns an empty set that is known for [`KNOWN_DAYS`] from a base, which is rounded down to
    /// a word.
    #[must_use]
    pub fn empty_from(base: Micros) -> Self {
        let first = word_of(cell_of(base));
        Self {
            first,
            known: usize::try_from(KNOWN_WORDS).unwrap_or(0),
            inner: first * WORD_CELLS..(first + KNOWN_WORDS) * WORD_CELLS,
            ..Self::unknown()
        }
    }

    /// Returns what an ascending, disjoint list holds of a window, such as opening hours. Only the
    /// cells that lie in the window are known, and none beyond [`KNOWN_DAYS`] from its start.
    #[must_use]
    pub fn of(window: Slot, set: &[Slot]) -> Self {
        let inner = covered(window);
        if inner.is_empty() {
            return Self::unknown();
        }
        let mut cells = Self::empty_from(window.start());
        let needed = word_of(inner.end - 1) + 1 - cells.first;
        cells.known = usize::try_from(needed.min(KNOWN_WORDS)).unwrap_or(0);
        let (begin, end) = (cells.first * WORD_CELLS, cells.end());
        cells.inner = inner.start..inner.end.min(end);
        cells.write(begin..end, set.iter().filter_map(|s| s.intersect(window)));
        for beyond in [begin..inner.start, inner.end.min(end)..end] {
            cells.each(&beyond, true, |word, mask| {
                word.touched |= mask;
                word.covered &= !mask;
            });
        }
        cells
    }

    /// Returns the whole cells that a slot touches as a slot, as far as they are known.
    pub(crate) fn around(&self, slot: Slot) -> Option<Slot> {
        let range = touched(slot);
        let begin = range.start.max(self.first * WORD_CELLS);
        Slot::new(instant(begin), instant(range.end.min(self.end())))
    }

    /// Replaces what the set holds of a window made of whole known cells, as
    /// [`around`](Self::around) returns them, by slots within it, which are ascending with gaps
    /// between.
    pub(crate) fn put(&mut self, window: Slot, set: &[Slot]) {
        let known = self.first * WORD_CELLS..self.end();
        let range = touched(window);
        let range = range.start.max(known.start)..range.end.min(known.end);
        self.write(range, set.iter().copied());
        while self.words.last() == Some(&EMPTY) {
            self.words.pop();
        }
    }

    /// Returns true if every cell of a range is covered.
    pub(crate) fn covers(&self, cells: &Range<i64>) -> bool {
        words(cells).all(|number| mask(number, cells) & !self.word(number).covered == 0)
    }

    fn knows(&self, cells: &Range<i64>) -> bool {
        self.inner.start <= cells.start && cells.end <= self.inner.end
    }

    /// The first cell after the known words.
    fn end(&self) -> i64 {
        let known = i64::try_from(self.known).unwrap_or(0);
        (self.first + known) * WORD_CELLS
    }

    fn write(&mut self, range: Range<i64>, set: impl Iterator<Item = Slot>) {
        self.each(&range, false, |word, mask| {
            word.touched &= !mask;
            word.covered &= !mask;
        });
        for slot in set {
            let clip = |cells: Range<i64>| cells.start.max(range.start)..cells.end.min(range.end);
            self.each(&clip(touched(slot)), true, |word, mask| {
                word.touched |= mask;
            });
            self.each(&clip(covered(slot)), true, |word, mask| {
                word.covered |= mask;
            });
        }
    }

    /// Changes the words of a range of known cells; without `grow` only those that are stored.
    fn each(&mut self, range: &Range<i64>, grow: bool, change: impl Fn(&mut Word, u64)) {
        if range.is_empty() {
            return;
        }
        let last = word_of(range.end - 1);
        for number in word_of(range.start)..=last {
            let Ok(at) = usize::try_from(number - self.first) else {
                continue;
            };
            if grow && at >= self.words.len() {
                self.words.resize(at + 1, EMPTY);
            }
            match self.words.get_mut(at) {
                Some(word) => change(word, mask(number, range)),
                None => return,
            }
        }
    }

    fn word(&self, number: i64) -> Word {
        match usize::try_from(number - self.first) {
            Ok(at) if at < self.known => self.words.get(at).copied().unwrap_or(EMPTY),
            _ => self.outside,
        }
    }
}

/// The time that is open and not full, from both sides.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Room<'a> {
    /// When the instrument is open.
    pub(crate) open: &'a Cells,
    /// When it is full.
    pub(crate) full: &'a Cells,
}

/// Which cells of a [`Room`] a search goes through.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Through {
    /// All that may have room, perhaps only in part.
    Possible,
    /// Those that certainly have room all along.
    Certain,
}

impl Room<'_> {
    /// Returns the bits around a cell, so that they are in the processor's cache from then on.
    pub(crate) fn peek(&self, cell: i64) -> u64 {
        self.possible(word_of(cell))
    }

    /// Returns the first of so many neighbouring cells in a range that a search may go through.
    pub(crate) fn first_run(
        &self,
        through: Through,
        cells: &Range<i64>,
        length: i64,
    ) -> Option<i64> {
        let mut carried = 0;
        for number in words(cells) {
            let bits = self.bits(through, number) & mask(number, cells);
            let head = i64::from(bits.trailing_ones());
            if carried + head >= length {
                return Some(number * WORD_CELLS - carried);
            }
            if head == WORD_CELLS {
                carried += WORD_CELLS;
                continue;
            }
            if let Some(at) = run_within(bits, length) {
                return Some(number * WORD_CELLS + at);
            }
            carried = i64::from(bits.leading_ones());
        }
        None
    }

    /// Returns the first cell of a range that a search may not go through, or the end of the range.
    pub(crate) fn run_end(&self, through: Through, cells: &Range<i64>) -> i64 {
        let blocked = |number| mask(number, cells) & !self.bits(through, number);
        let mut ends = words(cells).map(|number| (number, blocked(number)));
        let end = ends.find(|(_, bits)| *bits != 0);
        end.map_or(cells.end, |(number, bits)| {
            number * WORD_CELLS + i64::from(bits.trailing_zeros())
        })
    }

    /// Returns true if every cell of a range certainly has room.
    pub(crate) fn is_certain(&self, cells: &Range<i64>) -> bool {
        words(cells).all(|number| mask(number, cells) & !self.certain(number) == 0)
    }

    /// Returns true if every cell of a range may have room.
    pub(crate) fn is_possible_all(&self, cells: &Range<i64>) -> bool {
        self.run_end(Through::Possible, cells) == cells.end
    }

    /// Returns true if some cell of a range may have room.
    pub(crate) fn is_possible(&self, cells: &Range<i64>) -> bool {
        words(cells).any(|number| mask(number, cells) & self.possible(number) != 0)
    }

    /// Returns true if each cell of a range is certain to have room all along or none at all.
    pub(crate) fn is_decided(&self, cells: &Range<i64>) -> bool {
        words(cells).all(|number| {
            let doubt = self.possible(number) & !self.certain(number);
            mask(number, cells) & doubt == 0
        })
    }

    /// Returns true if of every cell of a range it is known how much room it has.
    pub(crate) fn is_known(&self, cells: &Range<i64>) -> bool {
        self.open.knows(cells) && self.full.knows(cells)
    }

    fn bits(&self, through: Through, number: i64) -> u64 {
        match through {
            Through::Possible => self.possible(number),
            Through::Certain => self.certain(number),
        }
    }

    fn possible(&self, number: i64) -> u64 {
        self.open.word(number).touched & !self.full.word(number).covered
    }

    fn certain(&self, number: i64) -> u64 {
        self.open.word(number).covered & !self.full.word(number).touched
    }
}

/// Returns the first position of so many ones in a row.
fn run_within(bits: u64, length: i64) -> Option<i64> {
    if length > WORD_CELLS {
        return None;
    }
    // Each step knows where `have` ones begin; two such stretches side by side make twice as many.
    let (mut starts, mut have) = (bits, 1);
    while have < length && starts != 0 {
        let shift = have.min(length - have);
        starts &= starts >> shift;
        have += shift;
    }
    (starts != 0).then(|| i64::from(starts.trailing_zeros()))
}

/// Returns true if an instant or a length is so many whole cells.
pub(crate) fn is_on_grid(us: i64) -> bool {
    us % CELL_US == 0
}

/// Returns how many cells a length fills, the last one perhaps in part.
pub(crate) fn cells_in(length: Span) -> i64 {
    let us = length.get();
    us / CELL_US + i64::from(us % CELL_US != 0)
}

/// Returns the cells that a slot touches.
pub(crate) fn touched(slot: Slot) -> Range<i64> {
    cell_of(slot.start())..ceil_cell(slot.end())
}

/// Returns the cells that lie in a slot: none if the range is reversed.
fn covered(slot: Slot) -> Range<i64> {
    ceil_cell(slot.start())..cell_of(slot.end())
}

/// Returns when a cell begins, within representable time.
pub(crate) fn instant(cell: i64) -> Micros {
    Micros::new(cell.saturating_mul(CELL_US))
}

/// Returns the cell that an instant lies in.
pub(crate) fn cell_of(at: Micros) -> i64 {
    at.get().div_euclid(CELL_US)
}

fn ceil_cell(at: Micros) -> i64 {
    cell_of(at) + i64::from(at.get().rem_euclid(CELL_US) != 0)
}

fn word_of(cell: i64) -> i64 {
    cell.div_euclid(WORD_CELLS)
}

fn words(cells: &Range<i64>) -> Range<i64> {
    if cells.is_empty() {
        return 0..0;
    }
    word_of(cells.start)..word_of(cells.end - 1) + 1
}

/// Returns the bits of a word that lie in a range of cells.
fn mask(number: i64, cells: &Range<i64>) -> u64 {
    let begin = number * WORD_CELLS;
    low(cells.end - begin) & !low(cells.start - begin)
}

/// Returns so many low bits.
fn low(count: i64) -> u64 {
    let missing = (WORD_CELLS - count).clamp(0, WORD_CELLS);
    u32::try_from(missing)
        .ok()
        .and_then(|missing| u64::MAX.checked_shr(missing))
        .unwrap_or(0)
}

#[cfg(test)]
mod tests;
