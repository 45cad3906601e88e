//! A real Mosquitto: password file, access rules by user name, and a port of its own.

use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use crate::process::Process;
use crate::wait;

/// The gateway's own credential.
const GATEWAY: (&str, &str) = ("gateway", "gateway-secret");
/// Someone who may read everything and say nothing, for measurements.
const OBSERVER: (&str, &str) = ("observer", "observer-secret");
/// A probed port may be taken before the broker binds it: how often to try another one.
const TRIES_MAX: usize = 5;

/// A running broker.
pub struct Mosquitto {
    process: Process,
    dir: PathBuf,
    port: u16,
}

impl Mosquitto {
    /// Starts a broker in `dir` that lets the gateway and these agents (name, secret) in.
    ///
    /// # Panics
    /// When Mosquitto is not installed or does not start.
    pub async fn start(dir: &Path, agents: &[(&str, &str)]) -> Self {
        Self::start_with(dir, agents, "").await
    }

    /// As [`Self::start`], with more access rules: first those of the gateway, then of others.
    ///
    /// # Panics
    /// When Mosquitto is not installed or does not start.
    pub async fn start_with(dir: &Path, agents: &[(&str, &str)], more: &str) -> Self {
        let dir = dir.join("mosquitto");
        std::fs::create_dir_all(&dir).expect("the scratch folder is ours");
        write_passwords(&dir, agents);
        // Agents live below their own prefix; the gateway reads and writes what it needs.
        let rules = format!(
            "user {}\ntopic read ortoo/v1/+/up/#\ntopic write ortoo/v1/+/down/#\n{more}\
             user {}\ntopic read ortoo/v1/#\n\
             pattern write ortoo/v1/%u/up/#\npattern read ortoo/v1/%u/down/#\n",
            GATEWAY.0, OBSERVER.0
        );
        std::fs::write(dir.join("rules"), rules).expect("the scratch folder is ours");
        for _ in 1..TRIES_MAX {
            let port = free_port();
            if let Some(process) = run(&dir, port).await {
                return Self { process, dir, port };
            }
        }
        panic!(
            "Mosquitto did not start on any of {TRIES_MAX} ports; see {}",
            dir.display()
        );
    }

    /// Returns the address for agents.
    #[must_use]
    pub fn url(&self) -> String {
        format!("mqtt://127.0.0.1:{}", self.port)
    }

    /// Returns the address with the gateway's credential.
    #[must_use]
    pub fn gateway_url(&self) -> String {
        format!("mqtt://{}:{}@127.0.0.1:{}", GATEWAY.0, GATEWAY.1, self.port)
    }

    /// Returns user name and password of someone who may read everything.
    #[must_use]
    pub fn observer() -> (&'static str, &'static str) {
        OBSERVER
    }

    /// Returns the port.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Returns the process id.
    #[must_use]
    pub fn id(&self) -> u32 {
        self.process.id()
    }

    /// Ends it as `kill -9` does; sessions, queues and retained messages are gone with it.
    pub fn kill(&mut self) {
        self.process.kill();
    }

    /// Starts it again on the same port.
    ///
    /// # Panics
    /// When it does not start.
    pub async fn restart(&mut self) {
        self.process.kill();
        self.process = run(&self.dir, self.port)
            .await
            .expect("its port is still free");
    }
}

/// Starts the broker and waits until it listens; `None` when it ended instead.
async fn run(dir: &Path, port: u16) -> Option<Process> {
    // Root's Mosquitto would become another user, who may not read the folder.
    let text = format!(
        "user root\nlistener {port} 127.0.0.1\nallow_anonymous false\n\
         password_file {0}/passwords\nacl_file {0}/rules\npersistence false\n\
         max_inflight_messages 0\nmax_queued_messages 0\nset_tcp_nodelay true\n",
        dir.display()
    );
    let config = dir.join("mosquitto.conf");
    std::fs::write(&config, text).expect("the scratch folder is ours");
    let mut process = Process::start(
        "mosquitto",
        dir,
        Command::new("mosquitto").arg("-c").arg(&config),
    );
    let address = SocketAddr::from(([127, 0, 0, 1], port));
    let listens = wait::until("Mosquitto to listen", Duration::from_secs(10), async || {
        if process.ended().is_some() {
            return Ok(false);
        }
        TcpStream::connect(address)
            .map(|_| true)
            .map_err(|error| error.to_string())
    })
    .await;
    listens.then_some(process)
}

/// Writes the hashed passwords with Mosquitto's own program.
fn write_passwords(dir: &Path, agents: &[(&str, &str)]) {
    let file = dir.join("passwords");
    let lines: String = agents
        .iter()
        .chain([&GATEWAY, &OBSERVER])
        .map(|(name, secret)| format!("{name}:{secret}\n"))
        .collect();
    std::fs::write(&file, lines).expect("the scratch folder is ours");
    let status = Command::new("mosquitto_passwd")
        .arg("-U")
        .arg(&file)
        .status();
    assert!(
        status.is_ok_and(|status| status.success()),
        "mosquitto_passwd failed: is it installed?"
    );
}

/// Returns a port that was free a moment ago, for peers that cannot choose one themselves.
#[must_use]
pub fn free_port() -> u16 {
    let socket = TcpListener::bind(("127.0.0.1", 0)).expect("loopback has a free port");
    socket
        .local_addr()
        .expect("a bound socket has an address")
        .port()
}
