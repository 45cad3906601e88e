//! Tests of the protocol's agent side against a broker of a hundred lines that is also the gateway.

use std::collections::BTreeSet;

use bytes::BytesMut;
use rumqttc::mqttbytes::v4::{ConnAck, PubAck, SubAck};
use rumqttc::{ConnectReturnCode, Packet, Publish, QoS, SubscribeReasonCode};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use wire::{AgentName, Event, SeqRange};

use super::*;
use crate::outbox::Limits;
use crate::publish::window::{BACKLOG_MAX, LIVE_MAX};

/// Nothing here takes longer, retries included.
const PATIENCE: Duration = Duration::from_secs(10);

#[path = "tests/late.rs"]
mod late;

/// A backlog's rate that holds nothing back.
const FAST: Backfill = Backfill {
    records_per_s: 1_000_000,
    bytes_per_s: u32::MAX,
};

/// The broker's side of one connection.
struct Peer {
    stream: TcpStream,
    buffer: BytesMut,
    will: Status,
}

impl Peer {
    /// Accepts a connection, checks the credentials and answers with `code`.
    async fn accept(listener: &TcpListener, code: ConnectReturnCode) -> Self {
        let accepted = tokio::time::timeout(PATIENCE, listener.accept()).await;
        Self::connected(accepted.unwrap().unwrap().0, code).await
    }

    async fn connected(stream: TcpStream, code: ConnectReturnCode) -> Self {
        let mut peer = Self {
            stream,
            buffer: BytesMut::new(),
            will: wire::decode_status(br#"{"boot":"x","connect":0,"online":true}"#).unwrap(),
        };
        let Packet::Connect(connect) = peer.read().await.unwrap() else {
            panic!("CONNECT comes first");
        };
        let login = connect.login.unwrap();
        assert_eq!(
            (login.username.as_str(), login.password.as_str()),
            ("lab-1", "s")
        );
        assert!(connect.clean_session && connect.client_id == "lab-1");
        let will = connect.last_will.unwrap();
        assert!(will.retain && will.topic == "ortoo/v1/lab-1/up/status");
        peer.will = wire::decode_status(&will.message).unwrap();
        peer.write(Packet::ConnAck(ConnAck::new(code, false))).await;
        peer
    }

    /// Accepts a connection up to and with its subscription.
    async fn ready(listener: &TcpListener) -> Self {
        let peer = Self::accept(listener, ConnectReturnCode::Success).await;
        peer.subscribed().await
    }

    async fn subscribed(self) -> Self {
        let mut peer = self;
        let Packet::Subscribe(subscribe) = peer.read().await.unwrap() else {
            panic!("SUBSCRIBE comes next");
        };
        assert_eq!(subscribe.filters[0].path, "ortoo/v1/lab-1/down/+");
        let granted = vec![SubscribeReasonCode::Success(QoS::AtLeastOnce)];
        peer.write(Packet::SubAck(SubAck::new(subscribe.pkid, granted)))
            .await;
        peer
    }

    /// Reads the next packet; `None` when the connection is closed.
    async fn read(&mut self) -> Option<Packet> {
        loop {
            match Packet::read(&mut self.buffer, 1 << 20) {
                Ok(packet) => return Some(packet),
                Err(rumqttc::mqttbytes::Error::InsufficientBytes(_)) => {}
                Err(error) => panic!("{error}"),
            }
            let reading = self.stream.read_buf(&mut self.buffer);
            let count = tokio::time::timeout(PATIENCE, reading)
                .await
                .expect("a packet comes");
            if count.unwrap_or(0) == 0 {
                return None;
            }
        }
    }

    async fn write(&mut self, packet: Packet) {
        let mut bytes = BytesMut::new();
        packet.write(&mut bytes, 1 << 20).unwrap();
        self.stream.write_all(&bytes).await.unwrap();
    }

    /// Reads the next publish and takes it as a broker does.
    async fn publish(&mut self) -> Publish {
        let Some(Packet::Publish(publish)) = self.read().await else {
            panic!("a publish was expected");
        };
        assert_eq!(publish.qos, QoS::AtLeastOnce);
        self.write(Packet::PubAck(PubAck::new(publish.pkid))).await;
        publish
    }

    /// Reads the greeting: status online, then hello.
    async fn greeting(&mut self) -> (Status, Hello) {
        let publish = self.publish().await;
        assert!(publish.retain && publish.topic == "ortoo/v1/lab-1/up/status");
        let status = wire::decode_status(&publish.payload).unwrap();
        let publish = self.publish().await;
        assert!(!publish.retain && publish.topic == "ortoo/v1/lab-1/up/hello");
        (status, wire::decode_hello(&publish.payload).unwrap())
    }

    async fn batch(&mut self) -> Batch {
        let publish = self.publish().await;
        assert!(!publish.retain);
        wire::decode_batch(&publish.payload).unwrap()
    }

    /// Acknowledges without waiting until it is taken: batches may cross with it.
    async fn say(&mut self, stream: &StreamId, upto: u64) {
        let ack = Ack {
            stream: stream.clone(),
            upto,
            ranges: Vec::new(),
        };
        let topic = "ortoo/v1/lab-1/down/ack";
        let publish = Publish::new(topic, QoS::AtMostOnce, wire::encode(&ack));
        self.write(Packet::Publish(publish)).await;
    }

    async fn acknowledge(&mut self, stream: &StreamId, upto: u64, ranges: &[(u64, u64)]) {
        let ranges = ranges
            .iter()
            .map(|(from, to)| SeqRange(*from, *to))
            .collect();
        let ack = Ack {
            stream: stream.clone(),
            upto,
            ranges,
        };
        let mut publish = Publish::new(
            "ortoo/v1/lab-1/down/ack",
            QoS::AtLeastOnce,
            wire::encode(&ack),
        );
        publish.pkid = 1;
        self.write(Packet::Publish(publish)).await;
        while !matches!(self.read().await, Some(Packet::PubAck(_))) {}
    }
}

struct Bench {
    listener: TcpListener,
    records: mpsc::Sender<Vec<Record>>,
    running: tokio::task::JoinSet<()>,
}

/// Starts a publisher whose outbox in memory already holds `backlog` records.
async fn bench(backlog: usize) -> Bench {
    let clock = Clock::system();
    let mut outbox = Outbox::in_memory(Limits::DEFAULT, clock.clone());
    for _ in 0..backlog {
        outbox.offer(record());
    }
    outbox.commit().await.unwrap();
    bench_of(outbox, clock, FAST).await
}

/// Starts a publisher of this outbox.
async fn bench_of(outbox: Outbox, clock: Clock, backfill: Backfill) -> Bench {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let about = About {
        agent: AgentName::parse("lab-1").unwrap(),
        secret: Secret::new("s"),
        gateway: Gateway {
            host: "127.0.0.1".into(),
            port,
        },
        devices: Vec::new(),
        report_every: Duration::from_secs(10),
        backfill,
    };
    let (records, input) = mpsc::channel(8);
    let mut running = tokio::task::JoinSet::new();
    running.spawn(Publisher::new(about, outbox, clock).run(input));
    Bench {
        listener,
        records,
        running,
    }
}

fn record() -> Record {
    let clock = Clock::system();
    Record {
        boot: clock.boot().clone(),
        at: clock.now(),
        body: RecordBody::Event(Event::Other),
    }
}

#[tokio::test]
async fn from_hello_to_goodbye() {
    let mut bench = bench(0).await;
    let mut peer = Peer::ready(&bench.listener).await;
    let (status, hello) = peer.greeting().await;
    assert!(status.online && status.connect == 1);
    assert!(!peer.will.online && peer.will.connect == 1 && peer.will.boot == status.boot);
    assert_eq!(
        (hello.oldest, hello.next, hello.report_every_ms),
        (1, 1, 10_000)
    );
    bench.records.send(vec![record(), record()]).await.unwrap();
    let (first, second) = (peer.batch().await, peer.batch().await);
    assert_eq!((first.seq, second.seq, second.oldest), (1, 2, 1));
    assert_eq!(first.stream, hello.stream);
    peer.acknowledge(&hello.stream, 1, &[]).await;
    bench.records.send(vec![record()]).await.unwrap();
    let third = peer.batch().await;
    assert_eq!(
        (third.seq, third.oldest),
        (3, 2),
        "an acknowledged record is not held"
    );
    peer.acknowledge(&hello.stream, 3, &[]).await;
    drop(bench.records);
    let goodbye = peer.publish().await;
    let status = wire::decode_status(&goodbye.payload).unwrap();
    assert!(goodbye.retain && !status.online && status.connect == 1);
    assert_eq!(peer.read().await, Some(Packet::Disconnect));
    drop(peer);
    bench.running.join_next().await.unwrap().unwrap();
}

#[tokio::test]
async fn what_was_not_acknowledged_is_sent_again_after_a_reconnect() {
    let bench = bench(3).await;
    let mut peer = Peer::ready(&bench.listener).await;
    let (_, hello) = peer.greeting().await;
    assert_eq!((hello.oldest, hello.next), (1, 4));
    for expected in 1..=3 {
        assert_eq!(peer.batch().await.seq, expected);
    }
    // The broker had taken all three; the gateway has committed the middle one only.
    peer.acknowledge(&hello.stream, 0, &[(2, 2)]).await;
    drop(peer);
    bench.records.send(vec![record()]).await.unwrap();
    let mut peer = Peer::ready(&bench.listener).await;
    let (status, hello) = peer.greeting().await;
    assert_eq!((status.connect, peer.will.connect), (2, 2));
    assert_eq!((hello.oldest, hello.next), (1, 5));
    let mut sent = BTreeSet::new();
    for _ in 0..3 {
        sent.insert(peer.batch().await.seq);
    }
    assert_eq!(sent, BTreeSet::from([1, 3, 4]));
}

#[tokio::test]
async fn an_ack_of_another_stream_deletes_nothing() {
    let bench = bench(1).await;
    let mut peer = Peer::ready(&bench.listener).await;
    peer.greeting().await;
    peer.batch().await;
    let other = StreamId::parse(&"0".repeat(32)).unwrap();
    peer.acknowledge(&other, 99, &[]).await;
    bench.records.send(vec![record()]).await.unwrap();
    let batch = peer.batch().await;
    assert_eq!((batch.seq, batch.oldest), (2, 1));
}

#[tokio::test]
async fn a_refused_connection_is_tried_again() {
    let bench = bench(1).await;
    for code in [
        ConnectReturnCode::NotAuthorized,
        ConnectReturnCode::ServiceUnavailable,
    ] {
        drop(Peer::accept(&bench.listener, code).await);
    }
    // A refused subscription is as bad: acks would never come.
    let mut peer = Peer::accept(&bench.listener, ConnectReturnCode::Success).await;
    let Some(Packet::Subscribe(subscribe)) = peer.read().await else {
        panic!("SUBSCRIBE comes next");
    };
    let refused = vec![SubscribeReasonCode::Failure];
    peer.write(Packet::SubAck(SubAck::new(subscribe.pkid, refused)))
        .await;
    assert_eq!(peer.read().await, None, "the agent hangs up");
    let mut peer = Peer::ready(&bench.listener).await;
    assert_eq!(peer.greeting().await.0.connect, 4);
}

#[tokio::test]
async fn a_gateway_that_never_acknowledges_gets_a_bounded_number() {
    let bench = bench(500).await;
    let mut peer = Peer::ready(&bench.listener).await;
    peer.greeting().await;
    for _ in 0..BACKLOG_MAX {
        peer.batch().await;
    }
    for _ in 0..LIVE_MAX + 20 {
        bench.records.send(vec![record()]).await.unwrap();
    }
    for _ in 0..LIVE_MAX {
        assert!(
            peer.batch().await.seq > 500,
            "live records pass the backlog"
        );
    }
    let more = tokio::time::timeout(Duration::from_millis(300), peer.read()).await;
    assert!(more.is_err(), "{more:?}");
}

#[tokio::test]
async fn a_backlog_is_drained_oldest_first_and_each_record_is_sent_once() {
    let bench = bench(500).await;
    let mut peer = Peer::ready(&bench.listener).await;
    let (_, hello) = peer.greeting().await;
    let mut last = 0;
    while last < 500 {
        let batch = peer.batch().await;
        assert_eq!(batch.seq, last + 1);
        last = batch.seq;
        if last.is_multiple_of(10) {
            peer.say(&hello.stream, last).await;
        }
    }
    let more = tokio::time::timeout(Duration::from_millis(300), peer.read()).await;
    assert!(more.is_err(), "{more:?}");
}
