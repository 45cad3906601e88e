//! Readings as tables for other programs: CSV, and Parquet where the build has it.
//!
//! Raw readings are read and sent piece by piece, so that any range takes bounded memory. A failure
//! on the way ends the connection early: the reader sees a broken transfer, never a short table.

use std::fmt::Write as _;

use axum::body::Body;
use axum::http::{HeaderMap, HeaderValue, header};
use axum::response::Response;
use bytes::Bytes;
use chrono_tz::Tz;
use futures::{Stream, stream};
use scheduler::time::{Micros, Span};
use serde::Deserialize;
use utoipa::ToSchema;

use super::answer::{packed, typed};
use super::front::text;
#[cfg(feature = "parquet")]
use super::parquet;
use super::problem::{Problem, ProblemType};
use super::readings_pieces::Pieces;
use super::time::Zoned;
use crate::history::{RawSeries, StepSeries};
use crate::words::Said;

const CSV: HeaderValue = HeaderValue::from_static("text/csv; charset=utf-8");

/// Registered with IANA, <https://www.iana.org/assignments/media-types>.
const PARQUET: &str = "application/vnd.apache.parquet";

/// How readings are answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Format {
    /// JSON.
    Json,
    /// A table as RFC 4180 describes it.
    Csv,
    /// A Parquet file.
    Parquet,
}

/// What a table is of.
#[derive(Debug, Clone)]
pub(super) struct Table {
    /// The instrument's key.
    pub(super) instrument: String,
    /// The channel.
    pub(super) channel: String,
    /// Its unit.
    pub(super) unit: String,
    /// The instrument's zone.
    pub(super) zone: Tz,
}

/// Returns the format asked for: the parameter's, else the first known one of `Accept`.
///
/// # Errors
/// Returns `malformed-request` for Parquet if the build has none.
pub(super) fn chosen(headers: &HeaderMap, asked: Option<Format>) -> Result<Format, Problem> {
    let accept = text(headers, &header::ACCEPT).unwrap_or_default();
    let accepted = accept.split(',').find_map(|range| {
        let range = range.trim().to_ascii_lowercase();
        let kinds = [
            ("text/csv", Format::Csv),
            (PARQUET, Format::Parquet),
            ("application/json", Format::Json),
        ];
        let found = kinds.into_iter().find(|(kind, _)| range.starts_with(kind));
        found.map(|(_, format)| format)
    });
    let format = asked.or(accepted).unwrap_or(Format::Json);
    if format == Format::Parquet && !cfg!(feature = "parquet") {
        let said = Said::fixed(
            "此版本未包含 Parquet；请用 csv，或以 --features parquet 构建",
            "this build has no Parquet: ask for csv, or build with --features parquet",
        );
        return Err(Problem::new(ProblemType::MalformedRequest).and_field("format", said));
    }
    Ok(format)
}

/// Returns the share of a step for which good readings speak.
#[expect(
    clippy::as_conversions,
    clippy::cast_precision_loss,
    reason = "milliseconds of a step are below 2^53"
)]
pub(super) fn coverage(good_ms: &[i64], step: Span) -> Vec<f64> {
    let step_ms = (step.get() / 1_000).max(1) as f64;
    let share = |good_ms: &i64| (*good_ms as f64 / step_ms).min(1.0);
    good_ms.iter().map(share).collect()
}

/// What makes bytes of pieces.
enum Maker {
    Csv(Table),
    #[cfg(feature = "parquet")]
    Parquet(Box<parquet::File>),
}

impl Maker {
    #[cfg_attr(
        not(feature = "parquet"),
        expect(clippy::unnecessary_wraps, reason = "a Parquet file can fail")
    )]
    fn of(format: Format, table: Table) -> Result<Self, Problem> {
        #[cfg(feature = "parquet")]
        if format == Format::Parquet {
            let file = parquet::File::of_readings(&table).map_err(Problem::internal)?;
            return Ok(Self::Parquet(Box::new(file)));
        }
        debug_assert_ne!(format, Format::Parquet, "refused before if there is none");
        Ok(Self::Csv(table))
    }

    #[cfg_attr(
        not(feature = "parquet"),
        expect(clippy::unnecessary_wraps, reason = "a Parquet file can fail")
    )]
    fn piece(&mut self, series: &RawSeries) -> Result<Vec<u8>, std::io::Error> {
        match self {
            Self::Csv(table) => Ok(raw_csv(table, series)),
            #[cfg(feature = "parquet")]
            Self::Parquet(file) => file.add_readings(series).map_err(std::io::Error::other),
        }
    }

    #[cfg_attr(
        not(feature = "parquet"),
        expect(clippy::unnecessary_wraps, reason = "a Parquet file can fail")
    )]
    fn end(self) -> Result<Vec<u8>, std::io::Error> {
        match self {
            Self::Csv(_) => Ok(Vec::new()),
            #[cfg(feature = "parquet")]
            Self::Parquet(file) => file.end().map_err(std::io::Error::other),
        }
    }
}

/// Where a transfer is.
enum Transfer {
    /// The head and the first piece, which was read before the answer began.
    First(Maker, Option<RawSeries>, Pieces),
    Rest(Maker, Pieces),
    Ended,
}

/// Returns an answer, and its parts, which are sent while the rest is read.
///
/// # Errors
/// Returns `internal` if a file cannot be begun.
pub(super) fn streamed(
    format: Format,
    table: Table,
    first: Option<RawSeries>,
    pieces: Pieces,
) -> Result<
    (
        Response,
        impl Stream<Item = Result<Bytes, std::io::Error>> + use<>,
    ),
    Problem,
> {
    let answer = kind(format, &table, Body::empty());
    let transfer = Transfer::First(Maker::of(format, table)?, first, pieces);
    let parts = stream::try_unfold(transfer, |transfer| async move {
        let sent = go_on(transfer).await;
        if let Err(error) = &sent {
            tracing::error!(%error, "a table of readings could not be sent to its end");
        }
        sent
    });
    Ok((answer, parts))
}

/// Returns the next bytes and what comes after them.
async fn go_on(transfer: Transfer) -> Result<Option<(Bytes, Transfer)>, std::io::Error> {
    let (mut maker, pieces, first, mut bytes) = match transfer {
        Transfer::First(maker, first, pieces) => {
            let head = match &maker {
                Maker::Csv(_) => RAW_HEAD.as_bytes().to_vec(),
                #[cfg(feature = "parquet")]
                Maker::Parquet(_) => Vec::new(),
            };
            (maker, pieces, first, head)
        }
        Transfer::Rest(maker, mut pieces) => {
            let next = pieces.next().await.map_err(std::io::Error::other)?;
            (maker, pieces, next, Vec::new())
        }
        Transfer::Ended => return Ok(None),
    };
    let Some(series) = first else {
        bytes.extend(maker.end()?);
        return Ok(Some((bytes.into(), Transfer::Ended)));
    };
    bytes.extend(maker.piece(&series)?);
    Ok(Some((bytes.into(), Transfer::Rest(maker, pieces))))
}

/// Returns steps as a table.
///
/// # Errors
/// Returns `internal` if it cannot be made.
pub(super) async fn stepped(
    format: Format,
    headers: &HeaderMap,
    table: &Table,
    series: &StepSeries,
    step: Span,
) -> Result<Response, Problem> {
    #[cfg(feature = "parquet")]
    if format == Format::Parquet {
        let bytes = parquet::steps(table, series, step).map_err(Problem::internal)?;
        return Ok(kind(format, table, Body::from(bytes)));
    }
    let answer = packed(headers, CSV, stepped_csv(table, series, step)).await;
    let mut named = kind(format, table, Body::empty());
    if let Some(name) = named.headers_mut().remove(header::CONTENT_DISPOSITION) {
        let (mut parts, body) = answer.into_parts();
        parts.headers.insert(header::CONTENT_DISPOSITION, name);
        return Ok(Response::from_parts(parts, body));
    }
    Ok(answer)
}

/// Returns an answer of a table's type and with a name to keep it under.
fn kind(format: Format, table: &Table, body: Body) -> Response {
    let (content_type, ending) = match format {
        Format::Parquet => (HeaderValue::from_static(PARQUET), "parquet"),
        Format::Csv | Format::Json => (CSV, "csv"),
    };
    let mut answer = typed(content_type, Bytes::new()).map(|_| body);
    // Keys and channels are of our own narrow alphabets.
    let name = format!(
        "attachment; filename=\"{}_{}.{ending}\"",
        table.instrument, table.channel
    );
    if let Ok(name) = HeaderValue::from_str(&name) {
        let headers = answer.headers_mut();
        headers.insert(header::CONTENT_DISPOSITION, name);
    }
    answer
}

const RAW_HEAD: &str = "time,time_utc,value,quality,unit\r\n";

fn raw_csv(table: &Table, series: &RawSeries) -> Vec<u8> {
    let mut text = String::with_capacity(72 * series.times_ms.len());
    let unit = quoted(&table.unit);
    let mut bad = series.bad.iter().peekable();
    for (time_ms, value) in series.times_ms.iter().zip(&series.values) {
        let reason = bad.next_if(|(at, _)| at == time_ms);
        let quality = reason.map_or("good", |(_, quality)| quality.as_str());
        let value = value.map_or_else(String::new, |value| value.to_string());
        let (here, utc) = at(*time_ms, table.zone);
        row(
            &mut text,
            format_args!("{here},{utc},{value},{quality},{unit}"),
        );
    }
    text.into_bytes()
}

fn stepped_csv(table: &Table, series: &StepSeries, step: Span) -> Vec<u8> {
    let mut text = String::from("time,time_utc,min,mean,max,last,count,coverage,unit\r\n");
    let unit = quoted(&table.unit);
    let coverage = coverage(&series.good_ms, step);
    let columns = series.min.iter().zip(&series.mean).zip(&series.max);
    let columns = columns.zip(&series.last).zip(&series.count).zip(coverage);
    for (time_ms, (((((min, mean), max), last), count), share)) in
        series.times_ms.iter().zip(columns)
    {
        let (here, utc) = at(*time_ms, table.zone);
        row(
            &mut text,
            format_args!("{here},{utc},{min},{mean},{max},{last},{count},{share:.4},{unit}"),
        );
    }
    text.into_bytes()
}

/// Returns a time in the instrument's zone and in UTC.
fn at(time_ms: i64, zone: Tz) -> (Zoned, Zoned) {
    let at = Micros::new(time_ms.saturating_mul(1_000));
    (Zoned(at, zone), Zoned(at, Tz::UTC))
}

/// Quotes a cell if RFC 4180 demands it. What a table's program would take for a formula is marked as
/// text.
fn quoted(cell: &str) -> String {
    if cell.starts_with(['=', '+', '-', '@', '\t', '\r']) {
        return quoted(&format!("'{cell}"));
    }
    if cell.contains(['"', ',', '\r', '\n']) {
        return format!("\"{}\"", cell.replace('"', "\"\""));
    }
    cell.to_owned()
}

/// RFC 4180 ends lines with CR LF.
fn row(text: &mut String, cells: std::fmt::Arguments<'_>) {
    text.write_fmt(cells).expect("a text can grow");
    text.push_str("\r\n");
}

#[cfg(test)]
mod tests;
