//! Projects: made and edited by their institution, named by those who book for them.

use std::sync::Arc;

use scheduler::id::{MemberId, ProjectId};

use super::group::Group;
use super::record::{EventKind, Project};
use crate::registry::{Directory, NodeKind};

/// Projects in all; more than a region has in decades.
const PROJECTS_MAX: usize = 100_000;

/// Makes a project or replaces one. The caller has checked that the texts are within their bounds.
#[derive(Debug, Clone)]
pub struct SaveProject {
    /// The project; identity 0 makes a new one. The desk gives the version.
    pub project: Project,
    /// Only if it still has this version.
    pub expected_version: Option<i64>,
}

/// What became of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ProjectOutcome {
    /// It is kept.
    Saved(Arc<Project>),
    /// It has another version by now.
    Stale,
    /// Another project has this code.
    CodeTaken,
    /// There are as many as there may be.
    TooMany,
    /// There is no such project, institution or member.
    NotFound,
}

impl Project {
    /// Returns true if a member may book for it: one of its members or, where none are named,
    /// anybody of its institution. Deliberately not here: its time, its budget, whether it is
    /// closed; rules judge those.
    #[must_use]
    pub fn admits(&self, directory: &Directory, member: MemberId) -> bool {
        if self.members.is_empty() {
            return directory
                .institutions_of(member)
                .contains(&self.institution);
        }
        self.members.contains(&member)
    }
}

impl Group<'_> {
    pub(super) fn save_project(&mut self, asked: &SaveProject) -> ProjectOutcome {
        let wanted = &asked.project;
        let projects = &self.writes.ledger.projects;
        let held = projects.get(wanted.id.get());
        let is_new = wanted.id.get() == 0;
        if !is_new && held.is_none() {
            return ProjectOutcome::NotFound;
        }
        let version = held.map_or(0, |held| held.version);
        if asked
            .expected_version
            .is_some_and(|expected| expected != version)
        {
            return ProjectOutcome::Stale;
        }
        if is_new && projects.len() >= PROJECTS_MAX {
            return ProjectOutcome::TooMany;
        }
        let institution = self.directory.nodes.get(&wanted.institution);
        let is_known = |member| self.directory.members.contains_key(member);
        if institution.is_none_or(|node| node.kind != NodeKind::Institution)
            || !wanted.members.iter().all(is_known)
        {
            return ProjectOutcome::NotFound;
        }
        let is_taken = |other: &Arc<Project>| other.code == wanted.code && other.id != wanted.id;
        if projects.iter().any(is_taken) {
            return ProjectOutcome::CodeTaken;
        }
        let id = if is_new {
            ProjectId::new(self.writes.ledger.projects.next_id())
        } else {
            wanted.id
        };
        let saved = Arc::new(Project {
            id,
            version: version + 1,
            ..wanted.clone()
        });
        self.writes.ledger.projects.put(Arc::clone(&saved));
        self.note(EventKind::Registry, None, None);
        ProjectOutcome::Saved(saved)
    }
}
