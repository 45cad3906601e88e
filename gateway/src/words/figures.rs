//! Lengths and times as people say them.

use chrono::{DateTime, Datelike, Timelike};
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

/// Returns a civil time such as `11月24日 09:00` or `24 Nov 09:00` in a zone.
#[must_use]
pub fn civil_time(at: Micros, zone: Tz, language: Language) -> String {
    let Some(at) = DateTime::from_timestamp_micros(at.get()) else {
        return String::new();
    };
    let civil = at.with_timezone(&zone).naive_local();
    match language {
        Language::Zh => format!(
            "{}月{}日 {:02}:{:02}",
            civil.month(),
            civil.day(),
            civil.hour(),
            civil.minute()
        ),
        Language::En => civil.format("%-d %b %H:%M").to_string(),
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
}
