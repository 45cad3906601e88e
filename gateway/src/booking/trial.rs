//! What would become of a command: judged as the desk would, over what readers see, and dropped.

use scheduler::id::InstrumentId;

use super::ask::Ask;
use super::command::DeskError;
use super::group::{Answers, Group, NextIds, Policies};
use super::handle::DeskHandle;
use super::ledger::Ledger;
use crate::store::Writes;

/// What a trial makes must not be taken for what there is.
const UNREAL: NextIds = NextIds {
    booking: 1 << 60,
    outage: 1 << 60,
    claim: 1 << 60,
    event: 1 << 60,
};

impl DeskHandle {
    /// Returns what the desk would answer now. Nothing is changed, and the desk is not asked: a dry
    /// run costs those who book nothing. Idempotency keys are not looked at, nor whether everything is
    /// answered that is asked.
    ///
    /// # Errors
    /// Returns [`DeskError::NotReady`] for an answer of another kind, which cannot happen.
    pub fn would<A: Ask>(&self, asked: A) -> Result<A::Outcome, DeskError> {
        let directory = self.directory();
        let (answers, mut policies) = (Answers::new(), Policies::default());
        let mut group = Group {
            directory: &directory,
            shelf: &self.shelf,
            answers: &answers,
            policies: &mut policies,
            now: self.clock.now(),
            next: UNREAL,
            writes: Writes {
                ledger: Ledger::clone(&self.ledger()),
                ..Writes::default()
            },
            touched: std::collections::HashMap::<InstrumentId, _>::new(),
            past_use: Vec::new(),
            is_trial: true,
        };
        group.settle_due();
        let answer = group.judge(&asked.into());
        A::outcome(answer).map_err(|_| DeskError::NotReady("internal error".to_owned()))
    }
}
