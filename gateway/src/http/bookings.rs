//! Bookings: read, change, give up. The desk decides; here it is asked and its answer worded.

use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::{IntoResponse, Response};
use scheduler::id::BookingId;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use std::sync::Arc;
use utoipa::{IntoParams, ToSchema};

use super::answer::{Json, Versioned, demanded_version};
use super::body::{Body, MaybeBody, Query};
use super::booking_make::{Try, Verdict, refusal, refusal_of};
use super::booking_request::{OverrideRequest, PURPOSE_CHARACTERS_MAX, overriding};
use super::caller::{Caller, SignedIn};
use super::details::merged;
use super::path::Number;
use super::problem::{Problem, ProblemType};
use super::state::HttpState;
use super::texts::{check_prose, kept};
use super::time::{When, slot};
use super::view::{BookingView, Reader};
use crate::booking::record::Booking;
use crate::booking::{
    Cancel, CancelOutcome, Change, ChangeOutcome, DeskError, InstrumentSnapshot, LAB_MOVES,
    status_after,
};
use crate::registry::{Directory, Instrument, Right};
use crate::words::{self, Said};

/// Most characters of a reason.
pub const REASON_CHARACTERS_MAX: usize = 500;

/// A change of a booking: what is left out stays.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct BookingChange {
    /// First instant.
    start: Option<When>,
    /// First instant after it.
    end: Option<When>,
    /// What for; at most 500 characters.
    purpose: Option<String>,
    /// What else was asked: fields and answers that are left out stay, those that are null go (RFC
    /// 7396). After use too, but for the project.
    #[schema(value_type = Option<crate::booking::record::Details>)]
    details: Option<Map<String, Value>>,
    /// Sets rules aside; for who has the authority over them.
    #[serde(rename = "override")]
    overriding: Option<OverrideRequest>,
}

/// Why somebody does something.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Why {
    /// At most 500 characters.
    #[serde(default)]
    pub(super) reason: String,
}

/// A booking that was given up, and what it cost.
#[derive(Debug, Serialize, ToSchema)]
pub struct GivenUp {
    /// The booking.
    #[serde(flatten)]
    booking: BookingView,
    /// Whether it was too late to be free.
    late: bool,
    /// Points given for it.
    points: u32,
}

/// Whether to try only.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct Trial {
    /// Answers what would happen and changes nothing.
    #[serde(default)]
    pub(super) dry_run: bool,
}

/// Returns a booking to its owner or to those who see the inside of its instrument.
#[utoipa::path(get, path = "/api/v1/bookings/{id}", tag = "bookings",
    params(("id" = i64, Path, description = "Identity")),
    responses((status = 200, body = BookingView, headers(("ETag" = String, description = "Version")))))]
pub(super) async fn read(
    State(state): State<HttpState>,
    who: SignedIn,
    number: Number,
) -> Result<Versioned<BookingView>, Problem> {
    let directory = state.directory().load_full();
    let booking = seen(&state, &directory, who.caller, number)?;
    let set_aside = state.desk().overrides_of(booking.id).await;
    let set_aside = set_aside.map_err(Problem::internal)?;
    let reader = Reader::new(&state, &directory, who.caller);
    let view = BookingView::of(&reader, &booking).ok_or_else(Problem::not_found)?;
    Ok(Versioned {
        version: booking.version,
        body: view.in_full(&reader, &booking, &set_aside),
    })
}

/// Moves, shortens, extends or describes a booking anew, or with `dry_run` tells what would happen.
#[utoipa::path(patch, path = "/api/v1/bookings/{id}", tag = "bookings", request_body = BookingChange,
    params(("id" = i64, Path, description = "Identity"), Trial,
        ("If-Match" = Option<String>, Header, description = "Only if it has this version")),
    responses((status = 200, body = BookingView), (status = 409, description = "slot-taken, stale-version or wrong-state"),
        (status = 422, description = "refused-by-policy")))]
pub(super) async fn change(
    State(state): State<HttpState>,
    who: SignedIn,
    number: Number,
    headers: HeaderMap,
    Query(trial): Query<Trial>,
    Body(wish): Body<BookingChange>,
) -> Result<Response, Problem> {
    let directory = state.directory().load_full();
    let held = acted_on(&state, &directory, who.caller, number)?;
    let change = understood(&directory, &held, who, (&headers, wish))?;
    if trial.dry_run {
        let verdict = try_change(&state, &directory, who, (&held, &change))?;
        return Ok(Json(verdict).into_response());
    }
    let changed = state.desk().ask(change).await?;
    let versioned = changed_view(&state, &directory, who, (&held, changed))?;
    Ok(versioned.into_response())
}

fn understood(
    directory: &Directory,
    held: &Booking,
    who: SignedIn,
    (headers, wish): (&HeaderMap, BookingChange),
) -> Result<Change, Problem> {
    let instrument = directory.instruments.get(&held.instrument);
    let instrument = instrument.ok_or_else(Problem::not_found)?;
    if let Some(purpose) = &wish.purpose {
        check_prose("purpose", purpose, PURPOSE_CHARACTERS_MAX)?;
    }
    let start = wish.start.unwrap_or(When(held.slot.start()));
    let end = wish.end.unwrap_or(When(held.slot.end()));
    let field = if wish.end.is_some() { "end" } else { "start" };
    let is_moved = wish.start.is_some() || wish.end.is_some();
    let details = wish.details.map(|told| merged(held.details(), told));
    Ok(Change {
        booking: held.id,
        by: who.member,
        expected_version: demanded_version(headers)?,
        slot: is_moved.then(|| slot(start, end, field)).transpose()?,
        purpose: wish.purpose.map(kept),
        details: details.transpose()?,
        overriding: overriding(directory, instrument, who, wish.overriding)?,
    })
}

fn try_change(
    state: &HttpState,
    directory: &Directory,
    who: SignedIn,
    (held, change): (&Booking, &Change),
) -> Result<Verdict, Problem> {
    let wanted = change.slot.unwrap_or(held.slot);
    let now = state.clock().now();
    let is_allowed = held.status.change(held.slot, wanted, now);
    is_allowed.map_err(|wrong| Problem::wrong_state(words::wrong_state(wrong)))?;
    let by_owner = who.member == held.member;
    let project = change.details.as_ref().map_or_else(
        || held.charged_to(),
        |details| details.project.map(scheduler::id::ProjectId::new),
    );
    let trial = Try {
        instrument: held.instrument,
        member: held.member,
        slot: wanted,
        project,
        held: Some(held),
        set_aside: if by_owner { &[] } else { LAB_MOVES },
        manner: crate::booking::Manner::default(),
        pays: by_owner && change.overriding.is_none(),
        details: None,
    };
    let asks = |needs| {
        let after = status_after(held, wanted, needs, by_owner, now);
        after != Some(held.status) && needs
    };
    trial.verdict(state, directory, who, asks)
}

/// Returns the view of what a change left, or what stands against it.
pub(super) fn changed_view(
    state: &HttpState,
    directory: &Directory,
    who: SignedIn,
    (held, outcome): (&Booking, ChangeOutcome),
) -> Result<Versioned<BookingView>, Problem> {
    match outcome {
        ChangeOutcome::Changed(booking) => view(state, directory, who.caller, &booking),
        ChangeOutcome::Refused(refused) => {
            let judged = (held.instrument, held.member);
            Err(refusal_of(state, directory, who, judged, &refused))
        }
        ChangeOutcome::NotAtOnce => Err(Problem::wrong_state(words::not_at_once())),
        ChangeOutcome::WrongState(wrong) => Err(Problem::wrong_state(words::wrong_state(wrong))),
        ChangeOutcome::Stale(_) => Err(Problem::new(ProblemType::StaleVersion)),
        ChangeOutcome::NotFound => Err(Problem::not_found()),
    }
}

/// Gives a booking up.
#[utoipa::path(delete, path = "/api/v1/bookings/{id}", tag = "bookings", request_body = Option<Why>,
    params(("id" = i64, Path, description = "Identity"),
        ("If-Match" = Option<String>, Header, description = "Only if it has this version")),
    responses((status = 200, body = GivenUp), (status = 409, description = "wrong-state or stale-version"),
        (status = 422, description = "refused-by-policy")))]
pub(super) async fn cancel(
    State(state): State<HttpState>,
    who: SignedIn,
    number: Number,
    headers: HeaderMap,
    MaybeBody(why): MaybeBody<Why>,
) -> Result<Versioned<GivenUp>, Problem> {
    let directory = state.directory().load_full();
    let held = acted_on(&state, &directory, who.caller, number)?;
    check_prose("reason", &why.reason, REASON_CHARACTERS_MAX)?;
    let cancel = Cancel {
        booking: held.id,
        by: who.member,
        reason: why.reason,
        expected_version: demanded_version(&headers)?,
    };
    match state.desk().ask(cancel).await? {
        CancelOutcome::Cancelled(booking, cost) => {
            let Versioned { version, body } = view(&state, &directory, who.caller, &booking)?;
            Ok(Versioned {
                version,
                body: GivenUp {
                    booking: body,
                    late: cost.late,
                    points: cost.points,
                },
            })
        }
        CancelOutcome::Refused(refused) => {
            Err(refusal(&state, &directory, who, held.instrument, &refused))
        }
        CancelOutcome::WrongState(wrong) => Err(Problem::wrong_state(words::wrong_state(wrong))),
        CancelOutcome::Stale(_) => Err(Problem::new(ProblemType::StaleVersion)),
        CancelOutcome::NotFound => Err(Problem::not_found()),
    }
}

/// Returns a booking that the caller may see; for everybody else there is none.
pub(super) fn seen(
    state: &HttpState,
    directory: &Directory,
    caller: Caller,
    number: Number,
) -> Result<Arc<Booking>, Problem> {
    let booking = state.desk().booking(BookingId::new(number.0));
    booking
        .filter(|booking| {
            let instrument = directory.instruments.get(&booking.instrument);
            caller.member() == Some(booking.member)
                || instrument.is_some_and(|held| caller.sees_inside(directory, held))
        })
        .ok_or_else(Problem::not_found)
}

/// Returns a booking that the caller may change: its owner, or who manages its instrument.
pub(super) fn acted_on(
    state: &HttpState,
    directory: &Directory,
    caller: Caller,
    number: Number,
) -> Result<Arc<Booking>, Problem> {
    let booking = seen(state, directory, caller, number)?;
    if caller.member() == Some(booking.member) {
        return Ok(booking);
    }
    let instrument = directory.instruments.get(&booking.instrument);
    let lab = instrument.ok_or_else(Problem::not_found)?.lab;
    caller.demand(directory, Right::ManageInstruments, lab)?;
    Ok(booking)
}

/// Returns a booking's view with its version.
pub(super) fn view(
    state: &HttpState,
    directory: &Directory,
    caller: Caller,
    booking: &Booking,
) -> Result<Versioned<BookingView>, Problem> {
    let reader = Reader::new(state, directory, caller);
    let body = BookingView::of(&reader, booking).ok_or_else(Problem::not_found)?;
    Ok(Versioned {
        version: booking.version,
        body,
    })
}

/// What the desk cannot do now is `not-ready`, and what the database cannot hold is our fault. What
/// the database said is for the log.
impl From<DeskError> for Problem {
    fn from(error: DeskError) -> Self {
        let (reason, retry_after_s) = match &error {
            DeskError::Full(_) => (Said::fixed("磁盘已满", "the disk is full"), 5),
            DeskError::NotReady(_) => {
                let en = "bookings cannot be written now";
                (Said::fixed("预约数据暂时无法写入", en), 5)
            }
            DeskError::Busy => (Said::fixed("排队已满", "too many wait"), 1),
            DeskError::Data(_) => return Self::internal(error),
        };
        Self::not_ready(reason, retry_after_s).caused_by(error)
    }
}

/// Returns the snapshot of an instrument.
///
/// # Errors
/// Returns `not-found` when it was removed a moment ago.
pub fn snapshot_of(
    state: &HttpState,
    instrument: &Instrument,
) -> Result<Arc<InstrumentSnapshot>, Problem> {
    let snapshot = state.desk().snapshot(instrument.id);
    snapshot.ok_or_else(Problem::not_found)
}
