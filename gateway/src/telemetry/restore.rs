//! States at start, rebuilt from the store.

use std::collections::HashMap;

use scheduler::id::InstrumentId;
use scheduler::time::Micros;

use super::state::{Decision, Fold, RuleChannels};
use crate::history::{Recovered, Writer};
use crate::registry::{Directory, StateRule};

/// Rebuilds every instrument's state from the store.
pub(super) fn restore(
    directory: &Directory,
    recovered: &Recovered,
    writer: &Writer,
    now: Micros,
) -> HashMap<InstrumentId, Fold> {
    let mut folds = HashMap::new();
    for newest in writer.newest() {
        let id = newest.instrument;
        let (Some(instrument), Some(last)) =
            (directory.instruments.get(&id), recovered.states.get(&id))
        else {
            continue;
        };
        let channels = rule_channels(&instrument.state_rule, writer);
        let cells = channels.iter().filter_map(|(name, number)| {
            let found = newest
                .cells
                .iter()
                .find(|(known, _)| Some(*known) == *number);
            found.map(|(_, cell)| (*name, *cell))
        });
        let last = Decision {
            at_ms: last.at.get().div_euclid(1_000),
            state: last.state,
        };
        folds.insert(id, Fold::restored(last, cells, newest.time_ms, now));
    }
    folds
}

/// Returns the numbers of the channels that a rule looks at.
pub(super) fn rule_channels<'r>(rule: &'r StateRule, writer: &Writer) -> RuleChannels<'r> {
    let channels = rule.channels().into_iter();
    channels
        .map(|name| (name, writer.known_channel(name)))
        .collect()
}
