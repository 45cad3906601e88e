//! Wishes on the waitlist and what is offered to them, as they travel.

use scheduler::id::BookingId;
use serde::Serialize;
use utoipa::ToSchema;

use super::{Named, NamedSlot};
use crate::booking::record::{Details, Offer, Wait, WaitState};
use crate::http::time::{Length, Zoned};
use crate::registry::{Directory, Instrument};
use crate::words::Language;

/// A wish on the waitlist.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Wait)]
pub struct WaitView {
    /// Identity.
    pub id: i64,
    /// Any of these.
    pub instruments: Vec<Named>,
    /// Begin of the window.
    pub start: Zoned,
    /// End of the window.
    pub end: Zoned,
    /// How long.
    #[schema(value_type = String)]
    pub length: Length,
    /// Whether it is booked at once.
    pub auto_book: bool,
    /// What for; only for its member.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub purpose: Option<String>,
    /// The project, where it is not a registered one; only for its member.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub project: Option<String>,
    /// What else was asked, as far as it was said; only for its member.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub details: Option<Details>,
    /// Whose; only for managers.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub member: Option<Person>,
    /// `waiting`, `served`, `withdrawn` or `over`.
    pub state: WaitState,
    /// Its place among those that want some of the same time, from 1, while it waits.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub position: Option<usize>,
    /// What is offered to it now.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub offer: Option<OfferView>,
    /// The booking that served it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub booking: Option<i64>,
    /// Since when.
    pub created_at: Zoned,
}

/// A person in a list that managers see.
#[derive(Debug, Serialize, ToSchema)]
pub struct Person {
    /// Identity.
    pub id: i64,
    /// Name in the reader's language.
    pub name: String,
}

/// A slot that is kept for a wish until it is answered.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Offer)]
pub struct OfferView {
    /// What and when.
    #[serde(flatten)]
    pub slot: NamedSlot,
    /// From then on the next in order is asked.
    pub expires_at: Zoned,
}

/// A wish that was made.
#[derive(Debug, Serialize, ToSchema)]
pub struct WaitMade {
    /// The wish.
    #[serde(flatten)]
    pub wait: WaitView,
    /// The earliest slot that could be booked right away, if there is one.
    pub free_now: Option<NamedSlot>,
}

impl WaitView {
    /// Returns the view of a wish, in the zone of its first instrument; none if all of its
    /// instruments are gone.
    #[must_use]
    pub fn of(
        directory: &Directory,
        language: Language,
        wait: &Wait,
        offer: Option<&Offer>,
    ) -> Option<Self> {
        let known = wait.instruments.iter();
        let known: Vec<&Instrument> = known
            .filter_map(|id| directory.instruments.get(id))
            .collect();
        let zone = known.first()?.zone;
        let offer = offer.and_then(|offer| {
            let instrument = directory.instruments.get(&offer.instrument)?;
            Some(OfferView {
                slot: NamedSlot::of(instrument, offer.slot, language),
                expires_at: Zoned(offer.expires_at, instrument.zone),
            })
        });
        Some(Self {
            id: wait.id.get(),
            instruments: known
                .into_iter()
                .map(|instrument| Named::of(instrument, language))
                .collect(),
            start: Zoned(wait.within.start(), zone),
            end: Zoned(wait.within.end(), zone),
            length: Length(wait.length),
            auto_book: wait.auto_book,
            purpose: Some(wait.purpose.clone()),
            project: wait.project.clone(),
            details: Some(wait.details.clone()).filter(|details| !details.is_empty()),
            member: None,
            state: wait.state,
            position: None,
            offer,
            booking: wait.booking.map(BookingId::get),
            created_at: Zoned(wait.created_at, zone),
        })
    }
}
