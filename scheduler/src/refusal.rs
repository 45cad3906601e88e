//! Why not: the closed list of reasons, with the figures. Sentences are made elsewhere.

use crate::class::ClassSet;
use crate::qualification::{Lack, QualificationName};
use crate::quota::{Party, Period};
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
    /// Callers of this class do not book.
    WhoMayBook,
    /// The slot begins too soon.
    NoticeToBook,
    /// The booking would have begun too soon to be moved.
    NoticeToMove,
    /// The booking would have begun too soon to be given up.
    NoticeToCancel,
    /// The slot is too near to another booking of the member.
    MinimumGap,
    /// The member has too many bookings on a day.
    PerDay,
    /// The member has too many bookings ahead.
    FutureCount,
    /// The member has too much time ahead.
    FutureHours,
    /// The member is not qualified.
    Qualification,
    /// A quota is used up.
    Quota,
    /// The member has too many points.
    Points,
    /// The member keeps too many slots while filling in forms.
    HoldLimit,
    /// The project is closed, or does not run then.
    ProjectClosed,
    /// The member does not work on the project.
    ProjectMember,
    /// The project has used its time.
    ProjectBudget,
}

impl RuleId {
    /// Every rule.
    pub const ALL: [Self; 24] = [
        Self::Past,
        Self::OpeningHours,
        Self::Blocks,
        Self::Alignment,
        Self::Shortest,
        Self::Longest,
        Self::Horizon,
        Self::NotBookable,
        Self::NotPermitted,
        Self::WhoMayBook,
        Self::NoticeToBook,
        Self::NoticeToMove,
        Self::NoticeToCancel,
        Self::MinimumGap,
        Self::PerDay,
        Self::FutureCount,
        Self::FutureHours,
        Self::Qualification,
        Self::Quota,
        Self::Points,
        Self::HoldLimit,
        Self::ProjectClosed,
        Self::ProjectMember,
        Self::ProjectBudget,
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
            Self::WhoMayBook => "who_may_book",
            Self::NoticeToBook => "notice_to_book",
            Self::NoticeToMove => "notice_to_move",
            Self::NoticeToCancel => "notice_to_cancel",
            Self::MinimumGap => "minimum_gap",
            Self::PerDay => "per_day",
            Self::FutureCount => "future_count",
            Self::FutureHours => "future_hours",
            Self::Qualification => "qualification",
            Self::Quota => "quota",
            Self::Points => "points",
            Self::HoldLimit => "hold_limit",
            Self::ProjectClosed => "project_closed",
            Self::ProjectMember => "project_member",
            Self::ProjectBudget => "project_budget",
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
    /// A number of bookings, of points, of kept slots.
    Count(u64),
    /// Classes of callers.
    Classes(ClassSet),
    /// A qualification.
    Qualification(QualificationName),
    /// What is wrong with it.
    Lack(Lack),
    /// A quota.
    Quota {
        /// Whose.
        per: Party,
        /// Over which period.
        period: Period,
        /// How much.
        span: Span,
    },
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
    /// For rules about the begin it is the earliest begin, not before the one wanted, with which a
    /// slot of the same length passes: `past`, `opening_hours` and `alignment` (looked for up to 15
    /// days ahead, 60 with exceptions or holidays), `fixed_blocks` (of the earliest run of blocks,
    /// within 15 days, that is as long as the wish or longer), `notice_to_book`, `minimum_gap`, `per_day` (the begin of a civil day, up to 60
    /// days ahead), `quota` (the begin of a period, up to 60 periods ahead), `project_closed`, and
    /// a `qualification` that does not hold yet. For the others it is the instant from which the
    /// very same wish passes: `horizon`, `future_count` and `future_hours` (as own bookings begin),
    /// `points`, `hold_limit`.
    pub passes_at: Option<Micros>,
    /// Who may set it aside, least authority first; empty when nobody can.
    pub override_by: &'static [Overrider],
}
