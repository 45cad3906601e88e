//! Rules and state rules as JSON: the one form of the store and of the API.

mod body;
mod class;
mod hours;
mod opening;
mod state_rule;

use std::fmt::Display;

use scheduler::class::ClassSet;
use scheduler::policy::{Mode, Rule};
use serde::de::Error;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::{Map, Value};
use utoipa::ToSchema;

pub use body::{BodyJson, PartyJson, PeriodJson};
pub use class::ClassJson;
pub use hours::HoursJson;
pub use opening::{ExceptionJson, HolidaysJson, SpanJson};
pub use state_rule::{
    AlarmJson, BitsJson, CaseJson, ConditionJson, DwellsJson, FaultPolicyJson, LevelJson,
    MeaningJson, OneOfJson, StateRuleJson, StateRuleKind, ThresholdJson,
};

/// A rule as set somewhere.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = Rule)]
pub struct RuleJson {
    /// What it says.
    #[serde(flatten)]
    pub body: BodyJson,
    /// How it meets rules of its kind further down the tree.
    pub mode: ModeJson,
    /// Whom it speaks to; none means everybody.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(required = false)]
    pub classes: Vec<ClassJson>,
}

/// How a rule meets rules of its kind further down the tree.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = RuleMode)]
pub enum ModeJson {
    /// The more specific one wins.
    Default,
    /// Applies whatever is set below it.
    Binding,
}

/// What is wrong with a rule, in words for the log and the API.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{field}: {expected}")]
pub struct RuleFault {
    /// The field within the rule, such as `weekly[2].to`.
    pub field: String,
    /// What it has to be; one of the messages that `words::fault` knows.
    pub expected: String,
}

impl RuleFault {
    fn new(field: &str, expected: impl Display) -> Self {
        Self {
            field: field.to_owned(),
            expected: expected.to_string(),
        }
    }

    fn below(self, place: &str) -> Self {
        Self {
            field: format!("{place}.{}", self.field),
            ..self
        }
    }
}

impl RuleJson {
    /// Returns the rule.
    ///
    /// # Errors
    /// Returns [`RuleFault`] when a number is out of bounds or hours are impossible.
    pub fn to_rule(&self) -> Result<Rule, RuleFault> {
        let mode = match self.mode {
            ModeJson::Default => Mode::Default,
            ModeJson::Binding => Mode::Binding,
        };
        let body = self.body.to_body()?;
        let classes = class::set(&self.classes);
        Ok(Rule {
            body,
            mode,
            classes,
        })
    }

    /// Returns the JSON form.
    #[must_use]
    pub fn of(rule: &Rule) -> Self {
        let mode = match rule.mode {
            Mode::Default => ModeJson::Default,
            Mode::Binding => ModeJson::Binding,
        };
        let classes = match rule.classes {
            ClassSet::ALL => Vec::new(),
            some => class::of(some),
        };
        Self {
            body: BodyJson::of(&rule.body),
            mode,
            classes,
        }
    }
}

/// By hand, because what is flattened could not refuse fields that nobody knows.
impl<'de> Deserialize<'de> for RuleJson {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut fields = Map::deserialize(deserializer)?;
        let mode = fields.remove("mode");
        let mode = mode.ok_or_else(|| D::Error::missing_field("mode"))?;
        let classes = fields.remove("classes").map(Vec::deserialize);
        let classes = classes.transpose().map_err(D::Error::custom)?;
        Ok(Self {
            classes: classes.unwrap_or_default(),
            mode: ModeJson::deserialize(mode).map_err(D::Error::custom)?,
            body: BodyJson::deserialize(Value::Object(fields)).map_err(D::Error::custom)?,
        })
    }
}

#[cfg(test)]
mod tests;
