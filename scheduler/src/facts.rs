//! Everything a judgement may look at.

use chrono_tz::Tz;

use crate::class::CallerClass;
use crate::policy::AppliedRule;
use crate::qualification::Granted;
use crate::quota::{Subjects, Usage};
use crate::refusal::{Overrider, RuleId};
use crate::slot::Slot;
use crate::time::{Micros, Span};

/// The facts of one wish, gathered by the caller. Lists may be in any order.
#[derive(Debug, Clone, Copy)]
pub struct BookingFacts<'a> {
    /// The time of the judgement.
    pub now: Micros,
    /// The instrument's zone.
    pub zone: Tz,
    /// Whether the instrument can be booked at all.
    pub bookable: bool,
    /// Whether this member may book it.
    pub permitted: bool,
    /// What is to be done.
    pub action: Action,
    /// What is wanted; to give a booking up, its slot.
    pub slot: Slot,
    /// Where the member stands towards the instrument.
    pub class: CallerClass,
    /// In whose name.
    pub subjects: Subjects,
    /// The member's other bookings on this instrument that claim their slots, without the one that
    /// is being changed. Those that are over count on their day.
    pub own: &'a [Slot],
    /// When each slot that the member keeps while filling in forms is let go.
    pub holds: &'a [Micros],
    /// What the member was given.
    pub qualifications: &'a [Granted],
    /// What the member was charged.
    pub points: &'a [PointsCharged],
    /// What has been used of quotas.
    pub usage: Usage<'a>,
    /// The project, if one is named.
    pub project: Option<ProjectFacts>,
    /// Rules set aside.
    pub set_aside: &'a [SetAside],
}

/// What is to be done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// Keep a slot while a form is filled in.
    Hold,
    /// Book anew.
    Book,
    /// Book anew what begins at this moment, by somebody who stands before the machine: its begin
    /// is no wish, so it need not lie on a grid or begin a block.
    DropIn,
    /// Move, shorten or extend a booking.
    Change {
        /// Its present slot.
        held: Slot,
    },
    /// Give a booking up.
    Cancel,
}

/// Points charged to a member.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PointsCharged {
    /// When.
    pub at: Micros,
    /// How many.
    pub points: u32,
}

/// What is known of a project.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ProjectFacts {
    /// Whether it was closed by hand.
    pub closed: bool,
    /// When it runs; none: without bounds.
    pub runs: Option<Slot>,
    /// Whether the member works on it.
    pub is_member: bool,
    /// How much time it may use in all; none: without a limit.
    pub budget: Option<Span>,
    /// What it has used and booked, without the booking that is being changed.
    pub used: Span,
}

/// A rule set aside for this wish; the reason is kept elsewhere.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SetAside {
    /// Which.
    pub rule: RuleId,
    /// In whose authority: it works only on rules that this one may set aside.
    pub by: Overrider,
}

impl BookingFacts<'static> {
    /// Returns the facts of a wish to book anew, of somebody who may and of whom nothing else is
    /// known.
    #[must_use]
    pub fn new(
        (now, zone): (Micros, Tz),
        slot: Slot,
        class: CallerClass,
        subjects: Subjects,
    ) -> Self {
        Self {
            now,
            zone,
            bookable: true,
            permitted: true,
            action: Action::Book,
            slot,
            class,
            subjects,
            own: &[],
            holds: &[],
            qualifications: &[],
            points: &[],
            usage: Usage::NONE,
            project: None,
            set_aside: &[],
        }
    }
}

impl BookingFacts<'_> {
    /// Returns true when the begin is no wish: a held booking is changed that began earlier, or
    /// somebody begins at once.
    #[must_use]
    pub fn begin_is_kept(&self) -> bool {
        let begins = self.action == Action::DropIn || self.keeps_begin();
        begins && self.slot.start() <= self.now
    }

    /// Returns true when a held booking is changed that would begin as before.
    pub(crate) fn keeps_begin(&self) -> bool {
        matches!(self.action, Action::Change { held } if held.start() == self.slot.start())
    }

    pub(crate) fn is_set_aside(&self, rule: RuleId, override_by: &[Overrider]) -> bool {
        let mut aside = self.set_aside.iter();
        aside.any(|aside| aside.rule == rule && override_by.contains(&aside.by))
    }

    pub(crate) fn hears(&self, rule: &AppliedRule) -> bool {
        let refusing = rule.body.kind().refuses_as();
        rule.classes.contains(self.class)
            && !refusing.is_some_and(|id| self.is_set_aside(id, rule.override_by()))
    }
}
