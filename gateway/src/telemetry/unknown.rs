//! Devices that nobody has told the gateway about: what a foreign source sends and no mapping or
//! instrument takes. Bounded, in memory: who still sends after a restart is listed again.

use std::collections::HashMap;

use bytes::Bytes;
use scheduler::id::NodeId;
use scheduler::time::Micros;
use sha2::{Digest as _, Sha256};

use super::mapping::{Guess, Why, guess};
use crate::registry::SourceName;

/// Most unknown devices of one lab. One more, and the one silent for longest is forgotten and
/// counted.
const OF_LAB_MAX: usize = 200;

/// Most unknown devices of all labs; the same then, in the lab of the newcomer.
const ALL_MAX: usize = 5_000;

/// Most bytes of a device's last message that are kept.
pub const UNKNOWN_PAYLOAD_KEPT_MAX: usize = 4_096;

/// Most characters of a topic that are kept.
const TOPIC_CHARACTERS_MAX: usize = 256;

/// A device as it looks from what it sends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnknownDevice {
    /// Names it over HTTP; the same again after a restart.
    pub id: String,
    /// The lab of its source.
    pub lab: NodeId,
    /// Who sends it.
    pub source: SourceName,
    /// Topic of the message kept.
    pub topic: String,
    /// Beginning of the message kept: the last one, or the last one that holds values.
    pub payload: Bytes,
    /// Bytes of that message as it came.
    pub bytes: usize,
    /// What it might be.
    pub guess: Guess,
    /// Why it is unknown.
    pub why: Why,
    /// Messages so far.
    pub count: u64,
    /// When the first came.
    pub first_seen: Micros,
    /// When the last came.
    pub last_seen: Micros,
}

/// All of them.
#[derive(Debug, Default)]
pub(super) struct UnknownBook {
    labs: HashMap<NodeId, HashMap<String, UnknownDevice>>,
    /// How many were forgotten because there were too many.
    pub(super) forgotten: u64,
}

impl UnknownBook {
    /// Takes note of a message.
    pub(super) fn see(
        &mut self,
        lab: NodeId,
        source: &SourceName,
        (topic, payload): (&str, &Bytes),
        why: Why,
        now: Micros,
    ) {
        let guess = guess(topic, payload);
        let device: String = guess.device().chars().take(TOPIC_CHARACTERS_MAX).collect();
        let all: usize = self.labs.values().map(HashMap::len).sum();
        let held = self.labs.entry(lab).or_default();
        if !held.contains_key(&device) && (held.len() >= OF_LAB_MAX || all >= ALL_MAX) {
            self.forgotten += 1;
            let oldest = held.iter().min_by_key(|(_, known)| known.last_seen);
            let Some(oldest) = oldest.map(|(key, _)| key.clone()) else {
                // All places are other labs': this one is counted only.
                return;
            };
            held.remove(&oldest);
        }
        let known = held
            .entry(device)
            .or_insert_with_key(|device| UnknownDevice {
                id: id_of(lab, device),
                lab,
                source: source.clone(),
                topic: String::new(),
                payload: Bytes::new(),
                bytes: 0,
                guess: guess.clone(),
                why,
                count: 0,
                first_seen: now,
                last_seen: now,
            });
        known.count += 1;
        known.last_seen = now;
        known.why = why;
        known.source = source.clone();
        if guess.has_values || !known.guess.has_values {
            let kept = payload.len().min(UNKNOWN_PAYLOAD_KEPT_MAX);
            known.topic = topic.chars().take(TOPIC_CHARACTERS_MAX).collect();
            known.payload = Bytes::copy_from_slice(payload.get(..kept).unwrap_or_default());
            known.bytes = payload.len();
            known.guess = guess;
        }
    }

    /// Returns all, in no order.
    pub(super) fn all(&self) -> Vec<UnknownDevice> {
        let devices = self.labs.values().flat_map(HashMap::values);
        devices.cloned().collect()
    }
}

fn id_of(lab: NodeId, device: &str) -> String {
    let digest = Sha256::digest(format!("{lab}\n{device}").as_bytes());
    hex::encode(digest.get(..8).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn see(book: &mut UnknownBook, lab: i64, topic: &str, payload: &'static str, at: i64) {
        let source = SourceName::parse("plugs").unwrap();
        let payload = Bytes::from_static(payload.as_bytes());
        let at = Micros::new(at);
        book.see(
            NodeId::new(lab),
            &source,
            (topic, &payload),
            Why::NoMapping,
            at,
        );
    }

    #[test]
    fn messages_of_one_device_are_one_row_that_keeps_the_values() {
        let mut book = UnknownBook::default();
        see(
            &mut book,
            1,
            "tele/plug/SENSOR",
            r#"{"ENERGY":{"Power":9}}"#,
            1,
        );
        see(&mut book, 1, "tele/plug/STATE", r#"{"POWER":"ON"}"#, 2);
        see(&mut book, 1, "tele/other/LWT", "Online", 3);
        let mut all = book.all();
        all.sort_by(|a, b| a.topic.cmp(&b.topic));
        assert_eq!(all.len(), 2);
        assert_eq!(all[1].topic, "tele/plug/SENSOR");
        assert_eq!(all[1].guess.topic, "tele/plug");
        assert_eq!(
            (all[1].count, all[1].first_seen, all[1].last_seen),
            (2, Micros::new(1), Micros::new(2))
        );
        assert_eq!(all[1].id.len(), 16);
    }

    #[test]
    fn a_full_lab_forgets_who_was_silent_for_longest_and_counts_it() {
        let mut book = UnknownBook::default();
        see(&mut book, 2, "other/lab", "1", 0);
        for number in 0..OF_LAB_MAX {
            let at = i64::try_from(number).unwrap();
            see(&mut book, 1, &format!("a/{number}"), "1", at);
        }
        see(&mut book, 1, "a/0", "2", 1_000);
        assert_eq!(book.forgotten, 0);
        see(&mut book, 1, "a/new", "1", 1_001);
        assert_eq!(book.forgotten, 1);
        let topics: Vec<String> = book.all().into_iter().map(|one| one.topic).collect();
        assert_eq!(topics.len(), OF_LAB_MAX + 1);
        assert!(topics.contains(&"a/0".to_owned()) && !topics.contains(&"a/1".to_owned()));
        assert!(topics.contains(&"other/lab".to_owned()), "of another lab");
    }

    #[test]
    fn of_a_long_message_the_beginning_is_kept() {
        let mut book = UnknownBook::default();
        let payload = Bytes::from(vec![b'x'; 100_000]);
        let source = SourceName::parse("plugs").unwrap();
        let topic = format!("a/{}", "y".repeat(10_000));
        book.see(
            NodeId::new(1),
            &source,
            (&topic, &payload),
            Why::NoMapping,
            Micros::new(0),
        );
        let all = book.all();
        assert_eq!(
            (all[0].payload.len(), all[0].bytes),
            (UNKNOWN_PAYLOAD_KEPT_MAX, 100_000)
        );
        assert_eq!(all[0].topic.len(), TOPIC_CHARACTERS_MAX);
    }
}
