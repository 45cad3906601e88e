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
//! **Silence.** Offline holds from [`Terms::stale_ms`] after the last reading. It is
//! measured by when readings are received as well as by their times, so that a backlog that is still
//! arriving is not silence. Readings within one record are one observation: an agent that reports by
//! exception says nothing while nothing changes.

mod going_on;

pub(super) use going_on::Before;

use scheduler::time::Micros;
use wire::{ChannelName, Quality};

use super::judge::{Known, Target, reason_of, target};
use crate::history::{Cell, ChannelNo, Rows};
use crate::registry::{STALE_AFTER_MS_MIN, StateRule};
use crate::status::{MachineState, OfflineReason};

/// Added to the dwell time when the clock ends it: a reading that undoes the candidate may be under
/// way, for a second in its agent's record, 200 ms until the commit, and somewhat on the road. With
/// less, a dwell shorter than a record would end by the last reading of one.
pub(super) const UNDER_WAY_MS: i64 = 1_500;

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

/// A change that has not lasted long enough.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Candidate {
    at_ms: i64,
    target: Target,
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
    /// What the last decision's judgement said, alarms left out, for the thresholds between which the
    /// state stays.
    level: MachineState,
    /// The newest values of the rule's channels, by name: another rule begins with what it shares.
    known: Vec<Known>,
    candidate: Option<Candidate>,
    /// What it was, and since when, before a silence that lasts.
    before_silence: Option<(MachineState, Option<i64>)>,
    /// Time of the newest reading of the rule's channels.
    heard_ms: Option<i64>,
    /// Time of the newest reading of any channel.
    newest_ms: Option<i64>,
    /// When it was received, gateway time.
    received_ms: i64,
}

/// The rule's channels and their numbers; `None` while no agent ever named them.
pub(super) type RuleChannels<'r> = Vec<(&'r ChannelName, Option<ChannelNo>)>;

/// What an instrument is judged by.
#[derive(Debug, Clone, Copy)]
pub(super) struct Terms<'r> {
    pub(super) rule: &'r StateRule,
    /// Silence longer than this is offline.
    pub(super) stale_ms: i64,
}

impl Fold {
    /// Starts an instrument that was never heard of.
    pub(super) fn new() -> Self {
        Self {
            state: MachineState::Unknown,
            since_ms: None,
            level: MachineState::Unknown,
            known: Vec::new(),
            candidate: None,
            before_silence: None,
            heard_ms: None,
            newest_ms: None,
            received_ms: 0,
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

    /// Returns when a change began that has not lasted long enough.
    pub(super) fn candidate_since(&self) -> Option<i64> {
        self.candidate.map(|candidate| candidate.at_ms)
    }

    /// Returns the time of the newest reading of the rule's channels.
    pub(super) fn heard_ms(&self) -> Option<i64> {
        self.heard_ms
    }

    /// Returns the time of the newest reading of any channel.
    pub(super) fn newest_ms(&self) -> Option<i64> {
        self.newest_ms
    }

    /// Takes rows of one record, received now; they ascend by time. Late ones are passed over, and
    /// those without any channel of the rule: that somebody reads the temperature of a room does not
    /// tell that its machine still runs.
    pub(super) fn take(
        &mut self,
        terms: Terms<'_>,
        channels: &RuleChannels<'_>,
        rows: &Rows,
        now: Micros,
        decided: &mut Vec<Decision>,
    ) {
        let mut is_first = true;
        let mut is_told = false;
        self.newest_ms = self.newest_ms.max(rows.times_ms().last().copied());
        for (row, time_ms) in rows.times_ms().iter().enumerate() {
            let tells = |number: &ChannelNo| rows.cell(*number, row) != Cell::Absent;
            if !channels
                .iter()
                .any(|(_, number)| number.as_ref().is_some_and(tells))
            {
                continue;
            }
            is_told = true;
            if self.heard_ms.is_some_and(|heard| *time_ms <= heard) {
                continue;
            }
            let cells = channels.iter().filter_map(|(name, number)| {
                let number = (*number)?;
                Some((*name, rows.cell(number, row)))
            });
            if is_first {
                self.pass_silence(terms, *time_ms, decided);
                is_first = false;
            }
            self.take_row(terms, *time_ms, cells, decided);
        }
        if is_told {
            self.received_ms = self.received_ms.max(now.get() / 1_000);
        }
    }

    /// What the time between two records means: offline, if it is too long.
    pub(super) fn pass_silence(
        &mut self,
        terms: Terms<'_>,
        time_ms: i64,
        decided: &mut Vec<Decision>,
    ) {
        let Some(heard) = self.heard_ms else {
            return;
        };
        let silent_from = heard.saturating_add(terms.stale_ms);
        if time_ms <= silent_from {
            self.undo_silence(decided);
        }
        if time_ms > silent_from && self.state != MachineState::Unknown {
            let reason = self.unread(terms.rule).unwrap_or(OfflineReason::Agent);
            self.fall_silent(terms, silent_from, reason, decided);
        }
    }

    /// Takes it that nothing was heard from a moment on.
    pub(super) fn fall_silent(
        &mut self,
        terms: Terms<'_>,
        from_ms: i64,
        reason: OfflineReason,
        decided: &mut Vec<Decision>,
    ) {
        self.mature(terms, from_ms, decided);
        if !is_offline(self.state) {
            self.before_silence = Some((self.state, self.since_ms));
        }
        let target = Target {
            state: MachineState::Offline(reason),
            level: self.level,
        };
        self.decide(from_ms, target, decided);
    }

    /// Notes the newest cell of a channel.
    fn note(&mut self, channel: &ChannelName, cell: Cell) {
        let (good, bad) = match cell {
            Cell::Good(value) => (Some(value), None),
            Cell::Bad(quality) => (None, Some(quality)),
            Cell::Absent => return,
        };
        let known = self
            .known
            .iter_mut()
            .find(|known| known.channel == *channel);
        if let Some(known) = known {
            known.good = good.or(known.good);
            known.bad = bad;
        } else {
            self.known.push(Known {
                channel: channel.clone(),
                good,
                bad,
            });
        }
    }

    /// Returns why the values that the state follows from are read without a value, if they are.
    fn unread(&self, rule: &StateRule) -> Option<OfflineReason> {
        let target = target(rule, self.level, &self.known)?;
        if let MachineState::Offline(reason) = target.state {
            Some(reason)
        } else {
            None
        }
    }

    /// Takes what was read at one moment, after all that was read before.
    pub(super) fn take_row<'c>(
        &mut self,
        terms: Terms<'_>,
        time_ms: i64,
        cells: impl IntoIterator<Item = (&'c ChannelName, Cell)>,
        decided: &mut Vec<Decision>,
    ) {
        self.before_silence = None;
        // What was so until now was so long enough, whatever comes now.
        self.mature(terms, time_ms, decided);
        self.heard_ms = Some(time_ms);
        for (channel, cell) in cells {
            self.note(channel, cell);
        }
        let Some(target) = target(terms.rule, self.level, &self.known) else {
            return;
        };
        if target.state == self.state {
            self.candidate = None;
            // Beneath an alarm.
            self.level = target.level;
            return;
        }
        let goes_on = self.candidate.filter(|candidate| {
            candidate.target.state == target.state
                // Two reasons in turn are one stretch without a value.
                || (is_offline(candidate.target.state) && is_offline(target.state))
        });
        self.candidate = Some(match goes_on {
            Some(Candidate {
                at_ms,
                target: first,
            }) => Candidate {
                at_ms,
                target: Target {
                    state: first.state,
                    level: target.level,
                },
            },
            None => Candidate {
                at_ms: time_ms,
                target,
            },
        });
        let has_no_state = is_offline(self.state) || self.state == MachineState::Unknown;
        if (has_no_state && !is_offline(target.state)) || dwell_ms(terms, target.state) == 0 {
            self.decide_candidate(decided);
        }
    }

    /// Returns true if the time that passed can change nothing yet, whatever its rule says: most
    /// instruments, most of the time, and cheaper to know than their rule is to find.
    pub(super) fn is_settled(&self, now: Micros) -> bool {
        let Some(heard) = self.heard_ms else {
            return true;
        };
        let silence_ms = now.get() / 1_000 - heard.max(self.received_ms);
        let is_silent_already = is_offline(self.state) || self.state == MachineState::Unknown;
        self.candidate.is_none() && (is_silent_already || silence_ms <= STALE_AFTER_MS_MIN)
    }

    /// Lets time pass: ends dwells and notices silence.
    pub(super) fn tick(
        &mut self,
        terms: Terms<'_>,
        agent: AgentSide,
        now: Micros,
        decided: &mut Vec<Decision>,
    ) {
        let Some(heard) = self.heard_ms else {
            return;
        };
        let now_ms = now.get() / 1_000;
        if self.received_ms - heard <= BACKLOG_MS {
            self.mature(terms, now_ms - UNDER_WAY_MS, decided);
        }
        let stale_ms = if agent.online {
            terms.stale_ms
        } else {
            // Who is gone keeps no promise: what the rule itself says counts.
            let said = terms.rule.stale_after_ms.unwrap_or(GONE_MS);
            said.min(GONE_MS)
        };
        let is_silent = now_ms - heard.max(self.received_ms) > stale_ms;
        if !is_silent || is_offline(self.state) || self.state == MachineState::Unknown {
            return;
        }
        let from = heard.saturating_add(stale_ms);
        let unread = self.unread(terms.rule);
        let reason = match (agent.online, agent.device, unread) {
            (true, Some(quality), _) => reason_of(quality),
            (true, None, Some(reason)) => reason,
            (false, _, _) | (true, None, None) => OfflineReason::Agent,
        };
        self.fall_silent(terms, from, reason, decided);
    }

    /// Decides the candidate if it has lasted long enough at a time.
    pub(super) fn mature(&mut self, terms: Terms<'_>, at_ms: i64, decided: &mut Vec<Decision>) {
        let lasted = self.candidate.is_some_and(|candidate| {
            at_ms - candidate.at_ms >= dwell_ms(terms, candidate.target.state)
        });
        if lasted {
            self.decide_candidate(decided);
        }
    }

    fn decide_candidate(&mut self, decided: &mut Vec<Decision>) {
        if let Some(candidate) = self.candidate.take() {
            self.decide(candidate.at_ms, candidate.target, decided);
        }
    }

    fn decide(&mut self, at_ms: i64, target: Target, decided: &mut Vec<Decision>) {
        self.candidate = None;
        let state = target.state;
        self.level = target.level;
        if !is_offline(state) {
            self.before_silence = None;
        }
        if state == self.state {
            return;
        }
        // Decisions of an instrument never go back in time.
        let at_ms = self.since_ms.map_or(at_ms, |since| at_ms.max(since));
        self.state = state;
        self.since_ms = Some(at_ms);
        decided.push(Decision { at_ms, state });
    }
}

fn is_offline(state: MachineState) -> bool {
    matches!(state, MachineState::Offline(_))
}

fn dwell_ms(terms: Terms<'_>, target: MachineState) -> i64 {
    if is_offline(target) {
        terms.stale_ms.min(terms.rule.dwell.any_ms.max(BAD_MS))
    } else {
        terms.rule.dwell.to(target)
    }
}

#[cfg(test)]
#[path = "state_tests.rs"]
mod tests;
