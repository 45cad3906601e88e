//! API tokens of the caller: made, listed, revoked.

use axum::extract::State;
use axum::http::StatusCode;
use scheduler::time::Span;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::answer::{Created, Json};
use super::body::Body;
use super::caller::SignedIn;
use super::path::Number;
use super::problem::Problem;
use super::state::HttpState;
use super::texts::check_name;
use super::time::Zoned;
use super::view::Whole;
use crate::booking::{RegistryEdit, RegistryOutcome};
use crate::credentials::new_secret;
use crate::registry::{SecretHash, TokenEntry};
use crate::words::Said;

/// Most tokens a member may have.
const TOKENS_MAX: usize = 50;

/// Most characters of a token's name.
const NAME_CHARACTERS_MAX: usize = 100;

const ZONE: chrono_tz::Tz = chrono_tz::Tz::Asia__Shanghai;

/// A token to make.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TokenRequest {
    /// What the owner calls it.
    name: String,
    /// Days until it ends, 1 to 365.
    #[schema(minimum = 1, maximum = 365)]
    expires_in_days: u32,
    /// What it lets a program do; left out: all that its owner may.
    #[serde(default)]
    scope: TokenScope,
}

/// What a token lets a program do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum TokenScope {
    /// Look: `GET` only.
    Read,
    /// Everything that its owner may, except change the password.
    #[default]
    All,
}

impl TokenScope {
    fn of(token: &TokenEntry) -> Self {
        if token.read_only {
            Self::Read
        } else {
            Self::All
        }
    }
}

/// A token that was just made; its text is not shown again.
#[derive(Serialize, ToSchema)]
pub struct NewToken {
    /// Identity.
    id: i64,
    /// What the owner calls it.
    name: String,
    /// What it lets a program do.
    scope: TokenScope,
    /// The token: `ort_` and 64 hexadecimal digits.
    token: String,
    /// When it ends.
    expires_at: Zoned,
}

/// A token.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Token)]
pub struct TokenView {
    /// Identity.
    id: i64,
    /// What the owner calls it.
    name: String,
    /// What it lets a program do.
    scope: TokenScope,
    /// When it was made.
    created_at: Zoned,
    /// When it ends.
    expires_at: Zoned,
}

/// Makes a token.
#[utoipa::path(post, path = "/api/v1/tokens", tag = "people", request_body = TokenRequest,
    responses((status = 201, body = NewToken)))]
pub(super) async fn create(
    State(state): State<HttpState>,
    who: SignedIn,
    Body(asked): Body<TokenRequest>,
) -> Result<Created<Json<NewToken>>, Problem> {
    check_name("name", &asked.name, NAME_CHARACTERS_MAX)?;
    if !(1..=365).contains(&asked.expires_in_days) {
        return Err(Problem::field(
            "expires_in_days",
            "expected a number from 1 to 365",
        ));
    }
    let directory = state.directory().load_full();
    let mut held = directory.tokens.values();
    if held
        .by_ref()
        .filter(|held| held.member == who.member)
        .count()
        >= TOKENS_MAX
    {
        let detail = Said::fixed(
            "令牌最多 50 个，请先删除不用的",
            "At most 50 tokens: delete some",
        );
        return Err(Problem::wrong_state(detail));
    }
    let token = format!("ort_{}", new_secret());
    let now = state.clock().now();
    let expires_at = now + Span::days(asked.expires_in_days);
    let entry = TokenEntry {
        id: 0,
        member: who.member,
        name: asked.name.clone(),
        created_at: now,
        expires_at,
        read_only: asked.scope == TokenScope::Read,
    };
    let added = RegistryEdit::AddToken(SecretHash::of(&token), entry);
    let id = made(state.desk().edit(added).await?)?;
    let body = NewToken {
        id,
        name: asked.name,
        scope: asked.scope,
        token,
        expires_at: Zoned(expires_at, ZONE),
    };
    Ok(Created(format!("/api/v1/tokens/{id}"), Json(body)))
}

/// Returns the number of what was made.
///
/// # Errors
/// Returns what the outcome means where nothing more can be said about it.
pub fn made(outcome: RegistryOutcome) -> Result<i64, Problem> {
    match outcome {
        RegistryOutcome::Done(number) => Ok(number),
        RegistryOutcome::Stale => Err(Problem::new(super::problem::ProblemType::StaleVersion)),
        RegistryOutcome::Taken => {
            let detail = Said::fixed("名称或编号已被使用", "The name or key is in use");
            Err(Problem::wrong_state(detail))
        }
        RegistryOutcome::InUse => {
            let detail = Said::fixed(
                "仍在使用（例如已有预约），不能删除",
                "It is in use, for example booked, and cannot go",
            );
            Err(Problem::wrong_state(detail))
        }
        RegistryOutcome::NotFound => Err(Problem::not_found()),
    }
}

/// Lists the caller's tokens, without their texts.
#[utoipa::path(get, path = "/api/v1/tokens", tag = "people",
    responses((status = 200, body = Whole<TokenView>)))]
pub(super) async fn list(State(state): State<HttpState>, who: SignedIn) -> Json<Whole<TokenView>> {
    let directory = state.directory().load();
    let mut held: Vec<&TokenEntry> = directory
        .tokens
        .values()
        .filter(|token| token.member == who.member)
        .collect();
    held.sort_unstable_by_key(|token| token.id);
    let items = held.into_iter().map(|token| TokenView {
        id: token.id,
        name: token.name.clone(),
        scope: TokenScope::of(token),
        created_at: Zoned(token.created_at, ZONE),
        expires_at: Zoned(token.expires_at, ZONE),
    });
    Json(Whole {
        items: items.collect(),
    })
}

/// Revokes a token of the caller's.
#[utoipa::path(delete, path = "/api/v1/tokens/{id}", tag = "people",
    params(("id" = i64, Path, description = "Identity")),
    responses((status = 204, description = "Revoked")))]
pub(super) async fn revoke(
    State(state): State<HttpState>,
    who: SignedIn,
    number: Number,
) -> Result<StatusCode, Problem> {
    let revoked = RegistryEdit::RemoveToken(who.member, number.0);
    made(state.desk().edit(revoked).await?)?;
    Ok(StatusCode::NO_CONTENT)
}
