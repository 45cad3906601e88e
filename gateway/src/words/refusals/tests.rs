//! One sentence of every rule in both languages, with its figures.

use std::collections::BTreeSet;

use chrono_tz::Tz;
use scheduler::class::ClassSet;
use scheduler::qualification::QualificationName;
use scheduler::slot::Slot;
use scheduler::time::{DAY_US, HOUR_US, Span};

use super::*;

/// 2026-11-24T00:00:00+08:00.
const MIDNIGHT: i64 = 1_795_449_600_000_000;

/// Rule, limit, actual, whether it passes at midnight, and the sentences.
type Row = (RuleId, Figure, Figure, bool, &'static str, &'static str);

fn at(offset: i64) -> Micros {
    Micros::new(MIDNIGHT + offset)
}

fn slot(from: i64, to: i64) -> Figure {
    Figure::Slot(Slot::new(at(from * HOUR_US), at(to * HOUR_US)).unwrap())
}

fn hours(hours: i64) -> Figure {
    Figure::Span(Span::new(hours * HOUR_US).unwrap())
}

fn open(from: i64, to: i64) -> Figure {
    Figure::Open(vec![
        Slot::new(at(from * HOUR_US), at(to * HOUR_US)).unwrap(),
    ])
}

fn flat(rule: RuleId, zh: &'static str, en: &'static str) -> Row {
    (rule, Figure::None, Figure::None, false, zh, en)
}

#[expect(clippy::too_many_lines, reason = "a table")]
fn about_the_slot() -> Vec<Row> {
    vec![
        (
            RuleId::Longest,
            hours(8),
            hours(9),
            false,
            "最长 8 小时，您选择了 9 小时",
            "At most 8 h; you chose 9 h",
        ),
        (
            RuleId::Shortest,
            hours(2),
            hours(1),
            false,
            "最短 2 小时，您选择了 1 小时",
            "At least 2 h; you chose 1 h",
        ),
        (
            RuleId::OpeningHours,
            open(8, 24),
            slot(0, 1),
            true,
            "不在开放时间内；附近的开放时间：11月24日 08:00 至 24:00",
            "Outside opening hours; open nearby: 24 Nov 08:00 to 24:00",
        ),
        (
            RuleId::OpeningHours,
            Figure::Open(Vec::new()),
            slot(0, 1),
            false,
            "当天不开放",
            "Closed that day",
        ),
        (
            RuleId::Blocks,
            open(8, 12),
            slot(0, 1),
            true,
            "须预约完整时段；当天的时段：11月24日 08:00 至 12:00",
            "Book whole blocks; those of the day: 24 Nov 08:00 to 12:00",
        ),
        (
            RuleId::Blocks,
            Figure::Open(Vec::new()),
            slot(0, 1),
            false,
            "当天没有可预约的时段",
            "No blocks that day",
        ),
        (
            RuleId::Horizon,
            hours(14 * 24),
            Figure::Time(at(15 * DAY_US)),
            true,
            "最多提前 14 天预约，11月24日 00:00 起可预约",
            "At most 14 d ahead; open from 24 Nov 00:00",
        ),
        (
            RuleId::Past,
            Figure::None,
            Figure::Time(at(0)),
            true,
            "开始时间 11月24日 00:00 已过",
            "The start, 24 Nov 00:00, has passed",
        ),
        (
            RuleId::Alignment,
            hours(1),
            slot(0, 1),
            true,
            "开始和结束须对齐到 1 小时",
            "Start and end must lie on a grid of 1 h",
        ),
    ]
}

fn about_notices() -> Vec<Row> {
    vec![
        (
            RuleId::NoticeToBook,
            hours(24),
            hours(2),
            true,
            "须至少提前 24 小时预约，您提前了 2 小时，11月24日 00:00 起可预约",
            "Book at least 24 h ahead; this is 2 h; open from 24 Nov 00:00",
        ),
        (
            RuleId::NoticeToMove,
            hours(24),
            hours(2),
            false,
            "须在开始前至少 24 小时改期，现在距开始 2 小时",
            "Move it at least 24 h before it begins; that is in 2 h",
        ),
        (
            RuleId::NoticeToCancel,
            hours(24),
            hours(2),
            false,
            "须在开始前至少 24 小时取消，现在距开始 2 小时",
            "Cancel it at least 24 h before it begins; that is in 2 h",
        ),
    ]
}

fn about_counts() -> Vec<Row> {
    vec![
        (
            RuleId::MinimumGap,
            hours(2),
            hours(1),
            true,
            "您在这台仪器上的预约须间隔至少 2 小时，这次间隔 1 小时，11月24日 00:00 起可预约",
            "Leave at least 2 h between your bookings here; this leaves 1 h; open from 24 Nov 00:00",
        ),
        (
            RuleId::PerDay,
            Figure::Count(2),
            Figure::Count(3),
            true,
            "每天最多 2 次预约，这将是第 3 次，11月24日 00:00 起可预约",
            "At most 2 bookings a day; this would be number 3; open from 24 Nov 00:00",
        ),
        (
            RuleId::FutureCount,
            Figure::Count(2),
            Figure::Count(3),
            true,
            "未开始的预约最多 2 个，这将是第 3 个，11月24日 00:00 起可预约",
            "At most 2 bookings ahead; this would be number 3; open from 24 Nov 00:00",
        ),
        (
            RuleId::FutureHours,
            hours(10),
            hours(12),
            false,
            "未开始的预约合计最多 10 小时，加上这次为 12 小时",
            "At most 10 h ahead in all; with this it is 12 h",
        ),
    ]
}

fn about_limits() -> Vec<Row> {
    let quota = |per, period| Figure::Quota {
        per,
        period,
        span: Span::minutes(2_400),
    };
    vec![
        (
            RuleId::Quota,
            quota(Party::Member, Period::Month),
            hours(42),
            true,
            "机时额度为每人每月 40 小时，加上这次为 42 小时，11月24日 00:00 起可预约",
            "The quota is 40 h a month per member; with this it is 42 h; open from 24 Nov 00:00",
        ),
        (
            RuleId::Quota,
            quota(Party::Project, Period::Year),
            hours(42),
            false,
            "机时额度为每个课题每年 40 小时，加上这次为 42 小时",
            "The quota is 40 h a year per project; with this it is 42 h",
        ),
        (
            RuleId::Points,
            Figure::Count(3),
            Figure::Count(4),
            true,
            "您有 4 分违约记分，满 3 分暂停预约，11月24日 00:00 起可预约",
            "You have 4 points; 3 stop new bookings; open from 24 Nov 00:00",
        ),
        (
            RuleId::HoldLimit,
            Figure::Count(2),
            Figure::Count(3),
            false,
            "最多同时占位 2 个，这将是第 3 个",
            "At most 2 slots kept at once; this would be number 3",
        ),
    ]
}

fn about_the_member() -> Vec<Row> {
    let some = Figure::Classes(ClassSet::of(&[CallerClass::Internal, CallerClass::Region]));
    let enterprise = Figure::Classes(ClassSet::of(&[CallerClass::Enterprise]));
    let name = || Figure::Qualification(QualificationName::parse("xrd").unwrap());
    vec![
        flat(
            RuleId::NotBookable,
            "这台仪器不在此预约",
            "This instrument is not booked here",
        ),
        flat(
            RuleId::NotPermitted,
            "您不能预约这台仪器",
            "You may not book this instrument",
        ),
        (
            RuleId::WhoMayBook,
            some,
            enterprise,
            false,
            "只对本单位用户、区域内其他单位用户开放，您属于企业用户",
            "Open to members of its own institution, members of other institutions only; \
             you count among enterprises",
        ),
        (
            RuleId::Qualification,
            name(),
            Figure::Lack(Lack::Missing),
            false,
            "需要资质 xrd：您还没有",
            "Needs the qualification xrd: you do not have it",
        ),
        (
            RuleId::Qualification,
            name(),
            Figure::Lack(Lack::NotYet(at(0))),
            true,
            "需要资质 xrd：您的资质自 11月24日 00:00 起有效",
            "Needs the qualification xrd: yours holds from 24 Nov 00:00",
        ),
        (
            RuleId::Qualification,
            name(),
            Figure::Lack(Lack::Expires(at(0))),
            false,
            "需要资质 xrd：您的资质于 11月24日 00:00 到期",
            "Needs the qualification xrd: yours expires 24 Nov 00:00",
        ),
        (
            RuleId::Qualification,
            name(),
            Figure::Lack(Lack::Disused(at(0))),
            false,
            "需要资质 xrd：上次使用是 11月24日 00:00，间隔过久",
            "Needs the qualification xrd: last used 24 Nov 00:00, too long ago",
        ),
    ]
}

fn about_projects() -> Vec<Row> {
    vec![
        flat(
            RuleId::ProjectClosed,
            "课题不存在或已关闭",
            "There is no such project, or it is closed",
        ),
        (
            RuleId::ProjectClosed,
            slot(8, 20),
            slot(7, 8),
            false,
            "课题的执行期为 11月24日 08:00 至 20:00",
            "The project runs 24 Nov 08:00 to 20:00",
        ),
        flat(
            RuleId::ProjectMember,
            "您不在这个课题中",
            "You do not work on this project",
        ),
        (
            RuleId::ProjectBudget,
            hours(100),
            hours(101),
            false,
            "课题的机时预算为 4 天 4 小时，加上这次为 4 天 5 小时",
            "The project may use 4 d 4 h; with this it is 4 d 5 h",
        ),
    ]
}

#[test]
fn every_refusal_says_its_figures() {
    let rows = [
        about_the_slot(),
        about_notices(),
        about_counts(),
        about_limits(),
        about_the_member(),
        about_projects(),
    ]
    .concat();
    for (rule, limit, actual, passes, zh, en) in &rows {
        let refused = Refusal {
            rule: *rule,
            limit: limit.clone(),
            actual: actual.clone(),
            passes_at: passes.then_some(at(0)),
            override_by: &[],
        };
        let (now, zone) = (at(0), Tz::Asia__Shanghai);
        let seen = Seen { now, zone };
        assert_eq!(refusal(&refused, seen, Language::Zh), *zh);
        assert_eq!(refusal(&refused, seen, Language::En), *en);
    }
    let said: BTreeSet<RuleId> = rows.iter().map(|row| row.0).collect();
    assert_eq!(said, RuleId::ALL.into_iter().collect());
}
