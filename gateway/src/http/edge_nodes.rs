//! Sparkplug edge nodes: what they and their devices measure, and which of it is read.

use std::collections::BTreeMap;

use axum::extract::State;
use serde::Serialize;
use utoipa::ToSchema;

use super::answer::Json;
use super::caller::SignedIn;
use super::problem::Problem;
use super::sources::seen_labs;
use super::state::HttpState;
use super::time::Zoned;
use super::view::{NodeView, Whole};
use crate::registry::{Directory, NodeKind};
use crate::telemetry::EdgeNodeView as Known;
use crate::telemetry::mapping::MappingIndex;
use crate::telemetry::sparkplug::{Metric, Unread, document_topic};

const ZONE: chrono_tz::Tz = chrono_tz::Tz::Asia__Shanghai;

/// Most metrics shown of one edge node and its devices.
const METRICS_SHOWN_MAX: usize = 500;

/// A Sparkplug edge node that was heard since the gateway started.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = EdgeNode)]
pub struct EdgeNodeView {
    /// Its group.
    group: String,
    /// Its name in the group.
    node: String,
    /// The lab of its source.
    lab: NodeView,
    /// The foreign source that sends for it.
    source: String,
    /// Whether it is there, as far as known.
    online: bool,
    /// When it or one of its devices came or went last.
    changed_at: Zoned,
    /// All metrics of its last births, those that are not shown too.
    metrics_total: usize,
    /// The node itself and its devices.
    devices: Vec<EdgeDeviceView>,
}

/// An edge node itself, or one of its devices.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = EdgeDevice)]
pub struct EdgeDeviceView {
    /// The device; null: the edge node itself.
    device: Option<String>,
    /// The topic that a mapping names.
    topic: String,
    /// Its metrics, at most 500 of the edge node in all.
    metrics: Vec<EdgeMetricView>,
}

/// A metric as born.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = EdgeMetric)]
pub struct EdgeMetricView {
    /// Its name.
    name: String,
    /// Its unit, if it tells.
    unit: Option<String>,
    /// The channel it becomes; null: no mapping reads it.
    channel: Option<String>,
    /// Why it cannot be read, as a stable word: `text`, `data_set`, `template`, `array`, ...; null: it
    /// can.
    reason: Option<&'static str>,
}

/// Lists the Sparkplug edge nodes of labs that the caller manages or audits, by name.
#[utoipa::path(get, path = "/api/v1/edge-nodes", tag = "settings",
    responses((status = 200, body = Whole<EdgeNodeView>)))]
pub(super) async fn list(
    State(state): State<HttpState>,
    who: SignedIn,
) -> Result<Json<Whole<EdgeNodeView>>, Problem> {
    let directory = state.directory().load_full();
    let labs = seen_labs(&directory, &who)?;
    let index = MappingIndex::of(&directory);
    let nodes = state.telemetry().edge_nodes();
    let seen = nodes
        .iter()
        .filter(|known| labs(known.lab) && directory.sources.contains_key(&known.source));
    Ok(Json(Whole {
        items: seen.map(|known| view(&directory, &index, known)).collect(),
    }))
}

fn view(directory: &Directory, index: &MappingIndex, known: &Known) -> EdgeNodeView {
    let name = &known.listed.name;
    let metrics = &known.listed.metrics;
    let mut devices: BTreeMap<Option<&str>, Vec<&Metric>> = BTreeMap::new();
    for (device, metric) in metrics.iter().take(METRICS_SHOWN_MAX) {
        devices.entry(device.as_deref()).or_default().push(metric);
    }
    let devices = devices.into_iter().map(|(device, metrics)| {
        let topic = document_topic(&name.group, &name.node, device);
        let mappings = index.candidates(known.lab, &topic);
        let metric = |metric: &Metric| {
            let mut mappings = mappings.iter();
            let channel =
                mappings.find_map(|entry| entry.mapping.channel_of_metric(&topic, &metric.name));
            EdgeMetricView {
                name: metric.name.to_string(),
                unit: Some(metric.unit.to_string()).filter(|unit| !unit.is_empty()),
                channel: channel
                    .filter(|_| metric.unread.is_none())
                    .map(|channel| channel.as_str().to_owned()),
                reason: metric.unread.map(Unread::word),
            }
        };
        EdgeDeviceView {
            device: device.map(str::to_owned),
            metrics: metrics.into_iter().map(metric).collect(),
            topic: topic.clone(),
        }
    });
    EdgeNodeView {
        group: name.group.to_string(),
        node: name.node.to_string(),
        lab: NodeView::above(directory, known.lab, NodeKind::Lab),
        source: known.source.as_str().to_owned(),
        online: known.listed.is_here,
        changed_at: Zoned(known.changed_at, ZONE),
        metrics_total: metrics.len(),
        devices: devices.collect(),
    }
}
