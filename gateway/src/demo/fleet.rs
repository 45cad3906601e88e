//! All simulated agents: their credentials, their history, their life on the broker.
//!
//! A laboratory's history comes first, through telemetry's own intake; once it is committed its agent
//! connects and goes on from there. So no reading is late, and the agents do not all connect in the
//! same moment.

use std::sync::{Arc, Mutex};

use agents::clock::Clock;
use agents::config::Gateway;
use bytes::Bytes;
use tokio::sync::{Semaphore, mpsc, oneshot};
use wire::{AgentName, Batch, Clocks, Record, RecordBody, Series, StreamId, Topic, Up};

use crate::credentials::new_secret;
use crate::lifecycle::Lifecycle;
use crate::telemetry::{Acknowledge, Delivery, TelemetryHandle};

use super::DemoError;
use super::agent::Agent;
use super::day::DAY_S;
use super::enrol;
use super::generate::{Feed, World};
use super::history;
use super::lab::Lab;
use super::progress::Progress;

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
}

/// Every simulated agent, before they are started.
#[derive(Debug)]
pub(super) struct Fleet {
    seats: Vec<Seat>,
}

/// What the agents live in.
#[derive(Debug)]
pub(super) struct Surroundings {
    /// The world their laboratories are part of.
    pub(super) world: Arc<World>,
    /// Where their history goes.
    pub(super) telemetry: TelemetryHandle,
    /// Where they connect.
    pub(super) gateway: Gateway,
    /// Days of history.
    pub(super) days: i64,
}

/// A step of the loading.
enum Made {
    /// A message of history.
    Message { topic: String, payload: Bytes },
    /// The end of a laboratory's history; the agent may start.
    End(Box<(Seat, Lab)>),
}

impl Fleet {
    /// Makes an agent with name and secret for each laboratory with simulated instruments.
    pub(super) fn new(world: &World) -> Self {
        let mut seats: Vec<Seat> = Vec::new();
        for (at, machine) in world.machines.iter().enumerate() {
            if machine.feed != Feed::Simulated {
                continue;
            }
            if seats.last().is_none_or(|seat| seat.place != machine.lab) {
                seats.push(Seat {
                    name: enrol::agent_of(world, machine.lab),
                    secret: new_secret(),
                    place: machine.lab,
                    machines: Vec::new(),
                });
            }
            seats.last_mut().expect("just pushed").machines.push(at);
        }
        Self { seats }
    }

    /// Returns name, laboratory and secret of each agent.
    pub(super) fn credentials(&self) -> impl Iterator<Item = (&AgentName, usize, &str)> {
        self.seats
            .iter()
            .map(|seat| (&seat.name, seat.place, seat.secret.as_str()))
    }

    /// Hands over each laboratory's history and starts its agent when that is committed. Returns the
    /// laboratories when all history is.
    ///
    /// # Errors
    /// Returns [`DemoError::Stopped`] when the gateway stops meanwhile.
    pub(super) async fn launch(
        self,
        around: Surroundings,
        lifecycle: &Lifecycle,
        progress: &mut Progress,
    ) -> Result<Vec<Arc<Mutex<Lab>>>, DemoError> {
        let (made, mut ready) = mpsc::channel(MADE_MAX);
        let of = self.seats.len();
        let clock = Clock::system();
        let now = clock.now();
        let making = {
            let (world, clock, days) = (Arc::clone(&around.world), clock.clone(), around.days);
            tokio::task::spawn_blocking(move || make(self, &world, &clock, days, &made))
        };
        let room = Arc::new(Semaphore::new(
            usize::try_from(UNCOMMITTED_MAX).unwrap_or(1),
        ));
        let lived_in = Arc::new(around.world.without_bookings());
        let mut labs = Vec::with_capacity(of);
        // Told when the last message handed over is committed, and so all before it.
        let mut committed = None;
        while let Some(step) = ready.recv().await {
            match step {
                Made::Message { topic, payload } => {
                    let permit = Arc::clone(&room).acquire_owned().await;
                    let permit = permit.map_err(|_| DemoError::Stopped)?;
                    let (done, wait) = oneshot::channel();
                    committed = Some(wait);
                    let acknowledge = Acknowledge::with(move || {
                        drop(permit);
                        // Most messages have a later one that is waited for instead.
                        done.send(()).ok();
                    });
                    let delivery = Delivery {
                        topic,
                        payload,
                        acknowledge,
                    };
                    around
                        .telemetry
                        .ingest(delivery)
                        .await
                        .map_err(|_| DemoError::Stopped)?;
                }
                Made::End(end) => {
                    let (seat, lab) = *end;
                    let lab = Arc::new(Mutex::new(lab));
                    labs.push(Arc::clone(&lab));
                    progress.at(labs.len(), of);
                    let agent = Agent {
                        name: seat.name,
                        secret: seat.secret,
                        number: labs.len() - 1,
                        lab,
                        world: Arc::clone(&lived_in),
                        gateway: around.gateway.clone(),
                        told_s: now.wall_ms / 1_000,
                    };
                    let task = agent.run(clock.clone(), committed.take(), lifecycle.stop_token());
                    lifecycle.spawn("simulated agent", task);
                }
            }
        }
        drop(
            room.acquire_many(UNCOMMITTED_MAX)
                .await
                .map_err(|_| DemoError::Stopped)?,
        );
        making.await.map_err(|_| DemoError::Stopped)?;
        Ok(labs)
    }
}

/// Makes the history, laboratory after laboratory, until nobody wants more.
fn make(fleet: Fleet, world: &World, clock: &Clock, days: i64, made: &mpsc::Sender<Made>) {
    let now = clock.now();
    let to_s = now.wall_ms / 1_000;
    let at = Clocks {
        wall_ms: to_s * 1_000,
        mono_ms: now.mono_ms - now.wall_ms % 1_000,
    };
    for seat in fleet.seats {
        let topic = Topic::Up(seat.name.clone(), Up::Readings).to_string();
        let stream: [u8; 16] = rand::random();
        let stream = StreamId::parse(&hex::encode(stream)).expect("the form is valid");
        let boot = clock.boot().clone();
        let mut seq = 0;
        let mut send = |series: Vec<Series>| {
            seq += 1;
            let record = Record {
                boot: boot.clone(),
                at,
                body: RecordBody::Series(series),
            };
            let (stream, boot, sent) = (stream.clone(), boot.clone(), clock.now());
            // Delivered past the broker and not kept: nothing lower is held.
            let batch = Batch {
                stream,
                seq,
                oldest: seq,
                boot,
                sent,
                record,
            };
            let payload = Bytes::from(wire::encode(&batch));
            made.blocking_send(Made::Message {
                topic: topic.clone(),
                payload,
            })
            .is_ok()
        };
        let window = (to_s - days * DAY_S, to_s);
        let counters = history::records(world, &seat.machines, window, &mut send);
        let lab = Lab::new(
            world,
            seat.place,
            seat.machines.iter().copied().zip(counters),
        );
        if made
            .blocking_send(Made::End(Box::new((seat, lab))))
            .is_err()
        {
            return;
        }
    }
}
