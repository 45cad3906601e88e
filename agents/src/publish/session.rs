//! One MQTT connection, from CONNECT to its end; the next connection is a new client.
//!
//! rumqttc keeps unacknowledged publishes of a lost connection and may resend, lose or stall on
//! them (bytebeamio/rumqtt threads 1014, 1025, 1056). Here nothing survives a connection: the
//! outbox is the truth, the session is clean, and a client that saw any error is thrown away. One
//! task does nothing but poll; whoever publishes never waits for it, so the two cannot block each
//! other.

use std::time::Duration;

use rumqttc::{
    AsyncClient, ConnectionError, Event, EventLoop, LastWill, MqttOptions, Packet, QoS,
    SubscribeReasonCode,
};
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use wire::{Ack, AgentName, Status, Topic, Up};

use crate::config::{Gateway, Secret};

/// Publishes handed to the client and not yet answered by the broker's PUBACK.
const OUTSTANDING_MAX: usize = 100;

/// rumqttc's own bound, above ours, so that it never runs out of packet ids (collisions).
const INFLIGHT: u16 = 104;

/// Requests between us and the polling task: every outstanding publish fits.
const REQUESTS_MAX: usize = 128;

/// News from the polling task. Full means the outbox's disk is slow: then the task waits, and the
/// broker with it.
const NEWS_MAX: usize = 128;

/// The broker takes an agent for gone after one and a half of these.
const KEEP_ALIVE: Duration = Duration::from_secs(20);

/// Room for topic and header beside the largest payload.
const PACKET_BYTES_MAX: usize = wire::PAYLOAD_BYTES_MAX + 4096;

/// Who connects where.
#[derive(Debug, Clone)]
pub(super) struct Identity {
    pub(super) name: AgentName,
    pub(super) secret: Secret,
    pub(super) gateway: Gateway,
}

/// What the polling task has to tell.
#[derive(Debug)]
pub(super) enum News {
    /// Connected and subscribed.
    Ready,
    /// The broker has taken one publish.
    Taken,
    /// The gateway has committed.
    Ack(Ack),
    /// A message that is not one of ours; why.
    Strange(String),
    /// The connection ended or could not be made; why.
    Lost(String),
}

/// A connection, or the attempt at one.
#[derive(Debug)]
pub(super) struct Session {
    client: AsyncClient,
    news: mpsc::Receiver<News>,
    outstanding: usize,
    is_ready: bool,
    /// Holds the polling task, which ends with the session.
    tasks: JoinSet<()>,
}

impl Session {
    /// Begins to connect; `will` is what the broker says when the connection breaks.
    pub(super) fn start(identity: &Identity, will: &Status) -> Self {
        let Identity { name, gateway, .. } = identity;
        let mut options = MqttOptions::new(name.as_str(), gateway.host.clone(), gateway.port);
        let status = Topic::Up(name.clone(), Up::Status).to_string();
        options
            .set_credentials(name.as_str(), identity.secret.reveal())
            .set_clean_session(true)
            .set_keep_alive(KEEP_ALIVE)
            .set_inflight(INFLIGHT)
            .set_max_packet_size(PACKET_BYTES_MAX, PACKET_BYTES_MAX)
            .set_last_will(LastWill::new(
                status,
                wire::encode(will),
                QoS::AtLeastOnce,
                true,
            ));
        let (client, mut events) = AsyncClient::new(options, REQUESTS_MAX);
        events.network_options.set_tcp_nodelay(true);
        let (sender, news) = mpsc::channel(NEWS_MAX);
        let mut tasks = JoinSet::new();
        tasks.spawn(poll(events, client.clone(), name.clone(), sender));
        Self {
            client,
            news,
            outstanding: 0,
            is_ready: false,
            tasks,
        }
    }

    /// Waits for news. Safe to cancel.
    pub(super) async fn news(&mut self) -> News {
        let news = self.news.recv().await;
        let news = news.unwrap_or_else(|| News::Lost("the polling task ended".to_owned()));
        match &news {
            News::Ready => self.is_ready = true,
            News::Taken => self.outstanding = self.outstanding.saturating_sub(1),
            News::Ack(_) | News::Strange(_) | News::Lost(_) => {}
        }
        news
    }

    /// Returns true if the connection is made and subscribed.
    pub(super) fn is_ready(&self) -> bool {
        self.is_ready
    }

    /// Returns true if another record may be published now.
    pub(super) fn has_room(&self) -> bool {
        self.is_ready && self.outstanding < OUTSTANDING_MAX
    }

    /// Returns true if the broker has taken every publish.
    pub(super) fn is_settled(&self) -> bool {
        self.outstanding == 0
    }

    /// Publishes at QoS 1 without waiting. Returns false if the client takes no more.
    pub(super) fn publish(&mut self, topic: &Topic, retain: bool, payload: Vec<u8>) -> bool {
        let topic = topic.to_string();
        let is_taken = self
            .client
            .try_publish(topic, QoS::AtLeastOnce, retain, payload)
            .is_ok();
        self.outstanding += usize::from(is_taken);
        is_taken
    }

    /// Says goodbye and waits until the connection is closed, at most `limit`.
    pub(super) async fn disconnect(mut self, limit: Duration) {
        if self.client.try_disconnect().is_err() {
            return;
        }
        let ended = async {
            while !matches!(self.news().await, News::Lost(_)) {}
            while self.tasks.join_next().await.is_some() {}
        };
        if tokio::time::timeout(limit, ended).await.is_err() {
            tracing::debug!("the broker did not close the connection in time");
        }
    }
}

async fn poll(
    mut events: EventLoop,
    client: AsyncClient,
    name: AgentName,
    news: mpsc::Sender<News>,
) {
    loop {
        let told = match events.poll().await {
            Ok(Event::Incoming(packet)) => understand(packet, &client, &name),
            Ok(Event::Outgoing(rumqttc::Outgoing::Disconnect)) => {
                Some(News::Lost("disconnected".to_owned()))
            }
            Ok(Event::Outgoing(_)) => None,
            Err(error) => Some(News::Lost(reason(&error))),
        };
        let Some(told) = told else { continue };
        let is_last = matches!(told, News::Lost(_));
        if news.send(told).await.is_err() || is_last {
            return;
        }
    }
}

fn understand(packet: Packet, client: &AsyncClient, name: &AgentName) -> Option<News> {
    #[expect(
        clippy::wildcard_enum_match_arm,
        reason = "the other packets are the client's business, those of a newer library too"
    )]
    match packet {
        Packet::ConnAck(_) => {
            let filter = Topic::all_down(name);
            let asked = client.try_subscribe(filter, QoS::AtLeastOnce);
            asked.err().map(|error| News::Lost(error.to_string()))
        }
        Packet::SubAck(answer) => {
            let is_granted = |code: &SubscribeReasonCode| *code != SubscribeReasonCode::Failure;
            Some(if answer.return_codes.iter().all(is_granted) {
                News::Ready
            } else {
                News::Lost("the broker refuses the subscription to our own topic".to_owned())
            })
        }
        Packet::PubAck(_) => Some(News::Taken),
        Packet::Publish(publish) => Some(match Topic::parse(&publish.topic) {
            Ok(Topic::Down(to, wire::Down::Ack)) if to == *name => {
                match wire::decode_ack(&publish.payload) {
                    Ok(ack) => News::Ack(ack),
                    Err(error) => News::Strange(error.to_string()),
                }
            }
            // A newer gateway may send more than this release knows.
            Ok(_) | Err(_) => News::Strange("an unknown topic".to_owned()),
        }),
        _ => None,
    }
}

fn reason(error: &ConnectionError) -> String {
    use rumqttc::ConnectReturnCode::{BadUserNamePassword, NotAuthorized};
    if let ConnectionError::ConnectionRefused(BadUserNamePassword | NotAuthorized) = error {
        return "the broker refuses the agent's name and secret".to_owned();
    }
    error.to_string()
}
