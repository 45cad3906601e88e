//! When a machine runs, as JSON.

use serde::{Deserialize, Serialize};
use wire::ChannelName;

use super::RuleFault;
use crate::registry::StateRule;

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
        let fault = |field, expected| Err(RuleFault::new(field, expected));
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
