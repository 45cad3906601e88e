//! Counters for Prometheus (text format 0.0.4), on a listener of their own so that they cannot leak.
//!
//! Counting takes no lock: the routes are known when the router is built, so each has its counters
//! from the start. No label is a person, an instrument or an agent: the number of series is fixed.

mod exposition;
mod follower;
mod recording;

use std::collections::HashMap;
use std::fmt::Display;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use axum::extract::State;
use axum::http::{HeaderValue, Method, StatusCode};
use axum::response::Response;

use self::exposition::{Exposition, seconds};
use super::answer::typed;
use super::frame::Counts;
use super::state::HttpState;
use crate::histogram::Histogram;
use crate::status::ShownStatus;

/// The label of requests that no route took.
const NO_ROUTE: &str = "none";

const METHODS: [&str; 6] = ["GET", "POST", "PUT", "PATCH", "DELETE", "other"];

/// Statuses that are counted by themselves; any other counts under the last.
const STATUSES: [u16; 18] = [
    200, 201, 204, 303, 304, 400, 401, 403, 404, 405, 409, 413, 422, 429, 431, 500, 503, 0,
];

/// Upper bounds of the duration's buckets, in microseconds.
const BUCKETS_US: [u64; 10] = [
    500, 1_000, 2_500, 5_000, 10_000, 25_000, 100_000, 500_000, 2_500_000, 10_000_000,
];

/// Requests by route.
#[derive(Debug)]
pub struct HttpCounts(HashMap<String, RouteCounts>);

#[derive(Debug)]
struct RouteCounts {
    by_method: [[AtomicU64; STATUSES.len()]; METHODS.len()],
    took: Histogram,
}

impl HttpCounts {
    /// Returns counters for these routes.
    #[must_use]
    pub fn new(routes: impl IntoIterator<Item = String>) -> Self {
        let routes = routes.into_iter().chain([NO_ROUTE.to_owned()]);
        Self(
            routes
                .map(|route| {
                    let counts = RouteCounts {
                        by_method: Default::default(),
                        took: Histogram::new(&BUCKETS_US),
                    };
                    (route, counts)
                })
                .collect(),
        )
    }

    /// Counts an answer.
    pub fn record(&self, method: &Method, route: Option<&str>, status: StatusCode, took: Duration) {
        let known = route.and_then(|route| self.0.get(route));
        let Some(counts) = known.or_else(|| self.0.get(NO_ROUTE)) else {
            return;
        };
        let method = place(&METHODS, &method.as_str());
        let status = place(&STATUSES, &status.as_u16());
        if let Some(count) = counts.by_method.get(method).and_then(|row| row.get(status)) {
            count.fetch_add(1, Ordering::Relaxed);
        }
        let took_us = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        counts.took.observe(took_us);
    }

    fn count(&self, route: &str, method: &str, status: u16) -> u64 {
        let row = self.0.get(route).and_then(|counts| {
            let row = counts.by_method.get(place(&METHODS, &method))?;
            row.get(place(&STATUSES, &status))
        });
        row.map_or(0, |count| count.load(Ordering::Relaxed))
    }
}

/// Returns where a label stands, the last place if it is none of them.
fn place<T: PartialEq>(labels: &[T], label: &T) -> usize {
    let found = labels.iter().position(|known| known == label);
    found.unwrap_or(labels.len().saturating_sub(1))
}

/// Returns all counters.
pub(super) async fn metrics(State(state): State<HttpState>) -> Response {
    let mut text = Exposition::default();
    http(&mut text, state.counts());
    bookings(&mut text, &state);
    telemetry(&mut text, &state);
    foreign(&mut text, &state);
    follower::follower(&mut text, &state);
    region(&mut text, &state);
    process(&mut text);
    let kind = HeaderValue::from_static("text/plain; version=0.0.4; charset=utf-8");
    typed(kind, text.0.into())
}

fn http(text: &mut Exposition, counts: &HttpCounts) {
    let mut routes: Vec<_> = counts.0.iter().collect();
    routes.sort_unstable_by_key(|(route, _)| route.as_str());
    let name = "ortoo_http_requests_total";
    text.begin(name, "counter", "Answers by route, method and status.");
    for (route, counts) in &routes {
        for (method, row) in METHODS.iter().zip(&counts.by_method) {
            for (status, count) in STATUSES.iter().zip(row) {
                let count = count.load(Ordering::Relaxed);
                if count > 0 {
                    let status: &dyn Display = if *status == 0 { &"other" } else { status };
                    let labels: [(&str, &dyn Display); 3] =
                        [("route", route), ("method", method), ("status", status)];
                    text.sample(name, &labels, count);
                }
            }
        }
    }
    let name = "ortoo_http_request_duration_seconds";
    text.begin(
        name,
        "histogram",
        "Time from a request's head to its answer's head.",
    );
    for (route, counts) in &routes {
        let took = counts.took.view();
        if took.counts.iter().any(|count| *count > 0) {
            text.durations(name, &[("route", route)], &took);
        }
    }
}

fn bookings(text: &mut Exposition, state: &HttpState) {
    let name = "ortoo_booking_answers_total";
    text.begin(name, "counter", "Answers to wishes for a slot, by outcome.");
    for (outcome, status) in [
        ("accepted", 201),
        ("slot_taken", 409),
        ("refused_by_policy", 422),
        ("not_ready", 503),
    ] {
        let count = state.counts().count("/api/v1/bookings", "POST", status);
        text.sample(name, &[("outcome", &outcome)], count);
    }
    let help = "Commands that wait for the desk.";
    text.single(
        "ortoo_desk_waiting_commands",
        "gauge",
        help,
        state.desk().waiting(),
    );
    let help = "Live streams that are open.";
    text.single(
        "ortoo_http_live_streams",
        "gauge",
        help,
        state.seats().taken(),
    );
}

fn telemetry(text: &mut Exposition, state: &HttpState) {
    let counts = state.telemetry().counts();
    for (name, help, value) in [
        (
            "messages",
            "Messages taken from the queue.",
            counts.messages,
        ),
        (
            "batches",
            "Batches committed for the first time.",
            counts.batches,
        ),
        ("points", "Points committed.", counts.points),
        (
            "late_points",
            "Points after newer ones.",
            counts.late_points,
        ),
        (
            "duplicates",
            "Batches acknowledged again.",
            counts.duplicates,
        ),
        (
            "gaps",
            "Records that never came and never will.",
            counts.gaps,
        ),
        ("commits", "Group commits.", counts.commits),
        ("commit_failures", "Failed commits.", counts.commit_failures),
        ("acks", "Acks sent.", counts.acks),
    ] {
        text.single(
            &format!("ortoo_telemetry_{name}_total"),
            "counter",
            help,
            value,
        );
    }
    let help = "Messages that wait.";
    text.single(
        "ortoo_telemetry_queued_messages",
        "gauge",
        help,
        counts.queued,
    );
    let help = "Agents connected.";
    text.single(
        "ortoo_telemetry_agents_online",
        "gauge",
        help,
        counts.agents_online,
    );
    recording::waiting_and_lasting(text, &counts);
    clocks(text, &counts);
    let name = "ortoo_telemetry_rejected_total";
    text.begin(name, "counter", "Messages quarantined, by reason.");
    for (reason, count) in &counts.rejected {
        text.sample(name, &[("reason", reason)], count);
    }
    losses(text, &counts);
    let name = "ortoo_mqtt_denied_total";
    let help =
        "Connections, messages and subscriptions that the embedded broker denied, by reason.";
    text.begin(name, "counter", help);
    for (reason, count) in state.telemetry().denied() {
        text.sample(name, &[("reason", &reason)], count);
    }
}

fn clocks(text: &mut Exposition, counts: &crate::telemetry::Counts) {
    let help = "Agents connected whose wall clock is off by more than 5 s.";
    text.single(
        "ortoo_telemetry_agents_clock_off",
        "gauge",
        help,
        counts.clocks_off,
    );
    let help = "The most that a connected agent's wall clock is off.";
    text.single(
        "ortoo_telemetry_clock_skew_max_seconds",
        "gauge",
        help,
        seconds(counts.clock_skew_ms_max.saturating_mul(1_000)),
    );
}

/// What agents said of records that they gave up.
fn losses(text: &mut Exposition, counts: &crate::telemetry::Counts) {
    let name = "ortoo_telemetry_dropped_records_total";
    let help = "Records that agents said they dropped, by reason.";
    text.begin(name, "counter", help);
    for (reason, count) in &counts.dropped {
        text.sample(name, &[("reason", reason)], count);
    }
    let help = "Outboxes that agents found damaged.";
    text.single(
        "ortoo_telemetry_damaged_outboxes_total",
        "counter",
        help,
        counts.damaged_outboxes,
    );
}

fn foreign(text: &mut Exposition, state: &HttpState) {
    let counts = state.telemetry().counts();
    for (name, help, value) in [
        (
            "foreign_messages",
            "Messages of other makers' devices.",
            counts.foreign_messages,
        ),
        (
            "foreign_readings",
            "Readings of other makers' devices and of scripts.",
            counts.foreign_readings,
        ),
        (
            "unknown_devices_forgotten",
            "Unknown devices forgotten because there were too many.",
            counts.unknown_forgotten,
        ),
    ] {
        let name = format!("ortoo_telemetry_{name}_total");
        text.single(&name, "counter", help, value);
    }
    let help = "Devices listed that nobody has told the gateway about.";
    let unknown = state.telemetry().unknown_devices().len();
    text.single("ortoo_telemetry_unknown_devices", "gauge", help, unknown);
}

fn region(text: &mut Exposition, state: &HttpState) {
    let name = "ortoo_instruments";
    text.begin(name, "gauge", "Published instruments by shown status.");
    let Counts(counts) = Counts(state.board().view().counts());
    for (status, count) in ShownStatus::ALL.iter().zip(counts) {
        text.sample(name, &[("status", &status.as_str())], count);
    }
}

/// Linux only; elsewhere the sample is left out.
fn process(text: &mut Exposition) {
    let Ok(statm) = std::fs::read_to_string("/proc/self/statm") else {
        return;
    };
    let pages: Option<usize> = statm.split(' ').nth(1).and_then(|pages| pages.parse().ok());
    if let Some(pages) = pages {
        let bytes = pages * rustix::param::page_size();
        let help = "Resident memory.";
        text.single("process_resident_memory_bytes", "gauge", help, bytes);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_are_counted_by_route_method_and_status() {
        let counts = HttpCounts::new(["/a".to_owned()]);
        let took = Duration::from_millis(1);
        counts.record(&Method::GET, Some("/a"), StatusCode::OK, took);
        counts.record(&Method::GET, Some("/a"), StatusCode::OK, took * 2);
        counts.record(&Method::HEAD, None, StatusCode::IM_A_TEAPOT, took);
        let mut text = Exposition::default();
        http(&mut text, &counts);
        for line in [
            "ortoo_http_requests_total{route=\"/a\",method=\"GET\",status=\"200\"} 2",
            "ortoo_http_requests_total{route=\"none\",method=\"other\",status=\"other\"} 1",
            "ortoo_http_request_duration_seconds_bucket{route=\"/a\",le=\"0.001000\"} 1",
            "ortoo_http_request_duration_seconds_bucket{route=\"/a\",le=\"+Inf\"} 2",
            "ortoo_http_request_duration_seconds_sum{route=\"/a\"} 0.003000",
            "ortoo_http_request_duration_seconds_count{route=\"/a\"} 2",
        ] {
            assert!(text.0.lines().any(|l| l == line), "{line}\n{}", text.0);
        }
        assert_eq!(counts.count("/a", "GET", 200), 2);
    }
}
