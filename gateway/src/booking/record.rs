//! What is kept of bookings, outages and events.

use scheduler::booking::Status;
use scheduler::id::{BookingId, InstrumentId, MemberId, NodeId, OutageId};
use scheduler::slot::Slot;
use scheduler::time::Micros;

/// A member's right to an instrument for a slot.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Booking {
    /// Identity.
    pub id: BookingId,
    /// What is booked.
    pub instrument: InstrumentId,
    /// Whose it is.
    pub member: MemberId,
    /// The instrument's lab on the day of booking.
    pub lab: NodeId,
    /// When.
    pub slot: Slot,
    /// Where it is in its life.
    pub status: Status,
    /// True while an outage covers part of it.
    pub at_risk: bool,
    /// What for; at most 500 characters. Private to both sides.
    pub purpose: String,
    /// The project, if named; at most 200 characters. Private to both sides.
    pub project: Option<String>,
    /// When it was accepted.
    pub created_at: Micros,
    /// When it was given up.
    pub cancelled_at: Option<Micros>,
    /// The highest rule version that judged it.
    pub policy_version: i64,
    /// Counts changes, from 1; the `ETag`.
    pub version: i64,
}

/// A window in which an instrument is not to be had.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outage {
    /// Identity.
    pub id: OutageId,
    /// Of what.
    pub instrument: InstrumentId,
    /// When; the end is the planned one until it is ended.
    pub slot: Slot,
    /// Why; at most 500 characters.
    pub reason: String,
    /// Who opened it.
    pub opened_by: MemberId,
    /// When it was opened.
    pub created_at: Micros,
    /// When it was ended before its time.
    pub ended_at: Option<Micros>,
}

impl Outage {
    /// Returns true while it can still claim time.
    #[must_use]
    pub fn is_live(&self, now: Micros) -> bool {
        self.ended_at.is_none() && now < self.slot.end()
    }
}

/// What happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum EventKind {
    /// A booking was accepted.
    Booked,
    /// A booking was moved, shortened, extended or described anew.
    Changed,
    /// A booking was given up.
    Cancelled,
    /// An outage was opened.
    OutageOpened,
    /// An outage was ended.
    OutageEnded,
    /// The registry was edited.
    Registry,
}

impl EventKind {
    /// Every kind.
    pub const ALL: [Self; 6] = [
        Self::Booked,
        Self::Changed,
        Self::Cancelled,
        Self::OutageOpened,
        Self::OutageEnded,
        Self::Registry,
    ];

    /// Returns the stable text of the store.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Booked => "booked",
            Self::Changed => "changed",
            Self::Cancelled => "cancelled",
            Self::OutageOpened => "outage_opened",
            Self::OutageEnded => "outage_ended",
            Self::Registry => "registry",
        }
    }

    /// Parses the stable text.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == text)
    }
}

/// A row of the event log. Holds nothing personal: it leaves the process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EventRow {
    /// Ascending without holes per database.
    pub id: i64,
    /// When.
    pub at: Micros,
    /// What.
    pub kind: EventKind,
    /// Of which instrument.
    pub instrument: Option<InstrumentId>,
    /// The booking or outage.
    pub subject: Option<i64>,
}

/// What an idempotency key was used for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeptAnswer {
    /// Whose key.
    pub member: MemberId,
    /// The key.
    pub key: String,
    /// SHA-256 of the request.
    pub request: [u8; 32],
    /// The booking it made.
    pub booking: BookingId,
    /// When.
    pub created_at: Micros,
}
