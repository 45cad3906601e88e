//! When an instrument is free, taken or closed: a window of one, a strip of cells of many.

use axum::extract::State;
use scheduler::calendar::open_intervals;
use scheduler::facts::{BookingFacts, SetAside};
use scheduler::occupancy::Holder;
use scheduler::policy::InForce;
use scheduler::quota::Subjects;
use scheduler::refusal::{Overrider, RuleId};
use scheduler::search::next_free;
use scheduler::slot::{Slot, complement, intersected, merged};
use scheduler::time::{DAY_US, Micros, Span};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::answer::Json;
use super::body::Query;
use super::bookings::snapshot_of;
use super::caller::Caller;
use super::occupied::{Occupied, occupied};
use super::path::{Found, visible_all};
use super::problem::Problem;
use super::state::HttpState;
use super::time::{Length, When, Zoned, slot};
use super::view::{Interval, Looking};
use crate::booking::InstrumentSnapshot;
use crate::registry::{Directory, Instrument};

/// Longest window: two months.
const WINDOW_US_MAX: i64 = 62 * DAY_US;

/// Most cells of one instrument in a grid.
const CELLS_MAX: i64 = 1_500;

/// Length looked for where no rule says how short a booking may be.
const USUAL_LENGTH: Span = Span::minutes(30);

/// Rules that no look at the calendar of an instrument tells about.
const PERSONAL: &[SetAside] = &[
    SetAside {
        rule: RuleId::WhoMayBook,
        by: Overrider::RegionAdmin,
    },
    SetAside {
        rule: RuleId::Qualification,
        by: Overrider::RegionAdmin,
    },
];

/// A window of time.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct Window {
    /// First instant.
    #[param(value_type = String, format = DateTime)]
    from: When,
    /// First instant after it; at most 62 days later.
    #[param(value_type = String, format = DateTime)]
    to: When,
}

/// One instrument's free and taken time.
#[derive(Debug, Serialize, ToSchema)]
pub struct Availability {
    /// The window.
    from: Zoned,
    /// The window's end.
    to: Zoned,
    /// IANA zone of its times.
    zone: &'static str,
    /// The shown status now.
    status: &'static str,
    /// Open and not taken, from now on.
    free: Vec<Interval>,
    /// Taken.
    occupied: Vec<Occupied>,
    /// Outside opening hours.
    closed: Vec<Interval>,
}

/// Returns when an instrument is free, taken and closed.
#[utoipa::path(get, path = "/api/v1/instruments/{key}/availability", tag = "bookings",
    params(("key" = String, Path, description = "Asset code"), Window),
    responses((status = 200, body = Availability)))]
pub(super) async fn availability(
    State(state): State<HttpState>,
    caller: Caller,
    found: Found,
    Query(asked): Query<Window>,
) -> Result<Json<Availability>, Problem> {
    let window = window(asked.from, asked.to)?;
    let instrument = found.instrument();
    let snapshot = snapshot_of(&state, instrument)?;
    let looking = Looking::new(&found.directory, instrument, &snapshot, caller);
    let (policy, _) = found.directory.policy_of(instrument);
    let class = caller.class_at(&found.directory, instrument);
    let open = open(&policy.in_force(class), instrument, window);
    let ahead = Slot::new(window.start().max(state.clock().now()), window.end());
    let free = ahead.map_or(Vec::new(), |ahead| {
        intersected(&open, &snapshot.occupancy.free(ahead))
    });
    let zone = instrument.zone;
    let intervals = |slots: Vec<Slot>| {
        slots
            .into_iter()
            .map(|slot| Interval::of(slot, zone))
            .collect()
    };
    Ok(Json(Availability {
        from: Zoned(window.start(), zone),
        to: Zoned(window.end(), zone),
        zone: zone.name(),
        status: state.shown_now(instrument.id).status.as_str(),
        free: intervals(free),
        occupied: occupied(&looking, window),
        closed: intervals(complement(window, &open)),
    }))
}

fn window(from: When, to: When) -> Result<Slot, Problem> {
    let window = slot(from, to, "to")?;
    if window.len().get() > WINDOW_US_MAX {
        return Err(Problem::field("to", "at most 62 days after the start"));
    }
    Ok(window)
}

fn open(rules: &InForce, instrument: &Instrument, window: Slot) -> Vec<Slot> {
    open_intervals(&rules.opening, instrument.zone, window)
}

/// Which instruments and cells.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct GridAsked {
    /// At most 50 keys with commas between.
    keys: String,
    /// First instant.
    #[param(value_type = String, format = DateTime)]
    from: When,
    /// First instant after it; at most 62 days later.
    #[param(value_type = String, format = DateTime)]
    to: When,
    /// Length of a cell, such as `PT1H`.
    #[param(value_type = String)]
    step: Length,
}

/// Strips of cells of many instruments.
#[derive(Debug, Serialize, ToSchema)]
pub struct Grid {
    /// First instant.
    from: Zoned,
    /// First instant after it.
    to: Zoned,
    /// Length of a cell.
    step: Length,
    /// One strip for each instrument, in the order asked for.
    items: Vec<Strip>,
}

/// One instrument's strip.
#[derive(Debug, Serialize, ToSchema)]
pub struct Strip {
    /// The instrument.
    key: String,
    /// A letter for each cell: F free, B booked, P partly booked, C closed, M outage.
    cells: String,
    /// When the next booking that the rules allow could begin, within the window.
    next_free: Option<Zoned>,
}

/// Returns strips of cells of at most 50 instruments.
#[utoipa::path(get, path = "/api/v1/availability/grid", tag = "bookings", params(GridAsked),
    responses((status = 200, body = Grid)))]
pub(super) async fn grid(
    State(state): State<HttpState>,
    caller: Caller,
    Query(asked): Query<GridAsked>,
) -> Result<Json<Grid>, Problem> {
    let window = window(asked.from, asked.to)?;
    let step = asked.step.0;
    if step.get() == 0 || window.len().get() / step.get() > CELLS_MAX {
        return Err(Problem::field("step", "too short: at most 1,500 cells"));
    }
    let directory = state.directory().load_full();
    let ids = visible_all(&directory, &asked.keys, &caller)?;
    let now = state.clock().now();
    let strips = ids.into_iter().filter_map(|id| {
        let instrument = directory.instruments.get(&id)?;
        let snapshot = state.desk().snapshot(id)?;
        Some(strip(
            &directory,
            instrument,
            &snapshot,
            (window, step),
            (now, caller),
        ))
    });
    let zone = chrono_tz::Tz::Asia__Shanghai;
    Ok(Json(Grid {
        from: Zoned(window.start(), zone),
        to: Zoned(window.end(), zone),
        step: asked.step,
        items: strips.collect(),
    }))
}

fn strip(
    directory: &Directory,
    instrument: &Instrument,
    snapshot: &InstrumentSnapshot,
    (window, step): (Slot, Span),
    (now, caller): (Micros, Caller),
) -> Strip {
    let (policy, _) = directory.policy_of(instrument);
    let class = caller.class_at(directory, instrument);
    let rules = policy.in_force(class);
    let open = open(&rules, instrument, window);
    let free = intersected(&open, &snapshot.occupancy.free(window));
    let outages = snapshot.occupancy.within(window);
    let outages = outages
        .iter()
        .filter(|claim| matches!(claim.holder, Holder::Outage(_)));
    let outages = merged(outages.map(|claim| claim.slot).collect());
    let mut cells = String::new();
    let mut start = window.start();
    while let Some(cell) = Slot::new(start, (start + step).min(window.end())) {
        cells.push(letter(cell, &open, &free, &outages));
        start = cell.end();
    }
    let length = rules.shortest.unwrap_or(USUAL_LENGTH);
    let facts = BookingFacts {
        set_aside: PERSONAL,
        ..BookingFacts::new((now, instrument.zone), window, class, Subjects::default())
    };
    let reach = (window.start(), window.end());
    let next = instrument.bookable.then(|| {
        let occupancy = &snapshot.occupancy;
        next_free(occupancy, &policy, &facts, reach, length, 1)
    });
    let next = next.and_then(|slots| slots.first().copied());
    Strip {
        key: instrument.key.as_str().to_owned(),
        cells,
        next_free: next.map(|slot| Zoned(slot.start(), instrument.zone)),
    }
}

fn letter(cell: Slot, open: &[Slot], free: &[Slot], outages: &[Slot]) -> char {
    let covered = |slots: &[Slot]| {
        let from = slots.partition_point(|slot| slot.end() <= cell.start());
        let near = slots.get(from..).unwrap_or_default().iter();
        near.take_while(|slot| slot.start() < cell.end())
            .filter_map(|slot| slot.intersect(cell))
            .map(|slot| slot.len().get())
            .sum::<i64>()
    };
    let (open, free) = (covered(open), covered(free));
    if covered(outages) > 0 {
        'M'
    } else if open == 0 {
        'C'
    } else if free == open {
        'F'
    } else if free == 0 {
        'B'
    } else {
        'P'
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn slot(start: i64, end: i64) -> Slot {
        Slot::new(Micros::new(start), Micros::new(end)).unwrap()
    }

    #[test]
    fn a_cell_shows_the_first_that_holds() {
        let open = [slot(10, 30)];
        let free = [slot(10, 15), slot(20, 30)];
        for (cell, outages, expected) in [
            (slot(0, 10), vec![], 'C'),
            (slot(10, 15), vec![], 'F'),
            (slot(15, 20), vec![], 'B'),
            (slot(10, 20), vec![], 'P'),
            (slot(5, 15), vec![], 'F'),
            (slot(20, 30), vec![slot(29, 40)], 'M'),
        ] {
            assert_eq!(letter(cell, &open, &free, &outages), expected, "{cell:?}");
        }
    }
}
