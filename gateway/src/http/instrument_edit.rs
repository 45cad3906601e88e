//! Registering, editing and removing instruments.

use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use chrono_tz::Tz;
use scheduler::id::{InstrumentId, NodeId};
use serde::Deserialize;
use utoipa::ToSchema;
use wire::InstrumentKey;

use super::answer::{Created, Versioned, demanded_version};
use super::body::{Body, Clearable, set};
use super::caller::{Caller, SignedIn};
use super::path::Found;
use super::place::edited as edited_place;
use super::problem::{Problem, ProblemType};
use super::state::HttpState;
use super::texts::{check_line, check_name};
use super::tokens::made;
use super::view::InstrumentView;
use crate::booking::RegistryEdit;
use crate::registry::{Directory, Instrument, KeyUse, Names, NodeKind, Right, StateRule};
use crate::words::Said;

/// Most characters of a name, model, manufacturer or room.
const TEXT_CHARACTERS_MAX: usize = 200;

/// Most capabilities, and characters of each.
const CAPABILITIES_MAX: usize = 50;
const CAPABILITY_CHARACTERS_MAX: usize = 64;

/// An instrument to register.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewInstrument {
    /// Asset code, unique for ever: capitals make no difference, and one that was used is not given
    /// again.
    #[schema(value_type = String)]
    key: InstrumentKey,
    /// Name, Chinese.
    name: String,
    /// Name, English.
    #[serde(default)]
    name_en: String,
    /// Model.
    model: String,
    /// Manufacturer.
    manufacturer: String,
    /// National class code (GB/T 32847), six digits.
    category: Option<String>,
    /// What it can do, lower-case words.
    capabilities: Vec<String>,
    /// Room.
    room: String,
    /// The lab's id.
    lab: i64,
    /// IANA zone; `Asia/Shanghai` when left out.
    zone: Option<String>,
    /// Bookings that may run at once, 1 to 64; 1 when left out.
    capacity: Option<u8>,
    /// Whether it can be booked here; true when left out.
    bookable: Option<bool>,
    /// Whether the public sees it; true when left out.
    published: Option<bool>,
    /// Whether it draws power all the time, so that telemetry cannot tell use and check-ins do;
    /// false when left out.
    always_on: Option<bool>,
    /// Degrees north, with `longitude`; left out: it stands where its lab does.
    latitude: Option<f64>,
    /// Degrees east.
    longitude: Option<f64>,
}

/// An edit of an instrument: what is left out stays.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct InstrumentEdit {
    /// Name, Chinese.
    name: Option<String>,
    /// Name, English.
    name_en: Option<String>,
    /// Model.
    model: Option<String>,
    /// Manufacturer.
    manufacturer: Option<String>,
    /// National class code; null: none.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    category: Clearable<String>,
    /// What it can do.
    capabilities: Option<Vec<String>>,
    /// Room.
    room: Option<String>,
    /// The lab's id; one must manage both labs.
    lab: Option<i64>,
    /// IANA zone.
    zone: Option<String>,
    /// Bookings that may run at once, 1 to 64.
    capacity: Option<u8>,
    /// Whether it can be booked here.
    bookable: Option<bool>,
    /// Whether the public sees it.
    published: Option<bool>,
    /// Whether it draws power all the time, so that telemetry cannot tell use and check-ins do.
    always_on: Option<bool>,
    /// Degrees north; null: it stands where its lab does.
    #[serde(default)]
    #[schema(value_type = Option<f64>)]
    latitude: Clearable<f64>,
    /// Degrees east; null with the other.
    #[serde(default)]
    #[schema(value_type = Option<f64>)]
    longitude: Clearable<f64>,
}

/// Registers an instrument in a lab that the caller manages.
#[utoipa::path(post, path = "/api/v1/instruments", tag = "instruments", request_body = NewInstrument,
    responses((status = 201, body = InstrumentView), (status = 409, description = "wrong-state: the key is in use")))]
pub(super) async fn create(
    State(state): State<HttpState>,
    who: SignedIn,
    Body(asked): Body<NewInstrument>,
) -> Result<Created<Versioned<InstrumentView>>, Problem> {
    let directory = state.directory().load_full();
    let lab = managed_lab(&directory, who.caller, asked.lab)?;
    let zone = asked.zone.as_deref().unwrap_or("Asia/Shanghai");
    let instrument = Instrument {
        id: InstrumentId::new(0),
        key: asked.key,
        names: Names {
            zh: asked.name,
            en: asked.name_en,
        },
        model: asked.model,
        manufacturer: asked.manufacturer,
        category: asked.category,
        capabilities: asked.capabilities,
        room: asked.room,
        lab,
        place: edited_place(
            None,
            Clearable::Set(asked.latitude),
            Clearable::Set(asked.longitude),
        )?,
        zone: parse_zone(zone)?,
        capacity: asked.capacity.unwrap_or(1),
        bookable: asked.bookable.unwrap_or(true),
        published: asked.published.unwrap_or(true),
        always_on: asked.always_on.unwrap_or(false),
        version: 1,
        source: None,
        state_rule: StateRule::standard(),
    };
    check(&instrument)?;
    let key = instrument.key.clone();
    if let Some(held_by) = directory.use_of_key(&key) {
        return Err(key_in_use(&key, &held_by));
    }
    let added = RegistryEdit::AddInstrument(Box::new(instrument));
    made(state.desk().edit(added).await?)?;
    let versioned = edited(&state, &key)?;
    Ok(Created(format!("/api/v1/instruments/{key}"), versioned))
}

fn key_in_use(key: &InstrumentKey, held_by: &KeyUse) -> Problem {
    Problem::wrong_state(match held_by {
        KeyUse::Held(held) if held == key => Said::new(
            format!("编号 {key} 已被使用"),
            format!("The key {key} is in use"),
        ),
        KeyUse::Held(held) => Said::new(
            format!("编号 {key} 与已有的 {held} 只有大小写不同"),
            format!("The key {key} differs from {held}, which is in use, in capitals only"),
        ),
        KeyUse::Retired => Said::new(
            format!("编号 {key} 属于一台已删除但有历史记录的仪器，不能再次使用；请换一个编号"),
            format!(
                "The key {key} was that of a removed instrument whose history is kept, and cannot \
                 be given again: choose another one"
            ),
        ),
    })
}

/// Edits an instrument that the caller manages.
#[utoipa::path(patch, path = "/api/v1/instruments/{key}", tag = "instruments", request_body = InstrumentEdit,
    params(("key" = String, Path, description = "Asset code"),
        ("If-Match" = Option<String>, Header, description = "Only if it has this version")),
    responses((status = 200, body = InstrumentView), (status = 409, description = "stale-version")))]
pub(super) async fn edit(
    State(state): State<HttpState>,
    who: SignedIn,
    found: Found,
    headers: HeaderMap,
    Body(asked): Body<InstrumentEdit>,
) -> Result<Versioned<InstrumentView>, Problem> {
    let mut instrument = editable(&found, who.caller, &headers)?;
    if let Some(lab) = asked.lab {
        let lab = managed_lab(&found.directory, who.caller, lab)?;
        if lab != instrument.lab {
            // An agent speaks for instruments of its own lab alone.
            instrument.source = None;
        }
        instrument.lab = lab;
    }
    if let Some(zone) = asked.zone {
        instrument.zone = parse_zone(&zone)?;
    }
    set(&mut instrument.names.zh, asked.name);
    set(&mut instrument.names.en, asked.name_en);
    set(&mut instrument.model, asked.model);
    set(&mut instrument.manufacturer, asked.manufacturer);
    instrument.category = asked.category.or(instrument.category, |code| code);
    instrument.place = edited_place(instrument.place, asked.latitude, asked.longitude)?;
    set(&mut instrument.capabilities, asked.capabilities);
    set(&mut instrument.room, asked.room);
    set(&mut instrument.capacity, asked.capacity);
    set(&mut instrument.bookable, asked.bookable);
    set(&mut instrument.published, asked.published);
    set(&mut instrument.always_on, asked.always_on);
    check(&instrument)?;
    replace(&state, instrument).await
}

/// Removes an instrument that nobody has booked.
#[utoipa::path(delete, path = "/api/v1/instruments/{key}", tag = "instruments",
    params(("key" = String, Path, description = "Asset code"),
        ("If-Match" = Option<String>, Header, description = "Only if it has this version")),
    responses((status = 204, description = "Removed"), (status = 409, description = "wrong-state: it is booked")))]
pub(super) async fn remove(
    State(state): State<HttpState>,
    who: SignedIn,
    found: Found,
    headers: HeaderMap,
) -> Result<StatusCode, Problem> {
    let lab = found.instrument().lab;
    who.caller
        .demand(&found.directory, Right::ManageInstruments, lab)?;
    let removed = RegistryEdit::RemoveInstrument(found.id, demanded_version(&headers)?);
    made(state.desk().edit(removed).await?)?;
    Ok(StatusCode::NO_CONTENT)
}

/// Returns a copy of an instrument to edit, with the version it will have.
///
/// # Errors
/// Returns `not-signed-in`, `not-allowed`, or `stale-version` when `If-Match` names another.
pub fn editable(found: &Found, caller: Caller, headers: &HeaderMap) -> Result<Instrument, Problem> {
    let mut instrument = found.instrument().clone();
    caller.demand(&found.directory, Right::ManageInstruments, instrument.lab)?;
    if demanded_version(headers)?.is_some_and(|version| version != instrument.version) {
        return Err(Problem::new(ProblemType::StaleVersion));
    }
    instrument.version += 1;
    Ok(instrument)
}

/// Commits an edited instrument and returns it as it now is.
///
/// # Errors
/// Returns `stale-version` when somebody edited it in between.
pub(super) async fn replace(
    state: &HttpState,
    instrument: Instrument,
) -> Result<Versioned<InstrumentView>, Problem> {
    let key = instrument.key.clone();
    let replaced = RegistryEdit::ReplaceInstrument(Box::new(instrument));
    made(state.desk().edit(replaced).await?)?;
    edited(state, &key)
}

fn edited(state: &HttpState, key: &InstrumentKey) -> Result<Versioned<InstrumentView>, Problem> {
    let directory = state.directory().load_full();
    let instrument = directory.instrument_by_key(key);
    let instrument = instrument.ok_or_else(Problem::not_found)?;
    Ok(Versioned {
        version: instrument.version,
        body: InstrumentView::of(&directory, instrument, state.shown_now(instrument.id)),
    })
}

fn managed_lab(directory: &Directory, caller: Caller, lab: i64) -> Result<NodeId, Problem> {
    let lab = directory.nodes.get(&NodeId::new(lab));
    let lab = lab
        .filter(|node| node.kind == NodeKind::Lab)
        .ok_or_else(|| Problem::field("lab", "no such lab"))?;
    caller.demand(directory, Right::ManageInstruments, lab.id)?;
    Ok(lab.id)
}

fn parse_zone(text: &str) -> Result<Tz, Problem> {
    let expected = "expected an IANA time zone, such as Asia/Shanghai";
    text.parse().map_err(|_| Problem::field("zone", expected))
}

fn check(instrument: &Instrument) -> Result<(), Problem> {
    check_name("name", &instrument.names.zh, TEXT_CHARACTERS_MAX)?;
    for (field, text) in [
        ("name_en", &instrument.names.en),
        ("model", &instrument.model),
        ("manufacturer", &instrument.manufacturer),
        ("room", &instrument.room),
    ] {
        check_line(field, text, TEXT_CHARACTERS_MAX)?;
    }
    let is_code = |code: &String| code.len() == 6 && code.bytes().all(|b| b.is_ascii_digit());
    if !instrument.category.as_ref().is_none_or(is_code) {
        return Err(Problem::field("category", "expected six digits"));
    }
    if instrument.capabilities.len() > CAPABILITIES_MAX {
        return Err(Problem::field("capabilities", "too long"));
    }
    for (place, word) in instrument.capabilities.iter().enumerate() {
        let field = format!("capabilities[{place}]");
        check_line(&field, word, CAPABILITY_CHARACTERS_MAX)?;
        if word.is_empty() || word.chars().any(|c| c.is_whitespace() || c.is_uppercase()) {
            return Err(Problem::field(&field, "expected a lower-case word"));
        }
    }
    if !(1..=64).contains(&instrument.capacity) {
        return Err(Problem::field("capacity", "expected a number from 1 to 64"));
    }
    Ok(())
}
