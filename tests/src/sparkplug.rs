//! A Sparkplug B edge node that is not ours: `peers/sparkplug.py` under pysparkplug.

use std::io::Write;
use std::path::Path;
use std::process::{ChildStdin, Command, Stdio};
use std::time::Duration;

use serde_json::Value;

use crate::process::{self, Process};
use crate::wait;

/// Python starts, connects and is born within this time, also on a busy machine.
const START: Duration = Duration::from_secs(30);
/// An answer to a command comes within this time.
const ANSWER: Duration = Duration::from_secs(10);

/// The group of the node.
pub const GROUP: &str = "plant";
/// Its name in the group.
pub const NODE: &str = "line1";

/// A running edge node with one device, `press`.
pub struct EdgeNode {
    process: Process,
    input: ChildStdin,
    answers: usize,
}

impl EdgeNode {
    /// Connects to a broker at `mqtt://host:port` as `user` and is born there. `name` distinguishes
    /// the logs of several in one test.
    ///
    /// # Panics
    /// When pysparkplug is not installed: `tests/run install` does that.
    pub async fn start(dir: &Path, name: &str, broker: &str, (user, secret): (&str, &str)) -> Self {
        let mut command = Command::new(process::peers_python());
        let port = broker.rsplit(':').next().unwrap_or_default();
        command
            .arg(process::workspace().join("tests/peers/sparkplug.py"))
            .args(["--port", port, "--user", user, "--password", secret])
            .args(["--group", GROUP, "--node", NODE])
            .stdin(Stdio::piped());
        let mut process = Process::start(name, dir, &mut command);
        let _ = process.json_line(START).await;
        let input = process
            .input()
            .expect("the command has a pipe for its input");
        Self {
            process,
            input,
            answers: 1,
        }
    }

    /// Gives a command as `sparkplug.py` describes them and waits until it is carried out.
    ///
    /// # Panics
    /// When the node does not answer.
    pub async fn tell(&mut self, command: Value) -> Value {
        writeln!(self.input, "{command}").expect("the node reads its input");
        self.answers += 1;
        let Self {
            process, answers, ..
        } = self;
        wait::until("the answer of the edge node", ANSWER, async || {
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

    /// Ends it as a power cut does: the broker says its last will.
    pub fn kill(&mut self) {
        self.process.kill();
    }
}
