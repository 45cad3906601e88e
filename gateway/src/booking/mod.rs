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
mod bundles;
mod command;
mod commit;
mod desk;
mod edits;
mod group;
mod handle;
mod holding;
mod import;
mod judge;
mod lapse;
pub mod ledger;
mod load;
mod making;
mod notices;
mod outages;
mod queue;
pub mod record;
mod savepoint;
mod series;
mod sessions;
mod shelf;
mod timer;
mod trial;
mod waiting;
mod wishes;

pub use ask::{Answer, Ask, Command};
pub use asking::{Asked, Gathered};
pub use bundles::{BookTogether, PARTS_MAX, TogetherOutcome};
pub use command::{
    Book, BookOutcome, Cancel, CancelOutcome, Change, ChangeOutcome, Conflict, DeskError,
    EndOutage, Import, ImportReport, NewBooking, NewOutage, OpenOutage, OutageOutcome, Refused,
    RegistryEdit, RegistryOutcome,
};
pub use desk::{DeskSettings, start};
pub use handle::DeskHandle;
pub use holding::{HoldOutcome, LetGo, LetGoOutcome, PlaceHold, Restore, RestoreOutcome};
pub use judge::{Asking, Placed, Wish, earliest_within, judge_wish};
pub use queue::Queue;
pub use series::{
    BookSeries, EndSeries, EndSeriesOutcome, OCCURRENCES_MAX, Occurrence, SeriesOutcome,
};
pub use sessions::{SessionSettings, Sessions};
pub use shelf::{InstrumentSnapshot, Shelf};
pub use timer::Settle;
pub use wishes::{
    AskToWait, DeclineOffer, OfferOutcome, TakeOffer, WISHES_MAX, WaitOutcome, Withdraw,
    WithdrawOutcome,
};

#[cfg(test)]
mod tests;
