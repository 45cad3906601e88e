//! What readers see: immutable snapshots, replaced after each commit.

use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, RwLock};

use arc_swap::ArcSwap;
use scheduler::id::{BookingId, InstrumentId, MemberId, OutageId};
use scheduler::occupancy::{Holder, Occupancy};
use scheduler::slot::Slot;
use scheduler::time::Micros;

use super::record::{Booking, Outage};

/// One instrument's bookings, outages and claims at one moment.
#[derive(Debug, Clone)]
pub struct InstrumentSnapshot {
    /// Who holds it when.
    pub occupancy: Occupancy,
    /// The bookings that claim time, by identity; cancelled ones are only in the index.
    pub bookings: HashMap<BookingId, Arc<Booking>>,
    /// Its outages, ended ones too.
    pub outages: Vec<Arc<Outage>>,
}

impl InstrumentSnapshot {
    /// Returns an instrument without claims.
    #[must_use]
    pub fn new(capacity: u8) -> Self {
        Self {
            occupancy: Occupancy::new(capacity),
            bookings: HashMap::new(),
            outages: Vec::new(),
        }
    }

    /// Returns an outage.
    #[must_use]
    pub fn outage(&self, id: OutageId) -> Option<&Arc<Outage>> {
        self.outages.iter().find(|outage| outage.id == id)
    }

    /// Returns true if an outage covers the instant.
    #[must_use]
    pub fn is_out(&self, instant: Micros) -> bool {
        self.outages.iter().any(|outage| {
            outage.slot.contains(instant) && outage.ended_at.is_none_or(|ended| instant < ended)
        })
    }

    /// Returns true if a booking holds the instant.
    #[must_use]
    pub fn is_booked(&self, instant: Micros) -> bool {
        self.occupancy
            .at(instant)
            .any(|claim| matches!(claim.holder, Holder::Booking(_)))
    }

    /// Returns the bookings that claim time in a window, ascending by start.
    #[must_use]
    pub fn claiming(&self, window: Slot) -> Vec<Arc<Booking>> {
        let booking = |holder| match holder {
            Holder::Booking(id) => self.bookings.get(&id).cloned(),
            Holder::Outage(_) | Holder::Hold(_) | Holder::Offer(_) => None,
        };
        let claims = self.occupancy.within(window);
        claims
            .iter()
            .filter_map(|claim| booking(claim.holder))
            .collect()
    }
}

/// Every snapshot, and the bookings by identity and by member. Only the desk writes.
#[derive(Debug, Default)]
pub struct Shelf {
    instruments: ArcSwap<HashMap<InstrumentId, Arc<ArcSwap<InstrumentSnapshot>>>>,
    /// Read for one look-up, written once a group: nobody holds it across a wait.
    bookings: RwLock<Index>,
}

#[derive(Debug, Default)]
struct Index {
    by_id: HashMap<BookingId, Arc<Booking>>,
    by_member: HashMap<MemberId, BTreeSet<BookingId>>,
    by_instrument: HashMap<InstrumentId, BTreeSet<BookingId>>,
    outages: HashMap<OutageId, InstrumentId>,
}

impl Index {
    /// Puts a booking; one that was handed over or taken elsewhere leaves where it was.
    fn put(&mut self, booking: Arc<Booking>) {
        let id = booking.id;
        if let Some(before) = self.by_id.get(&id) {
            if before.member != booking.member
                && let Some(theirs) = self.by_member.get_mut(&before.member)
            {
                theirs.remove(&id);
            }
            if before.instrument != booking.instrument
                && let Some(there) = self.by_instrument.get_mut(&before.instrument)
            {
                there.remove(&id);
            }
        }
        self.by_member.entry(booking.member).or_default().insert(id);
        let here = self.by_instrument.entry(booking.instrument).or_default();
        here.insert(id);
        self.by_id.insert(id, booking);
    }
}

impl Shelf {
    /// Returns an instrument's snapshot.
    #[must_use]
    pub fn instrument(&self, id: InstrumentId) -> Option<Arc<InstrumentSnapshot>> {
        Some(self.instruments.load().get(&id)?.load_full())
    }

    /// Returns a booking.
    #[must_use]
    pub fn booking(&self, id: BookingId) -> Option<Arc<Booking>> {
        self.read().by_id.get(&id).cloned()
    }

    /// Returns every booking that is held, cancelled ones too, in no order.
    #[must_use]
    pub fn bookings(&self) -> Vec<Arc<Booking>> {
        self.read().by_id.values().cloned().collect()
    }

    /// Returns a member's bookings, ascending by identity.
    #[must_use]
    pub fn bookings_of(&self, member: MemberId) -> Vec<Arc<Booking>> {
        let index = self.read();
        let ids = index.by_member.get(&member).into_iter().flatten();
        ids.filter_map(|id| index.by_id.get(id).cloned()).collect()
    }

    /// Returns an instrument's bookings, cancelled ones too, ascending by identity.
    #[must_use]
    pub fn bookings_at(&self, instrument: InstrumentId) -> Vec<Arc<Booking>> {
        let index = self.read();
        let ids = index.by_instrument.get(&instrument).into_iter().flatten();
        ids.filter_map(|id| index.by_id.get(id).cloned()).collect()
    }

    /// Returns the instrument of an outage.
    #[must_use]
    pub fn instrument_of(&self, outage: OutageId) -> Option<InstrumentId> {
        self.read().outages.get(&outage).copied()
    }

    /// Replaces snapshots; what changed in them is put into the indexes.
    pub(super) fn publish(
        &self,
        snapshots: HashMap<InstrumentId, InstrumentSnapshot>,
        bookings: impl Iterator<Item = Arc<Booking>>,
        outages: impl Iterator<Item = Arc<Outage>>,
    ) {
        {
            let mut index = self
                .bookings
                .write()
                .expect("nobody panics while holding this lock");
            for booking in bookings {
                index.put(booking);
            }
            for outage in outages {
                index.outages.insert(outage.id, outage.instrument);
            }
        }
        let places = self.instruments.load();
        let mut added = HashMap::new();
        for (id, mut snapshot) in snapshots {
            snapshot.occupancy.shrink();
            match places.get(&id) {
                Some(place) => place.store(Arc::new(snapshot)),
                None => {
                    added.insert(id, Arc::new(ArcSwap::from_pointee(snapshot)));
                }
            }
        }
        if !added.is_empty() {
            let mut all = HashMap::clone(&places);
            all.extend(added);
            self.instruments.store(Arc::new(all));
        }
    }

    /// Replaces everything.
    pub(super) fn replace(
        &self,
        snapshots: HashMap<InstrumentId, InstrumentSnapshot>,
        bookings: Vec<Arc<Booking>>,
    ) {
        let outages: Vec<Arc<Outage>> = snapshots
            .values()
            .flat_map(|held| held.outages.iter().cloned())
            .collect();
        *self
            .bookings
            .write()
            .expect("nobody panics while holding this lock") = Index::default();
        self.publish(snapshots, bookings.into_iter(), outages.into_iter());
    }

    /// Takes an instrument off the shelf.
    pub(super) fn remove(&self, id: InstrumentId) {
        let mut all = HashMap::clone(&self.instruments.load());
        all.remove(&id);
        self.instruments.store(Arc::new(all));
    }

    /// Indexes the free time of every instrument from a moment on.
    pub(super) fn index_from(&self, base: Micros) {
        for place in self.instruments.load().values() {
            let mut snapshot = InstrumentSnapshot::clone(&place.load());
            snapshot.occupancy.index_from(base);
            place.store(Arc::new(snapshot));
        }
    }

    /// Lets go of what ended before a moment.
    pub(super) fn drop_before(&self, moment: Micros) {
        for place in self.instruments.load().values() {
            let held = place.load();
            let old: Vec<Holder> = held
                .occupancy
                .claims()
                .filter(|claim| claim.slot.end() < moment)
                .map(|claim| claim.holder)
                .collect();
            if old.is_empty() && held.outages.iter().all(|out| out.slot.end() >= moment) {
                continue;
            }
            let mut rest = InstrumentSnapshot::clone(&held);
            for holder in old {
                // A holder with a later claim, such as a long outage, keeps it.
                for claim in rest.occupancy.remove(holder) {
                    if claim.slot.end() >= moment {
                        rest.occupancy.insert(claim).expect("it was there before");
                    }
                }
            }
            rest.bookings
                .retain(|_, booking| booking.slot.end() >= moment);
            rest.outages.retain(|outage| outage.slot.end() >= moment);
            place.store(Arc::new(rest));
        }
        let mut index = self
            .bookings
            .write()
            .expect("nobody panics while holding this lock");
        let Index {
            by_id, by_member, ..
        } = &mut *index;
        by_id.retain(|_, booking| booking.slot.end() >= moment);
        for ids in by_member.values_mut() {
            ids.retain(|id| by_id.contains_key(id));
        }
    }

    fn read(&self) -> std::sync::RwLockReadGuard<'_, Index> {
        self.bookings
            .read()
            .expect("nobody panics while holding this lock")
    }
}
