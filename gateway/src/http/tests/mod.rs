//! The API against a real desk on SQLite, with a clock moved by hand.
//!
//! The world: two centres with a lab each; instruments, people of every role, agents, bookings and
//! outages with known identities. Requests go through the whole router, without a socket.

mod account;
mod agents;
mod authorization;
mod booking_states;
mod booking_ways;
mod bookings;
mod edits;
mod evasions;
mod foreign;
mod front;
mod goes_with;
mod live;
mod moving;
mod outages;
mod people;
mod policy;
mod pool;
mod problems;
mod reports;
mod runs;
mod scripts;
mod settings;
mod state_rules;
mod texts;
mod together;
mod waiting;
mod world;

use std::path::Path;

use axum::body::Body;
use axum::http::{HeaderMap, Method, Request, StatusCode, header};
use serde_json::Value;
use tower::ServiceExt as _;

use super::{HttpState, Rooms, Site, router};
use crate::booking::{self, DeskHandle, DeskSettings, Import};
use crate::clock::{Clock, Hand};
use crate::config::Limits;
use crate::labels::Labels;
use crate::lifecycle::Lifecycle;
use crate::store::Database;
use scheduler::time::Micros;

/// 2026-11-24T00:00:00+08:00, a Tuesday.
pub(super) const MIDNIGHT: i64 = 1_795_449_600_000_000;

/// Somebody who calls; the number is the member's, 0 is nobody.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Who {
    Anonymous,
    Researcher,
    Manager,
    /// Manager of the other lab.
    Neighbour,
    CentreAdmin,
    RegionAdmin,
    Auditor,
    /// Another researcher, of the other lab.
    Stranger,
}

impl Who {
    /// The columns of the authorization table.
    pub(super) const TABLE: [Self; 7] = [
        Self::Anonymous,
        Self::Researcher,
        Self::Manager,
        Self::Neighbour,
        Self::CentreAdmin,
        Self::RegionAdmin,
        Self::Auditor,
    ];

    /// The member's identity.
    pub(super) fn number(self) -> i64 {
        match self {
            Self::Anonymous => 0,
            Self::Researcher => 1,
            Self::Manager => 2,
            Self::Neighbour => 3,
            Self::CentreAdmin => 4,
            Self::RegionAdmin => 5,
            Self::Auditor => 6,
            Self::Stranger => 7,
        }
    }

    /// The member's API token.
    pub(super) fn token(self) -> Option<String> {
        (self != Self::Anonymous).then(|| format!("ort_{}", self.number()))
    }
}

/// A gateway without a socket.
pub(super) struct Place {
    pub(super) hand: Hand,
    pub(super) state: HttpState,
    pub(super) lifecycle: Lifecycle,
    /// Removed last, when nothing works in it any more.
    _folder: tempfile::TempDir,
}

/// Limits that let everything pass.
pub(super) const NO_LIMITS: Limits = Limits {
    login_per_minute: 0,
    requests_per_minute: 0,
    anonymous_per_minute: 0,
};

/// What came back.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) status: StatusCode,
    pub(super) headers: HeaderMap,
    pub(super) bytes: Vec<u8>,
}

impl Answer {
    /// Returns the body as JSON.
    #[track_caller]
    pub(super) fn json(&self) -> Value {
        serde_json::from_slice(&self.bytes)
            .unwrap_or_else(|error| panic!("{error}: {}", self.text()))
    }

    pub(super) fn text(&self) -> String {
        String::from_utf8_lossy(&self.bytes).into_owned()
    }

    /// Returns a header's text, empty if it is not there.
    pub(super) fn header(&self, name: &str) -> &str {
        let value = self.headers.get(name);
        value.and_then(|value| value.to_str().ok()).unwrap_or("")
    }

    #[track_caller]
    pub(super) fn expect(self, status: u16) -> Value {
        assert_eq!(self.status.as_u16(), status, "{}", self.text());
        if self.bytes.is_empty() {
            Value::Null
        } else {
            self.json()
        }
    }

    #[track_caller]
    pub(super) fn expect_problem(self, status: u16, slug: &str) -> Value {
        assert_eq!(self.header("content-type"), "application/problem+json");
        let body = self.expect(status);
        assert_eq!(body["type"], format!("/problems/{slug}"), "{body:#}");
        body
    }
}

impl Place {
    /// A world without limits on rates.
    pub(super) async fn new() -> Self {
        Self::with_limits(NO_LIMITS).await
    }

    pub(super) async fn with_limits(limits: Limits) -> Self {
        Self::of(world::world(), limits).await
    }

    /// A world of the caller's own.
    pub(super) async fn of(import: Import, limits: Limits) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let (clock, _) = Clock::manual(Micros::new(MIDNIGHT));
        fill(folder.path(), &clock, import, &[]).await;
        Self::on(folder, None, limits).await
    }

    /// A world that people find at a public address.
    pub(super) async fn at(public_url: Option<&str>, limits: Limits) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let (clock, _) = Clock::manual(Micros::new(MIDNIGHT));
        fill(folder.path(), &clock, world::world(), &[]).await;
        Self::on(folder, public_url, limits).await
    }

    /// The usual world with rows that another hand has written.
    pub(super) async fn with_rows(statements: &[String]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let (clock, _) = Clock::manual(Micros::new(MIDNIGHT));
        fill(folder.path(), &clock, world::world(), statements).await;
        Self::on(folder, None, NO_LIMITS).await
    }

    async fn on(folder: tempfile::TempDir, public_url: Option<&str>, limits: Limits) -> Self {
        let (clock, hand) = Clock::manual(Micros::new(MIDNIGHT));
        let lifecycle = Lifecycle::new();
        let desk = open(folder.path(), &clock, &lifecycle).await;
        let (telemetry, history) = world::telemetry(folder.path(), &clock, &lifecycle, &desk).await;
        let rooms = Rooms {
            clock,
            desk,
            telemetry,
            history,
            passwords: world::passwords(),
            labels: Labels::open(folder.path()).unwrap(),
            polling: world::polling(),
        };
        let url = "http://127.0.0.1:8080";
        let mqtt_url = "mqtt://127.0.0.1:1883".to_owned();
        let site = Site::new(public_url, url, mqtt_url, folder.path().to_owned());
        let state = HttpState::start(rooms, site, limits, &lifecycle);
        Self {
            hand,
            state,
            lifecycle,
            _folder: folder,
        }
    }

    /// Sends a request with a member's token.
    pub(super) async fn send(
        &self,
        who: Who,
        method: Method,
        path: &str,
        body: Option<&Value>,
    ) -> Answer {
        let mut request = Request::builder().method(method).uri(path);
        if let Some(token) = who.token() {
            request = request.header(header::AUTHORIZATION, format!("Bearer {token}"));
        }
        let body = match body {
            None => Body::empty(),
            Some(body) => {
                request = request.header(header::CONTENT_TYPE, "application/json");
                Body::from(body.to_string())
            }
        };
        self.raw(request.body(body).unwrap()).await
    }

    /// Sends a request as it is and reads the whole answer.
    pub(super) async fn raw(&self, request: Request<Body>) -> Answer {
        let response = router(self.state.clone()).oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        let is_stream = parts
            .headers
            .get(header::CONTENT_TYPE)
            .is_some_and(|kind| kind == "text/event-stream");
        let bytes = if is_stream {
            Vec::new()
        } else {
            axum::body::to_bytes(body, usize::MAX)
                .await
                .unwrap()
                .to_vec()
        };
        Answer {
            status: parts.status,
            headers: parts.headers,
            bytes,
        }
    }

    pub(super) async fn get(&self, who: Who, path: &str) -> Answer {
        self.send(who, Method::GET, path, None).await
    }

    pub(super) async fn post(&self, who: Who, path: &str, body: &Value) -> Answer {
        self.send(who, Method::POST, path, Some(body)).await
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.lifecycle.stop();
    }
}

/// Fills a database with a world and then with rows past the desk.
async fn fill(folder: &Path, clock: &Clock, import: Import, statements: &[String]) {
    let lifecycle = Lifecycle::new();
    let desk = open(folder, clock, &lifecycle).await;
    desk.import(import).await.unwrap();
    lifecycle.stop();
    drop(desk);
    let grace = std::time::Duration::from_secs(5);
    lifecycle.finished(grace).await.unwrap();
    let file = format!("sqlite://{}", folder.join("booking.db").display());
    let pool = sqlx::AnyPool::connect(&file).await.unwrap();
    for statement in statements {
        let statement = sqlx::AssertSqlSafe(statement.clone());
        sqlx::query(statement).execute(&pool).await.unwrap();
    }
    pool.close().await;
}

async fn open(folder: &Path, clock: &Clock, lifecycle: &Lifecycle) -> DeskHandle {
    let database = Database::open(folder, None).await.unwrap();
    let settings = DeskSettings::default();
    booking::start(database, clock.clone(), lifecycle, settings)
        .await
        .unwrap()
}

/// Returns a time of the world's first days, in hours after its first midnight.
pub(super) fn at(hour: i64) -> String {
    let micros = Micros::new(MIDNIGHT + hour * scheduler::time::HOUR_US);
    super::time::Zoned(micros, chrono_tz::Tz::Asia__Shanghai).to_string()
}
