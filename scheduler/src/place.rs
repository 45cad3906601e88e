//! Where an instrument stands, and how far that is.

/// Mean radius of the Earth in metres.
///
/// Source: R1 of the Geodetic Reference System 1980 (H. Moritz, Journal of Geodesy 74, 2000).
const EARTH_RADIUS_M: f64 = 6_371_008.771_4;

const LATITUDE_MICRODEG_MAX: i32 = 90_000_000;
const LONGITUDE_MICRODEG_MAX: i32 = 180_000_000;

/// A point on the Earth, to a millionth of a degree (0.11 m).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Place {
    latitude_microdeg: i32,
    longitude_microdeg: i32,
}

impl Place {
    /// Returns the point, or nothing beyond the poles or 180 degrees east or west.
    #[must_use]
    pub fn new(latitude_microdeg: i32, longitude_microdeg: i32) -> Option<Self> {
        let known = (-LATITUDE_MICRODEG_MAX..=LATITUDE_MICRODEG_MAX).contains(&latitude_microdeg)
            && (-LONGITUDE_MICRODEG_MAX..=LONGITUDE_MICRODEG_MAX).contains(&longitude_microdeg);
        known.then_some(Self {
            latitude_microdeg,
            longitude_microdeg,
        })
    }

    /// Returns degrees north, in millionths.
    #[must_use]
    pub fn latitude_microdeg(self) -> i32 {
        self.latitude_microdeg
    }

    /// Returns degrees east, in millionths.
    #[must_use]
    pub fn longitude_microdeg(self) -> i32 {
        self.longitude_microdeg
    }

    /// Returns the great-circle distance on a sphere, rounded to metres. The Earth's flattening
    /// makes it wrong by up to 0.6 %.
    ///
    /// Source: the haversine formula (R. W. Sinnott, Virtues of the Haversine, Sky and Telescope
    /// 68, 1984), which stays exact for neighbours.
    #[must_use]
    pub fn distance_m(self, other: Self) -> u32 {
        let (north, other_north) = (self.latitude_rad(), other.latitude_rad());
        let across = ((other.longitude_rad() - self.longitude_rad()) / 2.0).sin();
        let up = ((other_north - north) / 2.0).sin();
        let haversine = up * up + north.cos() * other_north.cos() * across * across;
        let angle = 2.0 * haversine.clamp(0.0, 1.0).sqrt().asin();
        whole_metres(angle * EARTH_RADIUS_M)
    }

    fn latitude_rad(self) -> f64 {
        (f64::from(self.latitude_microdeg) / 1e6).to_radians()
    }

    fn longitude_rad(self) -> f64 {
        (f64::from(self.longitude_microdeg) / 1e6).to_radians()
    }
}

#[expect(
    clippy::as_conversions,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a distance on Earth is between 0 and 20,016 km; std has no checked conversion"
)]
fn whole_metres(metres: f64) -> u32 {
    metres.round() as u32
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn place(latitude_microdeg: i32, longitude_microdeg: i32) -> Place {
        Place::new(latitude_microdeg, longitude_microdeg).unwrap()
    }

    #[test]
    fn known_distances() {
        let quarter_m = 10_007_557;
        let (pole, zero) = (place(90_000_000, 0), place(0, 0));
        for (from, to, expected_m) in [
            (zero, zero, 0),
            (zero, pole, quarter_m),
            (zero, place(0, 90_000_000), quarter_m),
            (place(0, -180_000_000), place(0, 180_000_000), 0),
            (place(0, 179_500_000), place(0, -179_500_000), 111_195),
            (zero, place(0, 180_000_000), 20_015_115),
            (zero, place(0, 10), 1),
        ] {
            assert!(
                from.distance_m(to).abs_diff(expected_m) <= 1,
                "{from:?} {to:?}: {}",
                from.distance_m(to)
            );
        }
    }

    #[test]
    fn there_is_nothing_beyond_the_poles() {
        assert!(Place::new(90_000_001, 0).is_none());
        assert!(Place::new(0, -180_000_001).is_none());
        assert!(Place::new(i32::MIN, i32::MAX).is_none());
    }

    fn anywhere() -> impl Strategy<Value = Place> {
        (-90_000_000..=90_000_000, -180_000_000..=180_000_000)
            .prop_map(|(latitude, longitude)| place(latitude, longitude))
    }

    proptest! {
        /// The chord through the Earth, by vectors, is another way to the same angle.
        #[test]
        fn agrees_with_the_chord(a in anywhere(), b in anywhere()) {
            let vector = |at: Place| {
                let (north, east) = (at.latitude_rad(), at.longitude_rad());
                [north.cos() * east.cos(), north.cos() * east.sin(), north.sin()]
            };
            let (u, v) = (vector(a), vector(b));
            let dot: f64 = u.iter().zip(v).map(|(u, v)| u * v).sum();
            let cross = [u[1] * v[2] - u[2] * v[1], u[2] * v[0] - u[0] * v[2], u[0] * v[1] - u[1] * v[0]];
            let sine = cross.iter().map(|part| part * part).sum::<f64>().sqrt();
            let expected_m = sine.atan2(dot) * EARTH_RADIUS_M;
            prop_assert!((f64::from(a.distance_m(b)) - expected_m).abs() < 2.0);
            prop_assert_eq!(a.distance_m(b), b.distance_m(a));
        }
    }
}
