//! Runs and people: settling what is nobody's, correcting, and use entered by hand.
//!
//! A run that still goes on, or that later readings may change, is not settled. Every change keeps
//! both values, who made it and why.

use std::sync::Arc;

use scheduler::booking::Status;
use scheduler::id::{BookingId, InstrumentId, MemberId, ProjectId, RunId};
use scheduler::refusal::RuleId;
use scheduler::slot::Slot;
use scheduler::time::{Micros, Span};
use serde_json::json;

use super::asking::Asked;
use super::command::Refused;
use super::group::Group;
use super::judge::judge_briefly;
use super::notices::About;
use super::presence::LEAD;
use super::record::{
    Booking, Corrected, Correction, EventKind, Evidence, NoticeKind, Run, RunKind, RunState,
};
use crate::registry::Instrument;

/// How long after a booking a run may begin that is still its member's.
const OVERRUN: Span = Span::minutes(60);

/// What is to become of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RunChange {
    /// It is a booking's.
    OfBooking(BookingId),
    /// It is a member's, without a booking.
    OfMember(MemberId),
    /// It is as it says.
    Accept,
    /// It does not count.
    Reject,
    /// It stays whose it is.
    Keep,
}

/// Settles or corrects a run.
#[derive(Debug, Clone)]
pub struct CorrectRun {
    /// The run as the caller saw it; what the desk holds in memory stands before it.
    pub run: Arc<Run>,
    /// Only if it still has this version.
    pub expected_version: Option<i64>,
    /// Whose it is.
    pub change: RunChange,
    /// Another end.
    pub end: Option<Micros>,
    /// Why; at most 500 characters.
    pub note: String,
    /// Who says so.
    pub by: MemberId,
}

/// What became of it.
#[derive(Debug, Clone)]
pub enum RunOutcome {
    /// It is committed.
    Done(Arc<Run>),
    /// It has another version by now.
    Stale,
    /// It still goes on, or later readings may change it.
    Open,
    /// Nobody knows whose it is: it cannot be accepted.
    Nobodys,
    /// The new end is not after the start, or after now.
    BadEnd,
    /// There is no such booking on this instrument, or it cannot have been used then.
    NoBooking,
    /// There is no such member.
    NoMember,
    /// Other use in that time counts already.
    Known,
}

/// Use that nothing but somebody's word shows.
#[derive(Debug, Clone)]
pub struct Declare {
    /// Of what.
    pub instrument: InstrumentId,
    /// Whose.
    pub member: MemberId,
    /// When; over already.
    pub slot: Slot,
    /// What for.
    pub project: Option<ProjectId>,
    /// Words on it; at most 500 characters.
    pub note: String,
}

/// What became of it.
#[derive(Debug, Clone)]
pub enum DeclareOutcome {
    /// It is committed and waits for the lab's decision.
    Declared(Arc<Run>),
    /// It is not over yet.
    NotOver,
    /// Use in that time counts already, or was declared by the same member.
    Known,
    /// Rules say that the member does not book the instrument.
    Refused(Refused),
    /// There is no such project, the member does not work on it, or it is closed or did not run then.
    Project,
    /// There is no such instrument.
    NotFound,
}

impl Group<'_> {
    /// Changes a run by a person's word.
    pub(super) fn correct_run(&mut self, asked: &CorrectRun) -> RunOutcome {
        let id = asked.run.id;
        let held = self.writes.ledger.runs.get(id.get());
        let held = Arc::clone(held.unwrap_or(&asked.run));
        if asked
            .expected_version
            .is_some_and(|version| version != held.version)
            || asked.run.version != held.version
        {
            return RunOutcome::Stale;
        }
        if held.state == RunState::Open {
            return RunOutcome::Open;
        }
        let mut changed = Run::clone(&held);
        if let Some(end) = asked.end {
            if end <= held.start || end > self.now {
                return RunOutcome::BadEnd;
            }
            changed.end = Some(end);
            changed.running_us = changed.running_us.min(end - held.start);
        }
        let used = match self.attribute_to(asked.change, &mut changed) {
            Ok(used) => used,
            Err(outcome) => return outcome,
        };
        if held.kind == RunKind::Declared && changed.state == RunState::Settled {
            let slot = Slot::new(changed.start, changed.end.unwrap_or(self.now));
            if slot.is_some_and(|slot| self.is_use_known((held.instrument, slot), Some(id), None)) {
                return RunOutcome::Known;
            }
        }
        if let Some(booking) = used {
            let why = (Some(asked.by), asked.note.as_str());
            let began_at = booking.slot.start().saturating_sub(LEAD).max(changed.start);
            self.clear_no_show(&booking, began_at, why);
        }
        changed.settled_by = Some(asked.by);
        changed.note.clone_from(&asked.note);
        changed.version = held.version + 1;
        self.note_correction(&held, &changed, asked);
        self.writes.ledger.put_run(changed.clone());
        let (instrument, subject) = (Some(held.instrument), Some(id.get()));
        self.note(EventKind::Run, instrument, subject);
        RunOutcome::Done(Arc::new(changed))
    }

    /// Makes a run whose it is to be, and returns the no-show whose booking was used after all.
    fn attribute_to(
        &self,
        change: RunChange,
        run: &mut Run,
    ) -> Result<Option<Arc<Booking>>, RunOutcome> {
        run.state = RunState::Settled;
        match change {
            RunChange::OfBooking(id) => {
                let booking = self.booking(id);
                let booking = booking.filter(|booking| self.may_be_of(booking, run));
                let booking = booking.ok_or(RunOutcome::NoBooking)?;
                run.booking = Some(id);
                run.member = Some(booking.member);
                run.institution = self.institution_of(booking.member);
                if run.kind == RunKind::Unbooked {
                    run.kind = RunKind::Booked;
                }
                let was_used = run.start < booking.slot.end();
                let is_cleared = booking.status == Status::NoShow && was_used;
                return Ok(Some(booking).filter(|_| is_cleared));
            }
            RunChange::OfMember(member) => {
                if !self.directory.members.contains_key(&member) {
                    return Err(RunOutcome::NoMember);
                }
                run.booking = None;
                run.member = Some(member);
                run.institution = self.institution_of(member);
                if run.kind != RunKind::Declared {
                    run.kind = RunKind::Unbooked;
                }
            }
            RunChange::Accept | RunChange::Keep if run.member.is_none() => {
                return Err(RunOutcome::Nobodys);
            }
            RunChange::Accept | RunChange::Keep => {}
            RunChange::Reject => run.state = RunState::Rejected,
        }
        Ok(None)
    }

    /// Returns whether a run may have been a booking's: on its instrument, about its time, and of
    /// one that can have been used.
    fn may_be_of(&self, booking: &Booking, run: &Run) -> bool {
        let from = booking.slot.start().saturating_sub(LEAD);
        let until = booking.slot.end().saturating_add(OVERRUN);
        booking.instrument == run.instrument
            && booking.status.is_booked()
            && run.start < until
            && from < run.end.unwrap_or(self.now)
    }

    /// Returns whether other use than a run, of memory or of the past, counts in a time of an
    /// instrument, or has been declared by a member and may come to count. What others have only
    /// declared stands in nobody's way: else a word would keep the truth out.
    fn is_use_known(
        &self,
        (instrument, slot): (InstrumentId, Slot),
        but: Option<RunId>,
        member: Option<MemberId>,
    ) -> bool {
        let is_alone = |found: &Instrument| found.capacity == 1;
        // Beside others there may be room for one more; alone nobody used it twice.
        if !self
            .directory
            .instruments
            .get(&instrument)
            .is_some_and(is_alone)
        {
            return false;
        }
        let ledger = &self.writes.ledger;
        let held = ledger.runs_of(instrument, Micros::new(i64::MIN));
        let past = self.past_use.iter();
        // What the group has changed stands before what was read for it.
        let past = past.filter(|run| ledger.runs.get(run.id.get()).is_none());
        let mut counts = held.chain(past).filter(|run| {
            run.instrument == instrument
                && Some(run.id) != but
                && match run.state {
                    RunState::Counted | RunState::Settled => true,
                    RunState::Unsettled => {
                        run.kind == RunKind::Declared && member.is_some() && run.member == member
                    }
                    RunState::Open | RunState::Rejected => false,
                }
        });
        counts.any(|run| {
            let end = run.end.unwrap_or(self.now);
            run.start < slot.end() && slot.start() < end
        })
    }

    fn note_correction(&mut self, before: &Run, after: &Run, asked: &CorrectRun) {
        let corrections = &mut self.writes.ledger.corrections;
        let correction = Correction {
            id: corrections.next_id(),
            subject: Corrected::Run,
            subject_id: before.id.get(),
            by: Some(asked.by),
            at: self.now,
            reason: asked.note.clone(),
            before: told(before),
            after: told(after),
        };
        corrections.put(Arc::new(correction));
    }

    /// Judges whether a member may have used an instrument, for a project, as far as that does not
    /// change from day to day.
    fn may_declare(&mut self, asked: &Declare) -> Result<(), DeclareOutcome> {
        let wish = Asked {
            instrument: asked.instrument,
            member: asked.member,
            slot: asked.slot,
            project: asked.project,
            held: None,
            set_aside: &[],
        };
        let judged = self.judged_by(&wish, judge_briefly);
        let judged = judged.ok_or(DeclareOutcome::NotFound)?;
        let mut refusals = judged.outcome.err().unwrap_or_default().refusals;
        let of_project = [RuleId::ProjectClosed, RuleId::ProjectMember];
        if refusals.iter().any(|why| of_project.contains(&why.rule)) {
            return Err(DeclareOutcome::Project);
        }
        refusals.retain(|why| why.rule == RuleId::WhoMayBook);
        if refusals.is_empty() {
            return Ok(());
        }
        Err(DeclareOutcome::Refused(Refused {
            refusals,
            ..Refused::default()
        }))
    }

    /// Takes somebody's word for use that is over. It counts once the lab has accepted it.
    pub(super) fn declare(&mut self, asked: &Declare) -> DeclareOutcome {
        if asked.slot.end() > self.now {
            return DeclareOutcome::NotOver;
        }
        let Some(instrument) = self.directory.instruments.get(&asked.instrument) else {
            return DeclareOutcome::NotFound;
        };
        if let Err(outcome) = self.may_declare(asked) {
            return outcome;
        }
        let place = (asked.instrument, asked.slot);
        if self.is_use_known(place, None, Some(asked.member)) {
            return DeclareOutcome::Known;
        }
        let run = Run {
            id: RunId::new(self.writes.ledger.runs.next_id()),
            instrument: asked.instrument,
            booking: None,
            member: Some(asked.member),
            start: asked.slot.start(),
            end: Some(asked.slot.end()),
            running_us: 0,
            kind: RunKind::Declared,
            evidence: Evidence::Declared,
            uncertain: false,
            state: RunState::Unsettled,
            lab: instrument.lab,
            institution: self.institution_of(asked.member),
            project: asked.project,
            settled_by: None,
            note: asked.note.clone(),
            version: 1,
        };
        self.writes.ledger.put_run(run.clone());
        let (id, subject) = (asked.instrument, Some(run.id.get()));
        self.note(EventKind::Run, Some(id), subject);
        let about = About {
            kind: NoticeKind::DeclaredUse,
            instrument: id,
            booking: None,
            slot: Some(asked.slot),
            words: asked.note.clone(),
        };
        self.tell_lab(instrument.lab, &about);
        DeclareOutcome::Declared(Arc::new(run))
    }
}

/// What of a run a correction may change.
pub(super) fn told(run: &Run) -> serde_json::Value {
    json!({
        "booking": run.booking.map(BookingId::get),
        "member": run.member.map(MemberId::get),
        "start_us": run.start.get(),
        "end_us": run.end.map(Micros::get),
        "kind": run.kind.as_str(),
        "state": run.state.as_str(),
    })
}
