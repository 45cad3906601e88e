//! `ortoo check`: settings with what they must be, before people rely on them.

use std::fmt::{self, Display};

use crate::config::{Config, Mqtt, Secret};
use crate::disk::Room;
use crate::store::Database;

/// Least share of free disk, in per cent.
const FREE_PERCENT_MIN: u64 = 5;

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
    fn add(&mut self, name: &str, actual: impl Display, expected: &str, holds: bool) {
        let (name, actual) = (name.to_owned(), actual.to_string());
        self.lines.push(Line {
            name,
            actual,
            expected: expected.to_owned(),
            holds,
        });
    }

    /// Returns how many lines do not hold.
    #[must_use]
    pub fn faults(&self) -> usize {
        self.lines.iter().filter(|line| !line.holds).count()
    }
}

impl Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{:<32} {:<24} {:<20} ok", "setting", "is", "must be")?;
        for line in &self.lines {
            let holds = if line.holds { "yes" } else { "NO" };
            writeln!(
                f,
                "{:<32} {:<24} {:<20} {holds}",
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
pub async fn run(config: &Config) -> Report {
    let mut report = Report::default();
    report.add("http.listen", config.http.listen, "any", true);
    let mqtt = match &config.mqtt {
        Mqtt::Embedded { listen } => format!("embedded {listen}"),
        Mqtt::External { .. } => "external".to_owned(),
    };
    report.add("mqtt", mqtt, "any", true);
    if let Err(error) = crate::folder::make(&config.data) {
        report.add("data", error, "a folder", false);
        return report;
    }
    match Room::of(&config.data).map(Room::free_percent) {
        Ok(percent) => {
            let holds = percent >= FREE_PERCENT_MIN;
            report.add("data: free disk", format!("{percent} %"), ">= 5 %", holds);
        }
        Err(error) => report.add("data: free disk", error, ">= 5 %", false),
    }
    let url = config.database_url.as_ref().map(Secret::expose);
    match Database::open(&config.data, url).await {
        Ok(database) => match database.settings().await {
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
        },
        Err(error) => report.add("booking database", error, "can be opened", false),
    }
    report
}
