//! Every rule that applies to an instrument or below a node, and where it comes from.

use scheduler::id::NodeId;
use scheduler::policy::{AppliedRule, Level, Policy, Rule, SetAt};
use serde::Serialize;
use utoipa::ToSchema;

use super::answer::Json;
use super::caller::Caller;
use super::path::{Found, FoundNode};
use crate::registry::{Directory, RuleJson};

/// The rules that apply to an instrument.
#[derive(Debug, Serialize, ToSchema)]
pub struct EffectiveRules {
    /// The highest version among them.
    policy_version: i64,
    /// By kind; of one kind the most general first.
    rules: Vec<EffectiveRule>,
}

/// A rule and where it comes from.
#[derive(Debug, Serialize, ToSchema)]
pub struct EffectiveRule {
    /// What it says, how it was set, and to whom it applies here: without those for whom a rule
    /// further down takes its place.
    #[serde(flatten)]
    rule: RuleJson,
    /// How far down the tree it is set: `region`, `centre`, `institution`, `lab` or `instrument`.
    level: &'static str,
    /// The node where it is set; null: at the instrument itself.
    node: Option<i64>,
    /// Its name in the reader's language.
    node_name: Option<String>,
    /// Who may set it aside, least authority first.
    override_by: Vec<&'static str>,
}

/// Returns every rule that applies to an instrument, with where it is set.
#[utoipa::path(get, path = "/api/v1/instruments/{key}/policy/effective", tag = "settings",
    params(("key" = String, Path, description = "Asset code")),
    responses((status = 200, body = EffectiveRules)))]
pub(super) async fn effective(found: Found, caller: Caller) -> Json<EffectiveRules> {
    let in_force = found.directory.policy_of(found.instrument());
    Json(all(&found.directory, caller, &in_force))
}

/// Returns every rule that applies below a node where nothing further down says otherwise, with where
/// it is set.
#[utoipa::path(get, path = "/api/v1/nodes/{id}/policy/effective", tag = "settings",
    params(("id" = i64, Path, description = "The node")),
    responses((status = 200, body = EffectiveRules)))]
pub(super) async fn below_node(found: FoundNode, caller: Caller) -> Json<EffectiveRules> {
    let in_force = found.directory.policy_below(found.id);
    Json(all(&found.directory, caller, &in_force))
}

fn all(
    directory: &Directory,
    caller: Caller,
    (policy, policy_version): &(Policy, i64),
) -> EffectiveRules {
    let rules = policy.rules().iter();
    EffectiveRules {
        policy_version: *policy_version,
        rules: rules.map(|rule| view(directory, caller, rule)).collect(),
    }
}

fn view(directory: &Directory, caller: Caller, applied: &AppliedRule) -> EffectiveRule {
    let node = match applied.at {
        SetAt::Node(id) => Some(id),
        SetAt::Instrument(_) => None,
    };
    let names = node.and_then(|id| directory.nodes.get(&id));
    let rule = Rule {
        body: applied.body.clone(),
        mode: applied.mode,
        classes: applied.classes,
    };
    let overriders = applied.override_by().iter();
    EffectiveRule {
        rule: RuleJson::of(&rule),
        level: level(applied.level),
        node: node.map(NodeId::get),
        node_name: names.map(|node| caller.language.of(&node.names).to_owned()),
        override_by: overriders.map(|who| who.as_str()).collect(),
    }
}

fn level(level: Level) -> &'static str {
    match level {
        Level::Region => "region",
        Level::Centre => "centre",
        Level::Institution => "institution",
        Level::Lab => "lab",
        Level::Instrument => "instrument",
    }
}
