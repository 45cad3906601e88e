//! Agents: made with a secret, listed, revoked.

use std::collections::{HashMap, HashSet};

use axum::extract::State;
use axum::http::StatusCode;
use scheduler::id::{InstrumentId, NodeId};
use scheduler::time::Span;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use wire::{AgentName, InstrumentKey};

use super::agent_toml::agent_toml;
use super::answer::{Created, Json};
use super::body::Body;
use super::caller::SignedIn;
use super::path::Name;
use super::problem::{Problem, ProblemType};
use super::sources::{DeniedView, managed_lab};
use super::state::HttpState;
use super::time::{Length, Zoned};
use super::tokens::made;
use super::view::{NodeView, Whole};
use crate::booking::RegistryEdit;
use crate::credentials::new_secret;
use crate::history::Losses;
use crate::registry::{
    AgentEntry, Directory, NodeKind, RESIDENT_PREFIX, Right, SecretHash, SourceName,
};
use crate::words::Said;

/// Most agents of a lab: one a room with instruments is usual.
const AGENTS_OF_LAB_MAX: usize = 1_000;

/// Most instruments that one request gives an agent: as many as it may have devices, roughly.
const SERVED_MAX: usize = 500;

const ZONE: chrono_tz::Tz = chrono_tz::Tz::Asia__Shanghai;

/// Names that are not for agents and sources: a name is an MQTT user name, an agent's its client id as
/// well, and these are the gateway's. Those that begin with `$`, which MQTT keeps for brokers, are no names at all.
pub(super) const RESERVED: [&str; 3] = ["gateway", "ortoo", "ortoo-gateway"];

/// An agent to make.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AgentRequest {
    /// Its name: also its MQTT user name and client id.
    #[schema(value_type = String)]
    name: AgentName,
    /// The lab whose instruments it may serve.
    lab: i64,
    /// Keys of instruments of the lab that it speaks for from now on, at most 500.
    #[serde(default)]
    #[schema(value_type = Vec<String>)]
    instruments: Vec<InstrumentKey>,
}

/// An agent that was just made; its secret is not shown again.
#[derive(Serialize, ToSchema)]
pub struct NewAgent {
    /// Its name.
    name: String,
    /// Its secret: 64 hexadecimal digits.
    secret: String,
    /// What it connects to.
    mqtt_url: String,
    /// The beginning of its `agent.toml`.
    agent_toml: String,
}

/// An agent.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Agent)]
pub struct AgentView {
    /// Its name.
    name: String,
    /// Its lab.
    lab: NodeView,
    /// Whether it is connected.
    online: bool,
    /// Whether it is the gateway itself, polling devices that nobody stands beside.
    is_gateway: bool,
    /// When its last message came.
    last_seen: Option<Zoned>,
    /// Its release.
    version: Option<String>,
    /// How often it promised to report at the latest.
    report_every: Option<Length>,
    /// Its wall clock minus the gateway's, in milliseconds, as of its last message; readings are
    /// placed right whatever it is.
    clock_skew_ms: Option<i64>,
    /// Whether that is more than 5 s.
    is_clock_off: bool,
    /// Keys it reports but may not speak for, at most 50: wrong in its `agent.toml`, or their source
    /// is not set to it.
    unknown_instruments: Vec<String>,
    /// Records of its outbox that were lost for good: they never came and never will. `null` while
    /// the store of readings cannot be asked.
    lost_records: Option<u64>,
    /// When the newest loss was noticed.
    last_loss: Option<Zoned>,
    /// The last time that who used its name was turned away by the embedded broker; null: never since
    /// the gateway started.
    denied: Option<DeniedView>,
}

/// Makes an agent for a lab that the caller manages.
#[utoipa::path(post, path = "/api/v1/agents", tag = "settings", request_body = AgentRequest,
    responses((status = 201, body = NewAgent), (status = 409, description = "wrong-state: the name is in use")))]
pub(super) async fn create(
    State(state): State<HttpState>,
    who: SignedIn,
    Body(asked): Body<AgentRequest>,
) -> Result<Created<Json<NewAgent>>, Problem> {
    let directory = state.directory().load_full();
    let lab = managed_lab(&directory, &who.caller, asked.lab)?;
    let name = asked.name;
    if RESERVED.contains(&name.as_str()) || name.as_str().starts_with(RESIDENT_PREFIX) {
        let message = "this name is the gateway's own: choose another one";
        return Err(Problem::field("name", message));
    }
    let mut sources = directory.sources.keys();
    let is_source = sources.any(|source| *source.as_agent() == name);
    if is_source || directory.agents.contains_key(&name) {
        let detail = Said::new(
            format!("采集代理名 {name} 已被使用"),
            format!("The agent name {name} is in use"),
        );
        return Err(Problem::wrong_state(detail));
    }
    let agents = directory.agents.values();
    if agents.filter(|agent| agent.lab == lab).count() >= AGENTS_OF_LAB_MAX {
        let detail = Said::new(
            format!("每个实验室最多 {AGENTS_OF_LAB_MAX} 个采集代理，请先撤销不用的"),
            format!("A lab has at most {AGENTS_OF_LAB_MAX} agents: revoke one first"),
        );
        return Err(Problem::wrong_state(detail));
    }
    let served = served(&directory, lab, &asked.instruments)?;
    let secret = new_secret();
    let entry = AgentEntry {
        name: name.clone(),
        lab,
        secret: SecretHash::of(&secret),
        created_at: state.clock().now(),
    };
    let added = RegistryEdit::AddAgentFor(entry, served);
    made(state.desk().edit(added).await?)?;
    let mqtt_url = state.site().mqtt_url.clone();
    let body = NewAgent {
        agent_toml: agent_toml(&name, &secret, &mqtt_url, &asked.instruments),
        name: name.as_str().to_owned(),
        secret,
        mqtt_url,
    };
    Ok(Created(format!("/api/v1/agents/{name}"), Json(body)))
}

/// Returns the instruments of a lab with these keys.
fn served(
    directory: &Directory,
    lab: NodeId,
    keys: &[InstrumentKey],
) -> Result<Vec<InstrumentId>, Problem> {
    let once: HashSet<&InstrumentKey> = keys.iter().collect();
    if keys.len() > SERVED_MAX || once.len() < keys.len() {
        let message = "expected at most 500 instruments, each once";
        return Err(Problem::field("instruments", message));
    }
    let ids = keys.iter().enumerate().map(|(place, key)| {
        let found = directory.instrument_by_key(key);
        let found = found.filter(|instrument| instrument.lab == lab);
        found.map(|instrument| instrument.id).ok_or_else(|| {
            let field = format!("instruments[{place}]");
            Problem::field(&field, "no such instrument in this lab")
        })
    });
    ids.collect()
}

/// Lists the agents of labs that the caller manages or audits.
#[utoipa::path(get, path = "/api/v1/agents", tag = "settings",
    responses((status = 200, body = Whole<AgentView>)))]
pub(super) async fn list(
    State(state): State<HttpState>,
    who: SignedIn,
) -> Result<Json<Whole<AgentView>>, Problem> {
    let directory = state.directory().load_full();
    let rights = [Right::ManageInstruments, Right::Account];
    let may = |right| directory.may_somewhere(who.member, right);
    if !rights.into_iter().any(may) {
        return Err(Problem::new(ProblemType::NotAllowed));
    }
    let mut seen: Vec<&AgentEntry> = directory
        .agents
        .values()
        .filter(|agent| {
            let may = |right| directory.may(who.member, right, agent.lab);
            rights.into_iter().any(may)
        })
        .collect();
    seen.sort_unstable_by(|a, b| a.name.cmp(&b.name));
    let losses = state.history().losses().await;
    let losses = losses.inspect_err(|error| tracing::warn!("{}", error.for_operators()));
    let losses = losses.ok();
    let items = seen
        .into_iter()
        .map(|agent| view(&state, &directory, agent, losses.as_ref()));
    Ok(Json(Whole {
        items: items.collect(),
    }))
}

fn view(
    state: &HttpState,
    directory: &Directory,
    agent: &AgentEntry,
    losses: Option<&HashMap<String, Losses>>,
) -> AgentView {
    let lost = losses.and_then(|losses| losses.get(agent.name.as_str()));
    let seen = state.telemetry().agent(&agent.name);
    // It may have been told since to speak for some.
    let unknown = seen.iter().flat_map(|seen| &seen.refused_keys);
    let unknown = unknown.filter(|key| directory.speaks_for(&agent.name, key).is_none());
    AgentView {
        name: agent.name.as_str().to_owned(),
        lab: NodeView::above(directory, agent.lab, NodeKind::Lab),
        is_gateway: agent.name.as_str().starts_with(RESIDENT_PREFIX),
        online: seen.as_ref().is_some_and(|seen| seen.online),
        last_seen: seen.as_ref().map(|seen| Zoned(seen.last_seen, ZONE)),
        report_every: seen.as_ref().and_then(|seen| {
            let us = seen.report_every_ms?.saturating_mul(1_000);
            Span::new(us).map(Length)
        }),
        clock_skew_ms: seen.as_ref().and_then(|seen| seen.clock_skew_ms),
        is_clock_off: seen
            .as_ref()
            .is_some_and(crate::telemetry::AgentView::is_clock_off),
        unknown_instruments: unknown.map(|key| key.as_str().to_owned()).collect(),
        version: seen.and_then(|seen| seen.version),
        lost_records: losses.map(|_| lost.map_or(0, |lost| lost.records)),
        last_loss: lost.map(|lost| Zoned(lost.noticed, ZONE)),
        denied: SourceName::parse(agent.name.as_str())
            .ok()
            .and_then(|name| DeniedView::of(state, &name)),
    }
}

/// Revokes an agent's credential and ends its session.
#[utoipa::path(delete, path = "/api/v1/agents/{name}", tag = "settings",
    params(("name" = String, Path, description = "The agent's name")),
    responses((status = 204, description = "Revoked")))]
pub(super) async fn revoke(
    State(state): State<HttpState>,
    who: SignedIn,
    Name(name): Name,
) -> Result<StatusCode, Problem> {
    let directory = state.directory().load_full();
    let name = AgentName::parse(&name).map_err(|_| Problem::not_found())?;
    let agent = directory.agents.get(&name).ok_or_else(Problem::not_found)?;
    let may = |right| who.caller.may(&directory, right, agent.lab);
    if !may(Right::ManageInstruments) {
        // Who may not see an agent is not told that it exists.
        let hidden = if may(Right::Account) {
            Problem::new(ProblemType::NotAllowed)
        } else {
            Problem::not_found()
        };
        return Err(hidden);
    }
    made(
        state
            .desk()
            .edit(RegistryEdit::RemoveAgent(name.clone()))
            .await?,
    )?;
    state.telemetry().disconnect(&name).await;
    Ok(StatusCode::NO_CONTENT)
}
