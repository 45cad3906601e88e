//! Parts of what is asked for at once, as they travel.

use scheduler::slot::Slot;
use serde::Serialize;
use utoipa::ToSchema;

use super::{ConflictView, Interval, RefusalView};
use crate::registry::Instrument;
use crate::words::Language;

/// An instrument as it is named in answers.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Named {
    /// Asset code.
    instrument: String,
    /// Name in the reader's language.
    instrument_name: String,
}

impl Named {
    /// Returns how an instrument is named.
    #[must_use]
    pub fn of(instrument: &Instrument, language: Language) -> Self {
        Self {
            instrument: instrument.key.as_str().to_owned(),
            instrument_name: language.of(&instrument.names).to_owned(),
        }
    }
}

/// A slot of an instrument.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct NamedSlot {
    /// Which.
    #[serde(flatten)]
    pub named: Named,
    /// When.
    #[serde(flatten)]
    pub interval: Interval,
}

impl NamedSlot {
    /// Returns a slot of an instrument, in its zone.
    #[must_use]
    pub fn of(instrument: &Instrument, slot: Slot, language: Language) -> Self {
        Self {
            named: Named::of(instrument, language),
            interval: Interval::of(slot, instrument.zone),
        }
    }
}

/// What would become of one part, or what stands against it.
#[derive(Debug, Serialize, ToSchema)]
pub struct PartView {
    /// Its place in the request, from 0.
    pub part: usize,
    /// What and when.
    #[serde(flatten)]
    pub slot: NamedSlot,
    /// `accept`, `ask_approval` or `refuse`.
    pub would: &'static str,
    /// Rules against it.
    pub refusals: Vec<RefusalView>,
    /// Claims against it.
    pub conflicts: Vec<ConflictView>,
}
