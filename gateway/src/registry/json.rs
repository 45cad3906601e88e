//! Rules and state rules as JSON: the form of the store and of the API.

mod hours;

use scheduler::calendar::{DAY_MINUTES, DayHours, Weekly};
use scheduler::policy::{Mode, Rule, RuleBody};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use wire::ChannelName;

pub use self::hours::{ExceptionJson, HolidaysJson, SpanJson, to_blocks, to_opening};
use self::hours::{clock_text, minute_of};
use super::StateRule;

/// A rule as JSON.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(tag = "rule", rename_all = "snake_case", deny_unknown_fields)]
pub enum RuleJson {
    /// Begin and end on a grid counted from midnight.
    Alignment {
        /// How it meets rules further down.
        mode: ModeJson,
        /// 1 to 1440.
        minutes: u32,
    },
    /// At least this long.
    Shortest {
        /// How it meets rules further down.
        mode: ModeJson,
        /// 1 to 525600.
        minutes: u32,
    },
    /// At most this long.
    Longest {
        /// How it meets rules further down.
        mode: ModeJson,
        /// 1 to 525600.
        minutes: u32,
    },
    /// Begins at most this far ahead.
    Horizon {
        /// How it meets rules further down.
        mode: ModeJson,
        /// 1 to 3650.
        days: u32,
    },
    /// Within opening hours.
    OpeningHours {
        /// How it meets rules further down.
        mode: ModeJson,
        /// Hours of the week; none is always closed.
        weekly: Vec<HoursJson>,
        /// Days with other hours, at most 200 entries.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        exceptions: Vec<ExceptionJson>,
        /// Which public holidays are kept.
        #[serde(default, skip_serializing_if = "HolidaysJson::is_none")]
        holidays: HolidaysJson,
    },
    /// Whole adjacent blocks.
    FixedBlocks {
        /// How it meets rules further down.
        mode: ModeJson,
        /// At most 50; `to` up to `48:00`.
        blocks: Vec<HoursJson>,
    },
}

/// Whether a rule can be replaced further down the tree.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ModeJson {
    /// The more specific rule wins.
    Default,
    /// Applies whatever is set below.
    Binding,
}

/// Opening hours of some weekdays.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct HoursJson {
    /// ISO weekdays, Monday 1 to Sunday 7.
    pub days: Vec<u8>,
    /// `HH:MM`.
    pub from: String,
    /// `HH:MM`, after `from`; `24:00` is the end of the day.
    pub to: String,
}

/// What is wrong with a rule, in words for the log and the API's `detail`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{field}: {expected}")]
pub struct RuleFault {
    /// The field.
    pub field: &'static str,
    /// What it has to be.
    pub expected: &'static str,
}

impl RuleJson {
    /// Returns the rule.
    ///
    /// # Errors
    /// Returns [`RuleFault`] when a number is out of bounds or hours are impossible.
    pub fn to_rule(&self) -> Result<Rule, RuleFault> {
        let bounded = |number: u32, max: u32, field, expected| {
            (1..=max)
                .contains(&number)
                .then_some(number)
                .ok_or(RuleFault { field, expected })
        };
        let (mode, body) = match self {
            Self::Alignment { mode, minutes } => {
                let minutes = bounded(*minutes, 1_440, "minutes", "1 to 1440")?;
                (mode, RuleBody::Alignment { minutes })
            }
            Self::Shortest { mode, minutes } => {
                let minutes = bounded(*minutes, 525_600, "minutes", "1 to 525600")?;
                (mode, RuleBody::Shortest { minutes })
            }
            Self::Longest { mode, minutes } => {
                let minutes = bounded(*minutes, 525_600, "minutes", "1 to 525600")?;
                (mode, RuleBody::Longest { minutes })
            }
            Self::Horizon { mode, days } => {
                let days = bounded(*days, 3_650, "days", "1 to 3650")?;
                (mode, RuleBody::Horizon { days })
            }
            Self::OpeningHours {
                mode,
                weekly,
                exceptions,
                holidays,
            } => {
                let hours: Result<Vec<_>, _> = weekly.iter().map(HoursJson::to_hours).collect();
                let opening = to_opening(Weekly(hours?), exceptions, *holidays)?;
                (mode, RuleBody::OpeningHours(opening))
            }
            Self::FixedBlocks { mode, blocks } => (mode, RuleBody::FixedBlocks(to_blocks(blocks)?)),
        };
        let mode = match mode {
            ModeJson::Default => Mode::Default,
            ModeJson::Binding => Mode::Binding,
        };
        Ok(Rule { body, mode })
    }

    /// Returns the JSON form.
    #[must_use]
    pub fn of(rule: &Rule) -> Self {
        let mode = match rule.mode {
            Mode::Default => ModeJson::Default,
            Mode::Binding => ModeJson::Binding,
        };
        match &rule.body {
            RuleBody::Alignment { minutes } => Self::Alignment {
                mode,
                minutes: *minutes,
            },
            RuleBody::Shortest { minutes } => Self::Shortest {
                mode,
                minutes: *minutes,
            },
            RuleBody::Longest { minutes } => Self::Longest {
                mode,
                minutes: *minutes,
            },
            RuleBody::Horizon { days } => Self::Horizon { mode, days: *days },
            RuleBody::OpeningHours(opening) => {
                let weekly = opening.weekly.0.iter();
                Self::OpeningHours {
                    mode,
                    weekly: weekly.map(|hours| HoursJson::of(*hours)).collect(),
                    exceptions: opening.exceptions.iter().map(ExceptionJson::of).collect(),
                    holidays: HolidaysJson::of(opening.holidays),
                }
            }
            RuleBody::FixedBlocks(blocks) => {
                let blocks = blocks.0.iter().map(|block| HoursJson::of_block(*block));
                Self::FixedBlocks {
                    mode,
                    blocks: blocks.collect(),
                }
            }
        }
    }
}

impl HoursJson {
    /// Returns the JSON form.
    #[must_use]
    pub fn of(hours: DayHours) -> Self {
        Self {
            days: hours.weekdays(),
            from: clock_text(hours.from_minute()),
            to: clock_text(hours.to_minute()),
        }
    }

    fn to_hours(&self) -> Result<DayHours, RuleFault> {
        let fault = |field, expected| RuleFault { field, expected };
        let from = minute_of(&self.from, DAY_MINUTES).ok_or_else(|| fault("from", "HH:MM"))?;
        let to =
            minute_of(&self.to, DAY_MINUTES).ok_or_else(|| fault("to", "HH:MM, at most 24:00"))?;
        DayHours::new(&self.days, from, to)
            .ok_or_else(|| fault("weekly", "days 1 to 7, and from before to within one day"))
    }
}

/// A state rule as JSON; see [`StateRule`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StateRuleJson {
    /// The channel that tells.
    pub channel: ChannelName,
    /// Upper threshold.
    pub running_above: f64,
    /// Lower threshold.
    pub running_below: f64,
    /// Threshold between off and standby.
    pub standby_above: Option<f64>,
    /// How long a change must last, ms.
    pub dwell_ms: i64,
    /// The channel that is not 0 at fault.
    pub fault_channel: Option<ChannelName>,
    /// Silence longer than this is offline, ms.
    pub stale_after_ms: i64,
}

impl StateRuleJson {
    /// Returns the rule.
    ///
    /// # Errors
    /// Returns [`RuleFault`] when thresholds contradict each other or a time is out of bounds.
    pub fn to_rule(&self) -> Result<StateRule, RuleFault> {
        let fault = |field, expected| Err(RuleFault { field, expected });
        let finite = [
            Some(self.running_above),
            Some(self.running_below),
            self.standby_above,
        ];
        if finite.iter().flatten().any(|value| !value.is_finite()) {
            return fault("running_above", "finite numbers");
        }
        if self.running_below > self.running_above {
            return fault("running_below", "not above running_above");
        }
        if self
            .standby_above
            .is_some_and(|standby| standby > self.running_below)
        {
            return fault("standby_above", "not above running_below");
        }
        if !(0..=3_600_000).contains(&self.dwell_ms) {
            return fault("dwell", "0 s to 1 h");
        }
        if !(1_000..=86_400_000).contains(&self.stale_after_ms) {
            return fault("stale_after", "1 s to 1 day");
        }
        Ok(StateRule {
            channel: self.channel.clone(),
            running_above: self.running_above,
            running_below: self.running_below,
            standby_above: self.standby_above,
            dwell_ms: self.dwell_ms,
            fault_channel: self.fault_channel.clone(),
            stale_after_ms: self.stale_after_ms,
        })
    }

    /// Returns the JSON form.
    #[must_use]
    pub fn of(rule: &StateRule) -> Self {
        Self {
            channel: rule.channel.clone(),
            running_above: rule.running_above,
            running_below: rule.running_below,
            standby_above: rule.standby_above,
            dwell_ms: rule.dwell_ms,
            fault_channel: rule.fault_channel.clone(),
            stale_after_ms: rule.stale_after_ms,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rules_survive_the_way_to_json_and_back() {
        let text = r#"[{"rule":"shortest","mode":"default","minutes":30},
            {"rule":"opening_hours","mode":"binding",
             "weekly":[{"days":[1,5],"from":"08:00","to":"24:00"}]},
            {"rule":"opening_hours","mode":"default","weekly":[],"holidays":"china",
             "exceptions":[{"from":"2026-12-24","to":"2026-12-26","hours":[]},
                           {"from":"2026-12-25","to":"2026-12-25",
                            "hours":[{"from":"10:00","to":"12:00"}]}]},
            {"rule":"fixed_blocks","mode":"default",
             "blocks":[{"days":[1,7],"from":"18:00","to":"32:00"}]}]"#;
        let rules: Vec<RuleJson> = serde_json::from_str(text).unwrap();
        for rule in rules {
            assert_eq!(RuleJson::of(&rule.to_rule().unwrap()), rule);
        }
    }

    #[test]
    fn impossible_rules_name_the_field() {
        for (text, field) in [
            (
                r#"{"rule":"shortest","mode":"default","minutes":0}"#,
                "minutes",
            ),
            (r#"{"rule":"horizon","mode":"default","days":9999}"#, "days"),
            (
                r#"{"rule":"opening_hours","mode":"default","weekly":[{"days":[1],"from":"8","to":"09:00"}]}"#,
                "from",
            ),
            (
                r#"{"rule":"opening_hours","mode":"default","weekly":[{"days":[8],"from":"08:00","to":"09:00"}]}"#,
                "weekly",
            ),
            (
                r#"{"rule":"opening_hours","mode":"default","weekly":[],"exceptions":[{"from":"2026-12-26","to":"2026-12-24","hours":[]}]}"#,
                "exceptions",
            ),
            (
                r#"{"rule":"fixed_blocks","mode":"default","blocks":[{"days":[1],"from":"18:00","to":"48:01"}]}"#,
                "blocks",
            ),
        ] {
            let rule: RuleJson = serde_json::from_str(text).unwrap();
            assert_eq!(rule.to_rule().unwrap_err().field, field);
        }
        let mut rule = StateRuleJson::of(&StateRule::standard());
        rule.running_below = 900.0;
        assert_eq!(rule.to_rule().unwrap_err().field, "running_below");
    }
}
