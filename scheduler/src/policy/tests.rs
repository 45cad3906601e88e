//! Which rules apply, against a reading of the layers from the bottom up, class by class.

use proptest::prelude::*;

use super::*;
use crate::fixture::{general, layer};
use crate::qualification::QualificationName;
use crate::quota::{Party, Period};
use crate::time::Span;

fn longest(minutes: u32, mode: Mode) -> Layer {
    layer(
        Level::Lab,
        vec![general(mode, RuleBody::Longest { minutes })],
    )
}

fn limited(minutes: u32, classes: &[CallerClass]) -> Rule {
    Rule {
        classes: ClassSet::of(classes),
        ..general(Mode::Default, RuleBody::Longest { minutes })
    }
}

#[track_caller]
fn check_longest(policy: &Policy, minutes: [u32; 3]) {
    for (class, minutes) in CallerClass::ALL.into_iter().zip(minutes) {
        let longest = policy.in_force(class).longest;
        assert_eq!(longest, Some(Span::minutes(minutes)), "{class:?}");
    }
}

#[test]
fn the_more_specific_default_wins() {
    let policy = Policy::resolve(&[longest(60, Mode::Default), longest(480, Mode::Default)]);
    check_longest(&policy, [480; 3]);
    assert_eq!(policy.rules().len(), 1);
}

#[test]
fn a_binding_rule_holds_whatever_is_set_below() {
    let policy = Policy::resolve(&[longest(60, Mode::Binding), longest(480, Mode::Default)]);
    check_longest(&policy, [60; 3]);
    assert_eq!(
        policy.rules().len(),
        2,
        "each applies, with a refusal of its own"
    );
}

#[test]
fn without_rules_nothing_is_limited() {
    let policy = Policy::resolve(&[]);
    for class in CallerClass::ALL {
        assert_eq!(policy.in_force(class), InForce::default());
    }
}

#[test]
fn a_default_for_some_classes_displaces_for_them_only() {
    use CallerClass::{Enterprise, Region};
    let lab = layer(
        Level::Lab,
        vec![
            limited(30, &[Enterprise]),
            general(Mode::Default, RuleBody::Longest { minutes: 60 }),
        ],
    );
    check_longest(&Policy::resolve(std::slice::from_ref(&lab)), [60, 60, 30]);
    let own = layer(Level::Instrument, vec![limited(480, &[Region])]);
    check_longest(&Policy::resolve(&[lab.clone(), own]), [60, 480, 30]);
    check_longest(
        &Policy::resolve(&[lab, longest(90, Mode::Default)]),
        [90; 3],
    );
}

#[test]
fn of_what_there_can_be_only_one_the_most_general_binding_rule_decides() {
    let grace = |mode, minutes| layer(Level::Lab, vec![general(mode, RuleBody::Grace { minutes })]);
    let decided = |layers: &[Layer]| Policy::resolve(layers).in_force(CallerClass::Region).grace;
    let (default, binding) = (Mode::Default, Mode::Binding);
    let minutes = |minutes| Some(Span::minutes(minutes));
    assert_eq!(
        decided(&[grace(default, 10), grace(default, 20)]),
        minutes(20)
    );
    assert_eq!(
        decided(&[grace(default, 10), grace(binding, 20)]),
        minutes(20)
    );
    assert_eq!(
        decided(&[grace(binding, 10), grace(binding, 20)]),
        minutes(10)
    );
    assert_eq!(
        decided(&[grace(binding, 10), grace(default, 20)]),
        minutes(10)
    );
}

#[test]
fn buffers_take_the_longest_of_each() {
    let buffers = |setup_minutes, cleanup_minutes| {
        let body = RuleBody::Buffers {
            setup_minutes,
            cleanup_minutes,
        };
        layer(Level::Lab, vec![general(Mode::Binding, body)])
    };
    let policy = Policy::resolve(&[buffers(10, 30), buffers(20, 0)]);
    let expected = Buffers {
        setup: Span::minutes(20),
        cleanup: Span::minutes(30),
    };
    assert_eq!(policy.in_force(CallerClass::Internal).buffers, expected);
}

fn rule() -> impl Strategy<Value = Rule> {
    let minutes = 1u32..6;
    let body = (0..6, minutes).prop_map(|(kind, minutes)| match kind {
        0 => RuleBody::Alignment { minutes },
        1 => RuleBody::Shortest { minutes },
        2 => RuleBody::Longest { minutes },
        3 => RuleBody::Quota {
            per: Party::Member,
            period: Period::Day,
            minutes,
        },
        4 => RuleBody::Qualification {
            name: QualificationName::parse(if minutes < 3 { "xrd" } else { "laser" }).unwrap(),
            disuse_days: Some(minutes),
        },
        _ => RuleBody::Horizon { days: minutes },
    });
    let mode = prop_oneof![Just(Mode::Default), Just(Mode::Binding)];
    let classes = prop::sample::subsequence(CallerClass::ALL.to_vec(), 0..=3);
    (body, mode, classes).prop_map(|(body, mode, classes)| Rule {
        body,
        mode,
        classes: ClassSet::of(&classes),
    })
}

/// What two rules have to share for one to take the place of the other.
fn place_of(body: &RuleBody) -> String {
    if let RuleBody::Qualification { name, .. } = body {
        name.as_str().to_owned()
    } else {
        format!("{:?}", body.kind())
    }
}

/// Of one class: every binding rule, every quota, and of each place the last default of the lowest
/// layer that has one, of those that are limited to classes if there are any.
fn expected(sets: &[Vec<Rule>], class: CallerClass) -> Vec<String> {
    let mut found = Vec::new();
    let mut taken = Vec::new();
    for rules in sets.iter().rev() {
        let ours = rules.iter().filter(|rule| rule.classes.contains(class));
        let (binding, defaults): (Vec<&Rule>, Vec<&Rule>) = ours
            .partition(|rule| rule.mode == Mode::Binding || rule.body.kind() == RuleKind::Quota);
        found.extend(binding.iter().map(|rule| format!("{:?}", rule.body)));
        let limited = defaults
            .iter()
            .rev()
            .filter(|rule| rule.classes != ClassSet::ALL);
        let others = defaults
            .iter()
            .rev()
            .filter(|rule| rule.classes == ClassSet::ALL);
        for rule in limited.chain(others) {
            let place = place_of(&rule.body);
            if !taken.contains(&place) {
                taken.push(place);
                found.push(format!("{:?}", rule.body));
            }
        }
    }
    found.sort_unstable();
    found
}

proptest! {
    #[test]
    fn every_binding_rule_and_the_most_specific_default_apply_to_each_class(
        sets in prop::collection::vec(prop::collection::vec(rule(), 0..6), 0..5),
    ) {
        let layers: Vec<Layer> =
            sets.iter().map(|rules| layer(Level::Lab, rules.clone())).collect();
        let policy = Policy::resolve(&layers);
        prop_assert!(policy.rules().is_sorted_by_key(|rule| rule.body.kind()));
        for class in CallerClass::ALL {
            let rules = policy.rules_for(class);
            let mut held: Vec<String> = rules.map(|rule| format!("{:?}", rule.body)).collect();
            held.sort_unstable();
            prop_assert_eq!(held, expected(&sets, class));
        }
    }
}
