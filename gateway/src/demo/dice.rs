//! Numbers that look random and are the same every time: the demo's own seeded generator.
//!
//! `SplitMix64` (Steele, Lea and Flood, "Fast splittable pseudorandom number generators", 2014):
//! small, fast, good enough for a stage set. Never used for passwords, secrets or tokens.

/// A stream of numbers that depends on its seed only.
#[derive(Debug, Clone)]
pub(super) struct Dice {
    state: u64,
}

const GOLDEN: u64 = 0x9E37_79B9_7F4A_7C15;

fn mix(mut word: u64) -> u64 {
    word = (word ^ (word >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    word = (word ^ (word >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    word ^ (word >> 31)
}

impl Dice {
    /// Returns the stream of a seed.
    pub(super) fn new(seed: u64) -> Self {
        Self {
            state: mix(seed ^ GOLDEN),
        }
    }

    /// Returns a stream of its own for something that a few numbers name, such as a day of an
    /// instrument: its throws do not depend on what else was thrown before.
    pub(super) fn of(seed: u64, names: &[i64]) -> Self {
        let state = names.iter().fold(seed, |state, name| {
            mix(state.wrapping_add(GOLDEN) ^ name.cast_unsigned())
        });
        Self::new(state)
    }

    /// Returns 32 random bits.
    pub(super) fn bits(&mut self) -> u32 {
        self.state = self.state.wrapping_add(GOLDEN);
        u32::try_from(mix(self.state) >> 32).expect("32 bits are left")
    }

    /// Returns a number from `low` to `high`, both included; `low` if there is none between.
    ///
    /// # Panics
    /// If the two are more than 2^31 apart.
    pub(super) fn between(&mut self, low: i64, high: i64) -> i64 {
        let span = u32::try_from((high - low).max(0)).expect("the demo's ranges are small");
        let throw = (u64::from(self.bits()) * (u64::from(span) + 1)) >> 32;
        low + i64::try_from(throw).expect("not above the span")
    }

    /// Returns true `per_mille` times of 1000.
    pub(super) fn chance(&mut self, per_mille: i64) -> bool {
        self.between(0, 999) < per_mille
    }

    /// Returns one of the items.
    ///
    /// # Panics
    /// If there are none.
    pub(super) fn pick<'a, T>(&mut self, items: &'a [T]) -> &'a T {
        let last = i64::try_from(items.len()).expect("lists are short") - 1;
        let at = usize::try_from(self.between(0, last)).expect("not negative");
        items.get(at).expect("the list has items")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_names_give_the_same_stream_and_others_another() {
        let throw = |names: &[i64]| Dice::of(7, names).bits();
        assert_eq!(throw(&[1, 2]), throw(&[1, 2]));
        assert_ne!(throw(&[1, 2]), throw(&[2, 1]));
        assert_ne!(throw(&[1, 2]), throw(&[1, 3]));
        assert_ne!(throw(&[1]), throw(&[-1]));
    }

    #[test]
    fn throws_stay_within_bounds_and_reach_both() {
        let mut dice = Dice::new(1);
        let throws: Vec<i64> = (0..2_000).map(|_| dice.between(-3, 3)).collect();
        assert_eq!(throws.iter().min(), Some(&-3));
        assert_eq!(throws.iter().max(), Some(&3));
        assert_eq!(Dice::new(1).between(5, 4), 5);
    }
}
