//! A crash after any transaction, simulated by a copy of the files at that moment, loses nothing
//! that was committed.

use std::path::Path;

use super::*;

/// What a power cut leaves: the file and its write-ahead log, without the shared memory.
fn copy(from: &Path) -> tempfile::TempDir {
    let to = tempfile::tempdir().unwrap();
    for name in ["telemetry.db", "telemetry.db-wal"] {
        if from.join(name).exists() {
            std::fs::copy(from.join(name), to.path().join(name)).unwrap();
        }
    }
    to
}

/// Opens what a crash left, compares, lets the caretaker do what it did not, and compares again.
async fn survives(folder: &Path, clock: &Clock, model: &Model) {
    let left = copy(folder);
    let (later, hand) = Clock::manual(clock.now());
    let mut store = Store::open_at(left.path(), later, Kept::default()).await;
    store.check(model, 2).await;
    hand.advance(QUIET_US);
    store.tidy().await;
    store.check(model, 2).await;
}

fn lines(begin_s: i64, count: i64, value: f64) -> Vec<Line> {
    let line = |number: i64| {
        let time_ms = (begin_s + number) * 1_000;
        (time_ms, [Cell::Good(value), Cell::Good(value + 1.0)])
    };
    (0..count).map(line).collect()
}

#[tokio::test]
async fn nothing_committed_is_lost_at_any_transaction() {
    let folder = tempfile::tempdir().unwrap();
    let (mut store, hand) = Store::open(folder.path(), 86_400_000, Kept::default()).await;
    let mut model = Model::default();
    // Live, a backlog into the same hours, corrections of what is merged already.
    let script = [
        (0, 200, 1.0),
        (200, 200, 2.0),
        (7_000, 100, 3.0),
        (3_500, 350, 4.0),
        (100, 250, 5.0),
        (7_050, 300, 6.0),
        (3_600, 120, 7.0),
    ];
    for (step, (begin_s, count, value)) in script.into_iter().enumerate() {
        let batch = (1, lines(begin_s, count, value));
        let mut prepared = store.prepare(std::slice::from_ref(&batch));
        survives(folder.path(), &store.clock, &model).await;
        store.writer.execute(&mut prepared).await.unwrap();
        model.add(1, &batch.1);
        survives(folder.path(), &store.clock, &model).await;
        store.writer.apply(prepared);
        if step % 2 == 1 {
            hand.advance(QUIET_US);
            while store.caretaker.work().await.unwrap() {
                survives(folder.path(), &store.clock, &model).await;
            }
        }
    }
    store.check(&model, 2).await;
}

#[tokio::test]
async fn readings_that_come_while_their_hour_is_computed_are_not_forgotten() {
    let folder = tempfile::tempdir().unwrap();
    let (mut store, hand) = Store::open(folder.path(), 86_400_000, Kept::default()).await;
    let mut model = Model::default();
    let (first, second) = ((1, lines(0, 50, 1.0)), (1, lines(20, 50, 2.0)));
    store.commit(std::slice::from_ref(&first)).await;
    model.add(1, &first.1);
    hand.advance(QUIET_US);
    // Prepared, and the caretaker comes before it is written: it must not take the hour.
    let mut prepared = store.prepare(std::slice::from_ref(&second));
    assert!(
        store.caretaker.work().await.unwrap(),
        "there is more to do soon"
    );
    store.writer.execute(&mut prepared).await.unwrap();
    store.writer.apply(prepared);
    model.add(1, &second.1);
    survives(folder.path(), &store.clock, &model).await;
    hand.advance(QUIET_US);
    store.tidy().await;
    store.check(&model, 2).await;
}

#[tokio::test]
async fn the_last_good_value_before_a_bad_one_is_known_after_a_start() {
    let folder = tempfile::tempdir().unwrap();
    let (mut store, hand) = Store::open(folder.path(), 86_400_000, Kept::default()).await;
    let bad = Cell::Bad(wire::Quality::Timeout);
    let good = |value| Cell::Good(value);
    store
        .commit(&[(
            1,
            vec![(0, [good(5.0), bad]), (1_000, [good(6.0), good(1.0)])],
        )])
        .await;
    store
        .commit(&[(1, vec![(2_000, [bad, bad]), (3_000, [bad, good(2.0)])])])
        .await;
    let newest = |store: &Store| {
        let newest = store.writer.newest();
        let mut cells: Vec<(ChannelNo, Cell, Option<f64>)> = newest[0]
            .cells
            .iter()
            .map(|one| (one.channel, one.cell, one.good))
            .collect();
        cells.sort_unstable_by_key(|(channel, ..)| *channel);
        cells
    };
    let expected = [
        (ChannelNo(1), bad, Some(6.0)),
        (ChannelNo(2), good(2.0), None),
    ];
    assert_eq!(newest(&store), expected);
    // From the journal, then from what the journal was freed for.
    let left = copy(folder.path());
    let (later, _hand) = Clock::manual(store.clock.now());
    let again = Store::open_at(left.path(), later, Kept::default()).await;
    assert_eq!(newest(&again), expected);
    hand.advance(QUIET_US * 10);
    store
        .commit(&[(2, vec![(700_000, [good(1.0), bad])])])
        .await;
    store.tidy().await;
    let left = copy(folder.path());
    let (later, _hand) = Clock::manual(store.clock.now());
    let again = Store::open_at(left.path(), later, Kept::default()).await;
    let of_one = again.writer.newest();
    let of_one = of_one
        .iter()
        .find(|one| one.instrument == InstrumentId::new(1));
    let cell = of_one
        .unwrap()
        .cells
        .iter()
        .find(|one| one.channel == ChannelNo(1));
    assert_eq!(cell.unwrap().good, Some(6.0));
    let journal = again.number("SELECT count(*) FROM journal").await;
    assert!(journal <= 1, "{journal} rows of the journal are left");
}
