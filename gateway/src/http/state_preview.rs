//! A state rule tried on the last hours or days: what it would have decided, beside what was.

use std::sync::Arc;

use axum::extract::State;
use chrono_tz::Tz;
use scheduler::id::InstrumentId;
use scheduler::slot::Slot;
use scheduler::time::{DAY_US, Micros, Span};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::answer::Json;
use super::body::Body;
use super::caller::SignedIn;
use super::path::Found;
use super::problem::Problem;
use super::readings::failed;
use super::state::HttpState;
use super::state_rule::StateRuleView;
use super::states::StateView;
use super::time::{Length, When, Zoned};
use crate::history::StateInterval;
use crate::registry::{Right, StateRule};
use crate::status::MachineState;

/// Longest window.
const WINDOW_US_MAX: i64 = 7 * DAY_US;

/// A rule to try.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PreviewRequest {
    /// The rule.
    rule: StateRuleView,
    /// First instant; a day back when left out.
    from: Option<When>,
    /// First instant after it, not in the future; now when left out. At most 7 days after the first.
    to: Option<When>,
}

/// What a rule would have decided.
#[derive(Debug, Serialize, ToSchema)]
pub struct RulePreview {
    /// First instant.
    from: Zoned,
    /// First instant after it.
    to: Zoned,
    /// What it decides; gaps are where nothing is known.
    intervals: Vec<StateView>,
    /// What holds now.
    decided: Vec<StateView>,
    /// Where both differ.
    differences: Vec<StateDifference>,
    /// How much time they differ in all.
    differs: Length,
    /// Time in each state.
    totals: Vec<StateTotal>,
    /// Channels that the rule looks at and the instrument never reported: misspelt, perhaps.
    unread_channels: Vec<String>,
}

/// A stretch in which a rule decides otherwise.
#[derive(Debug, Serialize, ToSchema)]
pub struct StateDifference {
    /// When it begins.
    start: Zoned,
    /// When it ends.
    end: Zoned,
    /// What holds now; null: nothing is known.
    decided: Option<&'static str>,
    /// What the rule decides.
    by_rule: Option<&'static str>,
}

/// Time in one state.
#[derive(Debug, Serialize, ToSchema)]
pub struct StateTotal {
    /// The state.
    state: &'static str,
    /// As it holds now.
    decided: Length,
    /// By the rule.
    by_rule: Length,
}

/// Tries a rule on readings of the last days: what it would have decided, and where that differs
/// from what was. Nothing is set by it.
#[utoipa::path(post, path = "/api/v1/instruments/{key}/state-rule/preview", tag = "settings",
    request_body = PreviewRequest,
    params(("key" = String, Path, description = "Asset code")),
    responses((status = 200, body = RulePreview),
        (status = 429, description = "too-many-requests: two of one's own are under way"),
        (status = 503, description = "not-ready: four in all are under way")))]
pub(super) async fn preview(
    State(state): State<HttpState>,
    who: SignedIn,
    found: Found,
    Body(asked): Body<PreviewRequest>,
) -> Result<Json<RulePreview>, Problem> {
    let instrument = found.instrument();
    who.caller
        .demand(&found.directory, Right::ManageInstruments, instrument.lab)?;
    let rule = asked.rule.to_rule("rule.")?;
    let window = past_window(&state, asked.from, asked.to, WINDOW_US_MAX)?;
    let (from, to) = (window.start(), window.end());
    let seat = state.long_reads().take(who.caller)?;
    let (telemetry, one) = (state.telemetry().clone(), instrument.clone());
    let directory = Arc::clone(&found.directory);
    let replaying = async move {
        telemetry
            .replay(&directory, &one, &rule, window, None)
            .await
    };
    let replayed = seat.read(replaying).await;
    let by_rule = replayed.map_err(|error| failed("to", error))?.states;
    let decided = state.history().states(found.id, from, to).await;
    let decided = decided.map_err(|error| failed("to", error))?;
    let mut view = view((from, to), instrument.zone, &decided, &by_rule);
    view.unread_channels = unread(&state, instrument.id, &asked.rule.to_rule("rule.")?);
    Ok(Json(view))
}

/// Returns a window of the past; without bounds the last day.
pub(super) fn past_window(
    state: &HttpState,
    from: Option<When>,
    to: Option<When>,
    longest_us: i64,
) -> Result<Slot, Problem> {
    let now = state.clock().now();
    let to = to.map_or(now, |to| to.0);
    if to > now {
        return Err(Problem::field("to", "must not lie in the future"));
    }
    let from = from.map_or(to.saturating_sub(Span::days(1)), |from| from.0);
    let window = Slot::new(from, to);
    let window = window.ok_or_else(|| Problem::field("to", "must come after the start"))?;
    if window.len().get() > longest_us {
        let message = match longest_us / DAY_US {
            7 => "at most 7 days after the start",
            _ => "at most 31 days after the start",
        };
        return Err(Problem::field("to", message));
    }
    if from < state.history().raw_from(now) {
        return Err(Problem::field("from", "must not lie before what is kept"));
    }
    Ok(window)
}

fn unread(state: &HttpState, id: InstrumentId, rule: &StateRule) -> Vec<String> {
    let latest = state.history().latest(id);
    let is_read = |name: &wire::ChannelName| latest.iter().any(|reading| reading.name == *name);
    let channels = rule.channels().into_iter();
    let unread = channels.filter(|name| !is_read(name));
    unread.map(|name| name.as_str().to_owned()).collect()
}

fn view(
    (from, to): (Micros, Micros),
    zone: Tz,
    decided: &[StateInterval],
    by_rule: &[StateInterval],
) -> RulePreview {
    let pieces = pieces((from, to), decided, by_rule);
    let mut differences: Vec<StateDifference> = Vec::new();
    let mut differs_us = 0;
    for piece in pieces.iter().filter(|piece| piece.decided != piece.by_rule) {
        differs_us += piece.end - piece.start;
        let text = |state: Option<MachineState>| state.map(MachineState::as_str);
        let (decided, by_rule) = (text(piece.decided), text(piece.by_rule));
        match differences.last_mut() {
            Some(last)
                if last.end.0 == piece.start
                    && (last.decided, last.by_rule) == (decided, by_rule) =>
            {
                last.end = Zoned(piece.end, zone);
            }
            _ => differences.push(StateDifference {
                start: Zoned(piece.start, zone),
                end: Zoned(piece.end, zone),
                decided,
                by_rule,
            }),
        }
    }
    let length = |us: i64| Length(Span::new(us).unwrap_or_default());
    let time_in = |word: &'static str, side: fn(&Piece) -> Option<MachineState>| {
        let own = pieces
            .iter()
            .filter(|piece| side(piece).is_some_and(|state| state.as_str() == word));
        length(own.map(|piece| piece.end - piece.start).sum())
    };
    let words = ["off", "standby", "running", "fault", "offline"];
    let totals = words.map(|state| StateTotal {
        state,
        decided: time_in(state, |piece| piece.decided),
        by_rule: time_in(state, |piece| piece.by_rule),
    });
    let shown = |all: &[StateInterval]| all.iter().map(|one| StateView::of(one, zone)).collect();
    RulePreview {
        from: Zoned(from, zone),
        to: Zoned(to, zone),
        intervals: shown(by_rule),
        decided: shown(decided),
        differences,
        differs: length(differs_us),
        totals: totals.into_iter().collect(),
        unread_channels: Vec::new(),
    }
}

/// A stretch in which neither side changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Piece {
    start: Micros,
    end: Micros,
    decided: Option<MachineState>,
    by_rule: Option<MachineState>,
}

fn pieces(
    (from, to): (Micros, Micros),
    decided: &[StateInterval],
    by_rule: &[StateInterval],
) -> Vec<Piece> {
    let all = decided.iter().chain(by_rule);
    let edges = all.flat_map(|one| [one.start, one.end.unwrap_or(to)]);
    let mut edges: Vec<Micros> = edges
        .chain([from, to])
        .filter(|at| (from..=to).contains(at))
        .collect();
    edges.sort_unstable();
    edges.dedup();
    let (mut decided, mut by_rule) = (decided.iter().peekable(), by_rule.iter().peekable());
    let pairs = edges.iter().zip(edges.iter().skip(1));
    pairs
        .map(|(start, end)| Piece {
            start: *start,
            end: *end,
            decided: state_at(&mut decided, *start),
            by_rule: state_at(&mut by_rule, *start),
        })
        .collect()
}

/// Returns the state at a moment; moments ascend from call to call.
fn state_at<'s>(
    states: &mut std::iter::Peekable<impl Iterator<Item = &'s StateInterval>>,
    at: Micros,
) -> Option<MachineState> {
    while states
        .next_if(|state| state.end.is_some_and(|end| end <= at))
        .is_some()
    {}
    let state = states.peek().filter(|state| state.start <= at)?;
    Some(state.state)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn differences_are_joined_and_counted_on_both_sides() {
        let at = |minutes: i64| Micros::new(minutes * 60_000_000);
        let interval = |state, start, end: i64| StateInterval {
            state,
            start: at(start),
            end: Some(at(end)),
        };
        let (off, run) = (MachineState::Off, MachineState::Running);
        let decided = [
            interval(off, 0, 10),
            interval(run, 10, 12),
            interval(run, 14, 20),
        ];
        let by_rule = [interval(off, 0, 5), interval(run, 5, 20)];
        let shown = view((at(0), at(20)), Tz::UTC, &decided, &by_rule);
        let told: Vec<_> = shown
            .differences
            .iter()
            .map(|one| (one.start.0, one.end.0, one.decided, one.by_rule))
            .collect();
        assert_eq!(
            told,
            [
                (at(5), at(10), Some("off"), Some("running")),
                (at(12), at(14), None, Some("running")),
            ]
        );
        assert_eq!(shown.differs.to_string(), "PT7M");
        let running = shown
            .totals
            .iter()
            .find(|total| total.state == "running")
            .unwrap();
        assert_eq!(running.decided.to_string(), "PT8M");
        assert_eq!(running.by_rule.to_string(), "PT15M");
    }
}
