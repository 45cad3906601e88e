//! Programs as child processes: started, watched, stopped, killed; their words kept for a failure.

use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::OnceLock;
use std::time::Duration;

use serde_json::Value;

use crate::wait;

/// How many lines of a process a failed test prints.
const TAIL_LINES: usize = 60;

/// A child process. It is killed when this is dropped; when a test is failing, its last words are
/// printed first.
pub struct Process {
    name: String,
    child: Child,
    out: PathBuf,
    err: PathBuf,
}

impl Process {
    /// Starts a command with its output in files `name.out` and `name.err` of `dir`. Standard input
    /// stays as the command has it.
    ///
    /// # Panics
    /// When the program cannot be started: a missing peer fails the test.
    #[must_use]
    pub fn start(name: &str, dir: &Path, command: &mut Command) -> Self {
        let out = dir.join(format!("{name}.out"));
        let err = dir.join(format!("{name}.err"));
        let file = |path: &Path| {
            File::options()
                .create(true)
                .append(true)
                .open(path)
                .expect("the scratch folder is ours")
        };
        // A second start appends its errors; its standard output begins anew.
        drop(std::fs::remove_file(&out));
        let child = command
            .stdout(Stdio::from(file(&out)))
            .stderr(Stdio::from(file(&err)))
            .spawn()
            .unwrap_or_else(|error| panic!("cannot start {name} ({command:?}): {error}"));
        Self {
            name: name.to_owned(),
            child,
            out,
            err,
        }
    }

    /// Returns the process id.
    #[must_use]
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Returns the pipe to standard input, if the command was given one.
    pub fn input(&mut self) -> Option<std::process::ChildStdin> {
        self.child.stdin.take()
    }

    /// Waits for the first line of standard output that is a JSON object.
    ///
    /// # Panics
    /// When it does not come in time or the process ends first.
    pub async fn json_line(&mut self, within: Duration) -> Value {
        match self.json_line_or_end(within).await {
            Ok(value) => value,
            Err(status) => panic!(
                "{} ended with {status} before it was ready\n{}",
                self.name,
                self.tail()
            ),
        }
    }

    /// Waits for the first line of standard output that is a JSON object, or the end of the process.
    ///
    /// # Errors
    /// Returns how the process ended.
    ///
    /// # Panics
    /// When neither comes in time.
    pub async fn json_line_or_end(&mut self, within: Duration) -> Result<Value, ExitStatus> {
        let what = format!("the first JSON line of {}", self.name);
        wait::until(&what, within, async || {
            let text = self.stdout();
            let complete = text.lines().filter(|_| text.ends_with('\n'));
            for line in complete {
                if let Ok(value @ Value::Object(_)) = serde_json::from_str(line) {
                    return Ok(Ok(value));
                }
            }
            match self.ended() {
                Some(status) => Ok(Err(status)),
                None => Err("nothing yet".to_owned()),
            }
        })
        .await
    }

    /// Returns what it printed so far on standard output.
    #[must_use]
    pub fn stdout(&self) -> String {
        String::from_utf8_lossy(&std::fs::read(&self.out).unwrap_or_default()).into_owned()
    }

    /// Returns what it printed so far on standard error, over all starts under this name.
    #[must_use]
    pub fn stderr(&self) -> String {
        String::from_utf8_lossy(&std::fs::read(&self.err).unwrap_or_default()).into_owned()
    }

    /// Returns the exit status if the process has ended.
    pub fn ended(&mut self) -> Option<ExitStatus> {
        self.child.try_wait().expect("a child can be waited for")
    }

    /// Waits for its end and returns the exit code; `None` when a signal ended it.
    ///
    /// # Panics
    /// When it does not end in time.
    pub async fn exit_code(&mut self, within: Duration) -> Option<i32> {
        let what = format!("the end of {}", self.name);
        wait::until(&what, within, async || {
            self.ended().ok_or_else(|| "it runs".to_owned())
        })
        .await
        .code()
    }

    /// Ends it at once, as `kill -9` does, and waits until it is gone.
    pub fn kill(&mut self) {
        // An error says that it has ended already, which is what is wanted.
        drop(self.child.kill());
        drop(self.child.wait());
    }

    /// Sends a signal by name, such as `TERM`, `INT`, `STOP`, `CONT`.
    ///
    /// # Panics
    /// When the signal cannot be sent.
    pub fn signal(&self, signal: &str) {
        let status = Command::new("kill")
            .arg(format!("-{signal}"))
            .arg(self.id().to_string())
            .status()
            .expect("kill is everywhere");
        assert!(status.success(), "kill -{signal} {} failed", self.name);
    }

    fn tail(&self) -> String {
        let mut text = String::new();
        for (stream, words) in [("out", self.stdout()), ("err", self.stderr())] {
            let lines: Vec<&str> = words.lines().collect();
            let from = lines.len().saturating_sub(TAIL_LINES);
            text += &format!(
                "---- {} {stream}, last {} lines\n",
                self.name,
                lines.len() - from
            );
            for line in lines.iter().skip(from) {
                text += line;
                text.push('\n');
            }
        }
        text
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("{}", self.tail());
        }
        self.kill();
    }
}

/// Returns a command that runs one of our programs, built with the profile of this test.
///
/// # Panics
/// When the programs cannot be built.
#[must_use]
pub fn ours(program: &str) -> Command {
    static FOLDER: OnceLock<PathBuf> = OnceLock::new();
    let mut command = Command::new(FOLDER.get_or_init(build).join(program));
    // Settings of the person who runs the tests do not leak into what is tested.
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("ORTOO_") {
            command.env_remove(name);
        }
    }
    command.env(
        "RUST_LOG",
        std::env::var_os("ORTOO_TEST_LOG").unwrap_or_else(|| "info".into()),
    );
    command.stdin(Stdio::null());
    command
}

/// Returns the command with other words before it, such as `nsenter ...`.
#[must_use]
pub fn through(words: &[OsString], command: Command) -> Command {
    let Some((first, rest)) = words.split_first() else {
        return command;
    };
    let mut outer = Command::new(first);
    outer
        .args(rest)
        .arg(command.get_program())
        .args(command.get_args())
        .stdin(Stdio::null());
    for (name, value) in command.get_envs() {
        match value {
            Some(value) => outer.env(name, value),
            None => outer.env_remove(name),
        };
    }
    outer
}

/// Builds the programs unless `ORTOO_BUILT` says they are fresh, and returns their folder: a test
/// must not run yesterday's gateway, nor a benchmark a debug build. For tests all targets are named,
/// as in `tests/run`, so that cargo chooses the same features and compiles nothing twice; a
/// benchmark measures the programs as `cargo build --release` makes them.
fn build() -> PathBuf {
    let folder = profile_folder();
    if std::env::var_os("ORTOO_BUILT").is_none() {
        let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
        let mut command = Command::new(cargo);
        command
            .current_dir(workspace())
            .args(["build", "--quiet", "--target-dir"])
            .arg(
                folder
                    .parent()
                    .expect("a profile's folder is in the target folder"),
            );
        if folder.file_name() == Some(OsStr::new("release")) {
            command.args(["--release", "-p", "gateway", "-p", "agents"]);
        } else {
            command.args(["--workspace", "--all-targets"]);
        }
        let status = command.status().expect("cargo runs");
        assert!(status.success(), "the programs under test do not build");
    }
    folder
}

/// Returns the folder of this build's programs: `target/debug` or `target/release`.
fn profile_folder() -> PathBuf {
    let program = std::env::current_exe().expect("a running program knows its path");
    let mut folder = program.parent().expect("a file is in a folder");
    if folder.file_name() == Some(OsStr::new("deps")) {
        folder = folder.parent().expect("deps is in the profile's folder");
    }
    folder.to_owned()
}

/// Returns the target folder.
#[must_use]
pub fn target() -> PathBuf {
    profile_folder()
        .parent()
        .expect("a profile's folder is in the target folder")
        .to_owned()
}

/// Returns the Python that has the packages of `peers/requirements.txt`.
///
/// # Panics
/// When it is not there: `tests/run install` makes it.
#[must_use]
pub fn peers_python() -> PathBuf {
    let python = target().join("peers/bin/python");
    let name = python.display();
    assert!(python.exists(), "{name} is missing: run tests/run install");
    python
}

/// Returns the root of the repository.
#[must_use]
pub fn workspace() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.parent()
        .expect("the package lies below the root")
        .to_owned()
}

/// Returns a file handed over beside the repository (`../shared`, or below `ORTOO_SHARED`), if it
/// is there. The project's own checks never depend on one.
#[must_use]
pub fn shared(path: &str) -> Option<PathBuf> {
    let folder = std::env::var_os("ORTOO_SHARED")
        .map_or_else(|| workspace().join("../shared"), PathBuf::from);
    Some(folder.join(path)).filter(|path| path.is_file())
}
