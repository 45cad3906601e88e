//! Questions in a group, and what is asked of those who book an instrument.

use std::sync::Arc;

use super::group::Group;
use super::ledger::Ledger;
use super::record::{EventKind, Question, QuestionSet};
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
        let held = questions_at(&self.writes.ledger, asked.scope).cloned();
        let version = held.as_ref().map_or(0, |set| set.version);
        if asked
            .expected_version
            .is_some_and(|expected| expected != version)
        {
            return QuestionsOutcome::Stale;
        }
        let sets = &mut self.writes.ledger.questions;
        let set = Arc::new(QuestionSet {
            id: held.map_or_else(|| sets.next_id(), |held| held.id),
            scope: asked.scope,
            version: version + 1,
            questions: asked.questions.clone(),
        });
        sets.put(Arc::clone(&set));
        let instrument = match asked.scope {
            Scope::Node(_) => None,
            Scope::Instrument(id) => Some(id),
        };
        self.note(EventKind::Registry, instrument, None);
        QuestionsOutcome::Set(set)
    }
}

/// Returns the questions set at one place.
#[must_use]
pub fn questions_at(ledger: &Ledger, scope: Scope) -> Option<&Arc<QuestionSet>> {
    ledger.questions.iter().find(|set| set.scope == scope)
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
    let above = directory.ancestors(instrument.lab);
    let mut scopes: Vec<Scope> = above.map(|node| Scope::Node(node.id)).collect();
    scopes.reverse();
    scopes.push(Scope::Instrument(instrument.id));
    questions_of(ledger, &scopes)
}

/// Returns the questions of some places in their order, the first of each name.
#[must_use]
pub fn questions_of(ledger: &Ledger, scopes: &[Scope]) -> Vec<Question> {
    let mut asked: Vec<Question> = Vec::new();
    for set in scopes
        .iter()
        .filter_map(|scope| questions_at(ledger, *scope))
    {
        for question in &set.questions {
            if !asked.iter().any(|held| held.name == question.name) {
                asked.push(question.clone());
            }
        }
    }
    asked
}
