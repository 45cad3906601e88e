//! Path 1: telemetry to state.
