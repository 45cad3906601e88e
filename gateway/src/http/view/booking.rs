//! A booking, as its two sides see it, with what its reader may do with it.

use std::sync::Arc;

use scheduler::booking::Status;
use scheduler::id::MemberId;
use scheduler::time::Micros;
use serde::Serialize;
use utoipa::ToSchema;

use super::{InstrumentRef, MemberRef, NodeView, PersonView};
use crate::booking::CHECK_IN_LEAD;
use crate::booking::ledger::Ledger;
use crate::booking::record::{Booking, Details, Evidence, Override};
use crate::http::caller::Caller;
use crate::http::state::HttpState;
use crate::http::time::Zoned;
use crate::registry::{Directory, Instrument, NodeKind, Right};

/// A booking, as its two sides see it.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Booking)]
pub struct BookingView {
    /// Identity.
    pub id: i64,
    /// What is booked.
    instrument: InstrumentRef,
    /// Its name, in the reader's language.
    instrument_name: String,
    /// The institution that had the instrument on the day it was booked.
    institution: NodeView,
    /// The centre of that day.
    centre: NodeView,
    /// Whose it is.
    member: MemberRef,
    /// Who booked it, if it was somebody else.
    #[serde(skip_serializing_if = "Option::is_none")]
    made_by: Option<PersonView>,
    /// First instant.
    start: Zoned,
    /// First instant after it.
    end: Zoned,
    /// `pending`, `confirmed`, `in_use`, `completed`, `no_show`, `unverified`, `cancelled`,
    /// `declined` or `expired`.
    status: &'static str,
    /// True while an outage covers part of it.
    at_risk: bool,
    /// What for.
    purpose: String,
    /// The project, where it is not a registered one.
    project: Option<String>,
    /// The name of the registered project, in the reader's language.
    #[serde(skip_serializing_if = "Option::is_none")]
    project_name: Option<String>,
    /// What else was asked.
    #[serde(skip_serializing_if = "Option::is_none")]
    details: Option<Details>,
    /// The series it belongs to.
    #[serde(skip_serializing_if = "Option::is_none")]
    series: Option<i64>,
    /// The first booking of those made together with it.
    #[serde(skip_serializing_if = "Option::is_none")]
    bundle: Option<i64>,
    /// When its use began.
    #[serde(skip_serializing_if = "Option::is_none")]
    began_at: Option<Zoned>,
    /// When its use ended, or what was left of it was released.
    #[serde(skip_serializing_if = "Option::is_none")]
    finished_at: Option<Zoned>,
    /// What shows that it was used.
    #[serde(skip_serializing_if = "Option::is_none")]
    evidence: Option<Evidence>,
    /// Who said yes or no to it, where somebody had to.
    #[serde(skip_serializing_if = "Option::is_none")]
    decided_by: Option<PersonView>,
    /// When.
    #[serde(skip_serializing_if = "Option::is_none")]
    decided_at: Option<Zoned>,
    /// Until when somebody has to say yes to it.
    #[serde(skip_serializing_if = "Option::is_none")]
    approve_by: Option<Zoned>,
    /// Until when a cancelled booking can still be restored.
    #[serde(skip_serializing_if = "Option::is_none")]
    undo_until: Option<Zoned>,
    /// What the reader may do now: `change`, `cancel`, `check_in`, `check_out`, `approve`,
    /// `decline`, `transfer`, `restore`, `override`, `appeal`.
    can: Vec<&'static str>,
    /// Rules that were set aside; for the lab, only where one booking is read.
    #[serde(skip_serializing_if = "Option::is_none")]
    overrides: Option<Vec<OverrideView>>,
    /// When it was accepted.
    created_at: Zoned,
    /// When it was given up.
    cancelled_at: Option<Zoned>,
    /// Version of the rules that judged it.
    policy_version: i64,
    /// Counts changes; also the `ETag`.
    pub version: i64,
}

/// Rules that somebody set aside for a booking.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Override)]
pub struct OverrideView {
    /// Who.
    by: PersonView,
    /// When.
    at: Zoned,
    /// Why.
    reason: String,
    /// The rules, by their stable names; `approval`: nobody was asked.
    rules: Vec<String>,
}

/// Who reads bookings, and when: what they are told depends on it.
#[derive(Debug, Clone)]
pub struct Reader<'a> {
    directory: &'a Directory,
    ledger: Arc<Ledger>,
    caller: Caller,
    now: Micros,
}

impl<'a> Reader<'a> {
    /// Returns a reader of this moment.
    #[must_use]
    pub fn new(state: &HttpState, directory: &'a Directory, caller: Caller) -> Self {
        Self {
            directory,
            ledger: state.desk().ledger(),
            caller,
            now: state.clock().now(),
        }
    }

    fn person(&self, member: MemberId) -> PersonView {
        PersonView::of(self.directory, member, self.caller.language)
    }

    /// Returns the node of a kind above a booking's lab on the day it was made.
    fn then(&self, booking: &Booking, kind: NodeKind) -> NodeView {
        let mut above = self.directory.ancestors_at(booking.lab, booking.created_at);
        let found = above.find(|node| node.kind == kind);
        found.map_or_else(NodeView::nameless, NodeView::of)
    }

    fn project_name(&self, booking: &Booking) -> Option<String> {
        let project = self.ledger.projects.get(booking.charged_to()?.get())?;
        let name = self.caller.language.of(&project.names);
        Some(name.to_owned())
    }

    /// Returns until when a cancelled booking's place is kept for its member.
    fn undo_until(&self, booking: &Booking) -> Option<Micros> {
        if booking.status != Status::Cancelled {
            return None;
        }
        let mut holds = self.ledger.holds.iter();
        let hold = holds.find(|hold| hold.undoes == Some(booking.id))?;
        (hold.expires_at > self.now).then_some(hold.expires_at)
    }

    fn may_appeal(&self, booking: &Booking) -> bool {
        // Only these two cost points: of most bookings nothing has to be looked for.
        matches!(booking.status, Status::NoShow | Status::Cancelled)
            && self.ledger.penalties.iter().any(|given| {
                given.booking == booking.id
                    && Some(given.member) == self.caller.member()
                    && !given.lifted
                    && given.appeal.is_none()
            })
    }

    /// Returns what the reader may do with a booking now, as far as its state goes; rules may
    /// still refuse it.
    fn can(&self, instrument: &Instrument, booking: &Booking) -> Vec<&'static str> {
        let mine = self.caller.member() == Some(booking.member);
        let right = Right::ManageInstruments;
        let lab = self.caller.may(self.directory, right, instrument.lab);
        if !mine && !lab {
            return Vec::new();
        }
        let (status, slot, now) = (booking.status, booking.slot, self.now);
        let is_changeable = status.change(slot, slot, now).is_ok();
        let approvable = status.approve(slot, booking.due_at.get(), now).is_ok();
        let checks_in = status.check_in(slot, CHECK_IN_LEAD, now).is_ok();
        [
            ("change", is_changeable),
            ("cancel", status.cancel(slot, now).is_ok()),
            ("check_in", checks_in),
            ("check_out", status.finish().is_ok()),
            ("approve", lab && approvable),
            ("decline", lab && status.decline().is_ok()),
            ("transfer", status.transfer(slot, now).is_ok()),
            ("restore", mine && self.undo_until(booking).is_some()),
            ("override", lab && is_changeable),
            ("appeal", mine && self.may_appeal(booking)),
        ]
        .into_iter()
        .filter_map(|(act, may)| may.then_some(act))
        .collect()
    }
}

impl BookingView {
    /// Returns the view of a booking; nothing if its instrument is gone.
    #[must_use]
    pub fn of(reader: &Reader<'_>, booking: &Booking) -> Option<Self> {
        let directory = reader.directory;
        let instrument = directory.instruments.get(&booking.instrument)?;
        let zone = instrument.zone;
        let zoned = |at: Micros| Zoned(at, zone);
        let member = directory.members.get(&booking.member);
        let approve_by = booking.due_at.get();
        let approve_by = approve_by.filter(|_| booking.status == Status::Pending);
        Some(Self {
            id: booking.id.get(),
            instrument: InstrumentRef::of(instrument),
            instrument_name: reader.caller.language.of(&instrument.names).to_owned(),
            institution: reader.then(booking, NodeKind::Institution),
            centre: reader.then(booking, NodeKind::Centre),
            member: MemberRef::of(member, booking.member.get()),
            made_by: booking.made_by().map(|by| reader.person(by)),
            start: zoned(booking.slot.start()),
            end: zoned(booking.slot.end()),
            status: booking.status.as_str(),
            at_risk: booking.at_risk,
            purpose: booking.purpose.to_string(),
            project: booking.project.as_deref().map(str::to_owned),
            project_name: reader.project_name(booking),
            details: booking.details().cloned(),
            series: booking.series().map(scheduler::id::SeriesId::get),
            bundle: booking.bundle().map(scheduler::id::BookingId::get),
            began_at: booking.began_at.get().map(zoned),
            finished_at: booking.finished_at.get().map(zoned),
            evidence: booking
                .began_at
                .get()
                .map(|_| match booking.checked_in_at() {
                    Some(_) => Evidence::CheckIn,
                    None => Evidence::Machine,
                }),
            decided_by: booking.decided().map(|decided| reader.person(decided.by)),
            decided_at: booking.decided().map(|decided| zoned(decided.at)),
            approve_by: approve_by.map(zoned),
            undo_until: reader.undo_until(booking).map(zoned),
            can: reader.can(instrument, booking),
            overrides: None,
            created_at: zoned(booking.created_at),
            cancelled_at: booking.cancelled_at.get().map(zoned),
            policy_version: booking.policy_version,
            version: booking.version,
        })
    }

    /// Adds what is told of one booking only: to those who see the inside of its instrument, what was
    /// set aside for it.
    #[must_use]
    pub fn in_full(self, reader: &Reader<'_>, booking: &Booking, set_aside: &[Override]) -> Self {
        let instrument = reader.directory.instruments.get(&booking.instrument);
        let inside = instrument.filter(|held| reader.caller.sees_inside(reader.directory, held));
        let view = |noted: &Override, zone| OverrideView {
            by: reader.person(noted.by),
            at: Zoned(noted.at, zone),
            reason: noted.reason.clone(),
            rules: noted.rules.clone(),
        };
        let overrides = inside.map(|held| set_aside.iter().map(|noted| view(noted, held.zone)));
        Self {
            overrides: overrides.map(Iterator::collect),
            ..self
        }
    }
}
