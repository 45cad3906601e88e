//! Who may connect as which agent or foreign source, and what a source may say and hear.

use wire::AgentName;

use super::mapping::TopicFilter;
use super::sparkplug;
use crate::registry::{SharedDirectory, SourceName};

/// Answers whether a secret is an agent's. Called for every connect, so it must be quick.
pub trait Credentials: Send + Sync {
    /// Returns true if the agent is registered now and the secret is its own.
    fn authenticate(&self, agent: &AgentName, secret: &str) -> bool;

    /// Returns true if there is an agent of this name now.
    fn is_agent(&self, agent: &AgentName) -> bool;

    /// Returns true if there is a foreign source of this name now.
    fn is_source(&self, source: &SourceName) -> bool;

    /// Returns true if the foreign source is registered now and the secret is its own.
    fn authenticate_source(&self, source: &SourceName, secret: &str) -> bool;

    /// Returns true if the source may send to the topic.
    fn may_send(&self, source: &SourceName, topic: &str) -> bool;

    /// Returns true if the source may subscribe to the filter: it hears what it could say itself.
    fn may_hear(&self, source: &SourceName, filter: &str) -> bool;

    /// Returns a number that changes when answers may have changed: then connected agents are
    /// asked for again, and those that are revoked are disconnected.
    fn generation(&self) -> u64;
}

/// The registered agents.
#[derive(Debug, Clone)]
pub struct DirectoryCredentials(pub SharedDirectory);

impl Credentials for DirectoryCredentials {
    fn authenticate(&self, agent: &AgentName, secret: &str) -> bool {
        let directory = self.0.load();
        let entry = directory.agents.get(agent);
        entry.is_some_and(|entry| entry.secret.matches(secret))
    }

    fn is_agent(&self, agent: &AgentName) -> bool {
        self.0.load().agents.contains_key(agent)
    }

    fn is_source(&self, source: &SourceName) -> bool {
        self.0.load().sources.contains_key(source)
    }

    fn authenticate_source(&self, source: &SourceName, secret: &str) -> bool {
        let directory = self.0.load();
        let entry = directory.sources.get(source);
        entry.is_some_and(|entry| entry.secret.matches(secret))
    }

    fn may_send(&self, source: &SourceName, topic: &str) -> bool {
        let directory = self.0.load();
        let entry = directory.sources.get(source);
        entry.is_some_and(|entry| entry.may_send(topic))
    }

    fn may_hear(&self, source: &SourceName, filter: &str) -> bool {
        let directory = self.0.load();
        let entry = directory.sources.get(source);
        let mut filters = entry.into_iter().flat_map(|entry| &entry.filters);
        // An edge node also wants to know whether its host is there.
        let wants_host = sparkplug::Topic::is_state(filter);
        let is_node = |own: &TopicFilter| sparkplug::Topic::is_sparkplug(own.as_str());
        filters.any(|own| own.covers(filter) || (wants_host && is_node(own)))
    }

    fn generation(&self) -> u64 {
        self.0.load().generation
    }
}
