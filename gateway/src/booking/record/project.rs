//! Projects: what the work is for, who pays, how many hours there are.

use scheduler::id::{MemberId, NodeId, ProjectId};
use scheduler::time::Micros;
use sqlx::any::AnyRow;

use crate::registry::Names;
use crate::store::{Held, Record, StoreError, Value, get, json_of, moment_of};

/// A project of an institution.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Project {
    /// Identity.
    pub id: ProjectId,
    /// Its code, unique in the region; 1 to 64 characters.
    pub code: String,
    /// Names.
    pub names: Names,
    /// The institution it belongs to.
    pub institution: NodeId,
    /// The legal entity that pays; at most 200 characters.
    pub payer: String,
    /// Where the money comes from, as the national record words it; at most 100 characters.
    pub funds: String,
    /// Hours it may use within its time, in minutes; none: no limit.
    pub budget_minutes: Option<i64>,
    /// First moment it may be charged.
    pub from: Option<Micros>,
    /// First moment it may no longer be charged.
    pub until: Option<Micros>,
    /// Who may book for it; empty: everybody of the institution.
    pub members: Vec<MemberId>,
    /// Whether it takes no more bookings.
    pub closed: bool,
    /// Counts edits, from 1; the `ETag`.
    pub version: i64,
}

impl Record for Project {
    const TABLE: &'static str = "projects";
    const COLUMNS: &'static [&'static str] = &[
        "code",
        "name",
        "name_en",
        "institution",
        "payer",
        "funds",
        "budget_minutes",
        "from_us",
        "until_us",
        "members",
        "closed",
        "version",
    ];
    const HELD: Held = Held::All;

    fn id(&self) -> i64 {
        self.id.get()
    }

    fn values(&self) -> Vec<Value> {
        let members: Vec<i64> = self.members.iter().map(|id| id.get()).collect();
        vec![
            self.code.as_str().into(),
            self.names.zh.as_str().into(),
            self.names.en.as_str().into(),
            self.institution.get().into(),
            self.payer.as_str().into(),
            self.funds.as_str().into(),
            self.budget_minutes.into(),
            self.from.map(Micros::get).into(),
            self.until.map(Micros::get).into(),
            Value::json(&members),
            self.closed.into(),
            self.version.into(),
        ]
    }

    fn parse(id: i64, row: &AnyRow) -> Result<Self, StoreError> {
        let members: Vec<i64> = json_of(row, (Self::TABLE, "members"))?;
        Ok(Self {
            id: ProjectId::new(id),
            code: get(row, "code")?,
            names: Names {
                zh: get(row, "name")?,
                en: get(row, "name_en")?,
            },
            institution: NodeId::new(get(row, "institution")?),
            payer: get(row, "payer")?,
            funds: get(row, "funds")?,
            budget_minutes: get(row, "budget_minutes")?,
            from: moment_of(row, "from_us")?,
            until: moment_of(row, "until_us")?,
            members: members.into_iter().map(MemberId::new).collect(),
            closed: get::<i64>(row, "closed")? != 0,
            version: get(row, "version")?,
        })
    }
}
