//! Reported problems, whole and where an instrument is shown.

use serde::Serialize;
use utoipa::ToSchema;

use super::PersonView;
use crate::booking::ledger::Ledger;
use crate::booking::record::{Cause, Problem};
use crate::http::caller::{Caller, SignedIn};
use crate::http::time::Zoned;
use crate::registry::{Directory, Instrument};

/// A reported problem.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ReportedProblem)]
pub struct ReportView {
    /// Identity.
    id: i64,
    /// The instrument's key.
    instrument: String,
    /// Its name, in the reader's language.
    instrument_name: String,
    /// What is wrong.
    text: String,
    /// Since when.
    since: Zoned,
    /// Who reported it; only for the lab and for that person.
    #[serde(skip_serializing_if = "Option::is_none")]
    reporter: Option<PersonView>,
    /// Where the photo is, if there is one.
    photo: Option<String>,
    /// The outage it led to.
    outage: Option<i64>,
    /// Whether it still is one.
    open: bool,
    /// What it was, once closed.
    cause: Option<Cause>,
    /// What was done.
    remedy: String,
    /// When it was closed.
    closed_at: Option<Zoned>,
    /// Counts changes; also the `ETag`.
    version: i64,
}

/// An open problem where an instrument is shown.
#[derive(Debug, Serialize, ToSchema)]
pub struct OpenProblem {
    /// Identity.
    id: i64,
    /// What is wrong.
    text: String,
    /// Since when.
    since: Zoned,
}

impl OpenProblem {
    /// Returns an instrument's open problems; nothing for those who are not signed in.
    #[must_use]
    pub fn all(ledger: &Ledger, caller: Caller, instrument: &Instrument) -> Vec<Self> {
        if caller.who.is_none() {
            return Vec::new();
        }
        let open = ledger.open_problems_of(instrument.id);
        open.map(|held| Self {
            id: held.id.get(),
            text: held.text.clone(),
            since: Zoned(held.created_at, instrument.zone),
        })
        .collect()
    }
}

impl ReportView {
    /// Returns the view of a problem.
    #[must_use]
    pub fn of(
        directory: &Directory,
        who: SignedIn,
        instrument: &Instrument,
        held: &Problem,
    ) -> Self {
        let language = who.caller.language;
        let zone = instrument.zone;
        let sees_who = held.reporter == who.member || who.caller.sees_inside(directory, instrument);
        let address = format!("/api/v1/problems/{}/photo", held.id);
        Self {
            id: held.id.get(),
            instrument: instrument.key.as_str().to_owned(),
            instrument_name: language.of(&instrument.names).to_owned(),
            text: held.text.clone(),
            since: Zoned(held.created_at, zone),
            reporter: sees_who.then(|| PersonView::of(directory, held.reporter, language)),
            photo: held.photo.map(|_| address),
            outage: held.outage.map(scheduler::id::OutageId::get),
            open: held.closed_at.is_none(),
            cause: held.cause,
            remedy: held.remedy.clone(),
            closed_at: held.closed_at.map(|at| Zoned(at, zone)),
            version: held.version,
        }
    }
}
