//! `limit` and `cursor` of lists.

use std::fmt::Formatter;

use serde::de::{self, Deserialize, Deserializer, Visitor};

/// Items on one page: 1 to 500, 50 when nobody says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limit(pub usize);

impl Default for Limit {
    fn default() -> Self {
        Self(50)
    }
}

impl<'de> Deserialize<'de> for Limit {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Text;
        impl Visitor<'_> for Text {
            type Value = Limit;

            fn expecting(&self, f: &mut Formatter<'_>) -> std::fmt::Result {
                f.write_str("a number from 1 to 500")
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Limit, E> {
                let number = text
                    .parse()
                    .ok()
                    .filter(|number| (1..=500).contains(number));
                number
                    .map(Limit)
                    .ok_or_else(|| E::custom("expected a number from 1 to 500"))
            }
        }
        deserializer.deserialize_str(Text)
    }
}
