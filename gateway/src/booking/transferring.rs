//! Handing a booking over to another member.

use std::sync::Arc;

use scheduler::booking::Status;
use scheduler::occupancy::Holder;

use super::asking::{Asked, Gathered};
use super::command::{ChangeOutcome, Transfer};
use super::group::Group;
use super::judge::{Manner, Wish, judge_in};
use super::record::{Booking, EventKind, NoticeKind};

impl Group<'_> {
    /// The receiver is judged as one who books anew the place that the booking leaves, with what it
    /// has charged of shared quotas free again.
    pub(super) fn transfer(&mut self, transfer: &Transfer) -> ChangeOutcome {
        let held = match self.to_change(transfer.booking, transfer.expected_version) {
            Ok(held) => held,
            Err(outcome) => return outcome,
        };
        let status = match held.status.transfer(held.slot, self.now) {
            Ok(status) => status,
            Err(wrong) => return ChangeOutcome::WrongState(wrong),
        };
        let directory = self.directory;
        let Some(instrument) = directory.instruments.get(&held.instrument) else {
            return ChangeOutcome::NotFound;
        };
        let (policy, policy_version) = self.policies.of(directory, held.instrument);
        let ledger = &self.writes.ledger;
        let asked = Asked {
            instrument: held.instrument,
            member: transfer.to,
            slot: held.slot,
            project: held.charged_to(),
            held: Some(&held),
            set_aside: &[],
        };
        let gathered = Gathered::of(directory, ledger, (instrument, &policy), &asked);
        let wish = Wish {
            instrument,
            policy: &policy,
            asking: gathered.asking(&ledger.usage),
            slot: held.slot,
            now: self.now,
            held: None,
        };
        let manner = Manner {
            instead_of: Some(Holder::Booking(held.id)),
            ..Manner::default()
        };
        let placed = match self.seen(held.instrument, |seen| judge_in(seen, &wish, manner)) {
            None => return ChangeOutcome::NotFound,
            Some(Err(refused)) => return ChangeOutcome::Refused(refused),
            Some(Ok(placed)) => placed,
        };
        let (status, decided) = match (placed.needs_approval, transfer.by == held.member) {
            (true, true) => (Status::Pending, None),
            // Whoever could say yes has done so by handing it over.
            (true, false) => (status, Some(self.decided_now(transfer.by))),
            (false, _) => (Status::Confirmed, None),
        };
        let holder = Holder::Booking(held.id);
        self.release(held.instrument, holder);
        self.claim_placed(held.instrument, &placed.placement, placed.claim, holder);
        let changed = Booking {
            member: transfer.to,
            status,
            policy_version,
            version: held.version + 1,
            ..held.with_decision(decided)
        };
        let changed = Arc::new(changed);
        let changed = self.put_booking(changed, EventKind::Changed);
        self.settle_outages(held.instrument);
        self.tell(changed.member, NoticeKind::Transferred, &changed);
        if changed.status == Status::Pending {
            self.ask_approval(&changed);
        }
        self.booking(changed.id)
            .map_or(ChangeOutcome::NotFound, ChangeOutcome::Changed)
    }
}
