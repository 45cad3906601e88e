//! The broker inside this process: `rmqtt` as a library. With `hooks`, the only module that names it.
//!
//! Sessions and retained messages live in memory. That is enough: agents say hello and send again
//! what is not acknowledged after every connect, and their status goes to the recorder at once.

use std::net::SocketAddr;
use std::num::NonZeroU16;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use async_trait::async_trait;
use rmqtt::codec::types::{Publish as RawPublish, QoS};
use rmqtt::context::ServerContext;
use rmqtt::hook::{Register, Type};
use rmqtt::net::{Builder, Listener};
use rmqtt::server::MqttServer;
use rmqtt::types::{From, Id, Message, Publish, Reason};
use wire::{AgentName, Topic};

use super::Downlink;
use super::announced::Announced;
use super::hooks::{Hooks, Speaker};
use crate::lifecycle::Lifecycle;
use crate::telemetry::StartError;
use crate::telemetry::credentials::Credentials;
use crate::telemetry::denials::Denials;
use crate::telemetry::intake::Intake;

/// Largest packet, in bytes. Larger than any message that is accepted, so that most of those that are
/// too large are told by their reason and not by a broken connection.
const PACKET_BYTES_MAX: u32 = 2 * 1024 * 1024;

/// Most connections.
const CONNECTIONS_MAX: usize = 20_000;

/// Most messages waiting for one agent; acks repeat themselves, so losing the newest does no harm.
const QUEUED_FOR_AGENT_MAX: usize = 64;

/// Messages under way to one agent without its PUBACK.
const INFLIGHT_MAX: u16 = 64;

/// Longest that a session outlives its connection, whatever its client asks for: nobody else may use
/// its client id so long, and agents need none, since their outbox sends again.
const SESSION_KEPT_MAX: Duration = Duration::from_mins(1);

/// How often revoked agents are looked for.
const REVOCATION_EVERY: Duration = Duration::from_secs(1);

/// Names the listener inside the broker; the port may be chosen by the system.
const LISTENER: u16 = 1;

/// The running broker.
pub(in crate::telemetry) struct Embedded {
    context: ServerContext,
    address: SocketAddr,
    /// Who messages of the gateway come from.
    gateway: Id,
    credentials: Arc<dyn Credentials>,
    /// What is said at the end: topic and payload.
    last_word: OnceLock<(String, Vec<u8>)>,
}

/// Binds the listener and starts the broker.
pub(in crate::telemetry) async fn start(
    listen: SocketAddr,
    credentials: Arc<dyn Credentials>,
    (intake, denials): (Intake, Arc<Denials>),
    lifecycle: &Lifecycle,
) -> Result<Arc<Embedded>, StartError> {
    // Its own busy check would refuse agents while the machine starts; the queue is our limit.
    let context = ServerContext::new().busy_check_enable(false).build().await;
    let listener = bind(listen).map_err(|source| StartError::Listen {
        listen,
        why: source.to_string(),
    })?;
    let address = listener.local_addr().map_err(|source| StartError::Listen {
        listen,
        why: source.to_string(),
    })?;
    let hooks = Hooks {
        credentials: Arc::clone(&credentials),
        intake,
        denials,
        context: context.clone(),
    };
    let register: Box<dyn Register> = context.extends.hook_mgr().register();
    for question in [
        Type::ClientAuthenticate,
        Type::ClientSubscribeCheckAcl,
        Type::MessagePublishCheckAcl,
        Type::MessagePublish,
    ] {
        register.add(question, Box::new(hooks.clone())).await;
    }
    register.start().await;
    let embedded = Arc::new(Embedded {
        gateway: Id::from(context.node.id(), "gateway".into()),
        context: context.clone(),
        address,
        credentials,
        last_word: OnceLock::new(),
    });
    let server = MqttServer::new(context)
        .listener_by_id(listener, LISTENER)
        .build();
    let stop = lifecycle.stop_token();
    let closing = Arc::clone(&embedded);
    lifecycle.spawn("embedded broker", async move {
        tokio::select! {
            ended = server.run() => ended.map_err(|error| error.to_string()),
            () = stop.cancelled() => {
                closing.close_all().await;
                Ok(())
            }
        }
    });
    let stop = lifecycle.stop_token();
    let watching = Arc::clone(&embedded);
    lifecycle.spawn("revocation of agents", async move {
        watching.watch_revocations(stop).await;
        Ok::<(), String>(())
    });
    Ok(embedded)
}

fn bind(listen: SocketAddr) -> rmqtt::Result<Listener> {
    Builder::new()
        .name("agents")
        .laddr(listen)
        .reuseaddr(Some(true))
        .nodelay(true)
        .allow_anonymous(false)
        .max_connections(CONNECTIONS_MAX)
        .max_packet_size(PACKET_BYTES_MAX)
        .max_clientid_len(64)
        .max_topic_levels(8)
        .max_subscriptions(8)
        .max_inflight(NonZeroU16::new(INFLIGHT_MAX).expect("the constant is not zero"))
        .max_mqueue_len(QUEUED_FOR_AGENT_MAX)
        .session_expiry_interval(SESSION_KEPT_MAX)
        .max_session_expiry_interval(SESSION_KEPT_MAX)
        .message_expiry_interval(Duration::from_mins(1))
        .bind()?
        .tcp()
}

impl Embedded {
    /// Closes sessions of agents that are revoked or have a new secret, soon after it is committed.
    async fn watch_revocations(&self, stop: tokio_util::sync::CancellationToken) {
        let mut known = self.credentials.generation();
        let mut every = tokio::time::interval(REVOCATION_EVERY);
        loop {
            tokio::select! {
                () = stop.cancelled() => return,
                _ = every.tick() => {}
            }
            let generation = self.credentials.generation();
            if generation == known {
                continue;
            }
            known = generation;
            let shared = self.context.extends.shared().await;
            for entry in shared.iter() {
                let Some(session) = entry.session() else {
                    continue;
                };
                let secret = session.password().map(|secret| std::str::from_utf8(secret));
                let (client, user) = (&session.id.client_id, session.id.username_ref());
                let speaker = Speaker::of(&*self.credentials, client, user);
                let holds = match (speaker, secret) {
                    (Some(speaker), Some(Ok(secret))) => speaker.holds(&*self.credentials, secret),
                    _ => false,
                };
                if !holds {
                    tracing::info!(client = %client, "a revoked client is disconnected");
                    close(entry.tx(), "revoked");
                }
            }
        }
    }

    /// Says something to everybody who subscribes to its topic from now on, and at the end something
    /// else.
    pub(in crate::telemetry) async fn announce(
        &self,
        (topic, payload): (String, Vec<u8>),
        last_word: (String, Vec<u8>),
    ) {
        let announced = Announced {
            topic: topic.as_str().into(),
            from: From::from_system(self.gateway.clone()),
            publish: Publish::from(raw(&topic, payload, QoS::AtLeastOnce)),
        };
        *self.context.extends.retain_mut().await = Box::new(announced);
        // Only the first is kept; there is one.
        drop(self.last_word.set(last_word));
    }

    async fn close_all(&self) {
        if let Some((topic, payload)) = self.last_word.get().cloned() {
            self.send(topic, payload).await;
        }
        let shared = self.context.extends.shared().await;
        for entry in shared.iter() {
            close(entry.tx(), "the gateway stops");
        }
    }
}

fn raw(topic: &str, payload: Vec<u8>, qos: QoS) -> RawPublish {
    RawPublish {
        dup: false,
        retain: false,
        qos,
        topic: topic.into(),
        packet_id: None,
        payload: payload.into(),
        properties: None,
    }
}

/// Asks a session to end. One that has ended already needs nothing.
fn close(session: Option<rmqtt::types::Tx>, why: &'static str) {
    if let Some(session) = session {
        drop(session.unbounded_send(Message::Closed(Reason::from_static(why))));
    }
}

#[async_trait]
impl Downlink for Embedded {
    async fn send(&self, topic: String, payload: Vec<u8>) {
        // QoS 0: within the process a message is lost only with the connection, and then the next
        // ack of the stream tells the same.
        let raw = raw(&topic, payload, QoS::AtMostOnce);
        let from = From::from_system(self.gateway.clone());
        let mut publish = Publish::from(raw);
        // An agent's client id is its name: nobody else's subscription has to be looked through.
        if let Ok(Topic::Down(agent, _)) = Topic::parse(&publish.topic) {
            publish = publish.target_clientid(agent.as_str().into());
        }
        let shared = self.context.extends.shared().await;
        if let Err((_, failed)) = shared.forwards(None, from, publish).await {
            tracing::debug!(
                sessions = failed.len(),
                "an ack met a session that was closing"
            );
        }
    }

    async fn disconnect(&self, agent: &AgentName) {
        let id = Id::from(self.context.node.id(), agent.as_str().into());
        let entry = self.context.extends.shared().await.entry(id);
        close(entry.tx(), "revoked");
    }

    fn trouble(&self) -> Option<String> {
        None
    }

    fn address(&self) -> Option<SocketAddr> {
        Some(self.address)
    }
}

#[cfg(test)]
#[path = "embedded_tests.rs"]
mod tests;

#[cfg(test)]
#[path = "embedded_foreign_tests.rs"]
mod foreign_tests;
