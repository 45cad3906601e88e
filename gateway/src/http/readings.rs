//! Readings of a channel, raw or by step.

use axum::body::Body;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Response;
use chrono_tz::Tz;
use scheduler::slot::Slot;
use scheduler::time::DAY_US;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use wire::ChannelName;

use super::answer::{JSON, packed};
use super::body::Query;
use super::caller::Caller;
use super::path::Found;
use super::problem::{Problem, ProblemType};
use super::readings_pieces::Pieces;
use super::readings_table::{self, Format, Table};
use super::state::HttpState;
use super::time::{Length, When, Zoned, slot};
use crate::history::{History, HistoryError, RawSeries, StepSeries};
use crate::registry::Instrument;
use crate::words::Said;

/// Longest window of states, and of readings: ten years.
const WINDOW_US_MAX: i64 = 3_660 * DAY_US;

/// Which readings.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ReadingsAsked {
    /// The channel, such as `power_w`.
    #[param(value_type = String)]
    channel: ChannelName,
    /// First instant.
    #[param(value_type = String, format = DateTime)]
    from: When,
    /// First instant after it.
    #[param(value_type = String, format = DateTime)]
    to: When,
    /// Length of a step, such as `PT1M`; without it readings come as they are.
    #[param(value_type = Option<String>)]
    step: Option<Length>,
    /// `json`, `csv` or `parquet`; without it the `Accept` header decides.
    #[param(inline)]
    format: Option<Format>,
}

/// What both forms of a series begin with.
#[derive(Debug, Serialize, ToSchema)]
pub struct SeriesHead {
    /// The instrument's key.
    instrument: String,
    /// The channel.
    channel: String,
    /// Its unit.
    unit: String,
    /// First instant.
    from: Zoned,
    /// First instant after it.
    to: Zoned,
    /// Length of a step; null for raw readings.
    step: Option<Length>,
    /// Times, or begins of steps, milliseconds since 1970 UTC.
    times_ms: Vec<i64>,
}

/// Readings as they came. At most 200,000.
#[derive(Debug, Serialize, ToSchema)]
pub struct RawReadings {
    #[serde(flatten)]
    head: SeriesHead,
    /// Values; null where there was none to believe.
    values: Vec<Option<f64>>,
    /// Why values are missing.
    bad: Vec<BadReading>,
}

/// Why a value is missing.
#[derive(Debug, Serialize, ToSchema)]
pub struct BadReading {
    /// When, milliseconds since 1970 UTC.
    time_ms: i64,
    /// Why, such as `timeout`.
    reason: &'static str,
}

/// Readings by step; steps without a good value are left out.
#[derive(Debug, Serialize, ToSchema)]
pub struct SteppedReadings {
    #[serde(flatten)]
    head: SeriesHead,
    /// Least value of each step.
    min: Vec<f64>,
    /// Mean of its points.
    mean: Vec<f64>,
    /// Greatest value.
    max: Vec<f64>,
    /// Value of the last point.
    last: Vec<f64>,
    /// How many points.
    count: Vec<u64>,
    /// Share of the step, 0 to 1, for which a good reading speaks: each until the next one, at most
    /// 300 s.
    coverage: Vec<f64>,
}

/// Either form of a series.
#[derive(Debug, Serialize, ToSchema)]
#[serde(untagged)]
pub enum Readings {
    /// As they came.
    Raw(RawReadings),
    /// By step.
    Stepped(SteppedReadings),
}

/// Returns readings of a channel: JSON, or a table with `format` or `Accept: text/csv` or
/// `application/vnd.apache.parquet`. Tables of raw readings have no limit of points; one caller
/// may have four of them under way at once.
///
/// A step of whole hours or minutes is served from rollups, which reach back further than readings.
#[utoipa::path(get, path = "/api/v1/instruments/{key}/readings", tag = "telemetry",
    params(("key" = String, Path, description = "Asset code"), ReadingsAsked),
    responses((status = 200, content((Readings = "application/json"), (String = "text/csv"),
            (Vec<u8> = "application/vnd.apache.parquet"))),
        (status = 400, description = "malformed-request: more than 200,000 points as JSON, ask for \
            a step or a table; or no Parquet in this build")))]
pub(super) async fn readings(
    State(state): State<HttpState>,
    caller: Caller,
    found: Found,
    headers: HeaderMap,
    Query(asked): Query<ReadingsAsked>,
) -> Result<Response, Problem> {
    let window = window(asked.from, asked.to)?;
    let format = readings_table::chosen(&headers, asked.format)?;
    let (from, to) = (window.start(), window.end());
    let id = found.id;
    let history = state.history();
    let instrument = found.instrument();
    let mut head = SeriesHead {
        instrument: instrument.key.as_str().to_owned(),
        channel: asked.channel.as_str().to_owned(),
        unit: history.unit(id, &asked.channel),
        from: Zoned(from, instrument.zone),
        to: Zoned(to, instrument.zone),
        step: asked.step,
        times_ms: Vec::new(),
    };
    let bytes = match (asked.step, format) {
        (None, Format::Json) => {
            let series = history.raw_anywhere(id, &asked.channel, from, to).await;
            let series = series.map_err(|error| failed("step", error))?;
            if series.times_ms.is_empty() {
                demand_known(history, instrument, &asked.channel)?;
            }
            json(&raw(&mut head, series))?
        }
        (None, format) => {
            let seat = state.tables().take(caller)?;
            let mut pieces = Pieces::new(history.clone(), id, asked.channel.clone(), window);
            let first = pieces.next().await;
            let first = first.map_err(|error| failed("step", error))?;
            if first.is_none() {
                demand_known(history, instrument, &asked.channel)?;
            }
            let table = head.table(instrument.zone);
            let (answer, parts) = readings_table::streamed(format, table, first, pieces)?;
            return Ok(answer.map(|_| Body::from_stream(seat.serve(parts))));
        }
        (Some(step), format) => {
            if step.0.get() < 1_000 {
                return Err(Problem::field("step", "expected at least PT0.001S"));
            }
            let series = history
                .stepped_anywhere(id, &asked.channel, from, to, step.0)
                .await;
            let series = series.map_err(|error| failed("step", error))?;
            if series.times_ms.is_empty() {
                demand_known(history, instrument, &asked.channel)?;
            }
            if format != Format::Json {
                let table = head.table(instrument.zone);
                return readings_table::stepped(format, &headers, &table, &series, step.0).await;
            }
            json(&stepped(&mut head, series, step))?
        }
    };
    Ok(packed(&headers, JSON, bytes).await)
}

/// Tells nothing of a window apart from nothing of such a channel.
fn demand_known(
    history: &History,
    instrument: &Instrument,
    channel: &ChannelName,
) -> Result<(), Problem> {
    let mut known = history.channels(instrument.id);
    // What its state follows from it has, even if nothing came yet.
    known.extend(instrument.state_rule.channels().into_iter().cloned());
    if known.contains(channel) {
        return Ok(());
    }
    let names: Vec<&str> = known.iter().map(ChannelName::as_str).collect();
    let said = Said::new(
        format!("这台仪器没有此通道；已知通道：{}", names.join("、")),
        format!(
            "this instrument has no such channel; it has {}",
            names.join(", ")
        ),
    );
    Err(Problem::new(ProblemType::MalformedRequest).and_field("channel", said))
}

fn json(readings: &impl Serialize) -> Result<Vec<u8>, Problem> {
    serde_json::to_vec(readings).map_err(Problem::internal)
}

pub(super) fn window(from: When, to: When) -> Result<Slot, Problem> {
    let window = slot(from, to, "to")?;
    if window.len().get() > WINDOW_US_MAX {
        return Err(Problem::field("to", "at most ten years after the start"));
    }
    Ok(window)
}

/// Too much asked for is the caller's matter; anything else is the store's.
pub(super) fn failed(field: &str, error: HistoryError) -> Problem {
    if let HistoryError::TooMany { max } = error {
        let said = Said::new(
            format!("超过 {max} 个点：请给出（更长的）step，或缩短时间范围"),
            format!("more than {max} points: ask for a (longer) step or a shorter window"),
        );
        return Problem::new(ProblemType::MalformedRequest).and_field(field, said);
    }
    let reason = Said::fixed("遥测数据暂时无法读取", "readings cannot be read now");
    Problem::not_ready(reason, 5).caused_by(error)
}

fn raw(head: &mut SeriesHead, series: RawSeries) -> Readings {
    let bad = series.bad.into_iter().map(|(time_ms, quality)| BadReading {
        time_ms,
        reason: quality.as_str(),
    });
    Readings::Raw(RawReadings {
        head: head.with_times(series.times_ms),
        values: series.values,
        bad: bad.collect(),
    })
}

fn stepped(head: &mut SeriesHead, series: StepSeries, step: Length) -> Readings {
    Readings::Stepped(SteppedReadings {
        head: head.with_times(series.times_ms),
        min: series.min,
        mean: series.mean,
        max: series.max,
        last: series.last,
        count: series.count,
        coverage: readings_table::coverage(&series.good_ms, step.0),
    })
}

impl SeriesHead {
    fn with_times(&mut self, times_ms: Vec<i64>) -> Self {
        Self {
            instrument: std::mem::take(&mut self.instrument),
            channel: std::mem::take(&mut self.channel),
            unit: std::mem::take(&mut self.unit),
            times_ms,
            ..*self
        }
    }

    fn table(self, zone: Tz) -> Table {
        Table {
            instrument: self.instrument,
            channel: self.channel,
            unit: self.unit,
            zone,
        }
    }
}
