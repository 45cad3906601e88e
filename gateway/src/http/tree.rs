//! The tree of region, centres, institutions and labs: read, grown, edited.

use axum::extract::State;
use axum::http::HeaderMap;
use scheduler::id::NodeId;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::answer::{Created, Json, Versioned, demanded_version};
use super::body::{Body, Clearable, set};
use super::caller::SignedIn;
use super::path::FoundNode;
use super::place::{degrees, edited};
use super::problem::{Problem, ProblemType};
use super::state::HttpState;
use super::texts::check_line;
use super::tokens::made;
use super::view::Whole;
use crate::booking::RegistryEdit;
use crate::registry::{Directory, Names, Node, NodeKind, Right};
use crate::words::Said;

/// Most characters of a name.
const NAME_CHARACTERS_MAX: usize = 200;

/// Nodes in all.
const NODES_MAX: usize = 20_000;

/// A node of the tree.
#[derive(Debug, Serialize, ToSchema)]
pub struct TreeNode {
    /// Identity.
    id: i64,
    /// `region`, `centre`, `institution` or `lab`.
    kind: &'static str,
    /// The node above; null for the region.
    parent: Option<i64>,
    /// Name, Chinese.
    name: String,
    /// Name, English.
    name_en: String,
    /// Whether it is an enterprise: only institutions are.
    enterprise: bool,
    /// Degrees north, if known.
    latitude: Option<f64>,
    /// Degrees east, if known.
    longitude: Option<f64>,
    /// Counts edits; also the `ETag`.
    version: i64,
}

/// A node to add.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewNode {
    /// The node above: a centre's is the region, an institution's a centre, a lab's an institution.
    parent: i64,
    /// Name, Chinese.
    name: String,
    /// Name, English.
    #[serde(default)]
    name_en: String,
    /// Whether it is an enterprise: only institutions are.
    #[serde(default)]
    enterprise: bool,
    /// Degrees north; with `longitude` or not at all.
    latitude: Option<f64>,
    /// Degrees east.
    longitude: Option<f64>,
}

/// An edit of a node: what is left out stays.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NodeEdit {
    /// The node above it, of the same kind as the present one; for administrators of the region.
    /// Bookings keep the institution and centre of their day.
    parent: Option<i64>,
    /// Name, Chinese.
    name: Option<String>,
    /// Name, English.
    name_en: Option<String>,
    /// Whether it is an enterprise.
    enterprise: Option<bool>,
    /// Degrees north; null clears.
    #[serde(default)]
    #[schema(value_type = Option<f64>)]
    latitude: Clearable<f64>,
    /// Degrees east; null clears.
    #[serde(default)]
    #[schema(value_type = Option<f64>)]
    longitude: Clearable<f64>,
}

/// Returns the whole tree, parents first.
#[utoipa::path(get, path = "/api/v1/nodes", tag = "instruments",
    responses((status = 200, body = Whole<TreeNode>)))]
pub(super) async fn nodes(State(state): State<HttpState>) -> Json<Whole<TreeNode>> {
    let directory = state.directory().load();
    let mut nodes: Vec<&Node> = directory.nodes.values().collect();
    nodes.sort_unstable_by_key(|node| (node.kind, node.id));
    Json(Whole {
        items: nodes.into_iter().map(TreeNode::of).collect(),
    })
}

/// Adds a node below one that the caller administers. Its kind follows from its parent's.
#[utoipa::path(post, path = "/api/v1/nodes", tag = "settings", request_body = NewNode,
    responses((status = 201, body = TreeNode)))]
pub(super) async fn create(
    State(state): State<HttpState>,
    who: SignedIn,
    Body(asked): Body<NewNode>,
) -> Result<Created<Versioned<TreeNode>>, Problem> {
    let directory = state.directory().load_full();
    let wrong = |zh, en| {
        Problem::new(ProblemType::MalformedRequest).and_field("parent", Said::fixed(zh, en))
    };
    let parent = directory.nodes.get(&NodeId::new(asked.parent));
    let parent = parent.ok_or_else(|| wrong("没有这个节点", "no such node"))?;
    who.caller
        .demand(&directory, Right::ManageNode, parent.id)?;
    let kind = parent.kind.below();
    let kind = kind.ok_or_else(|| wrong("实验室之下不再分级", "nothing is below a lab"))?;
    if directory.nodes.len() >= NODES_MAX {
        let detail = Said::fixed(
            "节点数量已达上限",
            "There are as many nodes as there may be",
        );
        return Err(Problem::wrong_state(detail));
    }
    let (north, east) = (
        Clearable::Set(asked.latitude),
        Clearable::Set(asked.longitude),
    );
    let node = Node {
        id: NodeId::new(0),
        parent: Some(parent.id),
        kind,
        names: Names {
            zh: asked.name,
            en: asked.name_en,
        },
        enterprise: asked.enterprise,
        place: edited(None, north, east)?,
        version: 1,
    };
    check(&node)?;
    let id = made(state.desk().edit(RegistryEdit::AddNode(node)).await?)?;
    let place = format!("/api/v1/nodes/{id}");
    let directory = state.directory().load_full();
    Ok(Created(place, view(&directory, NodeId::new(id))?))
}

/// Edits a node that the caller administers; a lab's manager edits the lab.
#[utoipa::path(patch, path = "/api/v1/nodes/{id}", tag = "settings", request_body = NodeEdit,
    params(("id" = i64, Path, description = "The node"),
        ("If-Match" = Option<String>, Header, description = "Only if it has this version")),
    responses((status = 200, body = TreeNode), (status = 409, description = "stale-version")))]
pub(super) async fn edit(
    State(state): State<HttpState>,
    who: SignedIn,
    found: FoundNode,
    headers: HeaderMap,
    Body(asked): Body<NodeEdit>,
) -> Result<Versioned<TreeNode>, Problem> {
    let held = found.node();
    let right = match held.kind {
        NodeKind::Lab => Right::ManageInstruments,
        NodeKind::Region | NodeKind::Centre | NodeKind::Institution => Right::ManageNode,
    };
    who.caller.demand(&found.directory, right, held.id)?;
    if demanded_version(&headers)?.is_some_and(|version| version != held.version) {
        return Err(Problem::new(ProblemType::StaleVersion));
    }
    let mut node = held.clone();
    if let Some(parent) = asked
        .parent
        .filter(|id| held.parent != Some(NodeId::new(*id)))
    {
        node.parent = Some(other_parent(&found.directory, who, held, parent)?);
    }
    set(&mut node.names.zh, asked.name);
    set(&mut node.names.en, asked.name_en);
    set(&mut node.enterprise, asked.enterprise);
    node.place = edited(held.place, asked.latitude, asked.longitude)?;
    node.version += 1;
    check(&node)?;
    let replace = RegistryEdit::ReplaceNode(node, who.member);
    made(state.desk().edit(replace).await?)?;
    view(&state.directory().load_full(), found.id)
}

/// Returns the node that another is moved below, where whoever moves it administers the region.
fn other_parent(
    directory: &Directory,
    who: SignedIn,
    held: &Node,
    parent: i64,
) -> Result<NodeId, Problem> {
    let region = directory.ancestors(held.id).last();
    let region = region.ok_or_else(Problem::not_found)?;
    who.caller.demand(directory, Right::ManageNode, region.id)?;
    let wanted = directory.nodes.get(&NodeId::new(parent));
    let wanted = wanted.filter(|wanted| wanted.kind.below() == Some(held.kind));
    wanted.map(|wanted| wanted.id).ok_or_else(|| {
        let said = Said::fixed(
            "应为上一级节点：实验室属于单位，单位属于分中心，分中心属于区域",
            "expected a node one step above: labs belong to institutions, those to centres, those to the region",
        );
        Problem::new(ProblemType::MalformedRequest).and_field("parent", said)
    })
}

fn check(node: &Node) -> Result<(), Problem> {
    if node.names.zh.trim().is_empty() {
        return Err(Problem::field("name", "must not be empty"));
    }
    check_line("name", &node.names.zh, NAME_CHARACTERS_MAX)?;
    check_line("name_en", &node.names.en, NAME_CHARACTERS_MAX)?;
    if node.enterprise && node.kind != NodeKind::Institution {
        let said = Said::fixed("只有单位可以是企业", "only an institution is an enterprise");
        return Err(Problem::new(ProblemType::MalformedRequest).and_field("enterprise", said));
    }
    Ok(())
}

fn view(directory: &Directory, id: NodeId) -> Result<Versioned<TreeNode>, Problem> {
    let node = directory.nodes.get(&id).ok_or_else(Problem::not_found)?;
    Ok(Versioned {
        version: node.version,
        body: TreeNode::of(node),
    })
}

impl TreeNode {
    fn of(node: &Node) -> Self {
        let (latitude, longitude) = degrees(node.place);
        Self {
            id: node.id.get(),
            kind: node.kind.as_str(),
            parent: node.parent.map(NodeId::get),
            name: node.names.zh.clone(),
            name_en: node.names.en.clone(),
            enterprise: node.enterprise,
            latitude,
            longitude,
            version: node.version,
        }
    }
}
