//! Labels on instruments: a code that only this gateway can make, so that a check-in by label shows
//! that somebody stood before the instrument.

use std::io::{self, Write as _};
use std::path::Path;

use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq as _;
use wire::InstrumentKey;

/// Name of the file with the secret, in the data folder.
const FILE: &str = "labels.key";

/// Bytes of the secret.
const SECRET_BYTES: usize = 32;

/// Bytes of a code: 40 bits, so that guessing one against the rate limit takes lifetimes.
const CODE_BYTES: usize = 5;

/// Length of the blocks that SHA-256 works on (FIPS 180-4, section 5.2.1).
const BLOCK_BYTES: usize = 64;

/// Makes and checks the codes of labels. Its secret never leaves the data folder; without it all
/// labels have to be printed anew.
#[derive(Clone)]
pub struct Labels {
    secret: [u8; SECRET_BYTES],
}

impl std::fmt::Debug for Labels {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Labels")
    }
}

impl Labels {
    /// Reads the secret of a data folder, or makes one that only its owner may read.
    ///
    /// # Errors
    /// Returns why the file cannot be read or written, or that it holds no secret.
    pub fn open(folder: &Path) -> io::Result<Self> {
        let path = folder.join(FILE);
        match std::fs::read(&path) {
            Ok(bytes) => {
                let secret = bytes.try_into().map_err(|_| {
                    let why = format!("{} does not hold {SECRET_BYTES} bytes", path.display());
                    io::Error::new(io::ErrorKind::InvalidData, why)
                })?;
                Ok(Self { secret })
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => Self::make(folder),
            Err(error) => Err(error),
        }
    }

    fn make(folder: &Path) -> io::Result<Self> {
        let secret: [u8; SECRET_BYTES] = rand::random();
        // Written beside and renamed, so that a crash leaves no half of a secret.
        let beside = folder.join(format!("{FILE}.new"));
        let mut options = std::fs::OpenOptions::new();
        options.write(true).create(true).truncate(true);
        #[cfg(unix)]
        {
            use std::os::unix::fs::OpenOptionsExt as _;
            options.mode(0o600);
        }
        let mut file = options.open(&beside)?;
        file.write_all(&secret)?;
        file.sync_all()?;
        std::fs::rename(&beside, folder.join(FILE))?;
        Ok(Self { secret })
    }

    /// Returns the code of an instrument's label: ten hexadecimal digits.
    #[must_use]
    pub fn code(&self, key: &InstrumentKey) -> String {
        let mac = hmac(&self.secret, key.as_str().as_bytes());
        hex::encode(mac.get(..CODE_BYTES).unwrap_or(&mac))
    }

    /// Returns true if a code is that of an instrument's label, in equal time whatever it is.
    #[must_use]
    pub fn is_code(&self, key: &InstrumentKey, code: &str) -> bool {
        let code = code.trim().to_ascii_lowercase();
        self.code(key).as_bytes().ct_eq(code.as_bytes()).into()
    }
}

/// HMAC with SHA-256 and a key shorter than a block. Source: RFC 2104, section 2.
fn hmac(key: &[u8; SECRET_BYTES], text: &[u8]) -> [u8; 32] {
    let padded = |pad: u8| {
        let mut block = [pad; BLOCK_BYTES];
        for (byte, of_key) in block.iter_mut().zip(key) {
            *byte ^= of_key;
        }
        block
    };
    let inner = Sha256::new()
        .chain_update(padded(0x36))
        .chain_update(text)
        .finalize();
    let outer = Sha256::new().chain_update(padded(0x5c)).chain_update(inner);
    outer.finalize().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Computed with Python: `hmac.new(bytes(range(32)), b"A-1", "sha256").hexdigest()`.
    #[test]
    fn the_code_is_the_begin_of_an_hmac() {
        let mut secret = [0; SECRET_BYTES];
        for (byte, number) in secret.iter_mut().zip(0..) {
            *byte = number;
        }
        assert_eq!(hex::encode(hmac(&secret, b"A-1")), EXPECTED);
        let labels = Labels { secret };
        let key = |text| InstrumentKey::parse(text).unwrap();
        let code = labels.code(&key("A-1"));
        assert_eq!(code, EXPECTED[..10]);
        assert!(labels.is_code(&key("A-1"), &format!(" {} ", code.to_uppercase())));
        assert!(!labels.is_code(&key("A-2"), &code));
        assert!(!labels.is_code(&key("A-1"), &code[..9]));
    }

    #[test]
    fn the_secret_stays_and_a_damaged_one_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let key = InstrumentKey::parse("A-1").unwrap();
        let code = Labels::open(folder.path()).unwrap().code(&key);
        assert_eq!(Labels::open(folder.path()).unwrap().code(&key), code);
        std::fs::write(folder.path().join(FILE), "short").unwrap();
        assert!(Labels::open(folder.path()).is_err());
    }

    const EXPECTED: &str = "3448153681be36f718167e077edfc0fcaa88f8b796f532a3b4ad8e8ff19b3ea8";
}
