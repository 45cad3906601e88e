//! Slots kept for a while: for a member who fills in a form, and for one who may still take a
//! cancellation back.

use std::sync::Arc;

use scheduler::booking::{Status, WrongState};
use scheduler::facts::SetAside;
use scheduler::id::{BookingId, HoldId, InstrumentId, MemberId};
use scheduler::occupancy::Holder;
use scheduler::policy::{InForce, WaitlistTerms};
use scheduler::slot::Slot;
use scheduler::time::Span;

use super::asking::Asked;
use super::command::Refused;
use super::group::Group;
use super::judge::{HOLD_TERMS, Placed, judge_hold};
use super::making::Judged;
use super::record::{Booking, EventKind, Hold, Later, PenaltyReason};

/// How freed slots are handed on where no rule says it.
pub(super) const WAITLIST_TERMS: WaitlistTerms = WaitlistTerms {
    offer: Span::minutes(15),
    undo: Span::minutes(5),
};

const NOTHING_SET_ASIDE: &[SetAside] = &[];

/// Keeps a slot for some minutes while a form is filled in.
#[derive(Debug, Clone, Copy)]
pub struct PlaceHold {
    /// What.
    pub instrument: InstrumentId,
    /// For whom.
    pub member: MemberId,
    /// When.
    pub slot: Slot,
}

/// What became of it.
#[derive(Debug, Clone)]
pub enum HoldOutcome {
    /// It is kept.
    Held(Arc<Hold>),
    /// Rules or claims stand against it.
    Refused(Refused),
    /// There is no such instrument.
    NotFound,
}

/// Lets a hold go.
#[derive(Debug, Clone, Copy)]
pub struct LetGo {
    /// Which.
    pub hold: HoldId,
    /// Whose it must be.
    pub member: MemberId,
}

/// What became of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LetGoOutcome {
    /// It claims nothing any more.
    Gone,
    /// The member has no such hold.
    NotFound,
}

/// Takes a cancellation back.
#[derive(Debug, Clone, Copy)]
pub struct Restore {
    /// Which booking.
    pub booking: BookingId,
    /// Whose it must be.
    pub member: MemberId,
}

/// What became of it.
#[derive(Debug, Clone)]
pub enum RestoreOutcome {
    /// The booking is again what it was.
    Restored(Arc<Booking>),
    /// The undo time is over, or somebody else gave it up.
    TooLate,
    /// It is not cancelled, or over.
    WrongState(WrongState),
    /// The place has been taken, or rules that count the member's bookings refuse it by now.
    Refused(Refused),
    /// The member has no such booking.
    NotFound,
}

impl Group<'_> {
    pub(super) fn place_hold(&mut self, asked: &PlaceHold) -> HoldOutcome {
        let PlaceHold {
            instrument,
            member,
            slot,
        } = *asked;
        let wish = Asked {
            instrument,
            member,
            slot,
            project: None,
            held: None,
            set_aside: NOTHING_SET_ASIDE,
        };
        let Some(Judged { outcome, .. }) = self.judged_by(&wish, judge_hold) else {
            return HoldOutcome::NotFound;
        };
        let Placed {
            placement, claim, ..
        } = match outcome {
            Ok(placed) => placed,
            Err(refused) => return HoldOutcome::Refused(refused),
        };
        let terms = self.in_force(instrument, member).hold.unwrap_or(HOLD_TERMS);
        let hold = Hold {
            id: HoldId::new(self.writes.ledger.holds.next_id()),
            instrument,
            member,
            slot,
            undoes: None,
            undoes_to: None,
            created_at: self.now,
            expires_at: (self.now + terms.length).min(slot.end()),
        };
        self.claim_placed(instrument, &placement, claim, Holder::Hold(hold.id));
        self.writes.ledger.put_hold(hold.clone());
        self.note(EventKind::Claimed, Some(instrument), Some(hold.id.get()));
        HoldOutcome::Held(Arc::new(hold))
    }

    pub(super) fn let_go(&mut self, asked: &LetGo) -> LetGoOutcome {
        let held = self.writes.ledger.holds.get(asked.hold.get());
        if !held.is_some_and(|hold| hold.member == asked.member && hold.undoes.is_none()) {
            return LetGoOutcome::NotFound;
        }
        self.end_hold(asked.hold);
        LetGoOutcome::Gone
    }

    /// Lets the member who gave an own booking up take that back for a while. Who waits for the slot is
    /// asked after that; if nobody does, it is free at once. To be called when its claim has been
    /// released, with the booking as it was.
    pub(super) fn keep_for_undo(&mut self, held: &Booking) {
        let terms = self.in_force(held.instrument, held.member).waitlist;
        let undo = terms.unwrap_or(WAITLIST_TERMS).undo;
        if undo == Span::default() {
            return self.offer_freed(held.instrument, held.slot);
        }
        let id = HoldId::new(self.writes.ledger.holds.next_id());
        self.writes.ledger.put_hold(Hold {
            id,
            instrument: held.instrument,
            member: held.member,
            slot: held.slot,
            undoes: Some(held.id),
            undoes_to: Some(held.status),
            created_at: self.now,
            expires_at: (self.now + undo).min(held.slot.end()),
        });
        if self.is_waited_for(held.instrument, held.slot) {
            self.claim_for_undo(id, held);
        }
    }

    fn claim_for_undo(&mut self, id: HoldId, held: &Booking) {
        let buffers = self.in_force(held.instrument, held.member).buffers;
        let claim = buffers.claim(held.slot);
        let placed = self.seen(held.instrument, |held| held.occupancy.place(claim));
        // An outage may have it by now: then nobody else gets it either.
        if let Some(Ok(placement)) = placed {
            self.claim_placed(held.instrument, &placement, claim, Holder::Hold(id));
        }
    }

    pub(super) fn restore(&mut self, asked: &Restore) -> RestoreOutcome {
        let held = self.booking(asked.booking);
        let Some(held) = held.filter(|held| held.member == asked.member) else {
            return RestoreOutcome::NotFound;
        };
        if held.status != Status::Cancelled {
            return RestoreOutcome::WrongState(WrongState::Is(held.status));
        }
        let undo = self.writes.ledger.undo_of(held.id, self.now).cloned();
        let Some((undo, was)) = undo.and_then(|undo| Some((Arc::clone(&undo), undo.undoes_to?)))
        else {
            return RestoreOutcome::TooLate;
        };
        let restored = held
            .status
            .restore(was, held.slot, undo.expires_at, self.now);
        let status = match restored {
            Ok(status) => status,
            Err(wrong) => return RestoreOutcome::WrongState(wrong),
        };
        self.all_or_nothing(&[held.instrument], |group| {
            group.writes.ledger.remove_hold(undo.id);
            group.release(held.instrument, Holder::Hold(undo.id));
            group.settle_outages(held.instrument);
            group.bring_back(&held, status)
        })
        .unwrap_or_else(|outcome| outcome)
    }

    /// Puts a cancelled booking back where it was. Rules that count the member's bookings judge it,
    /// else one could cancel, book elsewhere and take the first back.
    fn bring_back(
        &mut self,
        held: &Booking,
        status: Status,
    ) -> Result<RestoreOutcome, RestoreOutcome> {
        let asked = Asked {
            instrument: held.instrument,
            member: held.member,
            slot: held.slot,
            project: held.charged_to(),
            held: Some(held),
            set_aside: NOTHING_SET_ASIDE,
        };
        let judged = self.judged(&asked).ok_or(RestoreOutcome::NotFound)?;
        let placed = judged.outcome.map_err(RestoreOutcome::Refused)?;
        let restored = Booking {
            status,
            cancelled_at: Later::NEVER,
            policy_version: judged.policy_version,
            version: held.version + 1,
            ..Booking::clone(held)
        };
        let restored = Arc::new(restored);
        let holder = Holder::Booking(held.id);
        self.claim_placed(held.instrument, &placed.placement, placed.claim, holder);
        let restored = self.put_booking(restored, EventKind::Changed);
        self.settle_outages(held.instrument);
        self.forgive_late_cancellation(held);
        let restored = self.booking(held.id).unwrap_or(restored);
        Ok(RestoreOutcome::Restored(restored))
    }

    /// Takes back what the cancellation cost; what a late move before it cost stays.
    fn forgive_late_cancellation(&mut self, cancelled: &Booking) {
        let given = self.writes.ledger.penalties.iter();
        let late = PenaltyReason::LateCancellation;
        let given = given.filter(|given| {
            given.booking == cancelled.id
                && given.reason == late
                && Some(given.at) == cancelled.cancelled_at.get()
        });
        let given: Vec<i64> = given.map(|given| given.id).collect();
        for id in given {
            self.writes.ledger.penalties.remove(id);
        }
    }

    /// Returns the merged rules of an instrument for a member.
    pub(super) fn in_force(&mut self, instrument: InstrumentId, member: MemberId) -> InForce {
        let directory = self.directory;
        let Some(found) = directory.instruments.get(&instrument) else {
            return InForce::default();
        };
        let (policy, _) = self.policies.of(directory, instrument);
        policy.in_force(directory.class_of(member, found))
    }
}
