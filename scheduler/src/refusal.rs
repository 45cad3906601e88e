//! Why not: the closed list of reasons, with the figures. Sentences are made elsewhere.

use crate::slot::Slot;
use crate::time::{Micros, Span};

/// The rule that refuses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum RuleId {
    /// The slot begins in the past.
    Past,
    /// The slot is not within opening hours.
    OpeningHours,
    /// The slot is not made of whole blocks.
    Blocks,
    /// The slot does not begin and end on the grid.
    Alignment,
    /// The slot is too short.
    Shortest,
    /// The slot is too long.
    Longest,
    /// The slot begins too far ahead.
    Horizon,
    /// The instrument cannot be booked here.
    NotBookable,
    /// This member may not book this instrument.
    NotPermitted,
}

impl RuleId {
    /// Every rule.
    pub const ALL: [Self; 9] = [
        Self::Past,
        Self::OpeningHours,
        Self::Blocks,
        Self::Alignment,
        Self::Shortest,
        Self::Longest,
        Self::Horizon,
        Self::NotBookable,
        Self::NotPermitted,
    ];

    /// Returns the stable text of the API.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Past => "past",
            Self::OpeningHours => "opening_hours",
            Self::Blocks => "fixed_blocks",
            Self::Alignment => "alignment",
            Self::Shortest => "shortest",
            Self::Longest => "longest",
            Self::Horizon => "horizon",
            Self::NotBookable => "not_bookable",
            Self::NotPermitted => "not_permitted",
        }
    }
}

/// A limit or an actual figure.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Figure {
    /// A length.
    Span(Span),
    /// An instant.
    Time(Micros),
    /// A wanted slot.
    Slot(Slot),
    /// Open intervals from the civil day of the wanted begin to the wanted end, a week at most;
    /// empty when all of that is closed. For `fixed_blocks`: the blocks that share an instant with
    /// that civil day.
    Open(Vec<Slot>),
    /// The rule has no figure.
    None,
}

/// Who may set a rule aside, with a reason: the roles that set rules on the tree.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Overrider {
    /// A manager of the instrument's lab.
    Manager,
    /// An administrator of the centre.
    CentreAdmin,
    /// An administrator of the region.
    RegionAdmin,
}

impl Overrider {
    /// Returns the stable text of the API.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Manager => "manager",
            Self::CentreAdmin => "centre_admin",
            Self::RegionAdmin => "region_admin",
        }
    }
}

/// One reason against a booking.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// The rule.
    pub rule: RuleId,
    /// What it allows.
    pub limit: Figure,
    /// What was wanted.
    pub actual: Figure,
    /// When this rule would pass, if a time can cure it.
    ///
    /// For `past`, `opening_hours` and `alignment`: the earliest begin, not before the one wanted,
    /// with which a slot of the same length passes this rule (looked for up to 15 days ahead, 60
    /// with exceptions or holidays). For `fixed_blocks`: the begin of the earliest run of blocks,
    /// within 15 days, that is as long as the wish or longer. For
    /// `horizon`: the instant from which the very same wish passes.
    pub passes_at: Option<Micros>,
    /// Who may set it aside, least authority first; empty when nobody can.
    pub override_by: &'static [Overrider],
}
