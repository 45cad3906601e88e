//! Outages, claims in the way and what refuses a booking, as they travel.

use chrono_tz::Tz;
use scheduler::id::{BookingId, MemberId, OutageId};
use scheduler::occupancy::Holder;
use scheduler::slot::Slot;
use serde::Serialize;
use utoipa::ToSchema;

use super::RefusalView;
use crate::booking::record::{Booking, Outage};
use crate::booking::{Conflict, InstrumentSnapshot, Refused};
use crate::http::caller::Caller;
use crate::http::time::Zoned;
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
    /// `planned`, `calibration`, `fault` or `closure`.
    kind: &'static str,
    /// Why.
    reason: String,
    /// Bookings inside; only for those who see them.
    at_risk: Vec<i64>,
    /// When it is opened: other outages of the instrument that share time with it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(required = false)]
    pub(in crate::http) overlaps: Vec<i64>,
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
    pub(super) fn of(instrument: &Instrument) -> Self {
        Self {
            key: instrument.key.as_str().to_owned(),
            name: instrument.names.zh.clone(),
            name_en: instrument.names.en.clone(),
        }
    }
}

impl MemberRef {
    pub(super) fn of(member: Option<&Member>, id: i64) -> Self {
        Self {
            id,
            display_name: member.map_or_else(String::new, |member| member.display.zh.clone()),
            display_name_en: member.map_or_else(String::new, |member| member.display.en.clone()),
        }
    }
}

impl OutageView {
    /// Returns the view of an outage with the bookings that its reader may see.
    #[must_use]
    pub fn of(instrument: &Instrument, outage: &Outage, at_risk: Vec<BookingId>) -> Self {
        // One that was ended before it began has no length.
        let ended = outage.ended_at.map(|at| at.max(outage.slot.start()));
        let end = ended.unwrap_or(outage.slot.end());
        Self {
            id: outage.id.get(),
            instrument: InstrumentRef::of(instrument),
            start: Zoned(outage.slot.start(), instrument.zone),
            end: Zoned(end, instrument.zone),
            overlaps: Vec::new(),
            kind: outage.kind.as_str(),
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
    /// Whether what they are told of is refused to another member.
    pub of_another: bool,
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
            of_another: false,
        }
    }

    /// Looks at what is refused to a member.
    #[must_use]
    pub fn judged(self, member: MemberId) -> Self {
        Self {
            of_another: self.caller.member() != Some(member),
            ..self
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
        let seen = words::Seen {
            now: self.caller.now,
            zone,
        };
        RefusedView {
            refusals: refused
                .refusals
                .iter()
                .map(|refusal| RefusalView::of(refusal, seen, (language, self.of_another)))
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
