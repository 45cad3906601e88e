//! Reading instruments: list, index, detail. Editing is `instrument_edit`'s.

use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use scheduler::id::NodeId;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use wire::InstrumentKey;

use super::answer::{JSON, Versioned, either, is_known};
use super::body::Query;
use super::caller::Caller;
use super::catalogue::{IndexView, Row};
use super::page::Limit;
use super::path::Found;
use super::problem::Problem;
use super::state::HttpState;
use super::time::Zoned;
use super::view::{InstrumentView, List, OpenProblem, RulesView};
use crate::registry::{Directory, Instrument, Right};
use crate::status::ShownStatus;

/// What to list.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct Filter {
    /// Words that all must occur in key, names, model, manufacturer, capabilities, room or place.
    q: Option<String>,
    /// A centre's id.
    centre: Option<i64>,
    /// An institution's id.
    institution: Option<i64>,
    /// A lab's id.
    lab: Option<i64>,
    /// A capability, such as `xrd`.
    capability: Option<String>,
    /// A shown status.
    #[param(value_type = Option<String>)]
    state: Option<StatusText>,
    /// Only those that can, or cannot, be booked.
    bookable: Option<bool>,
    /// Items on a page, 1 to 500.
    #[serde(default)]
    #[param(value_type = Option<usize>, minimum = 1, maximum = 500, default = 50)]
    limit: Limit,
    /// Where the page begins.
    cursor: Option<String>,
}

/// A shown status in a query.
#[derive(Debug, Clone, Copy)]
struct StatusText(ShownStatus);

impl<'de> Deserialize<'de> for StatusText {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        const NAMES: &[&str] = &[
            "maintenance",
            "fault",
            "running",
            "booked",
            "offline",
            "idle",
            "no_telemetry",
        ];
        let text = String::deserialize(deserializer)?;
        let found = ShownStatus::ALL
            .into_iter()
            .find(|status| status.as_str() == text);
        found
            .map(Self)
            .ok_or_else(|| serde::de::Error::unknown_variant(&text, NAMES))
    }
}

/// An instrument with what it measures, its rules, and what the caller may do.
#[derive(Debug, Serialize, ToSchema)]
pub struct InstrumentDetail {
    #[serde(flatten)]
    instrument: InstrumentView,
    /// The newest reading of each channel.
    channels: Vec<ChannelView>,
    /// The rules in force.
    rules: RulesView,
    /// What the caller may do.
    may: May,
    /// Problems that are not closed; only for those who are signed in.
    problems: Vec<OpenProblem>,
}

/// The newest reading of a channel.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Channel)]
pub struct ChannelView {
    /// Name, such as `power_w`.
    name: String,
    /// Unit, such as `W`.
    unit: String,
    /// When it was read.
    time: Option<Zoned>,
    /// The value; null if there is none to believe.
    value: Option<f64>,
    /// `good` or why there is no value.
    quality: &'static str,
}

/// What the caller may do with an instrument.
#[derive(Debug, Serialize, ToSchema)]
pub struct May {
    /// Book it.
    book: bool,
    /// Edit it, its rules and its source.
    edit: bool,
}

/// Lists instruments by key: those published, and those the caller manages.
#[utoipa::path(get, path = "/api/v1/instruments", tag = "instruments", params(Filter),
    responses((status = 200, body = List<InstrumentView>)))]
pub(super) async fn list(
    State(state): State<HttpState>,
    caller: Caller,
    headers: HeaderMap,
    Query(filter): Query<Filter>,
) -> Result<Response, Problem> {
    let directory = state.directory().load_full();
    let catalogue = state.catalogues().of(&directory);
    if filter
        .cursor
        .as_deref()
        .is_some_and(|cursor| InstrumentKey::parse(cursor).is_err())
    {
        return Err(Problem::field("cursor", "not a cursor of this list"));
    }
    let matching = Matching::new(&state, &directory, caller, &filter);
    let total = catalogue
        .rows
        .iter()
        .filter(|row| matching.row(row))
        .count();
    let rest = catalogue.after(filter.cursor.as_deref());
    let mut page = rest.iter().filter_map(|row| matching.instrument(row));
    let chosen: Vec<&Instrument> = page.by_ref().take(filter.limit.0).collect();
    let next_cursor = page
        .next()
        .and(chosen.last())
        .map(|last| last.key.as_str().to_owned());
    let items = chosen
        .into_iter()
        .map(|instrument| {
            InstrumentView::of(&directory, instrument, state.shown_now(instrument.id))
        })
        .collect();
    let list = List {
        items,
        next_cursor,
        total,
    };
    let bytes = serde_json::to_vec(&list).map_err(Problem::internal)?;
    Ok(super::answer::packed(&headers, JSON, bytes).await)
}

/// A filter with what it needs to look at.
struct Matching<'a> {
    state: &'a HttpState,
    directory: &'a Directory,
    caller: Caller,
    filter: &'a Filter,
    words: Vec<String>,
    statuses: std::sync::Arc<super::board::View>,
}

impl<'a> Matching<'a> {
    fn new(
        state: &'a HttpState,
        directory: &'a Directory,
        caller: Caller,
        filter: &'a Filter,
    ) -> Self {
        let q = filter.q.as_deref().unwrap_or_default().to_lowercase();
        Self {
            state,
            directory,
            caller,
            filter,
            words: q.split_whitespace().map(str::to_owned).collect(),
            statuses: state.board().view(),
        }
    }

    fn row(&self, row: &Row) -> bool {
        self.instrument(row).is_some()
    }

    fn instrument(&self, row: &Row) -> Option<&'a Instrument> {
        let filter = self.filter;
        let is_at = |wanted: Option<i64>, node: Option<NodeId>| {
            wanted.is_none_or(|wanted| node == Some(NodeId::new(wanted)))
        };
        let is_there = is_at(filter.centre, row.centre)
            && is_at(filter.institution, row.institution)
            && is_at(filter.lab, Some(row.lab));
        if !is_there || !row.matches(&self.words) {
            return None;
        }
        let instrument = self.directory.instruments.get(&row.id)?;
        let can = |capability: &String| instrument.capabilities.contains(capability);
        let fits = filter
            .bookable
            .is_none_or(|wanted| wanted == instrument.bookable)
            && filter.capability.as_ref().is_none_or(can)
            && self.is_in_state(instrument)
            && self.caller.sees(self.directory, instrument);
        fits.then_some(instrument)
    }

    fn is_in_state(&self, instrument: &Instrument) -> bool {
        self.filter.state.is_none_or(|wanted| {
            let shown = self
                .statuses
                .status(instrument.id)
                .unwrap_or_else(|| self.state.shown_now(instrument.id).status);
            shown == wanted.0
        })
    }
}

/// Returns the slim index of published instruments, for searching at once. Tagged and packed.
#[utoipa::path(get, path = "/api/v1/instruments/index", tag = "instruments",
    responses((status = 200, body = IndexView), (status = 304, description = "Not changed")))]
pub(super) async fn index(
    State(state): State<HttpState>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let making = state.clone();
    // Making it takes tens of milliseconds, once for each edit.
    let index = tokio::task::spawn_blocking(move || {
        let directory = making.directory().load_full();
        making
            .catalogues()
            .of(&directory)
            .slim_index(&directory)
            .clone()
    });
    let index = index.await.map_err(Problem::internal)?;
    let mut response = if is_known(&headers, &index.etag) {
        StatusCode::NOT_MODIFIED.into_response()
    } else {
        either(&headers, JSON, index.plain, Some(index.packed))
    };
    let tag = HeaderValue::from_str(&index.etag).map_err(Problem::internal)?;
    let headers = response.headers_mut();
    headers.insert(header::ETAG, tag);
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    Ok(response)
}

/// Returns an instrument with channels, rules and what the caller may do.
#[utoipa::path(get, path = "/api/v1/instruments/{key}", tag = "instruments",
    params(("key" = String, Path, description = "Asset code")),
    responses((status = 200, body = InstrumentDetail, headers(("ETag" = String, description = "Version")))))]
pub(super) async fn detail(
    State(state): State<HttpState>,
    caller: Caller,
    found: Found,
) -> Versioned<InstrumentDetail> {
    let directory = &found.directory;
    let instrument = found.instrument();
    let (policy, version) = directory.policy_of(instrument);
    let channels = state.telemetry().latest(instrument.id);
    let channels = channels.into_iter().map(|reading| ChannelView {
        name: reading.name.as_str().to_owned(),
        unit: reading.unit,
        time: Some(Zoned(reading.time, instrument.zone)),
        value: reading.value,
        quality: reading.quality.as_str(),
    });
    let may = |right| caller.may(directory, right, instrument.lab);
    let books = caller
        .member()
        .is_some_and(|member| directory.may_somewhere(member, Right::Book));
    let class = caller.class_at(directory, instrument);
    let body = InstrumentDetail {
        instrument: InstrumentView::of(directory, instrument, state.shown_now(instrument.id)),
        channels: channels.collect(),
        rules: RulesView::of(&policy, class, version, instrument.zone),
        may: May {
            book: books && instrument.bookable,
            edit: may(Right::ManageInstruments),
        },
        problems: OpenProblem::all(&state.desk().ledger(), caller, instrument),
    };
    Versioned {
        version: instrument.version,
        body,
    }
}
