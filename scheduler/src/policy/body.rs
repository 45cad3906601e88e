//! What a rule can say.

use crate::blocks::Blocks;
use crate::calendar::{Opening, Weekly};
use crate::class::{CallerClass, ClassSet};
use crate::qualification::QualificationName;
use crate::quota::{Party, Period};
use crate::refusal::RuleId;
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
    /// Only these classes book at all.
    WhoMayBook {
        /// Who may.
        classes: ClassSet,
    },
    /// A booking is made at least this long before it begins.
    NoticeToBook {
        /// 0 to 525,600.
        minutes: u32,
    },
    /// A booking is moved at least this long before it would have begun.
    NoticeToMove {
        /// 0 to 525,600.
        minutes: u32,
    },
    /// A booking is given up at least this long before it would have begun.
    NoticeToCancel {
        /// 0 to 525,600.
        minutes: u32,
    },
    /// Between two bookings of one member on this instrument lies at least this.
    MinimumGap {
        /// 1 to 525,600.
        minutes: u32,
    },
    /// A member has at most so many bookings on this instrument that touch one civil day; one that
    /// crosses midnight counts on both.
    PerDay {
        /// 1 to 1,000.
        count: u32,
    },
    /// A member has at most so many bookings on this instrument that have not begun.
    FutureCount {
        /// 1 to 1,000.
        count: u32,
    },
    /// A member has at most so much time ahead on this instrument.
    FutureHours {
        /// 1 to 525,600.
        minutes: u32,
    },
    /// Hours that nobody fights for. What lies wholly inside is judged by none of `Longest`,
    /// `MinimumGap`, `PerDay`, `FutureCount`, `FutureHours`, `Quota`, and counts in none of them;
    /// of what reaches out, only the part outside counts as time. Where several such rules apply,
    /// a time is off-peak when each of them says so. Wishes above 31 days have no such hours.
    OffPeak(Weekly),
    /// The instrument is claimed so long before and after the use. The longest of each applies.
    Buffers {
        /// 0 to 1,440.
        setup_minutes: u32,
        /// 0 to 1,440.
        cleanup_minutes: u32,
    },
    /// A booking needs somebody's yes.
    Approval(ApprovalWhen),
    /// Only who is qualified books. Rules with different names do not displace each other.
    Qualification {
        /// Which qualification.
        name: QualificationName,
        /// It lapses after so many days of 24 hours without use, 1 to 3,650.
        disuse_days: Option<u32>,
    },
    /// Use below the place where this is set is limited; no other quota ever displaces it.
    Quota {
        /// Whose use is summed.
        per: Party,
        /// Over which civil period, in the zone of the place.
        period: Period,
        /// 1 to 527,040.
        minutes: u32,
    },
    /// A booking whose machine has not run by then was not used.
    Grace {
        /// After the begin, 1 to 1,440.
        minutes: u32,
    },
    /// What is left of a booking is released when its machine has stopped for so long.
    EarlyFinish {
        /// 1 to 1,440.
        dwell_minutes: u32,
    },
    /// Giving a booking up later than this costs points.
    LateCancellation {
        /// Before the begin, 0 to 525,600.
        minutes: u32,
        /// 1 to 1,000.
        points: u32,
    },
    /// A booking that was not used costs points.
    NoShowPoints {
        /// 1 to 1,000.
        points: u32,
    },
    /// Who has so many points within a window books nothing new, for as long as that is so, and
    /// for so many days after the point that reached it.
    PointsLimit {
        /// 1 to 1,000.
        threshold: u32,
        /// Days of 24 hours, 1 to 3,650.
        window_days: u32,
        /// Days of 24 hours, 0 to 3,650.
        block_days: u32,
    },
    /// How many slots a member may keep while filling in forms, and for how long.
    HoldLimit {
        /// 1 to 100.
        count: u32,
        /// 1 to 1,440.
        minutes: u32,
    },
    /// How the waitlist hands on a freed slot.
    Waitlist {
        /// An offer stands so long, 1 to 10,080.
        offer_minutes: u32,
        /// Who gave a slot up may take it back so long, 0 to 1,440.
        undo_minutes: u32,
    },
}

/// Which bookings need somebody's yes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ApprovalWhen {
    /// All.
    Always,
    /// Those longer than this; 1 to 525,600 minutes.
    LongerThanMinutes(u32),
    /// Those of callers of these classes.
    Classes(ClassSet),
}

/// The kinds of rules, one for each variant of [`RuleBody`], in the order of judgement.
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
    /// [`RuleBody::WhoMayBook`].
    WhoMayBook,
    /// [`RuleBody::NoticeToBook`].
    NoticeToBook,
    /// [`RuleBody::NoticeToMove`].
    NoticeToMove,
    /// [`RuleBody::NoticeToCancel`].
    NoticeToCancel,
    /// [`RuleBody::MinimumGap`].
    MinimumGap,
    /// [`RuleBody::PerDay`].
    PerDay,
    /// [`RuleBody::FutureCount`].
    FutureCount,
    /// [`RuleBody::FutureHours`].
    FutureHours,
    /// [`RuleBody::Qualification`].
    Qualification,
    /// [`RuleBody::Quota`].
    Quota,
    /// [`RuleBody::PointsLimit`].
    PointsLimit,
    /// [`RuleBody::HoldLimit`].
    HoldLimit,
    /// [`RuleBody::OffPeak`].
    OffPeak,
    /// [`RuleBody::Buffers`].
    Buffers,
    /// [`RuleBody::Approval`].
    Approval,
    /// [`RuleBody::Grace`].
    Grace,
    /// [`RuleBody::EarlyFinish`].
    EarlyFinish,
    /// [`RuleBody::LateCancellation`].
    LateCancellation,
    /// [`RuleBody::NoShowPoints`].
    NoShowPoints,
    /// [`RuleBody::Waitlist`].
    Waitlist,
}

impl RuleKind {
    /// Returns the rule that refuses; nothing for what only follows from a booking.
    #[must_use]
    pub fn refuses_as(self) -> Option<RuleId> {
        match self {
            Self::Alignment => Some(RuleId::Alignment),
            Self::Shortest => Some(RuleId::Shortest),
            Self::Longest => Some(RuleId::Longest),
            Self::Horizon => Some(RuleId::Horizon),
            Self::OpeningHours => Some(RuleId::OpeningHours),
            Self::FixedBlocks => Some(RuleId::Blocks),
            Self::WhoMayBook => Some(RuleId::WhoMayBook),
            Self::NoticeToBook => Some(RuleId::NoticeToBook),
            Self::NoticeToMove => Some(RuleId::NoticeToMove),
            Self::NoticeToCancel => Some(RuleId::NoticeToCancel),
            Self::MinimumGap => Some(RuleId::MinimumGap),
            Self::PerDay => Some(RuleId::PerDay),
            Self::FutureCount => Some(RuleId::FutureCount),
            Self::FutureHours => Some(RuleId::FutureHours),
            Self::Qualification => Some(RuleId::Qualification),
            Self::Quota => Some(RuleId::Quota),
            Self::PointsLimit => Some(RuleId::Points),
            Self::HoldLimit => Some(RuleId::HoldLimit),
            Self::OffPeak
            | Self::Buffers
            | Self::Approval
            | Self::Grace
            | Self::EarlyFinish
            | Self::LateCancellation
            | Self::NoShowPoints
            | Self::Waitlist => None,
        }
    }
}

impl ApprovalWhen {
    /// Returns true if a booking of this length by a caller of this class needs somebody's yes.
    #[must_use]
    pub fn asks(self, length: Span, class: CallerClass) -> bool {
        match self {
            Self::Always => true,
            Self::LongerThanMinutes(minutes) => length > Span::minutes(minutes),
            Self::Classes(classes) => classes.contains(class),
        }
    }
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
            Self::WhoMayBook { .. } => RuleKind::WhoMayBook,
            Self::NoticeToBook { .. } => RuleKind::NoticeToBook,
            Self::NoticeToMove { .. } => RuleKind::NoticeToMove,
            Self::NoticeToCancel { .. } => RuleKind::NoticeToCancel,
            Self::MinimumGap { .. } => RuleKind::MinimumGap,
            Self::PerDay { .. } => RuleKind::PerDay,
            Self::FutureCount { .. } => RuleKind::FutureCount,
            Self::FutureHours { .. } => RuleKind::FutureHours,
            Self::OffPeak(_) => RuleKind::OffPeak,
            Self::Buffers { .. } => RuleKind::Buffers,
            Self::Approval(_) => RuleKind::Approval,
            Self::Qualification { .. } => RuleKind::Qualification,
            Self::Quota { .. } => RuleKind::Quota,
            Self::Grace { .. } => RuleKind::Grace,
            Self::EarlyFinish { .. } => RuleKind::EarlyFinish,
            Self::LateCancellation { .. } => RuleKind::LateCancellation,
            Self::NoShowPoints { .. } => RuleKind::NoShowPoints,
            Self::PointsLimit { .. } => RuleKind::PointsLimit,
            Self::HoldLimit { .. } => RuleKind::HoldLimit,
            Self::Waitlist { .. } => RuleKind::Waitlist,
        }
    }

    /// Returns true if this default takes the place of another one set above it.
    #[must_use]
    pub(super) fn displaces(&self, held: &Self) -> bool {
        match (self, held) {
            (Self::Quota { .. }, _) => false,
            (Self::Qualification { name, .. }, Self::Qualification { name: other, .. }) => {
                name == other
            }
            _ => self.kind() == held.kind(),
        }
    }
}
