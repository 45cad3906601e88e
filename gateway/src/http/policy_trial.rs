//! A trial of rules: what would be in force, and what it would have done to bookings.

use std::collections::BTreeMap;
use std::sync::Arc;

use scheduler::id::BookingId;
use scheduler::time::Micros;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::caller::Caller;
use super::problem::Problem;
use super::state::HttpState;
use super::time::Zoned;
use super::view::{Looking, RefusalView, RulesView};
use crate::booking::pool::PoolFacts;
use crate::booking::record::Booking;
use crate::booking::replay::WouldRefuse;
use crate::booking::{Refused, Simulation, simulate};
use crate::registry::{Directory, RuleSet, Scope};

/// How far back when nobody says, and at most: what is held in memory.
const DAYS_USUAL: u32 = 30;
const DAYS_MAX: u32 = 92;
/// Most bookings that are told one by one.
const TOLD_MAX: usize = 200;
/// Most bookings ahead that are named.
const FUTURE_MAX: usize = 1_000;

/// Whether to try only, and how far back.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct PolicyTrial {
    /// Answers what would happen and changes nothing.
    #[serde(default)]
    pub(super) dry_run: bool,
    /// With `dry_run`: bookings of so many past days are judged, 1 to 92.
    #[param(value_type = Option<u32>, minimum = 1, maximum = 92, default = 30)]
    days: Option<String>,
}

/// What would be in force, and what it would have done.
#[derive(Debug, Serialize, ToSchema)]
pub struct TriedRules {
    /// The rules that would be in force at the place.
    #[serde(flatten)]
    pub(super) rules: RulesView,
    /// Bookings judged again.
    pub(super) simulation: SimulationView,
}

/// Bookings of the last days and those ahead, judged by the rules that would be.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Simulation)]
pub struct SimulationView {
    /// How many past days were looked at.
    days: u32,
    /// How many bookings were judged.
    bookings: usize,
    /// Whether there were more: only the latest 20,000 are judged.
    cut: bool,
    /// Bookings that pass today and would be refused: those ahead first, at most 200.
    would_refuse: Vec<WouldRefuseView>,
    /// How many would be refused.
    would_refuse_total: usize,
    /// How many would pass that the rules of today refuse.
    newly_allowed: usize,
    /// How many each rule would refuse, by its name.
    by_rule: BTreeMap<&'static str, usize>,
    /// Bookings ahead that would break the rules, soonest first, at most 1,000. They stay.
    future: Vec<i64>,
}

/// A booking that would be refused.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = WouldRefuse)]
pub struct WouldRefuseView {
    /// The booking.
    booking: i64,
    /// The instrument's key.
    instrument: String,
    /// Its name in the reader's language.
    instrument_name: String,
    /// First instant.
    start: Zoned,
    /// First instant after it.
    end: Zoned,
    /// Whose it is.
    member_label: String,
    /// The reasons that come with the change.
    refusals: Vec<RefusalView>,
}

/// Judges bookings again as if a scope had these rules.
///
/// # Errors
/// Returns `malformed-request` for too many days.
pub(super) async fn tried(
    state: &HttpState,
    directory: &Arc<Directory>,
    caller: Caller,
    (scope, set): (Scope, RuleSet),
    trial: &PolicyTrial,
) -> Result<SimulationView, Problem> {
    let days = match trial.days.as_deref() {
        None => DAYS_USUAL,
        Some(text) => {
            let days = text.parse().ok();
            days.filter(|days| (1..=DAYS_MAX).contains(days))
                .ok_or_else(|| Problem::field("days", "expected a number from 1 to 92"))?
        }
    };
    let (state, directory) = (state.clone(), Arc::clone(directory));
    let simulated = tokio::task::spawn_blocking(move || {
        let ledger = state.desk().ledger();
        let now = state.clock().now();
        let looked_at = PoolFacts {
            directory: &directory,
            ledger: &ledger,
            shelf: state.desk().shelf(),
            now,
        };
        let simulation = simulate(&looked_at, (scope, &set), days);
        worded(&state, &directory, caller, (days, now), simulation)
    });
    simulated.await.map_err(Problem::internal)
}

fn worded(
    state: &HttpState,
    directory: &Directory,
    caller: Caller,
    (days, now): (u32, Micros),
    simulation: Simulation,
) -> SimulationView {
    let Simulation { simulated, is_cut } = simulation;
    let mut found: Vec<(Arc<Booking>, WouldRefuse)> = simulated
        .would_refuse
        .into_iter()
        .filter_map(|one| Some((state.desk().booking(one.booking)?, one)))
        .collect();
    // Those ahead, soonest first; then the past, latest first.
    found.sort_by_key(|(booking, _)| {
        let start = booking.slot.start();
        (start < now, (start - now).saturating_abs())
    });
    let would_refuse_total = found.len();
    let ahead = found.iter().filter(|(held, _)| held.slot.start() >= now);
    let future = ahead.map(|(booking, _)| BookingId::get(booking.id));
    let future = future.take(FUTURE_MAX).collect();
    let told = found.into_iter().take(TOLD_MAX);
    let by_rule = simulated.by_rule.into_iter();
    SimulationView {
        days,
        bookings: simulated.judged,
        cut: is_cut,
        would_refuse: told
            .filter_map(|(booking, one)| view(state, directory, caller, &booking, one))
            .collect(),
        would_refuse_total,
        newly_allowed: simulated.newly_allowed,
        by_rule: by_rule
            .map(|(rule, count)| (rule.as_str(), count))
            .collect(),
        future,
    }
}

fn view(
    state: &HttpState,
    directory: &Directory,
    caller: Caller,
    booking: &Booking,
    one: WouldRefuse,
) -> Option<WouldRefuseView> {
    let instrument = directory.instruments.get(&booking.instrument)?;
    let snapshot = state.desk().snapshot(instrument.id)?;
    let refused = Refused {
        refusals: one.refusals,
        ..Refused::default()
    };
    let looking = Looking::new(directory, instrument, &snapshot, caller);
    let member = directory.members.get(&booking.member);
    let label = member.map_or("", |member| caller.language.of(&member.display));
    Some(WouldRefuseView {
        booking: booking.id.get(),
        instrument: instrument.key.as_str().to_owned(),
        instrument_name: caller.language.of(&instrument.names).to_owned(),
        start: Zoned(booking.slot.start(), instrument.zone),
        end: Zoned(booking.slot.end(), instrument.zone),
        member_label: label.to_owned(),
        refusals: looking.refused(&refused).refusals,
    })
}
