//! When a machine runs, as JSON.
//!
//! One flat object, so that every fault names its field and a rule of thresholds looks as it always
//! did; `kind` says which of the fields belong.

mod parts;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use wire::ChannelName;

use super::RuleFault;
use crate::registry::{
    Cases, Dwell, FaultPolicy, Judgement, Levels, RULE_CHANNELS_MAX, RULE_LEAVES_MAX, Register,
    STALE_AFTER_MS_MIN, StateRule,
};

pub use parts::{
    AlarmJson, BitsJson, CaseJson, ConditionJson, LevelJson, MeaningJson, OneOfJson, ThresholdJson,
};

/// Milliseconds of an hour, the longest dwell.
const DWELL_MS_MAX: i64 = 3_600_000;
/// Milliseconds of a day, the longest silence that is not offline.
const DAY_MS: i64 = 86_400_000;
/// Most alarms.
const ALARMS_MAX: usize = 8;
/// Most cases.
const CASES_MAX: usize = 16;
/// Most entries of a register's table.
const TABLE_MAX: usize = 64;

/// What a field is that does not belong to the rule's kind.
const NOT_OF_KIND: &str = "does not belong to this kind of rule";
/// What is missing.
const NEEDED: &str = "this kind of rule needs it";

/// How state is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = StateRuleKind)]
pub enum StateRuleKind {
    /// Thresholds of one channel.
    #[default]
    Levels,
    /// Numbers of a status register.
    Register,
    /// The first case that holds.
    Cases,
}

impl StateRuleKind {
    /// Returns true for what is left out.
    #[must_use]
    pub fn is_levels(&self) -> bool {
        *self == Self::Levels
    }
}

/// A state rule as JSON; see [`StateRule`].
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StateRuleJson {
    /// How state is told.
    #[serde(default, skip_serializing_if = "StateRuleKind::is_levels")]
    pub kind: StateRuleKind,
    /// The channel that tells.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub channel: Option<ChannelName>,
    /// Upper threshold.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub running_above: Option<f64>,
    /// Lower threshold.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub running_below: Option<f64>,
    /// Threshold from off to standby.
    #[serde(default)]
    pub standby_above: Option<f64>,
    /// Threshold from standby to off.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub standby_below: Option<f64>,
    /// What the register's values mean.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub table: Vec<MeaningJson>,
    /// Cases in order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub cases: Vec<CaseJson>,
    /// What none of them is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub otherwise: Option<LevelJson>,
    /// Signs of a fault.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub alarms: Vec<AlarmJson>,
    /// How long a change must last, ms.
    pub dwell_ms: i64,
    /// Other times for changes to some states, ms.
    #[serde(default, skip_serializing_if = "DwellsJson::is_none")]
    pub dwells_ms: DwellsJson<i64>,
    /// The channel that is not 0 at fault.
    #[serde(default)]
    pub fault_channel: Option<ChannelName>,
    /// Silence longer than this is offline, ms; none: by the agent's interval.
    #[serde(default)]
    pub stale_after_ms: Option<i64>,
    /// What a lasting fault does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub on_fault: Option<FaultPolicyJson>,
}

/// Times for changes to some states.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DwellsJson<T> {
    /// To off.
    #[serde(default = "none", skip_serializing_if = "Option::is_none")]
    pub off: Option<T>,
    /// To standby.
    #[serde(default = "none", skip_serializing_if = "Option::is_none")]
    pub standby: Option<T>,
    /// To running.
    #[serde(default = "none", skip_serializing_if = "Option::is_none")]
    pub running: Option<T>,
    /// To a fault.
    #[serde(default = "none", skip_serializing_if = "Option::is_none")]
    pub fault: Option<T>,
}

fn none<T>() -> Option<T> {
    None
}

impl<T> DwellsJson<T> {
    /// Returns true if no state has a time of its own.
    #[must_use]
    pub fn is_none(&self) -> bool {
        let Self {
            off,
            standby,
            running,
            fault,
        } = self;
        let some = [off, standby, running, fault];
        some.into_iter().all(Option::is_none)
    }

    /// Returns the same with each time converted.
    #[must_use]
    pub fn map<U>(self, convert: impl Fn(T) -> U) -> DwellsJson<U> {
        DwellsJson {
            off: self.off.map(&convert),
            standby: self.standby.map(&convert),
            running: self.running.map(&convert),
            fault: self.fault.map(&convert),
        }
    }
}

/// What a lasting fault does: see [`FaultPolicy`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FaultPolicyJson {
    /// How long it must have been held, ms.
    pub after_ms: i64,
    /// How far ahead the expected end lies, ms.
    pub expected_ms: i64,
    /// How long it must be gone, ms.
    pub clear_ms: i64,
    /// Whether the outage then ends by itself.
    pub ends_itself: bool,
}

impl StateRuleJson {
    /// Returns the rule.
    ///
    /// # Errors
    /// Returns [`RuleFault`] when a field is missing or does not belong to the kind, thresholds
    /// contradict each other, or a number is out of bounds.
    pub fn to_rule(&self) -> Result<StateRule, RuleFault> {
        self.check_kind()?;
        let judgement = match self.kind {
            StateRuleKind::Levels => Judgement::Levels(self.levels()?),
            StateRuleKind::Register => Judgement::Register(self.register()?),
            StateRuleKind::Cases => Judgement::Cases(self.case_list()?),
        };
        let rule = StateRule {
            judgement,
            alarms: self.alarm_list()?,
            dwell: self.dwell()?,
            stale_after_ms: self.stale_after()?,
            on_fault: self.fault_policy()?,
        };
        if rule.channels().len() > RULE_CHANNELS_MAX {
            return Err(RuleFault::new("cases", "at most 16 channels in one rule"));
        }
        Ok(rule)
    }

    /// Checks that what is given belongs to the kind.
    fn check_kind(&self) -> Result<(), RuleFault> {
        let is = |kind| self.kind == kind;
        let (levels, register, cases) = (
            is(StateRuleKind::Levels),
            is(StateRuleKind::Register),
            is(StateRuleKind::Cases),
        );
        for (field, is_given, belongs) in [
            ("channel", self.channel.is_some(), levels || register),
            ("running_above", self.running_above.is_some(), levels),
            ("running_below", self.running_below.is_some(), levels),
            ("standby_above", self.standby_above.is_some(), levels),
            ("standby_below", self.standby_below.is_some(), levels),
            ("table", !self.table.is_empty(), register),
            ("cases", !self.cases.is_empty(), cases),
            ("otherwise", self.otherwise.is_some(), register || cases),
        ] {
            if is_given && !belongs {
                return Err(RuleFault::new(field, NOT_OF_KIND));
            }
        }
        Ok(())
    }

    fn channel(&self) -> Result<ChannelName, RuleFault> {
        let channel = self.channel.clone();
        channel.ok_or_else(|| RuleFault::new("channel", NEEDED))
    }

    fn levels(&self) -> Result<Levels, RuleFault> {
        let fault = |field, expected| Err(RuleFault::new(field, expected));
        let needed = |field, value: Option<f64>| value.ok_or_else(|| RuleFault::new(field, NEEDED));
        for (field, value) in [
            ("running_above", self.running_above),
            ("running_below", self.running_below),
            ("standby_above", self.standby_above),
            ("standby_below", self.standby_below),
        ] {
            // JSON has no NaN and no infinity, but 1e999 becomes one.
            if value.is_some_and(|value| !value.is_finite()) {
                return fault(field, "expected a finite number");
            }
        }
        let running_above = needed("running_above", self.running_above)?;
        let running_below = needed("running_below", self.running_below)?;
        if running_below > running_above {
            return fault("running_below", "must not be above running_above");
        }
        if self
            .standby_above
            .is_some_and(|level| level > running_below)
        {
            return fault("standby_above", "must not be above running_below");
        }
        match (self.standby_below, self.standby_above) {
            (Some(_), None) => return fault("standby_below", "only together with standby_above"),
            (Some(below), Some(above)) if below > above => {
                return fault("standby_below", "must not be above standby_above");
            }
            _ => {}
        }
        Ok(Levels {
            channel: self.channel()?,
            running_above,
            running_below,
            standby_above: self.standby_above,
            standby_below: self.standby_below,
        })
    }

    fn register(&self) -> Result<Register, RuleFault> {
        let channel = self.channel()?;
        if self.table.is_empty() || self.table.len() > TABLE_MAX {
            return Err(RuleFault::new("table", "expected 1 to 64 entries"));
        }
        let mut table = Vec::with_capacity(self.table.len());
        for (place, entry) in self.table.iter().enumerate() {
            let meaning = entry.to_meaning();
            let meaning = meaning.map_err(|fault| fault.below(&format!("table[{place}]")))?;
            let overlaps = |other: &crate::registry::Meaning| {
                meaning.from <= other.to && other.from <= meaning.to
            };
            if table.iter().any(overlaps) {
                let field = format!("table[{place}]");
                return Err(RuleFault::new(&field, "a value has one meaning only"));
            }
            table.push(meaning);
        }
        Ok(Register {
            channel,
            table,
            otherwise: self.otherwise.map(LevelJson::level),
        })
    }

    fn case_list(&self) -> Result<Cases, RuleFault> {
        if self.cases.is_empty() || self.cases.len() > CASES_MAX {
            return Err(RuleFault::new("cases", "expected 1 to 16 cases"));
        }
        let otherwise = self.otherwise.map(LevelJson::level);
        let otherwise = otherwise.ok_or_else(|| RuleFault::new("otherwise", NEEDED))?;
        let mut cases = Vec::with_capacity(self.cases.len());
        for (place, case) in self.cases.iter().enumerate() {
            let below = |fault: RuleFault| fault.below(&format!("cases[{place}]"));
            cases.push(case.to_case().map_err(below)?);
        }
        let leaves = cases.iter().map(|case| case.when.leaves()).sum::<usize>();
        if leaves > RULE_LEAVES_MAX {
            return Err(RuleFault::new(
                "cases",
                "at most 128 comparisons in one rule",
            ));
        }
        Ok(Cases { cases, otherwise })
    }

    fn alarm_list(&self) -> Result<Vec<crate::registry::Alarm>, RuleFault> {
        if self.alarms.len() > ALARMS_MAX {
            return Err(RuleFault::new("alarms", "at most 8 alarms"));
        }
        let mut alarms = Vec::with_capacity(self.alarms.len() + 1);
        for (place, alarm) in self.alarms.iter().enumerate() {
            let alarm = alarm.to_alarm();
            alarms.push(alarm.map_err(|fault| fault.below(&format!("alarms[{place}]")))?);
        }
        alarms.extend(
            self.fault_channel
                .clone()
                .map(|channel| crate::registry::Alarm {
                    channel,
                    mask: None,
                }),
        );
        Ok(alarms)
    }

    fn dwell(&self) -> Result<Dwell, RuleFault> {
        let of = self.dwells_ms;
        for (field, dwell) in [
            ("dwell", Some(self.dwell_ms)),
            ("dwells.off", of.off),
            ("dwells.standby", of.standby),
            ("dwells.running", of.running),
            ("dwells.fault", of.fault),
        ] {
            if dwell.is_some_and(|ms| !(0..=DWELL_MS_MAX).contains(&ms)) {
                return Err(RuleFault::new(field, "expected at most PT1H"));
            }
        }
        Ok(Dwell {
            any_ms: self.dwell_ms,
            off_ms: of.off,
            standby_ms: of.standby,
            running_ms: of.running,
            fault_ms: of.fault,
        })
    }

    fn stale_after(&self) -> Result<Option<i64>, RuleFault> {
        let stale = self.stale_after_ms;
        if stale.is_some_and(|ms| !(STALE_AFTER_MS_MIN..=DAY_MS).contains(&ms)) {
            return Err(RuleFault::new("stale_after", "expected PT1S to PT24H"));
        }
        Ok(stale)
    }

    fn fault_policy(&self) -> Result<Option<FaultPolicy>, RuleFault> {
        let Some(asked) = self.on_fault else {
            return Ok(None);
        };
        for (field, ms, bounds, expected) in [
            (
                "after",
                asked.after_ms,
                0..=DAY_MS,
                "expected at most PT24H",
            ),
            (
                "expected",
                asked.expected_ms,
                600_000..=30 * DAY_MS,
                "expected PT10M to P30D",
            ),
            (
                "clear",
                asked.clear_ms,
                0..=7 * DAY_MS,
                "expected at most P7D",
            ),
        ] {
            if !bounds.contains(&ms) {
                return Err(RuleFault::new(&format!("on_fault.{field}"), expected));
            }
        }
        Ok(Some(FaultPolicy {
            after_ms: asked.after_ms,
            expected_ms: asked.expected_ms,
            clear_ms: asked.clear_ms,
            ends_itself: asked.ends_itself,
        }))
    }
}
