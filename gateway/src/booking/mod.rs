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
mod command;
mod commit;
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
mod outage_choices;
mod outage_end;
mod outages;
pub mod pool;
mod proposals;
pub mod record;
pub mod replay;
mod sessions;
mod shelf;
mod simulate;
mod timer;
mod waiting;

pub use ask::{Answer, Ask, Command};
pub use asking::{Asked, Gathered};
pub use command::{
    Book, BookOutcome, Cancel, CancelOutcome, Change, ChangeOutcome, Choice, ChoiceAction,
    ChoiceFault, Conflict, DeskError, EndOutage, Import, ImportReport, MoveOutageEnd, NewBooking,
    NewOutage, OpenOutage, OutageOutcome, Refused, RegistryEdit, RegistryOutcome,
};
pub use desk::{DeskSettings, start};
pub use handle::DeskHandle;
pub use judge::{Asking, Placed, Wish, judge_wish};
pub use proposals::{Proposal, proposals};
pub use sessions::{SessionSettings, Sessions};
pub use shelf::{InstrumentSnapshot, Shelf};
pub use simulate::{Simulation, simulate};
pub use timer::Settle;

#[cfg(test)]
mod tests;
