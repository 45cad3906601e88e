//! Every command that the desk serves in groups: its answer, and who judges it. One line each.

use super::bundles::{BookTogether, TogetherOutcome};
use super::checking::{CheckIn, CheckOut, CheckOutcome};
use super::command::{
    Approve, Book, BookOutcome, Cancel, CancelOutcome, Change, ChangeOutcome, Decline, Transfer,
};
use super::group::Group;
use super::hearing::{Hear, HearOutcome};
use super::holding::{HoldOutcome, LetGo, LetGoOutcome, PlaceHold, Restore, RestoreOutcome};
use super::machine_faults::WatchFault;
use super::notices::SeeNotices;
use super::outage_command::{EndOutage, MoveOutageEnd, OpenOutage, OutageOutcome};
use super::penalties::{AppealOutcome, DecideAppeal, LodgeAppeal};
use super::problems::{CloseProblem, ProblemOutcome, Report, ReportOutcome, StopForProblem};
use super::projects::{ProjectOutcome, SaveProject};
use super::qualifying::{Grant, GrantOutcome, Revoke};
use super::questions::{QuestionsOutcome, SetQuestions};
use super::rerunning::{AskRerun, EndRerun, RerunOutcome};
use super::series::{BookSeries, EndSeries, EndSeriesOutcome, SeriesOutcome};
use super::settling::{CorrectRun, Declare, DeclareOutcome, RunOutcome};
use super::timer::Settle;
use super::wishes::{
    AskToWait, DeclineOffer, OfferOutcome, TakeOffer, WaitOutcome, Withdraw, WithdrawOutcome,
};

/// A command that the desk judges together with others and answers after their commit.
pub trait Ask: Into<Command> {
    /// What becomes of it.
    type Outcome;

    /// Takes its outcome out of the desk's answer.
    ///
    /// # Errors
    /// Gives back an answer of another kind, which the desk never sends.
    fn outcome(answer: Answer) -> Result<Self::Outcome, Answer>;
}

macro_rules! commands {
    ($($command:ident => $outcome:ty, $judge:ident;)*) => {
        /// Any command that belongs to a group.
        #[derive(Debug, Clone)]
        pub enum Command {
            $(
                #[doc = concat!("See [`", stringify!($command), "`].")]
                $command($command),
            )*
        }

        /// Any answer to one.
        #[derive(Debug, Clone)]
        pub enum Answer {
            $(
                #[doc = concat!("Answers [`", stringify!($command), "`].")]
                $command($outcome),
            )*
        }

        impl Group<'_> {
            /// Judges a command and notes what it would write.
            pub(super) fn judge(&mut self, command: &Command) -> Answer {
                match command {
                    $(Command::$command(asked) => Answer::$command(self.$judge(asked)),)*
                }
            }
        }

        $(
            impl From<$command> for Command {
                fn from(asked: $command) -> Self {
                    Self::$command(asked)
                }
            }

            impl Ask for $command {
                type Outcome = $outcome;

                fn outcome(answer: Answer) -> Result<$outcome, Answer> {
                    match answer {
                        Answer::$command(outcome) => Ok(outcome),
                        other => Err(other),
                    }
                }
            }
        )*
    };
}

commands! {
    Book => BookOutcome, book;
    Change => ChangeOutcome, change;
    Cancel => CancelOutcome, cancel;
    Approve => ChangeOutcome, approve;
    Decline => ChangeOutcome, decline;
    Transfer => ChangeOutcome, transfer;
    OpenOutage => OutageOutcome, open_outage;
    EndOutage => OutageOutcome, end_outage;
    PlaceHold => HoldOutcome, place_hold;
    LetGo => LetGoOutcome, let_go;
    Restore => RestoreOutcome, restore;
    AskToWait => WaitOutcome, ask_to_wait;
    Withdraw => WithdrawOutcome, withdraw;
    TakeOffer => OfferOutcome, take_offer;
    DeclineOffer => OfferOutcome, decline_offer;
    BookTogether => TogetherOutcome, book_together;
    BookSeries => SeriesOutcome, book_series;
    EndSeries => EndSeriesOutcome, end_series;
    MoveOutageEnd => OutageOutcome, move_outage_end;
    Settle => (), settle;
    Hear => HearOutcome, hear;
    WatchFault => (), watch_fault;
    AskRerun => RerunOutcome, ask_rerun;
    EndRerun => (), end_rerun;
    CheckIn => CheckOutcome, check_in;
    CheckOut => CheckOutcome, check_out;
    CorrectRun => RunOutcome, correct_run;
    Declare => DeclareOutcome, declare;
    SaveProject => ProjectOutcome, save_project;
    Grant => GrantOutcome, grant;
    Revoke => bool, revoke;
    SetQuestions => QuestionsOutcome, set_questions;
    Report => ReportOutcome, report;
    CloseProblem => ProblemOutcome, close_problem;
    StopForProblem => ProblemOutcome, stop_for_problem;
    LodgeAppeal => AppealOutcome, lodge_appeal;
    DecideAppeal => AppealOutcome, decide_appeal;
    SeeNotices => usize, see_notices;
}
