//! What people are told in the pages: one row a person and event.

use scheduler::id::{BookingId, InstrumentId, MemberId};
use scheduler::slot::Slot;
use scheduler::time::Micros;
use sqlx::any::AnyRow;

use super::words;
use crate::store::{Held, Record, StoreError, Value, get, instrument_of, moment_of, word_of};

words! {
    /// What a notice is about.
    NoticeKind {
        /// A booking waits for a decision.
        ApprovalAsked = "approval_asked",
        /// A booking was approved.
        Approved = "approved",
        /// A booking was declined.
        Declined = "declined",
        /// A booking ran out because nobody decided.
        ApprovalExpired = "approval_expired",
        /// Somebody else cancelled the booking.
        CancelledByLab = "cancelled_by_lab",
        /// Somebody else moved the booking.
        MovedByLab = "moved_by_lab",
        /// An outage covers the booking.
        AtRisk = "at_risk",
        /// The one before has not left.
        Overrun = "overrun",
        /// The booking's rest was released: nobody came.
        NoShow = "no_show",
        /// Somebody was there after all: the no-show is cleared.
        NoShowCleared = "no_show_cleared",
        /// The booking could not be verified.
        Unverified = "unverified",
        /// The rest was released: the work was done early.
        Released = "released",
        /// A slot is offered.
        Offered = "offered",
        /// A waiting wish was booked.
        Served = "served",
        /// Somebody booked for this member.
        BookedFor = "booked_for",
        /// A booking was handed over to this member.
        Transferred = "transferred",
        /// A problem was reported with an instrument in this member's care.
        ProblemReported = "problem_reported",
        /// The problem reported by this member was closed.
        ProblemClosed = "problem_closed",
        /// Somebody appeals against points on an instrument in this member's care.
        AppealLodged = "appeal_lodged",
        /// An appeal was decided.
        AppealDecided = "appeal_decided",
        /// A machine ran without a booking.
        UnbookedRun = "unbooked_run",
        /// Use entered by hand waits for a decision.
        DeclaredUse = "declared_use",
        /// A machine reports a fault, and its instrument is out for it.
        MachineFault = "machine_fault",
        /// A machine reports no fault any more; whoever runs it ends the outage.
        FaultGone = "fault_gone",
    }
}

/// A notice to one member.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notice {
    /// Identity.
    pub id: i64,
    /// To whom.
    pub member: MemberId,
    /// About what.
    pub kind: NoticeKind,
    /// Which instrument.
    pub instrument: InstrumentId,
    /// Which booking.
    pub booking: Option<BookingId>,
    /// When it is about.
    pub slot: Option<Slot>,
    /// Words of whoever caused it; at most 500 characters.
    pub words: String,
    /// When.
    pub at: Micros,
    /// When it was read.
    pub seen_at: Option<Micros>,
}

impl Record for Notice {
    const TABLE: &'static str = "notices";
    const COLUMNS: &'static [&'static str] = &[
        "member",
        "kind",
        "instrument",
        "booking",
        "start_us",
        "end_us",
        "words",
        "at_us",
        "seen_us",
    ];
    const HELD: Held = Held::Recent("at_us >= $1", 30);

    fn id(&self) -> i64 {
        self.id
    }

    fn values(&self) -> Vec<Value> {
        vec![
            self.member.get().into(),
            self.kind.as_str().into(),
            i64::from(self.instrument.get()).into(),
            self.booking.map(BookingId::get).into(),
            self.slot.map(|slot| slot.start().get()).into(),
            self.slot.map(|slot| slot.end().get()).into(),
            self.words.as_str().into(),
            self.at.get().into(),
            self.seen_at.map(Micros::get).into(),
        ]
    }

    fn parse(id: i64, row: &AnyRow) -> Result<Self, StoreError> {
        let bounds = moment_of(row, "start_us")?.zip(moment_of(row, "end_us")?);
        Ok(Self {
            id,
            member: MemberId::new(get(row, "member")?),
            kind: word_of(row, (Self::TABLE, "kind"), NoticeKind::parse)?,
            instrument: instrument_of(row, Self::TABLE)?,
            booking: get::<Option<i64>>(row, "booking")?.map(BookingId::new),
            slot: bounds.and_then(|(start, end)| Slot::new(start, end)),
            words: get(row, "words")?,
            at: Micros::new(get(row, "at_us")?),
            seen_at: moment_of(row, "seen_us")?,
        })
    }
}
