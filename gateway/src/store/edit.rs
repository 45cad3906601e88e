//! Writes edits of the registry.

use std::sync::Arc;

use scheduler::id::{InstrumentId, MemberId};
use scheduler::place::Place;
use scheduler::time::Micros;
use sqlx::{Any, Transaction};

use super::StoreError;
use super::foreign;
use super::rows::{Value, delete, insert};
use crate::registry::{
    AgentEntry, ForeignSource, Instrument, MappingEntry, Member, Node, NodeMove, RuleJson, RuleSet,
    Scope, SecretHash, SourceName, StateRuleJson, TokenEntry,
};

type Tx = Transaction<'static, Any>;

/// One change of the registry. `Put` inserts or replaces.
#[derive(Debug, Clone)]
pub enum Edit {
    /// A node.
    PutNode(Node),
    /// An instrument.
    PutInstrument(Box<Instrument>),
    /// An instrument is removed, with its rules; its history stays.
    DropInstrument(InstrumentId, Micros),
    /// A person with all roles.
    PutMember(Member),
    /// A token.
    PutToken(SecretHash, TokenEntry),
    /// A token goes.
    DropToken(i64),
    /// A session.
    PutSession(SecretHash, MemberId, Micros),
    /// A session goes.
    DropSession(SecretHash),
    /// All sessions of a member go.
    DropSessionsOf(MemberId),
    /// An agent.
    PutAgent(AgentEntry),
    /// An agent goes.
    DropAgent(wire::AgentName),
    /// The rules of a scope.
    PutRules(Scope, RuleSet),
    /// A foreign source.
    PutSource(ForeignSource),
    /// A foreign source goes.
    DropSource(SourceName),
    /// A mapping.
    PutMapping(Arc<MappingEntry>),
    /// A mapping goes.
    DropMapping(i64),
    /// All sessions of a member but one go.
    DropOtherSessions(MemberId, SecretHash),
    /// A node went to another parent.
    PutMove(NodeMove),
}

/// How many tables a `Put` may write.
const TABLES: usize = 11;

/// Tables in the order in which their rows may refer to each other, with the text around the
/// values of a `Put`.
const PUTS: [(&str, &str); TABLES] = [
    (
        "INSERT INTO nodes (id, parent, kind, name, name_en, enterprise, latitude_udeg, \
         longitude_udeg, version)",
        "ON CONFLICT (id) DO UPDATE SET parent = excluded.parent, kind = excluded.kind, \
         name = excluded.name, name_en = excluded.name_en, enterprise = excluded.enterprise, \
         latitude_udeg = excluded.latitude_udeg, longitude_udeg = excluded.longitude_udeg, \
         version = excluded.version",
    ),
    (
        "INSERT INTO instruments (id, key, name, name_en, model, manufacturer, category, \
         capabilities, room, lab, zone, capacity, bookable, published, version, source_agent, \
         source_device, state_rule, always_on, latitude_udeg, longitude_udeg)",
        "ON CONFLICT (id) DO UPDATE SET key = excluded.key, name = excluded.name, \
         name_en = excluded.name_en, model = excluded.model, \
         manufacturer = excluded.manufacturer, category = excluded.category, \
         capabilities = excluded.capabilities, room = excluded.room, lab = excluded.lab, \
         zone = excluded.zone, capacity = excluded.capacity, bookable = excluded.bookable, \
         published = excluded.published, version = excluded.version, \
         source_agent = excluded.source_agent, source_device = excluded.source_device, \
         state_rule = excluded.state_rule, always_on = excluded.always_on, \
         latitude_udeg = excluded.latitude_udeg, longitude_udeg = excluded.longitude_udeg",
    ),
    (
        "INSERT INTO members (id, login, name, name_en, password_hash, active, version)",
        "ON CONFLICT (id) DO UPDATE SET login = excluded.login, name = excluded.name, \
         name_en = excluded.name_en, password_hash = excluded.password_hash, \
         active = excluded.active, version = excluded.version",
    ),
    ("INSERT INTO member_roles (member, node, role)", ""),
    (
        "INSERT INTO tokens (id, hash, member, name, created_us, expires_us, read_only)",
        "ON CONFLICT (id) DO NOTHING",
    ),
    (
        "INSERT INTO sessions (hash, member, created_us)",
        "ON CONFLICT (hash) DO NOTHING",
    ),
    (
        "INSERT INTO agents (name, lab, secret, created_us)",
        "ON CONFLICT (name) DO UPDATE SET lab = excluded.lab, secret = excluded.secret",
    ),
    (
        "INSERT INTO rule_sets (scope_kind, scope_id, version, rules)",
        "ON CONFLICT (scope_kind, scope_id) DO UPDATE SET version = excluded.version, \
         rules = excluded.rules",
    ),
    (
        "INSERT INTO foreign_sources (name, lab, secret, filters, created_us)",
        "ON CONFLICT (name) DO UPDATE SET lab = excluded.lab, secret = excluded.secret, \
         filters = excluded.filters",
    ),
    (
        "INSERT INTO mappings (id, lab, name, spec, version, created_us)",
        "ON CONFLICT (id) DO UPDATE SET lab = excluded.lab, name = excluded.name, \
         spec = excluded.spec, version = excluded.version",
    ),
    (
        "INSERT INTO node_moves (id, node, left_parent, at_us, by_member)",
        "",
    ),
];

/// Writes edits: what goes first, then everything that is put, table by table.
///
/// # Errors
/// Returns [`StoreError::Failed`].
pub async fn write_edits(tx: &mut Tx, edits: &[Edit]) -> Result<(), StoreError> {
    const DOING: &str = "editing the registry";
    let mut puts: [Vec<Vec<Value>>; TABLES] = Default::default();
    let mut members = Vec::new();
    for edit in edits {
        match edit {
            Edit::DropInstrument(id, at) => drop_instrument(tx, *id, *at).await?,
            Edit::DropToken(id) => {
                delete(tx, DOING, "DELETE FROM tokens WHERE id", &[*id]).await?;
            }
            Edit::DropSession(hash) => {
                let query = sqlx::query("DELETE FROM sessions WHERE hash = $1");
                let query = query.bind(hash.as_bytes().to_vec());
                query
                    .execute(&mut **tx)
                    .await
                    .map_err(StoreError::at(DOING))?;
            }
            Edit::DropSessionsOf(member) => {
                let head = "DELETE FROM sessions WHERE member";
                delete(tx, DOING, head, &[member.get()]).await?;
            }
            Edit::DropOtherSessions(member, kept) => {
                let query = "DELETE FROM sessions WHERE member = $1 AND hash <> $2";
                let query = sqlx::query(query).bind(member.get());
                let query = query.bind(kept.as_bytes().to_vec());
                query
                    .execute(&mut **tx)
                    .await
                    .map_err(StoreError::at(DOING))?;
            }
            Edit::DropAgent(name) => {
                drop_named(tx, "DELETE FROM agents WHERE name = $1", name.as_str()).await?;
            }
            Edit::DropSource(name) => {
                let query = "DELETE FROM foreign_sources WHERE name = $1";
                drop_named(tx, query, name.as_str()).await?;
            }
            Edit::DropMapping(id) => {
                delete(tx, DOING, "DELETE FROM mappings WHERE id", &[*id]).await?;
            }
            Edit::PutMember(member) => {
                members.push(member.id.get());
                collect(&mut puts, edit);
            }
            Edit::PutNode(_)
            | Edit::PutInstrument(_)
            | Edit::PutToken(..)
            | Edit::PutSession(..)
            | Edit::PutAgent(_)
            | Edit::PutSource(_)
            | Edit::PutMapping(_)
            | Edit::PutRules(..)
            | Edit::PutMove(_) => collect(&mut puts, edit),
        }
    }
    delete(tx, DOING, "DELETE FROM member_roles WHERE member", &members).await?;
    for (texts, rows) in PUTS.into_iter().zip(puts) {
        insert(tx, DOING, texts, rows).await?;
    }
    Ok(())
}

async fn drop_named(tx: &mut Tx, query: &'static str, name: &str) -> Result<(), StoreError> {
    let dropped = sqlx::query(query).bind(name.to_owned());
    let dropped = dropped.execute(&mut **tx).await;
    dropped.map_err(StoreError::at("editing the registry"))?;
    Ok(())
}

async fn drop_instrument(tx: &mut Tx, id: InstrumentId, at: Micros) -> Result<(), StoreError> {
    let doing = "removing an instrument";
    let id = i64::from(id.get());
    let removed = sqlx::query("UPDATE instruments SET removed_us = $1 WHERE id = $2");
    let removed = removed.bind(at.get()).bind(id).execute(&mut **tx).await;
    removed.map_err(StoreError::at(doing))?;
    let rules =
        sqlx::query("DELETE FROM rule_sets WHERE scope_kind = 'instrument' AND scope_id = $1");
    let rules = rules.bind(id).execute(&mut **tx).await;
    rules.map_err(StoreError::at(doing))?;
    Ok(())
}

fn collect(puts: &mut [Vec<Vec<Value>>; TABLES], edit: &Edit) {
    for (table, row) in put_rows(edit) {
        if let Some(rows) = puts.get_mut(table) {
            rows.push(row);
        }
    }
}

/// Returns the rows of a `Put` with the index of their table in [`PUTS`].
fn put_rows(edit: &Edit) -> Vec<(usize, Vec<Value>)> {
    match edit {
        Edit::PutNode(node) => vec![(0, node_row(node))],
        Edit::PutInstrument(instrument) => vec![(1, instrument_row(instrument))],
        Edit::PutMember(member) => {
            let mut rows = vec![(2, member_row(member))];
            rows.extend(member.roles.iter().map(|held| {
                let (member, node) = (member.id.get(), held.node.get());
                (
                    3,
                    vec![member.into(), node.into(), held.role.as_str().into()],
                )
            }));
            rows
        }
        Edit::PutToken(hash, token) => vec![(4, token_row(hash, token))],
        Edit::PutSession(hash, member, at) => {
            vec![(
                5,
                vec![hash.as_bytes().into(), member.get().into(), at.get().into()],
            )]
        }
        Edit::PutAgent(agent) => vec![(6, agent_row(agent))],
        Edit::PutRules(scope, set) => vec![(7, rules_row(*scope, set))],
        Edit::PutSource(source) => vec![(8, foreign::source_row(source))],
        Edit::PutMapping(entry) => vec![(9, foreign::mapping_row(entry))],
        Edit::PutMove(moved) => vec![(10, move_row(moved))],
        Edit::DropInstrument(..)
        | Edit::DropToken(_)
        | Edit::DropSession(_)
        | Edit::DropSessionsOf(_)
        | Edit::DropSource(_)
        | Edit::DropMapping(_)
        | Edit::DropOtherSessions(..)
        | Edit::DropAgent(_) => Vec::new(),
    }
}

fn node_row(node: &Node) -> Vec<Value> {
    vec![
        node.id.get().into(),
        node.parent.map(scheduler::id::NodeId::get).into(),
        node.kind.as_str().into(),
        node.names.zh.as_str().into(),
        node.names.en.as_str().into(),
        node.enterprise.into(),
        latitude(node.place),
        longitude(node.place),
        node.version.into(),
    ]
}

fn move_row(moved: &NodeMove) -> Vec<Value> {
    vec![
        moved.id.into(),
        moved.node.get().into(),
        moved.left.get().into(),
        moved.at.get().into(),
        moved.by.get().into(),
    ]
}

fn latitude(place: Option<Place>) -> Value {
    place
        .map(|place| i64::from(place.latitude_microdeg()))
        .into()
}

fn longitude(place: Option<Place>) -> Value {
    place
        .map(|place| i64::from(place.longitude_microdeg()))
        .into()
}

fn instrument_row(instrument: &Instrument) -> Vec<Value> {
    let state_rule = serde_json::to_string(&StateRuleJson::of(&instrument.state_rule));
    let source = instrument.source.as_ref();
    vec![
        i64::from(instrument.id.get()).into(),
        instrument.key.as_str().into(),
        instrument.names.zh.as_str().into(),
        instrument.names.en.as_str().into(),
        instrument.model.as_str().into(),
        instrument.manufacturer.as_str().into(),
        instrument.category.as_deref().into(),
        instrument.capabilities.join(" ").as_str().into(),
        instrument.room.as_str().into(),
        instrument.lab.get().into(),
        instrument.zone.name().into(),
        i64::from(instrument.capacity).into(),
        instrument.bookable.into(),
        instrument.published.into(),
        instrument.version.into(),
        source.map(|source| source.agent.as_str()).into(),
        source.and_then(|source| source.device.as_deref()).into(),
        state_rule
            .expect("a state rule is plain JSON")
            .as_str()
            .into(),
        instrument.always_on.into(),
        latitude(instrument.place),
        longitude(instrument.place),
    ]
}

fn member_row(member: &Member) -> Vec<Value> {
    vec![
        member.id.get().into(),
        member.login.as_str().into(),
        member.display.zh.as_str().into(),
        member.display.en.as_str().into(),
        member.password_hash.as_str().into(),
        member.active.into(),
        member.version.into(),
    ]
}

fn token_row(hash: &SecretHash, token: &TokenEntry) -> Vec<Value> {
    vec![
        token.id.into(),
        hash.as_bytes().into(),
        token.member.get().into(),
        token.name.as_str().into(),
        token.created_at.get().into(),
        token.expires_at.get().into(),
        token.read_only.into(),
    ]
}

fn agent_row(agent: &AgentEntry) -> Vec<Value> {
    vec![
        agent.name.as_str().into(),
        agent.lab.get().into(),
        agent.secret.as_bytes().into(),
        agent.created_at.get().into(),
    ]
}

fn rules_row(scope: Scope, set: &RuleSet) -> Vec<Value> {
    let (kind, id) = match scope {
        Scope::Node(node) => ("node", node.get()),
        Scope::Instrument(instrument) => ("instrument", i64::from(instrument.get())),
    };
    let rules: Vec<RuleJson> = set.rules.iter().map(RuleJson::of).collect();
    let rules = serde_json::to_string(&rules).expect("rules are plain JSON");
    vec![
        kind.into(),
        id.into(),
        set.version.into(),
        rules.as_str().into(),
    ]
}
