//! From a topic to its lab, its source and the mappings that might read it, quickly: a region has
//! thousands of devices, each with a mapping of its own.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use scheduler::id::NodeId;

use super::route::Mapping;
use super::topic::TopicFilter;
use crate::registry::{Directory, MappingEntry, SourceName};

/// What the second level of a topic must be; `None`: anything.
type Second = HashMap<Option<Box<str>>, Vec<Arc<MappingEntry>>>;

/// Sources and mappings of one directory.
#[derive(Debug, Default)]
pub struct MappingIndex {
    generation: u64,
    /// By first level, which filters always name.
    sources: HashMap<Box<str>, Vec<(TopicFilter, SourceName, NodeId)>>,
    /// By lab and first level; empty: it is not one word.
    mappings: HashMap<(NodeId, Box<str>), Second>,
}

impl MappingIndex {
    /// Follows the directory.
    pub fn follow(&mut self, directory: &Directory) {
        if self.generation == directory.generation && self.generation != 0 {
            return;
        }
        *self = Self::of(directory);
    }

    /// Makes the index of a directory.
    #[must_use]
    pub fn of(directory: &Directory) -> Self {
        let mut index = Self {
            generation: directory.generation,
            ..Self::default()
        };
        for source in directory.sources.values() {
            for filter in &source.filters {
                let first = filter.first_level().into();
                let entry = (filter.clone(), source.name.clone(), source.lab);
                index.sources.entry(first).or_default().push(entry);
            }
        }
        for entry in directory.mappings.values() {
            for (first, second) in places(&entry.mapping) {
                let first = index.mappings.entry((entry.lab, first)).or_default();
                first.entry(second).or_default().push(Arc::clone(entry));
            }
        }
        index
    }

    /// Returns whose topic it is: the lab and the first source that may send to it.
    #[must_use]
    pub fn owner(&self, topic: &str) -> Option<(NodeId, &SourceName)> {
        let first = topic.split('/').next().unwrap_or_default();
        let mut sources = self.sources.get(first)?.iter();
        let found = sources.find(|(filter, _, _)| filter.matches(topic))?;
        Some((found.2, &found.1))
    }

    /// Returns the mappings of a lab that might read a topic, each once, by identity.
    #[must_use]
    pub fn candidates(&self, lab: NodeId, topic: &str) -> Vec<Arc<MappingEntry>> {
        let mut levels = topic.split('/');
        let first: Box<str> = levels.next().unwrap_or_default().into();
        let second = levels.next().map(Box::from);
        let mut found: BTreeMap<i64, &Arc<MappingEntry>> = BTreeMap::new();
        for first in [first, Box::default()] {
            let Some(seconds) = self.mappings.get(&(lab, first)) else {
                continue;
            };
            let mut keys = vec![&None];
            keys.extend(second.is_some().then_some(&second));
            for entry in keys
                .into_iter()
                .filter_map(|key| seconds.get(key))
                .flatten()
            {
                found.insert(entry.id, entry);
            }
        }
        found.into_values().map(Arc::clone).collect()
    }
}

/// Returns where a mapping is looked for, each once.
fn places(mapping: &Mapping) -> Vec<(Box<str>, Option<Box<str>>)> {
    let of_route = mapping.routes().iter().map(|route| {
        let first = route.pattern.word(0).unwrap_or_default();
        (Box::from(first), route.pattern.word(1).map(Box::from))
    });
    let mut places: Vec<_> = of_route.collect();
    places.sort_unstable();
    places.dedup();
    places
}
