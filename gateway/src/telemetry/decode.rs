//! From a delivery to a message, or to a rejection with its reason. Pure.

use bytes::Bytes;
use serde::Deserialize;
use wire::{AgentName, Batch, Hello, Status, StreamId, Topic, Up};

/// Highest record number that is believed: no outbox gives one in thirty thousand years of a record a
/// second, and sums over many agents stay far from overflowing.
const SEQ_MAX: u64 = 1 << 40;

/// Bytes of a payload that cannot be parsed in which its number is looked for.
const HEAD_BYTES: usize = 512;

/// A message of an agent.
#[derive(Debug)]
pub(super) enum Message {
    /// Readings or an event.
    Batch(AgentName, Box<Batch>),
    /// What an agent says after it connected.
    Hello(AgentName, Box<Hello>),
    /// Whether an agent is there.
    Status(AgentName, Status),
}

/// Which record of which stream a payload is.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub(super) struct Head {
    pub(super) stream: StreamId,
    pub(super) seq: u64,
    pub(super) oldest: u64,
}

impl Head {
    pub(super) fn of(batch: &Batch) -> Self {
        Self {
            stream: batch.stream.clone(),
            seq: batch.seq,
            oldest: batch.oldest,
        }
    }
}

/// Why a delivery is not a message.
#[derive(Debug)]
pub(super) struct Rejection {
    /// A stable word, under which rejections are counted.
    pub(super) reason: &'static str,
    /// For people.
    pub(super) detail: String,
    /// Whose it is, if its topic says so.
    pub(super) agent: Option<AgentName>,
    /// Which record it is, if that can be read: then it is acknowledged, so that it does not come
    /// again for ever.
    pub(super) head: Option<Head>,
}

/// Decodes a delivery.
pub(super) fn decode(topic: &str, payload: &Bytes) -> Result<Message, Rejection> {
    let parsed = Topic::parse(topic).map_err(|error| Rejection {
        reason: "unknown_topic",
        detail: error.to_string(),
        agent: None,
        head: None,
    })?;
    match parsed {
        Topic::Up(agent, Up::Readings | Up::Event) => {
            let batch = wire::decode_batch(payload)
                .map_err(|error| refuse(&error, &agent, head_of(payload)))?;
            if batch.seq > SEQ_MAX {
                return Err(beyond(agent, batch.seq));
            }
            Ok(Message::Batch(agent, Box::new(batch)))
        }
        Topic::Up(agent, Up::Hello) => {
            let hello =
                wire::decode_hello(payload).map_err(|error| refuse(&error, &agent, None))?;
            if hello.oldest > SEQ_MAX {
                return Err(beyond(agent, hello.oldest));
            }
            Ok(Message::Hello(agent, Box::new(hello)))
        }
        Topic::Up(agent, Up::Status) => {
            let status =
                wire::decode_status(payload).map_err(|error| refuse(&error, &agent, None))?;
            Ok(Message::Status(agent, status))
        }
        Topic::Down(agent, _) => Err(Rejection {
            reason: "unknown_topic",
            detail: "a topic for agents, not for the gateway".to_owned(),
            agent: Some(agent),
            head: None,
        }),
    }
}

/// Refuses a number that no outbox reaches.
fn beyond(agent: AgentName, number: u64) -> Rejection {
    Rejection {
        reason: "shape",
        detail: format!("record number {number} is beyond any outbox"),
        agent: Some(agent),
        head: None,
    }
}

fn refuse(error: &wire::DecodeError, agent: &AgentName, head: Option<Head>) -> Rejection {
    let source = std::error::Error::source(error);
    let detail = match source {
        Some(source) => format!("{error}: {source}"),
        None => error.to_string(),
    };
    Rejection {
        reason: error.reason(),
        detail,
        agent: Some(agent.clone()),
        head,
    }
}

/// Finds the number of a record in a payload that is not a valid batch: as JSON if it is that, else
/// in its first bytes, where our agents write it.
fn head_of(payload: &[u8]) -> Option<Head> {
    let small = payload.len() <= wire::PAYLOAD_BYTES_MAX;
    let whole = small.then(|| serde_json::from_slice::<Head>(payload).ok());
    let head = whole.flatten().or_else(|| scan_head(payload))?;
    let is_possible = 1 <= head.oldest && head.oldest <= head.seq && head.seq <= SEQ_MAX;
    is_possible.then_some(head)
}

fn scan_head(payload: &[u8]) -> Option<Head> {
    let begin = payload.get(..HEAD_BYTES.min(payload.len()))?;
    let text = String::from_utf8_lossy(begin);
    let after = |key: &str| text.split_once(key).map(|(_, rest)| rest);
    let number = |key: &str| {
        let digits = after(key)?;
        let end = digits.find(|c: char| !c.is_ascii_digit())?;
        digits.get(..end)?.parse().ok()
    };
    Some(Head {
        stream: StreamId::parse(after("\"stream\":\"")?.split('"').next()?).ok()?,
        seq: number("\"seq\":")?,
        oldest: number("\"oldest\":")?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const TOPIC: &str = "ortoo/v1/lab-007/up/readings";
    const HEAD: &str = r#"{"stream":"0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a","seq":9,"oldest":4,"#;

    fn rejection(topic: &str, payload: String) -> Rejection {
        decode(topic, &Bytes::from(payload)).unwrap_err()
    }

    #[test]
    fn every_rejection_has_its_reason_and_the_number_if_it_can_be_read() {
        let long = "x".repeat(1 << 20);
        let nan = r#""boot":"b","sent":{"wall_ms":1,"mono_ms":1},"record":{"boot":"b","at":{"wall_ms":1,"mono_ms":1},"series":[{"key":"K","offsets_ms":[0],"channels":["p"],"values":[[NaN]]}]}}"#;
        for (topic, payload, reason, has_head) in [
            (
                "ortoo/v2/x/up/readings",
                String::new(),
                "unknown_topic",
                false,
            ),
            (
                "ortoo/v1/lab-007/down/ack",
                String::new(),
                "unknown_topic",
                false,
            ),
            (TOPIC, String::new(), "malformed", false),
            (TOPIC, format!("{HEAD}\"x"), "malformed", true),
            (TOPIC, format!("{HEAD}{nan}"), "malformed", true),
            (
                TOPIC,
                format!("{HEAD}\"pad\":\"{long}\"}}"),
                "too_large",
                true,
            ),
            (TOPIC, long.clone(), "too_large", false),
            (
                "ortoo/v1/lab-007/up/hello",
                "{}".to_owned(),
                "malformed",
                false,
            ),
        ] {
            let rejection = rejection(topic, payload);
            assert_eq!(rejection.reason, reason, "{}", rejection.detail);
            assert_eq!(rejection.head.is_some(), has_head, "{}", rejection.detail);
        }
    }

    #[test]
    fn an_impossible_number_is_not_believed() {
        let payload = HEAD.replace("\"seq\":9", "\"seq\":18446744073709551615");
        assert!(rejection(TOPIC, payload).head.is_none());
        let payload = HEAD.replace("\"oldest\":4", "\"oldest\":40");
        assert!(rejection(TOPIC, payload).head.is_none());
    }
}
