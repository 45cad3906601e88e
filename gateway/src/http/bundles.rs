//! Bundles: several bookings at once, all or nothing.

use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::{IntoResponse, Response};
use scheduler::booking::Status;
use scheduler::id::InstrumentId;
use scheduler::slot::Slot;
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::ToSchema;
use wire::InstrumentKey;

use super::answer::{Created, Json};
use super::body::{Body, Query};
use super::booking_request::check_asked;
use super::bookings::Trial;
use super::caller::SignedIn;
use super::details::unanswered;
use super::idempotency::key_of;
use super::path::visible;
use super::problem::{Problem, ProblemType};
use super::state::HttpState;
use super::texts::kept;
use super::time::{When, slot};
use super::view::{BookingView, Looking, NamedSlot, PartView, Reader, Whole};
use crate::booking::record::{Booking, Details};
use crate::booking::{BookTogether, PARTS_MAX, Refused, TogetherOutcome};
use crate::registry::Directory;
use crate::words::Said;

/// One booking of several.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Part {
    /// The instrument's key.
    #[schema(value_type = String)]
    instrument: InstrumentKey,
    /// First instant.
    start: When,
    /// First instant after it.
    end: When,
}

/// Bookings that are wanted together.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct BundleRequest {
    /// 1 to 20; each is judged with those before it counted.
    bookings: Vec<Part>,
    /// What for; at most 500 characters.
    purpose: String,
    /// The project, where it is not a registered one; at most 200 characters.
    project: Option<String>,
    /// What else is asked. Answers are said once for all instruments that ask under one name.
    #[serde(default)]
    details: Details,
}

/// What would become of a bundle.
#[derive(Debug, Serialize, ToSchema)]
pub struct BundleVerdict {
    /// `accept`, `ask_approval` if some part needs it, or `refuse`.
    would: &'static str,
    /// Part by part.
    parts: Vec<PartView>,
}

/// Books several slots, or none of them.
#[utoipa::path(post, path = "/api/v1/bundles", tag = "bookings", request_body = BundleRequest,
    params(Trial, ("Idempotency-Key" = Option<String>, Header, description = "A retry with the same key books once")),
    responses((status = 201, body = Whole<BookingView>), (status = 200, body = BundleVerdict),
        (status = 409, description = "slot-taken, with `parts`"), (status = 422, description = "refused-by-policy, with `parts`")))]
pub(super) async fn book(
    State(state): State<HttpState>,
    who: SignedIn,
    headers: HeaderMap,
    Query(trial): Query<Trial>,
    Body(asked): Body<BundleRequest>,
) -> Result<Response, Problem> {
    check_asked(&asked.purpose, asked.project.as_deref(), &asked.details)?;
    let directory = state.directory().load_full();
    let parts = parts_of(&directory, who, &asked.bookings)?;
    let what = (&asked.purpose, &asked.project, &asked.details);
    let meaning = json!(["bundle", numbers(&parts), what]);
    let together = BookTogether {
        member: who.member,
        parts,
        purpose: kept(asked.purpose),
        project: asked.project,
        details: asked.details,
        idempotency: key_of(&headers, &meaning)?,
    };
    let wanted = together.parts.clone();
    let told = |refused: &[(usize, Refused)]| report(&state, &directory, who, &wanted, refused);
    if trial.dry_run {
        let verdict = match state.desk().would(together)? {
            TogetherOutcome::Booked(bookings) | TogetherOutcome::Replayed(bookings) => {
                let mut parts = told(&[]);
                for (part, booking) in parts.iter_mut().zip(&bookings) {
                    part.would = would(booking);
                }
                let asks = parts.iter().any(|part| part.would == ASK_APPROVAL);
                let would = if asks { ASK_APPROVAL } else { ACCEPT };
                BundleVerdict { would, parts }
            }
            TogetherOutcome::Refused(refused) => BundleVerdict {
                would: REFUSE,
                parts: told(&refused),
            },
            TogetherOutcome::Unanswered(faults) => return Err(unanswered(faults)),
            TogetherOutcome::KeyReused | TogetherOutcome::NotFound => {
                return Err(Problem::not_found());
            }
        };
        return Ok(Json(verdict).into_response());
    }
    match state.desk().ask(together).await? {
        TogetherOutcome::Booked(bookings) | TogetherOutcome::Replayed(bookings) => {
            let items = views(&Reader::new(&state, &directory, who.caller), &bookings);
            let first = bookings.first().ok_or_else(Problem::not_found)?.id;
            let place = format!("/api/v1/bookings/{first}");
            Ok(Created(place, Json(Whole { items })).into_response())
        }
        TogetherOutcome::Refused(refused) => {
            let by_rule = refused.iter().any(|(_, why)| !why.refusals.is_empty());
            let mut parts = told(&refused);
            parts.retain(|part| part.would == REFUSE);
            Err(Problem::new(refused_as(by_rule)).with("parts", parts))
        }
        TogetherOutcome::Unanswered(faults) => Err(unanswered(faults)),
        TogetherOutcome::KeyReused => Err(Problem::new(ProblemType::IdempotencyKeyReused)),
        TogetherOutcome::NotFound => Err(Problem::not_found()),
    }
}

pub(super) const ACCEPT: &str = "accept";
pub(super) const ASK_APPROVAL: &str = "ask_approval";
pub(super) const REFUSE: &str = "refuse";

/// Returns what would become of a wish that a trial has booked.
pub(super) fn would(booking: &Booking) -> &'static str {
    if booking.status == Status::Pending {
        ASK_APPROVAL
    } else {
        ACCEPT
    }
}

/// Overlap alone is `slot-taken`; any rule against it is `refused-by-policy`.
pub(super) fn refused_as(by_rule: bool) -> ProblemType {
    if by_rule {
        ProblemType::RefusedByPolicy
    } else {
        ProblemType::SlotTaken
    }
}

/// Returns views of bookings whose instruments there still are.
pub(super) fn views(reader: &Reader<'_>, bookings: &[std::sync::Arc<Booking>]) -> Vec<BookingView> {
    let views = bookings.iter();
    views
        .filter_map(|booking| BookingView::of(reader, booking))
        .collect()
}

fn parts_of(
    directory: &Directory,
    who: SignedIn,
    parts: &[Part],
) -> Result<Vec<(InstrumentId, Slot)>, Problem> {
    if parts.is_empty() || parts.len() > PARTS_MAX {
        let said = Said::fixed("应为 1 到 20 个预约", "expected 1 to 20 bookings");
        return Err(Problem::new(ProblemType::MalformedRequest).and_field("bookings", said));
    }
    let part = |(place, part): (usize, &Part)| {
        let slot = slot(part.start, part.end, &format!("bookings[{place}].end"))?;
        let id = visible(directory, part.instrument.as_str(), &who.caller)?;
        Ok((id, slot))
    };
    parts.iter().enumerate().map(part).collect()
}

fn numbers(parts: &[(InstrumentId, Slot)]) -> Vec<(u32, i64, i64)> {
    let parts = parts.iter();
    parts
        .map(|(id, slot)| (id.get(), slot.start().get(), slot.end().get()))
        .collect()
}

/// Returns every part with what stands against it.
fn report(
    state: &HttpState,
    directory: &Directory,
    who: SignedIn,
    parts: &[(InstrumentId, Slot)],
    refused: &[(usize, Refused)],
) -> Vec<PartView> {
    let view = |(place, (id, slot)): (usize, &(InstrumentId, Slot))| {
        let instrument = directory.instruments.get(id)?;
        let snapshot = state.desk().snapshot(*id)?;
        let looking = Looking::new(directory, instrument, &snapshot, who.caller);
        let why = refused.iter().find(|(part, _)| *part == place);
        let told = why.map(|(_, why)| looking.refused(why));
        let (refusals, conflicts) =
            told.map_or_else(Default::default, |told| (told.refusals, told.conflicts));
        Some(PartView {
            part: place,
            slot: NamedSlot::of(instrument, *slot, who.caller.language),
            would: if why.is_some() { REFUSE } else { ACCEPT },
            refusals,
            conflicts,
        })
    };
    parts.iter().enumerate().filter_map(view).collect()
}
