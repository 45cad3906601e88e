//! Runs and their corrections, as those see them whom they concern.

use scheduler::id::{BookingId, ProjectId};
use scheduler::time::{Micros, Span};
use serde::Serialize;
use utoipa::ToSchema;

use super::PersonView;
use crate::booking::record::{Correction, Run};
use crate::http::time::{Length, Zoned};
use crate::registry::Directory;
use crate::words::Language;

/// A stretch of use.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Run)]
pub struct RunView {
    /// Identity.
    pub id: i64,
    /// The instrument's key.
    instrument: String,
    /// Its name in the reader's language.
    instrument_name: String,
    /// Its booking.
    booking: Option<i64>,
    /// Whose it is; null while nobody has settled it.
    member: Option<PersonView>,
    /// First instant.
    start: Zoned,
    /// First instant after it; null while it goes on.
    end: Option<Zoned>,
    /// How long the machine ran in it; zero where telemetry does not tell.
    running: Length,
    /// `booked`, `overrun`, `unbooked` or `declared`.
    kind: &'static str,
    /// `machine`, `check_in` or `declared`.
    evidence: &'static str,
    /// True if its times may be off by more than 60 s, or touch silence.
    uncertain: bool,
    /// `open`, `counted`, `unsettled`, `settled` or `rejected`.
    state: &'static str,
    /// The lab of its day.
    lab: i64,
    /// The institution of its user.
    institution: Option<i64>,
    /// The project, where no booking says so.
    project: Option<i64>,
    /// Who settled it.
    settled_by: Option<PersonView>,
    /// Words on it.
    note: String,
    /// Counts changes; also the `ETag`.
    pub version: i64,
}

/// A run with what was corrected of it.
#[derive(Debug, Serialize, ToSchema)]
pub struct RunDetail {
    /// The run.
    #[serde(flatten)]
    pub run: RunView,
    /// The oldest first.
    pub corrections: Vec<CorrectionView>,
}

/// A correction: both values.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Correction)]
pub struct CorrectionView {
    /// When.
    at: Zoned,
    /// By whom; null: the gateway itself, on later readings.
    by: Option<PersonView>,
    /// Why.
    reason: String,
    /// What it was before: `booking`, `member`, `start_us`, `end_us`, `kind`, `state`.
    #[schema(value_type = Object)]
    before: serde_json::Value,
    /// What it is now.
    #[schema(value_type = Object)]
    after: serde_json::Value,
}

impl RunView {
    /// Returns the view of a run; nothing if its instrument is gone.
    #[must_use]
    pub fn of(directory: &Directory, run: &Run, language: Language) -> Option<Self> {
        let instrument = directory.instruments.get(&run.instrument)?;
        let zone = instrument.zone;
        let person = |id| PersonView::of(directory, id, language);
        Some(Self {
            id: run.id.get(),
            instrument: instrument.key.as_str().to_owned(),
            instrument_name: language.of(&instrument.names).to_owned(),
            booking: run.booking.map(BookingId::get),
            member: run.member.map(person),
            start: Zoned(run.start, zone),
            end: run.end.map(|end| Zoned(end, zone)),
            running: Length(Span::new(run.running_us).unwrap_or_default()),
            kind: run.kind.as_str(),
            evidence: run.evidence.as_str(),
            uncertain: run.uncertain,
            state: run.state.as_str(),
            lab: run.lab.get(),
            institution: run.institution.map(scheduler::id::NodeId::get),
            project: run.project.map(ProjectId::get),
            settled_by: run.settled_by.map(person),
            note: run.note.clone(),
            version: run.version,
        })
    }
}

impl CorrectionView {
    /// Returns the view of a correction, with times in a zone.
    #[must_use]
    pub fn of(
        directory: &Directory,
        correction: &Correction,
        zone: chrono_tz::Tz,
        language: Language,
    ) -> Self {
        let by = correction.by;
        Self {
            at: Zoned(correction.at, zone),
            by: by.map(|id| PersonView::of(directory, id, language)),
            reason: correction.reason.clone(),
            before: with_times(&correction.before, zone),
            after: with_times(&correction.after, zone),
        }
    }
}

/// Writes moments as the API does: `end_us` becomes `end`.
fn with_times(kept: &serde_json::Value, zone: chrono_tz::Tz) -> serde_json::Value {
    let Some(fields) = kept.as_object() else {
        return kept.clone();
    };
    let told =
        fields.iter().map(
            |(name, value)| match (name.strip_suffix("_us"), value.as_i64()) {
                (Some(name), Some(us)) => (
                    name.to_owned(),
                    Zoned(Micros::new(us), zone).to_string().into(),
                ),
                (Some(name), None) => (name.to_owned(), serde_json::Value::Null),
                (None, _) => (name.clone(), value.clone()),
            },
        );
    told.collect::<serde_json::Map<_, _>>().into()
}
