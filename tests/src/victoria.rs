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

    /// Ends it as `kill -9` does.
    pub fn kill(&mut self) {
        self.process.kill();
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
    pub async fn export(&self, selector: &str) -> Vec<(Value, Vec<(i64, f64)>)> {
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
            (
                line["metric"].take(),
                times.into_iter().zip(values).collect(),
            )
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
