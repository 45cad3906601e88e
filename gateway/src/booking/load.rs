//! Reading the facts: all of them at the start and after a commit of unknown outcome, or those of
//! one instrument after the database refused what the desk had allowed.

use std::collections::HashMap;
use std::sync::Arc;

use scheduler::id::InstrumentId;
use scheduler::time::{Micros, Span};

use super::commit::{ANSWERS_KEPT, Failure};
use super::desk::{Desk, RegistryIds};
use super::group::{NextIds, Policies};
use super::ledger::Ledger;
use super::quotas::{SUMS_KEPT, account, sum_older};
use super::record::Booking;
use super::shelf::InstrumentSnapshot;
use crate::registry::Directory;
use crate::store::{self, Loaded, StoreError};

/// How far back bookings are held in memory. Older ones stay in the database.
pub(super) const FACTS_KEPT: Span = Span::days(92);

/// How long the index of free time may be kept before it is made anew: searches look at most some
/// months ahead, and it reaches 400 days.
const INDEX_KEPT: Span = Span::days(7);

impl Desk {
    /// Reads the facts again if the last commit's outcome is unknown.
    pub(super) async fn ensure_fresh(&mut self) -> Result<(), Failure> {
        if self.must_reload {
            self.reload().await?;
        }
        Ok(())
    }

    /// Reads everything from the database.
    pub(super) async fn reload(&mut self) -> Result<(), StoreError> {
        let now = self.clock.now();
        let mut tx = self.database.begin().await?;
        let mut directory = store::load_directory(&mut tx).await?;
        let loaded = store::load_facts(&mut tx, now.saturating_sub(FACTS_KEPT)).await?;
        let answers = store::load_answers(&mut tx, now.saturating_sub(ANSWERS_KEPT)).await?;
        let sessions = store::load_sessions(&mut tx).await?;
        let highest = store::load_highest(&mut tx).await?;
        let mut ledger = Ledger::load(&mut tx, now).await?;
        let used = store::load_project_use(&mut tx, now.saturating_sub(FACTS_KEPT)).await?;
        for (project, us) in used {
            ledger.project_use.add(project, us);
        }
        directory.generation = self.directory.load().generation + 1;
        self.policies = Policies::default();
        for booking in &loaded.bookings {
            account(&mut ledger, &mut self.policies, &directory, (None, booking));
        }
        let sums = (&mut ledger, &mut self.policies);
        sum_older(&mut tx, sums, &directory, now).await?;
        drop(tx);
        self.take_identities(&highest);
        self.ledger.store(Arc::new(ledger));
        self.indexed_from = now;
        let (snapshots, bookings) = snapshots(&directory, loaded, now);
        self.shelf.replace(snapshots, bookings);
        self.directory.store(Arc::new(directory));
        self.answers = answers
            .into_iter()
            .map(|answer| ((answer.member, answer.key.clone()), answer))
            .collect();
        self.sessions.replace(sessions);
        self.must_reload = false;
        Ok(())
    }

    fn take_identities(&mut self, highest: &HashMap<&'static str, i64>) {
        let highest = |table| highest.get(table).copied().unwrap_or(0);
        self.next = NextIds {
            booking: highest("bookings"),
            outage: highest("outages"),
            claim: highest("claims"),
            event: highest("event_log"),
        };
        self.registry_next = RegistryIds {
            node: highest("nodes"),
            instrument: highest("instruments"),
            member: highest("members"),
            token: highest("tokens"),
            mapping: highest("mappings"),
        };
    }

    /// Reads some instruments again after the database refused what the desk had allowed.
    pub(super) async fn reload_instruments(&mut self, touched: &[InstrumentId]) {
        for id in touched {
            if let Err(error) = self.reload_instrument(*id).await {
                tracing::error!(%error, "an instrument could not be read again");
                self.must_reload = true;
            }
        }
    }

    async fn reload_instrument(&mut self, id: InstrumentId) -> Result<(), StoreError> {
        let mut tx = self.database.begin().await?;
        let loaded = store::load_instrument_facts(&mut tx, id).await?;
        // Whoever wrote past the desk took identities too.
        let highest = store::load_highest(&mut tx).await?;
        drop(tx);
        self.take_identities(&highest);
        let directory = self.directory.load_full();
        let (mut snapshots, bookings) = snapshots(&directory, loaded, self.indexed_from);
        snapshots.retain(|found, _| *found == id);
        self.account_again(&directory, &bookings);
        self.shelf
            .publish(snapshots, bookings.into_iter(), std::iter::empty());
        Ok(())
    }
}

impl Desk {
    /// Lets go of what ended so long ago that a restart would not load it.
    pub(super) fn forget(&mut self, now: Micros) {
        self.shelf.drop_before(now.saturating_sub(FACTS_KEPT));
        let mut ledger = Ledger::clone(&self.ledger.load());
        ledger.usage.drop_before(now.saturating_sub(SUMS_KEPT));
        self.ledger.store(Arc::new(ledger));
        if now - self.indexed_from >= INDEX_KEPT.get() {
            self.shelf.index_from(now);
            self.indexed_from = now;
        }
    }
}

/// Builds the snapshots of all instruments from rows, their free time indexed from a moment on.
pub(super) fn snapshots(
    directory: &Directory,
    loaded: Loaded,
    indexed_from: Micros,
) -> (HashMap<InstrumentId, InstrumentSnapshot>, Vec<Arc<Booking>>) {
    let mut snapshots: HashMap<InstrumentId, InstrumentSnapshot> = directory
        .instruments
        .values()
        .map(|instrument| (instrument.id, InstrumentSnapshot::new(instrument.capacity)))
        .collect();
    for (instrument, claim) in loaded.claims {
        let Some(held) = snapshots.get_mut(&instrument) else {
            continue;
        };
        if let Err((claim, other)) = held.occupancy.insert(claim) {
            // The guard forbids it; a database without its guard must not stop the start.
            tracing::error!(
                ?claim,
                ?other,
                "two claims of a lane overlap in the database"
            );
        }
    }
    for held in snapshots.values_mut() {
        held.occupancy.index_from(indexed_from);
    }
    let bookings: Vec<Arc<Booking>> = loaded.bookings.into_iter().map(Arc::new).collect();
    for booking in bookings.iter().filter(|booking| booking.status.claims()) {
        if let Some(held) = snapshots.get_mut(&booking.instrument) {
            held.bookings.insert(booking.id, Arc::clone(booking));
        }
    }
    for outage in loaded.outages {
        if let Some(held) = snapshots.get_mut(&outage.instrument) {
            held.outages.push(Arc::new(outage));
        }
    }
    (snapshots, bookings)
}
