//! What readers are told of every wrong body and field, in both languages.

use std::path::Path;

use serde::Deserialize;

use super::super::Language;
use super::*;
use crate::http::body::parse_json;

#[track_caller]
fn check(message: &str, zh: &str, en: &str) {
    let said = fault(message);
    assert_eq!(said.text(Language::Zh), zh);
    assert_eq!(said.text(Language::En), en);
}

#[test]
fn parser_messages_are_said_in_both_languages() {
    check(
        "missing field `start` at line 1 column 2",
        "缺少此字段",
        "this field is missing",
    );
    check(
        "invalid type: integer `5`, expected a string at line 1 column 9",
        "应为文本，收到 `5`",
        "expected a text, got `5`",
    );
    check(
        "invalid value: integer `300`, expected u8",
        "应为 0 到 255 的整数，收到 `300`",
        "expected a whole number from 0 to 255, got `300`",
    );
    check(
        "invalid length 0, expected struct BookingRequest with 5 elements",
        "应为对象 `{…}`",
        "expected an object `{…}`",
    );
    check(
        "unknown field `strat`, expected one of `start`, `end`",
        "没有这个字段；应为其一：`start`, `end`",
        "there is no such field; expected one of `start`, `end`",
    );
    check(
        "unknown variant `x`, expected `a` or `b`",
        "不是允许的值；应为其一：`a`, `b`",
        "this is none of the allowed values; expected one of `a`, `b`",
    );
    check(
        "instrument key \"质谱-1\" is not valid: expected 1 to 64 of A-Z a-z 0-9 . _ -, \
         beginning with a letter or digit",
        "应为 1 到 64 个字符，只含 `A-Z`、`a-z`、`0-9`、`.`、`_`、`-`，以字母或数字开头",
        "no valid instrument key: expected 1 to 64 of A-Z a-z 0-9 . _ -, beginning with a \
         letter or digit",
    );
    check(
        "unexpected end of hex escape at line 1 column 12",
        "不是有效的 JSON（第 1 行第 12 列附近）",
        "this is no valid JSON (near line 1, column 12)",
    );
    check("must not be empty", "不能为空", "must not be empty");
    check(
        "expected a number from 1 to 365",
        "应为 1 到 365 的整数",
        "expected a number from 1 to 365",
    );
    check(
        "at most 62 days after the start",
        "最多在开始之后 62 天",
        "at most 62 days after the start",
    );
    check(
        "a message that nobody foresaw",
        "无法理解这个值，请检查其格式",
        "this value cannot be understood: check its form",
    );
}

/// Words that Chinese sentences may have outside of quotes.
const COMMON: [&str; 12] = [
    "JSON",
    "ISO",
    "RFC",
    "IANA",
    "PT15M",
    "Asia",
    "Shanghai",
    "T09",
    "application",
    "json",
    "member",
    "booking",
];

/// Returns the first Latin word of two letters or more outside of quotes.
fn foreign(zh: &str) -> Option<String> {
    let mut outside = String::new();
    for (number, part) in zh.split(['`', '"']).enumerate() {
        if number % 2 == 0 {
            outside.push_str(part);
            outside.push(' ');
        }
    }
    let words = outside.split(|letter: char| !letter.is_ascii_alphanumeric());
    let mut words = words.filter(|word| word.chars().filter(char::is_ascii_alphabetic).count() > 1);
    words.find(|word| !COMMON.contains(word)).map(str::to_owned)
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Wish {
    #[expect(dead_code, reason = "only read")]
    number: u8,
    #[expect(dead_code, reason = "only read")]
    text: String,
    #[expect(dead_code, reason = "only read")]
    list: Vec<bool>,
    #[expect(dead_code, reason = "only read")]
    pair: Option<(f64, i64)>,
    #[expect(dead_code, reason = "only read")]
    key: Option<wire::InstrumentKey>,
}

#[test]
fn no_body_makes_a_chinese_reader_read_rust() {
    let whole = r#"{"number":1,"text":"x","list":[true],"pair":[1,2]}"#;
    assert!(parse_json::<Wish>(whole.as_bytes()).is_ok());
    let values = [
        "null",
        "1",
        "-1",
        "300",
        "1.5",
        "1e999",
        "\"x\"",
        "\"\\ud8\"",
        "\"\\ud800\"",
        "\"\\q\"",
        "true",
        "[]",
        "[1]",
        "[1,2,3]",
        "[\"x\"]",
        "{}",
        "{\"a\":1}",
        "",
        "nul",
        "01",
        "\"\t\"",
    ];
    let mut bodies: Vec<String> = values.map(str::to_owned).to_vec();
    for field in ["number", "text", "list", "pair", "key", "other"] {
        bodies.extend(values.map(|value| format!("{{\"{field}\":{value}}}")));
        bodies
            .extend(values.map(|value| whole.replacen('{', &format!("{{\"{field}\":{value},"), 1)));
    }
    bodies.extend((0..whole.len()).map(|end| whole[..end].to_owned()));
    bodies.push(format!("{whole} {whole}"));
    bodies.push("[".repeat(200));
    for body in bodies {
        let mut reader = serde_json::Deserializer::from_str(&body);
        let read = Wish::deserialize(&mut reader)
            .map(drop)
            .and_then(|()| reader.end());
        let Err(error) = read else { continue };
        let said = fault(&error.to_string());
        let zh = said.text(Language::Zh);
        assert_eq!(foreign(zh), None, "{zh} / {error} / {body}");
        let general = "无法理解这个值，请检查其格式";
        assert_ne!(zh, general, "{error} / {body}");
    }
}

/// Every message that a handler gives a field has its Chinese sentence.
#[test]
fn every_message_in_the_code_is_known() {
    let mut messages = Vec::new();
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    for folder in ["http", "registry/json"] {
        gather(&root.join(folder), &mut messages);
    }
    assert!(messages.len() > 30, "{messages:?}");
    for message in messages {
        let said = fault(&message);
        let zh = said.text(Language::Zh);
        assert_ne!(
            zh, "无法理解这个值，请检查其格式",
            "no Chinese for {message:?}"
        );
        assert_eq!(foreign(zh), None, "{zh}");
    }
}

/// Gathers the last text of every call that names a field, in all files below a folder.
fn gather(folder: &Path, messages: &mut Vec<String>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            if path.file_name().is_none_or(|name| name != "tests") {
                gather(&path, messages);
            }
            continue;
        }
        let text = std::fs::read_to_string(&path).unwrap();
        for call in ["Problem::field(", "RuleFault::new("] {
            let after = text.split(call).skip(1);
            messages.extend(after.filter_map(message_of));
        }
    }
}

/// Returns the message of a call: its second argument, if that is a literal.
fn message_of(call: &str) -> Option<String> {
    let (_, second) = call.split_once(',')?;
    let literal = second.trim_start().strip_prefix('"')?;
    literal.split('"').next().map(str::to_owned)
}
