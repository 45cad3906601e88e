//! Rules on the tree, and which of them apply to an instrument.

use crate::blocks::Blocks;
use crate::calendar::{Opening, Weekly};
use crate::grid;
use crate::refusal::Overrider;
use crate::time::Span;

/// A rule with its parameters. Parameters out of their bounds make no call fail, only no sense.
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
    OpeningHours(Opening),
    /// A booking consists of whole adjacent blocks.
    FixedBlocks(Blocks),
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
    /// [`RuleBody::FixedBlocks`].
    FixedBlocks,
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
            Self::FixedBlocks(_) => RuleKind::FixedBlocks,
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
    /// Where they are set.
    pub level: Level,
    /// At most one default of each kind; later ones of the same kind win.
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
    /// How it was set.
    pub mode: Mode,
    /// Where it was set.
    pub level: Level,
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

/// One view of a policy: what somebody who books has to know.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct InForce {
    /// Hours that all apply together; empty: always open.
    pub opening: Vec<Opening>,
    /// Blocks that all apply together, so that a booking is made of whole ones of each; empty: any
    /// slot.
    pub blocks: Vec<Blocks>,
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
        let mut rules: Vec<AppliedRule> = Vec::new();
        for layer in layers {
            for Rule { body, mode } in &layer.rules {
                if *mode == Mode::Default {
                    let kind = body.kind();
                    rules.retain(|held| held.mode == Mode::Binding || held.body.kind() != kind);
                }
                rules.push(AppliedRule {
                    body: body.clone(),
                    mode: *mode,
                    level: layer.level,
                });
            }
        }
        rules.sort_by_key(|rule| rule.body.kind());
        Self { rules }
    }

    /// Returns every rule that applies, by kind, the most general of a kind first.
    #[must_use]
    pub fn rules(&self) -> &[AppliedRule] {
        &self.rules
    }

    /// Returns the merged view.
    #[must_use]
    pub fn in_force(&self) -> InForce {
        let mut view = InForce::default();
        for AppliedRule { body, .. } in &self.rules {
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
                RuleBody::OpeningHours(opening) => view.opening.push(opening.clone()),
                RuleBody::FixedBlocks(blocks) => view.blocks.push(blocks.clone()),
            }
        }
        view
    }
}

impl InForce {
    /// Returns the hours of a usual week that are open under every rule, exceptions and holidays
    /// aside; none without such a rule. No entries: never open.
    #[must_use]
    pub fn hours(&self) -> Option<Weekly> {
        let (first, others) = self.opening.split_first()?;
        Some(
            others
                .iter()
                .fold(first.weekly.clone(), |all, one| all.overlaid(&one.weekly)),
        )
    }

    /// Returns the grid of the points that every rule allows, in minutes; none without such a rule.
    #[must_use]
    pub fn grid_minutes(&self) -> Option<u32> {
        (!self.grids_minutes.is_empty()).then(|| grid::overlaid(&self.grids_minutes))
    }
}

#[cfg(test)]
mod tests;
