//! Booking, changing and giving up in a group.

use std::sync::Arc;

use scheduler::id::MemberId;
use scheduler::occupancy::Holder;

use super::asking::Asked;
use super::command::{Book, BookOutcome, Cancel, CancelOutcome, Change, ChangeOutcome};
use super::group::Group;
use super::judge::Placed;
use super::making::{Judged, Made};
use super::record::{Booking, EventKind, Extras, KeptAnswer};

impl Group<'_> {
    pub(super) fn book(&mut self, book: &Book) -> BookOutcome {
        if let Some((key, request)) = &book.idempotency
            && let Some(kept) = self.kept_answer(book.member, key)
        {
            return match self.booking(kept.booking) {
                Some(booking) if kept.request == *request => BookOutcome::Replayed(booking),
                _ => BookOutcome::KeyReused,
            };
        }
        let asked = Asked {
            instrument: book.instrument,
            member: book.member,
            slot: book.slot,
            project: None,
            held: None,
            set_aside: &[],
        };
        let Some(Judged {
            outcome,
            policy_version,
        }) = self.judged(&asked)
        else {
            return BookOutcome::NotFound;
        };
        let placed = match outcome {
            Ok(placed) => placed,
            Err(refused) => return BookOutcome::Refused(refused),
        };
        let made = Made {
            instrument: book.instrument,
            member: book.member,
            slot: book.slot,
            purpose: book.purpose.as_str().into(),
            project: book.project.as_deref().map(Into::into),
            extras: Extras::default(),
        };
        let Some(booking) = self.make(made, &placed, policy_version) else {
            return BookOutcome::NotFound;
        };
        let now = self.now;
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
        let asked = Asked {
            instrument: held.instrument,
            member: held.member,
            slot: changed.slot,
            project: held.project_id(),
            held: Some(held),
            set_aside: &[],
        };
        let judged = self.judged(&asked).ok_or(ChangeOutcome::NotFound)?;
        let policy_version = judged.policy_version;
        let Placed {
            placement, claim, ..
        } = judged.outcome.map_err(ChangeOutcome::Refused)?;
        self.release(held.instrument, Holder::Booking(held.id));
        let holder = Holder::Booking(held.id);
        self.claim_placed(held.instrument, &placement, claim, holder);
        let changed = Booking {
            policy_version,
            due_at: self.due_after(&changed),
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
}
