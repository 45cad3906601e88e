//! Telling people: a notice a person and event, in the same transaction as what it tells.

use std::sync::Arc;

use scheduler::id::{InstrumentId, MemberId, NodeId};
use scheduler::slot::Slot;

use super::group::Group;
use super::record::{Booking, Notice, NoticeKind};
use crate::registry::Role;

/// Notices of one member that are kept in memory; the oldest go first.
const KEPT_MAX: usize = 200;

/// Marks a member's notices as seen, up to one of them. The outcome is how many were new.
#[derive(Debug, Clone, Copy)]
pub struct SeeNotices {
    /// Whose.
    pub member: MemberId,
    /// The newest that was seen.
    pub up_to: i64,
}

/// What a notice is about.
#[derive(Debug, Clone)]
pub(super) struct About {
    pub(super) kind: NoticeKind,
    pub(super) instrument: InstrumentId,
    pub(super) booking: Option<scheduler::id::BookingId>,
    pub(super) slot: Option<Slot>,
    pub(super) words: String,
}

impl Group<'_> {
    pub(super) fn see_notices(&mut self, asked: &SeeNotices) -> usize {
        let now = self.now;
        let ledger = &mut self.writes.ledger;
        let unseen: Vec<Arc<Notice>> = ledger
            .notices_of(asked.member)
            .take_while(|notice| notice.id <= asked.up_to)
            .filter(|notice| notice.seen_at.is_none())
            .cloned()
            .collect();
        for notice in &unseen {
            ledger.put_notice(Notice {
                seen_at: Some(now),
                ..Notice::clone(notice)
            });
        }
        unseen.len()
    }

    /// Tells a member about a booking.
    pub(super) fn tell(&mut self, member: MemberId, kind: NoticeKind, booking: &Booking) {
        let about = About {
            kind,
            instrument: booking.instrument,
            booking: Some(booking.id),
            slot: Some(booking.slot),
            words: String::new(),
        };
        self.tell_about(member, about);
    }

    /// Tells a member something.
    pub(super) fn tell_about(&mut self, member: MemberId, about: About) {
        let About {
            kind,
            instrument,
            booking,
            slot,
            words,
        } = about;
        let ledger = &mut self.writes.ledger;
        let held: Vec<Arc<Notice>> = ledger.notices_of(member).cloned().collect();
        let over = held.len().saturating_sub(KEPT_MAX - 1);
        for old in held.iter().take(over) {
            ledger.forget_notice(old);
        }
        let notice = Notice {
            id: ledger.notices.next_id(),
            member,
            kind,
            instrument,
            booking,
            slot,
            words,
            at: self.now,
            seen_at: None,
        };
        ledger.put_notice(notice);
    }

    /// Tells those who run a lab's instruments; at most 20 of them.
    pub(super) fn tell_lab(&mut self, lab: NodeId, about: &About) {
        let managers: Vec<MemberId> = self.managers_of(lab);
        for member in managers.into_iter().take(20) {
            self.tell_about(member, about.clone());
        }
    }

    /// Returns the managers of a lab, by a role at it.
    pub(super) fn managers_of(&self, lab: NodeId) -> Vec<MemberId> {
        let is_manager = |member: &&crate::registry::Member| {
            member.active
                && member
                    .roles
                    .iter()
                    .any(|held| held.role == Role::Manager && held.node == lab)
        };
        let mut managers: Vec<MemberId> = self
            .directory
            .members
            .values()
            .filter(is_manager)
            .map(|member| member.id)
            .collect();
        managers.sort_unstable();
        managers
    }
}
