//! A disk that fails at the n-th flush: strace answers `fsync` and `fdatasync` with EIO.

use std::ffi::OsString;
use std::path::Path;

/// Returns the words before a command that let its `position`-th flush to disk fail, once.
///
/// `strace -f` counts the calls of each thread; a program flushes in few threads, so that small
/// positions are all reached.
#[must_use]
pub fn failing_flush(dir: &Path, position: u32) -> Vec<OsString> {
    let inject = format!("inject=fsync,fdatasync:error=EIO:when={position}");
    let words = [
        "strace",
        "-D", // the program stays our child, so that a kill hits it and not the tracer
        "-f",
        "-qq",
        "--seccomp-bpf",
        "-e",
        "trace=fsync,fdatasync",
        "-e",
        &inject,
        "-o",
    ];
    let mut words: Vec<OsString> = words.iter().map(OsString::from).collect();
    words.push(dir.join("flushes.strace").into());
    words
}
