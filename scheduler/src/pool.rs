//! The earliest slots over many instruments: which of them could take me first?
//!
//! What comes in: candidates with their bits, a question, and an [`Admission`] that knows the exact
//! rules. What goes out: the best slots in order, and why the others cannot. The bits decide where
//! they are certain; where they are not, the exact lists are asked about a short window. Each slot
//! that ranks among the best so far shortens the search of the candidates after it.
//! Deliberately not here: the rules themselves.
//!
//! The answer is that of a plain search over every begin of every candidate, whatever the order of
//! the candidates: earlier begins first, then shorter distance, then less use, then the lower
//! identity.

use std::hint::black_box;

use crate::cells::{
    Cells, KNOWN_DAYS, Room, Through, cell_of, cells_in, instant, is_on_grid, touched,
};
use crate::id::InstrumentId;
use crate::occupancy::Occupancy;
use crate::slot::Slot;
use crate::starts::Starts;
use crate::time::{Micros, Span};

/// Most refused slots of one candidate before it counts as refused for good: every quarter hour of
/// 41 days.
pub const REFUSED_MAX: usize = 4_000;

/// Candidates whose bits are fetched from memory together.
const GROUP: usize = 32;

/// An instrument that might do.
#[derive(Debug, Clone, Copy)]
pub struct Candidate<'a> {
    /// The instrument; the last of the ranks.
    pub instrument: InstrumentId,
    /// Its claims with their index.
    pub occupancy: &'a Occupancy,
    /// When it is open; shared by all instruments of the same hours and zone.
    pub open: &'a Cells,
    /// When a slot of the wanted length may begin within the window, if that is known; without it
    /// every slot comes from [`Admission::exact`].
    pub starts: Option<Starts>,
    /// Whether [`Admission::exact`] may answer with a slot that is longer than asked, as where only
    /// whole blocks are booked. Then no end is too late for a slot to be among the best.
    pub may_be_longer: bool,
    /// How far away it is, if both places are known. Unknown ranks last.
    pub distance_m: Option<u32>,
    /// How much it was used lately; the least used is preferred.
    pub used: Span,
}

impl<'a> Candidate<'a> {
    fn room(&self) -> Room<'a> {
        Room {
            open: self.open,
            full: self.occupancy.full_cells(),
        }
    }
}

/// What is looked for.
#[derive(Debug, Clone, Copy)]
pub struct Asked {
    /// Where the slots lie. Of a window longer than [`KNOWN_DAYS`] only that much is searched.
    pub window: Slot,
    /// How long they are. Nothing has room for a length of 0.
    pub length: Span,
    /// How far away at most; then candidates of unknown distance are out of reach.
    pub reach_m: Option<u32>,
    /// How many slots in all.
    pub limit: usize,
    /// How many slots of one instrument, disjoint, each the earliest after the one before.
    pub per_instrument: usize,
    /// Whether each candidate is searched to the end, so that [`Found::excluded`] is complete. Dear
    /// for large pools.
    pub every_reason: bool,
}

/// What a search asks about a candidate beyond its bits.
pub trait Admission {
    /// Why not.
    type Reason;

    /// Returns why no slot of this candidate will do, whenever it is; asked once for each
    /// candidate.
    fn barred(&self, candidate: &Candidate<'_>) -> Option<Exclusion<Self::Reason>>;

    /// Returns the earliest slot of a length (at least) within a window that begins and ends where it may, is
    /// open, and free by the claims themselves. One outside of the window counts as none.
    fn exact(&self, candidate: &Candidate<'_>, window: Slot, length: Span) -> Option<Slot>;

    /// Judges a slot that is open and free.
    ///
    /// # Errors
    /// Gives the reason, and when to look further.
    fn admit(&self, candidate: &Candidate<'_>, slot: Slot) -> Result<(), Refused<Self::Reason>>;
}

/// A slot that is free and yet cannot be had.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refused<R> {
    /// Why.
    pub reason: R,
    /// No slot of this length that begins earlier is admitted; nothing when none ever is.
    pub retry_from: Option<Micros>,
}

/// Why a candidate cannot.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Exclusion<R> {
    /// The member may not book it.
    NotPermitted,
    /// It is farther away than asked for.
    OutOfReach,
    /// Rules refuse every slot that is free; the reason of the first one.
    Rules(R),
    /// It has no free slot of this length in the window.
    NoRoom,
}

/// A slot that can be had.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Offer {
    /// Where.
    pub instrument: InstrumentId,
    /// When.
    pub slot: Slot,
    /// How far away, if known.
    pub distance_m: Option<u32>,
    /// How much the instrument was used lately.
    pub used: Span,
}

/// The outcome of a search.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found<R> {
    /// The best slots, best first.
    pub offers: Vec<Offer>,
    /// Candidates that cannot, in the order given. Those that are barred or out of reach always;
    /// those without room or refused only when every candidate was searched to the end, that is
    /// with [`Asked::every_reason`] or when there were fewer offers than asked for.
    pub excluded: Vec<(InstrumentId, Exclusion<R>)>,
    /// How many candidates are in neither list: they come later, or nobody looked.
    pub later: usize,
}

/// Finds the earliest slots over a pool. Candidates must differ in their identities.
///
/// Costs a few nanoseconds for each candidate and day that has to be looked at, and an
/// [`Admission::admit`] for each slot that would be among the best.
pub fn earliest<A: Admission>(
    asked: &Asked,
    candidates: &[Candidate<'_>],
    admission: &A,
) -> Found<A::Reason> {
    let mut search = Search::new(asked, admission);
    for group in candidates.chunks(GROUP) {
        search.read_ahead(group);
        for candidate in group {
            search.look_at(candidate);
        }
    }
    search.finish(candidates.len())
}

/// The rank of an offer: the smaller the better.
type Rank = (Micros, u32, Span, InstrumentId);

fn rank(slot: Slot, candidate: &Candidate<'_>) -> Rank {
    let distance_m = candidate.distance_m.unwrap_or(u32::MAX);
    let Candidate {
        used, instrument, ..
    } = *candidate;
    (slot.start(), distance_m, used, instrument)
}

struct Search<'a, A: Admission> {
    asked: &'a Asked,
    admission: &'a A,
    from: Micros,
    until: Micros,
    /// Cells of the wanted length.
    cells: i64,
    /// The best so far, best first, at most as many as asked for.
    best: Vec<(Rank, Offer)>,
    excluded: Vec<Verdict<A::Reason>>,
}

struct Verdict<R> {
    instrument: InstrumentId,
    why: Exclusion<R>,
    /// Whether it depends on slots, so that it holds only for those that were searched to the end.
    of_slots: bool,
}

impl<'a, A: Admission> Search<'a, A> {
    fn new(asked: &'a Asked, admission: &'a A) -> Self {
        let from = asked.window.start();
        Self {
            asked,
            admission,
            from,
            until: asked.window.end().min(from + Span::days(KNOWN_DAYS)),
            cells: cells_in(asked.length),
            best: Vec::new(),
            excluded: Vec::new(),
        }
    }

    /// Reads the first bits of a group of candidates. In a large pool they are in no cache, and reads
    /// that do not wait for each other take the time of a few: the search itself branches on every
    /// one. (5,534 candidates: 600 us without, 280 us with it.)
    fn read_ahead(&self, group: &[Candidate<'_>]) {
        let first = cell_of(self.from);
        let bits = group.iter().map(|candidate| candidate.room().peek(first));
        black_box(bits.fold(0, |all, bits| all ^ bits));
    }

    fn look_at(&mut self, candidate: &Candidate<'_>) {
        let far = self
            .asked
            .reach_m
            .is_some_and(|reach_m| candidate.distance_m.is_none_or(|away_m| away_m > reach_m));
        let barred = self.admission.barred(candidate);
        if let Some(why) = barred.or_else(|| far.then_some(Exclusion::OutOfReach)) {
            self.exclude(candidate, why, false);
            return;
        }
        let mut from = self.from;
        for nth in 0..self.asked.per_instrument {
            let until = self.deadline(candidate);
            match self.admitted(candidate, from, until) {
                Ok(slot) => {
                    from = slot.end();
                    self.put(candidate, slot);
                }
                Err(why) => {
                    if nth == 0 && until == self.until {
                        self.exclude(candidate, why, true);
                    }
                    return;
                }
            }
        }
    }

    fn exclude(&mut self, candidate: &Candidate<'_>, why: Exclusion<A::Reason>, of_slots: bool) {
        self.excluded.push(Verdict {
            instrument: candidate.instrument,
            why,
            of_slots,
        });
    }

    /// Returns the instant by which a slot must end to be among the best.
    fn deadline(&self, candidate: &Candidate<'_>) -> Micros {
        let full = self.best.len() >= self.asked.limit && !self.asked.every_reason;
        let bounds = full && !candidate.may_be_longer;
        let Some((worst, _)) = self.best.last().filter(|_| bounds) else {
            return self.until;
        };
        let mine = candidate.distance_m.unwrap_or(u32::MAX);
        let wins_ties = (mine, candidate.used, candidate.instrument) < (worst.1, worst.2, worst.3);
        let begin = if wins_ties {
            worst.0
        } else {
            Micros::new(worst.0.get().saturating_sub(1))
        };
        self.until.min(begin + self.asked.length)
    }

    fn put(&mut self, candidate: &Candidate<'_>, slot: Slot) {
        let rank = rank(slot, candidate);
        let at = self.best.partition_point(|(held, _)| *held < rank);
        let offer = Offer {
            instrument: candidate.instrument,
            slot,
            distance_m: candidate.distance_m,
            used: candidate.used,
        };
        self.best.insert(at, (rank, offer));
        self.best.truncate(self.asked.limit);
    }

    /// Returns the earliest slot that is free and admitted.
    fn admitted(
        &self,
        candidate: &Candidate<'_>,
        mut from: Micros,
        until: Micros,
    ) -> Result<Slot, Exclusion<A::Reason>> {
        let mut first = None;
        for _ in 0..REFUSED_MAX {
            let Some(slot) = self.free(candidate, from, until) else {
                break;
            };
            let Err(refused) = self.admission.admit(candidate, slot) else {
                return Ok(slot);
            };
            first = first.or(Some(refused.reason));
            match refused.retry_from {
                Some(retry) => from = retry.max(Micros::new(slot.start().get().saturating_add(1))),
                None => break,
            }
        }
        Err(first.map_or(Exclusion::NoRoom, Exclusion::Rules))
    }

    /// Returns the earliest slot that is open and free.
    fn free(&self, candidate: &Candidate<'_>, from: Micros, until: Micros) -> Option<Slot> {
        let length = self.asked.length;
        if length.get() == 0 || until - from < length.get() {
            return None;
        }
        let room = candidate.room();
        let mut cells = touched(Slot::new(from, until)?);
        // Slots of whole cells have room if and only if each of their cells has it all along.
        let whole = candidate.starts.is_some_and(Starts::are_on_cells)
            && is_on_grid(length.get())
            && room.is_known(&cells);
        let through = if whole {
            Through::Certain
        } else {
            Through::Possible
        };
        loop {
            let begin = room.first_run(through, &cells, self.cells)?;
            let mut earliest = instant(begin).max(from);
            if let Some(starts) = candidate.starts {
                earliest = starts.at_or_after(earliest)?;
                let slot = Slot::new(earliest, earliest + length)?;
                if slot.end() > until {
                    return None;
                }
                if room.is_certain(&touched(slot)) {
                    return Some(slot);
                }
            }
            // Nothing begins earlier, and no slot reaches over the end of the run.
            cells.start = room.run_end(through, &(begin..cells.end));
            if whole {
                continue;
            }
            let within = Slot::new(earliest, instant(cells.start).min(until));
            let long_enough = within.filter(|window| window.len() >= length);
            let slot = long_enough.and_then(|window| {
                let slot = self.admission.exact(candidate, window, length)?;
                window.covers(slot).then_some(slot)
            });
            if slot.is_some() {
                return slot;
            }
        }
    }

    fn finish(self, candidates: usize) -> Found<A::Reason> {
        let complete = self.asked.every_reason || self.best.len() < self.asked.limit;
        let offers: Vec<Offer> = self.best.into_iter().map(|(_, offer)| offer).collect();
        let holds = |verdict: &Verdict<A::Reason>| complete || !verdict.of_slots;
        let excluded: Vec<_> = (self.excluded.into_iter())
            .filter(holds)
            .map(|verdict| (verdict.instrument, verdict.why))
            .collect();
        let mut offering: Vec<InstrumentId> = offers.iter().map(|offer| offer.instrument).collect();
        offering.sort_unstable();
        offering.dedup();
        Found {
            later: candidates.saturating_sub(offering.len() + excluded.len()),
            offers,
            excluded,
        }
    }
}

#[cfg(test)]
mod tests;
