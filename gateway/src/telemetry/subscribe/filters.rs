//! Which topics of an external broker the gateway listens to for foreign sources: those of the
//! registered ones, soon after they are made or revoked.

use std::collections::{BTreeSet, HashMap, VecDeque};
use std::sync::{Mutex, MutexGuard};
use std::time::Duration;

use rumqttc::{AsyncClient, QoS};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::registry::SharedDirectory;

/// How often new and revoked sources are looked for.
const LOOK_EVERY: Duration = Duration::from_millis(500);

/// A filter that the broker refuses is asked for again after this time: somebody may have permitted it.
const ASK_AGAIN: Duration = Duration::from_mins(1);

/// Filters of the sources, and the connection that listens.
pub(super) struct ForeignFilters {
    directory: SharedDirectory,
    held: Mutex<Held>,
}

#[derive(Default)]
struct Held {
    client: Option<AsyncClient>,
    generation: Option<u64>,
    /// What the connection listens to.
    filters: BTreeSet<String>,
    /// What an earlier connection of the session listened to: the broker has not forgotten it.
    before: BTreeSet<String>,
    /// Subscriptions that are asked for, in order, and then by the number of their packet.
    asking: VecDeque<String>,
    asked: HashMap<u16, String>,
    /// When those that were refused are asked for again.
    again_at: Option<Instant>,
}

impl ForeignFilters {
    pub(super) fn new(directory: SharedDirectory) -> Self {
        Self {
            directory,
            held: Mutex::default(),
        }
    }

    fn held(&self) -> MutexGuard<'_, Held> {
        self.held
            .lock()
            .expect("nobody panics while holding this lock")
    }

    /// Begins with a new connection, which listens to `agents` first.
    pub(super) fn begin(&self, client: AsyncClient, agents: &str) {
        {
            let mut held = self.held();
            let before = std::mem::take(&mut held.before);
            let mut asking = VecDeque::new();
            if client.try_subscribe(agents, QoS::AtLeastOnce).is_ok() {
                asking.push_back(agents.to_owned());
            }
            *held = Held {
                client: Some(client),
                before,
                asking,
                ..Held::default()
            };
        }
        self.look();
    }

    /// The connection has ended.
    pub(super) fn end(&self) {
        let mut held = self.held();
        let mut before = std::mem::take(&mut held.before);
        before.append(&mut held.filters);
        *held = Held {
            before,
            ..Held::default()
        };
    }

    /// The oldest subscription that was asked for has gone out, in a packet of this number.
    pub(super) fn asked(&self, packet: u16) {
        let mut held = self.held();
        if let Some(filter) = held.asking.pop_front() {
            held.asked.insert(packet, filter);
        }
    }

    /// The broker refuses a filter: it is asked for again after [`ASK_AGAIN`].
    pub(super) fn refused(&self, filter: &str) {
        let mut held = self.held();
        held.filters.remove(filter);
        held.again_at = Some(Instant::now() + ASK_AGAIN);
    }

    /// Returns the filter that the broker has answered about.
    pub(super) fn answered(&self, packet: u16) -> Option<String> {
        self.held().asked.remove(&packet)
    }

    /// Looks again and again until asked to stop.
    pub(super) async fn follow(&self, stop: CancellationToken) {
        let mut every = tokio::time::interval(LOOK_EVERY);
        loop {
            tokio::select! {
                () = stop.cancelled() => return,
                _ = every.tick() => self.look(),
            }
        }
    }

    /// Subscribes to what is new and gives up what is gone. Where the queue to the broker is full, it
    /// is tried again at the next look.
    fn look(&self) {
        let directory = self.directory.load();
        let mut held = self.held();
        let Some(client) = held.client.clone() else {
            return;
        };
        let is_again = held.again_at.is_some_and(|at| at <= Instant::now());
        if held.generation == Some(directory.generation) && !is_again {
            return;
        }
        held.again_at = held.again_at.filter(|_| !is_again);
        let sources = directory.sources.values();
        let wanted: BTreeSet<String> = sources
            .flat_map(|source| &source.filters)
            .map(ToString::to_string)
            .collect();
        let held = &mut *held;
        for filter in &wanted {
            if held.filters.contains(filter) {
                continue;
            }
            if client
                .try_subscribe(filter.as_str(), QoS::AtLeastOnce)
                .is_err()
            {
                return;
            }
            held.asking.push_back(filter.clone());
            held.filters.insert(filter.clone());
        }
        held.filters.append(&mut held.before);
        let gone: Vec<String> = held.filters.difference(&wanted).cloned().collect();
        for filter in gone {
            if client.try_unsubscribe(filter.as_str()).is_err() {
                return;
            }
            held.filters.remove(&filter);
        }
        held.generation = Some(directory.generation);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use rumqttc::MqttOptions;

    use super::*;
    use crate::registry::Directory;
    use crate::telemetry::bench;

    #[test]
    fn what_was_revoked_while_the_broker_was_away_is_given_up_when_it_is_back() {
        let mut directory = Directory::default();
        bench::add_source(&mut directory, "shop", "shop/#");
        let foreign = ForeignFilters::new(bench::shared(directory));
        let client = |most| AsyncClient::new(MqttOptions::new("c", "host", 1), most);
        let listens_to = || foreign.held().filters.iter().cloned().collect::<Vec<_>>();
        let (wide, _wide) = client(16);
        foreign.begin(wide.clone(), "agents");
        assert_eq!(listens_to(), ["shop/#"]);
        for (packet, filter) in [(1, "agents"), (2, "shop/#")] {
            foreign.asked(packet);
            assert_eq!(foreign.answered(packet).as_deref(), Some(filter));
            assert_eq!(foreign.answered(packet), None, "once");
        }
        // Refused, and asked for again when the time has come.
        foreign.refused("shop/#");
        foreign.look();
        assert_eq!(listens_to(), Vec::<String>::new());
        foreign.held().again_at = Some(Instant::now());
        foreign.look();
        assert_eq!(listens_to(), ["shop/#"]);
        foreign.end();
        foreign.directory.store(Arc::default());
        // There is room for one request: the agents'.
        let (narrow, _narrow) = client(1);
        foreign.begin(narrow, "agents");
        assert_eq!(listens_to(), ["shop/#"], "not given up yet");
        foreign.end();
        foreign.begin(wide, "agents");
        assert_eq!(listens_to(), Vec::<String>::new());
    }
}
