//! People, their roles on the tree, and what a role may do.

use scheduler::id::{MemberId, NodeId};
use scheduler::refusal::Overrider;
use scheduler::time::Micros;

use super::{Names, NodeKind};

/// What somebody is at a node and everything below it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Role {
    /// 科研人员: books.
    Researcher,
    /// 仪器管理员: runs the instruments of a lab.
    Manager,
    /// 分中心管理员.
    CentreAdmin,
    /// 区域管理员.
    RegionAdmin,
    /// 审计员: reads everything, changes nothing.
    Auditor,
}

/// What a call needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Right {
    /// Book published instruments.
    Book,
    /// Register and edit instruments, their rules, agents and outages; see their bookings.
    ManageInstruments,
    /// Edit rules of a node above a lab.
    ManageNode,
    /// See utilisation and everybody's bookings.
    Account,
}

impl Role {
    /// Every role.
    pub const ALL: [Self; 5] = [
        Self::Researcher,
        Self::Manager,
        Self::CentreAdmin,
        Self::RegionAdmin,
        Self::Auditor,
    ];

    /// Returns the stable text used in the store and the API.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Researcher => "researcher",
            Self::Manager => "manager",
            Self::CentreAdmin => "centre_admin",
            Self::RegionAdmin => "region_admin",
            Self::Auditor => "auditor",
        }
    }

    /// Parses the stable text.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|role| role.as_str() == text)
    }

    /// Returns true if who has this role may give the other one, at the same node or below: never
    /// one above the own.
    #[must_use]
    pub fn may_give(self, other: Self) -> bool {
        match self {
            Self::RegionAdmin => true,
            Self::CentreAdmin => other != Self::RegionAdmin,
            Self::Researcher | Self::Manager | Self::Auditor => false,
        }
    }

    /// Returns true if the role makes sense at a kind of node.
    #[must_use]
    pub fn fits(self, kind: NodeKind) -> bool {
        match self {
            Self::RegionAdmin => kind == NodeKind::Region,
            Self::CentreAdmin => matches!(kind, NodeKind::Centre | NodeKind::Institution),
            Self::Researcher | Self::Manager | Self::Auditor => true,
        }
    }

    /// Returns in whose authority the role sets rules aside, on its node and below.
    #[must_use]
    pub fn overrides_as(self) -> Option<Overrider> {
        match self {
            Self::Manager => Some(Overrider::Manager),
            Self::CentreAdmin => Some(Overrider::CentreAdmin),
            Self::RegionAdmin => Some(Overrider::RegionAdmin),
            Self::Researcher | Self::Auditor => None,
        }
    }

    /// Returns true if the role gives the right, on its node and below.
    #[must_use]
    pub fn gives(self, right: Right) -> bool {
        match right {
            Right::Book => self != Self::Auditor,
            Right::ManageInstruments => {
                matches!(self, Self::Manager | Self::CentreAdmin | Self::RegionAdmin)
            }
            Right::ManageNode => matches!(self, Self::CentreAdmin | Self::RegionAdmin),
            Right::Account => {
                matches!(self, Self::CentreAdmin | Self::RegionAdmin | Self::Auditor)
            }
        }
    }
}

/// A role at a node.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RoleOn {
    /// What.
    pub role: Role,
    /// Where; it holds below too.
    pub node: NodeId,
}

/// A person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Member {
    /// Identity.
    pub id: MemberId,
    /// The name to sign in with.
    pub login: String,
    /// What others see.
    pub display: Names,
    /// argon2id, in PHC string form.
    pub password_hash: String,
    /// Roles.
    pub roles: Vec<RoleOn>,
    /// False for leavers: cannot sign in, tokens do not work.
    pub active: bool,
    /// Counts edits, from 1; the `ETag`.
    pub version: i64,
}

/// An API token; its text is known only to its owner.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TokenEntry {
    /// Identity.
    pub id: i64,
    /// Whose.
    pub member: MemberId,
    /// What the owner calls it.
    pub name: String,
    /// When it was made.
    pub created_at: Micros,
    /// When it ends.
    pub expires_at: Micros,
    /// Whether it lets a program look only.
    pub read_only: bool,
}
