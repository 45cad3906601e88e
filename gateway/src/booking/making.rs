//! Judging and making a booking in a group: the one way in for every way to book.

use std::sync::Arc;

use scheduler::booking::Status;
use scheduler::id::{BookingId, InstrumentId, MemberId};
use scheduler::occupancy::Holder;
use scheduler::slot::Slot;

use super::asking::{Asked, Gathered};
use super::command::Refused;
use super::group::Group;
use super::judge::{Manner, Placed, Wish, judge_in};
use super::presence::{Terms, due_after};
use super::quotas;
use super::record::{Booking, EventKind, Extras, Later, NoticeKind};
use super::shelf::InstrumentSnapshot;

/// A wish that was judged, with the version of the rules that judged it.
pub(super) struct Judged {
    pub(super) outcome: Result<Placed, Refused>,
    pub(super) policy_version: i64,
}

/// What a new booking is made of.
#[derive(Debug, Clone)]
pub(super) struct Made {
    pub(super) instrument: InstrumentId,
    pub(super) member: MemberId,
    pub(super) slot: Slot,
    pub(super) purpose: Box<str>,
    pub(super) project: Option<Box<str>>,
    pub(super) extras: Extras,
}

impl Group<'_> {
    /// Judges a wish against committed facts and what the group already did. None: there is no such
    /// instrument.
    pub(super) fn judged(&mut self, asked: &Asked<'_>) -> Option<Judged> {
        self.judged_in(asked, Manner::default())
    }

    /// Does the same for a wish that comes about in its own manner.
    pub(super) fn judged_in(&mut self, asked: &Asked<'_>, manner: Manner) -> Option<Judged> {
        self.judged_by(asked, |held, wish| judge_in(held, wish, manner))
    }

    /// As [`Group::judged`], by another judgement than of a booking.
    pub(super) fn judged_by(
        &mut self,
        asked: &Asked<'_>,
        judge: impl FnOnce(&InstrumentSnapshot, &Wish<'_>) -> Result<Placed, Refused>,
    ) -> Option<Judged> {
        let directory = self.directory;
        let instrument = directory.instruments.get(&asked.instrument)?;
        let (policy, policy_version) = self.policies.of(directory, asked.instrument);
        let ledger = &self.writes.ledger;
        let gathered = Gathered::of(directory, ledger, (instrument, &policy), asked);
        let wish = Wish {
            instrument,
            policy: &policy,
            asking: gathered.asking(&ledger.usage),
            slot: asked.slot,
            now: self.now,
            held: asked.held,
        };
        let outcome = self.seen(asked.instrument, |held| judge(held, &wish))?;
        Some(Judged {
            outcome,
            policy_version,
        })
    }

    /// Makes a booking in a place that was found for it. It waits for a yes where the rules want
    /// one.
    pub(super) fn make(
        &mut self,
        made: Made,
        placed: &Placed,
        policy_version: i64,
    ) -> Option<Arc<Booking>> {
        let instrument = self.directory.instruments.get(&made.instrument)?;
        let status = if placed.needs_approval {
            Status::Pending
        } else {
            Status::Confirmed
        };
        let booking = Booking {
            id: BookingId::new(self.next_booking()),
            instrument: made.instrument,
            member: made.member,
            lab: instrument.lab,
            slot: made.slot,
            status,
            at_risk: false,
            purpose: made.purpose,
            project: made.project,
            extras: made.extras.kept(),
            created_at: self.now,
            cancelled_at: Later::NEVER,
            began_at: Later::NEVER,
            finished_at: Later::NEVER,
            due_at: Later::NEVER,
            policy_version,
            version: 1,
        };
        let booking = Arc::new(booking);
        let holder = Holder::Booking(booking.id);
        self.claim_placed(made.instrument, &placed.placement, placed.claim, holder);
        let booking = self.put_booking(booking, EventKind::Booked);
        if booking.made_by().is_some() {
            self.tell(booking.member, NoticeKind::BookedFor, &booking);
        }
        if booking.status == Status::Pending {
            self.ask_approval(&booking);
        }
        Some(booking)
    }

    /// Keeps the ledger in step with a booking.
    pub(super) fn account(&mut self, before: Option<&Booking>, after: &Booking) {
        if let Some(before) = before
            && before.instrument != after.instrument
        {
            // What it used there it never used; what it uses here is by the rules of this place.
            let gone = Booking {
                status: Status::Cancelled,
                due_at: Later::NEVER,
                ..before.clone()
            };
            self.account(Some(before), &gone);
            return self.account(None, after);
        }
        let ledger = &mut self.writes.ledger;
        quotas::account(ledger, self.policies, self.directory, (before, after));
    }

    /// Returns when a booking is looked at next. One that waits for a yes keeps its moment.
    pub(super) fn looked_at_next(&mut self, booking: &Booking) -> Later {
        let directory = self.directory;
        let Some(instrument) = directory.instruments.get(&booking.instrument) else {
            return booking.due_at;
        };
        let (policy, _) = self.policies.of(directory, booking.instrument);
        let terms = Terms::of(&policy, directory, instrument, booking);
        due_after(booking, &terms)
    }
}
