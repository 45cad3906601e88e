//! What is asked of those who book an instrument.

use scheduler::id::{InstrumentId, NodeId};
use serde::{Deserialize, Serialize};
use sqlx::any::AnyRow;
use utoipa::ToSchema;

use crate::registry::Scope;
use crate::store::{Held, Record, StoreError, Value, get, json_of, parsed};

/// What kind of answer a question takes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum AnswerKind {
    /// Text of at most so many characters.
    Text {
        /// 1 to 2000.
        characters_max: u32,
    },
    /// A whole number within bounds.
    Number {
        /// The least.
        least: i64,
        /// The most.
        most: i64,
        /// Its unit, for people.
        #[serde(default)]
        unit: String,
    },
    /// Yes or no.
    YesNo,
    /// One of a list.
    Choice {
        /// 1 to 50 words.
        options: Vec<String>,
    },
}

/// One question.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Question {
    /// Its name in answers: a lower-case word, unique in its set.
    pub name: String,
    /// What is asked, in Chinese.
    pub label: String,
    /// What is asked, in English.
    #[serde(default)]
    pub label_en: String,
    /// Whether it must be answered.
    #[serde(default)]
    pub required: bool,
    /// Whether it is asked after use instead of at booking.
    #[serde(default)]
    pub after_use: bool,
    /// The kind of answer.
    pub answer: AnswerKind,
}

/// The questions of a node or an instrument. Those of all levels are asked together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QuestionSet {
    /// Identity.
    pub id: i64,
    /// Where they are set.
    pub scope: Scope,
    /// Counts edits, from 1; the `ETag`.
    pub version: i64,
    /// The questions, in order; at most 50.
    pub questions: Vec<Question>,
}

impl Record for QuestionSet {
    const TABLE: &'static str = "question_sets";
    const COLUMNS: &'static [&'static str] = &["scope_kind", "scope_id", "version", "questions"];
    const HELD: Held = Held::All;

    fn id(&self) -> i64 {
        self.id
    }

    fn values(&self) -> Vec<Value> {
        let (kind, id) = match self.scope {
            Scope::Node(node) => ("node", node.get()),
            Scope::Instrument(id) => ("instrument", i64::from(id.get())),
        };
        vec![
            kind.into(),
            id.into(),
            self.version.into(),
            Value::json(&self.questions),
        ]
    }

    fn parse(id: i64, row: &AnyRow) -> Result<Self, StoreError> {
        let (kind, number): (String, i64) = (get(row, "scope_kind")?, get(row, "scope_id")?);
        let scope = match kind.as_str() {
            "node" => Some(Scope::Node(NodeId::new(number))),
            "instrument" => u32::try_from(number)
                .ok()
                .map(|id| Scope::Instrument(InstrumentId::new(id))),
            _ => None,
        };
        Ok(Self {
            id,
            scope: parsed(scope, Self::TABLE, "scope_kind", &id)?,
            version: get(row, "version")?,
            questions: json_of(row, (Self::TABLE, "questions"))?,
        })
    }
}
