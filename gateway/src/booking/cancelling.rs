//! What giving a booking up costs, and whether the rules let its member do it at all.

use std::sync::Arc;

use scheduler::booking::Status;
use scheduler::penalty::{Cancellation, late_cancel};
use scheduler::time::{MINUTE_US, Span};

use super::asking::{Asked, Gathered};
use super::command::{CancelCost, Refused};
use super::group::Group;
use super::judge::{Wish, judge_cancelling};
use super::record::{Booking, EventKind, Penalty, PenaltyReason};

impl Group<'_> {
    /// Returns what it costs a booking's member to give it up now. For the lab it is free, and no
    /// rule stands against it; both also hold for the member within some minutes of booking, while
    /// an outage covers it and while nobody has said yes to it.
    ///
    /// # Errors
    /// Returns the rules that refuse it.
    pub(super) fn cost_of_cancelling(&mut self, held: &Booking) -> Result<CancelCost, Refused> {
        let directory = self.directory;
        let Some(instrument) = directory.instruments.get(&held.instrument) else {
            return Ok(CancelCost::default());
        };
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
        let (policy, _) = self.policies.of(directory, held.instrument);
        let ledger = &self.writes.ledger;
        let asked = Asked {
            instrument: held.instrument,
            member: held.member,
            slot: held.slot,
            project: held.charged_to(),
            held: Some(held),
            set_aside: &[],
        };
        let gathered = Gathered::of(directory, ledger, (instrument, &policy), &asked);
        let refusals = judge_cancelling(&Wish {
            instrument,
            policy: &policy,
            asking: gathered.asking(&ledger.usage),
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
        let class = directory.class_of(held.member, instrument);
        let terms = policy.in_force(class).late_cancellation;
        let late = terms.filter(|terms| late_cancel(&given_up, minutes_of(terms.before)));
        Ok(CancelCost {
            late: late.is_some(),
            points: late.map_or(0, |terms| terms.points),
        })
    }

    /// Gives points for a late cancellation.
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
