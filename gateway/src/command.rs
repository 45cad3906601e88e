//! What each command of the terminal does, from settings to exit.

use std::io::{IsTerminal, Write as _};
use std::path::Path;
use std::time::Duration;

use serde_json::json;

use crate::cli::{AdminCommand, Arguments, Command, SettingsFile};
use crate::clock::Clock;
use crate::config::{Config, SecretFiles};
use crate::lifecycle::{Lifecycle, TaskDied};
use crate::server::{Server, StartError};
use crate::settings::Faults;
use crate::{account, check, demo, http};

/// How long a stop may take, in seconds.
pub const STOP_GRACE: Duration = Duration::from_secs(15);

/// Why a command failed.
#[derive(Debug, thiserror::Error)]
pub enum CommandError {
    /// The settings file has faults; they are listed, one a line.
    #[error("the settings have faults\n{0}")]
    Settings(Faults),
    /// The gateway could not start.
    #[error("cannot start")]
    Start(#[from] StartError),
    /// It started and a part of it died.
    #[error("stopped")]
    Died(#[from] TaskDied),
    /// The runtime or the terminal failed.
    #[error("the operating system refused")]
    System(#[from] std::io::Error),
    /// The demo could not be prepared.
    #[error("the demo cannot be prepared")]
    Demo(#[from] demo::DemoError),
    /// The account could not be made.
    #[error("the account cannot be made")]
    Account(#[from] account::AccountError),
    /// `check` found something; it has printed what.
    #[error("the check found {0} faults")]
    Check(usize),
}

impl CommandError {
    /// Returns true if the caller has to change arguments or settings.
    #[must_use]
    pub fn is_usage(&self) -> bool {
        matches!(self, Self::Settings(_))
    }
}

/// Runs what the arguments ask for, until it ends.
///
/// # Errors
/// Returns [`CommandError`]; the caller prints it and chooses the exit code.
pub fn run(arguments: Arguments) -> Result<(), CommandError> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?;
    match arguments
        .command
        .unwrap_or(Command::Serve(arguments.settings))
    {
        Command::Serve(file) => runtime.block_on(serve(&load(&file)?)),
        Command::Demo(wanted) => Ok(runtime.block_on(demo::run(&wanted))?),
        Command::Admin(AdminCommand::Create {
            settings,
            login,
            name,
        }) => {
            let config = load(&settings)?;
            let password = runtime.block_on(account::create_admin(&config, &login, &name))?;
            print_line(&format!("{login}  {password}"))?;
            Ok(())
        }
        Command::Check(file) => {
            let report = runtime.block_on(check::run(&load(&file)?, &Clock::system()));
            print_line(&report.to_string())?;
            match report.faults() {
                0 => Ok(()),
                faults => Err(CommandError::Check(faults)),
            }
        }
        Command::Openapi => {
            let document = http::document().to_pretty_json();
            Ok(print_line(&document.map_err(std::io::Error::other)?)?)
        }
    }
}

fn load(file: &SettingsFile) -> Result<Config, CommandError> {
    let path = |name: &str| std::env::var_os(name).map(Into::into);
    let secrets = SecretFiles {
        database_url: path("ORTOO_DATABASE_URL_FILE"),
        mqtt_url: path("ORTOO_MQTT_URL_FILE"),
        history_token: path("ORTOO_HISTORY_TOKEN_FILE"),
    };
    let config = match &file.config {
        Some(path) => Config::load(path, &secrets),
        None => Config::parse("", "settings", &secrets),
    };
    config.map_err(CommandError::Settings)
}

async fn serve(config: &Config) -> Result<(), CommandError> {
    let lifecycle = Lifecycle::new();
    stop_on_signal(&lifecycle)?;
    let server = match Server::start(config, Clock::system(), &lifecycle).await {
        Ok(server) => server,
        Err(error) => {
            lifecycle.stop();
            // The reason for the failed start is what counts, not how its tasks ended.
            lifecycle.finished(STOP_GRACE).await.ok();
            return Err(error.into());
        }
    };
    announce_ready(&server)?;
    lifecycle.finished(STOP_GRACE).await?;
    drop(server);
    Ok(())
}

/// Prints one line of JSON on standard output: whoever started the process waits for it.
///
/// # Errors
/// Returns the error of the output.
pub fn announce_ready(server: &Server) -> std::io::Result<()> {
    let ready = json!({
        "ready": true,
        "url": server.url,
        "mqtt_url": server.mqtt_url,
        "metrics_url": server.metrics_url,
    });
    print_line(&ready.to_string())?;
    if std::io::stdout().is_terminal() {
        tracing::info!(url = server.url, "ready; stop with Ctrl-C");
    }
    Ok(())
}

fn print_line(line: &str) -> std::io::Result<()> {
    let mut out = std::io::stdout().lock();
    writeln!(out, "{line}")?;
    out.flush()
}

/// Turns the first Ctrl-C or SIGTERM into a stop, and a second one into an immediate end.
///
/// # Errors
/// Returns the error of the operating system when signals cannot be received.
pub fn stop_on_signal(lifecycle: &Lifecycle) -> std::io::Result<()> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    let stopping = lifecycle.clone();
    let listen = async move {
        for first in [true, false] {
            tokio::select! {
                _ = interrupt.recv() => {}
                _ = terminate.recv() => {}
            }
            if first {
                stopping.stop();
            } else {
                std::process::exit(1);
            }
        }
    };
    // Not a task of the lifecycle: it must outlive the stop to hear the second signal.
    #[expect(
        clippy::disallowed_methods,
        reason = "it ends with the process, not with the stop"
    )]
    drop(tokio::spawn(listen));
    Ok(())
}

/// Takes the data folder for this process.
///
/// # Errors
/// Returns [`StartError::Folder`] when it cannot be made, and [`StartError::Taken`] when another
/// process has it.
pub fn lock_folder(folder: &Path) -> Result<std::fs::File, StartError> {
    let failed = |source| StartError::Folder {
        folder: folder.to_owned(),
        source,
    };
    crate::folder::make(folder).map_err(failed)?;
    if let Some(mode) = crate::folder::open_to_others(folder) {
        tracing::warn!(
            folder = %folder.display(),
            mode,
            "other accounts of this machine may look into the data folder: chmod 700 closes it"
        );
    }
    crate::folder::make_file(&folder.join("ortoo.lock")).map_err(failed)?;
    let file = std::fs::OpenOptions::new()
        .write(true)
        .open(folder.join("ortoo.lock"))
        .map_err(failed)?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(std::fs::TryLockError::WouldBlock) => Err(StartError::Taken {
            folder: folder.to_owned(),
        }),
        Err(std::fs::TryLockError::Error(source)) => Err(failed(source)),
    }
}
