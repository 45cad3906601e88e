//! The embedded telemetry store.
