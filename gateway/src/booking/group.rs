//! A group being judged: committed facts below, what the group did above. Nobody else sees it, and
//! dropping it undoes it.

use std::collections::HashMap;
use std::sync::Arc;

use scheduler::id::{BookingId, ClaimId, InstrumentId, MemberId};
use scheduler::occupancy::{Claim, Holder, LaneMove, Placement};
use scheduler::policy::Policy;
use scheduler::slot::Slot;
use scheduler::time::Micros;

use super::command::{Book, BookOutcome, Cancel, CancelOutcome, Change, ChangeOutcome};
use super::judge::{Wish, judge_wish};
use super::record::{Booking, EventKind, EventRow, KeptAnswer, Later};
use super::shelf::{InstrumentSnapshot, Shelf};
use crate::registry::{Directory, Right};
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
}

impl Group<'_> {
    /// Returns the instrument as the group sees it, for change.
    pub(super) fn held(&mut self, id: InstrumentId) -> Option<&mut InstrumentSnapshot> {
        if !self.touched.contains_key(&id) {
            let snapshot = InstrumentSnapshot::clone(&*self.shelf.instrument(id)?);
            self.touched.insert(id, snapshot);
        }
        self.touched.get_mut(&id)
    }

    /// Looks at the instrument as the group sees it. A wish that is refused leaves no copy behind.
    fn seen<T>(&self, id: InstrumentId, look: impl FnOnce(&InstrumentSnapshot) -> T) -> Option<T> {
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

    pub(super) fn book(&mut self, book: &Book) -> BookOutcome {
        if let Some((key, request)) = &book.idempotency
            && let Some(kept) = self.kept_answer(book.member, key)
        {
            return match self.booking(kept.booking) {
                Some(booking) if kept.request == *request => BookOutcome::Replayed(booking),
                _ => BookOutcome::KeyReused,
            };
        }
        let directory = self.directory;
        let Some(instrument) = directory.instruments.get(&book.instrument) else {
            return BookOutcome::NotFound;
        };
        let (policy, policy_version) = self.policies.of(self.directory, book.instrument);
        let permitted = self.directory.may_somewhere(book.member, Right::Book);
        let (now, slot) = (self.now, book.slot);
        let wish = Wish {
            instrument,
            policy: &policy,
            permitted,
            slot,
            now,
            held: None,
        };
        let placement = match self.seen(book.instrument, |held| judge_wish(held, &wish)) {
            Some(Ok(placement)) => placement,
            Some(Err(refused)) => return BookOutcome::Refused(refused),
            None => return BookOutcome::NotFound,
        };
        let booking = Arc::new(Booking {
            id: BookingId::new(take(&mut self.next.booking)),
            instrument: book.instrument,
            member: book.member,
            lab: instrument.lab,
            slot,
            status: scheduler::booking::Status::Confirmed,
            at_risk: false,
            purpose: book.purpose.as_str().into(),
            project: book.project.as_deref().map(Into::into),
            extras: None,
            created_at: now,
            cancelled_at: Later::NEVER,
            began_at: Later::NEVER,
            finished_at: Later::NEVER,
            due_at: Later::NEVER,
            policy_version,
            version: 1,
        });
        let holder = Holder::Booking(booking.id);
        self.claim_placed(book.instrument, &placement, slot, holder);
        self.put_booking(Arc::clone(&booking), EventKind::Booked);
        if let Some((key, request)) = &book.idempotency {
            self.writes.answers.push(KeptAnswer {
                member: book.member,
                key: key.clone(),
                request: *request,
                booking: booking.id,
                created_at: now,
            });
        }
        BookOutcome::Booked(booking)
    }

    fn kept_answer(&self, member: MemberId, key: &str) -> Option<&KeptAnswer> {
        let mut pending = self.writes.answers.iter();
        pending
            .find(|kept| kept.member == member && kept.key == key)
            .or_else(|| self.answers.get(&(member, key.to_owned())))
    }

    pub(super) fn change(&mut self, change: &Change) -> ChangeOutcome {
        let Some(held) = self.booking(change.booking) else {
            return ChangeOutcome::NotFound;
        };
        if change
            .expected_version
            .is_some_and(|version| version != held.version)
        {
            return ChangeOutcome::Stale(held);
        }
        let slot = change.slot.unwrap_or(held.slot);
        let status = match held.status.change(held.slot, slot, self.now) {
            Ok(status) => status,
            Err(wrong) => return ChangeOutcome::WrongState(wrong),
        };
        let changed = Booking {
            slot,
            status,
            purpose: change
                .purpose
                .as_deref()
                .map_or_else(|| held.purpose.clone(), Into::into),
            version: held.version + 1,
            ..Booking::clone(&held)
        };
        if slot == held.slot {
            self.put_booking(Arc::new(changed), EventKind::Changed);
        } else if let Err(outcome) = self.relocate(&held, changed) {
            return outcome;
        }
        self.booking(change.booking)
            .map_or(ChangeOutcome::NotFound, ChangeOutcome::Changed)
    }

    /// Takes a booking from its slot to another one, if nothing stands against it.
    fn relocate(&mut self, held: &Booking, changed: Booking) -> Result<(), ChangeOutcome> {
        let (directory, now, slot) = (self.directory, self.now, changed.slot);
        let instrument = directory.instruments.get(&held.instrument);
        let instrument = instrument.ok_or(ChangeOutcome::NotFound)?;
        let (policy, policy_version) = self.policies.of(directory, held.instrument);
        let permitted = directory.may_somewhere(held.member, Right::Book);
        let policy = &*policy;
        let wish = Wish {
            instrument,
            policy,
            permitted,
            slot,
            now,
            held: Some(held),
        };
        let judged = self.seen(held.instrument, |snapshot| judge_wish(snapshot, &wish));
        let placement = judged
            .ok_or(ChangeOutcome::NotFound)?
            .map_err(ChangeOutcome::Refused)?;
        self.release(held.instrument, Holder::Booking(held.id));
        let holder = Holder::Booking(held.id);
        self.claim_placed(held.instrument, &placement, slot, holder);
        let changed = Booking {
            policy_version,
            ..changed
        };
        self.put_booking(Arc::new(changed), EventKind::Changed);
        self.settle_outages(held.instrument);
        Ok(())
    }

    pub(super) fn cancel(&mut self, cancel: &Cancel) -> CancelOutcome {
        let Some(held) = self.booking(cancel.booking) else {
            return CancelOutcome::NotFound;
        };
        if cancel
            .expected_version
            .is_some_and(|version| version != held.version)
        {
            return CancelOutcome::Stale(held);
        }
        let status = match held.status.cancel(held.slot, self.now) {
            Ok(status) => status,
            Err(wrong) => return CancelOutcome::WrongState(wrong),
        };
        let cancelled = Arc::new(Booking {
            status,
            at_risk: false,
            cancelled_at: self.now.into(),
            version: held.version + 1,
            ..Booking::clone(&held)
        });
        self.release(held.instrument, Holder::Booking(held.id));
        self.put_booking(Arc::clone(&cancelled), EventKind::Cancelled);
        self.settle_outages(held.instrument);
        CancelOutcome::Cancelled(cancelled)
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

    pub(super) fn put_booking(&mut self, booking: Arc<Booking>, kind: EventKind) {
        let (instrument, id) = (booking.instrument, booking.id);
        let before = self.booking(id);
        let agenda = &mut self.writes.ledger.agenda;
        agenda.follow(before.as_deref(), &booking);
        let project_use = &mut self.writes.ledger.project_use;
        project_use.follow(before.as_deref(), &booking);
        if let Some(held) = self.held(instrument) {
            if booking.status.claims() {
                held.bookings.insert(id, Arc::clone(&booking));
            } else {
                held.bookings.remove(&id);
            }
        }
        self.writes.put_booking(booking);
        self.note(kind, Some(instrument), Some(id.get()));
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
