//! Series and their occurrences, as they travel.

use serde::Serialize;
use utoipa::ToSchema;

use super::{BookingView, ConflictView, Interval, NamedSlot, RefusalView};
use crate::http::time::Zoned;

/// An occurrence and what became of it, or would.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Occurrence)]
pub struct OccurrenceView {
    /// When.
    #[serde(flatten)]
    pub interval: Interval,
    /// `accept`, `ask_approval` or `refuse`.
    pub would: &'static str,
    /// The booking that was made.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub booking: Option<BookingView>,
    /// Rules against it.
    pub refusals: Vec<RefusalView>,
    /// Claims against it.
    pub conflicts: Vec<ConflictView>,
}

/// A series.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Series)]
pub struct SeriesView {
    /// Identity.
    pub id: i64,
    /// The instrument and the first occurrence.
    #[serde(flatten)]
    pub first: NamedSlot,
    /// The rule, with its exceptions.
    pub rule: String,
    /// What for.
    pub purpose: String,
    /// When it was made.
    pub created_at: Zoned,
    /// When the rest of it was given up.
    pub ended_at: Option<Zoned>,
    /// Its bookings, by their begin, those of the last three months too.
    pub bookings: Vec<BookingView>,
}

/// What became of a series, occurrence by occurrence.
#[derive(Debug, Serialize, ToSchema)]
pub struct SeriesReport {
    /// The occurrences, ascending.
    pub occurrences: Vec<OccurrenceView>,
    /// The series; none if nothing was booked.
    pub series: Option<SeriesView>,
}

/// What was given up of a series.
#[derive(Debug, Serialize, ToSchema)]
pub struct SeriesEnded {
    /// The series.
    pub series: SeriesView,
    /// The bookings that were given up.
    pub cancelled: Vec<i64>,
    /// Those that stay: a rule or their state keeps them.
    pub kept: Vec<i64>,
}
