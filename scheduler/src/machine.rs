//! What the machine did, as its telemetry tells: the facts that runs and verdicts rest on.

use crate::slot::{Slot, merged, subtracted};
use crate::time::Micros;

/// What a machine does, as far as use is concerned.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Machine {
    /// Working.
    Running,
    /// Off or on standby: good readings say that it does not work.
    NotRunning,
    /// It reports a fault, which is nobody's absence.
    Fault,
    /// Readings should come and do not: the agent, its link or the device is away.
    Silent,
}

/// A stretch in which the machine did one thing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct MachineInterval {
    /// When.
    pub slot: Slot,
    /// What it did.
    pub machine: Machine,
    /// The time of its readings is uncertain by more than 60 s.
    pub is_uncertain: bool,
}

/// Returns when it ran, up to a moment: ascending, disjoint, joined.
pub(crate) fn running(intervals: &[MachineInterval], until: Micros) -> Vec<Slot> {
    parts(intervals, until, |interval| {
        interval.machine == Machine::Running
    })
}

/// Returns when readings were good and said that it did not run, up to a moment. Where intervals
/// contradict each other, the reading that is kinder to the member wins.
pub(crate) fn surely_still(intervals: &[MachineInterval], until: Micros) -> Vec<Slot> {
    let is_still = |interval: &MachineInterval| {
        interval.machine == Machine::NotRunning && !interval.is_uncertain
    };
    let still = parts(intervals, until, is_still);
    let doubts = parts(intervals, until, |interval| !is_still(interval));
    subtracted(&still, &doubts)
}

/// Returns the parts of some intervals before a moment, joined.
pub(crate) fn parts(
    intervals: &[MachineInterval],
    until: Micros,
    is_wanted: impl Fn(&MachineInterval) -> bool,
) -> Vec<Slot> {
    let wanted = intervals.iter().filter(|interval| is_wanted(interval));
    merged(
        wanted
            .filter_map(|interval| Slot::new(interval.slot.start(), interval.slot.end().min(until)))
            .collect(),
    )
}
