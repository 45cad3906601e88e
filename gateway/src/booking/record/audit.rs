//! What was set aside or corrected: kept for ever, looked up in the database.

use scheduler::id::{BookingId, MemberId};
use scheduler::time::Micros;
use sqlx::any::AnyRow;

use super::words;
use crate::store::{Held, Record, StoreError, Value, get, json_of, word_of};

/// Rules that somebody with the right set aside for a booking, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Override {
    /// Identity.
    pub id: i64,
    /// For which booking.
    pub booking: BookingId,
    /// Who set them aside.
    pub by: MemberId,
    /// When.
    pub at: Micros,
    /// Why; 1 to 500 characters.
    pub reason: String,
    /// The rules, as the API names them.
    pub rules: Vec<String>,
}

impl Record for Override {
    const TABLE: &'static str = "overrides";
    const COLUMNS: &'static [&'static str] = &["booking", "by_member", "at_us", "reason", "rules"];
    const HELD: Held = Held::Nothing;

    fn id(&self) -> i64 {
        self.id
    }

    fn values(&self) -> Vec<Value> {
        vec![
            self.booking.get().into(),
            self.by.get().into(),
            self.at.get().into(),
            self.reason.as_str().into(),
            Value::json(&self.rules),
        ]
    }

    fn parse(id: i64, row: &AnyRow) -> Result<Self, StoreError> {
        Ok(Self {
            id,
            booking: BookingId::new(get(row, "booking")?),
            by: MemberId::new(get(row, "by_member")?),
            at: Micros::new(get(row, "at_us")?),
            reason: get(row, "reason")?,
            rules: json_of(row, (Self::TABLE, "rules"))?,
        })
    }
}

words! {
    /// What was corrected.
    Corrected {
        /// A run.
        Run = "run",
        /// A booking's outcome.
        Booking = "booking",
    }
}

/// A correction: both values, who made it and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Correction {
    /// Identity.
    pub id: i64,
    /// What was corrected.
    pub subject: Corrected,
    /// Its identity.
    pub subject_id: i64,
    /// Who corrected it; none: the gateway itself, on later readings.
    pub by: Option<MemberId>,
    /// When.
    pub at: Micros,
    /// Why; at most 500 characters.
    pub reason: String,
    /// What it was before.
    pub before: serde_json::Value,
    /// What it is now.
    pub after: serde_json::Value,
}

impl Record for Correction {
    const TABLE: &'static str = "corrections";
    const COLUMNS: &'static [&'static str] = &[
        "subject",
        "subject_id",
        "by_member",
        "at_us",
        "reason",
        "before_json",
        "after_json",
    ];
    const HELD: Held = Held::Nothing;

    fn id(&self) -> i64 {
        self.id
    }

    fn values(&self) -> Vec<Value> {
        vec![
            self.subject.as_str().into(),
            self.subject_id.into(),
            self.by.map(MemberId::get).into(),
            self.at.get().into(),
            self.reason.as_str().into(),
            Value::json(&self.before),
            Value::json(&self.after),
        ]
    }

    fn parse(id: i64, row: &AnyRow) -> Result<Self, StoreError> {
        Ok(Self {
            id,
            subject: word_of(row, (Self::TABLE, "subject"), Corrected::parse)?,
            subject_id: get(row, "subject_id")?,
            by: get::<Option<i64>>(row, "by_member")?.map(MemberId::new),
            at: Micros::new(get(row, "at_us")?),
            reason: get(row, "reason")?,
            before: json_of(row, (Self::TABLE, "before_json"))?,
            after: json_of(row, (Self::TABLE, "after_json"))?,
        })
    }
}
