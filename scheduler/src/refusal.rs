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
    pub const ALL: [Self; 8] = [
        Self::Past,
        Self::OpeningHours,
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
    /// Open intervals near the wanted slot; empty when it is closed all day.
    Open(Vec<Slot>),
    /// The rule has no figure.
    None,
}

/// Who may set a rule aside, with a reason.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Overrider {
    /// A manager of the instrument's lab.
    Manager,
    /// An administrator of the centre.
    CentreAdmin,
}

impl Overrider {
    /// Returns the stable text of the API.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Manager => "manager",
            Self::CentreAdmin => "centre_admin",
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
    /// When the same wish would pass this rule, if waiting helps.
    pub passes_at: Option<Micros>,
    /// Who may set it aside.
    pub override_by: &'static [Overrider],
}
