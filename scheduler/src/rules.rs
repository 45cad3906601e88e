//! The rules themselves, a few lines each, and the judgement over all of them.

use crate::blocks::{Blocks, blocks_within, ends_a_block, first_run, is_made_of_blocks};
use crate::calendar::{Opening, day_of, first_open_start, is_open, open_intervals};
use crate::facts::BookingFacts;
use crate::grid::{first_aligned, is_aligned};
use crate::policy::{Policy, RuleBody};
use crate::refusal::{Figure, Overrider, Refusal, RuleId};
use crate::slot::Slot;
use crate::time::{Micros, Span};

/// What became of a wish, as far as rules go; overlap is the occupancy's matter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Decision {
    /// Every rule passes.
    Accept,
    /// Every rule that does not pass, at least one.
    Refuse(Vec<Refusal>),
}

/// Those who can make an instrument bookable, and members permitted.
const LAB: &[Overrider] = &[
    Overrider::Manager,
    Overrider::CentreAdmin,
    Overrider::RegionAdmin,
];

/// How far `alignment` looks for a begin that passes.
const ALIGNMENT_SEARCH: Span = Span::days(15);

/// How far `fixed_blocks` looks for a run of blocks that passes.
const BLOCK_SEARCH: Span = Span::days(15);

/// Judges a wish by every rule that applies and reports all that refuse it.
///
/// The order is fixed: the flat ones, `past`, then by [`RuleKind`](crate::policy::RuleKind), of
/// one kind the most general first.
#[must_use]
pub fn judge(policy: &Policy, facts: &BookingFacts) -> Decision {
    let mut refusals: Vec<Refusal> = Vec::new();
    refusals.extend((!facts.bookable).then(|| flat(RuleId::NotBookable)));
    refusals.extend((!facts.permitted).then(|| flat(RuleId::NotPermitted)));
    refusals.extend(past(facts));
    refusals.extend(policy.rules().iter().filter_map(|rule| {
        let reason = apply(&rule.body, facts)?;
        Some(reason.refusal(rule.override_by()))
    }));
    if refusals.is_empty() {
        Decision::Accept
    } else {
        Decision::Refuse(refusals)
    }
}

/// A refusal before it is known who may set it aside.
struct Reason {
    rule: RuleId,
    limit: Figure,
    actual: Figure,
    passes_at: Option<Micros>,
}

impl Reason {
    fn refusal(self, override_by: &'static [Overrider]) -> Refusal {
        let Self {
            rule,
            limit,
            actual,
            passes_at,
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

/// Refuses whatever slot is wanted.
fn flat(rule: RuleId) -> Refusal {
    Reason {
        rule,
        limit: Figure::None,
        actual: Figure::None,
        passes_at: None,
    }
    .refusal(LAB)
}

fn apply(body: &RuleBody, facts: &BookingFacts) -> Option<Reason> {
    match body {
        RuleBody::Alignment { minutes } => alignment(*minutes, facts),
        RuleBody::Shortest { minutes } => {
            let limit = Span::minutes(*minutes);
            (facts.slot.len() < limit).then(|| length(RuleId::Shortest, limit, facts))
        }
        RuleBody::Longest { minutes } => {
            let limit = Span::minutes(*minutes);
            (facts.slot.len() > limit).then(|| length(RuleId::Longest, limit, facts))
        }
        RuleBody::Horizon { days } => horizon(Span::days(*days), facts),
        RuleBody::OpeningHours(opening) => opening_hours(opening, facts),
        RuleBody::FixedBlocks(blocks) => fixed_blocks(blocks, facts),
    }
}

/// A slot that begins at this very moment is not past; one that has begun may end at once.
fn past(facts: &BookingFacts) -> Option<Refusal> {
    let wanted = if facts.begin_is_kept {
        facts.slot.end()
    } else {
        facts.slot.start()
    };
    let reason = Reason {
        rule: RuleId::Past,
        limit: Figure::Time(facts.now),
        actual: Figure::Time(wanted),
        passes_at: Some(facts.now),
    };
    (wanted < facts.now).then(|| reason.refusal(&[]))
}

fn alignment(minutes: u32, facts: &BookingFacts) -> Option<Reason> {
    let BookingFacts { zone, slot, .. } = *facts;
    let begin_passes = facts.begin_is_kept || is_aligned(slot.start(), zone, minutes);
    if begin_passes && is_aligned(slot.end(), zone, minutes) {
        return None;
    }
    let search = Slot::new(slot.start(), slot.end() + ALIGNMENT_SEARCH);
    let passing = search.and_then(|window| first_aligned(window, zone, minutes, slot.len()));
    Some(Reason {
        rule: RuleId::Alignment,
        limit: Figure::Span(Span::minutes(minutes)),
        actual: Figure::Slot(slot),
        passes_at: passing.map(Slot::start),
    })
}

fn length(rule: RuleId, limit: Span, facts: &BookingFacts) -> Reason {
    let actual = Figure::Span(facts.slot.len());
    Reason {
        rule,
        limit: Figure::Span(limit),
        actual,
        passes_at: None,
    }
}

/// Compares the begin only, so that a slot may reach over the horizon; a kept begin was judged
/// when it was booked.
fn horizon(limit: Span, facts: &BookingFacts) -> Option<Reason> {
    let begin = facts.slot.start();
    (begin > facts.now + limit && !facts.begin_is_kept).then(|| Reason {
        rule: RuleId::Horizon,
        limit: Figure::Span(limit),
        actual: Figure::Time(begin),
        passes_at: Some(begin.saturating_sub(limit)),
    })
}

fn opening_hours(opening: &Opening, facts: &BookingFacts) -> Option<Reason> {
    let BookingFacts { zone, slot, .. } = *facts;
    if is_open(opening, zone, slot) {
        return None;
    }
    let near = day_of(slot.start(), zone).and_then(|day| {
        let week = day.end() + Span::days(6);
        Slot::new(day.start(), day.end().max(slot.end().min(week)))
    });
    let hours = std::slice::from_ref(opening);
    Some(Reason {
        rule: RuleId::OpeningHours,
        limit: Figure::Open(near.map_or(Vec::new(), |near| open_intervals(hours, zone, near))),
        actual: Figure::Slot(slot),
        passes_at: first_open_start(opening, zone, slot.start(), slot.len()),
    })
}

/// Of a booking that has begun only the end is a wish: it is the end of some block.
fn fixed_blocks(blocks: &Blocks, facts: &BookingFacts) -> Option<Reason> {
    let BookingFacts { zone, slot, .. } = *facts;
    let passes = if facts.begin_is_kept {
        ends_a_block(blocks, zone, slot.end())
    } else {
        is_made_of_blocks(blocks, zone, slot)
    };
    if passes {
        return None;
    }
    let day = day_of(slot.start(), zone);
    let search = Slot::new(slot.start(), slot.end() + BLOCK_SEARCH);
    let run = search.and_then(|window| first_run(blocks, zone, window, slot.len(), |_| true));
    Some(Reason {
        rule: RuleId::Blocks,
        limit: Figure::Open(day.map_or(Vec::new(), |day| blocks_within(blocks, zone, day))),
        actual: Figure::Slot(slot),
        passes_at: run.map(Slot::start),
    })
}

#[cfg(test)]
mod tests;
