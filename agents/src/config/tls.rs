//! Certificates and keys of a `[[line]]` with TLS, read and checked before anything starts.

use std::path::PathBuf;
use std::sync::Arc;

use tokio_rustls::rustls::pki_types::pem::{Error as PemError, PemObject};
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use tokio_rustls::rustls::{ClientConfig, RootCertStore, crypto::ring};

use super::{Address, Reading, is_open_to_others};
use crate::document::{Placed, Section};
use crate::profile::read_limited;

/// Reads the name that the device's certificate must have.
pub(super) fn server_name(
    reading: &Reading<'_>,
    part: &Section<'_>,
    address: Option<&Address>,
) -> Option<ServerName<'static>> {
    if part.has("server_name") {
        return reading.parsed(part.text("server_name"), |text| {
            let expected = || "server_name must be a host name or address".to_owned();
            ServerName::try_from(text.to_owned()).map_err(|_| expected())
        });
    }
    let host = address?.host.clone();
    let name = ServerName::try_from(host);
    if name.is_err() {
        let text = "the host of tls can be no name of a certificate: set server_name";
        reading.document.fault(part.at, text);
    }
    name.ok()
}

/// Reads whom to believe and the own certificate.
///
/// Only the given authorities count, not those of the system: a device on a laboratory's network
/// has a certificate of the laboratory, and nobody else may speak for it.
pub(super) fn client(reading: &Reading<'_>, part: &Section<'_>) -> Option<Arc<ClientConfig>> {
    part.require("ca");
    let ca = part.text("ca");
    let roots = ca.and_then(|ca| {
        let mut roots = RootCertStore::empty();
        for certificate in certificates(reading, "ca", ca)? {
            if let Err(error) = roots.add(certificate) {
                let text = format!("ca holds a certificate that is none: {error}");
                reading.document.fault(ca.at, text);
                return None;
            }
        }
        Some(roots)
    });
    let certificate = part.text("certificate");
    let key = part.text("key");
    let own = match (certificate, key) {
        (Some(certificate), Some(key)) => {
            let chain = certificates(reading, "certificate", certificate);
            let secret = private_key(reading, key);
            Some((chain?, secret?, key.at))
        }
        (None, None) => None,
        (Some(one), None) | (None, Some(one)) => {
            let text = "certificate and key belong together";
            reading.document.fault(one.at, text);
            return None;
        }
    };
    // Source: MODBUS/TCP Security v36, R-01: TLS 1.2 or newer, which is all that rustls has.
    let builder = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .expect("the ring provider has cipher suites for both versions")
        .with_root_certificates(roots?);
    match own {
        None => Some(Arc::new(builder.with_no_client_auth())),
        Some((chain, secret, at)) => match builder.with_client_auth_cert(chain, secret) {
            Ok(config) => Some(Arc::new(config)),
            Err(error) => {
                let text = format!("key does not fit certificate: {error}");
                reading.document.fault(at, text);
                None
            }
        },
    }
}

fn certificates(
    reading: &Reading<'_>,
    key: &str,
    file: Placed<&str>,
) -> Option<Vec<CertificateDer<'static>>> {
    let (_, text) = content(reading, key, file)?;
    let found: Result<Vec<_>, PemError> = CertificateDer::pem_slice_iter(text.as_bytes()).collect();
    match found {
        Ok(certificates) if !certificates.is_empty() => Some(certificates),
        Ok(_) => {
            let text = format!("{key}: {} holds no certificate in PEM", file.value);
            reading.document.fault(file.at, text);
            None
        }
        Err(error) => {
            let text = format!("{key}: {} is no PEM: {error}", file.value);
            reading.document.fault(file.at, text);
            None
        }
    }
}

fn private_key(reading: &Reading<'_>, file: Placed<&str>) -> Option<PrivateKeyDer<'static>> {
    let (path, text) = content(reading, "key", file)?;
    if is_open_to_others(&path) {
        let text = format!("others may read {}: chmod 600 it", path.display());
        reading.document.fault(file.at, text);
        return None;
    }
    let key = PrivateKeyDer::from_pem_slice(text.as_bytes());
    if key.is_err() {
        // What it says of the content stays out of logs.
        let text = format!("key: {} holds no private key in PEM", file.value);
        reading.document.fault(file.at, text);
    }
    key.ok()
}

fn content(reading: &Reading<'_>, key: &str, file: Placed<&str>) -> Option<(PathBuf, String)> {
    let path = reading.folder.join(file.value);
    match read_limited(&path) {
        Ok(text) => Some((path, text)),
        Err(error) => {
            let text = format!("{key} {} cannot be read: {error}", path.display());
            reading.document.fault(file.at, text);
            None
        }
    }
}
