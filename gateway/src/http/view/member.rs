//! A person as the person itself sees it.

use serde::Serialize;
use utoipa::ToSchema;

use super::NodeView;
use crate::registry::{Directory, Member};

/// A member with roles.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Member)]
pub struct MemberView {
    /// Identity.
    pub id: i64,
    /// The name to sign in with.
    pub login: String,
    /// What others see, Chinese.
    pub display_name: String,
    /// What others see, English.
    pub display_name_en: String,
    /// Roles; each holds on its node and everything below.
    pub roles: Vec<RoleView>,
}

/// A role on a node.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = RoleOn)]
pub struct RoleView {
    /// `researcher`, `manager`, `centre_admin`, `region_admin` or `auditor`.
    pub role: &'static str,
    /// Where.
    pub node: NodeView,
}

impl MemberView {
    /// Returns the view of a member.
    #[must_use]
    pub fn of(directory: &Directory, member: &Member) -> Self {
        let roles = member.roles.iter().filter_map(|held| {
            let node = directory.nodes.get(&held.node)?;
            Some(RoleView {
                role: held.role.as_str(),
                node: NodeView::of(node),
            })
        });
        Self {
            id: member.id.get(),
            login: member.login.clone(),
            display_name: member.display.zh.clone(),
            display_name_en: member.display.en.clone(),
            roles: roles.collect(),
        }
    }
}
