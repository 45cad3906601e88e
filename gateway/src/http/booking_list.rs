//! Lists of bookings: one's own, and those of instruments one sees the inside of.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Response;
use scheduler::booking::Status;
use scheduler::id::{InstrumentId, MemberId, NodeId};
use scheduler::time::Micros;
use serde::Deserialize;
use utoipa::IntoParams;

use super::answer::{JSON, packed};
use super::body::Query;
use super::caller::SignedIn;
use super::page::Limit;
use super::path::visible;
use super::problem::Problem;
use super::state::HttpState;
use super::time::When;
use super::view::{BookingView, List, Reader};
use crate::booking::record::Booking;
use crate::registry::Directory;

/// Which bookings to list.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct Filter {
    /// An instrument's key.
    instrument: Option<String>,
    /// A lab, or a node above it.
    lab: Option<i64>,
    /// `me` or a member's id.
    member: Option<String>,
    /// Only those that end after this.
    #[param(value_type = Option<String>, format = DateTime)]
    from: Option<When>,
    /// Only those that begin before this.
    #[param(value_type = Option<String>, format = DateTime)]
    to: Option<When>,
    /// `pending`, `confirmed`, `in_use`, `completed`, `no_show`, `unverified`, `cancelled`,
    /// `declined` or `expired`.
    status: Option<String>,
    /// Items on a page, 1 to 500.
    #[serde(default)]
    #[param(value_type = Option<usize>, minimum = 1, maximum = 500, default = 50)]
    limit: Limit,
    /// Where the page begins.
    cursor: Option<String>,
}

/// The order of the list, and its cursor: by start, then by identity.
type Place = (Micros, i64);

/// What is asked, with its texts understood.
struct Asked {
    instrument: Option<InstrumentId>,
    lab: Option<NodeId>,
    member: Option<MemberId>,
    from: Micros,
    to: Micros,
    status: Option<Status>,
    after: Option<Place>,
}

/// Lists bookings by start: the caller's own and those of instruments whose inside the caller sees.
/// Others are not there.
#[utoipa::path(get, path = "/api/v1/bookings", tag = "bookings", params(Filter),
    responses((status = 200, body = List<BookingView>)))]
pub(super) async fn list(
    State(state): State<HttpState>,
    who: SignedIn,
    headers: HeaderMap,
    Query(filter): Query<Filter>,
) -> Result<Response, Problem> {
    let directory = state.directory().load_full();
    let asked = Asked::of(&directory, who, &filter)?;
    let sorted = gather(&state, &directory, who, &asked);
    let total = sorted.len();
    let mut rest = sorted
        .into_iter()
        .filter(|(place, _)| asked.after.is_none_or(|after| *place > after));
    let page: Vec<(Place, Arc<Booking>)> = rest.by_ref().take(filter.limit.0).collect();
    let next_cursor = rest
        .next()
        .and(page.last())
        .map(|((start, id), _)| format!("{}-{id}", start.get()));
    let reader = Reader::new(&state, &directory, who.caller);
    let views = page
        .iter()
        .filter_map(|(_, booking)| BookingView::of(&reader, booking));
    let list = List {
        items: views.collect(),
        next_cursor,
        total,
    };
    let bytes = serde_json::to_vec(&list).map_err(Problem::internal)?;
    Ok(packed(&headers, JSON, bytes).await)
}

impl Asked {
    fn of(directory: &Directory, who: SignedIn, filter: &Filter) -> Result<Self, Problem> {
        let instrument = filter.instrument.as_deref();
        let instrument = instrument.map(|key| visible(directory, key, &who.caller));
        let member = match filter.member.as_deref() {
            None => None,
            Some("me") => Some(who.member),
            Some(id) => {
                let id = id.parse().map(MemberId::new);
                Some(id.map_err(|_| Problem::field("member", "expected `me` or a member's id"))?)
            }
        };
        let status = filter.status.as_deref().map(|text| {
            Status::parse(text).ok_or_else(|| Problem::field("status", "no state of a booking"))
        });
        let after = filter.cursor.as_deref().map(|text| {
            place(text).ok_or_else(|| Problem::field("cursor", "not a cursor of this list"))
        });
        if let (Some(from), Some(to)) = (filter.from, filter.to)
            && to.0 < from.0
        {
            return Err(Problem::field("to", "must not be before `from`"));
        }
        Ok(Self {
            instrument: instrument.transpose()?,
            lab: filter.lab.map(NodeId::new),
            member,
            from: filter.from.map_or(Micros::new(i64::MIN), |from| from.0),
            to: filter.to.map_or(Micros::new(i64::MAX), |to| to.0),
            status: status.transpose()?,
            after: after.transpose()?,
        })
    }

    fn is_below(&self, directory: &Directory, instrument: InstrumentId) -> bool {
        self.lab.is_none_or(|lab| {
            let found = directory.instruments.get(&instrument);
            found.is_some_and(|held| directory.ancestors(held.lab).any(|above| above.id == lab))
        })
    }

    fn takes(&self, booking: &Booking) -> bool {
        self.instrument.is_none_or(|id| id == booking.instrument)
            && self.member.is_none_or(|id| id == booking.member)
            && self.status.is_none_or(|status| status == booking.status)
            && booking.slot.end() > self.from
            && booking.slot.start() < self.to
    }
}

fn place(cursor: &str) -> Option<Place> {
    let (start, id) = cursor.rsplit_once('-')?;
    Some((Micros::new(start.parse().ok()?), id.parse().ok()?))
}

/// Gathers without repetition, in order.
fn gather(
    state: &HttpState,
    directory: &Directory,
    who: SignedIn,
    asked: &Asked,
) -> BTreeMap<Place, Arc<Booking>> {
    let mut found = BTreeMap::new();
    let mut add = |booking: Arc<Booking>| {
        if asked.takes(&booking) && asked.is_below(directory, booking.instrument) {
            found.insert((booking.slot.start(), booking.id.get()), booking);
        }
    };
    let shelf = state.desk().shelf();
    if asked.member.is_none_or(|member| member == who.member) {
        shelf.bookings_of(who.member).into_iter().for_each(&mut add);
    }
    if asked.member == Some(who.member) {
        return found;
    }
    let seen = directory.instruments.values().filter(|instrument| {
        asked.instrument.is_none_or(|id| id == instrument.id)
            && asked.is_below(directory, instrument.id)
            && who.caller.sees_inside(directory, instrument)
    });
    for instrument in seen {
        let held = shelf.bookings_at(instrument.id);
        held.into_iter().for_each(&mut add);
    }
    found
}
