//! Points in a group: given for a booking, appealed against once, taken back.

use std::sync::Arc;

use scheduler::booking::Cleared;
use scheduler::id::{BookingId, MemberId};
use scheduler::penalty;
use scheduler::time::Span;

use super::group::Group;
use super::notices::About;
use super::record::{Appeal, AppealState, Booking, EventKind, NoticeKind, Penalty, PenaltyReason};

/// How long after points were given one may appeal.
const APPEAL_WITHIN: Span = Span::days(30);

/// Most points for one booking.
const POINTS_MAX: u32 = 1_000;

/// Appeals against points.
#[derive(Debug, Clone)]
pub struct LodgeAppeal {
    /// Against which.
    pub penalty: i64,
    /// Who appeals: only who got them may.
    pub member: MemberId,
    /// What the member says; 1 to 2000 characters.
    pub text: String,
}

/// Decides an appeal.
#[derive(Debug, Clone)]
pub struct DecideAppeal {
    /// Which points.
    pub penalty: i64,
    /// Who decides.
    pub by: MemberId,
    /// Whether the points are taken back.
    pub grant: bool,
    /// What is answered; at most 2000 characters.
    pub answer: String,
}

/// What became of an appeal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AppealOutcome {
    /// It is lodged or decided.
    Done(Arc<Penalty>),
    /// 30 days are over.
    TooLate,
    /// There was an appeal already.
    Again,
    /// The points were taken back already.
    Lifted,
    /// There is no appeal to decide, or it was decided.
    NothingToDecide,
    /// There are no such points of this member.
    NotFound,
}

impl Group<'_> {
    /// Gives points for a booking, once for each reason: what was given before is returned. None
    /// are given for 0 points.
    pub(super) fn punish(
        &mut self,
        booking: &Booking,
        reason: PenaltyReason,
        points: u32,
    ) -> Option<Arc<Penalty>> {
        if points == 0 {
            return None;
        }
        let is_same = |held: &&Arc<Penalty>| held.booking == booking.id && held.reason == reason;
        let penalties = &mut self.writes.ledger.penalties;
        if let Some(held) = penalties.iter().rev().find(is_same) {
            return Some(Arc::clone(held));
        }
        let given = Arc::new(Penalty {
            id: penalties.next_id(),
            member: booking.member,
            instrument: booking.instrument,
            booking: booking.id,
            reason,
            points: points.min(POINTS_MAX),
            at: self.now,
            lifted: false,
            appeal: None,
        });
        penalties.put(Arc::clone(&given));
        self.note(EventKind::Penalty, Some(given.instrument), Some(given.id));
        Some(given)
    }

    /// Takes back what was given for a booking and a reason, because later readings showed use.
    /// An appeal that is still open has thereby been granted.
    pub(super) fn lift(&mut self, booking: BookingId, reason: PenaltyReason) {
        let penalties = &mut self.writes.ledger.penalties;
        let given: Vec<Arc<Penalty>> = penalties
            .iter()
            .filter(|held| held.booking == booking && held.reason == reason && !held.lifted)
            .cloned()
            .collect();
        for held in given {
            let mut lifted = Penalty::clone(&held);
            lifted.lifted = true;
            if let Some(appeal) = &mut lifted.appeal
                && appeal.state == AppealState::Open
            {
                appeal.state = AppealState::Granted;
                appeal.decided_us = Some(self.now.get());
            }
            self.put_penalty(lifted);
        }
    }

    pub(super) fn lodge_appeal(&mut self, asked: &LodgeAppeal) -> AppealOutcome {
        let held = self.writes.ledger.penalties.get(asked.penalty).cloned();
        let Some(held) = held.filter(|held| held.member == asked.member) else {
            return AppealOutcome::NotFound;
        };
        if held.appeal.is_some() {
            return AppealOutcome::Again;
        }
        if held.lifted {
            return AppealOutcome::Lifted;
        }
        let judged = penalty::Penalty {
            at: held.at,
            points: held.points,
            is_cleared: held.lifted,
        };
        if !penalty::may_appeal(&judged, APPEAL_WITHIN, self.now) {
            return AppealOutcome::TooLate;
        }
        let appeal = Appeal {
            text: asked.text.clone(),
            at_us: self.now.get(),
            state: AppealState::Open,
            decided_by: None,
            answer: String::new(),
            decided_us: None,
        };
        let lodged = self.put_penalty(Penalty {
            appeal: Some(appeal),
            ..Penalty::clone(&held)
        });
        if let Some(instrument) = self.directory.instruments.get(&held.instrument) {
            let about = about(NoticeKind::AppealLodged, &held, &asked.text);
            self.tell_lab(instrument.lab, &about);
        }
        AppealOutcome::Done(lodged)
    }

    pub(super) fn decide_appeal(&mut self, asked: &DecideAppeal) -> AppealOutcome {
        let Some(held) = self.writes.ledger.penalties.get(asked.penalty).cloned() else {
            return AppealOutcome::NotFound;
        };
        let open = held.appeal.as_ref();
        let Some(appeal) = open.filter(|appeal| appeal.state == AppealState::Open) else {
            return AppealOutcome::NothingToDecide;
        };
        let state = if asked.grant {
            AppealState::Granted
        } else {
            AppealState::Rejected
        };
        let decided = self.put_penalty(Penalty {
            lifted: held.lifted || asked.grant,
            appeal: Some(Appeal {
                state,
                decided_by: Some(asked.by.get()),
                answer: asked.answer.clone(),
                decided_us: Some(self.now.get()),
                ..appeal.clone()
            }),
            ..Penalty::clone(&held)
        });
        if asked.grant && held.reason == PenaltyReason::NoShow {
            self.excuse_no_show(held.booking);
        }
        let about = about(NoticeKind::AppealDecided, &held, &asked.answer);
        self.tell_about(held.member, about);
        AppealOutcome::Done(decided)
    }

    /// Nobody is punished for it any more; whether it was used stays unknown.
    fn excuse_no_show(&mut self, id: BookingId) {
        let Some(held) = self.booking(id) else {
            return;
        };
        if let Ok(status) = held.status.clear(Cleared::Appeal) {
            let cleared = Booking {
                status,
                version: held.version + 1,
                ..Booking::clone(&held)
            };
            self.put_booking(Arc::new(cleared), EventKind::Changed);
        }
    }

    fn put_penalty(&mut self, penalty: Penalty) -> Arc<Penalty> {
        let penalty = Arc::new(penalty);
        self.writes.ledger.penalties.put(Arc::clone(&penalty));
        let (instrument, subject) = (Some(penalty.instrument), Some(penalty.id));
        self.note(EventKind::Penalty, instrument, subject);
        penalty
    }
}

fn about(kind: NoticeKind, penalty: &Penalty, words: &str) -> About {
    About {
        kind,
        instrument: penalty.instrument,
        booking: Some(penalty.booking),
        slot: None,
        words: words.chars().take(500).collect(),
    }
}
