//! What is known: the tree of nodes, instruments, people, agents, rules. Types and look-ups only.
//!
//! A [`Directory`] is an immutable snapshot. The desk publishes a new one after the commit of a
//! registry edit; everybody else reads the current one without waiting. Deliberately not here: SQL
//! (`store`), who is signed in (`booking::sessions`).

mod agent;
mod directory;
mod foreign;
mod instrument;
mod json;
mod member;
mod node;

use std::sync::Arc;

use arc_swap::ArcSwap;

pub use agent::{AgentEntry, SecretHash};
pub use directory::{Directory, KeyUse, RuleSet, Scope};
pub use foreign::{ForeignSource, MappingEntry, SourceName};
pub use instrument::{Instrument, Names, Source, StateRule};
pub use json::{
    BodyJson, ClassJson, ExceptionJson, HolidaysJson, HoursJson, ModeJson, PartyJson, PeriodJson,
    RuleFault, RuleJson, SpanJson, StateRuleJson,
};
pub use member::{Member, Right, Role, RoleOn, TokenEntry};
pub use node::{Node, NodeKind, NodeMove};

/// The current directory; the desk stores, everybody loads.
pub type SharedDirectory = Arc<ArcSwap<Directory>>;
