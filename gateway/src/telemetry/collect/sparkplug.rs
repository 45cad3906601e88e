//! Messages of Sparkplug edge nodes: what the host makes of them goes the way of mapped messages.

use std::collections::HashMap;
use std::time::Duration;

use bytes::Bytes;
use scheduler::id::NodeId;
use scheduler::time::Micros;

use super::Collector;
use crate::history::Writer;
use crate::registry::SourceName;
use crate::telemetry::mapping::Message;
use crate::telemetry::sparkplug::{
    Host, Kind, NODES_MAX, NodeName, Told, Topic, documents, rebirth_request,
};
use crate::telemetry::view::EdgeNodeView;

/// The edge nodes and whose they are.
#[derive(Debug, Default)]
pub(super) struct EdgeNodes {
    host: Host,
    owners: HashMap<NodeName, (NodeId, SourceName)>,
}

impl EdgeNodes {
    /// Takes note of whose a node is; those that the host has forgotten are forgotten.
    fn belongs(&mut self, node: &NodeName, (lab, source): (NodeId, &SourceName)) {
        if self.owners.len() > NODES_MAX {
            let Self { host, owners } = self;
            owners.retain(|name, _| host.knows(name));
        }
        self.owners.insert(node.clone(), (lab, source.clone()));
    }
}

impl Collector {
    /// Takes a message below Sparkplug's namespace, whose topic belongs to a source of a lab.
    pub(super) fn take_sparkplug(
        &mut self,
        (lab, source): (NodeId, &SourceName),
        (topic, payload): (&str, &Bytes),
        is_retained: bool,
        writer: &mut Writer,
        now: Micros,
    ) {
        // Commands and what hosts say of themselves: a broker brings ours back.
        let Some(parsed) = Topic::parse(topic) else {
            return;
        };
        if is_retained {
            let why = ("retained", "births and data are never retained");
            self.refuse((topic, payload), why, now);
            return;
        }
        let heard = self
            .others
            .nodes
            .host
            .hear(lab, &parsed, payload, millis(now));
        match heard {
            Ok((node, told)) => {
                self.others.nodes.belongs(&node, (lab, source));
                let is_born = parsed.kind == Kind::NodeBirth;
                self.tell_of_node(&node, (&told, is_born), writer, now);
            }
            Err(reason) => self.refuse((topic, payload), (reason, "edge node's message"), now),
        }
    }

    /// Lets time pass for all edge nodes.
    pub(super) fn tick_nodes(&mut self, writer: &mut Writer, now: Micros) {
        for (node, told) in self.others.nodes.host.tick(millis(now)) {
            self.tell_of_node(&node, (&[told], false), writer, now);
        }
    }

    fn tell_of_node(
        &mut self,
        node: &NodeName,
        (told, is_born): (&[Told], bool),
        writer: &mut Writer,
        now: Micros,
    ) {
        let Some((lab, source)) = self.others.nodes.owners.get(node).cloned() else {
            return;
        };
        let mut is_other = is_born;
        for one in told {
            match one {
                Told::Dropped(why) => self.board.reject(why),
                // What is no number is told with the metrics.
                Told::Unread { why, .. } if why.is_fault() => self.board.reject(why.word()),
                Told::Here(..) => is_other = true,
                Told::Rebirth => {
                    tracing::debug!(%node, "an edge node is asked to be born again");
                    let command = rebirth_request(&node.group, &node.node, millis(now));
                    self.collected.commands.push(command);
                }
                Told::Value { .. } | Told::Unread { .. } => {}
            }
        }
        for document in documents(node, told, self.others.nodes.host.devices(node)) {
            let payload = Bytes::from(document.body.to_string());
            let message = Message {
                topic: &document.topic,
                payload: &payload,
                arrival: now,
                is_retained: false,
            };
            self.read_message((lab, &source), &message, (&payload, Duration::ZERO), writer);
        }
        if is_other && let Some(listed) = self.others.nodes.host.listed(node) {
            let view = EdgeNodeView {
                lab,
                source,
                changed_at: now,
                listed,
            };
            self.board.see_edge_node(view);
        }
    }
}

fn millis(now: Micros) -> i64 {
    now.get().div_euclid(1_000)
}
