//! Tests of files that are damaged, torn or of an earlier release.

use super::model::{Tear, tear_file};
use super::*;

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
    let expected = Event::Dropped {
        from: 2,
        to: 2,
        count: None,
        reason: Some(DropReason::Damaged),
    };
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
    let records: Vec<Record> = contents(&mut outbox).await.into_values().collect();
    let told = Event::Damaged {
        kept: 0,
        renewed: true,
    };
    assert_eq!(records[0].body, RecordBody::Event(told));
    assert_eq!(records[1..], [reading(2)]);
    let aside = format!("outbox.damaged-{}", START.wall_ms);
    assert!(folder.path().join(aside).exists());
}

/// A power cut on a disk that lied about its sync: the gateway has records that the file lost.
#[tokio::test]
async fn numbers_the_gateway_already_knows_are_not_given_again() {
    let folder = tempfile::tempdir().unwrap();
    let mut outbox = open(&folder, LARGE).await;
    assert!(outbox.is_confirmed(), "nobody can know a new stream");
    outbox.offer(reading(1));
    outbox.commit().await.unwrap();
    outbox.close().await;
    let mut outbox = open(&folder, LARGE).await;
    for mark in 2..5 {
        outbox.offer(reading(mark));
    }
    outbox.commit().await.unwrap();
    assert_eq!((outbox.next(), outbox.sendable_before()), (5, 2));
    // It may be killed before it hears of it: nothing is forgotten.
    outbox.close().await;
    let mut outbox = open(&folder, LARGE).await;
    assert_eq!((outbox.next(), outbox.sendable_before()), (5, 2));
    let late = ack(&outbox, 0, &[(2, 3)]);
    outbox.acknowledge(&late).await.unwrap();
    assert!(outbox.needs_commit() && !outbox.is_confirmed());
    outbox.commit().await.unwrap();
    assert!(outbox.is_confirmed());
    let records = contents(&mut outbox).await;
    let marks: Vec<_> = records
        .iter()
        .map(|(seq, one)| (*seq, mark_of(one).unwrap()))
        .collect();
    assert_eq!(marks, [(1, 1), (4, 4), (5, 2), (6, 3)]);
    let late = ack(&outbox, 10, &[(15, 20)]);
    outbox.acknowledge(&late).await.unwrap();
    outbox.offer(reading(5));
    outbox.commit().await.unwrap();
    assert_eq!(
        contents(&mut outbox).await.into_keys().collect::<Vec<_>>(),
        [21]
    );
    outbox.close().await;
    assert_eq!(open(&folder, LARGE).await.next(), 22);
}

#[tokio::test]
async fn an_impossible_ack_changes_nothing() {
    let mut outbox = Outbox::in_memory(LARGE, clock());
    outbox.offer(reading(1));
    outbox.commit().await.unwrap();
    let wild = ack(&outbox, u64::MAX, &[]);
    outbox.acknowledge(&wild).await.unwrap();
    assert_eq!((outbox.oldest(), outbox.next()), (1, 2));
}

/// Fifty committed records, the first twenty acknowledged and deleted; as a crash leaves the files,
/// before (`in_log`) or after they went from the log into the database.
async fn fifty(in_log: bool) -> (TempDir, StreamId) {
    let folder = tempfile::tempdir().unwrap();
    let mut outbox = open(&folder, LARGE).await;
    for mark in 1..=50 {
        outbox.offer(reading(mark));
        outbox.commit().await.unwrap();
    }
    let done = ack(&outbox, 20, &[]);
    outbox.acknowledge(&done).await.unwrap();
    outbox.commit().await.unwrap();
    let stream = outbox.stream().clone();
    let copy = crash(&folder);
    outbox.close().await;
    (if in_log { copy } else { folder }, stream)
}

fn copy_of(folder: &TempDir) -> TempDir {
    crash(folder)
}

/// The last 1 to 4096 bytes of the log or of the database are flipped or cut: it opens, what it
/// holds is right, and it takes and numbers records as ever.
#[tokio::test]
async fn a_torn_tail_opens_and_holds_nothing_wrong() {
    for log in [true, false] {
        let (whole, stream) = fifty(log).await;
        for bytes in (1..=4096).step_by(273).chain([4096]) {
            for flips in [true, false] {
                let tear = Tear { log, bytes, flips };
                let copy = copy_of(&whole);
                tear_file(copy.path(), tear);
                let mut torn = open(&copy, LARGE).await;
                torn.offer(reading(99));
                let records = read_all(&mut torn).await;
                let mut kept = 0;
                for (seq, record) in &records {
                    let mark = mark_of(record);
                    kept += usize::from(mark.is_some_and(|mark| mark <= 50));
                    let same =
                        mark.is_none_or(|mark| mark == 99 || i64::try_from(*seq) == Ok(mark));
                    assert!(same || *torn.stream() != stream, "{tear:?} {seq}");
                }
                // One page of the log holds one commit at most.
                assert!(!log || kept >= 28, "{tear:?} {kept}");
                let is_new = |record: &Record| mark_of(record) == Some(99);
                assert!(records.values().any(is_new), "{tear:?}");
            }
        }
    }
}

#[tokio::test]
async fn what_can_be_read_of_a_damaged_file_goes_on_in_the_same_stream() {
    let folder = tempfile::tempdir().unwrap();
    let mut outbox = open(&folder, LARGE).await;
    for mark in 1..=400 {
        outbox.offer(reading(mark));
    }
    outbox.commit().await.unwrap();
    let stream = outbox.stream().clone();
    outbox.close().await;
    let path = folder.path().join("outbox.db");
    let mut bytes = std::fs::read(&path).unwrap();
    // Two pages in the middle, among them leaves of the table of records.
    let middle = bytes.len() / 4096 / 2 * 4096;
    bytes[middle..middle + 8192].fill(0xA5);
    std::fs::write(&path, bytes).unwrap();
    let mut outbox = open(&folder, LARGE).await;
    let records = read_all(&mut outbox).await;
    assert_eq!(outbox.stream(), &stream);
    assert_eq!(outbox.sendable_before(), 401);
    let told = records.values().find_map(|record| {
        let RecordBody::Event(Event::Damaged { kept, renewed }) = record.body else {
            return None;
        };
        Some((kept, renewed))
    });
    let readings = records
        .iter()
        .filter_map(|(seq, record)| Some((*seq, mark_of(record)?)));
    let readings: Vec<(u64, i64)> = readings.collect();
    assert!(
        readings
            .iter()
            .all(|(seq, mark)| i64::try_from(*seq) == Ok(*mark))
    );
    assert!((300..400).contains(&readings.len()), "{}", readings.len());
    assert_eq!(
        readings.last(),
        Some(&(400, 400)),
        "those behind the hole too"
    );
    assert_eq!(told, Some((u64::try_from(readings.len()).unwrap(), false)));
}

/// Commits, and reads all that is held, until the file has settled.
async fn read_all(outbox: &mut Outbox) -> BTreeMap<u64, Record> {
    for _ in 0..5 {
        if outbox.commit().await.is_err() {
            continue;
        }
        let numbers: Vec<u64> = outbox.held().iter().flat_map(|(a, b)| a..=b).collect();
        let mut records = BTreeMap::new();
        let mut failed = false;
        for seq in numbers {
            match outbox.load(seq).await {
                Ok(Some(record)) => drop(records.insert(seq, record)),
                Ok(None) => {}
                Err(_) => failed = true,
            }
        }
        if !failed {
            return records;
        }
    }
    panic!("the outbox does not settle");
}

#[tokio::test]
async fn only_the_newest_damaged_files_are_kept() {
    let folder = tempfile::tempdir().unwrap();
    let (clock, hand) = Clock::manual(START);
    for _ in 0..4 {
        std::fs::write(folder.path().join("outbox.db"), vec![0x5A; 9_000]).unwrap();
        let outbox = Outbox::open(folder.path(), LARGE, clock.clone())
            .await
            .unwrap();
        outbox.close().await;
        hand.advance(1_000);
    }
    let names = std::fs::read_dir(folder.path()).unwrap().flatten();
    let names = names.map(|entry| entry.file_name().into_string().unwrap());
    let aside: Vec<String> = names.filter(|name| name.contains("damaged")).collect();
    assert_eq!(aside.len(), 2, "{aside:?}");
}

#[tokio::test]
async fn a_rescue_that_was_cut_short_is_finished() {
    let (folder, stream) = fifty(false).await;
    let at = |name: &str| folder.path().join(name);
    std::fs::rename(at("outbox.db"), at("outbox.rescued")).unwrap();
    let mut outbox = open(&folder, LARGE).await;
    assert_eq!(outbox.stream(), &stream);
    assert_eq!(contents(&mut outbox).await.len(), 30);
}

#[tokio::test]
async fn a_file_of_the_first_release_is_taken_over() {
    let folder = tempfile::tempdir().unwrap();
    let outbox = open(&folder, LARGE).await;
    let stream = outbox.stream().clone();
    outbox.close().await;
    let url = format!("sqlite://{}", folder.path().join("outbox.db").display());
    let mut raw = <sqlx::SqliteConnection as sqlx::Connection>::connect(&url)
        .await
        .unwrap();
    for column in ["unconfirmed", "sum"] {
        let drop_column = format!("ALTER TABLE stream DROP COLUMN {column}");
        sqlx::query(sqlx::AssertSqlSafe(drop_column))
            .execute(&mut raw)
            .await
            .unwrap();
    }
    sqlx::query("UPDATE stream SET next = 8")
        .execute(&mut raw)
        .await
        .unwrap();
    sqlx::Connection::close(raw).await.unwrap();
    for _ in 0..2 {
        let mut outbox = open(&folder, LARGE).await;
        assert_eq!((outbox.stream(), outbox.sendable_before()), (&stream, 8));
        outbox.offer(reading(1));
        outbox.commit().await.unwrap();
        outbox.close().await;
    }
    assert_eq!(open(&folder, LARGE).await.next(), 10);
}
