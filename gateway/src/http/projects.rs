//! Projects: what work is for, who pays, how many hours there are.

use std::collections::BTreeSet;
use std::sync::Arc;

use axum::extract::State;
use axum::http::HeaderMap;
use scheduler::id::{MemberId, NodeId, ProjectId};
use scheduler::time::{MINUTE_US, Micros, Span};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::answer::{Created, Json, Versioned, demanded_version};
use super::body::{Body, Clearable, Query, set};
use super::caller::{Caller, SignedIn};
use super::page::{Limit, newest_first};
use super::path::Number;
use super::problem::{Problem, ProblemType};
use super::state::HttpState;
use super::texts::check_prose;
use super::time::{Length, When, Zoned};
use super::view::{List, PersonView};
use crate::booking::ledger::Ledger;
use crate::booking::record::Project;
use crate::booking::{ProjectOutcome, SaveProject};
use crate::registry::{Directory, Names, NodeKind, Right};
use crate::words::{Language, Said};

const ZONE: chrono_tz::Tz = chrono_tz::Tz::Asia__Shanghai;

/// Most characters of a code.
const CODE_CHARACTERS_MAX: usize = 64;
/// Most characters of a name and of a payer.
const TEXT_CHARACTERS_MAX: usize = 200;
/// Most characters of where the money comes from.
const FUNDS_CHARACTERS_MAX: usize = 100;
/// Most members that are named.
const MEMBERS_MAX: usize = 500;

/// A project to make.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewProject {
    /// Its code, unique in the region; 1 to 64 characters.
    code: String,
    /// Name, Chinese.
    name: String,
    /// Name, English.
    #[serde(default)]
    name_en: String,
    /// The institution's id.
    institution: i64,
    /// The legal entity that pays; at most 200 characters.
    #[serde(default)]
    payer: String,
    /// Where the money comes from; at most 100 characters.
    #[serde(default)]
    funds: String,
    /// Hours it may use, such as `PT200H`; left out: no limit.
    budget: Option<Length>,
    /// First moment it may be charged.
    #[schema(value_type = Option<String>, format = DateTime)]
    from: Option<When>,
    /// First moment it may no longer be charged.
    #[schema(value_type = Option<String>, format = DateTime)]
    until: Option<When>,
    /// Ids of those who may book for it; empty: everybody of the institution.
    #[serde(default)]
    members: Vec<i64>,
}

/// An edit of a project: what is left out stays.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ProjectEdit {
    /// Its code.
    code: Option<String>,
    /// Name, Chinese.
    name: Option<String>,
    /// Name, English.
    name_en: Option<String>,
    /// The legal entity that pays.
    payer: Option<String>,
    /// Where the money comes from.
    funds: Option<String>,
    /// Hours it may use; null: no limit.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    budget: Clearable<Length>,
    /// First moment it may be charged; null: none.
    #[serde(default)]
    #[schema(value_type = Option<String>, format = DateTime)]
    from: Clearable<When>,
    /// First moment it may no longer be charged; null: none.
    #[serde(default)]
    #[schema(value_type = Option<String>, format = DateTime)]
    until: Clearable<When>,
    /// Ids of those who may book for it.
    members: Option<Vec<i64>>,
    /// Whether it takes no more bookings.
    closed: Option<bool>,
}

/// A project.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Project)]
pub struct ProjectView {
    /// Identity.
    id: i64,
    /// Its code.
    code: String,
    /// Name, Chinese.
    name: String,
    /// Name, English.
    name_en: String,
    /// The institution's id.
    institution: i64,
    /// Its name, in the reader's language.
    institution_name: String,
    /// The legal entity that pays.
    payer: String,
    /// Where the money comes from.
    funds: String,
    /// Hours it may use; null: no limit.
    budget: Option<Length>,
    /// Hours that its bookings take, past and to come.
    used: Length,
    /// First moment it may be charged.
    from: Option<Zoned>,
    /// First moment it may no longer be charged.
    until: Option<Zoned>,
    /// Who may book for it; empty: everybody of the institution.
    members: Vec<PersonView>,
    /// Whether it takes no more bookings.
    closed: bool,
    /// Counts edits; also the `ETag`.
    version: i64,
}

/// Which projects to list.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct Filter {
    /// Only those that the caller may book for.
    #[serde(default)]
    mine: bool,
    /// Only those of this institution.
    institution: Option<i64>,
    /// Items on a page, 1 to 500.
    #[serde(default)]
    #[param(value_type = Option<usize>, minimum = 1, maximum = 500, default = 50)]
    limit: Limit,
    /// Where the page begins.
    cursor: Option<i64>,
}

/// Lists projects, the newest first: those that the caller may book for, and those of institutions
/// that the caller administers or audits.
#[utoipa::path(get, path = "/api/v1/projects", tag = "projects", params(Filter),
    responses((status = 200, body = List<ProjectView>)))]
pub(super) async fn list(
    State(state): State<HttpState>,
    who: SignedIn,
    Query(filter): Query<Filter>,
) -> Json<List<ProjectView>> {
    let directory = state.directory().load_full();
    let ledger = state.desk().ledger();
    let is_wanted = |project: &&Arc<Project>| {
        let is_there = filter
            .institution
            .is_none_or(|id| project.institution.get() == id);
        is_there
            && if filter.mine {
                project.admits(&directory, who.member)
            } else {
                sees(&directory, who.caller, project)
            }
    };
    let projects = ledger.projects.iter().filter(is_wanted);
    let projects = projects.map(|project| (project.id.get(), project));
    let page = (filter.limit, filter.cursor);
    Json(newest_first(projects.collect(), page, |project| {
        ProjectView::of(&directory, &ledger, project, who.caller.language)
    }))
}

/// Makes a project of an institution that the caller administers.
#[utoipa::path(post, path = "/api/v1/projects", tag = "projects", request_body = NewProject,
    responses((status = 201, body = ProjectView), (status = 409, description = "wrong-state: the code is in use")))]
pub(super) async fn create(
    State(state): State<HttpState>,
    who: SignedIn,
    Body(asked): Body<NewProject>,
) -> Result<Created<Versioned<ProjectView>>, Problem> {
    let directory = state.directory().load_full();
    let institution = NodeId::new(asked.institution);
    let node = directory.nodes.get(&institution);
    if node.is_none_or(|node| node.kind != NodeKind::Institution) {
        let said = Said::fixed("没有这个单位", "no such institution");
        return Err(Problem::new(ProblemType::MalformedRequest).and_field("institution", said));
    }
    who.caller
        .demand(&directory, Right::ManageNode, institution)?;
    let project = Project {
        id: ProjectId::new(0),
        code: asked.code,
        names: Names {
            zh: asked.name,
            en: asked.name_en,
        },
        institution,
        payer: asked.payer,
        funds: asked.funds,
        budget_minutes: asked.budget.map(minutes),
        from: asked.from.map(|from| from.0),
        until: asked.until.map(|until| until.0),
        members: named(&asked.members),
        closed: false,
        version: 0,
    };
    let saved = save(&state, project, None).await?;
    let place = format!("/api/v1/projects/{}", saved.id);
    let ledger = state.desk().ledger();
    Ok(Created(place, versioned(&directory, &ledger, &saved, who)))
}

/// Returns a project to those who may book for it, administer or audit its institution.
#[utoipa::path(get, path = "/api/v1/projects/{id}", tag = "projects",
    params(("id" = i64, Path, description = "Identity")),
    responses((status = 200, body = ProjectView, headers(("ETag" = String, description = "Version")))))]
pub(super) async fn read(
    State(state): State<HttpState>,
    who: SignedIn,
    number: Number,
) -> Result<Versioned<ProjectView>, Problem> {
    let directory = state.directory().load_full();
    let ledger = state.desk().ledger();
    let project = seen(&directory, &ledger, who, number)?;
    Ok(versioned(&directory, &ledger, &project, who))
}

/// Edits a project of an institution that the caller administers.
#[utoipa::path(patch, path = "/api/v1/projects/{id}", tag = "projects", request_body = ProjectEdit,
    params(("id" = i64, Path, description = "Identity"),
        ("If-Match" = Option<String>, Header, description = "Only if it has this version")),
    responses((status = 200, body = ProjectView), (status = 409, description = "stale-version, or wrong-state: the code is in use")))]
pub(super) async fn edit(
    State(state): State<HttpState>,
    who: SignedIn,
    number: Number,
    headers: HeaderMap,
    Body(asked): Body<ProjectEdit>,
) -> Result<Versioned<ProjectView>, Problem> {
    let directory = state.directory().load_full();
    let held = seen(&directory, &state.desk().ledger(), who, number)?;
    let right = Right::ManageNode;
    who.caller.demand(&directory, right, held.institution)?;
    let mut project = Project::clone(&held);
    set(&mut project.code, asked.code);
    set(&mut project.names.zh, asked.name);
    set(&mut project.names.en, asked.name_en);
    set(&mut project.payer, asked.payer);
    set(&mut project.funds, asked.funds);
    set(&mut project.closed, asked.closed);
    project.budget_minutes = asked.budget.or(project.budget_minutes, minutes);
    project.from = asked.from.or(project.from, |from| from.0);
    project.until = asked.until.or(project.until, |until| until.0);
    set(&mut project.members, asked.members.as_deref().map(named));
    // Without `If-Match`, what was read a moment ago still decides: no edit is lost silently.
    let expected = demanded_version(&headers)?.unwrap_or(held.version);
    let saved = save(&state, project, Some(expected)).await?;
    let ledger = state.desk().ledger();
    Ok(versioned(&directory, &ledger, &saved, who))
}

fn minutes(budget: Length) -> i64 {
    budget.0.get() / MINUTE_US
}

fn named(ids: &[i64]) -> Vec<MemberId> {
    let ids: BTreeSet<i64> = ids.iter().copied().collect();
    ids.into_iter().map(MemberId::new).collect()
}

fn seen(
    directory: &Directory,
    ledger: &Ledger,
    who: SignedIn,
    number: Number,
) -> Result<Arc<Project>, Problem> {
    let held = ledger.projects.get(number.0);
    let held = held.filter(|project| sees(directory, who.caller, project));
    held.cloned().ok_or_else(Problem::not_found)
}

fn sees(directory: &Directory, caller: Caller, project: &Project) -> bool {
    let institution = project.institution;
    caller
        .member()
        .is_some_and(|member| project.admits(directory, member))
        || caller.may(directory, Right::ManageNode, institution)
        || caller.may(directory, Right::Account, institution)
}

async fn save(
    state: &HttpState,
    project: Project,
    expected_version: Option<i64>,
) -> Result<Arc<Project>, Problem> {
    check(&project)?;
    let asked = SaveProject {
        project,
        expected_version,
    };
    match state.desk().ask(asked).await? {
        ProjectOutcome::Saved(project) => Ok(project),
        ProjectOutcome::Stale => Err(Problem::new(ProblemType::StaleVersion)),
        ProjectOutcome::CodeTaken => Err(Problem::wrong_state(Said::fixed(
            "课题编号已被使用",
            "Another project has this code",
        ))),
        ProjectOutcome::TooMany => Err(Problem::wrong_state(Said::fixed(
            "课题数量已达上限",
            "There are as many projects as there may be",
        ))),
        ProjectOutcome::NotFound => {
            let said = Said::fixed("没有这个成员", "no such member");
            Err(Problem::new(ProblemType::MalformedRequest).and_field("members", said))
        }
    }
}

fn check(project: &Project) -> Result<(), Problem> {
    for (field, text) in [("code", &project.code), ("name", &project.names.zh)] {
        if text.trim().is_empty() {
            return Err(Problem::field(field, "must not be empty"));
        }
    }
    for (field, text, most) in [
        ("code", &project.code, CODE_CHARACTERS_MAX),
        ("name", &project.names.zh, TEXT_CHARACTERS_MAX),
        ("name_en", &project.names.en, TEXT_CHARACTERS_MAX),
        ("payer", &project.payer, TEXT_CHARACTERS_MAX),
        ("funds", &project.funds, FUNDS_CHARACTERS_MAX),
    ] {
        check_prose(field, text, most)?;
    }
    if project.budget_minutes == Some(0) {
        return Err(Problem::field("budget", "must not be zero"));
    }
    if project.members.len() > MEMBERS_MAX {
        return Err(Problem::field("members", "too long"));
    }
    let is_backwards = |(from, until): (Micros, Micros)| until <= from;
    if project.from.zip(project.until).is_some_and(is_backwards) {
        return Err(Problem::field("until", "must come after the start"));
    }
    Ok(())
}

fn versioned(
    directory: &Directory,
    ledger: &Ledger,
    project: &Project,
    who: SignedIn,
) -> Versioned<ProjectView> {
    Versioned {
        version: project.version,
        body: ProjectView::of(directory, ledger, project, who.caller.language),
    }
}

impl ProjectView {
    fn of(directory: &Directory, ledger: &Ledger, project: &Project, language: Language) -> Self {
        let institution = directory.nodes.get(&project.institution);
        let budget =
            |minutes: i64| Span::new(minutes.saturating_mul(MINUTE_US)).unwrap_or_default();
        let person = |id: &MemberId| PersonView::of(directory, *id, language);
        Self {
            id: project.id.get(),
            code: project.code.clone(),
            name: project.names.zh.clone(),
            name_en: project.names.en.clone(),
            institution: project.institution.get(),
            institution_name: institution
                .map_or("", |node| language.of(&node.names))
                .to_owned(),
            payer: project.payer.clone(),
            funds: project.funds.clone(),
            budget: project.budget_minutes.map(budget).map(Length),
            used: Length(ledger.project_use.used(project.id)),
            from: project.from.map(|at| Zoned(at, ZONE)),
            until: project.until.map(|at| Zoned(at, ZONE)),
            members: project.members.iter().map(person).collect(),
            closed: project.closed,
            version: project.version,
        }
    }
}
