//! What other rules would have said: bookings are judged again in the order they were made, by the
//! rules as they are and by the rules as they would be.
//!
//! Under the rules that would be, a booking that is refused was never made: it uses no quota and is
//! nobody's own. Under the rules as they are all of them count, because they are there. What is not
//! known any more is taken as it is now: the slot of a booking that was moved, the member's place on
//! the tree, qualifications and points. Quotas count what is replayed, so one that is set above the
//! place of the change sees only what lies below it. Pure.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use chrono_tz::Tz;
use scheduler::class::CallerClass;
use scheduler::facts::{Action, BookingFacts, PointsCharged};
use scheduler::id::{BookingId, InstrumentId, MemberId};
use scheduler::policy::{Policy, RuleKind};
use scheduler::qualification::Granted;
use scheduler::quota::{Ledger as UsageLedger, Subjects, Usage, charges};
use scheduler::refusal::{Refusal, RuleId};
use scheduler::rules::{Decision, judge};
use scheduler::slot::Slot;
use scheduler::time::Micros;

use super::record::Booking;

/// The rules of an instrument, as they are and as they would be.
#[derive(Debug, Clone)]
pub struct Change {
    /// As they are.
    pub before: Arc<Policy>,
    /// As they would be.
    pub after: Arc<Policy>,
    /// The instrument's zone.
    pub zone: Tz,
}

/// What is known of somebody who booked, as far as rules look at it.
#[derive(Debug, Clone, Default)]
pub struct Booker {
    /// In whose name.
    pub subjects: Subjects,
    /// What the member was given.
    pub qualifications: Vec<Granted>,
    /// What the member was charged.
    pub points: Vec<PointsCharged>,
}

/// A booking to judge again.
#[derive(Debug, Clone)]
pub struct Replayed {
    /// The booking.
    pub booking: Arc<Booking>,
    /// Where its member stands towards its instrument.
    pub class: CallerClass,
    /// Whether it is judged, or only counts for others.
    pub is_judged: bool,
}

/// A booking that rules would refuse which pass today.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WouldRefuse {
    /// Which.
    pub booking: BookingId,
    /// The reasons that come with the change.
    pub refusals: Vec<Refusal>,
}

/// What a change of rules would do.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Simulated {
    /// How many bookings were judged.
    pub judged: usize,
    /// Bookings that would be refused and pass today, in the order they were made.
    pub would_refuse: Vec<WouldRefuse>,
    /// How many pass that the rules of today refuse.
    pub newly_allowed: usize,
    /// How many each rule would refuse.
    pub by_rule: BTreeMap<RuleId, usize>,
}

/// Judges bookings again. `bookings` may be in any order; those of instruments that are not in
/// `changes` are left out.
#[must_use]
pub(super) fn replay(
    changes: &HashMap<InstrumentId, Change>,
    bookers: &HashMap<MemberId, Booker>,
    mut bookings: Vec<Replayed>,
) -> Simulated {
    bookings.sort_unstable_by_key(|one| (one.booking.created_at, one.booking.id));
    let (mut before, mut after) = (World::default(), World::default());
    let unknown = Booker::default();
    let mut simulated = Simulated::default();
    for replayed in &bookings {
        let Some(change) = changes.get(&replayed.booking.instrument) else {
            continue;
        };
        let booker = bookers.get(&replayed.booking.member).unwrap_or(&unknown);
        let wish = Wish {
            replayed,
            booker,
            zone: change.zone,
        };
        let today = wish.refusals(&change.before, &before);
        let then = wish.refusals(&change.after, &after);
        before.take(&wish, &change.before);
        if then.is_empty() || !replayed.is_judged {
            after.take(&wish, &change.after);
        }
        if replayed.is_judged {
            simulated.tell(replayed.booking.id, &today, then);
        }
    }
    simulated
}

impl Simulated {
    fn tell(&mut self, booking: BookingId, today: &[Refusal], then: Vec<Refusal>) {
        self.judged += 1;
        if then.is_empty() {
            self.newly_allowed += usize::from(!today.is_empty());
            return;
        }
        let mut refusals = then;
        refusals.retain(|new| today.iter().all(|held| held.rule != new.rule));
        if refusals.is_empty() {
            return;
        }
        let mut rules: Vec<RuleId> = refusals.iter().map(|refusal| refusal.rule).collect();
        // A rule that is set at several places counts once.
        rules.sort_unstable();
        rules.dedup();
        for rule in rules {
            *self.by_rule.entry(rule).or_default() += 1;
        }
        self.would_refuse.push(WouldRefuse { booking, refusals });
    }
}

/// What was booked so far, by one set of rules.
#[derive(Default)]
struct World {
    own: HashMap<(MemberId, InstrumentId), Vec<Arc<Booking>>>,
    usage: UsageLedger,
}

struct Wish<'a> {
    replayed: &'a Replayed,
    booker: &'a Booker,
    zone: Tz,
}

impl Wish<'_> {
    fn subjects(&self) -> Subjects {
        Subjects {
            project: self.replayed.booking.charged_to(),
            ..self.booker.subjects
        }
    }

    fn refusals(&self, policy: &Policy, world: &World) -> Vec<Refusal> {
        if !self.replayed.is_judged {
            return Vec::new();
        }
        let booking = &self.replayed.booking;
        let own = world.own_at(booking.member, booking.instrument, booking.created_at);
        let facts = BookingFacts {
            now: booking.created_at,
            zone: self.zone,
            bookable: true,
            permitted: true,
            action: Action::Book,
            slot: booking.slot,
            class: self.replayed.class,
            subjects: self.subjects(),
            own: &own,
            holds: &[],
            qualifications: &self.booker.qualifications,
            points: &self.booker.points,
            usage: Usage {
                ledger: Some(&world.usage),
                freed: &[],
            },
            project: None,
            set_aside: &[],
        };
        match judge(policy, &facts) {
            Decision::Accept(_) => Vec::new(),
            Decision::Refuse(refusals) => refusals,
        }
    }
}

impl World {
    fn own_at(&self, member: MemberId, instrument: InstrumentId, now: Micros) -> Vec<Slot> {
        let own = self.own.get(&(member, instrument));
        let stands = |booking: &&Arc<Booking>| {
            let cancelled = booking.cancelled_at.get();
            booking.status.claims() || cancelled.is_some_and(|cancelled| now < cancelled)
        };
        let own = own.into_iter().flatten().filter(stands);
        own.map(|booking| booking.slot).collect()
    }

    fn take(&mut self, wish: &Wish<'_>, policy: &Policy) {
        let booking = &wish.replayed.booking;
        let place = (booking.member, booking.instrument);
        let own = self.own.entry(place).or_default();
        own.push(Arc::clone(booking));
        let mut rules = policy.rules().iter();
        if rules.any(|rule| rule.body.kind() == RuleKind::Quota)
            && let Some(counted) = booking.counted()
        {
            let class = wish.replayed.class;
            let charged = charges(policy, class, wish.subjects(), wish.zone, counted);
            self.usage.add(&charged);
        }
    }
}

#[cfg(test)]
mod tests;
