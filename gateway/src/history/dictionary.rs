//! Channel names and units: text outside, small numbers inside.

use std::collections::HashMap;

use scheduler::id::InstrumentId;
use wire::ChannelName;

use super::rows::ChannelNo;

/// Most channel names in the whole store. More are refused: somebody numbers instead of naming.
const CHANNELS_MAX: u16 = 4_096;

/// Names and units, as known in memory.
#[derive(Debug, Default)]
pub(super) struct Dictionary {
    numbers: HashMap<ChannelName, ChannelNo>,
    /// Names by number, which is the position plus 1.
    names: Vec<ChannelName>,
    units: HashMap<(InstrumentId, ChannelNo), String>,
}

impl Dictionary {
    /// Takes a stored name. Returns false if its number is not the next one.
    pub(super) fn load(&mut self, number: ChannelNo, name: ChannelName) -> bool {
        if usize::from(number.0) != self.names.len() + 1 {
            return false;
        }
        self.numbers.insert(name.clone(), number);
        self.names.push(name);
        true
    }

    /// Returns the number of a known name.
    pub(super) fn number(&self, name: &ChannelName) -> Option<ChannelNo> {
        self.numbers.get(name).copied()
    }

    /// Gives a new name its number; `None` if there are too many.
    pub(super) fn add(&mut self, name: &ChannelName) -> Option<ChannelNo> {
        let next = u16::try_from(self.names.len() + 1).ok()?;
        if next > CHANNELS_MAX {
            return None;
        }
        self.numbers.insert(name.clone(), ChannelNo(next));
        self.names.push(name.clone());
        Some(ChannelNo(next))
    }

    /// Returns the name of a number.
    pub(super) fn name(&self, number: ChannelNo) -> Option<&ChannelName> {
        self.names.get(usize::from(number.0).checked_sub(1)?)
    }

    /// Returns the unit of an instrument's channel; empty if it was never declared.
    pub(super) fn unit(&self, instrument: InstrumentId, channel: ChannelNo) -> &str {
        self.units
            .get(&(instrument, channel))
            .map_or("", String::as_str)
    }

    /// Returns the channels of an instrument whose unit was declared.
    pub(super) fn declared(&self, instrument: InstrumentId) -> impl Iterator<Item = ChannelNo> {
        let units = self.units.keys();
        units.filter_map(move |(of, channel)| (*of == instrument).then_some(*channel))
    }

    /// Sets a unit. Returns false if it was that already.
    pub(super) fn set_unit(
        &mut self,
        instrument: InstrumentId,
        channel: ChannelNo,
        unit: &str,
    ) -> bool {
        let known = self.units.get(&(instrument, channel));
        if known.is_some_and(|known| known == unit) {
            return false;
        }
        self.units.insert((instrument, channel), unit.to_owned());
        true
    }
}
