//! A client of the HTTP API that says what it asked when the answer is not the expected one.

use reqwest::header::{HeaderMap, HeaderValue};
use reqwest::{Method, RequestBuilder, StatusCode};
use serde_json::Value;

/// Someone who calls the API: nobody, or the holder of a token.
#[derive(Clone)]
pub struct Client {
    http: reqwest::Client,
    base: String,
    token: Option<String>,
    language: &'static str,
}

/// What came back.
#[derive(Debug)]
pub struct Answer {
    /// The request, for messages.
    pub asked: String,
    /// The status.
    pub status: StatusCode,
    /// The headers.
    pub headers: HeaderMap,
    /// The body: JSON, or a text when it is not JSON, or null when it is empty.
    pub body: Value,
}

impl Client {
    /// Makes a caller without a name, who reads English.
    #[must_use]
    pub fn anonymous(base: &str) -> Self {
        Self {
            http: reqwest::Client::new(),
            base: base.trim_end_matches('/').to_owned(),
            token: None,
            language: "en",
        }
    }

    /// Makes a caller with a token.
    #[must_use]
    pub fn with_token(&self, token: &str) -> Self {
        Self {
            token: Some(token.to_owned()),
            ..self.clone()
        }
    }

    /// Makes the same caller with another language.
    #[must_use]
    pub fn reading(&self, language: &'static str) -> Self {
        Self {
            language,
            ..self.clone()
        }
    }

    /// Makes the same caller at another address, after a restart.
    #[must_use]
    pub fn at(&self, base: &str) -> Self {
        Self {
            base: base.trim_end_matches('/').to_owned(),
            ..self.clone()
        }
    }

    /// Builds a request with the caller's token and language.
    pub fn request(&self, method: Method, path: &str) -> RequestBuilder {
        let request = self.http.request(method, format!("{}{path}", self.base));
        let request = request.header("Accept-Language", HeaderValue::from_static(self.language));
        match &self.token {
            Some(token) => request.bearer_auth(token),
            None => request,
        }
    }

    /// Sends a request; an error means that no answer came.
    ///
    /// # Errors
    /// Returns the transport's words, with what was asked.
    pub async fn try_send(
        &self,
        method: Method,
        path: &str,
        body: Option<&Value>,
    ) -> Result<Answer, String> {
        let mut request = self.request(method.clone(), path);
        if let Some(body) = body {
            request = request.json(body);
        }
        Answer::of(format!("{method} {path}"), request).await
    }

    async fn send(&self, method: Method, path: &str, body: Option<&Value>) -> Answer {
        self.try_send(method, path, body)
            .await
            .unwrap_or_else(|error| panic!("{error}"))
    }

    /// `GET`.
    pub async fn get(&self, path: &str) -> Answer {
        self.send(Method::GET, path, None).await
    }

    /// `POST` with JSON.
    pub async fn post(&self, path: &str, body: &Value) -> Answer {
        self.send(Method::POST, path, Some(body)).await
    }

    /// `PUT` with JSON.
    pub async fn put(&self, path: &str, body: &Value) -> Answer {
        self.send(Method::PUT, path, Some(body)).await
    }

    /// `PATCH` with JSON.
    pub async fn patch(&self, path: &str, body: &Value) -> Answer {
        self.send(Method::PATCH, path, Some(body)).await
    }

    /// `DELETE`.
    pub async fn delete(&self, path: &str) -> Answer {
        self.send(Method::DELETE, path, None).await
    }
}

impl Answer {
    /// Sends a request built by hand.
    ///
    /// # Errors
    /// Returns the transport's words, with what was asked.
    pub async fn of(asked: String, request: RequestBuilder) -> Result<Self, String> {
        let failed = |error: reqwest::Error| format!("{asked}: no answer: {error:?}");
        let response = request.send().await.map_err(failed)?;
        let (status, headers) = (response.status(), response.headers().clone());
        let bytes = response.bytes().await.map_err(failed)?;
        let body = if bytes.is_empty() {
            Value::Null
        } else {
            serde_json::from_slice(&bytes)
                .unwrap_or_else(|_| Value::String(String::from_utf8_lossy(&bytes).into_owned()))
        };
        Ok(Self {
            asked,
            status,
            headers,
            body,
        })
    }

    /// Returns the body of an answer that must have this status.
    ///
    /// # Panics
    /// When it has another one; the message holds the question and the answer.
    #[must_use]
    #[track_caller]
    pub fn expect(self, status: u16) -> Value {
        assert_eq!(
            self.status.as_u16(),
            status,
            "{}: {:#}",
            self.asked,
            self.body
        );
        self.body
    }

    /// Returns the body of a refusal that must be this problem.
    ///
    /// # Panics
    /// When status, media type or problem type are others.
    #[must_use]
    #[track_caller]
    pub fn expect_problem(self, status: u16, slug: &str) -> Value {
        let media = self
            .headers
            .get("content-type")
            .and_then(|value| value.to_str().ok());
        assert_eq!(
            media,
            Some("application/problem+json"),
            "{}: {:#}",
            self.asked,
            self.body
        );
        let asked = self.asked.clone();
        let body = self.expect(status);
        assert_eq!(
            body["type"],
            format!("/problems/{slug}"),
            "{asked}: {body:#}"
        );
        body
    }
}
