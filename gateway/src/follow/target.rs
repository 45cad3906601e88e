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
/// <https://docs.influxdata.com/influxdb/v2/api/>: 401 and 403 are about the token, 404 about the
/// bucket, 408, 429 and 5xx about the moment; the other 4xx are about the lines.
fn judge(status: u16, text: &str) -> WriteError {
    let text: String = text.chars().take(REASON_LETTERS_MAX).collect();
    let why = format!("{status} {}", text.replace(['\r', '\n'], " "));
    let why = why.trim().to_owned();
    match status {
        401 | 403 | 404 | 408 | 429 => WriteError::Trouble(why),
        400..=499 => WriteError::Refused(why),
        _ => WriteError::Trouble(why),
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
        for (status, refused) in [
            (400, true),
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
