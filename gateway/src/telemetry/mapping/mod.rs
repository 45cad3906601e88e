//! Mappings: how messages in somebody else's format become readings. Pure.
//!
//! In: the topic and payload of a message, the mappings of the lab that the topic belongs to, the
//! directory. Out: readings and presence ([`super::foreign`]), and for everything that is not read,
//! why. Nothing here counts, stores or waits: the collector and the "test this message" call ask the
//! same [`read`](read::read).
//!
//! A [`Mapping`] is made of a [`MappingSpec`], which people write and the store keeps. From it follow
//! [routes](route): for each kind of topic, what is read there. The ready-made formats are tables of
//! routes ([`ready`]), so a free mapping can do all that they can, and every format obeys the same
//! [limits](limits).
//!
//! | format | topic | values | who is there |
//! |---|---|---|---|
//! | `tasmota` | `tele/<device>` | `SENSOR`, `/ENERGY/...`, time without zone | `LWT` |
//! | `shelly` (Gen2 and later) | its MQTT prefix | `status/<component>`; `events/rpc`, where only what changed is told | `online` |
//! | `zigbee2mqtt` | `zigbee2mqtt/<name>` | the topic itself | `availability` |
//! | `telegraf` | any | `fields`, one metric or `metrics` | |
//! | `sparkplug` | `spBv1.0/<group>/<node>[/<device>]` | every metric, or those named | births and deaths |
//! | `free` | any | by JSON pointer, or the plain payload | any topic |
//!
//! What a message does not tell stays as it was: a channel keeps its last value until another comes,
//! so a partial message is an overlay on the last state.

mod guess;
mod index;
mod limits;
mod number;
mod outcome;
mod read;
mod ready;
mod route;
mod spec;
mod template;
#[cfg(test)]
mod tests;
mod time;
mod topic;

pub use guess::{Guess, guess};
pub use index::MappingIndex;
pub use limits::{
    DEVICES_MAX, MAPPINGS_OF_LAB_MAX, PAYLOAD_BYTES_MAX, POINTER_BYTES_MAX, SOURCES_OF_LAB_MAX,
    VALUES_MAX, VALUES_OF_MESSAGE_MAX,
};
pub use outcome::{Note, Outcome, Taken, Why};
pub use read::{Message, read};
pub use route::Mapping;
pub use spec::{Format, Kind, MappingSpec, OnlineSpec, SpecFault, TimeFormat, TimeSpec, ValueSpec};
pub use topic::{Pattern, TopicFault, TopicFilter};
