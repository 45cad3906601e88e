//! Readings of scripts: all are kept, or what is wrong with each is said and none is.

use axum::extract::{Request, State};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use std::time::Duration;
use tokio::sync::oneshot;
use utoipa::{IntoParams, ToSchema};
use wire::{ChannelName, InstrumentKey, Quality};

use super::answer::Json;
use super::body::{Query, is_json, parse_part, read_json, read_text};
use super::caller::{Caller, SignedIn};
use super::line_protocol::{self, Precision};
use super::path::visible;
use super::problem::{Problem, ProblemType};
use super::state::HttpState;
use super::time::When;
use crate::registry::{Directory, Right};
use crate::telemetry::{
    Acknowledge, ForeignBatch, ForeignReading, READINGS_MAX, ReadingTime, Refused,
    TOO_MANY_CHANNELS, UNIT_CHARACTERS_MAX, stated_time_refusal,
};
use crate::words::{Said, fault};
use scheduler::time::Micros;

/// Most bytes of a body.
const BYTES_MAX: usize = 1024 * 1024;

/// Most faults that an answer names.
const FAULTS_MAX: usize = 100;

/// How long an answer waits for the commit.
const PATIENCE: Duration = Duration::from_secs(10);

/// A field, and what is wrong with it.
pub(super) type Fault = (String, Said);

/// A reading as it was asked for, not checked yet.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Wish {
    /// Where it is in the body.
    pub(super) place: String,
    pub(super) instrument: String,
    pub(super) channel: String,
    pub(super) unit: String,
    pub(super) value: Result<f64, Quality>,
    /// `None`: now.
    pub(super) time: Option<Micros>,
}

/// Readings as JSON.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Batch {
    /// Each is looked at on its own.
    readings: Vec<Box<RawValue>>,
}

/// Readings to keep.
#[derive(Debug, ToSchema)]
#[schema(as = ReadingsToKeep)]
#[expect(dead_code, reason = "only described; see `Batch`")]
pub struct BatchDescription {
    /// At most 10,000.
    readings: Vec<ReadingRequest>,
}

/// A reading to keep.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ReadingRequest {
    /// Asset code of an instrument that the caller manages.
    instrument: String,
    /// The channel, such as `power_w`.
    channel: String,
    /// The value; null: it could not be read.
    #[schema(value_type = Option<f64>)]
    value: serde_json::Value,
    /// Its unit, at most 16 characters; if left out, what is known stays.
    #[serde(default)]
    unit: String,
    /// When; if left out, now. The same reading at the same time is kept once.
    #[serde(default)]
    #[schema(value_type = Option<String>, format = DateTime)]
    time: Option<When>,
}

/// What a timestamp of line protocol counts.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct PrecisionAsked {
    /// `s`, `ms`, `us` or `ns` (the default).
    #[serde(default)]
    #[param(inline)]
    precision: Precision,
}

/// Readings that are kept.
#[derive(Debug, Serialize, ToSchema)]
pub struct ReadingsKept {
    /// How many.
    accepted: usize,
}

/// Keeps readings of instruments that the caller manages. Answered after the commit: all are kept, or
/// none, and what is wrong with which is said. The body is JSON or, as `text/plain`, InfluxDB line
/// protocol with a tag `instrument`, at most 1 MiB.
#[utoipa::path(post, path = "/api/v1/readings", tag = "telemetry", params(PrecisionAsked),
    request_body(content((BatchDescription = "application/json"), (String = "text/plain"))),
    responses((status = 200, body = ReadingsKept)))]
pub(super) async fn keep(
    State(state): State<HttpState>,
    who: SignedIn,
    Query(asked): Query<PrecisionAsked>,
    request: Request,
) -> Result<Json<ReadingsKept>, Problem> {
    let directory = state.directory().load_full();
    if !directory.may_somewhere(who.member, Right::ManageInstruments) {
        return Err(Problem::new(ProblemType::NotAllowed));
    }
    let (wishes, mut faults) = if is_json(&request) {
        let batch: Batch = read_json(request, BYTES_MAX).await?;
        read_items(&batch)
    } else {
        let text = read_text(request, BYTES_MAX).await?;
        line_protocol::read(&text, asked.precision)
    };
    if wishes.len() + faults.len() > READINGS_MAX {
        let message = "expected at most 10,000 readings";
        return Err(Problem::field("(body)", message));
    }
    let now = state.clock().now();
    let checker = Checker {
        directory: &directory,
        caller: &who.caller,
        now,
        raw_from: state.history().raw_from(now),
    };
    let mut readings = Vec::with_capacity(wishes.len());
    let mut strange = Vec::new();
    for wish in wishes {
        match checker.check(&wish) {
            Ok(reading) => readings.push(reading),
            Err(Wrong::NotAllowed) => strange.push(wish.place),
            Err(Wrong::Field(name, said)) => faults.push((format!("{}{name}", wish.place), said)),
        }
    }
    if !faults.is_empty() || !strange.is_empty() {
        return Err(refused(faults, strange));
    }
    if readings.is_empty() {
        return Err(Problem::field("(body)", "must not be empty"));
    }
    let accepted = readings.len();
    commit(&state, readings).await?;
    Ok(Json(ReadingsKept { accepted }))
}

fn read_items(batch: &Batch) -> (Vec<Wish>, Vec<Fault>) {
    let (mut wishes, mut faults) = (Vec::new(), Vec::new());
    for (place, raw) in batch.readings.iter().enumerate().take(READINGS_MAX + 1) {
        let place = format!("readings[{place}]");
        match parse_part::<ReadingRequest>(raw.get()) {
            Ok(asked) => match value_of(&asked.value) {
                Some(value) => wishes.push(Wish {
                    place,
                    instrument: asked.instrument,
                    channel: asked.channel,
                    unit: asked.unit,
                    value,
                    time: asked.time.map(|time| time.0),
                }),
                None => {
                    let said = fault("expected a number or a truth value");
                    faults.push((format!("{place}.value"), said));
                }
            },
            Err((field, said)) if field.is_empty() => faults.push((place, said)),
            Err((field, said)) => faults.push((format!("{place}.{field}"), said)),
        }
    }
    (wishes, faults)
}

/// Returns a number, a truth value as 1 or 0, or that there is none.
fn value_of(value: &serde_json::Value) -> Option<Result<f64, Quality>> {
    use serde_json::Value;
    match value {
        Value::Number(number) => number.as_f64().map(Ok),
        Value::Bool(truth) => Some(Ok(f64::from(u8::from(*truth)))),
        Value::Null => Some(Err(Quality::Other)),
        Value::String(_) | Value::Array(_) | Value::Object(_) => None,
    }
}

/// Says what is wrong with which reading, and which are of instruments that the caller does not manage.
fn refused(faults: Vec<Fault>, mut strange: Vec<String>) -> Problem {
    let problem = if strange.is_empty() {
        let count = faults.len();
        let detail = Said::new(
            format!("{count} 条读数有误，全部未保存"),
            format!("{count} readings are wrong, so none is kept"),
        );
        Problem::new(ProblemType::MalformedRequest).detail(detail)
    } else {
        let count = strange.len();
        let detail = Said::new(
            format!("其中 {count} 条读数的仪器不由您管理，全部未保存"),
            format!(
                "{count} of the readings are of instruments that you do not manage, so none is kept"
            ),
        );
        strange.truncate(FAULTS_MAX);
        let problem = Problem::new(ProblemType::NotAllowed).detail(detail);
        problem.with("readings", strange)
    };
    let faults = faults.into_iter().take(FAULTS_MAX);
    faults.fold(problem, |problem, (place, said)| {
        problem.and_field(&place, said)
    })
}

enum Wrong {
    /// The caller does not manage the instrument.
    NotAllowed,
    /// A part of the reading, as `.time`; empty: the whole.
    Field(&'static str, Said),
}

struct Checker<'c> {
    directory: &'c Directory,
    caller: &'c Caller,
    now: Micros,
    raw_from: Micros,
}

impl Checker<'_> {
    fn check(&self, wish: &Wish) -> Result<ForeignReading, Wrong> {
        let wrong = |name, message: &str| Wrong::Field(name, fault(message));
        let id = InstrumentKey::parse(&wish.instrument)
            .ok()
            .and_then(|key| visible(self.directory, key.as_str(), self.caller).ok())
            .ok_or_else(|| wrong(".instrument", "no such instrument"))?;
        let instrument = self.directory.instruments.get(&id);
        let instrument = instrument.ok_or_else(|| wrong(".instrument", "no such instrument"))?;
        let right = Right::ManageInstruments;
        if !self.caller.may(self.directory, right, instrument.lab) {
            return Err(Wrong::NotAllowed);
        }
        let channel = ChannelName::parse(&wish.channel)
            .map_err(|error| wrong(".channel", &error.to_string()))?;
        if instrument.is_agents(&channel) {
            let message = "the instrument's own agent reads this channel";
            return Err(wrong(".channel", message));
        }
        let is_long = wish.unit.chars().count() > UNIT_CHARACTERS_MAX;
        if is_long || wish.unit.chars().any(char::is_control) {
            return Err(wrong(".unit", "expected a unit of at most 16 characters"));
        }
        if let Ok(value) = wish.value
            && (!value.is_finite() || value.abs() > wire::VALUE_MAGNITUDE_MAX)
        {
            return Err(wrong(".value", "expected a number of at most 1e15"));
        }
        let time = match wish.time {
            None => ReadingTime::Arrival,
            Some(at) => match stated_time_refusal(at, self.now, self.raw_from) {
                None => ReadingTime::Stated(at),
                Some("future_time") => return Err(wrong(".time", "must not lie ahead")),
                Some(_) => return Err(wrong(".time", "older than readings are kept")),
            },
        };
        Ok(ForeignReading {
            instrument: id,
            channel,
            unit: wish.unit.clone(),
            time,
            value: wish.value,
        })
    }
}

/// Says that nothing is kept, since the names of channels are more than there is room for.
fn too_many_channels() -> Problem {
    Problem::wrong_state(Said::fixed(
        "新的通道名过多，全部未保存：一个实验室最多可新增 128 个通道名，请使用已有的名称",
        "Too many new names of channels, so nothing is kept: a lab may bring 128, use those that \
         are known",
    ))
}

/// Hands readings to the recorder and waits for the commit.
async fn commit(state: &HttpState, readings: Vec<ForeignReading>) -> Result<(), Problem> {
    let not_ready = || {
        let reason = Said::fixed(
            "读数暂时无法写入；请稍后原样重发，同一时刻的同一读数只保存一次",
            "Readings cannot be committed now: send the same again later, it is kept once",
        );
        Problem::not_ready(reason, 5)
    };
    let (committed, is_committed) = oneshot::channel();
    let refused = Refused::default();
    let batch = ForeignBatch {
        readings,
        presence: Vec::new(),
        refused: refused.clone(),
        // Fails when the caller has gone: it is kept all the same.
        acknowledge: Acknowledge::with(move || committed.send(()).unwrap_or_default()),
    };
    let waited = async {
        state.telemetry().ingest_readings(batch).await.ok()?;
        is_committed.await.ok()
    };
    match tokio::time::timeout(PATIENCE, waited).await {
        Ok(Some(())) => {}
        Ok(None) | Err(_) => return Err(not_ready()),
    }
    let refused = refused.take();
    match refused.first() {
        None => Ok(()),
        Some((TOO_MANY_CHANNELS, _)) => Err(too_many_channels()),
        Some((_, detail)) => Err(Problem::wrong_state(Said::new(
            format!("有 {} 条读数未能保存：{detail}", refused.len()),
            format!("{} readings could not be kept: {detail}", refused.len()),
        ))),
    }
}
