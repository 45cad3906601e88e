//! Which topics of an external broker the gateway listens to for foreign sources: those of the
//! registered ones, soon after they are made or revoked.

use std::collections::BTreeSet;
use std::sync::{Mutex, MutexGuard};
use std::time::Duration;

use rumqttc::{AsyncClient, QoS};
use tokio_util::sync::CancellationToken;

use crate::registry::SharedDirectory;

/// How often new and revoked sources are looked for.
const LOOK_EVERY: Duration = Duration::from_millis(500);

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

    /// Begins with a new connection.
    pub(super) fn begin(&self, client: AsyncClient) {
        *self.held() = Held {
            client: Some(client),
            ..Held::default()
        };
        self.look();
    }

    /// The connection has ended.
    pub(super) fn end(&self) {
        *self.held() = Held::default();
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
        if held.generation == Some(directory.generation) {
            return;
        }
        let sources = directory.sources.values();
        let wanted: BTreeSet<String> = sources
            .flat_map(|source| &source.filters)
            .map(ToString::to_string)
            .collect();
        let new: Vec<&String> = wanted.difference(&held.filters).collect();
        let gone: Vec<&String> = held.filters.difference(&wanted).collect();
        let subscribed = new.iter().all(|filter| {
            client
                .try_subscribe(filter.as_str(), QoS::AtLeastOnce)
                .is_ok()
        });
        let given_up = gone
            .iter()
            .all(|filter| client.try_unsubscribe(filter.as_str()).is_ok());
        if subscribed && given_up {
            held.filters = wanted;
            held.generation = Some(directory.generation);
        }
    }
}
