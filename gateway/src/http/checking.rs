//! Coming and going: by a button, or by the label on the instrument.

use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::answer::{Json, Versioned};
use super::body::Query;
use super::bookings::{acted_on, view};
use super::caller::{Caller, SignedIn};
use super::path::{Found, Number};
use super::problem::{Problem, ProblemType};
use super::state::HttpState;
use super::view::BookingView;
use crate::booking::{CheckIn, CheckOut, CheckOutcome};
use crate::registry::{Directory, Right};
use crate::words::{self, Said};

/// Where the check-in is made.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ByLabel {
    /// The code on the instrument's label; left out: by a button. An instrument that is always on
    /// wants it of all but those who manage it.
    qr: Option<String>,
}

/// What an instrument's label shows.
#[derive(Debug, Serialize, ToSchema)]
pub struct Label {
    /// The address that the code leads to.
    text: String,
    /// The code in it.
    code: String,
}

/// Notes that the member is there: from ten minutes before the slot until its end.
#[utoipa::path(post, path = "/api/v1/bookings/{id}/check-in", tag = "bookings",
    params(("id" = i64, Path, description = "Identity"), ByLabel),
    responses((status = 200, body = BookingView), (status = 409, description = "wrong-state")))]
pub(super) async fn check_in(
    State(state): State<HttpState>,
    who: SignedIn,
    number: Number,
    Query(by): Query<ByLabel>,
) -> Result<Versioned<BookingView>, Problem> {
    let directory = state.directory().load_full();
    let held = acted_on(&state, &directory, who.caller, number)?;
    let instrument = directory.instruments.get(&held.instrument);
    let instrument = instrument.ok_or_else(Problem::not_found)?;
    let right = Right::ManageInstruments;
    match by.qr {
        Some(code) if !state.labels().is_code(&instrument.key, &code) => {
            return Err(Problem::field("qr", "not this instrument's label"));
        }
        // Nothing else tells that somebody came.
        None if instrument.always_on && !who.caller.may(&directory, right, instrument.lab) => {
            let said = Said::fixed(
                "请扫描仪器标签上的二维码签到",
                "check in by the code on the instrument's label",
            );
            return Err(Problem::new(ProblemType::MalformedRequest).and_field("qr", said));
        }
        Some(_) | None => {}
    }
    let asked = CheckIn { booking: held.id };
    checked(
        &state,
        &directory,
        who.caller,
        state.desk().ask(asked).await?,
    )
}

/// Notes that the member has gone: what is left of the slot is free.
#[utoipa::path(post, path = "/api/v1/bookings/{id}/check-out", tag = "bookings",
    params(("id" = i64, Path, description = "Identity")),
    responses((status = 200, body = BookingView), (status = 409, description = "wrong-state")))]
pub(super) async fn check_out(
    State(state): State<HttpState>,
    who: SignedIn,
    number: Number,
) -> Result<Versioned<BookingView>, Problem> {
    let directory = state.directory().load_full();
    let held = acted_on(&state, &directory, who.caller, number)?;
    let asked = CheckOut { booking: held.id };
    checked(
        &state,
        &directory,
        who.caller,
        state.desk().ask(asked).await?,
    )
}

fn checked(
    state: &HttpState,
    directory: &Directory,
    caller: Caller,
    outcome: CheckOutcome,
) -> Result<Versioned<BookingView>, Problem> {
    match outcome {
        CheckOutcome::Done(booking) => view(state, directory, caller, &booking),
        CheckOutcome::WrongState(wrong) => Err(Problem::wrong_state(words::wrong_state(wrong))),
        CheckOutcome::NotFound => Err(Problem::not_found()),
    }
}

/// Returns what an instrument's label shows, to print.
#[utoipa::path(get, path = "/api/v1/instruments/{key}/qr", tag = "instruments",
    params(("key" = String, Path, description = "Asset code")),
    responses((status = 200, body = Label)))]
pub(super) async fn label(
    State(state): State<HttpState>,
    who: SignedIn,
    found: Found,
) -> Result<Json<Label>, Problem> {
    let instrument = found.instrument();
    let right = Right::ManageInstruments;
    who.caller.demand(&found.directory, right, instrument.lab)?;
    let code = state.labels().code(&instrument.key);
    let origin = &state.site().origin;
    // A key needs no escapes in an address: letters, digits, `-`, `_` and `.`.
    let text = format!("{origin}/i/{}?c={code}", instrument.key);
    Ok(Json(Label { text, code }))
}
