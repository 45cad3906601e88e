//! Sets of rules that cannot be meant.

use super::{CallerClass, Layer, Level, Mode, Policy, Rule, RuleBody, SetAt, Tz};
use crate::id::NodeId;
use crate::time::Span;

/// Why a rule of a set cannot be meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Nonsense {
    /// An earlier one says the same for the same classes in the same mode: of two defaults one would
    /// be dead, and of two binding ones the stricter would be found out by refusals.
    Twice,
    /// It asks for longer bookings than another one of the set allows.
    NeverMet,
}

/// Returns the place of the first rule of one set that cannot be meant, and why. Costs `O(n^2)`.
#[must_use]
pub fn nonsense(rules: &[Rule]) -> Option<(usize, Nonsense)> {
    let mut seen: Vec<&Rule> = Vec::with_capacity(rules.len());
    for (place, rule) in rules.iter().enumerate() {
        if seen.iter().any(|held| is_again(held, rule)) {
            return Some((place, Nonsense::Twice));
        }
        seen.push(rule);
    }
    let alone = Policy::resolve(&[Layer {
        level: Level::Region,
        at: SetAt::Node(NodeId::new(0)),
        zone: Tz::UTC,
        rules: rules.to_vec(),
    }]);
    CallerClass::ALL
        .into_iter()
        .find_map(|class| never_met(rules, &alone, class))
        .map(|place| (place, Nonsense::NeverMet))
}

fn is_again(held: &Rule, rule: &Rule) -> bool {
    if held.mode != rule.mode || held.classes != rule.classes {
        return false;
    }
    match (&held.body, &rule.body) {
        (
            RuleBody::Quota { per, period, .. },
            RuleBody::Quota {
                per: party,
                period: again,
                ..
            },
        ) => per == party && period == again,
        // Long ones and those of guests: each asks for a yes by itself.
        (RuleBody::Approval(when), RuleBody::Approval(other)) if rule.mode == Mode::Binding => {
            when == other
        }
        (held, body) => body.displaces(held),
    }
}

/// Returns the rule that asks a class for longer bookings than the set allows.
fn never_met(rules: &[Rule], alone: &Policy, class: CallerClass) -> Option<usize> {
    let longest = alone.in_force(class).longest?;
    let applies = |minutes: u32| {
        let mut applied = alone.rules_for(class);
        applied.any(|rule| rule.body == RuleBody::Shortest { minutes })
    };
    rules.iter().position(|rule| {
        rule.classes.contains(class)
            && matches!(rule.body, RuleBody::Shortest { minutes }
                if Span::minutes(minutes) > longest && applies(minutes))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::class::ClassSet;
    use crate::fixture::general;
    use crate::qualification::QualificationName;
    use crate::quota::{Party, Period};

    fn shortest(minutes: u32) -> Rule {
        general(Mode::Default, RuleBody::Shortest { minutes })
    }

    fn longest(minutes: u32) -> Rule {
        general(Mode::Default, RuleBody::Longest { minutes })
    }

    fn guests(rule: Rule) -> Rule {
        Rule {
            classes: ClassSet::of(&[CallerClass::Region]),
            ..rule
        }
    }

    fn binding(rule: Rule) -> Rule {
        Rule {
            mode: Mode::Binding,
            ..rule
        }
    }

    #[test]
    fn what_can_be_meant_is_let_be() {
        let quota = |per, period| {
            general(
                Mode::Binding,
                RuleBody::Quota {
                    per,
                    period,
                    minutes: 60,
                },
            )
        };
        let skill = |name| {
            let name = QualificationName::parse(name).unwrap();
            general(
                Mode::Binding,
                RuleBody::Qualification {
                    name,
                    disuse_days: None,
                },
            )
        };
        for set in [
            vec![],
            vec![shortest(30), longest(30)],
            vec![longest(60), guests(longest(60)), binding(longest(90))],
            // Guests have both ends of their own.
            vec![
                shortest(60),
                longest(480),
                guests(shortest(10)),
                guests(longest(30)),
            ],
            vec![
                quota(Party::Member, Period::Day),
                quota(Party::Member, Period::Week),
                quota(Party::Lab, Period::Day),
            ],
            vec![skill("xrd"), skill("sem")],
        ] {
            assert_eq!(nonsense(&set), None, "{set:?}");
        }
    }

    #[test]
    fn what_cannot_be_meant_is_named() {
        let quota = |minutes| {
            let (per, period) = (Party::Member, Period::Day);
            general(
                Mode::Default,
                RuleBody::Quota {
                    per,
                    period,
                    minutes,
                },
            )
        };
        for (set, place, why) in [
            (vec![longest(60), shortest(61)], 1, Nonsense::NeverMet),
            (vec![shortest(61), longest(60)], 0, Nonsense::NeverMet),
            (
                vec![shortest(60), longest(480), guests(longest(30))],
                0,
                Nonsense::NeverMet,
            ),
            (
                vec![longest(480), binding(longest(30)), shortest(60)],
                2,
                Nonsense::NeverMet,
            ),
            (
                vec![longest(60), shortest(30), longest(90)],
                2,
                Nonsense::Twice,
            ),
            (
                vec![guests(longest(60)), guests(longest(60))],
                1,
                Nonsense::Twice,
            ),
            (vec![quota(60), quota(90)], 1, Nonsense::Twice),
        ] {
            assert_eq!(nonsense(&set), Some((place, why)), "{set:?}");
        }
    }
}
