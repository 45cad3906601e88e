//! What tests of rules start from: one member, one instrument in Shanghai, a Tuesday's midnight.

use chrono_tz::Tz;

use crate::class::{CallerClass, ClassSet};
use crate::facts::{Action, BookingFacts, PointsCharged, ProjectFacts, SetAside};
use crate::id::{MemberId, NodeId, ProjectId};
use crate::policy::{Layer, Level, Mode, Policy, Rule, RuleBody, SetAt};
use crate::qualification::Granted;
use crate::quota::{Charge, Ledger, Subjects, Usage};
use crate::refusal::{Refusal, RuleId};
use crate::rules::{Decision, judge};
use crate::slot::Slot;
use crate::time::Micros;

/// 2026-11-24T00:00:00+08:00, a Tuesday.
pub(crate) const MIDNIGHT: i64 = 1_795_449_600_000_000;

pub(crate) const SUBJECTS: Subjects = Subjects {
    member: Some(MemberId::new(1)),
    project: Some(ProjectId::new(2)),
    lab: Some(NodeId::new(3)),
    institution: Some(NodeId::new(4)),
};

/// Returns the instant so long after midnight.
pub(crate) fn at(us: i64) -> Micros {
    Micros::new(MIDNIGHT + us)
}

/// Returns the slot between two instants after midnight.
pub(crate) fn slot(start: i64, end: i64) -> Slot {
    Slot::new(at(start), at(end)).unwrap()
}

pub(crate) fn general(mode: Mode, body: RuleBody) -> Rule {
    Rule {
        body,
        mode,
        classes: ClassSet::ALL,
    }
}

pub(crate) fn layer(level: Level, rules: Vec<Rule>) -> Layer {
    Layer {
        level,
        at: SetAt::Node(NodeId::new(7)),
        zone: Tz::Asia__Shanghai,
        rules,
    }
}

/// Returns the policy of defaults of a lab.
pub(crate) fn policy(bodies: impl IntoIterator<Item = RuleBody>) -> Policy {
    let rules = bodies.into_iter().map(|body| general(Mode::Default, body));
    Policy::resolve(&[layer(Level::Lab, rules.collect())])
}

/// The facts of a wish, owned.
#[derive(Debug, Clone)]
pub(crate) struct World {
    pub(crate) now: Micros,
    pub(crate) zone: Tz,
    pub(crate) bookable: bool,
    pub(crate) permitted: bool,
    pub(crate) action: Action,
    pub(crate) slot: Slot,
    pub(crate) class: CallerClass,
    pub(crate) own: Vec<Slot>,
    pub(crate) holds: Vec<Micros>,
    pub(crate) qualifications: Vec<Granted>,
    pub(crate) points: Vec<PointsCharged>,
    pub(crate) ledger: Ledger,
    pub(crate) freed: Vec<Charge>,
    pub(crate) project: Option<ProjectFacts>,
    pub(crate) set_aside: Vec<SetAside>,
}

impl World {
    /// Returns a wish to book, at midnight.
    pub(crate) fn wanting(slot: Slot) -> Self {
        Self {
            now: at(0),
            zone: Tz::Asia__Shanghai,
            bookable: true,
            permitted: true,
            action: Action::Book,
            slot,
            class: CallerClass::Internal,
            own: Vec::new(),
            holds: Vec::new(),
            qualifications: Vec::new(),
            points: Vec::new(),
            ledger: Ledger::default(),
            freed: Vec::new(),
            project: None,
            set_aside: Vec::new(),
        }
    }

    pub(crate) fn facts(&self) -> BookingFacts<'_> {
        BookingFacts {
            now: self.now,
            zone: self.zone,
            bookable: self.bookable,
            permitted: self.permitted,
            action: self.action,
            slot: self.slot,
            class: self.class,
            subjects: SUBJECTS,
            own: &self.own,
            holds: &self.holds,
            qualifications: &self.qualifications,
            points: &self.points,
            usage: Usage {
                ledger: Some(&self.ledger),
                freed: &self.freed,
            },
            project: self.project,
            set_aside: &self.set_aside,
        }
    }

    pub(crate) fn refusals(&self, policy: &Policy) -> Vec<Refusal> {
        match judge(policy, &self.facts()) {
            Decision::Accept(_) => Vec::new(),
            Decision::Refuse(refusals) => refusals,
        }
    }

    pub(crate) fn refused_by(&self, policy: &Policy) -> Vec<RuleId> {
        let refusals = self.refusals(policy);
        refusals.iter().map(|refusal| refusal.rule).collect()
    }

    pub(crate) fn refusal(&self, policy: &Policy, rule: RuleId) -> Refusal {
        let mut refusals = self.refusals(policy).into_iter();
        refusals.find(|refusal| refusal.rule == rule).unwrap()
    }
}
