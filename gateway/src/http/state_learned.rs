//! A state rule learned from the last days: shown with its histogram, set only by a manager.

use axum::extract::State;
use scheduler::slot::Slot;
use scheduler::time::{Micros, Span};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use wire::ChannelName;

use super::answer::Json;
use super::body::Query;
use super::caller::SignedIn;
use super::path::Found;
use super::problem::{Problem, ProblemType};
use super::readings::failed;
use super::state::HttpState;
use super::state_rule::StateRuleView;
use super::time::{Length, Zoned};
use crate::registry::{Instrument, Judgement, Levels, StateRule};
use crate::telemetry::learn::{Learned, NotLearned, PowerLevel, Proposal, TakenFor};

/// Most days that are looked at.
const DAYS_MAX: u32 = 14;

/// Days that are looked at when nobody says.
const DAYS: u32 = 7;

/// What to learn from.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct LearnFrom {
    /// How many days back, 1 to 14; 7 when left out.
    days: Option<u32>,
    /// The channel; left out: the one of the rule as it is.
    #[param(value_type = Option<String>)]
    channel: Option<ChannelName>,
}

/// What was learned.
#[derive(Debug, Serialize, ToSchema)]
pub struct LearnedRule {
    /// The channel looked at.
    channel: String,
    /// Its unit.
    unit: String,
    /// First instant of the readings looked at.
    from: Zoned,
    /// First instant after them.
    to: Zoned,
    /// How much time they cover.
    covered: Length,
    /// Time over the channel's value.
    histogram: LearnedHistogram,
    /// Levels found, ascending.
    levels: Vec<LearnedLevel>,
    /// How distinct they are, 0 to 1.
    silhouette: f64,
    /// What to set, if anything was learned: a manager looks at it and sets it with `PUT`.
    proposal: Option<LearnedProposal>,
    /// Why nothing was: `too_few_readings` or `one_level`.
    why_not: Option<&'static str>,
}

/// Time over value, to be drawn.
#[derive(Debug, Serialize, ToSchema)]
pub struct LearnedHistogram {
    /// Whether the bins are equal on a logarithmic scale.
    is_logarithmic: bool,
    /// Bounds of the bins, one more than there are bins.
    bounds: Vec<f64>,
    /// Seconds in each bin.
    seconds: Vec<f64>,
}

/// A level.
#[derive(Debug, Serialize, ToSchema)]
pub struct LearnedLevel {
    /// Its middle.
    center: f64,
    /// Nearly all its values lie above.
    low: f64,
    /// Nearly all its values lie below.
    high: f64,
    /// Its share of the time, 0 to 1.
    share: f64,
    /// What it is taken for: `off`, `standby` or `running`.
    state: &'static str,
}

/// A rule to set.
#[derive(Debug, Serialize, ToSchema)]
pub struct LearnedProposal {
    /// The rule: what was learned, and the rest as it is now.
    rule: StateRuleView,
    /// How sure it is, 0 to 1: how distinct the levels are, and whether a day was seen.
    confidence: f64,
    /// The same as a word: `low`, `medium` or `high`.
    confidence_word: &'static str,
}

/// Learns thresholds and a dwell time from the last days' readings, and proposes them. Nothing is
/// set by it.
#[utoipa::path(get, path = "/api/v1/instruments/{key}/state-rule/learned", tag = "settings",
    params(("key" = String, Path, description = "Asset code"), LearnFrom),
    responses((status = 200, body = LearnedRule)))]
pub(super) async fn learned(
    State(state): State<HttpState>,
    who: SignedIn,
    found: Found,
    Query(asked): Query<LearnFrom>,
) -> Result<Json<LearnedRule>, Problem> {
    let instrument = found.instrument();
    if !who.caller.sees_inside(&found.directory, instrument) {
        return Err(Problem::new(ProblemType::NotAllowed));
    }
    let days = asked.days.unwrap_or(DAYS);
    if !(1..=DAYS_MAX).contains(&days) {
        return Err(Problem::field("days", "expected 1 to 14 days"));
    }
    let to = state.clock().now();
    let from = to.saturating_sub(Span::days(days));
    let window = Slot::new(from, to).ok_or_else(Problem::not_found)?;
    let rule = &instrument.state_rule;
    let channel = asked
        .channel
        .or_else(|| rule.channels().first().map(|name| (*name).clone()));
    let channel = channel.ok_or_else(|| Problem::field("channel", "this kind of rule needs it"))?;
    let seat = state.long_reads().take(who.caller)?;
    let (telemetry, id, of) = (state.telemetry().clone(), found.id, channel.clone());
    let learning = async move { telemetry.learn(id, &of, window).await };
    let learned = seat.read(learning).await;
    let learned = learned.map_err(|error| failed("days", error))?;
    let unit = state.history().unit(found.id, &channel);
    Ok(Json(view(
        instrument,
        (&channel, unit),
        (from, to),
        learned,
    )))
}

fn view(
    instrument: &Instrument,
    (channel, unit): (&ChannelName, String),
    (from, to): (Micros, Micros),
    learned: Learned,
) -> LearnedRule {
    let proposal = learned.proposal;
    LearnedRule {
        channel: channel.as_str().to_owned(),
        unit,
        from: Zoned(from, instrument.zone),
        to: Zoned(to, instrument.zone),
        covered: Length(span(learned.covered_s)),
        histogram: LearnedHistogram {
            is_logarithmic: learned.is_logarithmic,
            bounds: learned.bounds,
            seconds: learned.lasted_s,
        },
        levels: learned.levels.iter().map(LearnedLevel::of).collect(),
        silhouette: learned.silhouette,
        proposal: proposal.ok().map(|proposal| LearnedProposal {
            rule: StateRuleView::of(&proposed(&instrument.state_rule, channel, &proposal)),
            confidence: proposal.confidence,
            confidence_word: match proposal.confidence {
                sure if sure >= 0.7 => "high",
                sure if sure >= 0.4 => "medium",
                _ => "low",
            },
        }),
        why_not: proposal.err().map(|why| match why {
            NotLearned::TooFew => "too_few_readings",
            NotLearned::OneLevel => "one_level",
        }),
    }
}

/// Returns the rule to propose: alarms, silence and faults stay as they are.
fn proposed(now: &StateRule, channel: &ChannelName, proposal: &Proposal) -> StateRule {
    let mut rule = now.clone();
    rule.judgement = Judgement::Levels(Levels {
        channel: channel.clone(),
        running_above: proposal.running_above,
        running_below: proposal.running_below,
        standby_above: proposal.standby.map(|(above, _)| above),
        standby_below: proposal.standby.map(|(_, below)| below),
    });
    rule.dwell = crate::registry::Dwell::of(span(proposal.dwell_s).get() / 1_000);
    rule
}

impl LearnedLevel {
    fn of(level: &PowerLevel) -> Self {
        Self {
            center: level.center,
            low: level.low,
            high: level.high,
            share: level.share,
            state: match level.state {
                TakenFor::Off => "off",
                TakenFor::Standby => "standby",
                TakenFor::Running => "running",
            },
        }
    }
}

/// Returns seconds as whole milliseconds.
#[expect(
    clippy::as_conversions,
    clippy::cast_possible_truncation,
    reason = "some days of milliseconds, and the cast saturates"
)]
fn span(seconds: f64) -> Span {
    let ms = (seconds * 1_000.0).round() as i64;
    Span::new(ms.saturating_mul(1_000)).unwrap_or_default()
}
