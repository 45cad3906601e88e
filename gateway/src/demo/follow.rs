//! Simulated instruments follow what people book, move and cancel while the demo runs.

use std::collections::HashMap;
use std::convert::Infallible;
use std::sync::{Arc, Mutex};

use scheduler::id::InstrumentId;
use scheduler::slot::Slot;
use scheduler::time::{MINUTE_US, Micros, Span};
use tokio::sync::broadcast::error::RecvError;
use tokio_util::sync::CancellationToken;

use crate::booking::DeskHandle;

use super::agent::locked;
use super::calendar::Minutes;
use super::enrol;
use super::lab::Lab;

/// How far back a booking can matter for what an instrument does now.
const BACK: Span = Span::days(3);

/// How far ahead bookings reach.
const AHEAD: Span = Span::days(30);

/// Tells laboratories of each committed change of their instruments' bookings, until asked to stop.
pub(super) async fn run(
    desk: DeskHandle,
    labs: Vec<Arc<Mutex<Lab>>>,
    stop: CancellationToken,
) -> Result<(), Infallible> {
    let mut places: HashMap<InstrumentId, (usize, Arc<Mutex<Lab>>)> = HashMap::new();
    for lab in labs {
        let machines: Vec<usize> = locked(&lab).machines().collect();
        for at in machines {
            places.insert(enrol::instrument_id(at), (at, Arc::clone(&lab)));
        }
    }
    let mut events = desk.events();
    loop {
        let event = tokio::select! {
            () = stop.cancelled() => return Ok(()),
            event = events.recv() => event,
        };
        let changed = match event {
            Ok(event) => event.instrument.into_iter().collect(),
            // What was missed may have been any of them.
            Err(RecvError::Lagged(_)) => places.keys().copied().collect::<Vec<_>>(),
            Err(RecvError::Closed) => {
                stop.cancelled().await;
                return Ok(());
            }
        };
        for id in changed {
            if let Some((at, lab)) = places.get(&id) {
                let booked = booked(&desk, id);
                locked(lab).rebook(*at, booked);
            }
        }
    }
}

/// Returns an instrument's bookings around now, in minutes, ascending.
fn booked(desk: &DeskHandle, id: InstrumentId) -> Vec<Minutes> {
    let now = desk.clock().now();
    let window = Slot::new(now.saturating_sub(BACK), now.saturating_add(AHEAD));
    let minute = |at: Micros| at.get().div_euclid(MINUTE_US);
    let held = desk
        .snapshot(id)
        .zip(window)
        .map(|(held, window)| held.claiming(window));
    let slots = held
        .unwrap_or_default()
        .into_iter()
        .map(|booking| booking.slot);
    slots
        .map(|slot| (minute(slot.start()), minute(slot.end())))
        .collect()
}
