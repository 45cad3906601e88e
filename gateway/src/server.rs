//! The gateway put together: parts are built top to bottom, in the order in which they need each
//! other.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::path::PathBuf;

use scheduler::time::Micros;
use tokio::net::TcpListener;

use crate::booking::{self, DeskHandle, DeskSettings, Rerunner, Witness};
use crate::clock::Clock;
use crate::command::lock_folder;
use crate::config::{Config, Elsewhere, Mqtt, Secret};
use crate::credentials::Passwords;
use crate::history::{History, HistoryError};
use crate::http::{self, HttpState, Rooms, Site};
use crate::labels::Labels;
use crate::lifecycle::Lifecycle;
use crate::polling::Polling;
use crate::registry::SharedDirectory;
use crate::store::{Database, StoreError};
use crate::telemetry::{self, Telemetry, TelemetryHandle};

/// Why the gateway cannot start. Each is a sentence for whoever runs it.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The data folder cannot be made or written.
    #[error("the data folder {folder:?} cannot be used")]
    Folder {
        /// The folder.
        folder: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// Another process works there.
    #[error(
        "another ortoo works on {folder:?}: stop it, or name another folder with data = \"...\""
    )]
    Taken {
        /// The folder.
        folder: PathBuf,
    },
    /// The machine's clock was never set: bookings would lie, and readings would bear its time.
    #[error("this machine's clock says {now}: set it (timedatectl set-ntp true), then start again")]
    Clock {
        /// What it says, UTC.
        now: String,
    },
    /// The booking database cannot be used.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The telemetry store cannot be used.
    #[error("the telemetry store cannot be used")]
    History(#[from] HistoryError),
    /// This build writes readings nowhere else.
    #[error("this build has no store elsewhere: set history.store = \"embedded\"")]
    NoElsewhere,
    /// Messages cannot come in.
    #[error("telemetry cannot start")]
    Telemetry(#[from] telemetry::StartError),
    /// A port is taken or may not be used.
    #[error("cannot listen on {address} ({setting}): another program may hold the port")]
    Listen {
        /// The setting.
        setting: &'static str,
        /// The address.
        address: SocketAddr,
        /// Why.
        #[source]
        source: std::io::Error,
    },
}

/// No gateway ran before 2026: a clock that says so was never set.
const CLOCK_MIN: Micros = Micros::new(1_767_225_600_000_000);

fn check_clock(clock: &Clock) -> Result<(), StartError> {
    let now = clock.now();
    if now >= CLOCK_MIN {
        return Ok(());
    }
    Err(StartError::Clock {
        now: chrono::DateTime::from_timestamp_micros(now.get())
            .unwrap_or_default()
            .to_rfc3339_opts(chrono::SecondsFormat::Secs, true),
    })
}

/// A running gateway. Its tasks belong to the lifecycle it was started in.
#[derive(Debug)]
pub struct Server {
    /// Where people find it.
    pub url: String,
    /// Where agents connect; the external broker's address without its credential.
    pub mqtt_url: String,
    /// Where `/metrics` is.
    pub metrics_url: String,
    /// Bookings and the registry.
    pub desk: DeskHandle,
    /// Machine states; also the intake for what does not come by MQTT.
    pub telemetry: TelemetryHandle,
    /// The data folder is this process's as long as this lives: keep it until all tasks have ended.
    _folder: std::fs::File,
}

impl Server {
    /// Starts everything. When this returns, requests are answered and messages taken.
    ///
    /// # Errors
    /// Returns [`StartError`]; the caller stops the lifecycle then.
    pub async fn start(
        config: &Config,
        clock: Clock,
        lifecycle: &Lifecycle,
    ) -> Result<Self, StartError> {
        check_clock(&clock)?;
        let folder = lock_folder(&config.data)?;
        let labels = Labels::open(&config.data).map_err(|source| StartError::Folder {
            folder: config.data.clone(),
            source,
        })?;
        let http_listener = listen("http.listen", config.http.listen).await?;
        let metrics_listener = listen("metrics.listen", config.metrics_listen).await?;
        let url = config.database_url.as_ref().map(Secret::expose);
        let database = Database::open(&config.data, url).await?;
        let settings = DeskSettings::default();
        let desk = booking::start(database, clock.clone(), lifecycle, settings).await?;
        let history = History::open(&config.data, clock.clone()).await?;
        keep(&history, config, lifecycle);
        let directory = desk.shared_directory();
        if let Some(elsewhere) = &config.elsewhere {
            follow(elsewhere, &history, &directory, &clock, lifecycle).await?;
        }
        let (now, past) = (clock.clone(), history.clone());
        let telemetry = Telemetry::start(&config.mqtt, now, lifecycle, directory, past).await?;
        Witness::start(&desk, &telemetry, &history, lifecycle);
        let polling = Polling::new(&config.modbus);
        polling.start(&desk, &telemetry, &config.data, lifecycle);
        Rerunner::start(&desk, &telemetry, &history, lifecycle);
        let address = http_listener.1;
        let listens_on = format!("http://{address}");
        let public_url = Some(config.http.public_url.as_str()).filter(|url| !url.is_empty());
        let url = public_url.unwrap_or(&listens_on).to_owned();
        let mqtt_url = mqtt_url(&config.mqtt, &telemetry);
        let metrics_url = format!("http://{}/metrics", metrics_listener.1);
        let passwords = Passwords::new(config.password_memory_kib);
        let data = config.data.clone();
        let told = Some(&config.mqtt_public_url).filter(|url| !url.is_empty());
        let told = told.unwrap_or(&mqtt_url).clone();
        let site = Site::new(public_url, &listens_on, told, data);
        let (desk_kept, telemetry_kept) = (desk.clone(), telemetry.clone());
        let rooms = Rooms {
            clock,
            desk,
            telemetry,
            history,
            passwords,
            labels,
            polling,
        };
        let state = HttpState::start(rooms, site, config.limits, lifecycle);
        let (stop, pages) = (lifecycle.stop_token(), state.clone());
        lifecycle.spawn("http", async move {
            http::serve(http_listener.0, pages, stop).await;
            Ok::<(), Infallible>(())
        });
        let stop = lifecycle.stop_token();
        lifecycle.spawn("metrics", async move {
            http::serve_metrics(metrics_listener.0, state, stop).await;
            Ok::<(), Infallible>(())
        });
        Ok(Self {
            url,
            mqtt_url,
            metrics_url,
            desk: desk_kept,
            telemetry: telemetry_kept,
            _folder: folder,
        })
    }
}

/// Starts what tidies history up.
fn keep(history: &History, config: &Config, lifecycle: &Lifecycle) {
    if let Some(caretaker) = history.take_caretaker(config.history) {
        let stop = lifecycle.stop_token();
        lifecycle.spawn("history", async move {
            caretaker.run(stop).await;
            Ok::<(), Infallible>(())
        });
    }
}

/// Begins to write readings on, before the first are taken.
#[cfg(feature = "influx")]
async fn follow(
    elsewhere: &Elsewhere,
    history: &History,
    directory: &SharedDirectory,
    clock: &Clock,
    lifecycle: &Lifecycle,
) -> Result<(), StartError> {
    let directory = std::sync::Arc::clone(directory);
    Ok(crate::follow::start(elsewhere, history, directory, clock, lifecycle).await?)
}

#[cfg(not(feature = "influx"))]
async fn follow(
    _: &Elsewhere,
    _: &History,
    _: &SharedDirectory,
    _: &Clock,
    _: &Lifecycle,
) -> Result<(), StartError> {
    std::future::ready(Err(StartError::NoElsewhere)).await
}

/// Returns where agents connect. A broker's credential is the gateway's own and not shown.
fn mqtt_url(mqtt: &Mqtt, telemetry: &TelemetryHandle) -> String {
    match mqtt {
        Mqtt::Embedded { listen } => {
            format!("mqtt://{}", telemetry.broker_address().unwrap_or(*listen))
        }
        Mqtt::External { url } => {
            let rest = url.expose().trim_start_matches("mqtt://");
            format!(
                "mqtt://{}",
                rest.rsplit_once('@').map_or(rest, |(_, address)| address)
            )
        }
    }
}

async fn listen(
    setting: &'static str,
    address: SocketAddr,
) -> Result<(TcpListener, SocketAddr), StartError> {
    let failed = |source| StartError::Listen {
        setting,
        address,
        source,
    };
    let listener = TcpListener::bind(address).await.map_err(failed)?;
    let bound = listener.local_addr().map_err(failed)?;
    Ok((listener, bound))
}
