//! What fields have to be: messages of our own types, English and Chinese, beside
//! [`super::KNOWN`].

/// Messages, English and Chinese.
pub(super) const EXPECTATIONS: &[(&str, &str)] = &[
    ("the body could not be read", "请求体读取失败，请重试"),
    (
        "must not contain control characters",
        "不能含有控制字符（换行和制表符只允许出现在多行文本中）",
    ),
    (
        "must not contain invisible characters",
        "不能含有不可见字符或改变书写方向的字符",
    ),
    (
        "expected `me` or a member's id",
        "应为 `me` 或用户的数字编号",
    ),
    ("no state of a booking", "没有这种预约状态"),
    ("expected a finite number", "应为有限的数值"),
    (
        "must not be above running_above",
        "不能大于 `running_above`",
    ),
    (
        "must not be above running_below",
        "不能大于 `running_below`",
    ),
    ("expected at most PT1H", "最长为 `PT1H`"),
    (
        "the gateway's configuration permits no Modbus network",
        "网关配置未允许任何 Modbus 网段，请联系管理员",
    ),
    (
        "the gateway's configuration does not permit this network",
        "网关配置不允许访问这个网段",
    ),
    ("no such device profile", "没有这个设备档案"),
    ("expected host:port", "应为 `主机:端口`"),
    ("expected PT0.1S to PT1H", "应为 `PT0.1S` 到 `PT1H`"),
    ("expected PT0.01S to PT1M", "应为 `PT0.01S` 到 `PT1M`"),
    (
        "the gateway's own agent needs `modbus`",
        "网关自带的采集代理需要填写 `modbus`",
    ),
    (
        "expected null: the gateway polls by an agent of its own",
        "应为 null：由网关自带的采集代理采集",
    ),
    (
        "the gateway polls at most 512 instruments of a lab",
        "网关最多为一个实验室采集 512 台仪器",
    ),
    ("expected PT1S to PT24H", "应为 `PT1S` 到 `PT24H`"),
    ("expected at least PT0.001S", "最短为 `PT0.001S`"),
    ("expected six digits", "应为六位数字"),
    (
        "expected a lower-case word",
        "应为一个不含空格和大写字母的词",
    ),
    ("too short: at most 1,500 cells", "步长过短：最多 1,500 格"),
    ("expected a day as 2026-12-24", "应为日期，例如 2026-12-24"),
    ("must not be before the first day", "不能早于第一天"),
    (
        "expected weekdays 1 to 7 and times with the end at most 48:00",
        "应为 1 到 7 的星期和时刻，结束最晚为 48:00",
    ),
    ("at most ten years after the start", "最多在开始之后十年"),
    (
        "must not lie more than 366 days back",
        "不能早于 366 天之前",
    ),
    ("must lie in the future", "必须晚于现在"),
    ("must not be before `from`", "不能早于 `from`"),
    (
        "expected a version in quotes, such as \"3\", or *",
        "应为带引号的版本号，例如 \"3\"，或 *",
    ),
    (
        "this name is the gateway's own: choose another one",
        "此名称由系统保留，请换一个",
    ),
    (
        "longer than the longest booking: none would be allowed",
        "大于最长时长：任何预约都不会被允许",
    ),
    (
        "the same kind of rule with the same mode and classes is there twice",
        "同类规则（模式和适用对象相同）重复出现",
    ),
    ("no such instrument in this lab", "该实验室没有这台仪器"),
    (
        "expected at most 500 instruments, each once",
        "最多 500 台仪器，且不能重复",
    ),
    // State rules.
    ("no such version", "没有这个版本"),
    (
        "does not belong to this kind of rule",
        "这种规则没有这个字段",
    ),
    ("this kind of rule needs it", "这种规则必须给出此字段"),
    (
        "only together with standby_above",
        "只能与 `standby_above` 一起给出",
    ),
    (
        "must not be above standby_above",
        "不能大于 `standby_above`",
    ),
    ("must not be above enter", "不能大于 `enter`"),
    ("must not be below enter", "不能小于 `enter`"),
    ("must not be below from", "不能小于 `from`"),
    ("expected 1 to 64 entries", "应为 1 到 64 项"),
    ("expected 1 to 64 values", "应为 1 到 64 个值"),
    ("expected 1 to 16 cases", "应为 1 到 16 种情况"),
    ("expected 1 to 16 conditions", "应为 1 到 16 个条件"),
    ("a value has one meaning only", "一个值只能有一种含义"),
    ("at most 8 alarms", "最多 8 个报警"),
    (
        "at most 16 channels in one rule",
        "一条规则最多涉及 16 个通道",
    ),
    (
        "at most 128 comparisons in one rule",
        "一条规则最多 128 个比较条件",
    ),
    ("conditions nest at most 4 deep", "条件最多嵌套 4 层"),
    (
        "expected places of bits from 0 to 52",
        "应为 0 到 52 的位序号，至少一个",
    ),
    ("expected at most PT24H", "最长为 `PT24H`"),
    ("expected at most P7D", "最长为 `P7D`"),
    ("expected PT10M to P30D", "应为 `PT10M` 到 `P30D`"),
    ("at most 7 days after the start", "最多在开始之后 7 天"),
    ("expected 1 to 14 days", "应为 1 到 14 天"),
    ("must not lie in the future", "不能晚于现在"),
    ("must not lie before what is kept", "原始读数已不再保留"),
    // Names that travel, as `wire` says what they have to be.
    (
        "1 to 64 of A-Z a-z 0-9 . _ -, beginning with a letter or digit",
        "应为 1 到 64 个字符，只含 `A-Z`、`a-z`、`0-9`、`.`、`_`、`-`，以字母或数字开头",
    ),
    (
        "1 to 64 of a-z 0-9 -, beginning with a letter or digit",
        "应为 1 到 64 个字符，只含 `a-z`、`0-9`、`-`，以字母或数字开头",
    ),
    (
        "1 to 48 of a-z 0-9 _, beginning with a letter",
        "应为 1 到 48 个字符，只含 `a-z`、`0-9`、`_`，以字母开头",
    ),
];
