//! `ortoo serve` as a process, with ports that stay the same over restarts.

use std::ffi::OsString;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use serde_json::Value;

use crate::client::Client;
use crate::metrics::Metrics;
use crate::process::{self, Process};
use crate::wait;

/// A gateway is ready within this time, also on a busy machine and with a journal to read.
pub const READY: Duration = Duration::from_secs(60);
/// A gateway that is asked to stop has stopped within this time.
pub const STOPPED: Duration = Duration::from_secs(15);

/// Where the gateway's messages come from.
#[derive(Debug, Clone)]
pub enum Broker {
    /// The one inside.
    Embedded,
    /// One of our own, at this address with the gateway's credential.
    External(String),
}

/// What a gateway is started with.
#[derive(Debug, Clone)]
pub struct Setup {
    /// The data folder.
    pub data: PathBuf,
    /// A PostgreSQL address; `None` is SQLite in the data folder.
    pub database: Option<String>,
    /// Where messages come from.
    pub broker: Broker,
    /// More lines for the settings file.
    pub more: String,
    /// Words before the command that put the gateway on a disk of its own.
    pub entrance: Vec<OsString>,
}

impl Setup {
    /// SQLite and the embedded broker, in `dir/data`.
    #[must_use]
    pub fn new(dir: &Path) -> Self {
        Self {
            data: dir.join("data"),
            database: None,
            broker: Broker::Embedded,
            more: String::new(),
            entrance: Vec::new(),
        }
    }

    /// Writes the settings file. Rate limits are off: a test asks faster than a person.
    ///
    /// # Panics
    /// When the file cannot be written.
    pub fn write(&self, file: &Path, ports: &Ports) {
        let mut text = format!(
            "data = {:?}\n[http]\nlisten = \"127.0.0.1:{}\"\n[metrics]\nlisten = \"127.0.0.1:{}\"\n",
            self.data, ports.http, ports.metrics
        );
        let mqtt = match &self.broker {
            Broker::Embedded => {
                format!("mode = \"embedded\"\nlisten = \"127.0.0.1:{}\"", ports.mqtt)
            }
            Broker::External(url) => format!("mode = \"external\"\nurl = {url:?}"),
        };
        writeln!(text, "[mqtt]\n{mqtt}").expect("a text can grow");
        if let Some(url) = &self.database {
            writeln!(text, "[database]\nurl = {url:?}").expect("a text can grow");
        }
        text +=
            "[limits]\nlogin_per_minute = 0\nrequests_per_minute = 0\nanonymous_per_minute = 0\n";
        text += "[passwords]\nmemory_kib = 8192\n";
        text += &self.more;
        std::fs::write(file, text).expect("the scratch folder is ours");
    }
}

/// The ports of a gateway; 0 before the first start.
#[derive(Debug, Clone, Default)]
pub struct Ports {
    http: u16,
    metrics: u16,
    mqtt: u16,
}

/// A running gateway.
pub struct Gateway {
    process: Process,
    dir: PathBuf,
    /// How it is started again.
    pub setup: Setup,
    ports: Ports,
    /// The ready line.
    pub ready: Value,
}

impl Gateway {
    /// Starts a gateway and waits until it is ready. Its log and settings are in `dir`.
    ///
    /// # Panics
    /// When it does not become ready.
    pub async fn start(dir: &Path, setup: Setup) -> Self {
        let ports = Ports::default();
        let (process, ready) = run(dir, &setup, &ports).await;
        Self::of(dir, setup, process, ready)
    }

    /// Starts a gateway that may refuse to start; `None` when it ended instead.
    ///
    /// # Panics
    /// When it neither becomes ready nor ends.
    pub async fn try_start(dir: &Path, setup: Setup) -> Option<Self> {
        let mut process = launch(dir, &setup, &Ports::default());
        let ready = process.json_line_or_end(READY).await.ok()?;
        Some(Self::of(dir, setup, process, ready))
    }

    fn of(dir: &Path, setup: Setup, process: Process, ready: Value) -> Self {
        let mqtt = match setup.broker {
            Broker::Embedded => port_of(&ready["mqtt_url"]),
            Broker::External(_) => 0,
        };
        let ports = Ports {
            http: port_of(&ready["url"]),
            metrics: port_of(&ready["metrics_url"]),
            mqtt,
        };
        Self {
            process,
            dir: dir.to_owned(),
            setup,
            ports,
            ready,
        }
    }

    /// Starts it again on the same ports and waits until it is ready.
    ///
    /// # Panics
    /// When it does not become ready.
    pub async fn restart(&mut self) {
        self.process.kill();
        (self.process, self.ready) = run(&self.dir, &self.setup, &self.ports).await;
    }

    /// Ends it as `kill -9` does.
    pub fn kill(&mut self) {
        self.process.kill();
    }

    /// Asks it to stop as a service manager does, and returns the exit code.
    ///
    /// # Panics
    /// When it does not stop in time.
    pub async fn stop(&mut self) -> Option<i32> {
        self.process.signal("TERM");
        self.process.exit_code(STOPPED).await
    }

    /// Returns the process.
    pub fn process(&mut self) -> &mut Process {
        &mut self.process
    }

    /// Returns the address of API and pages.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.ports.http)
    }

    /// Returns the embedded broker's address.
    #[must_use]
    pub fn mqtt_url(&self) -> String {
        format!("mqtt://127.0.0.1:{}", self.ports.mqtt)
    }

    /// Returns a caller without a name.
    #[must_use]
    pub fn client(&self) -> Client {
        Client::anonymous(&self.url())
    }

    /// Reads its counters.
    ///
    /// # Panics
    /// When it does not answer.
    pub async fn metrics(&self) -> Metrics {
        let client = Client::anonymous(&format!("http://127.0.0.1:{}", self.ports.metrics));
        let body = client.get("/metrics").await.expect(200);
        Metrics::parse(body.as_str().expect("counters are text"))
    }

    /// Waits until `/readyz` says that everything works.
    pub async fn is_ready(&self, within: Duration) {
        let client = self.client();
        wait::until("/readyz to be well", within, async || {
            let answer = client
                .try_send(reqwest::Method::GET, "/readyz", None)
                .await?;
            if answer.status == 200 {
                Ok(())
            } else {
                Err(answer.body.to_string())
            }
        })
        .await;
    }
}

async fn run(dir: &Path, setup: &Setup, ports: &Ports) -> (Process, Value) {
    let mut process = launch(dir, setup, ports);
    let ready = process.json_line(READY).await;
    (process, ready)
}

fn launch(dir: &Path, setup: &Setup, ports: &Ports) -> Process {
    std::fs::create_dir_all(&setup.data).expect("the scratch folder is ours");
    let file = dir.join("ortoo.toml");
    setup.write(&file, ports);
    let mut command = process::through(&setup.entrance, process::ours("ortoo"));
    command.arg("serve").arg("--config").arg(&file);
    Process::start("ortoo", dir, &mut command)
}

/// Returns the port at the end of an address such as `http://127.0.0.1:8080`.
///
/// # Panics
/// When there is none.
#[must_use]
pub fn port_of(url: &Value) -> u16 {
    let text = url
        .as_str()
        .unwrap_or_else(|| panic!("{url} is not an address"));
    let port = text
        .trim_end_matches('/')
        .trim_end_matches("/metrics")
        .rsplit(':')
        .next();
    port.and_then(|port| port.parse().ok())
        .unwrap_or_else(|| panic!("{text} has no port"))
}

/// Runs `ortoo` to its end and returns exit code, output and errors.
///
/// # Panics
/// When it cannot be started.
#[must_use]
pub fn run_to_end(arguments: &[&str], dir: &Path) -> (Option<i32>, String, String) {
    let mut command: Command = process::ours("ortoo");
    let output = command
        .args(arguments)
        .current_dir(dir)
        .output()
        .expect("our program starts");
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (
        output.status.code(),
        text(&output.stdout),
        text(&output.stderr),
    )
}
