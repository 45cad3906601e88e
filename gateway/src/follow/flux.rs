//! Reads of InfluxDB 2: Flux over `POST /api/v2/query`, answered in annotated CSV.
//!
//! No InfluxDB 2 can be installed from the registries the tests use, so these reads are tested
//! against a double that follows the documented protocol, not against the server.
//! Sources: <https://docs.influxdata.com/influxdb/v2/reference/syntax/annotated-csv/>,
//! <https://docs.influxdata.com/flux/v0/stdlib/universe/aggregatewindow/>.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use chrono::{DateTime, SecondsFormat};
use serde_json::json;

use super::encode::{QUALITY, READING};
use super::points::{Asked, PARTS, Step, nonsense, reason};
use super::web::Web;
use crate::history::{Cell, HistoryError, RAW_POINTS_MAX};

/// A row of an answer: what is read of it.
#[derive(Debug, Clone, PartialEq, Default)]
struct Record {
    /// The name it was yielded under.
    result: String,
    /// The table of its result: one a series.
    table: usize,
    measurement: String,
    time_ms: i64,
    value: f64,
}

/// Returns all points of a window, in no order.
pub(super) async fn points(
    web: &Web,
    (org, bucket): (&str, &str),
    asked: Asked<'_>,
) -> Result<Vec<(i64, Cell)>, HistoryError> {
    let query = format!(
        "{}  |> keep(columns: [\"_time\", \"_value\", \"_measurement\"])\n  |> limit(n: {})\n",
        source(bucket, asked, &[READING, QUALITY]),
        RAW_POINTS_MAX + 1,
    );
    let records = ask(web, org, &query).await?;
    let point = |record: Record| {
        let cell = if record.measurement == QUALITY {
            reason(record.value)
        } else {
            Cell::Good(record.value)
        };
        (record.time_ms, cell)
    };
    Ok(records.into_iter().map(point).collect())
}

/// Returns all steps of a window; it begins with one.
pub(super) async fn steps(
    web: &Web,
    (org, bucket): (&str, &str),
    asked: Asked<'_>,
    step_ms: i64,
) -> Result<BTreeMap<(i64, usize), Step>, HistoryError> {
    // Windows are multiples of their length since 1970, moved by the offset.
    let offset_ms = asked.from_ms.rem_euclid(step_ms);
    let mut query = format!("data = {}", source(bucket, asked, &[READING]));
    for (_, word, _) in PARTS {
        writeln!(
            query,
            "data |> aggregateWindow(every: {step_ms}ms, offset: {offset_ms}ms, fn: {word}, \
             createEmpty: false, timeSrc: \"_start\") |> yield(name: \"{word}\")"
        )
        .expect("a text can grow");
    }
    let mut steps: BTreeMap<(i64, usize), Step> = BTreeMap::new();
    for record in ask(web, org, &query).await? {
        let part = PARTS.iter().find(|part| part.1 == record.result);
        let part = part
            .ok_or_else(|| nonsense(format!("a result {:?}", record.result)))?
            .0;
        let step = steps.entry((record.time_ms, record.table)).or_default();
        step.set(part, record.value);
    }
    Ok(steps)
}

/// Returns the beginning of a query: the window's points of a channel.
fn source(bucket: &str, asked: Asked<'_>, measurements: &[&str]) -> String {
    let measurements: Vec<String> = measurements
        .iter()
        .map(|measurement| format!("r._measurement == {}", quoted(measurement)))
        .collect();
    format!(
        "from(bucket: {})\n  |> range(start: {}, stop: {})\n  |> filter(fn: (r) => ({}) and \
         r._field == {} and r.id == \"{}\")\n",
        quoted(bucket),
        rfc3339(asked.from_ms),
        rfc3339(asked.to_ms),
        measurements.join(" or "),
        quoted(asked.channel.as_str()),
        asked.instrument.get(),
    )
}

/// Returns a text as Flux writes it. `${` would begin an expression.
/// Source: <https://docs.influxdata.com/flux/v0/spec/lexical-elements/#string-literals>.
fn quoted(text: &str) -> String {
    let mut quoted = String::from('"');
    for letter in text.chars() {
        if matches!(letter, '"' | '\\' | '$') {
            quoted.push('\\');
        }
        quoted.push(letter);
    }
    quoted.push('"');
    quoted
}

fn rfc3339(time_ms: i64) -> String {
    let time = DateTime::from_timestamp_millis(time_ms).unwrap_or_default();
    time.to_rfc3339_opts(SecondsFormat::Millis, true)
}

async fn ask(web: &Web, org: &str, query: &str) -> Result<Vec<Record>, HistoryError> {
    let body = json!({
        "query": query,
        "type": "flux",
        "dialect": {
            "header": true,
            "delimiter": ",",
            "annotations": ["datatype", "group", "default"],
        },
    });
    let text = web
        .post_json("/api/v2/query", &[("org", org)], &body)
        .await?;
    parse(&text)
}

/// Parses annotated CSV: tables one after the other, each with annotations (rows that begin with
/// `#`), a header and rows. An empty cell has its column's default.
fn parse(text: &str) -> Result<Vec<Record>, HistoryError> {
    let mut reader = csv::ReaderBuilder::new()
        .has_headers(false)
        .flexible(true)
        .from_reader(text.as_bytes());
    let mut defaults = csv::StringRecord::new();
    let mut header: Option<csv::StringRecord> = None;
    let mut records = Vec::new();
    for row in reader.records() {
        let row = row.map_err(nonsense)?;
        let first = row.get(0).unwrap_or_default();
        if first.starts_with('#') {
            header = None;
            if first == "#default" {
                defaults = row;
            }
            continue;
        }
        if row.iter().all(str::is_empty) {
            continue;
        }
        match &header {
            None => header = Some(row),
            Some(names) if names.iter().any(|name| name == "error") => {
                let what: Vec<&str> = row.iter().filter(|cell| !cell.is_empty()).collect();
                return Err(nonsense(what.join(", ")));
            }
            Some(names) => records.push(record(names, &defaults, &row)?),
        }
    }
    Ok(records)
}

fn record(
    names: &csv::StringRecord,
    defaults: &csv::StringRecord,
    row: &csv::StringRecord,
) -> Result<Record, HistoryError> {
    let cell = |name: &str| {
        let place = names.iter().position(|known| known == name)?;
        let cell = row.get(place).filter(|cell| !cell.is_empty());
        cell.or_else(|| defaults.get(place))
    };
    let time = cell("_time").unwrap_or_default();
    let time = DateTime::parse_from_rfc3339(time).map_err(nonsense)?;
    let value = cell("_value").unwrap_or_default();
    Ok(Record {
        result: cell("result").unwrap_or_default().to_owned(),
        table: cell("table")
            .and_then(|table| table.parse().ok())
            .unwrap_or(0),
        measurement: cell("_measurement").unwrap_or_default().to_owned(),
        time_ms: time.timestamp_millis(),
        value: value.parse().map_err(nonsense)?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Two tables with a default, as in the documentation of annotated CSV, and an error.
    const ANSWER: &str = "#datatype,string,long,dateTime:RFC3339,double,string\r\n\
        #group,false,false,false,false,true\r\n#default,min,,,,\r\n\
        ,result,table,_time,_value,_measurement\r\n\
        ,,0,2026-11-25T00:00:00Z,1.5,ortoo_reading\r\n\
        ,,0,2026-11-25T00:00:00.25Z,-2e-3,ortoo_reading\r\n\r\n\
        #datatype,string,long,dateTime:RFC3339,long,string\r\n\
        #group,false,false,false,false,true\r\n#default,_result,,,,\r\n\
        ,result,table,_time,_value,_measurement\r\n\
        ,count,1,2026-11-25T00:00:00Z,7,ortoo_quality\r\n";

    #[test]
    fn tables_are_read_one_after_the_other() {
        let records = parse(ANSWER).unwrap();
        let told: Vec<_> = records
            .iter()
            .map(|record| {
                (
                    record.result.as_str(),
                    record.table,
                    record.time_ms,
                    record.value,
                )
            })
            .collect();
        let day_ms = 1_795_564_800_000;
        assert_eq!(
            told,
            [
                ("min", 0, day_ms, 1.5),
                ("min", 0, day_ms + 250, -0.002),
                ("count", 1, day_ms, 7.0)
            ]
        );
        assert_eq!(records[2].measurement, QUALITY);
    }

    #[test]
    fn an_error_in_the_answer_is_one_here() {
        let text = "#datatype,string,string\r\n#group,true,true\r\n#default,,\r\n,error,reference\r\n\
                    ,the bucket went away,897\r\n";
        let error = parse(text).unwrap_err().for_operators();
        assert!(error.contains("the bucket went away"), "{error}");
        assert!(parse(&ANSWER.replace("1.5", "x")).is_err());
        assert!(parse("").unwrap().is_empty());
    }

    #[test]
    fn a_name_cannot_leave_its_quotes() {
        assert_eq!(quoted("a\"b\\${c}"), "\"a\\\"b\\\\\\${c}\"");
    }
}
