//! Certificates of a laboratory: an authority, a device called `meter.lab`, and an agent.

use std::path::{Path, PathBuf};

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};

/// The name in the device's certificate.
pub const DEVICE_NAME: &str = "meter.lab";

/// PEM files in a scratch folder; keys can be read by their owner only.
#[derive(Debug)]
pub struct Certificates {
    /// Whom the laboratory believes.
    pub authority: PathBuf,
    /// The device's certificate.
    pub device: PathBuf,
    /// The device's key.
    pub device_key: PathBuf,
    /// The agent's certificate.
    pub agent: PathBuf,
    /// The agent's key.
    pub agent_key: PathBuf,
    /// An authority that has signed none of them.
    pub stranger: PathBuf,
}

impl Certificates {
    /// Makes them in `dir`.
    ///
    /// # Panics
    /// When the folder cannot be written.
    #[must_use]
    pub fn make(dir: &Path) -> Self {
        let authority = authority("laboratory");
        let (device, device_key) = signed(DEVICE_NAME, &authority);
        let (agent, agent_key) = signed("lab-001", &authority);
        let write = |name: &str, text: &str| {
            use std::os::unix::fs::PermissionsExt;
            let path = dir.join(name);
            std::fs::write(&path, text).expect("the scratch folder is ours");
            let owner_only = std::fs::Permissions::from_mode(0o600);
            std::fs::set_permissions(&path, owner_only).expect("the file is ours");
            path
        };
        Self {
            authority: write("authority.pem", &authority.pem()),
            device: write("device.pem", &device),
            device_key: write("device.key", &device_key),
            agent: write("agent.pem", &agent),
            agent_key: write("agent.key", &agent_key),
            stranger: write("stranger.pem", &self::authority("stranger").pem()),
        }
    }
}

fn authority(name: &str) -> CertifiedIssuer<'static, KeyPair> {
    let key = KeyPair::generate().expect("the machine has random numbers");
    let mut about = CertificateParams::new(Vec::new()).expect("no names are fine");
    // Without names of their own all would be called the same, and taken for self-signed.
    about.distinguished_name.push(DnType::CommonName, name);
    about.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    CertifiedIssuer::self_signed(about, key).expect("a fresh key can sign")
}

/// Returns certificate and key.
fn signed(name: &str, authority: &CertifiedIssuer<'static, KeyPair>) -> (String, String) {
    let key = KeyPair::generate().expect("the machine has random numbers");
    let mut about = CertificateParams::new(vec![name.to_owned()]).expect("a host name");
    about.distinguished_name.push(DnType::CommonName, name);
    let certificate = about
        .signed_by(&key, authority)
        .expect("a fresh key can sign");
    (certificate.pem(), key.serialize_pem())
}
