//! Coming and going by hand: a button, or the label on the instrument.

use std::sync::Arc;

use scheduler::booking::{Status, WrongState};
use scheduler::id::BookingId;

use super::group::Group;
use super::presence::{LEAD, Terms};
use super::record::{Booking, EventKind};

/// Somebody is there.
#[derive(Debug, Clone)]
pub struct CheckIn {
    /// For which booking.
    pub booking: BookingId,
}

/// Somebody leaves: the rest of the slot is free.
#[derive(Debug, Clone)]
pub struct CheckOut {
    /// Which booking is over.
    pub booking: BookingId,
}

/// What became of it.
#[derive(Debug, Clone)]
pub enum CheckOutcome {
    /// It is committed.
    Done(Arc<Booking>),
    /// The booking's state does not allow it.
    WrongState(WrongState),
    /// There is no such booking.
    NotFound,
}

impl Group<'_> {
    /// Notes that a member is there. Said twice, the first time counts; where the machine has told
    /// already, the check-in stands beside its word.
    pub(super) fn check_in(&mut self, asked: &CheckIn) -> CheckOutcome {
        let Some(held) = self.booking(asked.booking) else {
            return CheckOutcome::NotFound;
        };
        let status = if held.status != Status::InUse {
            held.status.check_in(held.slot, LEAD, self.now)
        } else if held.checked_in_at().is_some() {
            return CheckOutcome::Done(held);
        } else {
            Ok(Status::InUse)
        };
        let status = match status {
            Ok(status) => status,
            Err(wrong) => return CheckOutcome::WrongState(wrong),
        };
        let began_at = held.began_at.get().unwrap_or(self.now);
        let there = held.with_presence(Some(self.now), None);
        self.put_checked(Booking {
            status,
            began_at: began_at.into(),
            version: held.version + 1,
            ..there
        })
    }

    /// Notes that a member has gone. What is left of the slot after the clean-up is free.
    pub(super) fn check_out(&mut self, asked: &CheckOut) -> CheckOutcome {
        let Some(held) = self.booking(asked.booking) else {
            return CheckOutcome::NotFound;
        };
        let status = match held.status.finish() {
            Ok(status) => status,
            Err(wrong) => return CheckOutcome::WrongState(wrong),
        };
        let directory = self.directory;
        let Some(instrument) = directory.instruments.get(&held.instrument) else {
            return CheckOutcome::NotFound;
        };
        let (policy, _) = self.policies.of(directory, held.instrument);
        let clean_up = Terms::of(&policy, directory, instrument, &held)
            .rule
            .clean_up;
        // One who was early and leaves before the slot begins has used none of it.
        let free_from = self.now.max(held.slot.start()).saturating_add(clean_up);
        let finished_at = free_from.min(held.slot.end());
        let gone = held.with_presence(held.checked_in_at(), Some(self.now));
        let done = self.put_checked(Booking {
            status,
            finished_at: finished_at.into(),
            version: held.version + 1,
            ..gone
        });
        self.release_rest(&held, finished_at);
        self.note_use(held.member, held.instrument, self.now);
        done
    }

    fn put_checked(&mut self, changed: Booking) -> CheckOutcome {
        let id = changed.id;
        self.put_booking(Arc::new(changed), EventKind::Changed);
        self.booking(id)
            .map_or(CheckOutcome::NotFound, CheckOutcome::Done)
    }
}
