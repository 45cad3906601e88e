//! Points for late cancellations and no-shows, and appeals against them.

use scheduler::id::{BookingId, InstrumentId, MemberId};
use scheduler::time::Micros;
use serde::{Deserialize, Serialize};
use sqlx::any::AnyRow;

use super::words;
use crate::store::{Held, Record, StoreError, Value, get, instrument_of, json_of, word_of};

words! {
    /// What points were given for.
    PenaltyReason {
        /// Given up too late.
        LateCancellation = "late_cancellation",
        /// Did not come, as the machine's own readings show.
        NoShow = "no_show",
    }
}

words! {
    /// Where an appeal stands.
    AppealState {
        /// Nobody has decided.
        Open = "open",
        /// The points are taken back.
        Granted = "granted",
        /// They stay.
        Rejected = "rejected",
    }
}

/// An appeal against points.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Appeal {
    /// What the member says; 1 to 2000 characters.
    pub text: String,
    /// When, microseconds UTC.
    pub at_us: i64,
    /// Where it stands.
    pub state: AppealState,
    /// Who decided, a member's number.
    pub decided_by: Option<i64>,
    /// What was answered; at most 2000 characters.
    pub answer: String,
    /// When, microseconds UTC.
    pub decided_us: Option<i64>,
}

/// Points given to a member.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Penalty {
    /// Identity.
    pub id: i64,
    /// To whom.
    pub member: MemberId,
    /// On which instrument.
    pub instrument: InstrumentId,
    /// For which booking.
    pub booking: BookingId,
    /// For what.
    pub reason: PenaltyReason,
    /// How many; 1 to 1000.
    pub points: u32,
    /// When.
    pub at: Micros,
    /// Whether they were taken back: by an appeal, or because later readings showed use.
    pub lifted: bool,
    /// The appeal.
    pub appeal: Option<Appeal>,
}

impl Record for Penalty {
    const TABLE: &'static str = "penalties";
    const COLUMNS: &'static [&'static str] = &[
        "member",
        "instrument",
        "booking",
        "reason",
        "points",
        "at_us",
        "lifted",
        "appeal",
    ];
    const HELD: Held = Held::Recent("at_us >= $1", 400);

    fn id(&self) -> i64 {
        self.id
    }

    fn values(&self) -> Vec<Value> {
        vec![
            self.member.get().into(),
            i64::from(self.instrument.get()).into(),
            self.booking.get().into(),
            self.reason.as_str().into(),
            i64::from(self.points).into(),
            self.at.get().into(),
            self.lifted.into(),
            Value::json(&self.appeal),
        ]
    }

    fn parse(id: i64, row: &AnyRow) -> Result<Self, StoreError> {
        let points = u32::try_from(get::<i64>(row, "points")?).ok();
        Ok(Self {
            id,
            member: MemberId::new(get(row, "member")?),
            instrument: instrument_of(row, Self::TABLE)?,
            booking: BookingId::new(get(row, "booking")?),
            reason: word_of(row, (Self::TABLE, "reason"), PenaltyReason::parse)?,
            points: crate::store::parsed(points, Self::TABLE, "points", &id)?,
            at: Micros::new(get(row, "at_us")?),
            lifted: get::<i64>(row, "lifted")? != 0,
            appeal: json_of(row, (Self::TABLE, "appeal"))?,
        })
    }
}
