//! What giving a booking up costs, and whether the rules let its member do it at all; and moving it,
//! which must be no way around that.

use std::sync::Arc;

use scheduler::booking::Status;
use scheduler::facts::{Action, BookingFacts};
use scheduler::penalty::{Cancellation, late_cancel};
use scheduler::policy::Policy;
use scheduler::refusal::Refusal;
use scheduler::rules::{Decision, judge};
use scheduler::slot::Slot;
use scheduler::time::{MINUTE_US, Micros, Span};

use super::asking::{Asked, Gathered};
use super::command::{CancelCost, Refused};
use super::group::Group;
use super::judge::{Wish, facts};
use super::ledger::Ledger;
use super::record::{Booking, EventKind, Penalty, PenaltyReason};
use crate::registry::{Directory, Instrument};

/// What tells what giving up costs.
#[derive(Debug, Clone, Copy)]
pub struct Costs<'a> {
    /// The registry.
    pub directory: &'a Directory,
    /// What else is known of members.
    pub ledger: &'a Ledger,
    /// The instrument.
    pub instrument: &'a Instrument,
    /// Its rules.
    pub policy: &'a Policy,
    /// The time of the judgement.
    pub now: Micros,
}

impl Costs<'_> {
    /// Returns what it costs a booking's member to give it up. For the lab it is free, and no rule
    /// stands against it; both also hold for the member within some minutes of booking, while an
    /// outage covers it and while nobody has said yes to it.
    ///
    /// # Errors
    /// Returns the rules that refuse it.
    pub fn of_cancelling(&self, held: &Booking) -> Result<CancelCost, Refused> {
        let given_up = Cancellation {
            at: self.now,
            slot: held.slot,
            created_at: held.created_at,
            is_exempt: held.at_risk || held.status == Status::Pending,
        };
        // Late by any notice: if not even that, then free.
        if !late_cancel(&given_up, u32::MAX) {
            return Ok(CancelCost::default());
        }
        let place = (self.instrument, self.policy);
        let asked = Asked {
            instrument: held.instrument,
            member: held.member,
            slot: held.slot,
            project: held.charged_to(),
            held: Some(held),
            set_aside: &[],
        };
        let gathered = Gathered::of(self.directory, self.ledger, place, &asked);
        let refusals = judge_cancelling(&Wish {
            instrument: self.instrument,
            policy: self.policy,
            asking: gathered.asking(&self.ledger.usage),
            slot: held.slot,
            now: self.now,
            held: Some(held),
        });
        if !refusals.is_empty() {
            return Err(Refused {
                refusals,
                ..Refused::default()
            });
        }
        let class = self.directory.class_of(held.member, self.instrument);
        let terms = self.policy.in_force(class).late_cancellation;
        let late = terms.filter(|terms| late_cancel(&given_up, minutes_of(terms.before)));
        Ok(CancelCost {
            late: late.is_some(),
            points: late.map_or(0, |terms| terms.points),
        })
    }

    /// Returns what moving a booking costs its member: what giving it up would, if it could be given
    /// up there for nothing. Else one could move first what is too late to give up.
    ///
    /// # Errors
    /// Returns the rules that refuse to give it up, if they would not do so there.
    pub fn of_moving(&self, held: &Booking, to: Slot) -> Result<CancelCost, Refused> {
        let there = Booking {
            slot: to,
            ..held.clone()
        };
        match (self.of_cancelling(held), self.of_cancelling(&there)) {
            (Ok(here), Ok(there)) if !there.late => Ok(here),
            (Err(refused), Ok(_)) => Err(refused),
            (Ok(_) | Err(_), _) => Ok(CancelCost::default()),
        }
    }
}

impl Group<'_> {
    /// Returns what it costs a booking's member to give it up now.
    ///
    /// # Errors
    /// Returns the rules that refuse it.
    pub(super) fn cost_of_cancelling(&mut self, held: &Booking) -> Result<CancelCost, Refused> {
        self.cost(held, |costs| costs.of_cancelling(held))
    }

    /// Returns what it costs a booking's member to move it now.
    ///
    /// # Errors
    /// Returns the rules that refuse it.
    pub(super) fn cost_of_moving(
        &mut self,
        held: &Booking,
        to: Slot,
    ) -> Result<CancelCost, Refused> {
        self.cost(held, |costs| costs.of_moving(held, to))
    }

    fn cost(
        &mut self,
        held: &Booking,
        of: impl FnOnce(&Costs<'_>) -> Result<CancelCost, Refused>,
    ) -> Result<CancelCost, Refused> {
        let directory = self.directory;
        let Some(instrument) = directory.instruments.get(&held.instrument) else {
            return Ok(CancelCost::default());
        };
        let (policy, _) = self.policies.of(directory, held.instrument);
        of(&Costs {
            directory,
            ledger: &self.writes.ledger,
            instrument,
            policy: &policy,
            now: self.now,
        })
    }

    /// Gives points for a late cancellation, or a move that is as good as one.
    pub(super) fn charge_cancelling(&mut self, held: &Booking, cost: CancelCost) {
        if cost.points == 0 {
            return;
        }
        let penalties = &mut self.writes.ledger.penalties;
        let penalty = Penalty {
            id: penalties.next_id(),
            member: held.member,
            instrument: held.instrument,
            booking: held.id,
            reason: PenaltyReason::LateCancellation,
            points: cost.points,
            at: self.now,
            lifted: false,
            appeal: None,
        };
        let subject = Some(penalty.id);
        penalties.put(Arc::new(penalty));
        self.note(EventKind::Penalty, Some(held.instrument), subject);
    }
}

fn minutes_of(span: Span) -> u32 {
    u32::try_from(span.get() / MINUTE_US).unwrap_or(u32::MAX)
}

/// Returns the rules that refuse to give the held booking up.
fn judge_cancelling(wish: &Wish<'_>) -> Vec<Refusal> {
    let facts = BookingFacts {
        action: Action::Cancel,
        ..facts(wish, &[])
    };
    match judge(wish.policy, &facts) {
        Decision::Accept(_) => Vec::new(),
        Decision::Refuse(refusals) => refusals,
    }
}
