//! A mapping as people write it and as it is kept.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use wire::{ChannelName, InstrumentKey};

/// What writes the messages.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = MappingFormat)]
pub enum Format {
    /// Tasmota firmware (`tele/<device>/SENSOR`).
    Tasmota,
    /// Shelly of the second generation and later.
    Shelly,
    /// `Zigbee2MQTT`.
    Zigbee2mqtt,
    /// Telegraf with `data_format = "json"`.
    Telegraf,
    /// Sparkplug B: `topic` is `spBv1.0/{group}/{node}` or `spBv1.0/{group}/{node}/{device}`, without
    /// the type of the message; a value's pointer is `/` and the metric's name.
    Sparkplug,
    /// Anything else: the mapping names every value.
    Free,
}

impl Format {
    /// Returns the stable text.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Tasmota => "tasmota",
            Self::Shelly => "shelly",
            Self::Zigbee2mqtt => "zigbee2mqtt",
            Self::Telegraf => "telegraf",
            Self::Sparkplug => "sparkplug",
            Self::Free => "free",
        }
    }
}

/// What a value is in a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = MappingKind)]
pub enum Kind {
    /// A JSON number, or a text that is one.
    #[default]
    Number,
    /// `true`, `1`, `"ON"` and the like are 1; `false`, `0`, `"OFF"` are 0.
    Switch,
    /// A text that `words` gives a number for.
    Words,
}

/// How a time is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = MappingTimeFormat)]
pub enum TimeFormat {
    /// Text with a zone, such as `2026-11-26T09:00:00+08:00`.
    Rfc3339,
    /// Text without a zone, in the instrument's zone: `2026-11-26T09:00:00`.
    Local,
    /// Seconds since 1970 UTC; fractions are fine.
    UnixS,
    /// Milliseconds since 1970 UTC.
    UnixMs,
    /// Microseconds since 1970 UTC.
    UnixUs,
    /// Nanoseconds since 1970 UTC.
    UnixNs,
    /// Whichever of these it looks like.
    Auto,
}

/// One value of a message.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = MappingValue)]
pub struct ValueSpec {
    /// JSON pointer (RFC 6901) to it; null: the whole payload.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pointer: Option<String>,
    /// The channel it becomes.
    #[schema(value_type = String)]
    pub channel: ChannelName,
    /// Its unit after scaling, at most 16 characters.
    #[serde(default)]
    pub unit: String,
    /// What it is multiplied by.
    #[serde(default = "one")]
    pub scale: f64,
    /// What is added after that.
    #[serde(default)]
    pub offset: f64,
    /// What it is.
    #[serde(default, rename = "type")]
    pub kind: Kind,
    /// With `words`: what each text means.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub words: BTreeMap<String, f64>,
}

fn one() -> f64 {
    1.0
}

/// Where a message says when it was written.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = MappingTime)]
pub struct TimeSpec {
    /// JSON pointer to it. Where it leads nowhere, the arrival counts.
    pub pointer: String,
    /// How it is written.
    pub format: TimeFormat,
}

/// Where a source says whether it is there.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = MappingOnline)]
pub struct OnlineSpec {
    /// The topic, with the same names in braces.
    pub topic: String,
    /// JSON pointer to the word; null: the whole payload.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pointer: Option<String>,
    /// Words that mean that it is there.
    pub online: Vec<String>,
    /// Words that mean that it is gone.
    pub offline: Vec<String>,
}

/// A mapping.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct MappingSpec {
    /// What writes the messages.
    pub format: Format,
    /// The topic, or for ready-made formats the part before what the format adds. A level may be `+`,
    /// or hold a name in braces: `tele/{device}`.
    pub topic: String,
    /// The instrument's asset code; `{device}` is what that name stood for in the topic, `{/tags/host}`
    /// what the message holds there.
    pub instrument: String,
    /// Asset codes by what `instrument` yields, where that is not the asset code itself.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    #[schema(value_type = BTreeMap<String, String>)]
    pub devices: BTreeMap<String, InstrumentKey>,
    /// Shelly: which part of the device, such as `switch:0` (if left out), `pm1:0`, `em:0`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub component: Option<String>,
    /// JSON pointer to an array each of whose entries is read like a message.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub each: Option<String>,
    /// The values; with a ready-made format, more than it reads by itself.
    #[serde(default)]
    pub values: Vec<ValueSpec>,
    /// When it was written; null: the format's own way, or the arrival.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub time: Option<TimeSpec>,
    /// Whether the source is there; null: the format's own way, or it never says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub online: Option<OnlineSpec>,
}

/// What is wrong with a mapping: a field and a message for people.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{field}: {message}")]
pub struct SpecFault {
    /// The field, such as `values[2].pointer`.
    pub field: String,
    /// The message, one of those that `words` knows.
    pub message: String,
}

impl SpecFault {
    pub(super) fn new(field: &str, message: impl std::fmt::Display) -> Self {
        Self {
            field: field.to_owned(),
            message: message.to_string(),
        }
    }
}
