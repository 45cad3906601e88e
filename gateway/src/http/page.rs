//! `limit` and `cursor` of lists.

use std::fmt::Formatter;

use serde::de::{self, Deserialize, Deserializer, Visitor};

use super::view::List;

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

/// Returns a page of things with ascending identities, the newest first. The cursor is the identity
/// of the last one on the page before.
#[must_use]
pub fn newest_first<T, V>(
    all: Vec<(i64, T)>,
    (limit, cursor): (Limit, Option<i64>),
    view: impl Fn(T) -> V,
) -> List<V> {
    let total = all.len();
    let mut rest = all
        .into_iter()
        .rev()
        .filter(|(id, _)| cursor.is_none_or(|cursor| *id < cursor));
    let page: Vec<(i64, T)> = rest.by_ref().take(limit.0).collect();
    let next_cursor = rest.next().and(page.last()).map(|(id, _)| id.to_string());
    List {
        items: page.into_iter().map(|(_, thing)| view(thing)).collect(),
        next_cursor,
        total,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_follow_each_other_without_gap_or_repetition() {
        let all = || (1..=7).map(|id| (id, id)).collect::<Vec<_>>();
        let (mut found, mut cursor) = (Vec::new(), None);
        loop {
            let page = newest_first(all(), (Limit(3), cursor), |id| id);
            assert_eq!(page.total, 7);
            found.extend(page.items);
            let Some(next) = page.next_cursor else { break };
            cursor = Some(next.parse().unwrap());
        }
        assert_eq!(found, [7, 6, 5, 4, 3, 2, 1]);
        let none = newest_first(all(), (Limit(7), None), |id| id).next_cursor;
        assert_eq!(none, None, "a full page may be the last one");
    }
}
