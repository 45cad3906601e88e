//! Readings of a channel, raw or by step.

use std::fmt::Write as _;

use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, header};
use axum::response::Response;
use chrono_tz::Tz;
use scheduler::slot::Slot;
use scheduler::time::{DAY_US, Micros};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use wire::ChannelName;

use super::answer::{JSON, packed};
use super::body::Query;
use super::front::text;
use super::path::Found;
use super::problem::{Problem, ProblemType};
use super::state::HttpState;
use super::time::{Length, When, Zoned, slot};
use crate::history::{History, HistoryError, RawSeries, StepSeries};
use crate::registry::Instrument;
use crate::words::Said;

/// Longest window of states, and of readings: ten years.
const WINDOW_US_MAX: i64 = 3_660 * DAY_US;

const CSV: HeaderValue = HeaderValue::from_static("text/csv; charset=utf-8");

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

/// Returns readings of a channel as JSON or, with `Accept: text/csv`, as a table.
#[utoipa::path(get, path = "/api/v1/instruments/{key}/readings", tag = "telemetry",
    params(("key" = String, Path, description = "Asset code"), ReadingsAsked),
    responses((status = 200, content((Readings = "application/json"), (String = "text/csv"))),
        (status = 400, description = "malformed-request: more than 200,000 points, ask for a step")))]
pub(super) async fn readings(
    State(state): State<HttpState>,
    found: Found,
    headers: HeaderMap,
    Query(asked): Query<ReadingsAsked>,
) -> Result<Response, Problem> {
    let window = window(asked.from, asked.to)?;
    let (from, to) = (window.start(), window.end());
    let id = found.id;
    let history = state.history();
    let zone = found.instrument().zone;
    let mut head = SeriesHead {
        instrument: found.instrument().key.as_str().to_owned(),
        channel: asked.channel.as_str().to_owned(),
        unit: history.unit(id, &asked.channel),
        from: Zoned(from, zone),
        to: Zoned(to, zone),
        step: asked.step,
        times_ms: Vec::new(),
    };
    let as_csv = wants_csv(&headers);
    let bytes = match asked.step {
        None => {
            let series = history.raw(id, &asked.channel, from, to).await;
            let series = series.map_err(|error| failed("step", error))?;
            if series.times_ms.is_empty() {
                demand_known(history, found.instrument(), &asked.channel)?;
            }
            if as_csv {
                raw_csv(&series, zone)
            } else {
                json(&raw(&mut head, series))?
            }
        }
        Some(step) => {
            if step.0.get() < 1_000 {
                return Err(Problem::field("step", "expected at least PT0.001S"));
            }
            let series = history.stepped(id, &asked.channel, from, to, step.0).await;
            let series = series.map_err(|error| failed("step", error))?;
            if series.times_ms.is_empty() {
                demand_known(history, found.instrument(), &asked.channel)?;
            }
            if as_csv {
                stepped_csv(&series, zone)
            } else {
                json(&stepped(&mut head, series))?
            }
        }
    };
    let kind = if as_csv { CSV } else { JSON };
    Ok(packed(&headers, kind, bytes).await)
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

fn stepped(head: &mut SeriesHead, series: StepSeries) -> Readings {
    Readings::Stepped(SteppedReadings {
        head: head.with_times(series.times_ms),
        min: series.min,
        mean: series.mean,
        max: series.max,
        last: series.last,
        count: series.count,
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
}

fn wants_csv(headers: &HeaderMap) -> bool {
    let accept = text(headers, &header::ACCEPT).unwrap_or_default();
    let mut ranges = accept.split(',');
    ranges.any(|range| range.trim().to_ascii_lowercase().starts_with("text/csv"))
}

fn raw_csv(series: &RawSeries, zone: Tz) -> Vec<u8> {
    let mut table = String::from("time,value,quality\r\n");
    let mut bad = series.bad.iter().peekable();
    for (time_ms, value) in series.times_ms.iter().zip(&series.values) {
        let reason = bad.next_if(|(at, _)| at == time_ms);
        let quality = reason.map_or("good", |(_, quality)| quality.as_str());
        let value = value.map_or_else(String::new, |value| value.to_string());
        row(
            &mut table,
            format_args!("{},{value},{quality}", at(*time_ms, zone)),
        );
    }
    table.into_bytes()
}

fn stepped_csv(series: &StepSeries, zone: Tz) -> Vec<u8> {
    let mut table = String::from("time,min,mean,max,last,count\r\n");
    let columns = series.min.iter().zip(&series.mean).zip(&series.max);
    let columns = columns.zip(&series.last).zip(&series.count);
    for (time_ms, ((((min, mean), max), last), count)) in series.times_ms.iter().zip(columns) {
        let at = at(*time_ms, zone);
        row(
            &mut table,
            format_args!("{at},{min},{mean},{max},{last},{count}"),
        );
    }
    table.into_bytes()
}

fn at(time_ms: i64, zone: Tz) -> Zoned {
    Zoned(Micros::new(time_ms.saturating_mul(1_000)), zone)
}

/// RFC 4180 ends lines with CR LF.
fn row(table: &mut String, cells: std::fmt::Arguments<'_>) {
    table.write_fmt(cells).expect("a text can grow");
    table.push_str("\r\n");
}

#[cfg(test)]
mod tests {
    use wire::Quality;

    use super::*;

    #[test]
    fn tables_have_a_row_a_point_and_say_why_values_are_missing() {
        let series = RawSeries {
            times_ms: vec![0, 1_000],
            values: vec![Some(1.5), None],
            bad: vec![(1_000, Quality::Timeout)],
        };
        let table = String::from_utf8(raw_csv(&series, Tz::UTC)).unwrap();
        assert_eq!(
            table,
            "time,value,quality\r\n1970-01-01T00:00:00+00:00,1.5,good\r\n\
             1970-01-01T00:00:01+00:00,,timeout\r\n"
        );
        let series = StepSeries {
            times_ms: vec![0],
            min: vec![1.0],
            mean: vec![2.0],
            max: vec![3.0],
            last: vec![2.5],
            count: vec![4],
        };
        let table = String::from_utf8(stepped_csv(&series, Tz::UTC)).unwrap();
        let expected = "time,min,mean,max,last,count\r\n1970-01-01T00:00:00+00:00,1,2,3,2.5,4\r\n";
        assert_eq!(table, expected);
    }
}
