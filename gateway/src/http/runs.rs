//! Runs: who used what, when, on what evidence.

use axum::extract::State;
use scheduler::id::{MemberId, NodeId, RunId};
use scheduler::slot::Slot;
use scheduler::time::Micros;
use serde::Deserialize;
use std::sync::Arc;
use utoipa::IntoParams;

use super::answer::{Json, Versioned};
use super::body::Query;
use super::caller::{Caller, SignedIn};
use super::page::Limit;
use super::path::{Found, Number, visible};
use super::problem::{Problem, ProblemType};
use super::state::HttpState;
use super::time::{When, slot};
use super::view::{CorrectionView, List, RunDetail, RunView};
use crate::booking::record::{Corrected, Run, RunState};
use crate::registry::{Directory, Right};
use crate::store::{RunFilter, StoreError};
use crate::words::Said;

/// Which runs of an instrument.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct InWindow {
    /// Only those that end after this.
    #[param(value_type = Option<String>, format = DateTime)]
    from: Option<When>,
    /// Only those that begin before this.
    #[param(value_type = Option<String>, format = DateTime)]
    to: Option<When>,
    /// Items on a page, 1 to 500.
    #[serde(default)]
    #[param(value_type = Option<usize>, minimum = 1, maximum = 500, default = 50)]
    limit: Limit,
    /// Where the page begins.
    cursor: Option<i64>,
}

/// Which runs.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct Filter {
    /// A lab's id: all its runs, for those who see its inside. Left out: the caller's own.
    lab: Option<i64>,
    /// An instrument's key.
    instrument: Option<String>,
    /// `open`, `counted`, `unsettled`, `settled` or `rejected`.
    state: Option<String>,
    /// Only those that end after this.
    #[param(value_type = Option<String>, format = DateTime)]
    from: Option<When>,
    /// Only those that begin before this.
    #[param(value_type = Option<String>, format = DateTime)]
    to: Option<When>,
    /// Items on a page, 1 to 500.
    #[serde(default)]
    #[param(value_type = Option<usize>, minimum = 1, maximum = 500, default = 50)]
    limit: Limit,
    /// Where the page begins.
    cursor: Option<i64>,
}

/// Lists an instrument's runs, the newest first: all for those who see its inside, for others their
/// own.
#[utoipa::path(get, path = "/api/v1/instruments/{key}/runs", tag = "telemetry",
    params(("key" = String, Path, description = "Asset code"), InWindow),
    responses((status = 200, body = List<RunView>)))]
pub(super) async fn of_instrument(
    State(state): State<HttpState>,
    who: SignedIn,
    found: Found,
    Query(asked): Query<InWindow>,
) -> Result<Json<List<RunView>>, Problem> {
    let sees_all = who.caller.sees_inside(&found.directory, found.instrument());
    let filter = RunFilter {
        instrument: Some(found.id),
        member: (!sees_all).then_some(who.member),
        within: window(asked.from, asked.to)?,
        below: asked.cursor.map(RunId::new),
        ..RunFilter::default()
    };
    page(&state, &found.directory, who.caller, &filter, asked.limit).await
}

/// Lists runs, the newest first: of a lab whose inside the caller sees, or the caller's own.
#[utoipa::path(get, path = "/api/v1/runs", tag = "telemetry", params(Filter),
    responses((status = 200, body = List<RunView>)))]
pub(super) async fn list(
    State(state): State<HttpState>,
    who: SignedIn,
    Query(asked): Query<Filter>,
) -> Result<Json<List<RunView>>, Problem> {
    let directory = state.directory().load_full();
    let lab = asked.lab.map(NodeId::new);
    if lab.is_some_and(|lab| !sees_lab(&directory, who.caller, lab)) {
        return Err(Problem::new(ProblemType::NotAllowed));
    }
    let instrument = asked.instrument.as_deref();
    let instrument = instrument.map(|key| visible(&directory, key, &who.caller));
    let run_state = asked.state.as_deref().map(|text| {
        RunState::parse(text).ok_or_else(|| Problem::field("state", "no state of a run"))
    });
    let filter = RunFilter {
        instrument: instrument.transpose()?,
        lab,
        member: lab.is_none().then_some(who.member),
        state: run_state.transpose()?,
        within: window(asked.from, asked.to)?,
        below: asked.cursor.map(RunId::new),
    };
    page(&state, &directory, who.caller, &filter, asked.limit).await
}

/// Returns a run with everything that was corrected of it.
#[utoipa::path(get, path = "/api/v1/runs/{id}", tag = "telemetry",
    params(("id" = i64, Path, description = "Identity")),
    responses((status = 200, body = RunDetail, headers(("ETag" = String, description = "Version")))))]
pub(super) async fn read(
    State(state): State<HttpState>,
    who: SignedIn,
    number: Number,
) -> Result<Versioned<RunDetail>, Problem> {
    let directory = state.directory().load_full();
    let run = seen(&state, &directory, who.caller, number).await?;
    detail(&state, &directory, who.caller, &run).await
}

/// Returns a run's view with its corrections and version.
pub(super) async fn detail(
    state: &HttpState,
    directory: &Directory,
    caller: Caller,
    run: &Run,
) -> Result<Versioned<RunDetail>, Problem> {
    let language = caller.language;
    let view = RunView::of(directory, run, language).ok_or_else(Problem::not_found)?;
    let instrument = directory.instruments.get(&run.instrument);
    let zone = instrument.ok_or_else(Problem::not_found)?.zone;
    let corrections = state.desk().corrections(Corrected::Run, run.id.get()).await;
    let corrections = corrections.map_err(unread)?;
    let corrections = corrections.iter();
    Ok(Versioned {
        version: run.version,
        body: RunDetail {
            run: view,
            corrections: corrections
                .map(|one| CorrectionView::of(directory, one, zone, language))
                .collect(),
        },
    })
}

/// Returns a run that the caller may see: of its lab, or the caller's own; for everybody else there
/// is none.
pub(super) async fn seen(
    state: &HttpState,
    directory: &Directory,
    caller: Caller,
    number: Number,
) -> Result<Arc<Run>, Problem> {
    let run = state.desk().run(RunId::new(number.0)).await;
    let run = run.map_err(unread)?;
    run.filter(|run| {
        let is_own = run.member.is_some() && caller.member() == run.member;
        is_own || sees_lab(directory, caller, run.lab)
    })
    .ok_or_else(Problem::not_found)
}

fn sees_lab(directory: &Directory, caller: Caller, lab: NodeId) -> bool {
    caller.may(directory, Right::ManageInstruments, lab)
        || caller.may(directory, Right::Account, lab)
}

async fn page(
    state: &HttpState,
    directory: &Directory,
    caller: Caller,
    filter: &RunFilter,
    limit: Limit,
) -> Result<Json<List<RunView>>, Problem> {
    let count = u32::try_from(limit.0).unwrap_or(u32::MAX).saturating_add(1);
    let (mut runs, total) = state.desk().runs(filter, count).await.map_err(unread)?;
    let has_more = runs.len() > limit.0;
    runs.truncate(limit.0);
    let last = runs.last().filter(|_| has_more);
    Ok(Json(List {
        next_cursor: last.map(|run| run.id.to_string()),
        items: runs
            .iter()
            .filter_map(|run| RunView::of(directory, run, caller.language))
            .collect(),
        total: usize::try_from(total).unwrap_or(0),
    }))
}

fn window(from: Option<When>, to: Option<When>) -> Result<Option<Slot>, Problem> {
    if from.is_none() && to.is_none() {
        return Ok(None);
    }
    let from = from.unwrap_or(When(Micros::new(i64::MIN)));
    let to = to.unwrap_or(When(Micros::new(i64::MAX)));
    slot(from, to, "to").map(Some)
}

/// What the database cannot tell now is `not-ready`.
pub(super) fn unread(error: StoreError) -> Problem {
    let reason = Said::fixed("数据暂时无法读取", "this cannot be read now");
    Problem::not_ready(reason, 5).caused_by(error)
}

/// Returns a member's identity from a request, if there is such a member.
pub(super) fn member_of(directory: &Directory, id: i64) -> Result<MemberId, Problem> {
    let id = MemberId::new(id);
    let known = directory.members.contains_key(&id);
    known
        .then_some(id)
        .ok_or_else(|| Problem::field("member", "no such member"))
}
