//! Moving the end of an outage: a fault is mended later than hoped, or sooner.

use std::sync::Arc;

use scheduler::occupancy::Holder;
use scheduler::slot::Slot;

use super::group::Group;
use super::outage_command::{MoveOutageEnd, OutageOutcome};
use super::record::{EventKind, Outage};

impl Group<'_> {
    /// Moves the planned end. What is longer claims what is free at once and waits for nobody;
    /// what is shorter is free at once.
    pub(super) fn move_outage_end(&mut self, asked: &MoveOutageEnd) -> OutageOutcome {
        let now = self.now;
        let Some(outage) = self.outage(asked) else {
            return OutageOutcome::NotFound;
        };
        let slot = Slot::new(outage.slot.start(), asked.end);
        let slot = slot.filter(|slot| outage.is_live(now) && slot.end() > now);
        let Some(slot) = slot else {
            return OutageOutcome::Over;
        };
        let instrument = outage.instrument;
        let before = self.at_risk(&outage);
        let moved = Arc::new(Outage {
            slot,
            ..Outage::clone(&outage)
        });
        self.put_outage(&moved);
        let holder = Holder::Outage(outage.id);
        for claim in self.release(instrument, holder) {
            let kept = Slot::new(claim.slot.start(), claim.slot.end().min(slot.end()));
            if let Some(kept) = kept {
                self.claim(instrument, claim.lane, kept, holder);
            }
        }
        self.settle_outages(instrument);
        let (place, subject) = (Some(instrument), Some(outage.id.get()));
        self.note(EventKind::OutageChanged, place, subject);
        let at_risk = self.at_risk(&moved);
        let mut anew = at_risk.clone();
        anew.retain(|id| !before.contains(id));
        self.tell_at_risk(&moved, &anew);
        if let Some(freed) = Slot::new(slot.end(), outage.slot.end()) {
            self.offer_freed(instrument, freed);
        }
        OutageOutcome::Done(moved, at_risk)
    }

    fn outage(&mut self, asked: &MoveOutageEnd) -> Option<Arc<Outage>> {
        let pending = self.writes.outages_new.get(&asked.outage);
        let pending = pending.map(|outage| outage.instrument);
        let instrument = pending.or_else(|| self.shelf.instrument_of(asked.outage))?;
        self.held(instrument)?.outage(asked.outage).cloned()
    }

    /// Replaces an outage, new or not.
    fn put_outage(&mut self, outage: &Arc<Outage>) {
        let writes = &mut self.writes;
        match writes.outages_new.get_mut(&outage.id) {
            Some(new) => *new = Arc::clone(outage),
            None => {
                let changed = &mut writes.outages_changed;
                changed.insert(outage.id, Arc::clone(outage));
            }
        }
        if let Some(held) = self.held(outage.instrument) {
            held.outages.retain(|held| held.id != outage.id);
            held.outages.push(Arc::clone(outage));
        }
    }
}
