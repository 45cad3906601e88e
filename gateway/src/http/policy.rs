//! Rules set at an instrument or a node of the tree.

use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::{IntoResponse, Response};
use chrono_tz::Tz;
use scheduler::class::CallerClass;
use scheduler::id::NodeId;
use scheduler::policy::{Layer, Nonsense, Policy, Rule, nonsense};
use serde::Deserialize;
use utoipa::ToSchema;

use super::answer::{Json, Versioned, demanded_version};
use super::body::{Body, Query};
use super::caller::SignedIn;
use super::path::{Found, FoundNode};
use super::policy_trial::{PolicyTrial, TriedRules, tried};
use super::problem::Problem;
use super::state::HttpState;
use super::tokens::made;
use super::view::{RuleSetView, RulesView};
use crate::booking::RegistryEdit;
use crate::registry::{Directory, NodeKind, Right, RuleFault, RuleJson, RuleSet, Scope};

/// Most rules at one place.
const RULES_MAX: usize = 50;

/// The rules to set, in place of all that are set there.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RulesRequest {
    /// The rules.
    rules: Vec<RuleJson>,
    /// Ignored, so that what was read can be sent back; `If-Match` demands a version.
    #[expect(dead_code, reason = "accepted and ignored")]
    version: Option<i64>,
}

/// Returns the rules set at an instrument.
#[utoipa::path(get, path = "/api/v1/instruments/{key}/policy", tag = "settings",
    params(("key" = String, Path, description = "Asset code")),
    responses((status = 200, body = RuleSetView)))]
pub(super) async fn of_instrument(found: Found) -> Versioned<RuleSetView> {
    read(&found.directory, Scope::Instrument(found.id))
}

/// Returns the rules set at a node.
#[utoipa::path(get, path = "/api/v1/nodes/{id}/policy", tag = "settings",
    params(("id" = i64, Path, description = "The node")),
    responses((status = 200, body = RuleSetView)))]
pub(super) async fn of_node(found: FoundNode) -> Versioned<RuleSetView> {
    read(&found.directory, Scope::Node(found.id))
}

fn read(directory: &Directory, scope: Scope) -> Versioned<RuleSetView> {
    let set = directory.rules.get(&scope);
    let version = set.map_or(0, |set| set.version);
    let rules = set.map_or(Vec::new(), |set| {
        set.rules.iter().map(RuleJson::of).collect()
    });
    Versioned {
        version,
        body: RuleSetView { version, rules },
    }
}

/// Sets the rules of an instrument, or with `dry_run` tells what would be in force and what bookings
/// it would refuse.
#[utoipa::path(put, path = "/api/v1/instruments/{key}/policy", tag = "settings", request_body = RulesRequest,
    params(("key" = String, Path, description = "Asset code"), PolicyTrial,
        ("If-Match" = Option<String>, Header, description = "Only if they have this version")),
    responses((status = 200, body = RuleSetView, description = "The rules as set; with `dry_run` `TriedRules`"), (status = 409, description = "stale-version")))]
pub(super) async fn set_of_instrument(
    State(state): State<HttpState>,
    who: SignedIn,
    found: Found,
    headers: HeaderMap,
    Query(trial): Query<PolicyTrial>,
    Body(asked): Body<RulesRequest>,
) -> Result<Response, Problem> {
    let instrument = found.instrument();
    let right = Right::ManageInstruments;
    who.caller.demand(&found.directory, right, instrument.lab)?;
    let set = parse(&asked)?;
    let scope = Scope::Instrument(instrument.id);
    if trial.dry_run {
        let place = (instrument.lab, instrument.zone);
        let rules = would_be(&found.directory, place, scope, &set);
        let tried = tried(&state, &found.directory, who.caller, (scope, set), &trial);
        let simulation = tried.await?;
        return Ok(Json(TriedRules { rules, simulation }).into_response());
    }
    write(&state, scope, set, &headers).await
}

/// Sets the rules of a node, or with `dry_run` tells what would be in force there and what
/// bookings it would refuse.
#[utoipa::path(put, path = "/api/v1/nodes/{id}/policy", tag = "settings", request_body = RulesRequest,
    params(("id" = i64, Path, description = "The node"), PolicyTrial,
        ("If-Match" = Option<String>, Header, description = "Only if they have this version")),
    responses((status = 200, body = RuleSetView, description = "The rules as set; with `dry_run` `TriedRules`"), (status = 409, description = "stale-version")))]
pub(super) async fn set_of_node(
    State(state): State<HttpState>,
    who: SignedIn,
    found: FoundNode,
    headers: HeaderMap,
    Query(trial): Query<PolicyTrial>,
    Body(asked): Body<RulesRequest>,
) -> Result<Response, Problem> {
    let right = match found.node().kind {
        NodeKind::Lab => Right::ManageInstruments,
        NodeKind::Region | NodeKind::Centre | NodeKind::Institution => Right::ManageNode,
    };
    who.caller.demand(&found.directory, right, found.id)?;
    let set = parse(&asked)?;
    let scope = Scope::Node(found.id);
    if trial.dry_run {
        let place = (found.id, Tz::Asia__Shanghai);
        let rules = would_be(&found.directory, place, scope, &set);
        let tried = tried(&state, &found.directory, who.caller, (scope, set), &trial);
        let simulation = tried.await?;
        return Ok(Json(TriedRules { rules, simulation }).into_response());
    }
    write(&state, scope, set, &headers).await
}

fn parse(asked: &RulesRequest) -> Result<RuleSet, Problem> {
    if asked.rules.len() > RULES_MAX {
        return Err(Problem::field("rules", "too long"));
    }
    let rules = asked.rules.iter().enumerate();
    let rules = rules.map(|(place, rule)| {
        let named = |RuleFault { field, expected }| {
            Problem::field(&format!("rules[{place}].{field}"), &expected)
        };
        rule.to_rule().map_err(named)
    });
    let rules: Vec<Rule> = rules.collect::<Result<_, _>>()?;
    if let Some((place, why)) = nonsense(&rules) {
        let field = format!("rules[{place}]");
        return Err(match why {
            Nonsense::NeverMet => Problem::field(
                &field,
                "longer than the longest booking: none would be allowed",
            ),
            Nonsense::Twice => Problem::field(
                &field,
                "the same kind of rule with the same mode and classes is there twice",
            ),
        });
    }
    Ok(RuleSet { version: 0, rules })
}

async fn write(
    state: &HttpState,
    scope: Scope,
    set: RuleSet,
    headers: &HeaderMap,
) -> Result<Response, Problem> {
    let expected = demanded_version(headers)?;
    made(
        state
            .desk()
            .edit(RegistryEdit::SetRules(scope, set, expected))
            .await?,
    )?;
    Ok(read(&state.directory().load(), scope).into_response())
}

/// Returns what would be in force at a place if a scope had these rules.
fn would_be(
    directory: &Directory,
    (node, zone): (NodeId, Tz),
    scope: Scope,
    set: &RuleSet,
) -> RulesView {
    let above = directory.ancestors(node).map(|node| Scope::Node(node.id));
    let mut scopes: Vec<Scope> = above.collect();
    scopes.reverse();
    if !scopes.contains(&scope) {
        scopes.push(scope);
    }
    let held = |at: &Scope| {
        let held = if *at == scope {
            Some(set)
        } else {
            directory.rules.get(at)
        };
        held.map(|set| (*at, set))
    };
    let layers: Vec<Layer> = scopes
        .iter()
        .filter_map(held)
        .map(|(at, set)| directory.layer(at, zone, &set.rules))
        .collect();
    let highest = directory.rules.values().map(|set| set.version).max();
    let version = highest.unwrap_or(0) + 1;
    let policy = Policy::resolve(&layers);
    // Who sets rules belongs to the house.
    RulesView::of(&policy, CallerClass::Internal, version, zone)
}
