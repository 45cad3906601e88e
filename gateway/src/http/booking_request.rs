//! A wish as it comes over HTTP: understood, checked, and known again by its key.

use axum::http::HeaderMap;
use scheduler::id::{HoldId, InstrumentId, MemberId};
use scheduler::slot::Slot;
use scheduler::time::{MINUTE_US, Micros};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use wire::InstrumentKey;

use super::bookings::REASON_CHARACTERS_MAX;
use super::caller::SignedIn;
use super::details::check_details;
use super::idempotency::key_of;
use super::problem::{Problem, ProblemType};
use super::texts::{check_line, check_prose, kept};
use super::time::{When, slot};
use crate::booking::record::Details;
use crate::booking::{Book, Overriding};
use crate::registry::{Directory, Instrument, Right};
use crate::words::Said;

/// Most characters of a purpose.
pub const PURPOSE_CHARACTERS_MAX: usize = 500;
/// Most characters of a project's name.
const PROJECT_CHARACTERS_MAX: usize = 200;

/// A wish for a slot.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct BookingRequest {
    /// The instrument's key.
    #[schema(value_type = String)]
    pub(super) instrument: InstrumentKey,
    /// First instant; not together with `now`.
    start: Option<When>,
    /// First instant after it.
    end: When,
    /// What for; at most 500 characters.
    purpose: String,
    /// The project, where it is not a registered one; at most 200 characters.
    project: Option<String>,
    /// What else is asked.
    #[serde(default)]
    details: Details,
    /// For whom, if not for the caller; for who manages the instrument.
    member: Option<i64>,
    /// The hold whose place it takes.
    hold: Option<i64>,
    /// Sets rules aside; for who has the authority over them.
    #[serde(rename = "override")]
    overriding: Option<OverrideRequest>,
    /// Begins at once and is checked in: somebody stands before the machine.
    #[serde(default)]
    now: bool,
}

/// Sets rules aside.
#[derive(Debug, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct OverrideRequest {
    /// Why; 1 to 500 characters.
    reason: String,
}

/// Returns who sets rules aside, and why.
///
/// # Errors
/// Returns `not-allowed` when the caller does not manage the instrument, `malformed-request` about
/// the reason.
pub fn overriding(
    directory: &Directory,
    instrument: &Instrument,
    who: SignedIn,
    asked: Option<OverrideRequest>,
) -> Result<Option<Overriding>, Problem> {
    let Some(OverrideRequest { reason }) = asked else {
        return Ok(None);
    };
    let right = Right::ManageInstruments;
    who.caller.demand(directory, right, instrument.lab)?;
    if reason.trim().is_empty() {
        return Err(Problem::field("override.reason", "must not be empty"));
    }
    check_prose("override.reason", &reason, REASON_CHARACTERS_MAX)?;
    Ok(Some(Overriding {
        by: who.member,
        reason,
    }))
}

impl BookingRequest {
    /// Returns what the desk is asked.
    ///
    /// # Errors
    /// Returns `malformed-request` about a field, `not-allowed` when the caller asks for more than
    /// members may.
    pub(super) fn understood(
        self,
        directory: &Directory,
        instrument: &Instrument,
        (who, headers, now): (SignedIn, &HeaderMap, Micros),
    ) -> Result<Book, Problem> {
        check_asked(&self.purpose, self.project.as_deref(), &self.details)?;
        let member = self.beneficiary(directory, instrument, who)?;
        let slot = self.slot(now)?;
        let idempotency = self.idempotency(headers, slot)?;
        Ok(Book {
            instrument: instrument.id,
            member,
            slot,
            purpose: kept(self.purpose),
            project: self.project,
            idempotency,
            made_by: (member != who.member).then_some(who.member),
            details: self.details,
            overriding: overriding(directory, instrument, who, self.overriding)?,
            hold: self.hold.map(HoldId::new),
            now: self.now,
        })
    }

    fn slot(&self, now: Micros) -> Result<Slot, Problem> {
        let minute = now.get() - now.get().rem_euclid(MINUTE_US);
        let start = if self.now {
            Some(When(Micros::new(minute)))
        } else {
            self.start
        };
        if self.now && self.start.is_some() {
            let said = Said::fixed("不能与 now 同时给出", "not together with now");
            return Err(Problem::new(ProblemType::MalformedRequest).and_field("start", said));
        }
        let start = start.ok_or_else(|| Problem::field("start", "missing field `start`"))?;
        slot(start, self.end, "end")
    }

    fn beneficiary(
        &self,
        directory: &Directory,
        instrument: &Instrument,
        who: SignedIn,
    ) -> Result<MemberId, Problem> {
        let Some(member) = self.member.map(MemberId::new) else {
            return Ok(who.member);
        };
        if member == who.member {
            return Ok(member);
        }
        let right = Right::ManageInstruments;
        who.caller.demand(directory, right, instrument.lab)?;
        known_member(directory, member)
    }

    /// The request is known by what it means, so that a retry may be written with other spaces or
    /// another offset, or come a minute later when it begins at once.
    fn idempotency(
        &self,
        headers: &HeaderMap,
        slot: Slot,
    ) -> Result<Option<(String, [u8; 32])>, Problem> {
        let start = (!self.now).then(|| slot.start().get());
        let meaning = serde_json::json!([
            self.instrument.as_str(),
            start,
            slot.end().get(),
            self.purpose,
            self.project,
            self.details,
            self.member,
            self.hold,
            self.overriding,
        ]);
        key_of(headers, &meaning)
    }
}

/// Checks the texts and numbers that are asked with every way to book.
///
/// # Errors
/// Returns `malformed-request` about the field.
pub fn check_asked(purpose: &str, project: Option<&str>, details: &Details) -> Result<(), Problem> {
    check_prose("purpose", purpose, PURPOSE_CHARACTERS_MAX)?;
    check_line(
        "project",
        project.unwrap_or_default(),
        PROJECT_CHARACTERS_MAX,
    )?;
    check_details(details)
}

/// Returns a member who is there and has not left.
///
/// # Errors
/// Returns `malformed-request` about the member.
pub fn known_member(directory: &Directory, member: MemberId) -> Result<MemberId, Problem> {
    let found = directory.members.get(&member);
    found
        .filter(|found| found.active)
        .map(|found| found.id)
        .ok_or_else(|| {
            let message = Said::fixed("没有这个用户", "there is no such member");
            Problem::new(ProblemType::MalformedRequest).and_field("member", message)
        })
}

/// Returns the instrument of a directory.
///
/// # Errors
/// Returns `not-found` when it was removed a moment ago.
pub fn instrument_of(directory: &Directory, id: InstrumentId) -> Result<&Instrument, Problem> {
    directory
        .instruments
        .get(&id)
        .ok_or_else(Problem::not_found)
}
