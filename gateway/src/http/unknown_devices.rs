//! Unknown devices: what foreign sources send and nobody takes, for a manager to adopt.

use std::sync::Arc;

use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use wire::InstrumentKey;

use super::answer::{Created, Json};
use super::body::Body;
use super::caller::SignedIn;
use super::mappings::{MappingView, add, parsed};
use super::path::Name;
use super::problem::{Problem, ProblemType};
use super::sources::{demand_lab, seen_labs};
use super::state::HttpState;
use super::texts::check_name;
use super::time::Zoned;
use super::view::{NodeView, Whole};
use crate::registry::{Directory, MappingEntry, NodeKind};
use crate::telemetry::UnknownDevice;
use crate::telemetry::mapping::{MappingIndex, MappingSpec, Message, read};
use crate::words::{Language, Said, not_read};

const ZONE: chrono_tz::Tz = chrono_tz::Tz::Asia__Shanghai;

/// Most devices in one answer.
const LISTED_MAX: usize = 500;

/// A device that sends what nobody takes.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = UnknownDevice)]
pub struct UnknownDeviceView {
    /// Names it.
    id: String,
    /// The foreign source that sends it.
    source: String,
    /// The lab.
    lab: NodeView,
    /// Topic of the message shown.
    topic: String,
    /// Its last message, or the last one with values; at most 4,096 bytes of it, bytes that are no
    /// text replaced.
    payload: String,
    /// Bytes of that message as it came.
    bytes: usize,
    /// Why nobody takes it, as a stable word: `no_mapping`, `no_such_instrument`.
    reason: &'static str,
    /// Why, for people.
    detail: String,
    /// Messages so far.
    count: u64,
    /// When the first came.
    first_seen: Zoned,
    /// When the last came.
    last_seen: Zoned,
    /// The mapping that adopting makes by itself, with the instrument left open; null: one has to be
    /// given.
    proposal: Option<Proposal>,
}

/// A mapping for one device.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = MappingProposal)]
pub struct Proposal {
    /// The format it looks like.
    format: &'static str,
    /// The topic.
    topic: String,
    /// Shelly: the component.
    component: Option<String>,
}

/// Which instrument a device belongs to.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AdoptRequest {
    /// Asset code of an instrument of the device's lab.
    #[schema(value_type = String)]
    instrument: InstrumentKey,
    /// What people call the mapping; if left out, the device's topic.
    #[serde(default)]
    name: Option<String>,
    /// The mapping; if left out, the proposed one.
    #[serde(default)]
    mapping: Option<MappingSpec>,
}

/// Lists the unknown devices of labs that the caller manages or audits, those heard of last first and
/// at most 500.
#[utoipa::path(get, path = "/api/v1/unknown-devices", tag = "settings",
    responses((status = 200, body = Whole<UnknownDeviceView>)))]
pub(super) async fn list(
    State(state): State<HttpState>,
    who: SignedIn,
) -> Result<Json<Whole<UnknownDeviceView>>, Problem> {
    let directory = state.directory().load_full();
    let labs = seen_labs(&directory, &who)?;
    let index = MappingIndex::of(&directory);
    let mut devices = state.telemetry().unknown_devices();
    devices.retain(|device| labs(device.lab) && is_unknown(&directory, &index, device));
    devices.sort_unstable_by(|a, b| b.last_seen.cmp(&a.last_seen).then(a.id.cmp(&b.id)));
    devices.truncate(LISTED_MAX);
    let language = who.caller.language;
    let items = devices
        .iter()
        .map(|device| view(&directory, device, language));
    Ok(Json(Whole {
        items: items.collect(),
    }))
}

/// Returns false if a mapping was made since that takes the device, or its source was revoked.
fn is_unknown(directory: &Directory, index: &MappingIndex, device: &UnknownDevice) -> bool {
    let message = Message {
        topic: &device.topic,
        payload: &device.payload,
        arrival: device.last_seen,
        is_retained: false,
    };
    let mappings = index.candidates(device.lab, &device.topic);
    let entries = mappings.iter().map(Arc::as_ref);
    let outcome = read(directory, device.lab, entries, &message);
    directory.sources.contains_key(&device.source) && outcome.unknown().is_some()
}

fn view(directory: &Directory, device: &UnknownDevice, language: Language) -> UnknownDeviceView {
    let proposal = device.guess.format.map(|format| Proposal {
        format: format.as_str(),
        topic: device.guess.topic.clone(),
        component: device.guess.component.clone(),
    });
    UnknownDeviceView {
        id: device.id.clone(),
        source: device.source.as_str().to_owned(),
        lab: NodeView::above(directory, device.lab, NodeKind::Lab),
        topic: device.topic.clone(),
        payload: String::from_utf8_lossy(&device.payload).into_owned(),
        bytes: device.bytes,
        reason: device.why.as_str(),
        detail: not_read(device.why).text(language).to_owned(),
        count: device.count,
        first_seen: Zoned(device.first_seen, ZONE),
        last_seen: Zoned(device.last_seen, ZONE),
        proposal,
    }
}

/// Adopts an unknown device: makes the mapping that reads it for an instrument of its lab.
#[utoipa::path(post, path = "/api/v1/unknown-devices/{name}/adopt", tag = "settings", request_body = AdoptRequest,
    params(("name" = String, Path, description = "The device's `id`")),
    responses((status = 201, body = MappingView),
        (status = 409, description = "wrong-state: an agent speaks for the instrument")))]
pub(super) async fn adopt(
    State(state): State<HttpState>,
    who: SignedIn,
    Name(id): Name,
    Body(asked): Body<AdoptRequest>,
) -> Result<Created<Json<MappingView>>, Problem> {
    let directory = state.directory().load_full();
    let devices = state.telemetry().unknown_devices();
    let device = devices.into_iter().find(|device| device.id == id);
    let device = device.ok_or_else(Problem::not_found)?;
    demand_lab(&directory, &who.caller, device.lab)?;
    let instrument = directory.instrument_by_key(&asked.instrument);
    let instrument = instrument
        .filter(|instrument| instrument.lab == device.lab)
        .ok_or_else(|| Problem::field("instrument", "no such instrument in this lab"))?;
    if instrument.source.is_some() {
        return Err(Problem::wrong_state(Said::fixed(
            "该仪器已有采集代理；一台仪器的状态只听一个来源。请先在其来源设置中清除采集代理",
            "An agent speaks for this instrument, and its state follows one voice: clear its source \
             first",
        )));
    }
    let spec = match asked.mapping {
        Some(spec) => MappingSpec {
            instrument: asked.instrument.as_str().to_owned(),
            ..spec
        },
        None => proposed(&device, &asked.instrument)?,
    };
    let mapping = parsed(spec)?;
    let name = asked.name.unwrap_or_else(|| {
        let topic = mapping.spec().topic.chars();
        topic.take(100).collect()
    });
    check_name("name", &name, 100)?;
    let entry = MappingEntry {
        id: 0,
        lab: device.lab,
        name,
        mapping,
        version: 1,
        created_at: state.clock().now(),
    };
    let message = Message {
        topic: &device.topic,
        payload: &device.payload,
        arrival: device.last_seen,
        is_retained: false,
    };
    if read(&directory, device.lab, [&entry], &message)
        .unknown()
        .is_some()
    {
        let message = "this mapping does not take the device's message";
        return Err(Problem::new(ProblemType::MalformedRequest)
            .and_field("mapping", crate::words::fault(message)));
    }
    add(&state, &directory, entry).await
}

fn proposed(device: &UnknownDevice, key: &InstrumentKey) -> Result<MappingSpec, Problem> {
    let guess = &device.guess;
    let format = guess.format.ok_or_else(|| {
        let message = "this device is of no ready-made format: give a mapping";
        Problem::field("mapping", message)
    })?;
    Ok(MappingSpec {
        format,
        topic: guess.topic.clone(),
        instrument: key.as_str().to_owned(),
        devices: std::collections::BTreeMap::default(),
        component: guess.component.clone(),
        each: None,
        values: Vec::new(),
        time: None,
        online: None,
    })
}
