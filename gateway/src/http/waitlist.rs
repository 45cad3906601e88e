//! The waitlist: wishes for slots that are taken now, and the offers made to them.

use axum::extract::State;
use axum::http::StatusCode;
use scheduler::id::{InstrumentId, ProjectId, WaitId};
use scheduler::slot::Slot;
use scheduler::time::Span;
use serde::Deserialize;
use serde_json::{Map, Value};
use utoipa::ToSchema;

use super::answer::{Created, Json, Versioned};
use super::body::{Body, MaybeBody};
use super::booking_make::refusal;
use super::booking_request::check_asked;
use super::bookings::view;
use super::caller::SignedIn;
use super::details::{merged, unanswered};
use super::path::{Found, Number, visible};
use super::problem::{Problem, ProblemType};
use super::state::HttpState;
use super::texts::kept;
use super::time::{Length, When, slot};
use super::view::{BookingView, NamedSlot, Person, WaitMade, WaitView, Whole};
use crate::booking::record::{Details, Wait};
use crate::booking::{
    AskToWait, Asked, DeclineOffer, Gathered, OfferOutcome, Queue, TakeOffer, WaitOutcome, Wish,
    Withdraw, WithdrawOutcome, earliest_within,
};
use crate::registry::{Directory, Right};
use crate::words::{self, Said};

/// Most instruments of one wish.
const INSTRUMENTS_MAX: usize = 50;
/// Longest window of a wish.
const WINDOW_MAX: Span = Span::days(60);
/// Shortest slot that can be wished for.
const LENGTH_MIN: Span = Span::minutes(1);

/// A wish for a slot that is taken now.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct WaitRequest {
    /// Keys of instruments, any of which will do; 1 to 50.
    instruments: Vec<String>,
    /// Begin of the window.
    start: When,
    /// End of the window, at most 60 days later.
    end: When,
    /// How long; left out: as long as the window.
    #[schema(value_type = Option<String>)]
    length: Option<Length>,
    /// Whether to book at once what becomes free, without asking.
    #[serde(default)]
    auto_book: bool,
    /// What for; at most 500 characters.
    purpose: String,
    /// The project, where it is not a registered one; at most 200 characters.
    project: Option<String>,
    /// What else is asked; whoever wants to be booked at once answers what any of the instruments
    /// asks.
    #[serde(default)]
    details: Details,
}

/// What is said when an offer is taken.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct TakeRequest {
    /// What is put into the details of the wish: what is null goes, what is left out stays.
    #[schema(value_type = Option<Details>)]
    details: Option<Map<String, Value>>,
}

/// Joins the waitlist; at most 20 wishes of a member wait at once.
#[utoipa::path(post, path = "/api/v1/waitlist", tag = "bookings", request_body = WaitRequest,
    responses((status = 201, body = WaitMade), (status = 409, description = "wrong-state: too many wishes, or the window is over"),
        (status = 422, description = "refused-by-policy: none of the instruments is for them")))]
pub(super) async fn join(
    State(state): State<HttpState>,
    who: SignedIn,
    Body(asked): Body<WaitRequest>,
) -> Result<Created<Json<WaitMade>>, Problem> {
    let within = slot(asked.start, asked.end, "end")?;
    let length = asked.length.map_or(within.len(), |length| length.0);
    check_window(within, length)?;
    check_asked(&asked.purpose, asked.project.as_deref(), &asked.details)?;
    let directory = state.directory().load_full();
    let instruments = instruments(&directory, who, &asked.instruments)?;
    if !directory.may_somewhere(who.member, Right::Book) {
        return Err(Problem::new(ProblemType::NotAllowed));
    }
    let wish = AskToWait {
        member: who.member,
        instruments,
        within,
        length,
        auto_book: asked.auto_book,
        purpose: kept(asked.purpose),
        project: asked.project,
        details: asked.details,
    };
    match state.desk().ask(wish).await? {
        WaitOutcome::Waiting(wait) => {
            let place = format!("/api/v1/waitlist/{}", wait.id);
            let made = WaitMade {
                free_now: free_now(&state, &directory, who, &wait),
                wait: own(&state, &directory, who, &wait)?,
            };
            Ok(Created(place, Json(made)))
        }
        WaitOutcome::Unanswered(faults) => Err(unanswered(faults)),
        WaitOutcome::Never(id, refused) => Err(refusal(&state, &directory, who, id, &refused)),
        WaitOutcome::TooMany => Err(Problem::wrong_state(words::waitlist::TOO_MANY_WISHES)),
        WaitOutcome::Over => Err(Problem::wrong_state(words::waitlist::WINDOW_OVER)),
    }
}

fn check_window(within: Slot, length: Span) -> Result<(), Problem> {
    let malformed =
        |field, said| Problem::new(ProblemType::MalformedRequest).and_field(field, said);
    if within.len() > WINDOW_MAX {
        let said = Said::fixed("时间范围最长 60 天", "the window is at most 60 days long");
        return Err(malformed("end", said));
    }
    if length < LENGTH_MIN || length > within.len() {
        let said = Said::fixed(
            "时长至少 1 分钟，且不能超过时间范围",
            "expected at least a minute, and no longer than the window",
        );
        return Err(malformed("length", said));
    }
    Ok(())
}

fn instruments(
    directory: &Directory,
    who: SignedIn,
    keys: &[String],
) -> Result<Vec<InstrumentId>, Problem> {
    if keys.is_empty() || keys.len() > INSTRUMENTS_MAX {
        let said = Said::fixed("应为 1 到 50 台仪器", "expected 1 to 50 instruments");
        return Err(Problem::new(ProblemType::MalformedRequest).and_field("instruments", said));
    }
    let mut ids = Vec::with_capacity(keys.len());
    for key in keys {
        let id = visible(directory, key, &who.caller)?;
        if !ids.contains(&id) {
            ids.push(id);
        }
    }
    Ok(ids)
}

/// Lists the caller's own wishes, newest first: those of the last 30 days.
#[utoipa::path(get, path = "/api/v1/waitlist", tag = "bookings",
    responses((status = 200, body = Whole<WaitView>)))]
pub(super) async fn list(
    State(state): State<HttpState>,
    who: SignedIn,
) -> Result<Json<Whole<WaitView>>, Problem> {
    let directory = state.directory().load_full();
    let ledger = state.desk().ledger();
    let queue = Queue::of(&ledger, state.desk().shelf(), state.clock().now());
    let own = ledger.waits.iter().rev();
    let own = own.filter(|wait| wait.member == who.member);
    let language = who.caller.language;
    let views = own.filter_map(|wait| {
        let offer = ledger.offer_to(wait.id);
        let view = WaitView::of(&directory, language, wait, offer.map(|offer| &**offer))?;
        Some(WaitView {
            position: queue.position(wait.id),
            ..view
        })
    });
    Ok(Json(Whole {
        items: views.collect(),
    }))
}

/// Lists who waits for an instrument, in their order, for those who run it.
#[utoipa::path(get, path = "/api/v1/instruments/{key}/waitlist", tag = "bookings",
    params(("key" = String, Path, description = "The instrument's key")),
    responses((status = 200, body = Whole<WaitView>)))]
pub(super) async fn of_instrument(
    State(state): State<HttpState>,
    who: SignedIn,
    found: Found,
) -> Result<Json<Whole<WaitView>>, Problem> {
    let directory = &*found.directory;
    if !who.caller.sees_inside(directory, found.instrument()) {
        return Err(Problem::new(ProblemType::NotAllowed));
    }
    let ledger = state.desk().ledger();
    let queue = Queue::of(&ledger, state.desk().shelf(), state.clock().now());
    let language = who.caller.language;
    let views = queue.at(found.id).zip(1..).filter_map(|(wait, position)| {
        let offer = ledger.offer_to(wait.id);
        let offer = offer.filter(|offer| offer.instrument == found.id);
        let view = WaitView::of(directory, language, wait, offer.map(|offer| &**offer))?;
        let member = directory.members.get(&wait.member);
        let name = member.map_or_else(String::new, |member| {
            language.of(&member.display).to_owned()
        });
        Some(WaitView {
            purpose: None,
            project: None,
            details: None,
            position: Some(position),
            member: Some(Person {
                id: wait.member.get(),
                name,
            }),
            ..view
        })
    });
    Ok(Json(Whole {
        items: views.collect(),
    }))
}

/// Takes a wish back. What was offered to it goes to the next.
#[utoipa::path(delete, path = "/api/v1/waitlist/{id}", tag = "bookings",
    params(("id" = i64, Path, description = "Identity")),
    responses((status = 204, description = "It waits no longer"), (status = 409, description = "wrong-state")))]
pub(super) async fn withdraw(
    State(state): State<HttpState>,
    who: SignedIn,
    number: Number,
) -> Result<StatusCode, Problem> {
    let withdraw = Withdraw {
        wait: WaitId::new(number.0),
        member: who.member,
    };
    match state.desk().ask(withdraw).await? {
        WithdrawOutcome::Withdrawn(_) => Ok(StatusCode::NO_CONTENT),
        WithdrawOutcome::Was(was) => Err(Problem::wrong_state(words::waitlist::not_waiting(was))),
        WithdrawOutcome::NotFound => Err(Problem::not_found()),
    }
}

/// Takes what is offered: it becomes a booking. What its instrument asks must be answered, with the
/// wish or now.
#[utoipa::path(post, path = "/api/v1/waitlist/{id}/accept", tag = "bookings", request_body = Option<TakeRequest>,
    params(("id" = i64, Path, description = "Identity of the wish")),
    responses((status = 201, body = BookingView), (status = 409, description = "wrong-state: the offer has run out"),
        (status = 422, description = "refused-by-policy; the offer stands")))]
pub(super) async fn accept(
    State(state): State<HttpState>,
    who: SignedIn,
    number: Number,
    MaybeBody(asked): MaybeBody<TakeRequest>,
) -> Result<Created<Versioned<BookingView>>, Problem> {
    let id = WaitId::new(number.0);
    let details = asked.details.map(|told| {
        let ledger = state.desk().ledger();
        let wait = ledger.waits.get(id.get());
        let own = wait.filter(|wait| wait.member == who.member);
        merged(own.map(|wait| &wait.details), told)
    });
    let take = TakeOffer {
        wait: id,
        member: who.member,
        details: details.transpose()?,
    };
    let directory = state.directory().load_full();
    let offered = state.desk().ledger().offer_to(id).cloned();
    let outcome = state.desk().ask(take).await?;
    match &outcome {
        OfferOutcome::Booked(booking) => {
            let place = format!("/api/v1/bookings/{}", booking.id);
            Ok(Created(
                place,
                view(&state, &directory, who.caller, booking)?,
            ))
        }
        OfferOutcome::Refused(refused) => Err(offered.map_or_else(Problem::not_found, |offer| {
            refusal(&state, &directory, who, offer.instrument, refused)
        })),
        OfferOutcome::Unanswered(faults) => Err(unanswered(faults.clone())),
        OfferOutcome::Declined(_)
        | OfferOutcome::Wrong(_)
        | OfferOutcome::NothingOffered
        | OfferOutcome::NotFound => Err(unanswerable(&outcome)),
    }
}

/// Declines what is offered; the wish waits on for other slots.
#[utoipa::path(post, path = "/api/v1/waitlist/{id}/decline", tag = "bookings",
    params(("id" = i64, Path, description = "Identity of the wish")),
    responses((status = 200, body = WaitView), (status = 409, description = "wrong-state")))]
pub(super) async fn decline(
    State(state): State<HttpState>,
    who: SignedIn,
    number: Number,
) -> Result<Json<WaitView>, Problem> {
    let decline = DeclineOffer {
        wait: WaitId::new(number.0),
        member: who.member,
    };
    let directory = state.directory().load_full();
    let outcome = state.desk().ask(decline).await?;
    match &outcome {
        OfferOutcome::Declined(wait) => own(&state, &directory, who, wait).map(Json),
        OfferOutcome::Booked(_)
        | OfferOutcome::Refused(_)
        | OfferOutcome::Unanswered(_)
        | OfferOutcome::Wrong(_)
        | OfferOutcome::NothingOffered
        | OfferOutcome::NotFound => Err(unanswerable(&outcome)),
    }
}

fn unanswerable(outcome: &OfferOutcome) -> Problem {
    match outcome {
        OfferOutcome::Wrong(wrong) => Problem::wrong_state(words::waitlist::wrong_offer(*wrong)),
        OfferOutcome::NothingOffered => Problem::wrong_state(words::waitlist::NOTHING_OFFERED),
        OfferOutcome::Booked(_)
        | OfferOutcome::Declined(_)
        | OfferOutcome::Refused(_)
        | OfferOutcome::Unanswered(_)
        | OfferOutcome::NotFound => Problem::not_found(),
    }
}

/// Returns a wish as its member sees it.
fn own(
    state: &HttpState,
    directory: &Directory,
    who: SignedIn,
    wait: &Wait,
) -> Result<WaitView, Problem> {
    let ledger = state.desk().ledger();
    let queue = Queue::of(&ledger, state.desk().shelf(), state.clock().now());
    let offer = ledger.offer_to(wait.id).map(|offer| &**offer);
    let view =
        WaitView::of(directory, who.caller.language, wait, offer).ok_or_else(Problem::not_found)?;
    Ok(WaitView {
        position: queue.position(wait.id),
        ..view
    })
}

/// Returns the earliest slot of a wish that could be booked right away.
fn free_now(
    state: &HttpState,
    directory: &Directory,
    who: SignedIn,
    wait: &Wait,
) -> Option<NamedSlot> {
    let ledger = state.desk().ledger();
    let found = wait.instruments.iter().filter_map(|id| {
        let instrument = directory.instruments.get(id)?;
        let snapshot = state.desk().snapshot(*id)?;
        let (policy, _) = directory.policy_of(instrument);
        let asked = Asked {
            instrument: *id,
            member: who.member,
            slot: wait.within,
            project: wait.details.project.map(ProjectId::new),
            held: None,
            set_aside: &[],
        };
        let gathered = Gathered::of(directory, &ledger, (instrument, &policy), &asked);
        let wish = Wish {
            instrument,
            policy: &policy,
            asking: gathered.asking(&ledger.usage),
            slot: wait.within,
            now: state.clock().now(),
            held: None,
        };
        let slot = earliest_within(&snapshot, &wish, wait.length)?;
        (slot.len() == wait.length).then_some((slot, instrument))
    });
    let (slot, instrument) = found.min_by_key(|(slot, _)| *slot)?;
    Some(NamedSlot::of(instrument, slot, who.caller.language))
}
