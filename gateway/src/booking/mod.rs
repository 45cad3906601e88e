//! Path 2: bookings.
