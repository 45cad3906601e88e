//! Problems in a group: reported by anybody, answered with an outage, closed with their cause.

use std::sync::Arc;

use scheduler::id::{InstrumentId, MemberId, ProblemId};
use scheduler::slot::Slot;
use scheduler::time::{HOUR_US, Micros, Span};

use super::group::Group;
use super::notices::About;
use super::outage_command::{EndOutage, OpenOutage, OutageOutcome};
use super::record::{Attachment, Cause, EventKind, NoticeKind, OutageKind, Problem};

/// Open problems of one instrument. More tell nothing new.
const OPEN_MAX: usize = 20;

/// Reports of one member in [`REPORTS_WITHIN`].
const REPORTS_MAX: usize = 5;

/// The time in which reports are counted.
const REPORTS_WITHIN: i64 = HOUR_US;

/// How long an instrument is out for a problem when nobody says.
const STOP: Span = Span::days(7);

/// Characters of an outage's reason and of a notice's words.
const WORDS_MAX: usize = 500;

/// A photo as it was sent, its kind known from its bytes.
#[derive(Debug, PartialEq, Eq)]
pub struct Photo {
    /// `image/jpeg`, `image/png` or `image/webp`.
    pub media_type: &'static str,
    /// The bytes; at most 5 MiB.
    pub bytes: Vec<u8>,
}

/// Reports a problem.
#[derive(Debug, Clone)]
pub struct Report {
    /// Of what.
    pub instrument: InstrumentId,
    /// By whom.
    pub reporter: MemberId,
    /// What is wrong; 1 to 2000 characters.
    pub text: String,
    /// What it looks like.
    pub photo: Option<Arc<Photo>>,
}

/// What became of a report.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ReportOutcome {
    /// It is kept, and the lab is told.
    Reported(Arc<Problem>),
    /// As many problems of this instrument are open as may be.
    ManyOpen,
    /// The member has reported as often as one may in an hour; when the next one may come.
    TooOften(Micros),
    /// There is no such instrument.
    NotFound,
}

/// Closes a problem; an outage that it led to ends.
#[derive(Debug, Clone)]
pub struct CloseProblem {
    /// Which.
    pub problem: ProblemId,
    /// Only if it still has this version.
    pub expected_version: Option<i64>,
    /// Who closes it.
    pub by: MemberId,
    /// What it was.
    pub cause: Cause,
    /// What was done; at most 2000 characters.
    pub remedy: String,
}

/// Takes an instrument out of use for a problem.
#[derive(Debug, Clone)]
pub struct StopForProblem {
    /// Which.
    pub problem: ProblemId,
    /// Only if it still has this version.
    pub expected_version: Option<i64>,
    /// Who stops it.
    pub by: MemberId,
    /// Until when; a week when nobody says.
    pub until: Option<Micros>,
}

/// What became of a problem.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ProblemOutcome {
    /// It is closed, or its instrument is out.
    Done(Arc<Problem>),
    /// It has another version by now.
    Stale,
    /// It is closed already.
    Closed,
    /// Its instrument is out for it already.
    Stopped,
    /// The outage would end before it begins.
    Over,
    /// There is no such problem.
    NotFound,
}

impl Group<'_> {
    pub(super) fn report(&mut self, asked: &Report) -> ReportOutcome {
        let Some(instrument) = self.directory.instruments.get(&asked.instrument) else {
            return ReportOutcome::NotFound;
        };
        let (now, lab) = (self.now, instrument.lab);
        let ledger = &mut self.writes.ledger;
        if ledger.open_problems_of(asked.instrument).count() >= OPEN_MAX {
            return ReportOutcome::ManyOpen;
        }
        // The newest come first, so only those of the last hour are looked at.
        let recent: Vec<Micros> = ledger
            .problems
            .iter()
            .rev()
            .take_while(|held| now - held.created_at < REPORTS_WITHIN)
            .filter(|held| held.reporter == asked.reporter)
            .map(|held| held.created_at)
            .collect();
        if let Some(first) = recent.get(REPORTS_MAX - 1) {
            let hour = Span::new(REPORTS_WITHIN).unwrap_or_default();
            return ReportOutcome::TooOften(first.saturating_add(hour));
        }
        let photo = asked.photo.as_ref().map(|photo| {
            let id = ledger.attachments.next_id();
            ledger.attachments.put(Arc::new(Attachment {
                id,
                member: asked.reporter,
                instrument: asked.instrument,
                media_type: photo.media_type.to_owned(),
                bytes: photo.bytes.clone(),
                created_at: now,
            }));
            id
        });
        let problem = Arc::new(Problem {
            id: ProblemId::new(ledger.problems.next_id()),
            instrument: asked.instrument,
            reporter: asked.reporter,
            created_at: now,
            text: asked.text.clone(),
            photo,
            outage: None,
            cause: None,
            remedy: String::new(),
            closed_by: None,
            closed_at: None,
            version: 1,
        });
        ledger.put_problem(Arc::clone(&problem));
        self.note_problem(&problem);
        let about = about(NoticeKind::ProblemReported, &problem, &problem.text);
        self.tell_lab(lab, &about);
        ReportOutcome::Reported(problem)
    }

    pub(super) fn close_problem(&mut self, asked: &CloseProblem) -> ProblemOutcome {
        let held = match self.open_problem(asked.problem, asked.expected_version) {
            Ok(held) => held,
            Err(outcome) => return outcome,
        };
        if let Some(outage) = held.outage {
            // One that is over already needs no end.
            self.end_outage(&EndOutage { outage });
        }
        let closed = Arc::new(Problem {
            cause: Some(asked.cause),
            remedy: asked.remedy.clone(),
            closed_by: Some(asked.by),
            closed_at: Some(self.now),
            version: held.version + 1,
            ..Problem::clone(&held)
        });
        self.writes.ledger.put_problem(Arc::clone(&closed));
        self.note_problem(&closed);
        if closed.reporter != asked.by {
            let about = about(NoticeKind::ProblemClosed, &closed, &closed.remedy);
            self.tell_about(closed.reporter, about);
        }
        ProblemOutcome::Done(closed)
    }

    pub(super) fn stop_for_problem(&mut self, asked: &StopForProblem) -> ProblemOutcome {
        let held = match self.open_problem(asked.problem, asked.expected_version) {
            Ok(held) => held,
            Err(outcome) => return outcome,
        };
        let now = self.now;
        let is_out = held.outage.is_some_and(|outage| {
            let snapshot = self.held(held.instrument);
            snapshot.is_some_and(|snapshot| {
                snapshot
                    .outage(outage)
                    .is_some_and(|outage| outage.is_live(now))
            })
        });
        if is_out {
            return ProblemOutcome::Stopped;
        }
        let until = asked.until.unwrap_or(now.saturating_add(STOP));
        let Some(slot) = Slot::new(now, until) else {
            return ProblemOutcome::Over;
        };
        let open = OpenOutage {
            choices: Vec::new(),
            instrument: held.instrument,
            slot,
            kind: OutageKind::Fault,
            reason: shortened(&held.text),
            member: asked.by,
        };
        let outage = match self.open_outage_for(&open, Some(held.id)) {
            OutageOutcome::Done(outage, _) => outage.id,
            OutageOutcome::Over => return ProblemOutcome::Over,
            // Nothing was chosen for the bookings inside.
            OutageOutcome::NotFound | OutageOutcome::CannotChoose(..) => {
                return ProblemOutcome::NotFound;
            }
        };
        let stopped = Arc::new(Problem {
            outage: Some(outage),
            version: held.version + 1,
            ..Problem::clone(&held)
        });
        self.writes.ledger.put_problem(Arc::clone(&stopped));
        self.note_problem(&stopped);
        ProblemOutcome::Done(stopped)
    }

    fn open_problem(
        &self,
        id: ProblemId,
        expected: Option<i64>,
    ) -> Result<Arc<Problem>, ProblemOutcome> {
        let held = self.writes.ledger.problems.get(id.get());
        let held = held.ok_or(ProblemOutcome::NotFound)?;
        if expected.is_some_and(|version| version != held.version) {
            return Err(ProblemOutcome::Stale);
        }
        if held.closed_at.is_some() {
            return Err(ProblemOutcome::Closed);
        }
        Ok(Arc::clone(held))
    }

    fn note_problem(&mut self, problem: &Problem) {
        let (instrument, subject) = (Some(problem.instrument), Some(problem.id.get()));
        self.note(EventKind::Problem, instrument, subject);
    }
}

fn about(kind: NoticeKind, problem: &Problem, words: &str) -> About {
    About {
        kind,
        instrument: problem.instrument,
        booking: None,
        slot: None,
        words: shortened(words),
    }
}

fn shortened(text: &str) -> String {
    text.chars().take(WORDS_MAX).collect()
}
