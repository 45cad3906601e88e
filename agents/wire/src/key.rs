//! Names that travel: validated text, so that nothing else checks them again.

use serde::{Deserialize, Serialize};

/// Why a text is not a valid name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{what} {text:?} is not valid: expected {expected}")]
pub struct KeyError {
    what: &'static str,
    text: String,
    expected: &'static str,
}

/// Most characters of a rejected name that an error repeats.
const ECHO_CHARS_MAX: usize = 80;

macro_rules! name {
    ($(#[$doc:meta])* $name:ident, $what:literal, $expected:literal, $check:expr) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(Box<str>);

        impl $name {
            /// Parses the text.
            ///
            /// # Errors
            /// Returns [`KeyError`] when the text breaks the rule of this name.
            pub fn parse(text: &str) -> Result<Self, KeyError> {
                let check: fn(&str) -> bool = $check;
                if check(text) {
                    Ok(Self(text.into()))
                } else {
                    let text = text.chars().take(ECHO_CHARS_MAX).collect();
                    Err(KeyError { what: $what, text, expected: $expected })
                }
            }

            /// Returns the text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl TryFrom<String> for $name {
            type Error = KeyError;
            fn try_from(text: String) -> Result<Self, KeyError> {
                Self::parse(&text)
            }
        }

        impl From<$name> for String {
            fn from(name: $name) -> Self {
                name.0.into()
            }
        }

        impl std::str::FromStr for $name {
            type Err = KeyError;
            fn from_str(text: &str) -> Result<Self, KeyError> {
                Self::parse(text)
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

name!(
    /// An instrument's text code outside: its asset code, unique in the region.
    InstrumentKey,
    "instrument key",
    "1 to 64 of A-Z a-z 0-9 . _ -, beginning with a letter or digit",
    |text| {
        (1..=64).contains(&text.len())
            && text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-'))
            && text.as_bytes().first().is_some_and(u8::is_ascii_alphanumeric)
    }
);

name!(
    /// An agent's name: also its MQTT user name and client id.
    AgentName,
    "agent name",
    "1 to 64 of a-z 0-9 -, beginning with a letter or digit",
    |text| {
        (1..=64).contains(&text.len())
            && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
            && text.as_bytes().first() != Some(&b'-')
    }
);

name!(
    /// A channel's name: a quantity with its unit last, such as `power_w`.
    ChannelName,
    "channel name",
    "1 to 48 of a-z 0-9 _, beginning with a letter",
    |text| {
        (1..=48).contains(&text.len())
            && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_')
            && text.as_bytes().first().is_some_and(u8::is_ascii_lowercase)
    }
);

name!(
    /// The identity of an outbox: 32 hexadecimal digits, made at random with the file and kept in it.
    StreamId,
    "stream id",
    "32 lower-case hexadecimal digits",
    |text| text.len() == 32 && text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'))
);

name!(
    /// The identity of one run of a machine's monotonic clock: 1 to 64 letters, digits, `-`.
    BootId,
    "boot id",
    "1 to 64 of A-Z a-z 0-9 -",
    |text| {
        (1..=64).contains(&text.len())
            && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
    }
);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_accept_their_rule_and_refuse_the_rest() {
        assert!(InstrumentKey::parse("NM-00001").is_ok());
        for bad in ["", "-x", "a/b", "a b", "甲", &"x".repeat(65), "a+", "a#"] {
            assert!(InstrumentKey::parse(bad).is_err(), "{bad:?}");
        }
        assert!(AgentName::parse("lab-007").is_ok());
        for bad in ["Lab", "-lab", "a/b", "+", "#"] {
            assert!(AgentName::parse(bad).is_err(), "{bad:?}");
        }
        assert!(ChannelName::parse("power_w").is_ok());
        assert!(ChannelName::parse("1power").is_err());
        assert!(StreamId::parse(&"0f".repeat(16)).is_ok());
        assert!(StreamId::parse("0f").is_err());
    }

    #[test]
    fn an_error_repeats_only_the_beginning_of_a_long_name() {
        let error = InstrumentKey::parse(&"é".repeat(100_000)).unwrap_err();
        assert!(error.to_string().len() < 300);
    }
}
