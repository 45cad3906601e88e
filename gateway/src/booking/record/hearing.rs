//! How far an instrument's use is settled.

use scheduler::id::InstrumentId;
use scheduler::time::Micros;
use sqlx::any::AnyRow;

use crate::store::{Held, Record, StoreError, Value, get, parsed};

/// The moment before which no run of an instrument changes by data that come later, and at which
/// nothing goes on: attribution begins there again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Hearing {
    /// Of which instrument.
    pub instrument: InstrumentId,
    /// The moment.
    pub settled: Micros,
}

impl Record for Hearing {
    const TABLE: &'static str = "hearings";
    const COLUMNS: &'static [&'static str] = &["settled_us"];
    const HELD: Held = Held::All;

    fn id(&self) -> i64 {
        self.instrument.get().into()
    }

    fn values(&self) -> Vec<Value> {
        vec![self.settled.get().into()]
    }

    fn parse(id: i64, row: &AnyRow) -> Result<Self, StoreError> {
        let number = parsed(u32::try_from(id).ok(), Self::TABLE, "id", &id)?;
        Ok(Self {
            instrument: InstrumentId::new(number),
            settled: Micros::new(get(row, "settled_us")?),
        })
    }
}
