//! The judgement over all rules; the rules themselves, a few lines each, by what they are about.

mod member;
mod own;
mod quota;
mod slot;

use own::Own;

use crate::facts::{Action, BookingFacts};
use crate::peak::PeakHours;
use crate::policy::{AppliedRule, Buffers, InForce, Policy, RuleBody, RuleKind};
use crate::pool::Refused;
use crate::refusal::{Figure, Overrider, Refusal, RuleId};
use crate::slot::Slot;
use crate::time::{Micros, Span};

/// What became of a wish, as far as rules go; overlap is the occupancy's matter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Decision {
    /// Every rule passes.
    Accept(Accepted),
    /// Every rule that does not pass, at least one.
    Refuse(Vec<Refusal>),
}

/// What follows from the rules for a wish that passes them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Accepted {
    /// Whether somebody has to say yes.
    pub needs_approval: bool,
    /// How far the claim reaches beyond the slot.
    pub buffers: Buffers,
}

/// Those who can make an instrument bookable, and members permitted.
const LAB: &[Overrider] = &[
    Overrider::Manager,
    Overrider::CentreAdmin,
    Overrider::RegionAdmin,
];

/// Judges a wish by every rule that applies and reports all that refuse it.
///
/// The order is fixed: `not_bookable`, `not_permitted`, `past`, then by
/// [`RuleKind`](crate::policy::RuleKind), of one kind the most general first, then the project's.
/// To give a booking up is judged by `notice_to_cancel` only.
#[must_use]
pub fn judge(policy: &Policy, facts: &BookingFacts<'_>) -> Decision {
    Case::new(policy, facts).judge(facts.slot)
}

/// The facts of a wish but its slot, made ready to judge several.
pub struct Case<'a> {
    facts: &'a BookingFacts<'a>,
    /// The rules that speak to this caller and are not set aside, in the order of judgement.
    rules: Vec<&'a AppliedRule>,
    pub(crate) in_force: InForce,
    peak_hours: PeakHours,
    /// The member's bookings that count, ascending.
    own: Vec<Own>,
}

/// One slot that is wanted.
struct Wish<'a> {
    /// With this slot.
    facts: &'a BookingFacts<'a>,
    slot: Slot,
    peak_hours: &'a PeakHours,
    /// What of it lies in peak hours, ascending; nothing when it is wholly off-peak.
    peak: Vec<Slot>,
    own: &'a [Own],
}

/// Where another slot of the same length might pass, all else being equal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Retry {
    /// Nowhere.
    Never,
    /// Not before this begin; no later than the wanted one means right after it.
    From(Micros),
}

/// A refusal before it is known who may set it aside.
struct Reason {
    rule: RuleId,
    limit: Figure,
    actual: Figure,
    passes_at: Option<Micros>,
    retry: Retry,
}

impl Reason {
    /// Nothing cures it.
    fn new(rule: RuleId, limit: Figure, actual: Figure) -> Self {
        Self {
            rule,
            limit,
            actual,
            passes_at: None,
            retry: Retry::Never,
        }
    }

    /// A slot of this length passes with this begin and with none before.
    fn passing_from(self, begin: Micros) -> Self {
        Self {
            passes_at: Some(begin),
            retry: Retry::From(begin),
            ..self
        }
    }

    fn refusal(self, override_by: &'static [Overrider]) -> Refusal {
        let Self {
            rule,
            limit,
            actual,
            passes_at,
            retry: _,
        } = self;
        Refusal {
            rule,
            limit,
            actual,
            passes_at,
            override_by,
        }
    }
}

impl Wish<'_> {
    fn peak_span(&self) -> Span {
        let peak = self.peak.iter();
        peak.fold(Span::default(), |sum, part| sum.saturating_add(part.len()))
    }
}

impl<'a> Case<'a> {
    /// Returns the case of a wish; the slot of its facts does not matter.
    #[must_use]
    pub fn new(policy: &'a Policy, facts: &'a BookingFacts<'a>) -> Self {
        let all = policy.rules().iter();
        let rules: Vec<&AppliedRule> = all.filter(|rule| facts.hears(rule)).collect();
        let in_force = InForce::of(&rules.iter().copied());
        let peak_hours = PeakHours::new(in_force.off_peak.clone(), facts.zone);
        let mut own: Vec<Own> = facts
            .own
            .iter()
            .filter_map(|slot| counted(*slot, &peak_hours))
            .collect();
        own.sort_unstable_by_key(|own| own.slot);
        Self {
            facts,
            rules,
            in_force,
            peak_hours,
            own,
        }
    }

    /// Judges a slot as the search over a pool asks.
    ///
    /// # Errors
    /// Gives every refusal, and the begin before which no slot of this length passes.
    pub fn admit(&self, slot: Slot) -> Result<Accepted, Refused<Vec<Refusal>>> {
        match self.judge(slot) {
            Decision::Accept(accepted) => Ok(accepted),
            Decision::Refuse(reason) => {
                let retry_from = match self.retry(slot) {
                    Some(Retry::From(begin)) => Some(begin),
                    Some(Retry::Never) | None => None,
                };
                Err(Refused { reason, retry_from })
            }
        }
    }

    pub(crate) fn judge(&self, slot: Slot) -> Decision {
        let facts = BookingFacts {
            slot,
            ..*self.facts
        };
        let reasons = self.reasons(&facts);
        if reasons.is_empty() {
            let approvals = &self.in_force.approvals;
            let asks = approvals
                .iter()
                .any(|when| when.asks(slot.len(), facts.class));
            return Decision::Accept(Accepted {
                needs_approval: asks && facts.action != Action::Cancel,
                buffers: self.in_force.buffers,
            });
        }
        let refusals = reasons.into_iter();
        Decision::Refuse(refusals.map(|(reason, who)| reason.refusal(who)).collect())
    }

    /// Returns nothing if the slot passes, else where another one might.
    pub(crate) fn retry(&self, slot: Slot) -> Option<Retry> {
        let facts = BookingFacts {
            slot,
            ..*self.facts
        };
        let next_off_peak = || self.peak_hours.next_off_peak(slot.start());
        let retries = self.reasons(&facts).into_iter().map(|(reason, _)| {
            if self.peak_hours.is_always() || !is_free_off_peak(reason.rule) {
                return reason.retry;
            }
            // Before the next off-peak hours begin, no slot can lie wholly within some.
            match reason.retry {
                Retry::Never => Retry::From(next_off_peak()),
                Retry::From(begin) => Retry::From(begin.min(next_off_peak())),
            }
        });
        retries.reduce(|a, b| match (a, b) {
            (Retry::From(a), Retry::From(b)) => Retry::From(a.max(b)),
            (Retry::Never, _) | (_, Retry::Never) => Retry::Never,
        })
    }

    fn reasons(&self, facts: &BookingFacts<'_>) -> Vec<(Reason, &'static [Overrider])> {
        let slot = facts.slot;
        let wish = Wish {
            facts,
            slot,
            peak_hours: &self.peak_hours,
            peak: self.peak_hours.outside(slot),
            own: &self.own,
        };
        let of_policy = self.rules.iter().filter_map(|rule| {
            let reason = if facts.action == Action::Cancel {
                cancelling(rule, &wish)
            } else {
                apply(rule, &wish)
            };
            Some((reason?, rule.override_by()))
        });
        if facts.action == Action::Cancel {
            return of_policy.collect();
        }
        let flat = |holds: bool, rule| {
            (!holds).then(|| (Reason::new(rule, Figure::None, Figure::None), LAB))
        };
        let nobody: &'static [Overrider] = &[];
        let mut reasons: Vec<_> = flat(facts.bookable, RuleId::NotBookable)
            .into_iter()
            .chain(flat(facts.permitted, RuleId::NotPermitted))
            .chain(slot::past(&wish).map(|reason| (reason, nobody)))
            .chain(of_policy)
            .chain(member::project(&wish).map(|reason| (reason, nobody)))
            .collect();
        reasons.retain(|(reason, who)| !facts.is_set_aside(reason.rule, who));
        reasons
    }
}

/// Returns a booking if it counts.
fn counted(slot: Slot, peak_hours: &PeakHours) -> Option<Own> {
    let peak = peak_hours.outside(slot).into_iter();
    let peak = peak.fold(Span::default(), |sum, part| sum.saturating_add(part.len()));
    (peak > Span::default()).then_some(Own { slot, peak })
}

/// Returns whether a rule leaves alone what lies wholly off-peak.
fn is_free_off_peak(rule: RuleId) -> bool {
    matches!(
        rule,
        RuleId::Longest
            | RuleId::MinimumGap
            | RuleId::PerDay
            | RuleId::FutureCount
            | RuleId::FutureHours
            | RuleId::Quota
    )
}

fn cancelling(rule: &AppliedRule, wish: &Wish<'_>) -> Option<Reason> {
    if let RuleBody::NoticeToCancel { minutes } = rule.body {
        slot::notice_to_cancel(minutes, wish.facts)
    } else {
        None
    }
}

fn apply(rule: &AppliedRule, wish: &Wish<'_>) -> Option<Reason> {
    let kind: RuleKind = rule.body.kind();
    if wish.peak.is_empty() && kind.refuses_as().is_some_and(is_free_off_peak) {
        return None;
    }
    match &rule.body {
        RuleBody::Alignment { minutes } => slot::alignment(*minutes, wish),
        RuleBody::Shortest { minutes } => slot::shortest(*minutes, wish),
        RuleBody::Longest { minutes } => slot::longest(*minutes, wish),
        RuleBody::Horizon { days } => slot::horizon(*days, wish),
        RuleBody::OpeningHours(opening) => slot::opening_hours(opening, wish),
        RuleBody::FixedBlocks(blocks) => slot::fixed_blocks(blocks, wish),
        RuleBody::WhoMayBook { classes } => member::who_may_book(*classes, wish),
        RuleBody::NoticeToBook { minutes } => slot::notice_to_book(*minutes, wish),
        RuleBody::NoticeToMove { minutes } => slot::notice_to_move(*minutes, wish),
        RuleBody::MinimumGap { minutes } => own::minimum_gap(*minutes, wish),
        RuleBody::PerDay { count } => own::per_day(*count, wish),
        RuleBody::FutureCount { count } => own::future_count(*count, wish),
        RuleBody::FutureHours { minutes } => own::future_hours(*minutes, wish),
        RuleBody::Qualification { name, disuse_days } => {
            member::qualification(name, *disuse_days, wish)
        }
        RuleBody::Quota { .. } => quota::quota(rule, wish),
        RuleBody::PointsLimit { .. } => member::points(&rule.body, wish),
        RuleBody::HoldLimit { count, .. } => member::hold_limit(*count, wish),
        RuleBody::NoticeToCancel { .. }
        | RuleBody::OffPeak(_)
        | RuleBody::Buffers { .. }
        | RuleBody::Approval(_)
        | RuleBody::Grace { .. }
        | RuleBody::EarlyFinish { .. }
        | RuleBody::LateCancellation { .. }
        | RuleBody::NoShowPoints { .. }
        | RuleBody::Waitlist { .. } => None,
    }
}

/// Returns the length of a list.
fn count_of(length: usize) -> u64 {
    u64::try_from(length).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests;
