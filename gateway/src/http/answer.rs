//! Answers that handlers make: JSON with an entity tag, packed bytes, conditional requests.

use std::io::Write as _;

use axum::body::Body;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use flate2::Compression;
use flate2::write::GzEncoder;
use serde::Serialize;

use super::front::text;
use super::problem::Problem;

/// Bodies below this are sent as they are: packing them gains nothing.
const PACK_BYTES_MIN: usize = 4 * 1024;

/// Bodies above this are packed on a thread of their own.
const PACK_INLINE_BYTES_MAX: usize = 256 * 1024;

/// A JSON answer.
#[derive(Debug)]
pub struct Json<T>(pub T);

impl<T: Serialize> IntoResponse for Json<T> {
    fn into_response(self) -> Response {
        match serde_json::to_vec(&self.0) {
            Ok(bytes) => typed(JSON, bytes.into()),
            Err(error) => Problem::internal(error).into_response(),
        }
    }
}

/// `application/json`.
pub const JSON: HeaderValue = HeaderValue::from_static("application/json");

/// A JSON answer about one thing, with its version as entity tag.
#[derive(Debug)]
pub struct Versioned<T> {
    /// The version.
    pub version: i64,
    /// The thing.
    pub body: T,
}

impl<T: Serialize> IntoResponse for Versioned<T> {
    fn into_response(self) -> Response {
        let mut response = Json(self.body).into_response();
        let tag = HeaderValue::from_str(&format!("\"{}\"", self.version));
        let tag = tag.expect("a quoted number is a header value");
        response.headers_mut().insert(header::ETAG, tag);
        response
    }
}

/// Answers 201 with the address of what was made.
#[derive(Debug)]
pub struct Created<T>(pub String, pub T);

impl<T: IntoResponse> IntoResponse for Created<T> {
    fn into_response(self) -> Response {
        let mut response = self.1.into_response();
        if response.status() == StatusCode::OK {
            *response.status_mut() = StatusCode::CREATED;
        }
        // Names in addresses are of our own narrow alphabets or numbers.
        if let Ok(location) = HeaderValue::from_str(&self.0) {
            response.headers_mut().insert(header::LOCATION, location);
        }
        response
    }
}

/// Returns an answer of a type.
#[must_use]
pub fn typed(content_type: HeaderValue, bytes: Bytes) -> Response {
    ([(header::CONTENT_TYPE, content_type)], Body::from(bytes)).into_response()
}

/// Returns bytes packed with gzip.
///
/// # Panics
/// Never: a vector takes all bytes.
#[must_use]
pub fn gzip(bytes: &[u8]) -> Bytes {
    let mut packer = GzEncoder::new(Vec::with_capacity(bytes.len() / 4), Compression::fast());
    packer.write_all(bytes).expect("a vector takes all bytes");
    packer.finish().expect("a vector takes all bytes").into()
}

/// Returns an answer, packed if the reader accepts it and it gains something.
pub(super) async fn packed(
    headers: &HeaderMap,
    content_type: HeaderValue,
    bytes: Vec<u8>,
) -> Response {
    if bytes.len() < PACK_BYTES_MIN || !accepts_gzip(headers) {
        return typed(content_type, bytes.into());
    }
    let packed = if bytes.len() <= PACK_INLINE_BYTES_MAX {
        Ok(gzip(&bytes))
    } else {
        tokio::task::spawn_blocking(move || gzip(&bytes)).await
    };
    match packed {
        Ok(packed) => as_gzip(typed(content_type, packed)),
        Err(error) => Problem::internal(error).into_response(),
    }
}

/// Returns whichever of two ready forms the reader accepts.
#[must_use]
pub fn either(
    headers: &HeaderMap,
    kind: HeaderValue,
    plain: Bytes,
    packed: Option<Bytes>,
) -> Response {
    match packed {
        Some(packed) if accepts_gzip(headers) => as_gzip(typed(kind, packed)),
        _ => typed(kind, plain),
    }
}

fn as_gzip(mut response: Response) -> Response {
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static("gzip"));
    headers.append(header::VARY, HeaderValue::from_static("accept-encoding"));
    response
}

/// Returns true if `Accept-Encoding` lists gzip with a weight above 0.
#[must_use]
pub fn accepts_gzip(headers: &HeaderMap) -> bool {
    let codings = text(headers, &header::ACCEPT_ENCODING).unwrap_or_default();
    codings.split(',').any(|coding| {
        let (name, weight) = coding.split_once(';').unwrap_or((coding, ""));
        name.trim().eq_ignore_ascii_case("gzip") && !matches!(weight.trim(), "q=0" | "q=0.0")
    })
}

/// Returns true if `If-None-Match` names the tag: the reader has it already.
#[must_use]
pub fn is_known(headers: &HeaderMap, etag: &str) -> bool {
    let tags = text(headers, &header::IF_NONE_MATCH).unwrap_or_default();
    tags.split(',')
        .map(|tag| tag.trim().trim_start_matches("W/"))
        .any(|tag| tag == etag || tag == "*")
}

/// Returns the version that `If-Match` demands; `None`: any.
///
/// # Errors
/// Returns `malformed-request` for what is no tag of ours.
pub fn demanded_version(headers: &HeaderMap) -> Result<Option<i64>, Problem> {
    match text(headers, &header::IF_MATCH).map(str::trim) {
        None | Some("*") => Ok(None),
        Some(tag) => {
            let quoted = tag.strip_prefix('"').and_then(|tag| tag.strip_suffix('"'));
            // Those who write the bare number mean the same.
            let version: Option<i64> = quoted.unwrap_or(tag).parse().ok();
            let version = version.filter(|version| *version >= 0);
            let expected = "expected a version in quotes, such as \"3\", or *";
            version
                .map(Some)
                .ok_or_else(|| Problem::field("If-Match", expected))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::problem::ProblemType;
    use super::*;

    fn headers(name: header::HeaderName, value: &'static str) -> HeaderMap {
        HeaderMap::from_iter([(name, HeaderValue::from_static(value))])
    }

    #[test]
    fn gzip_is_used_only_where_it_is_wanted() {
        let accepts = |value| accepts_gzip(&headers(header::ACCEPT_ENCODING, value));
        assert!(accepts("br, gzip;q=0.5"));
        assert!(!accepts("br"));
        assert!(!accepts("gzip;q=0"));
        assert!(!accepts_gzip(&HeaderMap::new()));
    }

    #[test]
    fn tags_are_compared_as_a_whole() {
        let knows = |value| is_known(&headers(header::IF_NONE_MATCH, value), "\"ab\"");
        assert!(knows("\"ab\""));
        assert!(knows("\"x\", W/\"ab\""));
        assert!(!knows("\"abc\""));
    }

    #[test]
    fn if_match_is_a_version_or_nothing() {
        let demanded = |value| demanded_version(&headers(header::IF_MATCH, value));
        assert_eq!(demanded("\"4\"").unwrap(), Some(4));
        assert_eq!(demanded("*").unwrap(), None);
        assert_eq!(demanded("4").unwrap(), Some(4));
        for wrong in [
            "\"x\"",
            "\"\"",
            "\"1",
            "-1",
            "\"-1\"",
            "W/\"1\"",
            "\"1\", \"2\"",
            "",
        ] {
            let problem = demanded(wrong).unwrap_err();
            assert_eq!(problem.kind(), ProblemType::MalformedRequest, "{wrong}");
        }
        assert_eq!(demanded_version(&HeaderMap::new()).unwrap(), None);
    }
}
