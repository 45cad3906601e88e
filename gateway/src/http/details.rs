//! What else is asked at booking and after use: told in parts, checked whole.

use serde_json::{Map, Value};

use super::problem::{Problem, ProblemType};
use super::questions::faulty;
use super::texts::{check_line, check_prose};
use crate::booking::answers::Fault;
use crate::booking::record::{AnswerValue, Details};
use crate::words::Said;

/// Most characters of the name of who pays.
const PAYER_CHARACTERS_MAX: usize = 200;
/// Most samples.
const SAMPLES_MAX: u32 = 100_000;
/// Most answers of a booking.
const ANSWERS_MAX: usize = 100;
/// Most characters of a question's name.
const NAME_CHARACTERS_MAX: usize = 64;
/// Most characters of an answer.
const ANSWER_CHARACTERS_MAX: usize = 2_000;

/// Checks that details are within their bounds. Which questions have to be answered, and how, is
/// not asked here.
///
/// # Errors
/// Returns `malformed-request` about the field.
pub fn check_details(details: &Details) -> Result<(), Problem> {
    let payer = details.payer.as_deref().unwrap_or_default();
    check_line("details.payer", payer, PAYER_CHARACTERS_MAX)?;
    if details.samples.is_some_and(|samples| samples > SAMPLES_MAX) {
        let expected = "expected a number from 0 to 100000";
        return Err(Problem::field("details.samples", expected));
    }
    if details.answers.len() > ANSWERS_MAX {
        let message = Said::fixed("答案过多", "too many answers");
        let problem = Problem::new(ProblemType::MalformedRequest);
        return Err(problem.and_field("details.answers", message));
    }
    for (name, answer) in &details.answers {
        check_line("details.answers", name, NAME_CHARACTERS_MAX)?;
        if let AnswerValue::Text(text) = answer {
            let field = format!("details.answers.{name}");
            check_prose(&field, text, ANSWER_CHARACTERS_MAX)?;
        }
    }
    Ok(())
}

/// Returns `malformed-request` about every answer that is missing, not asked for, or of another kind.
#[must_use]
pub fn unanswered(mut faults: Vec<Fault>) -> Problem {
    for fault in &mut faults {
        fault.field.insert_str(0, "details.");
    }
    faulty(&faults)
}

/// Returns details with what was told put into them: what is null goes, what is left out stays
/// (RFC 7396).
///
/// # Errors
/// Returns `malformed-request` about a field that is none of ours or out of its bounds.
pub fn merged(held: Option<&Details>, told: Map<String, Value>) -> Result<Details, Problem> {
    let held = held.map_or(Ok(Value::Object(Map::new())), serde_json::to_value);
    let mut all = held.map_err(Problem::internal)?;
    merge(&mut all, Value::Object(told));
    let details: Details = serde_path_to_error::deserialize(all).map_err(|error| {
        let path = error.path().to_string();
        let field = match path.as_str() {
            "." | "?" => "details".to_owned(),
            path => format!("details.{path}"),
        };
        Problem::field(&field, &error.inner().to_string())
    })?;
    check_details(&details)?;
    Ok(details)
}

/// Details are two levels deep, so this ends after as many; a deeper value is no answer anyway.
fn merge(held: &mut Value, told: Value) {
    let (Value::Object(held), Value::Object(told)) = (held, told) else {
        return;
    };
    for (name, value) in told {
        match (value, held.get_mut(&name)) {
            (Value::Null, _) => {
                held.remove(&name);
            }
            (value @ Value::Object(_), Some(inner @ Value::Object(_))) => merge(inner, value),
            (Value::Object(new), _) => {
                let kept = new.into_iter().filter(|(_, value)| !value.is_null());
                held.insert(name, Value::Object(kept.collect()));
            }
            (value, _) => {
                held.insert(name, value);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn told(value: Value) -> Map<String, Value> {
        serde_json::from_value(value).unwrap()
    }

    #[test]
    fn what_is_left_out_stays_and_what_is_null_goes() {
        let first = merged(
            None,
            told(json!({ "samples": 3, "payer": "甲", "answers": { "a": 1, "b": null } })),
        );
        let first = first.unwrap();
        assert_eq!(first.samples, Some(3));
        assert_eq!(first.answers.len(), 1);
        let second = merged(
            Some(&first),
            told(json!({ "samples": null, "answers": { "b": true } })),
        );
        let second = second.unwrap();
        assert_eq!(second.samples, None);
        assert_eq!(second.payer.as_deref(), Some("甲"));
        assert_eq!(second.answers["a"], AnswerValue::Number(1));
        assert_eq!(second.answers["b"], AnswerValue::YesNo(true));
        let third = merged(Some(&second), told(json!({ "answers": null })));
        assert!(third.unwrap().answers.is_empty());
    }

    #[test]
    fn bounds_hold() {
        for (value, is_good) in [
            (json!({}), true),
            (json!({ "payer": "x".repeat(200) }), true),
            (json!({ "payer": "x".repeat(201) }), false),
            (json!({ "samples": 100_000 }), true),
            (json!({ "samples": 100_001 }), false),
            (json!({ "samples": -1 }), false),
            (json!({ "service": "teaching" }), true),
            (json!({ "service": "other" }), false),
            (json!({ "colour": 1 }), false),
            (json!({ "answers": { "a": "x".repeat(2_001) } }), false),
            (json!({ "answers": { "a": { "b": 1 } } }), false),
            (json!({ "answers": 4 }), false),
        ] {
            assert_eq!(
                merged(None, told(value.clone())).is_ok(),
                is_good,
                "{value}"
            );
        }
    }
}
