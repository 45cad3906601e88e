//! Foreign sources: a credential of a lab for devices of other makers. Made with a secret, listed,
//! revoked; and what would become of a message of theirs.

use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use scheduler::id::NodeId;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::agents::RESERVED;
use super::answer::{Created, Json};
use super::body::Body;
use super::caller::{Caller, SignedIn};
use super::path::Name;
use super::problem::{Problem, ProblemType};
use super::state::HttpState;
use super::time::Zoned;
use super::tokens::made;
use super::view::{NodeView, Whole};
use crate::booking::RegistryEdit;
use crate::credentials::new_secret;
use crate::registry::{
    Directory, ForeignSource, Node, NodeKind, RESIDENT_PREFIX, Right, SecretHash, SourceName,
};
use crate::telemetry::mapping::{SOURCES_OF_LAB_MAX, TopicFilter};
use crate::words::Said;

/// Most filters of a source.
const FILTERS_MAX: usize = 16;

const ZONE: chrono_tz::Tz = chrono_tz::Tz::Asia__Shanghai;

/// A foreign source to make.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SourceRequest {
    /// Its name and MQTT user name: 1 to 64 of `a-z`, `0-9`, `-`. Devices choose their client ids.
    name: String,
    /// The lab whose instruments its devices may speak for.
    lab: i64,
    /// Topic filters it may send to, 1 to 16, such as `lab-4/tele/#`. The first level is a word; they
    /// overlap with those of no other lab.
    filters: Vec<String>,
}

/// A source that was just made; its secret is not shown again.
#[derive(Serialize, ToSchema)]
pub struct NewForeignSource {
    /// Its name, which is the MQTT user name.
    name: String,
    /// The password: 64 hexadecimal digits.
    secret: String,
    /// What devices connect to.
    mqtt_url: String,
}

/// A foreign source.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ForeignSource)]
pub struct ForeignSourceView {
    /// Its name, which is the MQTT user name.
    name: String,
    /// Its lab.
    lab: NodeView,
    /// The topic filters it may send to.
    filters: Vec<String>,
    /// When it was made.
    created_at: Zoned,
    /// When its last message came; null: none since the gateway started.
    last_seen: Option<Zoned>,
    /// Messages since the gateway started.
    messages: u64,
    /// Whether its last message came at QoS 0: then what is lost on the way is lost. Null: no message
    /// since the gateway started.
    at_most_once: Option<bool>,
    /// The last time that one of its devices was turned away by the embedded broker; null: never
    /// since the gateway started.
    denied: Option<DeniedView>,
}

/// That a device was turned away, whose user name this is.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Denied)]
pub(super) struct DeniedView {
    /// When it was last.
    at: Zoned,
    /// How often since the gateway started.
    count: u64,
    /// Why it was last: `credential` (the secret is not its own), `client_id` (it is an agent's, or
    /// another user has it), `last_will`, `topic` or `subscription` (outside its own).
    why: &'static str,
    /// The topic or filter that was not its own, at most 128 characters.
    topic: Option<String>,
}

impl DeniedView {
    /// Returns what is known of an agent or a source of this name.
    pub(super) fn of(state: &HttpState, name: &SourceName) -> Option<Self> {
        let denial = state.telemetry().denial(name)?;
        Some(Self {
            at: Zoned(denial.at, ZONE),
            count: denial.count,
            why: denial.why.as_str(),
            topic: denial.topic,
        })
    }
}

/// Makes a foreign source for a lab that the caller manages.
#[utoipa::path(post, path = "/api/v1/sources", tag = "settings", request_body = SourceRequest,
    responses((status = 201, body = NewForeignSource),
        (status = 409, description = "wrong-state: the name or a topic is in use")))]
pub(super) async fn create(
    State(state): State<HttpState>,
    who: SignedIn,
    Body(asked): Body<SourceRequest>,
) -> Result<Created<Json<NewForeignSource>>, Problem> {
    let directory = state.directory().load_full();
    let lab = managed_lab(&directory, &who.caller, asked.lab)?;
    let name = SourceName::parse(&asked.name)
        .map_err(|error| Problem::field("name", &error.to_string()))?;
    if RESERVED.contains(&name.as_str()) || name.as_str().starts_with(RESIDENT_PREFIX) {
        let message = "this name is the gateway's own: choose another one";
        return Err(Problem::field("name", message));
    }
    let filters = filters(&asked.filters)?;
    refuse_wide(&directory, &who.caller, lab, &filters)?;
    refuse_taken(&directory, lab, &name, &filters)?;
    let secret = new_secret();
    let source = ForeignSource {
        name: name.clone(),
        lab,
        secret: SecretHash::of(&secret),
        filters,
        created_at: state.clock().now(),
    };
    made(state.desk().edit(RegistryEdit::AddSource(source)).await?)?;
    let body = NewForeignSource {
        name: name.as_str().to_owned(),
        secret,
        mqtt_url: state.site().mqtt_url.clone(),
    };
    Ok(Created(format!("/api/v1/sources/{name}"), Json(body)))
}

/// Returns the lab with this number if the caller manages it.
pub(super) fn managed_lab(
    directory: &Directory,
    caller: &Caller,
    lab: i64,
) -> Result<NodeId, Problem> {
    let lab = directory.nodes.get(&NodeId::new(lab));
    let lab = lab.filter(|node: &&Node| node.kind == NodeKind::Lab);
    let lab = lab.ok_or_else(|| Problem::field("lab", "no such lab"))?;
    caller.demand(directory, Right::ManageInstruments, lab.id)?;
    Ok(lab.id)
}

fn filters(texts: &[String]) -> Result<Vec<TopicFilter>, Problem> {
    if texts.is_empty() || texts.len() > FILTERS_MAX {
        return Err(Problem::field("filters", "expected 1 to 16 topic filters"));
    }
    let parsed = texts.iter().enumerate().map(|(place, text)| {
        let field = format!("filters[{place}]");
        TopicFilter::parse(text).map_err(|fault| Problem::field(&field, &fault.to_string()))
    });
    parsed.collect()
}

/// Refuses filters that would take every device of a make for one lab, unless the caller manages the
/// whole region.
fn refuse_wide(
    directory: &Directory,
    caller: &Caller,
    lab: NodeId,
    filters: &[TopicFilter],
) -> Result<(), Problem> {
    let region = directory.node_above(lab, NodeKind::Region);
    if region.is_some_and(|region| caller.may(directory, Right::ManageInstruments, region.id)) {
        return Ok(());
    }
    let Some(place) = filters.iter().position(TopicFilter::is_wide) else {
        return Ok(());
    };
    let message = "too wide: it takes in other labs' devices of this make. Give yours a prefix, such as \
                   lab-4/tele/# with Tasmota's FullTopic lab-4/%prefix%/%topic%/, or name a group, such as \
                   spBv1.0/lab-4/#";
    Err(Problem::field(&format!("filters[{place}]"), message))
}

/// Says what of a new source is in use already.
fn refuse_taken(
    directory: &Directory,
    lab: NodeId,
    name: &SourceName,
    filters: &[TopicFilter],
) -> Result<(), Problem> {
    if directory.sources.contains_key(name) || directory.agents.contains_key(name.as_agent()) {
        let detail = Said::new(
            format!("名称 {name} 已被使用"),
            format!("The name {name} is in use"),
        );
        return Err(Problem::wrong_state(detail));
    }
    let sources = directory.sources.values();
    if sources.filter(|source| source.lab == lab).count() >= SOURCES_OF_LAB_MAX {
        let detail = Said::new(
            format!("每个实验室最多 {SOURCES_OF_LAB_MAX} 个外部来源，请先撤销不用的"),
            format!("A lab has at most {SOURCES_OF_LAB_MAX} foreign sources: revoke one first"),
        );
        return Err(Problem::wrong_state(detail));
    }
    let others = directory.sources.values().filter(|other| other.lab != lab);
    let others: Vec<&TopicFilter> = others.flat_map(|other| &other.filters).collect();
    let taken = filters
        .iter()
        .find(|own| others.iter().any(|other| own.overlaps(other)));
    match taken {
        None => Ok(()),
        Some(filter) => Err(Problem::wrong_state(Said::new(
            format!(
                "主题 {filter} 与另一个实验室的主题重叠；请让设备使用自己的前缀，例如 lab-7/tele"
            ),
            format!(
                "The topics {filter} overlap with another lab's: give the devices a prefix of \
                 their own, such as lab-7/tele"
            ),
        ))),
    }
}

/// Lists the foreign sources of labs that the caller manages or audits.
#[utoipa::path(get, path = "/api/v1/sources", tag = "settings",
    responses((status = 200, body = Whole<ForeignSourceView>)))]
pub(super) async fn list(
    State(state): State<HttpState>,
    who: SignedIn,
) -> Result<Json<Whole<ForeignSourceView>>, Problem> {
    let directory = state.directory().load_full();
    let labs = seen_labs(&directory, &who)?;
    let seen = directory.sources.values();
    let mut seen: Vec<&ForeignSource> = seen.filter(|source| labs(source.lab)).collect();
    seen.sort_unstable_by(|a, b| a.name.cmp(&b.name));
    let items = seen.into_iter();
    let items = items.map(|source| view(&state, &directory, source));
    Ok(Json(Whole {
        items: items.collect(),
    }))
}

/// Returns whether the caller may see a lab's sources: who manages or audits some lab.
pub(super) fn seen_labs<'d>(
    directory: &'d Arc<Directory>,
    who: &SignedIn,
) -> Result<impl Fn(NodeId) -> bool + use<'d>, Problem> {
    let member = who.member;
    let rights = [Right::ManageInstruments, Right::Account];
    if !rights
        .into_iter()
        .any(|right| directory.may_somewhere(member, right))
    {
        return Err(Problem::new(ProblemType::NotAllowed));
    }
    Ok(move |lab| {
        rights
            .into_iter()
            .any(|right| directory.may(member, right, lab))
    })
}

fn view(state: &HttpState, directory: &Directory, source: &ForeignSource) -> ForeignSourceView {
    let seen = state.telemetry().source(&source.name);
    let filters = source.filters.iter().map(ToString::to_string);
    ForeignSourceView {
        name: source.name.as_str().to_owned(),
        lab: NodeView::above(directory, source.lab, NodeKind::Lab),
        filters: filters.collect(),
        created_at: Zoned(source.created_at, ZONE),
        last_seen: seen.map(|seen| Zoned(seen.last_seen, ZONE)),
        messages: seen.map_or(0, |seen| seen.messages),
        at_most_once: seen.map(|seen| seen.is_at_most_once),
        denied: DeniedView::of(state, &source.name),
    }
}

/// Returns the source of the address if the caller manages its lab. Who may not see it is not told
/// that it exists.
pub(super) fn managed<'d>(
    directory: &'d Directory,
    caller: &Caller,
    name: &str,
) -> Result<&'d ForeignSource, Problem> {
    let name = SourceName::parse(name).map_err(|_| Problem::not_found())?;
    let source = directory
        .sources
        .get(&name)
        .ok_or_else(Problem::not_found)?;
    demand_lab(directory, caller, source.lab)?;
    Ok(source)
}

/// Demands that the caller manages the lab of something hidden from others.
pub(super) fn demand_lab(
    directory: &Directory,
    caller: &Caller,
    lab: NodeId,
) -> Result<(), Problem> {
    if caller.may(directory, Right::ManageInstruments, lab) {
        return Ok(());
    }
    Err(if caller.may(directory, Right::Account, lab) {
        Problem::new(ProblemType::NotAllowed)
    } else {
        Problem::not_found()
    })
}

/// Revokes a source's credential and ends the sessions of its devices within two seconds. What its
/// mappings are stays.
#[utoipa::path(delete, path = "/api/v1/sources/{name}", tag = "settings",
    params(("name" = String, Path, description = "The source's name")),
    responses((status = 204, description = "Revoked")))]
pub(super) async fn revoke(
    State(state): State<HttpState>,
    who: SignedIn,
    Name(name): Name,
) -> Result<StatusCode, Problem> {
    let directory = state.directory().load_full();
    let name = managed(&directory, &who.caller, &name)?.name.clone();
    made(state.desk().edit(RegistryEdit::RemoveSource(name)).await?)?;
    Ok(StatusCode::NO_CONTENT)
}
