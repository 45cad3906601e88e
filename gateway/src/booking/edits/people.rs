//! Edits of people and of the tree.

use scheduler::id::{MemberId, NodeId};
use scheduler::time::Micros;

use super::Planned;
use crate::booking::command::{PasswordChange, RegistryOutcome};
use crate::registry::{Directory, Member, Node, NodeKind, NodeMove, Role};
use crate::store::Edit;

impl Planned {
    pub(super) fn add_member(&mut self, mut member: Member) -> Result<(), RegistryOutcome> {
        if self.directory.member_by_login(&member.login).is_some() {
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
            let taken = self.directory.member_by_login(&member.login);
            if taken.is_some_and(|taken| taken.id != id) {
                return Err(RegistryOutcome::Taken);
            }
            self.directory.by_login.retain(|_, held| *held != id);
        }
        let held = self.directory.members.get(&id);
        let is_new_password = held.is_none_or(|held| held.password_hash != member.password_hash);
        let had_admin = has_admin(&self.directory);
        self.number = member.version;
        self.edits.push(Edit::PutMember(member.clone()));
        if is_new_password || !member.active {
            self.edits.push(Edit::DropSessionsOf(id));
            self.signed_out = Some((id, None));
        }
        self.directory.put_member(member);
        if had_admin && !has_admin(&self.directory) {
            return Err(RegistryOutcome::InUse);
        }
        Ok(())
    }

    /// Changes a password that is still the one it was shown to be. What else was edited of its owner
    /// in between stays.
    pub(super) fn change_password(
        &mut self,
        change: PasswordChange,
    ) -> Result<(), RegistryOutcome> {
        let held = self.directory.members.get(&change.member);
        let held = held.ok_or(RegistryOutcome::NotFound)?;
        if held.password_hash != change.held {
            return Err(RegistryOutcome::Stale);
        }
        let member = Member {
            password_hash: change.hash,
            version: held.version + 1,
            ..held.clone()
        };
        self.number = member.version;
        self.edits.push(Edit::PutMember(member.clone()));
        let (id, kept) = (member.id, change.kept);
        self.edits.push(Edit::DropOtherSessions(id, kept));
        self.signed_out = Some((id, Some(kept)));
        self.directory.put_member(member);
        Ok(())
    }

    /// Adds a node. There is one region, and every other node is one step below its parent.
    pub(super) fn add_node(&mut self, mut node: Node) -> Result<(), RegistryOutcome> {
        let mut nodes = self.directory.nodes.values();
        if node.kind == NodeKind::Region && nodes.any(|held| held.kind == NodeKind::Region) {
            return Err(RegistryOutcome::Taken);
        }
        if !self.fits(&node) {
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

    /// Returns whether a node is one step below its parent, or is the region.
    fn fits(&self, node: &Node) -> bool {
        let parent = node.parent.map(|parent| self.directory.nodes.get(&parent));
        match parent {
            None => node.kind == NodeKind::Region,
            Some(parent) => parent.is_some_and(|parent| parent.kind.below() == Some(node.kind)),
        }
    }

    /// Replaces a node; its kind stays. One that goes to another parent leaves a note of where it
    /// was, for what happened there.
    pub(super) fn replace_node(
        &mut self,
        node: Node,
        (by, now): (MemberId, Micros),
    ) -> Result<(), RegistryOutcome> {
        let held = self.directory.nodes.get(&node.id);
        let held = held.ok_or(RegistryOutcome::NotFound)?;
        if held.version + 1 != node.version {
            return Err(RegistryOutcome::Stale);
        }
        let node = Node {
            kind: held.kind,
            ..node
        };
        if !self.fits(&node) {
            return Err(RegistryOutcome::NotFound);
        }
        self.number = node.version;
        self.edits.push(Edit::PutNode(node.clone()));
        if let Some(left) = held.parent.filter(|left| Some(*left) != node.parent) {
            let last = self.directory.node_moves.last();
            let moved = NodeMove {
                id: last.map_or(0, |moved| moved.id) + 1,
                node: node.id,
                left,
                at: now,
                by,
            };
            self.edits.push(Edit::PutMove(moved));
            self.directory.node_moves.push(moved);
        }
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
