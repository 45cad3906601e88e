//! The waitlist in a group: what became free is offered to those who wait, one after another.

use scheduler::id::InstrumentId;
use scheduler::slot::Slot;
use scheduler::waitlist::OfferState;

use super::group::Group;
use super::record::Offer;

impl Group<'_> {
    /// Offers what became free to the first in order whom it suits.
    pub(super) fn offer_freed(&mut self, _instrument: InstrumentId, _freed: Slot) {}

    /// Ends an offer and asks the next.
    pub(super) fn close_offer(&mut self, offer: &Offer, state: OfferState) {
        let closed = Offer {
            state,
            ..offer.clone()
        };
        self.writes.ledger.put_offer(closed);
        self.release(
            offer.instrument,
            scheduler::occupancy::Holder::Offer(offer.id),
        );
        self.settle_outages(offer.instrument);
        self.offer_freed(offer.instrument, offer.slot);
    }
}
