//! Questions to a store elsewhere over HTTP: few at a time, and answers of bounded size and time.

use std::time::Duration;

use tokio::sync::Semaphore;

use super::target::TIMEOUTS;
use crate::config::Elsewhere;
use crate::history::{HistoryError, RAW_POINTS_MAX};

/// Longest time for an answer: people wait for it.
const ANSWER_TIME_MAX: Duration = Duration::from_secs(10);

/// Questions at the same time; more wait, as long as for an answer.
const QUESTIONS_MAX: usize = 4;

/// Most bytes of an answer. Two hundred thousand points are some 10 MB of annotated CSV.
const ANSWER_BYTES_MAX: usize = 64 << 20;

/// Most letters of an answer that are repeated.
const REASON_LETTERS_MAX: usize = 300;

/// Asks one store.
#[derive(Debug)]
pub(super) struct Web {
    client: reqwest_old::Client,
    url: String,
    token: Option<String>,
    seats: Semaphore,
}

impl Web {
    /// Returns one for a store; nothing is sent yet.
    pub(super) fn new(elsewhere: &Elsewhere) -> Result<Self, String> {
        let client = reqwest_old::ClientBuilder::new()
            .connect_timeout(TIMEOUTS.0)
            .timeout(ANSWER_TIME_MAX)
            .build()
            .map_err(|error| error.to_string())?;
        let token = elsewhere.token.as_ref();
        Ok(Self {
            client,
            url: elsewhere.url.clone(),
            token: token.map(|token| format!("Token {}", token.expose())),
            seats: Semaphore::new(QUESTIONS_MAX),
        })
    }

    /// Posts a form and returns the answer's text.
    pub(super) async fn post_form(
        &self,
        path: &str,
        form: &[(&str, String)],
    ) -> Result<String, HistoryError> {
        self.ask(self.client.post(self.place(path)).form(form))
            .await
    }

    /// Posts JSON and returns the answer's text.
    pub(super) async fn post_json(
        &self,
        path: &str,
        query: &[(&str, &str)],
        body: &serde_json::Value,
    ) -> Result<String, HistoryError> {
        let request = self.client.post(self.place(path)).query(query);
        let request = request
            .header("Content-Type", "application/json")
            .header("Accept", "application/csv")
            .body(body.to_string());
        self.ask(request).await
    }

    fn place(&self, path: &str) -> String {
        format!("{}{path}", self.url)
    }

    async fn ask(&self, request: reqwest_old::RequestBuilder) -> Result<String, HistoryError> {
        let answer = async {
            let _seat = self.seats.acquire().await.map_err(failed)?;
            let request = match &self.token {
                Some(token) => request.header("Authorization", token),
                None => request,
            };
            let mut answer = request.send().await.map_err(failed)?;
            let status = answer.status();
            let mut bytes = Vec::new();
            while let Some(part) = answer.chunk().await.map_err(failed)? {
                if bytes.len() + part.len() > ANSWER_BYTES_MAX {
                    return Err(HistoryError::TooMany {
                        max: RAW_POINTS_MAX,
                    });
                }
                bytes.extend_from_slice(&part);
            }
            let text = String::from_utf8(bytes).map_err(failed)?;
            if !status.is_success() {
                let text: String = text.chars().take(REASON_LETTERS_MAX).collect();
                return Err(failed(format!("{} {text}", status.as_u16())));
            }
            Ok(text)
        };
        let in_time = tokio::time::timeout(ANSWER_TIME_MAX, answer).await;
        in_time.unwrap_or_else(|_| Err(failed("no answer in time")))
    }
}

fn failed(why: impl std::fmt::Display) -> HistoryError {
    HistoryError::Elsewhere {
        why: why.to_string(),
    }
}
