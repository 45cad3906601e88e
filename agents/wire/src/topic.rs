//! Topic to text and text to topic, here and nowhere else.
//!
//! ```text
//! ortoo/v1/{agent}/up/hello | status (retained, last will) | readings | event
//! ortoo/v1/{agent}/down/ack
//! ```

use crate::key::{AgentName, KeyError};

const PREFIX: &str = "ortoo/v1/";

/// What an agent sends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Up {
    /// [`crate::Hello`], QoS 1, once after every connect.
    Hello,
    /// [`crate::Status`], QoS 1, retained; the last will sets it to offline.
    Status,
    /// [`crate::Batch`] of readings, QoS 1.
    Readings,
    /// [`crate::Batch`] with an event, QoS 1.
    Event,
}

/// What the gateway sends to an agent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Down {
    /// [`crate::Ack`], QoS 1, after the commit it tells of.
    Ack,
}

/// A parsed topic: whose it is, its direction and what it carries.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Topic {
    /// From an agent to the gateway.
    Up(AgentName, Up),
    /// From the gateway to an agent.
    Down(AgentName, Down),
}

/// Why a topic is not one of ours.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TopicError {
    /// It does not begin with `ortoo/v1/`, or the rest is not one of the known forms.
    #[error("not a topic of ortoo/v1")]
    Unknown,
    /// The agent's segment is not an agent name.
    #[error("the agent's segment is not a name")]
    Agent(#[from] KeyError),
}

impl Topic {
    /// Parses the text of a topic.
    ///
    /// ```
    /// use wire::{Topic, Up};
    /// let topic = Topic::parse("ortoo/v1/lab-007/up/readings").unwrap();
    /// assert!(matches!(topic, Topic::Up(agent, Up::Readings) if agent.as_str() == "lab-007"));
    /// ```
    ///
    /// # Errors
    /// Returns [`TopicError`] when the text is not a topic of this version.
    pub fn parse(text: &str) -> Result<Self, TopicError> {
        let rest = text.strip_prefix(PREFIX).ok_or(TopicError::Unknown)?;
        let (agent, rest) = rest.split_once('/').ok_or(TopicError::Unknown)?;
        let agent = AgentName::parse(agent)?;
        match rest {
            "up/hello" => Ok(Self::Up(agent, Up::Hello)),
            "up/status" => Ok(Self::Up(agent, Up::Status)),
            "up/readings" => Ok(Self::Up(agent, Up::Readings)),
            "up/event" => Ok(Self::Up(agent, Up::Event)),
            "down/ack" => Ok(Self::Down(agent, Down::Ack)),
            _ => Err(TopicError::Unknown),
        }
    }

    /// Returns true if a topic begins as those of every version do: nobody else may use it.
    #[must_use]
    pub fn is_ours(text: &str) -> bool {
        text.starts_with("ortoo/")
    }

    /// Returns the filter that matches everything agents send.
    #[must_use]
    pub fn all_up() -> String {
        format!("{PREFIX}+/up/+")
    }

    /// Returns the filter that matches everything sent to one agent.
    #[must_use]
    pub fn all_down(agent: &AgentName) -> String {
        format!("{PREFIX}{agent}/down/+")
    }

    /// Returns the prefix below which an agent may publish.
    #[must_use]
    pub fn up_prefix(agent: &AgentName) -> String {
        format!("{PREFIX}{agent}/up/")
    }

    /// Returns the prefix below which an agent may subscribe.
    #[must_use]
    pub fn down_prefix(agent: &AgentName) -> String {
        format!("{PREFIX}{agent}/down/")
    }
}

impl std::fmt::Display for Topic {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (agent, tail) = match self {
            Self::Up(agent, Up::Hello) => (agent, "up/hello"),
            Self::Up(agent, Up::Status) => (agent, "up/status"),
            Self::Up(agent, Up::Readings) => (agent, "up/readings"),
            Self::Up(agent, Up::Event) => (agent, "up/event"),
            Self::Down(agent, Down::Ack) => (agent, "down/ack"),
        };
        write!(f, "{PREFIX}{agent}/{tail}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_topic_survives_the_way_to_text_and_back() {
        let agent = AgentName::parse("lab-007").unwrap();
        for topic in [
            Topic::Up(agent.clone(), Up::Hello),
            Topic::Up(agent.clone(), Up::Status),
            Topic::Up(agent.clone(), Up::Readings),
            Topic::Up(agent.clone(), Up::Event),
            Topic::Down(agent, Down::Ack),
        ] {
            assert_eq!(Topic::parse(&topic.to_string()), Ok(topic));
        }
    }

    #[test]
    fn foreign_topics_are_refused() {
        for text in [
            "",
            "ortoo/v2/a/up/hello",
            "ortoo/v1/A/up/hello",
            "ortoo/v1/a/up/x",
            "$SYS/x",
        ] {
            assert!(Topic::parse(text).is_err(), "{text}");
        }
    }
}
