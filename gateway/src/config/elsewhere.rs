//! `[history]`: a store elsewhere that gets a copy of all readings and answers for the past.

use axum::http::Uri;

use super::{Secret, SecretFiles, read_secret};
use crate::settings::Settings;

/// Where readings are written on to.
#[derive(Debug, Clone, PartialEq)]
pub struct Elsewhere {
    /// What it is.
    pub kind: Kind,
    /// `http://host:port` or `https://host:port`, without a path.
    pub url: String,
    /// Sent as `Authorization: Token ...`.
    pub token: Option<Secret>,
    /// Most bytes of the journal that are kept for it while it is down.
    pub queue_bytes_max: u64,
}

/// What a store elsewhere is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Kind {
    /// InfluxDB 2.
    Influx {
        /// Its organisation.
        org: String,
        /// The bucket for readings.
        bucket: String,
    },
    /// VictoriaMetrics, one node.
    Victoria,
}

impl Elsewhere {
    /// Returns what tells this store from another one, without its secret.
    #[must_use]
    pub fn identity(&self) -> String {
        match &self.kind {
            Kind::Influx { org, bucket } => format!("influxdb2 {} {org}/{bucket}", self.url),
            Kind::Victoria => format!("victoriametrics {}", self.url),
        }
    }
}

#[derive(Clone, Copy, PartialEq)]
enum Word {
    Embedded,
    Influx,
    Victoria,
}

/// Reads the section; `None` is the embedded store alone.
pub(super) fn read(settings: &mut Settings<'_>, secrets: &SecretFiles) -> Option<Elsewhere> {
    let words = [
        ("embedded", Word::Embedded),
        ("influxdb2", Word::Influx),
        ("victoriametrics", Word::Victoria),
    ];
    let word = settings.choice("history.store", &words, Word::Embedded);
    let url = settings.text("history.url", "");
    let org = settings.text("history.org", "");
    let bucket = settings.text("history.bucket", "");
    let token = read_secret(settings, "history.token", secrets.history_token.as_ref());
    let plain = settings.flag("history.plain_network", false);
    let queue_mib = settings.number("history.queue_mib", 4_096, 64..1_048_577);
    if word == Word::Embedded {
        for (path, is_set) in [
            ("history.url", !url.is_empty()),
            ("history.org", !org.is_empty()),
            ("history.bucket", !bucket.is_empty()),
        ] {
            if is_set {
                settings.fault(path, "only for another store than \"embedded\"");
            }
        }
        return None;
    }
    check_url(settings, &url, plain);
    let kind = if word == Word::Victoria {
        Kind::Victoria
    } else {
        for (path, text) in [("history.org", &org), ("history.bucket", &bucket)] {
            if text.is_empty() {
                settings.fault(path, "InfluxDB needs it");
            }
        }
        Kind::Influx { org, bucket }
    };
    Some(Elsewhere {
        kind,
        url: url.trim_end_matches('/').to_owned(),
        token,
        queue_bytes_max: u64::from(queue_mib) << 20,
    })
}

/// Without TLS a token and all readings can be read on the way, as with the listeners.
fn check_url(settings: &mut Settings<'_>, url: &str, plain: bool) {
    let uri: Option<Uri> = url.parse().ok();
    let parts = uri.as_ref().and_then(|uri| {
        let is_root = matches!(uri.path(), "" | "/") && uri.query().is_none();
        let scheme = uri.scheme_str().filter(|_| is_root)?;
        Some((scheme, uri.host()?))
    });
    let path = "history.url";
    match parts {
        Some(("https", _)) => {}
        Some(("http", host)) => {
            let is_here = matches!(host, "localhost" | "[::1]") || host.starts_with("127.");
            if !is_here && !plain {
                settings.fault(
                    path,
                    "not encrypted: use https, or set history.plain_network = true if the network \
                     is trusted",
                );
            }
        }
        _ => settings.fault(path, "expected http://host:port or https://host:port"),
    }
}

#[cfg(test)]
mod tests {
    use super::super::Config;
    use super::*;

    fn lines(text: &str) -> Vec<usize> {
        let config = Config::parse(text, "f", &SecretFiles::default());
        let faults = config.err().map_or(Vec::new(), |faults| faults.faults);
        faults.iter().map(|fault| fault.0).collect()
    }

    #[test]
    fn a_store_elsewhere_needs_what_its_kind_needs() {
        let victoria = "[history]\nstore = \"victoriametrics\"\n";
        assert!(lines(&format!("{victoria}url = \"http://127.0.0.1:8428/\"\n")).is_empty());
        assert_eq!(
            lines(&format!("{victoria}url = \"http://10.0.0.1:8428\"\n")),
            [3]
        );
        assert_eq!(
            lines(&format!("{victoria}url = \"http://127.0.0.1:1/x\"\n")),
            [3]
        );
        assert_eq!(lines(victoria), [0]);
        let influx = "[history]\nstore = \"influxdb2\"\nurl = \"https://i.example\"\n";
        assert_eq!(lines(influx), [0, 0]);
        assert!(lines(&format!("{influx}org = \"o\"\nbucket = \"b\"\n")).is_empty());
        assert_eq!(lines("[history]\nurl = \"https://i.example\"\n"), [2]);
    }

    #[test]
    fn its_identity_holds_no_secret() {
        let text = "[history]\nstore = \"victoriametrics\"\nurl = \"http://127.0.0.1:1\"\n\
                    token = \"hunter2\"\n";
        let config = Config::parse(text, "f", &SecretFiles::default()).unwrap();
        let elsewhere = config.elsewhere.unwrap();
        assert!(!elsewhere.identity().contains("hunter2"));
        assert!(!format!("{elsewhere:?}").contains("hunter2"));
    }
}
