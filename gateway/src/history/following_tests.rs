//! The journal as a queue: what stays for the follower, what recovery does with it, what is given up.

use std::path::Path;
use std::sync::Arc;

use async_trait::async_trait;
use scheduler::id::{InstrumentId, NodeId};
use scheduler::time::{MINUTE_US, Micros, SECOND_US, Span};
use wire::ChannelName;

use super::{
    Cell, ClockMark, ElsewhereCounts, Group, History, HistoryError, RawSeries, Rows, StepSeries,
    StoreElsewhere, Writer,
};
use crate::clock::{Clock, Hand};

/// A store that is never asked.
#[derive(Debug)]
struct Silent;

#[async_trait]
impl StoreElsewhere for Silent {
    async fn raw(
        &self,
        _: &History,
        _: (InstrumentId, &ChannelName),
        _: (Micros, Micros),
    ) -> Result<RawSeries, HistoryError> {
        Ok(RawSeries::default())
    }

    async fn stepped(
        &self,
        _: &History,
        _: (InstrumentId, &ChannelName),
        _: (Micros, Micros),
        _: Span,
    ) -> Result<StepSeries, HistoryError> {
        Ok(StepSeries::default())
    }

    fn counts(&self) -> ElsewhereCounts {
        ElsewhereCounts::default()
    }

    fn ready(&self) -> Result<(), String> {
        Ok(())
    }
}

const INSTRUMENT: InstrumentId = InstrumentId::new(7);

fn clock() -> (Clock, Hand) {
    Clock::manual(Micros::new(1_800_000_000 * SECOND_US))
}

async fn open(folder: &Path, clock: &Clock, bytes_max: Option<u64>) -> (History, Writer) {
    let history = History::open(folder, clock.clone()).await.unwrap();
    if let Some(bytes_max) = bytes_max {
        history
            .begin_following("s", bytes_max, Arc::new(Silent))
            .await
            .unwrap();
    }
    let (writer, _) = history.take_writer().unwrap();
    (history, writer)
}

/// Commits `count` readings a second apart, ending now.
async fn commit(writer: &mut Writer, clock: &Clock, count: i64) {
    let channel = writer
        .channel(&ChannelName::parse("power_w").unwrap(), NodeId::new(1))
        .unwrap();
    let mut rows = Rows::of_channels(&[channel]);
    let now_ms = clock.now().get() / 1_000;
    for second in 0..count {
        let time_ms = now_ms - (count - 1 - second) * 1_000;
        rows.push(time_ms, [Cell::Good(1.0)], ClockMark::default());
    }
    let group = Group {
        rows: vec![(INSTRUMENT, rows)],
        ..Group::default()
    };
    let mut prepared = writer.prepare(group, clock.now());
    writer.execute(&mut prepared).await.unwrap();
    writer.apply(prepared);
}

/// Returns the times of all readings that wait for the follower, in their order.
async fn waiting(history: &History) -> Vec<i64> {
    let commits = history.undelivered(usize::MAX).await.unwrap();
    let rows = commits.iter().flat_map(|commit| &commit.rows);
    rows.flat_map(|(_, rows)| rows.times_ms().to_vec())
        .collect()
}

fn in_tail(history: &History) -> usize {
    let tails = history.shared.tails.read();
    tails
        .get(&INSTRUMENT)
        .map_or(0, |tails| tails.live.len() + tails.late.len())
}

#[tokio::test]
async fn rows_kept_for_the_follower_alone_are_not_recovered() {
    let folder = tempfile::tempdir().unwrap();
    let (clock, hand) = clock();
    let (history, mut writer) = open(folder.path(), &clock, Some(1 << 20)).await;
    // Several tails become blocks meanwhile, with the rows that fill them in no tail at all.
    for _ in 0..12 {
        hand.advance(80 * SECOND_US);
        commit(&mut writer, &clock, 80).await;
    }
    let all = waiting(&history).await;
    assert_eq!(all.len(), 960);
    assert!(all.is_sorted_by(|one, other| one + 1_000 == *other));
    let tail = in_tail(&history);
    assert!(tail < 300, "{tail}");
    drop((history, writer));

    let (history, mut writer) = open(folder.path(), &clock, Some(1 << 20)).await;
    assert_eq!(in_tail(&history), tail);
    assert_eq!(waiting(&history).await, all);
    let needed = writer.journal.len();
    assert!(needed < 12, "{needed} journal rows were read to recover");

    // Delivered rows go with the next commit, and recovery still has what it needs.
    let last = history
        .undelivered(usize::MAX)
        .await
        .unwrap()
        .last()
        .unwrap()
        .seq;
    history.delivered(last);
    hand.advance(SECOND_US);
    commit(&mut writer, &clock, 1).await;
    assert_eq!(waiting(&history).await.len(), 1);
    drop((history, writer));
    let (history, _) = open(folder.path(), &clock, Some(1 << 20)).await;
    assert_eq!(in_tail(&history), tail + 1);
    assert_eq!(waiting(&history).await.len(), 1);
}

#[tokio::test]
async fn beyond_its_limit_the_queue_gives_up_the_oldest() {
    let folder = tempfile::tempdir().unwrap();
    let (clock, hand) = clock();
    let (history, mut writer) = open(folder.path(), &clock, Some(8_000)).await;
    for _ in 0..40 {
        hand.advance(80 * SECOND_US);
        commit(&mut writer, &clock, 80).await;
    }
    let backlog = history.backlog().unwrap();
    assert!(backlog.lost_rows > 10, "{backlog:?}");
    let waits = waiting(&history).await;
    let rows = usize::try_from(backlog.rows).unwrap();
    assert_eq!(waits.len(), rows * 80);
    assert_eq!(*waits.last().unwrap(), clock.now().get() / 1_000);
    // Only what recovery needs may be beyond the limit: a tail of less than ten minutes.
    assert!(backlog.bytes < 20_000, "{backlog:?}");
    // The loss is remembered.
    drop((history, writer));
    let (history, _) = open(folder.path(), &clock, Some(8_000)).await;
    assert_eq!(history.backlog().unwrap().lost_rows, backlog.lost_rows);
    assert_eq!(history.backlog().unwrap().lost_until, backlog.lost_until);
}

#[tokio::test]
async fn without_a_follower_nothing_is_kept_for_one() {
    let folder = tempfile::tempdir().unwrap();
    let (clock, hand) = clock();
    let (history, mut writer) = open(folder.path(), &clock, Some(1 << 20)).await;
    for _ in 0..12 {
        hand.advance(80 * SECOND_US);
        commit(&mut writer, &clock, 80).await;
    }
    drop((history, writer));
    let (history, mut writer) = open(folder.path(), &clock, None).await;
    hand.advance(20 * MINUTE_US);
    commit(&mut writer, &clock, 1).await;
    assert_eq!(history.backlog(), None);
    assert_eq!(rows_of(&history, "journal").await, 1);
    assert_eq!(rows_of(&history, "follower").await, 0);
}

async fn rows_of(history: &History, table: &str) -> i64 {
    let query = sqlx::AssertSqlSafe(format!("SELECT count(*) FROM {table}"));
    sqlx::query_scalar(query)
        .fetch_one(&history.pools.readers)
        .await
        .unwrap()
}
