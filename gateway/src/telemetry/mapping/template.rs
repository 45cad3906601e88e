//! Which instrument a message is about.

use serde_json::Value;

use super::topic::{Captures, Pattern};

/// Most bytes of a template.
pub(super) const TEMPLATE_BYTES_MAX: usize = 256;

/// Most bytes of what a template yields.
const YIELD_BYTES_MAX: usize = 128;

#[derive(Debug, Clone, PartialEq, Eq)]
enum Part {
    Text(Box<str>),
    Capture(Box<str>),
    Pointer(Box<str>),
}

/// A text with names of the topic and pointers into the message: `NM-{device}`, `{/tags/host}`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Template {
    parts: Vec<Part>,
}

/// What is wrong with a template.
pub(super) const NOT_A_TEMPLATE: &str =
    "expected an asset code, with names of the topic or pointers in braces";
/// A name that the topic lacks.
pub(super) const NO_SUCH_NAME: &str = "the topic has no such name in braces";

impl Template {
    /// Parses the text; names must be captures of the pattern.
    pub(super) fn parse(text: &str, pattern: &Pattern) -> Result<Self, &'static str> {
        if text.is_empty() || text.len() > TEMPLATE_BYTES_MAX || text.chars().any(char::is_control)
        {
            return Err(NOT_A_TEMPLATE);
        }
        let mut parts = Vec::new();
        let mut rest = text;
        while !rest.is_empty() {
            let (before, found) = rest
                .split_once('{')
                .map_or((rest, None), |(before, after)| (before, Some(after)));
            if before.contains('}') {
                return Err(NOT_A_TEMPLATE);
            }
            if !before.is_empty() {
                parts.push(Part::Text(before.into()));
            }
            let Some(after) = found else { break };
            let (name, after) = after.split_once('}').ok_or(NOT_A_TEMPLATE)?;
            if name.starts_with('/') {
                parts.push(Part::Pointer(name.into()));
            } else if pattern.has_capture(name) {
                parts.push(Part::Capture(name.into()));
            } else {
                return Err(NO_SUCH_NAME);
            }
            rest = after;
        }
        Ok(Self { parts })
    }

    /// Returns true if it needs more than the topic.
    pub(super) fn needs_message(&self) -> bool {
        self.parts
            .iter()
            .any(|part| matches!(part, Part::Pointer(_)))
    }

    /// Returns true if the pattern has every name.
    pub(super) fn fits(&self, pattern: &Pattern) -> bool {
        self.parts.iter().all(|part| match part {
            Part::Capture(name) => pattern.has_capture(name),
            Part::Text(_) | Part::Pointer(_) => true,
        })
    }

    /// Returns what it yields; `None` if the message holds no short text or number there.
    pub(super) fn fill(&self, captures: &Captures, message: &Value) -> Option<String> {
        let mut text = String::new();
        for part in &self.parts {
            match part {
                Part::Text(own) => text.push_str(own),
                Part::Capture(name) => text.push_str(captures.get(name)?),
                Part::Pointer(pointer) => match message.pointer(pointer)? {
                    Value::String(held) => text.push_str(held),
                    Value::Number(held) => text.push_str(&held.to_string()),
                    Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => {
                        return None;
                    }
                },
            }
            if text.len() > YIELD_BYTES_MAX {
                return None;
            }
        }
        Some(text)
    }
}
