//! The parts of a state rule as JSON: levels, tables, conditions, alarms, and the way back.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use wire::ChannelName;

use super::{DwellsJson, FaultPolicyJson, StateRuleJson, StateRuleKind};
use crate::registry::json::RuleFault;
use crate::registry::{Alarm, Case, Condition, Judgement, Level, Meaning, StateRule, Threshold};

/// How deep conditions may be nested.
const DEPTH_MAX: u32 = 4;
/// Most parts of one condition, and values of a list.
const PARTS_MAX: usize = 16;
const VALUES_MAX: usize = 64;
/// Values of a register: what a reading holds exactly.
const EXACT_MAX: i64 = 1 << 53;

/// A state that a rule can name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = StateLevel)]
pub enum LevelJson {
    /// Without power.
    Off,
    /// Powered, not working.
    Standby,
    /// Working.
    Running,
    /// At fault.
    Fault,
}

impl LevelJson {
    /// Returns the level.
    #[must_use]
    pub const fn level(self) -> Level {
        match self {
            Self::Off => Level::Off,
            Self::Standby => Level::Standby,
            Self::Running => Level::Running,
            Self::Fault => Level::Fault,
        }
    }

    /// Returns the JSON form.
    #[must_use]
    pub const fn of(level: Level) -> Self {
        match level {
            Level::Off => Self::Off,
            Level::Standby => Self::Standby,
            Level::Running => Self::Running,
            Level::Fault => Self::Fault,
        }
    }
}

/// What values of a register mean: one, or all from the first to the last.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = StateMeaning)]
pub struct MeaningJson {
    /// The first value.
    pub from: i64,
    /// The last value; left out: only the first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<i64>,
    /// What they mean.
    pub state: LevelJson,
}

impl MeaningJson {
    pub(super) fn to_meaning(&self) -> Result<Meaning, RuleFault> {
        let to = self.to.unwrap_or(self.from);
        if !(-EXACT_MAX..=EXACT_MAX).contains(&self.from) || !(self.from..=EXACT_MAX).contains(&to)
        {
            return Err(RuleFault::new("to", "must not be below from"));
        }
        Ok(Meaning {
            from: self.from,
            to,
            level: self.state.level(),
        })
    }
}

/// One case of an ordered list.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = StateCase)]
pub struct CaseJson {
    /// The state it leads to.
    pub state: LevelJson,
    /// When it holds.
    pub when: ConditionJson,
}

impl CaseJson {
    pub(super) fn to_case(&self) -> Result<Case, RuleFault> {
        let when = self.when.to_condition(DEPTH_MAX);
        Ok(Case {
            level: self.state.level(),
            when: when.map_err(|fault| fault.below("when"))?,
        })
    }
}

/// A condition on newest values.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = StateCondition)]
pub enum ConditionJson {
    /// Above a threshold.
    Above(ThresholdJson),
    /// Below a threshold.
    Below(ThresholdJson),
    /// A whole number that is one of some.
    OneOf(OneOfJson),
    /// A whole number with any of some bits set.
    Bits(BitsJson),
    /// Each of them, in any order; 1 to 16.
    #[schema(no_recursion)]
    All(Vec<Self>),
    /// Any of them, in any order; 1 to 16.
    #[schema(no_recursion)]
    Any(Vec<Self>),
    /// Not that one.
    #[schema(no_recursion)]
    Not(Box<Self>),
}

/// A threshold with its hysteresis.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = StateThreshold)]
pub struct ThresholdJson {
    /// The channel.
    #[schema(value_type = String)]
    pub channel: ChannelName,
    /// Where it begins to hold.
    pub enter: f64,
    /// Where it ceases to hold; left out: the same.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub leave: Option<f64>,
}

/// Values of a whole number.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = StateValues)]
pub struct OneOfJson {
    /// The channel.
    #[schema(value_type = String)]
    pub channel: ChannelName,
    /// 1 to 64 of them.
    pub values: Vec<i64>,
}

/// Bits of a whole number.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = StateBits)]
pub struct BitsJson {
    /// The channel.
    #[schema(value_type = String)]
    pub channel: ChannelName,
    /// Places from 0, the lowest, to 52; any of them set is enough.
    pub bits: Vec<u32>,
}

/// A sign of a fault.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = StateAlarm)]
pub struct AlarmJson {
    /// The channel.
    #[schema(value_type = String)]
    pub channel: ChannelName,
    /// Places of the bits that are faults, from 0 to 52; left out: any value other than 0 is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bits: Option<Vec<u32>>,
}

impl AlarmJson {
    pub(super) fn to_alarm(&self) -> Result<Alarm, RuleFault> {
        let mask = self.bits.as_ref().map(|bits| mask_of(bits)).transpose()?;
        Ok(Alarm {
            channel: self.channel.clone(),
            mask,
        })
    }
}

fn mask_of(bits: &[u32]) -> Result<u64, RuleFault> {
    if bits.is_empty() || bits.iter().any(|place| *place > 52) {
        return Err(RuleFault::new(
            "bits",
            "expected places of bits from 0 to 52",
        ));
    }
    Ok(bits.iter().fold(0, |mask, place| mask | 1 << place))
}

fn bits_of(mask: u64) -> Vec<u32> {
    (0..=52).filter(|place| mask >> place & 1 == 1).collect()
}

impl ConditionJson {
    fn to_condition(&self, depth: u32) -> Result<Condition, RuleFault> {
        let Some(deeper) = depth.checked_sub(1) else {
            return Err(RuleFault::new("any", "conditions nest at most 4 deep"));
        };
        let threshold = |field, asked: &ThresholdJson, is_above| {
            let threshold = asked.to_threshold(is_above);
            threshold.map_err(|fault| fault.below(field))
        };
        Ok(match self {
            Self::Above(asked) => Condition::Above(threshold("above", asked, true)?),
            Self::Below(asked) => Condition::Below(threshold("below", asked, false)?),
            Self::OneOf(asked) => {
                let values = asked.values.clone();
                if values.is_empty() || values.len() > VALUES_MAX {
                    return Err(RuleFault::new("one_of.values", "expected 1 to 64 values"));
                }
                Condition::OneOf(asked.channel.clone(), values)
            }
            Self::Bits(asked) => {
                let mask = mask_of(&asked.bits).map_err(|fault| fault.below("bits"))?;
                Condition::Bits(asked.channel.clone(), mask)
            }
            Self::All(parts) => Condition::All(all(parts, "all", deeper)?),
            Self::Any(parts) => Condition::Any(all(parts, "any", deeper)?),
            Self::Not(part) => {
                let part = part.to_condition(deeper);
                Condition::Not(Box::new(part.map_err(|fault| fault.below("not"))?))
            }
        })
    }

    fn of(condition: &Condition) -> Self {
        match condition {
            Condition::Above(threshold) => Self::Above(ThresholdJson::of(threshold)),
            Condition::Below(threshold) => Self::Below(ThresholdJson::of(threshold)),
            Condition::OneOf(channel, values) => Self::OneOf(OneOfJson {
                channel: channel.clone(),
                values: values.clone(),
            }),
            Condition::Bits(channel, mask) => Self::Bits(BitsJson {
                channel: channel.clone(),
                bits: bits_of(*mask),
            }),
            Condition::All(parts) => Self::All(parts.iter().map(Self::of).collect()),
            Condition::Any(parts) => Self::Any(parts.iter().map(Self::of).collect()),
            Condition::Not(part) => Self::Not(Box::new(Self::of(part))),
        }
    }
}

fn all(parts: &[ConditionJson], field: &str, depth: u32) -> Result<Vec<Condition>, RuleFault> {
    if parts.is_empty() || parts.len() > PARTS_MAX {
        return Err(RuleFault::new(field, "expected 1 to 16 conditions"));
    }
    let parts = parts.iter().enumerate().map(|(place, part)| {
        let part = part.to_condition(depth);
        part.map_err(|fault| fault.below(&format!("{field}[{place}]")))
    });
    parts.collect()
}

impl ThresholdJson {
    fn to_threshold(&self, is_above: bool) -> Result<Threshold, RuleFault> {
        let leave = self.leave.unwrap_or(self.enter);
        for (field, value) in [("enter", self.enter), ("leave", leave)] {
            if !value.is_finite() {
                return Err(RuleFault::new(field, "expected a finite number"));
            }
        }
        if is_above && leave > self.enter {
            return Err(RuleFault::new("leave", "must not be above enter"));
        }
        if !is_above && leave < self.enter {
            return Err(RuleFault::new("leave", "must not be below enter"));
        }
        Ok(Threshold {
            channel: self.channel.clone(),
            enter: self.enter,
            leave,
        })
    }

    fn of(threshold: &Threshold) -> Self {
        let has_band = (threshold.leave - threshold.enter).abs() > 0.0;
        Self {
            channel: threshold.channel.clone(),
            enter: threshold.enter,
            leave: has_band.then_some(threshold.leave),
        }
    }
}

impl StateRuleJson {
    /// Returns the JSON form.
    #[must_use]
    pub fn of(rule: &StateRule) -> Self {
        let (mut alarms, mut fault_channel) = (rule.alarms.clone(), None);
        // One sign that is whatever is not 0 has a field of its own, as it always had.
        if let Some(last) = alarms.pop_if(|last| last.mask.is_none()) {
            fault_channel = Some(last.channel);
        }
        let dwell = rule.dwell;
        let mut form = Self {
            alarms: alarms.iter().map(AlarmJson::of).collect(),
            fault_channel,
            dwell_ms: dwell.any_ms,
            dwells_ms: DwellsJson {
                off: dwell.off_ms,
                standby: dwell.standby_ms,
                running: dwell.running_ms,
                fault: dwell.fault_ms,
            },
            stale_after_ms: rule.stale_after_ms,
            on_fault: rule.on_fault.map(|policy| FaultPolicyJson {
                after_ms: policy.after_ms,
                expected_ms: policy.expected_ms,
                clear_ms: policy.clear_ms,
                ends_itself: policy.ends_itself,
            }),
            ..Self::default()
        };
        form.judge_by(&rule.judgement);
        form
    }

    fn judge_by(&mut self, judgement: &Judgement) {
        match judgement {
            Judgement::Levels(levels) => {
                self.channel = Some(levels.channel.clone());
                self.running_above = Some(levels.running_above);
                self.running_below = Some(levels.running_below);
                self.standby_above = levels.standby_above;
                self.standby_below = levels.standby_below;
            }
            Judgement::Register(register) => {
                self.kind = StateRuleKind::Register;
                self.channel = Some(register.channel.clone());
                let meaning = |meaning: &Meaning| MeaningJson {
                    from: meaning.from,
                    to: (meaning.to != meaning.from).then_some(meaning.to),
                    state: LevelJson::of(meaning.level),
                };
                self.table = register.table.iter().map(meaning).collect();
                self.otherwise = register.otherwise.map(LevelJson::of);
            }
            Judgement::Cases(cases) => {
                self.kind = StateRuleKind::Cases;
                let case = |case: &Case| CaseJson {
                    state: LevelJson::of(case.level),
                    when: ConditionJson::of(&case.when),
                };
                self.cases = cases.cases.iter().map(case).collect();
                self.otherwise = Some(LevelJson::of(cases.otherwise));
            }
        }
    }
}

impl AlarmJson {
    fn of(alarm: &Alarm) -> Self {
        Self {
            channel: alarm.channel.clone(),
            bits: alarm.mask.map(bits_of),
        }
    }
}
