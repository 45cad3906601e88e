//! Who is asking: session cookie or bearer token, and what they may.
//!
//! Found once for each request, by the front; handlers take [`Caller`] (anyone) or [`SignedIn`].

use std::net::{IpAddr, Ipv4Addr};

use axum::extract::{FromRequestParts, Request};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName, Method, header};
use scheduler::class::CallerClass;
use scheduler::id::{MemberId, NodeId};
use scheduler::time::Micros;

use super::front::{RequestId, text};
use super::listen::Peer;
use super::problem::{Problem, ProblemType};
use super::state::HttpState;
use crate::registry::{Directory, Instrument, Right, SecretHash};
use crate::words::{Language, Said};

/// The cookie that carries a session.
pub const SESSION_COOKIE: &str = "ortoo_session";

const SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");
const FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");

/// How somebody signed in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Via {
    /// The browser's cookie.
    Session(SecretHash),
    /// `Authorization: Bearer`.
    Token {
        /// Whether it lets a program look only.
        read_only: bool,
    },
}

/// Who is asking, and how the answer should be said.
#[derive(Debug, Clone, Copy)]
pub struct Caller {
    /// The member, if anybody is signed in.
    pub who: Option<(MemberId, Via)>,
    /// The hash of the session or token that says so.
    pub credential: Option<SecretHash>,
    /// The language of the answer.
    pub language: Language,
    /// When the request came.
    pub now: Micros,
    /// Where the request comes from.
    pub address: IpAddr,
    /// The request.
    pub request: RequestId,
}

/// A caller who is known.
#[derive(Debug, Clone, Copy)]
pub struct SignedIn {
    /// The member.
    pub member: MemberId,
    /// How.
    pub via: Via,
    /// The rest.
    pub caller: Caller,
}

impl Caller {
    /// Returns the member, if anybody is signed in.
    #[must_use]
    pub fn member(&self) -> Option<MemberId> {
        self.who.map(|(member, _)| member)
    }

    /// Returns where the caller stands towards an instrument; who is not signed in, as one of
    /// another institution.
    #[must_use]
    pub fn class_at(&self, directory: &Directory, instrument: &Instrument) -> CallerClass {
        let class = |member| directory.class_of(member, instrument);
        self.member().map_or(CallerClass::Region, class)
    }

    /// Returns true if the caller has the right at the node.
    #[must_use]
    pub fn may(&self, directory: &Directory, right: Right, node: NodeId) -> bool {
        self.member()
            .is_some_and(|member| directory.may(member, right, node))
    }

    /// Returns true if the caller manages the instrument, or audits it.
    #[must_use]
    pub fn sees_inside(&self, directory: &Directory, instrument: &Instrument) -> bool {
        self.may(directory, Right::ManageInstruments, instrument.lab)
            || self.may(directory, Right::Account, instrument.lab)
    }

    /// Returns true if the caller may know that the instrument exists.
    #[must_use]
    pub fn sees(&self, directory: &Directory, instrument: &Instrument) -> bool {
        instrument.published || self.sees_inside(directory, instrument)
    }

    /// Demands a right.
    ///
    /// # Errors
    /// Returns `not-signed-in` when nobody is, `not-allowed` when the right is missing.
    pub fn demand(&self, directory: &Directory, right: Right, node: NodeId) -> Result<(), Problem> {
        if self.who.is_none() {
            return Err(Problem::new(ProblemType::NotSignedIn));
        }
        if self.may(directory, right, node) {
            Ok(())
        } else {
            Err(Problem::new(ProblemType::NotAllowed))
        }
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Caller {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let caller = parts.extensions.get::<Self>();
        Ok(*caller.expect("the front names the caller before any handler runs"))
    }
}

impl<S: Send + Sync> FromRequestParts<S> for SignedIn {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let caller = Caller::from_request_parts(parts, state).await?;
        let (member, via) = caller
            .who
            .ok_or_else(|| Problem::new(ProblemType::NotSignedIn))?;
        Ok(Self {
            member,
            via,
            caller,
        })
    }
}

/// Finds out who is asking. A cookie that means nothing any more is nobody: its owner sees the
/// public pages and signs in again. A bearer token that means nothing is an error, because a
/// program that sent it expects to be known.
///
/// # Errors
/// Returns `not-signed-in` for a bad `Authorization` header.
pub fn identify(
    state: &HttpState,
    request: &Request,
    language: Language,
    id: RequestId,
) -> Result<Caller, Problem> {
    let headers = request.headers();
    let who = match text(headers, &header::AUTHORIZATION) {
        Some(authorization) => {
            let found = bearer(state, authorization);
            Some(found.ok_or_else(|| Problem::new(ProblemType::NotSignedIn))?)
        }
        None => session(state, headers),
    };
    Ok(Caller {
        who: who.map(|(member, via, _)| (member, via)),
        credential: who.map(|(_, _, hash)| hash),
        language,
        now: state.clock().now(),
        address: address_of(request),
        request: id,
    })
}

/// The look-up is by hash, so its time tells nothing about the secret.
fn bearer(state: &HttpState, authorization: &str) -> Option<(MemberId, Via, SecretHash)> {
    let (scheme, token) = authorization.split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("bearer") {
        return None;
    }
    let hash = SecretHash::of(token.trim());
    let (member, read_only) = token_owner(state, &hash)?;
    Some((member, Via::Token { read_only }, hash))
}

/// Returns whose token it is, if it has not ended, and whether it lets a program look only.
fn token_owner(state: &HttpState, hash: &SecretHash) -> Option<(MemberId, bool)> {
    let directory = state.directory().load();
    let entry = directory.tokens.get(hash)?;
    let member = directory.members.get(&entry.member)?;
    let is_good = member.active && entry.expires_at > state.clock().now();
    is_good.then_some((member.id, entry.read_only))
}

fn session(state: &HttpState, headers: &HeaderMap) -> Option<(MemberId, Via, SecretHash)> {
    let hash = SecretHash::of(cookie(headers, SESSION_COOKIE)?);
    let member = state.session(hash)?;
    let directory = state.directory().load();
    let member = directory.members.get(&member)?;
    member
        .active
        .then_some((member.id, Via::Session(hash), hash))
}

/// Returns true as long as the caller would be known as the same member if the request came now.
/// Looking is no use of a session: it ends idle all the same.
#[must_use]
pub fn is_still(state: &HttpState, caller: &Caller) -> bool {
    let (Some((member, via)), Some(hash)) = (caller.who, caller.credential) else {
        return true;
    };
    let owner = match via {
        Via::Token { .. } => token_owner(state, &hash).map(|(owner, _)| owner),
        Via::Session(id) => {
            let sessions = state.desk().sessions();
            let owner = sessions.peek(&id, state.clock().now());
            owner.filter(|owner| {
                let directory = state.directory().load();
                directory
                    .members
                    .get(owner)
                    .is_some_and(|member| member.active)
            })
        }
    };
    owner == Some(member)
}

fn cookie<'h>(headers: &'h HeaderMap, name: &str) -> Option<&'h str> {
    let cookies = headers.get_all(header::COOKIE).iter();
    cookies
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .find_map(|(key, value)| (key == name).then_some(value))
}

/// Returns where a request comes from: the connection's address or, when that is this machine's
/// own, the last hop that the proxy here has written into `X-Forwarded-For`.
fn address_of(request: &Request) -> IpAddr {
    let peer = request.extensions().get::<Peer>();
    let peer = peer.map_or(IpAddr::V4(Ipv4Addr::LOCALHOST), |peer| peer.0.ip());
    if !peer.is_loopback() {
        return peer;
    }
    let forwarded = text(request.headers(), &FORWARDED_FOR);
    let last = forwarded.and_then(|hops| hops.rsplit(',').next());
    last.and_then(|hop| hop.trim().parse().ok()).unwrap_or(peer)
}

/// Refuses unsafe methods that another site made a browser send with its user's cookie, and those of
/// a token that lets a program look only.
///
/// # Errors
/// Returns `not-allowed` when neither `Sec-Fetch-Site` nor `Origin` shows that a page of ours asks,
/// and to such a token.
pub fn refuse_forged(state: &HttpState, request: &Request, caller: Caller) -> Result<(), Problem> {
    let is_safe = matches!(
        *request.method(),
        Method::GET | Method::HEAD | Method::OPTIONS
    );
    if is_safe {
        return Ok(());
    }
    if let Some((_, Via::Token { read_only })) = caller.who {
        return if read_only {
            let detail = Said::fixed("此令牌只能读取", "This token may only read");
            Err(Problem::new(ProblemType::NotAllowed).detail(detail))
        } else {
            Ok(())
        };
    }
    let headers = request.headers();
    let is_ours = match (
        text(headers, &SEC_FETCH_SITE),
        text(headers, &header::ORIGIN),
    ) {
        (Some(site), _) => site == "same-origin" || site == "none",
        (None, Some(origin)) => is_own_origin(state, headers, origin),
        // Not a browser. Without a cookie there is nothing to forge.
        (None, None) => caller.who.is_none(),
    };
    if is_ours {
        return Ok(());
    }
    let detail = Said::fixed(
        "此请求来自其他网站，已拒绝",
        "The request comes from another site",
    );
    Err(Problem::new(ProblemType::NotAllowed).detail(detail))
}

/// `Host` is as good as what the browser was pointed at, and a name of somebody else's can point here:
/// it is believed only where no public address is set, and only if it names this machine itself.
fn is_own_origin(state: &HttpState, headers: &HeaderMap, origin: &str) -> bool {
    let site = state.site();
    if origin.eq_ignore_ascii_case(&site.origin) {
        return true;
    }
    let of_host = origin.split_once("://").map(|(_, rest)| rest);
    let host = text(headers, &header::HOST);
    !site.is_public && host.is_some_and(is_loopback) && of_host == host
}

/// Returns true for `localhost`, `127.0.0.1` or `[::1]`, with or without a port.
fn is_loopback(host: &str) -> bool {
    let is_port = |port: &str| port.bytes().all(|byte| byte.is_ascii_digit());
    let name = match host.rsplit_once(':') {
        Some((name, port)) if is_port(port) && !name.ends_with(':') => name,
        _ => host,
    };
    let bare = name.trim_start_matches('[').trim_end_matches(']');
    let address = bare.parse::<IpAddr>();
    name.eq_ignore_ascii_case("localhost") || address.is_ok_and(|address| address.is_loopback())
}
