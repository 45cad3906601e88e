//! Machine state from readings: a fold, one an instrument. Pure.
//!
//! What comes in: committed-to-be rows in ascending time, and the passing of time. What goes out:
//! decisions, each with the moment from which it holds. Late rows do not come in: what was decided
//! is not rewritten here, only by a re-run of the rule over history.
//!
//! **Dwell.** A change is a candidate until it has lasted the rule's dwell time, then it holds from
//! when the candidate began. It may end its dwell by a later reading or by the clock, since an agent
//! that reports by exception is silent while nothing changes. Coming back from offline or unknown
//! needs no dwell: there is no state to keep.
//!
//! **Silence.** Offline holds from [`StateRule::stale_after_ms`] after the last reading. It is
//! measured by when readings are received as well as by their times, so that a backlog that is still
//! arriving is not silence. Readings within one record are one observation: an agent that reports by
//! exception says nothing while nothing changes.

use scheduler::time::Micros;
use wire::Quality;

use crate::history::{Cell, ChannelNo, Rows};
use crate::registry::StateRule;
use crate::status::{MachineState, OfflineReason};

/// Added to the dwell time when the clock ends it: a reading that undoes the candidate may be under
/// way.
const UNDER_WAY_MS: i64 = 300;

/// Readings that arrive later than this after their time are a backlog: what follows them is known
/// only when it arrives, so the clock ends no dwell.
const BACKLOG_MS: i64 = 30_000;

/// Silence of an agent that is known to be gone is offline after this at the latest.
const GONE_MS: i64 = 15_000;

/// Readings without a value are offline after this at the latest, if they are nothing but that.
const BAD_MS: i64 = 10_000;

/// From when a state holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Decision {
    pub(super) at_ms: i64,
    pub(super) state: MachineState,
}

/// What is known of the side of the agent, for the reason of silence.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct AgentSide {
    /// Whether its status says that it is connected.
    pub(super) online: bool,
    /// What its last event of the device said, if that does not answer.
    pub(super) device: Option<Quality>,
}

/// The state of one instrument and what is needed to go on.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Fold {
    state: MachineState,
    since_ms: Option<i64>,
    /// The last state that was not offline, for the thresholds between which the state stays.
    level: MachineState,
    /// The last value of the rule's channel; an error while it is read without a value.
    value: Option<Result<f64, Quality>>,
    at_fault: bool,
    candidate: Option<Decision>,
    /// Time of the newest reading.
    heard_ms: Option<i64>,
    /// When it was received, gateway time.
    received_ms: i64,
}

/// The rule's channels by number; `None` while no agent ever named them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct RuleChannels {
    pub(super) value: Option<ChannelNo>,
    pub(super) fault: Option<ChannelNo>,
}

impl Fold {
    /// Starts an instrument that was never heard of.
    pub(super) fn new() -> Self {
        Self {
            state: MachineState::Unknown,
            since_ms: None,
            level: MachineState::Unknown,
            value: None,
            at_fault: false,
            candidate: None,
            heard_ms: None,
            received_ms: 0,
        }
    }

    /// Goes on from what the store knows: the last decision, the newest cells of the rule's channels,
    /// the time of the newest reading, and now, before which no silence counts since nobody listened.
    pub(super) fn restored(
        last: Decision,
        (value, fault): (Option<Cell>, Option<Cell>),
        heard_ms: Option<i64>,
        now: Micros,
    ) -> Self {
        let value = value.and_then(|cell| match cell {
            Cell::Good(value) => Some(Ok(value)),
            Cell::Bad(quality) => Some(Err(quality)),
            Cell::Absent => None,
        });
        Self {
            state: last.state,
            since_ms: Some(last.at_ms),
            level: match last.state {
                MachineState::Offline(_) => MachineState::Unknown,
                state @ (MachineState::Unknown
                | MachineState::Off
                | MachineState::Standby
                | MachineState::Running
                | MachineState::Fault) => state,
            },
            value,
            at_fault: matches!(fault, Some(Cell::Good(value)) if value.abs() > 0.0),
            candidate: None,
            heard_ms,
            received_ms: now.get() / 1_000,
        }
    }

    /// Returns the state.
    pub(super) fn state(&self) -> MachineState {
        self.state
    }

    /// Returns since when it holds.
    pub(super) fn since_ms(&self) -> Option<i64> {
        self.since_ms
    }

    /// Returns the time of the newest reading.
    pub(super) fn heard_ms(&self) -> Option<i64> {
        self.heard_ms
    }

    /// Takes rows of one record, received now; they ascend by time. Late ones are passed over.
    pub(super) fn take(
        &mut self,
        rule: &StateRule,
        channels: RuleChannels,
        rows: &Rows,
        now: Micros,
        decided: &mut Vec<Decision>,
    ) {
        let mut is_first = true;
        for (row, time_ms) in rows.times_ms().iter().enumerate() {
            if self.heard_ms.is_some_and(|heard| *time_ms <= heard) {
                continue;
            }
            let cell = |channel: Option<ChannelNo>| {
                channel.map_or(Cell::Absent, |channel| rows.cell(channel, row))
            };
            if is_first {
                self.pass_silence(rule, *time_ms, decided);
                is_first = false;
            }
            self.take_row(
                rule,
                *time_ms,
                cell(channels.value),
                cell(channels.fault),
                decided,
            );
        }
        self.received_ms = self.received_ms.max(now.get() / 1_000);
    }

    /// What the time between two records means: offline, if it is too long.
    fn pass_silence(&mut self, rule: &StateRule, time_ms: i64, decided: &mut Vec<Decision>) {
        let Some(heard) = self.heard_ms else {
            return;
        };
        let silent_from = heard.saturating_add(rule.stale_after_ms);
        if time_ms > silent_from && self.state != MachineState::Unknown {
            self.mature(rule, silent_from, decided);
            let reason = match self.value {
                Some(Err(quality)) => reason_of(quality),
                Some(Ok(_)) | None => OfflineReason::Agent,
            };
            self.decide(silent_from, MachineState::Offline(reason), decided);
        }
    }

    fn take_row(
        &mut self,
        rule: &StateRule,
        time_ms: i64,
        value: Cell,
        fault: Cell,
        decided: &mut Vec<Decision>,
    ) {
        // What was so until now was so long enough, whatever comes now.
        self.mature(rule, time_ms, decided);
        self.heard_ms = Some(time_ms);
        match value {
            Cell::Good(value) => self.value = Some(Ok(value)),
            Cell::Bad(quality) => self.value = Some(Err(quality)),
            Cell::Absent => {}
        }
        if let Cell::Good(fault) = fault {
            self.at_fault = fault.abs() > 0.0;
        }
        let Some(target) = self.target(rule) else {
            return;
        };
        if target == self.state {
            self.candidate = None;
            return;
        }
        let goes_on = self.candidate.is_some_and(|candidate| {
            candidate.state == target
                // Two reasons in turn are one stretch without a value.
                || (is_offline(candidate.state) && is_offline(target))
        });
        if !goes_on {
            self.candidate = Some(Decision {
                at_ms: time_ms,
                state: target,
            });
        }
        let has_no_state = is_offline(self.state) || self.state == MachineState::Unknown;
        if (has_no_state && !is_offline(target)) || dwell_ms(rule, target) == 0 {
            self.decide_candidate(decided);
        }
    }

    /// Lets time pass: ends dwells and notices silence.
    pub(super) fn tick(
        &mut self,
        rule: &StateRule,
        agent: AgentSide,
        now: Micros,
        decided: &mut Vec<Decision>,
    ) {
        let Some(heard) = self.heard_ms else {
            return;
        };
        let now_ms = now.get() / 1_000;
        if self.received_ms - heard <= BACKLOG_MS {
            self.mature(rule, now_ms - UNDER_WAY_MS, decided);
        }
        let stale_ms = if agent.online {
            rule.stale_after_ms
        } else {
            rule.stale_after_ms.min(GONE_MS)
        };
        let is_silent = now_ms - heard.max(self.received_ms) > stale_ms;
        if !is_silent || is_offline(self.state) || self.state == MachineState::Unknown {
            return;
        }
        let from = heard.saturating_add(stale_ms);
        self.mature(rule, from, decided);
        let reason = match (agent.online, agent.device, self.value) {
            (true, Some(quality), _) | (true, None, Some(Err(quality))) => reason_of(quality),
            (false, _, _) | (true, None, _) => OfflineReason::Agent,
        };
        self.decide(from, MachineState::Offline(reason), decided);
    }

    /// Decides the candidate if it has lasted long enough at a time.
    fn mature(&mut self, rule: &StateRule, at_ms: i64, decided: &mut Vec<Decision>) {
        let lasted = self
            .candidate
            .is_some_and(|candidate| at_ms - candidate.at_ms >= dwell_ms(rule, candidate.state));
        if lasted {
            self.decide_candidate(decided);
        }
    }

    fn decide_candidate(&mut self, decided: &mut Vec<Decision>) {
        if let Some(candidate) = self.candidate.take() {
            self.decide(candidate.at_ms, candidate.state, decided);
        }
    }

    fn decide(&mut self, at_ms: i64, state: MachineState, decided: &mut Vec<Decision>) {
        self.candidate = None;
        if state == self.state {
            return;
        }
        // Decisions of an instrument never go back in time.
        let at_ms = self.since_ms.map_or(at_ms, |since| at_ms.max(since));
        self.state = state;
        self.since_ms = Some(at_ms);
        if !is_offline(state) {
            self.level = state;
        }
        decided.push(Decision { at_ms, state });
    }

    /// The state that the last values stand for; `None` if there never was a value.
    fn target(&self, rule: &StateRule) -> Option<MachineState> {
        let value = match self.value? {
            Ok(value) => value,
            Err(quality) => return Some(MachineState::Offline(reason_of(quality))),
        };
        if self.at_fault {
            return Some(MachineState::Fault);
        }
        let is_running = if self.level == MachineState::Running {
            value >= rule.running_below
        } else {
            value > rule.running_above
        };
        Some(match rule.standby_above {
            _ if is_running => MachineState::Running,
            Some(standby_above) if value < standby_above => MachineState::Off,
            Some(_) | None => MachineState::Standby,
        })
    }
}

fn is_offline(state: MachineState) -> bool {
    matches!(state, MachineState::Offline(_))
}

fn reason_of(quality: Quality) -> OfflineReason {
    if quality == Quality::Link {
        OfflineReason::Link
    } else {
        OfflineReason::Device
    }
}

fn dwell_ms(rule: &StateRule, target: MachineState) -> i64 {
    if is_offline(target) {
        rule.stale_after_ms.min(rule.dwell_ms.max(BAD_MS))
    } else {
        rule.dwell_ms
    }
}

#[cfg(test)]
#[path = "state_tests.rs"]
mod tests;
