//! Who holds an instrument when: claims by lane, in memory.
//!
//! An instrument of capacity c has lanes 0 to c - 1, each a sorted list of disjoint claims. The
//! database guards the same claims a second time.

use crate::id::{BookingId, ClaimId, OutageId};
use crate::slot::{Slot, complement, merged};
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

/// The claims of one instrument.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Occupancy {
    /// Sorted by start, disjoint in each lane. Lanes beyond the capacity hold claims of a time
    /// when there were more; they are kept and take no new ones.
    lanes: Vec<Vec<Claim>>,
    capacity: usize,
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
    }

    /// Returns the lowest lane that is free for the whole slot.
    #[must_use]
    pub fn free_lane(&self, wanted: Slot) -> Option<Lane> {
        let mut open = self.lanes.iter().take(self.capacity);
        let lane = open.position(|claims| overlapping(claims, wanted).is_empty())?;
        Lane::try_from(lane).ok()
    }

    /// Returns every claim that shares time with the slot, ascending by start and lane.
    #[must_use]
    pub fn conflicts(&self, wanted: Slot) -> Vec<Claim> {
        let mut found: Vec<Claim> = self
            .lanes
            .iter()
            .flat_map(|claims| overlapping(claims, wanted))
            .copied()
            .collect();
        found.sort_unstable_by_key(|claim| (claim.slot, claim.lane));
        found
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
        removed
    }

    /// Returns all claims, lane by lane.
    pub fn claims(&self) -> impl Iterator<Item = &Claim> {
        self.lanes.iter().flatten()
    }

    /// Returns the claims that share time with a window, ascending by start and lane.
    #[must_use]
    pub fn within(&self, window: Slot) -> Vec<Claim> {
        self.conflicts(window)
    }

    /// Returns when at least one lane is free within a window: ascending, disjoint, joined.
    #[must_use]
    pub fn free(&self, window: Slot) -> Vec<Slot> {
        merged(self.free_by_lane(window).into_iter().flatten().collect())
    }

    /// Returns the gaps of each lane that takes claims, within a window.
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

/// Returns the claims of a lane that share time with a slot. Claims are disjoint and sorted, so
/// they are neighbours: two binary searches find them.
fn overlapping(claims: &[Claim], wanted: Slot) -> &[Claim] {
    let from = claims.partition_point(|claim| claim.slot.end() <= wanted.start());
    let to = claims.partition_point(|claim| claim.slot.start() < wanted.end());
    claims.get(from..to).unwrap_or(&[])
}
