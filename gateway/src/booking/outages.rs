//! Outages in a group: they claim the time that no booking holds, and mark the bookings inside.

use std::sync::Arc;

use scheduler::id::{BookingId, InstrumentId, OutageId, ProblemId};
use scheduler::occupancy::Holder;
use scheduler::slot::Slot;

use super::group::Group;
use super::outage_command::{EndOutage, OpenOutage, OutageOutcome};
use super::record::{Booking, EventKind, Outage};

impl Group<'_> {
    pub(super) fn open_outage(&mut self, open: &OpenOutage) -> OutageOutcome {
        self.open_outage_for(open, None)
    }

    /// Opens an outage, for a problem or without one.
    pub(super) fn open_outage_for(
        &mut self,
        open: &OpenOutage,
        problem: Option<ProblemId>,
    ) -> OutageOutcome {
        if open.slot.end() <= self.now {
            return OutageOutcome::Over;
        }
        if self.held(open.instrument).is_none() {
            return OutageOutcome::NotFound;
        }
        let before = self.as_it_is();
        let freed = match self.choose(open) {
            Ok(freed) => freed,
            Err((booking, fault)) => {
                self.go_back(before);
                return OutageOutcome::CannotChoose(booking, fault);
            }
        };
        let outage = Arc::new(Outage {
            id: self.next_outage(),
            instrument: open.instrument,
            slot: open.slot,
            kind: open.kind,
            reason: open.reason.clone(),
            problem,
            opened_by: open.member,
            created_at: self.now,
            ended_at: None,
        });
        self.writes
            .outages_new
            .insert(outage.id, Arc::clone(&outage));
        if let Some(held) = self.held(open.instrument) {
            held.outages.push(Arc::clone(&outage));
        }
        self.settle_outages(open.instrument);
        let (instrument, subject) = (Some(open.instrument), Some(outage.id.get()));
        self.note(EventKind::OutageOpened, instrument, subject);
        let at_risk = self.at_risk(&outage);
        self.tell_at_risk(&outage, &at_risk);
        for slot in freed {
            self.offer_freed(open.instrument, slot);
        }
        OutageOutcome::Done(outage, at_risk)
    }

    pub(super) fn end_outage(&mut self, end: &EndOutage) -> OutageOutcome {
        let pending = self
            .writes
            .outages_new
            .get(&end.outage)
            .map(|outage| outage.instrument);
        let Some(instrument) = pending.or_else(|| self.shelf.instrument_of(end.outage)) else {
            return OutageOutcome::NotFound;
        };
        let now = self.now;
        let Some(outage) = self
            .held(instrument)
            .and_then(|held| held.outage(end.outage).cloned())
        else {
            return OutageOutcome::NotFound;
        };
        if !outage.is_live(now) {
            return OutageOutcome::Over;
        }
        let ended = Arc::new(Outage {
            ended_at: Some(now),
            ..Outage::clone(&outage)
        });
        match self.writes.outages_new.get_mut(&end.outage) {
            Some(new) => *new = Arc::clone(&ended),
            None => {
                self.writes
                    .outages_changed
                    .insert(end.outage, Arc::clone(&ended));
            }
        }
        if let Some(held) = self.held(instrument) {
            held.outages.retain(|held| held.id != end.outage);
            held.outages.push(Arc::clone(&ended));
        }
        for claim in self.release(instrument, Holder::Outage(end.outage)) {
            // What lies before now was an outage and stays claimed.
            if let Some(past) = Slot::new(claim.slot.start(), claim.slot.end().min(now)) {
                self.claim(instrument, claim.lane, past, claim.holder);
            }
        }
        self.settle_outages(instrument);
        self.note(
            EventKind::OutageEnded,
            Some(instrument),
            Some(end.outage.get()),
        );
        self.offer_freed(instrument, outage.slot);
        OutageOutcome::Done(ended, Vec::new())
    }

    /// Lets every live outage claim what no booking holds, and marks the bookings inside.
    pub(super) fn settle_outages(&mut self, instrument: InstrumentId) {
        let now = self.now;
        let Some(held) = self.held(instrument) else {
            return;
        };
        let live: Vec<Arc<Outage>> = held
            .outages
            .iter()
            .filter(|outage| outage.is_live(now))
            .cloned()
            .collect();
        for outage in &live {
            let gaps = self
                .held(instrument)
                .map(|held| held.occupancy.free_by_lane(outage.slot));
            for (lane, gaps) in (0..).zip(gaps.unwrap_or_default()) {
                for gap in gaps {
                    self.claim(instrument, lane, gap, Holder::Outage(outage.id));
                }
            }
        }
        let Some(held) = self.held(instrument) else {
            return;
        };
        let is_in = |slot: Slot| live.iter().any(|outage| outage.slot.overlaps(slot));
        let changed: Vec<Arc<Booking>> = held
            .bookings
            .values()
            .filter(|booking| booking.slot.end() > now)
            .filter(|booking| booking.at_risk != is_in(booking.slot))
            .map(|booking| {
                let (at_risk, version) = (!booking.at_risk, booking.version + 1);
                Arc::new(Booking {
                    at_risk,
                    version,
                    ..Booking::clone(booking)
                })
            })
            .collect();
        for booking in changed {
            self.put_booking(booking, EventKind::Changed);
        }
    }

    /// Returns the bookings inside an outage that it may still spoil.
    pub(super) fn at_risk(&mut self, outage: &Outage) -> Vec<BookingId> {
        let held = self.held(outage.instrument);
        let claiming = held
            .map(|held| held.claiming(outage.slot))
            .unwrap_or_default();
        claiming.iter().map(|booking| booking.id).collect()
    }

    fn next_outage(&mut self) -> OutageId {
        self.next.outage += 1;
        OutageId::new(self.next.outage)
    }
}
