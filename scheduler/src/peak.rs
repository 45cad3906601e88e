//! Peak hours: the time that people fight for, all outside off-peak hours.

use chrono_tz::Tz;

use crate::calendar::{Opening, Weekly, open_intervals};
use crate::slot::{Slot, complement};
use crate::time::{Micros, Span};

/// Wishes above this have no off-peak hours: bounds the cost of following a calendar.
const FOLLOWED_MAX: Span = Span::days(31);

/// How far the next off-peak hours are looked for: they repeat every week.
const NEXT_SEARCH: Span = Span::days(15);

/// The off-peak hours of an instrument.
#[derive(Debug, Clone)]
pub(crate) struct PeakHours {
    /// A time is off-peak when it is in all of these; without any, none is.
    off_peak: Vec<Opening>,
    zone: Tz,
}

impl PeakHours {
    pub(crate) fn new(off_peak: Vec<Weekly>, zone: Tz) -> Self {
        let off_peak = off_peak.into_iter().map(Opening::from).collect();
        Self { off_peak, zone }
    }

    /// Returns true if there are no off-peak hours at all.
    pub(crate) fn is_always(&self) -> bool {
        self.off_peak.is_empty()
    }

    /// Returns what of a slot lies in peak hours, ascending and disjoint; nothing when it lies
    /// wholly off-peak.
    pub(crate) fn outside(&self, slot: Slot) -> Vec<Slot> {
        if self.is_always() || slot.len() > FOLLOWED_MAX {
            return vec![slot];
        }
        complement(slot, &open_intervals(&self.off_peak, self.zone, slot))
    }

    /// Returns a moment after the given one before which no off-peak hours begin.
    pub(crate) fn next_off_peak(&self, after: Micros) -> Micros {
        let until = after + NEXT_SEARCH;
        let Some(window) = Slot::new(after, until) else {
            return until;
        };
        let hours = open_intervals(&self.off_peak, self.zone, window);
        let next = hours
            .iter()
            .map(|hours| hours.start())
            .find(|start| *start > after);
        next.unwrap_or(until)
    }
}
