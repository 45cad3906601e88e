//! Rules on the tree, and which of them apply to an instrument.

mod body;
mod in_force;
mod sense;

use chrono_tz::Tz;

pub use body::{ApprovalWhen, RuleBody, RuleKind};
pub use in_force::{Buffers, HoldTerms, InForce, LateCancellation, UseTerms, WaitlistTerms};
pub use sense::{Nonsense, nonsense};

use crate::class::{CallerClass, ClassSet};
use crate::id::{InstrumentId, NodeId};
use crate::refusal::Overrider;

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
    /// Whom it speaks to.
    pub classes: ClassSet,
}

/// A place where rules are set.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum SetAt {
    /// A node of the tree.
    Node(NodeId),
    /// One instrument.
    Instrument(InstrumentId),
}

/// Where on the way from the region to an instrument rules are set.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Level {
    /// The whole region.
    Region,
    /// A centre.
    Centre,
    /// An institution.
    Institution,
    /// A lab.
    Lab,
    /// A single instrument.
    Instrument,
}

/// The rules of one node or instrument.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Layer {
    /// How far down the tree.
    pub level: Level,
    /// Where they are set.
    pub at: SetAt,
    /// The zone of that place: its days, weeks, months and years bound its quotas.
    pub zone: Tz,
    /// Of defaults of one kind, those limited to classes win over general ones, then later ones.
    pub rules: Vec<Rule>,
}

/// Everything that applies to one instrument.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Policy {
    rules: Vec<AppliedRule>,
}

/// A rule that applies to an instrument, and where it comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AppliedRule {
    /// What it says.
    pub body: RuleBody,
    /// How it was set; a quota is always binding.
    pub mode: Mode,
    /// How far down the tree it was set.
    pub level: Level,
    /// Where it was set.
    pub at: SetAt,
    /// The zone of that place.
    pub zone: Tz,
    /// To whom it applies: whom it speaks to, without those for whom another rule took its place.
    pub classes: ClassSet,
}

impl AppliedRule {
    /// Returns who may set this rule aside, least authority first.
    ///
    /// A default can be replaced further down, so the lab's manager may; a binding rule takes the
    /// authority of the node that set it. Institutions have no administrator of their own.
    #[must_use]
    pub fn override_by(&self) -> &'static [Overrider] {
        use Overrider::{CentreAdmin, Manager, RegionAdmin};
        match (self.mode, self.level) {
            (Mode::Binding, Level::Region) => &[RegionAdmin],
            (Mode::Binding, Level::Centre | Level::Institution) => &[CentreAdmin, RegionAdmin],
            (Mode::Default, _) | (Mode::Binding, Level::Lab | Level::Instrument) => {
                &[Manager, CentreAdmin, RegionAdmin]
            }
        }
    }
}

impl Policy {
    /// Resolves layers from the region down to the instrument. For each class of callers every
    /// binding rule applies, every quota, and of each kind the most specific default; within one
    /// layer a default limited to classes is more specific than a general one.
    #[must_use]
    pub fn resolve(layers: &[Layer]) -> Self {
        let mut policy = Self::default();
        for layer in layers {
            let is_general = |rule: &&Rule| rule.classes == ClassSet::ALL;
            let (general, limited): (Vec<&Rule>, Vec<&Rule>) =
                layer.rules.iter().partition(is_general);
            for rule in general.into_iter().chain(limited) {
                policy.add(layer, rule);
            }
        }
        policy.rules.sort_by_key(|rule| rule.body.kind());
        policy
    }

    fn add(&mut self, layer: &Layer, rule: &Rule) {
        let is_quota = rule.body.kind() == RuleKind::Quota;
        let mode = if is_quota { Mode::Binding } else { rule.mode };
        if mode == Mode::Default {
            self.rules.retain_mut(|held| {
                if held.mode == Mode::Binding || !rule.body.displaces(&held.body) {
                    return true;
                }
                let rest = held.classes.without(rule.classes);
                held.classes = rest.unwrap_or(held.classes);
                rest.is_some()
            });
        }
        self.rules.push(AppliedRule {
            body: rule.body.clone(),
            mode,
            level: layer.level,
            at: layer.at,
            zone: layer.zone,
            classes: rule.classes,
        });
    }

    /// Returns every rule that applies, by kind, the most general of a kind first.
    #[must_use]
    pub fn rules(&self) -> &[AppliedRule] {
        &self.rules
    }

    /// Returns the rules that speak to a class, in the same order.
    pub fn rules_for(&self, class: CallerClass) -> impl Iterator<Item = &AppliedRule> + Clone {
        let applies = move |rule: &&AppliedRule| rule.classes.contains(class);
        self.rules.iter().filter(applies)
    }

    /// Returns whether a judgement looks at the member's other bookings on the instrument.
    #[must_use]
    pub fn counts_own(&self) -> bool {
        let mut rules = self.rules.iter();
        rules.any(|rule| {
            matches!(
                rule.body,
                RuleBody::MinimumGap { .. }
                    | RuleBody::PerDay { .. }
                    | RuleBody::FutureCount { .. }
                    | RuleBody::FutureHours { .. }
            )
        })
    }

    /// Returns the merged view of what applies to a class.
    #[must_use]
    pub fn in_force(&self, class: CallerClass) -> InForce {
        InForce::of(&self.rules_for(class))
    }

    /// Returns what is said of use to a class.
    #[must_use]
    pub fn use_terms(&self, class: CallerClass) -> UseTerms {
        UseTerms::of(&self.rules_for(class))
    }
}

#[cfg(test)]
mod tests;
