//! Questions in a group, and what is asked of those who book an instrument.

use std::sync::Arc;

use scheduler::id::InstrumentId;

use super::answers::{Fault, check_together, not_asked, share_of};
use super::group::Group;
use super::ledger::Ledger;
use super::record::{Details, EventKind, Question, QuestionSet};
use crate::registry::{Directory, Instrument, Scope};

/// Sets the questions of a node or an instrument, in place of those that are set there. The caller
/// has checked them ([`check_questions`](super::answers::check_questions)).
#[derive(Debug, Clone)]
pub struct SetQuestions {
    /// Where.
    pub scope: Scope,
    /// The questions, in order; none: nothing is asked.
    pub questions: Vec<Question>,
    /// Only if they still have this version; 0: only if none were ever set.
    pub expected_version: Option<i64>,
}

/// What became of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum QuestionsOutcome {
    /// They are set.
    Set(Arc<QuestionSet>),
    /// They have another version by now.
    Stale,
    /// There is no such node or instrument.
    NotFound,
}

impl Group<'_> {
    pub(super) fn set_questions(&mut self, asked: &SetQuestions) -> QuestionsOutcome {
        let exists = match asked.scope {
            Scope::Node(node) => self.directory.nodes.contains_key(&node),
            Scope::Instrument(id) => self.directory.instruments.contains_key(&id),
        };
        if !exists {
            return QuestionsOutcome::NotFound;
        }
        let held = self.writes.ledger.questions_at(asked.scope).cloned();
        let version = held.as_ref().map_or(0, |set| set.version);
        if asked
            .expected_version
            .is_some_and(|expected| expected != version)
        {
            return QuestionsOutcome::Stale;
        }
        let ledger = &mut self.writes.ledger;
        let set = Arc::new(QuestionSet {
            id: held.map_or_else(|| ledger.questions.next_id(), |held| held.id),
            scope: asked.scope,
            version: version + 1,
            questions: asked.questions.clone(),
        });
        ledger.put_questions(Arc::clone(&set));
        let instrument = match asked.scope {
            Scope::Node(_) => None,
            Scope::Instrument(id) => Some(id),
        };
        self.note(EventKind::Registry, instrument, None);
        QuestionsOutcome::Set(set)
    }

    /// Returns every answer that none of some instruments asks for.
    pub(super) fn not_asked(&self, instruments: &[InstrumentId], details: &Details) -> Vec<Fault> {
        let sets = self.asked_by(instruments);
        not_asked(&sets, details).collect()
    }

    fn asked_by(&self, instruments: &[InstrumentId]) -> Vec<Vec<Question>> {
        let asked = |id: &InstrumentId| {
            let instrument = self.directory.instruments.get(id);
            instrument.map_or_else(Vec::new, |instrument| {
                questions_for(self.directory, &self.writes.ledger, instrument)
            })
        };
        instruments.iter().map(asked).collect()
    }

    /// Returns what each of some instruments gets of the details of a wish for them. A trial wants
    /// to know what stands against the wish before everything is answered: it is not refused.
    ///
    /// # Errors
    /// Returns every answer that is missing, not asked for, or of another kind.
    pub(super) fn answered(
        &self,
        instruments: &[InstrumentId],
        details: &Details,
    ) -> Result<Vec<Details>, Vec<Fault>> {
        let sets = self.asked_by(instruments);
        if !self.is_trial {
            check_together(&sets, details)?;
        }
        Ok(sets.iter().map(|set| share_of(set, details)).collect())
    }

    /// Returns what one of the instruments of a wish gets of what was said with the wish.
    ///
    /// # Errors
    /// Returns every answer that is missing or of another kind.
    pub(super) fn answered_of(
        &self,
        instrument: InstrumentId,
        details: &Details,
    ) -> Result<Details, Vec<Fault>> {
        let sets = self.asked_by(&[instrument]);
        let share = share_of(sets.first().map_or(&[], Vec::as_slice), details);
        check_together(&sets, &share)?;
        Ok(share)
    }
}

/// Returns what is asked of those who book an instrument: the questions of the region first, its
/// own last. Where two places ask under one name, the one higher up stands, so that nothing below
/// can make it optional.
#[must_use]
pub fn questions_for(
    directory: &Directory,
    ledger: &Ledger,
    instrument: &Instrument,
) -> Vec<Question> {
    let mut scopes = directory.scopes_to(instrument.lab);
    scopes.push(Scope::Instrument(instrument.id));
    questions_of(ledger, &scopes)
}

/// Returns the questions of some places in their order, the first of each name.
#[must_use]
pub fn questions_of(ledger: &Ledger, scopes: &[Scope]) -> Vec<Question> {
    let mut asked: Vec<Question> = Vec::new();
    for set in scopes
        .iter()
        .filter_map(|scope| ledger.questions_at(*scope))
    {
        for question in &set.questions {
            if !asked.iter().any(|held| held.name == question.name) {
                asked.push(question.clone());
            }
        }
    }
    asked
}
