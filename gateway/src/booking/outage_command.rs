//! What the desk is asked about outages, and what it answers.

use std::sync::Arc;

use scheduler::booking::WrongState;
use scheduler::id::{BookingId, InstrumentId, MemberId, OutageId};
use scheduler::slot::Slot;
use scheduler::time::Micros;

use super::answers::Fault;
use super::command::Refused;
use super::record::{Outage, OutageKind};

/// Opens an outage over an instrument.
#[derive(Debug, Clone)]
pub struct OpenOutage {
    /// What.
    pub instrument: InstrumentId,
    /// When; the end is the planned one.
    pub slot: Slot,
    /// What kind.
    pub kind: OutageKind,
    /// Why.
    pub reason: String,
    /// By whom.
    pub member: MemberId,
    /// What becomes of bookings inside; those that are not named stay, at risk.
    pub choices: Vec<Choice>,
}

/// What becomes of a booking inside an outage.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Choice {
    /// Which.
    pub booking: BookingId,
    /// What.
    pub action: ChoiceAction,
}

/// What is done with a booking inside an outage.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ChoiceAction {
    /// It stays, at risk.
    Keep,
    /// It is cancelled; nobody is charged for it.
    Cancel,
    /// It goes to another instrument or time, as long as it is.
    Move {
        /// Where.
        instrument: InstrumentId,
        /// From when on.
        start: Micros,
    },
}

/// Why a choice cannot be carried out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ChoiceFault {
    /// It is named twice, or is not inside the outage.
    NotInside,
    /// Its state does not allow it.
    WrongState(WrongState),
    /// Rules or claims stand against its new place.
    Refused(InstrumentId, Refused),
    /// It would go to where the outage is.
    StillInside,
    /// What the other instrument asks is not answered.
    Unanswered(Vec<Fault>),
    /// There is no such instrument to go to.
    NotFound,
}

/// Moves the planned end of an outage.
#[derive(Debug, Clone, Copy)]
pub struct MoveOutageEnd {
    /// Which.
    pub outage: OutageId,
    /// The new end; not before now.
    pub end: Micros,
}

/// Ends an outage.
#[derive(Debug, Clone)]
pub struct EndOutage {
    /// Which.
    pub outage: OutageId,
}

/// What became of an outage.
#[derive(Debug, Clone)]
pub enum OutageOutcome {
    /// It is open or ended; the bookings are those it puts at risk.
    Done(Arc<Outage>, Vec<BookingId>),
    /// It is over already, or its window is.
    Over,
    /// This booking cannot go the way that was chosen; nothing was done.
    CannotChoose(BookingId, ChoiceFault),
    /// There is no such outage or instrument.
    NotFound,
}
