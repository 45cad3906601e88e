//! Foreign sources as registered: a credential of a lab, and the topics it may send to.

use scheduler::id::NodeId;
use scheduler::time::Micros;
use wire::{AgentName, KeyError};

use super::SecretHash;
use crate::telemetry::mapping::{Mapping, TopicFilter};
use crate::telemetry::sparkplug::Topic;

/// A foreign source's name, which is its MQTT user name: written like an agent's, and never an
/// agent's at the same time.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SourceName(AgentName);

impl SourceName {
    /// Parses the text.
    ///
    /// # Errors
    /// Returns [`KeyError`] when it is not 1 to 64 of a-z 0-9 -, beginning with a letter or digit.
    pub fn parse(text: &str) -> Result<Self, KeyError> {
        AgentName::parse(text).map(Self)
    }

    /// Returns the text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }

    /// Returns it as an agent of this name would be called: both are user names of one broker.
    #[must_use]
    pub fn as_agent(&self) -> &AgentName {
        &self.0
    }
}

impl std::fmt::Display for SourceName {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}

/// Somebody else's devices, with the credential that they share.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ForeignSource {
    /// Its name and user name.
    pub name: SourceName,
    /// The lab whose instruments its messages may be about.
    pub lab: NodeId,
    /// Hash of the secret.
    pub secret: SecretHash,
    /// The topics it may send to, at least one. They overlap with those of no other lab, so a topic
    /// tells whose it is.
    pub filters: Vec<TopicFilter>,
    /// When it was made.
    pub created_at: Micros,
}

impl ForeignSource {
    /// Returns true if it may send to a topic.
    #[must_use]
    pub fn may_send(&self, topic: &str) -> bool {
        // Who is host of edge nodes is the gateway's to say.
        !Topic::is_state(topic) && self.filters.iter().any(|filter| filter.matches(topic))
    }
}

/// How messages of a lab's sources are read.
#[derive(Debug, Clone, PartialEq)]
pub struct MappingEntry {
    /// Identity, given by the desk.
    pub id: i64,
    /// The lab.
    pub lab: NodeId,
    /// What people call it.
    pub name: String,
    /// The mapping.
    pub mapping: Mapping,
    /// Counts edits.
    pub version: i64,
    /// When it was made.
    pub created_at: Micros,
}
