//! The live stream: server-sent events (WHATWG HTML section 9.2).
//!
//! `hello`, then what a returning reader missed, then a snapshot of every status; after that the
//! board's frames. A reader that is too slow is told how many messages it missed and gets a
//! snapshot; nobody waits for it.

use std::collections::{BTreeSet, VecDeque};
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::State;
use axum::http::{HeaderMap, HeaderName, HeaderValue, header};
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use futures::stream;
use scheduler::id::InstrumentId;
use serde::{Deserialize, Serialize};
use tokio::sync::broadcast;
use tokio::sync::broadcast::error::RecvError;
use tokio::time::{Instant, Interval, MissedTickBehavior, interval_at};
use utoipa::{IntoParams, ToSchema};

use super::board::Board;
use super::body::Query;
use super::caller::{Caller, is_still};
use super::frame::{Counts, Frame, claims_changed};
use super::front::text;
use super::path::visible_all;
use super::problem::Problem;
use super::seats::Seat;
use super::state::HttpState;
use super::status::Statuses;
use super::time::Zoned;
use crate::booking::record::EventKind;

/// A comment is sent after so long without anything else, so that both ends and every proxy see
/// that the line is alive.
const HEARTBEAT: Duration = Duration::from_secs(15);

/// A stream without changes looks so often whether its caller may still have it.
const RECHECK: Duration = Duration::from_secs(30);

const LAST_EVENT_ID: HeaderName = HeaderName::from_static("last-event-id");
const ACCEL_BUFFERING: HeaderName = HeaderName::from_static("x-accel-buffering");

/// What to follow.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct Follow {
    /// Keys of at most 50 instruments whose readings to send, with commas between.
    keys: Option<String>,
}

/// Data of the `hello` event.
#[derive(Debug, Serialize, ToSchema)]
pub struct Hello {
    /// The server's time.
    server_time: Zoned,
    /// Names the build of server and pages: another one means the pages are out of date.
    build: &'static str,
}

/// Data of the `skipped` event.
#[derive(Debug, Serialize, ToSchema)]
pub struct Skipped {
    /// How many messages were missed; load what you show again.
    messages: u64,
}

/// Data of a snapshot `status` event.
#[derive(Debug, Serialize)]
struct Whole<'v> {
    snapshot: bool,
    counts: Counts,
    status: Statuses<'v>,
}

/// Sends changes as they happen: `hello`, `status`, `bookings`, `readings`, `skipped`.
#[utoipa::path(get, path = "/api/v1/live", tag = "telemetry",
    params(Follow, ("Last-Event-ID" = Option<i64>, Header, description = "The last event row seen")),
    responses((status = 200, content_type = "text/event-stream", body = String)))]
pub(super) async fn live(
    State(state): State<HttpState>,
    caller: Caller,
    headers: HeaderMap,
    Query(follow): Query<Follow>,
) -> Result<Response, Problem> {
    let keys = follow.keys.unwrap_or_default();
    let directory = state.directory().load_full();
    let watched = visible_all(&directory, &keys, &caller)?;
    let seat = state.seats().take(caller)?;
    let board = Arc::clone(state.board());
    board.watched().add(&watched);
    let mut follower = Follower {
        // Followed before the snapshot is taken, so that nothing falls between the two.
        frames: board.frames(),
        board,
        watched,
        recheck: recheck(),
        caller,
        state,
        waiting: VecDeque::new(),
        _seat: seat,
    };
    let last = text(&headers, &LAST_EVENT_ID).and_then(|id| id.parse().ok());
    follower.greet(last);
    let events = stream::unfold(follower, |mut follower| async move {
        let event = follower.next().await?;
        Some((Ok::<_, Infallible>(event), follower))
    });
    let heartbeat = KeepAlive::new().interval(HEARTBEAT);
    let mut response = Sse::new(events).keep_alive(heartbeat).into_response();
    let headers = response.headers_mut();
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    // nginx gathers answers unless told otherwise.
    headers.insert(ACCEL_BUFFERING, HeaderValue::from_static("no"));
    Ok(response)
}

fn recheck() -> Interval {
    let mut recheck = interval_at(Instant::now() + RECHECK, RECHECK);
    recheck.set_missed_tick_behavior(MissedTickBehavior::Delay);
    recheck
}

/// One reader.
struct Follower {
    frames: broadcast::Receiver<Arc<Frame>>,
    board: Arc<Board>,
    watched: Vec<InstrumentId>,
    state: HttpState,
    caller: Caller,
    recheck: Interval,
    /// Events of a frame that is being sent; never more than one frame has.
    waiting: VecDeque<Event>,
    _seat: Seat,
}

impl Follower {
    fn greet(&mut self, last: Option<i64>) {
        let hello = Hello {
            server_time: Zoned(self.state.clock().now(), chrono_tz::Tz::Asia__Shanghai),
            build: super::ui::build(),
        };
        self.push("hello", None, &json(&hello));
        if let Some(last) = last {
            self.catch_up(last);
        }
        self.push_snapshot();
    }

    fn catch_up(&mut self, last: i64) {
        let Some(missed) = self.board.events_after(last) else {
            // How many is not known; at least one, because nothing says otherwise.
            self.push("skipped", None, &json(&Skipped { messages: 1 }));
            return;
        };
        let newest = missed.last().map(|event| event.id);
        let changed: BTreeSet<InstrumentId> = missed
            .iter()
            .filter(|event| event.kind != EventKind::Registry)
            .filter_map(|event| event.instrument)
            .collect();
        if let Some(data) = claims_changed(&self.board.view(), changed) {
            self.push("bookings", newest, &data);
        }
    }

    fn push_snapshot(&mut self) {
        let view = self.board.view();
        let data = json(&Whole {
            snapshot: true,
            counts: Counts(view.counts()),
            status: Statuses(&view),
        });
        self.push("status", None, &data);
    }

    fn push(&mut self, name: &str, id: Option<i64>, data: &str) {
        let event = Event::default().event(name).data(data);
        self.waiting.push_back(match id {
            Some(id) => event.id(id.to_string()),
            None => event,
        });
    }

    async fn next(&mut self) -> Option<Event> {
        loop {
            if let Some(event) = self.waiting.pop_front() {
                return Some(event);
            }
            let frame = tokio::select! {
                () = self.state.stop().cancelled() => return None,
                frame = self.frames.recv() => Some(frame),
                _ = self.recheck.tick() => None,
            };
            // Who was signed out or whose token was revoked is to see no more than that.
            if !is_still(&self.state, &self.caller) {
                return None;
            }
            let Some(frame) = frame else { continue };
            match frame {
                Ok(frame) => self.take(&frame),
                Err(RecvError::Lagged(messages)) => self.skip(messages),
                Err(RecvError::Closed) => return None,
            }
        }
    }

    fn take(&mut self, frame: &Frame) {
        if frame.skipped > 0 {
            self.skip(frame.skipped);
        }
        let id = (frame.event > 0).then_some(frame.event);
        if let Some(data) = &frame.status {
            self.push("status", id, data);
        }
        if let Some(data) = &frame.bookings {
            self.push("bookings", id, data);
        }
        for (instrument, data) in &frame.readings {
            if self.watched.contains(instrument) {
                self.push("readings", None, data);
            }
        }
    }

    fn skip(&mut self, messages: u64) {
        self.push("skipped", None, &json(&Skipped { messages }));
        self.push_snapshot();
    }
}

impl Drop for Follower {
    fn drop(&mut self) {
        self.board.watched().remove(&self.watched);
    }
}

fn json(data: &impl Serialize) -> String {
    serde_json::to_string(data).expect("our own events have string keys")
}
