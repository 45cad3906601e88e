//! Where an instrument's telemetry comes from.

use axum::extract::State;
use axum::http::HeaderMap;
use scheduler::time::Span;
use serde::{Deserialize, Deserializer, Serialize};
use utoipa::ToSchema;
use wire::AgentName;

use super::answer::Json;
use super::body::Body;
use super::caller::SignedIn;
use super::instrument_edit::{editable, replace};
use super::path::Found;
use super::problem::{Problem, ProblemType};
use super::state::HttpState;
use super::texts::check_line;
use super::time::Length;
use super::tokens::made;
use crate::booking::{RegistryEdit, RegistryOutcome};
use crate::credentials::new_secret;
use crate::registry::{
    AgentEntry, Instrument, Polled, RESIDENT_PREFIX, SecretHash, Source, resident_of,
};

/// Which agent speaks for an instrument, or which Modbus unit the gateway polls for it.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = Source)]
pub struct SourceView {
    /// The agent's name; null: nobody speaks for it.
    #[serde(deserialize_with = "required")]
    #[schema(value_type = Option<String>)]
    agent: Option<AgentName>,
    /// The device in the agent's configuration; for people, not checked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    device: Option<String>,
    /// A Modbus unit that the gateway polls itself, in the networks that its configuration permits.
    /// `agent` is then null, or the gateway's own agent of the lab as it was answered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    modbus: Option<ModbusView>,
}

/// A Modbus unit that the gateway polls itself.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = ModbusSource)]
pub struct ModbusView {
    /// The name of its device profile, such as `sdm120`.
    profile: String,
    /// Where it answers, `host:port`; without a port 502.
    address: String,
    /// Its Modbus unit.
    unit: u8,
    /// Time between two polls, PT0.1S to PT1H; PT1S when left out.
    #[serde(default = "second")]
    every: Length,
    /// Longest time for an answer, up to PT1M; PT1S when left out.
    #[serde(default = "second")]
    timeout: Length,
}

fn second() -> Length {
    Length(Span::new(1_000_000).unwrap_or_default())
}

/// Reads a field that may be null but not left out.
fn required<'de, D, T>(deserializer: D) -> Result<Option<T>, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de>,
{
    Option::deserialize(deserializer)
}

/// Returns which agent speaks for an instrument, to those who manage or audit it; null: nobody.
#[utoipa::path(get, path = "/api/v1/instruments/{key}/source", tag = "settings",
    params(("key" = String, Path, description = "Asset code")),
    responses((status = 200, body = Option<SourceView>)))]
pub(super) async fn source(
    who: SignedIn,
    found: Found,
) -> Result<Json<Option<SourceView>>, Problem> {
    let instrument = found.instrument();
    if !who.caller.sees_inside(&found.directory, instrument) {
        return Err(Problem::new(ProblemType::NotAllowed));
    }
    Ok(Json(instrument.source.as_ref().map(SourceView::of)))
}

/// Sets which agent speaks for an instrument, or which Modbus unit the gateway polls for it.
#[utoipa::path(put, path = "/api/v1/instruments/{key}/source", tag = "settings", request_body = SourceView,
    params(("key" = String, Path, description = "Asset code"),
        ("If-Match" = Option<String>, Header, description = "Only if the instrument has this version")),
    responses((status = 200, body = SourceView)))]
pub(super) async fn set_source(
    State(state): State<HttpState>,
    who: SignedIn,
    found: Found,
    headers: HeaderMap,
    Body(asked): Body<SourceView>,
) -> Result<Json<SourceView>, Problem> {
    let mut instrument = editable(&found, who.caller, &headers)?;
    check_line("device", asked.device.as_deref().unwrap_or_default(), 64)?;
    if let Some(unit) = &asked.modbus {
        return poll(&state, &found, instrument, unit, asked.agent.as_ref()).await;
    }
    if let Some(name) = &asked.agent {
        if name.as_str().starts_with(RESIDENT_PREFIX) {
            let message = "the gateway's own agent needs `modbus`";
            return Err(Problem::field("modbus", message));
        }
        let agent = found.directory.agents.get(name);
        if agent.is_none_or(|agent| agent.lab != instrument.lab) {
            let message = "no such agent in the instrument's lab";
            return Err(Problem::field("agent", message));
        }
    }
    instrument.source = asked.agent.clone().map(|agent| Source {
        agent,
        device: asked.device.clone(),
        polled: None,
    });
    replace(&state, instrument).await?;
    Ok(Json(asked))
}

/// Makes the gateway poll a unit for an instrument; its lab gets the gateway's own agent if it has
/// none yet.
async fn poll(
    state: &HttpState,
    found: &Found,
    mut instrument: Instrument,
    unit: &ModbusView,
    agent: Option<&AgentName>,
) -> Result<Json<SourceView>, Problem> {
    let name = resident_of(instrument.lab);
    if agent.is_some_and(|agent| *agent != name) {
        let message = "expected null: the gateway polls by an agent of its own";
        return Err(Problem::field("agent", message));
    }
    check_line("modbus.address", &unit.address, 260)?;
    check_line("modbus.profile", &unit.profile, 64)?;
    let polled = unit.parse();
    if let Err(fault) = state.polling().device(&instrument.key, &polled) {
        let (field, message) = fault.said();
        return Err(Problem::field(field, message));
    }
    let speaks_for = |other: &&Instrument| {
        let mut sources = other.source.iter();
        other.id != instrument.id && sources.any(|source| source.agent == name)
    };
    let others = found.directory.instruments.values().filter(speaks_for);
    if others.count() >= wire::DEVICES_MAX {
        let message = "the gateway polls at most 512 instruments of a lab";
        return Err(Problem::field("modbus", message));
    }
    if !found.directory.agents.contains_key(&name) {
        let entry = AgentEntry {
            name: name.clone(),
            lab: instrument.lab,
            // Nobody learns this secret: nobody can connect under its name.
            secret: SecretHash::of(&new_secret()),
            created_at: state.clock().now(),
        };
        let added = state.desk().edit(RegistryEdit::AddAgent(entry)).await?;
        // Somebody else may have made it in between: it is the same one.
        if added != RegistryOutcome::Taken {
            made(added)?;
        }
    }
    let source = Source {
        agent: name,
        device: Some(instrument.key.as_str().to_owned()),
        polled: Some(polled),
    };
    let shown = SourceView::of(&source);
    instrument.source = Some(source);
    replace(state, instrument).await?;
    Ok(Json(shown))
}

impl SourceView {
    fn of(source: &Source) -> Self {
        Self {
            agent: Some(source.agent.clone()),
            device: source.device.clone(),
            modbus: source.polled.as_ref().map(ModbusView::of),
        }
    }
}

impl ModbusView {
    fn of(polled: &Polled) -> Self {
        let length = |ms: u32| Length(Span::new(i64::from(ms) * 1_000).unwrap_or_default());
        Self {
            profile: polled.profile.clone(),
            address: polled.address.clone(),
            unit: polled.unit,
            every: length(polled.every_ms),
            timeout: length(polled.timeout_ms),
        }
    }

    /// Times that no number of milliseconds holds are far out of bounds.
    fn parse(&self) -> Polled {
        let ms = |length: &Length| u32::try_from(length.0.get() / 1_000).unwrap_or(u32::MAX);
        Polled {
            profile: self.profile.clone(),
            address: self.address.clone(),
            unit: self.unit,
            every_ms: ms(&self.every),
            timeout_ms: ms(&self.timeout),
        }
    }
}
