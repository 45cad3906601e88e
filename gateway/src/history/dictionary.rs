//! Channel names and units: text outside, small numbers inside.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use scheduler::id::{InstrumentId, NodeId};
use wire::ChannelName;

use super::rows::ChannelNo;

/// Most channel names in the whole store. More are refused: somebody numbers instead of naming.
const CHANNELS_MAX: u16 = 4_096;

/// Most of these names that one lab brought: a lab that numbers instead of naming harms itself only.
/// The usual names are known after the region's first meters, and whose they are does not matter to
/// who uses them.
const CHANNELS_OF_LAB_MAX: usize = 128;

/// Names and units, as known in memory.
#[derive(Debug, Default)]
pub(super) struct Dictionary {
    numbers: HashMap<ChannelName, ChannelNo>,
    /// Names by number, which is the position plus 1.
    names: Vec<ChannelName>,
    /// How many each lab brought.
    brought: HashMap<NodeId, usize>,
    units: HashMap<(InstrumentId, ChannelNo), String>,
}

impl Dictionary {
    /// Takes a stored name and who brought it. Returns false if its number is not the next one.
    pub(super) fn load(&mut self, number: ChannelNo, name: ChannelName, lab: NodeId) -> bool {
        if usize::from(number.0) != self.names.len() + 1 {
            return false;
        }
        *self.brought.entry(lab).or_default() += 1;
        self.numbers.insert(name.clone(), number);
        self.names.push(name);
        true
    }

    /// Returns the number of a known name.
    pub(super) fn number(&self, name: &ChannelName) -> Option<ChannelNo> {
        self.numbers.get(name).copied()
    }

    /// Gives a new name that a lab brings its number; `None` if there are too many, or too many of
    /// that lab's.
    pub(super) fn add(&mut self, name: &ChannelName, lab: NodeId) -> Option<ChannelNo> {
        let next = u16::try_from(self.names.len() + 1).ok()?;
        let brought = self.brought.entry(lab).or_default();
        if next > CHANNELS_MAX || *brought >= CHANNELS_OF_LAB_MAX {
            return None;
        }
        *brought += 1;
        self.numbers.insert(name.clone(), ChannelNo(next));
        self.names.push(name.clone());
        Some(ChannelNo(next))
    }

    /// Returns true if there is room for all of these names together, as their labs bring them.
    pub(super) fn has_room(&self, names: &BTreeMap<NodeId, BTreeSet<&ChannelName>>) -> bool {
        let mut room = usize::from(CHANNELS_MAX).saturating_sub(self.names.len());
        names.iter().all(|(lab, names)| {
            let new = names.iter().filter(|name| self.number(name).is_none());
            let new = new.count();
            let brought = self.brought.get(lab).copied().unwrap_or(0);
            let fits = new == 0 || brought + new <= CHANNELS_OF_LAB_MAX && new <= room;
            room = room.saturating_sub(new);
            fits
        })
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lab_that_numbers_its_channels_leaves_room_for_others() {
        let mut names = Dictionary::default();
        let name = |number: usize| ChannelName::parse(&format!("c{number}")).unwrap();
        let (greedy, modest) = (NodeId::new(1), NodeId::new(2));
        let taken = (0..5_000).filter(|number| names.add(&name(*number), greedy).is_some());
        assert_eq!(taken.count(), CHANNELS_OF_LAB_MAX);
        let new: Vec<ChannelName> = (6_000..=6_000 + CHANNELS_OF_LAB_MAX).map(name).collect();
        let room = |lab: NodeId, count: usize| {
            let of_lab = new.iter().take(count).collect();
            names.has_room(&BTreeMap::from([(lab, of_lab)]))
        };
        assert!(room(greedy, 0) && !room(greedy, 1));
        assert!(room(modest, CHANNELS_OF_LAB_MAX) && !room(modest, CHANNELS_OF_LAB_MAX + 1));
        assert!(names.has_room(&BTreeMap::from([(greedy, BTreeSet::from([&name(5)]))])));
        assert!(names.add(&name(6_000), modest).is_some());
        // What is known is anybody's, also to the lab that brings no more.
        assert!(names.number(&name(6_000)).is_some());
        // After a restart it is still the same lab's.
        let mut again = Dictionary::default();
        for number in 0..CHANNELS_OF_LAB_MAX {
            let at = ChannelNo::new(u16::try_from(number + 1).unwrap()).unwrap();
            assert!(again.load(at, name(number), greedy));
        }
        assert_eq!(again.add(&name(6_000), greedy), None);
    }
}
