//! All or nothing within a group: what fails half-way leaves no trace, and the group goes on.

use std::collections::HashMap;

use scheduler::id::InstrumentId;

use super::group::{Group, NextIds};
use super::shelf::InstrumentSnapshot;
use crate::store::Writes;

/// What a group was. Costs what the group has written so far, and a copy of each of the named
/// instruments that it has touched: never of all.
struct Savepoint {
    next: NextIds,
    writes: Writes,
    /// The named instruments; none: not touched yet.
    touched: HashMap<InstrumentId, Option<InstrumentSnapshot>>,
}

impl Group<'_> {
    /// Does something that keeps nothing when it fails. It may touch no other instruments than
    /// those named before it knows that it succeeds.
    ///
    /// # Errors
    /// Returns what `act` does; the group is then as it was.
    pub(super) fn all_or_nothing<T, E>(
        &mut self,
        instruments: &[InstrumentId],
        act: impl FnOnce(&mut Self) -> Result<T, E>,
    ) -> Result<T, E> {
        let held = |id: &InstrumentId| (*id, self.touched.get(id).cloned());
        let before = Savepoint {
            next: self.next,
            writes: self.writes.clone(),
            touched: instruments.iter().map(held).collect(),
        };
        let done = act(self);
        if done.is_err() {
            self.return_to(before);
        }
        done
    }

    fn return_to(&mut self, before: Savepoint) {
        self.next = before.next;
        self.writes = before.writes;
        for (id, held) in before.touched {
            match held {
                Some(held) => self.touched.insert(id, held),
                None => self.touched.remove(&id),
            };
        }
    }
}
