//! The path of other makers' messages: read, committed, acknowledged, and the state follows.

use std::time::Duration;

use scheduler::id::InstrumentId;
use scheduler::time::{DAY_US, HOUR_US, MINUTE_US, Micros, SECOND_US};
use tokio::sync::oneshot;
use wire::{ChannelName, Quality};

use super::bench::{Bench, add_mapping, add_source, directory, readings, silence};
use super::{
    Acknowledge, ForeignBatch, ForeignMessage, ForeignReading, Presence, ReadingTime, Refused,
};
use crate::clock::Clock;
use crate::history::Kept;
use crate::registry::{Directory, SourceName};
use crate::status::{MachineState, OfflineReason};

/// Monday, 4 May 2026, 02:00 UTC: 10:00 in Shanghai.
const T0: Micros = Micros::new(1_777_860_000 * SECOND_US);

/// `K-1` is read by mappings, `K-2` by its agent.
fn plant() -> Directory {
    let mut directory = directory(&[("K-1", 1, "lab-1"), ("K-2", 2, "lab-1")]);
    directory.generation = 1;
    silence(&mut directory, 1);
    add_source(&mut directory, "plugs", "tele/#");
    add_source(&mut directory, "shellies", "shelly/#");
    let tasmota = r#"{"format":"tasmota","topic":"tele/{device}","instrument":"{device}"}"#;
    add_mapping(&mut directory, 1, tasmota);
    let shelly = r#"{"format":"shelly","topic":"shelly/a","instrument":"K-1"}"#;
    add_mapping(&mut directory, 2, shelly);
    directory
}

#[path = "foreign_tests/kept.rs"]
mod kept;

fn message(topic: &str, payload: &str, acknowledge: Acknowledge) -> ForeignMessage {
    ForeignMessage {
        publisher: None,
        topic: topic.to_owned(),
        payload: payload.to_owned().into(),
        is_retained: false,
        kept_for: std::time::Duration::ZERO,
        acknowledge,
    }
}

/// Sends a message at QoS 1 and waits for its acknowledgement.
async fn send(bench: &Bench, topic: &str, payload: &str) {
    let (done, dealt_with) = oneshot::channel();
    let acknowledge = Acknowledge::with(move || done.send(()).unwrap_or_default());
    let message = message(topic, payload, acknowledge);
    bench.handle.ingest_foreign(message).await.unwrap();
    let within = tokio::time::timeout(Duration::from_secs(20), dealt_with);
    within.await.expect("it is dealt with in time").unwrap();
}

/// Hands readings over and returns what was refused of them.
async fn keep(bench: &Bench, readings: Vec<ForeignReading>) -> Vec<&'static str> {
    let (done, dealt_with) = oneshot::channel();
    let refused = Refused::default();
    let batch = ForeignBatch {
        readings,
        presence: Vec::new(),
        refused: refused.clone(),
        acknowledge: Acknowledge::with(move || done.send(()).unwrap_or_default()),
    };
    bench.handle.ingest_readings(batch).await.unwrap();
    let within = tokio::time::timeout(Duration::from_secs(20), dealt_with);
    within.await.expect("it is dealt with in time").unwrap();
    let refused = refused.take().into_iter();
    refused.map(|(reason, _)| reason).collect()
}

fn reading(number: u32, channel: &str, value: f64, time: ReadingTime) -> ForeignReading {
    ForeignReading {
        instrument: InstrumentId::new(number),
        channel: ChannelName::parse(channel).unwrap(),
        unit: "W".to_owned(),
        time,
        value: Ok(value),
    }
}

/// Values of a channel and when they were read, in milliseconds after [`T0`].
async fn values(bench: &Bench, number: u32, channel: &str) -> Vec<(i64, Option<f64>)> {
    let channel = ChannelName::parse(channel).unwrap();
    let (from, to) = (
        Micros::new(T0.get() - 70 * DAY_US),
        Micros::new(T0.get() + DAY_US),
    );
    let history = bench.handle.history();
    let raw = history.raw(InstrumentId::new(number), &channel, from, to);
    let raw = raw.await.unwrap();
    let times = raw.times_ms.iter().map(|time| time - T0.get() / 1_000);
    times.zip(raw.values).collect()
}

fn state(bench: &Bench, number: u32) -> MachineState {
    bench.handle.machine(InstrumentId::new(number)).state
}

const SENSOR: &str = r#"{"Time":"2026-05-04T09:59:59","ENERGY":{"Power":250,"Voltage":231}}"#;

#[tokio::test]
async fn a_plug_is_read_committed_and_moves_the_state() {
    let folder = tempfile::tempdir().unwrap();
    let (clock, hand) = Clock::manual(T0);
    let bench = Bench::start_with(folder.path(), clock, plant()).await;
    let mut live = bench.handle.live();
    send(&bench, "tele/K-1/SENSOR", SENSOR).await;
    assert_eq!(values(&bench, 1, "power_w").await, [(-1_000, Some(250.0))]);
    assert_eq!(state(&bench, 1), MachineState::Running);
    assert_eq!(
        bench.handle.history().unit(
            InstrumentId::new(1),
            &ChannelName::parse("voltage_v").unwrap()
        ),
        "V"
    );
    let change = live.recv().await.unwrap();
    assert_eq!(change.states[0].state, MachineState::Running);
    let source = SourceName::parse("plugs").unwrap();
    let seen = bench.handle.source(&source).unwrap();
    assert_eq!((seen.messages, seen.is_at_most_once), (1, false));
    // At QoS 0 nobody waits: it is told on the source.
    let unasked = message("tele/K-1/SENSOR", SENSOR, Acknowledge::none());
    bench.handle.ingest_foreign(unasked).await.unwrap();
    send(&bench, "shelly/a/online", "true").await;
    assert!(bench.handle.source(&source).unwrap().is_at_most_once);
    // Its last will, and 15 s of silence, are offline; any word from it is the end of that.
    send(&bench, "tele/K-1/LWT", "Offline").await;
    hand.advance(16 * SECOND_US);
    let offline = MachineState::Offline(OfflineReason::Agent);
    wait_for(|| state(&bench, 1) == offline).await;
    let again = SENSOR.replace("09:59:59", "10:00:16");
    send(&bench, "tele/K-1/SENSOR", &again).await;
    assert_eq!(state(&bench, 1), MachineState::Running);
}

#[tokio::test]
async fn what_a_partial_message_leaves_out_stays_as_it_was() {
    let folder = tempfile::tempdir().unwrap();
    let (clock, hand) = Clock::manual(T0);
    let bench = Bench::start_with(folder.path(), clock, plant()).await;
    let whole = r#"{"id":0,"output":true,"apower":250,"voltage":231.5}"#;
    send(&bench, "shelly/a/status/switch:0", whole).await;
    hand.advance(SECOND_US);
    let partial =
        r#"{"method":"NotifyStatus","params":{"ts":1777860001,"switch:0":{"voltage":229}}}"#;
    send(&bench, "shelly/a/events/rpc", partial).await;
    let latest = bench.handle.latest(InstrumentId::new(1));
    let latest: Vec<(&str, Option<f64>)> = latest
        .iter()
        .map(|one| (one.name.as_str(), one.value))
        .collect();
    let expected = [
        ("output_bit", Some(1.0)),
        ("power_w", Some(250.0)),
        ("voltage_v", Some(229.0)),
    ];
    assert_eq!(latest, expected);
    assert_eq!(state(&bench, 1), MachineState::Running);
}

#[tokio::test]
async fn what_nobody_takes_is_listed_counted_and_acknowledged() {
    let folder = tempfile::tempdir().unwrap();
    let (clock, _hand) = Clock::manual(T0);
    let bench = Bench::start_with(folder.path(), clock, plant()).await;
    send(&bench, "tele/NOBODY/SENSOR", SENSOR).await;
    send(&bench, "tele/NOBODY/SENSOR", SENSOR).await;
    send(&bench, "shelly/b/status/switch:0", "{}").await;
    send(&bench, "elsewhere/x", "1").await;
    send(&bench, "tele/K-1/SENSOR", "no json").await;
    send(&bench, "tele/K-1/STATE", "{}").await;
    let mut devices = bench.handle.unknown_devices();
    devices.sort_by(|a, b| a.topic.cmp(&b.topic));
    let seen: Vec<(&str, &str, u64)> = devices
        .iter()
        .map(|one| (one.topic.as_str(), one.why.as_str(), one.count))
        .collect();
    let expected = [
        ("shelly/b/status/switch:0", "no_mapping", 1),
        ("tele/NOBODY/SENSOR", "no_such_instrument", 2),
    ];
    assert_eq!(seen, expected);
    let rejected = bench.handle.counts().rejected;
    assert_eq!(rejected.get("no_such_instrument"), Some(&2));
    assert_eq!(rejected.get("no_mapping"), Some(&1));
    assert_eq!(rejected.get("no_source"), Some(&1));
    assert!(rejected.get("not_json").is_some_and(|count| *count >= 1));
    assert_eq!(bench.handle.counts().foreign_messages, 6);
}

#[tokio::test]
async fn a_clock_that_nobody_checks_is_as_uncertain_as_it_is_far_off() {
    let folder = tempfile::tempdir().unwrap();
    let (clock, _hand) = Clock::manual(T0);
    let bench = Bench::start_with(folder.path(), clock, plant()).await;
    let device = |off_us: i64| ReadingTime::Device(Micros::new(T0.get() + off_us));
    let refused = keep(
        &bench,
        vec![
            reading(1, "near", 1.0, device(-3 * SECOND_US)),
            reading(1, "late", 1.0, device(-8 * HOUR_US)),
            reading(1, "ahead", 1.0, device(8 * HOUR_US)),
            reading(1, "unset", 1.0, ReadingTime::Device(Micros::new(0))),
            reading(1, "now", 1.0, ReadingTime::Arrival),
        ],
    )
    .await;
    assert_eq!(refused, ["implausible_time", "implausible_time"]);
    for (channel, at_ms) in [
        ("near", -3_000),
        ("late", -8 * 3_600_000),
        ("ahead", 0),
        ("unset", 0),
        ("now", 0),
    ] {
        assert_eq!(
            values(&bench, 1, channel).await,
            [(at_ms, Some(1.0))],
            "{channel}"
        );
    }
    let history = bench.handle.history();
    let (from, to) = (
        Micros::new(T0.get() - DAY_US),
        Micros::new(T0.get() + DAY_US),
    );
    let doubts = history
        .doubts(InstrumentId::new(1), from, to)
        .await
        .unwrap();
    let covers = |off_us: i64| {
        let at = Micros::new(T0.get() + off_us);
        doubts.iter().any(|doubt| doubt.contains(at))
    };
    assert!(covers(-8 * HOUR_US) && covers(MINUTE_US), "{doubts:?}");
    // Who answers for a time is believed, or refused.
    let stated = |off_us: i64| ReadingTime::Stated(Micros::new(T0.get() + off_us));
    let refused = keep(
        &bench,
        vec![
            reading(2, "yesterday", 1.0, stated(-DAY_US / 2)),
            reading(2, "tomorrow", 1.0, stated(DAY_US)),
            reading(2, "long_ago", 1.0, stated(-60 * DAY_US)),
        ],
    )
    .await;
    assert_eq!(refused, ["future_time", "too_old"]);
    // How old is too old follows what is kept.
    let kept = Kept {
        raw_days: 90,
        ..Kept::default()
    };
    let caretaker = history.take_caretaker(kept);
    assert!(caretaker.is_some());
    let long_ago = reading(2, "long_ago", 7.0, stated(-60 * DAY_US));
    assert_eq!(keep(&bench, vec![long_ago]).await, Vec::<String>::new());
    assert_eq!(values(&bench, 2, "long_ago").await.len(), 1);
    assert_eq!(values(&bench, 2, "yesterday").await.len(), 1);
    let doubts = history
        .doubts(InstrumentId::new(2), from, to)
        .await
        .unwrap();
    assert!(doubts.is_empty(), "{doubts:?}");
}

#[tokio::test]
async fn an_instrument_with_an_agent_gets_its_state_from_it_alone() {
    let folder = tempfile::tempdir().unwrap();
    let (clock, _hand) = Clock::manual(T0);
    let bench = Bench::start_with(folder.path(), clock, plant()).await;
    let now_ms = T0.get() / 1_000;
    bench
        .batch(
            "lab-1",
            &readings(1, &[("K-2", now_ms - 2_000, 250.0)], now_ms),
        )
        .await;
    assert_eq!(state(&bench, 2), MachineState::Running);
    let refused = keep(
        &bench,
        vec![
            reading(2, "power_w", 0.0, ReadingTime::Arrival),
            reading(2, "temperature_c", 21.5, ReadingTime::Arrival),
        ],
    )
    .await;
    assert_eq!(refused, ["agents_channel"]);
    assert_eq!(values(&bench, 2, "temperature_c").await, [(0, Some(21.5))]);
    // What the agent says after it is not late for the state.
    bench
        .batch(
            "lab-1",
            &readings(2, &[("K-2", now_ms - 1_000, 0.0)], now_ms),
        )
        .await;
    bench
        .batch("lab-1", &readings(3, &[("K-2", now_ms, 0.0)], now_ms))
        .await;
    assert_eq!(bench.handle.counts().late_points, 0);
}

#[tokio::test]
async fn the_same_reading_at_the_same_time_is_kept_once() {
    let folder = tempfile::tempdir().unwrap();
    let (clock, _hand) = Clock::manual(T0);
    let bench = Bench::start_with(folder.path(), clock, plant()).await;
    let at = ReadingTime::Stated(Micros::new(T0.get() - SECOND_US));
    for value in [1.0, 1.0, 2.0] {
        let batch = vec![
            reading(1, "power_w", 0.5, at),
            reading(1, "power_w", value, at),
        ];
        assert!(keep(&bench, batch).await.is_empty());
    }
    assert_eq!(values(&bench, 1, "power_w").await, [(-1_000, Some(2.0))]);
    let wild = vec![
        reading(1, "power_w", 1e16, ReadingTime::Arrival),
        reading(9, "power_w", 1.0, ReadingTime::Arrival),
    ];
    assert_eq!(
        keep(&bench, wild).await,
        ["implausible_value", "unknown_instrument"]
    );
    let latest = bench.handle.latest(InstrumentId::new(1));
    assert_eq!(
        (latest[0].value, latest[0].quality),
        (None, Quality::OutOfRange)
    );
}

#[tokio::test]
async fn messages_within_a_millisecond_follow_each_other() {
    let folder = tempfile::tempdir().unwrap();
    let (clock, _hand) = Clock::manual(T0);
    let bench = Bench::start_with(folder.path(), clock, plant()).await;
    for power in [0.0, 250.0] {
        let whole = format!(r#"{{"apower":{power}}}"#);
        send(&bench, "shelly/a/status/switch:0", &whole).await;
    }
    let expected = [(0, Some(0.0)), (1, Some(250.0))];
    assert_eq!(values(&bench, 1, "power_w").await, expected);
    assert_eq!(bench.handle.counts().late_points, 0);
    let gone = ForeignBatch {
        presence: vec![Presence {
            instrument: InstrumentId::new(1),
            is_here: false,
        }],
        ..ForeignBatch::default()
    };
    bench.handle.ingest_readings(gone).await.unwrap();
}

#[tokio::test]
async fn a_batch_with_too_many_names_is_kept_not_at_all() {
    let folder = tempfile::tempdir().unwrap();
    let (clock, _hand) = Clock::manual(T0);
    let bench = Bench::start_with(folder.path(), clock, plant()).await;
    let named = |from: u32, to: u32| -> Vec<ForeignReading> {
        let names = (from..to).map(|number| format!("made_up_{number}"));
        let readings = names.map(|name| reading(1, &name, 1.0, ReadingTime::Stated(T0)));
        readings.collect()
    };
    let at_once = (keep(&bench, named(0, 100)), keep(&bench, named(100, 200)));
    let (first, second) = tokio::join!(at_once.0, at_once.1);
    assert_eq!(
        [first, second].concat(),
        [super::foreign::TOO_MANY_CHANNELS]
    );
    let name = |number: u32| format!("made_up_{number}");
    for range in [0..100, 100..200] {
        let mut kept = 0;
        for number in range {
            kept += values(&bench, 1, &name(number)).await.len();
        }
        assert!(kept == 0 || kept == 100, "{kept} of 100 readings");
    }
}

async fn wait_for(mut holds: impl FnMut() -> bool) {
    for _ in 0..1_000 {
        if holds() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("it did not happen in time");
}
