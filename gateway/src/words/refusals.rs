//! Why a wish is refused, in sentences.

mod of_another;

use chrono::{DateTime, Timelike};
use scheduler::class::CallerClass;
use scheduler::qualification::Lack;
use scheduler::quota::{Party, Period};
use scheduler::refusal::{Figure, Refusal, RuleId};
use scheduler::time::Micros;

use super::{Language, Seen, dated, length};

pub use of_another::refusal_of_another;

/// Returns the sentence for a refusal, with its figures, in the instrument's zone.
#[must_use]
pub fn refusal(refusal: &Refusal, seen: Seen, language: Language) -> String {
    let limit = figure(&refusal.limit, seen, language);
    let actual = figure(&refusal.actual, seen, language);
    match language {
        Language::Zh => chinese(refusal, &limit, &actual, seen),
        Language::En => english(refusal, &limit, &actual, seen),
    }
}

fn chinese(refusal: &Refusal, limit: &str, actual: &str, seen: Seen) -> String {
    let from = from(refusal, seen, Language::Zh);
    match refusal.rule {
        RuleId::Past => format!("开始时间 {actual} 已过"),
        RuleId::OpeningHours if is_closed_all_day(refusal) => "当天不开放".to_owned(),
        RuleId::OpeningHours => format!("不在开放时间内；附近的开放时间：{limit}"),
        RuleId::Blocks if is_closed_all_day(refusal) => "当天没有可预约的时段".to_owned(),
        RuleId::Blocks => format!("须预约完整时段；当天的时段：{limit}"),
        RuleId::Alignment => format!("开始和结束须对齐到 {limit}"),
        RuleId::Shortest => format!("最短 {limit}，您选择了 {actual}"),
        RuleId::Longest => format!("最长 {limit}，您选择了 {actual}"),
        RuleId::Horizon => format!("最多提前 {limit}预约{from}"),
        RuleId::NotBookable => "这台仪器不在此预约".to_owned(),
        RuleId::NotPermitted => "您不能预约这台仪器".to_owned(),
        RuleId::WhoMayBook => format!("只对{limit}开放，您属于{actual}"),
        RuleId::NoticeToBook => format!("须至少提前 {limit}预约，您提前了 {actual}{from}"),
        RuleId::NoticeToMove => format!("须在开始前至少 {limit}改期，现在距开始 {actual}"),
        RuleId::NoticeToCancel => format!("须在开始前至少 {limit}取消，现在距开始 {actual}"),
        RuleId::MinimumGap => {
            format!("您在这台仪器上的预约须间隔至少 {limit}，这次间隔 {actual}{from}")
        }
        RuleId::PerDay => format!("每天最多 {limit} 次预约，这将是第 {actual} 次{from}"),
        RuleId::FutureCount => {
            format!("未开始的预约最多 {limit} 个，这将是第 {actual} 个{from}")
        }
        RuleId::FutureHours => {
            format!("未开始的预约合计最多 {limit}，加上这次为 {actual}{from}")
        }
        RuleId::Qualification => format!("需要资质 {limit}：{actual}"),
        RuleId::Quota => format!("机时额度为{limit}，加上这次为 {actual}{from}"),
        RuleId::Points => format!("您有 {actual} 分违约记分，满 {limit} 分暂停预约{from}"),
        RuleId::HoldLimit => format!("最多同时占位 {limit} 个，这将是第 {actual} 个{from}"),
        RuleId::ProjectClosed if limit.is_empty() => "课题不存在或已关闭".to_owned(),
        RuleId::ProjectClosed => format!("课题的执行期为 {limit}{from}"),
        RuleId::ProjectMember => "您不在这个课题中".to_owned(),
        RuleId::ProjectBudget => format!("课题的机时预算为 {limit}，加上这次为 {actual}"),
    }
}

fn english(refusal: &Refusal, limit: &str, actual: &str, seen: Seen) -> String {
    let from = from(refusal, seen, Language::En);
    match refusal.rule {
        RuleId::Past => format!("The start, {actual}, has passed"),
        RuleId::OpeningHours if is_closed_all_day(refusal) => "Closed that day".to_owned(),
        RuleId::OpeningHours => format!("Outside opening hours; open nearby: {limit}"),
        RuleId::Blocks if is_closed_all_day(refusal) => "No blocks that day".to_owned(),
        RuleId::Blocks => format!("Book whole blocks; those of the day: {limit}"),
        RuleId::Alignment => format!("Start and end must lie on a grid of {limit}"),
        RuleId::Shortest => format!("At least {limit}; you chose {actual}"),
        RuleId::Longest => format!("At most {limit}; you chose {actual}"),
        RuleId::Horizon => format!("At most {limit} ahead{from}"),
        RuleId::NotBookable => "This instrument is not booked here".to_owned(),
        RuleId::NotPermitted => "You may not book this instrument".to_owned(),
        RuleId::WhoMayBook => format!("Open to {limit} only; you count among {actual}"),
        RuleId::NoticeToBook => format!("Book at least {limit} ahead; this is {actual}{from}"),
        RuleId::NoticeToMove => {
            format!("Move it at least {limit} before it begins; that is in {actual}")
        }
        RuleId::NoticeToCancel => {
            format!("Cancel it at least {limit} before it begins; that is in {actual}")
        }
        RuleId::MinimumGap => {
            format!("Leave at least {limit} between your bookings here; this leaves {actual}{from}")
        }
        RuleId::PerDay => {
            format!("At most {limit} bookings a day; this would be number {actual}{from}")
        }
        RuleId::FutureCount => {
            format!("At most {limit} bookings ahead; this would be number {actual}{from}")
        }
        RuleId::FutureHours => {
            format!("At most {limit} ahead in all; with this it is {actual}{from}")
        }
        RuleId::Qualification => format!("Needs the qualification {limit}: {actual}"),
        RuleId::Quota => format!("The quota is {limit}; with this it is {actual}{from}"),
        RuleId::Points => format!("You have {actual} points; {limit} stop new bookings{from}"),
        RuleId::HoldLimit => {
            format!("At most {limit} slots kept at once; this would be number {actual}{from}")
        }
        RuleId::ProjectClosed if limit.is_empty() => {
            "There is no such project, or it is closed".to_owned()
        }
        RuleId::ProjectClosed => format!("The project runs {limit}{from}"),
        RuleId::ProjectMember => "You do not work on this project".to_owned(),
        RuleId::ProjectBudget => {
            format!("The project may use {limit}; with this it is {actual}")
        }
    }
}

/// Returns from when it would pass, to follow the rest of the sentence.
fn from(refusal: &Refusal, seen: Seen, language: Language) -> String {
    let Some(at) = refusal.passes_at else {
        return String::new();
    };
    let at = dated(at, seen, language);
    match language {
        Language::Zh => format!("，{at} 起可预约"),
        Language::En => format!("; open from {at}"),
    }
}

fn is_closed_all_day(refusal: &Refusal) -> bool {
    matches!(&refusal.limit, Figure::Open(open) if open.is_empty())
}

fn figure(figure: &Figure, seen: Seen, language: Language) -> String {
    match figure {
        Figure::Span(span) => length(*span, language),
        Figure::Time(at) => dated(*at, seen, language),
        Figure::Slot(slot) => range(slot.start(), slot.end(), seen, language),
        Figure::Open(open) => {
            let ranges = open.iter();
            joined(
                ranges.map(|slot| range(slot.start(), slot.end(), seen, language)),
                language,
            )
        }
        Figure::Count(count) => count.to_string(),
        Figure::Classes(classes) => {
            let classes = classes.classes().into_iter();
            joined(classes.map(|one| class(one, language).to_owned()), language)
        }
        Figure::Qualification(name) => name.as_str().to_owned(),
        Figure::Lack(lack) => lacking(*lack, seen, language),
        Figure::Quota { per, period, span } => {
            let (per, period) = (party(*per, language), every(*period, language));
            let span = length(*span, language);
            match language {
                Language::Zh => format!("{per}{period} {span}"),
                Language::En => format!("{span} {period} {per}"),
            }
        }
        Figure::None => String::new(),
    }
}

fn joined(parts: impl Iterator<Item = String>, language: Language) -> String {
    let separator = match language {
        Language::Zh => "、",
        Language::En => ", ",
    };
    parts.collect::<Vec<_>>().join(separator)
}

fn class(class: CallerClass, language: Language) -> &'static str {
    match (class, language) {
        (CallerClass::Internal, Language::Zh) => "本单位用户",
        (CallerClass::Internal, Language::En) => "members of its own institution",
        (CallerClass::Region, Language::Zh) => "区域内其他单位用户",
        (CallerClass::Region, Language::En) => "members of other institutions",
        (CallerClass::Enterprise, Language::Zh) => "企业用户",
        (CallerClass::Enterprise, Language::En) => "enterprises",
    }
}

fn lacking(lack: Lack, seen: Seen, language: Language) -> String {
    let at = |at| dated(at, seen, language);
    match (lack, language) {
        (Lack::Missing, Language::Zh) => "您还没有".to_owned(),
        (Lack::Missing, Language::En) => "you do not have it".to_owned(),
        (Lack::NotYet(since), Language::Zh) => format!("您的资质自 {} 起有效", at(since)),
        (Lack::NotYet(since), Language::En) => format!("yours holds from {}", at(since)),
        (Lack::Expires(end), Language::Zh) => format!("您的资质于 {} 到期", at(end)),
        (Lack::Expires(end), Language::En) => format!("yours expires {}", at(end)),
        (Lack::Disused(last), Language::Zh) => format!("上次使用是 {}，间隔过久", at(last)),
        (Lack::Disused(last), Language::En) => format!("last used {}, too long ago", at(last)),
    }
}

fn party(party: Party, language: Language) -> &'static str {
    match (party, language) {
        (Party::Member, Language::Zh) => "每人",
        (Party::Member, Language::En) => "per member",
        (Party::Project, Language::Zh) => "每个课题",
        (Party::Project, Language::En) => "per project",
        (Party::Lab, Language::Zh) => "每个实验室",
        (Party::Lab, Language::En) => "per lab",
        (Party::Institution, Language::Zh) => "每个单位",
        (Party::Institution, Language::En) => "per institution",
    }
}

fn every(period: Period, language: Language) -> &'static str {
    match (period, language) {
        (Period::Day, Language::Zh) => "每天",
        (Period::Day, Language::En) => "a day",
        (Period::Week, Language::Zh) => "每周",
        (Period::Week, Language::En) => "a week",
        (Period::Month, Language::Zh) => "每月",
        (Period::Month, Language::En) => "a month",
        (Period::Year, Language::Zh) => "每年",
        (Period::Year, Language::En) => "a year",
    }
}

/// Returns `11月24日 08:00 至 22:00`, with a date at the end only where it is another day; an end at
/// midnight is 24:00.
fn range(start: Micros, end: Micros, seen: Seen, language: Language) -> String {
    let civil = |at: Micros| {
        DateTime::from_timestamp_micros(at.get())
            .map(|at| at.with_timezone(&seen.zone).naive_local())
    };
    let last = Micros::new(end.get().saturating_sub(1));
    let same_day = civil(start).map(|at| at.date()) == civil(last).map(|at| at.date());
    let until = match civil(end) {
        Some(at) if same_day && at.hour() == 0 && at.minute() == 0 => "24:00".to_owned(),
        Some(at) if same_day => format!("{:02}:{:02}", at.hour(), at.minute()),
        _ => dated(end, seen, language),
    };
    let start = dated(start, seen, language);
    match language {
        Language::Zh => format!("{start} 至 {until}"),
        Language::En => format!("{start} to {until}"),
    }
}

#[cfg(test)]
mod tests;
