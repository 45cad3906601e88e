//! Outages: windows in which an instrument is not to be had.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use scheduler::id::{BookingId, InstrumentId, OutageId};
use scheduler::slot::Slot;
use scheduler::time::{Micros, Span};
use serde::Deserialize;
use std::sync::Arc;
use utoipa::{IntoParams, ToSchema};
use wire::InstrumentKey;

use super::answer::{Created, Json};
use super::body::{Body, Query};
use super::bookings::{Trial, snapshot_of};
use super::caller::{Caller, SignedIn};
use super::outage_choices::{ChoiceRequest, OutageTrial, cannot, trial, understood};
use super::page::Limit;
use super::path::{Number, visible};
use super::problem::Problem;
use super::state::HttpState;
use super::texts::check_prose;
use super::time::{When, slot};
use super::view::{List, OutageView};
use crate::booking::record::{Outage, OutageKind};
use crate::booking::{EndOutage, InstrumentSnapshot, MoveOutageEnd, OpenOutage, OutageOutcome};
use crate::registry::{Directory, Instrument, Right};
use crate::words::Said;

/// Most characters of a reason.
const REASON_CHARACTERS_MAX: usize = 500;

/// How far back an outage may begin, and how long it may be.
const REACH: Span = Span::days(366);

/// An outage to open.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct OutageRequest {
    /// The instrument's key.
    #[schema(value_type = String)]
    instrument: InstrumentKey,
    /// First instant.
    start: When,
    /// The planned end.
    end: When,
    /// `planned`, `calibration`, `fault` or `closure`; left out: planned.
    kind: Option<OutageKind>,
    /// Why; at most 500 characters.
    reason: String,
    /// What becomes of bookings inside; those that are not named stay, at risk.
    #[serde(default)]
    bookings: Vec<ChoiceRequest>,
}

/// A change of an outage.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct OutageChange {
    /// The new planned end.
    end: When,
}

/// Opens an outage, and does with the bookings inside what is chosen for each: all of it or
/// nothing. With `dry_run` tells which bookings are inside and where they could go.
#[utoipa::path(post, path = "/api/v1/outages", tag = "bookings", request_body = OutageRequest,
    params(Trial),
    responses((status = 201, body = OutageView), (status = 200, body = OutageTrial),
        (status = 409, description = "wrong-state or slot-taken; `booking` cannot go the way that was chosen")))]
pub(super) async fn open(
    State(state): State<HttpState>,
    who: SignedIn,
    Query(dry): Query<Trial>,
    Body(asked): Body<OutageRequest>,
) -> Result<Response, Problem> {
    let slot = slot(asked.start, asked.end, "end")?;
    check_prose("reason", &asked.reason, REASON_CHARACTERS_MAX)?;
    if asked.reason.trim().is_empty() {
        return Err(Problem::field("reason", "must not be empty"));
    }
    check_window(slot, state.clock().now())?;
    let directory = state.directory().load_full();
    let id = visible(&directory, asked.instrument.as_str(), &who.caller)?;
    let instrument = directory
        .instruments
        .get(&id)
        .ok_or_else(Problem::not_found)?;
    let right = Right::ManageInstruments;
    who.caller.demand(&directory, right, instrument.lab)?;
    let choices = understood(&directory, &who.caller, &asked.bookings)?;
    if dry.dry_run {
        let (registry, instrument) = (Arc::clone(&directory), instrument.clone());
        let tried = tokio::task::spawn_blocking(move || {
            trial(&state, &registry, who.caller, (&instrument, slot))
        });
        let tried = tried.await.map_err(Problem::internal)?;
        return Ok(Json(tried).into_response());
    }
    let open = OpenOutage {
        instrument: id,
        slot,
        kind: asked.kind.unwrap_or(OutageKind::Planned),
        reason: asked.reason,
        member: who.member,
        choices,
    };
    let outcome = state.desk().ask(open).await?;
    let mut view = done(&state, &directory, who.caller, instrument, outcome)?;
    view.overlaps = overlapping(&state, instrument.id, view.id);
    let place = format!("/api/v1/outages/{}", view.id);
    Ok(Created(place, Json(view)).into_response())
}

fn done(
    state: &HttpState,
    directory: &Directory,
    caller: Caller,
    instrument: &Instrument,
    outcome: OutageOutcome,
) -> Result<OutageView, Problem> {
    match outcome {
        OutageOutcome::Done(outage, at_risk) => Ok(OutageView::of(instrument, &outage, at_risk)),
        OutageOutcome::CannotChoose(booking, fault) => {
            Err(cannot(state, directory, caller, (booking, fault)))
        }
        OutageOutcome::Over => Err(over()),
        OutageOutcome::NotFound => Err(Problem::not_found()),
    }
}

/// Extends or shortens an outage. What is longer claims at once what is free.
#[utoipa::path(patch, path = "/api/v1/outages/{id}", tag = "bookings", request_body = OutageChange,
    params(("id" = i64, Path, description = "Identity")),
    responses((status = 200, body = OutageView), (status = 409, description = "wrong-state")))]
pub(super) async fn move_end(
    State(state): State<HttpState>,
    who: SignedIn,
    number: Number,
    Body(asked): Body<OutageChange>,
) -> Result<Json<OutageView>, Problem> {
    let directory = state.directory().load_full();
    let (outage, instrument) = managed(&state, &directory, who.caller, number)?;
    if asked.end.0 <= state.clock().now() {
        return Err(Problem::field(
            "end",
            "must not be over; to end it now, delete it",
        ));
    }
    let end = asked.end.0;
    let held = snapshot_of(&state, instrument)?.outage(outage).cloned();
    if held.is_some_and(|held| end <= held.slot.start()) {
        return Err(Problem::field("end", "must come after the start"));
    }
    let outcome = state.desk().ask(MoveOutageEnd { outage, end }).await?;
    done(&state, &directory, who.caller, instrument, outcome).map(Json)
}

/// Returns an outage that the caller may change.
fn managed<'d>(
    state: &HttpState,
    directory: &'d Directory,
    caller: Caller,
    number: Number,
) -> Result<(OutageId, &'d Instrument), Problem> {
    let outage = OutageId::new(number.0);
    let instrument = state.desk().shelf().instrument_of(outage);
    let instrument = instrument
        .and_then(|id| directory.instruments.get(&id))
        .filter(|instrument| caller.sees(directory, instrument))
        .ok_or_else(Problem::not_found)?;
    caller.demand(directory, Right::ManageInstruments, instrument.lab)?;
    Ok((outage, instrument))
}

/// Checks when an outage may be. One that began in the past is opened when somebody finds out; one
/// that is over claims nothing and would only be noise.
fn check_window(slot: Slot, now: Micros) -> Result<(), Problem> {
    if slot.end() <= now {
        return Err(Problem::field("end", "must lie in the future"));
    }
    if slot.start() < now.saturating_sub(REACH) {
        return Err(Problem::field(
            "start",
            "must not lie more than 366 days back",
        ));
    }
    if slot.len() > REACH {
        return Err(Problem::field("end", "at most 366 days after the start"));
    }
    Ok(())
}

/// Returns the live outages of an instrument that an outage shares time with. They may overlap (a
/// fault during maintenance, two jobs by two people) and each ends by itself; who opens one is told.
fn overlapping(state: &HttpState, instrument: InstrumentId, outage: i64) -> Vec<i64> {
    let now = state.clock().now();
    let snapshot = state.desk().snapshot(instrument);
    let all = || snapshot.iter().flat_map(|snapshot| &snapshot.outages);
    let Some(opened) = all().find(|other| other.id.get() == outage) else {
        return Vec::new();
    };
    all()
        .filter(|other| other.id != opened.id && other.is_live(now))
        .filter(|other| other.slot.overlaps(opened.slot))
        .map(|other| other.id.get())
        .collect()
}

/// Ends an outage now.
#[utoipa::path(delete, path = "/api/v1/outages/{id}", tag = "bookings",
    params(("id" = i64, Path, description = "Identity")),
    responses((status = 204, description = "Ended"), (status = 409, description = "wrong-state")))]
pub(super) async fn end(
    State(state): State<HttpState>,
    who: SignedIn,
    number: Number,
) -> Result<StatusCode, Problem> {
    let directory = state.directory().load_full();
    let (outage, _) = managed(&state, &directory, who.caller, number)?;
    match state.desk().ask(EndOutage { outage }).await? {
        OutageOutcome::Done(..) => Ok(StatusCode::NO_CONTENT),
        OutageOutcome::CannotChoose(..) | OutageOutcome::Over => Err(over()),
        OutageOutcome::NotFound => Err(Problem::not_found()),
    }
}

fn over() -> Problem {
    Problem::wrong_state(Said::fixed("停机已结束", "The outage is over"))
}

/// Which outages to list.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct Filter {
    /// An instrument's key.
    instrument: Option<String>,
    /// Items on a page, 1 to 500.
    #[serde(default)]
    #[param(value_type = Option<usize>, minimum = 1, maximum = 500, default = 50)]
    limit: Limit,
    /// Where the page begins.
    cursor: Option<String>,
}

/// Lists outages by identity, newest first: of one instrument, or of all that the caller sees.
#[utoipa::path(get, path = "/api/v1/outages", tag = "bookings", params(Filter),
    responses((status = 200, body = List<OutageView>)))]
pub(super) async fn list(
    State(state): State<HttpState>,
    caller: Caller,
    Query(filter): Query<Filter>,
) -> Result<Json<List<OutageView>>, Problem> {
    let after = filter.cursor.as_deref().map(|cursor| {
        let id = cursor.parse::<i64>().ok();
        id.ok_or_else(|| Problem::field("cursor", "not a cursor of this list"))
    });
    let after = after.transpose()?;
    let directory = state.directory().load_full();
    let instruments: Vec<&Instrument> = match filter.instrument.as_deref() {
        Some(key) => {
            let id = visible(&directory, key, &caller)?;
            directory.instruments.get(&id).into_iter().collect()
        }
        None => {
            let all = directory.instruments.values();
            all.filter(|instrument| caller.sees(&directory, instrument))
                .collect()
        }
    };
    let mut outages = Vec::new();
    for instrument in instruments {
        // One that was removed a moment ago has none.
        if let Ok(snapshot) = snapshot_of(&state, instrument) {
            let views = snapshot.outages.iter();
            outages.extend(
                views.map(|outage| view(&directory, caller, instrument, &snapshot, outage)),
            );
        }
    }
    outages.sort_unstable_by_key(|outage| std::cmp::Reverse(outage.id));
    let total = outages.len();
    let mut rest = outages
        .into_iter()
        .filter(|outage| after.is_none_or(|cursor| outage.id < cursor));
    let items: Vec<OutageView> = rest.by_ref().take(filter.limit.0).collect();
    let next_cursor = rest
        .next()
        .and(items.last())
        .map(|last| last.id.to_string());
    Ok(Json(List {
        items,
        next_cursor,
        total,
    }))
}

fn view(
    directory: &Directory,
    caller: Caller,
    instrument: &Instrument,
    snapshot: &InstrumentSnapshot,
    outage: &Outage,
) -> OutageView {
    let mut at_risk: Vec<BookingId> = Vec::new();
    if caller.sees_inside(directory, instrument) {
        let inside = snapshot.claiming(outage.slot);
        let inside = inside.iter().filter(|booking| booking.at_risk);
        at_risk.extend(inside.map(|booking| booking.id));
    }
    OutageView::of(instrument, outage, at_risk)
}
