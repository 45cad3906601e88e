//! Tests of a disk that is full: what waits, and what a retry costs.

use super::*;

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
async fn a_retry_on_a_full_disk_reads_no_record() {
    let folder = tempfile::tempdir().unwrap();
    let mut outbox = open(&folder, LARGE).await;
    for mark in 0..3 {
        outbox.offer(reading(mark));
    }
    outbox.commit().await.unwrap();
    for mark in 3..103 {
        outbox.offer(reading(mark));
    }
    let Store::Disk(disk) = &mut outbox.store else {
        panic!("a file was opened");
    };
    disk.fill_up().await;
    assert!(matches!(outbox.commit().await, Err(OutboxError::Full)));
    // Whoever counts what the file holds would miss this one.
    let url = format!("sqlite://{}", folder.path().join("outbox.db").display());
    let mut raw = <sqlx::SqliteConnection as sqlx::Connection>::connect(&url)
        .await
        .unwrap();
    sqlx::query("DELETE FROM record WHERE seq = 2")
        .execute(&mut raw)
        .await
        .unwrap();
    sqlx::Connection::close(raw).await.unwrap();
    outbox.commit().await.unwrap();
    assert_eq!(outbox.held().iter().collect::<Vec<_>>(), [(1, 103)]);
    // It is missed when it is to be sent, and told.
    assert_eq!(outbox.load(2).await.unwrap(), None);
    outbox.commit().await.unwrap();
    let told = outbox.load(104).await.unwrap().unwrap();
    assert!(matches!(
        told.body,
        RecordBody::Event(Event::Dropped { from: 2, to: 2, .. })
    ));
}
