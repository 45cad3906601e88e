//! States at start, rebuilt from the store.

use std::collections::HashMap;

use scheduler::id::InstrumentId;
use scheduler::time::Micros;

use super::state::{Before, Decision, Fold, RuleChannels};
use crate::history::{Cell, Recovered, Writer};
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
        let found = channels.iter().filter_map(|(name, number)| {
            let mut cells = newest.cells.iter();
            let found = cells.find(|one| Some(one.channel) == *number);
            found.map(|found| (*name, found))
        });
        // Of a rule that nothing was read for yet, any reading tells that somebody was there.
        let heard_ms = found.clone().map(|(_, found)| found.time_ms).max();
        let heard_ms = heard_ms.or(newest.time_ms);
        let cells = found.flat_map(|(name, found)| {
            let good = found.good.map(Cell::Good);
            let cells = good.into_iter().chain([found.cell]);
            cells.map(move |cell| (name, cell))
        });
        let last = Decision {
            at_ms: last.at.get().div_euclid(1_000),
            state: last.state,
        };
        let mut fold = Fold::restored(last, cells, (heard_ms, newest.time_ms), now);
        if let Some((read, sound)) = recovered.before.get(&id) {
            let before = Before {
                read: *read,
                sound: *sound,
            };
            fold.remember(&instrument.state_rule, before);
        }
        folds.insert(id, fold);
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
