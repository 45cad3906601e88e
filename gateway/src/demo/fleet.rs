//! All simulated agents: their credentials, their history, their life on the broker.

use std::sync::{Arc, Mutex};

use bytes::Bytes;
use tokio::sync::{Semaphore, mpsc};
use wire::{AgentName, BootId, Clocks, Record, RecordBody, Series, StreamId, Topic, Up};

use crate::clock::Clock;
use crate::credentials::new_secret;
use crate::lifecycle::Lifecycle;
use crate::telemetry::{Acknowledge, Delivery, TelemetryHandle};

use super::DemoError;
use super::enrol;
use super::generate::{Feed, World};
use super::history;
use super::lab::Lab;
use super::outbox::Outbox;
use super::progress::Progress;
use super::session::{self, Agent, Surroundings};

/// Messages of history between their maker and the recorder. Full means the recorder is slower: the
/// maker waits.
const MADE_MAX: usize = 8;

/// Messages of history that the recorder has and has not committed. Few, because a message's wait
/// shifts its times: the gateway maps them from the moment it takes the message up.
const UNCOMMITTED_MAX: u32 = 48;

/// One agent before it is started.
#[derive(Debug)]
struct Seat {
    name: AgentName,
    secret: String,
    /// Index of its laboratory.
    place: usize,
    /// Indexes of its instruments.
    machines: Vec<usize>,
    outbox: Outbox,
}

/// Every simulated agent, before they are started.
#[derive(Debug)]
pub(super) struct Fleet {
    seats: Vec<Seat>,
    /// Energy counters of all instruments, in watt-seconds.
    counters_ws: Vec<i64>,
    /// The last second of history.
    told_s: i64,
}

impl Fleet {
    /// Makes an agent with name, secret and empty outbox for each laboratory with simulated
    /// instruments.
    pub(super) fn new(world: &World) -> Self {
        let boot: [u8; 8] = rand::random();
        let boot = BootId::parse(&format!("demo-{}", hex::encode(boot)));
        let boot = boot.expect("the form is valid");
        let mut seats: Vec<Seat> = Vec::new();
        for (at, machine) in world.machines.iter().enumerate() {
            if machine.feed != Feed::Simulated {
                continue;
            }
            if seats.last().is_none_or(|seat| seat.place != machine.lab) {
                let stream: [u8; 16] = rand::random();
                let stream = StreamId::parse(&hex::encode(stream)).expect("the form is valid");
                seats.push(Seat {
                    name: enrol::agent_of(world, machine.lab),
                    secret: new_secret(),
                    place: machine.lab,
                    machines: Vec::new(),
                    outbox: Outbox::new(stream, boot.clone()),
                });
            }
            seats.last_mut().expect("just pushed").machines.push(at);
        }
        Self {
            seats,
            counters_ws: vec![0; world.machines.len()],
            told_s: 0,
        }
    }

    /// Returns name, laboratory and secret of each agent.
    pub(super) fn credentials(&self) -> impl Iterator<Item = (&AgentName, usize, &str)> {
        self.seats
            .iter()
            .map(|seat| (&seat.name, seat.place, seat.secret.as_str()))
    }

    /// Hands over the history of all instruments through the gateway's own path and waits until all
    /// of it is committed.
    ///
    /// # Errors
    /// Returns [`DemoError::Stopped`] when the gateway stops meanwhile.
    pub(super) async fn load_history(
        self,
        world: &Arc<World>,
        telemetry: &TelemetryHandle,
        clock: &Clock,
        days: i64,
        progress: &mut Progress,
    ) -> Result<Self, DemoError> {
        let (made, mut ready) = mpsc::channel(MADE_MAX);
        let of = self.seats.len();
        let making = {
            let (world, clock) = (Arc::clone(world), clock.clone());
            tokio::task::spawn_blocking(move || self.make_history(&world, &clock, days, &made))
        };
        let room = Arc::new(Semaphore::new(
            usize::try_from(UNCOMMITTED_MAX).unwrap_or(1),
        ));
        while let Some(Made {
            seat,
            topic,
            payload,
        }) = ready.recv().await
        {
            progress.at(seat, of);
            let permit = Arc::clone(&room)
                .acquire_owned()
                .await
                .map_err(|_| DemoError::Stopped)?;
            let acknowledge = Acknowledge::with(move || drop(permit));
            let delivery = Delivery {
                topic,
                payload,
                acknowledge,
            };
            telemetry
                .ingest(delivery)
                .await
                .map_err(|_| DemoError::Stopped)?;
        }
        let all = room.acquire_many(UNCOMMITTED_MAX).await;
        drop(all.map_err(|_| DemoError::Stopped)?);
        making.await.map_err(|_| DemoError::Stopped)
    }

    /// Makes the messages of the history, laboratory after laboratory.
    fn make_history(
        mut self,
        world: &World,
        clock: &Clock,
        days: i64,
        made: &mpsc::Sender<Made>,
    ) -> Self {
        let at = session::clocks(clock);
        let to_s = at.wall_ms / 1_000;
        let at = Clocks {
            wall_ms: to_s * 1_000,
            mono_ms: at.mono_ms - at.wall_ms % 1_000,
        };
        let window = (to_s - days * super::day::DAY_S, to_s);
        for (number, seat) in self.seats.iter_mut().enumerate() {
            let topic = Topic::Up(seat.name.clone(), Up::Readings).to_string();
            let outbox = &mut seat.outbox;
            let mut send = |series: Vec<Series>| {
                let boot = outbox.boot().clone();
                let record = Record {
                    boot,
                    at,
                    body: RecordBody::Series(series),
                };
                let batch = outbox.pass(record, session::clocks(clock));
                let payload = Bytes::from(wire::encode(&batch));
                let topic = topic.clone();
                made.blocking_send(Made {
                    seat: number,
                    topic,
                    payload,
                })
                .is_ok()
            };
            let counters = history::records(world, &seat.machines, window, &mut send);
            for (machine, counter) in seat.machines.iter().zip(counters) {
                if let Some(kept) = self.counters_ws.get_mut(*machine) {
                    *kept = counter;
                }
            }
        }
        self.told_s = to_s;
        self
    }

    /// Starts the agents; they connect over the next seconds. Returns their laboratories, so that
    /// somebody can tell them of new bookings.
    pub(super) fn start(
        self,
        lifecycle: &Lifecycle,
        around: &Surroundings,
    ) -> Vec<Arc<Mutex<Lab>>> {
        let labs = Lab::all(&around.world, &self.counters_ws);
        let labs: Vec<_> = labs
            .into_iter()
            .map(|lab| Arc::new(Mutex::new(lab)))
            .collect();
        for (number, (seat, lab)) in self.seats.into_iter().zip(&labs).enumerate() {
            let agent = Agent {
                name: seat.name,
                secret: seat.secret,
                lab: Arc::clone(lab),
                number,
                outbox: Arc::new(Mutex::new(seat.outbox)),
                connects: 0,
                read_s: self.told_s,
            };
            lifecycle.spawn("simulated agent", agent.run(around.clone()));
        }
        labs
    }
}

/// A message of the history.
#[derive(Debug)]
struct Made {
    /// Which agent's, for the progress line.
    seat: usize,
    topic: String,
    payload: Bytes,
}
