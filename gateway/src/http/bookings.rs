//! Bookings: ask, read, change, give up. The desk decides; here it is asked and its answer worded.

use axum::extract::State;
use axum::http::{HeaderMap, HeaderName};
use axum::response::{IntoResponse, Response};
use scheduler::id::BookingId;
use scheduler::slot::Slot;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::sync::Arc;
use utoipa::{IntoParams, ToSchema};
use wire::InstrumentKey;

use super::answer::{Created, Json, Versioned, demanded_version};
use super::body::{Body, Query};
use super::caller::{Caller, SignedIn};
use super::front::text;
use super::path::{Number, visible};
use super::problem::{Problem, ProblemType};
use super::state::HttpState;
use super::time::{When, slot};
use super::view::{BookingView, ConflictView, Interval, Looking, RefusalView};
use crate::booking::record::Booking;
use crate::booking::{
    Asked, Book, BookOutcome, Cancel, CancelOutcome, Change, ChangeOutcome, DeskError, Gathered,
    InstrumentSnapshot, Refused, Wish, judge_wish,
};
use crate::registry::{Directory, Instrument, Right};
use crate::words::{self, Said};

/// Most characters of a purpose.
const PURPOSE_CHARACTERS_MAX: usize = 500;
/// Most characters of a project's name.
const PROJECT_CHARACTERS_MAX: usize = 200;
/// Most characters of an idempotency key.
const KEY_CHARACTERS_MAX: usize = 200;

const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");

/// A wish for a slot.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct BookingRequest {
    /// The instrument's key.
    #[schema(value_type = String)]
    instrument: InstrumentKey,
    /// First instant.
    start: When,
    /// First instant after it.
    end: When,
    /// What for; at most 500 characters.
    purpose: String,
    /// The project; at most 200 characters.
    project: Option<String>,
}

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

/// What would become of a wish.
#[derive(Debug, Serialize, ToSchema)]
pub struct Verdict {
    /// `accept` or `refuse`.
    would: &'static str,
    /// Rules against it.
    refusals: Vec<RefusalView>,
    /// Claims against it.
    conflicts: Vec<ConflictView>,
    /// Up to three slots of the same length that would pass.
    next_free: Vec<Interval>,
}

/// Books a slot, or with `dry_run` tells what would happen.
#[utoipa::path(post, path = "/api/v1/bookings", tag = "bookings", request_body = BookingRequest,
    params(Trial, ("Idempotency-Key" = Option<String>, Header, description = "A retry with the same key books once")),
    responses((status = 201, body = BookingView), (status = 200, body = Verdict),
        (status = 409, description = "slot-taken"), (status = 422, description = "refused-by-policy")))]
pub(super) async fn book(
    State(state): State<HttpState>,
    who: SignedIn,
    headers: HeaderMap,
    Query(trial): Query<Trial>,
    Body(wish): Body<BookingRequest>,
) -> Result<Response, Problem> {
    let slot = slot(wish.start, wish.end, "end")?;
    check_length("purpose", &wish.purpose, PURPOSE_CHARACTERS_MAX)?;
    check_length(
        "project",
        wish.project.as_deref().unwrap_or_default(),
        PROJECT_CHARACTERS_MAX,
    )?;
    let directory = state.directory().load_full();
    let id = visible(&directory, wish.instrument.as_str(), &who.caller)?;
    if trial.dry_run {
        let instrument = directory
            .instruments
            .get(&id)
            .ok_or_else(Problem::not_found)?;
        return Ok(Json(try_it(&state, &directory, instrument, who, slot)?).into_response());
    }
    let idempotency = idempotency(&headers, &wish, slot)?;
    let book = Book {
        instrument: id,
        member: who.member,
        slot,
        purpose: wish.purpose,
        project: wish.project,
        idempotency,
    };
    match state.desk().ask(book).await? {
        BookOutcome::Booked(booking) | BookOutcome::Replayed(booking) => {
            let versioned = view(&directory, &booking)?;
            let place = format!("/api/v1/bookings/{}", booking.id);
            Ok(Created(place, versioned).into_response())
        }
        BookOutcome::KeyReused => Err(Problem::new(ProblemType::IdempotencyKeyReused)),
        BookOutcome::Refused(refused) => Err(refusal(&state, &directory, who, id, &refused)),
        BookOutcome::NotFound => Err(Problem::not_found()),
    }
}

fn try_it(
    state: &HttpState,
    directory: &Directory,
    instrument: &Instrument,
    who: SignedIn,
    slot: Slot,
) -> Result<Verdict, Problem> {
    let snapshot = state.desk().snapshot(instrument.id);
    let snapshot = snapshot.ok_or_else(Problem::not_found)?;
    let (policy, _) = directory.policy_of(instrument);
    let ledger = state.desk().ledger();
    let asked = Asked {
        instrument: instrument.id,
        member: who.member,
        slot,
        project: None,
        held: None,
        set_aside: &[],
    };
    let gathered = Gathered::of(directory, &ledger, (instrument, &policy), &asked);
    let wish = Wish {
        instrument,
        policy: &policy,
        asking: gathered.asking(&ledger.usage),
        slot,
        now: state.clock().now(),
        held: None,
    };
    let refused = judge_wish(&snapshot, &wish).err();
    let would = if refused.is_none() {
        "accept"
    } else {
        "refuse"
    };
    let looking = Looking::new(directory, instrument, &snapshot, who.caller);
    let told = looking.refused(&refused.unwrap_or_default());
    Ok(Verdict {
        would,
        refusals: told.refusals,
        conflicts: told.conflicts,
        next_free: told.next_free,
    })
}

/// The request is known by what it means, so that a retry may be written with other spaces or
/// another offset.
fn idempotency(
    headers: &HeaderMap,
    wish: &BookingRequest,
    slot: Slot,
) -> Result<Option<(String, [u8; 32])>, Problem> {
    let Some(key) = text(headers, &IDEMPOTENCY_KEY).map(str::trim) else {
        return Ok(None);
    };
    if key.is_empty() {
        return Err(Problem::field("Idempotency-Key", "must not be empty"));
    }
    check_length("Idempotency-Key", key, KEY_CHARACTERS_MAX)?;
    let meaning = serde_json::json!([
        wish.instrument.as_str(),
        slot.start().get(),
        slot.end().get(),
        wish.purpose,
        wish.project,
    ]);
    let digest = Sha256::digest(meaning.to_string().as_bytes());
    Ok(Some((key.to_owned(), digest.into())))
}

/// Overlap alone is `slot-taken`; any rule against it is `refused-by-policy`.
fn refusal(
    state: &HttpState,
    directory: &Directory,
    who: SignedIn,
    id: scheduler::id::InstrumentId,
    refused: &Refused,
) -> Problem {
    let found = directory
        .instruments
        .get(&id)
        .zip(state.desk().snapshot(id));
    let Some((instrument, snapshot)) = found else {
        return Problem::not_found();
    };
    let told = Looking::new(directory, instrument, &snapshot, who.caller).refused(refused);
    if refused.refusals.is_empty() {
        return Problem::new(ProblemType::SlotTaken)
            .with("conflicts", told.conflicts)
            .with("next_free", told.next_free);
    }
    Problem::new(ProblemType::RefusedByPolicy)
        .with("refusals", told.refusals)
        .with("conflicts", told.conflicts)
        .with("next_free", told.next_free)
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
    view(&directory, &booking)
}

/// Moves, shortens, extends or describes a booking anew.
#[utoipa::path(patch, path = "/api/v1/bookings/{id}", tag = "bookings", request_body = BookingChange,
    params(("id" = i64, Path, description = "Identity"),
        ("If-Match" = Option<String>, Header, description = "Only if it has this version")),
    responses((status = 200, body = BookingView), (status = 409, description = "slot-taken, stale-version or wrong-state"),
        (status = 422, description = "refused-by-policy")))]
pub(super) async fn change(
    State(state): State<HttpState>,
    who: SignedIn,
    number: Number,
    headers: HeaderMap,
    Body(wish): Body<BookingChange>,
) -> Result<Versioned<BookingView>, Problem> {
    let directory = state.directory().load_full();
    let held = acted_on(&state, &directory, who.caller, number)?;
    if let Some(purpose) = &wish.purpose {
        check_length("purpose", purpose, PURPOSE_CHARACTERS_MAX)?;
    }
    let start = wish.start.unwrap_or(When(held.slot.start()));
    let end = wish.end.unwrap_or(When(held.slot.end()));
    let field = if wish.end.is_some() { "end" } else { "start" };
    let is_moved = wish.start.is_some() || wish.end.is_some();
    let slot = is_moved.then(|| slot(start, end, field)).transpose()?;
    let change = Change {
        booking: held.id,
        expected_version: demanded_version(&headers)?,
        slot,
        purpose: wish.purpose,
    };
    match state.desk().ask(change).await? {
        ChangeOutcome::Changed(booking) => view(&directory, &booking),
        ChangeOutcome::Refused(refused) => {
            Err(refusal(&state, &directory, who, held.instrument, &refused))
        }
        ChangeOutcome::WrongState(wrong) => Err(Problem::wrong_state(words::wrong_state(wrong))),
        ChangeOutcome::Stale(_) => Err(Problem::new(ProblemType::StaleVersion)),
        ChangeOutcome::NotFound => Err(Problem::not_found()),
    }
}

/// Gives a booking up.
#[utoipa::path(delete, path = "/api/v1/bookings/{id}", tag = "bookings",
    params(("id" = i64, Path, description = "Identity"),
        ("If-Match" = Option<String>, Header, description = "Only if it has this version")),
    responses((status = 200, body = BookingView), (status = 409, description = "wrong-state or stale-version")))]
pub(super) async fn cancel(
    State(state): State<HttpState>,
    who: SignedIn,
    number: Number,
    headers: HeaderMap,
) -> Result<Versioned<BookingView>, Problem> {
    let directory = state.directory().load_full();
    let held = acted_on(&state, &directory, who.caller, number)?;
    let cancel = Cancel {
        booking: held.id,
        expected_version: demanded_version(&headers)?,
    };
    match state.desk().ask(cancel).await? {
        CancelOutcome::Cancelled(booking) => view(&directory, &booking),
        CancelOutcome::WrongState(wrong) => Err(Problem::wrong_state(words::wrong_state(wrong))),
        CancelOutcome::Stale(_) => Err(Problem::new(ProblemType::StaleVersion)),
        CancelOutcome::NotFound => Err(Problem::not_found()),
    }
}

/// Returns a booking that the caller may see; for everybody else there is none.
fn seen(
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
    directory: &Directory,
    booking: &Booking,
) -> Result<Versioned<BookingView>, Problem> {
    let body = BookingView::of(directory, booking).ok_or_else(Problem::not_found)?;
    Ok(Versioned {
        version: booking.version,
        body,
    })
}

/// Checks the length of a text.
///
/// # Errors
/// Returns `malformed-request` about the field.
pub fn check_length(field: &str, text: &str, characters_max: usize) -> Result<(), Problem> {
    if text.chars().count() <= characters_max {
        Ok(())
    } else {
        Err(Problem::field(field, "too long"))
    }
}

/// What the desk cannot do now is `not-ready`.
impl From<DeskError> for Problem {
    fn from(error: DeskError) -> Self {
        match &error {
            DeskError::NotReady(why) => {
                let reason = Said::new(
                    format!("预约数据暂时无法写入：{why}"),
                    format!("bookings cannot be written now: {why}"),
                );
                Self::not_ready(reason, 5)
            }
            DeskError::Busy => Self::not_ready(Said::fixed("排队已满", "too many wait"), 1),
        }
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
