//! What becomes of a booking once it is known whether somebody came, is there, has left.

use std::sync::Arc;

use scheduler::booking::Cleared;
use scheduler::id::MemberId;
use scheduler::occupancy::Holder;
use scheduler::slot::Slot;
use scheduler::time::{Micros, Span};

use super::group::Group;
use super::presence::Terms;
use super::record::{Booking, Corrected, Correction, EventKind, NoticeKind, PenaltyReason};

/// What is learned later than this after a slot is no news to anybody.
pub(super) const NEWS: Span = Span::days(1);

impl Group<'_> {
    /// Takes it that a booking is used since a moment, or was.
    pub(super) fn mark_used(&mut self, held: &Booking, at: Micros) {
        let Ok(status) = held.status.mark_used(held.slot, self.now) else {
            return;
        };
        let is_over = held.slot.end() <= self.now;
        let finished_at = if is_over {
            held.slot.end().into()
        } else {
            held.finished_at
        };
        self.put_changed(Booking {
            status,
            began_at: at.into(),
            finished_at,
            ..held.clone()
        });
        if is_over {
            self.note_use(held.member, held.instrument, held.slot.end());
        }
    }

    /// Ends a booking's use. Its rest from a moment on is free; at the end of the slot there is none.
    pub(super) fn finish(&mut self, held: &Booking, free_from: Micros) {
        let Ok(status) = held.status.finish() else {
            return;
        };
        let finished_at = free_from.min(held.slot.end());
        self.put_changed(Booking {
            status,
            finished_at: finished_at.into(),
            ..held.clone()
        });
        self.release_rest(held, finished_at);
        self.note_use(held.member, held.instrument, finished_at);
    }

    /// Marks that nobody came: the rest is free from now on.
    pub(super) fn mark_no_show(&mut self, held: &Booking, terms: &Terms) {
        let now = self.now;
        let Ok(status) = held.status.mark_no_show(held.slot, terms.rule.grace, now) else {
            return;
        };
        let finished_at = now.min(held.slot.end());
        self.put_changed(Booking {
            status,
            finished_at: finished_at.into(),
            ..held.clone()
        });
        self.release_rest(held, finished_at);
        self.tell_news(NoticeKind::NoShow, held);
        if let Some(points) = terms.no_show_points {
            self.punish(held, PenaltyReason::NoShow, points);
        }
    }

    /// Marks that it cannot be known whether somebody came. Nothing is released.
    pub(super) fn mark_unverified(&mut self, held: &Booking, terms: &Terms) {
        let now = self.now;
        let grace = terms.rule.grace;
        let Ok(status) = held.status.mark_unverified(held.slot, grace, now) else {
            return;
        };
        self.put_changed(Booking {
            status,
            ..held.clone()
        });
        // Where nothing was to tell of use, that nothing did is no news.
        if terms.rule.telemetry_proves || terms.rule.check_in_required {
            self.tell_news(NoticeKind::Unverified, held);
        }
    }

    /// Clears a no-show: later readings, or somebody who settles a run, show that the machine had run.
    /// What was released stays released; what nobody took of it counts as the member's again.
    pub(super) fn clear_no_show(
        &mut self,
        held: &Booking,
        at: Micros,
        (by, reason): (Option<MemberId>, &str),
    ) {
        let Ok(status) = held.status.clear(Cleared::Machine) else {
            return;
        };
        let finished_at = self.taken_from(held).unwrap_or(held.slot.end());
        self.put_changed(Booking {
            status,
            began_at: at.into(),
            finished_at: finished_at.into(),
            ..held.clone()
        });
        let correction = Correction {
            id: self.writes.ledger.corrections.next_id(),
            subject: Corrected::Booking,
            subject_id: held.id.get(),
            by,
            at: self.now,
            reason: reason.to_owned(),
            before: serde_json::json!({ "status": held.status.as_str() }),
            after: serde_json::json!({ "status": status.as_str() }),
        };
        self.writes.ledger.corrections.put(Arc::new(correction));
        // Also when the day is long over: it was held against its member until now.
        self.tell(held.member, NoticeKind::NoShowCleared, held);
        self.lift(held.id, PenaltyReason::NoShow);
    }

    /// Returns when somebody else took what a booking had left, if anybody did.
    pub(super) fn taken_from(&mut self, booking: &Booking) -> Option<Micros> {
        let (own, slot) = (Holder::Booking(booking.id), booking.slot);
        let released = booking.finished_at.get().unwrap_or(slot.end());
        let rest = Slot::new(released, slot.end())?;
        let claims = self.held(booking.instrument)?.occupancy.within(rest);
        let others = claims.iter().filter(|claim| claim.holder != own);
        let starts = others.map(|claim| claim.slot.start().max(released));
        starts.min()
    }

    fn put_changed(&mut self, changed: Booking) {
        let version = changed.version + 1;
        let changed = Booking { version, ..changed };
        self.put_booking(Arc::new(changed), EventKind::Changed);
    }

    /// Lets others have what a booking claims from a moment on, if that is before its end.
    pub(super) fn release_rest(&mut self, booking: &Booking, from: Micros) {
        if booking.slot.end() <= from {
            return;
        }
        let holder = Holder::Booking(booking.id);
        let mut freed = None;
        for claim in self.release(booking.instrument, holder) {
            let (start, end) = (claim.slot.start(), claim.slot.end());
            if let Some(past) = Slot::new(start, end.min(from)) {
                self.claim(booking.instrument, claim.lane, past, holder);
            }
            freed = Slot::new(start.max(from), end);
        }
        self.settle_outages(booking.instrument);
        if let Some(freed) = freed {
            self.offer_freed(booking.instrument, freed);
        }
    }

    /// Tells a booking's member, unless its slot is over since long.
    pub(super) fn tell_news(&mut self, kind: NoticeKind, booking: &Booking) {
        if self.now.saturating_sub(NEWS) < booking.slot.end() {
            self.tell(booking.member, kind, booking);
        }
    }
}
