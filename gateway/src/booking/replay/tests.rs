//! Tables of bookings and changes of rules.

use scheduler::booking::Status;
use scheduler::class::ClassSet;
use scheduler::id::NodeId;
use scheduler::policy::{Layer, Level, Mode, Rule, RuleBody, SetAt};
use scheduler::quota::{Party, Period};
use scheduler::time::HOUR_US;

use super::super::record::Later;
use super::*;

/// 2026-11-24T00:00:00+08:00, a Tuesday.
const MIDNIGHT: i64 = 1_795_449_600_000_000;
const HERE: InstrumentId = InstrumentId::new(1);

fn at(hour: i64) -> Micros {
    Micros::new(MIDNIGHT + hour * HOUR_US)
}

fn policy(bodies: &[RuleBody]) -> Arc<Policy> {
    let rule = |body: &RuleBody| Rule {
        body: body.clone(),
        mode: Mode::Default,
        classes: ClassSet::ALL,
    };
    Arc::new(Policy::resolve(&[Layer {
        level: Level::Lab,
        at: SetAt::Node(NodeId::new(4)),
        zone: Tz::Asia__Shanghai,
        rules: bodies.iter().map(rule).collect(),
    }]))
}

/// Made at an hour, from an hour on, so many hours long.
fn made(id: i64, member: i64, created: i64, (from, length): (i64, i64)) -> Replayed {
    let booking = Booking {
        id: BookingId::new(id),
        instrument: HERE,
        member: MemberId::new(member),
        lab: NodeId::new(4),
        slot: Slot::new(at(from), at(from + length)).unwrap(),
        status: Status::Confirmed,
        at_risk: false,
        purpose: "".into(),
        project: None,
        extras: None,
        created_at: at(created),
        cancelled_at: Later::NEVER,
        began_at: Later::NEVER,
        finished_at: Later::NEVER,
        due_at: Later::NEVER,
        policy_version: 1,
        version: 1,
    };
    Replayed {
        booking: Arc::new(booking),
        class: CallerClass::Internal,
        is_judged: true,
    }
}

fn cancelled(replayed: &Replayed, hour: i64) -> Replayed {
    let booking = Booking {
        status: Status::Cancelled,
        cancelled_at: at(hour).into(),
        ..Booking::clone(&replayed.booking)
    };
    Replayed {
        booking: Arc::new(booking),
        class: replayed.class,
        is_judged: false,
    }
}

fn simulate(before: &[RuleBody], after: &[RuleBody], bookings: Vec<Replayed>) -> Simulated {
    let change = Change {
        before: policy(before),
        after: policy(after),
        zone: Tz::Asia__Shanghai,
    };
    let bookers = bookings.iter().map(|one| {
        let member = one.booking.member;
        let subjects = Subjects {
            member: Some(member),
            ..Subjects::default()
        };
        let booker = Booker {
            subjects,
            ..Booker::default()
        };
        (member, booker)
    });
    replay(
        &HashMap::from([(HERE, change)]),
        &bookers.collect(),
        bookings,
    )
}

/// Checks which bookings would be refused, by which rules, and how many would pass anew.
#[track_caller]
fn check(
    (before, after): (&[RuleBody], &[RuleBody]),
    bookings: Vec<Replayed>,
    expected: &[(i64, &[RuleId])],
    newly_allowed: usize,
) {
    let simulated = simulate(before, after, bookings);
    let refused: Vec<(i64, Vec<RuleId>)> = simulated
        .would_refuse
        .iter()
        .map(|one| {
            let rules = one.refusals.iter().map(|refusal| refusal.rule);
            (one.booking.get(), rules.collect())
        })
        .collect();
    let expected: Vec<(i64, Vec<RuleId>)> = expected
        .iter()
        .map(|(id, rules)| (*id, rules.to_vec()))
        .collect();
    assert_eq!(refused, expected);
    assert_eq!(simulated.newly_allowed, newly_allowed);
}

const LONGEST: fn(u32) -> RuleBody = |hours| RuleBody::Longest {
    minutes: hours * 60,
};

#[test]
fn a_shorter_limit_refuses_what_is_longer() {
    let bookings = || {
        vec![
            made(1, 1, 0, (8, 2)),
            made(2, 2, 0, (10, 4)),
            made(3, 1, 1, (20, 5)),
        ]
    };
    let longest: &[RuleId] = &[RuleId::Longest];
    check(
        (&[], &[LONGEST(3)]),
        bookings(),
        &[(2, longest), (3, longest)],
        0,
    );
    // What is refused today is no loss; what passes anew is told.
    check(
        (&[LONGEST(4)], &[LONGEST(3)]),
        bookings(),
        &[(2, longest)],
        0,
    );
    check((&[LONGEST(3)], &[LONGEST(4)]), bookings(), &[], 1);
    check((&[LONGEST(3)], &[LONGEST(3)]), bookings(), &[], 0);
}

#[test]
fn the_time_of_the_judgement_is_that_of_the_booking() {
    let notice = RuleBody::NoticeToBook { minutes: 6 * 60 };
    let horizon = RuleBody::Horizon { days: 2 };
    let bookings = vec![
        made(1, 1, 0, (5, 1)),
        made(2, 1, 0, (6, 1)),
        made(3, 1, 1, (50, 1)),
    ];
    let expected: &[(i64, &[RuleId])] = &[(1, &[RuleId::NoticeToBook]), (3, &[RuleId::Horizon])];
    check((&[], &[notice, horizon]), bookings, expected, 0);
}

#[test]
fn own_bookings_count_as_they_were_then() {
    let rules: &[RuleBody] = &[RuleBody::FutureCount { count: 1 }];
    let count: &[RuleId] = &[RuleId::FutureCount];
    let first = || made(1, 1, 0, (10, 1));
    let second = || made(2, 1, 5, (20, 1));
    check((&[], rules), vec![second(), first()], &[(2, count)], 0);
    // It had begun, had been given up, or was somebody else's.
    let begun = made(2, 1, 10, (20, 1));
    check((&[], rules), vec![first(), begun], &[], 0);
    let given_up = cancelled(&first(), 4);
    check((&[], rules), vec![given_up, second()], &[], 0);
    let given_up_later = cancelled(&first(), 6);
    check(
        (&[], rules),
        vec![given_up_later, second()],
        &[(2, count)],
        0,
    );
    check((&[], rules), vec![first(), made(2, 2, 5, (20, 1))], &[], 0);
}

#[test]
fn what_is_refused_makes_room_for_what_comes_later() {
    let rules: &[RuleBody] = &[LONGEST(3), RuleBody::FutureCount { count: 1 }];
    let longest: &[RuleId] = &[RuleId::Longest];
    let bookings = vec![made(1, 1, 0, (10, 5)), made(2, 1, 1, (20, 1))];
    check((&[], rules), bookings, &[(1, longest)], 0);
}

#[test]
fn quotas_are_summed_anew() {
    let quota = |hours: u32| RuleBody::Quota {
        per: Party::Member,
        period: Period::Week,
        minutes: hours * 60,
    };
    let quota_id: &[RuleId] = &[RuleId::Quota];
    let week = |last: i64| {
        vec![
            made(1, 1, 0, (8, 4)),
            made(2, 1, 1, (20, 4)),
            made(3, 2, 1, (30, 4)),
            made(4, 1, 2, (last, 4)),
        ]
    };
    check((&[], &[quota(8)]), week(40), &[(4, quota_id)], 0);
    check(
        (&[], &[quota(7)]),
        week(40),
        &[(2, quota_id), (4, quota_id)],
        0,
    );
    check((&[quota(8)], &[quota(12)]), week(40), &[], 1);
    // Next week is another one.
    let next_week = 7 * 24 + 12;
    check((&[], &[quota(8)]), week(next_week), &[], 0);
    // What came before counts and is not judged.
    let mut bookings = week(40);
    for one in &mut bookings[..2] {
        one.is_judged = false;
    }
    check((&[], &[quota(7)]), bookings, &[(4, quota_id)], 0);
}

#[test]
fn each_rule_is_counted_once_for_a_booking() {
    let rules = [LONGEST(2), RuleBody::Horizon { days: 1 }];
    let bookings = vec![made(1, 1, 0, (50, 3)), made(2, 1, 0, (30, 1))];
    let simulated = simulate(&[], &rules, bookings);
    let expected = BTreeMap::from([(RuleId::Longest, 1), (RuleId::Horizon, 2)]);
    assert_eq!(simulated.by_rule, expected);
    assert_eq!(simulated.judged, 2);
    let elsewhere = replay(
        &HashMap::new(),
        &HashMap::new(),
        vec![made(1, 1, 0, (5, 1))],
    );
    assert_eq!(elsewhere, Simulated::default());
}
