//! Whom the embedded broker turned away, and why: a wrong secret, a topic outside its own. Counted by
//! reason, the last one of each agent and source kept for who manages it, and a line a minute of each
//! in the log; a device that tries again every second fills nothing.
//!
//! A message of MQTT 3.1.1 can be refused in no other way than by ending the connection, so its
//! device cannot tell why: here it is told.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Mutex, MutexGuard, PoisonError};

use scheduler::time::{MINUTE_US, Micros};

use crate::clock::Clock;
use crate::registry::SourceName;

/// Characters kept of a topic.
const TOPIC_CHARACTERS_MAX: usize = 128;

/// Why somebody was turned away.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Denied {
    /// No agent or source of this user name, or the secret is not its own.
    Credential,
    /// The client id is an agent's, or another user's session has it.
    ClientId,
    /// The last will is for a topic that is not its own.
    LastWill,
    /// It sent to a topic that is not its own.
    Topic,
    /// It subscribed to topics that are not its own.
    Subscription,
}

impl Denied {
    /// Returns the word for it in metrics, logs and the API.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Credential => "credential",
            Self::ClientId => "client_id",
            Self::LastWill => "last_will",
            Self::Topic => "topic",
            Self::Subscription => "subscription",
        }
    }
}

/// What is known of an agent or source that was turned away since the start.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Denial {
    /// How often.
    pub count: u64,
    /// When it was last.
    pub at: Micros,
    /// Why it was last.
    pub why: Denied,
    /// The topic or filter that was not its own, at most 128 characters.
    pub topic: Option<String>,
}

#[derive(Debug, Default)]
struct Book {
    by_reason: BTreeMap<Denied, u64>,
    /// Only of names that are registered, so that nobody fills it.
    by_name: HashMap<SourceName, (Denial, Told)>,
    strangers: Told,
}

/// When something was last told in the log, and how much came since.
#[derive(Debug, Default)]
struct Told {
    at: Option<Micros>,
    since: u64,
}

impl Told {
    /// Counts one more; returns how many to tell of if a minute passed, or the clock was set back.
    fn note(&mut self, now: Micros) -> Option<u64> {
        self.since += 1;
        let is_recent = |at: Micros| (0..MINUTE_US).contains(&(now - at));
        if self.at.is_some_and(is_recent) {
            return None;
        }
        self.at = Some(now);
        Some(std::mem::take(&mut self.since))
    }
}

/// All that were turned away since the start.
#[derive(Debug)]
pub(super) struct Denials {
    clock: Clock,
    book: Mutex<Book>,
}

impl Denials {
    pub(super) fn new(clock: Clock) -> Self {
        Self {
            clock,
            book: Mutex::default(),
        }
    }

    /// Notes that somebody was turned away; `name` is an agent's or a source's that is registered.
    pub(super) fn note(&self, name: Option<SourceName>, why: Denied, topic: Option<&str>) {
        let now = self.clock.now();
        let mut book = self.book();
        *book.by_reason.entry(why).or_insert(0) += 1;
        let reason = why.as_str();
        let Some(name) = name else {
            if let Some(times) = book.strangers.note(now) {
                tracing::warn!(
                    reason,
                    times,
                    "somebody unknown was not let in by the broker"
                );
            }
            return;
        };
        let topic = topic.map(|topic| topic.chars().take(TOPIC_CHARACTERS_MAX).collect());
        let count = book.by_name.get(&name).map_or(0, |(one, _)| one.count) + 1;
        let denial = Denial {
            count,
            at: now,
            why,
            topic,
        };
        let (held, told) = book
            .by_name
            .entry(name.clone())
            .or_insert_with(|| (denial.clone(), Told::default()));
        *held = denial;
        if let Some(times) = told.note(now) {
            tracing::warn!(%name, reason, times, "turned away by the broker");
        }
    }

    /// Returns how often somebody was turned away, by reason.
    pub(super) fn by_reason(&self) -> BTreeMap<&'static str, u64> {
        let book = self.book();
        let counts = book.by_reason.iter();
        counts.map(|(why, count)| (why.as_str(), *count)).collect()
    }

    /// Returns the last time that an agent or a source was turned away.
    pub(super) fn of(&self, name: &SourceName) -> Option<Denial> {
        self.book().by_name.get(name).map(|(one, _)| one.clone())
    }

    fn book(&self) -> MutexGuard<'_, Book> {
        self.book.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_device_that_tries_again_and_again_is_told_once_a_minute() {
        let mut told = Told::default();
        let second = |number: i64| Micros::new(number * 1_000_000);
        let lines: Vec<u64> = (0..=125).filter_map(|at| told.note(second(at))).collect();
        assert_eq!(lines, [1, 60, 60]);
        assert_eq!(told.note(second(10)), Some(6));
    }

    #[test]
    fn only_registered_names_are_kept_and_topics_are_cut() {
        let (clock, _hand) = Clock::manual(Micros::new(1_000));
        let denials = Denials::new(clock);
        let plugs = SourceName::parse("plugs").unwrap();
        denials.note(None, Denied::Credential, None);
        denials.note(Some(plugs.clone()), Denied::Credential, None);
        denials.note(Some(plugs.clone()), Denied::Topic, Some(&"主".repeat(500)));
        let expected = BTreeMap::from([("credential", 2), ("topic", 1)]);
        assert_eq!(denials.by_reason(), expected);
        let last = denials.of(&plugs).unwrap();
        assert_eq!((last.count, last.why), (2, Denied::Topic));
        assert_eq!(last.topic, Some("主".repeat(128)));
    }
}
