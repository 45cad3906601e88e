//! Tests of the outbox: against a model, through crashes, torn tails, damage and refusals.

use std::collections::BTreeMap;
use std::time::Duration;

use proptest::prelude::*;
use tempfile::TempDir;
use wire::{Clocks, Event, InstrumentKey, SeqRange, Series};

use super::*;
use crate::clock::Hand;

#[path = "tests/full.rs"]
mod full;
#[path = "tests/gateway.rs"]
mod gateway;
#[path = "tests/model.rs"]
mod model;
#[path = "tests/ruin.rs"]
mod ruin;

use model::{Player, Step, any_step, play};

const LARGE: Limits = Limits::DEFAULT;

/// 2026, on a machine that has run for an hour.
const START: Clocks = Clocks {
    wall_ms: 1_790_000_000_000,
    mono_ms: 3_600_000,
};

fn small(bytes: u64) -> Limits {
    Limits { bytes, ..LARGE }
}

fn clock() -> Clock {
    Clock::manual(START).0
}

/// A record of readings that carries a number of the test's own.
fn reading(mark: i64) -> Record {
    let series = Series {
        key: InstrumentKey::parse("NM-1").unwrap(),
        offsets_ms: vec![mark],
        channels: vec![wire::ChannelName::parse("a").unwrap()],
        values: vec![vec![Some(1.5)]],
        bad: Vec::new(),
    };
    body(RecordBody::Series(vec![series]))
}

fn event(mark: i64) -> Record {
    body(RecordBody::Event(Event::Device {
        device: mark.to_string(),
        reachable: true,
        reason: wire::Quality::Good,
    }))
}

/// Returns the test's own number of a record.
fn mark_of(record: &Record) -> Option<i64> {
    match &record.body {
        RecordBody::Series(series) => series[0].offsets_ms.first().copied(),
        RecordBody::Event(Event::Device { device, .. }) => device.parse().ok(),
        RecordBody::Event(_) => None,
    }
}

fn body(body: RecordBody) -> Record {
    let clock = clock();
    Record {
        boot: wire::BootId::parse("boot").unwrap(),
        at: clock.now(),
        body,
    }
}

fn ack(outbox: &Outbox, upto: u64, ranges: &[(u64, u64)]) -> Ack {
    Ack {
        stream: outbox.stream().clone(),
        upto,
        ranges: ranges
            .iter()
            .map(|(from, to)| SeqRange(*from, *to))
            .collect(),
    }
}

async fn contents(outbox: &mut Outbox) -> BTreeMap<u64, Record> {
    let numbers: Vec<u64> = outbox
        .held()
        .iter()
        .flat_map(|(from, to)| from..=to)
        .collect();
    let mut records = BTreeMap::new();
    for seq in numbers {
        records.insert(
            seq,
            outbox
                .load(seq)
                .await
                .unwrap()
                .expect("a held record loads"),
        );
    }
    records
}

/// What `kill -9` leaves: the files as they are while the outbox is open.
fn crash(folder: &TempDir) -> TempDir {
    let copy = tempfile::tempdir().unwrap();
    for name in ["outbox.db", "outbox.db-wal"] {
        let from = folder.path().join(name);
        if from.exists() {
            std::fs::copy(from, copy.path().join(name)).unwrap();
        }
    }
    copy
}

async fn open(folder: &TempDir, limits: Limits) -> Outbox {
    Outbox::open(folder.path(), limits, clock()).await.unwrap()
}

fn block_on<T>(future: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    runtime.unwrap().block_on(future)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn nothing_is_lost_or_doubled_through_crashes_and_refusals(
        steps in prop::collection::vec(any_step(false), 1..60),
    ) {
        block_on(play(steps, false));
    }

    #[test]
    fn torn_files_lose_what_was_not_acknowledged_at_most(
        steps in prop::collection::vec(any_step(true), 1..60),
    ) {
        block_on(play(steps, false));
    }

    #[test]
    fn memory_keeps_the_same_promises(steps in prop::collection::vec(any_step(false), 1..60)) {
        block_on(play(steps, true));
    }
}

/// Every commit of a busy outbox fails at one step after the other; whatever was being done, the
/// promises hold.
#[test]
fn a_failure_at_any_step_breaks_no_promise() {
    block_on(async {
        for position in 0..200 {
            let mut player = Player::new(false).await;
            player.step(Step::Fail(position)).await;
            for round in 0..6 {
                player
                    .step(Step::Offer {
                        event: false,
                        count: 14,
                    })
                    .await;
                player
                    .step(Step::Offer {
                        event: true,
                        count: 1,
                    })
                    .await;
                player.step(Step::Commit).await;
                player
                    .step(Step::Send {
                        count: 6,
                        newest: round % 2 == 0,
                    })
                    .await;
                if round % 3 == 2 {
                    player.step(Step::Ack { ranges: 2 }).await;
                }
            }
            player.step(Step::Crash).await;
            player.finish().await;
        }
    });
}

/// Fills an outbox of 64 KiB far beyond its bound, with an event every tenth record.
async fn overfill(mut outbox: Outbox) -> Outbox {
    for mark in 0..1000 {
        outbox.offer(if mark % 10 == 0 {
            event(mark)
        } else {
            reading(mark)
        });
        outbox.commit().await.unwrap();
    }
    outbox
}

#[tokio::test]
async fn a_full_outbox_drops_the_oldest_readings_and_says_so() {
    let folder = tempfile::tempdir().unwrap();
    let max = small(64 * 1024);
    for outbox in [open(&folder, max).await, Outbox::in_memory(max, clock())] {
        let mut outbox = overfill(outbox).await;
        let records = contents(&mut outbox).await;
        let told: Vec<Loss> = records
            .values()
            .filter_map(Loss::reported)
            .map(|(_, loss)| loss)
            .collect();
        let [told] = told.as_slice() else {
            panic!("one report was expected: {told:?}");
        };
        let is_reading = |record: &&Record| !is_event(record);
        let readings = records.iter().filter(|(_, record)| is_reading(record));
        let readings: Vec<u64> = readings.map(|(seq, _)| *seq).collect();
        assert_eq!(
            records.len() - readings.len(),
            100 + 1,
            "an event was dropped"
        );
        // What is not held is counted by the report and lies within it.
        let gone: Vec<u64> = (1..outbox.next())
            .filter(|seq| !records.contains_key(seq))
            .collect();
        assert_eq!((told.from, told.to), (gone[0], *gone.last().unwrap()));
        assert_eq!(told.count, u64::try_from(gone.len()).unwrap());
        // The newest readings are there, the oldest went.
        assert!(!readings.is_empty() && readings.iter().all(|seq| *seq > 500));
    }
}

#[tokio::test]
async fn when_events_alone_fill_it_readings_are_refused_and_the_oldest_events_go() {
    let folder = tempfile::tempdir().unwrap();
    let max = small(16 * 1024);
    for mut outbox in [open(&folder, max).await, Outbox::in_memory(max, clock())] {
        outbox.offer(reading(-1));
        for mark in 0..200 {
            outbox.offer(event(mark));
            outbox.offer(reading(1_000 + mark));
            outbox.commit().await.unwrap();
            assert!(outbox.holding().bytes <= max.bytes + 1_024);
        }
        let records = contents(&mut outbox).await;
        let events = records.values().filter(|record| is_event(record));
        let marks: Vec<i64> = events.filter_map(mark_of).collect();
        let first = 200 - i64::try_from(marks.len()).unwrap();
        assert!(marks.len() > 10 && first > 100, "{marks:?}");
        assert_eq!(marks, (first..200).collect::<Vec<_>>(), "the newest events");
        // Reports do not push events out one by one: there is one.
        let told: Vec<Loss> = records
            .values()
            .filter_map(Loss::reported)
            .map(|(_, loss)| loss)
            .collect();
        let held = u64::try_from(records.len()).unwrap();
        assert_eq!(told.len(), 1);
        assert_eq!(told[0].count, outbox.next() - 1 - held);
    }
}

#[tokio::test]
async fn readings_go_when_they_are_too_old_and_events_stay() {
    let folder = tempfile::tempdir().unwrap();
    let limits = Limits {
        age: Duration::from_hours(72),
        ..LARGE
    };
    let (clock, hand) = Clock::manual(START);
    let file = Outbox::open(folder.path(), limits, clock.clone())
        .await
        .unwrap();
    for mut outbox in [file, Outbox::in_memory(limits, clock.clone())] {
        hand.set(START);
        // 80 hours offline, a reading every five minutes.
        for mark in 0..960 {
            let mut record = if mark == 3 {
                event(mark)
            } else {
                reading(mark)
            };
            (record.at, record.boot) = (clock.now(), clock.boot().clone());
            outbox.offer(record);
            outbox.commit().await.unwrap();
            hand.advance(300_000);
        }
        outbox.offer(event(-1));
        outbox.commit().await.unwrap();
        let records = contents(&mut outbox).await;
        let marks: Vec<i64> = records
            .values()
            .filter_map(mark_of)
            .filter(|mark| *mark > 3)
            .collect();
        assert_eq!(marks, (96..960).collect::<Vec<_>>(), "72 hours");
        assert!(records.values().any(|record| mark_of(record) == Some(3)));
        let told: Vec<_> = records.values().filter_map(Loss::reported).collect();
        assert_eq!(told.len(), 1, "{told:?}");
        assert_eq!(told[0].0, DropReason::Age);
        // 95 readings, and the reports that this one took the place of.
        assert_eq!(
            told[0].1.count,
            outbox.next() - 1 - u64::try_from(records.len()).unwrap()
        );
    }
}

#[tokio::test]
async fn a_second_process_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let first = open(&folder, LARGE).await;
    let second = Outbox::open(folder.path(), LARGE, clock()).await;
    assert!(matches!(second, Err(OutboxError::Locked(_))));
    drop(first);
    open(&folder, LARGE).await;
}

#[tokio::test]
async fn while_the_disk_refuses_memory_is_bounded_and_drops_are_told_afterwards() {
    let mut outbox = Outbox::in_memory(LARGE, clock());
    outbox.offer(event(-1));
    let count = 40_000;
    for mark in 0..count {
        outbox.offer(reading(mark));
    }
    assert!(outbox.waiting_bytes <= WAITING_BYTES_MAX);
    let waiting = u64::try_from(outbox.waiting.len()).unwrap();
    let skipped = u64::try_from(count).unwrap() + 1 - waiting;
    assert!(skipped > 0 && outbox.waiting.front().unwrap().is_event());
    outbox.commit().await.unwrap();
    let first = outbox.oldest();
    assert_eq!(first, skipped + 1);
    let told = outbox.load(first).await.unwrap().unwrap();
    let expected = Event::Dropped {
        from: 1,
        to: skipped,
        count: None,
        reason: Some(DropReason::Disk),
    };
    assert_eq!(told.body, RecordBody::Event(expected));
    assert_eq!(outbox.next(), first + 1 + waiting);
}
