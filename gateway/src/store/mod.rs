//! The booking database.
