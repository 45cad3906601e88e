//! `ortoo check`: settings with what they must be, and whether the disk will do, before people rely
//! on it.

use std::fmt::{self, Display};
use std::path::Path;

use scheduler::time::{MINUTE_US, Micros};

use crate::clock::Clock;
use crate::config::{Config, Mqtt, Secret};
use crate::disk::Room;
use crate::forecast::forecast;
use crate::history::{History, Inspection};
use crate::store::Database;

/// Least share of free disk, in per cent.
const FREE_PERCENT_MIN: u64 = 5;

/// The beginning of 2025: a clock before it was never set.
const CLOCK_MIN: Micros = Micros::new(1_735_689_600_000_000);

/// How far the clock may have gone back since the newest commit, in microseconds.
const BACKWARDS_US_MAX: i64 = MINUTE_US;

/// Open files that the process needs besides one a connection of an agent.
const FILES_MIN: u64 = 512;

/// What was found.
#[derive(Debug, Default)]
pub struct Report {
    lines: Vec<Line>,
}

#[derive(Debug)]
struct Line {
    name: String,
    actual: String,
    expected: String,
    holds: bool,
}

impl Report {
    fn add(&mut self, name: &str, actual: impl Display, expected: impl Display, holds: bool) {
        self.lines.push(Line {
            name: name.to_owned(),
            actual: actual.to_string(),
            expected: expected.to_string(),
            holds,
        });
    }

    /// Notes something that may be as it likes.
    fn tell(&mut self, name: &str, actual: impl Display) {
        self.add(name, actual, "any", true);
    }

    /// Returns how many lines do not hold.
    #[must_use]
    pub fn faults(&self) -> usize {
        self.lines.iter().filter(|line| !line.holds).count()
    }
}

impl Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{:<36} {:<28} {:<20} ok", "setting", "is", "must be")?;
        for line in &self.lines {
            let holds = if line.holds { "yes" } else { "NO" };
            writeln!(
                f,
                "{:<36} {:<28} {:<20} {holds}",
                line.name, line.actual, line.expected
            )?;
        }
        write!(
            f,
            "{} of {} hold",
            self.lines.len() - self.faults(),
            self.lines.len()
        )
    }
}

/// Opens what the settings name, and compares.
pub async fn run(config: &Config, clock: &Clock) -> Report {
    let mut report = Report::default();
    tell_settings(&mut report, config);
    if let Err(error) = crate::folder::make(&config.data) {
        report.add("data", error, "a folder", false);
        return report;
    }
    check_folder(&mut report, &config.data);
    check_booking_database(&mut report, config).await;
    match History::inspect(&config.data).await {
        Ok(found) => {
            for (name, actual, expected) in &found.settings {
                let holds = actual == expected;
                report.add(&format!("telemetry store: {name}"), actual, expected, holds);
            }
            check_clock(&mut report, clock.now(), found.newest_commit);
            check_files(&mut report, found.agents);
            check_forecast(&mut report, config, &found);
        }
        Err(error) => report.add("telemetry store", error.for_operators(), "usable", false),
    }
    check_elsewhere(&mut report, config, clock).await;
    report
}

/// Tells every setting with its bounds. They hold: a file with others was refused before.
fn tell_settings(report: &mut Report, config: &Config) {
    report.tell("http.listen", config.http.listen);
    let url = &config.http.public_url;
    report.tell("http.public_url", if url.is_empty() { "-" } else { url });
    report.tell("metrics.listen", config.metrics_listen);
    match &config.mqtt {
        Mqtt::Embedded { listen } => report.tell("mqtt", format!("embedded {listen}")),
        Mqtt::External { .. } => report.tell("mqtt", "external"),
    }
    let url = &config.mqtt_public_url;
    report.tell("mqtt.public_url", if url.is_empty() { "-" } else { url });
    report.tell("modbus.allow: networks", config.modbus.allow.len());
    report.tell(
        "modbus.profile_dir: profiles",
        config.modbus.profiles.iter().len(),
    );
    let (kept, limits) = (&config.history, &config.limits);
    let minutes = format!("{} to 36600", kept.raw_days);
    let (logins, requests) = ("0 to 100000", "0 to 10000000");
    for (name, value, bounds) in [
        ("modbus.outbox_mb", config.modbus.outbox_mb, "1 to 1048576"),
        ("history.raw_days", kept.raw_days, "1 to 3660"),
        ("history.minute_days", kept.minute_days, &minutes),
        (
            "history.hour_days",
            kept.hour_days,
            "0, or minute_days to 36600",
        ),
        ("limits.login_per_minute", limits.login_per_minute, logins),
        (
            "limits.requests_per_minute",
            limits.requests_per_minute,
            requests,
        ),
        (
            "limits.anonymous_per_minute",
            limits.anonymous_per_minute,
            requests,
        ),
        (
            "passwords.memory_kib",
            config.password_memory_kib,
            "8192 to 1048576",
        ),
    ] {
        report.add(name, value, bounds, true);
    }
    if let Some(store) = &config.elsewhere {
        let bounds = "64 MiB to 1048576 MiB";
        report.add(
            "history.queue_mib",
            mebibytes(store.queue_bytes_max),
            bounds,
            true,
        );
    }
}

fn check_folder(report: &mut Report, folder: &Path) {
    let open = crate::folder::open_to_others(folder);
    let holds = open.is_none();
    let mode = open.unwrap_or_else(|| "700".to_owned());
    report.add("data: mode", mode, "700", holds);
    match Room::of(folder).map(Room::free_percent) {
        Ok(percent) => {
            let holds = percent >= FREE_PERCENT_MIN;
            report.add("data: free disk", format!("{percent} %"), ">= 5 %", holds);
        }
        Err(error) => report.add("data: free disk", error, ">= 5 %", false),
    }
}

async fn check_booking_database(report: &mut Report, config: &Config) {
    let url = config.database_url.as_ref().map(Secret::expose);
    let database = match Database::open(&config.data, url).await {
        Ok(database) => database,
        Err(error) => return report.add("booking database", error, "can be opened", false),
    };
    match database.settings().await {
        Ok(settings) => {
            for (name, actual, expected) in settings {
                let holds = actual == expected;
                report.add(
                    &format!("booking database: {name}"),
                    actual,
                    expected,
                    holds,
                );
            }
        }
        Err(error) => report.add("booking database", error, "readable", false),
    }
}

/// A clock that was never set, or went back, would place bookings and readings wrongly.
fn check_clock(report: &mut Report, now: Micros, newest: Option<Micros>) {
    let iso = |at: Micros| {
        let time = chrono::DateTime::from_timestamp_micros(at.get()).unwrap_or_default();
        time.format("%Y-%m-%dT%H:%M:%SZ").to_string()
    };
    let least = newest.map_or(CLOCK_MIN, |newest| {
        CLOCK_MIN.max(Micros::new(newest.get() - BACKWARDS_US_MAX))
    });
    report.add(
        "clock",
        iso(now),
        format!(">= {}", iso(least)),
        now >= least,
    );
}

/// Each connection of an agent takes a file. Linux only; elsewhere the line is left out.
fn check_files(report: &mut Report, agents: u64) {
    let Ok(limits) = std::fs::read_to_string("/proc/self/limits") else {
        return;
    };
    let Some(limit) = open_files(&limits) else {
        return;
    };
    let needed = FILES_MIN + agents;
    let holds = limit >= needed;
    report.add("limit of open files", limit, format!(">= {needed}"), holds);
}

/// Returns the soft limit of open files from the text of `/proc/self/limits`, proc(5).
fn open_files(limits: &str) -> Option<u64> {
    let line = limits
        .lines()
        .find_map(|line| line.strip_prefix("Max open files"))?;
    match line.split_whitespace().next()? {
        "unlimited" => Some(u64::MAX),
        limit => limit.parse().ok(),
    }
}

fn check_forecast(report: &mut Report, config: &Config, found: &Inspection) {
    let queue_bytes = config
        .elsewhere
        .as_ref()
        .map_or(0, |store| store.queue_bytes_max);
    let forecast = forecast(found, config.history.raw_days, queue_bytes);
    let how = if forecast.is_measured {
        "measured"
    } else {
        "assumed"
    };
    report.tell(
        "telemetry: instruments, channels",
        format!("{}, {}", forecast.instruments, forecast.channels),
    );
    report.tell(
        "telemetry: reports a second, each",
        format!("{:.2} ({how})", forecast.rows_per_s),
    );
    report.tell("telemetry: a day", mebibytes(forecast.bytes_a_day));
    let file = config.data.join("telemetry.db");
    let used = std::fs::metadata(file).map_or(0, |file| file.len());
    let room = Room::of(&config.data).map_or(0, |room| room.free_bytes.saturating_add(used));
    report.add(
        "telemetry: in all, forecast",
        mebibytes(forecast.bytes_in_all),
        format!("<= {}", mebibytes(room)),
        forecast.bytes_in_all <= room,
    );
}

fn mebibytes(bytes: u64) -> String {
    format!("{} MiB", bytes >> 20)
}

/// Writes one line to the store elsewhere: nothing less proves token, bucket and room.
#[cfg(feature = "influx")]
async fn check_elsewhere(report: &mut Report, config: &Config, clock: &Clock) {
    let Some(elsewhere) = &config.elsewhere else {
        return report.tell("history.store", "embedded");
    };
    report.tell("history.store", elsewhere.identity());
    match crate::follow::probe(elsewhere, clock.now()).await {
        Ok(()) => report.add("history.store: a line", "taken", "taken", true),
        Err(why) => report.add("history.store: a line", why, "taken", false),
    }
}

#[cfg(not(feature = "influx"))]
async fn check_elsewhere(report: &mut Report, config: &Config, _: &Clock) {
    let store = config
        .elsewhere
        .as_ref()
        .map(crate::config::Elsewhere::identity);
    let holds = store.is_none();
    let store = std::future::ready(store).await;
    let store = store.unwrap_or_else(|| "embedded".to_owned());
    report.add("history.store", store, "embedded (this build)", holds);
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    fn a_clock_that_went_back_is_found() {
        let at = |s: i64| Micros::new(CLOCK_MIN.get() + s * 1_000_000);
        for (now, newest, holds) in [
            (at(10), None, true),
            (at(-10), None, false),
            (at(100), Some(at(150)), true),
            (at(100), Some(at(200)), false),
        ] {
            let mut report = Report::default();
            check_clock(&mut report, now, newest);
            assert_eq!(report.faults() == 0, holds, "{report}");
        }
    }

    #[test]
    fn the_limit_of_open_files_is_read() {
        let limits = "Limit                     Soft Limit           Hard Limit           Units     \n\
                      Max open files            1024                 524288               files     \n";
        assert_eq!(open_files(limits), Some(1_024));
        assert_eq!(
            open_files(&limits.replace("1024  ", "unlimited")),
            Some(u64::MAX)
        );
        assert_eq!(open_files("nothing"), None);
    }

    #[tokio::test]
    async fn a_fresh_folder_holds_and_an_open_one_does_not() {
        let folder = tempfile::tempdir().unwrap();
        let config = Config {
            data: folder.path().join("data"),
            ..Config::default()
        };
        let report = run(&config, &Clock::system()).await;
        let text = report.to_string();
        for part in [
            "booking database: synchronous",
            "telemetry store: synchronous",
            "forecast",
            "modbus.allow",
            "modbus.outbox_mb",
            "history.raw_days",
            "history.minute_days",
            "history.hour_days",
            "limits.requests_per_minute",
            "passwords.memory_kib",
        ] {
            assert!(text.contains(part), "{text}");
        }
        let before = report.faults();
        let open = std::fs::Permissions::from_mode(0o755);
        std::fs::set_permissions(&config.data, open).unwrap();
        let report = run(&config, &Clock::system()).await;
        assert_eq!(report.faults(), before + 1, "{report}");
    }
}
