//! Wishes on the waitlist: made, taken back, over; and the answers to offers.

use std::sync::Arc;

use scheduler::id::{InstrumentId, MemberId, WaitId};
use scheduler::occupancy::Holder;
use scheduler::refusal::RuleId;
use scheduler::slot::Slot;
use scheduler::time::Span;
use scheduler::waitlist::{OfferState, WrongOffer};

use super::answers::Fault;
use super::asking::Asked;
use super::command::Refused;
use super::group::Group;
use super::judge::judge_briefly;
use super::record::{Booking, Details, Offer, Wait, WaitState};
use super::waiting::NotServed;

/// Rules that waiting does not change.
const LASTING: [RuleId; 4] = [
    RuleId::NotBookable,
    RuleId::NotPermitted,
    RuleId::WhoMayBook,
    RuleId::Qualification,
];

/// Wishes of one member that wait at once.
pub const WISHES_MAX: usize = 20;

/// Joins the waitlist. Who wants to be booked at once answers what any of the instruments asks; who
/// is to be asked first may answer then. The caller has checked that the instruments are 1 to 50 and that the length
/// fits into the window.
#[derive(Debug, Clone)]
pub struct AskToWait {
    /// Whose wish.
    pub member: MemberId,
    /// Any of these.
    pub instruments: Vec<InstrumentId>,
    /// Somewhere within.
    pub within: Slot,
    /// How long.
    pub length: Span,
    /// Whether to book at once instead of offering.
    pub auto_book: bool,
    /// What for.
    pub purpose: String,
    /// The project's name where it is not a registered one.
    pub project: Option<String>,
    /// What else was asked.
    pub details: Details,
}

/// What became of it.
#[derive(Debug, Clone)]
pub enum WaitOutcome {
    /// It waits.
    Waiting(Arc<Wait>),
    /// As many as may wait do already.
    TooMany,
    /// No slot of that length can begin within the window any more.
    Over,
    /// It is to be booked at once, and what is asked with it is not answered.
    Unanswered(Vec<Fault>),
    /// None of the instruments is for this member; why not the first of them.
    Never(InstrumentId, Refused),
}

/// Takes a wish back. An offer that stands for it goes to the next.
#[derive(Debug, Clone, Copy)]
pub struct Withdraw {
    /// Which.
    pub wait: WaitId,
    /// Whose it must be.
    pub member: MemberId,
}

/// What became of it.
#[derive(Debug, Clone)]
pub enum WithdrawOutcome {
    /// It waits no longer.
    Withdrawn(Arc<Wait>),
    /// It did not wait.
    Was(WaitState),
    /// The member has no such wish.
    NotFound,
}

/// Takes what is offered.
#[derive(Debug, Clone)]
pub struct TakeOffer {
    /// To which wish.
    pub wait: WaitId,
    /// Whose it must be.
    pub member: MemberId,
    /// What is asked, in place of what was said with the wish; none: that stands.
    pub details: Option<Details>,
}

/// Declines what is offered. The wish waits on, for other slots.
#[derive(Debug, Clone, Copy)]
pub struct DeclineOffer {
    /// To which wish.
    pub wait: WaitId,
    /// Whose it must be.
    pub member: MemberId,
}

/// What became of an offer.
#[derive(Debug, Clone)]
pub enum OfferOutcome {
    /// It is booked.
    Booked(Arc<Booking>),
    /// It is declined.
    Declined(Arc<Wait>),
    /// Rules that have nothing to do with the place refuse it by now; the offer stands.
    Refused(Refused),
    /// What is asked with the booking is not answered; the offer stands.
    Unanswered(Vec<Fault>),
    /// It does not stand any more.
    Wrong(WrongOffer),
    /// Nothing was ever offered to this wish.
    NothingOffered,
    /// The member has no such wish.
    NotFound,
}

impl Group<'_> {
    pub(super) fn ask_to_wait(&mut self, asked: &AskToWait) -> WaitOutcome {
        if self.writes.ledger.waiting_of(asked.member) >= WISHES_MAX {
            return WaitOutcome::TooMany;
        }
        let faults = if asked.auto_book {
            let answered = self.answered(&asked.instruments, &asked.details);
            answered.err().unwrap_or_default()
        } else {
            self.not_asked(&asked.instruments, &asked.details)
        };
        if !faults.is_empty() {
            return WaitOutcome::Unanswered(faults);
        }
        if let Some((instrument, why)) = self.never_served(asked) {
            return WaitOutcome::Never(instrument, why);
        }
        let wait = Wait {
            id: WaitId::new(self.writes.ledger.waits.next_id()),
            member: asked.member,
            instruments: asked.instruments.clone(),
            within: asked.within,
            length: asked.length,
            auto_book: asked.auto_book,
            purpose: asked.purpose.clone(),
            project: asked.project.clone(),
            details: asked.details.clone(),
            state: WaitState::Waiting,
            booking: None,
            passed: Vec::new(),
            created_at: self.now,
        };
        if wait.due_at().is_none_or(|due| due <= self.now) {
            return WaitOutcome::Over;
        }
        self.put_wait(wait.clone());
        WaitOutcome::Waiting(Arc::new(wait))
    }

    /// Returns why a wish can never be served, if rules that waiting does not change keep its member
    /// from every instrument: whether it is booked here, by whom, and with what qualification.
    fn never_served(&mut self, asked: &AskToWait) -> Option<(InstrumentId, Refused)> {
        let begin = asked.within.start();
        let slot = Slot::new(begin, begin.saturating_add(asked.length))?;
        let mut first = None;
        for instrument in &asked.instruments {
            let wish = Asked {
                instrument: *instrument,
                member: asked.member,
                slot,
                project: None,
                held: None,
                set_aside: &[],
            };
            let judged = self.judged_by(&wish, judge_briefly)?;
            let mut refusals = judged.outcome.err().unwrap_or_default().refusals;
            refusals.retain(|why| LASTING.contains(&why.rule) && why.passes_at.is_none());
            if refusals.is_empty() {
                return None;
            }
            let why = Refused {
                refusals,
                ..Refused::default()
            };
            first.get_or_insert((*instrument, why));
        }
        first
    }

    pub(super) fn withdraw(&mut self, asked: &Withdraw) -> WithdrawOutcome {
        let Some(wait) = self.wait_of(asked.wait, asked.member) else {
            return WithdrawOutcome::NotFound;
        };
        if wait.state != WaitState::Waiting {
            return WithdrawOutcome::Was(wait.state);
        }
        self.close_wait(&wait, WaitState::Withdrawn, OfferState::Declined);
        let closed = self.writes.ledger.waits.get(wait.id.get());
        WithdrawOutcome::Withdrawn(closed.cloned().unwrap_or(wait))
    }

    /// Ends a wish whose time is over.
    pub(super) fn end_wait(&mut self, id: WaitId) {
        let Some(wait) = self.writes.ledger.waits.get(id.get()).cloned() else {
            return;
        };
        if wait.due_at().is_some_and(|due| due <= self.now) {
            self.close_wait(&wait, WaitState::Over, OfferState::Expired);
        }
    }

    /// The wish goes first: what was offered to it is then for the others.
    fn close_wait(&mut self, wait: &Wait, state: WaitState, offer_state: OfferState) {
        self.put_wait(Wait {
            state,
            ..wait.clone()
        });
        if let Some(offer) = self.writes.ledger.offer_to(wait.id).cloned() {
            self.close_offer(&offer, offer_state);
        }
    }

    pub(super) fn take_offer(&mut self, asked: &TakeOffer) -> OfferOutcome {
        let (wait, offer) = match self.offered(asked.wait, asked.member) {
            Ok(offered) => offered,
            Err(outcome) => return outcome,
        };
        let state = match offer.state.take(offer.expires_at, self.now) {
            Ok(state) => state,
            Err(wrong) => return OfferOutcome::Wrong(wrong),
        };
        let wait = match &asked.details {
            Some(details) => {
                let faults = self.not_asked(&wait.instruments, details);
                if !faults.is_empty() {
                    return OfferOutcome::Unanswered(faults);
                }
                Arc::new(Wait {
                    details: details.clone(),
                    ..Wait::clone(&wait)
                })
            }
            None => wait,
        };
        let booked = self.all_or_nothing(&[offer.instrument], |group| {
            group.release(offer.instrument, Holder::Offer(offer.id));
            // In an outage nothing new is booked.
            group.settle_outages(offer.instrument);
            match group.booked_for(&wait, offer.instrument, offer.slot) {
                Some(Ok(booking)) => Ok(booking),
                Some(Err(NotServed::Refused(refused))) => Err(OfferOutcome::Refused(refused)),
                Some(Err(NotServed::Unanswered(faults))) => Err(OfferOutcome::Unanswered(faults)),
                None => Err(OfferOutcome::NotFound),
            }
        });
        let booking = match booked {
            Ok(booking) => booking,
            Err(outcome) => return outcome,
        };
        self.writes.ledger.put_offer(Offer {
            state,
            ..Offer::clone(&offer)
        });
        self.settle_outages(offer.instrument);
        OfferOutcome::Booked(self.booking(booking.id).unwrap_or(booking))
    }

    pub(super) fn decline_offer(&mut self, asked: &DeclineOffer) -> OfferOutcome {
        let (wait, offer) = match self.offered(asked.wait, asked.member) {
            Ok(offered) => offered,
            Err(outcome) => return outcome,
        };
        let state = match offer.state.decline() {
            Ok(state) => state,
            Err(wrong) => return OfferOutcome::Wrong(wrong),
        };
        self.close_offer(&offer, state);
        let wait_now = self.writes.ledger.waits.get(wait.id.get());
        OfferOutcome::Declined(wait_now.cloned().unwrap_or(wait))
    }

    /// Returns a wish and what was offered to it last.
    fn offered(
        &self,
        wait: WaitId,
        member: MemberId,
    ) -> Result<(Arc<Wait>, Arc<Offer>), OfferOutcome> {
        let wait = self.wait_of(wait, member).ok_or(OfferOutcome::NotFound)?;
        let last = self.writes.ledger.last_offer_to(wait.id).cloned();
        last.map(|offer| (wait, offer))
            .ok_or(OfferOutcome::NothingOffered)
    }

    fn wait_of(&self, wait: WaitId, member: MemberId) -> Option<Arc<Wait>> {
        let wait = self.writes.ledger.waits.get(wait.get())?;
        (wait.member == member).then(|| Arc::clone(wait))
    }
}
