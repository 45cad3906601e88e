//! A Modbus device that is not ours: `peers/meter.py` under pymodbus, steered line by line.

use std::io::Write;
use std::path::Path;
use std::process::{ChildStdin, Command, Stdio};
use std::time::Duration;

use serde_json::{Value, json};

use crate::certificates::Certificates;
use crate::process::{self, Process};
use crate::wait;

/// Python starts and imports within this time, also on a busy machine.
const START: Duration = Duration::from_secs(30);
/// An answer to a command comes within this time.
const ANSWER: Duration = Duration::from_secs(10);

/// A running device.
pub struct Meter {
    process: Process,
    input: ChildStdin,
    answers: usize,
    /// Where it listens, as `host:port`; a serial device, the path of its terminal.
    pub address: String,
}

/// How a device is reached.
#[derive(Debug, Clone, Copy)]
pub enum Way<'a> {
    /// Modbus TCP.
    Tcp,
    /// RTU frames in a TCP connection.
    RtuOverTcp,
    /// RTU over a pair of pseudo terminals.
    Serial,
    /// Modbus TCP inside of TLS, with these certificates; clients need one too if the last is true.
    Tls(&'a Certificates, bool),
}

impl Meter {
    /// Starts a device with `registers` words from address 0, at unit 1, on a free port.
    ///
    /// # Panics
    /// When pymodbus is not installed: `tests/run install` does that.
    pub async fn start(dir: &Path, registers: u16) -> Self {
        Self::start_over(dir, registers, Way::Tcp, "1").await
    }

    /// Starts devices of these units, such as `1,2,3`, behind a way.
    ///
    /// # Panics
    /// As [`Meter::start`].
    pub async fn start_over(dir: &Path, registers: u16, way: Way<'_>, units: &str) -> Self {
        let mut command = Command::new(process::peers_python());
        command
            .arg(process::workspace().join("tests/peers/meter.py"))
            .args(["--registers", &registers.to_string()])
            .args(["--units", units])
            .stdin(Stdio::piped());
        match way {
            Way::Tcp => {}
            Way::RtuOverTcp => {
                command.args(["--way", "rtu_over_tcp"]);
            }
            Way::Serial => {
                command.args(["--way", "serial"]);
            }
            Way::Tls(certificates, asks_clients) => {
                command.args(["--way", "tls", "--certificate"]);
                command.arg(&certificates.device).arg("--key");
                command.arg(&certificates.device_key);
                if asks_clients {
                    command.arg("--authority").arg(&certificates.authority);
                }
            }
        }
        let name = format!("meter-{}", free_number());
        let mut process = Process::start(&name, dir, &mut command);
        let ready = process.json_line(START).await;
        let address = match ready["port"].as_str() {
            Some(path) => path.to_owned(),
            None => format!("127.0.0.1:{}", ready["port"]),
        };
        let input = process
            .input()
            .expect("the command has a pipe for its input");
        Self {
            process,
            input,
            answers: 1,
            address,
        }
    }

    /// Gives a command as `meter.py` describes them and waits until it is in force.
    ///
    /// # Panics
    /// When the device does not answer.
    pub async fn tell(&mut self, command: Value) -> Value {
        writeln!(self.input, "{command}").expect("the device reads its input");
        self.answers += 1;
        let Self {
            process, answers, ..
        } = self;
        wait::until("the answer of the device", ANSWER, async || {
            let text = process.stdout();
            let lines: Vec<&str> = text.split_inclusive('\n').collect();
            match lines.get(*answers - 1) {
                Some(line) if line.ends_with('\n') => {
                    serde_json::from_str(line).map_err(|error| error.to_string())
                }
                _ => Err(format!("{} of {answers} lines", lines.len())),
            }
        })
        .await
    }

    /// Sets a binary32 value, high word first, as an SDM120 holds it.
    pub async fn set_float(&mut self, address: u16, value: f32) {
        self.set_floats(&[(address, value)]).await;
    }

    /// Sets several binary32 values at once.
    pub async fn set_floats(&mut self, values: &[(u16, f32)]) {
        let mut words = serde_json::Map::new();
        for (address, value) in values {
            let bits = value.to_bits();
            words.insert(address.to_string(), json!(bits >> 16));
            words.insert((address + 1).to_string(), json!(bits & 0xFFFF));
        }
        self.tell(json!({ "set": words })).await;
    }

    /// Returns how often it was read, its counter and the state of its replay.
    pub async fn report(&mut self) -> Value {
        self.tell(json!({ "report": true })).await
    }
}

/// Distinguishes the devices of one test.
fn free_number() -> usize {
    static NEXT: std::sync::atomic::AtomicUsize = std::sync::atomic::AtomicUsize::new(1);
    NEXT.fetch_add(1, std::sync::atomic::Ordering::Relaxed)
}
