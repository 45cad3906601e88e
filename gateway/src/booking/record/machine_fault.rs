//! Faults that machines report, as long as they matter.

use scheduler::id::{InstrumentId, OutageId};
use scheduler::time::Micros;
use sqlx::any::AnyRow;

use crate::store::{Held, Record, StoreError, Value, get, parsed};

/// A fault of a machine whose rule opens outages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MachineFault {
    /// Of which instrument.
    pub instrument: InstrumentId,
    /// Since when the machine reports it; of several in one outage the last.
    pub since: Micros,
    /// The outage it led to.
    pub outage: Option<OutageId>,
    /// Whether the managers were told that it is over.
    pub is_told: bool,
}

impl Record for MachineFault {
    const TABLE: &'static str = "machine_faults";
    const COLUMNS: &'static [&'static str] = &["since_us", "outage", "told"];
    const HELD: Held = Held::All;

    fn id(&self) -> i64 {
        self.instrument.get().into()
    }

    fn values(&self) -> Vec<Value> {
        vec![
            self.since.get().into(),
            self.outage.map(OutageId::get).into(),
            self.is_told.into(),
        ]
    }

    fn parse(id: i64, row: &AnyRow) -> Result<Self, StoreError> {
        let number = parsed(u32::try_from(id).ok(), Self::TABLE, "id", &id)?;
        Ok(Self {
            instrument: InstrumentId::new(number),
            since: Micros::new(get(row, "since_us")?),
            outage: get::<Option<i64>>(row, "outage")?.map(OutageId::new),
            is_told: get::<i64>(row, "told")? != 0,
        })
    }
}
