//! Recurrence rules expanded by somebody else: `peers/recur.py` under python-dateutil.

use std::io::Write;
use std::process::{Command, Stdio};

use serde_json::Value;

use crate::process;

/// Returns the begins of each series in microseconds UTC. `recur.py` says what a case holds.
///
/// # Panics
/// When dateutil is not installed (`tests/run install` does that) or does not take a rule.
#[must_use]
pub fn expand(cases: &[Value]) -> Vec<Vec<i64>> {
    let mut child = Command::new(process::peers_python())
        .arg(process::workspace().join("tests/peers/recur.py"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("python starts");
    // It reads everything before it answers, so neither pipe can wait for the other.
    let mut input = child.stdin.take().expect("its input is a pipe");
    for case in cases {
        writeln!(input, "{case}").expect("it reads its input");
    }
    drop(input);
    let output = child.wait_with_output().expect("it ends");
    assert!(output.status.success(), "recur.py failed");
    let text = String::from_utf8(output.stdout).expect("it prints JSON");
    let lines: Vec<Vec<i64>> = text
        .lines()
        .map(|line| serde_json::from_str(line).expect("a line is a list of numbers"))
        .collect();
    assert_eq!(lines.len(), cases.len(), "a line for each case");
    lines
}
