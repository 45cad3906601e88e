//! What applies to one class of callers, merged.

use super::{AppliedRule, ApprovalWhen, Mode, RuleBody};
use crate::blocks::Blocks;
use crate::calendar::{Opening, Weekly};
use crate::grid;
use crate::qualification::QualificationName;
use crate::slot::Slot;
use crate::time::Span;

/// One view of a policy: what somebody who books has to know.
///
/// Of parameters of which there can be only one, the most general binding rule decides, else the
/// default.
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
    /// The longest notice to book.
    pub notice: Option<Span>,
    /// Hours that nobody fights for, where all of them agree; empty: none.
    pub off_peak: Vec<Weekly>,
    /// The longest of each.
    pub buffers: Buffers,
    /// A booking needs somebody's yes if one of these says so.
    pub approvals: Vec<ApprovalWhen>,
    /// All of these are needed.
    pub qualifications: Vec<QualificationName>,
    /// How long after its begin a booking must have been used.
    pub grace: Option<Span>,
    /// How long a machine must have stopped before the rest is released.
    pub early_finish: Option<Span>,
    /// What giving up late costs.
    pub late_cancellation: Option<LateCancellation>,
    /// Points for a booking that was not used.
    pub no_show_points: Option<u32>,
    /// What somebody who fills in a form may keep.
    pub hold: Option<HoldTerms>,
    /// How freed slots are handed on.
    pub waitlist: Option<WaitlistTerms>,
}

/// How far a claim reaches beyond the use.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Buffers {
    /// Before the begin.
    pub setup: Span,
    /// After the end.
    pub cleanup: Span,
}

impl Buffers {
    /// Returns what is claimed for the use of a slot: `[start - set-up, end + clean-up)`.
    #[must_use]
    pub fn claim(self, slot: Slot) -> Slot {
        let (start, end) = (
            slot.start().saturating_sub(self.setup),
            slot.end() + self.cleanup,
        );
        Slot::new(start, end).unwrap_or(slot)
    }
}

/// What is said of use: a small part of [`InForce`], for those who ask for every booking.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct UseTerms {
    /// How long after its begin a booking must have been used.
    pub grace: Option<Span>,
    /// How long a machine must have stopped before the rest is released.
    pub early_finish: Option<Span>,
    /// Points for a booking that was not used.
    pub no_show_points: Option<u32>,
    /// How long the claim reaches beyond the end.
    pub cleanup: Span,
}

/// What giving a booking up late costs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LateCancellation {
    /// Late is nearer to the begin than this.
    pub before: Span,
    /// What it costs.
    pub points: u32,
}

/// What somebody who fills in a form may keep.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HoldTerms {
    /// How many slots at once.
    pub count: u32,
    /// How long each.
    pub length: Span,
}

/// How freed slots are handed on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WaitlistTerms {
    /// How long an offer stands.
    pub offer: Span,
    /// How long who gave a slot up may take it back.
    pub undo: Span,
}

/// Returns what rules of one shape say, the most general first, with how they were set.
macro_rules! said {
    ($rules:expr, $shape:pat => $value:expr) => {
        $rules.clone().filter_map(|rule| {
            if let $shape = &rule.body {
                Some((rule.mode, $value))
            } else {
                None
            }
        })
    };
}

fn all<T>(said: impl Iterator<Item = (Mode, T)>) -> impl Iterator<Item = T> {
    said.map(|(_, value)| value)
}

/// Returns what the most general binding rule says, else what the default says.
fn deciding<T>(said: impl Iterator<Item = (Mode, T)>) -> Option<T> {
    let mut by_default = None;
    for (mode, value) in said {
        if mode == Mode::Binding {
            return Some(value);
        }
        by_default = Some(value);
    }
    by_default
}

impl UseTerms {
    /// Merges rules, of which the more general come first; as [`InForce::of`] does.
    pub(crate) fn of<'a>(rules: &(impl Iterator<Item = &'a AppliedRule> + Clone)) -> Self {
        let dwell = said!(rules, RuleBody::EarlyFinish { dwell_minutes } => *dwell_minutes);
        let cleanup = said!(rules, RuleBody::Buffers { cleanup_minutes, .. } => *cleanup_minutes);
        Self {
            grace: deciding(said!(rules, RuleBody::Grace { minutes } => Span::minutes(*minutes))),
            early_finish: deciding(dwell).map(Span::minutes),
            no_show_points: deciding(said!(rules, RuleBody::NoShowPoints { points } => *points)),
            cleanup: Span::minutes(all(cleanup).max().unwrap_or(0)),
        }
    }
}

impl InForce {
    /// Merges rules, of which the more general come first.
    pub(crate) fn of<'a>(rules: &(impl Iterator<Item = &'a AppliedRule> + Clone)) -> Self {
        let setup = said!(rules, RuleBody::Buffers { setup_minutes, .. } => *setup_minutes);
        let cleanup = said!(rules, RuleBody::Buffers { cleanup_minutes, .. } => *cleanup_minutes);
        let limits = Self {
            opening: all(said!(rules, RuleBody::OpeningHours(hours) => hours.clone())).collect(),
            blocks: all(said!(rules, RuleBody::FixedBlocks(blocks) => blocks.clone())).collect(),
            grids_minutes: all(said!(rules, RuleBody::Alignment { minutes } => *minutes)).collect(),
            shortest: all(said!(rules, RuleBody::Shortest { minutes } => Span::minutes(*minutes)))
                .max(),
            longest: all(said!(rules, RuleBody::Longest { minutes } => Span::minutes(*minutes)))
                .min(),
            horizon: all(said!(rules, RuleBody::Horizon { days } => Span::days(*days))).min(),
            notice: all(
                said!(rules, RuleBody::NoticeToBook { minutes } => Span::minutes(*minutes)),
            )
            .max(),
            off_peak: all(said!(rules, RuleBody::OffPeak(weekly) => weekly.clone())).collect(),
            buffers: Buffers {
                setup: Span::minutes(all(setup).max().unwrap_or(0)),
                cleanup: Span::minutes(all(cleanup).max().unwrap_or(0)),
            },
            approvals: all(said!(rules, RuleBody::Approval(when) => *when)).collect(),
            qualifications: all(said!(rules, RuleBody::Qualification { name, .. } => name.clone()))
                .collect(),
            ..Self::default()
        };
        limits.with_terms(rules)
    }

    /// Adds what there can be only one of.
    fn with_terms<'a>(self, rules: &(impl Iterator<Item = &'a AppliedRule> + Clone)) -> Self {
        let late = said!(rules, RuleBody::LateCancellation { minutes, points } => LateCancellation {
            before: Span::minutes(*minutes),
            points: *points,
        });
        let hold = said!(rules, RuleBody::HoldLimit { count, minutes } => HoldTerms {
            count: *count,
            length: Span::minutes(*minutes),
        });
        let waitlist = said!(rules, RuleBody::Waitlist { offer_minutes, undo_minutes } => WaitlistTerms {
            offer: Span::minutes(*offer_minutes),
            undo: Span::minutes(*undo_minutes),
        });
        let of_use = UseTerms::of(rules);
        Self {
            grace: of_use.grace,
            early_finish: of_use.early_finish,
            late_cancellation: deciding(late),
            no_show_points: of_use.no_show_points,
            hold: deciding(hold),
            waitlist: deciding(waitlist),
            ..self
        }
    }

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
