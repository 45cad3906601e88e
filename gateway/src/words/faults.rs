//! What is wrong with a field, from the messages of the parser.

use super::Said;

/// Returns the sentence for a parser's message about one field.
///
/// Messages of our own types are English texts listed in [`KNOWN`]; those of the JSON parser are
/// recognised by how they begin. What neither knows is passed on as it is.
#[must_use]
pub fn fault(message: &str) -> Said {
    // The parser appends a position that the field's name already tells.
    let message = message.split(" at line ").next().unwrap_or(message);
    if let Some((en, zh)) = KNOWN.iter().find(|(en, _)| *en == message) {
        return Said::fixed(zh, en);
    }
    let said = |zh: String| Said::new(zh, message.to_owned());
    if message.starts_with("missing field") {
        return said("缺少此字段".to_owned());
    }
    if let Some(expected) = message
        .strip_prefix("unknown field ")
        .and_then(|rest| rest.split_once(", "))
    {
        return said(format!("没有这个字段；{}", expected_zh(expected.1)));
    }
    if let Some(expected) = message
        .strip_prefix("unknown variant ")
        .and_then(|rest| rest.split_once(", "))
    {
        return said(format!("不是允许的值；{}", expected_zh(expected.1)));
    }
    if let Some((found, expected)) = message
        .strip_prefix("invalid type: ")
        .and_then(|rest| rest.split_once(", expected "))
    {
        return said(format!("类型不符：收到 {found}，应为 {expected}"));
    }
    if let Some((found, expected)) = message
        .strip_prefix("invalid value: ")
        .and_then(|rest| rest.split_once(", expected "))
    {
        return said(format!("取值不符：收到 {found}，应为 {expected}"));
    }
    if let Some((least, most)) = message
        .strip_prefix("expected a number from ")
        .and_then(|rest| rest.split_once(" to "))
    {
        return said(format!("应为 {least} 到 {most} 的整数"));
    }
    if message.starts_with("EOF while parsing") || message.starts_with("expected ") {
        return said(format!("不是有效的 JSON：{message}"));
    }
    said(message.to_owned())
}

fn expected_zh(expected: &str) -> String {
    expected
        .replace("expected one of ", "应为其一：")
        .replace("expected ", "应为 ")
        .replace(" or ", " 或 ")
        .replace("there are no fields", "不应有任何字段")
}

/// Messages of our own request types, English and Chinese.
pub const KNOWN: [(&str, &str); 23] = [
    (
        "expected an RFC 3339 time with offset, such as 2026-11-24T09:00:00+08:00",
        "应为带时区偏移的 RFC 3339 时间，例如 2026-11-24T09:00:00+08:00",
    ),
    (
        "expected an ISO 8601 duration, such as PT15M",
        "应为 ISO 8601 时长，例如 PT15M",
    ),
    ("must not be empty", "不能为空"),
    ("too long", "过长"),
    ("must come after the start", "必须晚于开始时间"),
    (
        "expected 1 to 64 letters, digits, `-`, `_` or `.`",
        "应为 1 到 64 个字母、数字、`-`、`_` 或 `.`",
    ),
    (
        "expected a time of day from 00:00 to 24:00",
        "应为 00:00 到 24:00 的时刻",
    ),
    (
        "expected weekdays from 1 (Monday) to 7 (Sunday)",
        "应为 1（周一）到 7（周日）的星期",
    ),
    (
        "expected an IANA time zone, such as Asia/Shanghai",
        "应为 IANA 时区名，例如 Asia/Shanghai",
    ),
    (
        "expected at most 50 keys of instruments, with commas between",
        "应为最多 50 个仪器编号，以逗号分隔",
    ),
    (
        "expected 1 to 64 of `a-z`, `0-9`, `-` and `_`",
        "应为 1 到 64 个字符，只含 `a-z`、`0-9`、`-`、`_`",
    ),
    (
        "not together with `longer_than_minutes`",
        "不能与 `longer_than_minutes` 同时给出",
    ),
    ("no such lab", "没有这个实验室"),
    (
        "no such agent in the instrument's lab",
        "该仪器所在实验室没有这个采集代理",
    ),
    ("already in use", "已被使用"),
    ("no such member", "没有这个用户"),
    ("no such booking", "该仪器没有这个预约"),
    ("not this instrument's label", "不是这台仪器的标签"),
    ("must not lie ahead", "不能晚于现在"),
    ("at most 31 days after the start", "最多在开始之后 31 天"),
    ("no state of a run", "没有这种上机状态"),
    (
        "expected one of booking, member, accept, reject",
        "应为 booking、member、accept、reject 之一",
    ),
    ("not a cursor of this list", "不是此列表的游标"),
];

#[cfg(test)]
mod tests {
    use super::super::Language;
    use super::*;

    #[track_caller]
    fn check(message: &str, zh: &str) {
        assert_eq!(fault(message).text(Language::Zh), zh);
    }

    #[test]
    fn parser_messages_are_said_in_chinese() {
        check("missing field `start` at line 1 column 2", "缺少此字段");
        check(
            "invalid type: integer `5`, expected a string at line 1 column 9",
            "类型不符：收到 integer `5`，应为 a string",
        );
        check(
            "unknown field `strat`, expected one of `start`, `end`",
            "没有这个字段；应为其一：`start`, `end`",
        );
        check("must not be empty", "不能为空");
        check("expected a number from 1 to 365", "应为 1 到 365 的整数");
    }
}
