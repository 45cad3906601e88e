//! A node where it is mentioned.

use serde::Serialize;
use utoipa::ToSchema;

use crate::registry::{Directory, Node, NodeKind};
use scheduler::id::NodeId;

/// A centre, institution or lab where it is mentioned.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(as = Node)]
pub struct NodeView {
    /// Identity.
    pub id: i64,
    /// Name, Chinese.
    pub name: String,
    /// Name, English.
    pub name_en: String,
}

impl NodeView {
    /// Returns the view of a node.
    #[must_use]
    pub fn of(node: &Node) -> Self {
        Self {
            id: node.id.get(),
            name: node.names.zh.clone(),
            name_en: node.names.en.clone(),
        }
    }

    /// Returns the view of the nearest node of a kind at or above another. A tree without one (it
    /// is being built) shows an empty name.
    #[must_use]
    pub fn above(directory: &Directory, node: NodeId, kind: NodeKind) -> Self {
        let found = directory.node_above(node, kind);
        found.map_or_else(Self::nameless, Self::of)
    }

    /// Returns what is shown where there is no node.
    #[must_use]
    pub fn nameless() -> Self {
        Self {
            id: 0,
            name: String::new(),
            name_en: String::new(),
        }
    }
}
