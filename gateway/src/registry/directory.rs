//! The snapshot and its look-ups.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

use chrono_tz::Tz;
use scheduler::class::CallerClass;
use scheduler::id::{InstrumentId, MemberId, NodeId};
use scheduler::place::Place;
use scheduler::policy::{Layer, Level, Policy, Rule, SetAt};
use scheduler::quota::Subjects;
use scheduler::refusal::Overrider;
use scheduler::time::Micros;
use wire::{AgentName, InstrumentKey};

use super::{
    AgentEntry, ForeignSource, Instrument, MappingEntry, Member, Node, NodeKind, NodeMove, Right,
    RoleOn, SecretHash, SourceName, TokenEntry,
};

/// Where a rule is set: at a node or at an instrument.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Scope {
    /// At a node; holds for everything below.
    Node(NodeId),
    /// At one instrument.
    Instrument(InstrumentId),
}

/// The rules set at one scope, with the version that counts its edits.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct RuleSet {
    /// Counts edits, region-wide ascending: an accepted booking keeps the highest in force.
    pub version: i64,
    /// The rules.
    pub rules: Vec<Rule>,
}

/// Why a key cannot be given to an instrument.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum KeyUse {
    /// An instrument has it, perhaps with other capitals: on a label `t-1` is `T-1`.
    Held(InstrumentKey),
    /// A removed instrument with a history had it.
    Retired,
}

/// Everything registered, at one moment. Immutable.
#[derive(Debug, Clone, Default)]
pub struct Directory {
    /// Counts publications.
    pub generation: u64,
    /// The tree.
    pub nodes: HashMap<NodeId, Node>,
    /// Where its nodes were before, the oldest first.
    pub node_moves: Vec<NodeMove>,
    /// Instruments by identity.
    pub instruments: HashMap<InstrumentId, Instrument>,
    /// Instruments by key.
    pub by_key: HashMap<InstrumentKey, InstrumentId>,
    /// Keys of removed instruments that have a history, in lower case: what was booked and measured
    /// under such a key must never seem to be another instrument's.
    pub retired_keys: HashSet<String>,
    /// People.
    pub members: HashMap<MemberId, Member>,
    /// People by login, as it is written and in small letters.
    pub by_login: HashMap<String, MemberId>,
    /// API tokens by the hash of their text.
    pub tokens: HashMap<SecretHash, TokenEntry>,
    /// Agents by name.
    pub agents: HashMap<AgentName, AgentEntry>,
    /// Foreign sources by name.
    pub sources: HashMap<SourceName, ForeignSource>,
    /// Mappings by identity.
    pub mappings: BTreeMap<i64, Arc<MappingEntry>>,
    /// Rules by where they are set.
    pub rules: HashMap<Scope, RuleSet>,
}

impl Directory {
    /// Adds an instrument or replaces the one with its identity.
    pub fn put_instrument(&mut self, instrument: Instrument) {
        self.by_key.insert(instrument.key.clone(), instrument.id);
        self.instruments.insert(instrument.id, instrument);
    }

    /// Adds a person or replaces the one with the same identity.
    pub fn put_member(&mut self, member: Member) {
        // Of two who were there before capitals made no difference, each keeps the own login.
        let folded = member.login.to_lowercase();
        self.by_login.entry(folded).or_insert(member.id);
        self.by_login.insert(member.login.clone(), member.id);
        self.members.insert(member.id, member);
    }

    /// Returns who has a login; capitals make no difference.
    #[must_use]
    pub fn member_by_login(&self, login: &str) -> Option<&Member> {
        let exact = self.by_login.get(login);
        let found = exact.or_else(|| self.by_login.get(&login.to_lowercase()));
        self.members.get(found?)
    }

    /// Returns the instrument with this key.
    #[must_use]
    pub fn instrument_by_key(&self, key: &InstrumentKey) -> Option<&Instrument> {
        self.instruments.get(self.by_key.get(key)?)
    }

    /// Returns who has or had a key, so that it cannot be given again; capitals make no difference.
    /// Looks at every key: for edits, not for readers.
    #[must_use]
    pub fn use_of_key(&self, key: &InstrumentKey) -> Option<KeyUse> {
        let mut keys = self.by_key.keys();
        let held = keys.find(|held| held.as_str().eq_ignore_ascii_case(key.as_str()));
        let retired = || {
            self.retired_keys
                .contains(&key.as_str().to_ascii_lowercase())
        };
        match held {
            Some(held) => Some(KeyUse::Held(held.clone())),
            None => retired().then_some(KeyUse::Retired),
        }
    }

    /// Returns the node and everything above it, the node first. Ends after 8 steps, so that a
    /// circle in the data cannot hang a reader.
    pub fn ancestors(&self, node: NodeId) -> impl Iterator<Item = &Node> {
        std::iter::successors(self.nodes.get(&node), |node| self.nodes.get(&node.parent?)).take(8)
    }

    /// Returns what a node was below at a moment, with itself first: what was booked then keeps the
    /// institution and centre of its day. Ends after 8 steps.
    pub fn ancestors_at(&self, node: NodeId, at: Micros) -> impl Iterator<Item = &Node> {
        let above = move |node: &&Node| self.parent_at(node, at);
        std::iter::successors(self.nodes.get(&node), above).take(8)
    }

    fn parent_at(&self, node: &Node, at: Micros) -> Option<&Node> {
        let mut moves = self.node_moves.iter();
        let next = moves.find(|moved| moved.node == node.id && moved.at > at);
        self.nodes
            .get(&next.map_or(node.parent, |moved| Some(moved.left))?)
    }

    /// Returns the nearest node of a kind at or above `node`.
    #[must_use]
    pub fn node_above(&self, node: NodeId, kind: NodeKind) -> Option<&Node> {
        self.ancestors(node).find(|above| above.kind == kind)
    }

    /// Returns true if the member has the right at the node, by a role there or above.
    #[must_use]
    pub fn may(&self, member: MemberId, right: Right, node: NodeId) -> bool {
        self.members.get(&member).is_some_and(|member| {
            member.active
                && member.roles.iter().any(|held| {
                    held.role.gives(right)
                        && self.ancestors(node).any(|above| above.id == held.node)
                })
        })
    }

    /// Returns in whose authority the member may set rules of a lab's instruments aside, by roles at
    /// the lab or above, the least first.
    #[must_use]
    pub fn overriders(&self, member: MemberId, lab: NodeId) -> Vec<Overrider> {
        let roles = self.members.get(&member).filter(|member| member.active);
        let roles = roles.map_or(&[][..], |member| &member.roles);
        let mut overriders: Vec<Overrider> = roles
            .iter()
            .filter(|held| self.ancestors(lab).any(|above| above.id == held.node))
            .filter_map(|held| held.role.overrides_as())
            .collect();
        overriders.sort_unstable();
        overriders.dedup();
        overriders
    }

    /// Returns true if the member has the right at some node.
    #[must_use]
    pub fn may_somewhere(&self, member: MemberId, right: Right) -> bool {
        self.members.get(&member).is_some_and(|member| {
            member.active && member.roles.iter().any(|held| held.role.gives(right))
        })
    }

    /// Returns the institutions that a member belongs to, by roles at them or below; without
    /// repetition, in the order of the roles.
    #[must_use]
    pub fn institutions_of(&self, member: MemberId) -> Vec<NodeId> {
        let roles = self.members.get(&member).map(|member| &member.roles);
        let mut found = Vec::new();
        for held in roles.into_iter().flatten() {
            let institution = self.node_above(held.node, NodeKind::Institution);
            if let Some(institution) = institution.filter(|node| !found.contains(&node.id)) {
                found.push(institution.id);
            }
        }
        found
    }

    /// Returns true if the member may give, or take away, a role at a node.
    #[must_use]
    pub fn may_give(&self, member: MemberId, wanted: RoleOn) -> bool {
        self.members.get(&member).is_some_and(|member| {
            member.active
                && member.roles.iter().any(|held| {
                    held.role.may_give(wanted.role)
                        && self
                            .ancestors(wanted.node)
                            .any(|above| above.id == held.node)
                })
        })
    }

    /// Returns where an instrument stands: its own place, or that of the nearest node above.
    #[must_use]
    pub fn place_of(&self, instrument: &Instrument) -> Option<Place> {
        let above = || self.ancestors(instrument.lab).find_map(|node| node.place);
        instrument.place.or_else(above)
    }

    /// Returns the policy in force for an instrument and the highest rule version in it.
    #[must_use]
    pub fn policy_of(&self, instrument: &Instrument) -> (Policy, i64) {
        let mut scopes = self.scopes_to(instrument.lab);
        scopes.push(Scope::Instrument(instrument.id));
        self.policy_along(&scopes, instrument.zone)
    }

    /// Returns the policy in force for whatever is below a node and sets nothing itself, and the
    /// highest rule version in it.
    #[must_use]
    pub fn policy_below(&self, node: NodeId) -> (Policy, i64) {
        self.policy_along(&self.scopes_to(node), Tz::Asia__Shanghai)
    }

    /// Returns the places on the way from the region to a node.
    #[must_use]
    pub fn scopes_to(&self, node: NodeId) -> Vec<Scope> {
        let above = self.ancestors(node).map(|node| Scope::Node(node.id));
        let mut scopes: Vec<Scope> = above.collect();
        scopes.reverse();
        scopes
    }

    fn policy_along(&self, scopes: &[Scope], zone: Tz) -> (Policy, i64) {
        let sets: Vec<(Scope, &RuleSet)> = scopes
            .iter()
            .filter_map(|scope| Some((*scope, self.rules.get(scope)?)))
            .collect();
        let versions = sets.iter().map(|(_, set)| set.version);
        let version = versions.max().unwrap_or(0);
        let layers: Vec<Layer> = sets
            .iter()
            .map(|(scope, set)| self.layer(*scope, zone, &set.rules))
            .collect();
        (Policy::resolve(&layers), version)
    }

    /// Returns the rules of a scope as a layer. Nodes have no zone of their own yet: theirs is
    /// Shanghai's, as everywhere outside instruments.
    #[must_use]
    pub fn layer(&self, scope: Scope, instrument_zone: Tz, rules: &[Rule]) -> Layer {
        let (at, zone) = match scope {
            Scope::Node(node) => (SetAt::Node(node), Tz::Asia__Shanghai),
            Scope::Instrument(instrument) => (SetAt::Instrument(instrument), instrument_zone),
        };
        Layer {
            level: self.level_of(scope),
            at,
            zone,
            rules: rules.to_vec(),
        }
    }

    /// Returns where a member stands towards an instrument, by the institutions of both. Nobody
    /// counts as an enterprise yet: the tree does not tell.
    #[must_use]
    pub fn class_of(&self, member: MemberId, instrument: &Instrument) -> CallerClass {
        let institution = |node| self.node_above(node, NodeKind::Institution);
        let owner = institution(instrument.lab).map(|node| node.id);
        let member = self.members.get(&member);
        let mut roles = member.iter().flat_map(|member| &member.roles);
        let is_owners = roles.any(|held| {
            let home = institution(held.node).map(|node| node.id);
            home.is_some() && home == owner
        });
        if is_owners {
            CallerClass::Internal
        } else {
            CallerClass::Region
        }
    }

    /// Returns in whose name a member books: the lab and institution of the first role that has
    /// them. No project: that is named with each booking.
    #[must_use]
    pub fn subjects_of(&self, member: MemberId) -> Subjects {
        let roles = self.members.get(&member).map(|member| &member.roles);
        let home = |kind| {
            let mut roles = roles.into_iter().flatten();
            roles.find_map(|held| self.node_above(held.node, kind))
        };
        Subjects {
            member: Some(member),
            project: None,
            lab: home(NodeKind::Lab).map(|node| node.id),
            institution: home(NodeKind::Institution).map(|node| node.id),
        }
    }

    /// Returns where on the way from the region to an instrument a scope lies; a node that is gone
    /// counts as the region, whose binding rules ask for the most authority.
    #[must_use]
    pub fn level_of(&self, scope: Scope) -> Level {
        match scope {
            Scope::Instrument(_) => Level::Instrument,
            Scope::Node(id) => match self.nodes.get(&id).map(|node| node.kind) {
                Some(NodeKind::Lab) => Level::Lab,
                Some(NodeKind::Institution) => Level::Institution,
                Some(NodeKind::Centre) => Level::Centre,
                Some(NodeKind::Region) | None => Level::Region,
            },
        }
    }

    /// Returns the instrument if this agent may speak for it: it is the instrument's source, and of
    /// the instrument's lab. A revoked agent's name may be taken by another lab, and an instrument may
    /// move to one.
    #[must_use]
    pub fn speaks_for(&self, agent: &AgentName, key: &InstrumentKey) -> Option<&Instrument> {
        let found = self.instrument_by_key(key);
        found.filter(|instrument| self.agent_of(instrument) == Some(agent))
    }

    /// Returns true if a mapping of an instrument's lab names it. One that takes any name from a topic or
    /// message names none.
    #[must_use]
    pub fn is_mapped(&self, instrument: &Instrument) -> bool {
        let of_lab = self.mappings.values();
        let mut of_lab = of_lab.filter(|entry| entry.lab == instrument.lab);
        of_lab.any(|entry| entry.mapping.names(&instrument.key))
    }

    /// Returns the agent that may speak for an instrument; `None` also while the one that is its source
    /// is revoked or of another lab.
    #[must_use]
    pub fn agent_of<'i>(&self, instrument: &'i Instrument) -> Option<&'i AgentName> {
        let agent = &instrument.source.as_ref()?.agent;
        let entry = self.agents.get(agent)?;
        (entry.lab == instrument.lab).then_some(agent)
    }
}
