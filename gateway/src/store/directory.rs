//! Loads the registry.

use std::collections::HashMap;

use chrono_tz::Tz;
use scheduler::id::{InstrumentId, MemberId, NodeId};
use scheduler::place::Place;
use scheduler::time::Micros;
use sqlx::Any;
use sqlx::Transaction;
use sqlx::any::AnyRow;
use wire::{AgentName, InstrumentKey};

use super::StoreError;
use super::foreign;
use super::row::{get, parsed};
use crate::registry::{
    AgentEntry, Directory, Instrument, Member, Names, Node, NodeKind, NodeMove, Role, RoleOn,
    RuleJson, RuleSet, Scope, SecretHash, Source, StateRuleJson, TokenEntry,
};

const NODES: &str = "SELECT id, parent, kind, name, name_en, enterprise, latitude_udeg, \
     longitude_udeg, version FROM nodes";
const INSTRUMENTS: &str = "SELECT id, key, name, name_en, model, manufacturer, category, \
     capabilities, room, lab, zone, capacity, bookable, published, version, source_agent, \
     source_device, state_rule, always_on, latitude_udeg, longitude_udeg, source_polled FROM instruments \
     WHERE removed_us IS NULL";
const MEMBERS: &str =
    "SELECT id, login, name, name_en, password_hash, active, version FROM members";
const ROLES: &str = "SELECT member, node, role FROM member_roles";
const TOKENS: &str = "SELECT id, hash, member, name, created_us, expires_us, read_only FROM tokens";
const MOVES: &str = "SELECT id, node, left_parent, at_us, by_member FROM node_moves ORDER BY id";
const AGENTS: &str = "SELECT name, lab, secret, created_us FROM agents";
const RULES: &str = "SELECT scope_kind, scope_id, version, rules FROM rule_sets";
const SESSIONS: &str = "SELECT hash, member, created_us FROM sessions";

/// Whether something was ever booked, closed, measured or reported at an instrument. Readings are in
/// another file; what an agent spoke for counts as measured.
macro_rules! has_history {
    () => {
        "(source_agent IS NOT NULL \
         OR EXISTS (SELECT 1 FROM bookings WHERE bookings.instrument = instruments.id) \
         OR EXISTS (SELECT 1 FROM outages WHERE outages.instrument = instruments.id) \
         OR EXISTS (SELECT 1 FROM runs WHERE runs.instrument = instruments.id) \
         OR EXISTS (SELECT 1 FROM problems WHERE problems.instrument = instruments.id))"
    };
}
const RETIRED: &str = concat!(
    "SELECT key FROM instruments WHERE removed_us IS NOT NULL AND ",
    has_history!()
);
const WITH_HISTORY: &str = concat!(
    "SELECT id FROM instruments WHERE id = $1 AND ",
    has_history!()
);

type Tx = Transaction<'static, Any>;

pub(super) async fn rows(tx: &mut Tx, query: &'static str) -> Result<Vec<AnyRow>, StoreError> {
    let rows = sqlx::query(query).fetch_all(&mut **tx).await;
    rows.map_err(StoreError::at("loading the registry"))
}

/// Loads the whole registry.
///
/// # Errors
/// Returns [`StoreError`] when a query fails or a row is impossible.
pub async fn load_directory(tx: &mut Tx) -> Result<Directory, StoreError> {
    let mut directory = Directory::default();
    for row in rows(tx, NODES).await? {
        let node = node(&row)?;
        directory.nodes.insert(node.id, node);
    }
    for row in rows(tx, INSTRUMENTS).await? {
        directory.put_instrument(instrument(&row)?);
    }
    for row in rows(tx, RETIRED).await? {
        let key: String = get(&row, "key")?;
        directory.retired_keys.insert(key.to_ascii_lowercase());
    }
    let mut roles: HashMap<MemberId, Vec<RoleOn>> = HashMap::new();
    for row in rows(tx, ROLES).await? {
        let member = MemberId::new(get(&row, "member")?);
        let text: String = get(&row, "role")?;
        let role = parsed(Role::parse(&text), "member_roles", "role", &member)?;
        let node = NodeId::new(get(&row, "node")?);
        roles.entry(member).or_default().push(RoleOn { role, node });
    }
    for row in rows(tx, MEMBERS).await? {
        let id = MemberId::new(get(&row, "id")?);
        directory.put_member(Member {
            id,
            login: get(&row, "login")?,
            display: names(&row)?,
            password_hash: get(&row, "password_hash")?,
            roles: roles.remove(&id).unwrap_or_default(),
            active: get::<i64>(&row, "active")? != 0,
            version: get(&row, "version")?,
        });
    }
    for row in rows(tx, TOKENS).await? {
        let id: i64 = get(&row, "id")?;
        let entry = TokenEntry {
            id,
            member: MemberId::new(get(&row, "member")?),
            name: get(&row, "name")?,
            created_at: Micros::new(get(&row, "created_us")?),
            expires_at: Micros::new(get(&row, "expires_us")?),
            read_only: get::<i64>(&row, "read_only")? != 0,
        };
        directory
            .tokens
            .insert(hash(&row, "hash", "tokens", &id)?, entry);
    }
    for row in rows(tx, AGENTS).await? {
        let agent = agent(&row)?;
        directory.agents.insert(agent.name.clone(), agent);
    }
    foreign::load(tx, &mut directory).await?;
    for row in rows(tx, MOVES).await? {
        directory.node_moves.push(NodeMove {
            id: get(&row, "id")?,
            node: NodeId::new(get(&row, "node")?),
            left: NodeId::new(get(&row, "left_parent")?),
            at: Micros::new(get(&row, "at_us")?),
            by: MemberId::new(get(&row, "by_member")?),
        });
    }
    for row in rows(tx, RULES).await? {
        let (scope, set) = rule_set(&row)?;
        directory.rules.insert(scope, set);
    }
    Ok(directory)
}

/// Returns whether an instrument has a history, so that its key is never given again.
///
/// # Errors
/// Returns [`StoreError::Failed`].
pub async fn has_history(tx: &mut Tx, id: InstrumentId) -> Result<bool, StoreError> {
    let query = sqlx::query(WITH_HISTORY).bind(i64::from(id.get()));
    let found = query.fetch_optional(&mut **tx).await;
    let found = found.map_err(StoreError::at("looking for an instrument's history"))?;
    Ok(found.is_some())
}

/// Loads the sessions: hash of the id, whose, since when.
///
/// # Errors
/// Returns [`StoreError`] when the query fails or a row is impossible.
pub async fn load_sessions(tx: &mut Tx) -> Result<Vec<(SecretHash, MemberId, Micros)>, StoreError> {
    let read = |row: &AnyRow| {
        let member = MemberId::new(get(row, "member")?);
        let since = Micros::new(get(row, "created_us")?);
        Ok((hash(row, "hash", "sessions", &member)?, member, since))
    };
    rows(tx, SESSIONS).await?.iter().map(read).collect()
}

fn names(row: &AnyRow) -> Result<Names, StoreError> {
    Ok(Names {
        zh: get(row, "name")?,
        en: get(row, "name_en")?,
    })
}

fn place(row: &AnyRow, table: &'static str) -> Result<Option<Place>, StoreError> {
    let degrees = |column| get::<Option<i64>>(row, column);
    let found = degrees("latitude_udeg")?.zip(degrees("longitude_udeg")?);
    let Some((latitude, longitude)) = found else {
        return Ok(None);
    };
    let both = i32::try_from(latitude)
        .ok()
        .zip(i32::try_from(longitude).ok());
    let place = both.and_then(|(latitude, longitude)| Place::new(latitude, longitude));
    parsed(place, table, "latitude_udeg", &latitude).map(Some)
}

pub(super) fn hash(
    row: &AnyRow,
    column: &'static str,
    table: &'static str,
    key: &dyn std::fmt::Display,
) -> Result<SecretHash, StoreError> {
    let bytes: Vec<u8> = get(row, column)?;
    let bytes = parsed(<[u8; 32]>::try_from(bytes).ok(), table, column, key)?;
    Ok(SecretHash::from_bytes(bytes))
}

fn node(row: &AnyRow) -> Result<Node, StoreError> {
    let id = NodeId::new(get(row, "id")?);
    let kind: String = get(row, "kind")?;
    Ok(Node {
        id,
        parent: get::<Option<i64>>(row, "parent")?.map(NodeId::new),
        kind: parsed(NodeKind::parse(&kind), "nodes", "kind", &id)?,
        names: names(row)?,
        enterprise: get::<i64>(row, "enterprise")? != 0,
        place: place(row, "nodes")?,
        version: get(row, "version")?,
    })
}

fn instrument(row: &AnyRow) -> Result<Instrument, StoreError> {
    const TABLE: &str = "instruments";
    let key: String = get(row, "key")?;
    let id: i64 = get(row, "id")?;
    let zone: String = get(row, "zone")?;
    let capacity: i64 = get(row, "capacity")?;
    let capabilities: String = get(row, "capabilities")?;
    let state_rule: String = get(row, "state_rule")?;
    let state_rule = serde_json::from_str::<StateRuleJson>(&state_rule).ok();
    let state_rule = state_rule.and_then(|rule| rule.to_rule().ok());
    let agent: Option<String> = get(row, "source_agent")?;
    let device: Option<String> = get(row, "source_device")?;
    let polled: Option<String> = get(row, "source_polled")?;
    let source = match agent {
        None => None,
        Some(name) => {
            let agent = parsed(AgentName::parse(&name).ok(), TABLE, "source_agent", &key)?;
            let polled = polled.map(|text| serde_json::from_str(&text).ok());
            let polled = polled.map(|unit| parsed(unit, TABLE, "source_polled", &key));
            Some(Source {
                agent,
                device,
                polled: polled.transpose()?,
            })
        }
    };
    let capacity = u8::try_from(capacity).ok().filter(|capacity| *capacity > 0);
    Ok(Instrument {
        id: InstrumentId::new(parsed(u32::try_from(id).ok(), TABLE, "id", &key)?),
        key: parsed(InstrumentKey::parse(&key).ok(), TABLE, "key", &id)?,
        names: names(row)?,
        model: get(row, "model")?,
        manufacturer: get(row, "manufacturer")?,
        category: get(row, "category")?,
        capabilities: capabilities.split_whitespace().map(str::to_owned).collect(),
        room: get(row, "room")?,
        lab: NodeId::new(get(row, "lab")?),
        place: place(row, TABLE)?,
        zone: parsed(zone.parse::<Tz>().ok(), TABLE, "zone", &key)?,
        capacity: parsed(capacity, TABLE, "capacity", &key)?,
        bookable: get::<i64>(row, "bookable")? != 0,
        published: get::<i64>(row, "published")? != 0,
        always_on: get::<i64>(row, "always_on")? != 0,
        version: get(row, "version")?,
        source,
        state_rule: parsed(state_rule, TABLE, "state_rule", &key)?,
    })
}

fn agent(row: &AnyRow) -> Result<AgentEntry, StoreError> {
    let name: String = get(row, "name")?;
    Ok(AgentEntry {
        name: parsed(AgentName::parse(&name).ok(), "agents", "name", &name)?,
        lab: NodeId::new(get(row, "lab")?),
        secret: hash(row, "secret", "agents", &name)?,
        created_at: Micros::new(get(row, "created_us")?),
    })
}

fn rule_set(row: &AnyRow) -> Result<(Scope, RuleSet), StoreError> {
    let (kind, id): (String, i64) = (get(row, "scope_kind")?, get(row, "scope_id")?);
    let scope = match (kind.as_str(), u32::try_from(id)) {
        ("node", _) => Some(Scope::Node(NodeId::new(id))),
        ("instrument", Ok(id)) => Some(Scope::Instrument(InstrumentId::new(id))),
        _ => None,
    };
    let scope = parsed(scope, "rule_sets", "scope_kind", &id)?;
    let text: String = get(row, "rules")?;
    let rules: Option<Vec<RuleJson>> = serde_json::from_str(&text).ok();
    let rules = parsed(rules, "rule_sets", "rules", &id)?;
    let rules: Result<Vec<_>, _> = rules.iter().map(RuleJson::to_rule).collect();
    let rules = parsed(rules.ok(), "rule_sets", "rules", &id)?;
    Ok((
        scope,
        RuleSet {
            version: get(row, "version")?,
            rules,
        },
    ))
}
