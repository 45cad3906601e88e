//! Where an instrument stands.

use scheduler::place::Place;

use super::{Directory, Instrument};

/// Returns where an instrument stands: its own place, else the nearest above it. Nothing is known
/// of places yet.
#[must_use]
pub fn place_of(_directory: &Directory, _instrument: &Instrument) -> Option<Place> {
    None
}
