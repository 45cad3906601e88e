//! What the desk is asked, and what it answers.

use std::sync::Arc;

use scheduler::booking::WrongState;
use scheduler::id::{BookingId, HoldId, InstrumentId, MemberId};
use scheduler::occupancy::Holder;
use scheduler::refusal::Refusal;
use scheduler::slot::Slot;
use scheduler::time::Micros;
use tokio::sync::oneshot;
use wire::AgentName;

use super::answers::Fault;
use super::ask::{Answer, Command};
use super::record::{Booking, Details};
use crate::registry::{
    AgentEntry, ForeignSource, Instrument, MappingEntry, Member, Node, RuleSet, Scope, SecretHash,
    SourceName, TokenEntry,
};

/// The desk cannot answer now; nothing was changed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DeskError {
    /// The database cannot take writes; the text says why. Worth another try in some seconds.
    #[error("bookings cannot be written now: {0}")]
    NotReady(String),
    /// It has no room.
    #[error("bookings cannot be written now: the disk is full ({0})")]
    Full(String),
    /// The database cannot hold what was to be written: a fault of ours, and another try would not
    /// help. Nothing else is concerned.
    #[error("the booking database cannot hold this: {0}")]
    Data(String),
    /// More commands wait than the desk's queue holds.
    #[error("too many commands are waiting")]
    Busy,
}

/// A wish for a slot.
#[derive(Debug, Clone)]
pub struct Book {
    /// What.
    pub instrument: InstrumentId,
    /// For whom.
    pub member: MemberId,
    /// When.
    pub slot: Slot,
    /// What for.
    pub purpose: String,
    /// The project.
    pub project: Option<String>,
    /// The caller's key and the hash of the request, so that a retry books once.
    pub idempotency: Option<(String, [u8; 32])>,
    /// Who books for the member, if it is somebody else.
    pub made_by: Option<MemberId>,
    /// What else was asked.
    pub details: Details,
    /// Who sets rules aside, and why.
    pub overriding: Option<Overriding>,
    /// The hold whose place it takes; it stays where the wish is refused.
    pub hold: Option<HoldId>,
    /// Whether somebody stands before the machine: it then begins at once, whatever its slot's
    /// begin, and is in use.
    pub now: bool,
}

/// The wish of somebody with authority over an instrument to set rules aside.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Overriding {
    /// Who.
    pub by: MemberId,
    /// Why; 1 to 500 characters.
    pub reason: String,
}

/// What became of a wish.
#[derive(Debug, Clone)]
pub enum BookOutcome {
    /// It is booked and committed.
    Booked(Arc<Booking>),
    /// The same request with this key was answered before; this is its booking.
    Replayed(Arc<Booking>),
    /// The key was used for another request.
    KeyReused,
    /// Rules or claims stand against it.
    Refused(Refused),
    /// What is asked with it is not answered.
    Unanswered(Vec<Fault>),
    /// It would begin at once, but somebody has to say yes first.
    NotAtOnce,
    /// There is no such instrument.
    NotFound,
}

/// Why a wish is refused, and what would pass.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Refused {
    /// Rules that refuse it.
    pub refusals: Vec<Refusal>,
    /// Claims in its way.
    pub conflicts: Vec<Conflict>,
    /// Up to three slots of the same length that would pass now.
    pub next_free: Vec<Slot>,
}

/// A claim in the way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Conflict {
    /// When.
    pub slot: Slot,
    /// Who holds it.
    pub holder: Holder,
}

/// A change of a booking. What is `None` stays.
#[derive(Debug, Clone)]
pub struct Change {
    /// Which.
    pub booking: BookingId,
    /// Who changes it: its member, or who manages the instrument.
    pub by: MemberId,
    /// Only if it still has this version.
    pub expected_version: Option<i64>,
    /// The new slot.
    pub slot: Option<Slot>,
    /// The new purpose.
    pub purpose: Option<String>,
    /// The new details, all of them.
    pub details: Option<Details>,
    /// Who sets rules aside, and why.
    pub overriding: Option<Overriding>,
}

/// What became of a change.
#[derive(Debug, Clone)]
pub enum ChangeOutcome {
    /// It is changed and committed.
    Changed(Arc<Booking>),
    /// Rules or claims stand against it; the booking is as it was.
    Refused(Refused),
    /// It has begun, and what is wanted needs somebody's yes first.
    NotAtOnce,
    /// Its state does not allow it.
    WrongState(WrongState),
    /// It has another version by now.
    Stale(Arc<Booking>),
    /// There is no such booking.
    NotFound,
}

/// Says yes to a booking that waits for it. Its answer, as those of [`Decline`] and [`Transfer`], is
/// that of a change.
#[derive(Debug, Clone, Copy)]
pub struct Approve {
    /// Which.
    pub booking: BookingId,
    /// Who says so.
    pub by: MemberId,
    /// Only if it still has this version.
    pub expected_version: Option<i64>,
}

/// Says no to a booking that waits for a yes.
#[derive(Debug, Clone)]
pub struct Decline {
    /// Which.
    pub booking: BookingId,
    /// Who says so.
    pub by: MemberId,
    /// Only if it still has this version.
    pub expected_version: Option<i64>,
    /// Why, for the member; at most 500 characters.
    pub reason: String,
}

/// Hands a booking over to another member, who must pass all rules.
#[derive(Debug, Clone, Copy)]
pub struct Transfer {
    /// Which.
    pub booking: BookingId,
    /// To whom.
    pub to: MemberId,
    /// Who hands it over: its member, or who manages the instrument.
    pub by: MemberId,
    /// Only if it still has this version.
    pub expected_version: Option<i64>,
}

/// Gives a booking up.
#[derive(Debug, Clone)]
pub struct Cancel {
    /// Which.
    pub booking: BookingId,
    /// Who gives it up: its member, or who manages the instrument.
    pub by: MemberId,
    /// Why, for the member when somebody else gives it up; at most 500 characters.
    pub reason: String,
    /// Only if it still has this version.
    pub expected_version: Option<i64>,
}

/// What giving up costs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct CancelCost {
    /// Whether it was too late to be free.
    pub late: bool,
    /// Points given for it.
    pub points: u32,
}

/// What became of a cancellation.
#[derive(Debug, Clone)]
pub enum CancelOutcome {
    /// It is cancelled and committed, at this cost.
    Cancelled(Arc<Booking>, CancelCost),
    /// Rules stand against it; the booking is as it was.
    Refused(Refused),
    /// Its state does not allow it.
    WrongState(WrongState),
    /// It has another version by now.
    Stale(Arc<Booking>),
    /// There is no such booking.
    NotFound,
}

/// An edit of the registry. The caller has checked that the texts are within their bounds.
#[derive(Debug, Clone)]
pub enum RegistryEdit {
    /// Adds an instrument; its identity is given by the desk.
    AddInstrument(Box<Instrument>),
    /// Replaces an instrument if it still has the version before `version`.
    ReplaceInstrument(Box<Instrument>),
    /// Removes an instrument that was never booked, if it still has this version.
    RemoveInstrument(InstrumentId, Option<i64>),
    /// Sets the rules of a scope, if they still have this version; the desk gives the new one.
    SetRules(Scope, RuleSet, Option<i64>),
    /// Adds an agent.
    AddAgent(AgentEntry),
    /// Adds an agent and makes it speak for these instruments, whoever did before.
    AddAgentFor(AgentEntry, Vec<InstrumentId>),
    /// Removes an agent.
    RemoveAgent(AgentName),
    /// Adds a foreign source whose topics overlap with those of no other lab.
    AddSource(ForeignSource),
    /// Removes a foreign source.
    RemoveSource(SourceName),
    /// Adds a mapping; its identity is given by the desk.
    AddMapping(Box<MappingEntry>),
    /// Replaces a mapping if it still has the version before `version`.
    ReplaceMapping(Box<MappingEntry>),
    /// Removes a mapping, if it still has this version.
    RemoveMapping(i64, Option<i64>),
    /// Adds a token; its identity is given by the desk.
    AddToken(SecretHash, TokenEntry),
    /// Removes a member's token.
    RemoveToken(MemberId, i64),
    /// Adds a person; the identity is given by the desk.
    AddMember(Member),
    /// Replaces a person if he or she still has the version before `version`.
    ReplaceMember(Member),
    /// Adds a node; its identity is given by the desk.
    AddNode(Node),
    /// Replaces a node if it still has the version before `version`. Its kind stays; another parent
    /// must be one step above it. Who does it is noted with a move.
    ReplaceNode(Node, MemberId),
    /// Changes somebody's own password.
    ChangePassword(PasswordChange),
    /// Signs somebody in.
    AddSession(SecretHash, MemberId),
    /// Signs a session out.
    RemoveSession(SecretHash),
}

/// A new password.
#[derive(Clone)]
pub struct PasswordChange {
    /// Whose.
    pub member: MemberId,
    /// The hash that was held when the present password was shown to be known.
    pub held: String,
    /// The new hash.
    pub hash: String,
    /// The session that goes on; the others end.
    pub kept: SecretHash,
}

impl std::fmt::Debug for PasswordChange {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("PasswordChange")
            .field("member", &self.member)
            .finish_non_exhaustive()
    }
}

/// What became of an edit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RegistryOutcome {
    /// It is committed; the number is the identity or version given, 0 where there is none.
    Done(i64),
    /// Somebody edited it in between.
    Stale,
    /// The name or key is taken.
    Taken,
    /// It is in use and cannot go.
    InUse,
    /// There is no such thing.
    NotFound,
}

/// Many things at once, for an empty database: the identities are the caller's.
#[derive(Debug, Clone, Default)]
pub struct Import {
    /// The tree, parents first.
    pub nodes: Vec<Node>,
    /// Instruments.
    pub instruments: Vec<Instrument>,
    /// People.
    pub members: Vec<Member>,
    /// Agents.
    pub agents: Vec<AgentEntry>,
    /// Tokens.
    pub tokens: Vec<(SecretHash, TokenEntry)>,
    /// Rules; the desk gives versions.
    pub rules: Vec<(Scope, RuleSet)>,
    /// Outages; they claim before bookings do.
    pub outages: Vec<NewOutage>,
    /// Bookings of past and future. Rules are not asked; one that overlaps is left out.
    pub bookings: Vec<NewBooking>,
}

/// A booking to import.
#[derive(Debug, Clone)]
pub struct NewBooking {
    /// What.
    pub instrument: InstrumentId,
    /// Whose.
    pub member: MemberId,
    /// When.
    pub slot: Slot,
    /// What for.
    pub purpose: String,
    /// The project.
    pub project: Option<String>,
    /// When it was made.
    pub created_at: Micros,
}

/// An outage to import.
#[derive(Debug, Clone)]
pub struct NewOutage {
    /// What.
    pub instrument: InstrumentId,
    /// When.
    pub slot: Slot,
    /// Why.
    pub reason: String,
    /// By whom.
    pub opened_by: MemberId,
    /// When it was opened.
    pub created_at: Micros,
}

/// How an import went.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ImportReport {
    /// Bookings taken.
    pub bookings: usize,
    /// Bookings left out because their time was taken.
    pub left_out: usize,
}

/// What waits in the desk's queue.
#[derive(Debug)]
pub(super) enum Request {
    /// Joins a group.
    Grouped(Box<Command>, oneshot::Sender<Result<Answer, DeskError>>),
    /// Edits are rare and touch everything: each is a group of its own.
    Edit(
        Box<RegistryEdit>,
        oneshot::Sender<Result<RegistryOutcome, DeskError>>,
    ),
    /// Writes in several transactions; other commands wait.
    Import(
        Box<Import>,
        oneshot::Sender<Result<ImportReport, DeskError>>,
    ),
    /// Proves that a write can be committed.
    Probe(oneshot::Sender<Result<(), DeskError>>),
}
