//! Bookings inside an outage: what could become of each, and what shall.

use scheduler::id::BookingId;
use scheduler::slot::Slot;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use wire::InstrumentKey;

use super::caller::Caller;
use super::details::unanswered;
use super::path::visible;
use super::problem::{Problem, ProblemType};
use super::state::HttpState;
use super::time::{When, Zoned};
use super::view::{Interval, Looking};
use crate::booking::pool::PoolFacts;
use crate::booking::record::Booking;
use crate::booking::{Choice, ChoiceAction, ChoiceFault, Refused, proposals};
use crate::registry::{Directory, Instrument};
use crate::words::{self, Said};

/// Most choices in one request.
const CHOICES_MAX: usize = 200;
/// Most bookings for which other places are looked for.
const BOOKINGS_MAX: usize = 100;

/// What becomes of a booking inside the outage.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ChoiceRequest {
    /// The booking.
    id: i64,
    /// `keep`, `cancel` or `move`.
    #[serde(rename = "do")]
    action: ActionRequest,
    /// `move`: where it goes; it stays as long as it is.
    to: Option<PlaceRequest>,
}

/// What is done with a booking.
#[derive(Debug, Clone, Copy, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ActionRequest {
    /// It stays, at risk.
    Keep,
    /// It is cancelled; its member is told why and charged nothing.
    Cancel,
    /// It goes elsewhere; its member is told why.
    Move,
}

/// Where a booking goes.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PlaceRequest {
    /// The instrument's key.
    #[schema(value_type = String)]
    instrument: InstrumentKey,
    /// The new first instant.
    start: When,
}

/// What an outage would meet.
#[derive(Debug, Serialize, ToSchema)]
pub struct OutageTrial {
    /// Bookings inside by start, at most 100 of them.
    bookings: Vec<InsideView>,
    /// How many there are.
    total: usize,
}

/// A booking inside an outage.
#[derive(Debug, Serialize, ToSchema)]
pub struct InsideView {
    /// Identity.
    id: i64,
    /// First instant.
    start: Zoned,
    /// First instant after it.
    end: Zoned,
    /// Where it is in its life.
    status: &'static str,
    /// Whose it is.
    member: PersonView,
    /// What for.
    purpose: String,
    /// Up to three places where its member could go: of the same lab first, then of the centre,
    /// nearest in time.
    proposals: Vec<ProposalView>,
}

/// A person, for those who may see who it is.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Person)]
pub struct PersonView {
    /// Identity.
    id: i64,
    /// Name in the reader's language.
    name: String,
}

/// A place where a booking could go.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Proposal)]
pub struct ProposalView {
    /// The instrument's key.
    instrument: String,
    /// Its name in the reader's language.
    instrument_name: String,
    /// When.
    #[serde(flatten)]
    when: Interval,
    /// Whether it belongs to the same lab.
    same_lab: bool,
}

/// Returns the choices as the desk takes them.
///
/// # Errors
/// Returns `malformed-request` for too many or for a move without a place, `not-found` for a place
/// that the caller may not know of.
pub(super) fn understood(
    directory: &Directory,
    caller: &Caller,
    asked: &[ChoiceRequest],
) -> Result<Vec<Choice>, Problem> {
    if asked.len() > CHOICES_MAX {
        return Err(Problem::field("bookings", "too long"));
    }
    let choice = |(nth, one): (usize, &ChoiceRequest)| {
        let action = match (one.action, &one.to) {
            (ActionRequest::Keep, None) => ChoiceAction::Keep,
            (ActionRequest::Cancel, None) => ChoiceAction::Cancel,
            (ActionRequest::Move, Some(to)) => ChoiceAction::Move {
                instrument: visible(directory, to.instrument.as_str(), caller)?,
                start: to.start.0,
            },
            (ActionRequest::Keep | ActionRequest::Cancel, Some(_))
            | (ActionRequest::Move, None) => {
                let field = format!("bookings[{nth}].to");
                return Err(Problem::field(&field, "together with `move` and only then"));
            }
        };
        Ok(Choice {
            booking: BookingId::new(one.id),
            action,
        })
    };
    asked.iter().enumerate().map(choice).collect()
}

/// Returns the bookings inside a window, each with places where it could go.
pub(super) fn trial(
    state: &HttpState,
    directory: &Directory,
    caller: Caller,
    (instrument, slot): (&Instrument, Slot),
) -> OutageTrial {
    let now = state.clock().now();
    let ledger = state.desk().ledger();
    let looked_at = PoolFacts {
        directory,
        ledger: &ledger,
        shelf: state.desk().shelf(),
        now,
    };
    let snapshot = state.desk().snapshot(instrument.id);
    let mut inside = snapshot.map_or(Vec::new(), |held| held.claiming(slot));
    inside.retain(|booking| {
        booking.status.is_open() && booking.slot.end() > now && booking.slot.overlaps(slot)
    });
    let total = inside.len();
    let views = inside.iter().take(BOOKINGS_MAX);
    OutageTrial {
        bookings: views
            .map(|booking| view(&looked_at, caller, instrument, booking))
            .collect(),
        total,
    }
}

fn view(
    looked_at: &PoolFacts<'_>,
    caller: Caller,
    instrument: &Instrument,
    booking: &Booking,
) -> InsideView {
    let directory = looked_at.directory;
    let member = directory.members.get(&booking.member);
    let name = member.map_or("", |member| caller.language.of(&member.display));
    let proposal = |found: crate::booking::Proposal| {
        let to = directory.instruments.get(&found.instrument)?;
        Some(ProposalView {
            instrument: to.key.as_str().to_owned(),
            instrument_name: caller.language.of(&to.names).to_owned(),
            when: Interval::of(found.slot, to.zone),
            same_lab: found.is_same_lab,
        })
    };
    let found = proposals(looked_at, booking).into_iter();
    InsideView {
        id: booking.id.get(),
        start: Zoned(booking.slot.start(), instrument.zone),
        end: Zoned(booking.slot.end(), instrument.zone),
        status: booking.status.as_str(),
        member: PersonView {
            id: booking.member.get(),
            name: name.to_owned(),
        },
        purpose: booking.purpose.to_string(),
        proposals: found.filter_map(proposal).collect(),
    }
}

/// Says which booking cannot go the way that was chosen, and why.
pub(super) fn cannot(
    state: &HttpState,
    directory: &Directory,
    caller: Caller,
    (booking, fault): (BookingId, ChoiceFault),
) -> Problem {
    let problem = match fault {
        ChoiceFault::NotInside => Problem::wrong_state(Said::fixed(
            "该预约不在停机时段内，或被选择了两次",
            "The booking is not inside the outage, or was named twice",
        )),
        ChoiceFault::WrongState(wrong) => Problem::wrong_state(words::wrong_state(wrong)),
        ChoiceFault::StillInside => Problem::wrong_state(Said::fixed(
            "所选的新时段仍在停机之内",
            "The new place is inside the outage too",
        )),
        ChoiceFault::Unanswered(faults) => unanswered(faults).detail(Said::fixed(
            "所选仪器的必答问题尚未回答，不能移到那里",
            "The instrument to go to asks what this booking does not answer",
        )),
        ChoiceFault::NotFound => Problem::wrong_state(Said::fixed(
            "没有所选的仪器",
            "There is no such instrument to go to",
        )),
        ChoiceFault::Refused(to, refused) => {
            let found = directory.instruments.get(&to);
            match found.zip(state.desk().snapshot(to)) {
                Some((to, snapshot)) => {
                    let looking = Looking::new(directory, to, &snapshot, caller);
                    refused_place(&looking, &refused)
                }
                None => Problem::not_found(),
            }
        }
    };
    problem.with("booking", booking.get())
}

fn refused_place(looking: &Looking<'_>, refused: &Refused) -> Problem {
    let problem = if refused.refusals.is_empty() {
        Problem::new(ProblemType::SlotTaken)
    } else {
        Problem::wrong_state(Said::fixed(
            "预约规则不允许移到所选时段",
            "The booking rules refuse the new place",
        ))
    };
    let told = looking.refused(refused);
    problem
        .with("refusals", told.refusals)
        .with("conflicts", told.conflicts)
        .with("next_free", told.next_free)
}
