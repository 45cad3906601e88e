//! Changing one's own password.

use axum::extract::State;
use axum::http::StatusCode;
use serde::Deserialize;
use utoipa::ToSchema;

use super::body::Body;
use super::caller::{SignedIn, Via};
use super::login::PASSWORD_CHARACTERS_MAX;
use super::problem::{Problem, ProblemType};
use super::state::HttpState;
use super::texts::check_prose;
use super::tokens::made;
use crate::booking::{PasswordChange, RegistryEdit};
use crate::words::Said;

/// Fewest characters of a password that somebody chooses (NIST SP 800-63B, 5.1.1.1).
const PASSWORD_CHARACTERS_MIN: usize = 8;

/// The present password and the one to be.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PasswordRequest {
    /// The present one.
    old: String,
    /// The one to be; 8 to 256 characters, neither the login nor the present one.
    new: String,
}

/// Changes the caller's own password; for sessions, not for tokens. The other sessions end. Wrong
/// passwords are counted with those at signing in.
#[utoipa::path(put, path = "/api/v1/me/password", tag = "people", request_body = PasswordRequest,
    responses((status = 204, description = "Changed"), (status = 403, description = "not-allowed: by a token"),
        (status = 429, description = "too-many-requests")))]
pub(super) async fn change(
    State(state): State<HttpState>,
    who: SignedIn,
    Body(asked): Body<PasswordRequest>,
) -> Result<StatusCode, Problem> {
    let Via::Session(kept) = who.via else {
        let detail = Said::fixed("请登录网页后修改密码", "Sign in to the pages to change it");
        return Err(Problem::new(ProblemType::NotAllowed).detail(detail));
    };
    check_prose("old", &asked.old, PASSWORD_CHARACTERS_MAX)?;
    check_prose("new", &asked.new, PASSWORD_CHARACTERS_MAX)?;
    if asked.new.chars().count() < PASSWORD_CHARACTERS_MIN {
        let said = Said::fixed("至少 8 个字符", "expected at least 8 characters");
        return Err(wrong("new", said));
    }
    let directory = state.directory().load_full();
    let member = directory.members.get(&who.member);
    let member = member.ok_or_else(|| Problem::new(ProblemType::NotSignedIn))?;
    let is_login = asked.new.eq_ignore_ascii_case(&member.login);
    if is_login || asked.new == asked.old {
        let said = Said::fixed(
            "不能与用户名或原密码相同",
            "must be neither the login nor the old one",
        );
        return Err(wrong("new", said));
    }
    let (address, now_us) = (who.caller.address, state.clock().mono_us());
    let attempt = state
        .attempts()
        .begin(&member.login.to_lowercase(), address, now_us);
    let attempt = attempt.map_err(Problem::too_many)?;
    let held = member.password_hash.clone();
    if !state.passwords().verify(asked.old, Some(&held)).await {
        tracing::info!("a change of a password was refused: the present one was wrong");
        let said = Said::fixed("原密码不正确", "the present password is wrong");
        return Err(wrong("old", said));
    }
    state.attempts().forgive(attempt);
    let hash = state.passwords().hash(asked.new).await;
    let change = PasswordChange {
        member: member.id,
        held,
        hash,
        kept,
    };
    made(
        state
            .desk()
            .edit(RegistryEdit::ChangePassword(change))
            .await?,
    )?;
    Ok(StatusCode::NO_CONTENT)
}

fn wrong(field: &str, said: Said) -> Problem {
    Problem::new(ProblemType::MalformedRequest).and_field(field, said)
}
