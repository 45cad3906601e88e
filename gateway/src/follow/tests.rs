//! The follower against a double of the store that takes, refuses, fails or hangs as it is told.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::extract::{RawQuery, State};
use axum::http::{HeaderMap, StatusCode};
use axum::routing::post;
use scheduler::id::{InstrumentId, NodeId};
use scheduler::time::{DAY_US, MINUTE_US, Micros, SECOND_US, Span};
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;
use wire::ChannelName;

use super::begin;
use super::run::Pace;
use crate::clock::{Clock, Hand};
use crate::config::{Elsewhere, Kind, Secret};
use crate::history::{Cell, ClockMark, Group, History, HistoryError, Rows, Writer};

/// What a request is answered with, once.
enum Scripted {
    Status(u16),
    /// No answer until it is told to go on.
    Hang,
}

#[derive(Default)]
struct Double {
    scripted: Mutex<VecDeque<Scripted>>,
    lines: Mutex<Vec<String>>,
    asked: Notify,
    kept: Notify,
    go_on: Notify,
    reads: AtomicUsize,
}

/// Takes lines as InfluxDB does: token, organisation, bucket and precision must be right, and a
/// request with a line that is not is refused whole.
async fn write(
    State(double): State<Arc<Double>>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
    body: String,
) -> (StatusCode, &'static str) {
    let token = headers
        .get("Authorization")
        .map(|token| token.to_str().unwrap());
    if token != Some("Token hush") {
        return (StatusCode::UNAUTHORIZED, "");
    }
    if query.as_deref() != Some("bucket=b&org=o&precision=ms") {
        return (StatusCode::NOT_FOUND, "");
    }
    let scripted = double.scripted.lock().unwrap().pop_front();
    double.asked.notify_one();
    match scripted {
        Some(Scripted::Status(status)) => return (StatusCode::from_u16(status).unwrap(), ""),
        Some(Scripted::Hang) => double.go_on.notified().await,
        None => {}
    }
    if body.contains("=13.0 ") {
        return (StatusCode::BAD_REQUEST, r#"{"code":"invalid"}"#);
    }
    let lines = body.lines().map(str::to_owned);
    double.lines.lock().unwrap().extend(lines);
    double.kept.notify_one();
    (StatusCode::NO_CONTENT, "")
}

/// Answers no question.
async fn query(State(double): State<Arc<Double>>) -> StatusCode {
    double.reads.fetch_add(1, Ordering::SeqCst);
    StatusCode::SERVICE_UNAVAILABLE
}

/// A store, a clock, and a follower's task.
struct Plant {
    folder: tempfile::TempDir,
    double: Arc<Double>,
    elsewhere: Elsewhere,
    clock: Clock,
    hand: Hand,
    history: History,
    writer: Option<Writer>,
    committed: i64,
    stop: CancellationToken,
}

impl Plant {
    async fn new() -> Self {
        let double = Arc::new(Double::default());
        let routes = Router::new()
            .route("/api/v2/write", post(write))
            .route("/api/v2/query", post(query))
            .with_state(Arc::clone(&double));
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        drop(spawn(async move {
            axum::serve(listener, routes).await.unwrap();
        }));
        let folder = tempfile::tempdir().unwrap();
        let (clock, hand) = Clock::manual(Micros::new(1_800_000_000 * SECOND_US));
        let history = History::open(folder.path(), clock.clone()).await.unwrap();
        let mut plant = Self {
            folder,
            double,
            elsewhere: Elsewhere {
                kind: Kind::Influx {
                    org: "o".to_owned(),
                    bucket: "b".to_owned(),
                },
                url,
                token: Some(Secret::new("hush".to_owned())),
                queue_bytes_max: 1 << 20,
            },
            clock,
            hand,
            history,
            writer: None,
            committed: 0,
            stop: CancellationToken::new(),
        };
        plant.follow().await;
        plant
    }

    /// Starts the follower on the history as it is, and takes its writing end.
    async fn follow(&mut self) {
        let directory = Arc::default();
        let mut follower = begin(&self.elsewhere, &self.history, directory, &self.clock)
            .await
            .unwrap();
        follower.pace = Pace {
            gather: Duration::from_millis(5),
            retry_first: Duration::from_millis(5),
            retry_most: Duration::from_millis(20),
        };
        self.stop = CancellationToken::new();
        drop(spawn(follower.run(self.stop.clone())));
        self.writer = self.history.take_writer().map(|(writer, _)| writer);
    }

    /// Ends the process, as far as memory goes, and opens the file again.
    async fn restart(&mut self) {
        self.stop.cancel();
        self.writer = None;
        self.history = History::open(self.folder.path(), self.clock.clone())
            .await
            .unwrap();
        self.follow().await;
    }

    /// Commits one reading, the number of the commit, a second after the last.
    async fn commit(&mut self) {
        self.committed += 1;
        self.hand.advance(SECOND_US);
        let writer = self.writer.as_mut().unwrap();
        let channel = writer
            .channel(&ChannelName::parse("power_w").unwrap(), NodeId::new(1))
            .unwrap();
        let mut rows = Rows::of_channels(&[channel]);
        let value = f64::from(i32::try_from(self.committed).unwrap());
        let now = self.clock.now();
        rows.push(now.get() / 1_000, [Cell::Good(value)], ClockMark::default());
        let group = Group {
            rows: vec![(InstrumentId::new(7), rows)],
            ..Group::default()
        };
        let mut prepared = writer.prepare(group, now);
        writer.execute(&mut prepared).await.unwrap();
        writer.apply(prepared);
    }

    /// Returns the values that arrived, ascending, once they are `count`.
    async fn arrived(&self, count: usize) -> Vec<f64> {
        let enough = async {
            loop {
                let arrived = self.values();
                if arrived.len() >= count {
                    return arrived;
                }
                self.double.kept.notified().await;
            }
        };
        let in_time = tokio::time::timeout(Duration::from_secs(20), enough).await;
        in_time.unwrap_or_else(|_| panic!("{count} lines, came: {:?}", self.values()))
    }

    fn values(&self) -> Vec<f64> {
        let lines = self.double.lines.lock().unwrap();
        let value = |line: &String| {
            let line = line.strip_prefix("ortoo_reading,id=7 power_w=").unwrap();
            line.split(' ').next().unwrap().parse().unwrap()
        };
        let mut values: Vec<f64> = lines.iter().map(value).collect();
        values.sort_by(f64::total_cmp);
        values
    }

    fn script(&self, scripted: impl IntoIterator<Item = Scripted>) {
        self.double.scripted.lock().unwrap().extend(scripted);
    }

    /// Waits until nothing waits for delivery.
    async fn idle(&self) {
        let idle = async {
            while self.history.backlog().unwrap().rows > 0 {
                tokio::time::sleep(Duration::from_millis(2)).await;
            }
        };
        let in_time = tokio::time::timeout(Duration::from_secs(20), idle).await;
        in_time.expect("everything is delivered in the end");
    }
}

#[expect(clippy::disallowed_methods, reason = "it ends with the test")]
fn spawn<F>(future: F) -> tokio::task::JoinHandle<F::Output>
where
    F: Future<Output: Send> + Send + 'static,
{
    tokio::spawn(future)
}

fn numbers(numbers: impl IntoIterator<Item = i32>) -> Vec<f64> {
    numbers.into_iter().map(f64::from).collect()
}

#[tokio::test]
async fn every_commit_arrives_once_whatever_the_store_answers_first() {
    let mut plant = Plant::new().await;
    plant.script([503, 429, 500, 401].map(Scripted::Status));
    for _ in 0..4 {
        plant.commit().await;
    }
    assert_eq!(plant.arrived(4).await, numbers(1..=4));
    plant.idle().await;
    let counts = plant.history.elsewhere().unwrap().counts();
    assert_eq!((counts.failures, counts.written_lines), (4, 4));
    assert!(plant.history.elsewhere().unwrap().ready().is_ok());
}

#[tokio::test]
async fn a_restart_continues_where_delivery_stood() {
    let mut plant = Plant::new().await;
    plant.commit().await;
    plant.arrived(1).await;
    plant.idle().await;
    // From here on the store is down: these are committed, and acknowledged, and not delivered.
    plant.script((0..10_000).map(|_| Scripted::Status(503)));
    for _ in 0..12 {
        plant.commit().await;
    }
    plant.restart().await;
    let backlog = plant.history.backlog().unwrap();
    assert_eq!((backlog.rows, backlog.lost_rows), (12, 0));
    plant.double.scripted.lock().unwrap().clear();
    plant.commit().await;
    // The 13th is poison for the double and is set aside.
    let expected = numbers((1..=12).chain([14]));
    assert_eq!(plant.arrived(13).await, expected);
}

#[tokio::test]
async fn lines_that_are_refused_are_set_aside_and_hold_up_nothing() {
    let mut plant = Plant::new().await;
    plant.script([Scripted::Hang]);
    for _ in 0..40 {
        plant.commit().await;
    }
    plant.double.go_on.notify_one();
    let expected = numbers((1..=12).chain(14..=40));
    assert_eq!(plant.arrived(39).await, expected);
    plant.idle().await;
    let counts = plant.history.elsewhere().unwrap().counts();
    assert_eq!(counts.set_aside_lines, 1);
    let kept = plant.history.lines_set_aside().await.unwrap();
    assert_eq!(kept.len(), 1);
    assert!(kept[0].contains("power_w=13.0 "), "{kept:?}");
}

#[tokio::test]
async fn a_store_that_hangs_holds_up_no_commit() {
    let mut plant = Plant::new().await;
    plant.script([Scripted::Hang]);
    plant.commit().await;
    plant.double.asked.notified().await;
    // The store has the first and says nothing. Commits and reads go on.
    for _ in 0..11 {
        plant.commit().await;
    }
    assert_eq!(plant.history.backlog().unwrap().rows, 12);
    let channel = ChannelName::parse("power_w").unwrap();
    let now = plant.clock.now();
    let from = Micros::new(now.get() - MINUTE_US);
    let to = Micros::new(now.get() + 1_000);
    let series = plant
        .history
        .raw_anywhere(InstrumentId::new(7), &channel, from, to)
        .await
        .unwrap();
    assert_eq!(series.times_ms.len(), 12);
    plant.double.go_on.notify_one();
    assert_eq!(plant.arrived(12).await, numbers(1..=12));
}

#[tokio::test]
async fn what_the_store_never_got_is_answered_from_here() {
    let mut plant = Plant::new().await;
    plant.script((0..10_000).map(|_| Scripted::Status(503)));
    plant.elsewhere.queue_bytes_max = 1;
    plant.restart().await;
    for _ in 0..5 {
        plant.commit().await;
        plant.hand.advance(11 * MINUTE_US);
    }
    plant.double.scripted.lock().unwrap().clear();
    plant.commit().await;
    plant.idle().await;
    assert!(plant.history.backlog().unwrap().lost_rows > 0);
    plant.hand.advance(5 * MINUTE_US);
    let channel = ChannelName::parse("power_w").unwrap();
    let now = plant.clock.now();
    let from = Micros::new(now.get() - 50 * MINUTE_US);
    let of = InstrumentId::new(7);
    let series = plant.history.raw_anywhere(of, &channel, from, now).await;
    assert_eq!(series.unwrap().times_ms.len(), 5);
    let step = Span::minutes(1);
    let series = plant
        .history
        .stepped_anywhere(of, &channel, from, now, step);
    assert_eq!(series.await.unwrap().times_ms.len(), 5);
    assert_eq!(plant.double.reads.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn another_store_begins_anew() {
    let mut plant = Plant::new().await;
    plant.script((0..10_000).map(|_| Scripted::Status(503)));
    for _ in 0..3 {
        plant.commit().await;
    }
    plant.elsewhere.url = plant.elsewhere.url.replace("127.0.0.1", "localhost");
    plant.restart().await;
    let backlog = plant.history.backlog().unwrap();
    assert_eq!((backlog.rows, backlog.lost_rows), (0, 0));
    assert_eq!(backlog.began, plant.clock.now());
}

#[tokio::test]
async fn a_store_that_cannot_be_read_is_answered_for_and_left_alone() {
    let mut plant = Plant::new().await;
    plant.hand.advance(5 * MINUTE_US);
    plant.commit().await;
    plant.idle().await;
    plant.hand.advance(5 * MINUTE_US);
    let now = plant.clock.now();
    let window = (Micros::new(now.get() - 8 * MINUTE_US), now);
    let ask = async |plant: &Plant| {
        let channel = ChannelName::parse("power_w").unwrap();
        let of = InstrumentId::new(7);
        plant
            .history
            .raw_anywhere(of, &channel, window.0, window.1)
            .await
    };
    for _ in 0..3 {
        assert_eq!(ask(&plant).await.unwrap().values, [Some(1.0)]);
    }
    assert_eq!(plant.double.reads.load(Ordering::SeqCst), 1);
    plant.hand.advance(31 * SECOND_US);
    assert_eq!(ask(&plant).await.unwrap().values, [Some(1.0)]);
    assert_eq!(plant.double.reads.load(Ordering::SeqCst), 2);
    assert_eq!(plant.history.elsewhere().unwrap().counts().read_failures, 2);
    // What the embedded store has no more is an error that says why.
    plant.hand.advance(40 * DAY_US);
    let error = ask(&plant).await.unwrap_err();
    assert!(matches!(error, HistoryError::Elsewhere { .. }), "{error}");
}
