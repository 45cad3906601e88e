//! Everything a judgement may look at.

use chrono_tz::Tz;

use crate::slot::Slot;
use crate::time::Micros;

/// The facts of one wish, gathered by the caller.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BookingFacts {
    /// The time of the judgement.
    pub now: Micros,
    /// The instrument's zone.
    pub zone: Tz,
    /// Whether the instrument can be booked at all.
    pub bookable: bool,
    /// Whether this member may book it.
    pub permitted: bool,
    /// What is wanted.
    pub slot: Slot,
    /// True when a held booking is changed that began earlier: its begin is then no wish.
    pub begin_is_kept: bool,
}
