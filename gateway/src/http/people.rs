//! People as their administrators see them: made, given roles, given a new password, let go.

use axum::extract::State;
use axum::http::HeaderMap;
use scheduler::id::{MemberId, NodeId};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::answer::{Created, Json, Versioned, demanded_version};
use super::body::{Body, Query, set};
use super::caller::SignedIn;
use super::page::{Limit, newest_first};
use super::path::{FoundNode, Number};
use super::problem::{Problem, ProblemType};
use super::state::HttpState;
use super::texts::check_line;
use super::tokens::made;
use super::view::{List, MemberView};
use crate::booking::{RegistryEdit, RegistryOutcome};
use crate::credentials::new_password;
use crate::registry::{Directory, Member, Names, Right, Role, RoleOn};
use crate::words::Said;

/// Most characters of a login and of a name.
const NAME_CHARACTERS_MAX: usize = 64;
/// Most roles of one person.
const ROLES_MAX: usize = 20;

/// A person to add.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewMember {
    /// The name to sign in with; 1 to 64 characters without spaces.
    login: String,
    /// What others see, Chinese.
    name: String,
    /// What others see, English.
    #[serde(default)]
    name_en: String,
    /// 1 to 20 roles on nodes that the caller administers, none above the caller's own.
    roles: Vec<RoleRequest>,
}

/// A role on a node.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RoleRequest {
    /// `researcher`, `manager`, `centre_admin`, `region_admin` or `auditor`.
    role: String,
    /// The node's id.
    node: i64,
}

/// An edit of a person: what is left out stays.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct MemberEdit {
    /// What others see, Chinese.
    name: Option<String>,
    /// What others see, English.
    name_en: Option<String>,
    /// All roles. Those that come and go must be the caller's to give.
    roles: Option<Vec<RoleRequest>>,
    /// False for leavers: signed out, tokens do not work.
    active: Option<bool>,
    /// Makes a new password, which the answer shows once, and signs the person out.
    #[serde(default)]
    reset_password: bool,
}

/// A person as administrators see it.
#[derive(Debug, Serialize, ToSchema)]
pub struct PersonDetail {
    #[serde(flatten)]
    member: MemberView,
    /// False for leavers.
    active: bool,
    /// Counts edits; also the `ETag`.
    version: i64,
    /// A password that was just made; not shown again.
    #[serde(skip_serializing_if = "Option::is_none")]
    password: Option<String>,
}

/// Which people to list.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct Filter {
    /// Items on a page, 1 to 500.
    #[serde(default)]
    #[param(value_type = Option<usize>, minimum = 1, maximum = 500, default = 50)]
    limit: Limit,
    /// Where the page begins.
    cursor: Option<i64>,
}

/// Lists everybody with a role at a node or below, to its administrators and auditors.
#[utoipa::path(get, path = "/api/v1/nodes/{id}/members", tag = "people",
    params(("id" = i64, Path, description = "The node"), Filter),
    responses((status = 200, body = List<PersonDetail>)))]
pub(super) async fn list(
    who: SignedIn,
    found: FoundNode,
    Query(filter): Query<Filter>,
) -> Result<Json<List<PersonDetail>>, Problem> {
    let directory = &found.directory;
    if !who.caller.may(directory, Right::Account, found.id) {
        who.caller.demand(directory, Right::ManageNode, found.id)?;
    }
    let is_there = |member: &&Member| {
        let mut roles = member.roles.iter();
        roles.any(|held| {
            directory
                .ancestors(held.node)
                .any(|node| node.id == found.id)
        })
    };
    let members = directory.members.values().filter(is_there);
    let mut members: Vec<(i64, &Member)> =
        members.map(|member| (member.id.get(), member)).collect();
    members.sort_unstable_by_key(|(id, _)| *id);
    let page = (filter.limit, filter.cursor);
    Ok(Json(newest_first(members, page, |member| {
        PersonDetail::of(directory, member, None)
    })))
}

/// Returns a person to those who administer a node where he or she has a role.
#[utoipa::path(get, path = "/api/v1/members/{id}", tag = "people",
    params(("id" = i64, Path, description = "Identity")),
    responses((status = 200, body = PersonDetail, headers(("ETag" = String, description = "Version")))))]
pub(super) async fn read(
    State(state): State<HttpState>,
    who: SignedIn,
    number: Number,
) -> Result<Versioned<PersonDetail>, Problem> {
    let directory = state.directory().load_full();
    let member = seen(&directory, who, number)?;
    Ok(versioned(&directory, member, None))
}

/// Adds a person with roles on nodes that the caller administers. The answer shows the password,
/// once.
#[utoipa::path(post, path = "/api/v1/members", tag = "people", request_body = NewMember,
    responses((status = 201, body = PersonDetail), (status = 409, description = "wrong-state: the login is in use")))]
pub(super) async fn create(
    State(state): State<HttpState>,
    who: SignedIn,
    Body(asked): Body<NewMember>,
) -> Result<Created<Versioned<PersonDetail>>, Problem> {
    let directory = state.directory().load_full();
    demand_admin(&directory, who)?;
    let roles = roles(&directory, &asked.roles)?;
    demand_given(&directory, who, &roles)?;
    let is_printable = |letter: char| !letter.is_whitespace() && !letter.is_control();
    if asked.login.is_empty() || !asked.login.chars().all(is_printable) {
        let said = Said::fixed("不能为空，也不能含空格", "must not be empty or have spaces");
        return Err(Problem::new(ProblemType::MalformedRequest).and_field("login", said));
    }
    check_line("login", &asked.login, NAME_CHARACTERS_MAX)?;
    let password = new_password();
    let mut member = Member {
        id: MemberId::new(0),
        login: asked.login,
        display: Names {
            zh: asked.name,
            en: asked.name_en,
        },
        password_hash: String::new(),
        roles,
        active: true,
        version: 1,
    };
    check(&member)?;
    // Hashing costs a tenth of a second: not for a login that is taken.
    if directory.member_by_login(&member.login).is_some() {
        return made(RegistryOutcome::Taken).and(Err(Problem::not_found()));
    }
    member.password_hash = state.passwords().hash(password.clone()).await;
    let id = made(state.desk().edit(RegistryEdit::AddMember(member)).await?)?;
    let place = format!("/api/v1/members/{id}");
    let directory = state.directory().load_full();
    let member = directory.members.get(&MemberId::new(id));
    let member = member.ok_or_else(Problem::not_found)?;
    Ok(Created(
        place,
        versioned(&directory, member, Some(password)),
    ))
}

/// Edits a person: name, roles, whether still here, a new password. Name, password and being here
/// take an administrator of every node where the person has a role.
#[utoipa::path(patch, path = "/api/v1/members/{id}", tag = "people", request_body = MemberEdit,
    params(("id" = i64, Path, description = "Identity"),
        ("If-Match" = Option<String>, Header, description = "Only if he or she has this version")),
    responses((status = 200, body = PersonDetail), (status = 409, description = "stale-version, or wrong-state: the last administrator")))]
pub(super) async fn edit(
    State(state): State<HttpState>,
    who: SignedIn,
    number: Number,
    headers: HeaderMap,
    Body(asked): Body<MemberEdit>,
) -> Result<Versioned<PersonDetail>, Problem> {
    let directory = state.directory().load_full();
    demand_admin(&directory, who)?;
    let held = directory.members.get(&MemberId::new(number.0));
    let held = held.ok_or_else(Problem::not_found)?;
    if demanded_version(&headers)?.is_some_and(|version| version != held.version) {
        return Err(Problem::new(ProblemType::StaleVersion));
    }
    let mut member = held.clone();
    if let Some(wanted) = &asked.roles {
        let wanted = roles(&directory, wanted)?;
        let come = wanted.iter().filter(|role| !held.roles.contains(role));
        let go = held.roles.iter().filter(|role| !wanted.contains(role));
        let differ: Vec<RoleOn> = come.chain(go).copied().collect();
        demand_given(&directory, who, &differ)?;
        member.roles = wanted;
    }
    if asked.name.is_some()
        || asked.name_en.is_some()
        || asked.active.is_some()
        || asked.reset_password
    {
        demand_given(&directory, who, &held.roles)?;
    }
    set(&mut member.display.zh, asked.name);
    set(&mut member.display.en, asked.name_en);
    set(&mut member.active, asked.active);
    member.version += 1;
    check(&member)?;
    let password = asked.reset_password.then(new_password);
    if let Some(password) = &password {
        member.password_hash = state.passwords().hash(password.clone()).await;
    }
    let id = member.id;
    let replaced = RegistryEdit::ReplaceMember(member);
    let outcome = state.desk().edit(replaced).await?;
    if outcome == RegistryOutcome::InUse {
        let detail = Said::fixed(
            "区域至少要有一名在职的区域管理员",
            "The region needs an active administrator",
        );
        return Err(Problem::wrong_state(detail));
    }
    made(outcome)?;
    let directory = state.directory().load_full();
    let member = directory.members.get(&id).ok_or_else(Problem::not_found)?;
    Ok(versioned(&directory, member, password))
}

/// Administrators only; who else there is is not told.
fn demand_admin(directory: &Directory, who: SignedIn) -> Result<(), Problem> {
    if directory.may_somewhere(who.member, Right::ManageNode) {
        Ok(())
    } else {
        Err(Problem::new(ProblemType::NotAllowed))
    }
}

/// Demands that the caller may give, and take away, all these roles.
fn demand_given(directory: &Directory, who: SignedIn, roles: &[RoleOn]) -> Result<(), Problem> {
    let mut roles = roles.iter();
    if roles.all(|role| directory.may_give(who.member, *role)) {
        return Ok(());
    }
    let detail = Said::fixed(
        "只能在自己管理的节点上授予或收回不高于自己的角色",
        "One gives and takes roles on the nodes one administers, none above the own",
    );
    Err(Problem::new(ProblemType::NotAllowed).detail(detail))
}

fn roles(directory: &Directory, asked: &[RoleRequest]) -> Result<Vec<RoleOn>, Problem> {
    let fault = |field: &str, zh, en| {
        Problem::new(ProblemType::MalformedRequest).and_field(field, Said::fixed(zh, en))
    };
    if !(1..=ROLES_MAX).contains(&asked.len()) {
        return Err(fault(
            "roles",
            "应有 1 到 20 个角色",
            "expected 1 to 20 roles",
        ));
    }
    let mut roles: Vec<RoleOn> = Vec::new();
    for (place, asked) in asked.iter().enumerate() {
        let at = |part| format!("roles[{place}].{part}");
        let role = Role::parse(&asked.role)
            .ok_or_else(|| fault(&at("role"), "没有这个角色", "no such role"))?;
        let node = directory.nodes.get(&NodeId::new(asked.node));
        let node = node.ok_or_else(|| fault(&at("node"), "没有这个节点", "no such node"))?;
        if !role.fits(node.kind) {
            let zh = "区域管理员只在区域，分中心管理员只在分中心或单位";
            let en =
                "a region's administrator is at the region, a centre's at a centre or institution";
            return Err(fault(&at("role"), zh, en));
        }
        let role = RoleOn {
            role,
            node: node.id,
        };
        if !roles.contains(&role) {
            roles.push(role);
        }
    }
    Ok(roles)
}

fn check(member: &Member) -> Result<(), Problem> {
    if member.display.zh.trim().is_empty() {
        return Err(Problem::field("name", "must not be empty"));
    }
    check_line("name", &member.display.zh, NAME_CHARACTERS_MAX)?;
    check_line("name_en", &member.display.en, NAME_CHARACTERS_MAX)
}

/// Returns a person with a role at a node that the caller administers; there is no other.
fn seen(directory: &Directory, who: SignedIn, number: Number) -> Result<&Member, Problem> {
    demand_admin(directory, who)?;
    let member = directory.members.get(&MemberId::new(number.0));
    let may = |held: &RoleOn| who.caller.may(directory, Right::ManageNode, held.node);
    member
        .filter(|member| member.roles.iter().any(may))
        .ok_or_else(Problem::not_found)
}

fn versioned(
    directory: &Directory,
    member: &Member,
    password: Option<String>,
) -> Versioned<PersonDetail> {
    Versioned {
        version: member.version,
        body: PersonDetail::of(directory, member, password),
    }
}

impl PersonDetail {
    fn of(directory: &Directory, member: &Member, password: Option<String>) -> Self {
        Self {
            member: MemberView::of(directory, member),
            active: member.active,
            version: member.version,
            password,
        }
    }
}
