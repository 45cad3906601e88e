//! Questions about many instruments at once: who is free now, and strips of free and taken steps.
//!
//! What comes in: each instrument's claims and the bits of its opening hours; the exact hours only
//! where bits leave a doubt. What goes out: bits by position, in the order given.

use std::cell::LazyCell;
use std::hint::black_box;

use crate::cells::{Cells, KNOWN_DAYS, Room, touched};
use crate::occupancy::Occupancy;
use crate::slot::{Slot, intersected};
use crate::time::Span;

/// Most steps of a strip; what lies beyond is left out.
pub const STEPS_MAX: usize = 4_096;

/// Instruments whose bits are fetched from memory together.
const GROUP: usize = 32;

/// One bit for each of a number of things.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Bits {
    len: usize,
    words: Vec<u64>,
}

impl Bits {
    /// Returns how many things there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.len
    }

    /// Returns true if there is nothing.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Returns how many bits are set.
    #[must_use]
    pub fn count(&self) -> usize {
        let ones = |word: &u64| usize::try_from(word.count_ones()).unwrap_or(0);
        self.words.iter().map(ones).sum()
    }

    /// Returns one bit; false beyond the end.
    #[must_use]
    pub fn get(&self, at: usize) -> bool {
        let word = self.words.get(at / 64).copied().unwrap_or(0);
        word >> (at % 64) & 1 == 1
    }

    /// Returns the positions of the set bits, ascending.
    pub fn ones(&self) -> impl Iterator<Item = usize> {
        (0..self.len).filter(|at| self.get(*at))
    }

    /// Returns the bits in words, the first one lowest; unused bits are 0.
    #[must_use]
    pub fn words(&self) -> &[u64] {
        &self.words
    }

    fn push(&mut self, bit: bool) {
        let at = self.len % 64;
        if at == 0 {
            self.words.push(0);
        }
        if let Some(word) = self.words.last_mut() {
            *word |= u64::from(bit) << at;
        }
        self.len += 1;
    }
}

/// Returns which instruments are open and free all along a slot, such as the next two hours.
///
/// `is_open` is asked with the position of an instrument, and only if its bits leave a doubt about
/// its hours. Costs a few nanoseconds for each instrument and 16 hours.
pub fn free_for<'a>(
    slot: Slot,
    instruments: impl IntoIterator<Item = (&'a Occupancy, &'a Cells)>,
    is_open: impl Fn(usize) -> bool,
) -> Bits {
    let cells = touched(slot);
    let few = slot.len() <= Span::days(KNOWN_DAYS);
    let mut free = Bits::default();
    let mut rest = instruments.into_iter().map(|(occupancy, open)| {
        let full = occupancy.full_cells();
        (occupancy, Room { open, full })
    });
    let mut group = Vec::with_capacity(GROUP);
    loop {
        // Bits are in no cache when the fleet is large: all reads of a group come before the first
        // branch that waits for one.
        group.extend(rest.by_ref().take(GROUP));
        let bits = group.iter().map(|(_, room)| room.peek(cells.start));
        black_box(bits.fold(0, |all, bits| all ^ bits));
        if group.is_empty() {
            return free;
        }
        for (occupancy, room) in group.drain(..) {
            // The order matters: bits first, the claims next, the calendar last.
            let is_free = room.is_certain(&cells)
                || ((!few || room.is_possible_all(&cells))
                    && occupancy.full(slot).is_empty()
                    && ((few && room.open.covers(&cells)) || is_open(free.len())));
            free.push(is_free);
        }
    }
}

/// One instrument's steps.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Strip {
    /// Steps that are open and free all along.
    pub free: Bits,
    /// Steps of which some is open and free: those above and more.
    pub partly: Bits,
}

/// Returns how free each step of a window is, the last one cut at the window's end; none for steps
/// of no length.
///
/// `opening` gives the exact hours of the window, ascending and disjoint; it is asked at most once,
/// and only if the bits leave a doubt. Costs a few nanoseconds for each step.
pub fn strip(
    (occupancy, open): (&Occupancy, &Cells),
    window: Slot,
    step: Span,
    opening: impl FnOnce() -> Vec<Slot>,
) -> Strip {
    let full = occupancy.full_cells();
    let room = Room { open, full };
    let exact = LazyCell::new(|| intersected(&opening(), &occupancy.free(window)));
    let first_free = |at: Slot| {
        let next = exact.partition_point(|slot| slot.end() <= at.start());
        exact.get(next).and_then(|slot| slot.intersect(at))
    };
    let mut strip = Strip {
        free: Bits::default(),
        partly: Bits::default(),
    };
    for at in steps(window, step) {
        let cells = touched(at);
        let (all, some) = if room.is_certain(&cells) {
            (true, true)
        } else if !room.is_possible(&cells) {
            (false, false)
        } else if room.is_decided(&cells) {
            // The step has a part of each cell that it touches.
            (false, true)
        } else {
            let first = first_free(at);
            (first == Some(at), first.is_some())
        };
        strip.free.push(all);
        strip.partly.push(some);
    }
    strip
}

fn steps(window: Slot, step: Span) -> impl Iterator<Item = Slot> {
    let mut from = window.start();
    let next = move || {
        let slot = Slot::new(from, (from + step).min(window.end()))?;
        from = slot.end();
        Some(slot)
    };
    std::iter::from_fn(next).take(STEPS_MAX)
}

#[cfg(test)]
mod tests;
