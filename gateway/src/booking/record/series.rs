//! Recurring bookings: the rule they were made from. Each occurrence is a booking of its own.

use scheduler::id::{InstrumentId, MemberId, SeriesId};
use scheduler::slot::Slot;
use scheduler::time::Micros;
use sqlx::any::AnyRow;

use crate::store::{Held, Record, StoreError, Value, get, instrument_of, moment_of, slot_of};

/// A series of bookings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Series {
    /// Identity.
    pub id: SeriesId,
    /// Whose.
    pub member: MemberId,
    /// What.
    pub instrument: InstrumentId,
    /// The first occurrence.
    pub first: Slot,
    /// The rule, RFC 5545 `RRULE` text with `EXDATE` lines.
    pub rule: String,
    /// What for; at most 500 characters.
    pub purpose: String,
    /// When it was made.
    pub created_at: Micros,
    /// When the rest of it was given up.
    pub ended_at: Option<Micros>,
}

impl Record for Series {
    const TABLE: &'static str = "series";
    const COLUMNS: &'static [&'static str] = &[
        "member",
        "instrument",
        "start_us",
        "end_us",
        "rule",
        "purpose",
        "created_us",
        "ended_us",
    ];
    const HELD: Held = Held::All;

    fn id(&self) -> i64 {
        self.id.get()
    }

    fn values(&self) -> Vec<Value> {
        vec![
            self.member.get().into(),
            i64::from(self.instrument.get()).into(),
            self.first.start().get().into(),
            self.first.end().get().into(),
            self.rule.as_str().into(),
            self.purpose.as_str().into(),
            self.created_at.get().into(),
            self.ended_at.map(Micros::get).into(),
        ]
    }

    fn parse(id: i64, row: &AnyRow) -> Result<Self, StoreError> {
        Ok(Self {
            id: SeriesId::new(id),
            member: MemberId::new(get(row, "member")?),
            instrument: instrument_of(row, Self::TABLE)?,
            first: slot_of(row, Self::TABLE)?,
            rule: get(row, "rule")?,
            purpose: get(row, "purpose")?,
            created_at: Micros::new(get(row, "created_us")?),
            ended_at: moment_of(row, "ended_us")?,
        })
    }
}
