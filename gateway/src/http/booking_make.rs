//! Booking: asked of the desk, or tried; and the words for what stands against it.

use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::{IntoResponse, Response};
use scheduler::facts::SetAside;
use scheduler::id::{InstrumentId, MemberId, ProjectId};
use scheduler::occupancy::Holder;
use scheduler::slot::Slot;
use serde::Serialize;
use utoipa::ToSchema;

use super::answer::{Created, Json};
use super::body::{Body, Query};
use super::booking_request::{BookingRequest, instrument_of};
use super::bookings::{Trial, seen, snapshot_of, view};
use super::caller::SignedIn;
use super::details::unanswered;
use super::path::{Number, visible};
use super::problem::{Problem, ProblemType};
use super::state::HttpState;
use super::view::{BookingView, ConflictView, Interval, Looking, RefusalView};
use crate::booking::answers::{AnswerAt, check_answers};
use crate::booking::record::{Booking, Details, Question};
use crate::booking::{
    Asked, Book, BookOutcome, Costs, Gathered, Manner, Refused, Wish, is_overridable, judge_in,
    questions_for,
};
use crate::registry::Directory;
use crate::words;

/// What would become of a wish.
#[derive(Debug, Serialize, ToSchema)]
pub struct Verdict {
    /// `accept`, `ask_approval` or `refuse`.
    would: &'static str,
    /// Rules against it.
    refusals: Vec<RefusalView>,
    /// Claims against it.
    conflicts: Vec<ConflictView>,
    /// Up to three slots of the same length that would pass.
    next_free: Vec<Interval>,
    /// Whether the caller may set aside everything that stands against it.
    overridable: bool,
    /// What is asked of who books.
    questions: Vec<Question>,
    /// Fields of answers that a new booking still lacks or that are not as asked.
    unanswered: Vec<String>,
    /// For a move: whether it gives the old slot up too late for that to be free.
    late: bool,
    /// The points that are given for that.
    points: u32,
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
    let directory = state.directory().load_full();
    let id = visible(&directory, wish.instrument.as_str(), &who.caller)?;
    let instrument = instrument_of(&directory, id)?;
    let now = state.clock().now();
    let book = wish.understood(&directory, instrument, (who, &headers, now))?;
    if trial.dry_run {
        let verdict = Try::of(&book, &state).verdict(&state, &directory, who, |needs| needs)?;
        return Ok(Json(verdict).into_response());
    }
    let member = book.member;
    let mut outcome = state.desk().ask(book).await?;
    if let BookOutcome::Replayed(booking) = outcome {
        // What was made then may be somebody else's by now.
        let number = Number(booking.id.get());
        outcome = BookOutcome::Booked(seen(&state, &directory, who.caller, number)?);
    }
    match outcome {
        BookOutcome::Booked(booking) | BookOutcome::Replayed(booking) => {
            let versioned = view(&state, &directory, who.caller, &booking)?;
            let place = format!("/api/v1/bookings/{}", booking.id);
            Ok(Created(place, versioned).into_response())
        }
        BookOutcome::KeyReused => Err(Problem::new(ProblemType::IdempotencyKeyReused)),
        BookOutcome::Refused(refused) => {
            let judged = (id, member);
            Err(refusal_of(&state, &directory, who, judged, &refused))
        }
        BookOutcome::Unanswered(faults) => Err(unanswered(faults)),
        BookOutcome::NotAtOnce => Err(Problem::wrong_state(words::not_at_once())),
        BookOutcome::NotFound => Err(Problem::not_found()),
    }
}

/// A wish to be tried on what readers see, without the desk.
#[derive(Debug, Clone, Copy)]
pub(super) struct Try<'a> {
    pub(super) instrument: InstrumentId,
    pub(super) member: MemberId,
    pub(super) slot: Slot,
    pub(super) project: Option<ProjectId>,
    pub(super) held: Option<&'a Booking>,
    pub(super) set_aside: &'a [SetAside],
    pub(super) manner: Manner,
    /// Whether who moves it pays for what is given up too late.
    pub(super) pays: bool,
    /// What is said with a new booking.
    pub(super) details: Option<&'a Details>,
}

impl<'a> Try<'a> {
    fn of(book: &'a Book, state: &HttpState) -> Self {
        let ledger = state.desk().ledger();
        let hold = ledger.hold_for(book);
        Self {
            instrument: book.instrument,
            member: book.member,
            slot: book.slot,
            project: book.details.project.map(ProjectId::new),
            held: None,
            set_aside: &[],
            manner: Manner {
                begins_now: book.now,
                instead_of: hold.map(|hold| Holder::Hold(hold.id)),
            },
            pays: false,
            details: Some(&book.details),
        }
    }

    fn unanswered(&self, questions: &[Question]) -> Vec<String> {
        let answered = self
            .details
            .map(|details| check_answers(questions, details, AnswerAt::Booking));
        let faults = answered.and_then(Result::err).unwrap_or_default();
        let fields = faults.into_iter();
        fields
            .map(|fault| format!("details.{}", fault.field))
            .collect()
    }

    /// Returns what would become of it. `asks` tells from what the rules want whether somebody
    /// would really be asked.
    pub(super) fn verdict(
        &self,
        state: &HttpState,
        directory: &Directory,
        who: SignedIn,
        asks: impl FnOnce(bool) -> bool,
    ) -> Result<Verdict, Problem> {
        let instrument = instrument_of(directory, self.instrument)?;
        let snapshot = snapshot_of(state, instrument)?;
        let (policy, _) = directory.policy_of(instrument);
        let ledger = state.desk().ledger();
        let asked = Asked {
            instrument: self.instrument,
            member: self.member,
            slot: self.slot,
            project: self.project,
            held: self.held,
            set_aside: self.set_aside,
        };
        let gathered = Gathered::of(directory, &ledger, (instrument, &policy), &asked);
        let wish = Wish {
            instrument,
            policy: &policy,
            asking: gathered.asking(&ledger.usage),
            slot: self.slot,
            now: state.clock().now(),
            held: self.held,
        };
        let costs = Costs {
            directory,
            ledger: &ledger,
            instrument,
            policy: &policy,
            now: wish.now,
        };
        let held = self.held.filter(|_| self.pays);
        let cost = held.map(|held| costs.of_moving(held, self.slot));
        let judged = judge_in(&snapshot, &wish, self.manner);
        let (judged, cost) = match (judged, cost.transpose()) {
            (Ok(_), Err(refused)) => (Err(refused), None),
            (judged, cost) => (judged, cost.unwrap_or_default()),
        };
        let cost = cost.unwrap_or_default();
        let questions = questions_for(directory, &ledger, instrument);
        let unanswered = self.unanswered(&questions);
        let would = match &judged {
            Ok(placed) if asks(placed.needs_approval) => "ask_approval",
            Ok(_) => "accept",
            Err(_) => "refuse",
        };
        let refused = judged.err().unwrap_or_default();
        let authority = directory.overriders(who.member, instrument.lab);
        let is_overridable = is_overridable(&refused.refusals, &authority);
        let looking = Looking::new(directory, instrument, &snapshot, who.caller);
        let looking = looking.judged(self.member);
        let told = looking.refused(&refused);
        Ok(Verdict {
            would,
            refusals: told.refusals,
            conflicts: told.conflicts,
            next_free: told.next_free,
            overridable: refused.conflicts.is_empty() && is_overridable,
            questions,
            unanswered,
            late: cost.late,
            points: cost.points,
        })
    }
}

/// Says what stands against a wish of the caller's own.
pub(super) fn refusal(
    state: &HttpState,
    directory: &Directory,
    who: SignedIn,
    id: InstrumentId,
    refused: &Refused,
) -> Problem {
    refusal_of(state, directory, who, (id, who.member), refused)
}

/// Says what stands against a member's wish. Overlap alone is `slot-taken`; any rule against it is
/// `refused-by-policy`.
pub(super) fn refusal_of(
    state: &HttpState,
    directory: &Directory,
    who: SignedIn,
    (id, member): (InstrumentId, MemberId),
    refused: &Refused,
) -> Problem {
    let found = directory
        .instruments
        .get(&id)
        .zip(state.desk().snapshot(id));
    let Some((instrument, snapshot)) = found else {
        return Problem::not_found();
    };
    let looking = Looking::new(directory, instrument, &snapshot, who.caller);
    let told = looking.judged(member).refused(refused);
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
