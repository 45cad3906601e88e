//! What a booking carries beside its slot: asked once, kept, and needed by the national service
//! record.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::words;

words! {
    /// How the work is done.
    ServiceKind {
        /// 自主上机: the member works alone.
        SelfService = "self_service",
        /// 委托测试: the lab works for the member.
        Commissioned = "commissioned",
        /// 合作研究: both work together.
        Joint = "joint",
        /// 教学: teaching.
        Teaching = "teaching",
        /// 培训: training to qualify.
        Training = "training",
    }
}

/// What was asked at booking and after use.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Details {
    /// The project's identity.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub project: Option<i64>,
    /// The legal entity that pays, if it is not the project's; at most 200 characters.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub payer: Option<String>,
    /// How the work is done.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub service: Option<ServiceKind>,
    /// How many samples; 0 to 100,000.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub samples: Option<u32>,
    /// Answers by the question's name.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub answers: BTreeMap<String, AnswerValue>,
}

/// An answer to a question.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(untagged)]
pub enum AnswerValue {
    /// Yes or no.
    YesNo(bool),
    /// A whole number.
    Number(i64),
    /// A text, or one of a list.
    Text(String),
}

impl Details {
    /// Returns true if nothing was said.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}
