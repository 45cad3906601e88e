//! A private PostgreSQL in the scratch folder, with its durable defaults.

use std::os::unix::fs::chown;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use crate::mosquitto::free_port;
use crate::process::Process;
use crate::wait;

/// A probed port may be taken before the server binds it: how often to try another one.
const TRIES_MAX: usize = 5;

/// A running server with one superuser, `ortoo`, who needs no password on loopback.
pub struct Postgres {
    process: Process,
    port: u16,
}

impl Postgres {
    /// Makes a cluster below `dir` and starts it.
    ///
    /// # Panics
    /// When PostgreSQL is not installed or does not start.
    pub async fn start(dir: &Path) -> Self {
        let dir = dir.join("postgres");
        let data = dir.join("data");
        std::fs::create_dir_all(&data).expect("the scratch folder is ours");
        let owner = owner();
        if let Some((user, group)) = owner {
            // PostgreSQL refuses to run as root, and its user must reach the folder.
            open_the_way(&dir);
            chown(&data, Some(user), Some(group)).expect("root may give files away");
        }
        let mut command = server_program("initdb", owner);
        command.arg("-D").arg(&data).args([
            "-U",
            "ortoo",
            "-A",
            "trust",
            "-E",
            "UTF8",
            "--no-sync",
        ]);
        command.arg("--locale=C.UTF-8");
        let output = command.output().expect("initdb starts");
        assert!(
            output.status.success(),
            "{}",
            String::from_utf8_lossy(&output.stderr)
        );
        for _ in 1..TRIES_MAX {
            let port = free_port();
            if let Some(process) = run(&dir, &data, port, owner).await {
                return Self { process, port };
            }
        }
        panic!(
            "PostgreSQL did not start on any of {TRIES_MAX} ports; see {}",
            dir.display()
        );
    }

    /// Makes an empty database and returns its address.
    ///
    /// # Panics
    /// When the name is taken or the server is gone.
    #[must_use]
    pub fn database(&self, name: &str) -> String {
        let status = Command::new(programs().join("createdb"))
            .args([
                "-h",
                "127.0.0.1",
                "-p",
                &self.port.to_string(),
                "-U",
                "ortoo",
                name,
            ])
            .status()
            .expect("createdb starts");
        assert!(status.success(), "createdb {name} failed");
        format!("postgres://ortoo@127.0.0.1:{}/{name}", self.port)
    }

    /// Returns the port.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Returns the process id of the server.
    #[must_use]
    pub fn id(&self) -> u32 {
        self.process.id()
    }
}

async fn run(dir: &Path, data: &Path, port: u16, owner: Option<(u32, u32)>) -> Option<Process> {
    let mut command = server_program("postgres", owner);
    command.arg("-D").arg(data).args(["-p", &port.to_string()]);
    command.args([
        "-c",
        "listen_addresses=127.0.0.1",
        "-c",
        "max_connections=200",
    ]);
    command.args(["-c", "unix_socket_directories="]);
    let mut process = Process::start("postgres", dir, &mut command);
    let ready = wait::until(
        "PostgreSQL to be ready",
        Duration::from_secs(30),
        async || {
            if process.ended().is_some() {
                return Ok(false);
            }
            let status = Command::new(programs().join("pg_isready"))
                .args(["-q", "-h", "127.0.0.1", "-p", &port.to_string()])
                .status()
                .map_err(|error| error.to_string())?;
            if status.success() {
                Ok(true)
            } else {
                Err(status.to_string())
            }
        },
    )
    .await;
    ready.then_some(process)
}

/// Returns a server program, run as the user `postgres` when the tests run as root.
fn server_program(name: &str, owner: Option<(u32, u32)>) -> Command {
    let mut command = Command::new(programs().join(name));
    command.current_dir("/");
    if let Some((user, group)) = owner {
        command.uid(user).gid(group);
    }
    command
}

/// Returns the folder of the newest installed server.
///
/// # Panics
/// When none is installed.
#[must_use]
pub fn programs() -> PathBuf {
    let found = std::fs::read_dir("/usr/lib/postgresql")
        .into_iter()
        .flatten()
        .flatten();
    let version = |path: &PathBuf| {
        let name = path.file_name().and_then(|name| name.to_str());
        name.and_then(|name| name.parse::<u32>().ok())
    };
    let newest = found.map(|entry| entry.path()).max_by_key(version);
    newest
        .expect("PostgreSQL is installed: run tests/run install")
        .join("bin")
}

/// Returns the user and group that run the server: `postgres` for root, else ourselves.
fn owner() -> Option<(u32, u32)> {
    let id = |arguments: &[&str]| {
        let output = Command::new("id")
            .args(arguments)
            .output()
            .expect("id is everywhere");
        String::from_utf8_lossy(&output.stdout)
            .trim()
            .parse::<u32>()
            .ok()
    };
    if id(&["-u"]) == Some(0) {
        let user = id(&["-u", "postgres"]).expect("the package postgresql makes its user");
        let group = id(&["-g", "postgres"]).expect("the package postgresql makes its group");
        Some((user, group))
    } else {
        None
    }
}

/// Lets other users pass through the folder and those above it that only we may enter.
fn open_the_way(dir: &Path) {
    use std::os::unix::fs::PermissionsExt;
    for folder in dir
        .ancestors()
        .take_while(|folder| folder.starts_with(std::env::temp_dir()))
    {
        let mode = folder
            .metadata()
            .expect("the folder exists")
            .permissions()
            .mode();
        if mode & 0o001 == 0 {
            let opened = std::fs::Permissions::from_mode(mode | 0o011);
            std::fs::set_permissions(folder, opened).expect("the folder is ours");
        }
    }
}
