//! Problems that people report, and the files that go with them.

use scheduler::id::{InstrumentId, MemberId, OutageId, ProblemId};
use scheduler::time::Micros;
use sqlx::any::AnyRow;

use super::words;
use crate::store::{Held, Record, StoreError, Value, get, instrument_of, moment_of, word_of};

words! {
    /// Why an instrument had a problem, as its manager found.
    Cause {
        /// A part wore out or broke.
        Wear = "wear",
        /// It was operated wrongly.
        Operation = "operation",
        /// Power, gas, water, climate.
        Supply = "supply",
        /// Program or control.
        Software = "software",
        /// Something consumable ran out.
        Consumable = "consumable",
        /// Nothing was wrong.
        NoFault = "no_fault",
        /// Something else.
        Other = "other",
    }
}

/// A problem with an instrument, from its report to its cause.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// Identity.
    pub id: ProblemId,
    /// Of what.
    pub instrument: InstrumentId,
    /// Who reported it.
    pub reporter: MemberId,
    /// When.
    pub created_at: Micros,
    /// What is wrong; 1 to 2000 characters.
    pub text: String,
    /// The photo.
    pub photo: Option<i64>,
    /// The outage it led to.
    pub outage: Option<OutageId>,
    /// What it was, once closed.
    pub cause: Option<Cause>,
    /// What was done; at most 2000 characters.
    pub remedy: String,
    /// Who closed it.
    pub closed_by: Option<MemberId>,
    /// When.
    pub closed_at: Option<Micros>,
    /// Counts changes, from 1; the `ETag`.
    pub version: i64,
}

impl Record for Problem {
    const TABLE: &'static str = "problems";
    const COLUMNS: &'static [&'static str] = &[
        "instrument",
        "reporter",
        "created_us",
        "text",
        "photo",
        "outage",
        "cause",
        "remedy",
        "closed_by",
        "closed_us",
        "version",
    ];
    const HELD: Held = Held::All;

    fn id(&self) -> i64 {
        self.id.get()
    }

    fn values(&self) -> Vec<Value> {
        vec![
            i64::from(self.instrument.get()).into(),
            self.reporter.get().into(),
            self.created_at.get().into(),
            self.text.as_str().into(),
            self.photo.into(),
            self.outage.map(OutageId::get).into(),
            self.cause.map(Cause::as_str).into(),
            self.remedy.as_str().into(),
            self.closed_by.map(MemberId::get).into(),
            self.closed_at.map(Micros::get).into(),
            self.version.into(),
        ]
    }

    fn parse(id: i64, row: &AnyRow) -> Result<Self, StoreError> {
        let cause = match get::<Option<String>>(row, "cause")? {
            Some(_) => Some(word_of(row, (Self::TABLE, "cause"), Cause::parse)?),
            None => None,
        };
        Ok(Self {
            id: ProblemId::new(id),
            instrument: instrument_of(row, Self::TABLE)?,
            reporter: MemberId::new(get(row, "reporter")?),
            created_at: Micros::new(get(row, "created_us")?),
            text: get(row, "text")?,
            photo: get(row, "photo")?,
            outage: get::<Option<i64>>(row, "outage")?.map(OutageId::new),
            cause,
            remedy: get(row, "remedy")?,
            closed_by: get::<Option<i64>>(row, "closed_by")?.map(MemberId::new),
            closed_at: moment_of(row, "closed_us")?,
            version: get(row, "version")?,
        })
    }
}

/// A file kept with a record. Never in memory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attachment {
    /// Identity.
    pub id: i64,
    /// Who sent it.
    pub member: MemberId,
    /// The instrument it is about.
    pub instrument: InstrumentId,
    /// `image/jpeg`, `image/png` or `image/webp`.
    pub media_type: String,
    /// The bytes; at most 5 MiB.
    pub bytes: Vec<u8>,
    /// When.
    pub created_at: Micros,
}

impl Record for Attachment {
    const TABLE: &'static str = "attachments";
    const COLUMNS: &'static [&'static str] =
        &["member", "instrument", "media_type", "bytes", "created_us"];
    const HELD: Held = Held::Nothing;

    fn id(&self) -> i64 {
        self.id
    }

    fn values(&self) -> Vec<Value> {
        vec![
            self.member.get().into(),
            i64::from(self.instrument.get()).into(),
            self.media_type.as_str().into(),
            Value::Bytes(self.bytes.clone()),
            self.created_at.get().into(),
        ]
    }

    fn parse(id: i64, row: &AnyRow) -> Result<Self, StoreError> {
        Ok(Self {
            id,
            member: MemberId::new(get(row, "member")?),
            instrument: instrument_of(row, Self::TABLE)?,
            media_type: get(row, "media_type")?,
            bytes: get(row, "bytes")?,
            created_at: Micros::new(get(row, "created_us")?),
        })
    }
}
