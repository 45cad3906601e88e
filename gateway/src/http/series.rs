//! Series: a slot that repeats by a rule; each occurrence is a booking of its own.

use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::{IntoResponse, Response};
use chrono::{DateTime, Utc};
use scheduler::id::{BookingId, SeriesId};
use scheduler::recurrence::{Bound, Occurrences, Recurrence};
use scheduler::slot::Slot;
use serde::Deserialize;
use serde_json::json;
use utoipa::{IntoParams, ToSchema};
use wire::InstrumentKey;

use super::answer::{Created, Json};
use super::body::{Body, Query};
use super::booking_request::check_asked;
use super::bookings::Trial;
use super::bundles::{REFUSE, refused_as, views, would};
use super::caller::SignedIn;
use super::details::unanswered;
use super::idempotency::key_of;
use super::path::{Number, visible};
use super::problem::{Problem, ProblemType};
use super::state::HttpState;
use super::texts::kept;
use super::time::{When, Zoned, slot};
use super::view::{
    BookingView, Interval, Looking, NamedSlot, OccurrenceView, Reader, SeriesEnded, SeriesReport,
    SeriesView,
};
use crate::booking::record::{Details, Series};
use crate::booking::{
    BookSeries, EndSeries, EndSeriesOutcome, OCCURRENCES_MAX, Occurrence, SeriesOutcome,
};
use crate::registry::{Directory, Instrument, Right};
use crate::words::{self, Said};

/// Most bytes of a rule, without its exceptions.
const RULE_BYTES_MAX: usize = 1_000;

/// What to do with occurrences that are refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum OnConflict {
    /// Book nothing.
    #[default]
    None,
    /// Book the others.
    Skip,
}

/// A slot that repeats.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SeriesRequest {
    /// The instrument's key.
    #[schema(value_type = String)]
    instrument: InstrumentKey,
    /// First instant of the first occurrence; later ones begin at the same civil time.
    start: When,
    /// First instant after it.
    end: When,
    /// RFC 5545, such as `FREQ=WEEKLY;COUNT=8`; at most 200 occurrences.
    rule: String,
    /// Begins of occurrences that are left out.
    #[serde(default)]
    #[schema(value_type = Vec<String>)]
    exceptions: Vec<When>,
    /// What for; at most 500 characters.
    purpose: String,
    /// The project, where it is not a registered one; at most 200 characters.
    project: Option<String>,
    /// What else is asked.
    #[serde(default)]
    details: Details,
    /// What to do with occurrences that are refused.
    #[serde(default)]
    on_conflict: OnConflict,
}

/// Books a series, or with `dry_run` tells what would happen.
#[utoipa::path(post, path = "/api/v1/series", tag = "bookings", request_body = SeriesRequest,
    params(Trial, ("Idempotency-Key" = Option<String>, Header, description = "A retry with the same key books once")),
    responses((status = 201, body = SeriesReport), (status = 200, body = SeriesReport),
        (status = 409, description = "slot-taken, with `occurrences`"), (status = 422, description = "refused-by-policy, with `occurrences`")))]
pub(super) async fn book(
    State(state): State<HttpState>,
    who: SignedIn,
    headers: HeaderMap,
    Query(trial): Query<Trial>,
    Body(asked): Body<SeriesRequest>,
) -> Result<Response, Problem> {
    let first = slot(asked.start, asked.end, "end")?;
    check_asked(&asked.purpose, asked.project.as_deref(), &asked.details)?;
    let directory = state.directory().load_full();
    let id = visible(&directory, asked.instrument.as_str(), &who.caller)?;
    let instrument = directory.instruments.get(&id);
    let instrument = instrument.ok_or_else(Problem::not_found)?;
    let rule = rule_text(&asked.rule, &asked.exceptions)?;
    let slots = occurrences(&rule, first, instrument)?;
    let skips = asked.on_conflict == OnConflict::Skip;
    let numbers = (id.get(), first.start().get(), first.end().get());
    let what = (&asked.purpose, &asked.project, &asked.details);
    let meaning = json!(["series", numbers, rule, what, skips]);
    let series = BookSeries {
        member: who.member,
        instrument: id,
        first,
        rule,
        slots,
        purpose: kept(asked.purpose),
        project: asked.project,
        details: asked.details,
        skips,
        idempotency: key_of(&headers, &meaning)?,
    };
    let report = Report {
        state: &state,
        directory: &directory,
        instrument,
        who,
    };
    if trial.dry_run {
        return report.tried(state.desk().would(series)?);
    }
    let outcome = state.desk().ask(series).await?;
    report.done(outcome)
}

/// Returns the rule as it is kept: with its exceptions, in UTC.
fn rule_text(rule: &str, exceptions: &[When]) -> Result<String, Problem> {
    if rule.len() > RULE_BYTES_MAX {
        return Err(Problem::field("rule", "too long"));
    }
    let mut text = rule.trim().to_owned();
    for exception in exceptions {
        let at = DateTime::<Utc>::from_timestamp_micros(exception.0.get());
        let at = at.ok_or_else(|| Problem::field("exceptions", "too long"))?;
        text.push_str(&at.format("\nEXDATE:%Y%m%dT%H%M%SZ").to_string());
    }
    Ok(text)
}

/// Returns the slots of a rule, in the instrument's civil time.
fn occurrences(rule: &str, first: Slot, instrument: &Instrument) -> Result<Vec<Slot>, Problem> {
    let malformed = |said| Problem::new(ProblemType::MalformedRequest).and_field("rule", said);
    let recurrence =
        Recurrence::parse(rule).map_err(|fault| malformed(words::waitlist::recurrence(&fault)))?;
    let bound = Bound::new(OCCURRENCES_MAX + 1, Bound::YEARS_MAX);
    let Occurrences { slots, is_complete } = recurrence.occurrences(first, instrument.zone, bound);
    if slots.is_empty() {
        let said = Said::fixed("没有任何一次", "expected at least one occurrence");
        return Err(malformed(said));
    }
    if !is_complete || slots.len() > OCCURRENCES_MAX {
        let said = Said::fixed(
            "须有 COUNT 或 UNTIL，最多 200 次，五年以内",
            "expected COUNT or UNTIL, at most 200 occurrences within five years",
        );
        return Err(malformed(said));
    }
    Ok(slots)
}

/// Who is told what became of a series.
struct Report<'a> {
    state: &'a HttpState,
    directory: &'a Directory,
    instrument: &'a Instrument,
    who: SignedIn,
}

impl Report<'_> {
    fn tried(&self, outcome: SeriesOutcome) -> Result<Response, Problem> {
        let occurrences = match outcome {
            SeriesOutcome::Booked(_, occurrences) | SeriesOutcome::Refused(occurrences) => {
                occurrences
            }
            SeriesOutcome::Unanswered(faults) => return Err(unanswered(faults)),
            SeriesOutcome::Replayed(..) | SeriesOutcome::KeyReused | SeriesOutcome::NotFound => {
                return Err(Problem::not_found());
            }
        };
        let mut views = self.occurrences(&occurrences)?;
        for view in &mut views {
            // It was not made.
            view.booking = None;
        }
        let report = SeriesReport {
            occurrences: views,
            series: None,
        };
        Ok(Json(report).into_response())
    }

    fn done(&self, outcome: SeriesOutcome) -> Result<Response, Problem> {
        let (series, occurrences) = match outcome {
            SeriesOutcome::Booked(series, occurrences) => (series, occurrences),
            SeriesOutcome::Replayed(series, bookings) => {
                let again = bookings.into_iter().map(|booking| Occurrence {
                    slot: booking.slot,
                    outcome: Ok(booking),
                });
                (series, again.collect())
            }
            SeriesOutcome::Refused(occurrences) => {
                let mut refused = occurrences
                    .iter()
                    .filter_map(|one| one.outcome.as_ref().err());
                let by_rule = refused.any(|why| !why.refusals.is_empty());
                let mut views = self.occurrences(&occurrences)?;
                for view in &mut views {
                    view.booking = None;
                }
                return Err(Problem::new(refused_as(by_rule)).with("occurrences", views));
            }
            SeriesOutcome::Unanswered(faults) => return Err(unanswered(faults)),
            SeriesOutcome::KeyReused => {
                return Err(Problem::new(ProblemType::IdempotencyKeyReused));
            }
            SeriesOutcome::NotFound => return Err(Problem::not_found()),
        };
        let place = format!("/api/v1/series/{}", series.id);
        let report = SeriesReport {
            occurrences: self.occurrences(&occurrences)?,
            series: view_of(self.state, self.directory, self.who, &series),
        };
        Ok(Created(place, Json(report)).into_response())
    }

    fn occurrences(&self, occurrences: &[Occurrence]) -> Result<Vec<OccurrenceView>, Problem> {
        let snapshot = self.state.desk().snapshot(self.instrument.id);
        let snapshot = snapshot.ok_or_else(Problem::not_found)?;
        let looking = Looking::new(self.directory, self.instrument, &snapshot, self.who.caller);
        let reader = Reader::new(self.state, self.directory, self.who.caller);
        let view = |one: &Occurrence| {
            let told = one.outcome.as_ref().err().map(|why| looking.refused(why));
            let (refusals, conflicts) =
                told.map_or_else(Default::default, |told| (told.refusals, told.conflicts));
            let booking = one.outcome.as_ref().ok();
            OccurrenceView {
                interval: Interval::of(one.slot, self.instrument.zone),
                would: booking.map_or(REFUSE, |booking| would(booking)),
                booking: booking.and_then(|booking| BookingView::of(&reader, booking)),
                refusals,
                conflicts,
            }
        };
        Ok(occurrences.iter().map(view).collect())
    }
}

/// Returns a series to its owner or to those who see the inside of its instrument.
#[utoipa::path(get, path = "/api/v1/series/{id}", tag = "bookings",
    params(("id" = i64, Path, description = "Identity")),
    responses((status = 200, body = SeriesView)))]
pub(super) async fn read(
    State(state): State<HttpState>,
    who: SignedIn,
    number: Number,
) -> Result<Json<SeriesView>, Problem> {
    let directory = state.directory().load_full();
    let series = seen(&state, &directory, who, number)?;
    let view = view_of(&state, &directory, who, &series);
    view.map(Json).ok_or_else(Problem::not_found)
}

/// From where on to give up.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct Rest {
    /// Occurrences that begin at this moment or later; left out: all that have not begun.
    #[param(value_type = Option<String>, format = DateTime)]
    from: Option<When>,
}

/// Gives the rest of a series up.
#[utoipa::path(delete, path = "/api/v1/series/{id}", tag = "bookings",
    params(("id" = i64, Path, description = "Identity"), Rest),
    responses((status = 200, body = SeriesEnded)))]
pub(super) async fn end(
    State(state): State<HttpState>,
    who: SignedIn,
    number: Number,
    Query(rest): Query<Rest>,
) -> Result<Json<SeriesEnded>, Problem> {
    let directory = state.directory().load_full();
    let series = seen(&state, &directory, who, number)?;
    if series.member != who.member {
        let instrument = directory.instruments.get(&series.instrument);
        let lab = instrument.ok_or_else(Problem::not_found)?.lab;
        who.caller
            .demand(&directory, Right::ManageInstruments, lab)?;
    }
    let now = state.clock().now();
    let end = EndSeries {
        series: series.id,
        by: who.member,
        from: rest.from.map_or(now, |from| from.0),
    };
    match state.desk().ask(end).await? {
        EndSeriesOutcome::Ended {
            series,
            cancelled,
            kept,
        } => {
            let view = view_of(&state, &directory, who, &series);
            Ok(Json(SeriesEnded {
                series: view.ok_or_else(Problem::not_found)?,
                cancelled: cancelled.iter().map(|booking| booking.id.get()).collect(),
                kept: kept.into_iter().map(BookingId::get).collect(),
            }))
        }
        EndSeriesOutcome::NotFound => Err(Problem::not_found()),
    }
}

pub(super) fn is_inside(directory: &Directory, who: SignedIn, series: &Series) -> bool {
    let instrument = directory.instruments.get(&series.instrument);
    instrument.is_some_and(|instrument| who.caller.sees_inside(directory, instrument))
}

/// Returns a series that the caller may see; for everybody else there is none.
fn seen(
    state: &HttpState,
    directory: &Directory,
    who: SignedIn,
    number: Number,
) -> Result<std::sync::Arc<Series>, Problem> {
    let ledger = state.desk().ledger();
    let found = ledger.series.get(SeriesId::new(number.0).get()).cloned();
    found
        .filter(|series| series.member == who.member || is_inside(directory, who, series))
        .ok_or_else(Problem::not_found)
}

pub(super) fn view_of(
    state: &HttpState,
    directory: &Directory,
    who: SignedIn,
    series: &Series,
) -> Option<SeriesView> {
    let instrument = directory.instruments.get(&series.instrument)?;
    let mut bookings = state.desk().shelf().bookings_of(series.member);
    bookings.retain(|booking| booking.series() == Some(series.id));
    bookings.sort_by_key(|booking| booking.slot);
    Some(SeriesView {
        id: series.id.get(),
        first: NamedSlot::of(instrument, series.first, who.caller.language),
        rule: series.rule.clone(),
        purpose: series.purpose.clone(),
        created_at: Zoned(series.created_at, instrument.zone),
        ended_at: series.ended_at.map(|at| Zoned(at, instrument.zone)),
        bookings: views(&Reader::new(state, directory, who.caller), &bookings),
    })
}
