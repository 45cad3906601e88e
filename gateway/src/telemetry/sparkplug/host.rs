//! All edge nodes that are followed.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::catalogue::Metric;
use super::payload::{Refusal, decode};
use super::reading::{Message, Told};
use super::session::Session;
use super::topic::Topic;
use super::{DEVICES_OF_NODE_MAX, NODES_MAX};

/// A node that nothing was heard of for so long is forgotten when there is no room, in milliseconds.
const FORGET_MS: i64 = 24 * 3_600_000;

/// An edge node.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NodeName {
    /// Its group.
    pub group: Arc<str>,
    /// Its name there.
    pub node: Arc<str>,
}

impl std::fmt::Display for NodeName {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}/{}", self.group, self.node)
    }
}

/// What is known of an edge node, for people.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed {
    /// Its name.
    pub name: NodeName,
    /// Whether it is there, as far as known.
    pub is_here: bool,
    /// When it was last heard, in milliseconds since 1970 UTC.
    pub heard_ms: i64,
    /// What its last births named: the device (`None`: itself) and the metric.
    pub metrics: Vec<(Option<Arc<str>>, Metric)>,
}

#[derive(Debug)]
struct Node {
    session: Session,
    heard_ms: i64,
}

/// The sessions of all edge nodes.
#[derive(Debug, Default)]
pub struct Host {
    nodes: BTreeMap<NodeName, Node>,
}

impl Host {
    /// Takes a message; the caller has checked that its sender may send to this topic. Returns whose
    /// it is and what follows from it.
    ///
    /// # Errors
    /// Returns a stable word when the message is refused as a whole.
    pub fn hear(
        &mut self,
        topic: &Topic<'_>,
        payload: &[u8],
        now_ms: i64,
    ) -> Result<(NodeName, Vec<Told>), &'static str> {
        let message = Message {
            kind: topic.kind,
            device: topic.device.map(Arc::from),
            payload: decode(payload).map_err(Refusal::word)?,
            bytes: payload.len(),
        };
        let name = NodeName {
            group: Arc::from(topic.group),
            node: Arc::from(topic.node),
        };
        if !self.nodes.contains_key(&name) && self.nodes.len() >= NODES_MAX {
            self.nodes
                .retain(|_, node| now_ms - node.heard_ms < FORGET_MS);
            if self.nodes.len() >= NODES_MAX {
                // Nodes that never were born may be anybody's invention.
                self.nodes
                    .retain(|_, node| node.session.metrics().next().is_some());
            }
            if self.nodes.len() >= NODES_MAX {
                return Err("too_many_nodes");
            }
        }
        let node = self.nodes.entry(name.clone()).or_insert_with(|| Node {
            session: Session::default(),
            heard_ms: now_ms,
        });
        node.heard_ms = now_ms;
        let mut told = Vec::new();
        node.session.hear(message, now_ms, &mut told);
        Ok((name, told))
    }

    /// Lets time pass; returns what follows, by node.
    pub fn tick(&mut self, now_ms: i64) -> Vec<(NodeName, Told)> {
        let mut all = Vec::new();
        let mut told = Vec::new();
        for (name, node) in &mut self.nodes {
            node.session.tick(now_ms, &mut told);
            all.extend(told.drain(..).map(|one| (name.clone(), one)));
        }
        all
    }

    /// Returns true if a node is followed.
    #[must_use]
    pub fn knows(&self, name: &NodeName) -> bool {
        self.nodes.contains_key(name)
    }

    /// Returns an edge node as it is known, with at most as many metrics as one node may have.
    #[must_use]
    pub fn listed(&self, name: &NodeName) -> Option<Listed> {
        let node = self.nodes.get(name)?;
        let metrics = node.session.metrics();
        Some(Listed {
            name: name.clone(),
            is_here: node.session.is_here(),
            heard_ms: node.heard_ms,
            metrics: metrics
                .map(|(device, metric)| (device.cloned(), metric.clone()))
                .collect(),
        })
    }

    /// Returns the devices of an edge node that are there, at most [`DEVICES_OF_NODE_MAX`].
    pub fn devices(&self, name: &NodeName) -> impl Iterator<Item = &Arc<str>> {
        let node = self.nodes.get(name);
        node.into_iter()
            .flat_map(|node| node.session.devices())
            .take(DEVICES_OF_NODE_MAX)
    }

    /// Returns the names of all.
    pub fn names(&self) -> impl Iterator<Item = &NodeName> {
        self.nodes.keys()
    }
}
