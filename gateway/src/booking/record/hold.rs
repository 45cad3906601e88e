//! Claims that end by themselves: holds and offers.

use scheduler::booking::Status;
use scheduler::id::{BookingId, HoldId, InstrumentId, MemberId, OfferId, WaitId};
use scheduler::slot::Slot;
use scheduler::time::Micros;
use scheduler::waitlist::OfferState;
use sqlx::any::AnyRow;

use crate::store::{Held, Record, StoreError, Value, get, instrument_of, parsed, slot_of, word_of};

/// A slot kept for a member for some minutes. Its claim goes when it does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hold {
    /// Identity.
    pub id: HoldId,
    /// What.
    pub instrument: InstrumentId,
    /// For whom.
    pub member: MemberId,
    /// When; the claim also covers set-up and clean-up.
    pub slot: Slot,
    /// The cancelled booking it can bring back; none while a form is filled. It claims the slot
    /// only if somebody waits for it.
    pub undoes: Option<BookingId>,
    /// What that booking was.
    pub undoes_to: Option<Status>,
    /// Since when.
    pub created_at: Micros,
    /// From then on it claims nothing.
    pub expires_at: Micros,
}

impl Record for Hold {
    const TABLE: &'static str = "holds";
    const COLUMNS: &'static [&'static str] = &[
        "instrument",
        "member",
        "start_us",
        "end_us",
        "undoes",
        "undoes_to",
        "created_us",
        "expires_us",
    ];
    const HELD: Held = Held::All;

    fn id(&self) -> i64 {
        self.id.get()
    }

    fn values(&self) -> Vec<Value> {
        vec![
            i64::from(self.instrument.get()).into(),
            self.member.get().into(),
            self.slot.start().get().into(),
            self.slot.end().get().into(),
            self.undoes.map(BookingId::get).into(),
            self.undoes_to.map(Status::as_str).into(),
            self.created_at.get().into(),
            self.expires_at.get().into(),
        ]
    }

    fn parse(id: i64, row: &AnyRow) -> Result<Self, StoreError> {
        Ok(Self {
            id: HoldId::new(id),
            instrument: instrument_of(row, Self::TABLE)?,
            member: MemberId::new(get(row, "member")?),
            slot: slot_of(row, Self::TABLE)?,
            undoes: get::<Option<i64>>(row, "undoes")?.map(BookingId::new),
            undoes_to: was_of(row)?,
            created_at: Micros::new(get(row, "created_us")?),
            expires_at: Micros::new(get(row, "expires_us")?),
        })
    }
}

fn was_of(row: &AnyRow) -> Result<Option<Status>, StoreError> {
    let Some(text) = get::<Option<String>>(row, "undoes_to")? else {
        return Ok(None);
    };
    parsed(Status::parse(&text), Hold::TABLE, "undoes_to", &text).map(Some)
}

/// A freed slot offered to one who waits. Its claim goes when it no longer stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Offer {
    /// Identity.
    pub id: OfferId,
    /// To which wish.
    pub wait: WaitId,
    /// To whom.
    pub member: MemberId,
    /// What.
    pub instrument: InstrumentId,
    /// When; the claim also covers set-up and clean-up.
    pub slot: Slot,
    /// Since when.
    pub created_at: Micros,
    /// From then on the next in order is asked.
    pub expires_at: Micros,
    /// Where it is.
    pub state: OfferState,
}

impl Offer {
    /// Returns when it runs out, while it stands.
    #[must_use]
    pub fn due_at(&self) -> Option<Micros> {
        (self.state == OfferState::Open).then_some(self.expires_at)
    }
}

impl Record for Offer {
    const TABLE: &'static str = "offers";
    const COLUMNS: &'static [&'static str] = &[
        "wait",
        "member",
        "instrument",
        "start_us",
        "end_us",
        "created_us",
        "expires_us",
        "state",
    ];
    const HELD: Held = Held::Recent("end_us >= $1 OR state = 'open'", 2);

    fn id(&self) -> i64 {
        self.id.get()
    }

    fn values(&self) -> Vec<Value> {
        vec![
            self.wait.get().into(),
            self.member.get().into(),
            i64::from(self.instrument.get()).into(),
            self.slot.start().get().into(),
            self.slot.end().get().into(),
            self.created_at.get().into(),
            self.expires_at.get().into(),
            self.state.as_str().into(),
        ]
    }

    fn parse(id: i64, row: &AnyRow) -> Result<Self, StoreError> {
        Ok(Self {
            id: OfferId::new(id),
            wait: WaitId::new(get(row, "wait")?),
            member: MemberId::new(get(row, "member")?),
            instrument: instrument_of(row, Self::TABLE)?,
            slot: slot_of(row, Self::TABLE)?,
            created_at: Micros::new(get(row, "created_us")?),
            expires_at: Micros::new(get(row, "expires_us")?),
            state: word_of(row, (Self::TABLE, "state"), OfferState::parse)?,
        })
    }
}
