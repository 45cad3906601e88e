//! States at start, rebuilt from the store.

use std::collections::HashMap;

use scheduler::id::InstrumentId;
use scheduler::time::Micros;

use super::state::{Decision, Fold, RuleChannels};
use crate::history::{Recovered, Writer};
use crate::registry::{Directory, Instrument};

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
        let channels = rule_channels(instrument, writer);
        let cell = |channel| {
            let found = newest
                .cells
                .iter()
                .find(|(number, _)| Some(*number) == channel);
            found.map(|(_, cell)| *cell)
        };
        let last = Decision {
            at_ms: last.at.get().div_euclid(1_000),
            state: last.state,
        };
        let known = (cell(channels.value), cell(channels.fault));
        folds.insert(id, Fold::restored(last, known, newest.time_ms, now));
    }
    folds
}

/// Returns the numbers of the channels that an instrument's rule looks at.
pub(super) fn rule_channels(instrument: &Instrument, writer: &Writer) -> RuleChannels {
    let rule = &instrument.state_rule;
    let fault = rule.fault_channel.as_ref();
    RuleChannels {
        value: writer.known_channel(&rule.channel),
        fault: fault.and_then(|name| writer.known_channel(name)),
    }
}
