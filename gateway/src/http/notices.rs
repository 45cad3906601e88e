//! Notices: what the caller was told.

use axum::extract::State;
use scheduler::id::BookingId;
use scheduler::time::Micros;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::answer::Json;
use super::body::{Body, Query};
use super::caller::SignedIn;
use super::page::{Limit, newest_first};
use super::problem::Problem;
use super::state::HttpState;
use super::time::Zoned;
use super::view::List;
use crate::booking::SeeNotices;
use crate::booking::record::{Notice, NoticeKind};
use crate::registry::Instrument;
use crate::words::{self, Language, Seen, Told};

/// A notice.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Notice)]
pub struct NoticeView {
    /// Identity; later ones are higher.
    id: i64,
    /// About what.
    kind: NoticeKind,
    /// What it says, in the reader's language.
    sentence: String,
    /// The instrument's key.
    instrument: String,
    /// Its name, in the reader's language.
    instrument_name: String,
    /// The booking it is about.
    booking: Option<i64>,
    /// When it is about: first instant.
    start: Option<Zoned>,
    /// First instant after it.
    end: Option<Zoned>,
    /// When it was told.
    at: Zoned,
    /// When it was seen.
    seen_at: Option<Zoned>,
}

/// Which notices to list.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct Filter {
    /// Only those not seen yet, or seen.
    unseen: Option<bool>,
    /// Items on a page, 1 to 500.
    #[serde(default)]
    #[param(value_type = Option<usize>, minimum = 1, maximum = 500, default = 50)]
    limit: Limit,
    /// Where the page begins.
    cursor: Option<i64>,
}

/// How far the caller has read.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SeenRequest {
    /// The newest notice that was seen; those before it were too.
    up_to: i64,
}

/// How many were new.
#[derive(Debug, Serialize, ToSchema)]
pub struct SeenAnswer {
    /// Notices that are now marked as seen and were not before.
    seen: usize,
}

/// Lists the caller's notices of the last 30 days, the newest first; at most 200 are kept.
#[utoipa::path(get, path = "/api/v1/notices", tag = "people", params(Filter),
    responses((status = 200, body = List<NoticeView>)))]
pub(super) async fn list(
    State(state): State<HttpState>,
    who: SignedIn,
    Query(filter): Query<Filter>,
) -> Json<List<NoticeView>> {
    let directory = state.directory().load_full();
    let ledger = state.desk().ledger();
    let mine = ledger.notices_of(who.member).filter_map(|notice| {
        let is_wanted = filter
            .unseen
            .is_none_or(|unseen| unseen == notice.seen_at.is_none());
        let instrument = is_wanted.then(|| directory.instruments.get(&notice.instrument));
        Some((notice.id, (instrument??, notice)))
    });
    let now = state.clock().now();
    let page = (filter.limit, filter.cursor);
    Json(newest_first(
        mine.collect(),
        page,
        |(instrument, notice)| NoticeView::of(instrument, notice, now, who.caller.language),
    ))
}

/// Marks the caller's notices as seen, up to one of them.
#[utoipa::path(post, path = "/api/v1/notices/seen", tag = "people", request_body = SeenRequest,
    responses((status = 200, body = SeenAnswer)))]
pub(super) async fn seen(
    State(state): State<HttpState>,
    who: SignedIn,
    Body(asked): Body<SeenRequest>,
) -> Result<Json<SeenAnswer>, Problem> {
    let see = SeeNotices {
        member: who.member,
        up_to: asked.up_to,
    };
    let seen = state.desk().ask(see).await?;
    Ok(Json(SeenAnswer { seen }))
}

impl NoticeView {
    fn of(instrument: &Instrument, notice: &Notice, now: Micros, language: Language) -> Self {
        let zone = instrument.zone;
        let name = language.of(&instrument.names);
        let told = Told {
            kind: notice.kind,
            instrument: name,
            slot: notice.slot,
            seen: Seen { now, zone },
            words: &notice.words,
        };
        Self {
            id: notice.id,
            kind: notice.kind,
            sentence: words::notice(&told, language),
            instrument: instrument.key.as_str().to_owned(),
            instrument_name: name.to_owned(),
            booking: notice.booking.map(BookingId::get),
            start: notice.slot.map(|slot| Zoned(slot.start(), zone)),
            end: notice.slot.map(|slot| Zoned(slot.end(), zone)),
            at: Zoned(notice.at, zone),
            seen_at: notice.seen_at.map(|at| Zoned(at, zone)),
        }
    }
}
