//! Qualifications: granted and taken back by labs, shown to their owners.

use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use scheduler::id::{MemberId, NodeId};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::answer::{Created, Json};
use super::body::{Body, Query};
use super::caller::SignedIn;
use super::page::{Limit, newest_first};
use super::path::Number;
use super::problem::{Problem, ProblemType};
use super::state::HttpState;
use super::texts::check_line;
use super::time::{When, Zoned};
use super::view::{List, PersonView};
use crate::booking::record::Qualification;
use crate::booking::{Grant, GrantOutcome, Revoke};
use crate::registry::{Directory, NodeKind, Right, Role};
use crate::words::Said;

const ZONE: chrono_tz::Tz = chrono_tz::Tz::Asia__Shanghai;

/// Most characters of a name.
const NAME_CHARACTERS_MAX: usize = 64;

/// A qualification to grant.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct QualificationRequest {
    /// Whose: a member's id.
    member: i64,
    /// Which, as rules name it; 1 to 64 characters.
    name: String,
    /// The lab's id; may be left out by the manager of a single lab.
    lab: Option<i64>,
    /// From then on it no longer counts; left out: never.
    #[schema(value_type = Option<String>, format = DateTime)]
    expires_at: Option<When>,
}

/// A qualification.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Qualification)]
pub struct QualificationView {
    /// Identity.
    id: i64,
    /// Whose.
    member: PersonView,
    /// Which.
    name: String,
    /// The lab that granted it.
    lab: i64,
    /// Its name, in the reader's language.
    lab_name: String,
    /// Who granted it.
    granted_by: PersonView,
    /// When.
    granted_at: Zoned,
    /// From then on it no longer counts.
    expires_at: Option<Zoned>,
    /// Whether it no longer counts.
    expired: bool,
    /// The last time it was used.
    last_use_at: Option<Zoned>,
}

/// Which qualifications to list.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct Filter {
    /// Only the caller's own.
    #[serde(default)]
    mine: bool,
    /// Only this member's.
    member: Option<i64>,
    /// Only those that this lab granted.
    lab: Option<i64>,
    /// Items on a page, 1 to 500.
    #[serde(default)]
    #[param(value_type = Option<usize>, minimum = 1, maximum = 500, default = 50)]
    limit: Limit,
    /// Where the page begins.
    cursor: Option<i64>,
}

/// Lists qualifications, the newest first: the caller's own, and those that labs granted which the
/// caller manages or audits.
#[utoipa::path(get, path = "/api/v1/qualifications", tag = "projects", params(Filter),
    responses((status = 200, body = List<QualificationView>)))]
pub(super) async fn list(
    State(state): State<HttpState>,
    who: SignedIn,
    Query(filter): Query<Filter>,
) -> Json<List<QualificationView>> {
    let directory = state.directory().load_full();
    let ledger = state.desk().ledger();
    let is_wanted = |held: &&Arc<Qualification>| {
        let is_own = held.member == who.member;
        (is_own || !filter.mine)
            && filter.member.is_none_or(|id| id == held.member.get())
            && filter.lab.is_none_or(|id| id == held.lab.get())
            && (is_own
                || who
                    .caller
                    .may(&directory, Right::ManageInstruments, held.lab)
                || who.caller.may(&directory, Right::Account, held.lab))
    };
    let held = ledger.qualifications.iter().filter(is_wanted);
    let held = held.map(|held| (held.id, held));
    let page = (filter.limit, filter.cursor);
    Json(newest_first(held.collect(), page, |held| {
        QualificationView::of(&state, &directory, who, held)
    }))
}

/// Grants a qualification in the name of a lab that the caller manages, or renews it.
#[utoipa::path(post, path = "/api/v1/qualifications", tag = "projects", request_body = QualificationRequest,
    responses((status = 201, body = QualificationView)))]
pub(super) async fn grant(
    State(state): State<HttpState>,
    who: SignedIn,
    Body(asked): Body<QualificationRequest>,
) -> Result<Created<Json<QualificationView>>, Problem> {
    let directory = state.directory().load_full();
    let lab = lab_of(&directory, who, asked.lab)?;
    who.caller
        .demand(&directory, Right::ManageInstruments, lab)?;
    if asked.name.trim().is_empty() {
        return Err(Problem::field("name", "must not be empty"));
    }
    check_line("name", &asked.name, NAME_CHARACTERS_MAX)?;
    let expires_at = asked.expires_at.map(|at| at.0);
    if expires_at.is_some_and(|at| at <= state.clock().now()) {
        let said = Said::fixed("必须在将来", "must lie in the future");
        return Err(Problem::new(ProblemType::MalformedRequest).and_field("expires_at", said));
    }
    let grant = Grant {
        member: MemberId::new(asked.member),
        name: asked.name.trim().to_owned(),
        lab,
        by: who.member,
        expires_at,
    };
    match state.desk().ask(grant).await? {
        GrantOutcome::Granted(granted) => {
            let place = format!("/api/v1/qualifications/{}", granted.id);
            let view = QualificationView::of(&state, &directory, who, &granted);
            Ok(Created(place, Json(view)))
        }
        GrantOutcome::TooMany => Err(Problem::wrong_state(Said::fixed(
            "该成员的资格已达 200 项上限",
            "The member has 200 qualifications already",
        ))),
        GrantOutcome::NotFound => {
            let said = Said::fixed("没有这个成员", "no such member");
            Err(Problem::new(ProblemType::MalformedRequest).and_field("member", said))
        }
    }
}

/// Takes a qualification back that was granted by a lab which the caller manages.
#[utoipa::path(delete, path = "/api/v1/qualifications/{id}", tag = "projects",
    params(("id" = i64, Path, description = "Identity")),
    responses((status = 204, description = "Taken back")))]
pub(super) async fn revoke(
    State(state): State<HttpState>,
    who: SignedIn,
    number: Number,
) -> Result<StatusCode, Problem> {
    let directory = state.directory().load_full();
    let ledger = state.desk().ledger();
    let manages = |lab| who.caller.demand(&directory, Right::ManageInstruments, lab);
    let held = ledger.qualifications.get(number.0);
    let held = held.ok_or_else(Problem::not_found)?;
    let sees = held.member == who.member || who.caller.may(&directory, Right::Account, held.lab);
    // Whose qualification it is, and that there is one, is nobody else's business.
    manages(held.lab).map_err(|problem| if sees { problem } else { Problem::not_found() })?;
    let qualification = held.id;
    if state.desk().ask(Revoke { qualification }).await? {
        Ok(StatusCode::NO_CONTENT)
    } else {
        Err(Problem::not_found())
    }
}

/// Returns the lab asked for or, where none is named, the only one that the caller manages.
fn lab_of(directory: &Directory, who: SignedIn, asked: Option<i64>) -> Result<NodeId, Problem> {
    let is_lab = |id: &NodeId| {
        let node = directory.nodes.get(id);
        node.is_some_and(|node| node.kind == NodeKind::Lab)
    };
    if let Some(id) = asked.map(NodeId::new) {
        return Some(id)
            .filter(is_lab)
            .ok_or_else(|| Problem::field("lab", "no such lab"));
    }
    let member = directory.members.get(&who.member);
    let roles = member.map(|member| member.roles.as_slice());
    let managed = roles.unwrap_or_default().iter();
    let mut managed = managed
        .filter(|held| held.role == Role::Manager && is_lab(&held.node))
        .map(|held| held.node);
    match (managed.next(), managed.next()) {
        (Some(lab), None) => Ok(lab),
        _ if directory.may_somewhere(who.member, Right::ManageInstruments) => {
            let said = Said::fixed("请指明实验室", "name the lab");
            Err(Problem::new(ProblemType::MalformedRequest).and_field("lab", said))
        }
        _ => Err(Problem::new(ProblemType::NotAllowed)),
    }
}

impl QualificationView {
    fn of(state: &HttpState, directory: &Directory, who: SignedIn, held: &Qualification) -> Self {
        let language = who.caller.language;
        let person = |id| PersonView::of(directory, id, language);
        let lab = directory.nodes.get(&held.lab);
        let now = state.clock().now();
        Self {
            id: held.id,
            member: person(held.member),
            name: held.name.clone(),
            lab: held.lab.get(),
            lab_name: lab.map_or("", |node| language.of(&node.names)).to_owned(),
            granted_by: person(held.granted_by),
            granted_at: Zoned(held.granted_at, ZONE),
            expires_at: held.expires_at.map(|at| Zoned(at, ZONE)),
            expired: held.expires_at.is_some_and(|at| at <= now),
            last_use_at: held.last_use_at.map(|at| Zoned(at, ZONE)),
        }
    }
}
