//! Each rule at its limits, and all at once.

mod every_rule;
mod monotone;

use super::*;
use crate::blocks::{Block, Blocks};
use crate::calendar::{DayHours, Weekly};
use crate::class::{CallerClass, ClassSet};
use crate::fixture::{self, World, at, general, layer, slot};
use crate::policy::{ApprovalWhen, Level, Mode};
use crate::refusal::Figure;
use crate::time::{DAY_US, HOUR_US, MINUTE_US, Micros};

fn policy() -> Policy {
    let hours = DayHours::new(&[1, 2, 3, 4, 5], 8 * 60, 22 * 60).unwrap();
    fixture::policy([
        RuleBody::Alignment { minutes: 15 },
        RuleBody::Shortest { minutes: 30 },
        RuleBody::Longest { minutes: 480 },
        RuleBody::Horizon { days: 14 },
        RuleBody::OpeningHours(Weekly(vec![hours]).into()),
    ])
}

fn facts(start: i64, end: i64) -> World {
    World::wanting(slot(start, end))
}

fn rules_of(world: &World) -> Vec<RuleId> {
    world.refused_by(&policy())
}

fn refusal(rule: RuleId, world: &World) -> Refusal {
    world.refusal(&policy(), rule)
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
fn who_begins_at_once_chooses_only_the_end() {
    let minute = 9 * HOUR_US + 7 * MINUTE_US;
    let mut wish = facts(minute, 10 * HOUR_US);
    wish.now = at(minute + 1);
    assert_eq!(rules_of(&wish), [RuleId::Past, RuleId::Alignment]);
    wish.action = Action::DropIn;
    assert_eq!(rules_of(&wish), []);
    wish.slot = slot(minute, 10 * HOUR_US + MINUTE_US);
    assert_eq!(rules_of(&wish), [RuleId::Alignment]);
    // What begins later does not begin at once.
    wish.now = at(minute - 1);
    wish.slot = slot(minute, 10 * HOUR_US);
    assert_eq!(rules_of(&wish), [RuleId::Alignment]);
    let noticed = fixture::policy([RuleBody::NoticeToBook { minutes: 60 }]);
    wish.now = at(minute);
    assert_eq!(wish.refused_by(&noticed), [RuleId::NoticeToBook]);
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
    let passes_at = refusal(RuleId::Horizon, &wish).passes_at.unwrap();
    let at_that_time = World {
        now: passes_at,
        ..wish.clone()
    };
    assert!(!rules_of(&at_that_time).contains(&RuleId::Horizon));
    let just_before = World {
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
    wish.now = at(10 * HOUR_US);
    assert_eq!(rules_of(&wish), [RuleId::Past]);
    wish.action = Action::Change { held: wish.slot };
    assert_eq!(rules_of(&wish), []);
}

#[test]
fn a_refusal_tells_the_earliest_begin_that_passes() {
    let at = |us: i64| Some(at(us));
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
    let longest = |level, mode| {
        layer(
            level,
            vec![general(mode, RuleBody::Longest { minutes: 60 })],
        )
    };
    let policy = Policy::resolve(&[
        longest(Level::Region, Mode::Binding),
        longest(Level::Centre, Mode::Binding),
        longest(Level::Institution, Mode::Default),
    ]);
    let refusals = facts(9 * HOUR_US, 12 * HOUR_US).refusals(&policy);
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
fn a_begin_that_stays_needs_no_notice() {
    let policy = fixture::policy([
        RuleBody::NoticeToBook { minutes: 600 },
        RuleBody::NoticeToMove { minutes: 600 },
    ]);
    let held = slot(9 * HOUR_US, 10 * HOUR_US);
    let change = |wanted| World {
        action: Action::Change { held },
        ..wanted
    };
    let longer = change(facts(9 * HOUR_US, 12 * HOUR_US));
    assert_eq!(longer.refused_by(&policy), []);
    let earlier = change(facts(8 * HOUR_US, 10 * HOUR_US));
    let expected = [RuleId::NoticeToBook, RuleId::NoticeToMove];
    assert_eq!(earlier.refused_by(&policy), expected);
}

#[test]
fn what_lies_wholly_off_peak_is_left_alone_and_counts_nowhere() {
    let night = DayHours::new(&[1, 2, 3, 4, 5, 6, 7], 0, 8 * 60).unwrap();
    let policy = fixture::policy([
        RuleBody::OffPeak(Weekly(vec![night])),
        RuleBody::Longest { minutes: 60 },
        RuleBody::PerDay { count: 1 },
        RuleBody::FutureHours { minutes: 60 },
    ]);
    let by_night = facts(HOUR_US, 8 * HOUR_US);
    assert_eq!(by_night.refused_by(&policy), []);
    let beside = |own: &World, wish: World| World {
        own: vec![own.slot],
        ..wish
    };
    let by_day = || facts(9 * HOUR_US, 10 * HOUR_US);
    assert_eq!(beside(&by_night, by_day()).refused_by(&policy), []);
    let second = beside(&by_day(), facts(11 * HOUR_US, 12 * HOUR_US));
    let expected = [RuleId::PerDay, RuleId::FutureHours];
    assert_eq!(second.refused_by(&policy), expected);
    // Of a wish that reaches out, the whole is too long, but only one hour counts as time.
    let mixed = facts(6 * HOUR_US, 9 * HOUR_US);
    assert_eq!(mixed.refused_by(&policy), [RuleId::Longest]);
}

#[test]
fn approval_and_buffers_follow_from_what_passes() {
    let classes = ClassSet::of(&[CallerClass::Enterprise]);
    let accepted = |when: ApprovalWhen, world: &World| {
        let policy = fixture::policy([
            RuleBody::Approval(when),
            RuleBody::Buffers {
                setup_minutes: 15,
                cleanup_minutes: 30,
            },
        ]);
        let Decision::Accept(accepted) = judge(&policy, &world.facts()) else {
            panic!("nothing refuses")
        };
        assert_eq!(
            accepted.buffers.claim(world.slot).len(),
            world.slot.len().saturating_add(Span::minutes(45))
        );
        accepted.needs_approval
    };
    let two_hours = facts(9 * HOUR_US, 11 * HOUR_US);
    assert!(accepted(ApprovalWhen::Always, &two_hours));
    assert!(!accepted(ApprovalWhen::LongerThanMinutes(120), &two_hours));
    assert!(accepted(ApprovalWhen::LongerThanMinutes(119), &two_hours));
    assert!(!accepted(ApprovalWhen::Classes(classes), &two_hours));
    let enterprise = World {
        class: CallerClass::Enterprise,
        ..two_hours
    };
    assert!(accepted(ApprovalWhen::Classes(classes), &enterprise));
}

#[test]
fn fixed_blocks_name_those_of_the_day_and_the_next_run() {
    let shifts = [(480, 720), (780, 1020), (1080, 1920)];
    let days = [1, 2, 3, 4, 5, 6, 7];
    let shifts = shifts.map(|(from, to)| Block::new(&days, from, to).unwrap());
    let policy = fixture::policy([RuleBody::FixedBlocks(Blocks(shifts.to_vec()))]);
    let refused = |wish: &World| wish.refusals(&policy).into_iter().next();
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
    let next = hours(18, 32).slot.start();
    assert_eq!(long.passes_at, Some(next), "13 to 17 is too short");
    let endless = refused(&hours(8, 60)).unwrap();
    assert_eq!(endless.passes_at, None, "no run is as long");

    let running = |from, to| World {
        now: at(8 * HOUR_US),
        action: Action::Change {
            held: slot(7 * HOUR_US, 12 * HOUR_US),
        },
        ..hours(from, to)
    };
    assert_eq!(refused(&running(7, 12)), None, "its begin is no wish");
    assert!(refused(&running(7, 11)).is_some());
}
