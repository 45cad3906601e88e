//! Metrics of the follower of the journal, where readings are written on.

use super::exposition::{Exposition, seconds};
use crate::history::{BacklogView, ElsewhereCounts};
use crate::http::state::HttpState;

/// Writes what the follower of the journal counts; nothing without one.
pub(super) fn follower(text: &mut Exposition, state: &HttpState) {
    let history = state.history();
    let (Some(store), Some(backlog)) = (history.elsewhere(), history.backlog()) else {
        return;
    };
    let now = state.clock().now();
    let lag_us = backlog.oldest.map_or(0, |oldest| now - oldest);
    waiting(text, &backlog, u64::try_from(lag_us).unwrap_or(0));
    counted(text, store.counts());
    let help = "1 if the last write request was answered.";
    let up = u8::from(store.ready().is_ok());
    text.single("ortoo_follower_store_up", "gauge", help, up);
}

fn waiting(text: &mut Exposition, backlog: &BacklogView, lag_us: u64) {
    let help = "Age of the oldest commit that the store elsewhere has not got.";
    text.single("ortoo_follower_lag_seconds", "gauge", help, seconds(lag_us));
    for (name, help, value) in [
        ("queue_commits", "Commits that wait.", backlog.rows),
        ("queue_bytes", "Their bytes on disk.", backlog.bytes),
        (
            "queue_limit_bytes",
            "Most bytes kept; then the oldest are given up.",
            backlog.bytes_max,
        ),
    ] {
        text.single(&format!("ortoo_follower_{name}"), "gauge", help, value);
    }
    let help = "Commits given up because the queue was full.";
    let name = "ortoo_follower_lost_commits_total";
    text.single(name, "counter", help, backlog.lost_rows);
}

fn counted(text: &mut Exposition, counts: ElsewhereCounts) {
    for (name, help, value) in [
        ("written_lines", "Lines it took.", counts.written_lines),
        ("requests", "Write requests it answered.", counts.requests),
        (
            "failures",
            "Write requests that failed and are repeated.",
            counts.failures,
        ),
        (
            "set_aside_lines",
            "Lines it refused for good.",
            counts.set_aside_lines,
        ),
        (
            "left_out_values",
            "Values it cannot hold.",
            counts.left_out_values,
        ),
        ("read_failures", "Reads that failed.", counts.read_failures),
    ] {
        text.single(
            &format!("ortoo_follower_{name}_total"),
            "counter",
            help,
            value,
        );
    }
}
