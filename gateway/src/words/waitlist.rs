//! Why a hold, an offer, a wish or a series cannot be had as asked.

use scheduler::recurrence::RecurrenceFault;
use scheduler::waitlist::{OfferState, WrongOffer};

use super::Said;
use crate::booking::record::WaitState;

/// A cancellation that cannot be taken back any more.
pub const TOO_LATE_TO_RESTORE: Said = Said::fixed(
    "撤销时限已过，或该预约不是您自己取消的",
    "The time to take the cancellation back is over, or it was not yours",
);

/// A cancellation that somebody else wants to take back.
pub const RESTORED_BY_OWNER: Said = Said::fixed(
    "只有自己取消预约的本人可以撤销取消",
    "Only a member who gave up an own booking may take that back",
);

/// As many wishes wait as may.
pub const TOO_MANY_WISHES: Said = Said::fixed(
    "您的候补已达上限，请先撤回一些",
    "As many of your wishes wait as may; take some back first",
);

/// A window in which nothing can begin any more.
pub const WINDOW_OVER: Said = Said::fixed(
    "该时间范围内已不能再开始使用",
    "Nothing can begin within this window any more",
);

/// A wish to which nothing was offered.
pub const NOTHING_OFFERED: Said = Said::fixed("还没有邀约", "Nothing was offered yet");

/// Returns what stands against the answer to an offer.
#[must_use]
pub fn wrong_offer(wrong: WrongOffer) -> Said {
    match wrong {
        WrongOffer::Is(OfferState::Open) => Said::fixed("邀约有效", "The offer stands"),
        WrongOffer::Is(OfferState::Taken) => Said::fixed("邀约已接受", "The offer was taken"),
        WrongOffer::Is(OfferState::Declined) => Said::fixed("邀约已谢绝", "The offer was declined"),
        WrongOffer::Is(OfferState::Expired) | WrongOffer::IsOver => {
            Said::fixed("邀约已过期", "The offer has run out")
        }
        WrongOffer::TooEarly => Said::fixed("邀约尚未过期", "The offer still has time"),
    }
}

/// Returns why a wish cannot be taken back.
#[must_use]
pub fn not_waiting(state: WaitState) -> Said {
    match state {
        WaitState::Waiting => Said::fixed("候补中", "It waits"),
        WaitState::Served => Said::fixed("候补已转为预约", "The wish was booked"),
        WaitState::Withdrawn => Said::fixed("候补已撤回", "The wish was taken back"),
        WaitState::Over => Said::fixed("候补已过期", "The time of the wish is over"),
    }
}

/// Returns what is wrong with a recurrence rule.
#[must_use]
pub fn recurrence(fault: &RecurrenceFault) -> Said {
    let RecurrenceFault { part, expected } = fault;
    let known = RECURRENCE.iter().find(|(en, _)| en == expected);
    let zh = known.map_or("无法理解", |(_, zh)| *zh);
    Said::new(format!("{part}：{zh}"), format!("{part}: {expected}"))
}

/// What the reader of rules expects, English and Chinese.
const RECURRENCE: [(&str, &str); 15] = [
    ("expected at most 8192 bytes", "最长 8192 字节"),
    (
        "expected parts like FREQ=WEEKLY with ; between",
        "应为 FREQ=WEEKLY 这样的部分，以 ; 分隔",
    ),
    ("expected at most 400 times", "最多 400 个时间"),
    (
        "expected DAILY, WEEKLY or MONTHLY",
        "应为 DAILY、WEEKLY 或 MONTHLY",
    ),
    ("expected 1 to 1000", "应为 1 到 1000"),
    ("expected 1 to 9999", "应为 1 到 9999"),
    (
        "expected a time in UTC like 20261231T155959Z, or a date",
        "应为 20261231T155959Z 这样的 UTC 时间，或日期",
    ),
    (
        "expected days like MO,FR, or in months 2TU (1 to 5, -1 to -5)",
        "应为 MO,FR 这样的星期，按月重复时可为 2TU（1 到 5，-1 到 -5）",
    ),
    ("expected 1 to 31 or -1 to -31", "应为 1 到 31 或 -1 到 -31"),
    ("expected a day like MO", "应为 MO 这样的星期"),
    ("expected, it is missing", "缺少此部分"),
    (
        "numbers go with FREQ=MONTHLY only",
        "序数只能用于 FREQ=MONTHLY",
    ),
    (
        "does not go with FREQ=WEEKLY",
        "不能与 FREQ=WEEKLY 同时使用",
    ),
    ("does not go with COUNT", "不能与 COUNT 同时使用"),
    (
        "expected times like 20261130T010000Z, 20261130T090000, or dates",
        "应为 20261130T010000Z、20261130T090000 这样的时间，或日期",
    ),
];

#[cfg(test)]
mod tests {
    use scheduler::recurrence::Recurrence;

    use super::*;
    use crate::words::Language;

    #[test]
    fn faults_of_rules_are_said_in_chinese() {
        for (text, zh) in [
            ("FREQ=YEARLY", "FREQ：应为 DAILY、WEEKLY 或 MONTHLY"),
            ("COUNT=3", "FREQ：缺少此部分"),
            ("FREQ=DAILY;COUNT=0", "COUNT：应为 1 到 9999"),
            (
                "FREQ=DAILY;COUNT=1;UNTIL=20261231",
                "UNTIL：不能与 COUNT 同时使用",
            ),
            ("FREQ=WEEKLY;BYDAY=2TU", "BYDAY：序数只能用于 FREQ=MONTHLY"),
        ] {
            let fault = Recurrence::parse(text).unwrap_err();
            assert_eq!(recurrence(&fault).text(Language::Zh), zh);
        }
    }
}
