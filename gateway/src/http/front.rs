//! What every request passes, in this order: id, language, caller, limits, the handler (with a time
//! limit, panics caught), problems rendered, headers, counts.

use std::fmt::{Display, Formatter};
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::extract::{MatchedPath, Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use futures::FutureExt as _;

use super::caller::{self, Caller};
use super::problem::{Problem, ProblemType};
use super::state::HttpState;
use crate::words::{Language, Said};

/// Time a handler has for its answer; streams go on after it.
const HANDLER_TIME_MAX: Duration = Duration::from_secs(30);

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// Names a request in its answer and in the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RequestId {
    /// Random for each start of the process, so that ids of two runs differ.
    pub run: u32,
    /// Counts requests.
    pub number: u64,
}

impl Display for RequestId {
    fn fmt(&self, f: &mut Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:08x}-{:x}", self.run, self.number)
    }
}

/// Runs a request through everything that all requests share.
pub(super) async fn front(
    State(state): State<HttpState>,
    mut request: Request,
    next: Next,
) -> Response {
    let begun = Instant::now();
    let id = state.next_request_id();
    let language = Language::preferred(text(request.headers(), &header::ACCEPT_LANGUAGE));
    let route = request.extensions().get::<MatchedPath>().cloned();
    let method = request.method().clone();

    let mut response = match caller::identify(&state, &request, language, id) {
        Ok(caller) => match admit(&state, &request, caller) {
            Ok(()) => {
                request.extensions_mut().insert(caller);
                handle(request, next).await
            }
            Err(problem) => problem.into_response(),
        },
        Err(problem) => problem.into_response(),
    };
    if let Some(problem) = response.extensions_mut().remove::<Arc<Problem>>() {
        let allow = response.headers_mut().remove(header::ALLOW);
        response = problem.render(language, id);
        if let Some(allow) = allow {
            response.headers_mut().insert(header::ALLOW, allow);
        }
    }
    seal(&state, response.headers_mut(), id);
    let route = route.as_ref().map(MatchedPath::as_str);
    state
        .counts()
        .record(&method, route, response.status(), begun.elapsed());
    response
}

/// Checks what depends on the caller and not on the route: forged requests and rates.
fn admit(state: &HttpState, request: &Request, caller: Caller) -> Result<(), Problem> {
    let path = request.uri().path();
    if path.starts_with("/api/") {
        caller::refuse_forged(state, request, caller)?;
        state.pace(caller)?;
    }
    Ok(())
}

async fn handle(request: Request, next: Next) -> Response {
    let answer = AssertUnwindSafe(next.run(request)).catch_unwind();
    match tokio::time::timeout(HANDLER_TIME_MAX, answer).await {
        Ok(Ok(response)) => response,
        Ok(Err(panic)) => {
            let said = panic
                .downcast_ref::<String>()
                .map(String::as_str)
                .or_else(|| panic.downcast_ref::<&str>().copied());
            let said = format!("a handler panicked: {}", said.unwrap_or("(no message)"));
            Problem::internal(said).into_response()
        }
        Err(_) => {
            let reason = Said::fixed("处理超时（30 秒）", "no answer within 30 s");
            Problem::not_ready(reason, 5).into_response()
        }
    }
}

/// Adds the headers of every answer; a handler's own come first.
fn seal(state: &HttpState, headers: &mut HeaderMap, id: RequestId) {
    let id = HeaderValue::from_str(&id.to_string()).expect("hexadecimal digits are a header value");
    headers.insert(REQUEST_ID, id);
    for (name, value) in SEALS {
        if !headers.contains_key(&name) {
            headers.insert(name, HeaderValue::from_static(value));
        }
    }
    if state.site().is_https {
        let year = HeaderValue::from_static("max-age=31536000");
        headers.insert(header::STRICT_TRANSPORT_SECURITY, year);
    }
}

const SEALS: [(HeaderName, &str); 5] = [
    (
        header::CONTENT_SECURITY_POLICY,
        dashboards::CONTENT_SECURITY_POLICY,
    ),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::REFERRER_POLICY, "no-referrer"),
    // Answers depend on who asks and must not stay in shared places unless a handler says so.
    (header::CACHE_CONTROL, "no-store"),
    (header::VARY, "accept-language, cookie, authorization"),
];

/// Returns a header's value if it is there once and is text.
#[must_use]
pub fn text<'h>(headers: &'h HeaderMap, name: &HeaderName) -> Option<&'h str> {
    headers.get(name).and_then(|value| value.to_str().ok())
}

/// The answer where no route is.
pub(super) async fn no_such_method() -> Problem {
    Problem::new(ProblemType::MethodNotAllowed)
}
