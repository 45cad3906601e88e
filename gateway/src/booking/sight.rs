//! What a machine's states mean for use, and up to when they are final. Pure.

use scheduler::machine::{Machine, MachineInterval};
use scheduler::slot::{Slot, complement, intersected, merged, subtracted};
use scheduler::time::SECOND_US;

use crate::history::StateInterval;
use crate::registry::StateRule;
use crate::status::MachineState;

/// Returns how far behind the newest reading a change of state may still begin: changes count after
/// a dwell time, missing values after at least ten seconds.
pub(super) fn undecided_us(rule: &StateRule) -> i64 {
    let dwell_ms = rule.dwell.longest().max(10_000);
    dwell_ms.saturating_mul(1_000).saturating_add(SECOND_US)
}

/// Returns what a machine did in a window: time without a state is silence, and what lies in doubt
/// is marked.
pub(super) fn intervals(
    states: &[StateInterval],
    doubts: &[Slot],
    window: Slot,
) -> Vec<MachineInterval> {
    let mut found = Vec::with_capacity(states.len() + 1);
    let mut known = Vec::with_capacity(states.len());
    for state in states {
        let end = state.end.unwrap_or(window.end());
        let Some(slot) = Slot::new(state.start, end) else {
            continue;
        };
        known.push(slot);
        let machine = match state.state {
            MachineState::Running => Machine::Running,
            MachineState::Off | MachineState::Standby => Machine::NotRunning,
            MachineState::Fault => Machine::Fault,
            MachineState::Offline(_) | MachineState::Unknown => Machine::Silent,
        };
        let part = |is_uncertain| {
            move |slot| MachineInterval {
                slot,
                machine,
                is_uncertain,
            }
        };
        if doubts.is_empty() {
            found.push(part(false)(slot));
            continue;
        }
        found.extend(subtracted(&[slot], doubts).into_iter().map(part(false)));
        found.extend(intersected(&[slot], doubts).into_iter().map(part(true)));
    }
    let gaps = complement(window, &merged(known));
    found.extend(gaps.into_iter().map(|slot| MachineInterval {
        slot,
        machine: Machine::Silent,
        is_uncertain: false,
    }));
    found
}

#[cfg(test)]
mod tests {
    use scheduler::time::Micros;

    use super::*;

    fn slot(start: i64, end: i64) -> Slot {
        Slot::new(Micros::new(start), Micros::new(end)).unwrap()
    }

    #[test]
    fn what_no_state_covers_is_silence_and_what_lies_in_doubt_is_marked() {
        let state = |state, start, end: Option<i64>| StateInterval {
            state,
            start: Micros::new(start),
            end: end.map(Micros::new),
        };
        let states = [
            state(MachineState::Standby, 10, Some(20)),
            state(MachineState::Running, 20, Some(40)),
            state(MachineState::Fault, 50, None),
        ];
        let seen = |doubts: &[Slot]| {
            let mut seen = intervals(&states, doubts, slot(0, 60));
            seen.sort_unstable_by_key(|interval| interval.slot);
            let told = seen.into_iter();
            told.map(|one| (one.slot, one.machine, one.is_uncertain))
                .collect::<Vec<_>>()
        };
        let expected = [
            (slot(0, 10), Machine::Silent, false),
            (slot(10, 20), Machine::NotRunning, false),
            (slot(20, 40), Machine::Running, false),
            (slot(40, 50), Machine::Silent, false),
            (slot(50, 60), Machine::Fault, false),
        ];
        assert_eq!(seen(&[]), expected);
        let doubtful = seen(&[slot(15, 30)]);
        assert_eq!(
            doubtful.get(1..5),
            Some(
                &[
                    (slot(10, 15), Machine::NotRunning, false),
                    (slot(15, 20), Machine::NotRunning, true),
                    (slot(20, 30), Machine::Running, true),
                    (slot(30, 40), Machine::Running, false),
                ][..]
            )
        );
    }
}
