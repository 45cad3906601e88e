//! Why a wish is refused, in sentences.

use chrono::{DateTime, Timelike};
use chrono_tz::Tz;
use scheduler::refusal::{Figure, Refusal, RuleId};
use scheduler::time::Micros;

use super::{Language, civil_time, length};

/// Returns the sentence for a refusal, with its figures, in the instrument's zone.
#[must_use]
pub fn refusal(refusal: &Refusal, zone: Tz, language: Language) -> String {
    let limit = figure(&refusal.limit, zone, language);
    let actual = figure(&refusal.actual, zone, language);
    match language {
        Language::Zh => chinese(refusal, &limit, &actual, zone),
        Language::En => english(refusal, &limit, &actual, zone),
    }
}

fn chinese(refusal: &Refusal, limit: &str, actual: &str, zone: Tz) -> String {
    match refusal.rule {
        RuleId::Past => format!("开始时间 {actual} 已过"),
        RuleId::OpeningHours if is_closed_all_day(refusal) => "当天不开放".to_owned(),
        RuleId::OpeningHours => format!("不在开放时间内；附近的开放时间：{limit}"),
        RuleId::Blocks if is_closed_all_day(refusal) => "当天没有可预约的时段".to_owned(),
        RuleId::Blocks => format!("须预约完整时段；当天的时段：{limit}"),
        RuleId::Alignment => format!("开始和结束须对齐到 {limit}"),
        RuleId::Shortest => format!("最短 {limit}，您选择了 {actual}"),
        RuleId::Longest => format!("最长 {limit}，您选择了 {actual}"),
        RuleId::Horizon => {
            let opens = refusal
                .passes_at
                .map(|at| format!("，{} 起可预约", civil_time(at, zone, Language::Zh)));
            format!("最多提前 {limit}预约{}", opens.unwrap_or_default())
        }
        RuleId::NotBookable => "这台仪器不在此预约".to_owned(),
        RuleId::NotPermitted => "您不能预约这台仪器".to_owned(),
    }
}

fn english(refusal: &Refusal, limit: &str, actual: &str, zone: Tz) -> String {
    match refusal.rule {
        RuleId::Past => format!("The start, {actual}, has passed"),
        RuleId::OpeningHours if is_closed_all_day(refusal) => "Closed that day".to_owned(),
        RuleId::OpeningHours => format!("Outside opening hours; open nearby: {limit}"),
        RuleId::Blocks if is_closed_all_day(refusal) => "No blocks that day".to_owned(),
        RuleId::Blocks => format!("Book whole blocks; those of the day: {limit}"),
        RuleId::Alignment => format!("Start and end must lie on a grid of {limit}"),
        RuleId::Shortest => format!("At least {limit}; you chose {actual}"),
        RuleId::Longest => format!("At most {limit}; you chose {actual}"),
        RuleId::Horizon => {
            let opens = refusal
                .passes_at
                .map(|at| format!("; open from {}", civil_time(at, zone, Language::En)));
            format!("At most {limit} ahead{}", opens.unwrap_or_default())
        }
        RuleId::NotBookable => "This instrument is not booked here".to_owned(),
        RuleId::NotPermitted => "You may not book this instrument".to_owned(),
    }
}

fn is_closed_all_day(refusal: &Refusal) -> bool {
    matches!(&refusal.limit, Figure::Open(open) if open.is_empty())
}

fn figure(figure: &Figure, zone: Tz, language: Language) -> String {
    match figure {
        Figure::Span(span) => length(*span, language),
        Figure::Time(at) => civil_time(*at, zone, language),
        Figure::Slot(slot) => range(slot.start(), slot.end(), zone, language),
        Figure::Open(open) => {
            let ranges = open
                .iter()
                .map(|slot| range(slot.start(), slot.end(), zone, language));
            let separator = match language {
                Language::Zh => "、",
                Language::En => ", ",
            };
            ranges.collect::<Vec<_>>().join(separator)
        }
        Figure::None => String::new(),
    }
}

/// Returns `11月24日 08:00 至 22:00`, with a date at the end only where it is another day; an end at
/// midnight is 24:00.
fn range(start: Micros, end: Micros, zone: Tz, language: Language) -> String {
    let civil = |at: Micros| {
        DateTime::from_timestamp_micros(at.get()).map(|at| at.with_timezone(&zone).naive_local())
    };
    let last = Micros::new(end.get().saturating_sub(1));
    let same_day = civil(start).map(|at| at.date()) == civil(last).map(|at| at.date());
    let until = match civil(end) {
        Some(at) if same_day && at.hour() == 0 && at.minute() == 0 => "24:00".to_owned(),
        Some(at) if same_day => format!("{:02}:{:02}", at.hour(), at.minute()),
        _ => civil_time(end, zone, language),
    };
    let start = civil_time(start, zone, language);
    match language {
        Language::Zh => format!("{start} 至 {until}"),
        Language::En => format!("{start} to {until}"),
    }
}

#[cfg(test)]
mod tests {
    use scheduler::slot::Slot;
    use scheduler::time::{DAY_US, HOUR_US, Span};

    use super::*;

    /// 2026-11-24T00:00:00+08:00.
    const MIDNIGHT: i64 = 1_795_449_600_000_000;

    fn slot(from: i64, to: i64) -> Slot {
        let at = |offset| Micros::new(MIDNIGHT + offset);
        Slot::new(at(from), at(to)).unwrap()
    }

    #[track_caller]
    fn check(rule: RuleId, limit: Figure, actual: Figure, zh: &str, en: &str) {
        let refused = Refusal {
            rule,
            limit,
            actual,
            passes_at: (rule == RuleId::Horizon).then_some(Micros::new(MIDNIGHT)),
            override_by: &[],
        };
        assert_eq!(refusal(&refused, Tz::Asia__Shanghai, Language::Zh), zh);
        assert_eq!(refusal(&refused, Tz::Asia__Shanghai, Language::En), en);
    }

    #[test]
    fn every_refusal_says_its_figures() {
        let hours = |hours: i64| Figure::Span(Span::new(hours * HOUR_US).unwrap());
        let (zh, en) = ("最长 8 小时，您选择了 9 小时", "At most 8 h; you chose 9 h");
        check(RuleId::Longest, hours(8), hours(9), zh, en);
        let (zh, en) = (
            "最短 2 小时，您选择了 1 小时",
            "At least 2 h; you chose 1 h",
        );
        check(RuleId::Shortest, hours(2), hours(1), zh, en);
        check(
            RuleId::OpeningHours,
            Figure::Open(vec![slot(8 * HOUR_US, 24 * HOUR_US)]),
            Figure::Slot(slot(0, HOUR_US)),
            "不在开放时间内；附近的开放时间：11月24日 08:00 至 24:00",
            "Outside opening hours; open nearby: 24 Nov 08:00 to 24:00",
        );
        let closed = Figure::Open(Vec::new());
        check(
            RuleId::OpeningHours,
            closed,
            Figure::None,
            "当天不开放",
            "Closed that day",
        );
        check(
            RuleId::Blocks,
            Figure::Open(vec![
                slot(8 * HOUR_US, 12 * HOUR_US),
                slot(18 * HOUR_US, 32 * HOUR_US),
            ]),
            Figure::Slot(slot(0, HOUR_US)),
            "须预约完整时段；当天的时段：11月24日 08:00 至 12:00、11月24日 18:00 至 11月25日 08:00",
            "Book whole blocks; those of the day: 24 Nov 08:00 to 12:00, 24 Nov 18:00 to 25 Nov 08:00",
        );
        check(
            RuleId::Blocks,
            Figure::Open(Vec::new()),
            Figure::None,
            "当天没有可预约的时段",
            "No blocks that day",
        );
        check(
            RuleId::Horizon,
            hours(14 * 24),
            Figure::Time(Micros::new(MIDNIGHT + 15 * DAY_US)),
            "最多提前 14 天预约，11月24日 00:00 起可预约",
            "At most 14 d ahead; open from 24 Nov 00:00",
        );
        let past = Figure::Time(Micros::new(MIDNIGHT));
        let (zh, en) = (
            "开始时间 11月24日 00:00 已过",
            "The start, 24 Nov 00:00, has passed",
        );
        check(RuleId::Past, Figure::None, past, zh, en);
        let (zh, en) = (
            "开始和结束须对齐到 1 小时",
            "Start and end must lie on a grid of 1 h",
        );
        check(RuleId::Alignment, hours(1), Figure::None, zh, en);
        let (zh, en) = ("这台仪器不在此预约", "This instrument is not booked here");
        check(RuleId::NotBookable, Figure::None, Figure::None, zh, en);
        let (zh, en) = ("您不能预约这台仪器", "You may not book this instrument");
        check(RuleId::NotPermitted, Figure::None, Figure::None, zh, en);
    }
}
