//! Looking people up: colleagues to hand a booking to, members to book for or to qualify.

use axum::extract::State;
use scheduler::id::NodeId;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::answer::Json;
use super::body::Query;
use super::caller::SignedIn;
use super::state::HttpState;
use super::view::Whole;
use crate::registry::{Directory, Member, Right};

/// People in one answer.
const FOUND_MAX: usize = 20;

/// Whom to look for.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct Filter {
    /// A part of the name in either language, or the whole login.
    #[serde(default)]
    q: String,
    /// The lab in whose name one asks: its managers find everybody. Without it, so do the managers
    /// of any instrument; others find people of their own institutions.
    lab: Option<i64>,
}

/// A person found.
#[derive(Debug, Serialize, ToSchema)]
pub struct FoundMember {
    /// Identity.
    id: i64,
    /// What others see, in the reader's language.
    name: String,
    /// The institution's name, in the reader's language; null for those who belong to none.
    institution: Option<String>,
}

/// Finds at most 20 active members by name: those whose name begins so first.
#[utoipa::path(get, path = "/api/v1/members", tag = "people", params(Filter),
    responses((status = 200, body = Whole<FoundMember>)))]
pub(super) async fn find(
    State(state): State<HttpState>,
    who: SignedIn,
    Query(filter): Query<Filter>,
) -> Json<Whole<FoundMember>> {
    let directory = state.directory().load_full();
    let right = Right::ManageInstruments;
    let finds_all = match filter.lab {
        Some(lab) => directory.may(who.member, right, NodeId::new(lab)),
        None => directory.may_somewhere(who.member, right),
    };
    let own = directory.institutions_of(who.member);
    let is_colleague = |member: &Member| {
        let theirs = directory.institutions_of(member.id);
        theirs.iter().any(|institution| own.contains(institution))
    };
    let sought = filter.q.trim().to_lowercase();
    let mut found: Vec<((u8, &str), &Member)> = directory
        .members
        .values()
        .filter(|member| member.active)
        .filter_map(|member| {
            let nearness = nearness(member, &sought)?;
            Some(((nearness, member.display.zh.as_str()), member))
        })
        .filter(|(_, member)| finds_all || is_colleague(member))
        .collect();
    found.sort_unstable_by_key(|(order, member)| (*order, member.id));
    let items = found.into_iter().take(FOUND_MAX);
    let items = items.map(|(_, member)| view(&directory, who, member));
    Json(Whole {
        items: items.collect(),
    })
}

/// Returns how near a member's name is to what is sought, the nearest first; nothing if it is not.
fn nearness(member: &Member, sought: &str) -> Option<u8> {
    let names = [&member.display.zh, &member.display.en].map(|name| name.to_lowercase());
    if names.iter().any(|name| name.starts_with(sought)) || member.login == sought {
        return Some(0);
    }
    let contains = names.iter().any(|name| name.contains(sought));
    contains.then_some(1)
}

fn view(directory: &Directory, who: SignedIn, member: &Member) -> FoundMember {
    let language = who.caller.language;
    let institutions = directory.institutions_of(member.id);
    let institution = institutions.first().and_then(|id| directory.nodes.get(id));
    FoundMember {
        id: member.id.get(),
        name: language.of(&member.display).to_owned(),
        institution: institution.map(|node| language.of(&node.names).to_owned()),
    }
}
