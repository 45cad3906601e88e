//! Rules on the tree, and which of them apply to an instrument.

use crate::calendar::Weekly;
use crate::time::Span;

/// A rule with its parameters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RuleBody {
    /// A booking begins and ends on a grid of so many minutes counted from civil midnight.
    Alignment {
        /// 1 to 1440.
        minutes: u32,
    },
    /// A booking lasts at least this.
    Shortest {
        /// 1 to 525,600.
        minutes: u32,
    },
    /// A booking lasts at most this.
    Longest {
        /// 1 to 525,600.
        minutes: u32,
    },
    /// A booking begins at most this far ahead.
    Horizon {
        /// Days of 24 hours, 1 to 3,650.
        days: u32,
    },
    /// A booking lies within opening hours.
    OpeningHours(Weekly),
}

/// The kinds of rules, one for each variant of [`RuleBody`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum RuleKind {
    /// [`RuleBody::Alignment`].
    Alignment,
    /// [`RuleBody::Shortest`].
    Shortest,
    /// [`RuleBody::Longest`].
    Longest,
    /// [`RuleBody::Horizon`].
    Horizon,
    /// [`RuleBody::OpeningHours`].
    OpeningHours,
}

impl RuleBody {
    /// Returns the kind.
    #[must_use]
    pub fn kind(&self) -> RuleKind {
        match self {
            Self::Alignment { .. } => RuleKind::Alignment,
            Self::Shortest { .. } => RuleKind::Shortest,
            Self::Longest { .. } => RuleKind::Longest,
            Self::Horizon { .. } => RuleKind::Horizon,
            Self::OpeningHours(_) => RuleKind::OpeningHours,
        }
    }
}

/// How a rule meets rules of its kind further down the tree.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Mode {
    /// The more specific one wins.
    Default,
    /// Applies whatever is set below it.
    Binding,
}

/// A rule as set somewhere.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rule {
    /// What it says.
    pub body: RuleBody,
    /// How it meets others.
    pub mode: Mode,
}

/// The rules of one node or instrument.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Layer {
    /// At most one default of each kind; later ones of the same kind win.
    pub rules: Vec<Rule>,
}

/// Everything that applies to one instrument.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Policy {
    bodies: Vec<RuleBody>,
}

/// One view of a policy: what somebody who books has to know.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct InForce {
    /// Hours that all apply together; empty: always open.
    pub opening: Vec<Weekly>,
    /// Grids in minutes that all apply together; empty: any time.
    pub grids_minutes: Vec<u32>,
    /// The longest of the shortest.
    pub shortest: Option<Span>,
    /// The shortest of the longest.
    pub longest: Option<Span>,
    /// The nearest horizon.
    pub horizon: Option<Span>,
}

impl Policy {
    /// Resolves layers from the region down to the instrument: of each kind the most specific
    /// default applies, and every binding rule.
    #[must_use]
    pub fn resolve(layers: &[Layer]) -> Self {
        let mut bodies: Vec<RuleBody> = Vec::new();
        let mut defaults: Vec<&RuleBody> = Vec::new();
        for rule in layers.iter().flat_map(|layer| &layer.rules) {
            match rule.mode {
                Mode::Binding => bodies.push(rule.body.clone()),
                Mode::Default => {
                    defaults.retain(|body| body.kind() != rule.body.kind());
                    defaults.push(&rule.body);
                }
            }
        }
        bodies.extend(defaults.into_iter().cloned());
        Self { bodies }
    }

    /// Returns every rule that applies.
    #[must_use]
    pub fn bodies(&self) -> &[RuleBody] {
        &self.bodies
    }

    /// Returns the merged view.
    #[must_use]
    pub fn in_force(&self) -> InForce {
        let mut view = InForce::default();
        for body in &self.bodies {
            match body {
                RuleBody::Alignment { minutes } => view.grids_minutes.push(*minutes),
                RuleBody::Shortest { minutes } => {
                    view.shortest = view.shortest.max(Some(Span::minutes(*minutes)));
                }
                RuleBody::Longest { minutes } => {
                    let longest = Span::minutes(*minutes);
                    view.longest = Some(view.longest.map_or(longest, |held| held.min(longest)));
                }
                RuleBody::Horizon { days } => {
                    let horizon = Span::days(*days);
                    view.horizon = Some(view.horizon.map_or(horizon, |held| held.min(horizon)));
                }
                RuleBody::OpeningHours(weekly) => view.opening.push(weekly.clone()),
            }
        }
        view
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn longest(minutes: u32, mode: Mode) -> Layer {
        Layer {
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
            policy.bodies().len(),
            2,
            "each applies, with a refusal of its own"
        );
    }

    #[test]
    fn without_rules_nothing_is_limited() {
        assert_eq!(Policy::resolve(&[]).in_force(), InForce::default());
    }
}
