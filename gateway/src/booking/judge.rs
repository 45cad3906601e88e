//! Judging one wish against a snapshot: rules, claims, and what would pass instead. Pure.

use scheduler::facts::BookingFacts;
use scheduler::occupancy::{Holder, Placement};
use scheduler::policy::Policy;
use scheduler::rules::{Decision, judge};
use scheduler::search::next_free;
use scheduler::slot::Slot;
use scheduler::time::{Micros, Span};

use super::command::{Conflict, Refused};
use super::record::Booking;
use super::shelf::InstrumentSnapshot;
use crate::registry::Instrument;

/// How far ahead other slots are looked for where no horizon is set.
const SEARCH_AHEAD: Span = Span::days(30);

/// How many other slots are offered.
const OFFERS: usize = 3;

/// What is wanted, of what, by whom.
#[derive(Debug, Clone, Copy)]
pub struct Wish<'a> {
    /// The instrument.
    pub instrument: &'a Instrument,
    /// Its rules.
    pub policy: &'a Policy,
    /// Whether this member may book it.
    pub permitted: bool,
    /// When.
    pub slot: Slot,
    /// The time of the judgement.
    pub now: Micros,
    /// The booking that is being changed, with its present slot.
    pub held: Option<&'a Booking>,
}

/// Returns the place for a wish that no rule refuses.
///
/// # Errors
/// Returns every refusal and every claim in the way, and slots that would pass.
pub fn judge_wish(snapshot: &InstrumentSnapshot, wish: &Wish<'_>) -> Result<Placement, Refused> {
    let mut without_held = None;
    let occupancy = match wish.held {
        None => &snapshot.occupancy,
        Some(held) => {
            let rest = without_held.insert(snapshot.occupancy.clone());
            rest.remove(Holder::Booking(held.id));
            &*rest
        }
    };
    let begin_is_kept = wish.held.is_some_and(|held| {
        held.slot.start() == wish.slot.start() && held.slot.start() <= wish.now
    });
    let facts = BookingFacts {
        now: wish.now,
        zone: wish.instrument.zone,
        bookable: wish.instrument.bookable,
        permitted: wish.permitted,
        slot: wish.slot,
        begin_is_kept,
    };
    let refusals = match judge(wish.policy, &facts) {
        Decision::Accept => Vec::new(),
        Decision::Refuse(refusals) => refusals,
    };
    let conflicts = match occupancy.place(wish.slot) {
        Ok(placement) if refusals.is_empty() => return Ok(placement),
        Ok(_) => Vec::new(),
        Err(claims) => claims
            .iter()
            .map(|claim| Conflict {
                slot: claim.slot,
                holder: claim.holder,
            })
            .collect(),
    };
    let next_free = if wish.instrument.bookable && wish.permitted {
        let window = (
            wish.slot.start(),
            wish.now.max(wish.slot.start()) + SEARCH_AHEAD,
        );
        let (zone, length) = (wish.instrument.zone, wish.slot.len());
        next_free(
            occupancy,
            wish.policy,
            zone,
            wish.now,
            window,
            length,
            OFFERS,
        )
    } else {
        Vec::new()
    };
    Err(Refused {
        refusals,
        conflicts,
        next_free,
    })
}
