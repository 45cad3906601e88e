//! Qualifications: who has learned to work with what.

use scheduler::id::{MemberId, NodeId};
use scheduler::time::Micros;
use sqlx::any::AnyRow;

use crate::store::{Held, Record, StoreError, Value, get, moment_of};

/// A member's qualification.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Qualification {
    /// Identity.
    pub id: i64,
    /// Whose.
    pub member: MemberId,
    /// Which, as a rule names it.
    pub name: String,
    /// The lab that granted it.
    pub lab: NodeId,
    /// Who granted it.
    pub granted_by: MemberId,
    /// When.
    pub granted_at: Micros,
    /// From then on it no longer counts.
    pub expires_at: Option<Micros>,
    /// The last time it was used.
    pub last_use_at: Option<Micros>,
}

impl Record for Qualification {
    const TABLE: &'static str = "qualifications";
    const COLUMNS: &'static [&'static str] = &[
        "member",
        "name",
        "lab",
        "granted_by",
        "granted_us",
        "expires_us",
        "last_use_us",
    ];
    const HELD: Held = Held::All;

    fn id(&self) -> i64 {
        self.id
    }

    fn values(&self) -> Vec<Value> {
        vec![
            self.member.get().into(),
            self.name.as_str().into(),
            self.lab.get().into(),
            self.granted_by.get().into(),
            self.granted_at.get().into(),
            self.expires_at.map(Micros::get).into(),
            self.last_use_at.map(Micros::get).into(),
        ]
    }

    fn parse(id: i64, row: &AnyRow) -> Result<Self, StoreError> {
        Ok(Self {
            id,
            member: MemberId::new(get(row, "member")?),
            name: get(row, "name")?,
            lab: NodeId::new(get(row, "lab")?),
            granted_by: MemberId::new(get(row, "granted_by")?),
            granted_at: Micros::new(get(row, "granted_us")?),
            expires_at: moment_of(row, "expires_us")?,
            last_use_at: moment_of(row, "last_use_us")?,
        })
    }
}
