//! A machine that keeps reporting a fault is out of use, if its rule says so.
//!
//! In: the state of a machine as committed. Out: an outage that begins now, claims what is free at
//! once and has an expected end; the end moved on while the fault lasts; the outage ended, or its end
//! proposed, once the fault has been gone for long enough. Everything is decided from what is
//! written, so it may be looked at as often as one likes, after a restart too. Deliberately not here:
//! what becomes of the bookings inside; they are told, like those of any outage.

use std::sync::Arc;

use scheduler::id::{InstrumentId, MemberId};
use scheduler::slot::Slot;
use scheduler::time::{MINUTE_US, Micros};

use super::group::Group;
use super::ledger::Ledger;
use super::notices::About;
use super::outage_command::{EndOutage, MoveOutageEnd, OpenOutage, OutageOutcome};
use super::record::{MachineFault, NoticeKind, Outage, OutageKind};
use super::shelf::InstrumentSnapshot;
use crate::registry::{FaultPolicy, Instrument};
use crate::status::MachineState;

/// The end moves on when it is nearer than this, or than a quarter of the expected time.
const NEAR_US: i64 = 60 * MINUTE_US;

/// Why such an outage is: said in both languages, since members read it.
const REASON: &str = "仪器报告故障 / the machine reports a fault";

/// Looks at the state of a machine.
#[derive(Debug, Clone, Copy)]
pub struct WatchFault {
    /// Of which instrument.
    pub instrument: InstrumentId,
    /// The state as committed.
    pub state: MachineState,
    /// Since when it holds.
    pub since: Micros,
}

/// What is to be done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Step {
    /// Open an outage.
    Open,
    /// Move its end on.
    Extend,
    /// The fault is back before the outage was over.
    Back,
    /// End it.
    End,
    /// Tell the managers that it may end.
    Propose,
    /// The fault is over and nothing is left of it.
    Forget,
}

/// Decides what is to be done. `outage` is the one it led to, if that is not over.
fn step(
    policy: Option<&FaultPolicy>,
    held: Option<&MachineFault>,
    outage: Option<&Outage>,
    seen: &WatchFault,
    now: Micros,
) -> Option<Step> {
    let lasted_us = now - seen.since;
    let us = |ms: i64| ms.saturating_mul(1_000);
    let (is_fault, is_sound) = match seen.state {
        MachineState::Fault => (true, false),
        MachineState::Off | MachineState::Standby | MachineState::Running => (false, true),
        // Who says nothing has not said that it is mended.
        MachineState::Unknown | MachineState::Offline(_) => (false, false),
    };
    let (Some(held), Some(policy)) = (held, policy) else {
        return match (held, policy) {
            (None, Some(policy)) => {
                (is_fault && lasted_us >= us(policy.after_ms)).then_some(Step::Open)
            }
            // The rule says so no longer: the outage is its managers' to end.
            (Some(_), _) => Some(Step::Forget),
            (None, None) => None,
        };
    };
    let Some(outage) = outage else {
        // Somebody ended it, or it ran out: this fault opens no second one.
        let is_another = is_fault && seen.since > held.since;
        return (is_sound || is_another).then_some(Step::Forget);
    };
    if is_sound {
        return match (lasted_us >= us(policy.clear_ms), policy.ends_itself) {
            (true, true) => Some(Step::End),
            (true, false) if !held.is_told => Some(Step::Propose),
            _ => None,
        };
    }
    if is_fault && held.is_told {
        return Some(Step::Back);
    }
    let near_us = NEAR_US.min(us(policy.expected_ms) / 4);
    (outage.slot.end() - now <= near_us).then_some(Step::Extend)
}

/// Returns whether there is something to do, so that the desk is not asked for nothing.
pub(super) fn is_due(
    instrument: &Instrument,
    ledger: &Ledger,
    snapshot: Option<&InstrumentSnapshot>,
    seen: &WatchFault,
    now: Micros,
) -> bool {
    let held = ledger.machine_faults.get(seen.instrument.get().into());
    let outage = held.and_then(|held| snapshot?.outage(held.outage?));
    let outage = outage.filter(|outage| outage.is_live(now));
    let policy = instrument.state_rule.on_fault.as_ref();
    step(
        policy,
        held.map(Arc::as_ref),
        outage.map(Arc::as_ref),
        seen,
        now,
    )
    .is_some()
}

impl Group<'_> {
    /// Does what the state of a machine asks for.
    pub(super) fn watch_fault(&mut self, seen: &WatchFault) {
        let directory = self.directory;
        let Some(instrument) = directory.instruments.get(&seen.instrument) else {
            return;
        };
        let id = instrument.id;
        let now = self.now;
        let held = self.writes.ledger.machine_faults.get(id.get().into());
        let held = held.map(|held| **held);
        let outage = held.and_then(|held| held.outage);
        let outage = outage.and_then(|outage| self.held(id)?.outage(outage).cloned());
        let outage = outage.filter(|outage| outage.is_live(now));
        let policy = instrument.state_rule.on_fault.as_ref();
        let Some(step) = step(policy, held.as_ref(), outage.as_deref(), seen, now) else {
            return;
        };
        let put = |group: &mut Self, fault: MachineFault| {
            group.writes.ledger.machine_faults.put(Arc::new(fault));
        };
        match (step, policy, held, outage) {
            (Step::Open, Some(policy), _, _) => self.open_for_fault(instrument, policy, seen),
            (Step::Extend, Some(policy), _, Some(outage)) => self.extend_for_fault(&outage, policy),
            (Step::Back, _, Some(held), _) => put(
                self,
                MachineFault {
                    since: seen.since,
                    is_told: false,
                    ..held
                },
            ),
            (Step::End, _, _, Some(outage)) => {
                self.end_outage(&EndOutage { outage: outage.id });
                self.writes.ledger.machine_faults.remove(id.get().into());
            }
            (Step::Propose, _, Some(held), Some(outage)) => {
                put(
                    self,
                    MachineFault {
                        is_told: true,
                        ..held
                    },
                );
                self.tell_of_fault(instrument, NoticeKind::FaultGone, outage.slot);
            }
            _ => {
                self.writes.ledger.machine_faults.remove(id.get().into());
            }
        }
    }

    fn open_for_fault(&mut self, instrument: &Instrument, policy: &FaultPolicy, seen: &WatchFault) {
        let now = self.now;
        let end = Micros::new(
            now.get()
                .saturating_add(policy.expected_ms.saturating_mul(1_000)),
        );
        let (Some(slot), Some(member)) = (Slot::new(now, end), self.in_charge_of(instrument))
        else {
            return;
        };
        let open = OpenOutage {
            instrument: instrument.id,
            slot,
            kind: OutageKind::Fault,
            reason: REASON.to_owned(),
            member,
            choices: Vec::new(),
        };
        let OutageOutcome::Done(outage, _) = self.open_outage(&open) else {
            return;
        };
        self.writes
            .ledger
            .machine_faults
            .put(Arc::new(MachineFault {
                instrument: instrument.id,
                since: seen.since,
                outage: Some(outage.id),
                is_told: false,
            }));
        self.tell_of_fault(instrument, NoticeKind::MachineFault, slot);
    }

    fn extend_for_fault(&mut self, outage: &Outage, policy: &FaultPolicy) {
        let end_us = self
            .now
            .get()
            .saturating_add(policy.expected_ms.saturating_mul(1_000));
        self.move_outage_end(&MoveOutageEnd {
            outage: outage.id,
            end: Micros::new(end_us),
        });
    }

    /// Returns in whose name a machine's outage is opened: a manager of the lab, or else somebody
    /// who may manage it.
    fn in_charge_of(&self, instrument: &Instrument) -> Option<MemberId> {
        let managers = self.managers_of(instrument.lab);
        managers.first().copied().or_else(|| {
            let right = crate::registry::Right::ManageInstruments;
            let members = self.directory.members.values();
            let may = members.filter(|member| {
                member.active && self.directory.may(member.id, right, instrument.lab)
            });
            may.map(|member| member.id).min()
        })
    }

    fn tell_of_fault(&mut self, instrument: &Instrument, kind: NoticeKind, slot: Slot) {
        let about = About {
            kind,
            instrument: instrument.id,
            booking: None,
            slot: Some(slot),
            words: String::new(),
        };
        self.tell_lab(instrument.lab, &about);
    }
}

#[cfg(test)]
mod tests {
    use scheduler::id::OutageId;
    use scheduler::time::SECOND_US;

    use super::*;

    fn at(seconds: i64) -> Micros {
        Micros::new(seconds * SECOND_US)
    }

    const POLICY: FaultPolicy = FaultPolicy {
        after_ms: 60_000,
        expected_ms: 7_200_000,
        clear_ms: 300_000,
        ends_itself: true,
    };

    fn outage(end_s: i64) -> Outage {
        Outage {
            id: OutageId::new(5),
            instrument: InstrumentId::new(1),
            slot: Slot::new(at(0), at(end_s)).unwrap(),
            kind: OutageKind::Fault,
            reason: String::new(),
            problem: None,
            opened_by: MemberId::new(1),
            created_at: at(0),
            ended_at: None,
        }
    }

    /// What is done about a state that holds since 100 s, with a fault known since 100 s.
    fn done(
        policy: Option<FaultPolicy>,
        held: Option<bool>,
        out_until_s: Option<i64>,
        state: MachineState,
        now_s: i64,
    ) -> Option<Step> {
        let held = held.map(|is_told| MachineFault {
            instrument: InstrumentId::new(1),
            since: at(100),
            outage: Some(OutageId::new(5)),
            is_told,
        });
        let seen = WatchFault {
            instrument: InstrumentId::new(1),
            state,
            since: at(100),
        };
        let outage = out_until_s.map(outage);
        step(
            policy.as_ref(),
            held.as_ref(),
            outage.as_ref(),
            &seen,
            at(now_s),
        )
    }

    #[test]
    fn what_is_done_follows_from_what_is_written() {
        let (on, proposes) = (
            Some(POLICY),
            Some(FaultPolicy {
                ends_itself: false,
                ..POLICY
            }),
        );
        let (fault, off) = (MachineState::Fault, MachineState::Off);
        let silent = MachineState::Offline(crate::status::OfflineReason::Agent);
        for (policy, held, until, state, now, expected) in [
            (on, None, None, fault, 159, None),
            (on, None, None, fault, 160, Some(Step::Open)),
            (None, None, None, fault, 999, None),
            (on, None, None, silent, 999, None),
            // Far from its end, and near it.
            (on, Some(false), Some(9_000), fault, 200, None),
            (on, Some(false), Some(2_000), fault, 200, Some(Step::Extend)),
            (
                on,
                Some(false),
                Some(2_000),
                silent,
                200,
                Some(Step::Extend),
            ),
            // Gone, but not long enough; then long enough.
            (on, Some(false), Some(2_000), off, 399, None),
            (on, Some(false), Some(2_000), off, 400, Some(Step::End)),
            (
                proposes,
                Some(false),
                Some(2_000),
                off,
                400,
                Some(Step::Propose),
            ),
            (proposes, Some(true), Some(2_000), off, 900, None),
            (
                proposes,
                Some(true),
                Some(9_000),
                fault,
                900,
                Some(Step::Back),
            ),
            // Ended by hand while the fault lasts: not opened again until it was gone.
            (on, Some(false), None, fault, 900, None),
            (on, Some(false), None, off, 101, Some(Step::Forget)),
            (
                None,
                Some(false),
                Some(9_000),
                fault,
                900,
                Some(Step::Forget),
            ),
        ] {
            let step = done(policy, held, until, state, now);
            assert_eq!(
                step, expected,
                "{policy:?} {held:?} {until:?} {state:?} {now}"
            );
        }
    }
}
