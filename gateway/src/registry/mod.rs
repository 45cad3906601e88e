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
mod state_rule;

use std::sync::Arc;

use arc_swap::ArcSwap;

pub use agent::{AgentEntry, RESIDENT_PREFIX, SecretHash, resident_of};
pub use directory::{Directory, KeyUse, RuleSet, Scope};
pub use foreign::{ForeignSource, MappingEntry, SourceName};
pub use instrument::{Instrument, Names, Polled, Source};
pub use json::{
    AlarmJson, BitsJson, BodyJson, CaseJson, ClassJson, ConditionJson, DwellsJson, ExceptionJson,
    FaultPolicyJson, HolidaysJson, HoursJson, LevelJson, MeaningJson, ModeJson, OneOfJson,
    PartyJson, PeriodJson, RuleFault, RuleJson, SpanJson, StateRuleJson, StateRuleKind,
    ThresholdJson,
};
pub use member::{Member, Right, Role, RoleOn, TokenEntry};
pub use node::{Node, NodeKind, NodeMove};
pub use state_rule::{
    Alarm, Case, Cases, Condition, Dwell, FaultPolicy, Judgement, Level, Levels, Meaning,
    RULE_CHANNELS_MAX, RULE_LEAVES_MAX, Register, STALE_AFTER_MS_MIN, StateRule, Threshold,
};

/// The current directory; the desk stores, everybody loads.
pub type SharedDirectory = Arc<ArcSwap<Directory>>;
