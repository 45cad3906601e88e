//! Devices that misbehave, over every way that is not plain Modbus TCP: a bad reading has a reason,
//! is never a number, and the reading after it is right.

use std::path::PathBuf;

use futures::future::join_all;

use serde_json::{Value, json};
use tests::certificates::{Certificates, DEVICE_NAME};
use tests::modbus::{Meter, Way};

use crate::device_ways::{device, probe, rows};

/// A device and the settings that reach it.
struct Bench {
    dir: PathBuf,
    meter: Meter,
    /// Everything of the settings but the device.
    line: String,
}

impl Bench {
    /// Starts a device in a folder of its own.
    async fn new(dir: PathBuf, way: Way<'_>) -> Self {
        std::fs::create_dir_all(&dir).unwrap();
        let mut meter = Meter::start_over(&dir, 0x160, way, "1").await;
        meter.set_floats(&[(0x0000, 230.1), (0x000C, 283.5)]).await;
        let address = &meter.address;
        let line = match way {
            Way::Tcp => {
                format!("allow = [\"127.0.0.1\"]\n[[line]]\nname = \"l\"\ntcp = \"{address}\"\n")
            }
            Way::RtuOverTcp => format!(
                "allow = [\"127.0.0.1\"]\n[[line]]\nname = \"l\"\nrtu_over_tcp = \"{address}\"\n"
            ),
            Way::Serial => format!(
                "allow = [\"{address}\"]\n[[line]]\nname = \"l\"\nserial = \"{address}\"\n\
                 baud = 115200\nparity = \"none\"\n"
            ),
            Way::Tls(certificates, _) => format!(
                "allow = [\"127.0.0.1\"]\n[[line]]\nname = \"l\"\ntls = \"{address}\"\n\
                 ca = {:?}\nserver_name = \"{DEVICE_NAME}\"\n",
                certificates.authority
            ),
        };
        Self { dir, meter, line }
    }

    /// Reads the power so often over one connection and returns value and quality of each reading.
    async fn read(&self, times: u32, timeout_ms: u32) -> Vec<(String, String)> {
        let settings = format!("{}{}", self.line, device("m", 1, timeout_ms));
        let (dir, times) = (self.dir.clone(), times.to_string());
        let probing =
            tokio::task::spawn_blocking(move || probe(&dir, &settings, &["--times", &times]));
        let (_, tables, words) = probing.await.unwrap();
        let found = rows(&tables, "power_w").into_iter();
        let found: Vec<_> = found
            .map(|row| (row[row.len() - 3].clone(), row[row.len() - 1].clone()))
            .collect();
        assert!(!found.is_empty(), "{tables}{words}");
        found
    }

    async fn tell(&mut self, command: Value) {
        self.meter.tell(command).await;
    }
}

fn good() -> (String, String) {
    ("283.5".to_owned(), "good".to_owned())
}

/// Runs a check on a device of its own for each way, all at once.
async fn over_every_way(check: impl AsyncFn(Bench)) {
    let dir = tempfile::tempdir().unwrap();
    let certificates = Certificates::make(dir.path());
    let ways = [
        Way::Tcp,
        Way::RtuOverTcp,
        Way::Serial,
        Way::Tls(&certificates, false),
    ];
    let (check, dir) = (&check, dir.path());
    let checks = ways.iter().enumerate().map(|(number, way)| async move {
        check(Bench::new(dir.join(number.to_string()), *way).await).await;
    });
    join_all(checks).await;
}

#[tokio::test]
async fn exceptions_are_reasons() {
    over_every_way(async |mut bench: Bench| {
        for (code, reason) in [
            (1, "illegal_function"),
            (2, "illegal_address"),
            (3, "illegal_value"),
            (4, "device_failure"),
            (5, "device_busy"),
            (6, "device_busy"),
            (10, "device_unreachable"),
            (11, "device_unreachable"),
        ] {
            bench.tell(json!({ "exception": code })).await;
            let refused = ("-".to_owned(), reason.to_owned());
            assert_eq!(bench.read(1, 5000).await, [refused], "{code}");
        }
        bench.tell(json!({ "exception": null })).await;
        assert_eq!(bench.read(1, 5000).await, [good()]);
    })
    .await;
}

#[tokio::test]
async fn late_answers_are_timeouts_and_the_next_reading_is_right() {
    over_every_way(async |mut bench: Bench| {
        // Five requests make a reading. The first answer comes after its time, while the second
        // request is under way or waits.
        bench.tell(json!({ "late_ms": 450, "answers": 1 })).await;
        let found = bench.read(3, 300).await;
        // Whatever a busy machine adds: never another register's value, and right in the end.
        for (value, quality) in &found {
            let is_told = quality != "good" && value == "-";
            assert!(
                is_told || (value, quality) == (&good().0, &good().1),
                "{found:?}"
            );
        }
        assert_eq!(bench.read(1, 5000).await, [good()]);
    })
    .await;
}

#[tokio::test]
async fn answers_in_pieces_are_answers_and_slow_ones_too() {
    over_every_way(async |mut bench: Bench| {
        bench.tell(json!({ "split_ms": 20 })).await;
        assert_eq!(bench.read(2, 5000).await, [good(), good()]);
        bench.tell(json!({ "split_ms": 0, "delay_ms": 30 })).await;
        assert_eq!(bench.read(2, 5000).await, [good(), good()]);
    })
    .await;
}

#[tokio::test]
async fn silence_is_a_timeout_and_ends() {
    over_every_way(async |mut bench: Bench| {
        bench.tell(json!({ "silent": true })).await;
        let found = bench.read(1, 80).await;
        // On a busy machine even connecting may take longer than this.
        let (value, quality) = &found[0];
        assert!(["timeout", "link"].contains(&quality.as_str()), "{found:?}");
        assert_eq!(value, "-");
        bench.tell(json!({ "silent": false })).await;
        assert_eq!(bench.read(1, 5000).await, [good()]);
    })
    .await;
}

#[tokio::test]
async fn words_in_the_wrong_order_are_out_of_range_not_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let mut bench = Bench::new(dir.path().to_owned(), Way::RtuOverTcp).await;
    // 230.1 V and 283.6 W, low word first, where the profile reads high word first.
    let swapped = |value: f32| (value.to_bits() & 0xFFFF, value.to_bits() >> 16);
    let (voltage, power) = (swapped(230.1), swapped(283.6));
    bench
        .tell(json!({ "set": { "0": voltage.0, "1": voltage.1, "12": power.0, "13": power.1 } }))
        .await;
    let settings = format!("{}{}", bench.line, device("m", 1, 5000));
    let (code, table, words) = probe(dir.path(), &settings, &[]);
    assert_eq!(code, Some(1), "{table}{words}");
    for channel in ["voltage_v", "power_w"] {
        let [row] = rows(&table, channel).try_into().unwrap();
        assert_eq!(row[4], "-", "{table}");
        assert_eq!(row.last().unwrap(), "out_of_range", "{table}");
    }
}
