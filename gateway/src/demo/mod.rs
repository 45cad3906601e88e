//! `ortoo demo`: the whole region on one command, in a throw-away folder.
//!
//! The gateway that runs is the real one, on real time; what is simulated stands outside it. A world
//! is made from a seed ([`generate`]): places, instruments, people, rules, calendars. It enters
//! through the desk ([`enter`]); its past comes through telemetry's own intake ([`history`]); its
//! present is one MQTT session for each laboratory ([`fleet`], [`agent`]) that reads the meters
//! ([`lab`], [`meter`]) of instruments that follow their bookings ([`day`], [`follow`]).
//!
//! Deliberately not here: any way around a check. What the demo may do, anybody may.

mod agent;
mod calendar;
mod classes;
mod day;
mod dice;
mod enrol;
mod enter;
mod fleet;
mod folder;
mod follow;
mod generate;
mod history;
mod lab;
mod logins;
mod meter;
mod people;
mod places;
mod progress;
mod rules;
mod run;

use std::path::PathBuf;

use crate::booking::DeskError;
use crate::lifecycle::TaskDied;
use crate::server::StartError;

pub use run::run;

/// Why the demo cannot be prepared, or ended.
#[derive(Debug, thiserror::Error)]
pub enum DemoError {
    /// The given folder holds data.
    #[error(
        "{folder:?} already holds {file:?}, of an earlier demo perhaps: name an empty folder, or \
         delete this one if nobody needs it"
    )]
    FolderInUse {
        /// The folder.
        folder: PathBuf,
        /// Something in it.
        file: String,
    },
    /// The folder cannot be made or read.
    #[error("folder {folder:?} cannot be used")]
    Folder {
        /// The folder.
        folder: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// The gateway could not start.
    #[error("the gateway cannot start")]
    Start(#[from] StartError),
    /// The desk refused the region.
    #[error("the region cannot be registered")]
    Desk(#[from] DeskError),
    /// The gateway's broker has an address that agents do not understand.
    #[error("the broker cannot be reached: {0}")]
    Broker(&'static str),
    /// A file or the terminal failed.
    #[error("the operating system refused")]
    System(#[from] std::io::Error),
    /// A part of it died.
    #[error("stopped")]
    Died(#[from] TaskDied),
    /// It was asked to stop, or the gateway stopped, before it was ready.
    #[error("stopped before it was ready")]
    Stopped,
}
