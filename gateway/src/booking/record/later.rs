//! A moment that may not have come, in the room of one that has.

use scheduler::time::Micros;

/// A moment or none, in 8 bytes instead of 16: hundreds of thousands of bookings are held.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Later(i64);

impl Later {
    /// None.
    pub const NEVER: Self = Self(i64::MIN);

    /// Returns the moment, if it has come.
    #[must_use]
    pub fn get(self) -> Option<Micros> {
        (self != Self::NEVER).then_some(Micros::new(self.0))
    }
}

impl From<Micros> for Later {
    fn from(at: Micros) -> Self {
        Self(at.get())
    }
}

impl From<Option<Micros>> for Later {
    fn from(at: Option<Micros>) -> Self {
        at.map_or(Self::NEVER, Self::from)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_comes_back_and_none_stays_none() {
        let at = Some(Micros::new(-5));
        assert_eq!(Later::from(at).get(), at);
        assert_eq!(Later::from(None).get(), None);
    }
}
