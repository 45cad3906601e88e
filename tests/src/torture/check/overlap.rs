//! No lane holds two claims at once, no instrument more than it takes: neither in the database at
//! the end, nor by what clients were promised at any moment before.

use std::collections::HashMap;

use super::taken::{Period, Subject, Taken, depth};
use super::timeline::Timeline;
use super::{Fault, Finding};
use crate::torture::record::{ClaimRow, Record};

/// Checks the claims in the database.
pub(super) fn check_claims(record: &Record, findings: &mut Vec<Finding>) {
    let mut by_lane: HashMap<(&str, i64), Vec<&ClaimRow>> = HashMap::new();
    for claim in &record.claims {
        let capacity = record.capacities.get(&claim.instrument);
        if !capacity.is_some_and(|capacity| (0..*capacity).contains(&claim.lane)) {
            let text = format!("a claim beyond the capacity: {claim:?}");
            findings.push(Finding::new(Fault::Overlap, text));
        }
        let lane = by_lane.entry((&claim.instrument, claim.lane)).or_default();
        lane.push(claim);
    }
    for mut lane in by_lane.into_values() {
        lane.sort_by_key(|claim| claim.slot);
        // The furthest end so far: a long claim may cover more than its neighbour.
        let mut furthest: Option<&ClaimRow> = None;
        for claim in lane {
            if let Some(before) = furthest.filter(|before| before.slot.overlaps(claim.slot)) {
                let text = format!("two claims of a lane: {before:?} and {claim:?}");
                findings.push(Finding::new(Fault::Overlap, text));
            }
            if furthest.is_none_or(|before| before.slot.end_ms < claim.slot.end_ms) {
                furthest = Some(claim);
            }
        }
    }
}

/// Checks what was promised: at no moment of the run did more bookings and holds certainly have
/// an instant of an instrument than it takes.
pub(super) fn check_promises(timeline: &Timeline, findings: &mut Vec<Finding>) {
    let mut promised: Vec<(&Taken, Period)> = timeline
        .taken
        .iter()
        .filter(|taken| !matches!(taken.subject, Subject::Outage(_)))
        .filter_map(|taken| Some((taken, taken.certainly?)))
        .filter(|(_, period)| period.from_us < period.to_us)
        .collect();
    promised.sort_by_key(|(_, period)| period.from_us);
    for (taken, period) in promised {
        // Of too many at once, all are there when the last one comes: those moments are enough.
        let moment = Period {
            from_us: period.from_us,
            to_us: period.from_us + 1,
        };
        let around = timeline.around(&taken.instrument, taken.slot, moment);
        let together: Vec<&Taken> = around
            .into_iter()
            .filter(|other| !matches!(other.subject, Subject::Outage(_)))
            .filter(|other| other.certainly.is_some_and(|held| held.contains(moment)))
            .collect();
        let slots = together.iter().map(|other| other.slot);
        if depth(slots, taken.slot) > timeline.capacity(&taken.instrument) {
            let text = format!("promised at once at {} us: {together:?}", period.from_us);
            findings.push(Finding::new(Fault::Overlap, text));
        }
    }
}
