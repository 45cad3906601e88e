//! Keeps the status board: looks again at what may have changed, and tells the live streams.
//!
//! In: machine states and readings from telemetry, committed events from the desk, the directory,
//! and time passing (a booking begins, an outage ends). Out: views and frames of the board.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use scheduler::time::Micros;
use tokio::sync::broadcast;
use tokio::sync::broadcast::error::RecvError;

use super::board::{Board, Entry, Lineup, Listed, View};
use super::frame::Pending;
use super::state::Rooms;
use crate::booking::{InstrumentSnapshot, record::EventRow};
use crate::lifecycle::Lifecycle;
use crate::status::{ShownStatus, shown};
use crate::telemetry::LiveChange;

/// How often changes are put together and sent.
const FRAME_PERIOD: Duration = Duration::from_millis(250);

/// Returns the board with a first view, and starts the task that keeps it.
#[must_use]
pub fn start(rooms: &Rooms, lifecycle: &Lifecycle) -> Arc<Board> {
    let board = Arc::new(Board::new());
    let mut keeper = Keeper {
        rooms: rooms.clone(),
        board: Arc::clone(&board),
        lineup: Arc::default(),
        entries: Vec::new(),
        edges: BTreeSet::new(),
        edge_of: Vec::new(),
        dirty: BTreeSet::new(),
        pending: Pending::default(),
    };
    // Followed before the first look, so that nothing falls between the two.
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
    pending: Pending,
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
            if self.board.watched().contains(reading.instrument) {
                self.pending.add_reading(reading);
            }
        }
    }

    fn take_event(&mut self, event: EventRow) {
        self.board.remember(event);
        self.pending.add_event(event);
        let places = &self.lineup.places;
        let place = event.instrument.and_then(|id| places.get(&id).copied());
        self.dirty.extend(place);
    }

    fn take_gap(&mut self, missed: u64) {
        tracing::warn!(missed, "the status board fell behind the event log");
        self.board.forget();
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
            let view = View::new(Arc::clone(&self.lineup), self.entries.clone());
            self.board.show(view);
        }
        if changed.is_empty() && self.pending.is_empty() {
            return;
        }
        let view = self.board.view();
        let told = changed.iter().filter_map(|place| view.at(*place));
        let told = told.filter(|(listed, _)| listed.published);
        let frame = std::mem::take(&mut self.pending).into_frame(&view, told);
        self.board.send(frame);
    }

    /// Takes a new directory's instruments. Those known keep what is shown of them.
    fn take_lineup(&mut self) -> bool {
        let directory = self.rooms.desk.directory();
        if self.lineup.generation == Some(directory.generation) {
            return false;
        }
        let lineup = Lineup::of(&directory);
        let held = |listed: &Listed| {
            let place = self.lineup.places.get(&listed.id);
            place.and_then(|place| self.entries.get(*place).copied())
        };
        let nothing = Entry {
            status: ShownStatus::NoTelemetry,
            since: None,
        };
        let entries = lineup.instruments.iter();
        self.entries = entries
            .map(|listed| held(listed).unwrap_or(nothing))
            .collect();
        let is_first = self.lineup.generation.is_none();
        self.lineup = Arc::new(lineup);
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
