//! Mappings: how messages of a lab's foreign sources are read.

use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::answer::{Created, Json, Versioned, demanded_version};
use super::body::Body;
use super::caller::{Caller, SignedIn};
use super::path::Number;
use super::problem::{Problem, ProblemType};
use super::sources::{demand_lab, managed_lab, seen_labs};
use super::state::HttpState;
use super::texts::check_name;
use super::time::Zoned;
use super::tokens::made;
use super::view::{NodeView, Whole};
use crate::booking::RegistryEdit;
use crate::registry::{Directory, MappingEntry, NodeKind};
use crate::telemetry::mapping::{MAPPINGS_OF_LAB_MAX, Mapping, MappingSpec, SpecFault};
use crate::words::Said;

/// Most characters of a mapping's name.
const NAME_CHARACTERS_MAX: usize = 100;

const ZONE: chrono_tz::Tz = chrono_tz::Tz::Asia__Shanghai;

/// A mapping to make.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct MappingRequest {
    /// What people call it.
    name: String,
    /// The lab.
    lab: i64,
    /// The mapping.
    mapping: MappingSpec,
}

/// A mapping as it shall be.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct MappingEdit {
    /// What people call it.
    name: String,
    /// The mapping.
    mapping: MappingSpec,
}

/// A mapping.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Mapping)]
pub struct MappingView {
    /// Identity.
    id: i64,
    /// What people call it.
    name: String,
    /// The lab.
    lab: NodeView,
    /// How it reads.
    mapping: MappingSpec,
    /// Counts edits.
    version: i64,
    /// When it was made.
    created_at: Zoned,
}

impl MappingView {
    pub(super) fn of(directory: &Directory, entry: &MappingEntry) -> Self {
        Self {
            id: entry.id,
            name: entry.name.clone(),
            lab: NodeView::above(directory, entry.lab, NodeKind::Lab),
            mapping: entry.mapping.spec().clone(),
            version: entry.version,
            created_at: Zoned(entry.created_at, ZONE),
        }
    }
}

/// Lists the mappings of labs that the caller manages or audits.
#[utoipa::path(get, path = "/api/v1/mappings", tag = "settings",
    responses((status = 200, body = Whole<MappingView>)))]
pub(super) async fn list(
    State(state): State<HttpState>,
    who: SignedIn,
) -> Result<Json<Whole<MappingView>>, Problem> {
    let directory = state.directory().load_full();
    let labs = seen_labs(&directory, &who)?;
    let seen = directory.mappings.values().filter(|entry| labs(entry.lab));
    let items = seen.map(|entry| MappingView::of(&directory, entry));
    Ok(Json(Whole {
        items: items.collect(),
    }))
}

/// Makes a mapping for a lab that the caller manages.
#[utoipa::path(post, path = "/api/v1/mappings", tag = "settings", request_body = MappingRequest,
    responses((status = 201, body = MappingView)))]
pub(super) async fn create(
    State(state): State<HttpState>,
    who: SignedIn,
    Body(asked): Body<MappingRequest>,
) -> Result<Created<Json<MappingView>>, Problem> {
    let directory = state.directory().load_full();
    let lab = managed_lab(&directory, &who.caller, asked.lab)?;
    check_name("name", &asked.name, NAME_CHARACTERS_MAX)?;
    let entry = MappingEntry {
        id: 0,
        lab,
        name: asked.name,
        mapping: parsed(asked.mapping)?,
        version: 1,
        created_at: state.clock().now(),
    };
    add(&state, &directory, entry).await
}

/// Adds a mapping that is right.
pub(super) async fn add(
    state: &HttpState,
    directory: &Directory,
    entry: MappingEntry,
) -> Result<Created<Json<MappingView>>, Problem> {
    let of_lab = directory.mappings.values();
    if of_lab.filter(|other| other.lab == entry.lab).count() >= MAPPINGS_OF_LAB_MAX {
        return Err(Problem::wrong_state(Said::new(
            format!("每个实验室最多 {MAPPINGS_OF_LAB_MAX} 个映射；一个映射可用名称匹配多台设备"),
            format!(
                "A lab has at most {MAPPINGS_OF_LAB_MAX} mappings; one may read many devices by a \
                 name in braces"
            ),
        )));
    }
    let id = made(
        state
            .desk()
            .edit(RegistryEdit::AddMapping(Box::new(entry.clone())))
            .await?,
    )?;
    let entry = MappingEntry { id, ..entry };
    let view = MappingView::of(directory, &entry);
    Ok(Created(format!("/api/v1/mappings/{id}"), Json(view)))
}

/// Makes a mapping of what was asked for.
pub(super) fn parsed(spec: MappingSpec) -> Result<Mapping, Problem> {
    Mapping::new(spec).map_err(|fault| within(&fault))
}

fn within(fault: &SpecFault) -> Problem {
    Problem::field(&format!("mapping.{}", fault.field), &fault.message)
}

/// Returns a mapping of a lab that the caller manages or audits.
#[utoipa::path(get, path = "/api/v1/mappings/{id}", tag = "settings",
    params(("id" = i64, Path, description = "The mapping")),
    responses((status = 200, body = MappingView)))]
pub(super) async fn read(
    State(state): State<HttpState>,
    who: SignedIn,
    Number(id): Number,
) -> Result<Versioned<MappingView>, Problem> {
    let directory = state.directory().load_full();
    let labs = seen_labs(&directory, &who)?;
    let entry = directory.mappings.get(&id).filter(|entry| labs(entry.lab));
    let entry = entry.ok_or_else(Problem::not_found)?;
    Ok(Versioned {
        version: entry.version,
        body: MappingView::of(&directory, entry),
    })
}

fn managed<'d>(
    directory: &'d Directory,
    caller: &Caller,
    id: i64,
) -> Result<&'d MappingEntry, Problem> {
    let entry = directory.mappings.get(&id).ok_or_else(Problem::not_found)?;
    demand_lab(directory, caller, entry.lab)?;
    Ok(entry)
}

/// Replaces a mapping. Messages from now on are read with it.
#[utoipa::path(put, path = "/api/v1/mappings/{id}", tag = "settings", request_body = MappingEdit,
    params(("id" = i64, Path, description = "The mapping"),
        ("If-Match" = Option<String>, Header, description = "Only if the mapping has this version")),
    responses((status = 200, body = MappingView)))]
pub(super) async fn replace(
    State(state): State<HttpState>,
    who: SignedIn,
    Number(id): Number,
    headers: HeaderMap,
    Body(asked): Body<MappingEdit>,
) -> Result<Versioned<MappingView>, Problem> {
    let directory = state.directory().load_full();
    let held = managed(&directory, &who.caller, id)?;
    if demanded_version(&headers)?.is_some_and(|version| version != held.version) {
        return Err(Problem::new(ProblemType::StaleVersion));
    }
    check_name("name", &asked.name, NAME_CHARACTERS_MAX)?;
    let entry = MappingEntry {
        name: asked.name,
        mapping: parsed(asked.mapping)?,
        version: held.version + 1,
        ..held.clone()
    };
    made(
        state
            .desk()
            .edit(RegistryEdit::ReplaceMapping(Box::new(entry.clone())))
            .await?,
    )?;
    Ok(Versioned {
        version: entry.version,
        body: MappingView::of(&directory, &entry),
    })
}

/// Removes a mapping. Its devices are unknown from then on.
#[utoipa::path(delete, path = "/api/v1/mappings/{id}", tag = "settings",
    params(("id" = i64, Path, description = "The mapping"),
        ("If-Match" = Option<String>, Header, description = "Only if the mapping has this version")),
    responses((status = 204, description = "Removed")))]
pub(super) async fn remove(
    State(state): State<HttpState>,
    who: SignedIn,
    Number(id): Number,
    headers: HeaderMap,
) -> Result<StatusCode, Problem> {
    let directory = state.directory().load_full();
    managed(&directory, &who.caller, id)?;
    let version = demanded_version(&headers)?;
    made(
        state
            .desk()
            .edit(RegistryEdit::RemoveMapping(id, version))
            .await?,
    )?;
    Ok(StatusCode::NO_CONTENT)
}
