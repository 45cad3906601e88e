//! Messages of the parsers of bodies and queries, in sentences that say what to do.
//!
//! The parsers speak of types of the program (`u8`, `struct X with 5 elements`); readers are told
//! what to write instead. What no pattern knows becomes a general sentence, never a raw message.

use super::Said;
use super::expectations::EXPECTATIONS;

/// Most characters of a wrong value that are repeated.
const ECHO_CHARACTERS_MAX: usize = 80;

/// Returns the sentence for a parser's message.
pub(super) fn parser_fault(message: &str) -> Said {
    let (bare, position) = match message.split_once(" at line ") {
        Some((bare, position)) => (bare, Some(position)),
        None => (message, None),
    };
    field_fault(bare)
        .or_else(|| value_fault(bare))
        .or_else(|| syntax_fault(bare, position))
        .unwrap_or(Said::fixed(
            "无法理解这个值，请检查其格式",
            "this value cannot be understood: check its form",
        ))
}

/// Fields that are missing, unknown, or there twice, and words that are not in their list.
fn field_fault(message: &str) -> Option<Said> {
    if message.starts_with("missing field") {
        return Some(Said::fixed("缺少此字段", "this field is missing"));
    }
    if message.starts_with("duplicate field") {
        return Some(Said::fixed("此字段重复出现", "this field is there twice"));
    }
    let (zh, en, rest) = if let Some(rest) = message.strip_prefix("unknown field ") {
        ("没有这个字段", "there is no such field", rest)
    } else {
        let rest = message.strip_prefix("unknown variant ")?;
        ("不是允许的值", "this is none of the allowed values", rest)
    };
    let Some((_, words)) = rest.rsplit_once("expected ") else {
        return Some(Said::fixed(zh, en));
    };
    let words = words.strip_prefix("one of ").unwrap_or(words);
    let words = words.replace(" or ", ", ");
    Some(Said::new(
        format!("{zh}；应为其一：{words}"),
        format!("{en}; expected one of {words}"),
    ))
}

/// Values of another kind or out of bounds.
fn value_fault(message: &str) -> Option<Said> {
    if let Some(rest) = message
        .strip_prefix("invalid type: ")
        .or_else(|| message.strip_prefix("invalid value: "))
    {
        let (found, expected) = rest.rsplit_once(", expected ")?;
        let (expected_zh, expected_en) = kind(expected);
        let (found_zh, found_en) = value(found);
        return Some(Said::new(
            format!("应为{expected_zh}，收到{found_zh}"),
            format!("expected {expected_en}, got {found_en}"),
        ));
    }
    if let Some(rest) = message.strip_prefix("invalid length ") {
        let (_, expected) = rest.split_once(", expected ")?;
        let (zh, en) = kind(expected);
        return Some(Said::new(format!("应为{zh}"), format!("expected {en}")));
    }
    if let Some((what, expected)) = message.split_once(" is not valid: expected ") {
        let zh = EXPECTATIONS.iter().find(|(en, _)| *en == expected);
        let zh = zh.map_or("不是有效的名称", |(_, zh)| zh);
        let what = what.split(" \"").next().unwrap_or(what);
        let en = format!("no valid {what}: expected {expected}");
        return Some(Said::new(zh.to_owned(), en));
    }
    bounds(message).or_else(|| number(message))
}

/// `expected a number from 1 to 64`, `at most 62 days after the start`.
fn bounds(message: &str) -> Option<Said> {
    if let Some((least, most)) = message
        .strip_prefix("expected a number from ")
        .and_then(|rest| rest.split_once(" to "))
    {
        let zh = format!("应为 {least} 到 {most} 的整数");
        return Some(Said::new(zh, message.to_owned()));
    }
    let days = message.strip_prefix("at most ")?;
    let days = days.strip_suffix(" days after the start")?;
    let zh = format!("最多在开始之后 {days} 天");
    Some(Said::new(zh, message.to_owned()))
}

/// What the standard library says of texts that should be numbers or truth values.
fn number(message: &str) -> Option<Said> {
    match message {
        "provided string was not `true` or `false`" => Some(Said::fixed(
            "应为 `true` 或 `false`",
            "expected `true` or `false`",
        )),
        "invalid digit found in string" | "cannot parse integer from empty string" => {
            Some(Said::fixed("应为整数", "expected a whole number"))
        }
        "number too large to fit in target type" | "number too small to fit in target type" => {
            Some(Said::fixed("数值超出范围", "this number is out of range"))
        }
        "invalid float literal" | "cannot parse float from empty string" => {
            Some(Said::fixed("应为数字", "expected a number"))
        }
        _ => None,
    }
}

/// What is no JSON at all. Each beginning is one that `serde_json` uses.
fn syntax_fault(message: &str, position: Option<&str>) -> Option<Said> {
    const BEGINNINGS: [&str; 16] = [
        "EOF while parsing",
        "expected `",
        "expected value",
        "expected ident",
        "invalid escape",
        "invalid number",
        "number out of range",
        "invalid unicode code point",
        "control character",
        "key must be a string",
        "invalid value: expected key",
        "float key must be finite",
        "lone leading surrogate",
        "trailing ",
        "unexpected end of hex escape",
        "recursion limit exceeded",
    ];
    let known = BEGINNINGS.iter().any(|start| message.starts_with(start));
    known.then_some(())?;
    let place = position.and_then(|position| position.split_once(" column "));
    let (place_zh, place_en) = match place {
        Some((line, column)) => (
            format!("（第 {line} 行第 {column} 列附近）"),
            format!(" (near line {line}, column {column})"),
        ),
        None => (String::new(), String::new()),
    };
    Some(Said::new(
        format!("不是有效的 JSON{place_zh}"),
        format!("this is no valid JSON{place_en}"),
    ))
}

/// Says what kind of value a parser expected.
fn kind(expected: &str) -> (&'static str, &'static str) {
    match expected {
        "u8" => (" 0 到 255 的整数", "a whole number from 0 to 255"),
        "u16" => (" 0 到 65535 的整数", "a whole number from 0 to 65535"),
        "u32" | "u64" | "usize" => ("不小于 0 的整数", "a whole number of 0 or more"),
        "i8" | "i16" | "i32" | "i64" | "isize" => ("整数", "a whole number"),
        "f32" | "f64" => ("数字", "a number"),
        "a boolean" => (" `true` 或 `false`", "`true` or `false`"),
        "a string" | "a borrowed string" | "a character" | "string or map" => ("文本", "a text"),
        "a sequence" => ("列表 `[…]`", "a list `[…]`"),
        "a map" => ("对象 `{…}`", "an object `{…}`"),
        "a number from 1 to 500" => (" 1 到 500 的整数", "a number from 1 to 500"),
        other if is_object(other) => ("对象 `{…}`", "an object `{…}`"),
        other if other.contains("tuple") || other.starts_with("an array") => {
            ("列表 `[…]`", "a list `[…]`")
        }
        other if other.starts_with("enum ") || other.ends_with(" identifier") => ("文本", "a text"),
        _ => ("另一种值", "another kind of value"),
    }
}

fn is_object(expected: &str) -> bool {
    let named = [
        "struct ",
        "internally tagged enum ",
        "adjacently tagged enum ",
    ];
    named.iter().any(|start| expected.starts_with(start))
}

/// Says what was found instead, as a parser writes it.
fn value(found: &str) -> (String, String) {
    let said = |zh: &str, en: &str| (zh.to_owned(), en.to_owned());
    match found {
        "null" | "unit value" | "Option value" => return said("空值 `null`", "`null`"),
        "map" | "struct" => return said("对象 `{…}`", "an object `{…}`"),
        "sequence" => return said("列表 `[…]`", "a list `[…]`"),
        _ => {}
    }
    // A parser repeats the whole value, however long it is.
    if found.chars().count() > ECHO_CHARACTERS_MAX {
        return said("过长的值", "a very long value");
    }
    if let Some(text) = found.strip_prefix("string ") {
        return (format!("文本 {text}"), format!("the text {text}"));
    }
    let numbers = ["integer ", "floating point ", "boolean ", "character "];
    let literal = numbers.iter().find_map(|kind| found.strip_prefix(kind));
    literal.map_or_else(
        || said("其他值", "something else"),
        |literal| (format!(" {literal}"), literal.to_owned()),
    )
}
