//! Judging one wish against a snapshot: rules, claims, and what would pass instead. Pure.

use std::borrow::Cow;

use scheduler::class::CallerClass;
use scheduler::facts::{Action, BookingFacts, PointsCharged, ProjectFacts, SetAside};
use scheduler::id::MemberId;
use scheduler::occupancy::{Holder, Occupancy, Placement};
use scheduler::policy::{HoldTerms, Policy};
use scheduler::qualification::Granted;
use scheduler::quota::{Subjects, Usage};
use scheduler::refusal::{Figure, Refusal, RuleId};
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

/// What somebody who fills in a form may keep where no rule says it.
pub(super) const HOLD_TERMS: HoldTerms = HoldTerms {
    count: 2,
    length: Span::minutes(10),
};

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

/// How a wish comes about, beside what it wants.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Manner {
    /// Somebody stands before the machine and begins at once.
    pub begins_now: bool,
    /// Whose claim it takes the place of: a hold of the same member, a booking handed over.
    pub instead_of: Option<Holder>,
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
    judge_in(snapshot, wish, Manner::default())
}

/// Does the same for a wish that comes about in its own manner.
///
/// # Errors
/// As [`judge_wish`].
pub fn judge_in(
    snapshot: &InstrumentSnapshot,
    wish: &Wish<'_>,
    manner: Manner,
) -> Result<Placed, Refused> {
    let occupancy = without(snapshot, wish, manner);
    let own = own_bookings(snapshot, wish);
    let facts = BookingFacts {
        action: action(wish, manner),
        ..facts(wish, &own)
    };
    let mut outcome = placed(&occupancy, wish, &facts);
    let mut out_of_order = Vec::new();
    if let Some(Holder::Hold(_)) = manner.instead_of {
        out_of_order = live_outages(snapshot, wish);
        outcome = outside(&out_of_order, wish, &facts, outcome);
    }
    outcome.map_err(|refused| {
        let mut next_free = offers(&occupancy, wish, &facts);
        next_free.retain(|slot| !out_of_order.iter().any(|gone| gone.slot.overlaps(*slot)));
        Refused {
            next_free,
            ..refused
        }
    })
}

fn live_outages(snapshot: &InstrumentSnapshot, wish: &Wish<'_>) -> Vec<Conflict> {
    let outages = snapshot.outages.iter();
    let live = outages.filter(|outage| outage.is_live(wish.now));
    live.map(|outage| Conflict {
        slot: outage.slot,
        holder: Holder::Outage(outage.id),
    })
    .collect()
}

/// In an outage nothing new is booked, also not in the place that a hold has kept from its claims.
fn outside(
    outages: &[Conflict],
    wish: &Wish<'_>,
    facts: &BookingFacts<'_>,
    outcome: Result<Placed, Refused>,
) -> Result<Placed, Refused> {
    let buffers = wish.policy.in_force(facts.class).buffers;
    let claim = buffers.claim(wish.slot);
    let in_way = outages.iter().filter(|outage| outage.slot.overlaps(claim));
    let in_way: Vec<Conflict> = in_way.copied().collect();
    if in_way.is_empty() {
        return outcome;
    }
    let mut refused = outcome.err().unwrap_or_default();
    for conflict in in_way {
        let is_told = |told: &Conflict| told.holder == conflict.holder;
        if !refused.conflicts.iter().any(is_told) {
            refused.conflicts.push(conflict);
        }
    }
    Err(refused)
}

/// Judges as [`judge_wish`] and does not look for what would pass instead: for wishes by the dozen.
pub(super) fn judge_briefly(
    snapshot: &InstrumentSnapshot,
    wish: &Wish<'_>,
) -> Result<Placed, Refused> {
    let own = own_bookings(snapshot, wish);
    let occupancy = without(snapshot, wish, Manner::default());
    placed(&occupancy, wish, &facts(wish, &own))
}

/// Judges a wish to keep a slot while a form is filled in. How many a member may keep is limited
/// also where no rule says it.
pub(super) fn judge_hold(
    snapshot: &InstrumentSnapshot,
    wish: &Wish<'_>,
) -> Result<Placed, Refused> {
    let own = own_bookings(snapshot, wish);
    let facts = BookingFacts {
        action: Action::Hold,
        ..facts(wish, &own)
    };
    let outcome = placed(&snapshot.occupancy, wish, &facts);
    let is_limited = wish.policy.in_force(facts.class).hold.is_some();
    let Some(one_too_many) = too_many_holds(&facts).filter(|_| !is_limited) else {
        return outcome;
    };
    let mut refused = outcome.err().unwrap_or_default();
    refused.refusals.push(one_too_many);
    Err(refused)
}

fn too_many_holds(facts: &BookingFacts<'_>) -> Option<Refusal> {
    let mut ends = facts.holds.to_vec();
    ends.retain(|end| *end > facts.now);
    ends.sort_unstable();
    let held = u32::try_from(ends.len()).unwrap_or(u32::MAX);
    (held >= HOLD_TERMS.count).then(|| Refusal {
        rule: RuleId::HoldLimit,
        limit: Figure::Count(HOLD_TERMS.count.into()),
        actual: Figure::Count(u64::from(held) + 1),
        passes_at: ends.first().copied(),
        override_by: &[],
    })
}

/// Returns the earliest slot of a length that the wish's member may book and that finds its claim
/// free, of those whose claims reach into what became free. The wish's own slot bounds it.
pub(super) fn earliest_of_freed(
    snapshot: &InstrumentSnapshot,
    wish: &Wish<'_>,
    freed: Slot,
    length: Span,
) -> Option<Slot> {
    let own = own_bookings(snapshot, wish);
    let facts = facts(wish, &own);
    let buffers = wish.policy.in_force(facts.class).buffers;
    // One that only touches what became free has no use of it: an instant less.
    let beside = buffers.setup.saturating_add(buffers.cleanup);
    let reach = beside.saturating_add(length).saturating_sub(Span::new(1)?);
    let near = Slot::new(
        freed.start().saturating_sub(reach),
        freed.end().saturating_add(reach),
    )?;
    let window = near.intersect(wish.slot)?;
    earliest(snapshot, wish, &facts, window, length)
}

/// Returns the earliest slot of a length within the wish's slot that its member may book and that
/// is free.
#[must_use]
pub fn earliest_within(
    snapshot: &InstrumentSnapshot,
    wish: &Wish<'_>,
    length: Span,
) -> Option<Slot> {
    let own = own_bookings(snapshot, wish);
    let facts = facts(wish, &own);
    earliest(snapshot, wish, &facts, wish.slot, length)
}

fn earliest(
    snapshot: &InstrumentSnapshot,
    wish: &Wish<'_>,
    facts: &BookingFacts<'_>,
    within: Slot,
    length: Span,
) -> Option<Slot> {
    let bounds = (within.start(), within.end());
    let found = next_free(&snapshot.occupancy, wish.policy, facts, bounds, length, 1);
    found.first().copied()
}

/// Returns the claims without those of the booking that is being changed and of what gives way.
fn without<'a>(
    snapshot: &'a InstrumentSnapshot,
    wish: &Wish<'_>,
    manner: Manner,
) -> Cow<'a, Occupancy> {
    let mut occupancy = Cow::Borrowed(&snapshot.occupancy);
    let held = wish.held.map(|held| Holder::Booking(held.id));
    for holder in held.into_iter().chain(manner.instead_of) {
        occupancy.to_mut().remove(holder);
    }
    occupancy
}

fn placed(
    occupancy: &Occupancy,
    wish: &Wish<'_>,
    facts: &BookingFacts<'_>,
) -> Result<Placed, Refused> {
    let (refusals, accepted) = match judge(wish.policy, facts) {
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
    Err(Refused {
        refusals,
        conflicts,
        next_free: Vec::new(),
    })
}

fn action(wish: &Wish<'_>, manner: Manner) -> Action {
    match wish.held {
        Some(held) => Action::Change { held: held.slot },
        None if manner.begins_now => Action::DropIn,
        None => Action::Book,
    }
}

/// Returns a wish as the rules look at it.
pub(super) fn facts<'a>(wish: &Wish<'a>, own: &'a [Slot]) -> BookingFacts<'a> {
    BookingFacts {
        now: wish.now,
        zone: wish.instrument.zone,
        bookable: wish.instrument.bookable,
        permitted: wish.asking.permitted,
        action: action(wish, Manner::default()),
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
