//! Days on which other hours hold than in other weeks.

use chrono::NaiveDate;

use super::Hours;

/// Other hours on some civil days: they replace those of the week and of public holidays.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Exception {
    first: NaiveDate,
    last: NaiveDate,
    hours: Vec<Hours>,
}

impl Exception {
    /// Returns the exception for the days from the first to the last, both included, or nothing if
    /// they run backwards. Without hours these days are closed.
    #[must_use]
    pub fn new(first: NaiveDate, last: NaiveDate, hours: Vec<Hours>) -> Option<Self> {
        (first <= last).then_some(Self { first, last, hours })
    }

    /// Returns the first day it holds.
    #[must_use]
    pub fn first(&self) -> NaiveDate {
        self.first
    }

    /// Returns the last day it holds.
    #[must_use]
    pub fn last(&self) -> NaiveDate {
        self.last
    }

    /// Returns the open hours of each of its days; none: closed.
    #[must_use]
    pub fn hours(&self) -> &[Hours] {
        &self.hours
    }

    /// Returns true if it holds on this day.
    #[must_use]
    pub fn holds_on(&self, date: NaiveDate) -> bool {
        (self.first..=self.last).contains(&date)
    }
}
