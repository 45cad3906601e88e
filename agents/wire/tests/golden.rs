//! Golden bytes: what a release has put on the wire, the next release still reads and writes.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test states what must hold"
)]

use wire::{
    Ack, AgentName, Bad, Batch, BootId, ChannelInfo, ChannelName, Clocks, DecodeError, DeviceInfo,
    DropReason, Event, Hello, InstrumentKey, Quality, Record, RecordBody, SeqRange, Series, Status,
    StreamId, decode_ack, decode_batch, decode_hello, decode_status, encode,
};

fn stream() -> StreamId {
    StreamId::parse("00112233445566778899aabbccddeeff").unwrap()
}

fn boot() -> BootId {
    BootId::parse("b1").unwrap()
}

fn clocks(wall_ms: i64, mono_ms: i64) -> Clocks {
    Clocks { wall_ms, mono_ms }
}

fn readings() -> Batch {
    Batch {
        stream: stream(),
        seq: 812,
        oldest: 800,
        boot: boot(),
        sent: clocks(1_790_000_000_500, 60_500),
        record: Record {
            boot: boot(),
            at: clocks(1_790_000_000_000, 60_000),
            body: RecordBody::Series(vec![Series {
                key: InstrumentKey::parse("NM-00001").unwrap(),
                offsets_ms: vec![-1000, 0],
                channels: vec![
                    ChannelName::parse("power_w").unwrap(),
                    ChannelName::parse("voltage_v").unwrap(),
                ],
                values: vec![vec![Some(283.5), None], vec![Some(230.0), Some(230.1)]],
                bad: vec![Bad {
                    channel: 0,
                    at: 1,
                    reason: Quality::Timeout,
                }],
            }]),
        },
    }
}

#[track_caller]
fn check(encoded: &[u8], golden: &str) {
    assert_eq!(std::str::from_utf8(encoded).unwrap(), golden.trim_end());
}

#[test]
fn readings_keep_their_bytes() {
    let golden = include_str!("golden/readings.json");
    check(&encode(&readings()), golden);
    assert_eq!(
        decode_batch(golden.trim_end().as_bytes()).unwrap(),
        readings()
    );
}

#[test]
fn event_keeps_its_bytes() {
    let mut batch = readings();
    batch.record.body = RecordBody::Event(Event::Dropped {
        from: 3,
        to: 9,
        count: None,
        reason: None,
    });
    let golden = include_str!("golden/event.json");
    check(&encode(&batch), golden);
    assert_eq!(decode_batch(golden.trim_end().as_bytes()).unwrap(), batch);
}

#[test]
fn what_an_outbox_lost_keeps_its_bytes() {
    let dropped = Event::Dropped {
        from: 3,
        to: 9,
        count: Some(5),
        reason: Some(DropReason::Age),
    };
    let bytes = r#"{"kind":"dropped","from":3,"to":9,"count":5,"reason":"age"}"#;
    check(&encode(&dropped), bytes);
    assert_eq!(serde_json::from_str::<Event>(bytes).unwrap(), dropped);
    // A release before knew `from` and `to` alone, one after may know more reasons.
    let newer = r#"{"kind":"dropped","from":3,"to":9,"reason":"tired","more":[1]}"#;
    let expected = Event::Dropped {
        from: 3,
        to: 9,
        count: None,
        reason: Some(DropReason::Other),
    };
    assert_eq!(serde_json::from_str::<Event>(newer).unwrap(), expected);
    let damaged = Event::Damaged {
        kept: 12,
        renewed: true,
    };
    let bytes = r#"{"kind":"damaged","kept":12,"renewed":true}"#;
    check(&encode(&damaged), bytes);
    assert_eq!(serde_json::from_str::<Event>(bytes).unwrap(), damaged);
    for reason in [
        DropReason::Full,
        DropReason::Age,
        DropReason::Disk,
        DropReason::Damaged,
        DropReason::TooLarge,
        DropReason::Other,
    ] {
        check(&encode(&reason), &format!("{:?}", reason.as_str()));
    }
}

#[test]
fn hello_keeps_its_bytes() {
    let hello = Hello {
        version: "0.1.0".into(),
        stream: stream(),
        oldest: 1,
        next: 1,
        boot: boot(),
        sent: clocks(3_000, 3_000),
        report_every_ms: 10_000,
        devices: vec![DeviceInfo {
            name: "meter-1".into(),
            profile: "sdm120".into(),
            instrument: InstrumentKey::parse("NM-00001").unwrap(),
            channels: vec![ChannelInfo {
                name: ChannelName::parse("power_w").unwrap(),
                unit: "W".into(),
            }],
        }],
    };
    let golden = include_str!("golden/hello.json");
    check(&encode(&hello), golden);
    assert_eq!(decode_hello(golden.trim_end().as_bytes()).unwrap(), hello);
}

#[test]
fn status_and_ack_keep_their_bytes() {
    let status = Status {
        boot: boot(),
        connect: 2,
        online: true,
    };
    check(
        &encode(&status),
        r#"{"boot":"b1","connect":2,"online":true}"#,
    );
    assert_eq!(decode_status(&encode(&status)).unwrap(), status);
    let ack = Ack {
        stream: stream(),
        upto: 811,
        ranges: vec![SeqRange(813, 815)],
    };
    let golden = include_str!("golden/ack.json");
    check(&encode(&ack), golden);
    assert_eq!(decode_ack(golden.trim_end().as_bytes()).unwrap(), ack);
    assert!(ack.covers(811) && !ack.covers(812) && ack.covers(815) && !ack.covers(816));
}

#[test]
fn every_quality_has_one_text() {
    for quality in Quality::ALL {
        assert_eq!(
            serde_json::to_string(&quality).unwrap(),
            format!("\"{}\"", quality.as_str())
        );
    }
    assert_eq!(
        serde_json::from_str::<Quality>("\"from_2030\"").unwrap(),
        Quality::Other
    );
}

#[test]
fn fields_and_events_of_a_newer_release_are_read_over() {
    let newer = include_str!("golden/event.json")
        .replace(
            r#""kind":"dropped","from":3,"to":9"#,
            r#""kind":"meteor","size":4"#,
        )
        .replace(r#"{"stream""#, r#"{"new_field":[1],"stream""#);
    let batch = decode_batch(newer.trim_end().as_bytes()).unwrap();
    assert_eq!(batch.record.body, RecordBody::Event(Event::Other));
}

#[track_caller]
fn check_refused(change: impl FnOnce(&mut Series)) {
    let mut batch = readings();
    let RecordBody::Series(series) = &mut batch.record.body else {
        unreachable!()
    };
    change(&mut series[0]);
    assert!(matches!(
        decode_batch(&encode(&batch)),
        Err(DecodeError::Shape(_) | DecodeError::TooLarge(_))
    ));
}

#[test]
fn impossible_shapes_are_refused() {
    check_refused(|series| series.values[0].truncate(1));
    check_refused(|series| series.values.truncate(1));
    check_refused(|series| series.offsets_ms = vec![0, -1000]);
    check_refused(|series| series.bad.clear());
    check_refused(|series| series.bad.iter_mut().for_each(|bad| bad.at = 7));
    check_refused(|series| {
        series
            .bad
            .iter_mut()
            .for_each(|bad| bad.reason = Quality::Good);
    });
    check_refused(|series| series.bad.push(series.bad[0].clone()));
    check_refused(|series| series.channels[1] = series.channels[0].clone());
    check_refused(|series| {
        series.offsets_ms = vec![0; 5_000];
        series.values = vec![vec![Some(0.0); 5_000]; 2];
        series.bad.clear();
    });
}

#[test]
fn numbers_that_are_none_and_payloads_too_large_are_refused() {
    for text in ["NaN", "1e999", "\"1\"", "true"] {
        let golden = include_str!("golden/readings.json").replace("283.5", text);
        assert!(decode_batch(golden.as_bytes()).is_err(), "{text}");
    }
    assert!(matches!(
        decode_batch(&vec![b' '; 300_000]),
        Err(DecodeError::TooLarge(_))
    ));
    assert!(AgentName::parse("lab-007").is_ok());
}
