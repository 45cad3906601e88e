//! Accounts made on the terminal: the first administrator of a new region.

use crate::booking::{DeskError, DeskHandle, DeskSettings, RegistryEdit, RegistryOutcome, start};
use crate::clock::Clock;
use crate::command::{STOP_GRACE, lock_folder};
use crate::config::Config;
use crate::credentials::{Passwords, new_password};
use crate::http::texts::check_line;
use crate::lifecycle::Lifecycle;
use crate::registry::{Directory, Member, Names, Node, NodeKind, Role, RoleOn};
use crate::server::StartError;
use crate::store::{Database, StoreError};
use scheduler::id::{MemberId, NodeId};

/// Longest login and name, in characters.
const NAME_CHARS_MAX: usize = 64;

/// Why an account was not made.
#[derive(Debug, thiserror::Error)]
pub enum AccountError {
    /// The data folder cannot be used, or a gateway is running on it.
    #[error(transparent)]
    Folder(#[from] StartError),
    /// The database cannot be used.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The desk could not write.
    #[error(transparent)]
    Desk(#[from] DeskError),
    /// Somebody has this login.
    #[error("the login {0:?} is taken: choose another one")]
    Taken(String),
    /// A text is empty or too long.
    #[error("{0} must have 1 to 64 characters")]
    Text(&'static str),
    /// Nobody could type it, or tell it from another.
    #[error(
        "--login must have no spaces, control or invisible characters: it is what people type to \
         sign in"
    )]
    Login,
}

/// Makes a region administrator and returns the password, which is kept nowhere. The region itself
/// is made if there is none.
///
/// # Errors
/// Returns [`AccountError`]; nothing was made then.
pub async fn create_admin(
    config: &Config,
    login: &str,
    name: &str,
) -> Result<String, AccountError> {
    check(login, name)?;
    let _lock = lock_folder(&config.data)?;
    let url = config
        .database_url
        .as_ref()
        .map(crate::config::Secret::expose);
    let database = Database::open(&config.data, url).await?;
    let lifecycle = Lifecycle::new();
    let desk = start(
        database,
        Clock::system(),
        &lifecycle,
        DeskSettings::default(),
    )
    .await?;
    let region = region(&desk).await?;
    let password = new_password();
    let passwords = Passwords::new(config.password_memory_kib);
    let member = Member {
        id: MemberId::new(0),
        login: login.to_owned(),
        display: Names {
            zh: name.to_owned(),
            en: name.to_owned(),
        },
        password_hash: passwords.hash(password.clone()).await,
        roles: vec![RoleOn {
            role: Role::RegionAdmin,
            node: region,
        }],
        active: true,
        version: 1,
    };
    let outcome = desk.edit(RegistryEdit::AddMember(member)).await?;
    lifecycle.stop();
    if let Err(error) = lifecycle.finished(STOP_GRACE).await {
        tracing::warn!(%error, "the account is made; the desk did not stop in order");
    }
    if !matches!(outcome, RegistryOutcome::Done(_)) {
        return Err(AccountError::Taken(login.to_owned()));
    }
    Ok(password)
}

/// Returns the region, which is made if there is none.
async fn region(desk: &DeskHandle) -> Result<NodeId, AccountError> {
    if let Some(region) = region_of(&desk.directory()) {
        return Ok(region);
    }
    let region = Node {
        id: NodeId::new(0),
        parent: None,
        kind: NodeKind::Region,
        names: Names {
            zh: "区域".to_owned(),
            en: "Region".to_owned(),
        },
        enterprise: false,
        place: None,
        version: 1,
    };
    match desk.edit(RegistryEdit::AddNode(region)).await? {
        RegistryOutcome::Done(id) => Ok(NodeId::new(id)),
        RegistryOutcome::Stale
        | RegistryOutcome::Taken
        | RegistryOutcome::InUse
        | RegistryOutcome::NotFound => Err(AccountError::Taken("region".to_owned())),
    }
}

/// Checks the texts, as the API does.
fn check(login: &str, name: &str) -> Result<(), AccountError> {
    for (what, text) in [("--login", login), ("--name", name)] {
        if !(1..=NAME_CHARS_MAX).contains(&text.chars().count()) {
            return Err(AccountError::Text(what));
        }
    }
    if login.chars().any(char::is_whitespace) || check_line("login", login, NAME_CHARS_MAX).is_err()
    {
        return Err(AccountError::Login);
    }
    Ok(())
}

fn region_of(directory: &Directory) -> Option<NodeId> {
    directory
        .nodes
        .values()
        .find(|node| node.kind == NodeKind::Region)
        .map(|node| node.id)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_login_that_nobody_can_type_is_refused_with_the_rule() {
        let folder = tempfile::tempdir().unwrap();
        let config = Config {
            data: folder.path().to_owned(),
            ..Config::default()
        };
        for login in [
            "a b",
            " root",
            "root\n",
            "ro\u{0}ot",
            "ro\u{200b}ot",
            "a\u{3000}b",
        ] {
            let error = create_admin(&config, login, "管理员").await.unwrap_err();
            assert!(
                error.to_string().contains("no spaces"),
                "{login:?}: {error}"
            );
        }
        let error = create_admin(&config, "root", "").await.unwrap_err();
        assert!(error.to_string().contains("--name"), "{error}");
    }

    #[tokio::test]
    async fn the_first_administrator_can_sign_in_and_a_second_of_that_name_cannot_be() {
        let folder = tempfile::tempdir().unwrap();
        let config = Config {
            data: folder.path().to_owned(),
            password_memory_kib: 8_192,
            ..Config::default()
        };
        let password = create_admin(&config, "root1", "管理员").await.unwrap();
        let again = create_admin(&config, "root1", "管理员").await.unwrap_err();
        assert!(matches!(again, AccountError::Taken(_)));
        let database = Database::open(folder.path(), None).await.unwrap();
        let mut tx = database.begin().await.unwrap();
        let directory = crate::store::load_directory(&mut tx).await.unwrap();
        let member = &directory.members[&directory.by_login["root1"]];
        let passwords = Passwords::new(8_192);
        assert!(
            passwords
                .verify(password, Some(&member.password_hash))
                .await
        );
        assert_eq!(member.roles[0].role, Role::RegionAdmin);
    }
}
