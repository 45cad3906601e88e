//! Metrics of the recorder that are more than a counter: how much waits, how long things last.

use super::exposition::Exposition;
use crate::telemetry::Counts;

/// Writes the bytes that wait, the time of commits, and how old readings are when they are committed.
pub(super) fn waiting_and_lasting(text: &mut Exposition, counts: &Counts) {
    let help = "Bytes of messages that wait, in whole KiB each.";
    text.single(
        "ortoo_telemetry_queued_bytes",
        "gauge",
        help,
        counts.queued_bytes,
    );
    let name = "ortoo_telemetry_commit_duration_seconds";
    let help = "Time of a group commit, with repetitions.";
    text.begin(name, "histogram", help);
    text.durations(name, &[], &counts.commit_time);
    let name = "ortoo_telemetry_ingest_lag_seconds";
    let help = "From a batch's newest reading to its commit; back-fill counts too.";
    text.begin(name, "histogram", help);
    text.durations(name, &[], &counts.ingest_lag);
}
