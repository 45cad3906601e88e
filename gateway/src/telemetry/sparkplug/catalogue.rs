//! The metrics that a birth named: what a name or an alias stands for until the next birth.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use super::payload::{BD_SEQ, Metric as Sent};
use super::value::{Number, number};
use super::{NAME_BYTES_MAX, payload};

/// Most characters of a unit: the limit of the store.
const UNIT_CHARACTERS_MAX: usize = 16;

/// Why a metric is not read; a stable word each.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Unread {
    /// A text, a UUID.
    Text,
    /// Bytes or a file.
    Bytes,
    /// A table.
    DataSet,
    /// A structure.
    Template,
    /// Several values at once.
    Array,
    /// A point in time.
    Time,
    /// An integer whose type nobody told.
    NoType,
    /// A value that its type cannot have.
    WrongType,
    /// No birth has named it.
    NotInBirth,
    /// Only an alias names it, and what that stands for is not certain.
    AliasInDoubt,
    /// It has neither name nor alias, or an overlong name.
    Nameless,
    /// The edge node has more metrics or devices than are followed.
    TooMany,
}

impl Unread {
    /// Returns true if it should not be so; false for metrics of a kind that is not taken.
    #[must_use]
    pub fn is_fault(self) -> bool {
        match self {
            Self::Text
            | Self::Bytes
            | Self::DataSet
            | Self::Template
            | Self::Array
            | Self::Time => false,
            Self::NoType
            | Self::WrongType
            | Self::NotInBirth
            | Self::AliasInDoubt
            | Self::Nameless
            | Self::TooMany => true,
        }
    }

    /// Returns the word.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Bytes => "bytes",
            Self::DataSet => "data_set",
            Self::Template => "template",
            Self::Array => "array",
            Self::Time => "time",
            Self::NoType => "no_type",
            Self::WrongType => "wrong_type",
            Self::NotInBirth => "not_in_birth",
            Self::AliasInDoubt => "alias_in_doubt",
            Self::Nameless => "nameless",
            Self::TooMany => "too_many_metrics",
        }
    }
}

/// A metric as born.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Metric {
    /// Its name, with folders such as `Inputs/Power`.
    pub name: Arc<str>,
    /// Its unit by the property `engUnit`, shortened; empty: it does not tell.
    pub unit: Arc<str>,
    /// Its data type (specification, 6.4.16), if it tells.
    pub datatype: Option<u32>,
    /// Why it cannot be read, if it cannot.
    pub unread: Option<Unread>,
}

/// The metrics of an edge node itself or of one of its devices.
#[derive(Debug, Default)]
pub(super) struct Catalogue {
    metrics: BTreeMap<Arc<str>, Metric>,
    /// `None`: two metrics have this alias, so it stands for neither.
    aliases: HashMap<u64, Option<Arc<str>>>,
}

/// One metric of a message, resolved.
pub(super) type Resolved = (Metric, Number);

impl Catalogue {
    /// Takes a birth's metrics, at most `room`; returns their values and what is not read.
    pub(super) fn born(
        sent: &[Sent],
        room: usize,
        values: &mut Vec<(Resolved, usize)>,
        unread: &mut Vec<(Arc<str>, Unread)>,
    ) -> Self {
        let mut catalogue = Self::default();
        for (place, one) in sent.iter().enumerate() {
            let Some(name) = name_of(one) else {
                unread.push((Arc::from(""), Unread::Nameless));
                continue;
            };
            if name == BD_SEQ || name == payload::REBIRTH {
                continue;
            }
            if catalogue.metrics.len() >= room {
                unread.push((Arc::from(name), Unread::TooMany));
                break;
            }
            let read = number(one, one.datatype);
            let metric = Metric {
                name: Arc::from(name),
                unit: unit_of(one),
                datatype: one.datatype,
                unread: read.as_ref().err().copied(),
            };
            catalogue.name_alias(one.alias, &metric.name);
            match read {
                Ok(value) => values.push(((metric.clone(), value), place)),
                Err(why) => unread.push((Arc::clone(&metric.name), why)),
            }
            catalogue.metrics.insert(Arc::clone(&metric.name), metric);
        }
        catalogue
    }

    fn name_alias(&mut self, alias: Option<u64>, name: &Arc<str>) {
        let Some(alias) = alias else { return };
        let held = self.aliases.entry(alias);
        held.and_modify(|held| {
            if held.as_ref() != Some(name) {
                *held = None;
            }
        })
        .or_insert_with(|| Some(Arc::clone(name)));
    }

    /// Makes aliases stand for nothing that stand for something in another catalogue of the node too:
    /// they must be unique in the whole of it (6.4.6, tck-id-payloads-alias-uniqueness).
    pub(super) fn part_from(&mut self, other: &mut Self) {
        for (alias, held) in &mut self.aliases {
            if let Some(theirs) = other.aliases.get_mut(alias) {
                *theirs = None;
                *held = None;
            }
        }
    }

    /// Resolves a metric of a data message. Without `trust` an alias stands for nothing, and a type is
    /// only what the message itself tells.
    pub(super) fn resolve(&self, sent: &Sent, trust: bool) -> Result<Resolved, (Arc<str>, Unread)> {
        let name: &str = match (name_of(sent), sent.alias) {
            (Some(name), _) => name,
            (None, Some(_)) if !trust => return Err((Arc::from(""), Unread::AliasInDoubt)),
            (None, Some(alias)) => match self.aliases.get(&alias) {
                Some(Some(name)) => name,
                Some(None) => return Err((Arc::from(""), Unread::AliasInDoubt)),
                None => return Err((Arc::from(""), Unread::NotInBirth)),
            },
            (None, None) => return Err((Arc::from(""), Unread::Nameless)),
        };
        let held = self.metrics.get(name);
        if held.is_none() && trust {
            return Err((Arc::from(name), Unread::NotInBirth));
        }
        let born = held.and_then(|held| held.datatype).filter(|_| trust);
        let metric = held.cloned().unwrap_or_else(|| Metric {
            name: Arc::from(name),
            unit: unit_of(sent),
            datatype: sent.datatype,
            unread: None,
        });
        match number(sent, sent.datatype.or(born)) {
            Ok(value) => Ok((metric, value)),
            Err(why) => Err((metric.name, why)),
        }
    }

    /// Returns how many there are.
    pub(super) fn len(&self) -> usize {
        self.metrics.len()
    }

    /// Returns them by name.
    pub(super) fn metrics(&self) -> impl Iterator<Item = &Metric> {
        self.metrics.values()
    }
}

fn name_of(sent: &Sent) -> Option<&str> {
    let name = sent.name.as_deref()?;
    (1..=NAME_BYTES_MAX).contains(&name.len()).then_some(name)
}

fn unit_of(sent: &Sent) -> Arc<str> {
    let unit = sent
        .property("engUnit")
        .and_then(|unit| unit.text.as_deref());
    let unit: String = unit
        .unwrap_or_default()
        .chars()
        .filter(|letter| !letter.is_control())
        .take(UNIT_CHARACTERS_MAX)
        .collect();
    Arc::from(unit)
}
