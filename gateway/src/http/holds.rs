//! Holds: slots kept for some minutes while a form is filled in, and cancellations taken back.

use axum::extract::State;
use axum::http::StatusCode;
use scheduler::id::HoldId;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use wire::InstrumentKey;

use super::answer::{Created, Json, Versioned};
use super::body::Body;
use super::booking_make::refusal;
use super::bookings::{seen, view};
use super::caller::SignedIn;
use super::path::{Number, visible};
use super::problem::{Problem, ProblemType};
use super::state::HttpState;
use super::time::{When, Zoned, slot};
use super::view::{BookingView, NamedSlot, Whole};
use crate::booking::record::Hold;
use crate::booking::{HoldOutcome, LetGo, LetGoOutcome, PlaceHold, Restore, RestoreOutcome};
use crate::registry::{Directory, Instrument};
use crate::words;

/// A slot to keep.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct HoldRequest {
    /// The instrument's key.
    #[schema(value_type = String)]
    instrument: InstrumentKey,
    /// First instant.
    start: When,
    /// First instant after it.
    end: When,
}

/// A slot that is kept.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Hold)]
pub struct HoldView {
    /// Identity; a booking names it to take its place.
    id: i64,
    /// What and when.
    #[serde(flatten)]
    slot: NamedSlot,
    /// From then on anybody may have it.
    expires_at: Zoned,
}

impl HoldView {
    fn of(instrument: &Instrument, hold: &Hold, who: SignedIn) -> Self {
        Self {
            id: hold.id.get(),
            slot: NamedSlot::of(instrument, hold.slot, who.caller.language),
            expires_at: Zoned(hold.expires_at, instrument.zone),
        }
    }
}

/// Keeps a slot while a form is filled in: by rule, at most two at a time for ten minutes.
#[utoipa::path(post, path = "/api/v1/holds", tag = "bookings", request_body = HoldRequest,
    responses((status = 201, body = HoldView), (status = 409, description = "slot-taken"),
        (status = 422, description = "refused-by-policy")))]
pub(super) async fn place(
    State(state): State<HttpState>,
    who: SignedIn,
    Body(asked): Body<HoldRequest>,
) -> Result<Created<Json<HoldView>>, Problem> {
    let slot = slot(asked.start, asked.end, "end")?;
    let directory = state.directory().load_full();
    let id = visible(&directory, asked.instrument.as_str(), &who.caller)?;
    let place = PlaceHold {
        instrument: id,
        member: who.member,
        slot,
    };
    match state.desk().ask(place).await? {
        HoldOutcome::Held(hold) => {
            let place = format!("/api/v1/holds/{}", hold.id);
            let view = view_of(&directory, &hold, who).ok_or_else(Problem::not_found)?;
            Ok(Created(place, Json(view)))
        }
        HoldOutcome::Refused(refused) => Err(refusal(&state, &directory, who, id, &refused)),
        HoldOutcome::NotFound => Err(Problem::not_found()),
    }
}

/// Lets a hold go before its time.
#[utoipa::path(delete, path = "/api/v1/holds/{id}", tag = "bookings",
    params(("id" = i64, Path, description = "Identity")),
    responses((status = 204, description = "Gone")))]
pub(super) async fn let_go(
    State(state): State<HttpState>,
    who: SignedIn,
    number: Number,
) -> Result<StatusCode, Problem> {
    let let_go = LetGo {
        hold: HoldId::new(number.0),
        member: who.member,
    };
    match state.desk().ask(let_go).await? {
        LetGoOutcome::Gone => Ok(StatusCode::NO_CONTENT),
        LetGoOutcome::NotFound => Err(Problem::not_found()),
    }
}

/// Lists the caller's own holds.
#[utoipa::path(get, path = "/api/v1/holds", tag = "bookings",
    responses((status = 200, body = Whole<HoldView>)))]
pub(super) async fn list(State(state): State<HttpState>, who: SignedIn) -> Json<Whole<HoldView>> {
    let directory = state.directory().load_full();
    let now = state.clock().now();
    let ledger = state.desk().ledger();
    let own = ledger
        .holds
        .iter()
        .filter(|hold| hold.member == who.member && hold.undoes.is_none() && hold.expires_at > now);
    let items = own.filter_map(|hold| view_of(&directory, hold, who));
    Json(Whole {
        items: items.collect(),
    })
}

fn view_of(directory: &Directory, hold: &Hold, who: SignedIn) -> Option<HoldView> {
    let instrument = directory.instruments.get(&hold.instrument)?;
    Some(HoldView::of(instrument, hold, who))
}

/// Takes a cancellation back, by who gave the booking up and within the undo time (5 minutes where
/// no rule says otherwise). Whoever waits for the slot is asked only after that.
#[utoipa::path(post, path = "/api/v1/bookings/{id}/restore", tag = "bookings",
    params(("id" = i64, Path, description = "Identity")),
    responses((status = 200, body = BookingView), (status = 409, description = "slot-taken or wrong-state"),
        (status = 422, description = "refused-by-policy")))]
pub(super) async fn restore(
    State(state): State<HttpState>,
    who: SignedIn,
    number: Number,
) -> Result<Versioned<BookingView>, Problem> {
    let directory = state.directory().load_full();
    let held = seen(&state, &directory, who.caller, number)?;
    if held.member != who.member {
        let said = words::waitlist::RESTORED_BY_OWNER;
        return Err(Problem::new(ProblemType::NotAllowed).detail(said));
    }
    let restore = Restore {
        booking: held.id,
        member: who.member,
    };
    match state.desk().ask(restore).await? {
        RestoreOutcome::Restored(booking) => view(&state, &directory, who.caller, &booking),
        RestoreOutcome::TooLate => Err(Problem::wrong_state(words::waitlist::TOO_LATE_TO_RESTORE)),
        RestoreOutcome::WrongState(wrong) => Err(Problem::wrong_state(words::wrong_state(wrong))),
        RestoreOutcome::Refused(refused) => {
            Err(refusal(&state, &directory, who, held.instrument, &refused))
        }
        RestoreOutcome::NotFound => Err(Problem::not_found()),
    }
}
