//! The earliest slots over many instruments: who could take me first?

use axum::extract::State;
use scheduler::id::{InstrumentId, NodeId};
use scheduler::place::Place;
use scheduler::pool::Exclusion;
use scheduler::refusal::Refusal;
use scheduler::slot::Slot;
use scheduler::time::{DAY_US, Span};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::answer::Json;
use super::body::Query;
use super::caller::{Caller, SignedIn};
use super::problem::Problem;
use super::state::HttpState;
use super::time::{Length, When, Zoned};
use super::view::{Looking, RefusalView};
use crate::booking::Refused;
use crate::booking::pool::{PoolAsked, PoolFacts, PoolFound, PoolOffer, search};
use crate::registry::Directory;

/// Longest window: two months.
const WINDOW_US_MAX: i64 = 62 * DAY_US;
/// How far is looked when nobody says.
const WINDOW_USUAL: Span = Span::days(30);
/// Longest slot that is looked for: no rule allows more.
const LENGTH_MAX: Span = Span::days(31);
/// Offers when nobody says, and most of them.
const OFFERS_USUAL: usize = 10;
const OFFERS_MAX: usize = 50;
/// Most instruments told that cannot; `excluded_total` counts all.
const EXCLUDED_MAX: usize = 100;
/// Most kilometres: half way round the Earth.
const WITHIN_KM_MAX: u32 = 20_038;

/// What is looked for.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct Wanted {
    /// What the instrument can do, such as `xrd`; left out: anything.
    capability: Option<String>,
    /// How long, such as `PT2H`; at most 31 days.
    #[param(value_type = String)]
    duration: Length,
    /// The first begin; left out: now.
    #[param(value_type = Option<String>, format = DateTime)]
    from: Option<When>,
    /// By when it has to end, at most 62 days after the begin; left out: 30 days.
    #[param(value_type = Option<String>, format = DateTime)]
    to: Option<When>,
    /// The centre the instrument belongs to.
    centre: Option<String>,
    /// From where distances count: degrees north and east with a comma between.
    near: Option<String>,
    /// How far away at most, in kilometres; only with `near`.
    within_km: Option<String>,
    /// How many answers, 1 to 50.
    #[param(value_type = Option<usize>, minimum = 1, maximum = 50, default = 10)]
    limit: Option<String>,
}

/// What was found.
#[derive(Debug, Serialize, ToSchema)]
pub struct Pool {
    /// The earliest slots that the caller could book now, one of each instrument: earliest first,
    /// then nearest, then of what was used least in the last 30 days.
    offers: Vec<Offered>,
    /// Instruments that cannot, at most 100 of them.
    excluded: Vec<Excluded>,
    /// How many cannot.
    excluded_total: usize,
    /// How many others could later, or were not looked at to the end.
    later: usize,
}

/// A slot that could be booked.
#[derive(Debug, Serialize, ToSchema)]
pub struct Offered {
    /// The instrument's key.
    instrument: String,
    /// Its name in the reader's language.
    instrument_name: String,
    /// First instant.
    start: Zoned,
    /// First instant after it; where only whole blocks are booked perhaps later than asked.
    end: Zoned,
    /// How far away in kilometres, where both places are known.
    #[serde(skip_serializing_if = "Option::is_none")]
    distance_km: Option<f64>,
    /// Whether somebody has to say yes.
    needs_approval: bool,
}

/// An instrument that cannot.
#[derive(Debug, Serialize, ToSchema)]
pub struct Excluded {
    /// The instrument's key.
    instrument: String,
    /// Its name in the reader's language.
    instrument_name: String,
    /// `not_permitted`, `out_of_reach`, `rules` or `no_room`.
    why: &'static str,
    /// `rules`: what refuses the first slot that is free.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    refusals: Vec<RefusalView>,
}

/// Finds the earliest slots of a length over all instruments with a capability, for this caller.
#[utoipa::path(get, path = "/api/v1/availability", tag = "bookings", params(Wanted),
    responses((status = 200, body = Pool)))]
pub(super) async fn pool(
    State(state): State<HttpState>,
    who: SignedIn,
    Query(wanted): Query<Wanted>,
) -> Result<Json<Pool>, Problem> {
    let asked = understood(&state, who, &wanted)?;
    // A region of instruments takes some milliseconds: not on a thread that serves others.
    let searched = tokio::task::spawn_blocking(move || {
        let directory = state.directory().load_full();
        let ledger = state.desk().ledger();
        let looked_at = PoolFacts {
            directory: &directory,
            ledger: &ledger,
            shelf: state.desk().shelf(),
            now: state.clock().now(),
        };
        let caller = who.caller;
        let found = search(&looked_at, state.grounds(), &asked, |instrument| {
            caller.sees(&directory, instrument)
        });
        worded(&state, &directory, caller, found)
    });
    Ok(Json(searched.await.map_err(Problem::internal)?))
}

fn understood(state: &HttpState, who: SignedIn, wanted: &Wanted) -> Result<PoolAsked, Problem> {
    let from = wanted
        .from
        .map_or_else(|| state.clock().now(), |when| when.0);
    let to = wanted.to.map_or(from + WINDOW_USUAL, |when| when.0);
    let window =
        Slot::new(from, to).ok_or_else(|| Problem::field("to", "must come after the start"))?;
    if window.len().get() > WINDOW_US_MAX {
        return Err(Problem::field("to", "at most 62 days after the start"));
    }
    let length = wanted.duration.0;
    if length == Span::default() || length > LENGTH_MAX {
        return Err(Problem::field("duration", "expected PT1M to P31D"));
    }
    let near = wanted.near.as_deref().map(place).transpose()?;
    let within_km = wanted.within_km.as_deref();
    let within_km = within_km.map(|text| number("within_km", text, WITHIN_KM_MAX));
    let reach_m = within_km.transpose()?.map(|km| km.saturating_mul(1_000));
    if reach_m.is_some() && near.is_none() {
        return Err(Problem::field("within_km", "only together with `near`"));
    }
    let limit = wanted.limit.as_deref();
    let most = u32::try_from(OFFERS_MAX).unwrap_or(u32::MAX);
    let limit = limit.map(|text| number("limit", text, most)).transpose()?;
    let centre = wanted.centre.as_deref().map(node).transpose()?;
    Ok(PoolAsked {
        member: who.member,
        capability: wanted.capability.clone(),
        centre,
        window,
        length,
        near,
        reach_m,
        limit: limit.map_or(OFFERS_USUAL, |limit| usize::try_from(limit).unwrap_or(1)),
    })
}

fn node(text: &str) -> Result<NodeId, Problem> {
    let number = text.parse().map(NodeId::new);
    number.map_err(|_| Problem::field("centre", "expected the number of a node"))
}

fn number(field: &str, text: &str, most: u32) -> Result<u32, Problem> {
    let number = text.parse().ok();
    let number = number.filter(|number| (1..=most).contains(number));
    number.ok_or_else(|| Problem::field(field, &format!("expected a number from 1 to {most}")))
}

/// Parses `43.65,111.98`.
fn place(text: &str) -> Result<Place, Problem> {
    let degrees = text.split_once(',');
    let place = degrees.and_then(|(north, east)| {
        Place::new(microdegrees(north.trim())?, microdegrees(east.trim())?)
    });
    let expected = "expected degrees north and east, such as 43.65,111.98";
    place.ok_or_else(|| Problem::field("near", expected))
}

/// Parses a decimal number of degrees; more than six decimals are cut off.
fn microdegrees(text: &str) -> Option<i32> {
    let (sign, digits) = match text.strip_prefix('-') {
        Some(digits) => (-1, digits),
        None => (1, text),
    };
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, "0"));
    let is_plain = |text: &str| !text.is_empty() && text.bytes().all(|one| one.is_ascii_digit());
    if !is_plain(whole) || !is_plain(fraction) || whole.len() > 3 {
        return None;
    }
    let whole: i32 = whole.parse().ok()?;
    let millionths: String = fraction.chars().chain("000000".chars()).take(6).collect();
    let millionths: i32 = millionths.parse().ok()?;
    Some(sign * (whole * 1_000_000 + millionths))
}

fn worded(state: &HttpState, directory: &Directory, caller: Caller, found: PoolFound) -> Pool {
    let excluded_total = found.excluded.len();
    let excluded = found.excluded.into_iter().take(EXCLUDED_MAX);
    Pool {
        offers: found
            .offers
            .into_iter()
            .filter_map(|offer| offered(directory, caller, offer))
            .collect(),
        excluded: excluded
            .filter_map(|(id, why)| left_out(state, directory, caller, id, why))
            .collect(),
        excluded_total,
        later: found.later,
    }
}

fn offered(directory: &Directory, caller: Caller, found: PoolOffer) -> Option<Offered> {
    let PoolOffer {
        offer,
        needs_approval,
    } = found;
    let instrument = directory.instruments.get(&offer.instrument)?;
    Some(Offered {
        instrument: instrument.key.as_str().to_owned(),
        instrument_name: caller.language.of(&instrument.names).to_owned(),
        start: Zoned(offer.slot.start(), instrument.zone),
        end: Zoned(offer.slot.end(), instrument.zone),
        distance_km: offer.distance_m.map(|metres| f64::from(metres) / 1_000.0),
        needs_approval,
    })
}

fn left_out(
    state: &HttpState,
    directory: &Directory,
    caller: Caller,
    id: InstrumentId,
    why: Exclusion<Vec<Refusal>>,
) -> Option<Excluded> {
    let instrument = directory.instruments.get(&id)?;
    let (why, refusals) = match why {
        Exclusion::NotPermitted => ("not_permitted", Vec::new()),
        Exclusion::OutOfReach => ("out_of_reach", Vec::new()),
        Exclusion::NoRoom => ("no_room", Vec::new()),
        Exclusion::Rules(refusals) => ("rules", refusals),
    };
    let snapshot = state.desk().snapshot(id)?;
    let refused = Refused {
        refusals,
        ..Refused::default()
    };
    let looking = Looking::new(directory, instrument, &snapshot, caller);
    Some(Excluded {
        instrument: instrument.key.as_str().to_owned(),
        instrument_name: caller.language.of(&instrument.names).to_owned(),
        why,
        refusals: looking.refused(&refused).refusals,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn degrees_are_read_to_the_millionth() {
        for (text, expected) in [
            ("43.65", Some(43_650_000)),
            ("-0.0000019", Some(-1)),
            ("180", Some(180_000_000)),
            ("1000", None),
            ("", None),
            (".5", None),
            ("5.", None),
            ("1e3", None),
            ("--1", None),
        ] {
            assert_eq!(microdegrees(text), expected, "{text}");
        }
        assert!(place("43.65, 111.98").is_ok());
        for wrong in ["91,0", "0,181", "43.65", "a,b"] {
            assert!(place(wrong).is_err(), "{wrong}");
        }
    }
}
