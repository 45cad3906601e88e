//! Questions asked of those who book: set at nodes and instruments, asked together.

use axum::extract::State;
use axum::http::HeaderMap;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::answer::{Versioned, demanded_version};
use super::body::Body;
use super::caller::SignedIn;
use super::path::{Found, FoundNode};
use super::problem::{Problem, ProblemType};
use super::state::HttpState;
use crate::booking::answers::Fault;
use crate::booking::ledger::Ledger;
use crate::booking::record::Question;
use crate::booking::{
    QuestionsOutcome, SetQuestions, check_questions, questions_for, questions_of,
};
use crate::registry::{Directory, NodeKind, Right, Scope};
use crate::words;

/// The questions to set, in place of all that are set there.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct QuestionsRequest {
    /// The questions, in order; at most 50.
    questions: Vec<Question>,
    /// Ignored, so that what was read can be sent back; `If-Match` demands a version.
    #[expect(dead_code, reason = "accepted and ignored")]
    version: Option<i64>,
    /// Ignored too.
    #[expect(dead_code, reason = "accepted and ignored")]
    all: Option<Vec<Question>>,
}

/// The questions set at one place.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Questions)]
pub struct QuestionsView {
    /// Counts edits; also the `ETag`. 0: none were ever set.
    version: i64,
    /// Those set here.
    questions: Vec<Question>,
    /// Those asked together, from the region down to here.
    all: Vec<Question>,
}

/// Returns the questions of an instrument.
#[utoipa::path(get, path = "/api/v1/instruments/{key}/questions", tag = "settings",
    params(("key" = String, Path, description = "Asset code")),
    responses((status = 200, body = QuestionsView)))]
pub(super) async fn of_instrument(
    State(state): State<HttpState>,
    found: Found,
) -> Versioned<QuestionsView> {
    let ledger = state.desk().ledger();
    let all = questions_for(&found.directory, &ledger, found.instrument());
    view(&ledger, Scope::Instrument(found.id), all)
}

/// Returns the questions of a node.
#[utoipa::path(get, path = "/api/v1/nodes/{id}/questions", tag = "settings",
    params(("id" = i64, Path, description = "The node")),
    responses((status = 200, body = QuestionsView)))]
pub(super) async fn of_node(
    State(state): State<HttpState>,
    found: FoundNode,
) -> Versioned<QuestionsView> {
    node_view(&found.directory, &state.desk().ledger(), found.id)
}

/// Sets the questions of an instrument that the caller manages.
#[utoipa::path(put, path = "/api/v1/instruments/{key}/questions", tag = "settings", request_body = QuestionsRequest,
    params(("key" = String, Path, description = "Asset code"),
        ("If-Match" = Option<String>, Header, description = "Only if they have this version")),
    responses((status = 200, body = QuestionsView), (status = 409, description = "stale-version")))]
pub(super) async fn set_of_instrument(
    State(state): State<HttpState>,
    who: SignedIn,
    found: Found,
    headers: HeaderMap,
    Body(asked): Body<QuestionsRequest>,
) -> Result<Versioned<QuestionsView>, Problem> {
    let right = Right::ManageInstruments;
    let lab = found.instrument().lab;
    who.caller.demand(&found.directory, right, lab)?;
    let scope = Scope::Instrument(found.id);
    write(&state, scope, asked.questions, &headers).await?;
    let ledger = state.desk().ledger();
    let all = questions_for(&found.directory, &ledger, found.instrument());
    Ok(view(&ledger, scope, all))
}

/// Sets the questions of a node that the caller manages.
#[utoipa::path(put, path = "/api/v1/nodes/{id}/questions", tag = "settings", request_body = QuestionsRequest,
    params(("id" = i64, Path, description = "The node"),
        ("If-Match" = Option<String>, Header, description = "Only if they have this version")),
    responses((status = 200, body = QuestionsView), (status = 409, description = "stale-version")))]
pub(super) async fn set_of_node(
    State(state): State<HttpState>,
    who: SignedIn,
    found: FoundNode,
    headers: HeaderMap,
    Body(asked): Body<QuestionsRequest>,
) -> Result<Versioned<QuestionsView>, Problem> {
    let right = match found.node().kind {
        NodeKind::Lab => Right::ManageInstruments,
        NodeKind::Region | NodeKind::Centre | NodeKind::Institution => Right::ManageNode,
    };
    who.caller.demand(&found.directory, right, found.id)?;
    write(&state, Scope::Node(found.id), asked.questions, &headers).await?;
    Ok(node_view(
        &found.directory,
        &state.desk().ledger(),
        found.id,
    ))
}

async fn write(
    state: &HttpState,
    scope: Scope,
    questions: Vec<Question>,
    headers: &HeaderMap,
) -> Result<(), Problem> {
    check_questions("questions", &questions).map_err(|faults| faulty(&faults))?;
    let asked = SetQuestions {
        scope,
        questions,
        expected_version: demanded_version(headers)?,
    };
    match state.desk().ask(asked).await? {
        QuestionsOutcome::Set(_) => Ok(()),
        QuestionsOutcome::Stale => Err(Problem::new(ProblemType::StaleVersion)),
        QuestionsOutcome::NotFound => Err(Problem::not_found()),
    }
}

/// Returns `malformed-request` with everything that is wrong with questions or answers.
#[must_use]
pub fn faulty(faults: &[Fault]) -> Problem {
    let problem = Problem::new(ProblemType::MalformedRequest);
    faults.iter().fold(problem, |problem, fault| {
        problem.and_field(&fault.field, words::wrong_answer(&fault.wrong))
    })
}

fn node_view(
    directory: &Directory,
    ledger: &Ledger,
    id: scheduler::id::NodeId,
) -> Versioned<QuestionsView> {
    let scopes = directory.scopes_to(id);
    view(ledger, Scope::Node(id), questions_of(ledger, &scopes))
}

fn view(ledger: &Ledger, scope: Scope, all: Vec<Question>) -> Versioned<QuestionsView> {
    let set = ledger.questions_at(scope);
    let version = set.map_or(0, |set| set.version);
    let questions = set.map_or_else(Vec::new, |set| set.questions.clone());
    Versioned {
        version,
        body: QuestionsView {
            version,
            questions,
            all,
        },
    }
}
