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
    /// A hold: a place kept while a form is filled or an approval is pending.
    HoldId,
    i64
);
id!(
    /// An offer of a freed place to somebody on the waitlist.
    OfferId,
    i64
);
id!(
    /// A wish on the waitlist.
    WaitId,
    i64
);
id!(
    /// A series of bookings made by one recurrence.
    SeriesId,
    i64
);
id!(
    /// A run: a stretch of use.
    RunId,
    i64
);
id!(
    /// What work is for.
    ProjectId,
    i64
);
id!(
    /// A reported problem of an instrument.
    ProblemId,
    i64
);
