//! What the embedded broker asks: who may connect, publish and subscribe. And its way in: a message
//! is handed over while its session waits, so that a full queue holds back that session alone.
//!
//! Two kinds of clients: agents, whose client id is their user name and who live below their own
//! prefix; and foreign sources, many of whose devices share one credential, each with a client id of
//! its own, and who live within the topic filters of that credential.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use rmqtt::codec::types::QoS;
use rmqtt::codec::v5::SubscribeAckReason;
use rmqtt::context::ServerContext;
use rmqtt::hook::{Handler, HookResult, Parameter, ReturnType};
use rmqtt::types::{
    AuthResult, ConnectInfo, FromType, Id, LastWill, Publish, PublishAclResult, SubscribeAclResult,
};
use tokio::sync::oneshot;
use wire::{AgentName, Topic};

use crate::registry::SourceName;
use crate::telemetry::credentials::Credentials;
use crate::telemetry::denials::{Denials, Denied};
use crate::telemetry::foreign::ForeignMessage;
use crate::telemetry::intake::{Acknowledge, Delivery, Inbound, Intake};

/// How long a session waits for room in the queue. Then it is disconnected: its agent comes back
/// and sends again what is not acknowledged.
const PATIENCE: Duration = Duration::from_secs(2);

/// How long a foreign publisher of QoS 1 waits for the commit. Then it is disconnected without its
/// PUBACK, and sends again.
const COMMIT_PATIENCE: Duration = Duration::from_secs(10);

/// The broker's questions, answered from the registered agents and sources.
#[derive(Clone)]
pub(super) struct Hooks {
    pub(super) credentials: Arc<dyn Credentials>,
    pub(super) intake: Intake,
    pub(super) denials: Arc<Denials>,
    pub(super) context: ServerContext,
}

/// Who a session is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Speaker {
    /// An agent of ours.
    Agent(AgentName),
    /// A device of a foreign source.
    Source(SourceName),
}

impl Speaker {
    /// Returns who uses this client id and user name; `None` if nobody may.
    pub(super) fn of(credentials: &dyn Credentials, client: &str, user: &str) -> Option<Self> {
        let named = AgentName::parse(client).ok();
        let agent = named.filter(|agent| credentials.is_agent(agent));
        match agent {
            Some(agent) if client == user => Some(Self::Agent(agent)),
            // Nobody takes an agent's place.
            Some(_) => None,
            None => SourceName::parse(user).ok().map(Self::Source),
        }
    }

    /// Returns true if the secret is its own.
    pub(super) fn holds(&self, credentials: &dyn Credentials, secret: &str) -> bool {
        match self {
            Self::Agent(agent) => credentials.authenticate(agent, secret),
            Self::Source(source) => credentials.authenticate_source(source, secret),
        }
    }

    fn may_send(&self, credentials: &dyn Credentials, topic: &str) -> bool {
        match self {
            Self::Agent(agent) => is_below(topic, &Topic::up_prefix(agent)),
            Self::Source(source) => credentials.may_send(source, topic),
        }
    }

    fn may_hear(&self, credentials: &dyn Credentials, filter: &str) -> bool {
        match self {
            Self::Agent(agent) => is_below(filter, &Topic::down_prefix(agent)),
            Self::Source(source) => credentials.may_hear(source, filter),
        }
    }
}

#[async_trait]
#[expect(
    elided_lifetimes_in_paths,
    clippy::wildcard_enum_match_arm,
    reason = "the trait elides it; the broker has 24 questions of which four concern us"
)]
impl Handler for Hooks {
    async fn hook(&self, parameter: &Parameter, before: Option<HookResult>) -> ReturnType {
        match parameter {
            Parameter::ClientAuthenticate(connect) => {
                let answer = match self.may_connect(connect).await {
                    Ok(()) => AuthResult::Allow(false, None),
                    Err(why) => {
                        self.note_denied(connect.username().map_or("", |user| user), why, None);
                        AuthResult::BadUsernameOrPassword
                    }
                };
                (false, Some(HookResult::AuthResult(answer)))
            }
            Parameter::ClientSubscribeCheckAcl(session, subscribe) => {
                let speaker = self.speaker(&session.id);
                let is_own = speaker.is_some_and(|speaker| {
                    speaker.may_hear(&*self.credentials, &subscribe.topic_filter)
                });
                let answer = if is_own {
                    SubscribeAclResult::new_success(subscribe.opts.qos(), None)
                } else {
                    let filter = Some(&*subscribe.topic_filter);
                    self.note_denied(session.id.username_ref(), Denied::Subscription, filter);
                    SubscribeAclResult::new_failure(SubscribeAckReason::NotAuthorized)
                };
                (false, Some(HookResult::SubscribeAclResult(answer)))
            }
            Parameter::MessagePublishCheckAcl(session, publish) => {
                let speaker = self.speaker(&session.id);
                let speaker =
                    speaker.filter(|speaker| speaker.may_send(&*self.credentials, &publish.topic));
                let is_taken = match speaker {
                    Some(speaker) => self.take(speaker, publish).await,
                    None => {
                        let topic = Some(&*publish.topic);
                        self.note_denied(session.id.username_ref(), Denied::Topic, topic);
                        false
                    }
                };
                let answer = if is_taken {
                    PublishAclResult::allow()
                } else {
                    // MQTT 3.1.1 has no other way to refuse a message than to disconnect.
                    PublishAclResult::rejected(true, None)
                };
                (false, Some(HookResult::PublishAclResult(answer)))
            }
            // A last will passes no ACL; its topic was checked when the client connected.
            Parameter::MessagePublish(_, from, publish)
                if matches!(from.typ(), FromType::LastWill) =>
            {
                // The session has ended: nobody waits for a commit.
                let user = from.username_ref();
                let inbound = if Topic::is_ours(&publish.topic) {
                    Some(of_agent(publish))
                } else {
                    let source = SourceName::parse(user).ok();
                    source.map(|source| of_source(source, publish, Acknowledge::none()))
                };
                if let Some(inbound) = inbound {
                    self.hand_over(publish, inbound).await;
                }
                (true, before)
            }
            // Only the questions above are registered for.
            _ => (true, before),
        }
    }
}

impl Hooks {
    fn speaker(&self, id: &Id) -> Option<Speaker> {
        Speaker::of(&*self.credentials, &id.client_id, id.username_ref())
    }

    /// Takes note that somebody was turned away.
    fn note_denied(&self, user: &str, why: Denied, topic: Option<&str>) {
        let name = SourceName::parse(user).ok().filter(|name| {
            self.credentials.is_source(name) || self.credentials.is_agent(name.as_agent())
        });
        self.denials.note(name, why, topic);
    }

    /// An agent's client id is its user name; a last will is about one of the client's own topics.
    async fn may_connect(&self, connect: &ConnectInfo) -> Result<(), Denied> {
        let user = connect.username().ok_or(Denied::Credential)?;
        let credentials = &*self.credentials;
        let speaker = Speaker::of(credentials, connect.client_id(), user);
        let speaker = speaker.ok_or(Denied::ClientId)?;
        let will_topic = match connect.last_will() {
            Some(LastWill::V3(will)) => Some(&will.topic),
            Some(LastWill::V5(will)) => Some(&will.topic),
            None => None,
        };
        let secret = connect.password().map(|secret| std::str::from_utf8(secret));
        match secret {
            Some(Ok(secret)) if speaker.holds(credentials, secret) => {}
            Some(Ok(_) | Err(_)) | None => return Err(Denied::Credential),
        }
        if will_topic.is_some_and(|topic| !speaker.may_send(credentials, topic)) {
            return Err(Denied::LastWill);
        }
        if self.is_anothers(connect.client_id(), user).await {
            return Err(Denied::ClientId);
        }
        Ok(())
    }

    /// Returns true if somebody else's session has this client id: it is not taken over.
    async fn is_anothers(&self, client: &str, user: &str) -> bool {
        let id = Id::from(self.context.node.id(), client.into());
        let entry = self.context.extends.shared().await.entry(id);
        let session = entry.session();
        session.is_some_and(|session| session.id.username_ref() != user)
    }

    async fn take(&self, speaker: Speaker, publish: &Publish) -> bool {
        let source = match speaker {
            // The agent's outbox waits for the ack after the commit: PUBACK is transport only.
            Speaker::Agent(_) => return self.hand_over(publish, of_agent(publish)).await,
            Speaker::Source(source) => source,
        };
        if publish.qos == QoS::AtMostOnce {
            let inbound = of_source(source, publish, Acknowledge::none());
            return self.hand_over(publish, inbound).await;
        }
        let (committed, is_committed) = oneshot::channel();
        // Fails when the session has ended meanwhile.
        let acknowledge = Acknowledge::with(move || committed.send(()).unwrap_or_default());
        let inbound = of_source(source, publish, acknowledge);
        self.hand_over(publish, inbound).await
            && matches!(
                tokio::time::timeout(COMMIT_PATIENCE, is_committed).await,
                Ok(Ok(()))
            )
    }

    /// Puts a message into the queue. Returns false if it stayed full.
    async fn hand_over(&self, publish: &Publish, inbound: Inbound) -> bool {
        match self.intake.submit_within(inbound, PATIENCE).await {
            Ok(()) => true,
            Err(error) => {
                tracing::debug!(topic = %publish.topic, %error, "a session is held back");
                false
            }
        }
    }
}

fn of_agent(publish: &Publish) -> Inbound {
    Inbound::Agent(Delivery {
        topic: publish.topic.to_string(),
        payload: publish.payload.clone(),
        acknowledge: Acknowledge::none(),
    })
}

fn of_source(source: SourceName, publish: &Publish, acknowledge: Acknowledge) -> Inbound {
    Inbound::Foreign(ForeignMessage {
        publisher: Some(source),
        topic: publish.topic.to_string(),
        payload: publish.payload.clone(),
        // The flag asks to keep it; that it was kept cannot come in here.
        is_retained: false,
        kept_for: std::time::Duration::ZERO,
        acknowledge,
    })
}

/// Returns true if a topic or filter lies below a prefix. The prefix has no wildcards, so a filter
/// that begins with it matches nothing else.
fn is_below(topic: &str, prefix: &str) -> bool {
    topic.len() > prefix.len() && topic.starts_with(prefix)
}
