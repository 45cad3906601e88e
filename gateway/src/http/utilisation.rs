//! How much instruments ran and were booked, by centre, institution or lab.

use std::collections::BTreeMap;

use axum::extract::State;
use futures::StreamExt as _;
use scheduler::id::{InstrumentId, NodeId};
use scheduler::slot::{Slot, merged};
use scheduler::time::DAY_US;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::answer::Json;
use super::body::Query;
use super::caller::SignedIn;
use super::problem::{Problem, ProblemType};
use super::runs::unread;
use super::state::HttpState;
use super::time::{When, Zoned, slot};
use super::view::NodeView;
use crate::history::StateInterval;
use crate::registry::{Directory, Instrument, NodeKind, Right};
use crate::status::MachineState;
use crate::words::{Language, Said};

/// Longest window: a year and a day.
const WINDOW_US_MAX: i64 = 367 * DAY_US;

/// Instruments whose states are read at once; the store has few readers.
const READS_AT_ONCE: usize = 4;

/// What to add up.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct Asked {
    /// `centre`, `institution` or `lab`.
    #[param(value_type = String)]
    group_by: Grouping,
    /// First instant.
    #[param(value_type = String, format = DateTime)]
    from: When,
    /// First instant after it; at most a year later.
    #[param(value_type = String, format = DateTime)]
    to: When,
    /// Counts instruments that are not published too; else those that everybody sees are counted, as
    /// on the status board.
    #[serde(default)]
    all: bool,
}

/// The kind of node to add up by.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Grouping {
    Centre,
    Institution,
    Lab,
}

/// Figures by node, with what they mean.
#[derive(Debug, Serialize, ToSchema)]
pub struct Utilisation {
    /// First instant.
    from: Zoned,
    /// First instant after it.
    to: Zoned,
    /// One entry for each node with instruments.
    items: Vec<NodeUse>,
    /// What each figure means, in the reader's language.
    definitions: BTreeMap<&'static str, String>,
}

/// One node's figures.
#[derive(Debug, Serialize, ToSchema)]
pub struct NodeUse {
    /// The node.
    node: NodeView,
    /// Instruments below it.
    instruments: usize,
    /// Those that ever reported.
    ever_reported: usize,
    /// Those whose machine's state is known now.
    reporting_now: usize,
    /// Hours in which their machines ran.
    running_h: f64,
    /// Hours for which they were booked.
    booked_h: f64,
    /// Hours of use: runs of bookings, and runs that were settled.
    used_h: f64,
    /// Share of the time in which the state of their machines is known, 0 to 1.
    coverage: f64,
}

/// Microseconds of one instrument or of many.
#[derive(Debug, Clone, Copy, Default)]
struct Sums {
    instruments: usize,
    ever_reported: usize,
    reporting_now: usize,
    running_us: i64,
    booked_us: i64,
    used_us: i64,
    known_us: i64,
}

/// Returns figures of use by node, of the nodes that the caller accounts for.
#[utoipa::path(get, path = "/api/v1/utilisation", tag = "telemetry", params(Asked),
    responses((status = 200, body = Utilisation)))]
pub(super) async fn utilisation(
    State(state): State<HttpState>,
    who: SignedIn,
    Query(asked): Query<Asked>,
) -> Result<Json<Utilisation>, Problem> {
    let window = slot(asked.from, asked.to, "to")?;
    if window.len().get() > WINDOW_US_MAX {
        return Err(Problem::field("to", "at most 367 days after the start"));
    }
    let directory = state.directory().load_full();
    if !directory.may_somewhere(who.member, Right::Account) {
        return Err(Problem::new(ProblemType::NotAllowed));
    }
    let mine: Vec<&Instrument> = directory
        .instruments
        .values()
        .filter(|instrument| asked.all || instrument.published)
        .filter(|instrument| directory.may(who.member, Right::Account, instrument.lab))
        .collect();
    // What has not happened yet was neither used nor unused.
    let now = state.clock().now();
    let past = Slot::new(window.start(), window.end().min(now));
    let ids: Vec<InstrumentId> = mine.iter().map(|instrument| instrument.id).collect();
    let mut sums = measure(&state, ids, window, past).await?;
    let used = state.desk().used_us(window).await.map_err(unread)?;
    for (instrument, sums) in mine.iter().zip(&mut sums) {
        sums.used_us = used.get(&instrument.id).copied().unwrap_or(0);
    }
    let mut groups: BTreeMap<NodeId, Sums> = BTreeMap::new();
    for (instrument, sums) in mine.iter().zip(sums) {
        if let Some(node) = directory.node_above(instrument.lab, asked.group_by.kind()) {
            groups.entry(node.id).or_default().add(sums);
        }
    }
    let past_us = past.map_or(0, |past| past.len().get());
    let zone = chrono_tz::Tz::Asia__Shanghai;
    Ok(Json(Utilisation {
        from: Zoned(window.start(), zone),
        to: Zoned(window.end(), zone),
        items: groups
            .into_iter()
            .filter_map(|(node, sums)| sums.view(&directory, node, past_us))
            .collect(),
        definitions: definitions(who.caller.language),
    }))
}

/// Measures instruments in the order given.
async fn measure(
    state: &HttpState,
    ids: Vec<InstrumentId>,
    window: Slot,
    past: Option<Slot>,
) -> Result<Vec<Sums>, Problem> {
    let reads = futures::stream::iter(ids).map(|id| async move {
        let states = match past {
            Some(past) => {
                let states = state.history().states(id, past.start(), past.end()).await;
                states.map_err(|error| {
                    let reason = Said::fixed("遥测数据暂时无法读取", "states cannot be read now");
                    Problem::not_ready(reason, 5).caused_by(error)
                })?
            }
            None => Vec::new(),
        };
        let machine = state.telemetry().machine(id);
        let has_reported = machine.state != MachineState::Unknown;
        let is_silent = matches!(machine.state, MachineState::Offline(_));
        Ok(Sums {
            instruments: 1,
            ever_reported: usize::from(has_reported),
            reporting_now: usize::from(has_reported && !is_silent),
            running_us: lasting(&states, past, |state| state == MachineState::Running),
            known_us: lasting(&states, past, |state| {
                !matches!(state, MachineState::Offline(_))
            }),
            booked_us: booked(state, id, window),
            used_us: 0,
        })
    });
    let measured = reads.buffered(READS_AT_ONCE).collect::<Vec<_>>().await;
    measured.into_iter().collect()
}

fn lasting(
    states: &[StateInterval],
    past: Option<Slot>,
    counts: impl Fn(MachineState) -> bool,
) -> i64 {
    let Some(past) = past else { return 0 };
    let counted = states.iter().filter(|interval| counts(interval.state));
    counted
        .map(|interval| interval.end.unwrap_or(past.end()).min(past.end()) - interval.start)
        .map(|lasted_us| lasted_us.max(0))
        .sum()
}

/// Bookings that run side by side count once: the figure is the instrument's time.
fn booked(state: &HttpState, id: InstrumentId, window: Slot) -> i64 {
    let bookings = state.desk().shelf().bookings_at(id);
    let slots = bookings
        .iter()
        .filter(|booking| booking.status.is_booked())
        .filter_map(|booking| booking.slot.intersect(window));
    let slots = merged(slots.collect());
    slots.iter().map(|slot| slot.len().get()).sum()
}

impl Grouping {
    fn kind(self) -> NodeKind {
        match self {
            Self::Centre => NodeKind::Centre,
            Self::Institution => NodeKind::Institution,
            Self::Lab => NodeKind::Lab,
        }
    }
}

impl Sums {
    fn add(&mut self, other: Self) {
        self.instruments += other.instruments;
        self.ever_reported += other.ever_reported;
        self.reporting_now += other.reporting_now;
        self.running_us += other.running_us;
        self.booked_us += other.booked_us;
        self.used_us += other.used_us;
        self.known_us += other.known_us;
    }

    fn view(self, directory: &Directory, node: NodeId, past_us: i64) -> Option<NodeUse> {
        let instruments = i64::try_from(self.instruments).ok()?;
        let all_us = past_us.saturating_mul(instruments);
        Some(NodeUse {
            node: NodeView::of(directory.nodes.get(&node)?),
            instruments: self.instruments,
            ever_reported: self.ever_reported,
            reporting_now: self.reporting_now,
            running_h: hours(self.running_us),
            booked_h: hours(self.booked_us),
            used_h: hours(self.used_us),
            coverage: if all_us == 0 {
                0.0
            } else {
                (hours(self.known_us) / hours(all_us)).clamp(0.0, 1.0)
            },
        })
    }
}

/// Returns hours, exact to a second.
fn hours(micros: i64) -> f64 {
    let seconds = i32::try_from(micros / 1_000_000);
    let seconds = seconds.map_or_else(|_| large(micros / 1_000_000), f64::from);
    seconds / 3_600.0
}

#[expect(
    clippy::as_conversions,
    clippy::cast_precision_loss,
    reason = "seconds of thousands of instruments over a year stay far below 2^53"
)]
fn large(seconds: i64) -> f64 {
    seconds as f64
}

fn definitions(language: Language) -> BTreeMap<&'static str, String> {
    let said = [
        (
            "instruments",
            Said::fixed(
                "已公开的仪器数；all=true 时包括未公开的",
                "Published instruments; with all=true those not published too",
            ),
        ),
        (
            "ever_reported",
            Said::fixed(
                "曾有遥测数据的仪器数，无论现在是否在线",
                "Instruments that ever sent telemetry, whether or not they do now",
            ),
        ),
        (
            "reporting_now",
            Said::fixed(
                "现在有遥测数据（不离线）的仪器数",
                "Instruments that send telemetry now, not offline",
            ),
        ),
        (
            "running_h",
            Said::fixed(
                "机器处于运行状态的小时数之和（按状态规则由遥测得出，截至现在）",
                "Hours in which the machines were running, by telemetry and state rule, up to now",
            ),
        ),
        (
            "booked_h",
            Said::fixed(
                "已确认预约占用的小时数之和（同时段的并行预约只计一次，含未来）",
                "Hours of confirmed bookings; side by side they count once; future ones too",
            ),
        ),
        (
            "used_h",
            Said::fixed(
                "上机小时数之和：归属于预约的上机记录，以及人工核实的记录；已预约但未核实的不计",
                "Hours of runs that are a booking's or were settled; booked but unverified is not used",
            ),
        ),
        (
            "coverage",
            Said::fixed(
                "机器状态已知（有数据且不离线）的时间占比，截至现在",
                "Share of the time up to now in which the machine's state is known, not offline",
            ),
        ),
    ];
    let entries = said.into_iter();
    entries
        .map(|(name, said)| (name, said.text(language).to_owned()))
        .collect()
}

#[cfg(test)]
mod tests {
    use scheduler::time::{HOUR_US, Micros};

    use super::*;
    use crate::status::OfflineReason;

    #[test]
    fn what_lasts_counts_up_to_now_and_offline_is_not_known() {
        let at = |hours: i64| Micros::new(hours * HOUR_US);
        let interval = |state, start, end: Option<i64>| StateInterval {
            state,
            start: at(start),
            end: end.map(at),
        };
        let states = [
            interval(MachineState::Standby, 0, Some(2)),
            interval(MachineState::Offline(OfflineReason::Link), 2, Some(3)),
            interval(MachineState::Running, 3, None),
        ];
        let past = Slot::new(at(0), at(8));
        let running = lasting(&states, past, |state| state == MachineState::Running);
        assert_eq!(running, 5 * HOUR_US);
        let known = lasting(&states, past, |s| !matches!(s, MachineState::Offline(_)));
        assert_eq!(known, 7 * HOUR_US);
        assert_eq!(lasting(&states, None, |_| true), 0);
    }

    #[test]
    fn hours_are_exact_to_a_second() {
        assert!((hours(HOUR_US * 3 / 2) - 1.5).abs() < 1e-9);
        assert!((hours(HOUR_US * 24 * 366 * 5_534) - 48_610_656.0).abs() < 1e-3);
    }
}
