//! What the embedded broker asks: who may connect, publish and subscribe. And its way in: a message
//! is handed over while its session waits, so that a full queue holds back that session alone.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use rmqtt::codec::v5::SubscribeAckReason;
use rmqtt::hook::{Handler, HookResult, Parameter, ReturnType};
use rmqtt::types::{
    AuthResult, ConnectInfo, FromType, LastWill, Publish, PublishAclResult, SubscribeAclResult,
};
use wire::{AgentName, Topic};

use crate::telemetry::credentials::Credentials;
use crate::telemetry::intake::{Acknowledge, Delivery, Intake};

/// How long a session waits for room in the queue. Then it is disconnected: its agent comes back
/// and sends again what is not acknowledged.
const PATIENCE: Duration = Duration::from_secs(2);

/// The broker's questions, answered from the registered agents.
#[derive(Clone)]
pub(super) struct Hooks {
    pub(super) credentials: Arc<dyn Credentials>,
    pub(super) intake: Intake,
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
                let answer = if self.may_connect(connect) {
                    AuthResult::Allow(false, None)
                } else {
                    AuthResult::BadUsernameOrPassword
                };
                (false, Some(HookResult::AuthResult(answer)))
            }
            Parameter::ClientSubscribeCheckAcl(session, subscribe) => {
                let agent = AgentName::parse(&session.id.client_id);
                let is_own = agent.is_ok_and(|agent| {
                    is_below(&subscribe.topic_filter, &Topic::down_prefix(&agent))
                });
                let answer = if is_own {
                    SubscribeAclResult::new_success(subscribe.opts.qos(), None)
                } else {
                    SubscribeAclResult::new_failure(SubscribeAckReason::NotAuthorized)
                };
                (false, Some(HookResult::SubscribeAclResult(answer)))
            }
            Parameter::MessagePublishCheckAcl(session, publish) => {
                let agent = AgentName::parse(&session.id.client_id);
                let is_own =
                    agent.is_ok_and(|agent| is_below(&publish.topic, &Topic::up_prefix(&agent)));
                let answer = if is_own && self.hand_over(publish).await {
                    PublishAclResult::allow()
                } else {
                    // MQTT 3.1.1 has no other way to refuse a message than to disconnect.
                    PublishAclResult::rejected(true, None)
                };
                (false, Some(HookResult::PublishAclResult(answer)))
            }
            // A last will passes no ACL; its topic was checked when the agent connected.
            Parameter::MessagePublish(_, from, publish)
                if matches!(from.typ(), FromType::LastWill) =>
            {
                self.hand_over(publish).await;
                (true, before)
            }
            // Only the questions above are registered for.
            _ => (true, before),
        }
    }
}

impl Hooks {
    /// The client id is the user name is the agent's name; the last will is one of its own topics.
    fn may_connect(&self, connect: &ConnectInfo) -> bool {
        let Ok(agent) = AgentName::parse(connect.client_id()) else {
            return false;
        };
        let is_same = connect
            .username()
            .is_some_and(|user| **user == *agent.as_str());
        let will_topic = match connect.last_will() {
            Some(LastWill::V3(will)) => Some(&will.topic),
            Some(LastWill::V5(will)) => Some(&will.topic),
            None => None,
        };
        let will_is_own = will_topic.is_none_or(|topic| is_below(topic, &Topic::up_prefix(&agent)));
        let secret = connect.password().map(|secret| std::str::from_utf8(secret));
        match secret {
            Some(Ok(secret)) if is_same && will_is_own => {
                self.credentials.authenticate(&agent, secret)
            }
            Some(_) | None => false,
        }
    }

    /// Puts a message into the queue. Returns false if it stayed full.
    async fn hand_over(&self, publish: &Publish) -> bool {
        let delivery = Delivery {
            topic: publish.topic.to_string(),
            payload: publish.payload.clone(),
            // The agent's outbox waits for the ack after the commit: PUBACK is transport only.
            acknowledge: Acknowledge::none(),
        };
        match self.intake.submit_within(delivery, PATIENCE).await {
            Ok(()) => true,
            Err(error) => {
                tracing::debug!(topic = %publish.topic, %error, "a session is held back");
                false
            }
        }
    }
}

/// Returns true if a topic or filter lies below a prefix. The prefix has no wildcards, so a filter
/// that begins with it matches nothing else.
fn is_below(topic: &str, prefix: &str) -> bool {
    topic.len() > prefix.len() && topic.starts_with(prefix)
}
