//! Agents as registered: name, lab and the hash of the secret.

use scheduler::id::NodeId;
use scheduler::time::Micros;
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;
use wire::AgentName;

/// SHA-256 of a random secret of 256 bits. A slow hash would protect guessable passwords; these
/// cannot be guessed, and agents connect by the thousand.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct SecretHash([u8; 32]);

impl SecretHash {
    /// Returns the hash of a secret.
    #[must_use]
    pub fn of(secret: &str) -> Self {
        Self(Sha256::digest(secret.as_bytes()).into())
    }

    /// Takes a stored hash.
    #[must_use]
    pub fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// Returns the bytes to store.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// Compares in constant time.
    #[must_use]
    pub fn matches(&self, secret: &str) -> bool {
        self.0.ct_eq(&Self::of(secret).0).into()
    }
}

/// What the names of the gateway's own agents begin with; nobody else's may.
pub const RESIDENT_PREFIX: &str = "gateway-";

/// Returns the name of the gateway's own agent for a lab: it polls what no other agent stands beside.
///
/// # Panics
/// Never: letters and a number are a name.
#[must_use]
pub fn resident_of(lab: NodeId) -> AgentName {
    let name = format!("{RESIDENT_PREFIX}{}", lab.get());
    AgentName::parse(&name).expect("letters and a number are a name")
}

/// A registered agent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AgentEntry {
    /// Its name, user name and client id.
    pub name: AgentName,
    /// The lab whose instruments it may serve.
    pub lab: NodeId,
    /// Hash of its secret.
    pub secret: SecretHash,
    /// When it was made.
    pub created_at: Micros,
}
