//! A group being judged: committed facts below, what the group did above. Nobody else sees it, and
//! dropping it undoes it.

use std::collections::HashMap;
use std::sync::Arc;

use scheduler::id::{BookingId, ClaimId, InstrumentId, MemberId};
use scheduler::occupancy::{Claim, Holder, LaneMove, Placement};
use scheduler::policy::Policy;
use scheduler::slot::Slot;
use scheduler::time::Micros;

use super::record::{Booking, EventKind, EventRow, KeptAnswer, Run};
use super::shelf::{InstrumentSnapshot, Shelf};
use crate::registry::Directory;
use crate::store::Writes;

/// The next identity of each table.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct NextIds {
    pub(super) booking: i64,
    pub(super) outage: i64,
    pub(super) claim: i64,
    pub(super) event: i64,
}

/// Returns a number and moves the counter on.
fn take(counter: &mut i64) -> i64 {
    *counter += 1;
    *counter
}

/// Policies resolved once for each directory.
#[derive(Debug, Default)]
pub(super) struct Policies {
    generation: u64,
    resolved: HashMap<InstrumentId, (Arc<Policy>, i64)>,
}

impl Policies {
    pub(super) fn of(&mut self, directory: &Directory, id: InstrumentId) -> (Arc<Policy>, i64) {
        if self.generation != directory.generation {
            self.generation = directory.generation;
            self.resolved.clear();
        }
        let resolve = || {
            let resolved = directory
                .instruments
                .get(&id)
                .map(|found| directory.policy_of(found));
            let (policy, version) = resolved.unwrap_or_default();
            (Arc::new(policy), version)
        };
        self.resolved.entry(id).or_insert_with(resolve).clone()
    }
}

/// Answers kept for retries, by caller and key.
pub(super) type Answers = HashMap<(MemberId, String), KeptAnswer>;

/// The group.
pub(super) struct Group<'a> {
    pub(super) directory: &'a Directory,
    pub(super) shelf: &'a Shelf,
    pub(super) answers: &'a Answers,
    pub(super) policies: &'a mut Policies,
    pub(super) now: Micros,
    pub(super) next: NextIds,
    pub(super) writes: Writes,
    /// Instruments the group has touched.
    pub(super) touched: HashMap<InstrumentId, InstrumentSnapshot>,
    /// Runs of the past that its commands ask about and that memory does not hold.
    pub(super) past_use: Vec<Arc<Run>>,
    /// Whether it only tells what would become of a command.
    pub(super) is_trial: bool,
}

impl Group<'_> {
    pub(super) fn next_booking(&mut self) -> i64 {
        take(&mut self.next.booking)
    }

    /// Returns the instrument as the group sees it, for change.
    pub(super) fn held(&mut self, id: InstrumentId) -> Option<&mut InstrumentSnapshot> {
        if !self.touched.contains_key(&id) {
            let snapshot = InstrumentSnapshot::clone(&*self.shelf.instrument(id)?);
            self.touched.insert(id, snapshot);
        }
        self.touched.get_mut(&id)
    }

    /// Looks at the instrument as the group sees it. A wish that is refused leaves no copy behind.
    pub(super) fn seen<T>(
        &self,
        id: InstrumentId,
        look: impl FnOnce(&InstrumentSnapshot) -> T,
    ) -> Option<T> {
        match self.touched.get(&id) {
            Some(held) => Some(look(held)),
            None => self.shelf.instrument(id).map(|held| look(&held)),
        }
    }

    /// Returns a booking as the group sees it.
    pub(super) fn booking(&self, id: BookingId) -> Option<Arc<Booking>> {
        let pending = self.writes.bookings_new.get(&id);
        let pending = pending.or_else(|| self.writes.bookings_changed.get(&id));
        pending.cloned().or_else(|| self.shelf.booking(id))
    }

    /// Claims a slot as it was placed: claims that make way change lanes in the same transaction.
    pub(super) fn claim_placed(
        &mut self,
        instrument: InstrumentId,
        placement: &Placement,
        slot: Slot,
        holder: Holder,
    ) {
        if let Some(held) = self.held(instrument) {
            held.occupancy.relane(&placement.moves);
        }
        for LaneMove { claim, to } in &placement.moves {
            self.writes.drop_claim(claim.id);
            self.writes.add_claim(
                instrument,
                Claim {
                    lane: *to,
                    ..*claim
                },
            );
        }
        self.claim(instrument, placement.lane, slot, holder);
    }

    /// Adds a claim to a lane that is free.
    pub(super) fn claim(&mut self, instrument: InstrumentId, lane: u8, slot: Slot, holder: Holder) {
        let claim = Claim {
            id: ClaimId::new(take(&mut self.next.claim)),
            lane,
            slot,
            holder,
        };
        if let Some(held) = self.held(instrument) {
            held.occupancy
                .insert(claim)
                .expect("the lane was found free");
            self.writes.add_claim(instrument, claim);
        }
    }

    pub(super) fn release(&mut self, instrument: InstrumentId, holder: Holder) -> Vec<Claim> {
        let removed = self
            .held(instrument)
            .map(|held| held.occupancy.remove(holder))
            .unwrap_or_default();
        for claim in &removed {
            self.writes.drop_claim(claim.id);
        }
        removed
    }

    /// Keeps a booking and what follows from it, and returns it as it is kept: with the moment at
    /// which it is looked at next.
    pub(super) fn put_booking(&mut self, booking: Arc<Booking>, kind: EventKind) -> Arc<Booking> {
        let (instrument, id) = (booking.instrument, booking.id);
        let booking = self.with_due(booking);
        let before = self.booking(id);
        self.account(before.as_deref(), &booking);
        if let Some(held) = self.held(instrument) {
            if booking.status.claims() {
                held.bookings.insert(id, Arc::clone(&booking));
            } else {
                held.bookings.remove(&id);
            }
        }
        self.writes.put_booking(Arc::clone(&booking));
        self.note(kind, Some(instrument), Some(id.get()));
        booking
    }

    /// Returns a booking with the moment at which it is looked at next.
    pub(super) fn with_due(&mut self, booking: Arc<Booking>) -> Arc<Booking> {
        let due_at = self.looked_at_next(&booking);
        if due_at == booking.due_at {
            return booking;
        }
        Arc::new(Booking {
            due_at,
            ..Booking::clone(&booking)
        })
    }

    /// Adds a row to the event log.
    pub(super) fn note(
        &mut self,
        kind: EventKind,
        instrument: Option<InstrumentId>,
        subject: Option<i64>,
    ) {
        let id = take(&mut self.next.event);
        self.writes.events.push(EventRow {
            id,
            at: self.now,
            kind,
            instrument,
            subject,
        });
    }
}
