//! Times and lengths as they travel: RFC 3339 with offset, ISO 8601 durations.

use std::borrow::Cow;
use std::fmt::Formatter;

use chrono::{DateTime, Datelike, NaiveDateTime, Offset, TimeZone, Timelike};
use chrono_tz::Tz;
use scheduler::slot::Slot;
use scheduler::time::{DAY_US, HOUR_US, MINUTE_US, Micros, SECOND_US, Span};
use serde::de::{self, Deserialize, Deserializer, Visitor};
use serde::ser::{Serialize, Serializer};
use utoipa::openapi::schema::{KnownFormat, ObjectBuilder, SchemaFormat, SchemaType, Type};
use utoipa::openapi::{RefOr, Schema};
use utoipa::{PartialSchema, ToSchema};

use super::problem::Problem;

/// An instant in an answer, in a zone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Zoned(pub Micros, pub Tz);

/// An instant in a request, with any offset.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct When(pub Micros);

/// A length such as `PT15M`, in answers and requests.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Length(pub Span);

/// A length of whole days such as `P14D`, in answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Days(pub Span);

impl Serialize for Zoned {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(Text::of(self.0, self.1).as_str())
    }
}

impl std::fmt::Display for Zoned {
    fn fmt(&self, f: &mut Formatter<'_>) -> std::fmt::Result {
        f.write_str(Text::of(self.0, self.1).as_str())
    }
}

/// A small buffer for a time's text. Written by hand because a week of bookings has dozens of times
/// and the general formatter takes most of the answer's time.
struct Text {
    bytes: [u8; 40],
    len: usize,
}

impl Text {
    fn of(at: Micros, zone: Tz) -> Self {
        let mut text = Self {
            bytes: [0; 40],
            len: 0,
        };
        text.zoned(at, zone);
        text
    }

    fn zoned(&mut self, at: Micros, zone: Tz) {
        let Some(utc) = DateTime::from_timestamp_micros(at.get()) else {
            // Beyond 262,000 years; nothing here gets that far.
            return;
        };
        let offset_s = zone
            .offset_from_utc_datetime(&utc.naive_utc())
            .fix()
            .local_minus_utc();
        let civil = utc.naive_utc() + chrono::TimeDelta::seconds(offset_s.into());
        self.civil(civil);
        self.push(if offset_s < 0 { b'-' } else { b'+' });
        let minutes = offset_s.unsigned_abs() / 60;
        self.digits(minutes / 60, 2);
        self.push(b':');
        self.digits(minutes % 60, 2);
    }

    fn civil(&mut self, civil: NaiveDateTime) {
        self.digits(civil.year().unsigned_abs(), 4);
        self.push(b'-');
        self.digits(civil.month(), 2);
        self.push(b'-');
        self.digits(civil.day(), 2);
        self.push(b'T');
        self.digits(civil.hour(), 2);
        self.push(b':');
        self.digits(civil.minute(), 2);
        self.push(b':');
        self.digits(civil.second(), 2);
        let micros = civil.nanosecond() / 1_000;
        if micros.is_multiple_of(1_000) && micros > 0 {
            self.push(b'.');
            self.digits(micros / 1_000, 3);
        } else if micros > 0 {
            self.push(b'.');
            self.digits(micros, 6);
        }
    }

    fn digits(&mut self, number: u32, width: u32) {
        for place in (0..width).rev() {
            let digit = number / 10u32.pow(place) % 10;
            self.push(b'0' + u8::try_from(digit).expect("a digit is below 10"));
        }
    }

    fn push(&mut self, byte: u8) {
        if let Some(place) = self.bytes.get_mut(self.len) {
            *place = byte;
            self.len += 1;
        }
    }

    fn as_str(&self) -> &str {
        let written = self.bytes.get(..self.len).unwrap_or_default();
        std::str::from_utf8(written).expect("only ASCII is written")
    }
}

/// Years in which anything here happens; others are slips, and make figures that nobody can use.
const YEARS: std::ops::Range<i32> = 2000..2200;

/// Parses a time of a request. A space where the sign of the offset should be is taken as `+`: that
/// is what remains of a `+` that was not escaped in an address.
///
/// # Errors
/// Returns the expectation when the text is not RFC 3339.
fn parse_time(text: &str) -> Result<Micros, &'static str> {
    const EXPECTED: &str =
        "expected an RFC 3339 time with offset, such as 2026-11-24T09:00:00+08:00";
    let text: Cow<'_, str> = match text
        .len()
        .checked_sub(6)
        .map(|at| text.split_at_checked(at))
    {
        Some(Some((time, offset))) if offset.starts_with(' ') => {
            Cow::Owned(format!("{time}+{}", offset.trim_start()))
        }
        _ => Cow::Borrowed(text),
    };
    let parsed = DateTime::parse_from_rfc3339(&text).map_err(|_| EXPECTED)?;
    if !YEARS.contains(&parsed.to_utc().year()) {
        return Err("expected a time of the years 2000 to 2199");
    }
    Ok(Micros::new(parsed.timestamp_micros()))
}

/// Parses an ISO 8601 duration of days, hours, minutes and seconds: `P14D`, `PT1H30M`, `PT0.5S`.
///
/// # Errors
/// Returns the expectation when the text is none, is above 10,000 days, or has years or months,
/// whose length nobody knows.
fn parse_length(text: &str) -> Result<Span, &'static str> {
    const EXPECTED: &str = "expected an ISO 8601 duration, such as PT15M";
    let rest = text.strip_prefix('P').ok_or(EXPECTED)?;
    let (days, mut time) = rest.split_once('T').unwrap_or((rest, ""));
    let mut total = 0i64;
    let mut parts = 0;
    let mut add = |number: &str, unit_us: i64| {
        let micros = fixed_point(number, unit_us).ok_or(EXPECTED)?;
        total = total.checked_add(micros).ok_or(EXPECTED)?;
        parts += 1;
        Ok::<(), &'static str>(())
    };
    if !days.is_empty() {
        add(days.strip_suffix('D').ok_or(EXPECTED)?, DAY_US)?;
    }
    for (unit, unit_us) in [('H', HOUR_US), ('M', MINUTE_US), ('S', SECOND_US)] {
        if let Some((number, rest)) = time.split_once(unit) {
            add(number, unit_us)?;
            time = rest;
        }
    }
    if parts == 0 || !time.is_empty() || text.ends_with('T') || total > 10_000 * DAY_US {
        return Err(EXPECTED);
    }
    Span::new(total).ok_or(EXPECTED)
}

/// Returns `12` or `0.5` of a unit in microseconds; nothing for signs, letters, or more digits than
/// a microsecond has.
fn fixed_point(number: &str, unit_us: i64) -> Option<i64> {
    let (whole, fraction) = number.split_once('.').unwrap_or((number, "0"));
    let all_digits = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    if !all_digits(whole) || !all_digits(fraction) || whole.len() > 9 || fraction.len() > 6 {
        return None;
    }
    let whole: i64 = whole.parse().ok()?;
    let scaled: i64 = format!("{fraction:0<6}").parse().ok()?;
    let fraction_us = scaled.checked_mul(unit_us)? / 1_000_000;
    whole.checked_mul(unit_us)?.checked_add(fraction_us)
}

impl Serialize for Length {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl std::fmt::Display for Length {
    fn fmt(&self, f: &mut Formatter<'_>) -> std::fmt::Result {
        let micros = self.0.get();
        if micros == 0 {
            return f.write_str("PT0S");
        }
        f.write_str("PT")?;
        let (hours, rest) = (micros / HOUR_US, micros % HOUR_US);
        let (minutes, rest) = (rest / MINUTE_US, rest % MINUTE_US);
        let (seconds, fraction) = (rest / SECOND_US, rest % SECOND_US);
        if hours > 0 {
            write!(f, "{hours}H")?;
        }
        if minutes > 0 {
            write!(f, "{minutes}M")?;
        }
        if fraction > 0 {
            let digits = format!("{fraction:06}");
            write!(f, "{seconds}.{}S", digits.trim_end_matches('0'))?;
        } else if seconds > 0 {
            write!(f, "{seconds}S")?;
        }
        Ok(())
    }
}

impl Serialize for Days {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl std::fmt::Display for Days {
    fn fmt(&self, f: &mut Formatter<'_>) -> std::fmt::Result {
        write!(f, "P{}D", self.0.get() / DAY_US)
    }
}

/// Reads a text with a parser that says what it expects.
struct Parsing<T>(fn(&str) -> Result<T, &'static str>);

impl<T> Visitor<'_> for Parsing<T> {
    type Value = T;

    fn expecting(&self, f: &mut Formatter<'_>) -> std::fmt::Result {
        f.write_str("a string")
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<T, E> {
        (self.0)(text).map_err(E::custom)
    }
}

impl<'de> Deserialize<'de> for When {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_str(Parsing(parse_time)).map(Self)
    }
}

impl<'de> Deserialize<'de> for Length {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer
            .deserialize_str(Parsing(parse_length))
            .map(Self)
    }
}

/// Returns the slot between two times of a request; the field is the one that is told of: the end, or
/// `start` where that alone was given.
///
/// # Errors
/// Returns `malformed-request` about the field when the end does not come after the start.
pub fn slot(start: When, end: When, end_field: &str) -> Result<Slot, Problem> {
    let said = if end_field == "start" {
        "must come before the end"
    } else {
        "must come after the start"
    };
    Slot::new(start.0, end.0).ok_or_else(|| Problem::field(end_field, said))
}

fn text_schema(format: KnownFormat, example: &str) -> RefOr<Schema> {
    ObjectBuilder::new()
        .schema_type(SchemaType::Type(Type::String))
        .format(Some(SchemaFormat::KnownFormat(format)))
        .examples([serde_json::Value::from(example)])
        .into()
}

macro_rules! text_schemas {
    ($($name:ident, $format:ident, $example:literal;)*) => {$(
        impl PartialSchema for $name {
            fn schema() -> RefOr<Schema> {
                text_schema(KnownFormat::$format, $example)
            }
        }
        impl ToSchema for $name {}
    )*};
}

text_schemas! {
    Zoned, DateTime, "2026-11-24T09:00:00+08:00";
    When, DateTime, "2026-11-24T09:00:00+08:00";
    Length, Duration, "PT15M";
    Days, Duration, "P14D";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_carry_the_offset_of_their_zone() {
        let at = parse_time("2026-11-24T01:00:00Z").unwrap();
        for (zone, expected) in [
            (Tz::Asia__Shanghai, "2026-11-24T09:00:00+08:00"),
            (Tz::UTC, "2026-11-24T01:00:00+00:00"),
            (Tz::America__St_Johns, "2026-11-23T21:30:00-03:30"),
        ] {
            assert_eq!(Zoned(at, zone).to_string(), expected);
        }
        let fraction = Micros::new(at.get() + 250_000);
        assert_eq!(
            Zoned(fraction, Tz::UTC).to_string(),
            "2026-11-24T01:00:00.250+00:00"
        );
        let fraction = Micros::new(at.get() + 1);
        assert_eq!(
            Zoned(fraction, Tz::UTC).to_string(),
            "2026-11-24T01:00:00.000001+00:00"
        );
    }

    #[test]
    fn any_offset_is_read_and_a_lost_plus_is_forgiven() {
        let at = parse_time("2026-11-24T09:00:00+08:00");
        assert_eq!(parse_time("2026-11-24T01:00:00Z"), at);
        assert_eq!(parse_time("2026-11-24T09:00:00 08:00"), at);
        for wrong in [
            "",
            "2026-11-24",
            "2026-11-24T09:00:00",
            "tomorrow",
            "世界世界世界世界",
            "0000-01-01T00:00:00Z",
            "1999-12-31T23:59:59Z",
            "2200-01-01T00:00:00Z",
        ] {
            assert!(parse_time(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn lengths_come_back() {
        for (text, micros) in [
            ("PT15M", 15 * MINUTE_US),
            ("PT1H30M", 90 * MINUTE_US),
            ("PT0.5S", SECOND_US / 2),
            ("PT10S", 10 * SECOND_US),
            ("PT24H", DAY_US),
            ("PT0S", 0),
        ] {
            let span = parse_length(text).unwrap();
            assert_eq!(span.get(), micros, "{text}");
            assert_eq!(Length(span).to_string(), text);
        }
        assert_eq!(parse_length("P14D").unwrap().get(), 14 * DAY_US);
        assert_eq!(parse_length("P1DT1H").unwrap().get(), 25 * HOUR_US);
        for wrong in [
            "",
            "P",
            "PT",
            "P1Y",
            "P1M",
            "15M",
            "PT-5M",
            "PT5M3H",
            "P1DT",
            "PT1.0000001S",
        ] {
            assert!(parse_length(wrong).is_err(), "{wrong}");
        }
    }
}
