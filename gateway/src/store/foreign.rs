//! Rows of foreign sources and mappings.

use std::sync::Arc;

use scheduler::id::NodeId;
use scheduler::time::Micros;
use sqlx::any::AnyRow;
use sqlx::{Any, Transaction};

use super::StoreError;
use super::directory::{hash, rows};
use super::row::{get, json_of, parsed};
use super::rows::Value;
use crate::registry::{Directory, ForeignSource, MappingEntry, SourceName};
use crate::telemetry::mapping::{Mapping, MappingSpec, TopicFilter};

const SOURCES: &str = "SELECT name, lab, secret, filters, created_us FROM foreign_sources";
const MAPPINGS: &str = "SELECT id, lab, name, spec, version, created_us FROM mappings";

/// Loads foreign sources and mappings.
pub(super) async fn load(
    tx: &mut Transaction<'static, Any>,
    directory: &mut Directory,
) -> Result<(), StoreError> {
    for row in rows(tx, SOURCES).await? {
        let source = source(&row)?;
        directory.sources.insert(source.name.clone(), source);
    }
    for row in rows(tx, MAPPINGS).await? {
        let entry = mapping(&row)?;
        directory.mappings.insert(entry.id, entry);
    }
    Ok(())
}

fn source(row: &AnyRow) -> Result<ForeignSource, StoreError> {
    const TABLE: &str = "foreign_sources";
    let name: String = get(row, "name")?;
    let filters: Vec<String> = json_of(row, (TABLE, "filters"))?;
    let filters: Result<Vec<TopicFilter>, _> = filters
        .iter()
        .map(|filter| TopicFilter::parse(filter))
        .collect();
    Ok(ForeignSource {
        name: parsed(SourceName::parse(&name).ok(), TABLE, "name", &name)?,
        lab: NodeId::new(get(row, "lab")?),
        secret: hash(row, "secret", TABLE, &name)?,
        filters: parsed(filters.ok(), TABLE, "filters", &name)?,
        created_at: Micros::new(get(row, "created_us")?),
    })
}

fn mapping(row: &AnyRow) -> Result<Arc<MappingEntry>, StoreError> {
    const TABLE: &str = "mappings";
    let id: i64 = get(row, "id")?;
    let spec: MappingSpec = json_of(row, (TABLE, "spec"))?;
    Ok(Arc::new(MappingEntry {
        id,
        lab: NodeId::new(get(row, "lab")?),
        name: get(row, "name")?,
        mapping: parsed(Mapping::new(spec).ok(), TABLE, "spec", &id)?,
        version: get(row, "version")?,
        created_at: Micros::new(get(row, "created_us")?),
    }))
}

pub(super) fn source_row(source: &ForeignSource) -> Vec<Value> {
    let filters: Vec<&str> = source.filters.iter().map(TopicFilter::as_str).collect();
    vec![
        source.name.as_str().into(),
        source.lab.get().into(),
        source.secret.as_bytes().into(),
        Value::json(&filters),
        source.created_at.get().into(),
    ]
}

pub(super) fn mapping_row(entry: &MappingEntry) -> Vec<Value> {
    vec![
        entry.id.into(),
        entry.lab.get().into(),
        entry.name.as_str().into(),
        Value::json(entry.mapping.spec()),
        entry.version.into(),
        entry.created_at.get().into(),
    ]
}
