//! Errors as `application/problem+json` (RFC 9457): a closed list of types, each a help page.
//!
//! Handlers return [`Problem`]; it becomes an answer in [`Problem::render`], which knows the
//! reader's language and the request's id, and logs the chain of causes, once.

use std::error::Error;
use std::sync::Arc;

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use serde_json::{Map, Value};
use utoipa::ToSchema;

use super::front::RequestId;
use crate::words::{self, Language, Said};

/// The kinds of problems; the pages switch on them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ProblemType {
    /// Body, query or time not understood.
    MalformedRequest,
    /// No or bad credentials.
    NotSignedIn,
    /// Known caller, no right.
    NotAllowed,
    /// Absent, or not visible to this caller.
    NotFound,
    /// The address exists, not for this method.
    MethodNotAllowed,
    /// Overlap is the only reason against a booking.
    SlotTaken,
    /// `If-Match` lost.
    StaleVersion,
    /// The transition is not allowed.
    WrongState,
    /// Rules refuse; all reasons are listed.
    RefusedByPolicy,
    /// The same key with another body.
    IdempotencyKeyReused,
    /// The body exceeds its limit.
    TooLarge,
    /// A rate limit.
    TooManyRequests,
    /// Something this needs does not work now.
    NotReady,
    /// Anything else.
    Internal,
}

impl ProblemType {
    /// Every type.
    pub const ALL: [Self; 14] = [
        Self::MalformedRequest,
        Self::NotSignedIn,
        Self::NotAllowed,
        Self::NotFound,
        Self::MethodNotAllowed,
        Self::SlotTaken,
        Self::StaleVersion,
        Self::WrongState,
        Self::RefusedByPolicy,
        Self::IdempotencyKeyReused,
        Self::TooLarge,
        Self::TooManyRequests,
        Self::NotReady,
        Self::Internal,
    ];

    /// Returns the last part of the type's address.
    #[must_use]
    pub fn slug(self) -> &'static str {
        self.row().0
    }

    /// Returns the status code.
    #[must_use]
    pub fn status(self) -> StatusCode {
        self.row().1
    }

    /// Returns the address, which is also the help page.
    #[must_use]
    pub fn uri(self) -> String {
        format!("/problems/{}", self.slug())
    }

    /// Finds a type by its slug.
    #[must_use]
    pub fn parse(slug: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.slug() == slug)
    }

    fn row(self) -> (&'static str, StatusCode) {
        match self {
            Self::MalformedRequest => ("malformed-request", StatusCode::BAD_REQUEST),
            Self::NotSignedIn => ("not-signed-in", StatusCode::UNAUTHORIZED),
            Self::NotAllowed => ("not-allowed", StatusCode::FORBIDDEN),
            Self::NotFound => ("not-found", StatusCode::NOT_FOUND),
            Self::MethodNotAllowed => ("method-not-allowed", StatusCode::METHOD_NOT_ALLOWED),
            Self::SlotTaken => ("slot-taken", StatusCode::CONFLICT),
            Self::StaleVersion => ("stale-version", StatusCode::CONFLICT),
            Self::WrongState => ("wrong-state", StatusCode::CONFLICT),
            Self::RefusedByPolicy => ("refused-by-policy", StatusCode::UNPROCESSABLE_ENTITY),
            Self::IdempotencyKeyReused => {
                ("idempotency-key-reused", StatusCode::UNPROCESSABLE_ENTITY)
            }
            Self::TooLarge => ("too-large", StatusCode::PAYLOAD_TOO_LARGE),
            Self::TooManyRequests => ("too-many-requests", StatusCode::TOO_MANY_REQUESTS),
            Self::NotReady => ("not-ready", StatusCode::SERVICE_UNAVAILABLE),
            Self::Internal => ("internal", StatusCode::INTERNAL_SERVER_ERROR),
        }
    }
}

/// What a handler answers when it cannot do what was asked. Boxed: it travels in every `Result`.
#[derive(Debug)]
pub struct Problem(Box<Inner>);

#[derive(Debug)]
struct Inner {
    kind: ProblemType,
    detail: Option<Said>,
    fields: Vec<(String, Said)>,
    extensions: Map<String, Value>,
    reason: Option<Said>,
    retry_after_s: Option<u64>,
    cause: Option<Box<dyn Error + Send + Sync>>,
}

/// The body of a problem as readers get it.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Problem)]
pub struct ProblemBody {
    /// Address of the type and of its help page, such as `/problems/slot-taken`.
    #[serde(rename = "type")]
    kind: String,
    /// One line, the same for every problem of the type.
    title: String,
    /// The HTTP status.
    status: u16,
    /// What is wrong in this case.
    detail: String,
    /// The request's id, under which the log tells more.
    instance: String,
    /// `malformed-request`: what is wrong with which field.
    #[serde(skip_serializing_if = "Option::is_none")]
    errors: Option<Vec<FieldFault>>,
    /// `not-ready`: why.
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
    /// `too-many-requests`, `not-ready`: seconds to wait.
    #[serde(skip_serializing_if = "Option::is_none")]
    retry_after_s: Option<u64>,
    /// `slot-taken`: `conflicts`, `next_free`; `refused-by-policy`: `refusals`, `conflicts`.
    #[serde(flatten)]
    extensions: Map<String, Value>,
}

/// One field of a malformed request.
#[derive(Debug, Serialize, ToSchema)]
pub struct FieldFault {
    /// Its path in the body or query, such as `rules[2].minutes`.
    field: String,
    /// What is wrong with it.
    message: String,
}

impl Problem {
    /// Returns a problem of a type without more to say.
    #[must_use]
    pub fn new(kind: ProblemType) -> Self {
        Self(Box::new(Inner {
            kind,
            detail: None,
            fields: Vec::new(),
            extensions: Map::new(),
            reason: None,
            retry_after_s: None,
            cause: None,
        }))
    }

    /// Returns [`ProblemType::NotFound`].
    #[must_use]
    pub fn not_found() -> Self {
        Self::new(ProblemType::NotFound)
    }

    /// Returns [`ProblemType::MalformedRequest`] about one field; `message` is one of
    /// [`words::fault`]'s.
    #[must_use]
    pub fn field(field: &str, message: &str) -> Self {
        Self::new(ProblemType::MalformedRequest).and_field(field, words::fault(message))
    }

    /// Returns [`ProblemType::WrongState`] with what stands against it.
    #[must_use]
    pub fn wrong_state(detail: Said) -> Self {
        Self::new(ProblemType::WrongState).detail(detail)
    }

    /// Returns [`ProblemType::NotReady`] with its reason.
    #[must_use]
    pub fn not_ready(reason: Said, retry_after_s: u64) -> Self {
        let mut problem = Self::new(ProblemType::NotReady).retry_after(retry_after_s);
        problem.0.reason = Some(reason);
        problem
    }

    /// Returns [`ProblemType::TooManyRequests`].
    #[must_use]
    pub fn too_many(retry_after_s: u64) -> Self {
        Self::new(ProblemType::TooManyRequests).retry_after(retry_after_s)
    }

    /// Returns [`ProblemType::Internal`]; the cause goes to the log only.
    #[must_use]
    pub fn internal(cause: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        let mut problem = Self::new(ProblemType::Internal);
        problem.0.cause = Some(cause.into());
        problem
    }

    /// Says what is wrong in this case.
    #[must_use]
    pub fn detail(mut self, detail: Said) -> Self {
        self.0.detail = Some(detail);
        self
    }

    /// Adds a field that is not as it should be.
    #[must_use]
    pub fn and_field(mut self, field: &str, message: Said) -> Self {
        self.0.fields.push((field.to_owned(), message));
        self
    }

    /// Adds a member of the body.
    ///
    /// # Panics
    /// If the value has keys that are no text; ours have none.
    #[must_use]
    pub fn with(mut self, name: &'static str, value: impl Serialize) -> Self {
        let value = serde_json::to_value(value).expect("our own answers have string keys");
        self.0.extensions.insert(name.to_owned(), value);
        self
    }

    /// Keeps the cause for the log.
    #[must_use]
    pub fn caused_by(mut self, cause: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        self.0.cause = Some(cause.into());
        self
    }

    fn retry_after(mut self, seconds: u64) -> Self {
        self.0.retry_after_s = Some(seconds);
        self
    }

    /// Returns the kind.
    #[must_use]
    pub fn kind(&self) -> ProblemType {
        self.0.kind
    }

    /// Returns the answer in the reader's language, and logs the causes of what is our fault.
    #[must_use]
    pub fn render(&self, language: Language, request: RequestId) -> Response {
        self.log(request);
        let kind = self.kind();
        let mut response = (kind.status(), self.json(language, request)).into_response();
        let headers = response.headers_mut();
        headers.insert(
            header::CONTENT_TYPE,
            HeaderValue::from_static("application/problem+json"),
        );
        headers.insert(
            header::CONTENT_LANGUAGE,
            HeaderValue::from_static(language.tag()),
        );
        if let Some(seconds) = self.0.retry_after_s {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        if kind == ProblemType::NotSignedIn {
            let scheme = HeaderValue::from_static("Bearer realm=\"ortoo\"");
            headers.insert(header::WWW_AUTHENTICATE, scheme);
        }
        response
    }

    fn json(&self, language: Language, request: RequestId) -> String {
        let inner = &self.0;
        let words = words::problem(inner.kind);
        let say = |said: &Said| said.text(language).to_owned();
        let fields = inner.fields.iter().map(|(field, message)| FieldFault {
            field: field.clone(),
            message: say(message),
        });
        let first = inner.fields.first().map(|(field, message)| {
            let separator = match language {
                Language::Zh => "：",
                Language::En => ": ",
            };
            format!("{field}{separator}{}", message.text(language))
        });
        let detail = inner.detail.as_ref().map(say).or(first);
        let body = ProblemBody {
            kind: inner.kind.uri(),
            title: say(&words.title),
            status: inner.kind.status().as_u16(),
            detail: detail.unwrap_or_else(|| say(&words.help)),
            instance: request.to_string(),
            errors: (inner.kind == ProblemType::MalformedRequest || !inner.fields.is_empty())
                .then(|| fields.collect()),
            reason: inner.reason.as_ref().map(say),
            retry_after_s: inner.retry_after_s,
            extensions: inner.extensions.clone(),
        };
        serde_json::to_string(&body).expect("a problem has string keys")
    }

    fn log(&self, request: RequestId) {
        let cause = self.0.cause.as_ref().map(|cause| chain(cause.as_ref()));
        let cause = cause.as_deref().unwrap_or("none");
        let reason = self.0.reason.as_ref().map(|said| said.text(Language::En));
        let kind = self.kind();
        if kind == ProblemType::Internal {
            log_failed(request, cause);
        } else if kind == ProblemType::NotReady {
            log_not_ready(request, reason, cause);
        } else {
            log_refused(request, kind, cause);
        }
    }
}

fn log_failed(request: RequestId, cause: &str) {
    tracing::error!(%request, cause, "a request failed");
}

fn log_not_ready(request: RequestId, reason: Option<&str>, cause: &str) {
    tracing::warn!(%request, reason, cause, "a request was refused: not ready");
}

fn log_refused(request: RequestId, kind: ProblemType, cause: &str) {
    tracing::debug!(%request, kind = kind.slug(), cause, "a request was refused");
}

/// The answer is only marked here; the front, which knows language and request id, renders it.
impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let mut response = self.kind().status().into_response();
        response.extensions_mut().insert(Arc::new(self));
        response
    }
}

/// Returns an error and everything that caused it in one line. Errors here never repeat their
/// source, so nothing is printed twice.
fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text.push_str(": ");
        text.push_str(&cause.to_string());
        source = cause.source();
    }
    text
}
