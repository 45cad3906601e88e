//! The command line of `ortoo`.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

/// Ortoo 仪驿: books shared instruments and knows their state.
#[derive(Debug, Parser)]
#[command(name = "ortoo", version, about, disable_help_subcommand = true)]
pub struct Arguments {
    /// What to do; serve if nothing is said.
    #[command(subcommand)]
    pub command: Option<Command>,
    /// Settings of the gateway, when no command is given.
    #[command(flatten)]
    pub settings: SettingsFile,
}

/// Where the settings are.
#[derive(Debug, Clone, Args)]
pub struct SettingsFile {
    /// Settings file (TOML); without one every setting has its default.
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
}

/// What `ortoo` can do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Run the gateway.
    Serve(SettingsFile),
    /// Run a whole region with simulated instruments, in a throw-away folder.
    Demo(DemoArguments),
    /// Manage accounts without the web pages.
    #[command(subcommand)]
    Admin(AdminCommand),
    /// Check the settings and the databases' own settings against what they must be.
    Check(SettingsFile),
    /// Print the OpenAPI document.
    Openapi,
}

/// What `ortoo demo` takes.
#[derive(Debug, Clone, Args)]
pub struct DemoArguments {
    /// How many instruments.
    #[arg(long, default_value_t = 5_534, value_parser = clap::value_parser!(u32).range(1..=20_000))]
    pub instruments: u32,
    /// Where the pages and the API listen; port 0 lets the system choose.
    #[arg(long, default_value = "127.0.0.1:8080")]
    pub listen: SocketAddr,
    /// Folder to work in; without one a temporary folder that is removed at the end.
    #[arg(long)]
    pub data: Option<PathBuf>,
    /// Days of history.
    #[arg(long, default_value_t = 14, value_parser = clap::value_parser!(u32).range(1..=28))]
    pub history: u32,
}

/// Accounts.
#[derive(Debug, Subcommand)]
pub enum AdminCommand {
    /// Make a region administrator and print the password once. The gateway must not be running.
    Create {
        /// Settings of the gateway.
        #[command(flatten)]
        settings: SettingsFile,
        /// The name to sign in with.
        #[arg(long)]
        login: String,
        /// What others see.
        #[arg(long)]
        name: String,
    },
}
