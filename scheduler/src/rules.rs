//! The rules themselves, a few lines each, and the judgement over all of them.

use crate::calendar::{Weekly, day_of, is_aligned, open_intervals};
use crate::facts::BookingFacts;
use crate::policy::{Policy, RuleBody};
use crate::refusal::{Figure, Overrider, Refusal, RuleId};
use crate::slot::Slot;
use crate::time::Span;

/// What became of a wish, as far as rules go; overlap is the occupancy's matter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Decision {
    /// Every rule passes.
    Accept,
    /// Every rule that does not pass, at least one.
    Refuse(Vec<Refusal>),
}

const MANAGER: &[Overrider] = &[Overrider::Manager];
const NOBODY: &[Overrider] = &[];

/// Judges a wish by every rule that applies and reports all that refuse it.
#[must_use]
pub fn judge(policy: &Policy, facts: &BookingFacts) -> Decision {
    let plain = |holds: bool, rule| {
        (!holds).then_some(Refusal {
            rule,
            limit: Figure::None,
            actual: Figure::None,
            passes_at: None,
            override_by: NOBODY,
        })
    };
    let mut refusals: Vec<Refusal> = Vec::new();
    refusals.extend(plain(facts.bookable, RuleId::NotBookable));
    refusals.extend(plain(facts.permitted, RuleId::NotPermitted));
    refusals.extend(past(facts));
    refusals.extend(policy.bodies().iter().filter_map(|body| apply(body, facts)));
    if refusals.is_empty() {
        Decision::Accept
    } else {
        Decision::Refuse(refusals)
    }
}

fn apply(body: &RuleBody, facts: &BookingFacts) -> Option<Refusal> {
    match body {
        RuleBody::Alignment { minutes } => alignment(*minutes, facts),
        RuleBody::Shortest { minutes } => shortest(Span::minutes(*minutes), facts),
        RuleBody::Longest { minutes } => longest(Span::minutes(*minutes), facts),
        RuleBody::Horizon { days } => horizon(Span::days(*days), facts),
        RuleBody::OpeningHours(weekly) => opening_hours(weekly, facts),
    }
}

/// A slot that begins at this very moment is not past.
fn past(facts: &BookingFacts) -> Option<Refusal> {
    let earliest = if facts.begin_is_kept {
        facts.slot.end()
    } else {
        facts.slot.start()
    };
    (earliest < facts.now).then_some(Refusal {
        rule: RuleId::Past,
        limit: Figure::Time(facts.now),
        actual: Figure::Time(earliest),
        passes_at: None,
        override_by: NOBODY,
    })
}

fn alignment(minutes: u32, facts: &BookingFacts) -> Option<Refusal> {
    let begin = facts.begin_is_kept || is_aligned(facts.slot.start(), facts.zone, minutes);
    let aligned = begin && is_aligned(facts.slot.end(), facts.zone, minutes);
    (!aligned).then_some(Refusal {
        rule: RuleId::Alignment,
        limit: Figure::Span(Span::minutes(minutes)),
        actual: Figure::Slot(facts.slot),
        passes_at: None,
        override_by: MANAGER,
    })
}

fn shortest(limit: Span, facts: &BookingFacts) -> Option<Refusal> {
    (facts.slot.len() < limit).then(|| length(RuleId::Shortest, limit, facts))
}

fn longest(limit: Span, facts: &BookingFacts) -> Option<Refusal> {
    (facts.slot.len() > limit).then(|| length(RuleId::Longest, limit, facts))
}

fn length(rule: RuleId, limit: Span, facts: &BookingFacts) -> Refusal {
    Refusal {
        rule,
        limit: Figure::Span(limit),
        actual: Figure::Span(facts.slot.len()),
        passes_at: None,
        override_by: MANAGER,
    }
}

/// Compares the begin only, so that a slot may reach over the horizon.
fn horizon(limit: Span, facts: &BookingFacts) -> Option<Refusal> {
    let furthest = facts.now.saturating_add(limit);
    (facts.slot.start() > furthest).then_some(Refusal {
        rule: RuleId::Horizon,
        limit: Figure::Span(limit),
        actual: Figure::Time(facts.slot.start()),
        passes_at: Some(facts.slot.start().saturating_sub(limit)),
        override_by: MANAGER,
    })
}

fn opening_hours(weekly: &Weekly, facts: &BookingFacts) -> Option<Refusal> {
    let hours = std::slice::from_ref(weekly);
    // Open intervals joined across midnight: a slot over two open days must find them as one.
    let open = open_intervals(hours, facts.zone, facts.slot);
    if open == [facts.slot] {
        return None;
    }
    let near = day_of(facts.slot.start(), facts.zone)
        .and_then(|day| Slot::new(day.start(), day.end().max(facts.slot.end())))
        .map_or(Vec::new(), |around| {
            open_intervals(hours, facts.zone, around)
        });
    Some(Refusal {
        rule: RuleId::OpeningHours,
        limit: Figure::Open(near),
        actual: Figure::Slot(facts.slot),
        passes_at: None,
        override_by: MANAGER,
    })
}

#[cfg(test)]
mod tests {
    use chrono_tz::Tz;

    use super::*;
    use crate::calendar::DayHours;
    use crate::policy::{Layer, Mode, Rule};
    use crate::time::{DAY_US, HOUR_US, MINUTE_US, Micros};

    /// 2026-11-24T00:00:00+08:00, a Tuesday.
    const MIDNIGHT: i64 = 1_795_449_600_000_000;

    fn policy() -> Policy {
        let hours = DayHours::new(&[1, 2, 3, 4, 5], 8 * 60, 22 * 60).unwrap();
        let bodies = [
            RuleBody::Alignment { minutes: 15 },
            RuleBody::Shortest { minutes: 30 },
            RuleBody::Longest { minutes: 480 },
            RuleBody::Horizon { days: 14 },
            RuleBody::OpeningHours(Weekly(vec![hours])),
        ];
        let rules = bodies
            .map(|body| Rule {
                body,
                mode: Mode::Default,
            })
            .to_vec();
        Policy::resolve(&[Layer { rules }])
    }

    fn facts(start: i64, end: i64) -> BookingFacts {
        BookingFacts {
            now: Micros::new(MIDNIGHT),
            zone: Tz::Asia__Shanghai,
            bookable: true,
            permitted: true,
            slot: Slot::new(Micros::new(MIDNIGHT + start), Micros::new(MIDNIGHT + end)).unwrap(),
            begin_is_kept: false,
        }
    }

    fn rules_of(facts: &BookingFacts) -> Vec<RuleId> {
        match judge(&policy(), facts) {
            Decision::Accept => Vec::new(),
            Decision::Refuse(refusals) => refusals.iter().map(|refusal| refusal.rule).collect(),
        }
    }

    #[track_caller]
    fn check(start: i64, end: i64, expected: &[RuleId]) {
        assert_eq!(rules_of(&facts(start, end)), expected);
    }

    #[test]
    fn each_rule_refuses_just_beyond_its_limit() {
        check(9 * HOUR_US, 10 * HOUR_US, &[]);
        check(9 * HOUR_US, 9 * HOUR_US + 30 * MINUTE_US, &[]);
        check(
            9 * HOUR_US,
            9 * HOUR_US + 15 * MINUTE_US,
            &[RuleId::Shortest],
        );
        check(9 * HOUR_US, 17 * HOUR_US, &[]);
        check(
            9 * HOUR_US,
            17 * HOUR_US + 15 * MINUTE_US,
            &[RuleId::Longest],
        );
        check(9 * HOUR_US + MINUTE_US, 10 * HOUR_US, &[RuleId::Alignment]);
        check(8 * HOUR_US, 9 * HOUR_US, &[]);
        check(7 * HOUR_US, 9 * HOUR_US, &[RuleId::OpeningHours]);
        check(21 * HOUR_US, 23 * HOUR_US, &[RuleId::OpeningHours]);
        let later = 13 * DAY_US;
        check(later + 9 * HOUR_US, later + 10 * HOUR_US, &[]);
        let later = 14 * DAY_US;
        check(
            later + 9 * HOUR_US,
            later + 10 * HOUR_US,
            &[RuleId::Horizon],
        );
        check(-HOUR_US, HOUR_US, &[RuleId::Past, RuleId::OpeningHours]);
    }

    #[test]
    fn all_reasons_come_at_once() {
        let mut wish = facts(-2 * HOUR_US - MINUTE_US, 20 * HOUR_US);
        wish.bookable = false;
        wish.permitted = false;
        assert_eq!(
            rules_of(&wish),
            [
                RuleId::NotBookable,
                RuleId::NotPermitted,
                RuleId::Past,
                RuleId::Alignment,
                RuleId::Longest,
                RuleId::OpeningHours
            ]
        );
    }

    #[test]
    fn a_refused_horizon_tells_when_it_would_pass() {
        let wish = facts(20 * DAY_US + 9 * HOUR_US, 20 * DAY_US + 10 * HOUR_US);
        let Decision::Refuse(refusals) = judge(&policy(), &wish) else {
            panic!("it is too far")
        };
        let passes_at = refusals[0].passes_at.unwrap();
        let at_that_time = BookingFacts {
            now: passes_at,
            ..wish
        };
        assert!(!rules_of(&at_that_time).contains(&RuleId::Horizon));
        let just_before = BookingFacts {
            now: Micros::new(passes_at.get() - 1),
            ..wish
        };
        assert!(rules_of(&just_before).contains(&RuleId::Horizon));
    }

    #[test]
    fn a_kept_begin_may_lie_in_the_past() {
        let mut wish = facts(9 * HOUR_US, 12 * HOUR_US);
        wish.now = Micros::new(MIDNIGHT + 10 * HOUR_US);
        assert_eq!(rules_of(&wish), [RuleId::Past]);
        wish.begin_is_kept = true;
        assert_eq!(rules_of(&wish), []);
    }
}
