//! Everything the desk knows beside bookings, claims and the registry: one value that a group
//! copies, changes, and that replaces the old one after the commit.
//!
//! Copies share what they have in common, so a copy costs nothing and dropping it undoes a group.

use std::sync::Arc;

use arc_swap::ArcSwap;
use scheduler::id::{BookingId, HoldId, InstrumentId, ProblemId};
use scheduler::policy::{Policy, RuleKind};
use scheduler::quota::{Charge, Ledger as UsageLedger, Subjects, charges};
use scheduler::time::Micros;
use sqlx::{Any, Transaction};

use super::agenda::{Agenda, Due};
use super::command::Book;
use super::finding::Finding;
use super::project_use::ProjectUse;
use super::record::{
    Attachment, Booking, Correction, Hearing, Hold, MachineFault, Notice, Offer, Override, Penalty,
    Problem, Project, Qualification, QuestionSet, Rerun, Run, RunState, Series, Wait,
};
use super::run_places::RunPlaces;
use crate::registry::{Directory, Instrument};
use crate::store::{Records, StoreError};

type Tx = Transaction<'static, Any>;

/// The ledger as committed; the desk stores, everybody loads.
pub type SharedLedger = Arc<ArcSwap<Ledger>>;

macro_rules! ledger {
    ($($(#[$doc:meta])* $kind:ident: $record:ty,)*) => {
        /// All records.
        #[derive(Debug, Clone, Default)]
        pub struct Ledger {
            $($(#[$doc])* pub $kind: Records<$record>,)*
            /// What has to be decided when.
            pub agenda: Agenda,
            /// What bookings use of quotas.
            pub usage: UsageLedger,
            /// What each project's bookings take.
            pub project_use: ProjectUse,
            /// Problems that are not closed, by instrument.
            open_problems: imbl::OrdSet<(InstrumentId, ProblemId)>,
            /// The last change of machine state that was followed.
            pub machine_cursor: Cursor,
            /// Where each instrument's runs are.
            pub(super) run_places: RunPlaces,
            /// Where wishes, offers, notices and questions are.
            pub(super) finding: Finding,
        }

        impl Ledger {
            /// Returns true if something waits to be written.
            #[must_use]
            pub fn is_changed(&self) -> bool {
                self.machine_cursor.is_moved $(|| self.$kind.is_changed())*
            }

            /// Writes what was changed.
            ///
            /// # Errors
            /// Returns [`StoreError::Failed`].
            pub async fn write(&self, tx: &mut Tx) -> Result<(), StoreError> {
                $(self.$kind.write(tx).await?;)*
                self.machine_cursor.write(tx).await
            }

            /// Takes what was changed as committed.
            pub fn settle(&mut self) {
                $(self.$kind.settle();)*
                self.machine_cursor.is_moved = false;
                for old in self.run_places.take_passing() {
                    self.forget_run(old);
                }
            }

            /// Reads all records that are held in memory.
            ///
            /// # Errors
            /// Returns [`StoreError`] when a query fails or a row is impossible.
            pub async fn load(tx: &mut Tx, now: Micros) -> Result<Self, StoreError> {
                let mut ledger = Self {
                    $($kind: Records::load(tx, now).await?,)*
                    agenda: Agenda::default(),
                    usage: UsageLedger::default(),
                    project_use: ProjectUse::default(),
                    open_problems: imbl::OrdSet::new(),
                    machine_cursor: Cursor::load(tx).await?,
                    run_places: RunPlaces::default(),
                    finding: Finding::default(),
                };
                ledger.find_all();
                for run in ledger.runs.iter() {
                    ledger.run_places.add(run);
                }
                let holds: Vec<_> = ledger.holds.iter().cloned().collect();
                for hold in holds {
                    ledger.agenda.plan(Due::Hold(hold.id), None, Some(hold.expires_at));
                }
                let offers: Vec<_> = ledger.offers.iter().cloned().collect();
                for offer in offers {
                    ledger.agenda.plan(Due::Offer(offer.id), None, offer.due_at());
                }
                let open = ledger.problems.iter().filter(|held| held.closed_at.is_none());
                ledger.open_problems = open.map(|held| (held.instrument, held.id)).collect();
                let waits: Vec<_> = ledger.waits.iter().cloned().collect();
                for wait in waits {
                    ledger.agenda.plan(Due::Wait(wait.id), None, wait.due_at());
                }
                Ok(ledger)
            }
        }
    };
}

ledger! {
    /// Slots kept for some minutes.
    holds: Hold,
    /// The waitlist.
    waits: Wait,
    /// Slots offered to those who wait; written after the wishes they belong to.
    offers: Offer,
    /// Recurring bookings.
    series: Series,
    /// Projects.
    projects: Project,
    /// Who has learned to work with what.
    qualifications: Qualification,
    /// What is asked at booking.
    questions: QuestionSet,
    /// Problems reported.
    problems: Problem,
    /// Photos; never in memory.
    attachments: Attachment,
    /// Points.
    penalties: Penalty,
    /// What people are told.
    notices: Notice,
    /// Use of the last days, and what is not settled.
    runs: Run,
    /// Rules set aside; never in memory.
    overrides: Override,
    /// Corrections; never in memory.
    corrections: Correction,
    /// Up to when each instrument's runs are settled.
    hearings: Hearing,
    /// Faults that machines report; written after the outages they led to.
    machine_faults: MachineFault,
    /// State rules run again.
    reruns: Rerun,
}

impl Ledger {
    /// Adds a hold or replaces it.
    pub fn put_hold(&mut self, hold: Hold) {
        let before = self.holds.get(hold.id.get()).map(|held| held.expires_at);
        let due = Due::Hold(hold.id);
        self.agenda.plan(due, before, Some(hold.expires_at));
        self.holds.put(Arc::new(hold));
    }

    /// Takes a hold away.
    pub fn remove_hold(&mut self, id: HoldId) -> Option<Arc<Hold>> {
        let hold = self.holds.remove(id.get())?;
        self.agenda.plan(Due::Hold(id), Some(hold.expires_at), None);
        Some(hold)
    }

    /// Adds a problem or replaces it.
    pub fn put_problem(&mut self, problem: Arc<Problem>) {
        let place = (problem.instrument, problem.id);
        if problem.closed_at.is_none() {
            self.open_problems.insert(place);
        } else {
            self.open_problems.remove(&place);
        }
        self.problems.put(problem);
    }

    /// Returns an instrument's problems that are not closed, the oldest first.
    pub fn open_problems_of(
        &self,
        instrument: InstrumentId,
    ) -> impl Iterator<Item = &Arc<Problem>> {
        let (first, last) = (ProblemId::new(i64::MIN), ProblemId::new(i64::MAX));
        let ids = self
            .open_problems
            .range((instrument, first)..=(instrument, last));
        ids.filter_map(|(_, id)| self.problems.get(id.get()))
    }

    /// Adds an offer or replaces it.
    pub fn put_offer(&mut self, offer: Offer) {
        let before = self.offers.get(offer.id.get());
        let before = before.and_then(|held| held.due_at());
        let due = Due::Offer(offer.id);
        self.agenda.plan(due, before, offer.due_at());
        self.finding.add_offer(&offer);
        self.offers.put(Arc::new(offer));
    }

    /// Adds a wish to the waitlist or replaces it.
    pub fn put_wait(&mut self, wait: Arc<Wait>) {
        let before = self.waits.get(wait.id.get());
        let before = before.and_then(|held| held.due_at());
        self.agenda.plan(Due::Wait(wait.id), before, wait.due_at());
        self.finding.add_wait(&wait);
        self.waits.put(wait);
    }

    /// Returns what can bring a cancelled booking back, if it still can at a moment.
    #[must_use]
    pub fn undo_of(&self, booking: BookingId, now: Micros) -> Option<&Arc<Hold>> {
        let mut holds = self.holds.iter();
        holds.find(|hold| hold.undoes == Some(booking) && hold.expires_at > now)
    }
}

impl Ledger {
    /// Returns whether something about an instrument still waits for somebody: a run to be settled, a
    /// problem to be closed, a slot that is kept, a wish
    /// for nothing else.
    #[must_use]
    pub fn has_open(&self, instrument: InstrumentId, now: Micros) -> bool {
        let is_open = |run: &Run| matches!(run.state, RunState::Open | RunState::Unsettled);
        let mut runs = self.runs.iter();
        let mut holds = self.holds.iter();
        let mut waits = self.waiting_at(instrument);
        runs.any(|run| run.instrument == instrument && is_open(run))
            || holds.any(|hold| {
                hold.instrument == instrument && hold.undoes.is_none() && hold.expires_at > now
            })
            || waits.any(|wait| {
                wait.instruments.len() == 1 && wait.due_at().is_some_and(|due| due > now)
            })
            || self.open_problems_of(instrument).next().is_some()
    }

    /// Returns the hold whose place a wish takes: of whoever filled in the form. One that has ended
    /// keeps nothing.
    #[must_use]
    pub fn hold_for(&self, book: &Book) -> Option<&Arc<Hold>> {
        let hold = self.holds.get(book.hold?.get())?;
        let is_theirs = hold.member == book.member || Some(hold.member) == book.made_by;
        let is_for_it = hold.instrument == book.instrument && hold.undoes.is_none();
        (is_theirs && is_for_it).then_some(hold)
    }

    /// Returns what a booking charges of quotas, by the rules as they are.
    #[must_use]
    pub fn charges_of(
        &self,
        directory: &Directory,
        (instrument, policy): (&Instrument, &Policy),
        booking: &Booking,
    ) -> Vec<Charge> {
        let Some(slot) = booking.counted() else {
            return Vec::new();
        };
        let class = directory.class_of(booking.member, instrument);
        let subjects = Subjects {
            project: booking.charged_to(),
            ..directory.subjects_of(booking.member)
        };
        charges(policy, class, subjects, instrument.zone, slot)
    }

    /// Follows a booking from what it was to what it is: what is due about it, and what it uses.
    pub fn account(
        &mut self,
        directory: &Directory,
        place: (&Instrument, &Policy),
        (before, after): (Option<&Booking>, &Booking),
    ) {
        self.agenda.follow(before, after);
        self.project_use.follow(before, after);
        if let Some(before) = before {
            self.sum(directory, place, before, false);
        }
        self.sum(directory, place, after, true);
    }

    /// Adds what a booking uses when it comes, removes the very same when it goes.
    pub fn sum(
        &mut self,
        directory: &Directory,
        (instrument, policy): (&Instrument, &Policy),
        booking: &Booking,
        comes: bool,
    ) {
        let mut rules = policy.rules().iter();
        if rules.any(|rule| rule.body.kind() == RuleKind::Quota) {
            let charges = self.charges_of(directory, (instrument, policy), booking);
            if comes {
                self.usage.add(&charges);
            } else {
                self.usage.remove(&charges);
            }
        }
    }
}

/// How far the telemetry file's changes of machine state were followed.
#[derive(Debug, Clone, Copy, Default)]
pub struct Cursor {
    /// The number of the last one.
    at: i64,
    is_moved: bool,
}

impl Cursor {
    /// Returns the number of the last change that was followed; 0 before the first.
    #[must_use]
    pub fn at(self) -> i64 {
        self.at
    }

    /// Moves on.
    pub fn move_to(&mut self, at: i64) {
        self.is_moved |= at != self.at;
        self.at = at;
    }

    async fn write(self, tx: &mut Tx) -> Result<(), StoreError> {
        if !self.is_moved {
            return Ok(());
        }
        let query = sqlx::query(
            "INSERT INTO cursors (name, position) VALUES ('machine', $1) \
             ON CONFLICT (name) DO UPDATE SET position = excluded.position",
        );
        let written = query.bind(self.at).execute(&mut **tx).await;
        written.map_err(StoreError::at("moving a cursor"))?;
        Ok(())
    }

    async fn load(tx: &mut Tx) -> Result<Self, StoreError> {
        let query = "SELECT position FROM cursors WHERE name = 'machine'";
        let found = sqlx::query_scalar::<_, i64>(query)
            .fetch_optional(&mut **tx)
            .await;
        let at = found.map_err(StoreError::at("loading a cursor"))?;
        Ok(Self {
            at: at.unwrap_or(0),
            is_moved: false,
        })
    }
}
