//! What a process costs, from `/proc`, and order statistics of durations.

use std::time::Duration;

/// Clock ticks a second in `/proc`; Linux shows this to every program, whatever the kernel uses.
const TICKS_PER_S: f64 = 100.0;

/// Returns the seconds of CPU (user and system) that a process has used; 0 when it is gone.
#[must_use]
pub fn cpu_s(process: u32) -> f64 {
    let stat = std::fs::read_to_string(format!("/proc/{process}/stat")).unwrap_or_default();
    // The name in parentheses may hold spaces; fields are counted after it.
    let rest = stat.rsplit(')').next().unwrap_or_default();
    let field = |index: usize| rest.split_whitespace().nth(index)?.parse::<f64>().ok();
    (field(11).unwrap_or(0.0) + field(12).unwrap_or(0.0)) / TICKS_PER_S
}

/// Returns the resident memory of a process in MiB; 0 when it is gone.
#[must_use]
pub fn rss_mib(process: u32) -> f64 {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).unwrap_or_default();
    let line = status.lines().find(|line| line.starts_with("VmRSS:"));
    let kib = line.and_then(|line| line.split_whitespace().nth(1)?.parse::<f64>().ok());
    kib.unwrap_or(0.0) / 1024.0
}

/// Returns the value below which `part` (0 to 1) of the sorted durations lie, in milliseconds.
#[must_use]
pub fn quantile_ms(sorted: &[Duration], part: f64) -> f64 {
    let last = sorted.len().saturating_sub(1);
    let index = (last as f64 * part).round() as usize;
    sorted
        .get(index)
        .map_or(0.0, |duration| duration.as_secs_f64() * 1000.0)
}
