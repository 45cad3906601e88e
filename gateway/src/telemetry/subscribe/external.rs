//! A broker of one's own, such as Mosquitto or EMQX, through `rumqttc`.
//!
//! **PUBACK only after the commit.** Acks are manual. A PUBACK carries only a packet id, which means
//! something else after a reconnect; so every connection has a client of its own, and an ack that
//! comes after its connection ended goes nowhere. The broker then delivers again.
//!
//! **Two clients**: `rumqttc` sends PUBACKs through the same queue as publishes and stops taking from
//! it while publishes wait for their own PUBACK; so acks to agents have their own connection.
//!
//! **What the broker kept** while the gateway was away comes in a burst and says not when it was sent.
//! What comes within [`pauses::DRAINED_AFTER`] of a connection whose session was kept may be so old as that
//! session was left alone, and is marked so.
//!
//! **A subscription that is refused** is told in the log; without the agents' the gateway is not ready.
//!
//! **A full queue** holds up reading for a moment, then the connection is closed until there is room
//! again: the broker keeps what is not acknowledged.

mod broker;
mod pauses;

use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use rumqttc::{
    AsyncClient, ConnectionError, Event, EventLoop, Outgoing, Packet, Publish, QoS, SubAck,
    SubscribeReasonCode,
};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use wire::{AgentName, Topic};

use broker::Broker;
use pauses::{Kept, Retry};

use super::filters::ForeignFilters;
use super::{Downlink, host_word};
use crate::config::Secret;
use crate::lifecycle::Lifecycle;
use crate::registry::SharedDirectory;
use crate::telemetry::StartError;
use crate::telemetry::foreign::ForeignMessage;
use crate::telemetry::intake::{Acknowledge, Delivery, Inbound, Intake, NotTaken};

/// Requests waiting for the ingest connection: one PUBACK for each message in the recorder's queue
/// and in the group being committed, so an ack always finds room.
const PUBACKS_MAX: usize = 65_536;

/// Messages to agents waiting for the sending connection. Full means that the broker is slow: further
/// acks are lost, later ones tell the same.
const SENDING_MAX: usize = 16_384;

/// Publishes under way to the broker without its PUBACK.
const INFLIGHT_MAX: u16 = 1_000;

/// How long reading is held up by a full queue before the connection is closed.
const PATIENCE: Duration = Duration::from_secs(2);

/// The two connections.
pub(in crate::telemetry) struct External {
    broker: Broker,
    /// The client of the present sending connection.
    sender: Mutex<Option<AsyncClient>>,
    /// Where foreign sources send to, and what of it the present ingest connection listens to.
    foreign: ForeignFilters,
    is_ingesting: AtomicBool,
    /// Whether the broker refuses to let the gateway listen to agents.
    is_refused: AtomicBool,
    is_sending: AtomicBool,
    /// Whether the log was told that the broker is away: it is told once, and once when it is back.
    is_told: AtomicBool,
}

/// Starts both connections. They connect when the broker is there.
pub(in crate::telemetry) fn start(
    url: &Secret,
    directory: SharedDirectory,
    intake: Intake,
    (since_ms, lifecycle): (i64, &Lifecycle),
) -> Result<Arc<External>, StartError> {
    let broker = Broker::parse(url.expose()).ok_or(StartError::Url)?;
    let options = broker.options("host");
    let nodes = Arc::clone(&directory);
    let external = Arc::new(External {
        broker,
        sender: Mutex::new(None),
        foreign: ForeignFilters::new(directory),
        is_ingesting: AtomicBool::new(false),
        is_refused: AtomicBool::new(false),
        is_sending: AtomicBool::new(false),
        is_told: AtomicBool::new(false),
    });
    let (ingest, stop) = (Arc::clone(&external), lifecycle.stop_token());
    lifecycle.spawn("ingest from the broker", async move {
        let mut retry = Retry::default();
        // When the session was left alone: when the last packet came.
        let mut left = None;
        while !stop.is_cancelled() {
            let end = ingest.ingest(&intake, &mut left, &stop).await;
            ingest.foreign.end();
            let was_up = ingest.is_ingesting.swap(false, Ordering::Relaxed);
            ingest.tell_end("ingest", &end);
            rest(retry.after(was_up), &stop).await;
        }
        Ok::<(), String>(())
    });
    let (filters, stop) = (Arc::clone(&external), lifecycle.stop_token());
    lifecycle.spawn("filters of foreign sources", async move {
        filters.foreign.follow(stop).await;
        Ok::<(), String>(())
    });
    let stop = lifecycle.stop_token();
    lifecycle.spawn("word of the Sparkplug host", async move {
        host_word::keep(options, nodes, since_ms, stop).await;
        Ok::<(), String>(())
    });
    let (sending, stop) = (Arc::clone(&external), lifecycle.stop_token());
    lifecycle.spawn("sending to the broker", async move {
        let mut retry = Retry::default();
        while !stop.is_cancelled() {
            let end = sending.keep_sending(&stop).await;
            let was_up = sending.is_sending.swap(false, Ordering::Relaxed);
            sending.tell_end("sending", &end);
            rest(retry.after(was_up), &stop).await;
        }
        Ok::<(), String>(())
    });
    Ok(external)
}

/// Why a connection ended.
#[derive(Debug, thiserror::Error)]
enum End {
    #[error("the gateway stops")]
    Stop,
    #[error("the recorder's queue stayed full")]
    Full,
    /// Asked again over the next connection.
    #[error("the broker refuses to let the gateway listen to agents")]
    Refused,
    #[error(transparent)]
    Connection(#[from] Box<ConnectionError>),
}

async fn rest(time: Duration, stop: &CancellationToken) {
    tokio::select! {
        () = stop.cancelled() => {}
        () = tokio::time::sleep(time) => {}
    }
}

async fn poll(events: &mut EventLoop, stop: &CancellationToken) -> Result<Event, End> {
    tokio::select! {
        () = stop.cancelled() => Err(End::Stop),
        event = events.poll() => event.map_err(|error| End::Connection(Box::new(error))),
    }
}

impl External {
    /// Tells the log why a connection ended, once until both are there again. That the gateway stops
    /// or is slow is no news about the broker.
    fn tell_end(&self, what: &str, end: &End) {
        let is_news = match end {
            End::Stop | End::Refused => false,
            End::Full => true,
            End::Connection(_) => !self.is_told.swap(true, Ordering::Relaxed),
        };
        let broker = format!("{}:{}", self.broker.host, self.broker.port);
        if is_news {
            tracing::warn!(what, %end, broker, "a connection to the broker ended; it is tried again");
        } else {
            tracing::debug!(what, %end, broker, "a connection to the broker ended");
        }
    }

    fn tell_up(&self) {
        let is_up = self.trouble().is_none();
        if is_up && self.is_told.swap(false, Ordering::Relaxed) {
            tracing::info!("the broker is back: messages come in and acks go out");
        }
    }

    /// One connection, from connect to its end. `last` is when the last packet came over one.
    async fn ingest(
        &self,
        intake: &Intake,
        last: &mut Option<Instant>,
        stop: &CancellationToken,
    ) -> End {
        let mut options = self.broker.options("ingest");
        // The broker keeps what comes while the gateway is away.
        options.set_clean_session(false).set_manual_acks(true);
        let (client, mut events) = AsyncClient::new(options, PUBACKS_MAX);
        let mut kept = Kept::default();
        loop {
            let event = match poll(&mut events, stop).await {
                Ok(event) => event,
                Err(end) => return end,
            };
            let is_incoming = matches!(event, Event::Incoming(_));
            match event {
                Event::Incoming(Packet::ConnAck(connected)) => {
                    if connected.session_present {
                        kept = Kept::since(*last, Instant::now());
                    }
                    // Also when the session was kept: then the retained statuses come again, and
                    // tell who came and went meanwhile.
                    self.foreign.begin(client.clone(), &Topic::all_up());
                }
                Event::Outgoing(Outgoing::Subscribe(id)) => self.foreign.asked(id),
                Event::Incoming(Packet::SubAck(answer)) => {
                    self.hear_answer(&answer);
                    if self.is_refused.load(Ordering::Relaxed) {
                        return End::Refused;
                    }
                }
                Event::Incoming(Packet::Publish(publish)) => {
                    let kept_for = kept.at(Instant::now());
                    let inbound = inbound_of(publish, kept_for, client.clone());
                    match intake.submit_within(inbound, PATIENCE).await {
                        Ok(()) => {}
                        Err(NotTaken::Full) => return End::Full,
                        Err(NotTaken::Stopped) => return End::Stop,
                    }
                }
                Event::Incoming(_) | Event::Outgoing(_) => {}
            }
            if is_incoming {
                *last = Some(Instant::now());
            }
        }
    }

    /// Takes the broker's answer to a subscription.
    fn hear_answer(&self, answer: &SubAck) {
        let Some(filter) = self.foreign.answered(answer.pkid) else {
            return;
        };
        let is_refused = answer.return_codes.contains(&SubscribeReasonCode::Failure);
        if is_refused {
            self.foreign.refused(&filter);
            tracing::warn!(
                filter,
                "the broker refuses to let the gateway listen there: its rules for the gateway's \
                 user must permit it"
            );
        }
        if filter == Topic::all_up() {
            self.is_refused.store(is_refused, Ordering::Relaxed);
            self.is_ingesting.store(!is_refused, Ordering::Relaxed);
            self.tell_up();
        }
    }

    /// One connection, from connect to its end. What waits in it is lost with it.
    async fn keep_sending(&self, stop: &CancellationToken) -> End {
        let mut options = self.broker.options("sending");
        options.set_clean_session(true).set_inflight(INFLIGHT_MAX);
        let (client, mut events) = AsyncClient::new(options, SENDING_MAX);
        let end = loop {
            match poll(&mut events, stop).await {
                Ok(Event::Incoming(Packet::ConnAck(_))) => {
                    self.set_sender(Some(client.clone()));
                    self.is_sending.store(true, Ordering::Relaxed);
                    self.tell_up();
                }
                Ok(_) => {}
                Err(end) => break end,
            }
        };
        self.set_sender(None);
        end
    }

    fn set_sender(&self, client: Option<AsyncClient>) {
        let mut sender = self.sender.lock();
        let sender = sender
            .as_mut()
            .expect("nobody panics while holding this lock");
        **sender = client;
    }
}

/// Makes of a publish what the recorder takes, acknowledged to the broker after the commit.
fn inbound_of(publish: Publish, kept_for: Duration, client: AsyncClient) -> Inbound {
    let topic = publish.topic.clone();
    let payload = publish.payload.clone();
    let (is_retained, qos) = (publish.retain, publish.qos);
    let acknowledge = Acknowledge::with(move || {
        // Fails only when the connection has ended: then it comes again.
        drop(client.try_ack(&publish));
    });
    if Topic::is_ours(&topic) {
        return Inbound::Agent(Delivery {
            topic,
            payload,
            acknowledge,
        });
    }
    Inbound::Foreign(ForeignMessage {
        publisher: None,
        topic,
        payload,
        is_retained,
        kept_for: if qos == QoS::AtMostOnce || is_retained {
            Duration::ZERO
        } else {
            kept_for
        },
        acknowledge: if qos == QoS::AtMostOnce {
            Acknowledge::none()
        } else {
            acknowledge
        },
    })
}

#[async_trait]
impl Downlink for External {
    async fn send(&self, topic: String, payload: Vec<u8>) {
        let sender = self.sender.lock();
        let sender = sender
            .expect("nobody panics while holding this lock")
            .clone();
        if let Some(client) = sender
            && client
                .try_publish(topic, QoS::AtLeastOnce, false, payload)
                .is_err()
        {
            tracing::debug!("an ack was not sent: the broker is slow");
        }
    }

    /// The broker's own rules say who may connect; revocation is done there.
    async fn disconnect(&self, _agent: &AgentName) {}

    fn trouble(&self) -> Option<String> {
        let parts = [
            (&self.is_ingesting, "ingest"),
            (&self.is_sending, "sending"),
        ];
        if self.is_refused.load(Ordering::Relaxed) {
            return Some(format!(
                "消息服务器 {}:{} 拒绝网关订阅 {} / the broker refuses to let the gateway listen to {}",
                self.broker.host,
                self.broker.port,
                Topic::all_up(),
                Topic::all_up()
            ));
        }
        let down = parts.iter().find(|(up, _)| !up.load(Ordering::Relaxed));
        down.map(|(_, what)| {
            format!(
                "与消息服务器 {}:{} 的连接未建立 / the {what} connection to the broker is not up",
                self.broker.host, self.broker.port
            )
        })
    }

    fn address(&self) -> Option<SocketAddr> {
        None
    }
}

#[cfg(test)]
mod tests;
