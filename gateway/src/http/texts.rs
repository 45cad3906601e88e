//! What texts of a request may hold.
//!
//! No text anywhere holds control characters, save the breaks and tabs of prose: the databases would
//! refuse some of them (PostgreSQL stores no U+0000), and on a terminal they do what nobody wrote.
//! Names, keys and other texts of one line hold no invisible characters either: two names that look
//! alike are alike.

use serde_json::Value;

use super::problem::Problem;

/// What is said of a control character.
const CONTROL: &str = "must not contain control characters";
/// What is said of an invisible one.
const HIDDEN: &str = "must not contain invisible characters";

/// Checks a text of one line: a name, a key, a room.
///
/// # Errors
/// Returns `malformed-request` about the field when it is too long, breaks into lines, or holds what
/// cannot be seen.
pub fn check_line(field: &str, text: &str, characters_max: usize) -> Result<(), Problem> {
    check_prose(field, text, characters_max)?;
    if text.chars().any(char::is_control) {
        return Err(Problem::field(field, CONTROL));
    }
    if text.chars().any(is_hidden) {
        return Err(Problem::field(field, HIDDEN));
    }
    Ok(())
}

/// Checks a text of one line that must say something.
///
/// # Errors
/// Returns `malformed-request` as [`check_line`] does, and when nothing but spaces is there.
pub fn check_name(field: &str, text: &str, characters_max: usize) -> Result<(), Problem> {
    check_line(field, text, characters_max)?;
    if text.trim().is_empty() {
        return Err(Problem::field(field, "must not be empty"));
    }
    Ok(())
}

/// Checks a text of many lines: a purpose, a reason, a note.
///
/// # Errors
/// Returns `malformed-request` about the field when it is too long or holds control characters.
pub fn check_prose(field: &str, text: &str, characters_max: usize) -> Result<(), Problem> {
    if text.chars().count() > characters_max {
        return Err(Problem::field(field, "too long"));
    }
    if text.chars().any(is_forbidden) {
        return Err(Problem::field(field, CONTROL));
    }
    Ok(())
}

/// Returns a text of many lines as it is kept: nothing but spaces says nothing.
#[must_use]
pub fn kept(prose: String) -> String {
    if prose.trim().is_empty() {
        return String::new();
    }
    prose
}

/// Checks every text in a body, whoever looks at it later. Most bodies are cleared by a glance at
/// their bytes, because JSON itself writes control characters as escapes.
///
/// # Errors
/// Returns `malformed-request` about the first field with a control character.
pub fn check_body(bytes: &[u8]) -> Result<(), Problem> {
    if !may_hold_control(bytes) {
        return Ok(());
    }
    // What is no JSON is told by whoever reads it for what it should be.
    let Ok(value) = serde_json::from_slice::<Value>(bytes) else {
        return Ok(());
    };
    match place_of_control(&value) {
        Some(place) if place.is_empty() => Err(Problem::field("(body)", CONTROL)),
        Some(place) => Err(Problem::field(&place, CONTROL)),
        None => Ok(()),
    }
}

/// Checks the texts of a query.
///
/// # Errors
/// Returns `malformed-request` about the first field with a control character.
pub fn check_query(query: &str) -> Result<(), Problem> {
    for (field, text) in form_urlencoded::parse(query.as_bytes()) {
        if field.chars().any(char::is_control) {
            return Err(Problem::field("(query)", CONTROL));
        }
        if text.chars().any(is_forbidden) {
            return Err(Problem::field(&field, CONTROL));
        }
    }
    Ok(())
}

fn is_forbidden(letter: char) -> bool {
    letter.is_control() && !matches!(letter, '\n' | '\r' | '\t')
}

/// Zero width and direction marks, embeddings, overrides, isolates, the byte order mark, and the two
/// separators that break a line without being controls (Unicode 16, sections 23.2 and 23.8).
fn is_hidden(letter: char) -> bool {
    matches!(letter, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
        | '\u{2060}'..='\u{2069}' | '\u{feff}')
}

/// Returns false for bytes that surely hold no control character: no escape but of quotes, slashes,
/// line feeds, returns and tabs, no U+007F, nothing from U+0080 to U+009F.
fn may_hold_control(bytes: &[u8]) -> bool {
    let after = bytes.iter().skip(1).chain([&0]);
    bytes.iter().zip(after).any(|pair| {
        matches!(
            pair,
            (b'\\', b'u' | b'b' | b'f') | (0x7f, _) | (0xc2, 0x80..=0x9f)
        )
    })
}

/// Returns where the first control character is, such as `items[2].name`. JSON of the parser is at
/// most 128 levels deep.
fn place_of_control(value: &Value) -> Option<String> {
    match value {
        Value::Null | Value::Bool(_) | Value::Number(_) => None,
        Value::String(text) => text.chars().any(is_forbidden).then(String::new),
        Value::Array(items) => items.iter().enumerate().find_map(|(number, item)| {
            let below = place_of_control(item)?;
            Some(join(&format!("[{number}]"), &below))
        }),
        Value::Object(fields) => fields.iter().find_map(|(name, value)| {
            let below = place_of_control(value)?;
            Some(join(name, &below))
        }),
    }
}

fn join(above: &str, below: &str) -> String {
    if below.is_empty() || below.starts_with('[') {
        format!("{above}{below}")
    } else {
        format!("{above}.{below}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prose_has_breaks_and_names_have_none() {
        for text in ["", "X 射线\n第二行\tx", "naïve 👩\u{200d}🔬"] {
            assert!(check_prose("purpose", text, 40).is_ok(), "{text:?}");
        }
        for text in ["a\u{0}b", "\u{1b}[31m", "\u{7f}", "\u{85}"] {
            assert!(check_prose("purpose", text, 40).is_err(), "{text:?}");
            assert!(check_line("name", text, 40).is_err(), "{text:?}");
        }
        for text in [
            "a\nb",
            "a\tb",
            "a\u{202e}b",
            "\u{200b}",
            "\u{feff}a",
            "a\u{2066}",
            "\u{2028}",
        ] {
            assert!(check_line("name", text, 40).is_err(), "{text:?}");
        }
        assert!(check_name("name", " ", 40).is_err());
        assert!(check_name("name", "四十个字", 4).is_ok());
        assert!(check_name("name", "四十个字", 3).is_err());
    }

    #[test]
    fn every_text_of_a_body_is_looked_at() {
        for body in [
            r#"{"a":"\u4eea\u9a7f","b":["\n\t\"","x\\u0000"]}"#,
            "{\"a\":\"仪驿\"}",
            "no JSON \u{7f}",
        ] {
            assert!(check_body(body.as_bytes()).is_ok(), "{body}");
        }
        for body in [
            r#"{"a":[{"b":"\u0000"}]}"#,
            r#"["\b"]"#,
            "{\"a\":\"\u{7f}\"}",
            "\"\u{80}\"",
        ] {
            assert!(check_body(body.as_bytes()).is_err(), "{body}");
        }
        let value = serde_json::json!({ "a": [1, { "b": "\u{0}" }] });
        assert_eq!(place_of_control(&value).as_deref(), Some("a[1].b"));
    }
}
