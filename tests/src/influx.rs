//! A double of InfluxDB 2: it takes line protocol and answers two shapes of Flux in annotated CSV, as
//! documented. It is not the server: it proves that we keep to the protocol's pages, not that the
//! server does.
//!
//! Sources: <https://docs.influxdata.com/influxdb/v2/api/> (write, query),
//! <https://docs.influxdata.com/influxdb/v2/reference/syntax/annotated-csv/>,
//! <https://docs.influxdata.com/flux/v0/stdlib/universe/aggregatewindow/>.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::extract::{RawQuery, State};
use axum::http::{HeaderMap, StatusCode};
use axum::routing::post;
use chrono::{DateTime, SecondsFormat};
use serde_json::{Value, json};
use tokio::task::JoinSet;

/// What must be in each request.
pub const TOKEN: &str = "hush";
/// The organisation.
pub const ORG: &str = "o";
/// The bucket.
pub const BUCKET: &str = "b";

/// A field of a series: measurement, `id` and field.
type Key = (String, String, String);

#[derive(Default)]
struct Kept {
    /// Points by time; a later one at the same time replaces the earlier.
    points: BTreeMap<Key, BTreeMap<i64, f64>>,
    queries: usize,
}

/// A running double.
pub struct Influx {
    url: String,
    kept: Arc<Mutex<Kept>>,
    /// Ends with the double.
    _server: JoinSet<std::io::Result<()>>,
}

impl Influx {
    /// Starts it on a free port.
    ///
    /// # Panics
    /// When loopback has no free port.
    pub async fn start() -> Self {
        let kept = Arc::new(Mutex::new(Kept::default()));
        let routes = Router::new()
            .route("/api/v2/write", post(write))
            .route("/api/v2/query", post(query))
            .with_state(Arc::clone(&kept));
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await;
        let listener = listener.expect("loopback has a free port");
        let address = listener
            .local_addr()
            .expect("a bound socket has an address");
        let mut server = JoinSet::new();
        server.spawn(async move { axum::serve(listener, routes).await });
        let url = format!("http://{address}");
        Self {
            url,
            kept,
            _server: server,
        }
    }

    /// Returns its address.
    #[must_use]
    pub fn url(&self) -> String {
        self.url.clone()
    }

    /// Returns how many queries it answered.
    #[must_use]
    pub fn queries(&self) -> usize {
        lock(&self.kept).queries
    }
}

fn lock(kept: &Mutex<Kept>) -> std::sync::MutexGuard<'_, Kept> {
    kept.lock().expect("nobody panics while holding this lock")
}

fn is_known(headers: &HeaderMap) -> bool {
    let token = headers
        .get("Authorization")
        .and_then(|token| token.to_str().ok());
    token == Some(&format!("Token {TOKEN}"))
}

async fn write(
    State(kept): State<Arc<Mutex<Kept>>>,
    RawQuery(asked): RawQuery,
    headers: HeaderMap,
    body: String,
) -> (StatusCode, String) {
    if !is_known(&headers) {
        return (StatusCode::UNAUTHORIZED, "unauthorized".to_owned());
    }
    if asked != Some(format!("bucket={BUCKET}&org={ORG}&precision=ms")) {
        return (StatusCode::NOT_FOUND, "no such bucket".to_owned());
    }
    for line in body.lines() {
        if take(&mut lock(&kept), line).is_none() {
            let said = json!({ "code": "invalid", "message": format!("unable to parse {line:?}") });
            return (StatusCode::BAD_REQUEST, said.to_string());
        }
    }
    (StatusCode::NO_CONTENT, String::new())
}

/// Keeps the points of a line whose names need no escapes; `None` when it cannot be read.
fn take(kept: &mut Kept, line: &str) -> Option<()> {
    let mut parts = line.split(' ');
    let (head, fields, time) = (parts.next()?, parts.next()?, parts.next()?);
    if parts.next().is_some() {
        return None;
    }
    let mut head = head.split(',');
    let measurement = head.next()?;
    let tags: BTreeMap<&str, &str> = head.map(|tag| tag.split_once('=')).collect::<Option<_>>()?;
    let time_ms: i64 = time.parse().ok()?;
    for field in fields.split(',') {
        let (name, value) = field.split_once('=')?;
        let key = (
            measurement.to_owned(),
            tags.get("id").copied().unwrap_or_default().to_owned(),
            name.to_owned(),
        );
        let value = value.parse().ok().filter(|value: &f64| value.is_finite())?;
        kept.points.entry(key).or_default().insert(time_ms, value);
    }
    Some(())
}

async fn query(
    State(kept): State<Arc<Mutex<Kept>>>,
    RawQuery(asked): RawQuery,
    headers: HeaderMap,
    body: String,
) -> (StatusCode, String) {
    if !is_known(&headers) {
        return (StatusCode::UNAUTHORIZED, "unauthorized".to_owned());
    }
    let body: Value = serde_json::from_str(&body).unwrap_or_default();
    let dialect = serde_json::json!({"header": true, "delimiter": ",",
        "annotations": ["datatype", "group", "default"]});
    if asked.as_deref() != Some("org=o") || body["type"] != "flux" || body["dialect"] != dialect {
        return (
            StatusCode::BAD_REQUEST,
            "organisation, type or dialect".to_owned(),
        );
    }
    let flux = body["query"].as_str().unwrap_or_default();
    let mut kept = lock(&kept);
    kept.queries += 1;
    match answer(&kept, flux) {
        Some(text) => (StatusCode::OK, text),
        None => (StatusCode::BAD_REQUEST, format!("not understood: {flux}")),
    }
}

/// Points of a channel by measurement: time in milliseconds, value.
type Points<'a> = Vec<(&'a str, Vec<(i64, f64)>)>;

/// What a query begins with: the points of a channel in a window, by measurement.
fn source<'a>(kept: &'a Kept, flux: &str) -> Option<Points<'a>> {
    let start = millis(between(flux, "  |> range(start: ", ", stop: ")?)?;
    let stop = millis(between(flux, ", stop: ", ")\n")?)?;
    let filter = between(flux, "  |> filter(fn: (r) => (", ")\n")?;
    let (measurements, rest) = filter.split_once(") and ")?;
    let field = between(rest, "r._field == \"", "\" and r.id == \"")?;
    let id = rest.split_once("r.id == \"")?.1.strip_suffix('"')?;
    let wanted: Vec<&str> = measurements
        .split(" or ")
        .map(|one| one.strip_prefix("r._measurement == \"")?.strip_suffix('"'))
        .collect::<Option<_>>()?;
    let tables = kept.points.iter().filter(|((measurement, of, name), _)| {
        wanted.contains(&measurement.as_str()) && of == id && name == field
    });
    let tables = tables.map(|((measurement, _, _), points)| {
        let inside = points
            .range(start..stop)
            .map(|(time, value)| (*time, *value));
        (measurement.as_str(), inside.collect())
    });
    Some(tables.collect())
}

fn answer(kept: &Kept, flux: &str) -> Option<String> {
    let from = format!("from(bucket: \"{BUCKET}\")\n");
    let mut text = String::new();
    if let Some(rest) = flux.strip_prefix(&from) {
        let after = rest.split_once(")\n  |> keep(")?.1;
        let shape = "columns: [\"_time\", \"_value\", \"_measurement\"])\n  |> limit(n: 200001)\n";
        if after != shape {
            return None;
        }
        for (table, (measurement, points)) in source(kept, flux)?.into_iter().enumerate() {
            put(
                &mut text,
                ("_result", table, measurement),
                "double",
                &points,
            );
        }
        return Some(text);
    }
    if !flux.starts_with(&format!("data = {from}")) {
        return None;
    }
    let (_, points) = source(kept, flux)?.into_iter().next().unwrap_or_default();
    for line in flux.lines().filter(|line| line.starts_with("data |> ")) {
        let every: i64 = between(line, "aggregateWindow(every: ", "ms, offset: ")?
            .parse()
            .ok()?;
        let offset: i64 = between(line, "offset: ", "ms, fn: ")?.parse().ok()?;
        let word = between(line, "fn: ", ", createEmpty: false, timeSrc: \"_start\")")?;
        if !line.ends_with(&format!("|> yield(name: \"{word}\")")) {
            return None;
        }
        let kind = if word == "count" { "long" } else { "double" };
        let windows = windows(&points, every, offset, word)?;
        put(&mut text, (word, 0, "ortoo_reading"), kind, &windows);
    }
    Some(text)
}

/// Windows are `[offset + k * every, offset + (k + 1) * every)`; those without a point are left out.
fn windows(points: &[(i64, f64)], every: i64, offset: i64, word: &str) -> Option<Vec<(i64, f64)>> {
    let mut windows: BTreeMap<i64, Vec<f64>> = BTreeMap::new();
    for (time, value) in points {
        let begin = (time - offset).div_euclid(every) * every + offset;
        windows.entry(begin).or_default().push(*value);
    }
    let of = |values: &[f64]| -> Option<f64> {
        Some(match word {
            "min" => values.iter().copied().fold(f64::INFINITY, f64::min),
            "max" => values.iter().copied().fold(f64::NEG_INFINITY, f64::max),
            "mean" => values.iter().sum::<f64>() / values.len() as f64,
            "last" => *values.last()?,
            "count" => values.len() as f64,
            _ => return None,
        })
    };
    windows
        .into_iter()
        .map(|(begin, values)| Some((begin, of(&values)?)))
        .collect()
}

/// Writes a table with its annotations. An empty table has none.
fn put(text: &mut String, of: (&str, usize, &str), kind: &str, points: &[(i64, f64)]) {
    let (result, table, measurement) = of;
    if points.is_empty() {
        return;
    }
    write!(
        text,
        "#datatype,string,long,dateTime:RFC3339,{kind},string\r\n\
         #group,false,false,false,false,true\r\n#default,{result},,,,\r\n\
         ,result,table,_time,_value,_measurement\r\n"
    )
    .expect("a text can grow");
    for (time, value) in points {
        let time = DateTime::from_timestamp_millis(*time).expect("times are of this century");
        let time = time.to_rfc3339_opts(SecondsFormat::AutoSi, true);
        writeln!(text, ",,{table},{time},{value},{measurement}\r").expect("a text can grow");
    }
    text.push_str("\r\n");
}

fn between<'a>(text: &'a str, before: &str, after: &str) -> Option<&'a str> {
    let rest = text.split_once(before)?.1;
    Some(rest.split_once(after)?.0)
}

fn millis(time: &str) -> Option<i64> {
    let time = DateTime::parse_from_rfc3339(time).ok()?;
    Some(time.timestamp_millis())
}
