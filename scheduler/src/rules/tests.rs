//! Each rule at its limits, and all at once.

use chrono_tz::Tz;

use super::*;
use crate::blocks::Block;
use crate::calendar::{DayHours, Weekly};
use crate::policy::{Layer, Level, Mode, Rule};
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
        RuleBody::OpeningHours(Weekly(vec![hours]).into()),
    ];
    let rules = bodies
        .map(|body| Rule {
            body,
            mode: Mode::Default,
        })
        .to_vec();
    Policy::resolve(&[Layer {
        level: Level::Lab,
        rules,
    }])
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
    wish.now = wish.slot.start();
    assert_eq!(rules_of(&wish), [], "what begins now is not past");
    wish.now = Micros::new(MIDNIGHT + 10 * HOUR_US);
    assert_eq!(rules_of(&wish), [RuleId::Past]);
    wish.begin_is_kept = true;
    assert_eq!(rules_of(&wish), []);
}

fn refusal(rule: RuleId, facts: &BookingFacts) -> Refusal {
    let Decision::Refuse(refusals) = judge(&policy(), facts) else {
        panic!("it is refused")
    };
    refusals
        .into_iter()
        .find(|refusal| refusal.rule == rule)
        .unwrap()
}

#[test]
fn a_refusal_tells_the_earliest_begin_that_passes() {
    let at = |us: i64| Some(Micros::new(MIDNIGHT + us));
    let early = facts(6 * HOUR_US, 8 * HOUR_US);
    assert_eq!(
        refusal(RuleId::OpeningHours, &early).passes_at,
        at(8 * HOUR_US)
    );
    let late = facts(21 * HOUR_US, 23 * HOUR_US);
    assert_eq!(
        refusal(RuleId::OpeningHours, &late).passes_at,
        at(DAY_US + 8 * HOUR_US)
    );
    // Friday night: the lab opens again on Monday.
    let friday = facts(3 * DAY_US + 21 * HOUR_US, 3 * DAY_US + 23 * HOUR_US);
    assert_eq!(
        refusal(RuleId::OpeningHours, &friday).passes_at,
        at(6 * DAY_US + 8 * HOUR_US)
    );
    let all_of_it = facts(7 * HOUR_US, 21 * HOUR_US);
    assert_eq!(
        refusal(RuleId::OpeningHours, &all_of_it).passes_at,
        at(8 * HOUR_US)
    );
    let whole_day = facts(9 * HOUR_US, 24 * HOUR_US);
    assert_eq!(
        refusal(RuleId::OpeningHours, &whole_day).passes_at,
        None,
        "longer than any day"
    );
    let askew = facts(9 * HOUR_US + 1, 10 * HOUR_US + 1);
    let alignment = refusal(RuleId::Alignment, &askew);
    assert_eq!(alignment.passes_at, at(9 * HOUR_US + 15 * MINUTE_US));
    let odd = facts(9 * HOUR_US, 10 * HOUR_US + 1);
    assert_eq!(
        refusal(RuleId::Alignment, &odd).passes_at,
        None,
        "no begin suits its length"
    );
    let gone = facts(-HOUR_US, 0);
    assert_eq!(refusal(RuleId::Past, &gone).passes_at, at(0));
}

#[test]
fn figures_are_those_of_the_rule_and_of_the_wish() {
    let wish = facts(9 * HOUR_US, 18 * HOUR_US);
    let longest = refusal(RuleId::Longest, &wish);
    assert_eq!(longest.limit, Figure::Span(Span::minutes(480)));
    assert_eq!(longest.actual, Figure::Span(Span::minutes(540)));
    let night = facts(21 * HOUR_US, 23 * HOUR_US);
    let hours = refusal(RuleId::OpeningHours, &night);
    let open = facts(8 * HOUR_US, 22 * HOUR_US).slot;
    assert_eq!(
        (hours.limit, hours.actual),
        (Figure::Open(vec![open]), Figure::Slot(night.slot))
    );
}

#[test]
fn who_may_set_a_rule_aside_depends_on_where_it_is_set() {
    let longest = |level, mode| Layer {
        level,
        rules: vec![Rule {
            body: RuleBody::Longest { minutes: 60 },
            mode,
        }],
    };
    let policy = Policy::resolve(&[
        longest(Level::Region, Mode::Binding),
        longest(Level::Centre, Mode::Binding),
        longest(Level::Institution, Mode::Default),
    ]);
    let Decision::Refuse(refusals) = judge(&policy, &facts(9 * HOUR_US, 12 * HOUR_US)) else {
        panic!("it is refused by each")
    };
    let who: Vec<Vec<&str>> = refusals
        .iter()
        .map(|refusal| refusal.override_by.iter().map(|who| who.as_str()).collect())
        .collect();
    let expected: [&[&str]; 3] = [
        &["region_admin"],
        &["centre_admin", "region_admin"],
        &["manager", "centre_admin", "region_admin"],
    ];
    assert_eq!(who, expected);
}

#[test]
fn absurd_times_are_refused_like_any_other() {
    let ends = [i64::MIN, i64::MIN + 1, -1, MIDNIGHT, i64::MAX - 1, i64::MAX].map(Micros::new);
    for (start, end, now) in ends
        .iter()
        .flat_map(|start| ends.iter().map(move |end| (*start, *end)))
        .flat_map(|(start, end)| ends.iter().map(move |now| (start, end, *now)))
    {
        if let Some(slot) = Slot::new(start, end) {
            let wish = BookingFacts {
                now,
                slot,
                ..facts(0, 1)
            };
            assert!(rules_of(&wish).contains(&RuleId::Alignment));
        }
    }
}

#[test]
fn fixed_blocks_name_those_of_the_day_and_the_next_run() {
    let shifts = [(480, 720), (780, 1020), (1080, 1920)];
    let days = [1, 2, 3, 4, 5, 6, 7];
    let shifts = shifts.map(|(from, to)| Block::new(&days, from, to).unwrap());
    let body = RuleBody::FixedBlocks(Blocks(shifts.to_vec()));
    let mode = Mode::Default;
    let rules = vec![Rule { body, mode }];
    let level = Level::Lab;
    let policy = Policy::resolve(&[Layer { level, rules }]);
    let refused = |wish: &BookingFacts| match judge(&policy, wish) {
        Decision::Accept => None,
        Decision::Refuse(refusals) => refusals.into_iter().next(),
    };
    let hours = |from: i64, to: i64| facts(from * HOUR_US, to * HOUR_US);
    assert_eq!(refused(&hours(8, 12)), None);
    assert_eq!(refused(&hours(18, 36)), None);
    let part = refused(&hours(9, 12)).unwrap();
    let of_day = [(-6, 8), (8, 12), (13, 17), (18, 32)].map(|(from, to)| hours(from, to).slot);
    assert_eq!(part.rule, RuleId::Blocks);
    assert_eq!(part.limit, Figure::Open(of_day.to_vec()));
    assert_eq!(part.actual, Figure::Slot(hours(9, 12).slot));
    assert_eq!(part.passes_at, Some(hours(13, 17).slot.start()));
    let long = refused(&hours(9, 17)).unwrap();
    assert_eq!(
        long.passes_at,
        Some(hours(18, 32).slot.start()),
        "13 to 17 is too short"
    );
    assert_eq!(
        refused(&hours(8, 60)).unwrap().passes_at,
        None,
        "no run is as long"
    );

    let mut running = hours(7, 12);
    running.now = hours(8, 12).slot.start();
    assert!(refused(&running).is_some());
    running.begin_is_kept = true;
    assert_eq!(refused(&running), None, "its begin is no wish");
    running.slot = hours(7, 11).slot;
    assert!(refused(&running).is_some());
}
