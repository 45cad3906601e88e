//! Scenario: readings are written on to another store and read from there. One contract, run against
//! a real VictoriaMetrics and against a double of InfluxDB 2: the embedded store and the store
//! elsewhere answer the same.

use std::sync::Arc;
use std::time::Duration;

use gateway::clock::{Clock, Hand};
use gateway::config::{Elsewhere, Kind, Secret};
use gateway::follow;
use gateway::history::{
    Cell, ChannelNo, ClockMark, Group, History, RawSeries, Rows, StepSeries, Writer,
};
use gateway::lifecycle::Lifecycle;
use scheduler::id::{InstrumentId, NodeId};
use scheduler::time::{HOUR_US, MINUTE_US, Micros, SECOND_US, Span};
use tests::influx::{BUCKET, Influx, ORG, TOKEN};
use tests::victoria::Victoria;
use tests::wait;
use wire::{ChannelName, Quality};

const INSTRUMENT: InstrumentId = InstrumentId::new(17);

/// All that is written is delivered within this time.
const DELIVERED: Duration = Duration::from_secs(30);

fn name(text: &str) -> ChannelName {
    ChannelName::parse(text).unwrap()
}

/// A history whose readings are written on.
struct Plant {
    history: History,
    writer: Writer,
    clock: Clock,
    hand: Hand,
    lifecycle: Lifecycle,
    /// The moment the follower began, whole seconds.
    began: Micros,
    _folder: tempfile::TempDir,
}

impl Plant {
    async fn new(elsewhere: &Elsewhere) -> Self {
        let folder = tempfile::tempdir().unwrap();
        // A store may refuse what lies far from its own clock.
        let began_s = Clock::system().now().get() / SECOND_US - 6 * 3_600;
        let began = Micros::new(began_s * SECOND_US);
        let (clock, hand) = Clock::manual(began);
        let history = History::open(folder.path(), clock.clone()).await.unwrap();
        let lifecycle = Lifecycle::new();
        follow::start(elsewhere, &history, Arc::default(), &clock, &lifecycle)
            .await
            .unwrap();
        let (writer, _) = history.take_writer().unwrap();
        Self {
            history,
            writer,
            clock,
            hand,
            lifecycle,
            began,
            _folder: folder,
        }
    }

    async fn commit(&mut self, rows: Rows) {
        let group = Group {
            rows: vec![(INSTRUMENT, rows)],
            ..Group::default()
        };
        let mut prepared = self.writer.prepare(group, self.clock.now());
        self.writer.execute(&mut prepared).await.unwrap();
        self.writer.apply(prepared);
    }

    /// Commits an hour of readings, some bad, some absent, some late, in the order they came.
    async fn fill(&mut self) {
        let power = self
            .writer
            .channel(&name("power_w"), NodeId::new(1))
            .unwrap();
        let energy = self
            .writer
            .channel(&name("energy_wh"), NodeId::new(1))
            .unwrap();
        let channels = [power, energy];
        let live: Vec<i64> = (0..3_600)
            .filter(|second| !(900..1_000).contains(second))
            .collect();
        for part in live.chunks(700) {
            self.hand.advance(20 * MINUTE_US);
            let rows = rows(self.began, &channels, part);
            self.commit(rows).await;
        }
        let late: Vec<i64> = (900..1_000).collect();
        let rows = rows(self.began, &channels, &late);
        self.commit(rows).await;
        self.hand.advance(3 * HOUR_US);
    }

    async fn delivered(&self) {
        wait::until(
            "the backlog to be delivered",
            DELIVERED,
            async || match self.history.backlog() {
                Some(backlog) if backlog.rows == 0 => Ok(()),
                other => Err(format!("{other:?}")),
            },
        )
        .await;
    }

    /// Compares what both stores say of windows and steps of all kinds.
    async fn compare(&self) {
        let from_s = |second: i64| Micros::new(self.began.get() + second * SECOND_US);
        let odd_ms = |at: Micros| Micros::new(at.get() + 137_000);
        let windows = [
            (from_s(180), from_s(3_720)),
            (odd_ms(from_s(200)), odd_ms(from_s(2_000))),
            (from_s(880), from_s(1_020)),
            (from_s(7_000), from_s(7_100)),
        ];
        for channel in ["power_w", "energy_wh", "never_heard_of"].map(name) {
            for (from, to) in windows {
                let here = self
                    .history
                    .raw(INSTRUMENT, &channel, from, to)
                    .await
                    .unwrap();
                let there = self
                    .history
                    .raw_anywhere(INSTRUMENT, &channel, from, to)
                    .await;
                assert_same_raw(&here, &there.unwrap());
                for step_s in [1, 7, 60, 600] {
                    let step = Span::new(step_s * SECOND_US).unwrap();
                    let here = self
                        .history
                        .stepped(INSTRUMENT, &channel, from, to, step)
                        .await;
                    let there = self
                        .history
                        .stepped_anywhere(INSTRUMENT, &channel, from, to, step)
                        .await;
                    assert_same_steps(&here.unwrap(), &there.unwrap());
                }
            }
        }
        let counts = self.history.elsewhere().unwrap().counts();
        let told = (
            counts.read_failures,
            counts.set_aside_lines,
            counts.left_out_values,
        );
        assert_eq!(told, (0, 0, 0));
    }

    async fn stop(self) {
        self.lifecycle.stop();
        self.lifecycle
            .finished(Duration::from_secs(10))
            .await
            .unwrap();
    }
}

/// Returns rows of whole seconds, from three minutes after the begin on.
fn rows(began: Micros, channels: &[ChannelNo; 2], seconds: &[i64]) -> Rows {
    let mut rows = Rows::of_channels(channels);
    for second in seconds {
        let power = match second % 97 {
            13 => Cell::Bad(Quality::Timeout),
            14 => Cell::Absent,
            15 => Cell::Good(-0.125),
            tick => Cell::Good(230.5 + tick as f64 * 0.01),
        };
        let energy = match second % 10 {
            0 => Cell::Good(1_234_567.25 + *second as f64),
            _ => Cell::Absent,
        };
        let time_ms = began.get() / 1_000 + (180 + second) * 1_000 + second % 3;
        rows.push(time_ms, [power, energy], ClockMark::default());
    }
    rows
}

#[track_caller]
fn assert_same_raw(here: &RawSeries, there: &RawSeries) {
    assert_eq!(here.times_ms, there.times_ms);
    assert_eq!(here.bad, there.bad);
    for (here, there) in here.values.iter().zip(&there.values) {
        assert_eq!(here.is_some(), there.is_some());
        assert_near(here.unwrap_or(0.0), there.unwrap_or(0.0));
    }
}

#[track_caller]
fn assert_same_steps(here: &StepSeries, there: &StepSeries) {
    assert_eq!(here.times_ms, there.times_ms);
    assert_eq!(here.count, there.count);
    assert_eq!(here.good_ms, there.good_ms);
    let columns = [
        (&here.min, &there.min),
        (&here.mean, &there.mean),
        (&here.max, &there.max),
        (&here.last, &there.last),
    ];
    for (here, there) in columns {
        assert_eq!(here.len(), there.len());
        for (here, there) in here.iter().zip(there) {
            assert_near(*here, *there);
        }
    }
}

/// VictoriaMetrics keeps decimal numbers; means are summed in another order.
#[track_caller]
fn assert_near(here: f64, there: f64) {
    assert!((here - there).abs() <= here.abs() * 1e-12, "{here} {there}");
}

#[tokio::test]
async fn victoriametrics_answers_what_the_embedded_store_answers() {
    let dir = tempfile::tempdir().unwrap();
    let victoria = Victoria::start(dir.path()).await;
    let elsewhere = Elsewhere {
        kind: Kind::Victoria,
        url: victoria.url(),
        token: None,
        queue_bytes_max: 64 << 20,
    };
    let mut plant = Plant::new(&elsewhere).await;
    plant.fill().await;
    plant.delivered().await;
    victoria.flush().await;
    plant.compare().await;
    // The answers do come from there: what only it has is in them.
    let time_ms = plant.began.get() / 1_000 + 6_000_123;
    let line = format!("ortoo_reading,id=17 power_w=5e3 {time_ms}");
    victoria.write(&line).await;
    let (from, to) = (
        Micros::new(time_ms * 1_000),
        Micros::new(time_ms * 1_000 + SECOND_US),
    );
    let series = plant
        .history
        .raw_anywhere(INSTRUMENT, &name("power_w"), from, to)
        .await
        .unwrap();
    assert_eq!(series.values, [Some(5_000.0)]);
    plant.stop().await;
}

#[tokio::test]
async fn a_double_of_influxdb_answers_what_the_embedded_store_answers() {
    let influx = Influx::start().await;
    let elsewhere = Elsewhere {
        kind: Kind::Influx {
            org: ORG.to_owned(),
            bucket: BUCKET.to_owned(),
        },
        url: influx.url(),
        token: Some(Secret::new(TOKEN.to_owned())),
        queue_bytes_max: 64 << 20,
    };
    let mut plant = Plant::new(&elsewhere).await;
    plant.fill().await;
    plant.delivered().await;
    plant.compare().await;
    // Three channels, four windows, each raw and by four steps.
    assert_eq!(influx.queries(), 3 * 4 * 5);
    plant.stop().await;
}
