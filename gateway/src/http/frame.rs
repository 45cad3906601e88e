//! What the live streams get of a quarter of a second, serialised once for all of them.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::{Arc, PoisonError, RwLock};

use scheduler::id::InstrumentId;
use serde::Serialize;
use serde_json::{Map, Value};
use utoipa::ToSchema;

use super::board::{Entry, Listed, View};
use super::time::Zoned;
use crate::booking::record::{EventKind, EventRow};
use crate::status::ShownStatus;
use crate::telemetry::LiveReading;

/// Everything that changed since the frame before.
#[derive(Debug, Default)]
pub struct Frame {
    /// The newest event row in it or before it; 0 while none is known.
    pub event: i64,
    /// The `status` event's data.
    pub status: Option<Arc<str>>,
    /// The `bookings` event's data.
    pub bookings: Option<Arc<str>>,
    /// The `readings` events' data of followed instruments.
    pub readings: Vec<(InstrumentId, Arc<str>)>,
    /// Events of which nothing is known.
    pub skipped: u64,
}

/// Which instruments' readings somebody follows, and how many do.
#[derive(Debug, Default)]
pub struct Watched(RwLock<HashMap<InstrumentId, usize>>);

/// What waits for the next frame.
#[derive(Debug, Default)]
pub(super) struct Pending {
    event: i64,
    instruments: BTreeSet<InstrumentId>,
    /// Only the newest of each instrument: a stream shows the present.
    readings: BTreeMap<InstrumentId, LiveReading>,
    /// Events that were missed.
    pub(super) skipped: u64,
    /// Instruments were added, removed or edited: the counts may differ.
    pub(super) is_new_lineup: bool,
}

/// Data of the `status` event.
#[derive(Debug, Serialize, ToSchema)]
pub struct StatusChanges {
    /// What changed.
    pub changes: Vec<StatusChange>,
    /// How many published instruments show each status.
    #[schema(value_type = std::collections::BTreeMap<String, usize>)]
    pub counts: Counts,
}

/// One change of a shown status.
#[derive(Debug, Serialize, ToSchema)]
pub struct StatusChange {
    /// The instrument.
    key: String,
    /// What is shown now.
    status: &'static str,
    /// Since when.
    since: Option<Zoned>,
}

/// Data of the `bookings` event: claims of these instruments changed.
#[derive(Debug, Serialize, ToSchema)]
pub struct ClaimsChanged {
    instruments: Vec<String>,
}

/// Data of the `readings` event.
#[derive(Debug, Serialize, ToSchema)]
pub struct ReadingsNow {
    key: String,
    time_ms: i64,
    /// Values by channel; null where there is none to believe.
    #[schema(value_type = std::collections::BTreeMap<String, Option<f64>>)]
    values: Map<String, Value>,
}

/// How many show each status.
#[derive(Debug, Clone, Copy)]
pub struct Counts(pub [usize; ShownStatus::ALL.len()]);

impl Serialize for Counts {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let counts = ShownStatus::ALL.iter().zip(self.0);
        serializer.collect_map(counts.map(|(status, count)| (status.as_str(), count)))
    }
}

impl Watched {
    /// Begins to follow; what is returned ends it.
    pub fn add(&self, instruments: &[InstrumentId]) {
        let mut watched = self.0.write().unwrap_or_else(PoisonError::into_inner);
        for id in instruments {
            *watched.entry(*id).or_default() += 1;
        }
    }

    /// Ceases to follow.
    pub fn remove(&self, instruments: &[InstrumentId]) {
        let mut watched = self.0.write().unwrap_or_else(PoisonError::into_inner);
        for id in instruments {
            if let Some(count) = watched.get_mut(id) {
                *count = count.saturating_sub(1);
                if *count == 0 {
                    watched.remove(id);
                }
            }
        }
    }

    /// Returns true if somebody follows the instrument.
    #[must_use]
    pub fn contains(&self, id: InstrumentId) -> bool {
        let watched = self.0.read().unwrap_or_else(PoisonError::into_inner);
        watched.contains_key(&id)
    }
}

impl Pending {
    pub(super) fn add_event(&mut self, event: EventRow) {
        self.event = event.id;
        if event.kind != EventKind::Registry {
            self.instruments.extend(event.instrument);
        }
    }

    pub(super) fn add_reading(&mut self, reading: &LiveReading) {
        match self.readings.get_mut(&reading.instrument) {
            Some(held) if held.time_ms > reading.time_ms => {}
            Some(held) => held.clone_from(reading),
            None => {
                self.readings.insert(reading.instrument, reading.clone());
            }
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.event == 0 && self.readings.is_empty() && self.skipped == 0 && !self.is_new_lineup
    }

    pub(super) fn into_frame<'v>(
        self,
        view: &'v View,
        changes: impl Iterator<Item = (&'v Listed, Entry)>,
    ) -> Frame {
        let changes: Vec<StatusChange> = changes
            .map(|(listed, entry)| StatusChange {
                key: listed.key.clone(),
                status: entry.status.as_str(),
                since: entry.since.map(|since| Zoned(since, listed.zone)),
            })
            .collect();
        let status = (!changes.is_empty() || self.is_new_lineup).then(|| {
            text(&StatusChanges {
                changes,
                counts: Counts(view.counts()),
            })
        });
        let readings = self.readings.values().filter_map(|reading| {
            let listed = view.listed(reading.instrument)?;
            Some((reading.instrument, text(&ReadingsNow::of(listed, reading))))
        });
        Frame {
            event: self.event,
            status,
            bookings: claims_changed(view, self.instruments),
            readings: readings.collect(),
            skipped: self.skipped,
        }
    }
}

/// Returns the `bookings` event's data for instruments whose claims changed, as far as they are
/// published.
#[must_use]
pub fn claims_changed(
    view: &View,
    instruments: impl IntoIterator<Item = InstrumentId>,
) -> Option<Arc<str>> {
    let published = instruments
        .into_iter()
        .filter_map(|id| view.listed(id))
        .filter(|listed| listed.published);
    let instruments: Vec<String> = published.map(|listed| listed.key.clone()).collect();
    (!instruments.is_empty()).then(|| text(&ClaimsChanged { instruments }))
}

impl ReadingsNow {
    fn of(listed: &Listed, reading: &LiveReading) -> Self {
        let values = reading.values.iter().map(|(channel, value)| {
            let value = value
                .as_ref()
                .map_or(Value::Null, |value| Value::from(*value));
            (channel.as_str().to_owned(), value)
        });
        Self {
            key: listed.key.clone(),
            time_ms: reading.time_ms,
            values: values.collect(),
        }
    }
}

fn text(data: &impl Serialize) -> Arc<str> {
    serde_json::to_string(data)
        .expect("our own events have string keys")
        .into()
}
