//! The progress line while the demo prepares: one line that changes on a terminal, a line for each
//! step elsewhere. On standard error: standard output belongs to whoever started the process.

use std::io::{IsTerminal as _, Write as _};
use std::time::{Duration, Instant};

/// Shortest time between two changes of the line on a terminal.
const REFRESH: Duration = Duration::from_millis(100);

/// The line.
#[derive(Debug)]
pub(super) struct Progress {
    terminal: bool,
    began: Instant,
    step: &'static str,
    shown: Option<Instant>,
}

impl Progress {
    /// Returns a line that shows nothing yet.
    pub(super) fn new() -> Self {
        let terminal = std::io::stderr().is_terminal();
        Self {
            terminal,
            began: Instant::now(),
            step: "",
            shown: None,
        }
    }

    /// Begins a step.
    pub(super) fn step(&mut self, step: &'static str) {
        self.step = step;
        self.shown = None;
        let text = format!("{step} ...");
        self.show(&text);
    }

    /// Says how far the step is; on a terminal only.
    pub(super) fn at(&mut self, done: usize, of: usize) {
        let due = self.shown.is_none_or(|shown| shown.elapsed() >= REFRESH);
        if self.terminal && due {
            self.shown = Some(Instant::now());
            let text = format!("{} {} %", self.step, done * 100 / of.max(1));
            self.show(&text);
        }
    }

    /// Ends the line and returns the time since its begin.
    pub(super) fn end(self) -> Duration {
        if self.terminal {
            write("\r\x1b[K");
        }
        self.began.elapsed()
    }

    fn show(&self, text: &str) {
        let seconds = self.began.elapsed().as_secs_f32();
        if self.terminal {
            write(&format!("\r\x1b[K  [{seconds:4.1} s] {text}"));
        } else {
            write(&format!("[{seconds:4.1} s] {text}\n"));
        }
    }
}

/// A terminal that has gone away is no reason to end: the demo works without an audience.
fn write(text: &str) {
    let mut out = std::io::stderr().lock();
    out.write_all(text.as_bytes())
        .and_then(|()| out.flush())
        .ok();
}
