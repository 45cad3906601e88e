//! Booking, changing and giving up in a group.

use std::sync::Arc;

use scheduler::booking::Status;
use scheduler::facts::SetAside;
use scheduler::id::{BookingId, MemberId, ProjectId};
use scheduler::occupancy::Holder;
use scheduler::refusal::{Overrider, RuleId};
use scheduler::slot::Slot;
use scheduler::time::{MINUTE_US, Micros, Span};

use super::asking::Asked;
use super::command::{Book, BookOutcome, Cancel, CancelOutcome, Change, ChangeOutcome};
use super::deciding::status_after;
use super::group::Group;
use super::judge::{Manner, Placed};
use super::making::{Judged, Made};
use super::record::{Booking, EventKind, Extras, Hold, KeptAnswer, Later, NoticeKind};

/// What binds members who change their plans, not the lab that changes its own.
pub const LAB_MOVES: &[SetAside] = &[SetAside {
    rule: RuleId::NoticeToMove,
    by: Overrider::RegionAdmin,
}];

impl Group<'_> {
    pub(super) fn book(&mut self, book: &Book) -> BookOutcome {
        if let Some((key, request)) = &book.idempotency
            && let Some(kept) = self.kept_answer(book.made_by.unwrap_or(book.member), key)
        {
            return match self.booking(kept.booking) {
                Some(booking) if kept.request == *request => BookOutcome::Replayed(booking),
                _ => BookOutcome::KeyReused,
            };
        }
        if let Err(faults) = self.answered(&[book.instrument], &book.details) {
            return BookOutcome::Unanswered(faults);
        }
        let hold = self.writes.ledger.hold_for(book).cloned();
        let Some((slot, judged, rules)) = self.judged_book(book, hold.as_deref()) else {
            return BookOutcome::NotFound;
        };
        let placed = match judged.outcome {
            Ok(placed) => placed,
            Err(refused) => return BookOutcome::Refused(refused),
        };
        if book.now && placed.needs_approval {
            return BookOutcome::NotAtOnce;
        }
        if let Some(hold) = &hold {
            self.writes.ledger.remove_hold(hold.id);
            self.release(hold.instrument, Holder::Hold(hold.id));
        }
        let made = Made {
            instrument: book.instrument,
            member: book.member,
            slot,
            purpose: book.purpose.as_str().into(),
            project: book.project.as_deref().map(Into::into),
            extras: Extras {
                details: book.details.clone(),
                made_by: book.made_by,
                ..Extras::default()
            },
        };
        let Some(mut booking) = self.make(made, &placed, judged.policy_version) else {
            return BookOutcome::NotFound;
        };
        self.note_override(booking.id, book.overriding.as_ref(), rules);
        if book.now {
            booking = self.begin_at_once(&booking);
        }
        if let Some(hold) = hold.filter(|hold| !slot.covers(hold.slot)) {
            self.settle_outages(hold.instrument);
            self.offer_freed(hold.instrument, hold.slot);
        }
        let asker = book.made_by.unwrap_or(book.member);
        self.keep_answer(asker, book.idempotency.as_ref(), booking.id);
        BookOutcome::Booked(booking)
    }

    /// Judges a wish to book; what begins at once, from the begin of this minute if that is free,
    /// else from this moment: who was there before may have left within it.
    fn judged_book(
        &mut self,
        book: &Book,
        hold: Option<&Hold>,
    ) -> Option<(Slot, Judged, Vec<String>)> {
        let manner = Manner {
            begins_now: book.now,
            instead_of: hold.map(|hold| Holder::Hold(hold.id)),
        };
        let begins = [minute_of(self.now), self.now];
        let begins = begins.iter().filter(|_| book.now);
        let slots = begins.filter_map(|begin| Slot::new(*begin, book.slot.end()));
        let slots: Vec<Slot> = slots.collect();
        let wanted = slots.first().copied().unwrap_or(book.slot);
        let judged = self.judged_at(book, wanted, manner)?;
        let is_taken = |judged: &Judged| {
            let refused = judged.outcome.as_ref().err();
            refused.is_some_and(|refused| refused.refusals.is_empty())
        };
        match slots.get(1) {
            Some(exact) if is_taken(&judged.0) => {
                let (judged, rules) = self.judged_at(book, *exact, manner)?;
                Some((*exact, judged, rules))
            }
            _ => Some((wanted, judged.0, judged.1)),
        }
    }

    fn judged_at(
        &mut self,
        book: &Book,
        slot: Slot,
        manner: Manner,
    ) -> Option<(Judged, Vec<String>)> {
        let asked = Asked {
            instrument: book.instrument,
            member: book.member,
            slot,
            project: book.details.project.map(ProjectId::new),
            held: None,
            set_aside: &[],
        };
        self.judged_over(&asked, manner, book.overriding.as_ref())
    }

    /// Checks a new booking in.
    fn begin_at_once(&mut self, made: &Arc<Booking>) -> Arc<Booking> {
        let Ok(status) = made.status.check_in(made.slot, Span::default(), self.now) else {
            return Arc::clone(made);
        };
        let begun = Booking {
            status,
            began_at: self.now.into(),
            version: made.version + 1,
            ..made.with_presence(Some(self.now), None)
        };
        let begun = Arc::new(begun);
        self.put_booking(begun, EventKind::Changed)
    }

    pub(super) fn kept_answer(&self, member: MemberId, key: &str) -> Option<&KeptAnswer> {
        let mut pending = self.writes.answers.iter();
        pending
            .find(|kept| kept.member == member && kept.key == key)
            .or_else(|| self.answers.get(&(member, key.to_owned())))
    }

    /// Returns a booking that is to be changed, if it still has the version that is expected.
    pub(super) fn to_change(
        &self,
        booking: BookingId,
        expected_version: Option<i64>,
    ) -> Result<Arc<Booking>, ChangeOutcome> {
        let held = self.booking(booking).ok_or(ChangeOutcome::NotFound)?;
        if expected_version.is_some_and(|version| version != held.version) {
            return Err(ChangeOutcome::Stale(held));
        }
        Ok(held)
    }

    pub(super) fn change(&mut self, change: &Change) -> ChangeOutcome {
        let held = match self.to_change(change.booking, change.expected_version) {
            Ok(held) => held,
            Err(outcome) => return outcome,
        };
        let slot = change.slot.unwrap_or(held.slot);
        let extras = change.details.as_ref().map(|details| Extras {
            details: details.clone(),
            ..held.extras.as_deref().cloned().unwrap_or_default()
        });
        let changed = Booking {
            slot,
            purpose: change
                .purpose
                .as_deref()
                .map_or_else(|| held.purpose.clone(), Into::into),
            extras: extras.map_or_else(|| held.extras.clone(), Extras::kept),
            version: held.version + 1,
            ..Booking::clone(&held)
        };
        let is_relocated = slot != held.slot || changed.charged_to() != held.charged_to();
        let only_tells = !is_relocated && change.purpose.is_none();
        match held.status.change(held.slot, slot, self.now) {
            Ok(_) => {}
            // What it was for may still be told when it is over.
            Err(_) if only_tells && held.status.claims() => {}
            Err(wrong) => return ChangeOutcome::WrongState(wrong),
        }
        let is_same = *held
            == Booking {
                version: held.version,
                ..changed.clone()
            };
        if is_same {
            return ChangeOutcome::Changed(held);
        }
        if !is_relocated {
            self.put_booking(Arc::new(changed), EventKind::Changed);
        } else if let Err(outcome) = self.relocate(&held, changed, change) {
            return outcome;
        }
        self.booking(change.booking)
            .map_or(ChangeOutcome::NotFound, ChangeOutcome::Changed)
    }

    /// Takes a booking from its slot to another one, or to another project, if nothing stands
    /// against it.
    fn relocate(
        &mut self,
        held: &Booking,
        changed: Booking,
        change: &Change,
    ) -> Result<(), ChangeOutcome> {
        let by_owner = change.by == held.member;
        let asked = Asked {
            instrument: held.instrument,
            member: held.member,
            slot: changed.slot,
            project: changed.charged_to(),
            held: Some(held),
            set_aside: if by_owner { &[] } else { LAB_MOVES },
        };
        let (judged, rules) = self
            .judged_over(&asked, Manner::default(), change.overriding.as_ref())
            .ok_or(ChangeOutcome::NotFound)?;
        let policy_version = judged.policy_version;
        let Placed {
            placement,
            claim,
            needs_approval,
        } = judged.outcome.map_err(ChangeOutcome::Refused)?;
        let status = status_after(held, changed.slot, needs_approval, by_owner, self.now)
            .ok_or(ChangeOutcome::NotAtOnce)?;
        // Whoever sets rules aside answers for it.
        let is_free = !by_owner || change.overriding.is_some();
        let cost = (!is_free).then(|| self.cost_of_moving(held, changed.slot));
        let cost = cost.transpose().map_err(ChangeOutcome::Refused)?;
        self.release(held.instrument, Holder::Booking(held.id));
        let holder = Holder::Booking(held.id);
        self.claim_placed(held.instrument, &placement, claim, holder);
        let changed = Booking {
            status,
            policy_version,
            ..changed
        };
        let asks_anew = status == Status::Pending && held.status != Status::Pending;
        let changed = if asks_anew {
            changed.with_decision(None)
        } else {
            changed
        };
        let changed = Arc::new(changed);
        let changed = self.put_booking(changed, EventKind::Changed);
        self.settle_outages(held.instrument);
        self.note_override(held.id, change.overriding.as_ref(), rules);
        self.charge_cancelling(held, cost.unwrap_or_default());
        if asks_anew {
            self.ask_approval(&changed);
        }
        if !by_owner && changed.slot != held.slot {
            self.tell(held.member, NoticeKind::MovedByLab, &changed);
        }
        self.offer_freed(held.instrument, held.slot);
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
        let by_owner = cancel.by == held.member;
        let cost = match by_owner.then(|| self.cost_of_cancelling(&held)).transpose() {
            Ok(cost) => cost.unwrap_or_default(),
            Err(refused) => return CancelOutcome::Refused(refused),
        };
        let cancelled = Arc::new(Booking {
            status,
            at_risk: false,
            cancelled_at: self.now.into(),
            due_at: Later::NEVER,
            version: held.version + 1,
            ..Booking::clone(&held)
        });
        self.release(held.instrument, Holder::Booking(held.id));
        let cancelled = self.put_booking(cancelled, EventKind::Cancelled);
        self.settle_outages(held.instrument);
        self.charge_cancelling(&held, cost);
        if !by_owner {
            self.tell_why(&cancelled, NoticeKind::CancelledByLab, &cancel.reason);
        }
        if by_owner {
            self.keep_for_undo(&held);
        } else {
            self.offer_freed(held.instrument, held.slot);
        }
        CancelOutcome::Cancelled(cancelled, cost)
    }
}

/// Returns the begin of the minute of an instant.
fn minute_of(instant: Micros) -> Micros {
    Micros::new(instant.get() - instant.get().rem_euclid(MINUTE_US))
}
