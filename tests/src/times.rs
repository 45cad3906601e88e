//! Times as the API writes them, and slots that fit the rules of the test region.

use gateway::clock::Clock;
use serde_json::Value;

/// Milliseconds of a quarter of an hour, the alignment of the test region.
pub const QUARTER_MS: i64 = 15 * 60 * 1000;

/// Returns the wall clock in milliseconds since 1970.
#[must_use]
pub fn now_ms() -> i64 {
    Clock::system().now().get() / 1000
}

/// Returns the beginning of a quarter that is `hours` ahead, in milliseconds since 1970.
#[must_use]
pub fn quarter_ahead_ms(hours: i64) -> i64 {
    (now_ms() / QUARTER_MS + 1) * QUARTER_MS + hours * 3_600_000
}

/// Writes milliseconds since 1970 as RFC 3339 in UTC, with milliseconds only where there are any.
///
/// # Panics
/// When the year has more than six digits.
#[must_use]
pub fn rfc3339(ms: i64) -> String {
    let time = chrono::DateTime::from_timestamp_millis(ms).expect("a year of our age");
    time.to_rfc3339_opts(chrono::SecondsFormat::AutoSi, true)
}

/// Returns true if two RFC 3339 texts name the same instant, whatever their offsets and digits.
#[must_use]
pub fn same_instant(one: &Value, other: &str) -> bool {
    one.as_str()
        .is_some_and(|one| parse_ms(one) == parse_ms(other))
}

/// Parses RFC 3339 to milliseconds since 1970.
///
/// # Panics
/// When the text is not RFC 3339.
#[must_use]
pub fn parse_ms(text: &str) -> i64 {
    let parsed = chrono::DateTime::parse_from_rfc3339(text);
    parsed
        .unwrap_or_else(|error| panic!("{text}: {error}"))
        .timestamp_millis()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_back() {
        for ms in [
            0,
            951_782_399_999,
            951_868_800_000,
            1_795_478_400_123,
            4_102_444_799_000,
        ] {
            assert_eq!(parse_ms(&rfc3339(ms)), ms, "{}", rfc3339(ms));
        }
        assert_eq!(rfc3339(951_782_400_000), "2000-02-29T00:00:00Z");
    }
}
