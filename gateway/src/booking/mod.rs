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
mod checking;
mod command;
mod commit;
mod desk;
mod edits;
mod group;
mod handle;
mod hearing;
mod import;
mod judge;
mod lapse;
pub mod ledger;
mod load;
mod making;
mod notices;
mod outages;
mod outcome;
mod past;
mod presence;
pub mod record;
mod run_places;
mod sessions;
mod settling;
mod shelf;
mod timer;
mod usage;
mod waiting;
mod witness;

pub use ask::{Answer, Ask, Command};
pub use asking::{Asked, Gathered};
pub use checking::{CheckIn, CheckOut, CheckOutcome};
pub use command::{
    Book, BookOutcome, Cancel, CancelOutcome, Change, ChangeOutcome, Conflict, DeskError,
    EndOutage, Import, ImportReport, NewBooking, NewOutage, OpenOutage, OutageOutcome, Refused,
    RegistryEdit, RegistryOutcome,
};
pub use desk::{DeskSettings, start};
pub use handle::DeskHandle;
pub use hearing::{Hear, HearOutcome, SeenMachine};
pub use judge::{Asking, Placed, Wish, judge_wish};
pub use sessions::{SessionSettings, Sessions};
pub use settling::{CorrectRun, Declare, DeclareOutcome, RunChange, RunOutcome};
pub use shelf::{InstrumentSnapshot, Shelf};
pub use timer::Settle;
pub use witness::Witness;

#[cfg(test)]
mod tests;
