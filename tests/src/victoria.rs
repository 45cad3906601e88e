//! A real VictoriaMetrics, of Debian's package, on a free port.

use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use serde_json::Value;

use crate::mosquitto::free_port;
use crate::process::Process;
use crate::wait;

/// A probed port may be taken before the server binds it: how often to try another one.
const TRIES_MAX: usize = 5;

/// Labels of a series, and its samples: time in milliseconds and value.
pub type Exported = (Value, Vec<(i64, f64)>);

/// A running server.
pub struct Victoria {
    process: Process,
    dir: PathBuf,
    port: u16,
}

impl Victoria {
    /// Starts a server with its data in `dir`.
    ///
    /// # Panics
    /// When it is not installed or does not start.
    pub async fn start(dir: &Path) -> Self {
        for _ in 0..TRIES_MAX {
            let port = free_port();
            if let Some(process) = run(dir, port).await {
                let dir = dir.to_owned();
                return Self { process, dir, port };
            }
        }
        panic!("VictoriaMetrics did not start; see {}", dir.display());
    }

    /// Returns its address.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// Asks it to stop and waits until it has. Killed, it would lose the last seconds of what it
    /// answered 204 to.
    ///
    /// # Panics
    /// When it does not stop.
    pub async fn stop(&mut self) {
        self.process.signal("TERM");
        let code = self.process.exit_code(Duration::from_secs(20)).await;
        assert_eq!(code, Some(0), "VictoriaMetrics stops in order");
    }

    /// Starts it again on the same port.
    ///
    /// # Panics
    /// When it does not start.
    pub async fn restart(&mut self) {
        self.process.kill();
        let process = run(&self.dir, self.port).await;
        self.process = process.expect("its port is still free");
    }

    /// Writes a line of the line protocol, its time in milliseconds.
    ///
    /// # Panics
    /// When it is not taken.
    pub async fn write(&self, line: &str) {
        let place = format!("{}/api/v2/write?precision=ms", self.url());
        let body = format!("{line}\n");
        let written = reqwest::Client::new().post(place).body(body).send().await;
        assert_eq!(written.expect("it answers").status(), 204);
        self.flush().await;
    }

    /// Makes what it took visible to readers at once.
    ///
    /// # Panics
    /// When it does not answer.
    pub async fn flush(&self) {
        let flushed = reqwest::get(format!("{}/internal/force_flush", self.url())).await;
        assert!(flushed.expect("it answers").status().is_success());
    }

    /// Returns all samples of the series that match a selector: labels and (time, value) pairs.
    ///
    /// # Panics
    /// When it does not answer as documented.
    pub async fn export(&self, selector: &str) -> Vec<Exported> {
        self.flush().await;
        let place = format!("{}/api/v1/export", self.url());
        let place = reqwest::Url::parse_with_params(&place, [("match[]", selector)]);
        let answer = reqwest::get(place.expect("it is an address")).await;
        let text = answer.expect("it answers").text().await;
        let text = text.expect("its answer is text");
        let series = text.lines().map(|line| {
            let mut line: Value = serde_json::from_str(line).expect("each line is JSON");
            let times: Vec<i64> =
                serde_json::from_value(line["timestamps"].take()).expect("times are milliseconds");
            let values: Vec<f64> =
                serde_json::from_value(line["values"].take()).expect("values are numbers");
            let samples = times.into_iter().zip(values).collect();
            (line["metric"].take(), samples)
        });
        series.collect()
    }
}

/// Starts the server and waits until it answers; `None` when it ended instead.
async fn run(dir: &Path, port: u16) -> Option<Process> {
    // The flags that README asks for. A memory limit keeps its caches small beside other tests.
    let mut process = Process::start(
        "victoria-metrics",
        dir,
        Command::new("victoria-metrics")
            .arg(format!("-httpListenAddr=127.0.0.1:{port}"))
            .arg(format!(
                "-storageDataPath={}",
                dir.join("victoria").display()
            ))
            .arg("-dedup.minScrapeInterval=1ms")
            .arg("-retentionPeriod=100y")
            .arg("-memory.allowedBytes=64MB"),
    );
    let address = SocketAddr::from(([127, 0, 0, 1], port));
    let listens = wait::until(
        "VictoriaMetrics to listen",
        Duration::from_secs(20),
        async || {
            if process.ended().is_some() {
                return Ok(false);
            }
            TcpStream::connect(address)
                .map(|_| true)
                .map_err(|error| error.to_string())
        },
    )
    .await;
    listens.then_some(process)
}
