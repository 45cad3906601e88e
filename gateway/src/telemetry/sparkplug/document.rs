//! What was told of an edge node, as the JSON documents that mappings read.
//!
//! A document's topic is `spBv1.0/{group}/{node}` for the node itself and
//! `spBv1.0/{group}/{node}/{device}` for a device: that of the message without its type. It holds
//! values, those of one time together. Who is there is a word of its own, `true` or `false`, below
//! `spBv1.0/$online/`.
//!
//! ```json
//! { "messages": [{ "timestamp": 1700000000123, "metrics": { "Inputs/Power": 283.5, "Temp": null } }] }
//! ```

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::{Map, Value, json};

use super::host::NodeName;
use super::reading::Told;
use super::topic;

/// Most values in one document: with names of any permitted length it stays below the limit of what
/// mappings read.
const VALUES_MAX: usize = 200;

/// A document and its topic.
#[derive(Debug, Clone, PartialEq)]
pub struct Document {
    /// The topic.
    pub topic: String,
    /// The document.
    pub body: Value,
}

/// A metric's name, its value, and when by the sender's clock in milliseconds since 1970 UTC.
type Named<'n> = (&'n str, Value, Option<i64>);

/// Returns what was told of a node as documents, values before presence. `devices` are those that are
/// there: they go with their node.
pub fn documents<'d>(
    node: &NodeName,
    told: &[Told],
    devices: impl Iterator<Item = &'d Arc<str>>,
) -> Vec<Document> {
    let mut values: BTreeMap<Option<&Arc<str>>, Vec<Named<'_>>> = BTreeMap::new();
    let mut presence: BTreeMap<Option<&Arc<str>>, bool> = BTreeMap::new();
    for one in told {
        match one {
            Told::Value {
                device,
                metric,
                value,
                at_ms,
            } => {
                let number = value.map_or(Value::Null, |number| json!(number));
                let of_device = values.entry(device.as_ref()).or_default();
                of_device.push((&metric.name, number, *at_ms));
            }
            Told::Here(device, is_here) => {
                presence.insert(device.as_ref(), *is_here);
            }
            Told::Unread { .. } | Told::Dropped(_) | Told::Rebirth => {}
        }
    }
    if let Some(is_here) = presence.get(&None).copied() {
        for device in devices {
            presence.entry(Some(device)).or_insert(is_here);
        }
    }
    let mut documents = Vec::new();
    for (device, values) in values {
        let topic = topic::document_topic(&node.group, &node.node, device.map(|name| &**name));
        for part in values.chunks(VALUES_MAX) {
            let body = json!({ "messages": messages(part) });
            let topic = topic.clone();
            documents.push(Document { topic, body });
        }
    }
    for (device, is_here) in presence {
        let topic = topic::document_topic(&node.group, &node.node, device.map(|name| &**name));
        documents.push(Document {
            topic: topic::presence_topic(&topic),
            body: Value::Bool(is_here),
        });
    }
    documents
}

/// Puts values of one time together.
fn messages(values: &[Named<'_>]) -> Vec<Value> {
    let mut by_time: BTreeMap<Option<i64>, Map<String, Value>> = BTreeMap::new();
    for (name, value, at_ms) in values {
        let metrics = by_time.entry(*at_ms).or_default();
        metrics.insert((*name).to_owned(), value.clone());
    }
    let message = |(at_ms, metrics): (Option<i64>, Map<String, Value>)| match at_ms {
        Some(at_ms) => json!({ "timestamp": at_ms, "metrics": metrics }),
        None => json!({ "metrics": metrics }),
    };
    by_time.into_iter().map(message).collect()
}
