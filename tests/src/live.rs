//! Reads the live stream (server-sent events).

use std::time::Duration;

use reqwest::{Method, Response};
use serde_json::Value;

use crate::client::Client;

/// An open live stream.
pub struct Live {
    response: Response,
    text: String,
}

/// One event.
#[derive(Debug)]
pub struct LiveEvent {
    /// Its kind: `hello`, `status`, `bookings`, `readings`, `skipped`.
    pub kind: String,
    /// Its id, if it has one.
    pub id: Option<String>,
    /// Its data.
    pub data: Value,
}

impl Live {
    /// Opens the stream.
    ///
    /// # Panics
    /// When the gateway does not answer with a stream.
    pub async fn open(client: &Client, query: &str) -> Self {
        let request = client.request(Method::GET, &format!("/api/v1/live{query}"));
        let response = request.send().await.expect("the gateway answers");
        assert_eq!(response.status(), 200);
        Self {
            response,
            text: String::new(),
        }
    }

    /// Waits for an event that `wanted` accepts; others are passed over.
    ///
    /// # Panics
    /// When none comes in time or the stream ends.
    pub async fn wait_for(
        &mut self,
        what: &str,
        within: Duration,
        wanted: impl Fn(&LiveEvent) -> bool,
    ) -> LiveEvent {
        let search = async {
            loop {
                let event = self.next().await;
                if wanted(&event) {
                    return event;
                }
            }
        };
        let found = tokio::time::timeout(within, search).await;
        found.unwrap_or_else(|_| panic!("waited {within:?} on the live stream for {what}"))
    }

    async fn next(&mut self) -> LiveEvent {
        loop {
            while let Some((block, rest)) = self.text.split_once("\n\n") {
                let event = parse(block);
                self.text = rest.to_owned();
                if let Some(event) = event {
                    return event;
                }
            }
            let chunk = self
                .response
                .chunk()
                .await
                .expect("the stream does not break");
            let chunk = chunk.expect("the stream does not end");
            self.text += &String::from_utf8_lossy(&chunk).replace('\r', "");
        }
    }
}

/// Parses the lines of one event; comments alone are none.
fn parse(block: &str) -> Option<LiveEvent> {
    let field = |name: &str| {
        let line = block
            .lines()
            .find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
        line.map(|value| value.trim_start().to_owned())
    };
    let data = field("data")?;
    Some(LiveEvent {
        kind: field("event").unwrap_or_else(|| "message".to_owned()),
        id: field("id"),
        data: serde_json::from_str(&data).unwrap_or_else(|error| panic!("{data}: {error}")),
    })
}
