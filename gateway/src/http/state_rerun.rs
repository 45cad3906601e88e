//! A state rule run again over the past: asked for by a manager with a reason, and followed.

use axum::extract::State;
use scheduler::time::DAY_US;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::answer::{Created, Json};
use super::body::Body;
use super::caller::SignedIn;
use super::path::Found;
use super::problem::{Problem, ProblemType};
use super::readings::failed;
use super::state::HttpState;
use super::state_preview::past_window;
use super::state_rule::StateRuleView;
use super::texts::check_prose;
use super::time::{When, Zoned};
use super::view::Whole;
use crate::booking::record::{Rerun, RerunState};
use crate::booking::{AskRerun, RerunOutcome};
use crate::history::StateVersion;
use crate::registry::{Instrument, Right};
use crate::words::Said;

/// Longest window: as long as readings are kept as they came, and a day.
const WINDOW_US_MAX: i64 = 31 * DAY_US;

/// Most characters of a reason.
const REASON_CHARACTERS_MAX: usize = 500;

/// A re-run to make.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RerunRequest {
    /// First instant.
    from: When,
    /// First instant after it, not in the future; at most 31 days after the first.
    to: When,
    /// Why; 1 to 500 characters.
    reason: String,
}

/// A re-run.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Rerun)]
pub struct RerunView {
    /// The version of states that it makes: `states?version=`.
    version: i64,
    /// First instant.
    from: Zoned,
    /// First instant after it.
    to: Zoned,
    /// The rule, as it was then.
    rule: StateRuleView,
    /// Who asked for it, by identity.
    by: i64,
    /// Why.
    reason: String,
    /// When.
    asked_at: Zoned,
    /// `waiting`, `done` or `failed`.
    state: RerunState,
    /// Up to when its states are made.
    made_until: Option<Zoned>,
    /// When it ended.
    finished_at: Option<Zoned>,
    /// How many runs were corrected.
    runs_changed: i64,
}

/// Runs an instrument's rule, as it is now, again over readings of a window. The states it makes are
/// a new version; what was decided stays to be read as version 0. Runs that are otherwise now are
/// corrected, with both values; no outcome of a booking changes.
#[utoipa::path(post, path = "/api/v1/instruments/{key}/state-rule/rerun", tag = "settings",
    request_body = RerunRequest,
    params(("key" = String, Path, description = "Asset code")),
    responses((status = 201, body = RerunView), (status = 409, description = "wrong-state: another one is not ended yet")))]
pub(super) async fn ask(
    State(state): State<HttpState>,
    who: SignedIn,
    found: Found,
    Body(asked): Body<RerunRequest>,
) -> Result<Created<Json<RerunView>>, Problem> {
    let instrument = found.instrument();
    who.caller
        .demand(&found.directory, Right::ManageInstruments, instrument.lab)?;
    check_prose("reason", &asked.reason, REASON_CHARACTERS_MAX)?;
    if asked.reason.trim().is_empty() {
        return Err(Problem::field("reason", "must not be empty"));
    }
    let window = past_window(&state, Some(asked.from), Some(asked.to), WINDOW_US_MAX)?;
    let ask = AskRerun {
        instrument: found.id,
        window,
        rule: instrument.state_rule.clone(),
        by: who.member,
        reason: asked.reason,
    };
    let rerun = match state.desk().ask(ask).await? {
        RerunOutcome::Asked(rerun) => rerun,
        RerunOutcome::Busy => {
            return Err(Problem::wrong_state(Said::fixed(
                "该仪器的另一次重算尚未结束",
                "Another re-run of this instrument is not ended yet",
            )));
        }
        RerunOutcome::NotFound => return Err(Problem::not_found()),
    };
    let place = format!("/api/v1/instruments/{}/state-rule/rerun", instrument.key);
    Ok(Created(place, Json(view(instrument, &rerun, &[]))))
}

/// Lists an instrument's re-runs, the newest first, to those who manage or audit it.
#[utoipa::path(get, path = "/api/v1/instruments/{key}/state-rule/rerun", tag = "settings",
    params(("key" = String, Path, description = "Asset code")),
    responses((status = 200, body = Whole<RerunView>)))]
pub(super) async fn list(
    State(state): State<HttpState>,
    who: SignedIn,
    found: Found,
) -> Result<Json<Whole<RerunView>>, Problem> {
    let instrument = found.instrument();
    if !who.caller.sees_inside(&found.directory, instrument) {
        return Err(Problem::new(ProblemType::NotAllowed));
    }
    let versions = state.history().state_versions(found.id).await;
    let versions = versions.map_err(|error| failed("key", error))?;
    let ledger = state.desk().ledger();
    let own = ledger
        .reruns
        .iter()
        .filter(|rerun| rerun.instrument == found.id);
    let mut items: Vec<RerunView> = own
        .map(|rerun| view(instrument, rerun, &versions))
        .collect();
    items.reverse();
    Ok(Json(Whole { items }))
}

fn view(instrument: &Instrument, rerun: &Rerun, versions: &[StateVersion]) -> RerunView {
    let zone = instrument.zone;
    let version = versions.iter().find(|version| version.id == rerun.id);
    RerunView {
        version: rerun.id,
        from: Zoned(rerun.window.start(), zone),
        to: Zoned(rerun.window.end(), zone),
        rule: StateRuleView::of(&rerun.rule),
        by: rerun.by.get(),
        reason: rerun.reason.clone(),
        asked_at: Zoned(rerun.asked_at, zone),
        state: rerun.state,
        made_until: version.map(|version| Zoned(version.done, zone)),
        finished_at: rerun.finished_at.map(|at| Zoned(at, zone)),
        runs_changed: rerun.runs_changed,
    }
}
