//! Where messages come from and acks go to: a broker inside this process, or one outside. Both yield
//! the same [`Delivery`](super::Delivery).

#[cfg(feature = "broker")]
mod announced;
#[cfg(feature = "broker")]
pub(super) mod embedded;
pub(super) mod external;
mod filters;
#[cfg(feature = "broker")]
mod hooks;
mod host_word;

use std::net::SocketAddr;

use async_trait::async_trait;
use wire::AgentName;

/// The way to the agents.
#[async_trait]
pub(super) trait Downlink: Send + Sync {
    /// Sends a message to an agent. What cannot be sent is lost: acks repeat themselves.
    async fn send(&self, topic: String, payload: Vec<u8>);

    /// Closes an agent's session, if this broker can.
    async fn disconnect(&self, agent: &AgentName);

    /// Returns why messages cannot come in now.
    fn trouble(&self) -> Option<String>;

    /// Returns where agents connect, if the broker is in this process.
    fn address(&self) -> Option<SocketAddr>;
}
