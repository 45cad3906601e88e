//! How an instrument's machine state follows from readings: read, and set by its manager.

use axum::extract::State;
use axum::http::HeaderMap;
use scheduler::time::Span;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use wire::ChannelName;

use super::answer::Json;
use super::body::Body;
use super::caller::SignedIn;
use super::instrument_edit::{editable, replace};
use super::path::Found;
use super::problem::Problem;
use super::state::HttpState;
use super::time::Length;
use crate::registry::{
    AlarmJson, CaseJson, DwellsJson, FaultPolicyJson, LevelJson, MeaningJson, StateRule,
    StateRuleJson, StateRuleKind,
};

/// How machine state follows from readings. `kind` says which of the fields belong.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = StateRule)]
pub struct StateRuleView {
    /// How state is told; left out: by thresholds of one channel.
    #[serde(default, skip_serializing_if = "StateRuleKind::is_levels")]
    kind: StateRuleKind,
    /// The channel that tells, usually `power_w`. Levels and register.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    channel: Option<ChannelName>,
    /// Above it runs, in the channel's unit. Levels.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    running_above: Option<f64>,
    /// Below it no longer runs; not above the other. Levels.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    running_below: Option<f64>,
    /// From off to standby; null: whatever does not run is standby. Levels.
    #[serde(default)]
    standby_above: Option<f64>,
    /// From standby to off, not above the other; left out: the same. Levels.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    standby_below: Option<f64>,
    /// What the values of the register mean; 1 to 64 entries. Register.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    table: Vec<MeaningJson>,
    /// Cases in order, the first that holds decides; 1 to 16. Cases.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    cases: Vec<CaseJson>,
    /// What none of the cases is; what any other value of the register means (left out: the state
    /// stays).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    otherwise: Option<LevelJson>,
    /// Signs of a fault, whatever else holds; at most 8.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    alarms: Vec<AlarmJson>,
    /// How long a change must last, up to an hour.
    dwell: Length,
    /// Other times for changes to some states.
    #[serde(default, skip_serializing_if = "DwellsView::is_none")]
    dwells: DwellsView,
    /// A channel that is not 0 at a fault.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    fault_channel: Option<ChannelName>,
    /// Silence longer than this is offline, one second to a day; null: three times the interval that
    /// the agent itself promises.
    #[serde(default)]
    stale_after: Option<Length>,
    /// What a lasting fault does; left out: nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    on_fault: Option<FaultPolicyView>,
}

/// How long a change to a state must last, where it differs; each up to an hour.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = StateDwells)]
pub struct DwellsView {
    /// To off.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    off: Option<Length>,
    /// To standby.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    standby: Option<Length>,
    /// To running.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    running: Option<Length>,
    /// To a fault.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    fault: Option<Length>,
}

/// A lasting fault opens an outage: it claims what is free at once, and the members of the next
/// bookings and the managers are told.
#[derive(Debug, Clone, Copy, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = StateFaultPolicy)]
pub struct FaultPolicyView {
    /// How long the fault must have been held, up to a day.
    after: Length,
    /// How far ahead the expected end lies, 10 minutes to 30 days; it moves on while the fault lasts.
    expected: Length,
    /// How long the fault must be gone, up to 7 days.
    clear: Length,
    /// Whether the outage then ends by itself; else the managers are told, and end it.
    ends_itself: bool,
}

/// Returns how an instrument's machine state follows from readings.
#[utoipa::path(get, path = "/api/v1/instruments/{key}/state-rule", tag = "settings",
    params(("key" = String, Path, description = "Asset code")),
    responses((status = 200, body = StateRuleView)))]
pub(super) async fn state_rule(found: Found) -> Json<StateRuleView> {
    Json(StateRuleView::of(&found.instrument().state_rule))
}

/// Sets how an instrument's machine state follows from readings, from now on. What was decided
/// before stays; `state-rule/rerun` decides it again.
#[utoipa::path(put, path = "/api/v1/instruments/{key}/state-rule", tag = "settings", request_body = StateRuleView,
    params(("key" = String, Path, description = "Asset code"),
        ("If-Match" = Option<String>, Header, description = "Only if the instrument has this version")),
    responses((status = 200, body = StateRuleView)))]
pub(super) async fn set_state_rule(
    State(state): State<HttpState>,
    who: SignedIn,
    found: Found,
    headers: HeaderMap,
    Body(asked): Body<StateRuleView>,
) -> Result<Json<StateRuleView>, Problem> {
    let mut instrument = editable(&found, who.caller, &headers)?;
    instrument.state_rule = asked.to_rule("")?;
    replace(&state, instrument).await?;
    Ok(Json(asked))
}

fn length(ms: i64) -> Length {
    Length(Span::new(ms.saturating_mul(1_000)).unwrap_or_default())
}

fn ms(length: Length) -> i64 {
    length.0.get() / 1_000
}

impl DwellsView {
    fn is_none(&self) -> bool {
        *self == Self::default()
    }
}

impl StateRuleView {
    /// Returns what is shown of a rule.
    #[must_use]
    pub fn of(rule: &StateRule) -> Self {
        let form = StateRuleJson::of(rule);
        let dwells = form.dwells_ms.map(length);
        Self {
            kind: form.kind,
            channel: form.channel,
            running_above: form.running_above,
            running_below: form.running_below,
            standby_above: form.standby_above,
            standby_below: form.standby_below,
            table: form.table,
            cases: form.cases,
            otherwise: form.otherwise,
            alarms: form.alarms,
            dwell: length(form.dwell_ms),
            dwells: DwellsView {
                off: dwells.off,
                standby: dwells.standby,
                running: dwells.running,
                fault: dwells.fault,
            },
            fault_channel: form.fault_channel,
            stale_after: form.stale_after_ms.map(length),
            on_fault: form.on_fault.map(|policy| FaultPolicyView {
                after: length(policy.after_ms),
                expected: length(policy.expected_ms),
                clear: length(policy.clear_ms),
                ends_itself: policy.ends_itself,
            }),
        }
    }

    /// Returns the rule. `within` is put before the names of fields, such as `rule.`.
    ///
    /// # Errors
    /// Returns `malformed-request` naming the field.
    pub(super) fn to_rule(&self, within: &str) -> Result<StateRule, Problem> {
        let asked = self.clone();
        let form = StateRuleJson {
            kind: asked.kind,
            channel: asked.channel,
            running_above: asked.running_above,
            running_below: asked.running_below,
            standby_above: asked.standby_above,
            standby_below: asked.standby_below,
            table: asked.table,
            cases: asked.cases,
            otherwise: asked.otherwise,
            alarms: asked.alarms,
            dwell_ms: ms(asked.dwell),
            dwells_ms: DwellsJson {
                off: asked.dwells.off.map(ms),
                standby: asked.dwells.standby.map(ms),
                running: asked.dwells.running.map(ms),
                fault: asked.dwells.fault.map(ms),
            },
            fault_channel: asked.fault_channel,
            stale_after_ms: asked.stale_after.map(ms),
            on_fault: asked.on_fault.map(|policy| FaultPolicyJson {
                after_ms: ms(policy.after),
                expected_ms: ms(policy.expected),
                clear_ms: ms(policy.clear),
                ends_itself: policy.ends_itself,
            }),
        };
        form.to_rule()
            .map_err(|fault| Problem::field(&format!("{within}{}", fault.field), &fault.expected))
    }
}
