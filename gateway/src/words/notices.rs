//! What people are told: a sentence for each kind of notice.

use scheduler::slot::Slot;

use super::{Language, Seen, dated};
use crate::booking::record::NoticeKind;

/// What a notice is about.
#[derive(Debug, Clone, Copy)]
pub struct Told<'a> {
    /// About what.
    pub kind: NoticeKind,
    /// The instrument's name in the reader's language.
    pub instrument: &'a str,
    /// When it is about.
    pub slot: Option<Slot>,
    /// The instrument's zone, and when it is read: a year that is not the present one is named.
    pub seen: Seen,
    /// Words of whoever caused it; may be empty.
    pub words: &'a str,
}

/// Returns the sentence of a notice, such as `X-ray diffractometer, 24 Nov 09:00–11:00: your
/// booking was approved.`
#[must_use]
pub fn notice(told: &Told<'_>, language: Language) -> String {
    let Told {
        kind,
        instrument,
        slot,
        seen,
        words,
    } = *told;
    let (zh, en) = sentence(kind);
    let time = slot.map(|slot| when(slot, seen, language));
    let time = time.as_deref();
    match language {
        Language::Zh => {
            let time = time.map_or_else(String::new, |time| format!(" {time}"));
            let words = quoted(words, "“", "”");
            format!("{instrument}{time}：{zh}。{words}")
        }
        Language::En => {
            let time = time.map_or_else(String::new, |time| format!(", {time}"));
            let words = quoted(words, " \"", "\"");
            format!("{instrument}{time}: {en}.{words}")
        }
    }
}

fn quoted(words: &str, open: &str, close: &str) -> String {
    if words.is_empty() {
        String::new()
    } else {
        format!("{open}{words}{close}")
    }
}

/// Returns a slot such as `11月24日 09:00–11:00`; the day of the end only where it is another one, the
/// year only where it is not the present one.
fn when(slot: Slot, seen: Seen, language: Language) -> String {
    let start = dated(slot.start(), seen, language);
    let end = dated(slot.end(), seen, language);
    match (start.rsplit_once(' '), end.rsplit_once(' ')) {
        (Some((day, _)), Some((last, time))) if day == last => format!("{start}–{time}"),
        _ => format!("{start} – {end}"),
    }
}

fn sentence(kind: NoticeKind) -> (&'static str, &'static str) {
    match kind {
        NoticeKind::ApprovalAsked => ("有预约等待您审批", "a booking waits for your approval"),
        NoticeKind::BookedFor => ("有人为您预约了仪器", "somebody booked it for you"),
        NoticeKind::Approved => ("您的预约已获批准", "your booking was approved"),
        NoticeKind::Declined => ("您的预约未获批准", "your booking was declined"),
        NoticeKind::ApprovalExpired => (
            "无人在期限内审批，您的预约已失效",
            "nobody decided in time, so your booking ran out",
        ),
        NoticeKind::CancelledByLab => ("实验室取消了您的预约", "the lab cancelled your booking"),
        NoticeKind::MovedByLab => (
            "实验室调整了您的预约，以上为新的时间",
            "the lab moved your booking to this time",
        ),
        NoticeKind::AtRisk => (
            "仪器停机，您的预约可能无法进行",
            "an outage puts your booking at risk",
        ),
        NoticeKind::Overrun => (
            "前一位使用者尚未结束，您的开始时间可能推迟",
            "the one before you is still there; you may have to wait",
        ),
        NoticeKind::NoShow => (
            "无人到场，预约的剩余时间已释放",
            "nobody came, so the rest of your booking was released",
        ),
        NoticeKind::NoShowCleared => (
            "仪器数据表明您到场使用了，爽约记录已撤销，相关扣分一并取消",
            "the machine did run, so the no-show is taken back, with any points for it",
        ),
        NoticeKind::Unverified => (
            "没有数据表明是否使用，您的预约未能核实；不会因此扣分",
            "no data tell whether it was used, so your booking is not verified; it costs no points",
        ),
        NoticeKind::Released => (
            "使用已提前结束，预约的剩余时间已释放",
            "the work was done early, so the rest of your booking was released",
        ),
        NoticeKind::Offered => (
            "您候补的时段有空，请在期限内确认",
            "a slot you wait for is free: answer before the offer runs out",
        ),
        NoticeKind::Served => ("您候补的时段已为您预约", "what you waited for is yours"),
        NoticeKind::Transferred => ("一个预约已转给您", "a booking was handed over to you"),
        NoticeKind::ProblemReported => ("有人报告了问题", "somebody reported a problem"),
        NoticeKind::ProblemClosed => ("您报告的问题已处理", "your problem was dealt with"),
        NoticeKind::AppealLodged => ("有人对扣分提出申诉", "somebody appeals against points"),
        NoticeKind::AppealDecided => ("您的申诉已有结果", "your appeal was decided"),
        NoticeKind::UnbookedRun => (
            "仪器在没有预约时运行，请认领或说明",
            "it ran without a booking: settle whose use it was",
        ),
        NoticeKind::DeclaredUse => (
            "有补录的使用等待您确认",
            "use entered by hand waits for your decision",
        ),
        NoticeKind::MachineFault => (
            "仪器持续报告故障，已自动停机",
            "it keeps reporting a fault and is out of use",
        ),
        NoticeKind::FaultGone => (
            "仪器已不再报告故障，请确认并结束停机",
            "it reports no fault any more: check it and end the outage",
        ),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use chrono_tz::Tz;
    use scheduler::time::{DAY_US, HOUR_US, Micros};

    use super::*;

    const MIDNIGHT: i64 = 1_795_449_600_000_000;

    fn told(kind: NoticeKind, hours: Option<(i64, i64)>, words: &str) -> [String; 2] {
        told_at(MIDNIGHT, kind, hours, words)
    }

    fn told_at(now: i64, kind: NoticeKind, hours: Option<(i64, i64)>, words: &str) -> [String; 2] {
        let at = |hour| Micros::new(MIDNIGHT + hour * HOUR_US);
        let slot = hours.and_then(|(from, to)| Slot::new(at(from), at(to)));
        [(Language::Zh, "衍射仪"), (Language::En, "Diffractometer")].map(
            |(language, instrument)| {
                let seen = Seen {
                    now: Micros::new(now),
                    zone: Tz::Asia__Shanghai,
                };
                let told = Told {
                    kind,
                    instrument,
                    slot,
                    seen,
                    words,
                };
                notice(&told, language)
            },
        )
    }

    #[test]
    fn a_notice_names_instrument_time_and_words() {
        let [zh, en] = told(NoticeKind::Approved, Some((9, 11)), "");
        assert_eq!(zh, "衍射仪 11月24日 09:00–11:00：您的预约已获批准。");
        assert_eq!(
            en,
            "Diffractometer, 24 Nov 09:00–11:00: your booking was approved."
        );
        let [zh, en] = told(NoticeKind::Declined, Some((20, 32)), "lamp");
        assert_eq!(
            zh,
            "衍射仪 11月24日 20:00 – 11月25日 08:00：您的预约未获批准。“lamp”"
        );
        assert_eq!(
            en,
            "Diffractometer, 24 Nov 20:00 – 25 Nov 08:00: your booking was declined. \"lamp\""
        );
        // From the next year on it is told which year that was.
        let later = MIDNIGHT + 60 * DAY_US;
        let [zh, en] = told_at(later, NoticeKind::Approved, Some((9, 11)), "");
        assert_eq!(zh, "衍射仪 2026年11月24日 09:00–11:00：您的预约已获批准。");
        assert_eq!(
            en,
            "Diffractometer, 24 Nov 2026 09:00–11:00: your booking was approved."
        );
        let [zh, en] = told(NoticeKind::ProblemClosed, None, "");
        assert_eq!(zh, "衍射仪：您报告的问题已处理。");
        assert_eq!(en, "Diffractometer: your problem was dealt with.");
    }

    #[test]
    fn every_kind_has_a_sentence_of_its_own() {
        let all = NoticeKind::ALL;
        let said: BTreeSet<_> = all.iter().map(|kind| told(*kind, None, "")).collect();
        assert_eq!(said.len(), all.len());
    }
}
