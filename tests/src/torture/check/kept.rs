//! What was acknowledged is in the database, as the last answer said, with exactly its claims.

use std::collections::HashMap;

use super::timeline::{Story, Timeline};
use super::{Fault, Finding};
use crate::torture::history::Slot;
use crate::torture::record::{BookingRow, ClaimRow, OutageRow, Record};

/// Checks the database against the last answers, and against itself.
pub(super) fn check(timeline: &Timeline, record: &Record, findings: &mut Vec<Finding>) {
    let mut claims: HashMap<i64, Vec<&ClaimRow>> = HashMap::new();
    for claim in &record.claims {
        if let Some(booking) = claim.booking {
            claims.entry(booking).or_default().push(claim);
        }
    }
    let rows: HashMap<i64, &BookingRow> = record.bookings.iter().map(|row| (row.id, row)).collect();
    for (id, story) in &timeline.stories {
        match rows.get(id) {
            Some(row) => check_booking(story, row, findings),
            None => {
                let text = format!("booking {id} was acknowledged and is missing: {story:?}");
                findings.push(Finding::new(Fault::Lost, text));
            }
        }
    }
    for row in &record.bookings {
        let held = claims.remove(&row.id).unwrap_or_default();
        let fits = match held.as_slice() {
            [] => !row.claims(),
            [claim] => row.claims() && claim.slot == row.slot && claim.instrument == row.instrument,
            _ => false,
        };
        if !fits {
            let text = format!("a booking without exactly its claim: {row:?} has {held:?}");
            findings.push(Finding::new(Fault::Lost, text));
        }
    }
    for claim in claims.into_values().flatten() {
        let text = format!("a claim of no booking: {claim:?}");
        findings.push(Finding::new(Fault::Phantom, text));
    }
    check_outages(timeline, record, findings);
}

fn check_booking(story: &Story, row: &BookingRow, findings: &mut Vec<Finding>) {
    let is = |slot: Option<Slot>| match slot {
        Some(slot) => row.claims() && row.slot == slot,
        None => row.status == "cancelled",
    };
    let known = is(story.slot) || story.maybe.iter().any(|slot| is(*slot));
    if !known || row.instrument != story.instrument || row.tag != story.tag {
        let text = format!("a booking is not what was last acknowledged: {row:?}, {story:?}");
        findings.push(Finding::new(Fault::Lost, text));
    }
}

fn check_outages(timeline: &Timeline, record: &Record, findings: &mut Vec<Finding>) {
    let rows: HashMap<i64, &OutageRow> = record.outages.iter().map(|row| (row.id, row)).collect();
    for (id, story) in &timeline.outages {
        let fits = match rows.get(id) {
            Some(row) => row.ended == story.ended || (row.ended && story.maybe_ended),
            None => !story.promised,
        };
        if !fits {
            let text = format!("outage {id} is not as acknowledged: {story:?}");
            findings.push(Finding::new(Fault::Lost, text));
        }
    }
    let live: Vec<&OutageRow> = record.outages.iter().filter(|row| !row.ended).collect();
    for outage in &live {
        let capacity = timeline.capacities.get(&outage.instrument).copied();
        for lane in 0..capacity.unwrap_or(1) {
            let claims = record.claims.iter();
            let own = claims.filter(|claim| claim.instrument == outage.instrument);
            let own = own.filter(|claim| claim.lane == lane);
            if !covers(own.map(|claim| claim.slot), outage.slot) {
                let text = format!("an outage leaves room on lane {lane}: {outage:?}");
                findings.push(Finding::new(Fault::Lost, text));
            }
        }
    }
    for row in record.bookings.iter().filter(|row| row.claims()) {
        let mut inside = live.iter();
        let is_inside = inside
            .any(|outage| outage.instrument == row.instrument && outage.slot.overlaps(row.slot));
        if row.at_risk != is_inside {
            let text = format!("inside an outage: {is_inside}, but {row:?}");
            findings.push(Finding::new(Fault::Lost, text));
        }
    }
    for claim in &record.claims {
        let outage = claim.outage.map(|id| rows.get(&id));
        // Nothing here lies in the past, so that an ended outage claims nothing.
        if outage.is_some_and(|row| row.is_none_or(|row| row.ended)) {
            let text = format!("a claim of no outage: {claim:?}");
            findings.push(Finding::new(Fault::Phantom, text));
        }
    }
}

/// Returns true if slots, each ascending, leave nothing of a window.
fn covers(slots: impl Iterator<Item = Slot>, window: Slot) -> bool {
    let mut slots: Vec<Slot> = slots.filter(|slot| slot.overlaps(window)).collect();
    slots.sort_unstable();
    let mut reached = window.start_ms;
    for slot in slots {
        if slot.start_ms > reached {
            return false;
        }
        reached = reached.max(slot.end_ms);
    }
    reached >= window.end_ms
}
