//! The gateway: everything with a port or a file.
//!
//! Two paths, each readable top to bottom in the order the data flows:
//!
//! - telemetry: `subscribe -> decode -> resolve -> state -> record -> ack -> live`
//! - bookings: `http -> desk{facts -> policy -> occupancy} -> commit -> answer -> announce`

pub mod account;
pub mod booking;
pub mod check;
pub mod cli;
pub mod clock;
pub mod command;
pub mod config;
pub mod credentials;
pub mod demo;
pub mod disk;
pub mod folder;
#[cfg(feature = "influx")]
pub mod follow;
pub mod forecast;
pub mod histogram;
pub mod history;
pub mod http;
pub mod labels;
pub mod lifecycle;
pub mod polling;
pub mod registry;
pub mod server;
pub mod settings;
pub mod status;
pub mod store;
pub mod telemetry;
mod transaction;
pub mod words;
