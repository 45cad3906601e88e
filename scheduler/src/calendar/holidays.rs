//! Public holidays and the working days that make up for them.
//!
//! The days come from files that are part of the program, one for each year, so that no call can
//! fail for want of a network. Of a year without a file no holiday is known: `is_known` says so.
//!
//! **Source.** Notices of the General Office of the State Council of the People's Republic of
//! China on the holidays of a year (国务院办公厅关于部分节假日安排的通知), named in the first line of
//! each file. A notice appears in the November before its year; then a file is added here.

use std::sync::OnceLock;

use chrono::{Datelike, NaiveDate};
use chrono_tz::Tz;

use crate::slot::Slot;
use crate::time::Span;
use crate::wall::civil;

/// The files by year, ascending.
const FILES: [(i32, &str); 2] = [
    (2025, include_str!("../../data/holidays-cn/2025.csv")),
    (2026, include_str!("../../data/holidays-cn/2026.csv")),
];

/// Whose public holidays change opening hours.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Holidays {
    /// Nobody's: the week's hours hold on every day.
    #[default]
    None,
    /// China's: a holiday is closed, and a working day that makes up for one has Monday's hours.
    China,
}

/// A day that is unlike other days of its weekday.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PublicDay {
    /// The civil day.
    pub date: NaiveDate,
    /// What it is.
    pub kind: PublicDayKind,
    /// The holiday it belongs to, in Chinese.
    pub name_zh: &'static str,
    /// The holiday it belongs to, in English.
    pub name_en: &'static str,
}

/// What a public day is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum PublicDayKind {
    /// 放假: nobody works.
    Holiday,
    /// 调休上班: a weekend day on which people work, in place of a day off.
    MakeUpWork,
}

impl Holidays {
    /// Returns whether the holidays of a year are known. Without holidays nothing is unknown.
    #[must_use]
    pub fn is_known(self, year: i32) -> bool {
        match self {
            Self::None => true,
            Self::China => FILES
                .iter()
                .any(|(known, text)| *known == year && parse(text).is_ok()),
        }
    }

    /// Returns the years whose holidays are known, ascending; none for [`Holidays::None`].
    #[must_use]
    pub fn years(self) -> Vec<i32> {
        let years = FILES.iter().map(|(year, _)| *year);
        match self {
            Self::None => Vec::new(),
            Self::China => years.filter(|year| self.is_known(*year)).collect(),
        }
    }

    /// Returns the public days of which the window has some part, ascending.
    #[must_use]
    pub fn within(self, window: Slot, zone: Tz) -> &'static [PublicDay] {
        let date = |at| civil(at, zone).map(|shown| shown.date());
        let instant = Span::new(1).unwrap_or_default();
        let first = date(window.start()).unwrap_or(NaiveDate::MIN);
        let last = date(window.end().saturating_sub(instant)).unwrap_or(NaiveDate::MAX);
        let days = self.days();
        let from = days.partition_point(|day| day.date < first);
        let to = days.partition_point(|day| day.date <= last);
        days.get(from..to).unwrap_or_default()
    }

    /// Returns what is known about a day.
    pub(super) fn on(self, date: NaiveDate) -> Option<PublicDay> {
        let days = self.days();
        let at = days.binary_search_by_key(&date, |day| day.date).ok()?;
        days.get(at).copied()
    }

    fn days(self) -> &'static [PublicDay] {
        static CHINA: OnceLock<Vec<PublicDay>> = OnceLock::new();
        match self {
            Self::None => &[],
            Self::China => CHINA.get_or_init(|| {
                let files = FILES.iter().filter_map(|(_, text)| parse(text).ok());
                let mut days: Vec<PublicDay> = files.flatten().collect();
                days.sort_by_key(|day| day.date);
                days.dedup_by_key(|day| day.date);
                days
            }),
        }
    }
}

/// Reads one file: a line that says its source, one that names the columns, one for each day.
///
/// # Errors
/// Returns the number of the first line that is wrong, counted from 1.
fn parse(text: &'static str) -> Result<Vec<PublicDay>, usize> {
    let mut days: Vec<PublicDay> = Vec::new();
    let lines = text.lines().zip(1..);
    for (line, number) in lines.filter(|(line, _)| !line.starts_with('#')).skip(1) {
        let day = public_day(line).ok_or(number)?;
        let follows =
            |held: &PublicDay| held.date < day.date && held.date.year() == day.date.year();
        if !days.last().is_none_or(follows) {
            return Err(number);
        }
        days.push(day);
    }
    Ok(days)
}

fn public_day(line: &'static str) -> Option<PublicDay> {
    let mut cells = line.split(',');
    let date = cells.next()?.parse().ok()?;
    let kind = match cells.next()? {
        "holiday" => PublicDayKind::Holiday,
        "work" => PublicDayKind::MakeUpWork,
        _ => return None,
    };
    let mut name = || cells.next().filter(|name| !name.is_empty());
    let (name_zh, name_en) = (name()?, name()?);
    cells.next().is_none().then_some(PublicDay {
        date,
        kind,
        name_zh,
        name_en,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::{DAY_US, Micros};

    fn date(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    #[test]
    fn every_file_is_whole_and_of_its_year() {
        for (year, text) in FILES {
            let days = parse(text).unwrap();
            assert!(days.iter().all(|day| day.date.year() == year), "{year}");
            assert!(text.starts_with("# General Office of the State Council"));
        }
        assert_eq!(Holidays::China.years(), [2025, 2026]);
        assert!(!Holidays::China.is_known(2024) && !Holidays::China.is_known(2027));
        assert!(Holidays::None.is_known(2027));
    }

    #[test]
    fn days_off_and_days_worked_balance() {
        // The notices move days, they make none: a year has 13 statutory holidays (全国年节及纪念日
        // 放假办法 as amended in November 2024), one that falls on a weekend is given back, and every
        // other free working day is worked on a weekend.
        for year in Holidays::China.years() {
            let (mut free, mut worked) = (0, 0);
            let days = Holidays::China.days().iter();
            for day in days.filter(|day| day.date.year() == year) {
                let is_weekend = day.date.weekday().number_from_monday() > 5;
                match day.kind {
                    PublicDayKind::Holiday => free += i32::from(!is_weekend),
                    PublicDayKind::MakeUpWork => {
                        assert!(is_weekend, "{day:?}");
                        worked += 1;
                    }
                }
            }
            assert_eq!(free, 13 + worked, "{year}");
        }
    }

    #[test]
    fn a_window_lists_the_days_it_touches() {
        let zone = Tz::Asia__Shanghai;
        // 2026-09-30T12:00:00+08:00 and ten days on.
        let start = 1_790_740_800_000_000;
        let window = |days| Slot::new(Micros::new(start), Micros::new(start + days * DAY_US / 2));
        let names = |days| -> Vec<_> {
            let days = Holidays::China.within(window(days).unwrap(), zone);
            days.iter().map(|day| (day.date, day.name_zh)).collect()
        };
        assert_eq!(names(1), [], "the window ends where the holiday begins");
        assert_eq!(names(2), [(date("2026-10-01"), "国庆节")]);
        assert_eq!(names(20).len(), 8, "seven days off and one of work");
        let ever = Slot::new(Micros::new(i64::MIN), Micros::new(i64::MAX)).unwrap();
        assert_eq!(Holidays::China.within(ever, zone).len(), 33 + 39);
        assert_eq!(Holidays::None.within(ever, zone), []);
    }

    #[test]
    fn a_wrong_line_is_named() {
        const HEAD: &str = "# source\ndate,kind,name_zh,name_en\n";
        assert_eq!(parse(HEAD), Ok(Vec::new()));
        for wrong in [
            "# s\nhead\n2026-13-01,holiday,元旦,New Year\n",
            "# s\nhead\n2026-01-01,feast,元旦,New Year\n",
            "# s\nhead\n2026-01-01,holiday,元旦\n",
            "# s\nhead\n2026-01-01,holiday,元旦,New Year,x\n",
        ] {
            assert_eq!(parse(wrong), Err(3), "{wrong}");
        }
        let twice = "# s\nhead\n2026-01-01,work,a,b\n2026-01-01,work,a,b\n";
        assert_eq!(parse(twice), Err(4));
    }
}
