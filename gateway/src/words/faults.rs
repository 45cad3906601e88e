//! What is wrong with a field, from the messages of the parser.

use super::Said;
use super::expectations::EXPECTATIONS;
use super::foreign::MAPPING_FAULTS;
use super::parsers::parser_fault;

/// Returns the sentence for a message about one field.
///
/// Messages of our own types are English texts listed in [`KNOWN`] and beside it; those of the
/// parsers are recognised by their form ([`parser_fault`]).
#[must_use]
pub fn fault(message: &str) -> Said {
    // The parser appends a position that the field's name already tells.
    let bare = message.split(" at line ").next().unwrap_or(message);
    let listed = KNOWN.iter().chain(EXPECTATIONS).chain(MAPPING_FAULTS);
    let found = listed.into_iter().find(|(en, _)| *en == bare);
    found.map_or_else(|| parser_fault(message), |(en, zh)| Said::fixed(zh, en))
}

/// Messages of our own request types, English and Chinese.
pub const KNOWN: [(&str, &str); 33] = [
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
    ("must come before the end", "必须早于结束时间"),
    ("must not be zero", "不能为零"),
    (
        "expected a time of the years 2000 to 2199",
        "应为 2000 至 2199 年间的时间",
    ),
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
    ("at most 62 days after the start", "最多在开始之后 62 天"),
    (
        "together with `move` and only then",
        "必须且只能与 `move` 一起给出",
    ),
    (
        "must not be over; to end it now, delete it",
        "不能早于现在；要立即结束停机请删除它",
    ),
    ("expected PT1M to P31D", "应为 `PT1M` 到 `P31D`"),
    ("only together with `near`", "只能与 `near` 一起给出"),
    ("expected the number of a node", "应为节点编号"),
    (
        "expected degrees north and east, such as 43.65,111.98",
        "应为北纬和东经的度数，例如 43.65,111.98",
    ),
    ("not a cursor of this list", "不是此列表的游标"),
];

#[cfg(test)]
mod tests;
