//! What rules look at beside the instrument: gathered for one member and one wish.

use scheduler::class::CallerClass;
use scheduler::facts::{PointsCharged, ProjectFacts, SetAside};
use scheduler::id::{InstrumentId, MemberId, ProjectId};
use scheduler::policy::Policy;
use scheduler::qualification::{Granted, QualificationName};
use scheduler::quota::{Charge, Ledger as UsageLedger, Subjects, Usage};
use scheduler::slot::Slot;
use scheduler::time::{Micros, Span};

use super::judge::Asking;
use super::ledger::Ledger;
use super::record::{Booking, Penalty, Project, Qualification};
use crate::registry::{Directory, Instrument, Right};

/// A wish, as far as the rules go.
#[derive(Debug, Clone, Copy)]
pub struct Asked<'a> {
    /// What.
    pub instrument: InstrumentId,
    /// For whom.
    pub member: MemberId,
    /// When.
    pub slot: Slot,
    /// For which project.
    pub project: Option<ProjectId>,
    /// The booking that is being changed.
    pub held: Option<&'a Booking>,
    /// Rules that somebody with the right sets aside.
    pub set_aside: &'a [SetAside],
}

/// Everything known of the member, owned, so that [`Asking`] can look at it.
#[derive(Debug, Clone)]
pub struct Gathered {
    permitted: bool,
    class: CallerClass,
    subjects: Subjects,
    holds: Vec<Micros>,
    qualifications: Vec<Granted>,
    points: Vec<PointsCharged>,
    freed: Vec<Charge>,
    project: Option<ProjectFacts>,
    set_aside: Vec<SetAside>,
}

impl Gathered {
    /// Gathers what is known of the member of a wish.
    #[must_use]
    pub fn of(
        directory: &Directory,
        ledger: &Ledger,
        (instrument, policy): (&Instrument, &Policy),
        asked: &Asked<'_>,
    ) -> Self {
        let Asked {
            member,
            project,
            held,
            set_aside,
            ..
        } = *asked;
        let subjects = Subjects {
            project,
            ..directory.subjects_of(member)
        };
        let class = directory.class_of(member, instrument);
        let freed = held.map_or(Vec::new(), |held| {
            ledger.charges_of(directory, (instrument, policy), held)
        });
        Self {
            permitted: directory.may_somewhere(member, Right::Book),
            class,
            subjects,
            holds: holds_of(ledger, member),
            qualifications: qualifications_of(ledger, member),
            points: points_of(ledger, member),
            freed,
            project: project.map(|id| project_facts(ledger, id, member, subjects, held)),
            set_aside: set_aside.to_vec(),
        }
    }

    /// Returns it as the judgement looks at it.
    #[must_use]
    pub fn asking<'a>(&'a self, usage: &'a UsageLedger) -> Asking<'a> {
        Asking {
            permitted: self.permitted,
            class: self.class,
            subjects: self.subjects,
            holds: &self.holds,
            qualifications: &self.qualifications,
            points: &self.points,
            usage: Usage {
                ledger: Some(usage),
                freed: &self.freed,
            },
            project: self.project,
            set_aside: &self.set_aside,
        }
    }
}

/// When each hold of a member's forms ends; what undoes a cancellation is no form.
fn holds_of(ledger: &Ledger, member: MemberId) -> Vec<Micros> {
    let holds = ledger.holds.iter();
    let mine = holds.filter(|hold| hold.member == member && hold.undoes.is_none());
    mine.map(|hold| hold.expires_at).collect()
}

fn qualifications_of(ledger: &Ledger, member: MemberId) -> Vec<Granted> {
    let held = ledger.qualifications.iter();
    let mine = held.filter(|held| held.member == member);
    mine.filter_map(|held| granted(held)).collect()
}

/// Returns a qualification as rules look at it.
pub(super) fn granted(held: &Qualification) -> Option<Granted> {
    Some(Granted {
        name: QualificationName::parse(&held.name)?,
        since: held.granted_at,
        expires: held.expires_at,
        last_use: held.last_use_at,
    })
}

fn points_of(ledger: &Ledger, member: MemberId) -> Vec<PointsCharged> {
    let given = ledger.penalties.iter();
    let mine = given.filter(|given| given.member == member && !given.lifted);
    mine.map(|given| charged(given)).collect()
}

/// Returns a penalty as rules look at it.
pub(super) fn charged(given: &Penalty) -> PointsCharged {
    PointsCharged {
        at: given.at,
        points: given.points,
    }
}

/// A project that is not there is closed to everybody.
fn project_facts(
    ledger: &Ledger,
    id: ProjectId,
    member: MemberId,
    subjects: Subjects,
    held: Option<&Booking>,
) -> ProjectFacts {
    let Some(project) = ledger.projects.get(id.get()) else {
        return ProjectFacts {
            closed: true,
            runs: None,
            is_member: true,
            budget: None,
            used: Span::default(),
        };
    };
    let charged = held.filter(|held| held.charged_to() == Some(id));
    let charged = charged.and_then(Booking::counted);
    let charged = charged.map_or(Span::default(), Slot::len);
    ProjectFacts {
        closed: project.closed,
        runs: runs_of(project),
        is_member: if project.members.is_empty() {
            subjects.institution == Some(project.institution)
        } else {
            project.members.contains(&member)
        },
        budget: project
            .budget_minutes
            .map(|minutes| Span::minutes(u32::try_from(minutes).unwrap_or(u32::MAX))),
        used: ledger.project_use.used(id).saturating_sub(charged),
    }
}

fn runs_of(project: &Project) -> Option<Slot> {
    let (from, until) = (project.from, project.until);
    let first = from.unwrap_or(Micros::new(i64::MIN));
    Slot::new(first, until.unwrap_or(Micros::new(i64::MAX)))
        .filter(|_| from.is_some() || until.is_some())
}
