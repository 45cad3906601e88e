//! What becomes of bookings inside an outage: chosen one by one, done together or not at all.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use scheduler::booking::Status;
use scheduler::facts::SetAside;
use scheduler::id::{BookingId, InstrumentId, MemberId};
use scheduler::occupancy::Holder;
use scheduler::refusal::{Overrider, Refusal, RuleId};
use scheduler::slot::Slot;

use super::asking::Asked;
use super::command::Refused;
use super::group::{Group, NextIds};
use super::judge::Placed;
use super::making::Judged;
use super::outage_command::{Choice, ChoiceAction, ChoiceFault, OpenOutage};
use super::record::{Booking, EventKind, Later, NoticeKind, Outage, Override};
use super::shelf::InstrumentSnapshot;
use crate::registry::{Directory, Instrument, Right, Role};
use crate::store::Writes;

/// What a group has done up to some point, to go back to.
pub(super) struct AsItIs {
    writes: Writes,
    touched: HashMap<InstrumentId, InstrumentSnapshot>,
    next: NextIds,
}

/// A place that was found for a booking.
struct Lent {
    placed: Placed,
    policy_version: i64,
    /// The rules that were set aside for it.
    rules: Vec<String>,
}

impl Lent {
    fn by_rule(placed: Placed, policy_version: i64) -> Self {
        Self {
            placed,
            policy_version,
            rules: Vec::new(),
        }
    }
}

/// It is not the member who moves the booking: how late that is counts for nothing.
pub(super) const LAB_MOVES: SetAside = SetAside {
    rule: RuleId::NoticeToMove,
    by: Overrider::RegionAdmin,
};

/// Why a booking cannot go the way that was chosen.
type Cannot = (BookingId, ChoiceFault);

impl Group<'_> {
    /// Returns what the group has done so far. Dear when it has done much: for rare commands.
    pub(super) fn as_it_is(&self) -> AsItIs {
        AsItIs {
            writes: self.writes.clone(),
            touched: self.touched.clone(),
            next: self.next,
        }
    }

    /// Undoes what came after.
    pub(super) fn go_back(&mut self, before: AsItIs) {
        let AsItIs {
            writes,
            touched,
            next,
        } = before;
        self.writes = writes;
        self.touched = touched;
        self.next = next;
    }

    /// Carries out the choices before the outage claims anything. Returns the slots that are free
    /// then.
    ///
    /// # Errors
    /// Returns the first booking that cannot go the way that was chosen; the caller goes back.
    pub(super) fn choose(&mut self, open: &OpenOutage) -> Result<Vec<Slot>, Cannot> {
        let mut seen: BTreeSet<BookingId> = BTreeSet::new();
        let mut freed = Vec::new();
        // All places are freed before any is taken: bookings may change places.
        for Choice { booking, action } in &open.choices {
            let inside = self.inside(open, *booking);
            let held = inside.filter(|_| seen.insert(*booking));
            let held = held.ok_or((*booking, ChoiceFault::NotInside))?;
            match action {
                ChoiceAction::Keep => {}
                ChoiceAction::Cancel => {
                    let cancelled = self.cancel_for(open, &held);
                    cancelled.map_err(|fault| (*booking, fault))?;
                    freed.push(held.slot);
                }
                ChoiceAction::Move { .. } => {
                    self.release(open.instrument, Holder::Booking(held.id));
                    freed.push(held.slot);
                }
            }
        }
        for Choice { booking, action } in &open.choices {
            if let ChoiceAction::Move { instrument, start } = action {
                let held = self.booking(*booking);
                let held = held.ok_or((*booking, ChoiceFault::NotInside))?;
                let slot = Slot::new(*start, *start + held.slot.len()).unwrap_or(held.slot);
                let moved = self.move_for(open, &held, *instrument, slot);
                moved.map_err(|fault| (*booking, fault))?;
            }
        }
        Ok(freed)
    }

    fn inside(&self, open: &OpenOutage, id: BookingId) -> Option<Arc<Booking>> {
        let booking = self.booking(id)?;
        let now = self.now;
        let is_inside = booking.instrument == open.instrument
            && booking.slot.overlaps(open.slot)
            && booking.status.is_open()
            && booking.slot.end() > now;
        is_inside.then_some(booking)
    }

    fn cancel_for(&mut self, open: &OpenOutage, held: &Booking) -> Result<(), ChoiceFault> {
        let status = held.status.cancel(held.slot, self.now);
        let status = status.map_err(ChoiceFault::WrongState)?;
        self.release(held.instrument, Holder::Booking(held.id));
        let cancelled = Arc::new(Booking {
            status,
            at_risk: false,
            cancelled_at: self.now.into(),
            due_at: Later::NEVER,
            version: held.version + 1,
            ..held.clone()
        });
        let cancelled = self.put_booking(cancelled, EventKind::Cancelled);
        self.tell_why(&cancelled, NoticeKind::CancelledByLab, &open.reason);
        Ok(())
    }

    fn move_for(
        &mut self,
        open: &OpenOutage,
        held: &Booking,
        instrument: InstrumentId,
        slot: Slot,
    ) -> Result<(), ChoiceFault> {
        // Somebody who has begun knows where; and nobody shall be sent back in time.
        let allowed = held.status.transfer(held.slot, self.now);
        allowed.map_err(ChoiceFault::WrongState)?;
        let target = self.directory.instruments.get(&instrument);
        let target = target.ok_or(ChoiceFault::NotFound)?;
        let authority = authority_of(self.directory, open.member, target);
        if instrument == open.instrument && slot.overlaps(open.slot) {
            return Err(ChoiceFault::StillInside);
        }
        if instrument != held.instrument {
            let details = held.details().cloned().unwrap_or_default();
            let answered = self.answered_of(instrument, &details);
            answered.map_err(ChoiceFault::Unanswered)?;
        }
        let Lent {
            placed,
            policy_version,
            rules,
        } = self.placed_by(authority, held, instrument, slot)?;
        let waits = placed.needs_approval && authority.is_none();
        if instrument != held.instrument
            && let Some(left) = self.held(held.instrument)
        {
            left.bookings.remove(&held.id);
        }
        let moved = Booking {
            instrument,
            lab: target.lab,
            slot,
            status: if waits {
                Status::Pending
            } else {
                Status::Confirmed
            },
            at_risk: false,
            policy_version,
            version: held.version + 1,
            ..held.clone()
        };
        let moved = Arc::new(Booking { ..moved });
        let holder = Holder::Booking(held.id);
        self.claim_placed(instrument, &placed.placement, placed.claim, holder);
        let moved = self.put_booking(moved, EventKind::Changed);
        self.settle_outages(instrument);
        self.keep_override(open, held.id, rules);
        self.tell_why(&moved, NoticeKind::MovedByLab, &open.reason);
        Ok(())
    }

    /// Finds the place for a booking that is moved, setting aside what the authority may.
    fn placed_by(
        &mut self,
        authority: Option<Overrider>,
        held: &Booking,
        instrument: InstrumentId,
        slot: Slot,
    ) -> Result<Lent, ChoiceFault> {
        let first = self.judged_aside(held, instrument, slot, &[LAB_MOVES])?;
        let refused = match first.outcome {
            Ok(placed) => return Ok(Lent::by_rule(placed, first.policy_version)),
            Err(refused) => refused,
        };
        let Some(mut set_aside) = authority.and_then(|by| aside(&refused, by)) else {
            return Err(ChoiceFault::Refused(instrument, refused));
        };
        let rules = set_aside.iter().map(|aside| aside.rule.as_str().to_owned());
        let rules = rules.collect();
        set_aside.push(LAB_MOVES);
        let second = self.judged_aside(held, instrument, slot, &set_aside)?;
        match second.outcome {
            Ok(placed) => Ok(Lent {
                placed,
                policy_version: second.policy_version,
                rules,
            }),
            Err(refused) => Err(ChoiceFault::Refused(instrument, refused)),
        }
    }

    fn judged_aside(
        &mut self,
        held: &Booking,
        instrument: InstrumentId,
        slot: Slot,
        set_aside: &[SetAside],
    ) -> Result<Judged, ChoiceFault> {
        let asked = Asked {
            instrument,
            member: held.member,
            slot,
            project: held.charged_to(),
            held: Some(held),
            set_aside,
        };
        self.judged(&asked).ok_or(ChoiceFault::NotFound)
    }

    /// Keeps which rules were set aside for a booking, by whom and why.
    fn keep_override(&mut self, open: &OpenOutage, booking: BookingId, rules: Vec<String>) {
        if rules.is_empty() {
            return;
        }
        let overrides = &mut self.writes.ledger.overrides;
        let kept = Override {
            id: overrides.next_id(),
            booking,
            by: open.member,
            at: self.now,
            reason: if open.reason.is_empty() {
                open.kind.as_str().to_owned()
            } else {
                open.reason.clone()
            },
            rules,
        };
        overrides.put(Arc::new(kept));
    }

    /// Tells the members of bookings inside an outage that they are at risk.
    pub(super) fn tell_at_risk(&mut self, outage: &Outage, inside: &[BookingId]) {
        for id in inside {
            let now = self.now;
            if let Some(booking) = self.booking(*id)
                && booking.status.is_open()
                && booking.slot.end() > now
            {
                self.tell_why(&booking, NoticeKind::AtRisk, &outage.reason);
            }
        }
    }
}

/// Returns what the authority sets aside so that no rule refuses any more; nothing when it cannot,
/// or when only claims stand in the way.
fn aside(refused: &Refused, by: Overrider) -> Option<Vec<SetAside>> {
    let refusals = &refused.refusals;
    let may_all = refusals
        .iter()
        .all(|refusal| refusal.override_by.contains(&by));
    let aside = |refusal: &Refusal| SetAside {
        rule: refusal.rule,
        by,
    };
    (may_all && !refusals.is_empty()).then(|| refusals.iter().map(aside).collect())
}

/// Returns in whose authority a member sets rules aside at an instrument: by the highest role.
fn authority_of(
    directory: &Directory,
    member: MemberId,
    instrument: &Instrument,
) -> Option<Overrider> {
    if !directory.may(member, Right::ManageInstruments, instrument.lab) {
        return None;
    }
    let roles = &directory.members.get(&member)?.roles;
    let above = |held: &&crate::registry::RoleOn| {
        let mut nodes = directory.ancestors(instrument.lab);
        nodes.any(|node| node.id == held.node)
    };
    let authority = roles
        .iter()
        .filter(above)
        .filter_map(|held| match held.role {
            Role::Manager => Some(Overrider::Manager),
            Role::CentreAdmin => Some(Overrider::CentreAdmin),
            Role::RegionAdmin => Some(Overrider::RegionAdmin),
            Role::Researcher | Role::Auditor => None,
        });
    authority.max()
}
