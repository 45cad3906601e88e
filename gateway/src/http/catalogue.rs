//! Instruments in the order of their keys, with what searches look at, and the slim index.
//!
//! Built once for each directory generation that somebody asks about; readers take it without
//! waiting. The index is packed once and its tag depends on its content alone, so an edit that
//! concerns nothing in it costs browsers nothing.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use arc_swap::ArcSwap;
use bytes::Bytes;
use scheduler::id::{InstrumentId, NodeId};
use serde::Serialize;
use sha2::{Digest, Sha256};
use utoipa::ToSchema;

use super::answer::gzip;
use super::view::NodeView;
use crate::registry::{Directory, Instrument, NodeKind};

/// The catalogue of the newest directory that was asked about.
#[derive(Debug, Default)]
pub struct Catalogues {
    current: ArcSwap<Catalogue>,
    /// Held while a new one is built, so that one reader builds it and the others wait.
    building: Mutex<()>,
}

/// Instruments of one directory generation.
#[derive(Debug, Default)]
pub struct Catalogue {
    generation: Option<u64>,
    /// Every instrument, by key ascending.
    pub rows: Vec<Row>,
    index: OnceLock<Index>,
}

/// What lists and searches look at.
#[derive(Debug)]
pub struct Row {
    /// The instrument.
    pub id: InstrumentId,
    /// Its key; the list's order and cursor.
    pub key: String,
    /// Its lab.
    pub lab: NodeId,
    /// The institution above.
    pub institution: Option<NodeId>,
    /// The centre above.
    pub centre: Option<NodeId>,
    /// Everything searchable, lower case.
    pub haystack: String,
}

/// The slim index as bytes.
#[derive(Debug, Clone)]
pub struct Index {
    /// Strong tag with its quotes.
    pub etag: String,
    /// JSON.
    pub plain: Bytes,
    /// The same, packed.
    pub packed: Bytes,
}

/// The slim index: everything the find page needs to search at once.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = InstrumentIndex)]
pub struct IndexView {
    /// Tag of the content, without quotes.
    etag: String,
    /// Centres.
    centres: Vec<NodeView>,
    /// Institutions.
    institutions: Vec<NodeView>,
    /// Labs, with the places of their institution and centre in the lists above.
    labs: Vec<IndexLab>,
    /// Key, name, English name, model, place of the lab, room, capabilities with spaces between,
    /// bookable 0 or 1.
    #[schema(value_type = Vec<Vec<serde_json::Value>>)]
    rows: Vec<IndexRow>,
}

/// A lab in the index.
#[derive(Debug, Serialize, ToSchema)]
pub struct IndexLab {
    #[serde(flatten)]
    node: NodeView,
    institution: usize,
    centre: usize,
}

type IndexRow = (String, String, String, String, usize, String, String, u8);

impl Catalogues {
    /// Returns the catalogue of a directory.
    #[must_use]
    pub fn of(&self, directory: &Directory) -> Arc<Catalogue> {
        let current = self.current.load_full();
        if current.generation == Some(directory.generation) {
            return current;
        }
        let built = self.building.lock().unwrap_or_else(PoisonError::into_inner);
        let current = self.current.load_full();
        if current.generation == Some(directory.generation) {
            return current;
        }
        let fresh = Arc::new(Catalogue::of(directory));
        // A reader that still holds an older directory must not throw away a newer catalogue.
        if current.generation < fresh.generation {
            self.current.store(Arc::clone(&fresh));
        }
        drop(built);
        fresh
    }
}

impl Catalogue {
    fn of(directory: &Directory) -> Self {
        let mut rows: Vec<Row> = directory
            .instruments
            .values()
            .map(|instrument| Row::of(directory, instrument))
            .collect();
        rows.sort_unstable_by(|a, b| a.key.cmp(&b.key));
        Self {
            generation: Some(directory.generation),
            rows,
            index: OnceLock::new(),
        }
    }

    /// Returns the rows after a key.
    #[must_use]
    pub fn after(&self, key: Option<&str>) -> &[Row] {
        let from = key.map_or(0, |key| {
            self.rows.partition_point(|row| row.key.as_str() <= key)
        });
        self.rows.get(from..).unwrap_or_default()
    }

    /// Returns the index of published instruments; about 20 ms for 5,534 when it is new.
    pub fn slim_index(&self, directory: &Directory) -> &Index {
        self.index.get_or_init(|| Index::of(&self.rows, directory))
    }
}

impl Row {
    fn of(directory: &Directory, instrument: &Instrument) -> Self {
        let above = |kind| directory.node_above(instrument.lab, kind);
        let names = &instrument.names;
        let mut words: Vec<&str> = vec![
            instrument.key.as_str(),
            &names.zh,
            &names.en,
            &instrument.model,
            &instrument.manufacturer,
            &instrument.room,
        ];
        words.extend(instrument.capabilities.iter().map(String::as_str));
        for node in directory.ancestors(instrument.lab) {
            words.extend([node.names.zh.as_str(), node.names.en.as_str()]);
        }
        Self {
            id: instrument.id,
            key: instrument.key.as_str().to_owned(),
            lab: instrument.lab,
            institution: above(NodeKind::Institution).map(|node| node.id),
            centre: above(NodeKind::Centre).map(|node| node.id),
            haystack: words.join("\n").to_lowercase(),
        }
    }

    /// Returns true if every word is somewhere in the row; words are lower case.
    #[must_use]
    pub fn matches(&self, words: &[String]) -> bool {
        words.iter().all(|word| self.haystack.contains(word))
    }
}

impl Index {
    fn of(rows: &[Row], directory: &Directory) -> Self {
        let mut view = IndexView::of(rows, directory);
        let unnamed = serde_json::to_vec(&view).expect("the index has string keys");
        let digest = hex::encode(Sha256::digest(&unnamed));
        view.etag = digest.chars().take(16).collect();
        let plain = serde_json::to_vec(&view).expect("the index has string keys");
        Self {
            etag: format!("\"{}\"", view.etag),
            packed: gzip(&plain),
            plain: plain.into(),
        }
    }
}

impl IndexView {
    fn of(rows: &[Row], directory: &Directory) -> Self {
        let mut centres = Places::default();
        let mut institutions = Places::default();
        let mut labs = Places::default();
        let mut lab_views = Vec::new();
        let mut index_rows = Vec::with_capacity(rows.len());
        for row in rows {
            let Some(instrument) = directory.instruments.get(&row.id) else {
                continue;
            };
            if !instrument.published {
                continue;
            }
            let lab = labs.place(row.lab, directory);
            if lab == lab_views.len() {
                lab_views.push(IndexLab {
                    node: NodeView::above(directory, row.lab, NodeKind::Lab),
                    institution: institutions.place_or_none(row.institution, directory),
                    centre: centres.place_or_none(row.centre, directory),
                });
            }
            index_rows.push((
                row.key.clone(),
                instrument.names.zh.clone(),
                instrument.names.en.clone(),
                instrument.model.clone(),
                lab,
                instrument.room.clone(),
                instrument.capabilities.join(" "),
                u8::from(instrument.bookable),
            ));
        }
        Self {
            etag: String::new(),
            centres: centres.views,
            institutions: institutions.views,
            labs: lab_views,
            rows: index_rows,
        }
    }
}

/// Nodes in the order in which they were first met.
#[derive(Default)]
struct Places {
    place_of: HashMap<Option<NodeId>, usize>,
    views: Vec<NodeView>,
}

impl Places {
    fn place(&mut self, node: NodeId, directory: &Directory) -> usize {
        self.place_or_none(Some(node), directory)
    }

    fn place_or_none(&mut self, node: Option<NodeId>, directory: &Directory) -> usize {
        let views = &mut self.views;
        *self.place_of.entry(node).or_insert_with(|| {
            let found = node.and_then(|node| directory.nodes.get(&node));
            views.push(found.map_or_else(NodeView::nameless, NodeView::of));
            views.len() - 1
        })
    }
}
