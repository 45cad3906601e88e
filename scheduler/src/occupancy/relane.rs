//! Placing a slot that fits by count although no single lane is free all along.
//!
//! Intervals of which at most c run at once always fit on c lanes when they are laid in order of
//! start: each finds a lane that the ones before it have left.

use super::{Claim, Lane, LaneMove, Occupancy, Placement};
use crate::slot::Slot;
use crate::time::Micros;

impl Occupancy {
    /// Lays the claims connected with the slot anew, in order of start.
    ///
    /// A claim stays on its lane if that is free when it starts, and takes the lowest free one
    /// otherwise. Fewer claims than the capacity run when the slot starts, so its lane is one that
    /// takes claims.
    pub(super) fn place_by_moves(&self, wanted: Slot) -> Placement {
        let group = self.connected(wanted);
        let at = group.partition_point(|claim| claim.slot.start() < wanted.start());
        let (before, after) = group.split_at(at);
        let mut lanes = Lanes::default();
        let mut moves = lanes.lay(before);
        let lane = lanes.take(wanted, None);
        moves.extend(lanes.lay(after));
        Placement { lane, moves }
    }

    /// Returns the claims that touch the slot, those that touch these, and so on, in order of start.
    fn connected(&self, wanted: Slot) -> Vec<Claim> {
        let mut span = wanted;
        loop {
            let group = self.within(span);
            let hull = |span: Slot, claim: &Claim| {
                let start = span.start().min(claim.slot.start());
                Slot::new(start, span.end().max(claim.slot.end())).unwrap_or(span)
            };
            let grown = group.iter().fold(span, hull);
            if grown == span {
                return group;
            }
            span = grown;
        }
    }
}

/// When each lane becomes free, while claims are laid in order of start.
#[derive(Default)]
struct Lanes {
    free_from: Vec<Micros>,
}

impl Lanes {
    /// Lays claims and returns those that end up elsewhere.
    fn lay(&mut self, claims: &[Claim]) -> Vec<LaneMove> {
        let place = |&claim: &Claim| LaneMove {
            claim,
            to: self.take(claim.slot, Some(claim.lane)),
        };
        claims
            .iter()
            .map(place)
            .filter(|step| step.to != step.claim.lane)
            .collect()
    }

    /// Takes the preferred lane if it is free when the slot starts, else the lowest free one.
    fn take(&mut self, slot: Slot, preferred: Option<Lane>) -> Lane {
        let free_from = &self.free_from;
        let is_free = |lane: &Lane| {
            free_from
                .get(usize::from(*lane))
                .is_none_or(|free_from| *free_from <= slot.start())
        };
        let lane = preferred
            .filter(is_free)
            .or_else(|| (0..=Lane::MAX).find(is_free));
        let lane = lane.expect("fewer claims run at one instant than there are lanes");
        let index = usize::from(lane);
        if self.free_from.len() <= index {
            self.free_from.resize(index + 1, slot.start());
        }
        if let Some(free_from) = self.free_from.get_mut(index) {
            *free_from = slot.end();
        }
        lane
    }
}
