//! One table over every rule that refuses: at the limit, just beyond it, and when it would pass.

mod about_others;
mod about_the_slot;

use std::collections::BTreeSet;

use crate::facts::SetAside;
use crate::fixture::{World, at, policy, slot};
use crate::policy::RuleBody;
use crate::refusal::{Figure, Overrider, RuleId};
use crate::slot::Slot;
use crate::time::{HOUR_US, Micros, Span};

/// How a refused wish comes to pass.
enum Cure {
    /// With this begin, and not a microsecond before.
    Begin(i64),
    /// With this begin, the first of a civil day or period.
    FirstBegin(i64),
    /// At this time, and not a microsecond before.
    Now(i64),
    /// Never.
    Never,
}

struct Row {
    rule: RuleId,
    body: Option<RuleBody>,
    passes: World,
    fails: World,
    cure: Cure,
    limit: Figure,
    actual: Figure,
}

fn row(rule: RuleId, body: impl Into<Option<RuleBody>>, passes: World, fails: World) -> Row {
    Row {
        rule,
        body: body.into(),
        passes,
        fails,
        cure: Cure::Never,
        limit: Figure::None,
        actual: Figure::None,
    }
}

impl Row {
    fn figures(self, limit: Figure, actual: Figure) -> Self {
        Self {
            limit,
            actual,
            ..self
        }
    }

    fn cured(self, cure: Cure) -> Self {
        Self { cure, ..self }
    }
}

fn hours(from: i64, to: i64) -> World {
    World::wanting(slot(from * HOUR_US, to * HOUR_US))
}

fn span(minutes: u32) -> Figure {
    Figure::Span(Span::minutes(minutes))
}

fn moved(world: &World, begin: Micros) -> World {
    World {
        slot: Slot::new(begin, begin + world.slot.len()).unwrap(),
        ..world.clone()
    }
}

#[track_caller]
fn check(row: &Row) {
    let Row { rule, fails, .. } = row;
    let policy = policy(row.body.clone());
    let refuses = |world: &World| world.refused_by(&policy).contains(rule);
    assert_eq!(row.passes.refused_by(&policy), [], "{rule:?} at the limit");
    assert_eq!(fails.refused_by(&policy), [*rule], "{rule:?} just beyond");
    let refusal = fails.refusal(&policy, *rule);
    let figures = (&refusal.limit, &refusal.actual);
    assert_eq!(figures, (&row.limit, &row.actual), "{rule:?}");
    let before = |at: Micros| Micros::new(at.get() - 1);
    let at_time = |now| World {
        now,
        ..fails.clone()
    };
    match (&row.cure, refusal.passes_at) {
        (Cure::Never, None) => {}
        (Cure::Begin(expected), Some(begin)) => {
            assert_eq!(begin, at(*expected), "{rule:?}");
            assert!(!refuses(&moved(fails, begin)), "{rule:?} passes there");
            assert!(refuses(&moved(fails, before(begin))), "{rule:?} not before");
        }
        (Cure::FirstBegin(expected), Some(begin)) => {
            assert_eq!(begin, at(*expected), "{rule:?}");
            assert!(!refuses(&moved(fails, begin)), "{rule:?} passes there");
        }
        (Cure::Now(expected), Some(now)) => {
            assert_eq!(now, at(*expected), "{rule:?}");
            assert!(!refuses(&at_time(now)), "{rule:?} passes then");
            assert!(refuses(&at_time(before(now))), "{rule:?} not before");
        }
        (_, other) => panic!("{rule:?} passes at {other:?}"),
    }
    for by in [
        Overrider::Manager,
        Overrider::CentreAdmin,
        Overrider::RegionAdmin,
    ] {
        let aside = World {
            set_aside: vec![SetAside { rule: *rule, by }],
            ..fails.clone()
        };
        let may = refusal.override_by.contains(&by);
        assert_eq!(!refuses(&aside), may, "{rule:?} {by:?}");
    }
}

#[test]
fn every_rule_passes_at_its_limit_and_tells_when_it_would_beyond_it() {
    let rows: Vec<Row> = about_the_slot::rows()
        .into_iter()
        .chain(about_others::rows())
        .collect();
    rows.iter().for_each(check);
    let covered: BTreeSet<RuleId> = rows.iter().map(|row| row.rule).collect();
    assert_eq!(covered, RuleId::ALL.into_iter().collect());
}
