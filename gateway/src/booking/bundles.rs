//! Several bookings at once, all or nothing: a sample that goes from one instrument to the next.

use std::sync::Arc;

use scheduler::id::{BookingId, InstrumentId, MemberId, ProjectId};
use scheduler::slot::Slot;

use super::answers::Fault;
use super::asking::Asked;
use super::command::Refused;
use super::group::Group;
use super::judge::judge_briefly;
use super::making::{Judged, Made};
use super::record::{Booking, Details, Extras, KeptAnswer};

/// Bookings made together.
pub const PARTS_MAX: usize = 20;

/// Books several slots, or none.
#[derive(Debug, Clone)]
pub struct BookTogether {
    /// For whom.
    pub member: MemberId,
    /// What and when; each is judged with those before it counted. At most [`PARTS_MAX`].
    pub parts: Vec<(InstrumentId, Slot)>,
    /// What for.
    pub purpose: String,
    /// The project's name where it is not a registered one.
    pub project: Option<String>,
    /// What else was asked; each booking keeps the answers that its instrument asks for.
    pub details: Details,
    /// The caller's key and the hash of the request, so that a retry books once.
    pub idempotency: Option<(String, [u8; 32])>,
}

/// What became of it.
#[derive(Debug, Clone)]
pub enum TogetherOutcome {
    /// All of it is booked, in the order of the parts.
    Booked(Vec<Arc<Booking>>),
    /// The same request with this key was answered before; these of its bookings are the member's
    /// still.
    Replayed(Vec<Arc<Booking>>),
    /// The key was used for another request.
    KeyReused,
    /// Nothing is booked: the parts that are refused, by their places from 0, and why.
    Refused(Vec<(usize, Refused)>),
    /// What is asked with it is not answered.
    Unanswered(Vec<Fault>),
    /// There is no such instrument.
    NotFound,
}

/// What became of an idempotency key.
pub(super) enum KeyFound {
    /// It was used for this very request: the booking it made, or the first of several.
    Same(Arc<Booking>),
    /// It was used for another one.
    Other,
}

impl Group<'_> {
    pub(super) fn book_together(&mut self, asked: &BookTogether) -> TogetherOutcome {
        match self.key_found(asked.member, asked.idempotency.as_ref()) {
            Some(KeyFound::Same(first)) => {
                let of_bundle = |held: &Booking| held.bundle() == Some(first.id);
                // What was handed over since is its new member's.
                return TogetherOutcome::Replayed(self.bookings_like(asked.member, of_bundle));
            }
            Some(KeyFound::Other) => return TogetherOutcome::KeyReused,
            None => {}
        }
        let instruments: Vec<InstrumentId> = asked.parts.iter().map(|(id, _)| *id).collect();
        let shares = match self.answered(&instruments, &asked.details) {
            Ok(shares) => shares,
            Err(faults) => return TogetherOutcome::Unanswered(faults),
        };
        let booked = self.all_or_nothing(&instruments, |group| group.book_parts(asked, shares));
        let booked = match booked {
            Ok(booked) => booked,
            Err(outcome) => return outcome,
        };
        if let Some(first) = booked.first() {
            self.keep_answer(asked.member, asked.idempotency.as_ref(), first.id);
        }
        TogetherOutcome::Booked(booked)
    }

    fn book_parts(
        &mut self,
        asked: &BookTogether,
        shares: Vec<Details>,
    ) -> Result<Vec<Arc<Booking>>, TogetherOutcome> {
        let (mut booked, mut refused) = (Vec::new(), Vec::new());
        let bundle = Some(self.coming_booking());
        let parts = asked.parts.iter().zip(shares);
        for (place, ((instrument, slot), details)) in parts.enumerate() {
            let made = Made {
                instrument: *instrument,
                member: asked.member,
                slot: *slot,
                purpose: asked.purpose.as_str().into(),
                project: asked.project.as_deref().map(Into::into),
                extras: Extras {
                    details,
                    bundle,
                    ..Extras::default()
                },
            };
            match self.book_one_of_many(made) {
                Some(Ok(booking)) => booked.push(booking),
                Some(Err(why)) => refused.push((place, why)),
                None => return Err(TogetherOutcome::NotFound),
            }
        }
        if refused.is_empty() {
            Ok(booked)
        } else {
            Err(TogetherOutcome::Refused(refused))
        }
    }

    /// Books one of many that are asked for together. None: there is no such instrument.
    pub(super) fn book_one_of_many(&mut self, made: Made) -> Option<Result<Arc<Booking>, Refused>> {
        let asked = Asked {
            instrument: made.instrument,
            member: made.member,
            slot: made.slot,
            project: made.extras.details.project.map(ProjectId::new),
            held: None,
            set_aside: &[],
        };
        let Judged {
            outcome,
            policy_version,
        } = self.judged_by(&asked, judge_briefly)?;
        match outcome {
            Ok(placed) => self.make(made, &placed, policy_version).map(Ok),
            Err(refused) => Some(Err(refused)),
        }
    }

    /// Returns the identity of the next booking that is made.
    fn coming_booking(&self) -> BookingId {
        BookingId::new(self.next.booking + 1)
    }

    /// Looks for what an idempotency key was used for.
    pub(super) fn key_found(
        &self,
        member: MemberId,
        idempotency: Option<&(String, [u8; 32])>,
    ) -> Option<KeyFound> {
        let (key, request) = idempotency?;
        let kept = self.kept_answer(member, key)?;
        Some(match self.booking(kept.booking) {
            Some(booking) if kept.request == *request => KeyFound::Same(booking),
            _ => KeyFound::Other,
        })
    }

    /// Keeps the answer to a request with a key.
    pub(super) fn keep_answer(
        &mut self,
        member: MemberId,
        idempotency: Option<&(String, [u8; 32])>,
        booking: BookingId,
    ) {
        if let Some((key, request)) = idempotency {
            self.writes.answers.push(KeptAnswer {
                member,
                key: key.clone(),
                request: *request,
                booking,
                created_at: self.now,
            });
        }
    }

    /// Returns a member's bookings of some kind as the group sees them, ascending by identity.
    pub(super) fn bookings_like(
        &self,
        member: MemberId,
        is_wanted: impl Fn(&Booking) -> bool,
    ) -> Vec<Arc<Booking>> {
        let held = self.shelf.bookings_of(member);
        let held = held.into_iter().filter_map(|held| self.booking(held.id));
        let new = self.writes.bookings_new.values().cloned();
        let new = new.filter(|new| new.member == member);
        held.chain(new).filter(|held| is_wanted(held)).collect()
    }
}
