//! What is kept of bookings, outages and events, and of everything that goes with them.

mod audit;
mod details;
mod hearing;
mod hold;
mod later;
mod machine_fault;
mod notice;
mod penalty;
mod problem;
mod project;
mod qualification;
mod questions;
mod rerun;
mod run;
mod series;
mod wait;

pub use audit::{Corrected, Correction, Override};
pub use details::{AnswerValue, Details, ServiceKind};
pub use hearing::Hearing;
pub use hold::{Hold, Offer};
pub use later::Later;
pub use machine_fault::MachineFault;
pub use notice::{Notice, NoticeKind};
pub use penalty::{Appeal, AppealState, Penalty, PenaltyReason};
pub use problem::{Attachment, Cause, Problem};
pub use project::Project;
pub use qualification::Qualification;
pub use questions::{AnswerKind, Question, QuestionSet};
pub use rerun::{Rerun, RerunState};
pub use run::{Evidence, Run, RunKind, RunState};
pub use series::Series;
pub use wait::{Passed, Wait, WaitState};

use scheduler::booking::Status;
use std::sync::Arc;

use scheduler::id::{
    BookingId, InstrumentId, MemberId, NodeId, OutageId, ProblemId, ProjectId, SeriesId,
};
use scheduler::slot::Slot;
use scheduler::time::Micros;

/// Declares a closed list of words with its stable texts, as the store and the API use them.
macro_rules! words {
    ($(#[$doc:meta])* $name:ident { $($(#[$word_doc:meta])* $word:ident = $text:literal,)* }) => {
        $(#[$doc])*
        #[derive(
            Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash,
            serde::Serialize, serde::Deserialize,
        )]
        pub enum $name {
            $(
                $(#[$word_doc])*
                #[serde(rename = $text)]
                $word,
            )*
        }

        // By hand: the derive cannot read a text that comes out of a macro and names the variants.
        impl utoipa::PartialSchema for $name {
            fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::Schema> {
                let texts = Self::ALL.iter().map(|word| word.as_str());
                utoipa::openapi::ObjectBuilder::new()
                    .schema_type(utoipa::openapi::Type::String)
                    .enum_values(Some(texts))
                    .into()
            }
        }

        impl utoipa::ToSchema for $name {}

        impl $name {
            /// Every word.
            pub const ALL: &'static [Self] = &[$(Self::$word),*];

            /// Returns the stable text.
            #[must_use]
            pub fn as_str(self) -> &'static str {
                match self {
                    $(Self::$word => $text,)*
                }
            }

            /// Parses the stable text.
            #[must_use]
            pub fn parse(text: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|word| word.as_str() == text)
            }
        }
    };
}
use words;

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
    pub purpose: Box<str>,
    /// The project's name where it is not a registered one; at most 200 characters. Private to
    /// both sides.
    pub project: Option<Box<str>>,
    /// What only some bookings have; apart, because there are hundreds of thousands.
    pub extras: Option<Arc<Extras>>,
    /// When it was accepted.
    pub created_at: Micros,
    /// When it was given up.
    pub cancelled_at: Later,
    /// When its use began: the machine ran, or somebody checked in.
    pub began_at: Later,
    /// When its use ended, before or after its slot.
    pub finished_at: Later,
    /// The next moment something has to be decided about it; none when nothing has to be.
    pub due_at: Later,
    /// The highest rule version that judged it.
    pub policy_version: i64,
    /// Counts changes, from 1; the `ETag`.
    pub version: i64,
}

/// What only some bookings have.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Extras {
    /// What else was asked.
    pub details: Details,
    /// Who made it, if it was not its member.
    pub made_by: Option<MemberId>,
    /// The series it belongs to.
    pub series: Option<SeriesId>,
    /// The first booking of those made together, all or nothing.
    pub bundle: Option<BookingId>,
    /// When its member said to be there.
    pub checked_in_at: Option<Micros>,
    /// When its member said to have gone.
    pub checked_out_at: Option<Micros>,
    /// Who said yes or no to it as it is.
    pub decided: Option<Decided>,
}

/// A decision on a booking that needed somebody's yes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Decided {
    /// Who decided.
    pub by: MemberId,
    /// When.
    pub at: Micros,
}

impl Extras {
    /// Returns them to be kept, if there are any.
    #[must_use]
    pub fn kept(self) -> Option<Arc<Self>> {
        (self != Self::default()).then(|| Arc::new(self))
    }
}

impl Booking {
    /// Returns what else was asked, if anything was said.
    #[must_use]
    pub fn details(&self) -> Option<&Details> {
        let extras = self.extras.as_deref()?;
        Some(&extras.details).filter(|details| !details.is_empty())
    }

    /// Returns the part of its slot that counts as used or to be used.
    #[must_use]
    pub fn counted(&self) -> Option<Slot> {
        let counts = self.status.claims() && self.status != Status::NoShow;
        let released = self.finished_at.get();
        self.status.claimed(self.slot, released).filter(|_| counts)
    }

    /// Returns the project that its hours are charged to.
    #[must_use]
    pub fn charged_to(&self) -> Option<ProjectId> {
        self.extras.as_deref()?.details.project.map(ProjectId::new)
    }

    /// Returns who made it, if it was not its member.
    #[must_use]
    pub fn made_by(&self) -> Option<MemberId> {
        self.extras.as_deref()?.made_by
    }

    /// Returns the series it belongs to.
    #[must_use]
    pub fn series(&self) -> Option<SeriesId> {
        self.extras.as_deref()?.series
    }

    /// Returns when its member said to be there.
    #[must_use]
    pub fn checked_in_at(&self) -> Option<Micros> {
        self.extras.as_deref()?.checked_in_at
    }

    /// Returns when its member said to have gone.
    #[must_use]
    pub fn checked_out_at(&self) -> Option<Micros> {
        self.extras.as_deref()?.checked_out_at
    }

    /// Returns who said yes or no to it as it is, and when.
    #[must_use]
    pub fn decided(&self) -> Option<Decided> {
        self.extras.as_deref()?.decided
    }

    /// Returns a copy that says who decided on it; none: somebody has to decide anew.
    #[must_use]
    pub fn with_decision(&self, decided: Option<Decided>) -> Self {
        let extras = Extras {
            decided,
            ..self.extras.as_deref().cloned().unwrap_or_default()
        };
        Self {
            extras: extras.kept(),
            ..self.clone()
        }
    }

    /// Returns a copy that also says when its member came and went.
    #[must_use]
    pub fn with_presence(&self, came: Option<Micros>, went: Option<Micros>) -> Self {
        let extras = Extras {
            checked_in_at: came,
            checked_out_at: went,
            ..self.extras.as_deref().cloned().unwrap_or_default()
        };
        Self {
            extras: extras.kept(),
            ..self.clone()
        }
    }

    /// Returns the first of the bookings made together with it.
    #[must_use]
    pub fn bundle(&self) -> Option<BookingId> {
        self.extras.as_deref()?.bundle
    }
}

words! {
    /// What kind of outage it is.
    OutageKind {
        /// Maintenance that was planned.
        Planned = "planned",
        /// Calibration or acceptance.
        Calibration = "calibration",
        /// Something broke.
        Fault = "fault",
        /// A closure that has nothing to do with the machine.
        Closure = "closure",
    }
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
    /// What kind of outage.
    pub kind: OutageKind,
    /// Why; at most 500 characters.
    pub reason: String,
    /// The problem that led to it.
    pub problem: Option<ProblemId>,
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

words! {
    /// What happened.
    EventKind {
        /// A booking was accepted.
        Booked = "booked",
        /// A booking was moved, shortened, extended or described anew.
        Changed = "changed",
        /// A booking was given up.
        Cancelled = "cancelled",
        /// An outage was opened.
        OutageOpened = "outage_opened",
        /// An outage was extended or shortened.
        OutageChanged = "outage_changed",
        /// An outage was ended.
        OutageEnded = "outage_ended",
        /// A slot is held, offered, or no longer.
        Claimed = "claimed",
        /// A run began, ended or was settled.
        Run = "run",
        /// A problem was reported or closed.
        Problem = "problem",
        /// Somebody waits, or no longer.
        Waitlist = "waitlist",
        /// Points were given, appealed against or taken back.
        Penalty = "penalty",
        /// The registry was edited.
        Registry = "registry",
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
