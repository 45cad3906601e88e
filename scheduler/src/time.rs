//! Instants and lengths in microseconds, UTC. No "now" anywhere.

use std::ops::{Add, Sub};

/// Microseconds in a second.
pub const SECOND_US: i64 = 1_000_000;
/// Microseconds in a minute.
pub const MINUTE_US: i64 = 60 * SECOND_US;
/// Microseconds in an hour.
pub const HOUR_US: i64 = 60 * MINUTE_US;
/// Microseconds in 24 hours; a civil day may be longer or shorter.
pub const DAY_US: i64 = 24 * HOUR_US;

/// An instant: microseconds since 1970-01-01T00:00:00Z.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Micros(i64);

impl Micros {
    /// Wraps microseconds since 1970 UTC.
    #[must_use]
    pub const fn new(micros: i64) -> Self {
        Self(micros)
    }

    /// Returns microseconds since 1970 UTC.
    #[must_use]
    pub const fn get(self) -> i64 {
        self.0
    }

    /// Returns the instant a length later, at the latest the end of representable time.
    #[must_use]
    pub const fn saturating_add(self, span: Span) -> Self {
        Self(self.0.saturating_add(span.0))
    }

    /// Returns the instant a length earlier, at the earliest the begin of representable time.
    #[must_use]
    pub const fn saturating_sub(self, span: Span) -> Self {
        Self(self.0.saturating_sub(span.0))
    }
}

/// Saturates: times near the ends of representable time come from nonsense input only.
impl Add<Span> for Micros {
    type Output = Self;
    fn add(self, span: Span) -> Self {
        self.saturating_add(span)
    }
}

/// The distance to another instant in microseconds; negative when the other is later.
impl Sub for Micros {
    type Output = i64;
    fn sub(self, other: Self) -> i64 {
        self.0.saturating_sub(other.0)
    }
}

/// A length of time, never negative.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Span(i64);

impl Span {
    /// Returns the length if it is not negative.
    #[must_use]
    pub const fn new(micros: i64) -> Option<Self> {
        if micros < 0 { None } else { Some(Self(micros)) }
    }

    /// Returns a length of minutes.
    #[must_use]
    pub const fn minutes(minutes: u32) -> Self {
        Self(widen(minutes) * MINUTE_US)
    }

    /// Returns a length of days of 24 hours, at most the longest length there is.
    #[must_use]
    pub const fn days(days: u32) -> Self {
        Self(widen(days).saturating_mul(DAY_US))
    }

    /// Returns the sum, at most the longest length there is.
    #[must_use]
    pub const fn saturating_add(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }

    /// Returns what is left without another length, at least nothing.
    #[must_use]
    pub const fn saturating_sub(self, other: Self) -> Self {
        let rest = self.0.saturating_sub(other.0);
        Self(if rest < 0 { 0 } else { rest })
    }

    /// Returns microseconds, 0 or more.
    #[must_use]
    pub const fn get(self) -> i64 {
        self.0
    }
}

#[expect(clippy::as_conversions, reason = "widening; From is not const")]
const fn widen(number: u32) -> i64 {
    number as i64
}
