//! Identities: small numbers, one type each, so that they cannot be mixed up.

macro_rules! id {
    ($(#[$doc:meta])* $name:ident, $number:ty) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name($number);

        impl $name {
            /// Wraps the number.
            #[must_use]
            pub const fn new(number: $number) -> Self {
                Self(number)
            }

            /// Returns the number.
            #[must_use]
            pub const fn get(self) -> $number {
                self.0
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                self.0.fmt(f)
            }
        }
    };
}

id!(
    /// An instrument, dense from 1.
    InstrumentId,
    u32
);
id!(
    /// A person.
    MemberId,
    i64
);
id!(
    /// A node of the tree of region, centres, institutions and labs.
    NodeId,
    i64
);
id!(
    /// A booking.
    BookingId,
    i64
);
id!(
    /// A row of the occupancy table.
    ClaimId,
    i64
);
id!(
    /// An outage.
    OutageId,
    i64
);
id!(
    /// What work is for, and who pays for it.
    ProjectId,
    i64
);
