//! Times as devices write them.

use chrono::{DateTime, NaiveDateTime, TimeZone as _};
use chrono_tz::Tz;
use scheduler::time::{HOUR_US, MINUTE_US, Micros};
use serde_json::Value;

use super::spec::TimeFormat;

/// Reads a time. One without a zone is in `zone`; where a clock change makes it ambiguous, the one
/// nearer to `arrival` is meant. `None` if it is not written so.
pub(super) fn read(value: &Value, format: TimeFormat, zone: Tz, arrival: Micros) -> Option<Micros> {
    match (format, value) {
        (TimeFormat::Rfc3339, Value::String(text)) => zoned(text),
        (TimeFormat::Local, Value::String(text)) => local(text, zone, arrival),
        (TimeFormat::Auto, Value::String(text)) => zoned(text)
            .or_else(|| local(text, zone, arrival))
            .or_else(|| unix(&serde_json::from_str(text.trim()).ok()?, None)),
        (TimeFormat::UnixS, _) => unix(value, Some(1_000_000)),
        (TimeFormat::UnixMs, _) => unix(value, Some(1_000)),
        (TimeFormat::UnixUs, _) => unix(value, Some(1)),
        (TimeFormat::UnixNs, _) => nanoseconds(value),
        (TimeFormat::Auto, _) => unix(value, None),
        (TimeFormat::Rfc3339 | TimeFormat::Local, _) => None,
    }
}

fn zoned(text: &str) -> Option<Micros> {
    let time = DateTime::parse_from_rfc3339(text.trim()).ok()?;
    Some(Micros::new(time.timestamp_micros()))
}

fn local(text: &str, zone: Tz, arrival: Micros) -> Option<Micros> {
    let text = text.trim();
    let naive = ["%Y-%m-%dT%H:%M:%S%.f", "%Y-%m-%d %H:%M:%S%.f"]
        .iter()
        .find_map(|form| NaiveDateTime::parse_from_str(text, form).ok())?;
    let found = zone.from_local_datetime(&naive);
    let micros = |time: DateTime<Tz>| Micros::new(time.timestamp_micros());
    match found {
        chrono::LocalResult::Single(time) => Some(micros(time)),
        chrono::LocalResult::Ambiguous(one, two) => {
            let (one, two) = (micros(one), micros(two));
            let off = |time: Micros| time.get().saturating_sub(arrival.get()).saturating_abs();
            Some(if off(one) <= off(two) { one } else { two })
        }
        // Skipped by a clock change: the device's clock did not know of it yet.
        chrono::LocalResult::None => {
            let before = naive.checked_sub_signed(chrono::Duration::hours(1))?;
            let time = zone.from_local_datetime(&before).latest()?;
            micros(time).get().checked_add(HOUR_US).map(Micros::new)
        }
    }
}

/// Zones differ by whole quarters of an hour, at most by 26 hours (from -12:00 to +14:00).
const QUARTER_US: i64 = 15 * MINUTE_US;
const ZONES_US: i64 = 26 * HOUR_US;

/// How far a clock that is set by the network, and a message on its way, are off.
const NEAR_US: i64 = 2 * MINUTE_US;

/// Returns the moment that is meant if a local time, read in the instrument's zone, is that of a clock
/// in another zone; `None` if it is not. Plugs come with a zone of their maker's (Tasmota with +01:00).
pub(super) fn of_other_zone(at: Micros, arrival: Micros) -> Option<Micros> {
    let off_us = arrival.get().saturating_sub(at.get());
    let quarters = off_us.saturating_add(QUARTER_US / 2).div_euclid(QUARTER_US);
    let shift_us = quarters.saturating_mul(QUARTER_US);
    let rest_us = off_us.saturating_sub(shift_us).saturating_abs();
    let is_zone = quarters != 0 && shift_us.saturating_abs() <= ZONES_US && rest_us <= NEAR_US;
    is_zone.then(|| Micros::new(at.get().saturating_add(shift_us)))
}

/// Reads a number of units since 1970; `None`: of whichever unit lies in this century.
fn unix(value: &Value, unit_us: Option<i64>) -> Option<Micros> {
    let text;
    let value = match value {
        Value::String(held) => {
            text = serde_json::from_str::<Value>(held.trim()).ok()?;
            &text
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_) => {
            value
        }
    };
    if let Some(whole) = value.as_i64() {
        let Some(unit_us) = unit_us.or_else(|| unit_of(whole)) else {
            return nanoseconds(value);
        };
        return whole.checked_mul(unit_us).map(Micros::new);
    }
    let number = value.as_f64().filter(|number| number.is_finite())?;
    let unit_us = match unit_us {
        Some(unit_us) => unit_us,
        None => unit_of(whole_of(number)?)?,
    };
    // Exact enough: a millionth of a second needs 51 of the 53 bits until the year 2041.
    let us = number * f64::from(i32::try_from(unit_us).ok()?);
    whole_of(us).map(Micros::new)
}

fn nanoseconds(value: &Value) -> Option<Micros> {
    let whole = value
        .as_i64()
        .or_else(|| value.as_str()?.trim().parse().ok())?;
    Some(Micros::new(whole.div_euclid(1_000)))
}

/// Microseconds in the unit that makes a number a time between 1973 and 5138; `None`: nanoseconds.
fn unit_of(number: i64) -> Option<i64> {
    match number {
        ..100_000_000_000 => Some(1_000_000),
        100_000_000_000..100_000_000_000_000 => Some(1_000),
        100_000_000_000_000..100_000_000_000_000_000 => Some(1),
        100_000_000_000_000_000.. => None,
    }
}

fn whole_of(number: f64) -> Option<i64> {
    // Printing and reading is exact and has no undefined cases, unlike a cast.
    format!("{:.0}", number.round()).parse().ok()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const NINE: i64 = 1_795_654_800_000_000; // 2026-11-26T01:00:00Z, 09:00 in Shanghai

    fn at(value: &Value, format: TimeFormat) -> Option<i64> {
        read(value, format, Tz::Asia__Shanghai, Micros::new(NINE)).map(Micros::get)
    }

    #[test]
    fn every_format_reads_the_same_moment() {
        for (value, format) in [
            (json!("2026-11-26T09:00:00+08:00"), TimeFormat::Rfc3339),
            (json!("2026-11-26T01:00:00Z"), TimeFormat::Auto),
            (json!("2026-11-26T09:00:00"), TimeFormat::Local),
            (json!("2026-11-26 09:00:00"), TimeFormat::Local),
            (json!("2026-11-26T09:00:00"), TimeFormat::Auto),
            (json!(1_795_654_800), TimeFormat::UnixS),
            (json!("1795654800"), TimeFormat::UnixS),
            (json!(1_795_654_800.0), TimeFormat::UnixS),
            (json!(1_795_654_800), TimeFormat::Auto),
            (json!(1_795_654_800_000_i64), TimeFormat::UnixMs),
            (json!(1_795_654_800_000_i64), TimeFormat::Auto),
            (json!(1_795_654_800_000_000_i64), TimeFormat::UnixUs),
            (json!(1_795_654_800_000_000_i64), TimeFormat::Auto),
            (json!(1_795_654_800_000_000_000_i64), TimeFormat::UnixNs),
            (json!(1_795_654_800_000_000_000_i64), TimeFormat::Auto),
        ] {
            assert_eq!(at(&value, format), Some(NINE), "{value} {format:?}");
        }
        assert_eq!(
            at(&json!(1_795_654_800.25), TimeFormat::UnixS),
            Some(NINE + 250_000)
        );
        assert_eq!(
            at(&json!("2026-11-26T09:00:00.5"), TimeFormat::Local),
            Some(NINE + 500_000)
        );
    }

    #[test]
    fn a_clock_in_another_zone_is_known_by_whole_quarters() {
        let meant = |off_s: i64| {
            let at = Micros::new(NINE - off_s * 1_000_000);
            of_other_zone(at, Micros::new(NINE)).map(|meant| (meant.get() - NINE) / 1_000_000)
        };
        for zone_s in [7 * 3_600, 8 * 3_600, -5_400, 20_700] {
            assert_eq!(meant(zone_s), Some(0));
            assert_eq!(meant(zone_s + 10), Some(-10));
            assert_eq!(meant(zone_s + 300), None);
        }
        // Late, early, and days ago: no zone's matter.
        for off_s in [0, 10, -60, 119, 86_400 * 2, i64::MIN / 2_000_000] {
            assert_eq!(meant(off_s), None, "{off_s}");
        }
    }

    #[test]
    fn what_is_no_time_is_none() {
        for (value, format) in [
            (json!("2026-11-26T09:00:00"), TimeFormat::Rfc3339),
            (json!("yesterday"), TimeFormat::Auto),
            (json!(null), TimeFormat::UnixS),
            (json!(1e300), TimeFormat::UnixS),
            (json!(i64::MAX), TimeFormat::UnixS),
            (json!(12), TimeFormat::Local),
            (json!([1]), TimeFormat::Auto),
        ] {
            assert_eq!(at(&value, format), None, "{value} {format:?}");
        }
    }

    #[test]
    fn clock_changes_are_read_as_they_were_meant() {
        let zone = Tz::Europe__Berlin;
        let read_at = |text: &str, arrival: &str| {
            let arrival = zoned(arrival).unwrap();
            let time = read(&json!(text), TimeFormat::Local, zone, arrival).unwrap();
            (time.get() - arrival.get()) / 1_000_000
        };
        // 02:30 happens twice on 2026-10-25.
        assert_eq!(read_at("2026-10-25T02:30:00", "2026-10-25T00:30:01Z"), -1);
        assert_eq!(read_at("2026-10-25T02:30:00", "2026-10-25T01:30:01Z"), -1);
        // 02:30 does not happen on 2026-03-29: what a clock shows that is not told yet.
        assert_eq!(read_at("2026-03-29T02:30:00", "2026-03-29T01:30:01Z"), -1);
    }
}
