//! Tests of a resident agent against simulated devices and a gateway that is two channels.

use std::collections::BTreeSet;
use std::net::SocketAddr;

use tokio::sync::broadcast;
use wire::{Ack, Batch, Event, Hello, RecordBody, Topic, Up};

use super::*;
use crate::allow::Network;
use crate::profile::Profiles;
use crate::publish::Letter;
use crate::simulate::{Device as Simulated, Simulation};

/// Nothing here takes longer.
const PATIENCE: Duration = Duration::from_secs(10);

/// What an agent says.
#[derive(Debug)]
enum Said {
    Online(bool),
    Hello(Hello),
    Batch(Batch),
}

/// A resident agent and the gateway's side of its door.
struct Bench {
    letters: mpsc::Receiver<Letter>,
    acks: broadcast::Sender<Vec<u8>>,
    devices: watch::Sender<Devices>,
    stop: CancellationToken,
    running: JoinSet<Result<(), RunError>>,
}

impl Bench {
    fn start(folder: &std::path::Path, devices: Devices) -> Self {
        let (letters, received) = mpsc::channel(16);
        let (acks, _) = broadcast::channel(16);
        let resident = Resident {
            name: AgentName::parse("gateway-1").unwrap(),
            folder: folder.to_owned(),
            outbox_bytes_max: 1 << 20,
            report_every: Duration::from_secs(10),
            allow: Allow(vec![Network::parse("127.0.0.1").unwrap()]),
            door: Door {
                letters,
                acks: acks.clone(),
            },
        };
        let (devices, wanted) = watch::channel(devices);
        let stop = CancellationToken::new();
        let mut running = JoinSet::new();
        running.spawn(resident.run(wanted, Clock::system(), stop.clone()));
        Self {
            letters: received,
            acks,
            devices,
            stop,
            running,
        }
    }

    async fn said(&mut self) -> Said {
        let letter = tokio::time::timeout(PATIENCE, self.letters.recv()).await;
        let letter = letter.expect("a letter comes").expect("the agent lives");
        match Topic::parse(&letter.topic).unwrap() {
            Topic::Up(_, Up::Status) => {
                Said::Online(wire::decode_status(&letter.payload).unwrap().online)
            }
            Topic::Up(_, Up::Hello) => Said::Hello(wire::decode_hello(&letter.payload).unwrap()),
            Topic::Up(_, Up::Readings | Up::Event) => {
                Said::Batch(wire::decode_batch(&letter.payload).unwrap())
            }
            Topic::Down(..) => panic!("nobody speaks down but the gateway"),
        }
    }

    /// Waits for a record that fits, acknowledging all; returns it with the events before it.
    async fn until(&mut self, fits: impl Fn(&RecordBody) -> bool) -> (Batch, Vec<Event>) {
        let mut events = Vec::new();
        loop {
            let Said::Batch(batch) = self.said().await else {
                continue;
            };
            let ack = Ack {
                stream: batch.stream.clone(),
                upto: batch.seq,
                ranges: Vec::new(),
            };
            self.acks.send(wire::encode(&ack)).unwrap();
            if fits(&batch.record.body) {
                return (batch, events);
            }
            if let RecordBody::Event(event) = batch.record.body {
                events.push(event);
            }
        }
    }

    async fn finish(mut self) {
        self.stop.cancel();
        // The gateway has stopped too: nothing is waited for.
        drop(self.letters);
        let ended = tokio::time::timeout(PATIENCE, self.running.join_next()).await;
        ended.unwrap().unwrap().unwrap().unwrap();
    }
}

/// Plays a meter with unit 1 and returns where.
async fn meter(playing: &mut JoinSet<std::io::Result<()>>) -> SocketAddr {
    let simulation = Simulation::bind(([127, 0, 0, 1], 0).into()).await.unwrap();
    let address = simulation.address();
    let profile = Profiles::built_in().get("sdm120").unwrap();
    playing.spawn(simulation.serve(Arc::new(Simulated::new(profile, 1, 7, 60.0))));
    address
}

fn device_at(key: &str, address: SocketAddr, unit: u8) -> (String, Device) {
    let profile = Profiles::built_in().get("sdm120").unwrap();
    let times = (Duration::from_millis(50), Duration::from_secs(1));
    let key = InstrumentKey::parse(key).unwrap();
    let device = device(&key, profile, &address.to_string(), unit, times).unwrap();
    (device.name.clone(), device)
}

fn reads(key: &'static str) -> impl Fn(&RecordBody) -> bool {
    move |body| match body {
        RecordBody::Series(series) => series
            .iter()
            .any(|one| one.key.as_str() == key && one.values.iter().flatten().any(Option::is_some)),
        RecordBody::Event(_) => false,
    }
}

fn device_names(events: &[Event]) -> Vec<(&str, bool)> {
    let named = events.iter().filter_map(|event| match event {
        Event::Device {
            device, reachable, ..
        } => Some((device.as_str(), *reachable)),
        Event::Dropped { .. } | Event::Damaged { .. } | Event::Other => None,
    });
    named.collect()
}

#[tokio::test]
async fn a_change_restarts_only_the_device_it_is_about() {
    let folder = tempfile::tempdir().unwrap();
    let mut playing = JoinSet::new();
    let (one, two) = (meter(&mut playing).await, meter(&mut playing).await);
    let mut bench = Bench::start(folder.path(), Arc::new([device_at("A", one, 1)].into()));
    assert!(matches!(bench.said().await, Said::Online(true)));
    let (_, events) = bench.until(reads("A")).await;
    assert_eq!(device_names(&events), [("A", true)]);

    let both = [device_at("A", one, 1), device_at("B", two, 1)];
    bench.devices.send_replace(Arc::new(both.into()));
    let (_, events) = bench.until(reads("B")).await;
    assert_eq!(device_names(&events), [("B", true)]);

    // Another unit, which is not there.
    let both = [device_at("A", one, 1), device_at("B", two, 9)];
    bench.devices.send_replace(Arc::new(both.into()));
    let is_gone = |body: &RecordBody| matches!(body, RecordBody::Event(Event::Device { reachable, .. }) if !reachable);
    let (batch, events) = bench.until(is_gone).await;
    assert!(matches!(
        batch.record.body,
        RecordBody::Event(Event::Device { device, .. }) if device == "B"
    ));
    assert_eq!(device_names(&events), [], "A went on");

    bench
        .devices
        .send_replace(Arc::new([device_at("A", one, 1)].into()));
    loop {
        let Said::Hello(hello) = bench.said().await else {
            continue;
        };
        let names: BTreeSet<_> = hello.devices.iter().map(|one| one.name.as_str()).collect();
        if names == BTreeSet::from(["A"]) {
            break;
        }
    }
    bench.until(reads("A")).await;
    bench.finish().await;
}

#[tokio::test]
async fn what_was_not_acknowledged_comes_again_after_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let mut playing = JoinSet::new();
    let address = meter(&mut playing).await;
    let devices: Devices = Arc::new([device_at("A", address, 1)].into());
    let mut bench = Bench::start(folder.path(), Arc::clone(&devices));
    let first = loop {
        if let Said::Batch(batch) = bench.said().await {
            break batch;
        }
    };
    bench.finish().await;

    let mut bench = Bench::start(folder.path(), Arc::default());
    let again = loop {
        if let Said::Batch(batch) = bench.said().await {
            break batch;
        }
    };
    assert_eq!((&again.stream, again.seq), (&first.stream, first.seq));
    assert_eq!(again.record, first.record);
    bench.finish().await;
}

#[tokio::test]
async fn what_is_not_permitted_is_not_touched() {
    let folder = tempfile::tempdir().unwrap();
    let listener = tokio::net::TcpListener::bind("127.0.0.2:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let mut bench = Bench::start(folder.path(), Arc::new([device_at("A", address, 1)].into()));
    let is_silent = |body: &RecordBody| matches!(body, RecordBody::Event(Event::Device { reachable, .. }) if !reachable);
    bench.until(is_silent).await;
    let accepted = tokio::time::timeout(Duration::ZERO, listener.accept()).await;
    assert!(accepted.is_err(), "nobody connects");
    bench.finish().await;
}
