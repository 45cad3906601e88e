//! Tests of what is reported and when.

use std::sync::Arc;

use wire::{InstrumentKey, Quality};

use super::*;
use crate::config::{Address, Way};
use crate::profile::Profiles;

fn device(always: bool, band: f64) -> Device {
    let profile = Profiles::built_in().get("generic").unwrap();
    Device {
        name: "d".into(),
        instrument: InstrumentKey::parse("NM-1").unwrap(),
        dead_band: vec![band; profile.registers.len()],
        profile,
        way: Way::Tcp(Address::parse("127.0.0.1:1", None).unwrap()),
        unit: 1,
        every: Duration::from_secs(1),
        timeout: Duration::from_secs(1),
        always,
    }
}

fn clocks(mono_ms: i64) -> Clocks {
    Clocks {
        wall_ms: 1_000_000 + mono_ms,
        mono_ms,
    }
}

fn poll(ms: i64, power: f64) -> Polled {
    Polled {
        device: 0,
        at: clocks(ms),
        values: vec![Ok(power), Ok(20.0), Ok(0.0)],
        answered: Ok(()),
    }
}

fn reporter(device: Device) -> Reporter {
    Reporter::new(&[device], Duration::from_secs(10))
}

/// Offers polls at these times with these powers and returns the times that are reported.
fn reported(device: Device, polls: &[(i64, f64)]) -> Vec<i64> {
    let mut reporter = reporter(device);
    for (ms, power) in polls {
        reporter.offer(poll(*ms, *power));
    }
    let series = reporter.take(clocks(0));
    series
        .first()
        .map_or_else(Vec::new, |one| one.offsets_ms.clone())
}

#[test]
fn unchanged_readings_are_reported_every_ten_seconds() {
    let polls: Vec<(i64, f64)> = (0..25).map(|second| (second * 1000, 5.0)).collect();
    assert_eq!(reported(device(false, 0.0), &polls), [0, 10_000, 20_000]);
    assert_eq!(reported(device(true, 0.0), &polls).len(), 25);
}

#[test]
fn changes_beyond_the_dead_band_are_reported() {
    let polls = [
        (0, 5.0),
        (1000, 5.9),
        (2000, 6.1),
        (3000, 6.1),
        (4000, 5.2),
        (5000, 5.0),
    ];
    assert_eq!(reported(device(false, 1.0), &polls), [0, 2000, 5000]);
    assert_eq!(
        reported(device(false, 0.0), &polls),
        [0, 1000, 2000, 4000, 5000]
    );
}

#[test]
fn becoming_bad_is_a_change_and_carries_its_reason() {
    let mut reporter = reporter(device(false, 100.0));
    assert!(matches!(
        reporter.offer(poll(0, 5.0)),
        Some(Event::Device {
            reachable: true,
            reason: Quality::Good,
            ..
        })
    ));
    let bad = Polled {
        values: vec![Err(Quality::Timeout); 3],
        answered: Err(Quality::Timeout),
        ..poll(6000, 0.0)
    };
    assert!(matches!(
        reporter.offer(bad.clone()),
        Some(Event::Device {
            reachable: false,
            reason: Quality::Timeout,
            ..
        })
    ));
    assert_eq!(
        reporter.offer(Polled {
            at: clocks(7000),
            ..bad
        }),
        None
    );
    // Back within the five seconds: reported as readings, announced later.
    assert_eq!(reporter.offer(poll(8000, 5.0)), None);
    assert!(reporter.offer(poll(12_000, 5.0)).is_some());
    let series = reporter.take(clocks(12_500));
    assert_eq!(series[0].offsets_ms, [-12_500, -6500, -4500]);
    assert_eq!(series[0].values[0], [Some(5.0), None, Some(5.0)]);
    assert_eq!(series[0].bad.len(), 3);
    let record = Record {
        boot: wire::BootId::parse("b").unwrap(),
        at: clocks(12_500),
        body: RecordBody::Series(series),
    };
    let batch = wire::Batch {
        stream: wire::StreamId::parse(&"0".repeat(32)).unwrap(),
        seq: 1,
        oldest: 1,
        boot: record.boot.clone(),
        sent: record.at,
        record,
    };
    assert_eq!(wire::decode_batch(&wire::encode(&batch)).unwrap(), batch);
    assert!(!reporter.is_waiting());
}

#[test]
fn the_largest_record_fits_the_wire() {
    let mut always = device(true, 0.0);
    always.every = Duration::from_millis(10);
    let mut reporter = Reporter::new(&vec![always; 20], Duration::from_secs(10));
    let mut ms = 0;
    while !reporter.is_full() {
        for index in 0..20 {
            reporter.offer(Polled {
                device: index,
                values: vec![Err(Quality::DeviceUnreachable); 3],
                ..poll(ms, 0.0)
            });
        }
        ms += 10;
    }
    let body = RecordBody::Series(reporter.take(clocks(1_000_000_000)));
    let bytes = wire::encode(&body).len();
    assert!(bytes + 1000 < wire::PAYLOAD_BYTES_MAX, "{bytes}");
}

/// Many devices that fail at once: their reasons and names are what is large, not their values.
#[test]
fn a_record_of_many_failing_devices_fits_the_wire() {
    let profile = Profiles::built_in().get("sdm630").unwrap();
    let channels = profile.registers.len();
    let devices: Vec<Device> = (0..wire::DEVICES_MAX)
        .map(|index| Device {
            instrument: InstrumentKey::parse(&format!("NM-LAB-{index:050}")).unwrap(),
            profile: Arc::clone(&profile),
            dead_band: vec![0.0; channels],
            ..device(false, 0.0)
        })
        .collect();
    let mut reporter = Reporter::new(&devices, Duration::from_secs(10));
    let (mut told, mut records) = (0, 0);
    for index in 0..devices.len() {
        reporter.offer(Polled {
            device: index,
            values: vec![Err(Quality::DeviceUnreachable); channels],
            ..poll(0, 0.0)
        });
        if reporter.is_full() || index + 1 == devices.len() {
            let body = RecordBody::Series(reporter.take(clocks(1_000_000_000)));
            let bytes = wire::encode(&body).len();
            assert!(bytes + 1000 < wire::PAYLOAD_BYTES_MAX, "{bytes}");
            let RecordBody::Series(series) = body else {
                unreachable!("readings were taken")
            };
            told += series.len();
            records += 1;
        }
    }
    assert_eq!(told, devices.len());
    assert!(records > 1);
}

#[tokio::test(start_paused = true)]
async fn readings_of_all_devices_share_one_record_a_second() {
    let mut devices = vec![device(true, 0.0); 3];
    devices[2].name = "e".into();
    let (clock, hand) = Clock::manual(clocks(0));
    let (polls, inbox) = mpsc::channel(64);
    let (outbox, mut records) = mpsc::channel(64);
    let running = run(
        Reporter::new(&devices, Duration::from_secs(10)),
        clock,
        inbox,
        outbox,
    );
    let feeding = async move {
        for second in 0..5 {
            for index in 0..3 {
                polls
                    .send(Heard::Polled(Polled {
                        device: index,
                        ..poll(second * 1000, 1.0)
                    }))
                    .await
                    .unwrap();
            }
            tokio::time::sleep(Duration::from_secs(1)).await;
            hand.advance(1000);
        }
    };
    let counting = async move {
        let (mut events, mut readings) = (0, Vec::new());
        while let Some(batch) = records.recv().await {
            for record in batch {
                match record.body {
                    RecordBody::Event(_) => events += 1,
                    RecordBody::Series(series) => readings.push(series.len()),
                }
            }
        }
        (events, readings)
    };
    let ((), (), (events, readings)) = tokio::join!(running, feeding, counting);
    assert_eq!(events, 3);
    assert_eq!(readings, [3; 5]);
}
