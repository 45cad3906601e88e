//! Path 2: bookings.
//!
//! 1. A caller sends a command through [`DeskHandle`].
//! 2. The desk, one task, gathers what waits into a group and judges each command against committed
//!    facts and what the group already did (`group`, `judge`).
//! 3. The group is written in one transaction (`store::write_group`); the database guards the
//!    occupancy table a second time.
//! 4. After the commit the shelf gets new snapshots, callers get their answers and the event log's
//!    rows go out.
//!
//! Readers never wait for the desk: they look at the [`Shelf`].

mod ask;
mod asking;
mod bookings;
mod cancelling;
mod command;
mod commit;
mod deciding;
mod desk;
mod edits;
mod group;
mod handle;
mod import;
mod judge;
mod lapse;
pub mod ledger;
mod load;
mod making;
mod notices;
mod outages;
mod overriding;
mod quotas;
pub mod record;
mod sessions;
mod shelf;
mod timer;
mod transferring;

mod waiting;

pub use ask::{Answer, Ask, Command};
pub use asking::{Asked, Gathered};
pub use bookings::LAB_MOVES;
pub use command::{
    Approve, Book, BookOutcome, Cancel, CancelCost, CancelOutcome, Change, ChangeOutcome, Conflict,
    Decline, DeskError, EndOutage, Import, ImportReport, NewBooking, NewOutage, OpenOutage,
    OutageOutcome, Overriding, Refused, RegistryEdit, RegistryOutcome, Transfer,
};
pub use deciding::status_after;
pub use desk::{DeskSettings, start};
pub use handle::DeskHandle;
pub use judge::{Asking, Manner, Placed, Wish, judge_in, judge_wish};
pub use overriding::{is_overridable, set_aside_by};
pub use sessions::{SessionSettings, Sessions};
pub use shelf::{InstrumentSnapshot, Shelf};
pub use timer::Settle;

#[cfg(test)]
mod tests;
