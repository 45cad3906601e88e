//! Qualifications: granted by labs, used with each booking that needed one.

use std::sync::Arc;

use scheduler::id::{InstrumentId, MemberId, NodeId};
use scheduler::time::Micros;

use super::group::Group;
use super::record::{EventKind, Qualification};

/// Qualifications of one member.
const OF_MEMBER_MAX: usize = 200;

/// Grants a qualification, or renews the one of the same member, name and lab.
#[derive(Debug, Clone)]
pub struct Grant {
    /// Whose.
    pub member: MemberId,
    /// Which, as a rule names it.
    pub name: String,
    /// The lab that grants it.
    pub lab: NodeId,
    /// Who grants it.
    pub by: MemberId,
    /// From then on it no longer counts.
    pub expires_at: Option<Micros>,
}

/// What became of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum GrantOutcome {
    /// It is granted.
    Granted(Arc<Qualification>),
    /// The member has as many as one may have.
    TooMany,
    /// There is no such member or lab.
    NotFound,
}

/// Takes a qualification back. The outcome is false when there is none.
#[derive(Debug, Clone)]
pub struct Revoke {
    /// Which.
    pub qualification: i64,
}

impl Group<'_> {
    pub(super) fn grant(&mut self, asked: &Grant) -> GrantOutcome {
        let is_active = self
            .directory
            .members
            .get(&asked.member)
            .is_some_and(|member| member.active);
        if !is_active || !self.directory.nodes.contains_key(&asked.lab) {
            return GrantOutcome::NotFound;
        }
        let now = self.now;
        let qualifications = &mut self.writes.ledger.qualifications;
        let of_member = qualifications
            .iter()
            .filter(|held| held.member == asked.member);
        let (mut count, mut same) = (0, None);
        for held in of_member {
            count += 1;
            if held.name == asked.name && held.lab == asked.lab {
                same = Some(Arc::clone(held));
            }
        }
        if same.is_none() && count >= OF_MEMBER_MAX {
            return GrantOutcome::TooMany;
        }
        let id = same
            .as_ref()
            .map_or_else(|| qualifications.next_id(), |held| held.id);
        let granted = Arc::new(Qualification {
            id,
            member: asked.member,
            name: asked.name.clone(),
            lab: asked.lab,
            granted_by: asked.by,
            granted_at: now,
            expires_at: asked.expires_at,
            last_use_at: same.and_then(|held| held.last_use_at),
        });
        qualifications.put(Arc::clone(&granted));
        self.note(EventKind::Registry, None, None);
        GrantOutcome::Granted(granted)
    }

    pub(super) fn revoke(&mut self, asked: &Revoke) -> bool {
        let gone = self
            .writes
            .ledger
            .qualifications
            .remove(asked.qualification);
        if gone.is_some() {
            self.note(EventKind::Registry, None, None);
        }
        gone.is_some()
    }

    /// Notes that a member used an instrument: the qualifications that its lab, or a node above,
    /// has granted were used then. One that is older stays as it is.
    pub(super) fn note_use(&mut self, member: MemberId, instrument: InstrumentId, at: Micros) {
        let directory = self.directory;
        let Some(instrument) = directory.instruments.get(&instrument) else {
            return;
        };
        let above = |lab| {
            directory
                .ancestors(instrument.lab)
                .any(|node| node.id == lab)
        };
        let qualifications = &mut self.writes.ledger.qualifications;
        let used: Vec<Arc<Qualification>> = qualifications
            .iter()
            .filter(|held| held.member == member && above(held.lab))
            .filter(|held| held.last_use_at.is_none_or(|last| last < at))
            .cloned()
            .collect();
        for held in used {
            qualifications.put(Arc::new(Qualification {
                last_use_at: Some(at),
                ..Qualification::clone(&held)
            }));
        }
    }
}
