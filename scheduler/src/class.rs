//! Classes of callers, as seen from an instrument.

/// Where somebody who books stands towards the instrument's institution.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum CallerClass {
    /// Of the institution that the instrument's lab belongs to.
    Internal,
    /// Of another institution of the region.
    Region,
    /// Of an enterprise.
    Enterprise,
}

impl CallerClass {
    /// Every class.
    pub const ALL: [Self; 3] = [Self::Internal, Self::Region, Self::Enterprise];

    /// Returns the stable text of the API.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Internal => "internal",
            Self::Region => "region",
            Self::Enterprise => "enterprise",
        }
    }

    /// Parses the stable text.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|class| class.as_str() == text)
    }

    fn bit(self) -> u8 {
        match self {
            Self::Internal => 1,
            Self::Region => 2,
            Self::Enterprise => 4,
        }
    }
}

/// Some classes of callers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ClassSet(u8);

impl ClassSet {
    /// Everybody.
    pub const ALL: Self = Self(7);

    /// Returns the set of these classes; naming none means everybody.
    #[must_use]
    pub fn of(classes: &[CallerClass]) -> Self {
        let named = classes.iter().fold(0, |set, class| set | class.bit());
        if named == 0 { Self::ALL } else { Self(named) }
    }

    /// Returns true if the class is in the set.
    #[must_use]
    pub fn contains(self, class: CallerClass) -> bool {
        self.0 & class.bit() != 0
    }

    /// Returns the classes, in their order.
    #[must_use]
    pub fn classes(self) -> Vec<CallerClass> {
        let all = CallerClass::ALL.into_iter();
        all.filter(|class| self.contains(*class)).collect()
    }

    /// Returns this set without another one, or nothing when none is left.
    pub(crate) fn without(self, other: Self) -> Option<Self> {
        let rest = self.0 & !other.0;
        (rest != 0).then_some(Self(rest))
    }
}

impl Default for ClassSet {
    fn default() -> Self {
        Self::ALL
    }
}
