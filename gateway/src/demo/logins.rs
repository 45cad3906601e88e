//! What a person or a test needs to use the demo: addresses, logins, credentials of agents of one's
//! own. Made at random for each run, written to `demo.json` for the owner of the folder only.

use std::io::Write as _;
use std::path::Path;

use serde::Serialize;

/// Name of the file in the data folder.
pub(super) const FILE: &str = "demo.json";

/// Everything there is to know; serialises to `demo.json`.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Handout {
    /// Pages and API.
    pub(super) url: String,
    /// Where agents connect.
    pub(super) mqtt_url: String,
    /// Metrics.
    pub(super) metrics_url: String,
    /// People who can sign in.
    pub(super) logins: Vec<Login>,
    /// Agents that nobody has started, each with an instrument the simulation leaves alone.
    pub(super) agents: Vec<OwnAgent>,
}

/// Somebody who can sign in.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Login {
    /// Role, as in the API.
    pub(super) role: &'static str,
    /// The name to sign in with.
    pub(super) name: String,
    /// What others see.
    pub(super) display_name: String,
    /// Password.
    pub(super) password: String,
    /// API token.
    pub(super) token: String,
}

/// An agent of one's own.
#[derive(Debug, Clone, Serialize)]
pub(super) struct OwnAgent {
    /// Name, which is the MQTT user name and client id.
    pub(super) name: String,
    /// Secret, which is the MQTT password.
    pub(super) secret: String,
    /// Identity of its laboratory.
    pub(super) lab: i64,
    /// The instrument it may speak for.
    pub(super) instrument: String,
}

impl Handout {
    /// Writes the file so that whoever waits for it never sees half of it, and nobody else reads it.
    ///
    /// # Errors
    /// Returns the error of the file system.
    pub(super) fn write(&self, folder: &Path) -> std::io::Result<()> {
        use std::os::unix::fs::OpenOptionsExt as _;
        let text = serde_json::to_string_pretty(self).map_err(std::io::Error::other)?;
        let draft = folder.join(format!("{FILE}.new"));
        let mut options = std::fs::OpenOptions::new();
        let mut file = options
            .write(true)
            .create(true)
            .truncate(true)
            .mode(0o600)
            .open(&draft)?;
        file.write_all(text.as_bytes())?;
        file.write_all(b"\n")?;
        file.sync_all()?;
        std::fs::rename(&draft, folder.join(FILE))
    }

    /// Prints for a person: where to look, who to be, how to stop.
    ///
    /// # Errors
    /// Returns the error of the terminal.
    pub(super) fn print(&self, out: &mut impl std::io::Write) -> std::io::Result<()> {
        writeln!(out, "\n  Ortoo 仪驿   {}\n", self.url)?;
        let wide = self
            .logins
            .iter()
            .map(|one| width(&one.display_name))
            .max()
            .unwrap_or(0);
        for one in &self.logins {
            let gap = " ".repeat(wide - width(&one.display_name));
            let Login {
                role,
                name,
                display_name,
                password,
                ..
            } = one;
            writeln!(
                out,
                "  {role:<13} {name:<13} {password}   {display_name}{gap}"
            )?;
        }
        for one in &self.agents {
            let OwnAgent {
                name,
                secret,
                instrument,
                ..
            } = one;
            writeln!(out, "  agent {name} for {instrument}: {secret}")?;
        }
        writeln!(
            out,
            "\n  MQTT {}   metrics {}",
            self.mqtt_url, self.metrics_url
        )?;
        writeln!(
            out,
            "  Passwords hold for this run only. Stop with Ctrl-C.\n"
        )?;
        out.flush()
    }
}

/// Returns the columns a text takes on a terminal, where Chinese characters take two.
fn width(text: &str) -> usize {
    text.chars()
        .map(|letter| if letter < '\u{1100}' { 1 } else { 2 })
        .sum()
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    fn handout() -> Handout {
        Handout {
            url: "http://127.0.0.1:1".into(),
            mqtt_url: "mqtt://127.0.0.1:2".into(),
            metrics_url: "http://127.0.0.1:3/metrics".into(),
            logins: vec![Login {
                role: "researcher",
                name: "researcher01".into(),
                display_name: "其其格".into(),
                password: "k7mq-3xwd-9fht-2abc".into(),
                token: "ort_00".into(),
            }],
            agents: vec![OwnAgent {
                name: "own-1".into(),
                secret: "s".into(),
                lab: 7,
                instrument: "NM-00001".into(),
            }],
        }
    }

    #[test]
    fn the_file_is_whole_and_private() {
        let folder = tempfile::tempdir().unwrap();
        handout().write(folder.path()).unwrap();
        handout().write(folder.path()).unwrap();
        let path = folder.path().join(FILE);
        assert_eq!(path.metadata().unwrap().permissions().mode() & 0o777, 0o600);
        let text = std::fs::read_to_string(path).unwrap();
        let json: serde_json::Value = serde_json::from_str(&text).unwrap();
        assert_eq!(json["logins"][0]["name"], "researcher01");
        assert_eq!(json["agents"][0]["instrument"], "NM-00001");
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn the_print_names_everything_a_person_needs() {
        let mut out = Vec::new();
        handout().print(&mut out).unwrap();
        let text = String::from_utf8(out).unwrap();
        for part in [
            "http://127.0.0.1:1",
            "researcher01",
            "其其格",
            "own-1",
            "Ctrl-C",
        ] {
            assert!(text.contains(part), "{part}");
        }
    }
}
