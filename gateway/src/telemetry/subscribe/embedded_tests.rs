//! The embedded broker as agents meet it, with a client that is not ours.

use std::time::Duration;

use rumqttc::{AsyncClient, Event, LastWill, MqttOptions, Packet, QoS};
use scheduler::id::InstrumentId;
use scheduler::time::Span;
use tokio::sync::mpsc;
use wire::{AgentName, BootId, ChannelName, Status};

use crate::clock::Clock;
use crate::config::Mqtt;
use crate::history::History;
use crate::lifecycle::Lifecycle;
use crate::registry::SharedDirectory;
use crate::telemetry::bench::{directory, readings, shared};
use crate::telemetry::{Telemetry, TelemetryHandle};

pub(super) struct Plant {
    pub(super) handle: TelemetryHandle,
    pub(super) directory: SharedDirectory,
    clock: Clock,
    _folder: tempfile::TempDir,
    _lifecycle: Lifecycle,
}

pub(super) async fn plant() -> Plant {
    let folder = tempfile::tempdir().unwrap();
    let clock = Clock::system();
    let lifecycle = Lifecycle::new();
    let history = History::open(folder.path(), clock.clone()).await.unwrap();
    let directory = shared(directory(&[("K-1", 1, "lab-1"), ("K-2", 2, "lab-2")]));
    let mqtt = Mqtt::Embedded {
        listen: ([127, 0, 0, 1], 0).into(),
    };
    let handle = Telemetry::start(&mqtt, clock.clone(), &lifecycle, directory.clone(), history)
        .await
        .unwrap();
    Plant {
        handle,
        directory,
        clock,
        _folder: folder,
        _lifecycle: lifecycle,
    }
}

/// A client and what it hears, in words; `closed` when its connection ends.
pub(super) struct Client {
    pub(super) client: AsyncClient,
    pub(super) heard: mpsc::Receiver<String>,
}

impl Client {
    pub(super) async fn hears(&mut self) -> String {
        tokio::time::timeout(Duration::from_secs(10), self.heard.recv())
            .await
            .expect("something happens in time")
            .unwrap_or_else(|| "closed".to_owned())
    }
}

pub(super) fn options(plant: &Plant, id: &str, user: &str, secret: &str) -> MqttOptions {
    let port = plant.handle.broker_address().unwrap().port();
    assert_ne!(port, 0);
    let mut options = MqttOptions::new(id, "127.0.0.1", port);
    options.set_credentials(user, secret);
    options
}

pub(super) fn connect(options: MqttOptions) -> Client {
    let (client, mut events) = AsyncClient::new(options, 16);
    let (tell, heard) = mpsc::channel(64);
    #[expect(
        clippy::disallowed_methods,
        reason = "a test has no lifecycle of its own"
    )]
    tokio::spawn(async move {
        while let Ok(event) = events.poll().await {
            let word = match event {
                Event::Incoming(Packet::ConnAck(_)) => "connected".to_owned(),
                Event::Incoming(Packet::PubAck(_)) => "puback".to_owned(),
                Event::Incoming(Packet::SubAck(ack)) => format!("{:?}", ack.return_codes),
                Event::Incoming(Packet::Publish(publish)) => {
                    format!(
                        "{} {}",
                        publish.topic,
                        String::from_utf8_lossy(&publish.payload)
                    )
                }
                Event::Incoming(_) | Event::Outgoing(_) => continue,
            };
            if tell.send(word).await.is_err() {
                return;
            }
        }
    });
    Client { client, heard }
}

/// A connected agent with its own secret.
async fn agent(plant: &Plant, name: &str) -> Client {
    let mut client = connect(options(plant, name, name, name));
    assert_eq!(client.hears().await, "connected");
    client
}

#[tokio::test]
async fn only_registered_agents_connect_and_only_as_themselves() {
    let plant = plant().await;
    for (id, user, secret) in [
        ("lab-1", "lab-1", "wrong"),
        ("lab-1", "lab-2", "lab-2"),
        ("lab-9", "lab-9", "lab-9"),
        ("other", "lab-1", "lab-1"),
        ("+", "+", "+"),
    ] {
        let mut client = connect(options(&plant, id, user, secret));
        assert_eq!(client.hears().await, "closed", "{id} as {user}");
    }
    let port = plant.handle.broker_address().unwrap().port();
    let mut nameless = connect(MqttOptions::new("lab-1", "127.0.0.1", port));
    assert_eq!(nameless.hears().await, "closed");
    agent(&plant, "lab-1").await;
}

#[tokio::test]
async fn a_last_will_may_not_speak_for_another() {
    let plant = plant().await;
    for (topic, expected) in [
        ("ortoo/v1/lab-2/up/status", "closed"),
        ("ortoo/v1/lab-1/down/ack", "closed"),
        ("ortoo/v1/lab-1/up/status", "connected"),
    ] {
        let mut options = options(&plant, "lab-1", "lab-1", "lab-1");
        options.set_last_will(LastWill::new(topic, "x", QoS::AtLeastOnce, true));
        assert_eq!(connect(options).hears().await, expected, "{topic}");
    }
}

#[tokio::test]
async fn an_agent_publishes_and_subscribes_only_below_its_own() {
    let plant = plant().await;
    let mut owner = agent(&plant, "lab-2").await;
    owner
        .client
        .subscribe("ortoo/v1/lab-2/down/+", QoS::AtLeastOnce)
        .await
        .unwrap();
    assert_eq!(owner.hears().await, "[Success(AtLeastOnce)]");
    for topic in [
        "ortoo/v1/lab-2/up/readings",
        "ortoo/v1/lab-2/down/ack",
        "ortoo/v1/lab-1/down/ack",
        "ortoo/v1/lab-1/up/",
        "else",
        "$SYS/x",
    ] {
        for retain in [false, true] {
            let mut other = agent(&plant, "lab-1").await;
            let publish = other.client.publish(topic, QoS::AtLeastOnce, retain, "{}");
            publish.await.unwrap();
            assert_eq!(other.hears().await, "closed", "{topic}");
        }
    }
    for filter in [
        "ortoo/v1/lab-2/down/ack",
        "ortoo/v1/+/down/ack",
        "ortoo/v1/#",
        "#",
        "+/+/lab-1/down/ack",
        "ortoo/v1/lab-1/up/status",
    ] {
        let mut other = agent(&plant, "lab-1").await;
        other
            .client
            .subscribe(filter, QoS::AtLeastOnce)
            .await
            .unwrap();
        assert_eq!(other.hears().await, "[Failure]", "{filter}");
    }
    assert!(owner.heard.try_recv().is_err(), "nothing reached the owner");
    assert_eq!(plant.handle.counts().messages, 0);
}

#[tokio::test]
async fn a_batch_is_acknowledged_after_its_commit_and_the_will_tells_the_end() {
    let plant = plant().await;
    let status = |online| Status {
        boot: BootId::parse("boot-1").unwrap(),
        connect: 1,
        online,
    };
    let topic = "ortoo/v1/lab-1/up/status";
    let mut options = options(&plant, "lab-1", "lab-1", "lab-1");
    let will = wire::encode(&status(false));
    options.set_last_will(LastWill::new(topic, will, QoS::AtLeastOnce, true));
    let mut client = connect(options);
    assert_eq!(client.hears().await, "connected");
    let down = "ortoo/v1/lab-1/down/+";
    client
        .client
        .subscribe(down, QoS::AtLeastOnce)
        .await
        .unwrap();
    assert_eq!(client.hears().await, "[Success(AtLeastOnce)]");
    let online = wire::encode(&status(true));
    let publish = client.client.publish(topic, QoS::AtLeastOnce, true, online);
    publish.await.unwrap();
    let now_ms = plant.clock.now().get() / 1_000;
    let batch = wire::encode(&readings(1, &[("K-1", now_ms, 5.0)], now_ms));
    let up = "ortoo/v1/lab-1/up/readings";
    client
        .client
        .publish(up, QoS::AtLeastOnce, false, batch)
        .await
        .unwrap();
    let ack = loop {
        let word = client.hears().await;
        if word != "puback" {
            break word;
        }
    };
    assert!(ack.starts_with("ortoo/v1/lab-1/down/ack {"), "{ack}");
    assert!(ack.contains("\"upto\":1"), "{ack}");
    let from = plant.clock.now().saturating_sub(Span::minutes(5));
    let to = plant.clock.now() + Span::minutes(5);
    let channel = ChannelName::parse("power_w").unwrap();
    let history = plant.handle.history();
    let raw = history
        .raw(InstrumentId::new(1), &channel, from, to)
        .await
        .unwrap();
    assert_eq!(raw.values, [Some(5.0)]);
    let name = AgentName::parse("lab-1").unwrap();
    assert!(plant.handle.agent(&name).unwrap().online);
    // The agent is revoked: its session is closed, and its last will says that it is gone.
    let mut revoked = (**plant.directory.load()).clone();
    revoked.agents.remove(&name);
    revoked.generation += 1;
    plant.directory.store(revoked.into());
    assert_eq!(client.hears().await, "closed");
}

#[tokio::test]
async fn the_will_of_an_agent_that_breaks_off_says_that_it_is_gone() {
    let plant = plant().await;
    let name = AgentName::parse("lab-1").unwrap();
    let status = |online| {
        wire::encode(&Status {
            boot: BootId::parse("boot-1").unwrap(),
            connect: 1,
            online,
        })
    };
    let topic = "ortoo/v1/lab-1/up/status";
    let mut options = options(&plant, "lab-1", "lab-1", "lab-1");
    options.set_last_will(LastWill::new(topic, status(false), QoS::AtLeastOnce, true));
    let mut client = connect(options);
    assert_eq!(client.hears().await, "connected");
    let publish = client
        .client
        .publish(topic, QoS::AtLeastOnce, true, status(true));
    publish.await.unwrap();
    wait_for(|| plant.handle.agents_online() == 1).await;
    plant.handle.disconnect(&name).await;
    assert_eq!(client.hears().await, "puback");
    assert_eq!(client.hears().await, "closed");
    wait_for(|| plant.handle.agents_online() == 0).await;
}

pub(super) async fn wait_for(mut holds: impl FnMut() -> bool) {
    for _ in 0..1_000 {
        if holds() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("it did not happen in time");
}
