//! What is done with a booking beside moving it: approved, declined, handed over, made again.

use axum::extract::State;
use axum::http::HeaderMap;
use scheduler::id::MemberId;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::answer::{Json, Versioned, demanded_version};
use super::body::{Body, MaybeBody};
use super::booking_make::refusal_of;
use super::booking_request::{instrument_of, known_member};
use super::bookings::{REASON_CHARACTERS_MAX, Why, acted_on, changed_view, seen};
use super::caller::SignedIn;
use super::path::{Found, Number};
use super::problem::{Problem, ProblemType};
use super::state::HttpState;
use super::texts::check_prose;
use super::time::Length;
use super::view::BookingView;
use crate::booking::record::{Booking, Details};
use crate::booking::{Approve, ChangeOutcome, Decline, Transfer};
use crate::registry::{Directory, Right};
use crate::words::Said;

/// Whom a booking is handed over to.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Receiver {
    /// The member.
    member: i64,
}

/// What to copy into a new wish.
#[derive(Debug, Serialize, ToSchema)]
pub struct LastBooking {
    /// How long it was.
    length: Length,
    /// What for.
    purpose: String,
    /// The project, where it is not a registered one.
    #[serde(skip_serializing_if = "Option::is_none")]
    project: Option<String>,
    /// What else was asked.
    #[serde(skip_serializing_if = "Option::is_none")]
    details: Option<Details>,
}

/// Says yes to a booking that waits for it.
#[utoipa::path(post, path = "/api/v1/bookings/{id}/approve", tag = "bookings",
    params(("id" = i64, Path, description = "Identity"),
        ("If-Match" = Option<String>, Header, description = "Only if it has this version")),
    responses((status = 200, body = BookingView), (status = 409, description = "wrong-state or stale-version")))]
pub(super) async fn approve(
    State(state): State<HttpState>,
    who: SignedIn,
    number: Number,
    headers: HeaderMap,
) -> Result<Versioned<BookingView>, Problem> {
    let directory = state.directory().load_full();
    let held = seen(&state, &directory, who.caller, number)?;
    demand_lab(&directory, who, &held)?;
    let approve = Approve {
        booking: held.id,
        by: who.member,
        expected_version: demanded_version(&headers)?,
    };
    let outcome = state.desk().ask(approve).await?;
    changed_view(&state, &directory, who, (&held, outcome))
}

/// Says no to a booking that waits for a yes.
#[utoipa::path(post, path = "/api/v1/bookings/{id}/decline", tag = "bookings", request_body = Option<Why>,
    params(("id" = i64, Path, description = "Identity"),
        ("If-Match" = Option<String>, Header, description = "Only if it has this version")),
    responses((status = 200, body = BookingView), (status = 409, description = "wrong-state or stale-version")))]
pub(super) async fn decline(
    State(state): State<HttpState>,
    who: SignedIn,
    number: Number,
    headers: HeaderMap,
    MaybeBody(why): MaybeBody<Why>,
) -> Result<Versioned<BookingView>, Problem> {
    let directory = state.directory().load_full();
    let held = seen(&state, &directory, who.caller, number)?;
    demand_lab(&directory, who, &held)?;
    check_prose("reason", &why.reason, REASON_CHARACTERS_MAX)?;
    let decline = Decline {
        booking: held.id,
        by: who.member,
        expected_version: demanded_version(&headers)?,
        reason: why.reason,
    };
    let outcome = state.desk().ask(decline).await?;
    changed_view(&state, &directory, who, (&held, outcome))
}

/// Hands a booking over to another member: to a colleague of one's institution, by the lab to
/// anybody who passes its rules.
#[utoipa::path(post, path = "/api/v1/bookings/{id}/transfer", tag = "bookings", request_body = Receiver,
    params(("id" = i64, Path, description = "Identity"),
        ("If-Match" = Option<String>, Header, description = "Only if it has this version")),
    responses((status = 200, body = BookingView), (status = 409, description = "wrong-state or stale-version"),
        (status = 422, description = "refused-by-policy")))]
pub(super) async fn transfer(
    State(state): State<HttpState>,
    who: SignedIn,
    number: Number,
    headers: HeaderMap,
    Body(receiver): Body<Receiver>,
) -> Result<Versioned<BookingView>, Problem> {
    let directory = state.directory().load_full();
    let held = acted_on(&state, &directory, who.caller, number)?;
    let to = receiver_of(&directory, who, &held, MemberId::new(receiver.member))?;
    let transfer = Transfer {
        booking: held.id,
        to,
        by: who.member,
        expected_version: demanded_version(&headers)?,
    };
    let outcome = state.desk().ask(transfer).await?;
    if let ChangeOutcome::Refused(refused) = &outcome {
        let judged = (held.instrument, to);
        return Err(refusal_of(&state, &directory, who, judged, refused));
    }
    changed_view(&state, &directory, who, (&held, outcome))
}

/// A stranger is told as one who is not there: nobody learns from it who is.
fn receiver_of(
    directory: &Directory,
    who: SignedIn,
    held: &Booking,
    to: MemberId,
) -> Result<MemberId, Problem> {
    let said = |zh, en| {
        let problem = Problem::new(ProblemType::MalformedRequest);
        problem.and_field("member", Said::fixed(zh, en))
    };
    if to == held.member {
        return Err(said("已是此人的预约", "it is this member's already"));
    }
    let lab = instrument_of(directory, held.instrument)?.lab;
    let institution = |member| directory.subjects_of(member).institution;
    let is_colleague = institution(to).is_some() && institution(to) == institution(who.member);
    if !is_colleague && !who.caller.may(directory, Right::ManageInstruments, lab) {
        return Err(said("没有这个同事", "there is no such colleague"));
    }
    known_member(directory, to)
}

fn demand_lab(directory: &Directory, who: SignedIn, held: &Booking) -> Result<(), Problem> {
    let lab = instrument_of(directory, held.instrument)?.lab;
    let right = Right::ManageInstruments;
    who.caller.demand(directory, right, lab)
}

/// Returns what one's own last booking of an instrument was, to make such a one again.
#[utoipa::path(get, path = "/api/v1/instruments/{key}/last-booking", tag = "bookings",
    params(("key" = String, Path, description = "Asset code")),
    responses((status = 200, body = LastBooking), (status = 404, description = "There is none")))]
pub(super) async fn last_booking(
    State(state): State<HttpState>,
    who: SignedIn,
    found: Found,
) -> Result<Json<LastBooking>, Problem> {
    let own = state.desk().shelf().bookings_of(who.member);
    let last = own.iter().rfind(|booking| booking.instrument == found.id);
    let last = last.ok_or_else(Problem::not_found)?;
    Ok(Json(LastBooking {
        length: Length(last.slot.len()),
        purpose: last.purpose.to_string(),
        project: last.project.as_deref().map(str::to_owned),
        details: last.details().cloned(),
    }))
}
