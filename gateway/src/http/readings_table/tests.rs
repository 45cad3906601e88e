//! Tables to the byte.

use std::sync::Arc;

use async_trait::async_trait;
use scheduler::id::{InstrumentId, NodeId};
use scheduler::slot::Slot;
use wire::{ChannelName, Quality};

use super::*;
use crate::clock::Clock;
use crate::history::{
    Cell, ClockMark, ElsewhereCounts, Group, History, HistoryError, Rows, StoreElsewhere,
};

fn table(unit: &str) -> Table {
    Table {
        instrument: "A-1".to_owned(),
        channel: "power_w".to_owned(),
        unit: unit.to_owned(),
        zone: Tz::Asia__Shanghai,
    }
}

#[test]
fn tables_have_a_row_a_point_and_say_why_values_are_missing() {
    let series = RawSeries {
        times_ms: vec![0, 1_000],
        values: vec![Some(1.5), None],
        bad: vec![(1_000, Quality::Timeout)],
    };
    let text = String::from_utf8(raw_csv(&table("W"), &series)).unwrap();
    assert_eq!(
        text,
        "1970-01-01T08:00:00+08:00,1970-01-01T00:00:00+00:00,1.5,good,W\r\n\
         1970-01-01T08:00:01+08:00,1970-01-01T00:00:01+00:00,,timeout,W\r\n"
    );
    let series = StepSeries {
        times_ms: vec![0],
        min: vec![1.0],
        mean: vec![2.0],
        max: vec![3.0],
        last: vec![2.5],
        count: vec![4],
        good_ms: vec![45_000],
    };
    let minute = Span::minutes(1);
    let text = String::from_utf8(stepped_csv(&table("a,\"b\""), &series, minute)).unwrap();
    let row = text.lines().nth(1).unwrap();
    assert!(
        row.ends_with("+00:00,1,2,3,2.5,4,0.7500,\"a,\"\"b\"\"\""),
        "{row}"
    );
}

#[test]
fn the_parameter_goes_before_what_is_accepted() {
    let chosen_of = |accept: &str, asked| {
        let mut headers = HeaderMap::new();
        headers.insert(header::ACCEPT, accept.parse().unwrap());
        chosen(&headers, asked).ok()
    };
    assert_eq!(chosen_of("*/*", None), Some(Format::Json));
    assert_eq!(chosen_of("text/csv;q=0.9, */*", None), Some(Format::Csv));
    assert_eq!(
        chosen_of("text/csv", Some(Format::Json)),
        Some(Format::Json)
    );
    let parquet = cfg!(feature = "parquet").then_some(Format::Parquet);
    assert_eq!(chosen_of(PARQUET, None), parquet);
}

#[tokio::test]
async fn any_range_is_sent_piece_by_piece() {
    let folder = tempfile::tempdir().unwrap();
    let start = Micros::new(20_500 * 86_400_000_000);
    let (clock, _) = Clock::manual(start);
    let history = History::open(folder.path(), clock.clone()).await.unwrap();
    let (mut writer, _) = history.take_writer().unwrap();
    let name = ChannelName::parse("power_w").unwrap();
    let mut rows = Rows::of_channels(&[writer.channel(&name, NodeId::new(1)).unwrap()]);
    for second in 0..20_000 {
        // Some at once, a long silence, and the rest.
        let time_ms = start.get() / 1_000 + second * 1_000 + second / 15_000 * 90 * 86_400_000;
        rows.push(time_ms, [Cell::Good(1.0)], ClockMark::default());
    }
    let group = Group {
        rows: vec![(InstrumentId::new(1), rows)],
        ..Group::default()
    };
    let mut prepared = writer.prepare(group, clock.now());
    writer.execute(&mut prepared).await.unwrap();
    writer.apply(prepared);
    let window = Slot::new(start, start + Span::days(200)).unwrap();
    let mut pieces = Pieces::new(history, InstrumentId::new(1), name, window);
    let first = pieces.next().await.unwrap();
    let (answer, parts) = streamed(Format::Csv, table("W"), first, pieces).unwrap();
    let answer = answer.map(|_| Body::from_stream(parts));
    let name = answer.headers().get(header::CONTENT_DISPOSITION).unwrap();
    assert_eq!(name, "attachment; filename=\"A-1_power_w.csv\"");
    let bytes = axum::body::to_bytes(answer.into_body(), usize::MAX)
        .await
        .unwrap();
    let text = String::from_utf8(bytes.to_vec()).unwrap();
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines.len(), 20_001);
    assert_eq!(lines[0], RAW_HEAD.trim_end());
    assert!(lines[1..].is_sorted(), "in the order of time, each once");
}

/// A store that has one reading which the embedded one has no more.
#[derive(Debug)]
struct Older {
    time_ms: i64,
}

#[async_trait]
impl StoreElsewhere for Older {
    async fn raw(
        &self,
        history: &History,
        (instrument, channel): (InstrumentId, &ChannelName),
        (from, to): (Micros, Micros),
    ) -> Result<RawSeries, HistoryError> {
        let mut series = history.raw(instrument, channel, from, to).await?;
        if (from.get()..to.get()).contains(&(self.time_ms * 1_000)) {
            series.times_ms.insert(0, self.time_ms);
            series.values.insert(0, Some(7.5));
        }
        Ok(series)
    }

    async fn stepped(
        &self,
        history: &History,
        (instrument, channel): (InstrumentId, &ChannelName),
        (from, to): (Micros, Micros),
        step: Span,
    ) -> Result<StepSeries, HistoryError> {
        history.stepped(instrument, channel, from, to, step).await
    }

    fn counts(&self) -> ElsewhereCounts {
        ElsewhereCounts::default()
    }

    fn ready(&self) -> Result<(), String> {
        Ok(())
    }
}

#[tokio::test]
async fn a_table_holds_what_only_the_store_elsewhere_has() {
    let folder = tempfile::tempdir().unwrap();
    let start = Micros::new(20_500 * 86_400_000_000);
    let (clock, _) = Clock::manual(start);
    let history = History::open(folder.path(), clock).await.unwrap();
    let older = Older {
        time_ms: start.get() / 1_000 - 100 * 86_400_000,
    };
    let elsewhere = Arc::new(older);
    let following = history.begin_following("test", 1 << 20, elsewhere);
    following.await.unwrap();
    let window = Slot::new(start.saturating_sub(Span::days(400)), start).unwrap();
    let name = ChannelName::parse("power_w").unwrap();
    let mut pieces = Pieces::new(history, InstrumentId::new(1), name, window);
    let first = pieces.next().await.unwrap();
    let (answer, parts) = streamed(Format::Csv, table("W"), first, pieces).unwrap();
    let answer = answer.map(|_| Body::from_stream(parts));
    let bytes = axum::body::to_bytes(answer.into_body(), usize::MAX);
    let text = String::from_utf8(bytes.await.unwrap().to_vec()).unwrap();
    assert_eq!(text.matches(",7.5,good,W").count(), 1, "{text}");
}

#[test]
fn a_unit_is_no_formula() {
    assert_eq!(quoted("=cmd|'/C a'!A1"), "'=cmd|'/C a'!A1");
    assert_eq!(quoted("+1,2"), "\"'+1,2\"");
    assert_eq!(quoted("m/s"), "m/s");
}
