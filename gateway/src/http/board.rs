//! The status board: what people see of every instrument, kept up to date by one task.
//!
//! In: machine states and readings from telemetry, committed events from the desk, the directory,
//! and time passing (a booking begins, an outage ends). Out: an immutable [`View`] for readers, and
//! at most four [`Frame`]s a second for the live streams, serialised once for all of them.

use std::collections::{BTreeSet, HashMap, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use arc_swap::ArcSwap;
use scheduler::id::InstrumentId;
use scheduler::time::Micros;
use tokio::sync::broadcast;
use tokio::sync::broadcast::error::RecvError;

use super::frame::{self, Frame, Watched};
use super::state::Rooms;
use crate::booking::{InstrumentSnapshot, record::EventRow};
use crate::lifecycle::Lifecycle;
use crate::status::{ShownStatus, shown};
use crate::telemetry::LiveChange;

/// How often changes are put together and sent.
const FRAME_PERIOD: Duration = Duration::from_millis(250);

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
struct Lineup {
    generation: Option<u64>,
    places: HashMap<InstrumentId, usize>,
    instruments: Vec<Listed>,
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

impl View {
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

    fn count(&mut self) {
        self.counts = ShownStatus::ALL.map(|status| {
            self.published()
                .filter(|(_, entry)| entry.status == status)
                .count()
        });
    }
}

/// Returns the board with a first view, and starts the task that keeps it.
#[must_use]
pub fn start(rooms: &Rooms, lifecycle: &Lifecycle) -> Arc<Board> {
    let (frames, _) = broadcast::channel(FRAMES_MAX);
    let board = Arc::new(Board {
        view: ArcSwap::default(),
        frames,
        watched: Watched::default(),
        recent: Mutex::default(),
    });
    let mut keeper = Keeper {
        rooms: rooms.clone(),
        board: Arc::clone(&board),
        lineup: Arc::default(),
        entries: Vec::new(),
        edges: BTreeSet::new(),
        edge_of: Vec::new(),
        dirty: BTreeSet::new(),
        pending: frame::Pending::default(),
    };
    let live = rooms.telemetry.live();
    let events = rooms.desk.events();
    keeper.refresh();
    let stop = lifecycle.stop_token();
    lifecycle.spawn("status board", async move {
        keeper.run(live, events, stop).await;
        Ok::<(), std::convert::Infallible>(())
    });
    board
}

/// The task's own facts.
struct Keeper {
    rooms: Rooms,
    board: Arc<Board>,
    lineup: Arc<Lineup>,
    entries: Vec<Entry>,
    /// When which instrument changes by time passing.
    edges: BTreeSet<(Micros, usize)>,
    edge_of: Vec<Option<Micros>>,
    /// Instruments to look at again.
    dirty: BTreeSet<usize>,
    pending: frame::Pending,
}

impl Keeper {
    async fn run(
        &mut self,
        mut live: broadcast::Receiver<Arc<LiveChange>>,
        mut events: broadcast::Receiver<EventRow>,
        stop: tokio_util::sync::CancellationToken,
    ) {
        let mut tick = tokio::time::interval(FRAME_PERIOD);
        tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                () = stop.cancelled() => return,
                change = live.recv() => match change {
                    Ok(change) => self.take_change(&change),
                    Err(RecvError::Lagged(_)) => self.look_at_all(),
                    // Telemetry has stopped; so will everything.
                    Err(RecvError::Closed) => return stop.cancelled().await,
                },
                event = events.recv() => match event {
                    Ok(event) => self.take_event(event),
                    Err(RecvError::Lagged(missed)) => self.take_gap(missed),
                    Err(RecvError::Closed) => return stop.cancelled().await,
                },
                _ = tick.tick() => self.refresh(),
            }
        }
    }

    fn take_change(&mut self, change: &LiveChange) {
        let places = &self.lineup.places;
        let changed = change.states.iter().map(|state| state.instrument);
        self.dirty
            .extend(changed.filter_map(|id| places.get(&id).copied()));
        for reading in &change.readings {
            if self.board.watched.contains(reading.instrument) {
                self.pending.add_reading(reading);
            }
        }
    }

    fn take_event(&mut self, event: EventRow) {
        let mut recent = self
            .board
            .recent
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if recent.len() == EVENTS_MAX {
            recent.pop_front();
        }
        recent.push_back(event);
        drop(recent);
        self.pending.add_event(event);
        let place = event
            .instrument
            .and_then(|id| self.lineup.places.get(&id).copied());
        self.dirty.extend(place);
    }

    /// Events were missed: nobody may believe that what is kept of them has no hole.
    fn take_gap(&mut self, missed: u64) {
        tracing::warn!(missed, "the status board fell behind the event log");
        let mut recent = self
            .board
            .recent
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        recent.clear();
        drop(recent);
        self.pending.skipped += missed;
        self.look_at_all();
    }

    fn look_at_all(&mut self) {
        self.dirty.extend(0..self.entries.len());
    }

    /// Looks at everything that may have changed, shows it, and sends a frame if anything did.
    fn refresh(&mut self) {
        let now = self.rooms.clock.now();
        let is_new_lineup = self.take_lineup();
        while let Some((at, place)) = self.edges.first().copied()
            && at <= now
        {
            self.edges.pop_first();
            if let Some(edge) = self.edge_of.get_mut(place) {
                *edge = None;
            }
            self.dirty.insert(place);
        }
        let mut changed = Vec::new();
        for place in std::mem::take(&mut self.dirty) {
            if self.look(place, now) {
                changed.push(place);
            }
        }
        if is_new_lineup || !changed.is_empty() {
            let mut view = View {
                lineup: Arc::clone(&self.lineup),
                entries: self.entries.clone(),
                counts: [0; ShownStatus::ALL.len()],
            };
            view.count();
            self.board.view.store(Arc::new(view));
        }
        if changed.is_empty() && self.pending.is_empty() {
            return;
        }
        let view = self.board.view();
        let told = changed.iter().filter_map(|place| {
            let listed = view.lineup.instruments.get(*place)?;
            listed
                .published
                .then_some((listed, *view.entries.get(*place)?))
        });
        let frame = std::mem::take(&mut self.pending).into_frame(&view, told);
        // Without a stream there is nobody to tell.
        self.board.frames.send(Arc::new(frame)).ok();
    }

    /// Takes a new directory's instruments. Those known keep what is shown of them.
    fn take_lineup(&mut self) -> bool {
        let directory = self.rooms.desk.directory();
        if self.lineup.generation == Some(directory.generation) {
            return false;
        }
        let mut instruments: Vec<Listed> = directory
            .instruments
            .values()
            .map(|instrument| Listed {
                id: instrument.id,
                key: instrument.key.as_str().to_owned(),
                published: instrument.published,
                zone: instrument.zone,
            })
            .collect();
        instruments.sort_unstable_by_key(|listed| listed.id);
        let held = |listed: &Listed| {
            let place = self.lineup.places.get(&listed.id);
            place.and_then(|place| self.entries.get(*place).copied())
        };
        let nothing = Entry {
            status: ShownStatus::NoTelemetry,
            since: None,
        };
        let entries = instruments
            .iter()
            .map(|listed| held(listed).unwrap_or(nothing));
        self.entries = entries.collect();
        let is_first = self.lineup.generation.is_none();
        let places = instruments.iter().enumerate();
        self.lineup = Arc::new(Lineup {
            generation: Some(directory.generation),
            places: places.map(|(place, listed)| (listed.id, place)).collect(),
            instruments,
        });
        self.edges.clear();
        self.edge_of = vec![None; self.entries.len()];
        self.look_at_all();
        if !is_first {
            self.pending.is_new_lineup = true;
        }
        true
    }

    /// Looks at one instrument. Returns true if people now see something else of it.
    fn look(&mut self, place: usize, now: Micros) -> bool {
        let Some(listed) = self.lineup.instruments.get(place) else {
            return false;
        };
        let machine = self.rooms.telemetry.machine(listed.id);
        let snapshot = self.rooms.desk.snapshot(listed.id);
        let (out, booked) = snapshot.as_deref().map_or((false, false), |snapshot| {
            (snapshot.is_out(now), snapshot.is_booked(now))
        });
        let edge = snapshot.as_deref().and_then(|held| next_edge(held, now));
        if let Some(known) = self.edge_of.get_mut(place)
            && *known != edge
        {
            if let Some(old) = known.take() {
                self.edges.remove(&(old, place));
            }
            self.edges.extend(edge.map(|edge| (edge, place)));
            *known = edge;
        }
        let status = shown(out, machine.state, booked);
        let Some(entry) = self.entries.get_mut(place) else {
            return false;
        };
        if entry.status == status {
            if entry.since.is_none() && status != ShownStatus::NoTelemetry {
                entry.since = machine.since;
            }
            return false;
        }
        let held_since = snapshot
            .as_deref()
            .and_then(|held| claimed_since(held, now));
        let since = match status {
            ShownStatus::Maintenance | ShownStatus::Booked => held_since.max(machine.since),
            ShownStatus::Fault
            | ShownStatus::Running
            | ShownStatus::Offline
            | ShownStatus::Idle => machine.since,
            ShownStatus::NoTelemetry => None,
        };
        *entry = Entry { status, since };
        true
    }
}

/// Returns when a snapshot next changes by time passing.
fn next_edge(snapshot: &InstrumentSnapshot, now: Micros) -> Option<Micros> {
    let outages = snapshot.outages.iter().filter(|outage| outage.is_live(now));
    let ends = outages.flat_map(|outage| [outage.slot.start(), outage.slot.end()]);
    let claims = snapshot.occupancy.next_edge(now);
    ends.filter(|at| *at > now).chain(claims).min()
}

/// Returns when the claim or outage that holds now began.
fn claimed_since(snapshot: &InstrumentSnapshot, now: Micros) -> Option<Micros> {
    let outage = snapshot
        .outages
        .iter()
        .filter(|outage| outage.is_live(now) && outage.slot.contains(now))
        .map(|outage| outage.slot.start());
    let claims = snapshot.occupancy.at(now).map(|claim| claim.slot.start());
    outage.chain(claims).min()
}
