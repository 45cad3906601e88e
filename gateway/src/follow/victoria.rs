//! Reads of VictoriaMetrics: `/api/v1/export` for readings as they came, `MetricsQL` for steps.
//!
//! `x_over_time(m[d])` at a moment `t` covers `(t - d, t]`. A step `[b, b + d)` of whole milliseconds
//! is therefore asked for at `b + d - 1 ms`. `nocache=1` keeps the server from moving `start` to a
//! multiple of `step`.
//! Sources: <https://docs.victoriametrics.com/#how-to-export-data-in-json-line-format>,
//! <https://docs.victoriametrics.com/metricsql/#aggr_over_time>.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::encode::{QUALITY, READING};
use super::points::{Asked, PARTS, Step, nonsense, reason};
use super::web::Web;
use crate::history::{Cell, HistoryError};

/// Most steps asked for at once; the server refuses more than 30,000
/// (`-search.maxPointsPerTimeseries`).
const STEPS_ASKED_MAX: i64 = 10_000;

/// A line of an export.
#[derive(Debug, Deserialize)]
struct Exported {
    metric: BTreeMap<String, String>,
    values: Vec<serde_json::Value>,
    timestamps: Vec<i64>,
}

/// The answer to a range query.
#[derive(Debug, Deserialize)]
struct Answer {
    data: Matrix,
}

#[derive(Debug, Deserialize)]
struct Matrix {
    result: Vec<Row>,
}

#[derive(Debug, Deserialize)]
struct Row {
    metric: BTreeMap<String, String>,
    values: Vec<(f64, String)>,
}

/// Returns all points of a window, in no order.
pub(super) async fn points(web: &Web, asked: Asked<'_>) -> Result<Vec<(i64, Cell)>, HistoryError> {
    let (channel, id) = (asked.channel, asked.instrument.get());
    let form = [
        (
            "match[]",
            format!("{{__name__=~\"({READING}|{QUALITY})_{channel}\",id=\"{id}\"}}"),
        ),
        ("start", seconds(asked.from_ms)),
        ("end", seconds(asked.to_ms - 1)),
    ];
    let text = web.post_form("/api/v1/export", &form).await?;
    let mut points = Vec::new();
    for line in text.lines().filter(|line| !line.is_empty()) {
        let series: Exported = serde_json::from_str(line).map_err(nonsense)?;
        let name = series.metric.get("__name__").map_or("", String::as_str);
        let is_reason = name.starts_with(QUALITY);
        for (time_ms, value) in series.timestamps.into_iter().zip(series.values) {
            let Some(value) = value.as_f64() else {
                continue;
            };
            points.push((
                time_ms,
                if is_reason {
                    reason(value)
                } else {
                    Cell::Good(value)
                },
            ));
        }
    }
    Ok(points)
}

/// Returns all steps of a window; it begins with one.
pub(super) async fn steps(
    web: &Web,
    asked: Asked<'_>,
    step_ms: i64,
) -> Result<BTreeMap<(i64, usize), Step>, HistoryError> {
    let mut steps = BTreeMap::new();
    let whole = (asked.to_ms - asked.from_ms) / step_ms;
    let mut from = 0;
    while from < whole {
        let count = (whole - from).min(STEPS_ASKED_MAX);
        let begin_ms = asked.from_ms + from * step_ms;
        ask(
            web,
            asked,
            (begin_ms, count),
            (step_ms, step_ms),
            &mut steps,
        )
        .await?;
        from += count;
    }
    // The window may end within a step, of which it then has the beginning.
    let begin_ms = asked.from_ms + whole * step_ms;
    let rest_ms = asked.to_ms - begin_ms;
    if rest_ms > 0 {
        ask(web, asked, (begin_ms, 1), (step_ms, rest_ms), &mut steps).await?;
    }
    Ok(steps)
}

/// Asks for `count` steps from `begin_ms` on, each of which begins `step_ms` after the last and
/// covers `length_ms`.
async fn ask(
    web: &Web,
    asked: Asked<'_>,
    (begin_ms, count): (i64, i64),
    (step_ms, length_ms): (i64, i64),
    steps: &mut BTreeMap<(i64, usize), Step>,
) -> Result<(), HistoryError> {
    let (channel, id) = (asked.channel, asked.instrument.get());
    let words: Vec<String> = PARTS.iter().map(|part| format!("\"{}\"", part.2)).collect();
    let query = format!(
        "aggr_over_time(({}), {READING}_{channel}{{id=\"{id}\"}}[{length_ms}ms])",
        words.join(",")
    );
    let first_ms = begin_ms + length_ms - 1;
    let form = [
        ("query", query),
        ("start", seconds(first_ms)),
        ("end", seconds(first_ms + (count - 1) * step_ms)),
        ("step", format!("{step_ms}ms")),
        ("nocache", "1".to_owned()),
    ];
    let text = web.post_form("/api/v1/query_range", &form).await?;
    let answer: Answer = serde_json::from_str(&text).map_err(nonsense)?;
    take(answer, length_ms, steps)
}

/// Sorts an answer's rows by step. Rows of one series differ in `rollup` alone.
fn take(
    answer: Answer,
    length_ms: i64,
    steps: &mut BTreeMap<(i64, usize), Step>,
) -> Result<(), HistoryError> {
    let mut known: Vec<BTreeMap<String, String>> = Vec::new();
    for mut row in answer.data.result {
        let rollup = row.metric.remove("rollup").unwrap_or_default();
        let part = PARTS.iter().find(|part| part.2 == rollup);
        let part = part
            .ok_or_else(|| nonsense(format!("a rollup {rollup:?}")))?
            .0;
        let place = known.iter().position(|labels| *labels == row.metric);
        let series = place.unwrap_or_else(|| {
            known.push(row.metric);
            known.len() - 1
        });
        for (end_s, value) in row.values {
            let value: f64 = value.parse().map_err(nonsense)?;
            let begin_ms = millis(end_s) + 1 - length_ms;
            let step: &mut Step = steps.entry((begin_ms, series)).or_default();
            step.set(part, value);
        }
    }
    Ok(())
}

/// Returns milliseconds as seconds, exactly.
fn seconds(time_ms: i64) -> String {
    let (whole, part) = (time_ms.div_euclid(1_000), time_ms.rem_euclid(1_000));
    format!("{whole}.{part:03}")
}

/// Returns seconds as milliseconds: exact until the year 280,000.
#[expect(
    clippy::as_conversions,
    clippy::cast_possible_truncation,
    reason = "the cast saturates, and times are far below 2^53 ms"
)]
fn millis(seconds: f64) -> i64 {
    (seconds * 1_000.0).round() as i64
}

#[cfg(test)]
mod tests {
    use wire::Quality;

    use super::*;

    #[test]
    fn times_and_codes_come_back() {
        for time_ms in [0, 1, 999, 1_795_648_727_999] {
            assert_eq!(millis(seconds(time_ms).parse().unwrap()), time_ms);
        }
        let timeout = f64::from(crate::history::quality_code(Quality::Timeout));
        assert_eq!(reason(timeout), Cell::Bad(Quality::Timeout));
        assert_eq!(reason(200.0), Cell::Bad(Quality::Other));
    }

    #[test]
    fn an_answer_is_sorted_by_step_and_nonsense_is_an_error() {
        let text = r#"{"data":{"result":[
            {"metric":{"id":"1","rollup":"min_over_time"},"values":[[9.999,"1.5"]]},
            {"metric":{"id":"1","rollup":"count_over_time"},"values":[[9.999,"7"]]}]}}"#;
        let mut steps = BTreeMap::new();
        take(serde_json::from_str(text).unwrap(), 10_000, &mut steps).unwrap();
        let step = steps[&(0, 0)];
        assert_eq!(
            (step.min, step.count, step.max),
            (Some(1.5), Some(7.0), None)
        );
        let strange = text.replace("min_over_time", "sideways");
        assert!(take(serde_json::from_str(&strange).unwrap(), 10_000, &mut steps).is_err());
    }
}
