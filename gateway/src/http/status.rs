//! The shown status of every published instrument at once.

use std::sync::{Arc, PoisonError, RwLock};

use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Response;
use bytes::Bytes;
use serde::{Serialize, Serializer};
use utoipa::ToSchema;

use super::answer::{JSON, accepts_gzip, either, gzip};
use super::board::View;
use super::frame::Counts;
use super::problem::Problem;
use super::state::HttpState;
use super::time::Zoned;

/// How long a packed answer is given to others, in microseconds; its time is that old at most.
const PACKED_FOR_US: i64 = 1_000_000;

/// What every published instrument shows.
#[derive(Debug, Serialize, ToSchema)]
pub struct StatusSnapshot<'v> {
    /// The server's time.
    server_time: Zoned,
    /// How many show each status.
    #[schema(value_type = std::collections::BTreeMap<String, usize>)]
    counts: Counts,
    /// Status by key.
    #[schema(value_type = std::collections::BTreeMap<String, String>)]
    status: Statuses<'v>,
}

/// Status by key of published instruments.
#[derive(Debug, Clone, Copy)]
pub struct Statuses<'v>(pub &'v View);

impl Serialize for Statuses<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let shown = self.0.published();
        serializer.collect_map(shown.map(|(listed, entry)| (&listed.key, entry.status.as_str())))
    }
}

/// A packed answer, with the view it shows and when it was made.
#[derive(Debug, Default)]
pub struct Packed(RwLock<Option<(Arc<View>, i64, Bytes)>>);

impl Packed {
    fn get(&self, view: &Arc<View>, now_us: i64) -> Option<Bytes> {
        let held = self.0.read().unwrap_or_else(PoisonError::into_inner);
        let (of, made_us, bytes) = held.as_ref()?;
        let is_fresh = Arc::ptr_eq(of, view) && now_us - made_us < PACKED_FOR_US;
        is_fresh.then(|| bytes.clone())
    }

    fn put(&self, view: Arc<View>, now_us: i64, bytes: Bytes) {
        let mut held = self.0.write().unwrap_or_else(PoisonError::into_inner);
        *held = Some((view, now_us, bytes));
    }
}

/// Returns the shown status of every published instrument and the counts.
#[utoipa::path(get, path = "/api/v1/status", tag = "instruments",
    responses((status = 200, body = StatusSnapshot<'_>)))]
pub(super) async fn status(
    State(state): State<HttpState>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let view = state.board().view();
    let now_us = state.clock().mono_us();
    let wants_packed = accepts_gzip(&headers);
    if wants_packed && let Some(packed) = state.packed_status().get(&view, now_us) {
        return Ok(either(&headers, JSON, Bytes::new(), Some(packed)));
    }
    let body = StatusSnapshot {
        server_time: Zoned(state.clock().now(), chrono_tz::Tz::Asia__Shanghai),
        counts: Counts(view.counts()),
        status: Statuses(&view),
    };
    let plain = serde_json::to_vec(&body).map_err(Problem::internal)?;
    let packed = wants_packed.then(|| gzip(&plain));
    if let Some(packed) = &packed {
        state
            .packed_status()
            .put(Arc::clone(&view), now_us, packed.clone());
    }
    Ok(either(&headers, JSON, plain.into(), packed))
}
