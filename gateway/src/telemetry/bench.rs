//! What the tests of this module set up again and again.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use arc_swap::ArcSwap;
use async_trait::async_trait;
use chrono_tz::Tz;
use scheduler::id::{InstrumentId, NodeId};
use scheduler::time::Micros;
use wire::{
    Ack, AgentName, Batch, BootId, ChannelName, Clocks, InstrumentKey, Record, RecordBody, Series,
    StreamId,
};

use super::denials::Denials;
use super::subscribe::Downlink;
use super::{Acknowledge, Delivery, Parts, TelemetryHandle, intake};
use crate::clock::Clock;
use crate::history::{ChannelNo, History};
use crate::lifecycle::Lifecycle;
use crate::registry::{
    AgentEntry, Directory, ForeignSource, Instrument, MappingEntry, Names, SecretHash,
    SharedDirectory, Source, SourceName, StateRule,
};
use crate::telemetry::mapping::{Mapping, TopicFilter};

/// Returns the channel with a number; 0 is none.
pub(super) fn channel(number: usize) -> Option<ChannelNo> {
    ChannelNo::new(u16::try_from(number).ok()?)
}

/// Returns a directory with these instruments, each with its number and its agent, whose secret is
/// its name.
pub(crate) fn directory(instruments: &[(&str, u32, &str)]) -> Directory {
    let mut directory = Directory::default();
    for (key, number, agent) in instruments {
        let agent = AgentName::parse(agent).unwrap();
        let instrument = instrument(key, *number, &agent);
        directory
            .by_key
            .insert(instrument.key.clone(), instrument.id);
        directory.instruments.insert(instrument.id, instrument);
        let entry = AgentEntry {
            name: agent.clone(),
            lab: NodeId::new(1),
            secret: SecretHash::of(agent.as_str()),
            created_at: Micros::new(0),
        };
        directory.agents.insert(agent, entry);
    }
    directory
}

/// Makes a foreign source of lab 1, whose secret is its name, that may send to a filter.
pub(super) fn add_source(directory: &mut Directory, name: &str, filter: &str) {
    let source = ForeignSource {
        name: SourceName::parse(name).unwrap(),
        lab: NodeId::new(1),
        secret: SecretHash::of(name),
        filters: vec![TopicFilter::parse(filter).unwrap()],
        created_at: Micros::new(0),
    };
    directory.sources.insert(source.name.clone(), source);
}

/// Makes a mapping of lab 1.
pub(super) fn add_mapping(directory: &mut Directory, id: i64, spec: &str) {
    let spec = serde_json::from_str(spec).unwrap();
    let entry = MappingEntry {
        id,
        lab: NodeId::new(1),
        name: String::new(),
        mapping: Mapping::new(spec).unwrap(),
        version: 1,
        created_at: Micros::new(0),
    };
    directory.mappings.insert(id, Arc::new(entry));
}

/// Makes nobody speak for an instrument.
pub(super) fn silence(directory: &mut Directory, number: u32) {
    let instrument = directory.instruments.get_mut(&InstrumentId::new(number));
    instrument.unwrap().source = None;
}

/// Returns it as the desk would publish it.
pub(super) fn shared(directory: Directory) -> SharedDirectory {
    Arc::new(ArcSwap::from_pointee(directory))
}

fn instrument(key: &str, number: u32, agent: &AgentName) -> Instrument {
    Instrument {
        id: InstrumentId::new(number),
        key: InstrumentKey::parse(key).unwrap(),
        names: Names::default(),
        model: String::new(),
        manufacturer: String::new(),
        category: None,
        capabilities: Vec::new(),
        room: String::new(),
        lab: NodeId::new(1),
        place: None,
        zone: Tz::Asia__Shanghai,
        capacity: 1,
        bookable: true,
        published: true,
        always_on: false,
        version: 1,
        source: Some(Source {
            agent: agent.clone(),
            device: None,
            polled: None,
        }),
        state_rule: StateRule::standard(),
    }
}

/// Acks as they were sent.
#[derive(Default)]
pub(super) struct Sent(pub(super) Mutex<Vec<(String, Ack)>>);

#[async_trait]
impl Downlink for Sent {
    async fn send(&self, topic: String, payload: Vec<u8>) {
        let ack = wire::decode_ack(&payload).unwrap();
        self.0.lock().unwrap().push((topic, ack));
    }

    async fn disconnect(&self, _agent: &AgentName) {}

    fn trouble(&self) -> Option<String> {
        None
    }

    fn address(&self) -> Option<SocketAddr> {
        None
    }
}

/// A recorder on a store in a folder, without a broker.
pub(super) struct Bench {
    pub(super) handle: TelemetryHandle,
    pub(super) sent: Arc<Sent>,
    lifecycle: Lifecycle,
}

impl Bench {
    /// Starts it on a folder, with agents `lab-1` and `lab-2` for instruments `K-1`, `K-2`, `K-3`.
    pub(super) async fn start(folder: &Path, clock: Clock) -> Self {
        let instruments = [
            ("K-1", 1, "lab-1"),
            ("K-2", 2, "lab-1"),
            ("K-3", 3, "lab-2"),
        ];
        Self::start_with(folder, clock, directory(&instruments)).await
    }

    /// Starts it with a directory of the caller's own.
    pub(super) async fn start_with(folder: &Path, clock: Clock, directory: Directory) -> Self {
        let lifecycle = Lifecycle::new();
        let history = History::open(folder, clock.clone()).await.unwrap();
        let (intake, queue) = intake::queue();
        let sent = Arc::new(Sent::default());
        let denials = Arc::new(Denials::new(clock.clone()));
        let parts = Parts {
            denials,
            clock,
            directory: shared(directory),
            history,
            intake,
            downlink: sent.clone(),
        };
        Self {
            handle: parts.record(queue, &lifecycle).await.unwrap(),
            sent,
            lifecycle,
        }
    }

    /// Hands a message over and waits until it is dealt with.
    pub(super) async fn deliver(&self, topic: &str, payload: Vec<u8>) {
        self.deliver_all(vec![(topic.to_owned(), payload)]).await;
    }

    /// Hands messages over and waits until all are dealt with.
    pub(super) async fn deliver_all(&self, messages: Vec<(String, Vec<u8>)>) {
        let mut waiting = Vec::new();
        for (topic, payload) in messages {
            let (done, dealt_with) = tokio::sync::oneshot::channel();
            let delivery = Delivery {
                topic,
                payload: payload.into(),
                acknowledge: Acknowledge::with(move || done.send(()).unwrap_or_default()),
            };
            self.handle.ingest(delivery).await.unwrap();
            waiting.push(dealt_with);
        }
        for dealt_with in waiting {
            tokio::time::timeout(Duration::from_secs(20), dealt_with)
                .await
                .expect("it is dealt with in time")
                .expect("it is dealt with");
        }
    }

    /// Sends a batch as its agent would.
    pub(super) async fn batch(&self, agent: &str, batch: &Batch) {
        self.deliver(&topic(agent), wire::encode(batch)).await;
    }

    /// The last ack an agent got.
    pub(super) fn last_ack(&self, agent: &str) -> Option<Ack> {
        let topic = format!("ortoo/v1/{agent}/down/ack");
        let sent = self.sent.0.lock().unwrap();
        sent.iter()
            .rev()
            .find(|(to, _)| *to == topic)
            .map(|(_, ack)| ack.clone())
    }

    /// Ends as a crash does: what is not committed is lost, and nobody is told.
    pub(super) async fn crash(self) {
        self.lifecycle.stop();
        drop(self.lifecycle.finished(Duration::from_secs(10)).await);
    }
}

/// The topic of an agent's readings.
pub(super) fn topic(agent: &str) -> String {
    format!("ortoo/v1/{agent}/up/readings")
}

/// A batch with one reading of `power_w` for each `(key, milliseconds since 1970, value)`; the
/// agent's clocks are right.
pub(super) fn readings(seq: u64, points: &[(&str, i64, f64)], sent_ms: i64) -> Batch {
    let series = points.iter().map(|(key, time_ms, value)| Series {
        key: InstrumentKey::parse(key).unwrap(),
        offsets_ms: vec![time_ms - sent_ms],
        channels: vec![ChannelName::parse("power_w").unwrap()],
        values: vec![vec![Some(*value)]],
        bad: Vec::new(),
    });
    let boot = BootId::parse("boot-1").unwrap();
    let clocks = Clocks {
        wall_ms: sent_ms,
        mono_ms: sent_ms - 1_000_000,
    };
    Batch {
        stream: StreamId::parse(&"0a".repeat(16)).unwrap(),
        seq,
        oldest: 1,
        boot: boot.clone(),
        sent: clocks,
        record: Record {
            boot,
            at: clocks,
            body: RecordBody::Series(series.collect()),
        },
    }
}
