//! Edits of foreign sources and mappings.

use std::sync::Arc;

use super::Planned;
use crate::booking::command::RegistryOutcome;
use crate::registry::{ForeignSource, MappingEntry, NodeKind, SourceName};
use crate::store::Edit;
use crate::telemetry::mapping::{MAPPINGS_OF_LAB_MAX, SOURCES_OF_LAB_MAX};

impl Planned {
    /// Adds a source. A topic belongs to one lab, so its filters overlap with no other lab's.
    pub(super) fn add_source(&mut self, source: ForeignSource) -> Result<(), RegistryOutcome> {
        self.check_lab(source.lab)?;
        let directory = &self.directory;
        let is_taken = directory.sources.contains_key(&source.name)
            || directory.agents.contains_key(source.name.as_agent());
        let others = directory.sources.values();
        let mut others = others.filter(|other| other.lab != source.lab);
        let overlaps = others.any(|other| {
            let mut filters = other.filters.iter();
            filters.any(|filter| source.filters.iter().any(|own| own.overlaps(filter)))
        });
        if is_taken || overlaps {
            return Err(RegistryOutcome::Taken);
        }
        let of_lab = directory.sources.values();
        if of_lab.filter(|other| other.lab == source.lab).count() >= SOURCES_OF_LAB_MAX {
            return Err(RegistryOutcome::InUse);
        }
        self.edits.push(Edit::PutSource(source.clone()));
        self.directory.sources.insert(source.name.clone(), source);
        Ok(())
    }

    pub(super) fn remove_source(&mut self, name: SourceName) -> Result<(), RegistryOutcome> {
        let removed = self.directory.sources.remove(&name);
        removed.ok_or(RegistryOutcome::NotFound)?;
        self.edits.push(Edit::DropSource(name));
        Ok(())
    }

    pub(super) fn add_mapping(&mut self, mut entry: MappingEntry) -> Result<(), RegistryOutcome> {
        self.check_lab(entry.lab)?;
        let of_lab = self.directory.mappings.values();
        if of_lab.filter(|other| other.lab == entry.lab).count() >= MAPPINGS_OF_LAB_MAX {
            return Err(RegistryOutcome::InUse);
        }
        self.next.mapping += 1;
        self.number = self.next.mapping;
        entry.id = self.number;
        entry.version = 1;
        self.put_mapping(entry);
        Ok(())
    }

    pub(super) fn replace_mapping(&mut self, entry: MappingEntry) -> Result<(), RegistryOutcome> {
        let held = self.directory.mappings.get(&entry.id);
        let held = held.ok_or(RegistryOutcome::NotFound)?;
        if held.version + 1 != entry.version {
            return Err(RegistryOutcome::Stale);
        }
        self.number = entry.version;
        self.put_mapping(entry);
        Ok(())
    }

    pub(super) fn remove_mapping(
        &mut self,
        id: i64,
        version: Option<i64>,
    ) -> Result<(), RegistryOutcome> {
        let held = self.directory.mappings.get(&id);
        let held = held.ok_or(RegistryOutcome::NotFound)?;
        if version.is_some_and(|version| version != held.version) {
            return Err(RegistryOutcome::Stale);
        }
        self.directory.mappings.remove(&id);
        self.edits.push(Edit::DropMapping(id));
        Ok(())
    }

    fn put_mapping(&mut self, entry: MappingEntry) {
        let entry = Arc::new(entry);
        self.edits.push(Edit::PutMapping(Arc::clone(&entry)));
        self.directory.mappings.insert(entry.id, entry);
    }

    fn check_lab(&self, lab: scheduler::id::NodeId) -> Result<(), RegistryOutcome> {
        let node = self.directory.nodes.get(&lab);
        let is_lab = node.is_some_and(|node| node.kind == NodeKind::Lab);
        is_lab.then_some(()).ok_or(RegistryOutcome::NotFound)
    }
}
