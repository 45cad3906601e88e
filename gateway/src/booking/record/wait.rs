//! Wishes on the waitlist.

use scheduler::id::{BookingId, InstrumentId, MemberId, WaitId};
use scheduler::slot::Slot;
use scheduler::time::{Micros, Span};
use serde::{Deserialize, Serialize};
use sqlx::any::AnyRow;

use super::{Details, words};
use crate::store::{Held, Record, StoreError, Value, get, json_of, parsed, slot_of, word_of};

words! {
    /// What became of a wish on the waitlist.
    WaitState {
        /// It waits.
        Waiting = "waiting",
        /// It was booked.
        Served = "served",
        /// Its member took it back.
        Withdrawn = "withdrawn",
        /// Its time is over.
        Over = "over",
    }
}

/// A slot that was offered and not taken: it is not offered to the same wish again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Passed {
    /// The instrument's number.
    pub instrument: u32,
    /// Begin, microseconds UTC.
    pub start_us: i64,
    /// End, microseconds UTC.
    pub end_us: i64,
}

impl Passed {
    /// Returns a slot of an instrument as passed.
    #[must_use]
    pub fn of(instrument: InstrumentId, slot: Slot) -> Self {
        Self {
            instrument: instrument.get(),
            start_us: slot.start().get(),
            end_us: slot.end().get(),
        }
    }

    /// Returns what was passed; none for a row that another hand has written.
    #[must_use]
    pub fn place(self) -> Option<(InstrumentId, Slot)> {
        let slot = Slot::new(Micros::new(self.start_us), Micros::new(self.end_us))?;
        Some((InstrumentId::new(self.instrument), slot))
    }
}

/// A wish for a slot that is taken now: exact, or any of a length within a window.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wait {
    /// Identity.
    pub id: WaitId,
    /// Whose.
    pub member: MemberId,
    /// Any of these; 1 to 50.
    pub instruments: Vec<InstrumentId>,
    /// Somewhere within; the slot itself for an exact wish.
    pub within: Slot,
    /// How long.
    pub length: Span,
    /// Whether it is booked at once instead of offered.
    pub auto_book: bool,
    /// What for; at most 500 characters.
    pub purpose: String,
    /// The project's name where it is not a registered one; at most 200 characters.
    pub project: Option<String>,
    /// What else was asked, as far as it was said.
    pub details: Details,
    /// What became of it.
    pub state: WaitState,
    /// The booking that served it.
    pub booking: Option<BookingId>,
    /// Offers that were declined or ran out.
    pub passed: Vec<Passed>,
    /// Since when.
    pub created_at: Micros,
}

impl Wait {
    /// Returns from when on no slot that is wished for can begin, while it waits.
    #[must_use]
    pub fn due_at(&self) -> Option<Micros> {
        let last_begin = self.within.end().saturating_sub(self.length);
        (self.state == WaitState::Waiting).then_some(last_begin)
    }
}

impl Record for Wait {
    const TABLE: &'static str = "waits";
    const COLUMNS: &'static [&'static str] = &[
        "member",
        "instruments",
        "start_us",
        "end_us",
        "length_us",
        "auto_book",
        "purpose",
        "project",
        "details",
        "state",
        "booking",
        "passed",
        "created_us",
    ];
    const HELD: Held = Held::Recent("end_us >= $1", 30);

    fn id(&self) -> i64 {
        self.id.get()
    }

    fn values(&self) -> Vec<Value> {
        let instruments: Vec<u32> = self.instruments.iter().map(|id| id.get()).collect();
        vec![
            self.member.get().into(),
            Value::json(&instruments),
            self.within.start().get().into(),
            self.within.end().get().into(),
            self.length.get().into(),
            self.auto_book.into(),
            self.purpose.as_str().into(),
            self.project.as_deref().into(),
            Value::json(&self.details),
            self.state.as_str().into(),
            self.booking.map(BookingId::get).into(),
            Value::json(&self.passed),
            self.created_at.get().into(),
        ]
    }

    fn parse(id: i64, row: &AnyRow) -> Result<Self, StoreError> {
        let instruments: Vec<u32> = json_of(row, (Self::TABLE, "instruments"))?;
        let length = Span::new(get(row, "length_us")?);
        Ok(Self {
            id: WaitId::new(id),
            member: MemberId::new(get(row, "member")?),
            instruments: instruments.into_iter().map(InstrumentId::new).collect(),
            within: slot_of(row, Self::TABLE)?,
            length: parsed(length, Self::TABLE, "length_us", &id)?,
            auto_book: get::<i64>(row, "auto_book")? != 0,
            purpose: get(row, "purpose")?,
            project: get(row, "project")?,
            details: json_of(row, (Self::TABLE, "details"))?,
            state: word_of(row, (Self::TABLE, "state"), WaitState::parse)?,
            booking: get::<Option<i64>>(row, "booking")?.map(BookingId::new),
            passed: json_of(row, (Self::TABLE, "passed"))?,
            created_at: Micros::new(get(row, "created_us")?),
        })
    }
}
