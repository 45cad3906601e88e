//! What ends by itself: holds, offers, bookings that nobody approved.

use std::sync::Arc;

use scheduler::id::{BookingId, HoldId, OfferId};
use scheduler::occupancy::Holder;

use super::group::Group;
use super::record::{Booking, EventKind, Later, NoticeKind};

impl Group<'_> {
    /// Lets a hold go whose time is over. What it kept is then free for those who wait.
    pub(super) fn end_hold(&mut self, id: HoldId) {
        let Some(hold) = self.writes.ledger.remove_hold(id) else {
            return;
        };
        if self.release(hold.instrument, Holder::Hold(id)).is_empty() {
            // Nobody waited for what it could bring back, so it claimed nothing.
            return;
        }
        self.settle_outages(hold.instrument);
        let (instrument, subject) = (Some(hold.instrument), Some(id.get()));
        self.note(EventKind::Claimed, instrument, subject);
        self.offer_freed(hold.instrument, hold.slot);
    }

    /// Lets an offer go that was not answered: the next one in order is asked.
    pub(super) fn end_offer(&mut self, id: OfferId) {
        let Some(offer) = self.writes.ledger.offers.get(id.get()).cloned() else {
            return;
        };
        if let Ok(state) = offer.state.expire(offer.expires_at, self.now) {
            self.close_offer(&offer, state);
        }
    }

    /// Lets a booking go that nobody approved in time.
    pub(super) fn end_approval(&mut self, id: BookingId) {
        let Some(held) = self.booking(id) else {
            return;
        };
        let Ok(status) = held.status.expire(held.slot, held.due_at.get(), self.now) else {
            return;
        };
        self.release(held.instrument, Holder::Booking(id));
        let expired = Booking {
            status,
            at_risk: false,
            due_at: Later::NEVER,
            version: held.version + 1,
            ..Booking::clone(&held)
        };
        self.put_booking(Arc::new(expired), EventKind::Changed);
        self.settle_outages(held.instrument);
        self.tell(held.member, NoticeKind::ApprovalExpired, &held);
        self.offer_freed(held.instrument, held.slot);
    }
}
