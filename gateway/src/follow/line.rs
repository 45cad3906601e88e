//! Line protocol: one line a reading time of an instrument. Pure.
//!
//! ```text
//! measurement,tag=value,tag=value field=1.5,field=2.0 1764119900123
//! ```
//!
//! VictoriaMetrics answers 204 even to lines it cannot read, so nothing but the tests here prove that
//! what is sent is right: they read every line back with a parser of their own.
//! Source: <https://docs.influxdata.com/influxdb/v2/reference/syntax/line-protocol/>.

use std::fmt::Write as _;

/// Lines, each ended by a line feed, and where each ends.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Lines {
    pub(super) text: String,
    /// Offset after each line.
    pub(super) ends: Vec<usize>,
}

/// Measurement and tags of a line, escaped once for many lines.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Head(String);

impl Head {
    /// Returns the beginning of lines. Tags should be sorted by name; those without a value are left
    /// out, because the protocol has no way to write them.
    pub(super) fn new(measurement: &str, tags: &[(&str, &str)]) -> Self {
        let mut text = String::new();
        escape(&mut text, measurement, &[',', ' ']);
        for (name, value) in tags.iter().filter(|(_, value)| !value.is_empty()) {
            text.push(',');
            escape(&mut text, name, &KEY);
            text.push('=');
            escape(&mut text, value, &KEY);
        }
        Self(text)
    }
}

/// Characters that end a tag's or a field's name or a tag's value unless escaped.
const KEY: [char; 3] = [',', '=', ' '];

impl Lines {
    /// Adds a line with those fields whose values are finite: the protocol has no NaN and no
    /// infinity. Adds nothing when none is.
    pub(super) fn push<'a>(
        &mut self,
        head: &Head,
        fields: impl IntoIterator<Item = (&'a str, f64)>,
        time_ms: i64,
    ) {
        let before = self.text.len();
        self.text.push_str(&head.0);
        let mut between = ' ';
        for (name, value) in fields {
            if value.is_finite() {
                self.text.push(between);
                between = ',';
                escape(&mut self.text, name, &KEY);
                // With an exponent where that is shorter: a plain number may have 300 digits.
                write!(self.text, "={value:?}").expect("a text can grow");
            }
        }
        if between == ' ' {
            self.text.truncate(before);
            return;
        }
        writeln!(self.text, " {time_ms}").expect("a text can grow");
        self.ends.push(self.text.len());
    }

    /// Returns how many lines there are.
    pub(super) fn len(&self) -> usize {
        self.ends.len()
    }

    /// Returns the bytes of lines `[from, to)`.
    pub(super) fn range(&self, from: usize, to: usize) -> std::ops::Range<usize> {
        let end_of = |lines: usize| {
            let last = lines.checked_sub(1).and_then(|line| self.ends.get(line));
            last.copied().unwrap_or(0)
        };
        end_of(from)..end_of(to)
    }
}

/// Writes a name with a backslash before each of `special`. A backslash and control characters have
/// no safe form (a backslash before a comma would escape it): they become `_`.
fn escape(text: &mut String, name: &str, special: &[char]) {
    for letter in name.chars() {
        if letter == '\\' || letter.is_control() {
            text.push('_');
            continue;
        }
        if special.contains(&letter) {
            text.push('\\');
        }
        text.push(letter);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// A line as the server would understand it.
    #[derive(Debug, PartialEq)]
    struct Understood {
        measurement: String,
        tags: Vec<(String, String)>,
        fields: Vec<(String, u64)>,
        time_ms: i64,
    }

    /// Reads a name up to one of `ends` that is not escaped. Written from the protocol's page, not
    /// from the encoder: a backslash makes the next of comma, space and equals sign a letter.
    fn name(rest: &mut &str, ends: &[char]) -> String {
        let mut read = String::new();
        let mut letters = rest.char_indices();
        while let Some((at, letter)) = letters.next() {
            let next = rest[at + letter.len_utf8()..].chars().next();
            if letter == '\\' && next.is_some_and(|next| [',', ' ', '='].contains(&next)) {
                read.extend(next);
                letters.next();
            } else if ends.contains(&letter) {
                *rest = &rest[at..];
                return read;
            } else {
                read.push(letter);
            }
        }
        *rest = "";
        read
    }

    fn take(rest: &mut &str, expected: char) -> bool {
        let stripped = rest.strip_prefix(expected);
        *rest = stripped.unwrap_or(rest);
        stripped.is_some()
    }

    fn understand(line: &str) -> Understood {
        let rest = &mut &*line;
        let measurement = name(rest, &[',', ' ']);
        let mut tags = Vec::new();
        while take(rest, ',') {
            let tag = name(rest, &['=']);
            assert!(take(rest, '='));
            tags.push((tag, name(rest, &[',', ' '])));
        }
        assert!(take(rest, ' '));
        let mut fields = Vec::new();
        loop {
            let field = name(rest, &['=']);
            assert!(take(rest, '='));
            let value: f64 = name(rest, &[',', ' ']).parse().unwrap();
            fields.push((field, value.to_bits()));
            if !take(rest, ',') {
                break;
            }
        }
        assert!(take(rest, ' '));
        Understood {
            measurement,
            tags,
            fields,
            time_ms: rest.parse().unwrap(),
        }
    }

    #[test]
    fn names_are_escaped_and_what_is_not_a_number_is_left_out() {
        let head = Head::new("a b", &[("t,1", "x=y z"), ("empty", "")]);
        let mut lines = Lines::default();
        let fields = [
            ("p=w", 1.5),
            ("bad", f64::NAN),
            ("far", f64::INFINITY),
            ("n", -3e300),
        ];
        lines.push(&head, fields, 17);
        lines.push(&head, [("bad", f64::NEG_INFINITY)], 18);
        assert_eq!(lines.text, "a\\ b,t\\,1=x\\=y\\ z p\\=w=1.5,n=-3e300 17\n");
        assert_eq!(lines.ends, [lines.text.len()]);
    }

    #[test]
    fn a_backslash_cannot_eat_what_follows() {
        let mut lines = Lines::default();
        lines.push(
            &Head::new("m", &[("t", "a\\"), ("u", "b\nc")]),
            [("f", 0.0)],
            1,
        );
        assert_eq!(lines.text, "m,t=a_,u=b_c f=0.0 1\n");
    }

    fn any_name() -> impl Strategy<Value = String> {
        prop_oneof![
            "[a-z0-9_.-]{1,12}",
            "[ ,=\\\\\"a甲\n\r\t\u{0}]{1,8}",
            "\\PC{1,8}"
        ]
    }

    /// What a name reads as: only what cannot be written differs.
    fn kept(name: &str) -> String {
        let kept = |letter: char| {
            if letter == '\\' || letter.is_control() {
                '_'
            } else {
                letter
            }
        };
        name.chars().map(kept).collect()
    }

    proptest! {
        #[test]
        fn every_line_reads_back(
            measurement in any_name(),
            tags in prop::collection::vec((any_name(), any_name()), 0..4),
            fields in prop::collection::vec((any_name(), any::<f64>()), 1..6),
            time_ms in any::<i64>(),
        ) {
            let borrowed: Vec<(&str, &str)> =
                tags.iter().map(|(tag, value)| (tag.as_str(), value.as_str())).collect();
            let mut lines = Lines::default();
            let given = fields.iter().map(|(field, value)| (field.as_str(), *value));
            lines.push(&Head::new(&measurement, &borrowed), given, time_ms);
            let finite: Vec<(String, u64)> = fields
                .iter()
                .filter(|(_, value)| value.is_finite())
                .map(|(field, value)| (kept(field), value.to_bits()))
                .collect();
            if finite.is_empty() {
                prop_assert!(lines.text.is_empty() && lines.ends.is_empty());
                return Ok(());
            }
            prop_assert_eq!(lines.text.matches('\n').count(), 1);
            let line = lines.text.strip_suffix('\n').unwrap();
            let expected = Understood {
                measurement: kept(&measurement),
                tags: tags.iter().map(|(tag, value)| (kept(tag), kept(value))).collect(),
                fields: finite,
                time_ms,
            };
            prop_assert_eq!(understand(line), expected);
        }
    }
}
