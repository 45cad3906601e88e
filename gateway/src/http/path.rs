//! From the key in an address to the instrument, and from a number to a node: the only place over
//! HTTP where outside names become inside identities.

use std::sync::Arc;

use axum::extract::{FromRef, FromRequestParts, RawPathParams};
use axum::http::request::Parts;
use scheduler::id::{InstrumentId, NodeId};
use wire::InstrumentKey;

use super::caller::Caller;
use super::problem::Problem;
use super::state::HttpState;
use crate::registry::{Directory, Instrument, Node, SharedDirectory};

/// An instrument of the address that the caller may know of, in the directory of this request.
#[derive(Debug)]
pub struct Found {
    /// The directory, the same for the whole request.
    pub directory: Arc<Directory>,
    /// The instrument in it.
    pub id: InstrumentId,
}

/// A node of the address.
#[derive(Debug)]
pub struct FoundNode {
    /// The directory, the same for the whole request.
    pub directory: Arc<Directory>,
    /// The node in it.
    pub id: NodeId,
}

impl Found {
    /// Returns the instrument.
    ///
    /// # Panics
    /// Never: a directory does not change.
    #[must_use]
    pub fn instrument(&self) -> &Instrument {
        let found = self.directory.instruments.get(&self.id);
        found.expect("it was found in this directory")
    }
}

impl FoundNode {
    /// Returns the node.
    ///
    /// # Panics
    /// Never: a directory does not change.
    #[must_use]
    pub fn node(&self) -> &Node {
        let found = self.directory.nodes.get(&self.id);
        found.expect("it was found in this directory")
    }
}

impl FromRequestParts<HttpState> for Found {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &HttpState) -> Result<Self, Problem> {
        let caller = Caller::from_request_parts(parts, state).await?;
        let key = part(parts, "key").await?;
        let directory = SharedDirectory::from_ref(state).load_full();
        let id = visible(&directory, &key, &caller)?;
        Ok(Self { directory, id })
    }
}

impl FromRequestParts<HttpState> for FoundNode {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &HttpState) -> Result<Self, Problem> {
        let id = Number::from_request_parts(parts, state).await?.0;
        let directory = SharedDirectory::from_ref(state).load_full();
        let node = directory.nodes.get(&NodeId::new(id));
        let id = node.ok_or_else(Problem::not_found)?.id;
        Ok(Self { directory, id })
    }
}

/// The number `{id}` of the address; what is no number names nothing.
#[derive(Debug, Clone, Copy)]
pub struct Number(pub i64);

impl FromRequestParts<HttpState> for Number {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &HttpState) -> Result<Self, Problem> {
        let text = part(parts, "id").await?;
        let number = text.parse().ok().filter(|number| *number >= 0);
        number.map(Self).ok_or_else(Problem::not_found)
    }
}

/// The text `{name}` of the address.
#[derive(Debug, Clone)]
pub struct Name(pub String);

impl FromRequestParts<HttpState> for Name {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &HttpState) -> Result<Self, Problem> {
        part(parts, "name").await.map(Self)
    }
}

/// Returns the instrument with a key if the caller may know of it.
///
/// # Errors
/// Returns `not-found` when there is none, the text is no key, or it is not published and the
/// caller does not manage it.
pub fn visible(directory: &Directory, key: &str, caller: &Caller) -> Result<InstrumentId, Problem> {
    InstrumentKey::parse(key)
        .ok()
        .and_then(|key| directory.instrument_by_key(&key))
        .filter(|instrument| caller.sees(directory, instrument))
        .map(|instrument| instrument.id)
        .ok_or_else(Problem::not_found)
}

/// Returns the instruments of a comma-separated list of keys, at most 50, without repetition.
///
/// # Errors
/// Returns `malformed-request` for more, `not-found` for one that the caller may not know of.
pub fn visible_all(
    directory: &Directory,
    keys: &str,
    caller: &Caller,
) -> Result<Vec<InstrumentId>, Problem> {
    let keys: Vec<&str> = keys
        .split(',')
        .map(str::trim)
        .filter(|key| !key.is_empty())
        .collect();
    if keys.len() > 50 {
        let expected = "expected at most 50 keys of instruments, with commas between";
        return Err(Problem::field("keys", expected));
    }
    let mut ids = Vec::with_capacity(keys.len());
    for key in keys {
        let id = visible(directory, key, caller)?;
        if !ids.contains(&id) {
            ids.push(id);
        }
    }
    Ok(ids)
}

async fn part(parts: &mut Parts, name: &str) -> Result<String, Problem> {
    let params = RawPathParams::from_request_parts(parts, &())
        .await
        .map_err(|_| Problem::not_found())?;
    let found = params.iter().find(|(key, _)| *key == name);
    let (_, value) = found.expect("the route names this part of the path");
    Ok(value.to_owned())
}
