//! Finding records by what they are about, without looking at all that are held.

use std::sync::Arc;

use scheduler::id::{InstrumentId, MemberId, OfferId, WaitId};
use scheduler::waitlist::OfferState;

use super::ledger::Ledger;
use super::record::{Notice, Offer, QuestionSet, Wait, WaitState};
use crate::registry::Scope;

/// Where records are. Copies share what they have in common, as the ledger's records do.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Finding {
    /// Wishes that wait, by instrument.
    waiting_at: imbl::OrdSet<(InstrumentId, WaitId)>,
    /// Wishes that wait, by member.
    waiting_of: imbl::OrdSet<(MemberId, WaitId)>,
    /// All offers, by wish.
    offers_to: imbl::OrdSet<(WaitId, OfferId)>,
    /// Offers that stand.
    standing: imbl::OrdSet<OfferId>,
    /// Notices, by member.
    notices_of: imbl::OrdSet<(MemberId, i64)>,
    /// The set of questions of each place.
    questions_at: imbl::OrdMap<Scope, i64>,
}

impl Finding {
    pub(super) fn add_wait(&mut self, wait: &Wait) {
        for instrument in &wait.instruments {
            let place = (*instrument, wait.id);
            if wait.state == WaitState::Waiting {
                self.waiting_at.insert(place);
            } else {
                self.waiting_at.remove(&place);
            }
        }
        if wait.state == WaitState::Waiting {
            self.waiting_of.insert((wait.member, wait.id));
        } else {
            self.waiting_of.remove(&(wait.member, wait.id));
        }
    }

    pub(super) fn add_offer(&mut self, offer: &Offer) {
        self.offers_to.insert((offer.wait, offer.id));
        if offer.state == OfferState::Open {
            self.standing.insert(offer.id);
        } else {
            self.standing.remove(&offer.id);
        }
    }

    pub(super) fn add_notice(&mut self, notice: &Notice) {
        self.notices_of.insert((notice.member, notice.id));
    }

    pub(super) fn add_questions(&mut self, set: &QuestionSet) {
        self.questions_at.insert(set.scope, set.id);
    }
}

impl Ledger {
    /// Notes where everything is that was read.
    pub(super) fn find_all(&mut self) {
        let mut finding = Finding::default();
        for wait in self.waits.iter() {
            finding.add_wait(wait);
        }
        for offer in self.offers.iter() {
            finding.add_offer(offer);
        }
        for notice in self.notices.iter() {
            finding.add_notice(notice);
        }
        for set in self.questions.iter() {
            finding.add_questions(set);
        }
        self.finding = finding;
    }

    /// Returns the wishes that wait for an instrument, the oldest first.
    pub fn waiting_at(&self, instrument: InstrumentId) -> impl Iterator<Item = &Arc<Wait>> {
        let (first, last) = (WaitId::new(i64::MIN), WaitId::new(i64::MAX));
        let found = self
            .finding
            .waiting_at
            .range((instrument, first)..=(instrument, last));
        found.filter_map(|(_, id)| self.waits.get(id.get()))
    }

    /// Returns how many wishes of a member wait.
    #[must_use]
    pub fn waiting_of(&self, member: MemberId) -> usize {
        let (first, last) = (WaitId::new(i64::MIN), WaitId::new(i64::MAX));
        let found = self
            .finding
            .waiting_of
            .range((member, first)..=(member, last));
        found.count()
    }

    /// Returns what was offered to a wish last.
    #[must_use]
    pub fn last_offer_to(&self, wait: WaitId) -> Option<&Arc<Offer>> {
        self.offers_to(wait).next_back()
    }

    fn offers_to(&self, wait: WaitId) -> impl DoubleEndedIterator<Item = &Arc<Offer>> {
        let (first, last) = (OfferId::new(i64::MIN), OfferId::new(i64::MAX));
        let found = self.finding.offers_to.range((wait, first)..=(wait, last));
        found.filter_map(|(_, id)| self.offers.get(id.get()))
    }

    /// Returns the offer that stands for a wish.
    #[must_use]
    pub fn offer_to(&self, wait: WaitId) -> Option<&Arc<Offer>> {
        let mut offers = self.offers_to(wait).rev();
        offers.find(|offer| offer.state == OfferState::Open)
    }

    /// Returns the offers that stand.
    pub fn standing_offers(&self) -> impl Iterator<Item = &Arc<Offer>> {
        let standing = self.finding.standing.iter();
        standing.filter_map(|id| self.offers.get(id.get()))
    }

    /// Returns a member's notices that are held, the oldest first.
    #[must_use]
    pub fn notices_of(&self, member: MemberId) -> impl DoubleEndedIterator<Item = &Arc<Notice>> {
        let found = self
            .finding
            .notices_of
            .range((member, i64::MIN)..=(member, i64::MAX));
        found.filter_map(|(_, id)| self.notices.get(*id))
    }

    /// Adds a notice or replaces it.
    pub(super) fn put_notice(&mut self, notice: Notice) {
        self.finding.add_notice(&notice);
        self.notices.put(Arc::new(notice));
    }

    /// Lets go of a notice whose row stays.
    pub(super) fn forget_notice(&mut self, notice: &Notice) {
        self.finding.notices_of.remove(&(notice.member, notice.id));
        self.notices.forget(notice.id);
    }

    /// Returns the questions set at one place.
    #[must_use]
    pub fn questions_at(&self, scope: Scope) -> Option<&Arc<QuestionSet>> {
        let id = self.finding.questions_at.get(&scope)?;
        self.questions.get(*id)
    }

    /// Sets the questions of one place.
    pub(super) fn put_questions(&mut self, set: Arc<QuestionSet>) {
        self.finding.add_questions(&set);
        self.questions.put(set);
    }
}
