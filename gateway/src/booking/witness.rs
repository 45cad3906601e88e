//! The witness: follows what machines did and brings it before the desk.
//!
//! In: changes of machine state, committed by telemetry, from a cursor on that the desk keeps; the
//! agenda of bookings that wait for a word; bookings that changed while they run. Out: [`Hear`].
//! It owns no facts: killed at any moment, it begins again where the desk's last commit was.
//! Deliberately not here: what follows from what was seen.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;
use std::time::Duration;

use scheduler::id::{BookingId, InstrumentId};
use scheduler::slot::Slot;
use scheduler::time::{MINUTE_US, Micros};
use tokio::sync::broadcast;
use tokio::sync::broadcast::error::RecvError;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::agenda::Due;
use super::command::DeskError;
use super::handle::DeskHandle;
use super::hearing::{Hear, HearOutcome, SILENCE_MAX, SeenMachine};
use super::machine_faults::{WatchFault, is_due};
use super::presence::{LEAD, has_witness, reach};
use super::record::{EventKind, EventRow, RunState};
use super::sight::{intervals, undecided_us};
use crate::clock::Clock;
use crate::history::{History, HistoryError};
use crate::lifecycle::Lifecycle;
use crate::registry::Instrument;
use crate::telemetry::{LiveChange, MachineView, TelemetryHandle};

/// How often it looks.
const LOOK: Duration = Duration::from_secs(1);

/// Changes of state read at once.
const CHANGES_MAX: u32 = 5_000;

/// Instruments in one command: bookings wait behind it for some milliseconds.
const HEARD_MAX: usize = 32;

/// Bookings looked for at once that wait for a word.
const UNHEARD_MAX: usize = 100_000;

/// A pause of the process longer than this is one: meanwhile nobody could check in.
const PAUSE_US: i64 = MINUTE_US;

/// A booking that was heard and stays on the agenda is heard again after this at the earliest.
const AGAIN_US: i64 = MINUTE_US;

/// Why it could not look; the next look tries again.
#[derive(Debug, thiserror::Error)]
pub(super) enum WitnessError {
    /// The desk did not take it.
    #[error("the desk did not hear it")]
    Desk(#[from] DeskError),
    /// What machines did could not be read.
    #[error("machine states could not be read")]
    History(#[from] HistoryError),
}

/// Where the witness finds what an instrument does now, and how far its data reaches.
pub(super) type Machines = Box<dyn Fn(InstrumentId) -> MachineView + Send + Sync>;

/// Follows machines.
pub struct Witness {
    desk: DeskHandle,
    history: History,
    clock: Clock,
    machines: Machines,
    listening_since: Micros,
    looked_at: Micros,
    /// Whether changes of state may wait that were not followed.
    has_news: bool,
    /// When data, once it has passed a moment, may decide something.
    again: HashMap<InstrumentId, Micros>,
    /// Bookings on the agenda that have been heard and wait.
    later: HashMap<BookingId, Micros>,
    /// Instruments on which something changed by hand.
    dirty: BTreeSet<InstrumentId>,
}

impl std::fmt::Debug for Witness {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Witness")
    }
}

impl Witness {
    /// Starts the task that follows telemetry for a desk.
    pub fn start(
        desk: &DeskHandle,
        telemetry: &TelemetryHandle,
        history: &History,
        lifecycle: &Lifecycle,
    ) {
        let live = telemetry.live();
        let events = desk.events();
        let board = telemetry.clone();
        let machines: Machines = Box::new(move |id| board.machine(id));
        let witness = Self::new(desk.clone(), history.clone(), machines);
        let stop = lifecycle.stop_token();
        lifecycle.spawn("witness", async move {
            witness.run(live, events, stop).await;
            Ok::<(), std::convert::Infallible>(())
        });
    }

    pub(super) fn new(desk: DeskHandle, history: History, machines: Machines) -> Self {
        let clock = desk.clock().clone();
        let now = clock.now();
        // What was going on when the last process ended may be over by now.
        let ledger = desk.ledger();
        let open = ledger.runs.iter().filter(|run| run.state == RunState::Open);
        let dirty = open.map(|run| run.instrument).collect();
        Self {
            desk,
            history,
            clock,
            machines,
            listening_since: now,
            looked_at: now,
            has_news: true,
            again: HashMap::new(),
            later: HashMap::new(),
            dirty,
        }
    }

    async fn run(
        mut self,
        mut live: broadcast::Receiver<Arc<LiveChange>>,
        mut events: broadcast::Receiver<EventRow>,
        stop: CancellationToken,
    ) {
        let mut tick = tokio::time::interval(LOOK);
        tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        let mut is_failing = false;
        loop {
            tokio::select! {
                () = stop.cancelled() => return,
                change = live.recv() => match change {
                    Ok(change) if change.states.is_empty() => {}
                    Ok(_) | Err(RecvError::Lagged(_)) => self.note_news(),
                    // Telemetry has stopped; so will everything.
                    Err(RecvError::Closed) => return stop.cancelled().await,
                },
                event = events.recv() => match event {
                    Ok(event) => self.take_event(event),
                    // The agenda brings what was missed.
                    Err(RecvError::Lagged(_)) => {}
                    Err(RecvError::Closed) => return stop.cancelled().await,
                },
                _ = tick.tick() => {
                    let looked = tokio::select! {
                        () = stop.cancelled() => return,
                        looked = self.look() => looked,
                    };
                    report(&looked, &mut is_failing);
                }
            }
        }
    }

    /// Notes an instrument whose booking changed while it runs: its runs may be somebody else's now.
    fn take_event(&mut self, event: EventRow) {
        let is_about_bookings = matches!(
            event.kind,
            EventKind::Booked | EventKind::Changed | EventKind::Cancelled
        );
        let booking = event.subject.filter(|_| is_about_bookings);
        let booking = booking.and_then(|id| self.desk.booking(BookingId::new(id)));
        let Some(booking) = booking else {
            return;
        };
        let now = self.clock.now();
        let begins = booking.slot.start().saturating_sub(LEAD);
        if begins <= now && now < booking.slot.end().saturating_add(LEAD) {
            self.note_changed(booking.instrument);
        }
    }

    /// Notes that machines may have changed.
    pub(super) fn note_news(&mut self) {
        self.has_news = true;
    }

    /// Notes that something changed by hand.
    pub(super) fn note_changed(&mut self, instrument: InstrumentId) {
        self.dirty.insert(instrument);
    }

    /// Returns how many instruments wait for data.
    #[cfg(test)]
    pub(super) fn waiting(&self) -> usize {
        self.again.len()
    }

    /// Looks once at everything that may have something to tell.
    pub(super) async fn look(&mut self) -> Result<(), WitnessError> {
        let now = self.clock.now();
        if (now - self.looked_at).abs() > PAUSE_US {
            self.listening_since = now;
        }
        self.looked_at = now;
        if self.has_news {
            self.follow().await?;
            self.has_news = false;
        }
        let (instruments, bookings) = self.due(now);
        if !instruments.is_empty() {
            self.hear(&instruments, None).await?;
        }
        self.dirty.retain(|id| !instruments.contains(id));
        let now = self.clock.now();
        for id in bookings {
            let until = Micros::new(now.get().saturating_add(AGAIN_US));
            self.later.entry(id).or_insert(until);
        }
        self.watch_faults().await?;
        self.looked_at = self.clock.now();
        Ok(())
    }

    /// Brings machines at fault before the desk, where something is to be done about them.
    async fn watch_faults(&self) -> Result<(), WitnessError> {
        let (directory, ledger) = (self.desk.directory(), self.desk.ledger());
        let now = self.clock.now();
        let held = |id: InstrumentId| ledger.machine_faults.get(id.get().into()).is_some();
        for instrument in directory.instruments.values() {
            let id = instrument.id;
            if instrument.state_rule.on_fault.is_none() && !held(id) {
                continue;
            }
            let machine = (self.machines)(id);
            let seen = WatchFault {
                instrument: id,
                state: machine.state,
                since: machine.since.unwrap_or(now),
            };
            let snapshot = self.desk.snapshot(id);
            if is_due(instrument, &ledger, snapshot.as_deref(), &seen, now) {
                self.desk.ask(seen).await?;
            }
        }
        Ok(())
    }

    /// Follows the changes of state since the cursor, in order.
    async fn follow(&mut self) -> Result<(), WitnessError> {
        let mut cursor = self.desk.ledger().machine_cursor.at();
        if cursor > 0 && self.history.state_changes(cursor - 1, 1).await?.is_empty() {
            tracing::warn!("the telemetry store is another one: it is heard from its begin");
            cursor = 0;
        }
        loop {
            let changes = self.history.state_changes(cursor, CHANGES_MAX).await?;
            let Some(last) = changes.last() else {
                return Ok(());
            };
            cursor = last.seq;
            let instruments = changes.iter().map(|change| change.instrument).collect();
            self.hear(&instruments, Some(cursor)).await?;
        }
    }

    /// Returns what has to be heard now though no machine changed, and the bookings that want it.
    fn due(&mut self, now: Micros) -> (BTreeSet<InstrumentId>, Vec<BookingId>) {
        let ledger = self.desk.ledger();
        self.later.retain(|_, until| *until > now);
        let unheard = ledger.agenda.unheard(now, UNHEARD_MAX);
        let bookings: Vec<BookingId> = unheard
            .into_iter()
            .filter_map(|due| match due {
                Due::Presence(id) => Some(id),
                Due::Hold(_) | Due::Offer(_) | Due::Wait(_) | Due::Approval(_) => None,
            })
            .filter(|id| !self.later.contains_key(id))
            .collect();
        let found = bookings.iter().filter_map(|id| self.desk.booking(*id));
        let mut instruments: BTreeSet<InstrumentId> =
            found.map(|booking| booking.instrument).collect();
        instruments.extend(&self.dirty);
        let directory = self.desk.directory();
        let passed = self.again.iter().filter(|(id, at)| {
            let instrument = directory.instruments.get(id);
            instrument.is_some_and(|found| self.known_until(found, now) >= Some(**at))
        });
        instruments.extend(passed.map(|(id, _)| *id));
        (instruments, bookings)
    }

    /// Returns up to when an instrument's machine states are final: to its newest reading, but for
    /// what a change needs to count.
    fn watermark(&self, instrument: &Instrument) -> Option<Micros> {
        let last = (self.machines)(instrument.id).known_until?;
        Some(Micros::new(
            last.get() - undecided_us(&instrument.state_rule),
        ))
    }

    fn known_until(&self, instrument: &Instrument, now: Micros) -> Option<Micros> {
        if has_witness(&self.desk.directory(), instrument) {
            // As the desk takes it: nobody waits for longer.
            let waited = now.saturating_sub(SILENCE_MAX);
            self.watermark(instrument).map(|at| at.max(waited))
        } else {
            Some(now)
        }
    }

    /// Brings instruments before the desk, some at a time; the cursor moves with the last of them.
    async fn hear(
        &mut self,
        instruments: &BTreeSet<InstrumentId>,
        upto: Option<i64>,
    ) -> Result<(), WitnessError> {
        let all: Vec<InstrumentId> = instruments.iter().copied().collect();
        let last = all.len().div_ceil(HEARD_MAX);
        for (number, some) in (1..).zip(all.chunks(HEARD_MAX)) {
            let began = Instant::now();
            let mut seen = Vec::with_capacity(some.len());
            for id in some {
                seen.extend(self.see(*id).await?);
            }
            let hear = Hear {
                seen,
                listening_since: self.listening_since,
                upto: upto.filter(|_| number == last),
            };
            let outcome = self.desk.ask(hear).await?;
            self.remember(outcome);
            if last > 1 {
                // A long history is followed with half of one core, and bookings come between.
                tokio::time::sleep(began.elapsed()).await;
            }
        }
        Ok(())
    }

    fn remember(&mut self, outcome: HearOutcome) {
        for (id, again) in outcome.again {
            match again {
                Some(at) => self.again.insert(id, at),
                None => self.again.remove(&id),
            };
        }
        self.later.extend(outcome.later);
    }

    /// Gathers what is known of one machine; nothing if it is gone.
    async fn see(&self, id: InstrumentId) -> Result<Option<SeenMachine>, WitnessError> {
        let directory = self.desk.directory();
        let Some(instrument) = directory.instruments.get(&id) else {
            return Ok(None);
        };
        // Before the states are read: they then reach at least as far.
        let watermark = self.watermark(instrument);
        let now = self.clock.now();
        let from = reach(&self.desk.ledger(), self.desk.shelf(), id, now);
        let window = Slot::new(from, now);
        let machine = match window {
            Some(window) if has_witness(&directory, instrument) => {
                let (from, to) = (window.start(), window.end());
                // As decided at the time: a re-run changes no outcome of a booking.
                let states = self.history.states_decided(id, from, to).await?;
                let doubts = self.history.doubts(id, from, to).await?;
                intervals(&states, &doubts, window)
            }
            Some(_) | None => Vec::new(),
        };
        Ok(Some(SeenMachine {
            instrument: id,
            from,
            machine: machine.into(),
            watermark,
        }))
    }
}

fn report(looked: &Result<(), WitnessError>, is_failing: &mut bool) {
    match looked {
        Err(error) if !*is_failing => {
            let why = std::error::Error::source(error).map(ToString::to_string);
            tracing::warn!(%error, why, "machines are not heard now; tried again every second");
        }
        Ok(()) if *is_failing => tracing::info!("machines are heard again"),
        Ok(()) | Err(_) => {}
    }
    *is_failing = looked.is_err();
}
