//! Bookings that need somebody's yes: asked for, given, refused; and who has to be asked again.

use std::sync::Arc;

use scheduler::booking::Status;
use scheduler::id::MemberId;
use scheduler::occupancy::Holder;
use scheduler::slot::Slot;
use scheduler::time::Micros;

use super::command::{Approve, ChangeOutcome, Decline};
use super::group::Group;
use super::notices::About;
use super::record::{Booking, Decided, EventKind, Later, NoticeKind};

/// Returns the state of a booking after its slot was changed; nothing when somebody would have to
/// say yes but it has begun, so that there is no time to wait for it.
///
/// A yes covers what was asked and everything within it; beyond it the rules decide anew. What the
/// lab itself changes needs no other yes.
#[must_use]
pub fn status_after(
    held: &Booking,
    wanted: Slot,
    needs_approval: bool,
    by_owner: bool,
    now: Micros,
) -> Option<Status> {
    if !needs_approval {
        let is_pending = held.status == Status::Pending;
        return Some(if is_pending {
            Status::Confirmed
        } else {
            held.status
        });
    }
    if held.slot.covers(wanted) || !by_owner || held.status == Status::Pending {
        return Some(held.status);
    }
    let has_begun = held.slot.start() <= now || held.status != Status::Confirmed;
    (!has_begun).then_some(Status::Pending)
}

impl Group<'_> {
    /// Tells those who run the lab's instruments that a booking waits for their yes.
    pub(super) fn ask_approval(&mut self, booking: &Booking) {
        let about = About {
            kind: NoticeKind::ApprovalAsked,
            instrument: booking.instrument,
            booking: Some(booking.id),
            slot: Some(booking.slot),
            words: String::new(),
        };
        self.tell_lab(booking.lab, &about);
    }

    pub(super) fn approve(&mut self, approve: &Approve) -> ChangeOutcome {
        let held = match self.to_change(approve.booking, approve.expected_version) {
            Ok(held) => held,
            Err(outcome) => return outcome,
        };
        let approve_by = held.due_at.get();
        let status = match held.status.approve(held.slot, approve_by, self.now) {
            Ok(status) => status,
            Err(wrong) => return ChangeOutcome::WrongState(wrong),
        };
        let approved = Booking {
            status,
            version: held.version + 1,
            ..held.with_decision(Some(self.decided_now(approve.by)))
        };
        let approved = Arc::new(approved);
        let approved = self.put_booking(approved, EventKind::Changed);
        self.tell(approved.member, NoticeKind::Approved, &approved);
        ChangeOutcome::Changed(approved)
    }

    pub(super) fn decline(&mut self, decline: &Decline) -> ChangeOutcome {
        let held = match self.to_change(decline.booking, decline.expected_version) {
            Ok(held) => held,
            Err(outcome) => return outcome,
        };
        let status = match held.status.decline() {
            Ok(status) => status,
            Err(wrong) => return ChangeOutcome::WrongState(wrong),
        };
        let declined = Arc::new(Booking {
            status,
            at_risk: false,
            due_at: Later::NEVER,
            version: held.version + 1,
            ..held.with_decision(Some(self.decided_now(decline.by)))
        });
        self.release(held.instrument, Holder::Booking(held.id));
        let declined = self.put_booking(declined, EventKind::Changed);
        self.settle_outages(held.instrument);
        self.tell_why(&declined, NoticeKind::Declined, &decline.reason);
        self.offer_freed(held.instrument, held.slot);
        ChangeOutcome::Changed(declined)
    }

    pub(super) fn decided_now(&self, by: MemberId) -> Decided {
        Decided { by, at: self.now }
    }

    /// Tells a booking's member about it, in somebody's words.
    pub(super) fn tell_why(&mut self, booking: &Booking, kind: NoticeKind, words: &str) {
        let about = About {
            kind,
            instrument: booking.instrument,
            booking: Some(booking.id),
            slot: Some(booking.slot),
            words: words.to_owned(),
        };
        self.tell_about(booking.member, about);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::booking::record::Extras;
    use scheduler::id::{BookingId, InstrumentId, NodeId};

    fn slot(start: i64, end: i64) -> Slot {
        Slot::new(Micros::new(start), Micros::new(end)).unwrap()
    }

    fn held(status: Status) -> Booking {
        Booking {
            id: BookingId::new(1),
            instrument: InstrumentId::new(1),
            member: MemberId::new(1),
            lab: NodeId::new(1),
            slot: slot(100, 200),
            status,
            at_risk: false,
            purpose: "".into(),
            project: None,
            extras: Extras::default().kept(),
            created_at: Micros::new(0),
            cancelled_at: Later::NEVER,
            began_at: Later::NEVER,
            finished_at: Later::NEVER,
            due_at: Later::NEVER,
            policy_version: 0,
            version: 1,
        }
    }

    #[test]
    fn a_yes_covers_what_was_asked_and_no_more() {
        use Status::{Confirmed, InUse, Pending};
        for (status, wanted, asks, by_owner, now, expected) in [
            (Confirmed, slot(100, 150), true, true, 0, Some(Confirmed)),
            (Confirmed, slot(120, 200), true, true, 0, Some(Confirmed)),
            (Confirmed, slot(100, 201), true, true, 0, Some(Pending)),
            (Confirmed, slot(99, 200), true, true, 0, Some(Pending)),
            (Confirmed, slot(100, 201), false, true, 0, Some(Confirmed)),
            (Confirmed, slot(100, 201), true, false, 0, Some(Confirmed)),
            (Confirmed, slot(100, 201), true, true, 100, None),
            (InUse, slot(100, 201), true, true, 90, None),
            (InUse, slot(100, 150), true, true, 110, Some(InUse)),
            (InUse, slot(100, 201), false, true, 110, Some(InUse)),
            (Pending, slot(300, 400), true, true, 0, Some(Pending)),
            (Pending, slot(100, 150), false, true, 0, Some(Confirmed)),
        ] {
            let held = held(status);
            let after = status_after(&held, wanted, asks, by_owner, Micros::new(now));
            assert_eq!(
                after, expected,
                "{status:?} {wanted:?} {asks} {by_owner} {now}"
            );
        }
    }
}
