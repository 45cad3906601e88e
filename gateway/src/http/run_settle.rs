//! Settling and correcting runs, and use entered by hand (补录).

use axum::extract::State;
use axum::http::HeaderMap;
use scheduler::id::{BookingId, ProjectId};
use scheduler::time::DAY_US;
use serde::Deserialize;
use utoipa::ToSchema;
use wire::InstrumentKey;

use super::answer::{Created, Versioned, demanded_version};
use super::body::Body;
use super::booking_make::refusal_of;
use super::caller::SignedIn;
use super::path::{Number, visible};
use super::problem::{Problem, ProblemType};
use super::runs::{detail, member_of, seen};
use super::state::HttpState;
use super::texts::check_prose;
use super::time::{When, slot};
use super::view::RunDetail;
use crate::booking::{CorrectRun, Declare, DeclareOutcome, RunChange, RunOutcome};
use crate::registry::Right;
use crate::words;

/// Most characters of a note.
const NOTE_CHARACTERS_MAX: usize = 500;

/// Longest use that can be entered at once.
const DECLARED_US_MAX: i64 = 31 * DAY_US;

/// How far back the start may lie of use that is entered.
const DECLARED_BACK_US_MAX: i64 = 400 * DAY_US;

/// What is to become of a run: at most one of `booking`, `member`, `accept`, `reject`.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RunSettlement {
    /// It is this booking's: one of this instrument and about this time. A no-show is cleared by it.
    booking: Option<i64>,
    /// It is this member's, without a booking.
    member: Option<i64>,
    /// It is as it says.
    #[serde(default)]
    accept: bool,
    /// It does not count.
    #[serde(default)]
    reject: bool,
    /// Another end.
    end: Option<When>,
    /// Why; at most 500 characters.
    #[serde(default)]
    note: String,
}

/// Use that is over and that nothing else shows.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct DeclaredUse {
    /// The instrument's key.
    #[schema(value_type = String)]
    instrument: InstrumentKey,
    /// First instant; at most 400 days ago.
    start: When,
    /// First instant after it; at most 31 days later, and not after now.
    end: When,
    /// Whose it is; left out: the caller's. Others only for the instrument's managers.
    member: Option<i64>,
    /// The project's id: one that ran then and admits who used it.
    project: Option<i64>,
    /// Words on it; at most 500 characters.
    #[serde(default)]
    note: String,
}

/// Settles a run, rejects it, or corrects whose it is and when it ended. Both values are kept.
#[utoipa::path(patch, path = "/api/v1/runs/{id}", tag = "telemetry", request_body = RunSettlement,
    params(("id" = i64, Path, description = "Identity"),
        ("If-Match" = Option<String>, Header, description = "Only if it has this version")),
    responses((status = 200, body = RunDetail), (status = 409, description = "wrong-state or stale-version")))]
pub(super) async fn settle(
    State(state): State<HttpState>,
    who: SignedIn,
    number: Number,
    headers: HeaderMap,
    Body(asked): Body<RunSettlement>,
) -> Result<Versioned<RunDetail>, Problem> {
    check_prose("note", &asked.note, NOTE_CHARACTERS_MAX)?;
    let directory = state.directory().load_full();
    let run = seen(&state, &directory, who.caller, number).await?;
    let right = Right::ManageInstruments;
    who.caller.demand(&directory, right, run.lab)?;
    let change = asked.change()?;
    if change != RunChange::Accept && asked.note.trim().is_empty() {
        return Err(Problem::field("note", "must not be empty"));
    }
    let correct = CorrectRun {
        run,
        expected_version: demanded_version(&headers)?,
        change,
        end: asked.end.map(|end| end.0),
        note: asked.note,
        by: who.member,
    };
    match state.desk().ask(correct).await? {
        RunOutcome::Done(run) => detail(&state, &directory, who.caller, &run).await,
        RunOutcome::Stale => Err(Problem::new(ProblemType::StaleVersion)),
        RunOutcome::Open => Err(Problem::wrong_state(words::run_goes_on())),
        RunOutcome::Nobodys => Err(Problem::wrong_state(words::run_is_nobodys())),
        RunOutcome::BadEnd => {
            let said = words::bad_run_end();
            Err(Problem::new(ProblemType::MalformedRequest).and_field("end", said))
        }
        RunOutcome::NoBooking => {
            let said = words::not_that_booking();
            Err(Problem::new(ProblemType::MalformedRequest).and_field("booking", said))
        }
        RunOutcome::Known => Err(Problem::wrong_state(words::use_is_known())),
        RunOutcome::NoMember => Err(Problem::field("member", "no such member")),
    }
}

impl RunSettlement {
    fn change(&self) -> Result<RunChange, Problem> {
        let booking = self
            .booking
            .map(|id| RunChange::OfBooking(BookingId::new(id)));
        let member = self
            .member
            .map(|id| RunChange::OfMember(scheduler::id::MemberId::new(id)));
        let accept = self.accept.then_some(RunChange::Accept);
        let reject = self.reject.then_some(RunChange::Reject);
        let mut named = [booking, member, accept, reject].into_iter().flatten();
        match (named.next(), named.next()) {
            (Some(change), None) => Ok(change),
            (None, _) if self.end.is_some() => Ok(RunChange::Keep),
            _ => {
                let one = "expected one of booking, member, accept, reject";
                Err(Problem::field("(body)", one))
            }
        }
    }
}

/// Enters use by hand. It waits until a manager accepts it.
#[utoipa::path(post, path = "/api/v1/runs", tag = "telemetry", request_body = DeclaredUse,
    responses((status = 201, body = RunDetail), (status = 409, description = "wrong-state: use then is known already"),
        (status = 422, description = "refused-by-policy: the rules do not let them book it")))]
pub(super) async fn declare(
    State(state): State<HttpState>,
    who: SignedIn,
    Body(asked): Body<DeclaredUse>,
) -> Result<Created<Versioned<RunDetail>>, Problem> {
    let slot = slot(asked.start, asked.end, "end")?;
    if slot.len().get() > DECLARED_US_MAX {
        return Err(Problem::field("end", "at most 31 days after the start"));
    }
    if state.clock().now() - slot.start() > DECLARED_BACK_US_MAX {
        let said = words::declared_too_late();
        return Err(Problem::new(ProblemType::MalformedRequest).and_field("start", said));
    }
    check_prose("note", &asked.note, NOTE_CHARACTERS_MAX)?;
    let directory = state.directory().load_full();
    let id = visible(&directory, asked.instrument.as_str(), &who.caller)?;
    let instrument = directory.instruments.get(&id);
    let instrument = instrument.ok_or_else(Problem::not_found)?;
    let member = match asked.member {
        Some(member) if member != who.member.get() => {
            let right = Right::ManageInstruments;
            who.caller.demand(&directory, right, instrument.lab)?;
            member_of(&directory, member)?
        }
        Some(_) | None => who.member,
    };
    let declare = Declare {
        instrument: id,
        member,
        slot,
        project: asked.project.map(ProjectId::new),
        note: asked.note,
    };
    match state.desk().ask(declare).await? {
        DeclareOutcome::Declared(run) => {
            let place = format!("/api/v1/runs/{}", run.id);
            let detail = detail(&state, &directory, who.caller, &run).await?;
            Ok(Created(place, detail))
        }
        DeclareOutcome::Known => Err(Problem::wrong_state(words::use_is_known())),
        DeclareOutcome::Refused(refused) => {
            let judged = (id, member);
            Err(refusal_of(&state, &directory, who, judged, &refused))
        }
        DeclareOutcome::Project => {
            let said = words::not_for_project();
            Err(Problem::new(ProblemType::MalformedRequest).and_field("project", said))
        }
        DeclareOutcome::NotOver => Err(Problem::field("end", "must not lie ahead")),
        DeclareOutcome::NotFound => Err(Problem::not_found()),
    }
}
