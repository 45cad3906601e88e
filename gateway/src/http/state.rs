//! What handlers share. Handlers take the small part they need, or all of it.

use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use axum::extract::FromRef;
use scheduler::id::{InstrumentId, MemberId};

use super::attempts::Attempts;
use super::board::Board;
use super::caller::Caller;
use super::catalogue::Catalogues;
use super::front::RequestId;
use super::health::Readiness;
use super::keeper;
use super::metrics::HttpCounts;
use super::pace::Pace;
use super::problem::Problem;
use super::seats::{self, Seats};
use super::status::Packed;
use super::view::ShownNow;
use crate::booking::DeskHandle;
use crate::booking::pool::Grounds;
use crate::clock::Clock;
use crate::config::Limits;
use crate::credentials::Passwords;
use crate::history::History;
use crate::labels::Labels;
use crate::lifecycle::Lifecycle;
use crate::polling::Polling;
use crate::registry::{SecretHash, SharedDirectory};
use crate::status::{ShownStatus, shown};
use crate::telemetry::TelemetryHandle;

/// Photos carried at once.
const PHOTOS_MAX: usize = 4;

/// What the API is built on.
#[derive(Debug, Clone)]
pub struct Rooms {
    /// The time.
    pub clock: Clock,
    /// Bookings and the registry.
    pub desk: DeskHandle,
    /// Machine states and agents.
    pub telemetry: TelemetryHandle,
    /// Readings.
    pub history: History,
    /// Checks passwords.
    pub passwords: Passwords,
    /// Knows the labels on instruments.
    pub labels: Labels,
    /// What the gateway may poll itself.
    pub polling: Polling,
}

/// Where the gateway is to be found, as people and agents see it.
#[derive(Debug, Clone)]
pub struct Site {
    /// Scheme, host and port of the public address: what browsers send as `Origin`.
    pub origin: String,
    /// Whether it was set: else it is only the address listened on, and there may be other names.
    pub is_public: bool,
    /// Whether people come by https: cookies are then `Secure`.
    pub is_https: bool,
    /// What agents connect to, such as `mqtt://127.0.0.1:1883`.
    pub mqtt_url: String,
    /// The data folder, whose disk must not be full.
    pub data: std::path::PathBuf,
}

impl Site {
    /// Returns a site from its public address without a trailing slash, or else from where it
    /// listens.
    #[must_use]
    pub fn new(
        public_url: Option<&str>,
        listens_on: &str,
        mqtt_url: String,
        data: std::path::PathBuf,
    ) -> Self {
        let is_public = public_url.is_some();
        let public_url = public_url.unwrap_or(listens_on);
        let (scheme, rest) = public_url.split_once("://").unwrap_or(("http", public_url));
        let host = rest.split('/').next().unwrap_or(rest);
        Self {
            origin: format!("{scheme}://{host}"),
            is_public,
            is_https: scheme == "https",
            mqtt_url,
            data,
        }
    }
}

/// The state of the router. Clones share it.
#[derive(Debug, Clone)]
pub struct HttpState(Arc<Parts>);

#[derive(Debug)]
struct Parts {
    rooms: Rooms,
    directory: SharedDirectory,
    site: Site,
    board: Arc<Board>,
    catalogues: Catalogues,
    counts: HttpCounts,
    readiness: Readiness,
    seats: Arc<Seats>,
    /// Looks through much of the past.
    long_reads: Arc<Seats>,
    tables: Arc<Seats>,
    /// Photos on their way in or out. Each may take some 20 MiB while it is decoded; who comes
    /// later waits.
    photo_places: tokio::sync::Semaphore,
    packed_status: Packed,
    grounds: Grounds,
    paces: Paces,
    stop: tokio_util::sync::CancellationToken,
    run: u32,
    requests: AtomicU64,
}

/// Rate limits.
#[derive(Debug)]
struct Paces {
    logins: Attempts,
    members: Pace<MemberId>,
    strangers: Pace<IpAddr>,
}

impl HttpState {
    /// Returns the state and starts the task that keeps the status board.
    #[must_use]
    pub fn start(rooms: Rooms, site: Site, limits: Limits, lifecycle: &Lifecycle) -> Self {
        let board = keeper::start(&rooms, lifecycle);
        Self(Arc::new(Parts {
            directory: rooms.desk.shared_directory(),
            rooms,
            site,
            board,
            catalogues: Catalogues::default(),
            counts: HttpCounts::new(super::openapi::routes()),
            readiness: Readiness::default(),
            seats: Seats::new(seats::STREAMS),
            long_reads: Seats::new(seats::LONG_READS),
            tables: Seats::new(seats::TABLES),
            photo_places: tokio::sync::Semaphore::new(PHOTOS_MAX),
            packed_status: Packed::default(),
            grounds: Grounds::default(),
            paces: Paces {
                logins: Attempts::per_minute(limits.login_per_minute),
                members: Pace::per_minute(limits.requests_per_minute),
                strangers: Pace::per_minute(limits.anonymous_per_minute),
            },
            stop: lifecycle.stop_token(),
            run: rand::random(),
            requests: AtomicU64::new(0),
        }))
    }

    pub(super) fn next_request_id(&self) -> RequestId {
        RequestId {
            run: self.0.run,
            number: self.0.requests.fetch_add(1, Ordering::Relaxed),
        }
    }

    pub(super) fn clock(&self) -> &Clock {
        &self.0.rooms.clock
    }

    pub(super) fn directory(&self) -> &SharedDirectory {
        &self.0.directory
    }

    pub(super) fn desk(&self) -> &DeskHandle {
        &self.0.rooms.desk
    }

    pub(super) fn telemetry(&self) -> &TelemetryHandle {
        &self.0.rooms.telemetry
    }

    pub(super) fn history(&self) -> &History {
        &self.0.rooms.history
    }

    pub(super) fn passwords(&self) -> &Passwords {
        &self.0.rooms.passwords
    }

    pub(super) fn polling(&self) -> &Polling {
        &self.0.rooms.polling
    }

    /// Returns what knows the labels on instruments.
    pub(super) fn labels(&self) -> &Labels {
        &self.0.rooms.labels
    }

    pub(super) fn site(&self) -> &Site {
        &self.0.site
    }

    pub(super) fn board(&self) -> &Arc<Board> {
        &self.0.board
    }

    pub(super) fn catalogues(&self) -> &Catalogues {
        &self.0.catalogues
    }

    pub(super) fn counts(&self) -> &HttpCounts {
        &self.0.counts
    }

    pub(super) fn readiness(&self) -> &Readiness {
        &self.0.readiness
    }

    /// Returns the places at tables of readings.
    pub(super) fn tables(&self) -> &Arc<Seats> {
        &self.0.tables
    }

    /// Returns the places at looks through the past.
    pub(super) fn long_reads(&self) -> &Arc<Seats> {
        &self.0.long_reads
    }

    pub(super) fn seats(&self) -> &Arc<Seats> {
        &self.0.seats
    }

    /// Waits for a place to carry a photo.
    pub(super) async fn photo_place(&self) -> tokio::sync::SemaphorePermit<'_> {
        let place = self.0.photo_places.acquire().await;
        place.expect("nobody closes the semaphore")
    }

    pub(super) fn packed_status(&self) -> &Packed {
        &self.0.packed_status
    }

    pub(super) fn grounds(&self) -> &Grounds {
        &self.0.grounds
    }

    pub(super) fn stop(&self) -> &tokio_util::sync::CancellationToken {
        &self.0.stop
    }

    /// Returns whose session it is, if it has not ended.
    pub(super) fn session(&self, id: SecretHash) -> Option<MemberId> {
        self.desk().sessions().member(&id, self.clock().now())
    }

    /// Counts a request against its caller's limit.
    pub(super) fn pace(&self, caller: Caller) -> Result<(), Problem> {
        let now_us = self.clock().mono_us();
        let waited = match caller.member() {
            Some(member) => self.0.paces.members.take(member, now_us),
            None => self.0.paces.strangers.take(caller.address, now_us),
        };
        waited.map_err(Problem::too_many)
    }

    /// Returns the limits on wrong passwords.
    pub(super) fn attempts(&self) -> &Attempts {
        &self.0.paces.logins
    }

    /// Returns what is known of an instrument at this moment.
    pub(super) fn shown_now(&self, id: InstrumentId) -> ShownNow {
        let now = self.clock().now();
        let machine = self.telemetry().machine(id);
        let snapshot = self.desk().snapshot(id);
        let (out, booked) = snapshot.map_or((false, false), |snapshot| {
            (snapshot.is_out(now), snapshot.is_booked(now))
        });
        let status = shown(out, machine.state, booked);
        let since = match self.board().view().entry(id) {
            Some(entry) if entry.status == status => entry.since,
            _ if status == ShownStatus::NoTelemetry => None,
            // The board is a moment behind: it has just become so.
            _ => Some(now),
        };
        ShownNow {
            status,
            since,
            machine: machine.state,
        }
    }
}

impl FromRef<HttpState> for Clock {
    fn from_ref(state: &HttpState) -> Self {
        state.clock().clone()
    }
}

impl FromRef<HttpState> for SharedDirectory {
    fn from_ref(state: &HttpState) -> Self {
        Arc::clone(state.directory())
    }
}

impl FromRef<HttpState> for DeskHandle {
    fn from_ref(state: &HttpState) -> Self {
        state.desk().clone()
    }
}

impl FromRef<HttpState> for TelemetryHandle {
    fn from_ref(state: &HttpState) -> Self {
        state.telemetry().clone()
    }
}

impl FromRef<HttpState> for History {
    fn from_ref(state: &HttpState) -> Self {
        state.history().clone()
    }
}
