//! Passwords and secrets: made at random, kept as hashes, compared in equal time.
//!
//! Passwords can be guessed, so they are hashed slowly (argon2id). Tokens, session ids and agents'
//! secrets are 256 random bits and need only SHA-256 ([`crate::registry::SecretHash`]). Deliberately
//! not here: how often somebody may try (`http::pace`), who is signed in (`booking::Sessions`).

use std::sync::Arc;

use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{PasswordHasher, PasswordVerifier};
use argon2::{Algorithm, Argon2, Params, Version};
use tokio::sync::Semaphore;

/// Passes over the memory. With 64 MiB: 100 to 300 ms a password (OWASP Password Storage Cheat
/// Sheet asks for at least 19 MiB and 2 passes).
const PASSES: u32 = 3;

/// Bits of a secret in bytes.
const SECRET_BYTES: usize = 32;

/// Characters of a one-time password: 32, none that look alike, so each carries 5 bits.
const ALPHABET: &[u8; 32] = b"abcdefghjkmnpqrstuvwxyz023456789";

/// Characters of a one-time password; 80 bits.
const PASSWORD_CHARACTERS: usize = 16;

/// Returns a new secret: 256 random bits as 64 hexadecimal digits.
#[must_use]
pub fn new_secret() -> String {
    hex::encode(rand::random::<[u8; SECRET_BYTES]>())
}

/// Returns a new password that a person can type: 16 letters and digits in groups of four.
#[must_use]
pub fn new_password() -> String {
    let mut text = String::new();
    for (place, byte) in rand::random::<[u8; PASSWORD_CHARACTERS]>()
        .into_iter()
        .enumerate()
    {
        if place > 0 && place % 4 == 0 {
            text.push('-');
        }
        let letter = ALPHABET
            .get(usize::from(byte % 32))
            .copied()
            .unwrap_or(b'a');
        text.push(char::from(letter));
    }
    text
}

/// Hashes and verifies passwords. Clones share the places at the machine.
#[derive(Debug, Clone)]
pub struct Passwords {
    memory_kib: u32,
    /// As many at once as there are cores: each takes `memory_kib`, and more at once are not
    /// faster. Waiting callers wait in order.
    places: Arc<Semaphore>,
    /// The hash of a password nobody has. Verified when there is no such login, so that the time
    /// of the answer does not tell which logins exist.
    nobody: Arc<str>,
}

impl Passwords {
    /// Returns a hasher with a memory cost in KiB, 8,192 to 1,048,576 (`passwords.memory_kib`).
    /// Hashes once, so it takes as long as one sign-in.
    #[must_use]
    pub fn new(memory_kib: u32) -> Self {
        let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        Self {
            memory_kib,
            places: Arc::new(Semaphore::new(cores)),
            nobody: hash(memory_kib, &new_secret()).into(),
        }
    }

    /// Returns the hash to keep, in PHC string form, on the calling thread.
    #[must_use]
    pub fn hash_here(&self, password: &str) -> String {
        hash(self.memory_kib, password)
    }

    /// Returns the hash to keep, in PHC string form.
    ///
    /// # Panics
    /// If the process is stopping and its threads are gone.
    pub async fn hash(&self, password: String) -> String {
        let memory_kib = self.memory_kib;
        self.at_a_place(move || hash(memory_kib, &password)).await
    }

    /// Returns true if the password is the one kept. `None`: there is no such login; it takes as
    /// long and is never true. A kept text that is no hash is never matched either.
    ///
    /// # Panics
    /// If the process is stopping and its threads are gone.
    pub async fn verify(&self, password: String, kept: Option<&str>) -> bool {
        let exists = kept.is_some();
        let kept = kept.unwrap_or(&self.nobody).to_owned();
        self.at_a_place(move || matches(&password, &kept)).await && exists
    }

    async fn at_a_place<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> T {
        let _place = self
            .places
            .acquire()
            .await
            .expect("nobody closes the semaphore");
        let done = tokio::task::spawn_blocking(work).await;
        done.expect("hashing does not panic and is not aborted")
    }
}

fn hash(memory_kib: u32, password: &str) -> String {
    let params = Params::new(memory_kib, PASSES, 1, None).expect("the settings bound the memory");
    let hashed = Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
        .hash_password(password.as_bytes())
        .expect("the machine has random bits and the memory");
    hashed.to_string()
}

/// Verifies with the cost the hash names, so that hashes made with another cost still work.
fn matches(password: &str, kept: &str) -> bool {
    PasswordHash::new(kept).is_ok_and(|kept| {
        Argon2::default()
            .verify_password(password.as_bytes(), &kept)
            .is_ok()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The least the settings allow.
    const MEMORY_KIB: u32 = 8_192;

    #[tokio::test]
    async fn only_the_right_password_of_an_existing_login_passes() {
        let passwords = Passwords::new(MEMORY_KIB);
        let kept = passwords.hash("贡布 wept 3 times".to_owned()).await;
        assert!(kept.starts_with("$argon2id$v=19$m=8192,t=3,p=1$"), "{kept}");
        let says = |text: &str| text.to_owned();
        assert!(
            passwords
                .verify(says("贡布 wept 3 times"), Some(&kept))
                .await
        );
        assert!(
            !passwords
                .verify(says("贡布 wept 2 times"), Some(&kept))
                .await
        );
        assert!(!passwords.verify(says(""), Some(&kept)).await);
        assert!(!passwords.verify(says("贡布 wept 3 times"), None).await);
        assert!(!passwords.verify(says("x"), Some("not a hash")).await);
    }

    #[tokio::test]
    async fn hashes_made_with_another_cost_still_work() {
        let kept = Passwords::new(MEMORY_KIB).hash_here("first");
        let dearer = Passwords::new(2 * MEMORY_KIB);
        assert!(dearer.verify("first".to_owned(), Some(&kept)).await);
        assert_ne!(
            dearer.hash_here("first"),
            dearer.hash_here("first"),
            "salted"
        );
    }

    #[test]
    fn secrets_are_long_and_differ() {
        assert_eq!(new_secret().len(), 64);
        assert_ne!(new_secret(), new_secret());
        let password = new_password();
        assert_eq!(password.len(), 19, "{password}");
        assert_ne!(password, new_password());
    }
}
