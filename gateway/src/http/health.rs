//! Whether the process lives, and whether it can do its work.

use std::time::Duration;

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use tokio::sync::Mutex;
use utoipa::ToSchema;

use super::answer::Json;
use super::state::HttpState;
use crate::booking::DeskError;
use crate::history::StoreElsewhere;

/// How long a probe's result is given to others, in microseconds.
const PROBED_FOR_US: i64 = 1_000_000;

/// Time a write probe has; a database that needs longer is not ready.
const PROBE_TIME_MAX: Duration = Duration::from_secs(3);

/// Free bytes that are always enough, however large the disk: a gibibyte.
const FREE_BYTES_ENOUGH: u64 = 1 << 30;

/// The process lives.
#[derive(Debug, Serialize, ToSchema)]
pub struct Health {
    /// `ok`.
    status: &'static str,
}

/// Whether everything works that the work needs.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Ready {
    /// Whether all checks are `ok` that the work needs.
    ready: bool,
    /// Each `ok`, or why not, in Chinese and English.
    checks: Checks,
}

/// What is checked.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Checks {
    /// A write can be committed.
    booking_database: String,
    /// Readings can be committed.
    telemetry_store: String,
    /// Messages come in.
    broker: String,
    /// The data folder has room.
    disk: String,
    /// Readings are written on; `ok` too when they are to be written nowhere else. The gateway is
    /// ready without it: what is not written on waits on disk.
    store_elsewhere: String,
}

/// The newest result. One caller probes at a time; the others wait for its result.
#[derive(Debug, Default)]
pub struct Readiness(Mutex<Option<(i64, Ready)>>);

/// Returns that the process lives.
#[utoipa::path(get, path = "/healthz", tag = "process", responses((status = 200, body = Health)))]
pub(super) async fn healthz() -> Json<Health> {
    Json(Health { status: "ok" })
}

/// Returns whether everything works, with a write probe at most a second old.
#[utoipa::path(get, path = "/readyz", tag = "process",
    responses((status = 200, body = Ready), (status = 503, body = Ready)))]
pub(super) async fn readyz(State(state): State<HttpState>) -> Response {
    let mut held = state.readiness().0.lock().await;
    let now_us = state.clock().mono_us();
    let ready = match held.take() {
        Some((at_us, ready)) if now_us - at_us < PROBED_FOR_US => {
            *held = Some((at_us, ready.clone()));
            ready
        }
        _ => {
            let ready = probe(&state).await;
            *held = Some((state.clock().mono_us(), ready.clone()));
            ready
        }
    };
    drop(held);
    let status = if ready.ready {
        StatusCode::OK
    } else {
        StatusCode::SERVICE_UNAVAILABLE
    };
    (status, Json(ready)).into_response()
}

async fn probe(state: &HttpState) -> Ready {
    let database = tokio::time::timeout(PROBE_TIME_MAX, state.desk().ready()).await;
    let database = match database {
        Ok(Ok(())) => Ok(()),
        Ok(Err(error)) => Err(why_not(&error)),
        Err(_) => Err("预约数据库无响应 / no answer from the booking database".to_owned()),
    };
    let stopping = state.stop().is_cancelled();
    let database = if stopping {
        Err("正在关闭 / stopping".to_owned())
    } else {
        database
    };
    let checks = Checks {
        booking_database: told(database),
        telemetry_store: told(state.telemetry().ready(state.clock().mono_us())),
        broker: told(state.telemetry().broker_ready()),
        disk: told(disk(&state.site().data)),
        store_elsewhere: told(
            state
                .history()
                .elsewhere()
                .map_or(Ok(()), StoreElsewhere::ready),
        ),
    };
    let all = [
        &checks.booking_database,
        &checks.telemetry_store,
        &checks.broker,
        &checks.disk,
    ];
    let ready = all.into_iter().all(|check| check == "ok");
    Ready { ready, checks }
}

/// What the database said is for the log: anybody may ask here.
fn why_not(error: &DeskError) -> String {
    tracing::warn!(%error, "the booking database is not ready");
    let told = match error {
        DeskError::Full(_) => {
            "磁盘已满，预约数据库不可写 / the disk is full, bookings cannot be written"
        }
        DeskError::NotReady(_) | DeskError::Data(_) => {
            "预约数据库不可写 / the booking database takes no writes"
        }
        DeskError::Busy => "预约排队已满 / too many bookings wait",
    };
    told.to_owned()
}

fn told(result: Result<(), String>) -> String {
    result.err().unwrap_or_else(|| "ok".to_owned())
}

/// The folder needs 5 % of its disk, or a gibibyte, free.
fn disk(folder: &std::path::Path) -> Result<(), String> {
    let disk = rustix::fs::statvfs(folder).map_err(|error| {
        format!("数据目录不可用 / the data folder cannot be looked at: {error}")
    })?;
    let free = disk.f_bavail.saturating_mul(disk.f_frsize);
    let all = disk.f_blocks.saturating_mul(disk.f_frsize);
    if free >= (all / 20).min(FREE_BYTES_ENOUGH) {
        return Ok(());
    }
    let mib = free / (1 << 20);
    Err(format!(
        "磁盘已满，剩余 {mib} MiB / disk full, {mib} MiB left"
    ))
}
