//! Tests of the outbox: against a model, through crashes, torn tails, damage and refusals.

use std::collections::BTreeMap;

use proptest::prelude::*;
use tempfile::TempDir;
use wire::{Clocks, InstrumentKey, SeqRange, Series};

use super::*;

#[path = "tests/model.rs"]
mod model;

use model::{any_step, play};

const LARGE: u64 = 1 << 30;

fn clock() -> Clock {
    let start = Clocks {
        wall_ms: 0,
        mono_ms: 0,
    };
    Clock::manual(start).0
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

async fn open(folder: &TempDir, bytes_max: u64) -> Outbox {
    Outbox::open(folder.path(), bytes_max, clock())
        .await
        .unwrap()
}

fn block_on<T>(future: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    runtime.unwrap().block_on(future)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn the_file_behaves_as_the_model_through_crashes(
        steps in prop::collection::vec(any_step(), 1..40),
    ) {
        block_on(play(steps, false));
    }

    #[test]
    fn memory_behaves_as_the_model(steps in prop::collection::vec(any_step(), 1..60)) {
        block_on(play(steps, true));
    }

    /// A power cut on a disk that lied about its sync: the newest commits may be gone, nothing else.
    #[test]
    fn a_torn_tail_loses_the_newest_commits_only(cut in 1..4096_usize, flips in any::<bool>()) {
        block_on(async {
            let folder = tempfile::tempdir().unwrap();
            let mut outbox = open(&folder, LARGE).await;
            for mark in 0..30 {
                outbox.offer(reading(mark));
                outbox.commit().await.unwrap();
            }
            let before = contents(&mut outbox).await;
            let copy = crash(&folder);
            let wal = copy.path().join("outbox.db-wal");
            let mut bytes = std::fs::read(&wal).unwrap();
            let keep = bytes.len().saturating_sub(cut);
            if flips {
                bytes[keep..].iter_mut().for_each(|byte| *byte ^= 0x5A);
            } else {
                bytes.truncate(keep);
            }
            std::fs::write(&wal, bytes).unwrap();
            let mut torn = open(&copy, LARGE).await;
            let after = contents(&mut torn).await;
            assert!(after.len() >= 25, "{}", after.len());
            assert!(after.iter().all(|(seq, record)| before.get(seq) == Some(record)));
            assert_eq!(torn.next(), u64::try_from(after.len()).unwrap() + 1);
        });
    }
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
    let max = 64 * 1024;
    for outbox in [open(&folder, max).await, Outbox::in_memory(max, clock())] {
        let mut outbox = overfill(outbox).await;
        let records = contents(&mut outbox).await;
        let mut told = Ranges::default();
        let (mut events, mut readings) = (0, Vec::new());
        for (seq, record) in &records {
            match &record.body {
                RecordBody::Event(Event::Dropped { from, to }) => told.insert(*from, *to),
                RecordBody::Event(_) => events += 1,
                RecordBody::Series(_) => readings.push(*seq),
            }
        }
        assert_eq!(events, 100, "an event was dropped");
        assert!(!readings.is_empty());
        // What is neither held nor told of does not exist.
        for seq in 1..outbox.next() {
            assert!(records.contains_key(&seq) != told.contains(seq), "{seq}");
        }
        // The newest readings are there, the oldest went.
        let last_dropped = told.iter().last().unwrap().1;
        assert!(readings.iter().all(|seq| *seq > last_dropped));
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
    };
    assert_eq!(told.body, RecordBody::Event(expected));
    assert_eq!(outbox.next(), first + 1 + waiting);
}

#[tokio::test]
async fn a_full_disk_refuses_and_loses_nothing_that_fits_into_memory() {
    let folder = tempfile::tempdir().unwrap();
    let mut outbox = open(&folder, LARGE).await;
    outbox.offer(reading(0));
    outbox.commit().await.unwrap();
    let Store::Disk(disk) = &mut outbox.store else {
        panic!("a file was opened");
    };
    disk.fill_up().await;
    for mark in 1..100 {
        outbox.offer(reading(mark));
    }
    assert!(matches!(outbox.commit().await, Err(OutboxError::Full)));
    assert_eq!((outbox.next(), outbox.waiting.len()), (2, 99));
    // After a failure the file is opened again, and now there is room.
    outbox.commit().await.unwrap();
    assert_eq!((outbox.next(), outbox.waiting.len()), (101, 0));
    assert_eq!(contents(&mut outbox).await.len(), 100);
}

#[tokio::test]
async fn a_damaged_row_is_given_up_and_told() {
    let folder = tempfile::tempdir().unwrap();
    let mut outbox = open(&folder, LARGE).await;
    for mark in 0..3 {
        outbox.offer(reading(mark));
    }
    outbox.commit().await.unwrap();
    outbox.close().await;
    let url = format!("sqlite://{}", folder.path().join("outbox.db").display());
    let mut raw = <sqlx::SqliteConnection as sqlx::Connection>::connect(&url)
        .await
        .unwrap();
    sqlx::query("UPDATE record SET body = x'7b7d' WHERE seq = 2")
        .execute(&mut raw)
        .await
        .unwrap();
    sqlx::Connection::close(raw).await.unwrap();
    let mut outbox = open(&folder, LARGE).await;
    assert_eq!(outbox.load(2).await.unwrap(), None);
    outbox.commit().await.unwrap();
    let records = contents(&mut outbox).await;
    assert_eq!(records.keys().copied().collect::<Vec<_>>(), [1, 3, 4]);
    let expected = Event::Dropped { from: 2, to: 2 };
    assert_eq!(records[&4].body, RecordBody::Event(expected));
}

#[tokio::test]
async fn a_file_that_is_no_database_is_set_aside() {
    let folder = tempfile::tempdir().unwrap();
    let mut outbox = open(&folder, LARGE).await;
    outbox.offer(reading(1));
    outbox.commit().await.unwrap();
    let stream = outbox.stream().clone();
    outbox.close().await;
    let path = folder.path().join("outbox.db");
    std::fs::write(&path, vec![0x5A; 20_000]).unwrap();
    let mut outbox = open(&folder, LARGE).await;
    assert_ne!(outbox.stream(), &stream);
    outbox.offer(reading(2));
    outbox.commit().await.unwrap();
    assert_eq!(contents(&mut outbox).await.len(), 1);
    assert!(folder.path().join("outbox.damaged-0").exists());
}

#[tokio::test]
async fn numbers_the_gateway_already_knows_are_not_given_again() {
    let folder = tempfile::tempdir().unwrap();
    let mut outbox = open(&folder, LARGE).await;
    outbox.offer(reading(1));
    outbox.commit().await.unwrap();
    let late = ack(&outbox, 10, &[(15, 20)]);
    outbox.acknowledge(&late);
    outbox.offer(reading(2));
    outbox.commit().await.unwrap();
    assert_eq!(
        contents(&mut outbox)
            .await
            .keys()
            .copied()
            .collect::<Vec<_>>(),
        [21]
    );
    outbox.close().await;
    assert_eq!(open(&folder, LARGE).await.next(), 22);
}
