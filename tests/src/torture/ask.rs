//! One question of a client as HTTP, and its answer as a history tells it.

use serde_json::{Value, json};

use super::history::{Against, Answer, Call, Conflict, Heard, Refusal, Slot};
use crate::raw_http::Connection;
use crate::times::{now_ms, parse_ms, rfc3339};

/// Sends a question over a connection. An error of the socket, or an answer that does not say
/// whether anything was done, is [`Heard::Unknown`].
pub async fn ask(connection: &mut Connection, token: &str, call: &Call) -> Heard {
    let (method, path, body) = request(call);
    let body = body.map_or_else(String::new, |body| body.to_string());
    let mut headers: Vec<(&str, &str)> = Vec::new();
    let matched;
    match call {
        Call::Book { key, .. } => headers.push(("Idempotency-Key", key)),
        Call::Change {
            version: Some(version),
            ..
        } => {
            matched = format!("\"{version}\"");
            headers.push(("If-Match", &matched));
        }
        _ => {}
    }
    match connection.send(method, &path, token, &headers, &body).await {
        Err(error) => Heard::Unknown(error.to_string()),
        Ok((status, answer)) => {
            let body = serde_json::from_slice(&answer).unwrap_or_default();
            heard(call, status, &body)
        }
    }
}

fn request(call: &Call) -> (&'static str, String, Option<Value>) {
    let wish = |instrument: &str, slot: &Slot, purpose: &str| json!({ "instrument": instrument, "purpose": purpose, "start": rfc3339(slot.start_ms), "end": rfc3339(slot.end_ms) });
    match call {
        Call::Book {
            tag,
            instrument,
            slot,
            hold,
            ..
        } => {
            let mut body = wish(instrument, slot, tag);
            if let Some(hold) = hold {
                body["hold"] = json!(hold);
            }
            ("POST", "/api/v1/bookings".to_owned(), Some(body))
        }
        Call::Try { instrument, slot } => {
            let path = "/api/v1/bookings?dry_run=true".to_owned();
            ("POST", path, Some(wish(instrument, slot, "try")))
        }
        Call::Change {
            booking,
            slot,
            version,
            ..
        } => {
            let path = format!("/api/v1/bookings/{booking}");
            // With a version the start is known to stay: then only the end travels.
            let mut body = json!({ "end": rfc3339(slot.end_ms) });
            if version.is_none() {
                body["start"] = json!(rfc3339(slot.start_ms));
            }
            ("PATCH", path, Some(body))
        }
        Call::Cancel { booking } => ("DELETE", format!("/api/v1/bookings/{booking}"), None),
        Call::Read { booking } => ("GET", format!("/api/v1/bookings/{booking}"), None),
        Call::Hold { instrument, slot } => {
            let body = json!({ "instrument": instrument, "start": rfc3339(slot.start_ms), "end": rfc3339(slot.end_ms) });
            ("POST", "/api/v1/holds".to_owned(), Some(body))
        }
        Call::Release { hold } => ("DELETE", format!("/api/v1/holds/{hold}"), None),
        Call::OpenOutage {
            tag,
            instrument,
            slot,
        } => {
            let body = json!({ "instrument": instrument, "reason": tag, "start": rfc3339(slot.start_ms), "end": rfc3339(slot.end_ms) });
            ("POST", "/api/v1/outages".to_owned(), Some(body))
        }
        Call::EndOutage { outage } => ("DELETE", format!("/api/v1/outages/{outage}"), None),
    }
}

fn heard(call: &Call, status: u16, body: &Value) -> Heard {
    // The gateway could not say that the write is there: whether it is, only the database knows.
    if status == 503 {
        return Heard::Unknown(format!("503 {}", body["detail"]));
    }
    if status >= 400 {
        let problem = body["type"].as_str().unwrap_or_default();
        return Heard::Refused(Refusal {
            status,
            problem: problem.trim_start_matches("/problems/").to_owned(),
            against: against(body),
        });
    }
    Heard::Ok(match call {
        Call::Book { .. } | Call::Change { .. } | Call::Cancel { .. } | Call::Read { .. } => {
            Answer::Booking {
                id: number(body, "id"),
                slot: slot(body),
                status: text(body, "status"),
                version: number(body, "version"),
            }
        }
        Call::Try { .. } => Answer::Verdict {
            accepts: body["would"] == "accept",
            against: against(body),
        },
        Call::Hold { .. } => Answer::Hold {
            id: number(body, "id"),
            lasts_ms: parse_ms(&text(body, "expires_at")) - now_ms(),
        },
        Call::OpenOutage { .. } => Answer::Outage {
            id: number(body, "id"),
        },
        Call::Release { .. } | Call::EndOutage { .. } => Answer::Done,
    })
}

fn against(body: &Value) -> Against {
    let list = |name: &str| body[name].as_array().cloned().unwrap_or_default();
    let conflict = |one: &Value| Conflict {
        slot: slot(one),
        kind: text(one, "kind"),
    };
    Against {
        refusals: list("refusals")
            .iter()
            .map(|one| text(one, "rule"))
            .collect(),
        conflicts: list("conflicts").iter().map(conflict).collect(),
        next_free: list("next_free").iter().map(slot).collect(),
    }
}

fn slot(body: &Value) -> Slot {
    Slot::new(parse_ms(&text(body, "start")), parse_ms(&text(body, "end")))
}

fn text(body: &Value, name: &str) -> String {
    let text = body[name].as_str();
    text.unwrap_or_else(|| panic!("no {name} in {body:#}"))
        .to_owned()
}

fn number(body: &Value, name: &str) -> i64 {
    body[name]
        .as_i64()
        .unwrap_or_else(|| panic!("no {name} in {body:#}"))
}
