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

mod agenda;
pub mod answers;
mod ask;
mod asking;
mod bookings;
mod bundles;
mod cancelling;
mod checking;
mod command;
mod commit;
mod deciding;
mod desk;
mod edits;
mod finding;
mod group;
mod handle;
mod hearing;
mod holding;
mod import;
mod judge;
mod lapse;
pub mod ledger;
mod load;
mod machine_faults;
mod making;
mod notices;
mod outage_choices;
mod outage_command;
mod outage_end;
mod outages;
mod outcome;
mod overriding;
mod past;
mod penalties;
pub mod pool;
mod presence;
mod problems;
mod project_use;
mod projects;
mod proposals;
mod qualifying;
mod questions;
mod queue;
mod quotas;
pub mod record;
pub mod replay;
mod rerun_runs;
mod rerunner;
mod rerunning;
mod run_places;
mod savepoint;
mod series;
mod sessions;
mod settling;
mod shelf;
mod sight;
mod simulate;
mod timer;
mod transferring;
mod trial;
mod usage;
mod waiting;
mod wishes;

mod witness;

pub use answers::check_questions;
pub use ask::{Answer, Ask, Command};
pub use asking::{Asked, Gathered};
pub use bookings::LAB_MOVES;
pub use bundles::{BookTogether, PARTS_MAX, TogetherOutcome};
pub use cancelling::Costs;
pub use checking::{CheckIn, CheckOut, CheckOutcome};
pub use command::{
    Approve, Book, BookOutcome, Cancel, CancelCost, CancelOutcome, Change, ChangeOutcome, Conflict,
    Decline, DeskError, Import, ImportReport, NewBooking, NewOutage, Overriding, PasswordChange,
    Refused, RegistryEdit, RegistryOutcome, Transfer,
};
pub use deciding::status_after;
pub use desk::{DeskSettings, start};
pub use handle::DeskHandle;
pub use hearing::{Hear, HearOutcome, SeenMachine};
pub use holding::{HoldOutcome, LetGo, LetGoOutcome, PlaceHold, Restore, RestoreOutcome};
pub use judge::{Asking, Manner, Placed, Wish, earliest_within, judge_in, judge_wish};
pub use machine_faults::WatchFault;
pub use notices::SeeNotices;
pub use outage_command::{
    Choice, ChoiceAction, ChoiceFault, EndOutage, MoveOutageEnd, OpenOutage, OutageOutcome,
};
pub use overriding::{is_overridable, set_aside_by};
pub use penalties::{AppealOutcome, DecideAppeal, LodgeAppeal};
pub use presence::LEAD as CHECK_IN_LEAD;
pub use problems::{CloseProblem, Photo, ProblemOutcome, Report, ReportOutcome, StopForProblem};
pub use project_use::ProjectUse;
pub use projects::{ProjectOutcome, SaveProject};
pub use proposals::{Proposal, proposals};
pub use qualifying::{Grant, GrantOutcome, Revoke};
pub use questions::{QuestionsOutcome, SetQuestions, questions_for, questions_of};
pub use queue::Queue;
pub use rerunner::Rerunner;
pub use rerunning::{AskRerun, EndRerun, RerunOutcome};
pub use series::{
    BookSeries, EndSeries, EndSeriesOutcome, OCCURRENCES_MAX, Occurrence, SeriesOutcome,
};
pub use sessions::{SessionSettings, Sessions};
pub use settling::{CorrectRun, Declare, DeclareOutcome, RunChange, RunOutcome};
pub use shelf::{InstrumentSnapshot, Shelf};
pub use simulate::{Simulation, simulate};
pub use timer::Settle;
pub use wishes::{
    AskToWait, DeclineOffer, OfferOutcome, TakeOffer, WISHES_MAX, WaitOutcome, Withdraw,
    WithdrawOutcome,
};
pub use witness::Witness;

#[cfg(test)]
mod tests;
