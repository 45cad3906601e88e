//! Bodies and queries, with every fault naming its field.

use axum::body::Bytes;
use axum::extract::rejection::BytesRejection;
use axum::extract::{DefaultBodyLimit, FromRequest, FromRequestParts, Request};
use axum::http::request::Parts;
use axum::http::{StatusCode, header};
use serde::de::{Deserialize, DeserializeOwned, Deserializer};

use super::problem::{Problem, ProblemType};
use super::texts::{check_body, check_query};
use crate::words::{Said, fault};

/// A JSON body of at most 1 MiB.
#[derive(Debug)]
pub struct Body<T>(pub T);

/// A JSON body that may be left out.
#[derive(Debug)]
pub struct MaybeBody<T>(pub T);

/// The query of the address.
#[derive(Debug)]
pub struct Query<T>(pub T);

/// A field of an edit that stays when it is left out and that null clears.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Clearable<T> {
    /// It was left out.
    #[default]
    Kept,
    /// It was given, or null.
    Set(Option<T>),
}

impl<T> Clearable<T> {
    /// Returns what is now: what was held, or what was given, converted.
    pub fn or<U>(self, held: Option<U>, convert: impl FnOnce(T) -> U) -> Option<U> {
        match self {
            Self::Kept => held,
            Self::Set(given) => given.map(convert),
        }
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Clearable<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Option::deserialize(deserializer).map(Self::Set)
    }
}

/// Sets what an edit names.
pub fn set<T>(held: &mut T, given: Option<T>) {
    if let Some(given) = given {
        *held = given;
    }
}

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for Body<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        demand_json(&request)?;
        let bytes = read(request, state).await?;
        parse_json(&bytes).map(Self)
    }
}

/// Reads a JSON body with a limit of its own.
///
/// # Errors
/// Returns `too-large` above it, `malformed-request` naming the field.
pub(super) async fn read_json<T: DeserializeOwned>(
    mut request: Request,
    bytes_max: usize,
) -> Result<T, Problem> {
    demand_json(&request)?;
    DefaultBodyLimit::max(bytes_max).apply(&mut request);
    parse_json(&read(request, &()).await?)
}

/// Reads a body of text with a limit of its own.
///
/// # Errors
/// Returns `too-large` above it, `malformed-request` if it is no UTF-8.
pub(super) async fn read_text(mut request: Request, bytes_max: usize) -> Result<String, Problem> {
    DefaultBodyLimit::max(bytes_max).apply(&mut request);
    let bytes = read(request, &()).await?;
    String::from_utf8(bytes.into()).map_err(|error| {
        Problem::field("(body)", "expected text in UTF-8").caused_by(error.utf8_error())
    })
}

/// Parses one part of a body on its own, so that others can be right.
///
/// # Errors
/// Returns the field within the part, empty for all of it, and what is wrong.
pub(super) fn parse_part<T: DeserializeOwned>(text: &str) -> Result<T, (String, Said)> {
    let mut reader = serde_json::Deserializer::from_str(text);
    serde_path_to_error::deserialize(&mut reader).map_err(|error| {
        let message = error.inner().to_string();
        let field = place_of(&error.path().to_string(), &message, "");
        (field, fault(&message))
    })
}

impl<T: DeserializeOwned + Default, S: Send + Sync> FromRequest<S> for MaybeBody<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        let bytes = read(request, state).await?;
        if bytes.is_empty() {
            return Ok(Self(T::default()));
        }
        parse_json(&bytes).map(Self)
    }
}

impl<T: DeserializeOwned, S: Send + Sync> FromRequestParts<S> for Query<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let query = parts.uri.query().unwrap_or_default();
        check_query(query)?;
        let pairs = form_urlencoded::parse(query.as_bytes());
        let reader = serde_urlencoded::Deserializer::new(pairs);
        serde_path_to_error::deserialize(reader)
            .map(Self)
            .map_err(|error| {
                named(
                    &error.path().to_string(),
                    &error.inner().to_string(),
                    "(query)",
                )
            })
    }
}

/// Parses a JSON body.
///
/// # Errors
/// Returns `malformed-request` naming the field, such as `rules[2].minutes`.
pub fn parse_json<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Problem> {
    check_body(bytes)?;
    let mut reader = serde_json::Deserializer::from_slice(bytes);
    let value = serde_path_to_error::deserialize(&mut reader).map_err(|error| {
        named(
            &error.path().to_string(),
            &error.inner().to_string(),
            "(body)",
        )
    })?;
    reader
        .end()
        .map_err(|error| named(".", &error.to_string(), "(body)"))?;
    Ok(value)
}

async fn read<S: Send + Sync>(request: Request, state: &S) -> Result<Bytes, Problem> {
    let read = Bytes::from_request(request, state).await;
    read.map_err(|rejection: BytesRejection| {
        if rejection.status() == StatusCode::PAYLOAD_TOO_LARGE {
            Problem::new(ProblemType::TooLarge)
        } else {
            Problem::field("(body)", "the body could not be read").caused_by(rejection)
        }
    })
}

fn demand_json(request: &Request) -> Result<(), Problem> {
    if is_json(request) {
        return Ok(());
    }
    let message = Said::fixed("应为 application/json", "expected application/json");
    Err(Problem::new(ProblemType::MalformedRequest).and_field("Content-Type", message))
}

pub(super) fn is_json(request: &Request) -> bool {
    let given = request.headers().get(header::CONTENT_TYPE);
    given
        .and_then(|value| value.to_str().ok())
        .and_then(|value| value.split(';').next())
        .is_some_and(|value| value.trim().eq_ignore_ascii_case("application/json"))
}

fn named(path: &str, message: &str, whole: &str) -> Problem {
    let field = place_of(path, message, whole);
    Problem::new(ProblemType::MalformedRequest).and_field(&field, fault(message))
}

/// Missing and unknown fields are named in the message, not in the path, which ends above them.
fn place_of(path: &str, message: &str, whole: &str) -> String {
    let within = match path {
        "." | "?" => String::new(),
        path => path.trim_end_matches(".?").to_owned(),
    };
    let told = ["missing field `", "unknown field `", "duplicate field `"]
        .into_iter()
        .find_map(|start| message.strip_prefix(start)?.split('`').next());
    let last = within.rsplit('.').next().unwrap_or_default();
    match told {
        Some(name) if last == name => within.clone(),
        Some(name) if within.is_empty() => name.to_owned(),
        Some(name) => format!("{within}.{name}"),
        None if within.is_empty() => whole.to_owned(),
        None => within,
    }
}
