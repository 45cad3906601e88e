//! All edge nodes that are followed.

use std::collections::BTreeMap;
use std::sync::Arc;

use scheduler::id::NodeId;

use super::catalogue::Metric;
use super::payload::{Refusal, decode};
use super::reading::{Message, Told};
use super::room::to_give_up;
use super::session::Session;
use super::topic::Topic;
use super::{DEVICES_OF_NODE_MAX, NODES_MAX};

/// A node that was born is given up for another one only if nothing was heard of it for so long.
const SILENT_MS: i64 = 5 * 60_000;

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
    /// Whose it is.
    lab: NodeId,
    heard_ms: i64,
}

/// The sessions of all edge nodes.
#[derive(Debug, Default)]
pub struct Host {
    nodes: BTreeMap<NodeName, Node>,
}

impl Host {
    /// Takes a message of a lab; the caller has checked that its sender may send to this topic. Returns
    /// which node's it is and what follows from it. Where [`NODES_MAX`] are followed, a new one takes the
    /// place of another of the lab that has the most, if one of those was never born, which may be
    /// anybody's invention, or has been silent for five minutes. One that was given up and speaks
    /// again is asked for its birth.
    ///
    /// # Errors
    /// Returns a stable word when the message is refused as a whole.
    pub fn hear(
        &mut self,
        lab: NodeId,
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
            let ranked = self.nodes.iter().map(|(name, node)| {
                let is_born = node.session.metrics().next().is_some();
                (name, node.lab, (is_born, node.heard_ms))
            });
            let found = to_give_up(ranked, lab).cloned();
            let may_go = |node: &Node| {
                let is_born = node.session.metrics().next().is_some();
                !is_born || now_ms - node.heard_ms >= SILENT_MS
            };
            match found.filter(|name| self.nodes.get(name).is_some_and(may_go)) {
                Some(name) => drop(self.nodes.remove(&name)),
                None => return Err("too_many_nodes"),
            }
        }
        let node = self.nodes.entry(name.clone()).or_insert_with(|| Node {
            session: Session::default(),
            lab,
            heard_ms: now_ms,
        });
        node.lab = lab;
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
