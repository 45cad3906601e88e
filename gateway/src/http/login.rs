//! Signing in and out.

use axum::extract::State;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::answer::Json;
use super::body::Body;
use super::caller::{Caller, SESSION_COOKIE, SignedIn, Via};
use super::problem::{Problem, ProblemType};
use super::state::HttpState;
use super::texts::{check_line, check_prose};
use super::view::MemberView;
use crate::booking::RegistryEdit;
use crate::credentials::new_secret;
use crate::registry::SecretHash;
use crate::words::Said;

/// Life of the cookie in seconds: a day. The session behind it may end sooner.
const COOKIE_LIFE_S: u32 = 86_400;

/// Most characters of a password; more would only make the hash slow.
pub(super) const PASSWORD_CHARACTERS_MAX: usize = 256;

/// Most characters of a login's name.
const LOGIN_CHARACTERS_MAX: usize = 64;

/// Name and password.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Credentials {
    /// The name to sign in with.
    name: String,
    /// The password.
    password: String,
}

/// Who signed in.
#[derive(Debug, Serialize, ToSchema)]
pub struct SignedInAs {
    /// The person.
    member: MemberView,
}

/// Who asks, and how they signed in.
#[derive(Debug, Serialize, ToSchema)]
pub struct Me {
    /// The person.
    member: MemberView,
    /// `session` or `token`.
    via: &'static str,
}

/// Signs in: the answer sets the session's cookie.
#[utoipa::path(post, path = "/api/v1/login", tag = "people", request_body = Credentials,
    responses((status = 200, body = SignedInAs), (status = 401, description = "not-signed-in"),
        (status = 429, description = "too-many-requests")))]
pub(super) async fn login(
    State(state): State<HttpState>,
    caller: Caller,
    Body(asked): Body<Credentials>,
) -> Result<Response, Problem> {
    check_line("name", &asked.name, LOGIN_CHARACTERS_MAX)?;
    check_prose("password", &asked.password, PASSWORD_CHARACTERS_MAX)?;
    let now_us = state.clock().mono_us();
    let attempt = state
        .attempts()
        .begin(&asked.name.to_lowercase(), caller.address, now_us);
    let attempt = attempt.map_err(Problem::too_many)?;
    let directory = state.directory().load_full();
    let member = directory
        .member_by_login(&asked.name)
        .filter(|member| member.active);
    let kept = member.map(|member| member.password_hash.as_str());
    let is_right = state.passwords().verify(asked.password, kept).await;
    let Some(member) = member.filter(|_| is_right) else {
        tracing::info!("a sign-in failed");
        let detail = Said::fixed("用户名或密码不正确", "Name or password is wrong");
        return Err(Problem::new(ProblemType::NotSignedIn).detail(detail));
    };
    state.attempts().forgive(attempt);
    // A fresh secret for each session: one that was planted before is worth nothing.
    let secret = new_secret();
    let begun = RegistryEdit::AddSession(SecretHash::of(&secret), member.id);
    state.desk().edit(begun).await?;
    let body = SignedInAs {
        member: MemberView::of(&directory, member),
    };
    let mut response = Json(body).into_response();
    let cookie = cookie(&state, &secret, COOKIE_LIFE_S)?;
    response.headers_mut().insert(header::SET_COOKIE, cookie);
    Ok(response)
}

/// Signs out: the session ends and the cookie goes. Nobody signed in is no error.
#[utoipa::path(post, path = "/api/v1/logout", tag = "people",
    responses((status = 204, description = "Signed out")))]
pub(super) async fn logout(
    State(state): State<HttpState>,
    caller: Caller,
) -> Result<Response, Problem> {
    if let Some((_, Via::Session(id))) = caller.who {
        state.desk().edit(RegistryEdit::RemoveSession(id)).await?;
    }
    let mut response = StatusCode::NO_CONTENT.into_response();
    let cookie = cookie(&state, "", 0)?;
    response.headers_mut().insert(header::SET_COOKIE, cookie);
    Ok(response)
}

/// Returns who asks.
#[utoipa::path(get, path = "/api/v1/me", tag = "people",
    responses((status = 200, body = Me), (status = 401, description = "not-signed-in")))]
pub(super) async fn me(State(state): State<HttpState>, who: SignedIn) -> Result<Json<Me>, Problem> {
    let directory = state.directory().load();
    let member = directory.members.get(&who.member);
    let member = member.ok_or_else(|| Problem::new(ProblemType::NotSignedIn))?;
    Ok(Json(Me {
        member: MemberView::of(&directory, member),
        via: match who.via {
            Via::Session(_) => "session",
            Via::Token { .. } => "token",
        },
    }))
}

fn cookie(state: &HttpState, secret: &str, life_s: u32) -> Result<HeaderValue, Problem> {
    let secure = if state.site().is_https {
        "; Secure"
    } else {
        ""
    };
    let text = format!(
        "{SESSION_COOKIE}={secret}; HttpOnly; SameSite=Lax; Path=/; Max-Age={life_s}{secure}"
    );
    HeaderValue::from_str(&text).map_err(Problem::internal)
}
