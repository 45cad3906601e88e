//! Rules as text: what RFC 5545 writes, read strictly.

use std::fmt;

use chrono::{NaiveDate, NaiveDateTime, Weekday};

use super::{End, Excluded, Frequency, Recurrence, RuleDay};

/// Longest text that is read, in bytes: a rule with 400 excluded times fits.
const TEXT_BYTES_MAX: usize = 8_192;
/// Most entries of `BYDAY` and of `BYMONTHDAY`.
const LIST_MAX: usize = 62;
/// Most excluded times.
const EXCLUDED_MAX: usize = 400;
const INTERVAL_MAX: u32 = 1_000;
const COUNT_MAX: u32 = 9_999;

const WEEKDAYS: [(&str, Weekday); 7] = [
    ("MO", Weekday::Mon),
    ("TU", Weekday::Tue),
    ("WE", Weekday::Wed),
    ("TH", Weekday::Thu),
    ("FR", Weekday::Fri),
    ("SA", Weekday::Sat),
    ("SU", Weekday::Sun),
];

/// What is wrong with a rule's text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecurrenceFault {
    /// The name of the part, such as `INTERVAL`; at most 40 letters of what was given.
    pub part: String,
    /// What it has to be.
    pub expected: &'static str,
}

impl fmt::Display for RecurrenceFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.part, self.expected)
    }
}

impl std::error::Error for RecurrenceFault {}

fn fault(part: &str, expected: &'static str) -> RecurrenceFault {
    RecurrenceFault {
        part: part.chars().take(40).collect(),
        expected,
    }
}

impl Recurrence {
    /// Reads a rule: the value of `RRULE`, with or without that name, and `EXDATE` lines after it.
    /// Letters may be small.
    ///
    /// # Errors
    /// Returns [`RecurrenceFault`] naming the part that is unknown, wrong, missing or given twice,
    /// or that does not go with another.
    pub fn parse(text: &str) -> Result<Self, RecurrenceFault> {
        if text.len() > TEXT_BYTES_MAX {
            return Err(fault("RRULE", "expected at most 8192 bytes"));
        }
        let text = text.to_ascii_uppercase();
        let mut lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
        let first = lines.next().unwrap_or_default();
        let rule = first.strip_prefix("RRULE:").unwrap_or(first);
        let mut parts = Parts::default();
        for part in rule.split(';') {
            let expected = "expected parts like FREQ=WEEKLY with ; between";
            let (name, value) = part.split_once('=').ok_or_else(|| fault(part, expected))?;
            parts.take(name, value)?;
        }
        let mut rule = parts.finish()?;
        for line in lines {
            rule.excluded.extend(exdate(line)?);
        }
        if rule.excluded.len() > EXCLUDED_MAX {
            return Err(fault("EXDATE", "expected at most 400 times"));
        }
        Ok(rule)
    }
}

/// The parts of a rule, as far as they were read.
#[derive(Default)]
struct Parts {
    frequency: Option<Frequency>,
    interval: Option<u32>,
    by_day: Option<Vec<RuleDay>>,
    by_month_day: Option<Vec<i8>>,
    count: Option<u32>,
    until: Option<End>,
    week_start: Option<Weekday>,
}

impl Parts {
    fn take(&mut self, name: &str, value: &str) -> Result<(), RecurrenceFault> {
        let wrong = |expected| fault(name, expected);
        let is_new = match name {
            "FREQ" => {
                let value = frequency(value).ok_or(wrong("expected DAILY, WEEKLY or MONTHLY"))?;
                self.frequency.replace(value).is_none()
            }
            "INTERVAL" => {
                let value = number(value, INTERVAL_MAX).ok_or(wrong("expected 1 to 1000"))?;
                self.interval.replace(value).is_none()
            }
            "COUNT" => {
                let value = number(value, COUNT_MAX).ok_or(wrong("expected 1 to 9999"))?;
                self.count.replace(value).is_none()
            }
            "UNTIL" => {
                let expected = "expected a time in UTC like 20261231T155959Z, or a date";
                let value = until(value).ok_or(wrong(expected))?;
                self.until.replace(value).is_none()
            }
            "BYDAY" => {
                let expected = "expected days like MO,FR, or in months 2TU (1 to 5, -1 to -5)";
                let value = list(value, rule_day).ok_or(wrong(expected))?;
                self.by_day.replace(value).is_none()
            }
            "BYMONTHDAY" => {
                let value = list(value, month_day);
                let value = value.ok_or(wrong("expected 1 to 31 or -1 to -31"))?;
                self.by_month_day.replace(value).is_none()
            }
            "WKST" => {
                let value = weekday(value).ok_or(wrong("expected a day like MO"))?;
                self.week_start.replace(value).is_none()
            }
            _ => {
                let known = "not supported; supported are FREQ, INTERVAL, BYDAY, BYMONTHDAY, \
                             COUNT, UNTIL, WKST and a line EXDATE";
                return Err(wrong(known));
            }
        };
        if is_new {
            Ok(())
        } else {
            Err(wrong("given twice"))
        }
    }

    fn finish(self) -> Result<Recurrence, RecurrenceFault> {
        let frequency = self.frequency;
        let frequency = frequency.ok_or_else(|| fault("FREQ", "expected, it is missing"))?;
        let by_day = self.by_day.unwrap_or_default();
        if frequency != Frequency::Monthly && by_day.iter().any(|day| day.ordinal.is_some()) {
            return Err(fault("BYDAY", "numbers go with FREQ=MONTHLY only"));
        }
        let by_month_day = self.by_month_day.unwrap_or_default();
        if frequency == Frequency::Weekly && !by_month_day.is_empty() {
            return Err(fault("BYMONTHDAY", "does not go with FREQ=WEEKLY"));
        }
        let end = match (self.count, self.until) {
            (Some(_), Some(_)) => return Err(fault("UNTIL", "does not go with COUNT")),
            (Some(count), None) => End::Count(count),
            (None, Some(until)) => until,
            (None, None) => End::Never,
        };
        Ok(Recurrence {
            frequency,
            interval: self.interval.unwrap_or(1),
            by_day,
            by_month_day,
            end,
            week_start: self.week_start.unwrap_or(Weekday::Mon),
            excluded: Vec::new(),
        })
    }
}

fn exdate(line: &str) -> Result<Vec<Excluded>, RecurrenceFault> {
    let (name, value) = line.split_once(':').unwrap_or((line, ""));
    if !matches!(
        name,
        "EXDATE" | "EXDATE;VALUE=DATE" | "EXDATE;VALUE=DATE-TIME"
    ) {
        let expected = "not supported; after the rule only EXDATE: with times in UTC, civil times \
                        of the instrument's zone, or dates";
        return Err(fault(name, expected));
    }
    let excluded = |text: &str| match text.strip_suffix('Z') {
        Some(utc) => date_time(utc).map(Excluded::Utc),
        None => date(text)
            .map(Excluded::Date)
            .or_else(|| date_time(text).map(Excluded::Civil)),
    };
    let all: Option<Vec<Excluded>> = value.split(',').map(excluded).collect();
    let expected = "expected times like 20261130T010000Z, 20261130T090000, or dates";
    all.ok_or_else(|| fault("EXDATE", expected))
}

fn frequency(text: &str) -> Option<Frequency> {
    match text {
        "DAILY" => Some(Frequency::Daily),
        "WEEKLY" => Some(Frequency::Weekly),
        "MONTHLY" => Some(Frequency::Monthly),
        _ => None,
    }
}

fn until(text: &str) -> Option<End> {
    match text.strip_suffix('Z') {
        Some(utc) => date_time(utc).map(End::UntilUtc),
        None => date(text).map(End::UntilDate),
    }
}

fn list<T>(text: &str, entry: impl Fn(&str) -> Option<T>) -> Option<Vec<T>> {
    let entries: Option<Vec<T>> = text.split(',').map(entry).collect();
    entries.filter(|entries| entries.len() <= LIST_MAX)
}

fn rule_day(text: &str) -> Option<RuleDay> {
    let (number, name) = text.split_at_checked(text.len().checked_sub(2)?)?;
    let weekday = weekday(name)?;
    let ordinal = match number {
        "" => None,
        number => Some(signed(number, 5)?),
    };
    Some(RuleDay { ordinal, weekday })
}

fn month_day(text: &str) -> Option<i8> {
    signed(text, 31)
}

fn weekday(text: &str) -> Option<Weekday> {
    let (_, weekday) = WEEKDAYS.iter().find(|(name, _)| *name == text)?;
    Some(*weekday)
}

/// Reads 1 to `most`, or -1 to `-most`.
fn signed(text: &str, most: u32) -> Option<i8> {
    let (digits, is_negative) = match text.strip_prefix('-') {
        Some(digits) => (digits, true),
        None => (text.strip_prefix('+').unwrap_or(text), false),
    };
    let number = i8::try_from(number(digits, most)?).ok()?;
    Some(if is_negative { -number } else { number })
}

fn number(text: &str, most: u32) -> Option<u32> {
    let is_plain = text.len() <= 9 && text.bytes().all(|byte| byte.is_ascii_digit());
    let number = is_plain.then(|| text.parse().ok())??;
    (1..=most).contains(&number).then_some(number)
}

/// Reads `YYYYMMDD`.
fn date(text: &str) -> Option<NaiveDate> {
    let digits = |from: usize, to: usize| figure(text.get(from..to)?);
    let year = i32::try_from(digits(0, 4)?).ok()?;
    let date = NaiveDate::from_ymd_opt(year, digits(4, 6)?, digits(6, 8)?);
    date.filter(|_| text.len() == 8)
}

/// Reads `YYYYMMDDTHHMMSS`.
fn date_time(text: &str) -> Option<NaiveDateTime> {
    let (day, time) = text.split_once('T').filter(|(_, time)| time.len() == 6)?;
    let digits = |from: usize, to: usize| figure(time.get(from..to)?);
    date(day)?.and_hms_opt(digits(0, 2)?, digits(2, 4)?, digits(4, 6)?)
}

fn figure(digits: &str) -> Option<u32> {
    let is_plain = digits.bytes().all(|byte| byte.is_ascii_digit());
    is_plain.then(|| digits.parse().ok())?
}

/// The rule as it is read, parts in one order, what is usual left out.
impl fmt::Display for Recurrence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let frequency = match self.frequency {
            Frequency::Daily => "DAILY",
            Frequency::Weekly => "WEEKLY",
            Frequency::Monthly => "MONTHLY",
        };
        write!(f, "FREQ={frequency}")?;
        if self.interval != 1 {
            write!(f, ";INTERVAL={}", self.interval)?;
        }
        if !self.by_day.is_empty() {
            write!(f, ";BYDAY={}", joined(&self.by_day))?;
        }
        if !self.by_month_day.is_empty() {
            write!(f, ";BYMONTHDAY={}", joined(&self.by_month_day))?;
        }
        match self.end {
            End::Never => {}
            End::Count(count) => write!(f, ";COUNT={count}")?,
            End::UntilDate(last) => write!(f, ";UNTIL={}", last.format("%Y%m%d"))?,
            End::UntilUtc(last) => write!(f, ";UNTIL={}Z", last.format("%Y%m%dT%H%M%S"))?,
        }
        if self.week_start != Weekday::Mon {
            write!(f, ";WKST={}", name_of(self.week_start))?;
        }
        if !self.excluded.is_empty() {
            write!(f, "\nEXDATE:{}", joined(&self.excluded))?;
        }
        Ok(())
    }
}

impl fmt::Display for RuleDay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(ordinal) = self.ordinal {
            write!(f, "{ordinal}")?;
        }
        f.write_str(name_of(self.weekday))
    }
}

impl fmt::Display for Excluded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Utc(at) => write!(f, "{}Z", at.format("%Y%m%dT%H%M%S")),
            Self::Civil(at) => write!(f, "{}", at.format("%Y%m%dT%H%M%S")),
            Self::Date(date) => write!(f, "{}", date.format("%Y%m%d")),
        }
    }
}

fn joined<T: fmt::Display>(entries: &[T]) -> String {
    let entries: Vec<String> = entries.iter().map(T::to_string).collect();
    entries.join(",")
}

fn name_of(weekday: Weekday) -> &'static str {
    let name = WEEKDAYS.iter().find(|(_, day)| *day == weekday);
    name.map_or("", |(name, _)| name)
}
