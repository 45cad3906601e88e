//! Which rules apply, against a reading of the layers from the bottom up.

use proptest::prelude::*;

use super::*;

fn longest(minutes: u32, mode: Mode) -> Layer {
    Layer {
        level: Level::Lab,
        rules: vec![Rule {
            body: RuleBody::Longest { minutes },
            mode,
        }],
    }
}

#[test]
fn the_more_specific_default_wins() {
    let policy = Policy::resolve(&[longest(60, Mode::Default), longest(480, Mode::Default)]);
    assert_eq!(policy.in_force().longest, Some(Span::minutes(480)));
}

#[test]
fn a_binding_rule_holds_whatever_is_set_below() {
    let policy = Policy::resolve(&[longest(60, Mode::Binding), longest(480, Mode::Default)]);
    assert_eq!(policy.in_force().longest, Some(Span::minutes(60)));
    assert_eq!(
        policy.rules().len(),
        2,
        "each applies, with a refusal of its own"
    );
}

#[test]
fn without_rules_nothing_is_limited() {
    assert_eq!(Policy::resolve(&[]).in_force(), InForce::default());
}

fn rule() -> impl Strategy<Value = Rule> {
    let minutes = 1u32..6;
    let body = (0..4, minutes).prop_map(|(kind, minutes)| match kind {
        0 => RuleBody::Alignment { minutes },
        1 => RuleBody::Shortest { minutes },
        2 => RuleBody::Longest { minutes },
        _ => RuleBody::Horizon { days: minutes },
    });
    let mode = prop_oneof![Just(Mode::Default), Just(Mode::Binding)];
    (body, mode).prop_map(|(body, mode)| Rule { body, mode })
}

proptest! {
    #[test]
    fn every_binding_rule_and_the_last_default_of_each_kind_apply(
        sets in prop::collection::vec(prop::collection::vec(rule(), 0..5), 0..5),
    ) {
        let layers: Vec<Layer> =
            sets.iter().map(|rules| Layer { level: Level::Lab, rules: rules.clone() }).collect();
        let all: Vec<&Rule> = sets.iter().flatten().collect();
        let replaced = |at: usize| all[at + 1..]
            .iter()
            .any(|later| later.mode == Mode::Default && later.body.kind() == all[at].body.kind());
        let mut expected: Vec<(RuleKind, String)> = (0..all.len())
            .filter(|at| all[*at].mode == Mode::Binding || !replaced(*at))
            .map(|at| (all[at].body.kind(), format!("{:?}", all[at].body)))
            .collect();
        let policy = Policy::resolve(&layers);
        let mut held: Vec<(RuleKind, String)> = policy
            .rules()
            .iter()
            .map(|rule| (rule.body.kind(), format!("{:?}", rule.body)))
            .collect();
        prop_assert!(held.is_sorted_by_key(|(kind, _)| *kind));
        expected.sort_unstable();
        held.sort_unstable();
        prop_assert_eq!(held, expected);
    }
}
