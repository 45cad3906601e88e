//! `ortoo-agent run` as a process.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use agents::clock::Clock;
use agents::{Limits, Outbox};

use crate::process::{self, Process};

/// A device in the agent's settings.
#[derive(Debug, Clone)]
pub struct Device {
    /// The instrument it belongs to.
    pub instrument: String,
    /// The profile that reads it.
    pub profile: String,
    /// Where it listens.
    pub address: String,
    /// How often it is read, in milliseconds.
    pub every_ms: u32,
}

/// A running agent.
pub struct Agent {
    process: Process,
    dir: PathBuf,
    name: String,
}

impl Agent {
    /// Starts an agent in `dir/name`. Profiles of the test's own are `*.toml` in `dir/profiles`.
    ///
    /// # Panics
    /// When it cannot be started.
    #[must_use]
    pub fn start(dir: &Path, name: &str, secret: &str, gateway: &str, devices: &[Device]) -> Self {
        let home = dir.join(name);
        std::fs::create_dir_all(&home).expect("the scratch folder is ours");
        let mut text = format!(
            "agent = {name:?}\nsecret = {secret:?}\ngateway = {gateway:?}\ndata = {:?}\n\
             allow = [\"127.0.0.0/8\"]\n",
            home.join("data")
        );
        let profiles = dir.join("profiles");
        if profiles.is_dir() {
            writeln!(text, "profile_dir = {profiles:?}").expect("a text can grow");
        }
        for (number, device) in devices.iter().enumerate() {
            write!(
                text,
                "[[device]]\nname = \"device-{number}\"\ninstrument = {:?}\nprofile = {:?}\n\
                 address = {:?}\nunit = 1\nevery_ms = {}\ntimeout_ms = 500\n",
                device.instrument, device.profile, device.address, device.every_ms
            )
            .expect("a text can grow");
        }
        std::fs::write(home.join("agent.toml"), text).expect("the scratch folder is ours");
        let process = run(&home, name);
        Self {
            process,
            dir: home,
            name: name.to_owned(),
        }
    }

    /// Ends it as `kill -9` does.
    pub fn kill(&mut self) {
        self.process.kill();
    }

    /// Starts it again.
    pub fn restart(&mut self) {
        self.process.kill();
        self.process = run(&self.dir, &self.name);
    }

    /// Asks it to stop and returns the exit code.
    ///
    /// # Panics
    /// When it does not stop in time.
    pub async fn stop(&mut self) -> Option<i32> {
        self.process.signal("TERM");
        self.process.exit_code(Duration::from_secs(15)).await
    }

    /// Opens the outbox of an agent that has stopped.
    ///
    /// # Panics
    /// When the agent still runs or the file cannot be read.
    pub async fn outbox(&self) -> Outbox {
        let outbox = Outbox::open(&self.dir.join("data"), Limits::DEFAULT, Clock::system()).await;
        outbox.expect("a stopped agent lets go of its outbox")
    }

    /// Returns everything it said on standard error.
    #[must_use]
    pub fn words(&self) -> String {
        self.process.stderr()
    }

    /// Returns the process id.
    #[must_use]
    pub fn id(&self) -> u32 {
        self.process.id()
    }
}

fn run(home: &Path, name: &str) -> Process {
    let mut command = process::ours("ortoo-agent");
    command
        .arg("run")
        .arg("--config")
        .arg(home.join("agent.toml"));
    Process::start(name, home, &mut command)
}
