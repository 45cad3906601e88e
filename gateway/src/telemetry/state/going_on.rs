//! What a fold goes on from: what the store knows after a start, or what was before a silence.

use scheduler::time::Micros;
use wire::ChannelName;

use super::{Decision, Fold, is_offline};
use crate::history::Cell;
use crate::registry::StateRule;
use crate::status::MachineState;
use crate::telemetry::judge::is_alarmed;

/// What an instrument was before its last state.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(in crate::telemetry) struct Before {
    /// Its last state that was not offline.
    pub(in crate::telemetry) read: Option<MachineState>,
    /// Its last state that was neither offline nor a fault.
    pub(in crate::telemetry) sound: Option<MachineState>,
}

impl Fold {
    /// Goes on from what the store knows: the last decision, the newest cells of the rule's channels
    /// (the last good one before the one that stands), the times of the newest readings of the rule's
    /// channels and of any, and now, before which no silence counts since nobody listened.
    pub(in crate::telemetry) fn restored<'c>(
        last: Decision,
        cells: impl IntoIterator<Item = (&'c ChannelName, Cell)>,
        (heard_ms, newest_ms): (Option<i64>, Option<i64>),
        now: Micros,
    ) -> Self {
        let mut fold = Self {
            state: last.state,
            since_ms: Some(last.at_ms),
            level: if is_offline(last.state) {
                MachineState::Unknown
            } else {
                last.state
            },
            known: Vec::new(),
            candidate: None,
            before_silence: None,
            heard_ms,
            newest_ms,
            received_ms: now.get() / 1_000,
        };
        for (channel, cell) in cells {
            fold.note(channel, cell);
        }
        fold
    }

    /// Goes on from a state that held from a moment on, if none is known that began later.
    pub(in crate::telemetry) fn is_since(&mut self, at_ms: i64, state: MachineState) {
        if self.since_ms.is_none_or(|since| since < at_ms) && state != MachineState::Unknown {
            self.state = state;
            self.since_ms = Some(at_ms);
            if !is_offline(state) {
                self.level = state;
            }
        }
    }

    /// Goes on from what was before the last state, if that was offline or a fault.
    pub(in crate::telemetry) fn remember(&mut self, rule: &StateRule, before: Before) {
        let level = if is_alarmed(rule, &self.known) {
            before.sound
        } else {
            before.read
        };
        self.level = level.unwrap_or(MachineState::Unknown);
    }

    /// Returns it as it was before the silence that lasts, if one does, and since when that lasts: for
    /// readings of that time that are still to come.
    pub(in crate::telemetry) fn before_silence(&self) -> (Self, Option<i64>) {
        let mut before = self.clone();
        let Some((state, since_ms)) = before.before_silence.take() else {
            return (before, None);
        };
        before.state = state;
        before.since_ms = since_ms;
        (before, self.since_ms)
    }

    /// A reading says that a silence was none: an agent that is cut off keeps its promise all the same,
    /// as is seen when it is back. What was decided is decided anew, for the same moment.
    pub(super) fn undo_silence(&mut self, decided: &mut Vec<Decision>) {
        let Some((state, since_ms)) = self.before_silence.take() else {
            return;
        };
        let at_ms = self.since_ms;
        self.state = state;
        self.since_ms = since_ms;
        if let Some(at_ms) = at_ms.filter(|_| state != MachineState::Unknown) {
            decided.push(Decision { at_ms, state });
        }
    }
}
