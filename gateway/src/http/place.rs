//! Where things stand, in degrees, as it travels.

use scheduler::place::Place;

use super::body::Clearable;
use super::problem::{Problem, ProblemType};
use crate::words::Said;

/// Returns a place's degrees north and east.
#[must_use]
pub fn degrees(place: Option<Place>) -> (Option<f64>, Option<f64>) {
    let degrees = |microdeg: i32| f64::from(microdeg) / 1e6;
    (
        place.map(|place| degrees(place.latitude_microdeg())),
        place.map(|place| degrees(place.longitude_microdeg())),
    )
}

/// Returns the place after an edit: what is left out stays, null clears, and there are both
/// figures or none.
///
/// # Errors
/// Returns `malformed-request` when only one figure remains, or one is no place on the Earth.
pub fn edited(
    held: Option<Place>,
    latitude: Clearable<f64>,
    longitude: Clearable<f64>,
) -> Result<Option<Place>, Problem> {
    let north = latitude.or(
        held.map(|place| Some(place.latitude_microdeg())),
        microdegrees,
    );
    let east = longitude.or(
        held.map(|place| Some(place.longitude_microdeg())),
        microdegrees,
    );
    let (north, east) = match (north, east) {
        (None, None) => return Ok(None),
        (Some(north), Some(east)) => (north, east),
        (None, Some(_)) => return Err(fault("latitude")),
        (Some(_), None) => return Err(fault("longitude")),
    };
    let north = north.ok_or_else(|| fault("latitude"))?;
    let east = east.ok_or_else(|| fault("longitude"))?;
    if Place::new(north, 0).is_none() {
        return Err(fault("latitude"));
    }
    Place::new(north, east)
        .map(Some)
        .ok_or_else(|| fault("longitude"))
}

/// Rounds through text: the standard library has no checked conversion to a whole number.
fn microdegrees(degrees: f64) -> Option<i32> {
    format!("{:.0}", degrees * 1e6).parse().ok()
}

fn fault(field: &str) -> Problem {
    let said = Said::fixed(
        "纬度应在 -90 到 90 之间，经度应在 -180 到 180 之间，两者须一并给出",
        "expected a latitude from -90 to 90 and a longitude from -180 to 180, both or none",
    );
    Problem::new(ProblemType::MalformedRequest).and_field(field, said)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(
        held: Option<(i32, i32)>,
        edit: (Clearable<f64>, Clearable<f64>),
        expected: Result<Option<(i32, i32)>, ()>,
    ) {
        let held = held.and_then(|(north, east)| Place::new(north, east));
        let found = edited(held, edit.0, edit.1).map_err(|_| ());
        let both = |place: Place| (place.latitude_microdeg(), place.longitude_microdeg());
        assert_eq!(found.map(|place| place.map(both)), expected);
    }

    #[test]
    fn there_are_both_figures_or_none() {
        use Clearable::{Kept, Set};
        let hohhot = (40_841_900, 111_749_000);
        check(None, (Kept, Kept), Ok(None));
        check(Some(hohhot), (Kept, Kept), Ok(Some(hohhot)));
        check(
            None,
            (Set(Some(40.8419)), Set(Some(111.749))),
            Ok(Some(hohhot)),
        );
        let north = (41_000_000, 111_749_000);
        check(Some(hohhot), (Set(Some(41.0)), Kept), Ok(Some(north)));
        check(Some(hohhot), (Set(None), Set(None)), Ok(None));
        check(Some(hohhot), (Set(None), Kept), Err(()));
        check(None, (Set(Some(1.0)), Kept), Err(()));
        check(None, (Set(Some(90.000_001)), Set(Some(0.0))), Err(()));
        check(None, (Set(Some(0.0)), Set(Some(-180.1))), Err(()));
        check(None, (Set(Some(f64::NAN)), Set(Some(0.0))), Err(()));
    }
}
