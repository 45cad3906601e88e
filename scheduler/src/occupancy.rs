//! Who holds an instrument when: claims by lane, in memory.
//!
//! An instrument of capacity c has lanes 0 to c - 1, each a sorted list of disjoint claims. The
//! database guards the same claims a second time.
//!
//! Room is counted, not looked for lane by lane: a slot fits if fewer than c claims run at every
//! instant of it. When no single lane is free all along, claims connected with the slot change
//! lanes ([`Placement::moves`]), which always succeeds; so what is shown as free can be booked.
//! Lowering the capacity drops nothing: claims on lanes above it stay, and count.
//!
//! An index on quarter hours is kept in step with the claims, so that searches over many
//! instruments read bits; see [`Occupancy::index_from`].

mod relane;

use crate::cells::Cells;
use crate::id::{BookingId, ClaimId, HoldId, OfferId, OutageId};
use crate::slot::{Slot, complement};
use crate::time::Micros;

/// A lane of an instrument, from 0.
pub type Lane = u8;

/// What holds a claim.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Holder {
    /// A booking.
    Booking(BookingId),
    /// An outage; it claims all lanes.
    Outage(OutageId),
    /// A hold, until it expires.
    Hold(HoldId),
    /// An offer to somebody on the waitlist, until it expires.
    Offer(OfferId),
}

/// A held stretch of one lane.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Claim {
    /// The row of the occupancy table.
    pub id: ClaimId,
    /// The lane.
    pub lane: Lane,
    /// The time.
    pub slot: Slot,
    /// Who holds it.
    pub holder: Holder,
}

/// A place for a new claim, good until the occupancy changes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Placement {
    /// The lane of the new claim.
    pub lane: Lane,
    /// Claims that must change lanes before it is inserted; empty at capacity 1.
    pub moves: Vec<LaneMove>,
}

/// A claim that goes to another lane.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LaneMove {
    /// The claim as it stands.
    pub claim: Claim,
    /// Where it goes.
    pub to: Lane,
}

/// The claims of one instrument.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Occupancy {
    /// Sorted by start, disjoint in each lane. Lanes beyond the capacity hold claims of a time
    /// when there were more; they are kept and take no new ones.
    lanes: Vec<Vec<Claim>>,
    capacity: usize,
    /// When all lanes are taken.
    full: Cells,
}

impl Occupancy {
    /// Returns an instrument without claims.
    ///
    /// # Panics
    /// If the capacity is 0.
    #[must_use]
    pub fn new(capacity: u8) -> Self {
        assert!(
            capacity > 0,
            "an instrument holds at least one booking at a time"
        );
        let capacity = usize::from(capacity);
        Self {
            lanes: vec![Vec::new(); capacity],
            capacity,
            full: Cells::unknown(),
        }
    }

    /// Indexes the claims from a base on, for [`KNOWN_DAYS`](crate::cells::KNOWN_DAYS). Before the
    /// first call nothing is indexed and every search reads the claims: equal answers, dearer. Call
    /// it for a new instrument and again as time goes on; costs a walk over the claims.
    pub fn index_from(&mut self, base: Micros) {
        self.full = Cells::empty_from(base);
        self.index(all_time());
    }

    /// Returns when there is no room, on quarter hours: what [`full`](Self::full) returns, touches
    /// no cell that this does not, and covers every cell that this does.
    #[must_use]
    pub fn full_cells(&self) -> &Cells {
        &self.full
    }

    /// Brings the index up to date where a claim came or went.
    fn index(&mut self, changed: Slot) {
        if let Some(window) = self.full.around(changed) {
            let full = self.full(window);
            self.full.put(window, &full);
        }
    }

    /// Changes the capacity. Lowering drops nothing; lanes above it stop taking claims.
    ///
    /// # Panics
    /// If the capacity is 0.
    pub fn set_capacity(&mut self, capacity: u8) {
        assert!(
            capacity > 0,
            "an instrument holds at least one booking at a time"
        );
        self.capacity = usize::from(capacity);
        if self.lanes.len() < self.capacity {
            self.lanes.resize(self.capacity, Vec::new());
        }
        self.index(all_time());
    }

    /// Gives back what the lists have in reserve, for a snapshot that is only read.
    pub fn shrink(&mut self) {
        self.lanes.iter_mut().for_each(Vec::shrink_to_fit);
    }

    /// Returns the capacity, at least 1.
    #[must_use]
    pub fn capacity(&self) -> usize {
        self.capacity
    }

    /// Finds the lane for a slot: the lowest that is free all along, or one that becomes free by
    /// moves.
    ///
    /// Costs `O(c log n)`; with moves the size of the group of claims that are connected.
    ///
    /// # Errors
    /// Gives the claims that leave no room, ascending by start and lane.
    pub fn place(&self, wanted: Slot) -> Result<Placement, Vec<Claim>> {
        let full = self.full(wanted);
        if !full.is_empty() {
            let mut conflicts = self.within(wanted);
            conflicts.retain(|claim| full.iter().any(|part| part.overlaps(claim.slot)));
            return Err(conflicts);
        }
        match self.free_lane(wanted) {
            Some(lane) => Ok(Placement {
                lane,
                moves: Vec::new(),
            }),
            None => Ok(self.place_by_moves(wanted)),
        }
    }

    /// Puts claims on other lanes, all at once.
    ///
    /// # Panics
    /// If the moves are not from a placement of this occupancy as it stands.
    pub fn relane(&mut self, moves: &[LaneMove]) {
        for LaneMove { claim, .. } in moves {
            let at = self
                .lanes
                .get_mut(usize::from(claim.lane))
                .and_then(|claims| {
                    let at = claims.iter().position(|held| held == claim)?;
                    Some(claims.remove(at))
                });
            at.expect("moves name claims as they stand");
        }
        for &LaneMove { claim, to } in moves {
            let put = self.insert(Claim { lane: to, ..claim });
            put.expect("the moves of a placement leave every lane disjoint");
        }
    }

    /// Returns the lowest lane that takes claims and is free for the whole slot. None does not mean
    /// that there is no room: it may take moves.
    fn free_lane(&self, wanted: Slot) -> Option<Lane> {
        let mut open = self.lanes.iter().take(self.capacity);
        let lane = open.position(|claims| overlapping(claims, wanted).is_empty())?;
        Lane::try_from(lane).ok()
    }

    /// Returns the claims that leave no room for the slot, ascending by start and lane; none if it
    /// fits.
    #[must_use]
    pub fn conflicts(&self, wanted: Slot) -> Vec<Claim> {
        self.place(wanted).err().unwrap_or_default()
    }

    /// Adds a claim.
    ///
    /// # Errors
    /// Gives the claim back with the one it overlaps in its lane; nothing has changed then.
    pub fn insert(&mut self, claim: Claim) -> Result<(), (Claim, Claim)> {
        let lane = usize::from(claim.lane);
        if self.lanes.len() <= lane {
            self.lanes.resize(lane + 1, Vec::new());
        }
        let Some(claims) = self.lanes.get_mut(lane) else {
            return Ok(());
        };
        if let Some(held) = overlapping(claims, claim.slot).first() {
            return Err((claim, *held));
        }
        let at = claims.partition_point(|held| held.slot < claim.slot);
        claims.insert(at, claim);
        self.index(claim.slot);
        Ok(())
    }

    /// Removes the claims of a holder and returns them.
    pub fn remove(&mut self, holder: Holder) -> Vec<Claim> {
        let mut removed = Vec::new();
        for claims in &mut self.lanes {
            claims.retain(|claim| {
                let stays = claim.holder != holder;
                if !stays {
                    removed.push(*claim);
                }
                stays
            });
        }
        for claim in &removed {
            self.index(claim.slot);
        }
        removed
    }

    /// Returns all claims, lane by lane.
    pub fn claims(&self) -> impl Iterator<Item = &Claim> {
        self.lanes.iter().flatten()
    }

    /// Returns the claims that share time with a window, ascending by start and lane.
    #[must_use]
    pub fn within(&self, window: Slot) -> Vec<Claim> {
        let lanes = self.lanes.iter();
        let mut found: Vec<Claim> = lanes
            .flat_map(|claims| overlapping(claims, window))
            .copied()
            .collect();
        found.sort_unstable_by_key(|claim| (claim.slot, claim.lane));
        found
    }

    /// Returns when there is room for one more within a window: ascending, disjoint, joined.
    #[must_use]
    pub fn free(&self, window: Slot) -> Vec<Slot> {
        complement(window, &self.full(window))
    }

    /// Returns when there is no room within a window, all that is not [`free`](Self::free):
    /// ascending, disjoint, joined, clipped to the window.
    #[must_use]
    pub fn full(&self, window: Slot) -> Vec<Slot> {
        let mut steps: Vec<(Micros, isize)> = Vec::new();
        for claim in self
            .lanes
            .iter()
            .flat_map(|claims| overlapping(claims, window))
        {
            if let Some(held) = claim.slot.intersect(window) {
                steps.extend([(held.start(), 1), (held.end(), -1)]);
            }
        }
        steps.sort_unstable();
        let (mut running, mut since) = (0_usize, window.start());
        let mut full: Vec<Slot> = Vec::new();
        for (at, step) in steps {
            if running >= self.capacity {
                extend(&mut full, since, at);
            }
            running = running.saturating_add_signed(step);
            since = at;
        }
        full
    }

    /// Returns the gaps of each lane that takes claims, within a window: what an outage claims.
    #[must_use]
    pub fn free_by_lane(&self, window: Slot) -> Vec<Vec<Slot>> {
        let gaps = |claims: &Vec<Claim>| {
            let held: Vec<Slot> = overlapping(claims, window)
                .iter()
                .map(|claim| claim.slot)
                .collect();
            complement(window, &held)
        };
        self.lanes.iter().take(self.capacity).map(gaps).collect()
    }

    /// Returns the claims that hold at an instant.
    pub fn at(&self, instant: Micros) -> impl Iterator<Item = &Claim> {
        self.lanes.iter().filter_map(move |claims| {
            let next = claims.partition_point(|claim| claim.slot.start() <= instant);
            claims
                .get(next.checked_sub(1)?)
                .filter(|claim| claim.slot.contains(instant))
        })
    }

    /// Returns the first instant after the given one at which a claim begins or ends.
    #[must_use]
    pub fn next_edge(&self, after: Micros) -> Option<Micros> {
        let edge = |claims: &Vec<Claim>| {
            let next = claims.partition_point(|claim| claim.slot.end() <= after);
            let slot = claims.get(next)?.slot;
            Some(if slot.start() > after {
                slot.start()
            } else {
                slot.end()
            })
        };
        self.lanes.iter().filter_map(edge).min()
    }
}

fn all_time() -> Slot {
    let (first, last) = (Micros::new(i64::MIN), Micros::new(i64::MAX));
    Slot::new(first, last).expect("time runs forward")
}

/// Returns the claims of a lane that share time with a slot. Claims are disjoint and sorted, so
/// they are neighbours: two binary searches find them.
fn overlapping(claims: &[Claim], wanted: Slot) -> &[Claim] {
    let from = claims.partition_point(|claim| claim.slot.end() <= wanted.start());
    let to = claims.partition_point(|claim| claim.slot.start() < wanted.end());
    claims.get(from..to).unwrap_or(&[])
}

/// Appends a stretch to an ascending list and joins it with the last one if they abut.
fn extend(slots: &mut Vec<Slot>, from: Micros, to: Micros) {
    let start = match slots.last() {
        Some(last) if last.end() == from => last.start(),
        _ => from,
    };
    if let Some(slot) = Slot::new(from, to).and(Slot::new(start, to)) {
        if start != from {
            slots.pop();
        }
        slots.push(slot);
    }
}

#[cfg(test)]
mod tests;
