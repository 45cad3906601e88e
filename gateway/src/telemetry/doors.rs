//! The way to agents that live in this process beside those at the broker.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::{Arc, PoisonError, RwLock};

use async_trait::async_trait;
use tokio::sync::broadcast;
use wire::{AgentName, Topic};

use super::subscribe::Downlink;

/// Acks that an agent in this process may be behind before it misses some; the next one tells the
/// same.
const ACKS_KEPT_MAX: usize = 16;

/// Sends to agents in this process directly and to all others over the broker.
pub(super) struct Doors {
    outside: Arc<dyn Downlink>,
    inside: RwLock<HashMap<AgentName, broadcast::Sender<Vec<u8>>>>,
}

impl Doors {
    /// Begins with agents outside only.
    pub(super) fn new(outside: Arc<dyn Downlink>) -> Self {
        Self {
            outside,
            inside: RwLock::default(),
        }
    }

    /// Returns where the acks of an agent in this process come from, from now on.
    pub(super) fn open(&self, name: &AgentName) -> broadcast::Sender<Vec<u8>> {
        let mut inside = self.inside.write().unwrap_or_else(PoisonError::into_inner);
        let door = inside.entry(name.clone());
        door.or_insert_with(|| broadcast::channel(ACKS_KEPT_MAX).0)
            .clone()
    }

    fn door_of(&self, topic: &str) -> Option<broadcast::Sender<Vec<u8>>> {
        let inside = self.inside.read().unwrap_or_else(PoisonError::into_inner);
        if inside.is_empty() {
            return None;
        }
        match Topic::parse(topic) {
            Ok(Topic::Down(name, _)) => inside.get(&name).cloned(),
            Ok(Topic::Up(..)) | Err(_) => None,
        }
    }
}

#[async_trait]
impl Downlink for Doors {
    async fn send(&self, topic: String, payload: Vec<u8>) {
        match self.door_of(&topic) {
            // Fails while nobody listens: the agent asks again with its next hello.
            Some(door) => drop(door.send(payload)),
            None => self.outside.send(topic, payload).await,
        }
    }

    async fn disconnect(&self, agent: &AgentName) {
        self.outside.disconnect(agent).await;
    }

    fn trouble(&self) -> Option<String> {
        self.outside.trouble()
    }

    fn address(&self) -> Option<SocketAddr> {
        self.outside.address()
    }
}
