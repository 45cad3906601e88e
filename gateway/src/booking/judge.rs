//! Judging one wish against a snapshot: rules, claims, and what would pass instead. Pure.

use scheduler::class::CallerClass;
use scheduler::facts::{Action, BookingFacts, PointsCharged, ProjectFacts, SetAside};
use scheduler::id::MemberId;
use scheduler::occupancy::{Holder, Occupancy, Placement};
use scheduler::policy::Policy;
use scheduler::qualification::Granted;
use scheduler::quota::{Subjects, Usage};
use scheduler::rules::{Accepted, Decision, judge};
use scheduler::search::next_free;
use scheduler::slot::Slot;
use scheduler::time::{Micros, Span};

use super::command::{Conflict, Refused};
use super::record::Booking;
use super::shelf::InstrumentSnapshot;
use crate::registry::{Directory, Instrument, Right};

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
    /// Who wants it.
    pub asking: Asking<'a>,
    /// When.
    pub slot: Slot,
    /// The time of the judgement.
    pub now: Micros,
    /// The booking that is being changed, with its present slot.
    pub held: Option<&'a Booking>,
}

/// What is known of a member, as far as rules look at it. The member's bookings on the instrument
/// come from its snapshot.
#[derive(Debug, Clone, Copy)]
pub struct Asking<'a> {
    /// Whether the member may book here.
    pub permitted: bool,
    /// Where the member stands towards the instrument.
    pub class: CallerClass,
    /// In whose name.
    pub subjects: Subjects,
    /// When each slot that the member keeps while filling in forms is let go.
    pub holds: &'a [Micros],
    /// What the member was given.
    pub qualifications: &'a [Granted],
    /// What the member was charged.
    pub points: &'a [PointsCharged],
    /// What has been used of quotas.
    pub usage: Usage<'a>,
    /// The project, if one is named.
    pub project: Option<ProjectFacts>,
    /// Rules set aside.
    pub set_aside: &'a [SetAside],
}

impl Asking<'static> {
    /// Returns what the tree tells of a member; nothing else is known.
    #[must_use]
    pub fn of(directory: &Directory, member: MemberId, instrument: &Instrument) -> Self {
        Self {
            permitted: directory.may_somewhere(member, Right::Book),
            class: directory.class_of(member, instrument),
            subjects: directory.subjects_of(member),
            holds: &[],
            qualifications: &[],
            points: &[],
            usage: Usage::NONE,
            project: None,
            set_aside: &[],
        }
    }
}

/// The place of a wish that nothing stands against.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Placed {
    /// Where.
    pub placement: Placement,
    /// What is claimed: the slot with set-up and clean-up.
    pub claim: Slot,
    /// Whether somebody has to say yes.
    pub needs_approval: bool,
}

/// Returns the place for a wish that no rule refuses.
///
/// # Errors
/// Returns every refusal and every claim in the way, and slots that would pass.
pub fn judge_wish(snapshot: &InstrumentSnapshot, wish: &Wish<'_>) -> Result<Placed, Refused> {
    let mut without_held = None;
    let occupancy = match wish.held {
        None => &snapshot.occupancy,
        Some(held) => {
            let rest = without_held.insert(snapshot.occupancy.clone());
            rest.remove(Holder::Booking(held.id));
            &*rest
        }
    };
    let own = own_bookings(snapshot, wish);
    let facts = facts(wish, &own);
    let (refusals, accepted) = match judge(wish.policy, &facts) {
        Decision::Accept(accepted) => (Vec::new(), accepted),
        Decision::Refuse(refusals) => {
            // What the claim would be: conflicts are told beside refusals.
            let buffers = wish.policy.in_force(facts.class).buffers;
            let needs_approval = false;
            let claimed = Accepted {
                needs_approval,
                buffers,
            };
            (refusals, claimed)
        }
    };
    let claim = accepted.buffers.claim(wish.slot);
    let conflicts = match occupancy.place(claim) {
        Ok(placement) if refusals.is_empty() => {
            return Ok(Placed {
                placement,
                claim,
                needs_approval: accepted.needs_approval,
            });
        }
        Ok(_) => Vec::new(),
        Err(claims) => claims
            .iter()
            .map(|claim| Conflict {
                slot: claim.slot,
                holder: claim.holder,
            })
            .collect(),
    };
    let next_free = offers(occupancy, wish, &facts);
    Err(Refused {
        refusals,
        conflicts,
        next_free,
    })
}

/// Returns a wish as the rules look at it.
pub(super) fn facts<'a>(wish: &Wish<'a>, own: &'a [Slot]) -> BookingFacts<'a> {
    let action = wish
        .held
        .map_or(Action::Book, |held| Action::Change { held: held.slot });
    BookingFacts {
        now: wish.now,
        zone: wish.instrument.zone,
        bookable: wish.instrument.bookable,
        permitted: wish.asking.permitted,
        action,
        slot: wish.slot,
        class: wish.asking.class,
        subjects: wish.asking.subjects,
        own,
        holds: wish.asking.holds,
        qualifications: wish.asking.qualifications,
        points: wish.asking.points,
        usage: wish.asking.usage,
        project: wish.asking.project,
        set_aside: wish.asking.set_aside,
    }
}

/// Returns the member's other bookings on the instrument, if some rule looks at them.
pub(super) fn own_bookings(snapshot: &InstrumentSnapshot, wish: &Wish<'_>) -> Vec<Slot> {
    let member = wish.asking.subjects.member;
    if member.is_none() || !wish.policy.counts_own() {
        return Vec::new();
    }
    let changed = wish.held.map(|held| held.id);
    let others = snapshot.bookings.values();
    let own = others.filter(|held| Some(held.member) == member && Some(held.id) != changed);
    own.map(|held| held.slot).collect()
}

fn offers(occupancy: &Occupancy, wish: &Wish<'_>, facts: &BookingFacts<'_>) -> Vec<Slot> {
    if !facts.bookable || !facts.permitted {
        return Vec::new();
    }
    let window = (
        wish.slot.start(),
        wish.now.max(wish.slot.start()) + SEARCH_AHEAD,
    );
    next_free(
        occupancy,
        wish.policy,
        facts,
        window,
        wish.slot.len(),
        OFFERS,
    )
}
