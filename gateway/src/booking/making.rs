//! Judging and making a booking in a group: the one way in for every way to book.

use std::sync::Arc;

use scheduler::booking::Status;
use scheduler::id::{BookingId, InstrumentId, MemberId};
use scheduler::occupancy::Holder;
use scheduler::slot::Slot;

use super::asking::{Asked, Gathered};
use super::command::Refused;
use super::group::Group;
use super::judge::{Placed, Wish, judge_wish};
use super::presence::{Terms, due_after};
use super::record::{Booking, EventKind, Extras, Later};

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
        let outcome = self.seen(asked.instrument, |held| judge_wish(held, &wish))?;
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
        let booking = Arc::new(Booking {
            due_at: self.due_after(&booking),
            ..booking
        });
        let holder = Holder::Booking(booking.id);
        self.claim_placed(made.instrument, &placed.placement, placed.claim, holder);
        self.put_booking(Arc::clone(&booking), EventKind::Booked);
        Some(booking)
    }

    /// Keeps the ledger in step with a booking.
    pub(super) fn account(&mut self, before: Option<&Booking>, after: &Booking) {
        let directory = self.directory;
        let (policy, _) = self.policies.of(directory, after.instrument);
        match directory.instruments.get(&after.instrument) {
            Some(instrument) => {
                self.writes
                    .ledger
                    .account(directory, (instrument, &policy), (before, after))
            }
            None => self.writes.ledger.agenda.follow(before, after),
        }
    }

    /// Returns when something has to be decided about a booking next.
    pub(super) fn due_after(&mut self, booking: &Booking) -> Later {
        if booking.status == Status::Pending {
            return booking.slot.start().into();
        }
        self.looked_at_next(booking)
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
