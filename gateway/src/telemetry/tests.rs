//! The path from delivery to ack and back out of the store, without a broker.

use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use scheduler::id::{InstrumentId, NodeId};
use scheduler::time::{MINUTE_US, Micros, SECOND_US, Span};
use wire::{AgentName, ChannelName, InstrumentKey, SeqRange};

use super::bench::{self, Bench, readings, topic};
use crate::clock::Clock;
use crate::status::MachineState;

#[path = "tests/cut_off.rs"]
mod cut_off;

/// Monday, 4 May 2026, 02:00 UTC.
const T0: Micros = Micros::new(1_777_860_000 * SECOND_US);
const T0_MS: i64 = T0.get() / 1_000;

fn power() -> ChannelName {
    ChannelName::parse("power_w").unwrap()
}

fn instrument(number: u32) -> InstrumentId {
    InstrumentId::new(number)
}

async fn values(bench: &Bench, number: u32) -> Vec<(i64, Option<f64>)> {
    let far = Span::days(20);
    let history = bench.handle.history();
    let from = Micros::new(T0.get() - far.get());
    let raw = history
        .raw(instrument(number), &power(), from, T0 + far)
        .await
        .unwrap();
    let times = raw.times_ms.iter().map(|time| time - T0_MS);
    times.zip(raw.values).collect()
}

#[tokio::test]
async fn a_reading_is_committed_acknowledged_and_read_and_moves_the_state() {
    let folder = tempfile::tempdir().unwrap();
    let (clock, _hand) = Clock::manual(T0);
    let bench = Bench::start(folder.path(), clock).await;
    let mut live = bench.handle.live();
    let batch = readings(
        1,
        &[("K-1", T0_MS - 500, 250.0), ("K-3", T0_MS, 9.0)],
        T0_MS,
    );
    bench.batch("lab-1", &batch).await;
    let ack = bench.last_ack("lab-1").unwrap();
    assert_eq!((ack.upto, ack.ranges.len()), (1, 0));
    assert_eq!(values(&bench, 1).await, [(-500, Some(250.0))]);
    assert!(values(&bench, 3).await.is_empty(), "not its instrument");
    let machine = bench.handle.machine(instrument(1));
    assert_eq!(machine.state, MachineState::Running);
    assert_eq!(machine.since, Some(Micros::new(T0.get() - 500_000)));
    let latest = bench.handle.latest(instrument(1));
    assert_eq!(latest[0].value, Some(250.0));
    let change = live.recv().await.unwrap();
    assert_eq!(change.states[0].state, MachineState::Running);
    assert_eq!(change.readings[0].values, [(power(), Ok(250.0))]);
    let counts = bench.handle.counts();
    assert_eq!((counts.batches, counts.points), (1, 1));
    assert_eq!(counts.rejected["not_its_instrument"], 1);
}

#[test]
fn an_agent_of_another_lab_does_not_inherit_instruments_by_its_name() {
    let mut directory = bench::directory(&[("K-1", 1, "lab-1")]);
    let (agent, key) = (
        AgentName::parse("lab-1").unwrap(),
        InstrumentKey::parse("K-1").unwrap(),
    );
    assert!(directory.speaks_for(&agent, &key).is_some());
    directory.agents.get_mut(&agent).unwrap().lab = NodeId::new(2);
    assert!(directory.speaks_for(&agent, &key).is_none());
    directory.agents.remove(&agent);
    assert!(directory.speaks_for(&agent, &key).is_none());
}

#[tokio::test]
async fn a_broken_message_is_counted_and_acknowledged_and_stops_nobody() {
    let folder = tempfile::tempdir().unwrap();
    let (clock, _hand) = Clock::manual(T0);
    let bench = Bench::start(folder.path(), clock).await;
    let mut broken = wire::encode(&readings(1, &[("K-1", T0_MS, 1.0)], T0_MS));
    broken.truncate(broken.len() - 3);
    let stranger = wire::encode(&readings(7, &[("K-1", T0_MS, 1.0)], T0_MS));
    bench
        .deliver_all(vec![
            (topic("lab-1"), broken),
            (topic("lab-9"), stranger),
            ("what/else".to_owned(), vec![0xff; 1 << 20]),
            (topic("lab-1"), vec![b'x'; 1 << 20]),
            (
                topic("lab-1"),
                wire::encode(&readings(2, &[("K-1", T0_MS, 4.0)], T0_MS)),
            ),
        ])
        .await;
    assert_eq!(bench.last_ack("lab-1").unwrap().upto, 2);
    let stranger = bench.last_ack("lab-9").unwrap();
    assert!(stranger.covers(7));
    assert_eq!(values(&bench, 1).await, [(0, Some(4.0))]);
    let rejected = bench.handle.counts().rejected;
    let expected = [
        ("malformed", 1),
        ("too_large", 1),
        ("unknown_agent", 1),
        ("unknown_topic", 1),
    ];
    assert_eq!(rejected.into_iter().collect::<Vec<_>>(), expected);
}

#[tokio::test]
async fn what_an_outbox_lost_is_a_gap_and_the_mark_moves() {
    let folder = tempfile::tempdir().unwrap();
    let (clock, _hand) = Clock::manual(T0);
    let bench = Bench::start(folder.path(), clock).await;
    let send = async |seq, oldest| {
        let seconds = i64::try_from(seq).unwrap();
        let mut batch = readings(seq, &[("K-1", T0_MS - 60_000 + seconds, 1.0)], T0_MS);
        batch.oldest = oldest;
        bench.batch("lab-1", &batch).await;
        bench.last_ack("lab-1").unwrap()
    };
    assert_eq!(send(1, 1).await.upto, 1);
    let ack = send(5, 1).await;
    assert_eq!((ack.upto, ack.ranges), (1, vec![SeqRange(5, 5)]));
    assert_eq!(send(9, 5).await.upto, 5);
    assert_eq!(send(9, 9).await.upto, 9, "a duplicate moves the mark too");
    let counts = bench.handle.counts();
    assert_eq!((counts.gaps, counts.duplicates), (6, 1));
    let losses = bench.handle.history().losses().await.unwrap();
    let lost = losses["lab-1"];
    assert_eq!((losses.len(), lost.records, lost.noticed), (1, 6, T0));
}

#[tokio::test]
async fn what_an_outbox_reports_as_dropped_is_counted_once_by_reason() {
    let folder = tempfile::tempdir().unwrap();
    let (clock, _hand) = Clock::manual(T0);
    let bench = Bench::start(folder.path(), clock).await;
    let report = |seq, event| {
        let mut batch = readings(seq, &[], T0_MS);
        batch.oldest = seq;
        batch.record.body = wire::RecordBody::Event(event);
        batch
    };
    let dropped = |from, to, count, reason| wire::Event::Dropped {
        from,
        to,
        count,
        reason,
    };
    let full = Some(wire::DropReason::Full);
    for batch in [
        report(11, dropped(1, 10, Some(7), full)),
        report(11, dropped(1, 10, Some(7), full)),
        report(14, dropped(12, 13, None, None)),
        report(15, dropped(14, 14, Some(u64::MAX), full)),
        report(
            16,
            wire::Event::Damaged {
                kept: 3,
                renewed: false,
            },
        ),
    ] {
        bench.batch("lab-1", &batch).await;
    }
    let counts = bench.handle.counts();
    assert_eq!(
        counts.dropped.into_iter().collect::<Vec<_>>(),
        [("full", 8), ("other", 2)]
    );
    assert_eq!((counts.gaps, counts.damaged_outboxes), (12, 1));
}

#[tokio::test]
async fn a_crash_loses_nothing_acknowledged() {
    let folder = tempfile::tempdir().unwrap();
    let (clock, _hand) = Clock::manual(T0);
    let mut expected = Vec::new();
    let mut seq = 0;
    for round in 0..4 {
        let bench = Bench::start(folder.path(), clock.clone()).await;
        assert_eq!(values(&bench, 1).await, expected, "round {round}");
        let mut messages = Vec::new();
        // Enough for several blocks and a rest in the tail.
        for _ in 0..500 {
            seq += 1;
            let seconds = i64::try_from(seq).unwrap();
            let value = f64::from(u32::try_from(seq).unwrap());
            let time_ms = T0_MS - 3_000_000 + seconds * 1_000;
            let batch = readings(seq, &[("K-1", time_ms, value)], T0_MS);
            messages.push((topic("lab-1"), wire::encode(&batch)));
            expected.push((time_ms - T0_MS, Some(value)));
        }
        bench.deliver_all(messages).await;
        assert_eq!(bench.last_ack("lab-1").unwrap().upto, seq);
        bench.crash().await;
    }
    let bench = Bench::start(folder.path(), clock.clone()).await;
    assert_eq!(values(&bench, 1).await, expected);
    assert_eq!(bench.handle.latest(instrument(1))[0].value, Some(2_000.0));
    assert_eq!(
        bench.handle.machine(instrument(1)).state,
        MachineState::Running
    );
    // What comes again is known.
    let again = readings(seq, &[("K-1", T0_MS, 0.0)], T0_MS);
    bench.batch("lab-1", &again).await;
    assert_eq!(bench.handle.counts().duplicates, 1);
    assert_eq!(bench.last_ack("lab-1").unwrap().upto, seq);
}

#[tokio::test]
async fn a_silent_channel_does_not_pin_the_journal() {
    let folder = tempfile::tempdir().unwrap();
    let (clock, hand) = Clock::manual(T0);
    let bench = Bench::start(folder.path(), clock.clone()).await;
    for seq in 1..=30 {
        hand.advance(MINUTE_US);
        let now_ms = clock.now().get() / 1_000;
        let key = if seq == 1 { "K-2" } else { "K-1" };
        bench
            .batch("lab-1", &readings(seq, &[(key, now_ms, 7.0)], now_ms))
            .await;
    }
    bench.crash().await;
    let options =
        sqlx::sqlite::SqliteConnectOptions::new().filename(folder.path().join("telemetry.db"));
    let pool = sqlx::SqlitePool::connect_with(options).await.unwrap();
    let rows: i64 = sqlx::query_scalar("SELECT count(*) FROM journal")
        .fetch_one(&pool)
        .await
        .unwrap();
    assert!(
        (1..=13).contains(&rows),
        "{rows} journal rows after half an hour"
    );
    let bench = Bench::start(folder.path(), clock).await;
    assert_eq!(values(&bench, 2).await, [(60_000, Some(7.0))]);
    assert_eq!(values(&bench, 1).await.len(), 29);
}

#[tokio::test]
async fn the_clock_notices_silence_and_the_store_tells_the_intervals() {
    let folder = tempfile::tempdir().unwrap();
    let (clock, hand) = Clock::manual(T0);
    let bench = Bench::start(folder.path(), clock.clone()).await;
    let mut live = bench.handle.live();
    bench
        .batch("lab-1", &readings(1, &[("K-1", T0_MS, 300.0)], T0_MS))
        .await;
    live.recv().await.unwrap();
    hand.advance(40 * SECOND_US);
    let change = live.recv().await.unwrap();
    assert_eq!(change.states[0].state.as_str(), "offline");
    let states = bench
        .handle
        .history()
        .states(instrument(1), T0, T0 + Span::days(1))
        .await
        .unwrap();
    let texts: Vec<_> = states
        .iter()
        .map(|one| {
            (
                one.state.as_str(),
                one.start - T0,
                one.end.map(|end| end - T0),
            )
        })
        .collect();
    // The agent never said that it is connected: 15 s of silence are enough.
    let expected = [
        ("running", 0, Some(15 * SECOND_US)),
        ("offline", 15 * SECOND_US, None),
    ];
    assert_eq!(texts, expected);
}

/// Any order and repetition of the same batches, cut by crashes, gives the same readings and the
/// same mark.
#[test]
fn any_order_and_repetition_gives_the_same_history() {
    const BATCHES: u64 = 24;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let order = prop::collection::vec(1..=BATCHES, 0..60);
    let mut runner = TestRunner::new(Config {
        cases: 12,
        failure_persistence: None,
        ..Config::default()
    });
    let run = |order: &[u64], crash_after: usize| {
        runtime.block_on(async {
            let folder = tempfile::tempdir().unwrap();
            let (clock, _hand) = Clock::manual(T0);
            let mut bench = Bench::start(folder.path(), clock.clone()).await;
            let missing = (1..=BATCHES).filter(|seq| !order.contains(seq));
            let all: Vec<u64> = order.iter().copied().chain(missing).collect();
            for part in all.chunks(crash_after.max(1)) {
                let messages = part.iter().map(|seq| {
                    let seconds = i64::try_from(*seq).unwrap();
                    let time_ms = T0_MS - 100_000 + 1_000 * seconds;
                    let value = f64::from(u32::try_from(*seq).unwrap());
                    let points = [("K-1", time_ms, value), ("K-2", time_ms, -value)];
                    (
                        topic("lab-1"),
                        wire::encode(&readings(*seq, &points, T0_MS)),
                    )
                });
                bench.deliver_all(messages.collect()).await;
                bench.crash().await;
                bench = Bench::start(folder.path(), clock.clone()).await;
            }
            bench
                .deliver(&topic("lab-1"), wire::encode(&readings(1, &[], T0_MS)))
                .await;
            (
                values(&bench, 1).await,
                values(&bench, 2).await,
                bench.last_ack("lab-1").unwrap(),
                bench.handle.latest(instrument(1)),
            )
        })
    };
    let plain = run(&[], 1_000);
    assert_eq!(plain.0.len(), 24);
    assert_eq!(plain.2.upto, BATCHES);
    runner
        .run(&(order, 10..60_usize), |(order, crash_after)| {
            prop_assert_eq!(&run(&order, crash_after), &plain);
            Ok(())
        })
        .unwrap();
}
