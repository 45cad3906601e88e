//! What answers are made of: the shapes of the contract, built from the directory and the desk.
//!
//! Every named thing has `name` (Chinese) and `name_en`. Times are in the instrument's zone.

mod booking;
mod claims;
mod instrument;
mod member;
mod node;
mod part;
mod person;
mod refusal;
mod report;
mod rules;
mod run;
mod series;
mod wait;

use serde::Serialize;
use utoipa::ToSchema;

pub use booking::{BookingView, OverrideView, Reader};
pub use claims::{
    ConflictView, InstrumentRef, Interval, Looking, MemberRef, OutageView, RefusedView, kind_of,
};
pub use instrument::{InstrumentView, ShownNow};
pub use member::MemberView;
pub use node::NodeView;
pub use part::{Named, NamedSlot, PartView};
pub use person::PersonView;
pub use refusal::RefusalView;
pub use report::{OpenProblem, ReportView};
pub use rules::{RuleSetView, RulesView};
pub use run::{CorrectionView, RunDetail, RunView};
pub use series::{OccurrenceView, SeriesEnded, SeriesReport, SeriesView};
pub use wait::{OfferView, Person, WaitMade, WaitView};

/// A page of a list.
#[derive(Debug, Serialize, ToSchema)]
pub struct List<T> {
    /// This page.
    pub items: Vec<T>,
    /// Where the next page begins; null on the last one.
    pub next_cursor: Option<String>,
    /// How many there are on all pages.
    pub total: usize,
}

/// A list that is always whole.
#[derive(Debug, Serialize, ToSchema)]
pub struct Whole<T> {
    /// Everything.
    pub items: Vec<T>,
}
