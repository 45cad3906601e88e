//! What is merged, what is kept and how long, and that nothing holds up anything else.

use scheduler::time::{HOUR_US, SECOND_US, Span};
use wire::{AgentName, StreamId};

use super::*;

const HOUR_MS: i64 = 3_600_000;

fn every(step_ms: i64, from_ms: i64, to_ms: i64) -> Vec<Line> {
    let count = (to_ms - from_ms) / step_ms;
    let line = |number: i64| {
        let value = f64::from(i32::try_from(number % 900).unwrap());
        (
            from_ms + number * step_ms,
            [Cell::Good(value), Cell::Good(value / 8.0)],
        )
    };
    (0..count).map(line).collect()
}

#[tokio::test]
async fn an_hour_of_a_fast_instrument_becomes_one_block_with_its_columns_apart() {
    let folder = tempfile::tempdir().unwrap();
    let (mut store, hand) = Store::open(folder.path(), 0, Kept::default()).await;
    let mut model = Model::default();
    let all = every(1_000, 0, 3 * HOUR_MS);
    for part in all.chunks(50) {
        store.commit(&[(1, part.to_vec())]).await;
        hand.advance(50 * SECOND_US);
    }
    model.add(1, &all);
    let before = store.number("SELECT count(*) FROM block").await;
    assert!(before > 30, "{before} blocks");
    hand.advance(20 * MINUTE_US);
    store.tidy().await;
    store.check(&model, 1).await;
    let merged = "SELECT count(DISTINCT id / 8192) FROM block_column";
    assert_eq!(store.number(merged).await, 3);
    // What is not full yet is in the tail; it becomes a block that overlaps nothing.
    let after = store.number("SELECT count(*) FROM block").await;
    assert!(after <= 4, "{after} blocks");
    assert_eq!(
        store.number("SELECT max(row_count) FROM block").await,
        3_600
    );
    // A correction in the middle is merged in.
    let mut late = every(1_000, 1_800_000, 2_120_000);
    for line in &mut late {
        line.1 = [Cell::Good(-5.0), Cell::Absent];
    }
    for part in late.chunks(40) {
        model.add(1, part);
        store.commit(&[(1, part.to_vec())]).await;
    }
    store.check(&model, 1).await;
    hand.advance(QUIET_US);
    store.tidy().await;
    store.check(&model, 1).await;
    assert_eq!(store.number(merged).await, 3);
}

#[tokio::test]
async fn blocks_of_a_slow_instrument_are_let_be() {
    let folder = tempfile::tempdir().unwrap();
    let (mut store, hand) = Store::open(folder.path(), 0, Kept::default()).await;
    let all = every(60_000, 0, 40 * HOUR_MS);
    let blocks = "SELECT count(*) FROM block";
    for part in all.chunks(60) {
        store.commit(&[(1, part.to_vec())]).await;
        let before = store.number(blocks).await;
        hand.advance(HOUR_US);
        store.tidy().await;
        assert_eq!(store.number(blocks).await, before);
    }
    assert_eq!(store.number("SELECT count(*) FROM block_column").await, 0);
    let mut model = Model::default();
    model.add(1, &all);
    store.check(&model, 3).await;
}

#[tokio::test]
async fn readings_go_and_their_steps_stay() {
    let kept = Kept {
        raw_days: 2,
        minute_days: 4,
        hour_days: 0,
    };
    let day = 24 * HOUR_MS;
    let folder = tempfile::tempdir().unwrap();
    let (mut store, hand) = Store::open(folder.path(), 0, kept).await;
    let name = ChannelName::parse("power_w").unwrap();
    let all = every(60_000, 0, day);
    // Written first and not expired: it holds up nothing.
    store
        .commit(&[(2, every(60_000, 2 * day, 2 * day + 10 * HOUR_MS))])
        .await;
    store.commit(&[(1, all.clone())]).await;
    hand.advance(DAY_US + HOUR_US);
    store.tidy().await;
    hand.advance(2 * DAY_US);
    store.tidy().await;
    let x = InstrumentId::new(1);
    let raw = store.history.raw(x, &name, at(0), at(day)).await.unwrap();
    assert!(
        raw.times_ms.len() < 300,
        "{} points are left in the tail",
        raw.times_ms.len()
    );
    let minute = Span::minutes(1);
    let steps = store
        .history
        .stepped(x, &name, at(0), at(day), minute)
        .await
        .unwrap();
    assert_eq!(steps.times_ms.len(), 1_440);
    // A reading too late to be counted in changes no step; where there is none it makes one.
    let hour = Span::minutes(60);
    let before = store
        .history
        .stepped(x, &name, at(0), at(2 * day), hour)
        .await
        .unwrap();
    let late = vec![
        (5 * HOUR_MS + 7, [Cell::Good(1e6), Cell::Absent]),
        (day + 600_000, [Cell::Good(7.0), Cell::Absent]),
    ];
    store.commit(&[(1, late)]).await;
    hand.advance(QUIET_US);
    store.tidy().await;
    let after = store
        .history
        .stepped(x, &name, at(0), at(2 * day), hour)
        .await
        .unwrap();
    assert_eq!(after.count[..24], before.count[..24]);
    assert_eq!(after.max[..24], before.max[..24]);
    assert_eq!((after.times_ms.len(), after.last.last()), (25, Some(&7.0)));
    // Then the minutes go too; the hours stay.
    hand.advance(4 * DAY_US);
    store.tidy().await;
    let minutes = "SELECT count(*) FROM rollup WHERE step_ms = 60000 AND instrument = 1";
    assert_eq!(store.number(minutes).await, 0);
    let aged = store
        .history
        .stepped(x, &name, at(0), at(day), minute)
        .await
        .unwrap();
    assert_eq!(aged.times_ms.len(), 24, "an hour is the shortest there is");
    let hours = store
        .history
        .stepped(x, &name, at(0), at(2 * day), hour)
        .await
        .unwrap();
    assert_eq!(hours, after);
}

#[tokio::test]
async fn a_silent_channel_never_pins_the_journal() {
    let folder = tempfile::tempdir().unwrap();
    let (mut store, hand) = Store::open(folder.path(), 0, Kept::default()).await;
    let mut model = Model::default();
    for minute in 0..60 {
        let mut batches = vec![(1, every(1_000, minute * 60_000, (minute + 1) * 60_000))];
        if minute == 0 {
            batches.push((2, every(1_000, 0, 5_000)));
            // Only late ones: below what came before.
            batches.push((2, every(700, 0, 2_100)));
        }
        for (instrument, lines) in &batches {
            model.add(*instrument, lines);
        }
        store.commit(&batches).await;
        hand.advance(MINUTE_US);
        let rows = store.number("SELECT count(*) FROM journal").await;
        assert!(rows <= 12, "{rows} rows after minute {minute}");
    }
    store.check(&model, 1).await;
    let clock = store.clock.clone();
    drop(store);
    let store = Store::open_at(folder.path(), clock, Kept::default()).await;
    store.check(&model, 1).await;
}

#[tokio::test]
async fn hours_that_cannot_be_read_hold_up_no_others() {
    let folder = tempfile::tempdir().unwrap();
    let (mut store, hand) = Store::open(folder.path(), 0, Kept::default()).await;
    let lines = every(1_000, 0, 400_000);
    store
        .commit(&[(1, lines.clone()), (2, lines.clone())])
        .await;
    sqlx::query("UPDATE block SET data = x'0199' WHERE instrument = 1")
        .execute(&store.history.pools.writer)
        .await
        .unwrap();
    hand.advance(2 * HOUR_US);
    store.tidy().await;
    let rolled = "SELECT count(DISTINCT instrument) FROM rollup";
    assert_eq!(store.number(rolled).await, 1);
    assert_eq!(store.number("SELECT instrument FROM touched").await, 1);
}

#[tokio::test]
async fn instruments_that_begin_together_do_not_fill_their_tails_together() {
    let folder = tempfile::tempdir().unwrap();
    let (mut store, hand) = Store::open(folder.path(), 0, Kept::default()).await;
    let (mut before, mut most) = (0, 0);
    for (second, line) in every(1_000, 0, 700_000).into_iter().enumerate() {
        if [40, 345, 500].contains(&second) {
            // A start anew brings them no closer together.
            let clock = store.clock.clone();
            drop(store);
            store = Store::open_at(folder.path(), clock, Kept::default()).await;
        }
        let all: Vec<_> = (1..=60).map(|number| (number, vec![line])).collect();
        store.commit(&all).await;
        hand.advance(SECOND_US);
        let blocks = store.number("SELECT count(*) FROM block").await;
        most = most.max(blocks - before);
        before = blocks;
    }
    assert!(before > 60, "{before} blocks");
    assert!(most <= 6, "{most} blocks in one commit");
}

#[tokio::test]
async fn readings_that_come_a_hundred_days_late_land_right_where_so_much_is_kept() {
    let folder = tempfile::tempdir().unwrap();
    let kept = Kept {
        raw_days: 400,
        minute_days: 400,
        hour_days: 0,
    };
    let (mut store, hand) = Store::open(folder.path(), 100 * 24 * HOUR_MS, kept).await;
    let mut model = Model::default();
    store
        .commit(&[(
            1,
            every(1_000, 100 * 24 * HOUR_MS, 100 * 24 * HOUR_MS + 5_000),
        )])
        .await;
    let late = every(1_000, 0, 2 * HOUR_MS);
    model.add(1, &late);
    for part in late.chunks(500) {
        store.commit(&[(1, part.to_vec())]).await;
        hand.advance(SECOND_US);
    }
    store.check(&model, 1).await;
    hand.advance(HOUR_US);
    store.tidy().await;
    store.check(&model, 1).await;
    // The second hour's last rows still wait in a tail.
    let merged = "SELECT count(*) FROM block WHERE row_count = 3600";
    assert_eq!(store.number(merged).await, 1);
}

#[tokio::test]
async fn losses_beyond_number_are_counted_in_one_row() {
    let folder = tempfile::tempdir().unwrap();
    let (mut store, hand) = Store::open(folder.path(), 0, Kept::default()).await;
    let gap = |number: u64| Gap {
        agent: AgentName::parse("lab-1").unwrap(),
        stream: StreamId::parse("0123456789abcdef0123456789abcdef").unwrap(),
        first: number * 10,
        last: number * 10 + 2,
    };
    let group = Group {
        gaps: (1..=2_500).map(gap).collect(),
        ..Group::default()
    };
    let mut prepared = store.writer.prepare(group, store.clock.now());
    store.writer.execute(&mut prepared).await.unwrap();
    store.writer.apply(prepared);
    hand.advance(HOUR_US);
    store.tidy().await;
    assert_eq!(store.number("SELECT count(*) FROM gap").await, 1_001);
    let losses = store.history.losses().await.unwrap();
    assert_eq!(losses["lab-1"].records, 7_500);
}

#[tokio::test]
async fn nothing_is_taken_that_would_be_let_go_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let kept = Kept {
        raw_days: 2,
        ..Kept::default()
    };
    let (mut store, hand) = Store::open(folder.path(), 0, kept).await;
    let days_ago = |store: &Store, days| store.clock.now().saturating_sub(Span::days(days));
    let from = |store: &Store| store.history.raw_from(store.clock.now());
    hand.advance(6 * DAY_US);
    assert_eq!(from(&store), days_ago(&store, 2));
    store.tidy().await;
    let before = from(&store);
    assert_eq!(before, days_ago(&store, 2));

    // More is to be kept: not what lies where things were let go already.
    let clock = store.clock.clone();
    drop(store);
    let more = Kept {
        raw_days: 5,
        ..kept
    };
    let mut store = Store::open_at(folder.path(), clock, more).await;
    let hour = |at: Micros| at.get().div_euclid(HOUR_US);
    assert_eq!(hour(from(&store)), hour(before));
    let just_taken = from(&store).get() / 1_000 - T0_MS + 1;
    let line = every(1_000, just_taken, just_taken + 5_000);
    let mut model = Model::default();
    model.add(1, &line);
    store.commit(&[(1, line)]).await;
    hand.advance(HOUR_US);
    store.tidy().await;
    store.check(&model, 8).await;
    hand.advance(4 * DAY_US);
    store.tidy().await;
    assert_eq!(from(&store), days_ago(&store, 5));
}

#[tokio::test]
async fn a_clock_that_was_ahead_for_a_moment_leaves_nothing_refused() {
    let folder = tempfile::tempdir().unwrap();
    let (mut store, hand) = Store::open(folder.path(), 0, Kept::default()).await;
    hand.advance(40 * DAY_US);
    store.tidy().await;
    assert_eq!(
        store.history.raw_from(store.clock.now()),
        at(10 * DAY_US / 1_000)
    );
    hand.advance(-40 * DAY_US);
    let expected = store.clock.now().saturating_sub(Span::days(30));
    assert_eq!(store.history.raw_from(store.clock.now()), expected);
    hand.advance(HOUR_US);
    store.tidy().await;
    let stored = "SELECT from_ms FROM kept_from WHERE step_ms = 0";
    assert!(store.number(stored).await <= T0_MS - 29 * DAY_US / 1_000);
}

#[tokio::test]
async fn a_start_long_after_the_last_commit_lets_nothing_go_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let (mut store, hand) = Store::open(folder.path(), 0, Kept::default()).await;
    store.commit(&[(1, every(1_000, 0, 2 * HOUR_MS))]).await;
    hand.advance(HOUR_US);
    store.tidy().await;
    let blocks = "SELECT count(*) FROM block";
    let before = store.number(blocks).await;
    assert!(before > 0);
    let clock = store.clock.clone();
    drop(store);
    hand.advance(40 * DAY_US);
    let mut store = Store::open_at(folder.path(), clock, Kept::default()).await;
    store.tidy().await;
    assert_eq!(store.number(blocks).await, before);
    hand.advance(6 * HOUR_US);
    store.tidy().await;
    assert_eq!(store.number(blocks).await, 0);
}
