//! The waitlist in a group: what became free is offered to those who wait, one after another.

use std::collections::BTreeSet;
use std::sync::Arc;

use scheduler::id::{InstrumentId, ProjectId, WaitId};
use scheduler::occupancy::Holder;
use scheduler::slot::Slot;
use scheduler::time::Span;
use scheduler::waitlist::{self, OfferState, Place, next_offer};

use super::answers::Fault;
use super::asking::{Asked, Gathered};
use super::command::Refused;
use super::group::Group;
use super::holding::WAITLIST_TERMS;
use super::judge::{self, earliest_of_freed};
use super::making::Made;
use super::notices::About;
use super::queue::{served_minutes, wish_of};
use super::record::{Booking, EventKind, Extras, NoticeKind, Offer, Passed, Wait, WaitState};

/// Wishes served by one freed place at once; bounds what a long outage that ends sets off. Who is
/// left is asked when the next place becomes free.
const SERVED_MAX: usize = 100;

/// An offer stands at least so long: nobody can answer a shorter one.
const OFFER_LEAST: Span = Span::minutes(1);

/// Slots that a wish passed and that are remembered; the oldest are forgotten.
const PASSED_MAX: usize = 100;

/// How far around a freed place wishes are looked at: as far as one may reach.
const REACH: Span = Span::days(62);

/// Why a wish is not booked.
#[derive(Debug, Clone)]
pub(super) enum NotServed {
    /// Rules or claims stand against it.
    Refused(Refused),
    /// What is asked with the booking is not answered.
    Unanswered(Vec<Fault>),
}

impl Group<'_> {
    /// Offers what became free to the first in order whom it suits, and what that leaves of it to
    /// the next. Who wants it booked at once gets a booking.
    pub(super) fn offer_freed(&mut self, instrument: InstrumentId, freed: Slot) {
        let mut passed_over = BTreeSet::new();
        for _ in 0..SERVED_MAX {
            let Some((wait, slot)) = self.next_in_line(instrument, freed, &passed_over) else {
                return;
            };
            let is_served = match self.book_for(&wait, instrument, slot) {
                Some(is_served) => is_served,
                None => self.offer_to(&wait, instrument, slot),
            };
            if !is_served {
                passed_over.insert(wait.id);
            }
        }
    }

    /// Returns whether somebody would be offered part of a place if it were free.
    pub(super) fn is_waited_for(&mut self, instrument: InstrumentId, freed: Slot) -> bool {
        let next = self.next_in_line(instrument, freed, &BTreeSet::new());
        next.is_some()
    }

    /// Returns who is next for what became free, and with which slot.
    fn next_in_line(
        &mut self,
        id: InstrumentId,
        freed: Slot,
        passed_over: &BTreeSet<WaitId>,
    ) -> Option<(Arc<Wait>, Slot)> {
        let waits = self.line_at(id, passed_over);
        if waits.is_empty() || freed.end() <= self.now {
            return None;
        }
        let directory = self.directory;
        let instrument = directory.instruments.get(&id)?;
        let (policy, _) = self.policies.of(directory, id);
        let group = &*self;
        let wish = |wait: &Arc<Wait>| {
            let minutes = served_minutes(group.shelf, wait.member, group.now);
            wish_of(wait, minutes)
        };
        let wishes: Vec<waitlist::Wish> = waits.iter().map(wish).collect();
        let project_of = |id: WaitId| {
            let wait = group.writes.ledger.waits.get(id.get())?;
            wait.details.project.map(ProjectId::new)
        };
        let fit = |wish: &waitlist::Wish, stretch: Slot| {
            let asked = Asked {
                instrument: id,
                member: wish.member,
                slot: stretch,
                project: project_of(wish.id),
                held: None,
                set_aside: &[],
            };
            let ledger = &group.writes.ledger;
            let gathered = Gathered::of(directory, ledger, (instrument, &policy), &asked);
            let wanted = judge::Wish {
                instrument,
                policy: &policy,
                asking: gathered.asking(&ledger.usage),
                slot: stretch,
                now: group.now + OFFER_LEAST,
                held: None,
            };
            let look = |snapshot: &_| earliest_of_freed(snapshot, &wanted, freed, wish.length);
            group.seen(id, look).flatten()
        };
        let around = Slot::new(
            freed.start().saturating_sub(REACH),
            freed.end().saturating_add(REACH),
        )?;
        let place = Place {
            instrument: id,
            slot: around,
        };
        let offers = group.offers_of(&waits);
        let from = group.now + OFFER_LEAST;
        let (next, slot) = next_offer(place, &wishes, &offers, from, fit)?;
        let wait = waits.into_iter().find(|wait| wait.id == next)?;
        Some((wait, slot))
    }

    /// Returns the wishes that wait for an instrument.
    fn line_at(&self, id: InstrumentId, passed_over: &BTreeSet<WaitId>) -> Vec<Arc<Wait>> {
        let waits = self.writes.ledger.waiting_at(id);
        waits
            .filter(|wait| {
                wait.due_at().is_some_and(|due| due > self.now) && !passed_over.contains(&wait.id)
            })
            .cloned()
            .collect()
    }

    /// Returns the offers that the order has to know of: those that wishes passed, and those that
    /// stand. The latter claim their place like a booking, so what is free never overlaps them, and
    /// on an instrument with several lanes they do not keep others from the rest of it; therefore
    /// they count as taken.
    fn offers_of(&self, waits: &[Arc<Wait>]) -> Vec<waitlist::Offer> {
        let mut offers = Vec::new();
        let offer = |wish, (instrument, slot), state| waitlist::Offer {
            wish,
            place: Place { instrument, slot },
            until: self.now,
            state,
        };
        for wait in waits {
            let passed = wait.passed.iter().filter_map(|passed| {
                let (instrument, slot) = passed.place()?;
                Some(offer(wait.id, (instrument, slot), OfferState::Declined))
            });
            offers.extend(passed);
        }
        let ledger = &self.writes.ledger;
        let open = ledger.standing_offers().map(|held| {
            let place = (held.instrument, held.slot);
            offer(held.wait, place, OfferState::Taken)
        });
        offers.extend(open);
        offers
    }

    /// Books a slot for a wish at once; false if it cannot be. None: its member has to be asked, who
    /// did not want it at once or has not answered what is asked by now.
    fn book_for(&mut self, wait: &Wait, instrument: InstrumentId, slot: Slot) -> Option<bool> {
        if !wait.auto_book {
            return None;
        }
        match self.booked_for(wait, instrument, slot) {
            Some(Ok(booked)) => {
                self.tell(wait.member, NoticeKind::Served, &booked);
                Some(true)
            }
            Some(Err(NotServed::Unanswered(_))) => None,
            Some(Err(NotServed::Refused(_))) | None => Some(false),
        }
    }

    /// Books a slot for a wish, which then waits no longer.
    pub(super) fn booked_for(
        &mut self,
        wait: &Wait,
        instrument: InstrumentId,
        slot: Slot,
    ) -> Option<Result<Arc<Booking>, NotServed>> {
        let details = match self.answered_of(instrument, &wait.details) {
            Ok(details) => details,
            Err(faults) => return Some(Err(NotServed::Unanswered(faults))),
        };
        let asked = Asked {
            instrument,
            member: wait.member,
            slot,
            project: details.project.map(ProjectId::new),
            held: None,
            set_aside: &[],
        };
        let judged = self.judged(&asked)?;
        let placed = match judged.outcome {
            Ok(placed) => placed,
            Err(refused) => return Some(Err(NotServed::Refused(refused))),
        };
        let made = Made {
            instrument,
            member: wait.member,
            slot,
            purpose: wait.purpose.as_str().into(),
            project: wait.project.as_deref().map(Into::into),
            extras: Extras {
                details,
                ..Extras::default()
            },
        };
        let booking = self.make(made, &placed, judged.policy_version)?;
        let served = Wait {
            state: WaitState::Served,
            booking: Some(booking.id),
            ..wait.clone()
        };
        self.put_wait(served);
        Some(Ok(booking))
    }

    /// Offers a slot to a wish; false if it cannot be kept for it.
    fn offer_to(&mut self, wait: &Wait, instrument: InstrumentId, slot: Slot) -> bool {
        let rules = self.in_force(instrument, wait.member);
        let claim = rules.buffers.claim(slot);
        let placed = self.seen(instrument, |held| held.occupancy.place(claim));
        let Some(Ok(placement)) = placed else {
            return false;
        };
        let terms = rules.waitlist.unwrap_or(WAITLIST_TERMS);
        // It stands no longer than it can be booked.
        let last = slot
            .start()
            .saturating_sub(rules.notice.unwrap_or_default());
        let offer = Offer {
            id: self.writes.ledger.next_offer(),
            wait: wait.id,
            member: wait.member,
            instrument,
            slot,
            created_at: self.now,
            expires_at: (self.now + terms.offer).min(last),
            state: OfferState::Open,
        };
        self.claim_placed(instrument, &placement, claim, Holder::Offer(offer.id));
        self.note(EventKind::Claimed, Some(instrument), Some(offer.id.get()));
        self.writes.ledger.put_offer(offer);
        let about = About {
            kind: NoticeKind::Offered,
            instrument,
            booking: None,
            slot: Some(slot),
            words: String::new(),
        };
        self.tell_about(wait.member, about);
        true
    }

    /// Ends an offer that was not taken: the wish has passed it, and the next is asked.
    pub(super) fn close_offer(&mut self, offer: &Offer, state: OfferState) {
        let closed = Offer {
            state,
            ..offer.clone()
        };
        self.writes.ledger.put_offer(closed);
        self.release(offer.instrument, Holder::Offer(offer.id));
        if let Some(wait) = self.writes.ledger.waits.get(offer.wait.get()).cloned() {
            let mut passed = wait.passed.clone();
            passed.push(Passed::of(offer.instrument, offer.slot));
            let over = passed.len().saturating_sub(PASSED_MAX);
            passed.drain(..over);
            self.put_wait(Wait {
                passed,
                ..Wait::clone(&wait)
            });
        }
        let (instrument, subject) = (Some(offer.instrument), Some(offer.id.get()));
        self.note(EventKind::Claimed, instrument, subject);
        self.settle_outages(offer.instrument);
        self.offer_freed(offer.instrument, offer.slot);
    }

    /// Adds a wish or replaces it.
    pub(super) fn put_wait(&mut self, wait: Wait) {
        let subject = Some(wait.id.get());
        self.writes.ledger.put_wait(Arc::new(wait));
        self.note(EventKind::Waitlist, None, subject);
    }
}
