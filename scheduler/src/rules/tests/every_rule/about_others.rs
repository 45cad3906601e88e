//! Rows of rules about what the member has, and about who and what for.

use super::{Cure, Row, hours, row, span};
use crate::class::{CallerClass, ClassSet};
use crate::facts::{Action, PointsCharged, ProjectFacts};
use crate::fixture::{SUBJECTS, World, at, policy};
use crate::policy::RuleBody;
use crate::qualification::{Granted, Lack, QualificationName};
use crate::quota::{Party, Period, charges};
use crate::refusal::{Figure, RuleId};
use crate::time::{DAY_US, HOUR_US, Span};

pub(super) fn rows() -> Vec<Row> {
    let mut rows = own_bookings();
    rows.push(quota());
    rows.extend(who());
    rows.extend(points_and_holds());
    rows.extend(project());
    rows
}

fn own_bookings() -> Vec<Row> {
    let beside = |own: &[(i64, i64)], wish: World| World {
        own: own
            .iter()
            .map(|(from, to)| hours(*from, *to).slot)
            .collect(),
        ..wish
    };
    let gap = RuleBody::MinimumGap { minutes: 120 };
    let per_day = RuleBody::PerDay { count: 2 };
    let count = RuleBody::FutureCount { count: 2 };
    let ahead = RuleBody::FutureHours { minutes: 180 };
    let begun = [(-1, 1), (1, 2)];
    let three = [(3, 4), (1, 2), (5, 6)];
    let apart = beside(&[(1, 4), (9, 10)], hours(6, 7));
    let near = beside(&[(9, 10), (13, 14), (1, 4)], hours(11, 12));
    let with_room = beside(&[(9, 10), (15, 16), (1, 4)], hours(11, 12));
    // Tuesday has two, Wednesday another two: one of them crosses midnight.
    let third = beside(&[(1, 2), (23, 25), (30, 31)], hours(3, 4));
    let second = beside(&[(1, 2), (24, 25), (30, 31)], hours(3, 4));
    vec![
        row(RuleId::MinimumGap, gap.clone(), apart.clone(), near)
            .figures(span(120), span(60))
            .cured(Cure::Begin(16 * HOUR_US)),
        row(RuleId::MinimumGap, gap, apart, with_room)
            .figures(span(120), span(60))
            .cured(Cure::Begin(12 * HOUR_US)),
        row(RuleId::PerDay, per_day, second, third)
            .figures(Figure::Count(2), Figure::Count(3))
            .cured(Cure::FirstBegin(2 * DAY_US)),
        row(
            RuleId::FutureCount,
            count,
            beside(&begun, hours(9, 10)),
            beside(&three, hours(9, 10)),
        )
        .figures(Figure::Count(2), Figure::Count(4))
        .cured(Cure::Now(3 * HOUR_US)),
        row(
            RuleId::FutureHours,
            ahead,
            beside(&begun, hours(9, 11)),
            beside(&three, hours(9, 11)),
        )
        .figures(span(180), span(300))
        .cured(Cure::Now(3 * HOUR_US)),
    ]
}

/// Two hours of Tuesday and two of Wednesday are gone: one is left of each.
fn quota() -> Row {
    let (per, period) = (Party::Member, Period::Day);
    let body = RuleBody::Quota {
        per,
        period,
        minutes: 180,
    };
    let policy = policy([body.clone()]);
    let used = |mut world: World| {
        let slot = hours(22, 26).slot;
        let charged = charges(&policy, world.class, SUBJECTS, world.zone, slot);
        world.ledger.add(&charged);
        world
    };
    let limit = Figure::Quota {
        per,
        period,
        span: Span::minutes(180),
    };
    row(RuleId::Quota, body, used(hours(9, 10)), used(hours(9, 11)))
        .figures(limit, span(240))
        .cured(Cure::FirstBegin(2 * DAY_US))
}

fn who() -> Vec<Row> {
    let wish = || hours(9, 10);
    let not_bookable = World {
        bookable: false,
        ..wish()
    };
    let not_permitted = World {
        permitted: false,
        ..wish()
    };
    let of = |class| World { class, ..wish() };
    let classes = ClassSet::of(&[CallerClass::Internal, CallerClass::Region]);
    let enterprise = ClassSet::of(&[CallerClass::Enterprise]);
    let name = QualificationName::parse("xrd-basic").unwrap();
    let granted = |expires: i64| World {
        qualifications: vec![Granted {
            name: name.clone(),
            since: at(-DAY_US),
            expires: Some(at(expires)),
            last_use: None,
        }],
        ..wish()
    };
    let expires = 10 * HOUR_US - 1;
    let qualification = RuleBody::Qualification {
        name: name.clone(),
        disuse_days: None,
    };
    vec![
        row(RuleId::NotBookable, None, wish(), not_bookable),
        row(RuleId::NotPermitted, None, wish(), not_permitted),
        row(
            RuleId::WhoMayBook,
            RuleBody::WhoMayBook { classes },
            of(CallerClass::Region),
            of(CallerClass::Enterprise),
        )
        .figures(Figure::Classes(classes), Figure::Classes(enterprise)),
        row(
            RuleId::Qualification,
            qualification,
            granted(expires + 1),
            granted(expires),
        )
        .figures(
            Figure::Qualification(name.clone()),
            Figure::Lack(Lack::Expires(at(expires))),
        ),
    ]
}

fn points_and_holds() -> Vec<Row> {
    let charged = |days: &[i64]| World {
        points: days
            .iter()
            .map(|days| PointsCharged {
                at: at(-days * DAY_US),
                points: 1,
            })
            .collect(),
        ..hours(9, 10)
    };
    let holding = |ends: &[i64]| World {
        action: Action::Hold,
        holds: ends.iter().map(|hour| at(hour * HOUR_US)).collect(),
        ..hours(9, 10)
    };
    let points = |block_days| RuleBody::PointsLimit {
        threshold: 3,
        window_days: 30,
        block_days,
    };
    let holds = RuleBody::HoldLimit {
        count: 2,
        minutes: 10,
    };
    let (old, fresh) = ([30, 15, 10], [10, 20, 15]);
    let figures = |row: Row| row.figures(Figure::Count(3), Figure::Count(3));
    vec![
        // The oldest of the three leaves the window after ten more days; the block that the last
        // one began ends before, or after.
        figures(row(
            RuleId::Points,
            points(7),
            charged(&old),
            charged(&fresh),
        ))
        .cured(Cure::Now(10 * DAY_US)),
        figures(row(
            RuleId::Points,
            points(25),
            charged(&[40, 15, 10]),
            charged(&fresh),
        ))
        .cured(Cure::Now(15 * DAY_US)),
        row(
            RuleId::HoldLimit,
            holds,
            holding(&[0, 3]),
            holding(&[3, 1, 2]),
        )
        .figures(Figure::Count(2), Figure::Count(4))
        .cured(Cure::Now(2 * HOUR_US)),
    ]
}

fn project() -> Vec<Row> {
    let project = ProjectFacts {
        closed: false,
        runs: Some(hours(9, 20).slot),
        is_member: true,
        budget: Some(Span::minutes(600)),
        used: Span::minutes(540),
    };
    let stranger = ProjectFacts {
        is_member: false,
        ..project
    };
    let with = |project, wish: World| World {
        project: Some(project),
        ..wish
    };
    let ours = || with(project, hours(9, 10));
    vec![
        row(
            RuleId::ProjectClosed,
            None,
            ours(),
            with(project, hours(8, 9)),
        )
        .figures(
            Figure::Slot(hours(9, 20).slot),
            Figure::Slot(hours(8, 9).slot),
        )
        .cured(Cure::Begin(9 * HOUR_US)),
        row(
            RuleId::ProjectMember,
            None,
            ours(),
            with(stranger, hours(9, 10)),
        ),
        row(
            RuleId::ProjectBudget,
            None,
            ours(),
            with(project, hours(9, 11)),
        )
        .figures(span(600), span(660)),
    ]
}
