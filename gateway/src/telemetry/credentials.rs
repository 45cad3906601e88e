//! Who may connect as which agent.

use wire::AgentName;

use crate::registry::SharedDirectory;

/// Answers whether a secret is an agent's. Called for every connect, so it must be quick.
pub trait Credentials: Send + Sync {
    /// Returns true if the agent is registered now and the secret is its own.
    fn authenticate(&self, agent: &AgentName, secret: &str) -> bool;

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

    fn generation(&self) -> u64 {
        self.0.load().generation
    }
}
