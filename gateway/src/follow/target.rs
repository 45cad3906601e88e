//! The store elsewhere as a target of writes, through the `influxdb2` crate. InfluxDB 2 and
//! VictoriaMetrics take the very same call.

use std::time::Duration;

use bytes::Bytes;
use influxdb2::api::write::TimestampPrecision;
use influxdb2::{Client, ClientBuilder, RequestError};

use super::{Elsewhere, Kind};

/// Longest time for a connection, and for one request with its answer.
pub(super) const TIMEOUTS: (Duration, Duration) = (Duration::from_secs(5), Duration::from_secs(30));

/// Most letters of an answer that are repeated in logs.
const REASON_LETTERS_MAX: usize = 300;

/// Why lines were not written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum WriteError {
    /// The store will never take them as they are.
    Refused(String),
    /// It may take them later: it is down, slow, or its settings are wrong.
    Trouble(String),
}

/// Writes lines.
#[derive(Debug)]
pub(super) struct Target {
    client: Client,
    org: String,
    bucket: String,
}

impl Target {
    /// Returns a target; nothing is sent yet.
    pub(super) fn new(elsewhere: &Elsewhere) -> Result<Self, String> {
        let (org, bucket) = match &elsewhere.kind {
            Kind::Influx { org, bucket } => (org.as_str(), bucket.as_str()),
            // It ignores both.
            Kind::Victoria => ("ortoo", "ortoo"),
        };
        let token = elsewhere.token.as_ref().map_or("", |token| token.expose());
        let http = reqwest_old::ClientBuilder::new()
            .connect_timeout(TIMEOUTS.0)
            .timeout(TIMEOUTS.1);
        let builder = ClientBuilder::with_builder(http, elsewhere.url.as_str(), org, token);
        Ok(Self {
            client: builder.build().map_err(|error| error.to_string())?,
            org: org.to_owned(),
            bucket: bucket.to_owned(),
        })
    }

    /// Writes lines with times in milliseconds. Only the answer 204 counts as done.
    pub(super) async fn write(&self, lines: Bytes) -> Result<(), WriteError> {
        let precision = TimestampPrecision::Milliseconds;
        let written = self.client.write_line_protocol_with_precision(
            &self.org,
            &self.bucket,
            lines,
            precision,
        );
        match written.await {
            Ok(()) => Ok(()),
            Err(RequestError::Http { status, text }) => Err(judge(status.as_u16(), &text)),
            Err(error) => Err(WriteError::Trouble(told(&error))),
        }
    }
}

/// Tells lines that are wrong from a store that is. Source: the answers of `POST /api/v2/write`,
/// <https://docs.influxdata.com/influxdb/v2/api/>: 413 and 422 are about the lines, and 400 if it is
/// the store that says so, in JSON with a `code`. A proxy, or a port that speaks TLS, answers 400 too,
/// to all lines alike: what waits is not thrown away for that. VictoriaMetrics takes what it can of
/// lines and answers 204.
fn judge(status: u16, text: &str) -> WriteError {
    let said: Option<serde_json::Value> = serde_json::from_str(text).ok();
    let is_said_by_the_store =
        said.is_some_and(|said| said.get("code").is_some_and(serde_json::Value::is_string));
    let text: String = text.chars().take(REASON_LETTERS_MAX).collect();
    let why = format!("{status} {}", text.replace(['\r', '\n'], " "));
    let why = why.trim().to_owned();
    let is_refused = match status {
        413 | 422 => true,
        400 => is_said_by_the_store,
        _ => false,
    };
    if is_refused {
        WriteError::Refused(why)
    } else {
        WriteError::Trouble(why)
    }
}

/// Returns an error with its causes; the address in it may hold no secret, tokens are in headers.
fn told(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        let cause_text = cause.to_string();
        // Some errors repeat their cause, some do not.
        if !text.contains(&cause_text) {
            text.push_str(": ");
            text.push_str(&cause_text);
        }
        source = cause.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_answers_about_the_lines_refuse_them() {
        let own = r#"{"code":"invalid","message":"unable to parse"}"#;
        assert!(matches!(judge(400, own), WriteError::Refused(_)));
        for (status, refused) in [
            // "Client sent an HTTP request to an HTTPS server."
            (400, false),
            (413, true),
            (422, true),
            (401, false),
            (403, false),
            (404, false),
            (429, false),
            (500, false),
            (503, false),
            // A captive proxy's page is no proof.
            (200, false),
        ] {
            let judged = matches!(judge(status, "x"), WriteError::Refused(_));
            assert_eq!(judged, refused, "{status}");
        }
    }
}
