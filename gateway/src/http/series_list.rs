//! Series that somebody booked, and those of an instrument.

use axum::extract::State;
use serde::Deserialize;
use utoipa::IntoParams;

use super::answer::Json;
use super::body::Query;
use super::caller::SignedIn;
use super::page::Limit;
use super::path::visible;
use super::problem::Problem;
use super::series::{is_inside, view_of};
use super::state::HttpState;
use super::view::{List, SeriesView};
use crate::booking::record::Series;

/// Which series to list.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct Filter {
    /// An instrument's key: everybody's series there, for those who run it.
    instrument: Option<String>,
    /// Items on a page, 1 to 500.
    #[serde(default)]
    #[param(value_type = Option<usize>, minimum = 1, maximum = 500, default = 50)]
    limit: Limit,
    /// Where the page begins.
    cursor: Option<i64>,
}

/// Lists series, newest first: the caller's own, and those of an instrument whose inside is seen.
#[utoipa::path(get, path = "/api/v1/series", tag = "bookings", params(Filter),
    responses((status = 200, body = List<SeriesView>)))]
pub(super) async fn list(
    State(state): State<HttpState>,
    who: SignedIn,
    Query(filter): Query<Filter>,
) -> Result<Json<List<SeriesView>>, Problem> {
    let directory = state.directory().load_full();
    let at = filter.instrument.as_deref();
    let at = at
        .map(|key| visible(&directory, key, &who.caller))
        .transpose()?;
    let ledger = state.desk().ledger();
    let wanted = |series: &Series| {
        at.is_none_or(|id| id == series.instrument)
            && (series.member == who.member || at.is_some() && is_inside(&directory, who, series))
    };
    let found = ledger.series.iter().rev();
    let found: Vec<_> = found.filter(|series| wanted(series)).collect();
    let total = found.len();
    let before = |id: i64| filter.cursor.is_none_or(|cursor| id < cursor);
    let mut rest = found.into_iter().filter(|series| before(series.id.get()));
    let page: Vec<_> = rest.by_ref().take(filter.limit.0).collect();
    let more = rest.next().and(page.last());
    let next_cursor = more.map(|last| last.id.to_string());
    let views = page
        .iter()
        .filter_map(|series| view_of(&state, &directory, who, series));
    Ok(Json(List {
        items: views.collect(),
        next_cursor,
        total,
    }))
}
