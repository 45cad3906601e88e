//! Edits of people and of the tree.

use scheduler::id::{MemberId, NodeId};

use super::Planned;
use crate::booking::command::RegistryOutcome;
use crate::registry::{Directory, Member, Node, NodeKind, Role};
use crate::store::Edit;

impl Planned {
    pub(super) fn add_member(&mut self, mut member: Member) -> Result<(), RegistryOutcome> {
        if self.directory.by_login.contains_key(&member.login) {
            return Err(RegistryOutcome::Taken);
        }
        self.next.member += 1;
        self.number = self.next.member;
        member.id = MemberId::new(self.number);
        member.version = 1;
        self.edits.push(Edit::PutMember(member.clone()));
        self.directory.put_member(member);
        Ok(())
    }

    /// Replaces a person. A new password signs out whoever signed in with the old one. The last
    /// administrator of the region stays: nobody could make another one.
    pub(super) fn replace_member(&mut self, member: Member) -> Result<(), RegistryOutcome> {
        let held = self.directory.members.get(&member.id);
        let held = held.ok_or(RegistryOutcome::NotFound)?;
        if held.version + 1 != member.version {
            return Err(RegistryOutcome::Stale);
        }
        let id = member.id;
        if held.login != member.login {
            if self.directory.by_login.contains_key(&member.login) {
                return Err(RegistryOutcome::Taken);
            }
            let login = held.login.clone();
            self.directory.by_login.remove(&login);
        }
        let held = self.directory.members.get(&id);
        let is_new_password = held.is_none_or(|held| held.password_hash != member.password_hash);
        let had_admin = has_admin(&self.directory);
        self.number = member.version;
        self.edits.push(Edit::PutMember(member.clone()));
        if is_new_password || !member.active {
            self.edits.push(Edit::DropSessionsOf(id));
            self.signed_out = Some(id);
        }
        self.directory.put_member(member);
        if had_admin && !has_admin(&self.directory) {
            return Err(RegistryOutcome::InUse);
        }
        Ok(())
    }

    /// Adds a node. There is one region, and every other node is one step below its parent.
    pub(super) fn add_node(&mut self, mut node: Node) -> Result<(), RegistryOutcome> {
        let mut nodes = self.directory.nodes.values();
        if node.kind == NodeKind::Region && nodes.any(|held| held.kind == NodeKind::Region) {
            return Err(RegistryOutcome::Taken);
        }
        let parent = node.parent.map(|parent| self.directory.nodes.get(&parent));
        let fits = match parent {
            None => node.kind == NodeKind::Region,
            Some(parent) => parent.is_some_and(|parent| parent.kind.below() == Some(node.kind)),
        };
        if !fits {
            return Err(RegistryOutcome::NotFound);
        }
        self.next.node += 1;
        self.number = self.next.node;
        node.id = NodeId::new(self.number);
        node.version = 1;
        self.edits.push(Edit::PutNode(node.clone()));
        self.directory.nodes.insert(node.id, node);
        Ok(())
    }

    /// Replaces a node; its kind and its place in the tree stay.
    pub(super) fn replace_node(&mut self, node: Node) -> Result<(), RegistryOutcome> {
        let held = self.directory.nodes.get(&node.id);
        let held = held.ok_or(RegistryOutcome::NotFound)?;
        if held.version + 1 != node.version {
            return Err(RegistryOutcome::Stale);
        }
        let node = Node {
            parent: held.parent,
            kind: held.kind,
            ..node
        };
        self.number = node.version;
        self.edits.push(Edit::PutNode(node.clone()));
        self.directory.nodes.insert(node.id, node);
        Ok(())
    }
}

/// Returns true if somebody can administer the whole region.
fn has_admin(directory: &Directory) -> bool {
    let mut members = directory.members.values();
    members.any(|member| {
        let mut roles = member.roles.iter();
        member.active && roles.any(|held| held.role == Role::RegionAdmin)
    })
}
