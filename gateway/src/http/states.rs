//! Intervals of machine state: the newest version, what was decided at the time, or a re-run's.

use axum::extract::State;
use chrono_tz::Tz;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::answer::Json;
use super::body::Query;
use super::path::Found;
use super::problem::Problem;
use super::readings::{failed, window};
use super::state::HttpState;
use super::time::{When, Zoned};
use super::view::Whole;
use crate::history::StateInterval;

/// Which states.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct StatesAsked {
    /// First instant.
    #[param(value_type = String, format = DateTime)]
    from: When,
    /// First instant after it.
    #[param(value_type = String, format = DateTime)]
    to: When,
    /// Which version: 0 as decided at the time, a number of `state-rule/rerun` what that made; left
    /// out: the newest.
    version: Option<i64>,
}

/// A stretch in one machine state, clipped to the window.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = StateInterval)]
pub struct StateView {
    /// `off`, `standby`, `running`, `fault` or `offline`.
    state: &'static str,
    /// Why it is offline: `agent`, `link` or `device`.
    reason: Option<&'static str>,
    /// When it began, or the window's begin.
    start: Zoned,
    /// When it ended, or the window's end; null while it lasts.
    end: Option<Zoned>,
}

/// Returns the intervals of machine state in a window; gaps are where it is not known.
#[utoipa::path(get, path = "/api/v1/instruments/{key}/states", tag = "telemetry",
    params(("key" = String, Path, description = "Asset code"), StatesAsked),
    responses((status = 200, body = Whole<StateView>)))]
pub(super) async fn states(
    State(state): State<HttpState>,
    found: Found,
    Query(asked): Query<StatesAsked>,
) -> Result<Json<Whole<StateView>>, Problem> {
    let window = window(asked.from, asked.to)?;
    let (from, to) = (window.start(), window.end());
    let history = state.history();
    let intervals = match asked.version {
        None => history.states(found.id, from, to).await,
        Some(0) => history.states_decided(found.id, from, to).await,
        Some(id) => {
            let versions = history.state_versions(found.id).await;
            let versions = versions.map_err(|error| failed("to", error))?;
            let version = versions.iter().find(|version| version.id == id);
            let version = version.ok_or_else(|| Problem::field("version", "no such version"))?;
            history.states_of_version(version, from, to).await
        }
    };
    let intervals = intervals.map_err(|error| failed("to", error))?;
    let zone = found.instrument().zone;
    let items = intervals
        .iter()
        .map(|interval| StateView::of(interval, zone));
    Ok(Json(Whole {
        items: items.collect(),
    }))
}

impl StateView {
    /// Returns what is shown of an interval.
    pub(super) fn of(interval: &StateInterval, zone: Tz) -> Self {
        Self {
            state: interval.state.as_str(),
            reason: interval.state.reason(),
            start: Zoned(interval.start, zone),
            end: interval.end.map(|end| Zoned(end, zone)),
        }
    }
}
