//! `Idempotency-Key`: a retry with the same key and the same request does it once.

use axum::http::{HeaderMap, HeaderName};
use serde_json::Value;
use sha2::{Digest, Sha256};

use super::front::text;
use super::problem::Problem;
use super::texts::check_line;

/// Most characters of a key.
const KEY_CHARACTERS_MAX: usize = 200;

const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");

/// Returns the request's key, if it has one, and the hash of what it means: a retry may be written
/// with other spaces or another offset.
///
/// # Errors
/// Returns `malformed-request` for an empty key and one that is too long.
pub fn key_of(headers: &HeaderMap, meaning: &Value) -> Result<Option<(String, [u8; 32])>, Problem> {
    let Some(key) = text(headers, &IDEMPOTENCY_KEY).map(str::trim) else {
        return Ok(None);
    };
    if key.is_empty() {
        return Err(Problem::field("Idempotency-Key", "must not be empty"));
    }
    check_line("Idempotency-Key", key, KEY_CHARACTERS_MAX)?;
    let digest = Sha256::digest(meaning.to_string().as_bytes());
    Ok(Some((key.to_owned(), digest.into())))
}
