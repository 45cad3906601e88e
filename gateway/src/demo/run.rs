//! One run of the demo: prepare, tell, live, stop.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;

use agents::config::Gateway;

use super::DemoError;
use super::enter::{self, Keys};
use super::fleet::{Fleet, Surroundings};
use super::folder::Folder;
use super::follow;
use super::generate::{SEED, Size, World};
use super::logins::Handout;
use super::progress::Progress;
use crate::cli::DemoArguments;
use crate::clock::Clock;
use crate::command::{self, STOP_GRACE};
use crate::config::{Config, Http, Limits, Mqtt};
use crate::credentials::Passwords;
use crate::lifecycle::Lifecycle;
use crate::server::Server;

/// Memory an argon2id hash takes in the demo, in KiB: the least the settings allow, so that two dozen
/// passwords are hashed in a moment and sign-ins do not swell the process.
const PASSWORD_MEMORY_KIB: u32 = 8_192;

/// Runs the demo until Ctrl-C, SIGTERM, or the death of a part of it.
///
/// # Errors
/// Returns [`DemoError`] when it cannot be prepared or a part of it died. To be asked to stop while it
/// prepares is no error.
pub async fn run(wanted: &DemoArguments) -> Result<(), DemoError> {
    let lifecycle = Lifecycle::new();
    command::stop_on_signal(&lifecycle)?;
    let folder = Folder::take(wanted.data.as_deref())?;
    let stop = lifecycle.stop_token();
    let prepared = tokio::select! {
        // A stop that comes while it prepares ends the preparation where it is.
        () = stop.cancelled() => Err(DemoError::Stopped),
        prepared = prepare(wanted, &folder, &lifecycle) => prepared,
    };
    match prepared {
        Ok(server) => {
            lifecycle.finished(STOP_GRACE).await?;
            // Until now the folder was this process's.
            drop(server);
        }
        Err(error) => {
            lifecycle.stop();
            let ended = lifecycle.finished(STOP_GRACE).await;
            if !matches!(error, DemoError::Stopped) {
                return Err(error);
            }
            ended?;
        }
    }
    Ok(())
}

/// Prepares everything and tells whoever waits. What it started lives on in the lifecycle.
async fn prepare(
    wanted: &DemoArguments,
    folder: &Folder,
    lifecycle: &Lifecycle,
) -> Result<Server, DemoError> {
    let clock = Clock::system();
    let mut progress = Progress::new();
    progress.step("making the region");
    let (world, fleet, keys) = make(wanted, &clock).await?;
    progress.step("starting the gateway");
    let config = config(wanted, folder);
    let server = Server::start(&config, clock.clone(), lifecycle).await?;
    progress.step("registering instruments, people and bookings");
    let import = enter::import(&world, &fleet, &keys, clock.now());
    server.desk.import(import).await?;
    progress.step("loading history, starting the agents");
    let around = Surroundings {
        world: Arc::clone(&world),
        telemetry: server.telemetry.clone(),
        gateway: Gateway::parse(&server.mqtt_url).map_err(DemoError::Broker)?,
        days: i64::from(wanted.history),
    };
    let labs = fleet.launch(around, lifecycle, &mut progress).await?;
    let following = follow::run(server.desk.clone(), labs, lifecycle.stop_token());
    lifecycle.spawn("followers of bookings", following);
    tell(&server, &keys, &world, folder, progress)?;
    Ok(server)
}

/// Tells whoever waits: the file, a person at a terminal, the process that started this one.
fn tell(
    server: &Server,
    keys: &Keys,
    world: &World,
    folder: &Folder,
    progress: Progress,
) -> Result<(), DemoError> {
    let handout = Handout {
        url: server.url.clone(),
        mqtt_url: server.mqtt_url.clone(),
        metrics_url: server.metrics_url.clone(),
        logins: keys.logins(world),
        agents: keys.agents(world),
    };
    handout.write(folder.path())?;
    let seconds = progress.end().as_secs_f32();
    // Without an audience the demo still runs.
    handout.print(&mut std::io::stderr().lock()).ok();
    tracing::info!(seconds, url = handout.url, "the demo is ready");
    command::announce_ready(server)?;
    Ok(())
}

/// Makes the world, the agents and the keys, on threads that may be busy for a while.
async fn make(
    wanted: &DemoArguments,
    clock: &Clock,
) -> Result<(Arc<World>, Fleet, Keys), DemoError> {
    let size = Size {
        instruments: usize::try_from(wanted.instruments).unwrap_or(1),
        history_days: i64::from(wanted.history),
        now_min: clock.now().get() / 60_000_000,
    };
    let making = tokio::task::spawn_blocking(move || {
        let world = World::make(SEED, size);
        let keys = Keys::make(&world, &Passwords::new(PASSWORD_MEMORY_KIB));
        let fleet = Fleet::new(&world);
        (Arc::new(world), fleet, keys)
    });
    making.await.map_err(|_| DemoError::Stopped)
}

/// Returns the settings: the defaults, on ports of its own, without limits that would stop somebody
/// who tries what the demo can bear. The limit on attempts to sign in stays.
fn config(wanted: &DemoArguments, folder: &Folder) -> Config {
    let any_port = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 0);
    if !wanted.listen.ip().is_loopback() {
        tracing::warn!(listen = %wanted.listen, "passwords cross the network unencrypted");
    }
    let config = Config::default();
    Config {
        data: folder.path().to_owned(),
        http: Http {
            listen: wanted.listen,
            ..config.http
        },
        metrics_listen: any_port,
        mqtt: Mqtt::Embedded { listen: any_port },
        limits: Limits {
            requests_per_minute: 0,
            anonymous_per_minute: 0,
            ..config.limits
        },
        password_memory_kib: PASSWORD_MEMORY_KIB,
        ..config
    }
}
