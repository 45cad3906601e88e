//! The end-to-end tests: one binary, so that the harness is linked once.

mod peers;
mod tidy;
