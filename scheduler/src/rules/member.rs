//! Rules about who books and for what: class, qualification, points, kept slots, project.

use super::{Reason, Retry, Wish, count_of};
use crate::class::ClassSet;
use crate::facts::{Action, PointsCharged};
use crate::policy::RuleBody;
use crate::qualification::{Lack, QualificationName};
use crate::refusal::{Figure, RuleId};
use crate::time::{Micros, Span};

pub(super) fn who_may_book(classes: ClassSet, wish: &Wish<'_>) -> Option<Reason> {
    let class = wish.facts.class;
    (!classes.contains(class)).then(|| {
        let actual = Figure::Classes(ClassSet::of(&[class]));
        Reason::new(RuleId::WhoMayBook, Figure::Classes(classes), actual)
    })
}

/// Of several grants with the name, one that serves is enough; else the one that will hold first
/// tells, or the last listed.
pub(super) fn qualification(
    name: &QualificationName,
    disuse_days: Option<u32>,
    wish: &Wish<'_>,
) -> Option<Reason> {
    let (slot, now) = (wish.slot, wish.facts.now);
    let disuse = disuse_days.map(Span::days);
    let grants = wish.facts.qualifications.iter();
    let lacks_at = |start: Micros, end: Micros| {
        let grants = grants.clone().filter(|held| held.name == *name);
        grants.map(move |granted| granted.lack((start, end), now, disuse))
    };
    let serves = |start, end| lacks_at(start, end).any(|lack| lack.is_none());
    if serves(slot.start(), slot.end()) {
        return None;
    }
    let sooner = |a, b| match (a, b) {
        (Lack::NotYet(a), Lack::NotYet(b)) => Lack::NotYet(a.min(b)),
        (Lack::NotYet(since), _) | (_, Lack::NotYet(since)) => Lack::NotYet(since),
        (_, last) => last,
    };
    let lacks = lacks_at(slot.start(), slot.end()).flatten();
    let lack = lacks.reduce(sooner).unwrap_or(Lack::Missing);
    let limit = Figure::Qualification(name.clone());
    let reason = Reason::new(RuleId::Qualification, limit, Figure::Lack(lack));
    let Lack::NotYet(since) = lack else {
        return Some(reason);
    };
    Some(Reason {
        passes_at: serves(since, since + slot.len()).then_some(since),
        retry: Retry::From(since),
        ..reason
    })
}

/// Blocks what is new only: bookings that are held may be changed.
pub(super) fn points(body: &RuleBody, wish: &Wish<'_>) -> Option<Reason> {
    let RuleBody::PointsLimit {
        threshold,
        window_days,
        block_days,
    } = *body
    else {
        return None;
    };
    if matches!(wish.facts.action, Action::Change { .. }) {
        return None;
    }
    let (now, threshold) = (wish.facts.now, u64::from(threshold.max(1)));
    let (window, block) = (Span::days(window_days), Span::days(block_days));
    let mut charged: Vec<PointsCharged> = wish.facts.points.to_vec();
    charged.retain(|one| one.at <= now);
    charged.sort_unstable_by_key(|one| one.at);
    let (mut until, mut reached) = (None, 0);
    // The points in the window that ends with each charge: the oldest leave as it moves on.
    let mut sum = 0_u64;
    let mut oldest = charged.iter().peekable();
    for one in &charged {
        sum = sum.saturating_add(one.points.into());
        while let Some(gone) = oldest.next_if(|held| held.at + window <= one.at) {
            sum = sum.saturating_sub(gone.points.into());
        }
        if sum >= threshold {
            let falls = falls_below(oldest.clone().copied(), sum, threshold, window);
            let ends = falls.max(Some(one.at + block));
            if ends.is_some_and(|ends| ends > now) {
                until = until.max(ends);
                reached = sum;
            }
        }
    }
    let until = until?;
    let limit = Figure::Count(threshold);
    let reason = Reason::new(RuleId::Points, limit, Figure::Count(reached));
    Some(Reason {
        passes_at: Some(until),
        ..reason
    })
}

/// Returns when so many of the oldest points have left the window that the sum is below.
fn falls_below(
    oldest: impl Iterator<Item = PointsCharged>,
    mut sum: u64,
    threshold: u64,
    window: Span,
) -> Option<Micros> {
    for one in oldest {
        sum = sum.saturating_sub(one.points.into());
        if sum < threshold {
            return Some(one.at + window);
        }
    }
    None
}

pub(super) fn hold_limit(count: u32, wish: &Wish<'_>) -> Option<Reason> {
    if wish.facts.action != Action::Hold {
        return None;
    }
    let mut ends: Vec<Micros> = wish.facts.holds.to_vec();
    ends.retain(|end| *end > wish.facts.now);
    ends.sort_unstable();
    let with_this = count_of(ends.len()).saturating_add(1);
    let too_many = with_this
        .checked_sub(count.into())
        .filter(|many| *many > 0)?;
    let place = usize::try_from(too_many - 1).unwrap_or(usize::MAX);
    let limit = Figure::Count(count.into());
    let reason = Reason::new(RuleId::HoldLimit, limit, Figure::Count(with_this));
    Some(Reason {
        passes_at: ends.get(place).copied(),
        ..reason
    })
}

/// A project refuses by being closed or not running at the wanted time, by not having the member,
/// by having used its time. Time is counted whole, peak or not: it is what is paid for.
pub(super) fn project(wish: &Wish<'_>) -> impl Iterator<Item = Reason> {
    let project = wish.facts.project;
    let closed = project.and_then(|project| {
        let runs = project.runs.filter(|runs| !runs.covers(wish.slot));
        if !project.closed && runs.is_none() {
            return None;
        }
        let limit = runs.map_or(Figure::None, Figure::Slot);
        let reason = Reason::new(RuleId::ProjectClosed, limit, Figure::Slot(wish.slot));
        let begins = runs.filter(|runs| !project.closed && wish.slot.start() < runs.start());
        let fits = begins.filter(|runs| wish.slot.len() <= runs.len());
        Some(match fits {
            Some(runs) => reason.passing_from(runs.start()),
            None => reason,
        })
    });
    let stranger = project.filter(|project| !project.is_member);
    let stranger = stranger.map(|_| Reason::new(RuleId::ProjectMember, Figure::None, Figure::None));
    let budget = project.and_then(|project| {
        let (limit, total) = (
            project.budget?,
            project.used.saturating_add(wish.slot.len()),
        );
        (total > limit).then(|| {
            let (limit, actual) = (Figure::Span(limit), Figure::Span(total));
            Reason {
                retry: Retry::Never,
                ..Reason::new(RuleId::ProjectBudget, limit, actual)
            }
        })
    });
    [closed, stranger, budget].into_iter().flatten()
}
