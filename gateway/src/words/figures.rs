//! Lengths and times as people say them.

use chrono::{DateTime, Datelike};
use chrono_tz::Tz;
use scheduler::time::{DAY_US, HOUR_US, MINUTE_US, Micros, SECOND_US, Span};

use super::Language;

/// Returns a length such as `8 小时 30 分钟` or `8 h 30 min`: the units that are not zero, whole
/// days first, seconds last.
#[must_use]
pub fn length(span: Span, language: Language) -> String {
    let units = match language {
        Language::Zh => ["天", "小时", "分钟", "秒"],
        Language::En => ["d", "h", "min", "s"],
    };
    let mut rest = span.get();
    let mut parts = Vec::new();
    for (unit, size) in units
        .into_iter()
        .zip([DAY_US, HOUR_US, MINUTE_US, SECOND_US])
    {
        let count = rest / size;
        rest %= size;
        // Up to two days people say hours: "36 hours" is a slot, "1 day 12 hours" is not.
        if size == DAY_US && span.get() < 2 * DAY_US {
            rest = span.get();
        } else if count > 0 {
            parts.push(format!("{count} {unit}"));
        }
    }
    if parts.is_empty() {
        let [_, _, _, seconds] = units;
        return format!("0 {seconds}");
    }
    parts.join(" ")
}

/// When and in which zone somebody reads a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Seen {
    /// Now.
    pub now: Micros,
    /// The zone that times are told in.
    pub zone: Tz,
}

/// Returns a civil time such as `11月24日 09:00` or `24 Nov 09:00` in a zone.
#[must_use]
pub fn civil_time(at: Micros, zone: Tz, language: Language) -> String {
    let seen = Seen { now: at, zone };
    dated(at, seen, language)
}

/// Returns a civil time as [`civil_time`] does, with its year where that is not the present one:
/// `2027年1月3日 09:00` or `3 Jan 2027 09:00`.
#[must_use]
pub fn dated(at: Micros, seen: Seen, language: Language) -> String {
    let civil = |at: Micros| {
        let at = DateTime::from_timestamp_micros(at.get())?;
        Some(at.with_timezone(&seen.zone).naive_local())
    };
    let Some(at) = civil(at) else {
        return String::new();
    };
    let this_year = civil(seen.now).is_none_or(|now| now.year() == at.year());
    match (language, this_year) {
        (Language::Zh, true) => at.format("%-m月%-d日 %H:%M").to_string(),
        (Language::Zh, false) => at.format("%Y年%-m月%-d日 %H:%M").to_string(),
        (Language::En, true) => at.format("%-d %b %H:%M").to_string(),
        (Language::En, false) => at.format("%-d %b %Y %H:%M").to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(micros: i64, zh: &str, en: &str) {
        let span = Span::new(micros).unwrap();
        assert_eq!(length(span, Language::Zh), zh);
        assert_eq!(length(span, Language::En), en);
    }

    #[test]
    fn lengths_name_what_is_not_zero() {
        check(0, "0 秒", "0 s");
        check(45 * SECOND_US, "45 秒", "45 s");
        check(90 * MINUTE_US, "1 小时 30 分钟", "1 h 30 min");
        check(9 * HOUR_US, "9 小时", "9 h");
        check(36 * HOUR_US, "36 小时", "36 h");
        check(14 * DAY_US, "14 天", "14 d");
        check(2 * DAY_US + HOUR_US, "2 天 1 小时", "2 d 1 h");
    }

    #[test]
    fn times_are_civil_in_the_zone() {
        let at = Micros::new(1_795_449_600_000_000 + 9 * HOUR_US);
        assert_eq!(
            civil_time(at, Tz::Asia__Shanghai, Language::Zh),
            "11月24日 09:00"
        );
        assert_eq!(civil_time(at, Tz::UTC, Language::En), "24 Nov 01:00");
    }

    #[test]
    fn another_year_is_named() {
        let zone = Tz::Asia__Shanghai;
        let now = Micros::new(1_795_449_600_000_000);
        let seen = Seen { now, zone };
        let later = Micros::new(now.get() + 40 * DAY_US + 9 * HOUR_US);
        assert_eq!(dated(later, seen, Language::Zh), "2027年1月3日 09:00");
        assert_eq!(dated(later, seen, Language::En), "3 Jan 2027 09:00");
        assert_eq!(dated(now, seen, Language::En), "24 Nov 00:00");
        // 2027 begins in Shanghai while it is still 2026 in UTC.
        let eve = Micros::new(now.get() + 37 * DAY_US + 23 * HOUR_US);
        let there = Micros::new(now.get() + 38 * DAY_US);
        let seen = Seen { now: eve, zone };
        assert_eq!(dated(there, seen, Language::En), "1 Jan 2027 00:00");
        let seen = Seen {
            now: eve,
            zone: Tz::UTC,
        };
        assert_eq!(dated(there, seen, Language::En), "31 Dec 16:00");
    }
}
