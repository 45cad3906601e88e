//! The earliest slots over many instruments, for one member.
//!
//! In: snapshots, rules, what is known of the member. Out: offers that this very member could book
//! now, and why the other instruments cannot. The search is [`scheduler::pool`]'s; here it is told
//! what it asks for. Deliberately not here: who may know of which instrument, and sentences.

mod grounds;
#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::sync::Arc;

use chrono_tz::Tz;
use scheduler::class::CallerClass;
use scheduler::facts::SetAside;
use scheduler::id::{InstrumentId, MemberId, NodeId};
use scheduler::place::Place;
use scheduler::pool::{Admission, Asked as Question, Candidate, Exclusion, Offer, earliest};
use scheduler::pool::{Found, Refused as NotAdmitted};
use scheduler::refusal::{Figure, Overrider, Refusal, RuleId};
use scheduler::rules::Case;
use scheduler::search::next_free;
use scheduler::slot::Slot;
use scheduler::starts::Starts;
use scheduler::time::{Micros, Span};

use super::asking::{Asked, Gathered};
use super::judge::{Asking, Wish, facts, own_bookings};
use super::ledger::Ledger;
use super::shelf::{InstrumentSnapshot, Shelf};
use crate::registry::{Directory, Instrument, NodeKind};
use grounds::{Ground, Pool, Terms};

pub use grounds::Grounds;

/// Up to how many instruments are all searched to the end, so that each one left out has its
/// reason.
const REASONED_MAX: usize = 200;

/// What is looked at: everything at one moment.
#[derive(Debug, Clone, Copy)]
pub struct PoolFacts<'a> {
    /// Instruments, people, rules.
    pub directory: &'a Directory,
    /// Everything beside bookings.
    pub ledger: &'a Ledger,
    /// Snapshots.
    pub shelf: &'a Shelf,
    /// The time.
    pub now: Micros,
}

/// What is looked for.
#[derive(Debug, Clone)]
pub struct PoolAsked {
    /// For whom.
    pub member: MemberId,
    /// What it has to be able to do; none: anything.
    pub capability: Option<String>,
    /// The centre it has to belong to.
    pub centre: Option<NodeId>,
    /// Where slots lie.
    pub window: Slot,
    /// How long they are.
    pub length: Span,
    /// From where distances count.
    pub near: Option<Place>,
    /// How far away at most.
    pub reach_m: Option<u32>,
    /// How many slots, one of each instrument.
    pub limit: usize,
}

/// A slot that could be booked now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PoolOffer {
    /// Where and when.
    pub offer: Offer,
    /// Whether somebody has to say yes.
    pub needs_approval: bool,
}

/// What was found.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct PoolFound {
    /// The earliest slots; of equal ones the nearest, then of what is least used.
    pub offers: Vec<PoolOffer>,
    /// Instruments that cannot, and why.
    pub excluded: Vec<(InstrumentId, Exclusion<Vec<Refusal>>)>,
    /// How many are in neither list.
    pub later: usize,
}

/// Finds the earliest slots of a length over all instruments that `sees` lets through.
///
/// Costs some ten nanoseconds for each instrument, more after an edit of the registry and once an
/// hour, when what is known of instruments is put together anew.
pub fn search(
    looked_at: &PoolFacts<'_>,
    grounds: &Grounds,
    asked: &PoolAsked,
    sees: impl Fn(&Instrument) -> bool,
) -> PoolFound {
    let PoolFacts { directory, now, .. } = *looked_at;
    let until = asked.window.end();
    let Some(window) = Slot::new(asked.window.start().max(now), until) else {
        return PoolFound::default();
    };
    let pool = grounds.of(looked_at, asked.capability.as_deref());
    let entries = entries(looked_at, &pool, asked, sees);
    let Some(first) = entries.first() else {
        return PoolFound::default();
    };
    let about = Asked {
        instrument: first.instrument.id,
        member: asked.member,
        slot: window,
        project: None,
        held: None,
        set_aside: &[],
    };
    let policy = (first.instrument, &*first.ground.policy);
    // Of a wish without a project and without a booking that is changed, only the class differs
    // from one instrument to another.
    let gathered = Gathered::of(directory, looked_at.ledger, policy, &about);
    let asking = gathered.asking(&looked_at.ledger.usage);
    let (mut found, bookable) = sorted_out(&entries, &asking);
    let judging = Judging {
        asking,
        entries: &entries,
        now,
    };
    let candidates = candidates(bookable, asked, window);
    let question = Question {
        window,
        length: asked.length,
        reach_m: asked.reach_m,
        limit: asked.limit,
        per_instrument: 1,
        every_reason: candidates.len() <= REASONED_MAX,
    };
    let Found {
        offers,
        excluded,
        later,
    } = earliest(&question, &candidates, &judging);
    found.offers = offers
        .into_iter()
        .filter_map(|offer| judging.offered(offer))
        .collect();
    found.excluded.extend(excluded);
    found.later = later;
    found
}

/// An instrument of the pool, as this search sees it.
struct Entry<'a> {
    instrument: &'a Instrument,
    ground: &'a Ground,
    terms: &'a Terms,
    class: CallerClass,
    snapshot: Arc<InstrumentSnapshot>,
}

/// Returns what the pool has in reach of the filters, ascending by identity.
fn entries<'a>(
    looked_at: &PoolFacts<'a>,
    pool: &'a Pool,
    asked: &PoolAsked,
    sees: impl Fn(&Instrument) -> bool,
) -> Vec<Entry<'a>> {
    let PoolFacts {
        directory, shelf, ..
    } = *looked_at;
    // Where a lab belongs, and where the member stands towards it.
    let mut labs: HashMap<NodeId, (CallerClass, bool)> = HashMap::new();
    let entry = |ground: &'a Ground| {
        let instrument = directory.instruments.get(&ground.instrument)?;
        let (class, is_asked) = *labs.entry(instrument.lab).or_insert_with(|| {
            let centre = directory.node_above(instrument.lab, NodeKind::Centre);
            let is_asked = asked
                .centre
                .is_none_or(|wanted| centre.is_some_and(|centre| centre.id == wanted));
            (directory.class_of(asked.member, instrument), is_asked)
        });
        if !is_asked || !sees(instrument) {
            return None;
        }
        Some(Entry {
            instrument,
            ground,
            terms: pool.terms(ground, class, instrument.zone),
            class,
            snapshot: shelf.instrument(ground.instrument)?,
        })
    };
    pool.grounds.iter().filter_map(entry).collect()
}

/// Takes out those that cannot be booked whenever it is.
fn sorted_out<'a, 'e>(
    entries: &'e [Entry<'a>],
    asking: &Asking<'_>,
) -> (PoolFound, Vec<&'e Entry<'a>>) {
    let mut found = PoolFound::default();
    let mut candidates = Vec::with_capacity(entries.len());
    for entry in entries {
        if !asking.permitted {
            let why = Exclusion::NotPermitted;
            found.excluded.push((entry.instrument.id, why));
        } else if !entry.instrument.bookable {
            let why = Exclusion::Rules(vec![not_bookable()]);
            found.excluded.push((entry.instrument.id, why));
        } else {
            candidates.push(entry);
        }
    }
    (found, candidates)
}

fn not_bookable() -> Refusal {
    use Overrider::{CentreAdmin, Manager, RegionAdmin};
    Refusal {
        rule: RuleId::NotBookable,
        limit: Figure::None,
        actual: Figure::None,
        passes_at: None,
        override_by: &[Manager, CentreAdmin, RegionAdmin],
    }
}

const fn without(rule: RuleId) -> SetAside {
    SetAside {
        rule,
        by: Overrider::RegionAdmin,
    }
}

/// All rules that say nothing about where in the day a slot lies, last the longest length: of
/// blocks only runs that are short enough are looked for.
const NO_MATTER_OF_PLACE: [SetAside; 13] = [
    without(RuleId::Shortest),
    without(RuleId::Horizon),
    without(RuleId::WhoMayBook),
    without(RuleId::NoticeToBook),
    without(RuleId::MinimumGap),
    without(RuleId::PerDay),
    without(RuleId::FutureCount),
    without(RuleId::FutureHours),
    without(RuleId::Qualification),
    without(RuleId::Quota),
    without(RuleId::Points),
    without(RuleId::HoldLimit),
    without(RuleId::Longest),
];

/// Returns what the search looks at, in the same order.
fn candidates<'e>(
    entries: Vec<&'e Entry<'e>>,
    asked: &PoolAsked,
    window: Slot,
) -> Vec<Candidate<'e>> {
    let mut known: Vec<(Tz, &[u32], Option<Starts>)> = Vec::new();
    let mut starts_of = |zone: Tz, grids: &'e [u32]| {
        let held = known.iter().find(|one| (one.0, one.1) == (zone, grids));
        if let Some((.., starts)) = held {
            return *starts;
        }
        let starts = Starts::within(zone, grids, window, asked.length);
        known.push((zone, grids, starts));
        starts
    };
    let candidate = |entry: &'e Entry<'e>| {
        let starts = starts_of(entry.instrument.zone, &entry.terms.grids_minutes);
        let from = asked.near.zip(entry.ground.place);
        Candidate {
            instrument: entry.instrument.id,
            occupancy: &entry.snapshot.occupancy,
            open: &entry.terms.open,
            starts: starts.filter(|_| entry.terms.is_plain),
            may_be_longer: entry.terms.has_blocks,
            distance_m: from.map(|(here, there)| here.distance_m(there)),
            used: entry.ground.used,
        }
    };
    entries.into_iter().map(candidate).collect()
}

/// What the search asks.
struct Judging<'a, 'e> {
    asking: Asking<'a>,
    entries: &'e [Entry<'e>],
    now: Micros,
}

impl<'e> Judging<'_, 'e> {
    fn entry(&self, instrument: InstrumentId) -> Option<&'e Entry<'e>> {
        let ids = |entry: &Entry<'_>| entry.instrument.id;
        let at = self.entries.binary_search_by_key(&instrument, ids).ok()?;
        self.entries.get(at)
    }

    fn wish<'w>(&'w self, entry: &'w Entry<'w>, slot: Slot) -> Wish<'w> {
        Wish {
            instrument: entry.instrument,
            policy: &entry.ground.policy,
            asking: Asking {
                class: entry.class,
                ..self.asking
            },
            slot,
            now: self.now,
            held: None,
        }
    }

    fn offered(&self, offer: Offer) -> Option<PoolOffer> {
        let entry = self.entry(offer.instrument)?;
        let wish = self.wish(entry, offer.slot);
        let own = own_bookings(&entry.snapshot, &wish);
        let facts = facts(&wish, &own);
        let accepted = Case::new(wish.policy, &facts).admit(offer.slot).ok()?;
        Some(PoolOffer {
            offer,
            needs_approval: accepted.needs_approval,
        })
    }
}

impl Admission for Judging<'_, '_> {
    type Reason = Vec<Refusal>;

    /// Those are not among the candidates.
    fn barred(&self, _: &Candidate<'_>) -> Option<Exclusion<Vec<Refusal>>> {
        None
    }

    fn exact(&self, candidate: &Candidate<'_>, window: Slot, length: Span) -> Option<Slot> {
        let entry = self.entry(candidate.instrument)?;
        let set_aside = match NO_MATTER_OF_PLACE.split_last() {
            Some((_, but_longest)) if entry.terms.has_blocks => but_longest,
            _ => &NO_MATTER_OF_PLACE,
        };
        let wish = self.wish(entry, window);
        let wish = Wish {
            asking: Asking {
                set_aside,
                ..wish.asking
            },
            ..wish
        };
        let reach = (window.start(), window.end());
        let facts = facts(&wish, &[]);
        let found = next_free(candidate.occupancy, wish.policy, &facts, reach, length, 1);
        found.first().copied()
    }

    fn admit(
        &self,
        candidate: &Candidate<'_>,
        slot: Slot,
    ) -> Result<(), NotAdmitted<Vec<Refusal>>> {
        let Some(entry) = self.entry(candidate.instrument) else {
            return Ok(());
        };
        let wish = self.wish(entry, slot);
        let own = own_bookings(&entry.snapshot, &wish);
        let facts = facts(&wish, &own);
        Case::new(wish.policy, &facts).admit(slot).map(|_| ())
    }
}
