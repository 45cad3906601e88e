//! Problems that people report: told with a photo, answered with an outage, closed with a cause.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderValue, header};
use axum::response::Response;
use scheduler::id::ProblemId;
use scheduler::time::{Micros, SECOND_US, Span};
use serde::Deserialize;
use utoipa::{IntoParams, ToSchema};
use wire::InstrumentKey;

use super::answer::{Created, Json, Versioned, demanded_version, typed};
use super::body::{Body, Query, read_json};
use super::caller::SignedIn;
use super::page::{Limit, newest_first};
use super::path::{Number, visible};
use super::photo;
use super::problem::{Problem, ProblemType};
use super::state::HttpState;
use super::texts::check_prose;
use super::time::When;
use super::view::{List, ReportView};
use crate::booking::record::{self, Cause};
use crate::booking::{CloseProblem, ProblemOutcome, Report, ReportOutcome, StopForProblem};
use crate::registry::{Directory, Right};
use crate::words::Said;

/// Bytes of a report: a photo in base64, and the words.
const REPORT_BYTES_MAX: usize = 8 * 1024 * 1024;

/// Most characters of a report and of a remedy.
const TEXT_CHARACTERS_MAX: usize = 2_000;

/// The longest that a problem may take an instrument out of use at once.
const STOP_MAX: Span = Span::days(366);

/// A problem to report.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ReportRequest {
    /// The instrument's key.
    #[schema(value_type = String)]
    instrument: InstrumentKey,
    /// What is wrong; 1 to 2000 characters.
    text: String,
    /// A JPEG, PNG or WebP picture of at most 5 MiB, in base64; a `data:` address passes too.
    photo: Option<String>,
}

/// What to do about a problem: one of the two.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ReportEdit {
    /// Closes it; an outage that it led to ends.
    close: Option<Closing>,
    /// Takes the instrument out of use.
    stop: Option<Stopping>,
}

/// How a problem ended.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Closing {
    /// What it was.
    cause: Cause,
    /// What was done; at most 2000 characters.
    #[serde(default)]
    remedy: String,
}

/// How long an instrument is out of use.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Stopping {
    /// Until when; a week when left out.
    until: Option<When>,
}

/// Reports a problem with an instrument that the caller sees; its lab is told.
#[utoipa::path(post, path = "/api/v1/problems", tag = "problems", request_body = ReportRequest,
    responses((status = 201, body = ReportView), (status = 409, description = "wrong-state: 20 are open already"),
        (status = 413, description = "too-large"), (status = 429, description = "too-many-requests: 5 an hour")))]
pub(super) async fn report(
    State(state): State<HttpState>,
    who: SignedIn,
    request: Request,
) -> Result<Created<Versioned<ReportView>>, Problem> {
    let _place = state.photo_place().await;
    let asked: ReportRequest = read_json(request, REPORT_BYTES_MAX).await?;
    if asked.text.trim().is_empty() {
        return Err(Problem::field("text", "must not be empty"));
    }
    check_prose("text", &asked.text, TEXT_CHARACTERS_MAX)?;
    let directory = state.directory().load_full();
    let instrument = visible(&directory, asked.instrument.as_str(), &who.caller)?;
    let photo = asked.photo.as_deref();
    let photo = photo.map(|text| photo::read("photo", text)).transpose()?;
    let report = Report {
        instrument,
        reporter: who.member,
        text: asked.text,
        photo: photo.map(Arc::new),
    };
    match state.desk().ask(report).await? {
        ReportOutcome::Reported(problem) => {
            let place = format!("/api/v1/problems/{}", problem.id);
            Ok(Created(place, view(&directory, who, &problem)?))
        }
        ReportOutcome::ManyOpen => Err(Problem::wrong_state(Said::fixed(
            "该仪器已有 20 个未处理的问题",
            "This instrument has 20 open problems already",
        ))),
        ReportOutcome::TooOften(at) => {
            let wait = (at - state.clock().now()).max(0) / SECOND_US;
            let wait_s = u64::try_from(wait + 1).unwrap_or(1);
            let detail = Said::fixed(
                "每人每小时最多报告 5 个问题",
                "A member may report 5 problems an hour",
            );
            Err(Problem::too_many(wait_s).detail(detail))
        }
        ReportOutcome::NotFound => Err(Problem::not_found()),
    }
}

/// Which problems to list.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct Filter {
    /// An instrument's key.
    instrument: Option<String>,
    /// Only those that are open, or closed.
    open: Option<bool>,
    /// Items on a page, 1 to 500.
    #[serde(default)]
    #[param(value_type = Option<usize>, minimum = 1, maximum = 500, default = 50)]
    limit: Limit,
    /// Where the page begins.
    cursor: Option<i64>,
}

/// Lists problems of instruments that the caller sees, the newest first.
#[utoipa::path(get, path = "/api/v1/problems", tag = "problems", params(Filter),
    responses((status = 200, body = List<ReportView>)))]
pub(super) async fn list(
    State(state): State<HttpState>,
    who: SignedIn,
    Query(filter): Query<Filter>,
) -> Result<Json<List<ReportView>>, Problem> {
    let directory = state.directory().load_full();
    let only = filter.instrument.as_deref();
    let only = only
        .map(|key| visible(&directory, key, &who.caller))
        .transpose()?;
    let ledger = state.desk().ledger();
    let is_wanted = |held: &&Arc<record::Problem>| {
        only.is_none_or(|id| id == held.instrument)
            && filter
                .open
                .is_none_or(|open| open == held.closed_at.is_none())
    };
    let problems = ledger.problems.iter().filter(is_wanted);
    let seen = problems.filter_map(|held| {
        let instrument = directory.instruments.get(&held.instrument)?;
        let sees = who.caller.sees(&directory, instrument);
        sees.then_some((held.id.get(), (instrument, held)))
    });
    let page = (filter.limit, filter.cursor);
    let list = newest_first(seen.collect(), page, |(instrument, held)| {
        ReportView::of(&directory, who, instrument, held)
    });
    Ok(Json(list))
}

/// Returns a problem of an instrument that the caller sees.
#[utoipa::path(get, path = "/api/v1/problems/{id}", tag = "problems",
    params(("id" = i64, Path, description = "Identity")),
    responses((status = 200, body = ReportView, headers(("ETag" = String, description = "Version")))))]
pub(super) async fn read(
    State(state): State<HttpState>,
    who: SignedIn,
    number: Number,
) -> Result<Versioned<ReportView>, Problem> {
    let directory = state.directory().load_full();
    let held = seen(&state, &directory, who, number)?;
    view(&directory, who, &held)
}

/// Returns a problem's photo.
#[utoipa::path(get, path = "/api/v1/problems/{id}/photo", tag = "problems",
    params(("id" = i64, Path, description = "Identity")),
    responses((status = 200, description = "The picture", content_type = "image/*")))]
pub(super) async fn photo(
    State(state): State<HttpState>,
    who: SignedIn,
    number: Number,
) -> Result<Response, Problem> {
    let directory = state.directory().load_full();
    let held = seen(&state, &directory, who, number)?;
    let id = held.photo.ok_or_else(Problem::not_found)?;
    let _place = state.photo_place().await;
    let kept = state
        .desk()
        .attachment(id)
        .await
        .map_err(Problem::internal)?;
    let kept = kept.ok_or_else(Problem::not_found)?;
    let media_type = HeaderValue::from_str(&kept.media_type).map_err(Problem::internal)?;
    let extension = photo::extension(&kept.media_type);
    let mut response = typed(media_type, kept.bytes.into());
    let headers = response.headers_mut();
    let name = format!("inline; filename=\"problem-{}.{extension}\"", held.id);
    let name = HeaderValue::from_str(&name).map_err(Problem::internal)?;
    headers.insert(header::CONTENT_DISPOSITION, name);
    let nosniff = HeaderValue::from_static("nosniff");
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, nosniff);
    // Whatever the bytes say, a browser runs nothing of them.
    let policy = HeaderValue::from_static("default-src 'none'; sandbox");
    headers.insert(header::CONTENT_SECURITY_POLICY, policy);
    let cached = HeaderValue::from_static("private, max-age=3600");
    headers.insert(header::CACHE_CONTROL, cached);
    Ok(response)
}

/// Closes a problem or takes its instrument out of use.
#[utoipa::path(patch, path = "/api/v1/problems/{id}", tag = "problems", request_body = ReportEdit,
    params(("id" = i64, Path, description = "Identity"),
        ("If-Match" = Option<String>, Header, description = "Only if it has this version")),
    responses((status = 200, body = ReportView), (status = 409, description = "stale-version or wrong-state")))]
pub(super) async fn edit(
    State(state): State<HttpState>,
    who: SignedIn,
    number: Number,
    headers: HeaderMap,
    Body(asked): Body<ReportEdit>,
) -> Result<Versioned<ReportView>, Problem> {
    let directory = state.directory().load_full();
    let held = seen(&state, &directory, who, number)?;
    let instrument = directory.instruments.get(&held.instrument);
    let lab = instrument.ok_or_else(Problem::not_found)?.lab;
    let right = Right::ManageInstruments;
    who.caller.demand(&directory, right, lab)?;
    let expected_version = demanded_version(&headers)?;
    let outcome = match (asked.close, asked.stop) {
        (Some(close), None) => {
            check_prose("close.remedy", &close.remedy, TEXT_CHARACTERS_MAX)?;
            let close = CloseProblem {
                problem: held.id,
                expected_version,
                by: who.member,
                cause: close.cause,
                remedy: close.remedy,
            };
            state.desk().ask(close).await?
        }
        (None, Some(stop)) => {
            let until = stop.until.map(|until| until.0);
            check_until(until, state.clock().now())?;
            let stop = StopForProblem {
                problem: held.id,
                expected_version,
                by: who.member,
                until,
            };
            state.desk().ask(stop).await?
        }
        (None, None) | (Some(_), Some(_)) => {
            let said = Said::fixed("应为 close 或 stop 之一", "expected `close` or `stop`");
            return Err(Problem::new(ProblemType::MalformedRequest).and_field("close", said));
        }
    };
    let problem = done(outcome)?;
    view(&directory, who, &problem)
}

fn check_until(until: Option<Micros>, now: Micros) -> Result<(), Problem> {
    let is_within = |until: Micros| now < until && until <= now.saturating_add(STOP_MAX);
    if until.is_none_or(is_within) {
        return Ok(());
    }
    let said = Said::fixed("应在今后一年之内", "expected a time within a year from now");
    Err(Problem::new(ProblemType::MalformedRequest).and_field("stop.until", said))
}

fn done(outcome: ProblemOutcome) -> Result<Arc<record::Problem>, Problem> {
    let said = match outcome {
        ProblemOutcome::Done(problem) => return Ok(problem),
        ProblemOutcome::Stale => return Err(Problem::new(ProblemType::StaleVersion)),
        ProblemOutcome::NotFound => return Err(Problem::not_found()),
        ProblemOutcome::Closed => Said::fixed("该问题已处理完毕", "The problem is closed"),
        ProblemOutcome::Stopped => Said::fixed(
            "仪器已因此问题停机",
            "The instrument is out of use for it already",
        ),
        ProblemOutcome::Over => Said::fixed("停机时间已过", "The outage would be over"),
    };
    Err(Problem::wrong_state(said))
}

/// Returns a problem of an instrument that the caller sees; there is no other.
fn seen(
    state: &HttpState,
    directory: &Directory,
    who: SignedIn,
    number: Number,
) -> Result<Arc<record::Problem>, Problem> {
    let id = ProblemId::new(number.0);
    let ledger = state.desk().ledger();
    let held = ledger.problems.get(id.get()).cloned();
    held.filter(|held| {
        let instrument = directory.instruments.get(&held.instrument);
        instrument.is_some_and(|instrument| who.caller.sees(directory, instrument))
    })
    .ok_or_else(Problem::not_found)
}

fn view(
    directory: &Directory,
    who: SignedIn,
    held: &record::Problem,
) -> Result<Versioned<ReportView>, Problem> {
    let instrument = directory.instruments.get(&held.instrument);
    let instrument = instrument.ok_or_else(Problem::not_found)?;
    Ok(Versioned {
        version: held.version,
        body: ReportView::of(directory, who, instrument, held),
    })
}
