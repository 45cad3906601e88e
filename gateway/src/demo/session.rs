//! One simulated agent on the broker: connects with its name and secret as any agent, says hello,
//! sends what its outbox holds and deletes what is acknowledged.
//!
//! The laboratory is read once a second whether connected or not; while the agent is away or the
//! broker cannot be reached, reports wait in the outbox.

use std::convert::Infallible;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use rumqttc::{
    AsyncClient, ClientError, ConnectionError, Event, EventLoop, LastWill, MqttOptions, Packet, QoS,
};
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;
use wire::{AgentName, Clocks, DeviceInfo, Down, Hello, Record, RecordBody, Status, Topic, Up};

use crate::clock::Clock;

use super::generate::{Machine, World};
use super::lab::{self, Lab, REPORT_S};
use super::meter;
use super::outbox::Outbox;

/// Messages between a laboratory and its connection. Full means the broker is slow: the laboratory
/// waits, its reports stay in the outbox.
const REQUESTS_MAX: usize = 16;

/// Largest packet on the wire: a message and its topic.
const PACKET_BYTES_MAX: usize = wire::PAYLOAD_BYTES_MAX + 512;

/// Time between attempts to connect.
const RETRY: Duration = Duration::from_secs(3);

const SECOND: Duration = Duration::from_secs(1);

const KEEP_ALIVE: Duration = Duration::from_secs(30);

/// The broker to connect to.
#[derive(Debug, Clone)]
pub(super) struct Broker {
    /// Host name or address.
    pub(super) host: String,
    /// Port.
    pub(super) port: u16,
}

/// What an agent needs besides its laboratory.
#[derive(Debug, Clone)]
pub(super) struct Surroundings {
    /// The world its laboratory is part of.
    pub(super) world: Arc<World>,
    /// The time.
    pub(super) clock: Clock,
    /// Where to connect.
    pub(super) broker: Broker,
    /// Ends the agent.
    pub(super) stop: CancellationToken,
}

/// A simulated agent.
#[derive(Debug)]
pub(super) struct Agent {
    /// Its name.
    pub(super) name: AgentName,
    /// Its secret.
    pub(super) secret: String,
    /// Its laboratory; the fleet tells it of new bookings.
    pub(super) lab: Arc<Mutex<Lab>>,
    /// Its number among the agents, from 0.
    pub(super) number: usize,
    /// What it has to send; acknowledgements arrive beside what is sent.
    pub(super) outbox: Arc<Mutex<Outbox>>,
    /// How often it has connected.
    pub(super) connects: u64,
    /// The last second that was read; 0 before the first.
    pub(super) read_s: i64,
}

/// Returns both clocks, in milliseconds.
pub(super) fn clocks(clock: &Clock) -> Clocks {
    Clocks {
        wall_ms: clock.now().get() / 1_000,
        mono_ms: clock.mono_us() / 1_000,
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().expect("nobody panics while holding this lock")
}

impl Agent {
    /// Lives until asked to stop.
    pub(super) async fn run(mut self, around: Surroundings) -> Result<(), Infallible> {
        // Agents of a region do not all connect in the same moment.
        let late = Duration::from_millis(u64::try_from(self.number * 17 % 5_000).unwrap_or(0));
        rest(&around, late).await;
        while !around.stop.is_cancelled() {
            if !self.is_connected(&around) {
                self.away(&around).await;
            } else if let Err(error) = self.session(&around).await {
                tracing::debug!(agent = %self.name, %error, "a simulated agent lost its broker");
                rest(&around, RETRY).await;
            }
        }
        Ok(())
    }

    fn is_connected(&self, around: &Surroundings) -> bool {
        let now_s = clocks(&around.clock).wall_ms / 1_000;
        lab::is_connected(around.world.seed, self.number, now_s)
    }

    /// Reads the laboratory without a connection, until it is time to connect.
    async fn away(&mut self, around: &Surroundings) {
        while !self.is_connected(around) && !around.stop.is_cancelled() {
            self.read(around);
            rest(around, SECOND).await;
        }
    }

    /// One connection, from the first packet to its loss, the time to leave, or the stop.
    async fn session(&mut self, around: &Surroundings) -> Result<(), ConnectionError> {
        self.connects += 1;
        let (client, events) = self.connection(&around.broker);
        let accepted = Notify::new();
        let outbox = Arc::clone(&self.outbox);
        // Both sides live as long as the connection: neither is cut off halfway through a packet.
        tokio::select! {
            error = listen(events, &outbox, &accepted) => Err(error),
            // The client fails only after the other side has ended.
            _ = self.speak(around, &client, &accepted) => Ok(()),
        }
    }

    fn connection(&self, broker: &Broker) -> (AsyncClient, EventLoop) {
        let mut options = MqttOptions::new(self.name.as_str(), &broker.host, broker.port);
        let will = LastWill::new(
            Topic::Up(self.name.clone(), Up::Status).to_string(),
            wire::encode(&self.status(false)),
            QoS::AtLeastOnce,
            true,
        );
        options
            .set_credentials(self.name.as_str(), &self.secret)
            .set_keep_alive(KEEP_ALIVE)
            .set_max_packet_size(PACKET_BYTES_MAX, PACKET_BYTES_MAX)
            .set_last_will(will);
        AsyncClient::new(options, REQUESTS_MAX)
    }

    fn status(&self, online: bool) -> Status {
        let boot = locked(&self.outbox).boot().clone();
        Status {
            boot,
            connect: self.connects,
            online,
        }
    }

    /// Says hello, and then once a second what there is to say.
    async fn speak(
        &mut self,
        around: &Surroundings,
        client: &AsyncClient,
        accepted: &Notify,
    ) -> Result<(), ClientError> {
        accepted.notified().await;
        client
            .subscribe(Topic::all_down(&self.name), QoS::AtLeastOnce)
            .await?;
        self.publish(client, Up::Status, wire::encode(&self.status(true)))
            .await?;
        self.publish(client, Up::Hello, wire::encode(&self.hello(around)))
            .await?;
        locked(&self.outbox).reconnect();
        while self.is_connected(around) && !around.stop.is_cancelled() {
            self.read(around);
            loop {
                let due = locked(&self.outbox).take_due(clocks(&around.clock));
                let Some(batch) = due else { break };
                self.publish(client, Up::Readings, wire::encode(&batch))
                    .await?;
            }
            rest(around, SECOND).await;
        }
        Ok(())
    }

    async fn publish(
        &self,
        client: &AsyncClient,
        what: Up,
        payload: Vec<u8>,
    ) -> Result<(), ClientError> {
        let topic = Topic::Up(self.name.clone(), what).to_string();
        client
            .publish(topic, QoS::AtLeastOnce, what == Up::Status, payload)
            .await
    }

    fn hello(&self, around: &Surroundings) -> Hello {
        let lab = locked(&self.lab);
        let machines = lab
            .machines()
            .filter_map(|at| around.world.machines.get(at));
        let device = |machine: &Machine| DeviceInfo {
            name: format!("meter-{}", machine.number + 1),
            profile: "simulated".into(),
            instrument: machine.key.clone(),
            channels: meter::channels(machine.class, machine.alarm),
        };
        let outbox = locked(&self.outbox);
        Hello {
            version: env!("CARGO_PKG_VERSION").into(),
            stream: outbox.stream().clone(),
            oldest: outbox.oldest(),
            next: outbox.next(),
            boot: outbox.boot().clone(),
            sent: clocks(&around.clock),
            report_every_ms: REPORT_S.unsigned_abs() * 1_000,
            devices: machines.map(device).collect(),
        }
    }

    /// Reads the laboratory for every second since the last time, a minute at the most.
    fn read(&mut self, around: &Surroundings) {
        let now = clocks(&around.clock);
        let now_s = now.wall_ms / 1_000;
        let first = if self.read_s == 0 {
            now_s
        } else {
            self.read_s + 1
        };
        for second in first.max(now_s - 60)..=now_s {
            let report = locked(&self.lab).tick(&around.world, second);
            if let Some(series) = report {
                let wall_ms = second * 1_000;
                let at = Clocks {
                    wall_ms,
                    mono_ms: now.mono_ms - (now.wall_ms - wall_ms),
                };
                let mut outbox = locked(&self.outbox);
                let boot = outbox.boot().clone();
                outbox.push(Record {
                    boot,
                    at,
                    body: RecordBody::Series(series),
                });
            }
        }
        self.read_s = self.read_s.max(now_s);
    }
}

/// Polls the connection until it fails: tells when it is accepted, takes acknowledgements.
async fn listen(
    mut events: EventLoop,
    outbox: &Mutex<Outbox>,
    accepted: &Notify,
) -> ConnectionError {
    loop {
        match events.poll().await {
            Ok(Event::Incoming(Packet::ConnAck(_))) => accepted.notify_one(),
            Ok(Event::Incoming(Packet::Publish(message))) => {
                let topic = Topic::parse(&message.topic);
                let ack = wire::decode_ack(&message.payload);
                if let (Ok(Topic::Down(_, Down::Ack)), Ok(ack)) = (topic, ack) {
                    locked(outbox).acknowledge(&ack);
                }
            }
            Ok(_) => {}
            Err(error) => return error,
        }
    }
}

/// Waits, but not beyond the stop.
async fn rest(around: &Surroundings, time: Duration) {
    tokio::select! {
        () = around.stop.cancelled() => {}
        () = tokio::time::sleep(time) => {}
    }
}
