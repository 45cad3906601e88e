//! The tree: region, centre, institution, lab.

use scheduler::id::{MemberId, NodeId};
use scheduler::place::Place;
use scheduler::time::Micros;

use super::Names;

/// What a node of the tree is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum NodeKind {
    /// 区域: the root.
    Region,
    /// 分中心.
    Centre,
    /// 单位: a legal entity.
    Institution,
    /// 实验室: instruments belong here.
    Lab,
}

impl NodeKind {
    /// Every kind, from the root down.
    pub const ALL: [Self; 4] = [Self::Region, Self::Centre, Self::Institution, Self::Lab];

    /// Returns the stable text used in the store and the API.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Region => "region",
            Self::Centre => "centre",
            Self::Institution => "institution",
            Self::Lab => "lab",
        }
    }

    /// Parses the stable text.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == text)
    }

    /// Returns the kind of the nodes directly below; none below a lab.
    #[must_use]
    pub fn below(self) -> Option<Self> {
        match self {
            Self::Region => Some(Self::Centre),
            Self::Centre => Some(Self::Institution),
            Self::Institution => Some(Self::Lab),
            Self::Lab => None,
        }
    }
}

/// A node that went to another parent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NodeMove {
    /// Counts moves, from 1.
    pub id: i64,
    /// Which node.
    pub node: NodeId,
    /// The parent that it left.
    pub left: NodeId,
    /// When.
    pub at: Micros,
    /// Who moved it.
    pub by: MemberId,
}

/// A node of the tree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Node {
    /// Its identity.
    pub id: NodeId,
    /// The node above; `None` only for the region.
    pub parent: Option<NodeId>,
    /// What it is.
    pub kind: NodeKind,
    /// Its names.
    pub names: Names,
    /// Whether it is an enterprise: only institutions are.
    pub enterprise: bool,
    /// Where it stands, if known.
    pub place: Option<Place>,
    /// Counts edits, from 1; the `ETag`.
    pub version: i64,
}
