//! What people are told of messages of other makers' devices: mappings that are wrong, and what of a
//! message is not read.

use super::Said;
use crate::telemetry::mapping::Why;

/// Messages about fields, English and Chinese.
pub(super) const MAPPING_FAULTS: &[(&str, &str)] = &[
    (
        "too wide: it takes in other labs' devices of this make. Give yours a prefix, such as \
         lab-4/tele/# with Tasmota's FullTopic lab-4/%prefix%/%topic%/, or name a group, such as \
         spBv1.0/lab-4/#",
        "范围过大：会包含其他实验室的同类设备。请为本实验室的设备加前缀，例如 lab-4/tele/#（Tasmota 的 \
         FullTopic 设为 lab-4/%prefix%/%topic%/），或指定分组，例如 spBv1.0/lab-4/#",
    ),
    (
        "the first level must be a word of your own, not `+`, `#`, `$...` or `ortoo`",
        "第一级必须是自己的词，不能是 `+`、`#`、`$...` 或 `ortoo`",
    ),
    (
        "expected 1 to 8 levels and at most 256 bytes",
        "应为 1 到 8 级、最多 256 字节",
    ),
    (
        "no MQTT filter: `+` and `#` are levels of their own, `#` only the last, and braces hold a name such as `{device}`",
        "不是有效的 `MQTT` 主题过滤器：`+` 和 `#` 必须独占一级，`#` 只能在最后；花括号内应为名称，例如 `{device}`",
    ),
    (
        "expected at most 4 names in braces, each once",
        "最多 4 个花括号名称，且不能重复",
    ),
    (
        "expected an asset code, with names of the topic or pointers in braces",
        "应为仪器编号，其中可用花括号引用主题中的名称或消息中的指针",
    ),
    (
        "the topic has no such name in braces",
        "主题中没有这个花括号名称",
    ),
    (
        "not with an asset code that comes from the message",
        "仪器编号取自消息内容时不能使用",
    ),
    ("expected at most 500 entries", "最多 500 项"),
    ("expected at most 64 entries", "最多 64 项"),
    ("this channel is there twice", "该通道重复出现"),
    ("only with the format `shelly`", "只能用于格式 `shelly`"),
    (
        "expected spBv1.0/group/node or spBv1.0/group/node/device",
        "应为 `spBv1.0/组/节点` 或 `spBv1.0/组/节点/设备`",
    ),
    (
        "expected a unit of at most 16 characters",
        "单位最多 16 个字符",
    ),
    (
        "expected words with their numbers with the type `words`, and only then",
        "类型为 `words` 时必须给出词与数值的对应，其他类型不能给出",
    ),
    (
        "expected 1 to 32 words of at most 64 bytes",
        "应为 1 到 32 个词，每个最多 64 字节",
    ),
    (
        "expected a JSON pointer such as `/ENERGY/Power`, at most 256 bytes",
        "应为 JSON 指针，例如 `/ENERGY/Power`，最多 256 字节",
    ),
    (
        "expected switch, pm1, em1, em or cover with its number, such as switch:0",
        "应为 `switch`、`pm1`、`em1`、`em` 或 `cover` 加编号，例如 `switch:0`",
    ),
    (
        "expected 1 to 16 topic filters",
        "应为 1 到 16 个主题过滤器",
    ),
    (
        "this mapping does not take the device's message",
        "这个映射读不了该设备的消息",
    ),
    (
        "this device is of no ready-made format: give a mapping",
        "无法识别该设备的格式，请给出映射",
    ),
    ("expected text in UTF-8", "应为 `UTF-8` 文本"),
    (
        "expected a tag `instrument` with the asset code",
        "缺少标签 `instrument`，其值应为仪器编号",
    ),
    ("this number is out of range", "数值超出范围"),
    ("expected a number or a truth value", "应为数值或真假值"),
    ("expected at most 10,000 readings", "最多 10,000 条读数"),
    (
        "you do not manage this instrument",
        "您不是这台仪器的管理员",
    ),
    ("no such instrument", "没有这台仪器"),
    (
        "the instrument's own agent reads this channel",
        "该通道由这台仪器自己的采集代理读取",
    ),
    (
        "expected a number of at most 1e15",
        "数值的绝对值最大为 `1e15`",
    ),
    ("older than readings are kept", "早于读数的保存期限"),
];

/// Returns why something of a message is not read.
#[must_use]
pub fn not_read(why: Why) -> Said {
    let (zh, en) = match why {
        Why::NoMapping => ("没有映射匹配这个主题", "No mapping fits this topic"),
        Why::UnknownInstrument => (
            "本实验室没有这个编号的仪器",
            "The lab has no instrument of this code",
        ),
        Why::TooLarge => (
            "消息过大，未读取",
            "The message is too large and was not read",
        ),
        Why::TooDeep => (
            "消息嵌套过深，未读取",
            "The message is nested too deeply and was not read",
        ),
        Why::TooManyValues => (
            "一条消息的读数过多，全部未取",
            "The message gives too many readings; none is taken",
        ),
        Why::NotJson => ("消息不是 JSON", "The message is no JSON"),
        Why::NothingRead => (
            "没有找到映射所列的任何值",
            "None of the values that the mapping names was found",
        ),
        Why::NotANumber => ("不是数值", "This is no number"),
        Why::NotAWord => ("映射中没有这个词", "The mapping does not know this word"),
        Why::NoChannel => (
            "字段名不能作为通道名",
            "The name of the field makes no name of a channel",
        ),
        Why::AgentsChannel => (
            "这台仪器有自己的采集代理，状态所依据的通道只由它读取",
            "The instrument has an agent of its own, which alone reads what its state follows from",
        ),
        Why::BadTime => (
            "时间的写法与映射不符；按到达时间保存，并标为存疑",
            "The time is not written as the mapping says; kept at its arrival, in doubt",
        ),
        Why::OtherZone => (
            "设备时钟的时区与仪器所在地不同，已按相差的时区换算；请在设备上设置时区（Tasmota：Timezone 8）",
            "The device's clock is set to another time zone and was read as such; set its zone (Tasmota: Timezone 8)",
        ),
        Why::NoTime => (
            "消息中没有时间，取到达时间",
            "The message tells no time: its arrival counts",
        ),
        Why::Absent => (
            "这条消息中没有该值，通道保持原值",
            "Not in this message: the channel stays as it was",
        ),
        Why::NotUsed => (
            "属于该设备，但不需要读取",
            "It belongs to the device, and nothing is read from it",
        ),
        Why::Retained => (
            "消息服务器保留的旧消息，不知道有多旧",
            "Kept by the broker from before: nobody knows how old it is",
        ),
    };
    Said::fixed(zh, en)
}

#[cfg(test)]
mod tests {
    use super::super::{Language, fault};
    use super::*;
    use crate::telemetry::mapping::TopicFault;

    #[test]
    fn every_fault_of_a_topic_has_its_chinese_sentence() {
        for topic in [
            TopicFault::First,
            TopicFault::Size,
            TopicFault::Shape,
            TopicFault::Captures,
        ] {
            let message = topic.to_string();
            let known = MAPPING_FAULTS.iter().find(|(en, _)| *en == message);
            let said = fault(&message);
            assert_eq!(Some(said.text(Language::Zh)), known.map(|(_, zh)| *zh));
        }
    }

    #[test]
    fn what_is_not_read_is_said_in_both_languages() {
        for why in Why::ALL {
            let said = not_read(why);
            assert_ne!(said.text(Language::Zh), said.text(Language::En), "{why:?}");
        }
    }
}
