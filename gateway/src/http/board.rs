//! The status board: what people see of every instrument, for readers that do not wait.
//!
//! In: what the keeper shows. Out: an immutable [`View`] for readers, and at most four [`Frame`]s a
//! second for the live streams, serialised once for all of them.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};

use arc_swap::ArcSwap;
use scheduler::id::InstrumentId;
use scheduler::time::Micros;
use tokio::sync::broadcast;

use super::frame::{Frame, Watched};
use crate::booking::record::EventRow;
use crate::registry::Directory;
use crate::status::ShownStatus;

/// Frames a slow stream may lag behind before it is told how many it missed.
const FRAMES_MAX: usize = 64;

/// Events kept for streams that come back. Who was away longer is told so and loads again.
const EVENTS_MAX: usize = 16_384;

/// The board as others hold it.
#[derive(Debug)]
pub struct Board {
    view: ArcSwap<View>,
    frames: broadcast::Sender<Arc<Frame>>,
    /// Instruments whose readings somebody follows.
    watched: Watched,
    recent: Mutex<VecDeque<EventRow>>,
}

/// What people see of every instrument, at one moment.
#[derive(Debug, Default)]
pub struct View {
    lineup: Arc<Lineup>,
    entries: Vec<Entry>,
    counts: [usize; ShownStatus::ALL.len()],
}

/// What people see of one instrument.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Entry {
    /// The shown status.
    pub status: ShownStatus,
    /// Since when; `None` where there never was anything.
    pub since: Option<Micros>,
}

/// The instruments of a directory generation.
#[derive(Debug, Default)]
pub(super) struct Lineup {
    pub(super) generation: Option<u64>,
    pub(super) places: HashMap<InstrumentId, usize>,
    pub(super) instruments: Vec<Listed>,
}

/// An instrument on the board.
#[derive(Debug)]
pub struct Listed {
    /// Identity.
    pub id: InstrumentId,
    /// Key.
    pub key: String,
    /// Whether the public sees it.
    pub published: bool,
    /// Zone of its times.
    pub zone: chrono_tz::Tz,
}

impl Board {
    /// Returns a board that shows nothing yet.
    pub(super) fn new() -> Self {
        let (frames, _) = broadcast::channel(FRAMES_MAX);
        Self {
            view: ArcSwap::default(),
            frames,
            watched: Watched::default(),
            recent: Mutex::default(),
        }
    }

    /// Shows a view from now on.
    pub(super) fn show(&self, view: View) {
        self.view.store(Arc::new(view));
    }

    /// Sends a frame to whoever follows.
    pub(super) fn send(&self, frame: Frame) {
        // Without a stream there is nobody to tell.
        self.frames.send(Arc::new(frame)).ok();
    }

    /// Keeps an event for streams that come back.
    pub(super) fn remember(&self, event: EventRow) {
        let mut recent = self.recent.lock().unwrap_or_else(PoisonError::into_inner);
        if recent.len() == EVENTS_MAX {
            recent.pop_front();
        }
        recent.push_back(event);
    }

    /// Keeps nothing of what was: events were missed, and nobody may believe that there is no hole.
    pub(super) fn forget(&self) {
        let mut recent = self.recent.lock().unwrap_or_else(PoisonError::into_inner);
        recent.clear();
    }

    /// Returns what people see now.
    #[must_use]
    pub fn view(&self) -> Arc<View> {
        self.view.load_full()
    }

    /// Follows frames from now on.
    #[must_use]
    pub fn frames(&self) -> broadcast::Receiver<Arc<Frame>> {
        self.frames.subscribe()
    }

    /// Returns the register of followed instruments.
    #[must_use]
    pub fn watched(&self) -> &Watched {
        &self.watched
    }

    /// Returns the events after an identity, or nothing if they do not reach back so far.
    #[must_use]
    pub fn events_after(&self, id: i64) -> Option<Vec<EventRow>> {
        let recent = self.recent.lock().unwrap_or_else(PoisonError::into_inner);
        let first = recent.front()?.id;
        (first <= id + 1).then(|| recent.iter().filter(|row| row.id > id).copied().collect())
    }
}

impl Lineup {
    /// Returns the instruments of a directory, by identity.
    pub(super) fn of(directory: &Directory) -> Self {
        let listed = directory.instruments.values().map(|instrument| Listed {
            id: instrument.id,
            key: instrument.key.as_str().to_owned(),
            published: instrument.published,
            zone: instrument.zone,
        });
        let mut instruments: Vec<Listed> = listed.collect();
        instruments.sort_unstable_by_key(|listed| listed.id);
        let places = instruments.iter().enumerate();
        Self {
            generation: Some(directory.generation),
            places: places.map(|(place, listed)| (listed.id, place)).collect(),
            instruments,
        }
    }
}

impl View {
    /// Returns a view of a lineup with one entry for each instrument.
    pub(super) fn new(lineup: Arc<Lineup>, entries: Vec<Entry>) -> Self {
        let mut view = Self {
            lineup,
            entries,
            counts: [0; ShownStatus::ALL.len()],
        };
        view.counts = ShownStatus::ALL.map(|status| {
            let shown = view.published();
            shown.filter(|(_, entry)| entry.status == status).count()
        });
        view
    }

    /// Returns an instrument and what is shown of it, by its place in the lineup.
    pub(super) fn at(&self, place: usize) -> Option<(&Listed, Entry)> {
        let listed = self.lineup.instruments.get(place)?;
        Some((listed, *self.entries.get(place)?))
    }

    /// Returns what is shown of an instrument.
    #[must_use]
    pub fn entry(&self, id: InstrumentId) -> Option<Entry> {
        self.entries.get(*self.lineup.places.get(&id)?).copied()
    }

    /// Returns the status of an instrument.
    #[must_use]
    pub fn status(&self, id: InstrumentId) -> Option<ShownStatus> {
        self.entry(id).map(|entry| entry.status)
    }

    /// Returns an instrument on the board.
    #[must_use]
    pub fn listed(&self, id: InstrumentId) -> Option<&Listed> {
        self.lineup.instruments.get(*self.lineup.places.get(&id)?)
    }

    /// Returns published instruments with what is shown of them.
    pub fn published(&self) -> impl Iterator<Item = (&Listed, Entry)> {
        let all = self.lineup.instruments.iter().zip(&self.entries);
        all.filter(|(listed, _)| listed.published)
            .map(|(listed, entry)| (listed, *entry))
    }

    /// Returns how many published instruments show each status, in the order of
    /// [`ShownStatus::ALL`].
    #[must_use]
    pub fn counts(&self) -> [usize; ShownStatus::ALL.len()] {
        self.counts
    }
}
