//! Bookings, outages, claims in the way and reasons against, as they travel.

use chrono_tz::Tz;
use scheduler::class::CallerClass;
use scheduler::id::{BookingId, OutageId};
use scheduler::occupancy::Holder;
use scheduler::qualification::Lack;
use scheduler::refusal::{Figure, Refusal, RuleId};
use scheduler::slot::Slot;
use serde::Serialize;
use utoipa::ToSchema;

use crate::booking::record::{Booking, Evidence, Outage};
use crate::booking::{Conflict, InstrumentSnapshot, Refused};
use crate::http::caller::Caller;
use crate::http::time::{Days, Length, Zoned};
use crate::registry::{Directory, Instrument, Member};
use crate::words;

/// A stretch of time.
#[derive(Debug, Clone, Copy, Serialize, ToSchema)]
pub struct Interval {
    /// First instant.
    pub start: Zoned,
    /// First instant after it.
    pub end: Zoned,
}

/// An instrument where it is mentioned.
#[derive(Debug, Serialize, ToSchema)]
pub struct InstrumentRef {
    /// Asset code.
    key: String,
    /// Name, Chinese.
    name: String,
    /// Name, English.
    name_en: String,
}

/// A person where it is mentioned.
#[derive(Debug, Serialize, ToSchema)]
pub struct MemberRef {
    /// Identity.
    id: i64,
    /// What others see, Chinese.
    display_name: String,
    /// What others see, English.
    display_name_en: String,
}

/// A booking, as its two sides see it.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Booking)]
pub struct BookingView {
    /// Identity.
    pub id: i64,
    /// What is booked.
    instrument: InstrumentRef,
    /// Whose it is.
    member: MemberRef,
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
    /// The project.
    project: Option<String>,
    /// When it was accepted.
    created_at: Zoned,
    /// When it was given up.
    cancelled_at: Option<Zoned>,
    /// When its use began.
    began_at: Option<Zoned>,
    /// When its use ended, or its rest was released.
    finished_at: Option<Zoned>,
    /// What shows that it was used: `machine` or `check_in`.
    evidence: Option<&'static str>,
    /// Version of the rules that judged it.
    policy_version: i64,
    /// Counts changes; also the `ETag`.
    pub version: i64,
}

/// An outage.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Outage)]
pub struct OutageView {
    /// Identity.
    pub id: i64,
    /// Of what.
    instrument: InstrumentRef,
    /// First instant.
    start: Zoned,
    /// When it ended or is planned to.
    end: Zoned,
    /// Why.
    reason: String,
    /// Bookings inside; only for those who see them.
    at_risk: Vec<i64>,
}

/// A claim in the way.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Conflict)]
pub struct ConflictView {
    /// First instant.
    start: Zoned,
    /// First instant after it.
    end: Zoned,
    /// `booking`, `outage`, `hold` or `offer`.
    kind: &'static str,
    /// What to show.
    label: String,
}

/// One reason against a booking.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Refusal)]
pub struct RefusalView {
    /// The stable name of the rule, such as `longest` or `past`.
    rule: &'static str,
    /// What the rule allows: a duration, a time, a count, a name, classes of callers or intervals
    /// `start/end` with commas between.
    limit: Option<String>,
    /// What was asked.
    actual: Option<String>,
    /// When the same wish would pass, if waiting helps.
    passes_at: Option<Zoned>,
    /// Who may set it aside.
    override_by: Vec<&'static str>,
    /// The reason in the reader's language.
    message: String,
}

/// Everything against a booking, and what would pass instead.
#[derive(Debug)]
pub struct RefusedView {
    /// Rules.
    pub refusals: Vec<RefusalView>,
    /// Claims.
    pub conflicts: Vec<ConflictView>,
    /// Up to three slots of the same length that would pass.
    pub next_free: Vec<Interval>,
}

impl Interval {
    /// Returns the view of a slot.
    #[must_use]
    pub fn of(slot: Slot, zone: Tz) -> Self {
        Self {
            start: Zoned(slot.start(), zone),
            end: Zoned(slot.end(), zone),
        }
    }
}

impl InstrumentRef {
    fn of(instrument: &Instrument) -> Self {
        Self {
            key: instrument.key.as_str().to_owned(),
            name: instrument.names.zh.clone(),
            name_en: instrument.names.en.clone(),
        }
    }
}

impl MemberRef {
    fn of(member: Option<&Member>, id: i64) -> Self {
        Self {
            id,
            display_name: member.map_or_else(String::new, |member| member.display.zh.clone()),
            display_name_en: member.map_or_else(String::new, |member| member.display.en.clone()),
        }
    }
}

impl BookingView {
    /// Returns the view of a booking; nothing if its instrument is gone.
    #[must_use]
    pub fn of(directory: &Directory, booking: &Booking) -> Option<Self> {
        let instrument = directory.instruments.get(&booking.instrument)?;
        let zone = instrument.zone;
        let member = directory.members.get(&booking.member);
        Some(Self {
            id: booking.id.get(),
            instrument: InstrumentRef::of(instrument),
            member: MemberRef::of(member, booking.member.get()),
            start: Zoned(booking.slot.start(), zone),
            end: Zoned(booking.slot.end(), zone),
            status: booking.status.as_str(),
            at_risk: booking.at_risk,
            purpose: booking.purpose.to_string(),
            project: booking.project.as_deref().map(str::to_owned),
            created_at: Zoned(booking.created_at, zone),
            cancelled_at: booking.cancelled_at.get().map(|at| Zoned(at, zone)),
            began_at: booking.began_at.get().map(|at| Zoned(at, zone)),
            finished_at: booking.finished_at.get().map(|at| Zoned(at, zone)),
            evidence: evidence(booking),
            policy_version: booking.policy_version,
            version: booking.version,
        })
    }
}

fn evidence(booking: &Booking) -> Option<&'static str> {
    booking.began_at.get()?;
    Some(match booking.checked_in_at() {
        Some(_) => Evidence::CheckIn.as_str(),
        None => Evidence::Machine.as_str(),
    })
}

impl OutageView {
    /// Returns the view of an outage with the bookings that its reader may see.
    #[must_use]
    pub fn of(instrument: &Instrument, outage: &Outage, at_risk: Vec<BookingId>) -> Self {
        let end = outage.ended_at.unwrap_or(outage.slot.end());
        Self {
            id: outage.id.get(),
            instrument: InstrumentRef::of(instrument),
            start: Zoned(outage.slot.start(), instrument.zone),
            end: Zoned(end, instrument.zone),
            reason: outage.reason.clone(),
            at_risk: at_risk.into_iter().map(BookingId::get).collect(),
        }
    }
}

/// Who looks at claims of an instrument: what they are shown depends on it.
#[derive(Debug, Clone, Copy)]
pub struct Looking<'a> {
    /// The registry.
    pub directory: &'a Directory,
    /// The instrument.
    pub instrument: &'a Instrument,
    /// Its claims.
    pub snapshot: &'a InstrumentSnapshot,
    /// Who looks.
    pub caller: Caller,
    /// Whether they see the inside: managers and auditors.
    pub inside: bool,
}

impl<'a> Looking<'a> {
    /// Returns who looks at what.
    #[must_use]
    pub fn new(
        directory: &'a Directory,
        instrument: &'a Instrument,
        snapshot: &'a InstrumentSnapshot,
        caller: Caller,
    ) -> Self {
        Self {
            directory,
            instrument,
            snapshot,
            caller,
            inside: caller.sees_inside(directory, instrument),
        }
    }

    /// Returns the booking behind a holder, and whether it is the looker's own.
    #[must_use]
    pub fn booking(&self, id: BookingId) -> Option<(&'a Booking, bool)> {
        let booking = self.snapshot.bookings.get(&id)?;
        let mine = self.caller.member() == Some(booking.member);
        Some((booking, mine))
    }

    /// Returns what stands on a claim: the person for those who see the inside, else the lab.
    #[must_use]
    pub fn label(&self, holder: Holder) -> String {
        let language = self.caller.language;
        match holder {
            Holder::Booking(id) => {
                let booking = self.booking(id);
                let member =
                    booking.and_then(|(booking, _)| self.directory.members.get(&booking.member));
                let inside = self.inside || booking.is_some_and(|(_, mine)| mine);
                let by = member.and_then(|member| {
                    if inside {
                        return Some(language.of(&member.display));
                    }
                    let home = self.directory.nodes.get(&member.roles.first()?.node)?;
                    Some(language.of(&home.names))
                });
                words::booked(by, language)
            }
            Holder::Outage(id) => words::outage(self.reason(id), language),
            Holder::Hold(_) => words::hold(language).to_owned(),
            Holder::Offer(_) => words::offer(language).to_owned(),
        }
    }

    fn reason(&self, id: OutageId) -> Option<&'a str> {
        let outage = self.snapshot.outage(id)?;
        Some(&outage.reason)
    }

    fn conflict(&self, conflict: &Conflict) -> ConflictView {
        let zone = self.instrument.zone;
        ConflictView {
            start: Zoned(conflict.slot.start(), zone),
            end: Zoned(conflict.slot.end(), zone),
            kind: kind_of(conflict.holder),
            label: self.label(conflict.holder),
        }
    }

    /// Returns everything that stands against a wish.
    #[must_use]
    pub fn refused(&self, refused: &Refused) -> RefusedView {
        let zone = self.instrument.zone;
        let language = self.caller.language;
        RefusedView {
            refusals: refused
                .refusals
                .iter()
                .map(|refusal| RefusalView {
                    rule: refusal.rule.as_str(),
                    limit: figure(refusal.rule, &refusal.limit, zone),
                    actual: figure(refusal.rule, &refusal.actual, zone),
                    passes_at: refusal.passes_at.map(|at| Zoned(at, zone)),
                    override_by: overriders(refusal),
                    message: words::refusal(refusal, zone, language),
                })
                .collect(),
            conflicts: refused
                .conflicts
                .iter()
                .map(|conflict| self.conflict(conflict))
                .collect(),
            next_free: refused
                .next_free
                .iter()
                .map(|slot| Interval::of(*slot, zone))
                .collect(),
        }
    }
}

/// Returns the stable text of a holder's kind.
#[must_use]
pub fn kind_of(holder: Holder) -> &'static str {
    match holder {
        Holder::Booking(_) => "booking",
        Holder::Outage(_) => "outage",
        Holder::Hold(_) => "hold",
        Holder::Offer(_) => "offer",
    }
}

fn overriders(refusal: &Refusal) -> Vec<&'static str> {
    let overriders = refusal.override_by.iter();
    overriders.map(|who| who.as_str()).collect()
}

fn figure(rule: RuleId, figure: &Figure, zone: Tz) -> Option<String> {
    let interval =
        |slot: &Slot| format!("{}/{}", Zoned(slot.start(), zone), Zoned(slot.end(), zone));
    match figure {
        Figure::Span(span) if rule == RuleId::Horizon => Some(Days(*span).to_string()),
        Figure::Span(span) | Figure::Quota { span, .. } => Some(Length(*span).to_string()),
        Figure::Time(at) => Some(Zoned(*at, zone).to_string()),
        Figure::Slot(slot) => Some(interval(slot)),
        Figure::Open(open) => Some(open.iter().map(interval).collect::<Vec<_>>().join(",")),
        Figure::Count(count) => Some(count.to_string()),
        Figure::Classes(classes) => {
            let classes = classes.classes().into_iter();
            Some(
                classes
                    .map(CallerClass::as_str)
                    .collect::<Vec<_>>()
                    .join(","),
            )
        }
        Figure::Qualification(name) => Some(name.as_str().to_owned()),
        Figure::Lack(lack) => Some(lack_text(*lack, zone)),
        Figure::None => None,
    }
}

/// Returns `missing`, or `not_yet`, `expires` or `disused` with its time after a slash.
fn lack_text(lack: Lack, zone: Tz) -> String {
    let with = |word: &str, at| format!("{word}/{}", Zoned(at, zone));
    match lack {
        Lack::Missing => "missing".to_owned(),
        Lack::NotYet(at) => with("not_yet", at),
        Lack::Expires(at) => with("expires", at),
        Lack::Disused(at) => with("disused", at),
    }
}
