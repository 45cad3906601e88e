//! Where an instrument's telemetry comes from.

use axum::extract::State;
use axum::http::HeaderMap;
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
use crate::registry::Source;

/// Which agent speaks for an instrument.
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

/// Sets which agent speaks for an instrument.
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
    if let Some(name) = &asked.agent {
        let agent = found.directory.agents.get(name);
        if agent.is_none_or(|agent| agent.lab != instrument.lab) {
            let message = "no such agent in the instrument's lab";
            return Err(Problem::field("agent", message));
        }
    }
    check_line("device", asked.device.as_deref().unwrap_or_default(), 64)?;
    instrument.source = asked.agent.clone().map(|agent| Source {
        agent,
        device: asked.device.clone(),
    });
    replace(&state, instrument).await?;
    Ok(Json(asked))
}

impl SourceView {
    fn of(source: &Source) -> Self {
        Self {
            agent: Some(source.agent.clone()),
            device: source.device.clone(),
        }
    }
}
