//! Which state the newest values of an instrument stand for, by its rule. Pure, without memory.
//!
//! A value may be good, unread (with a reason) or never seen. Conditions are therefore told in three
//! ways; a part that cannot be told makes the whole untold only where it would matter, so that the
//! order of parts makes no difference.

use scheduler::time::DAY_US;
use wire::{ChannelName, Quality};

use crate::registry::{
    Alarm, Cases, Condition, Judgement, Level, Levels, Register, StateRule, Threshold,
};
use crate::status::{MachineState, OfflineReason};

/// An agent is believed to be silent after so many of its own intervals.
const INTERVALS: i64 = 3;

/// Silence judged by an agent's interval is at least so long: a connection may be made anew.
const PROMISED_MS_MIN: i64 = 10_000;

/// Silence that is offline where neither the rule nor the agent says, in milliseconds.
const STALE_MS: i64 = 30_000;

/// What is known of one channel.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Known {
    pub(super) channel: ChannelName,
    /// Its last good value.
    pub(super) good: Option<f64>,
    /// Why it has been read without a value since.
    pub(super) bad: Option<Quality>,
}

/// How a condition, or what it looks at, stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Told {
    Yes,
    No,
    /// Read without a value.
    Unread(OfflineReason),
    /// Never read.
    Unseen,
}

/// Returns after how much silence an instrument is offline, in milliseconds: what its rule says, or
/// else three times what its agent promises; an agent that promises less often than the rule allows
/// is believed.
pub(super) fn stale_ms(rule: &StateRule, report_every_ms: Option<i64>) -> i64 {
    let promised = report_every_ms.map(|every| every.saturating_mul(INTERVALS).min(DAY_US / 1_000));
    match (rule.stale_after_ms, promised) {
        (Some(said), Some(promised)) => said.max(promised),
        (Some(said), None) => said,
        (None, Some(promised)) => promised.max(PROMISED_MS_MIN),
        (None, None) => STALE_MS,
    }
}

/// What values stand for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Target {
    /// The state.
    pub(super) state: MachineState,
    /// What the judgement alone says, without alarms: thresholds and tables between whose lines
    /// nothing changes go on from it when an alarm has ended. What it was before, while offline.
    pub(super) level: MachineState,
}

/// Returns what values stand for; `level` is the last [`Target::level`] that was decided. `None`
/// while nothing is known, or while the state stays as it is.
pub(super) fn target(rule: &StateRule, level: MachineState, known: &[Known]) -> Option<Target> {
    let judged = match &rule.judgement {
        Judgement::Levels(levels) => of_levels(levels, level, known),
        Judgement::Register(register) => of_register(register, known),
        Judgement::Cases(cases) => of_cases(cases, level, known),
    };
    let level = match judged {
        Judged::Unseen => return None,
        Judged::Unread(reason) => {
            let state = MachineState::Offline(reason);
            return Some(Target { state, level });
        }
        Judged::Stays => level,
        Judged::Is(level) => level.state(),
    };
    let state = if is_alarmed(rule, known) {
        MachineState::Fault
    } else {
        level
    };
    (state != MachineState::Unknown).then_some(Target { state, level })
}

/// Returns whether an alarm rings.
pub(super) fn is_alarmed(rule: &StateRule, known: &[Known]) -> bool {
    rule.alarms.iter().any(|alarm| rings(alarm, known))
}

/// What the judgement says before alarms are looked at.
enum Judged {
    Is(Level),
    /// A value of which the table says nothing.
    Stays,
    Unread(OfflineReason),
    Unseen,
}

/// Returns a channel's newest value.
fn value(channel: &ChannelName, known: &[Known]) -> Result<f64, Told> {
    let found = known.iter().find(|one| one.channel == *channel);
    match found {
        Some(Known {
            bad: Some(quality), ..
        }) => Err(Told::Unread(reason_of(*quality))),
        Some(Known {
            good: Some(value), ..
        }) => Ok(*value),
        Some(Known {
            good: None,
            bad: None,
            ..
        })
        | None => Err(Told::Unseen),
    }
}

impl From<Told> for Judged {
    fn from(told: Told) -> Self {
        match told {
            Told::Unread(reason) => Self::Unread(reason),
            Told::Yes | Told::No | Told::Unseen => Self::Unseen,
        }
    }
}

fn of_levels(levels: &Levels, level: MachineState, known: &[Known]) -> Judged {
    let value = match value(&levels.channel, known) {
        Ok(value) => value,
        Err(told) => return told.into(),
    };
    let is_running = if level == MachineState::Running {
        value >= levels.running_below
    } else {
        value > levels.running_above
    };
    if is_running {
        return Judged::Is(Level::Running);
    }
    let is_on = matches!(level, MachineState::Running | MachineState::Standby);
    let threshold = if is_on {
        levels.standby_below.or(levels.standby_above)
    } else {
        levels.standby_above
    };
    Judged::Is(match threshold {
        Some(threshold) if value < threshold => Level::Off,
        Some(_) | None => Level::Standby,
    })
}

fn of_register(register: &Register, known: &[Known]) -> Judged {
    let value = match value(&register.channel, known) {
        Ok(value) => value,
        Err(told) => return told.into(),
    };
    let meaning = whole(value).and_then(|number| {
        let mut table = register.table.iter();
        table.find(|meaning| (meaning.from..=meaning.to).contains(&number))
    });
    let level = meaning.map(|meaning| meaning.level);
    level
        .or(register.otherwise)
        .map_or(Judged::Stays, Judged::Is)
}

fn of_cases(cases: &Cases, level: MachineState, known: &[Known]) -> Judged {
    for case in &cases.cases {
        match holds(&case.when, level == case.level.state(), known) {
            Told::Yes => return Judged::Is(case.level),
            Told::No => {}
            told @ (Told::Unread(_) | Told::Unseen) => return told.into(),
        }
    }
    Judged::Is(cases.otherwise)
}

/// Returns whether a condition holds; `stays` tells whether the state that it leads to holds now.
fn holds(condition: &Condition, stays: bool, known: &[Known]) -> Told {
    let told = |channel: &ChannelName, test: &dyn Fn(f64) -> bool| match value(channel, known) {
        Ok(value) if test(value) => Told::Yes,
        Ok(_) => Told::No,
        Err(told) => told,
    };
    match condition {
        Condition::Above(Threshold {
            channel,
            enter,
            leave,
        }) => told(channel, &|value| {
            value > *enter || (stays && value >= *leave)
        }),
        Condition::Below(Threshold {
            channel,
            enter,
            leave,
        }) => told(channel, &|value| {
            value < *enter || (stays && value <= *leave)
        }),
        Condition::OneOf(channel, values) => told(channel, &|value| {
            whole(value).is_some_and(|number| values.contains(&number))
        }),
        Condition::Bits(channel, mask) => told(channel, &|value| has_bits(value, *mask)),
        Condition::All(parts) => {
            let parts = parts.iter().map(|part| holds(part, stays, known));
            parts.fold(Told::Yes, |all, part| both(all, part, Told::No))
        }
        Condition::Any(parts) => {
            let parts = parts.iter().map(|part| holds(part, stays, known));
            parts.fold(Told::No, |any, part| both(any, part, Told::Yes))
        }
        // Whoever stays in a state by a condition's hysteresis enters by it what is not that.
        Condition::Not(part) => match holds(part, !stays, known) {
            Told::Yes => Told::No,
            Told::No => Told::Yes,
            told @ (Told::Unread(_) | Told::Unseen) => told,
        },
    }
}

/// Joins two parts: `decides` decides alone, what is untold comes next, in one fixed order.
fn both(one: Told, other: Told, decides: Told) -> Told {
    let rank = |told: Told| match told {
        Told::Unseen => 1,
        Told::Unread(OfflineReason::Device) => 2,
        Told::Unread(OfflineReason::Link) => 3,
        Told::Unread(OfflineReason::Agent) => 4,
        Told::Yes | Told::No if told == decides => 0,
        Told::Yes | Told::No => 5,
    };
    if rank(other) < rank(one) { other } else { one }
}

/// Returns whether an alarm's last good value is a fault: what is not read now has not gone.
fn rings(alarm: &Alarm, known: &[Known]) -> bool {
    let found = known.iter().find(|one| one.channel == alarm.channel);
    let value = found.and_then(|found| found.good);
    value.is_some_and(|value| match alarm.mask {
        None => value.abs() > 0.0,
        Some(mask) => has_bits(value, mask),
    })
}

fn has_bits(value: f64, mask: u64) -> bool {
    whole(value).is_some_and(|number| number.cast_unsigned() & mask != 0)
}

/// Returns a value as the whole number it is; `None` if it is none, or beyond what a reading can
/// hold exactly (2^53).
#[expect(
    clippy::as_conversions,
    clippy::cast_possible_truncation,
    reason = "the value is a whole number within 2^53"
)]
fn whole(value: f64) -> Option<i64> {
    const EXACT_MAX: f64 = 9_007_199_254_740_992.0;
    let is_whole = value.fract().abs() <= 0.0 && value.abs() <= EXACT_MAX;
    is_whole.then_some(value as i64)
}

/// Returns what a value that could not be read means for the instrument.
pub(super) fn reason_of(quality: Quality) -> OfflineReason {
    if quality == Quality::Link {
        OfflineReason::Link
    } else {
        OfflineReason::Device
    }
}

#[cfg(test)]
#[path = "judge_tests.rs"]
mod tests;
