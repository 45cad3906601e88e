//! "Test this message": what would be read of it, and why the rest would not. Nothing is stored.

use std::sync::Arc;

use axum::extract::State;
use chrono_tz::Tz;
use scheduler::time::Micros;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::answer::Json;
use super::body::Body;
use super::caller::SignedIn;
use super::mappings::parsed;
use super::path::Name;
use super::problem::Problem;
use super::sources::managed;
use super::state::HttpState;
use super::time::Zoned;
use crate::registry::{Directory, MappingEntry};
use crate::telemetry::mapping::{
    MappingIndex, MappingSpec, Message, Note, Outcome, PAYLOAD_BYTES_MAX, Taken, read,
};
use crate::telemetry::{ReadingTime, stated_time_refusal};
use crate::words::{Language, not_read};

/// A message to try.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TestRequest {
    /// Its topic.
    topic: String,
    /// Its payload as text.
    payload: String,
    /// A mapping to try it with, instead of those of the lab.
    #[serde(default)]
    mapping: Option<MappingSpec>,
}

/// What would become of a message.
#[derive(Debug, Serialize, ToSchema)]
pub struct TestReport {
    /// Whether the source may send to this topic.
    may_send: bool,
    /// Whether a mapping takes it to an instrument; otherwise its device would be listed as unknown.
    taken: bool,
    /// What would be read.
    readings: Vec<TestedReading>,
    /// Who would count as there or gone.
    presence: Vec<TestedPresence>,
    /// What would not be read, and why.
    ignored: Vec<TestedNote>,
}

/// One reading.
#[derive(Debug, Serialize, ToSchema)]
pub struct TestedReading {
    /// By which mapping; null: the one in the request.
    mapping: Option<i64>,
    /// JSON pointer to it; empty: the whole payload.
    from: String,
    /// Asset code.
    instrument: String,
    /// The channel.
    channel: String,
    /// The value in its unit; null: there is none to believe.
    value: Option<f64>,
    /// Whether the value can be believed, or why not.
    quality: String,
    /// The unit.
    unit: String,
    /// When, in the instrument's zone.
    time: Zoned,
    /// Where the time comes from: `arrival`, `device`, or `doubt`: the device says what cannot be, so the
    /// arrival is kept, in doubt.
    time_from: &'static str,
}

/// Whether a source is there.
#[derive(Debug, Serialize, ToSchema)]
pub struct TestedPresence {
    /// Asset code.
    instrument: String,
    /// Whether it is there.
    online: bool,
}

/// Something that would not be read.
#[derive(Debug, Serialize, ToSchema)]
pub struct TestedNote {
    /// By which mapping; null: the one in the request, or none.
    mapping: Option<i64>,
    /// A pointer, a name or a topic.
    what: String,
    /// Why, as a stable word.
    reason: &'static str,
    /// Why, for people.
    detail: String,
    /// Whether it is a fault, which is counted, and not just something that nobody asked for.
    fault: bool,
}

/// Says what would be read of a message of this source. Nothing is stored.
#[utoipa::path(post, path = "/api/v1/sources/{name}/test", tag = "settings", request_body = TestRequest,
    params(("name" = String, Path, description = "The source's name")),
    responses((status = 200, body = TestReport)))]
pub(super) async fn test(
    State(state): State<HttpState>,
    who: SignedIn,
    Name(name): Name,
    Body(asked): Body<TestRequest>,
) -> Result<Json<TestReport>, Problem> {
    let directory = state.directory().load_full();
    let source = managed(&directory, &who.caller, &name)?;
    if asked.payload.len() > PAYLOAD_BYTES_MAX {
        return Err(Problem::field("payload", "too long"));
    }
    let mappings = match asked.mapping {
        None => MappingIndex::of(&directory).candidates(source.lab, &asked.topic),
        Some(spec) => {
            let mapping = parsed(spec)?;
            vec![Arc::new(MappingEntry {
                id: 0,
                lab: source.lab,
                name: String::new(),
                mapping,
                version: 0,
                created_at: state.clock().now(),
            })]
        }
    };
    let now = state.clock().now();
    let message = Message {
        topic: &asked.topic,
        payload: asked.payload.as_bytes(),
        arrival: now,
        is_retained: false,
    };
    let entries = mappings.iter().map(Arc::as_ref);
    let outcome = read(&directory, source.lab, entries, &message);
    let reporter = Reporter {
        directory: &directory,
        language: who.caller.language,
        now,
        raw_from: state.history().raw_from(now),
    };
    Ok(Json(
        reporter.report(source.may_send(&asked.topic), &outcome),
    ))
}

struct Reporter<'r> {
    directory: &'r Directory,
    language: Language,
    now: Micros,
    raw_from: Micros,
}

impl Reporter<'_> {
    fn report(&self, may_send: bool, outcome: &Outcome) -> TestReport {
        let presence = outcome.presence.iter().map(|one| TestedPresence {
            instrument: self.key(one.instrument).0,
            online: one.is_here,
        });
        TestReport {
            may_send,
            taken: outcome.unknown().is_none(),
            readings: outcome
                .taken
                .iter()
                .map(|taken| self.reading(taken))
                .collect(),
            presence: presence.collect(),
            ignored: outcome.notes.iter().map(|note| self.note(note)).collect(),
        }
    }

    fn reading(&self, taken: &Taken) -> TestedReading {
        let reading = &taken.reading;
        let (instrument, zone) = self.key(reading.instrument);
        let (time, time_from) = match reading.time {
            ReadingTime::Arrival | ReadingTime::Kept(_) => (self.now, "arrival"),
            ReadingTime::Device(at)
                if stated_time_refusal(at, self.now, self.raw_from).is_some() =>
            {
                (self.now, "doubt")
            }
            ReadingTime::Device(at) | ReadingTime::Stated(at) => (at, "device"),
        };
        TestedReading {
            mapping: (taken.mapping != 0).then_some(taken.mapping),
            from: taken.from.clone(),
            instrument,
            channel: reading.channel.as_str().to_owned(),
            value: reading.value.ok(),
            quality: match reading.value {
                Ok(_) => wire::Quality::Good.as_str().to_owned(),
                Err(quality) => quality.as_str().to_owned(),
            },
            unit: reading.unit.clone(),
            time: Zoned(time, zone),
            time_from,
        }
    }

    fn note(&self, note: &Note) -> TestedNote {
        TestedNote {
            mapping: note.mapping.filter(|id| *id != 0),
            what: note.what.clone(),
            reason: note.why.as_str(),
            detail: not_read(note.why).text(self.language).to_owned(),
            fault: note.why.is_fault(),
        }
    }

    fn key(&self, id: scheduler::id::InstrumentId) -> (String, Tz) {
        let instrument = self.directory.instruments.get(&id);
        instrument.map_or((String::new(), Tz::Asia__Shanghai), |one| {
            (one.key.as_str().to_owned(), one.zone)
        })
    }
}
