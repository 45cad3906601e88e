//! What is wrong with questions and answers.

use super::Said;
use crate::booking::answers::Wrong;

/// Returns the sentence for what is wrong with a field.
#[must_use]
pub fn wrong_answer(wrong: &Wrong) -> Said {
    match wrong {
        Wrong::Missing => Said::fixed("必须填写", "must be filled in"),
        Wrong::NotAsked => Said::fixed("没有这个问题", "no such question"),
        Wrong::AskedLater => Said::fixed("使用之后才需回答", "asked after use"),
        Wrong::TooLong(most) => Said::new(
            format!("最多 {most} 个字符"),
            format!("at most {most} characters"),
        ),
        Wrong::NotText => Said::fixed("应为文字", "expected text"),
        Wrong::NotYesNo => Said::fixed("应为 true 或 false", "expected true or false"),
        Wrong::NotBetween(least, i64::MAX) => Said::new(
            format!("应为不小于 {least} 的整数"),
            format!("expected a whole number not below {least}"),
        ),
        Wrong::NotBetween(least, most) => Said::new(
            format!("应为 {least} 到 {most} 的整数"),
            format!("expected a whole number from {least} to {most}"),
        ),
        Wrong::NotAnOption(options) => Said::new(
            format!("应为其一：{}", options.join("、")),
            format!("expected one of {}", options.join(", ")),
        ),
        Wrong::NotAName => Said::fixed(
            "应以小写字母开头，只含小写字母、数字和下划线，最多 64 个",
            "expected a lower-case letter, then up to 63 lower-case letters, digits, underscores",
        ),
        Wrong::Repeated => Said::fixed("与前面的重复", "repeats an earlier one"),
        Wrong::NotSoMany(least, most) => Said::new(
            format!("应有 {least} 到 {most} 个"),
            format!("expected {least} to {most} of them"),
        ),
    }
}
