//! Topics: `spBv1.0/{group}/{type}/{node}[/{device}]`. Source: specification, chapter 4.

/// Namespace of Sparkplug B (4.1.1).
const NAMESPACE: &str = "spBv1.0";

/// Stands for the group where it is said who is there.
const PRESENCE: &str = "$online";

/// Most bytes of a group, node or device.
const ID_BYTES_MAX: usize = 128;

/// What edge nodes send. Commands are ours to send; who else sends some is not our business.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// An edge node's metrics with names, types and aliases.
    NodeBirth,
    /// Changes of them.
    NodeData,
    /// Its last will.
    NodeDeath,
    /// A device's metrics.
    DeviceBirth,
    /// Changes of them.
    DeviceData,
    /// The edge node has lost the device.
    DeviceDeath,
}

/// A topic of an edge node.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Topic<'a> {
    /// The group.
    pub group: &'a str,
    /// What it is.
    pub kind: Kind,
    /// The edge node, unique within the group.
    pub node: &'a str,
    /// The device, for messages about one.
    pub device: Option<&'a str>,
}

impl<'a> Topic<'a> {
    /// Returns true if a topic lies in Sparkplug's namespace, whatever it is there.
    #[must_use]
    pub fn is_sparkplug(topic: &str) -> bool {
        topic
            .strip_prefix(NAMESPACE)
            .is_some_and(|rest| rest.starts_with('/'))
    }

    /// Returns true if a topic or filter is about who is host (4.2.3).
    #[must_use]
    pub fn is_state(topic: &str) -> bool {
        Self::is_sparkplug(topic) && topic.split('/').nth(1) == Some("STATE")
    }

    /// Returns true if a document's topic tells who is there.
    #[must_use]
    pub fn is_presence(topic: &str) -> bool {
        Self::is_sparkplug(topic) && topic.split('/').nth(1) == Some(PRESENCE)
    }

    /// Parses a topic; `None` if no edge node sends to it.
    #[must_use]
    pub fn parse(topic: &'a str) -> Option<Self> {
        let mut levels = topic.split('/');
        if levels.next() != Some(NAMESPACE) {
            return None;
        }
        let (group, kind, node) = (levels.next()?, levels.next()?, levels.next()?);
        let (device, rest) = (levels.next(), levels.next());
        let kind = match (kind, device) {
            ("NBIRTH", None) => Kind::NodeBirth,
            ("NDATA", None) => Kind::NodeData,
            ("NDEATH", None) => Kind::NodeDeath,
            ("DBIRTH", Some(_)) => Kind::DeviceBirth,
            ("DDATA", Some(_)) => Kind::DeviceData,
            ("DDEATH", Some(_)) => Kind::DeviceDeath,
            _ => return None,
        };
        let is_id = |id: &str| (1..=ID_BYTES_MAX).contains(&id.len());
        let is_fit = is_id(group) && is_id(node) && device.is_none_or(is_id) && rest.is_none();
        is_fit.then_some(Self {
            group,
            kind,
            node,
            device,
        })
    }
}

/// Returns the topic of what was read of a node or a device: that of its messages without their type.
#[must_use]
pub fn document_topic(group: &str, node: &str, device: Option<&str>) -> String {
    match device {
        Some(device) => format!("{NAMESPACE}/{group}/{node}/{device}"),
        None => format!("{NAMESPACE}/{group}/{node}"),
    }
}

/// Returns where it is said whether the node or device of a document is there. No group is called so.
#[must_use]
pub fn presence_topic(document_topic: &str) -> String {
    let rest = document_topic
        .strip_prefix(NAMESPACE)
        .unwrap_or(document_topic);
    format!("{NAMESPACE}/{PRESENCE}{rest}")
}

/// Returns where commands for an edge node go (4.1.3).
pub(super) fn command_topic(group: &str, node: &str) -> String {
    format!("{NAMESPACE}/{group}/NCMD/{node}")
}

/// Returns where a host application says whether it is there (4.2.3).
pub(super) fn state_topic(host: &str) -> String {
    format!("{NAMESPACE}/STATE/{host}")
}
