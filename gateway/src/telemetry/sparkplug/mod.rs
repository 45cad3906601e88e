//! Sparkplug B, as a host application: what other vendors' edge nodes send becomes readings. Pure.
//!
//! In: topic and payload of each message below `spBv1.0/`, and time. Out ([`Told`]): values, who is
//! there, what could not be read and why, and requests for a rebirth. Source: Eclipse Sparkplug 3.0.0
//! specification; chapters are named where they are obeyed: 4 topics, 5 operational behaviour, 6
//! payloads. The payload is that of `sparkplug_b.proto` (Eclipse Tahu), written by hand as structs of
//! what is read here ([`payload`]).
//!
//! Sparkplug has no acknowledgements and prescribes QoS 0 for data: what is lost on the way is lost. A
//! loss is noticed by the sequence number and answered with a rebirth request; a value is never
//! attributed to another metric than it was sent for, see [`session`].
//!
//! Not taken, with a reason: data sets, templates, texts, bytes, files, arrays, compressed payloads.
//! Nothing is ever written to a device; the only command sent is `Node Control/Rebirth`.

mod catalogue;
mod document;
mod host;
mod payload;
mod reading;
mod room;
mod session;
#[cfg(test)]
mod tests;
mod topic;
mod value;

pub use catalogue::{Metric, Unread};
pub use document::{Document, documents};
pub use host::{Host, Listed, NodeName};
pub use payload::{rebirth_request, state};
pub use reading::Told;
pub use room::to_give_up;
pub use topic::{Kind, Topic, document_topic, presence_topic};
pub use value::Number;

/// Who the gateway is among host applications (specification, 4.2.3).
pub const HOST: &str = "ortoo";

/// Most bytes of a payload.
pub const PAYLOAD_BYTES_MAX: usize = 128 * 1024;

/// Most metrics in one message; more, and it is refused as a whole before it is decoded.
pub const METRICS_OF_MESSAGE_MAX: usize = 2_000;

/// Most metrics of an edge node and all its devices; those beyond are not read.
pub const METRICS_OF_NODE_MAX: usize = 4_000;

/// Most devices of an edge node.
pub const DEVICES_OF_NODE_MAX: usize = 200;

/// Most edge nodes that are followed; for one more the lab with the most of them gives up a silent one.
pub const NODES_MAX: usize = 1_000;

/// Most bytes of a metric's name.
pub const NAME_BYTES_MAX: usize = 256;
