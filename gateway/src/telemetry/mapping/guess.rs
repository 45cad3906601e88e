//! What an unknown device might be, from one message: a proposal for whoever adopts it.

use serde_json::Value;

use super::limits::check_payload;
use super::spec::Format;
use crate::telemetry::sparkplug::Topic;

/// What a device looks like.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Guess {
    /// Its format; `None`: a free mapping has to be written.
    pub format: Option<Format>,
    /// The topic of a mapping for it alone.
    pub topic: String,
    /// Shelly: the component.
    pub component: Option<String>,
    /// Whether the message holds what such a mapping reads.
    pub has_values: bool,
}

/// Last levels of Tasmota's topics.
const TASMOTA: [&str; 9] = [
    "SENSOR", "STATE", "LWT", "INFO1", "INFO2", "INFO3", "RESULT", "UPTIME", "STATUS8",
];

/// Returns what a message looks like.
#[must_use]
pub fn guess(topic: &str, payload: &[u8]) -> Guess {
    let is_small = check_payload(payload).is_ok();
    let value = is_small
        .then(|| serde_json::from_slice(payload).ok())
        .flatten()
        .unwrap_or(Value::Null);
    sparkplug(topic, &value)
        .or_else(|| shelly(topic, &value))
        .or_else(|| tasmota(topic, &value))
        .or_else(|| zigbee(topic, &value))
        .or_else(|| telegraf(topic, &value))
        .unwrap_or_else(|| Guess {
            format: None,
            topic: topic.to_owned(),
            component: None,
            has_values: false,
        })
}

impl Guess {
    /// Returns what tells one device from another: messages with the same are of one.
    #[must_use]
    pub fn device(&self) -> String {
        match self.component.as_deref() {
            Some(component) if !component.ends_with(":0") => format!("{} {component}", self.topic),
            Some(_) | None => self.topic.clone(),
        }
    }
}

/// What the host makes of Sparkplug messages.
fn sparkplug(topic: &str, value: &Value) -> Option<Guess> {
    let is_document = Topic::is_sparkplug(topic) && value.get("messages").is_some();
    is_document.then(|| Guess {
        format: Some(Format::Sparkplug),
        topic: topic.to_owned(),
        component: None,
        has_values: true,
    })
}

fn shelly(topic: &str, value: &Value) -> Option<Guess> {
    let of = |base: &str, component: Option<&str>, has_values| Guess {
        format: Some(Format::Shelly),
        topic: base.to_owned(),
        component: component.map(str::to_owned),
        has_values,
    };
    if let Some((base, component)) = topic.rsplit_once("/status/") {
        let (kind, _) = component.split_once(':').unwrap_or((component, ""));
        let measures = ["switch", "pm1", "em1", "em", "cover"].contains(&kind);
        return (measures || value.is_object())
            .then(|| of(base, measures.then_some(component), measures));
    }
    if let Some(base) = topic.strip_suffix("/events/rpc") {
        let params = value.get("params").and_then(Value::as_object);
        let part = params.and_then(|params| params.keys().find(|key| measures(key)));
        return Some(of(base, part.map(String::as_str), part.is_some()));
    }
    let base = topic.strip_suffix("/online")?;
    value.is_boolean().then(|| of(base, None, false))
}

fn measures(component: &str) -> bool {
    super::ready::check_component(component).is_ok()
}

fn tasmota(topic: &str, value: &Value) -> Option<Guess> {
    let (base, last) = topic.rsplit_once('/')?;
    (TASMOTA.contains(&last) && base.contains('/')).then(|| Guess {
        format: Some(Format::Tasmota),
        topic: base.to_owned(),
        component: None,
        has_values: value.get("ENERGY").is_some(),
    })
}

fn zigbee(topic: &str, value: &Value) -> Option<Guess> {
    let is_state = value.get("linkquality").is_some();
    let base = topic.strip_suffix("/availability");
    let is_availability = base.is_some() && topic.starts_with("zigbee2mqtt/");
    (is_state || is_availability).then(|| Guess {
        format: Some(Format::Zigbee2mqtt),
        topic: base.unwrap_or(topic).to_owned(),
        component: None,
        has_values: is_state,
    })
}

fn telegraf(topic: &str, value: &Value) -> Option<Guess> {
    let metrics = value.pointer("/metrics/0").unwrap_or(value);
    let is_metric =
        metrics.get("fields").is_some_and(Value::is_object) && metrics.get("name").is_some();
    is_metric.then(|| Guess {
        format: Some(Format::Telegraf),
        topic: topic.to_owned(),
        component: None,
        has_values: true,
    })
}
