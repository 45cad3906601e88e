//! State rules run again over readings of the past.

use scheduler::id::{InstrumentId, MemberId};
use scheduler::slot::Slot;
use scheduler::time::Micros;
use sqlx::any::AnyRow;

use super::words;
use crate::registry::{StateRule, StateRuleJson};
use crate::store::{
    Held, Record, StoreError, Value, get, instrument_of, json_of, moment_of, parsed, word_of,
};

words! {
    /// Where a re-run stands.
    RerunState {
        /// It waits, or is being made.
        Waiting = "waiting",
        /// Its states hold and runs are corrected.
        Done = "done",
        /// It could not be made: there are too many readings, or the store is another one.
        Failed = "failed",
    }
}

/// A state rule run again over readings of the past. Its identity is the number of the version of
/// states that it makes.
#[derive(Debug, Clone, PartialEq)]
pub struct Rerun {
    /// Identity.
    pub id: i64,
    /// Of which instrument.
    pub instrument: InstrumentId,
    /// The window.
    pub window: Slot,
    /// The rule, as it was when it was asked for.
    pub rule: StateRule,
    /// Who asked for it.
    pub by: MemberId,
    /// Why; 1 to 500 characters.
    pub reason: String,
    /// When.
    pub asked_at: Micros,
    /// Where it stands.
    pub state: RerunState,
    /// When it ended.
    pub finished_at: Option<Micros>,
    /// How many runs it corrected.
    pub runs_changed: i64,
}

impl Record for Rerun {
    const TABLE: &'static str = "reruns";
    const COLUMNS: &'static [&'static str] = &[
        "instrument",
        "from_us",
        "to_us",
        "rule",
        "by_member",
        "reason",
        "asked_us",
        "state",
        "finished_us",
        "runs_changed",
    ];
    const HELD: Held = Held::All;

    fn id(&self) -> i64 {
        self.id
    }

    fn values(&self) -> Vec<Value> {
        vec![
            i64::from(self.instrument.get()).into(),
            self.window.start().get().into(),
            self.window.end().get().into(),
            Value::json(&StateRuleJson::of(&self.rule)),
            self.by.get().into(),
            self.reason.as_str().into(),
            self.asked_at.get().into(),
            self.state.as_str().into(),
            self.finished_at.map(Micros::get).into(),
            self.runs_changed.into(),
        ]
    }

    fn parse(id: i64, row: &AnyRow) -> Result<Self, StoreError> {
        let form: StateRuleJson = json_of(row, (Self::TABLE, "rule"))?;
        let window = Slot::new(
            Micros::new(get(row, "from_us")?),
            Micros::new(get(row, "to_us")?),
        );
        Ok(Self {
            id,
            instrument: instrument_of(row, Self::TABLE)?,
            window: parsed(window, Self::TABLE, "to_us", &id)?,
            rule: parsed(form.to_rule().ok(), Self::TABLE, "rule", &id)?,
            by: MemberId::new(get(row, "by_member")?),
            reason: get(row, "reason")?,
            asked_at: Micros::new(get(row, "asked_us")?),
            state: word_of(row, (Self::TABLE, "state"), RerunState::parse)?,
            finished_at: moment_of(row, "finished_us")?,
            runs_changed: get(row, "runs_changed")?,
        })
    }
}
