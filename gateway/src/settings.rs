//! Reads a TOML file key by key and collects every fault with its line, so that a person mends a
//! wrong file once and not once a fault.

use std::collections::BTreeSet;
use std::fmt::{Display, Write as _};
use std::net::SocketAddr;
use std::ops::Range;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// Everything wrong with a file.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub struct Faults {
    /// The file, as it was named.
    pub file: String,
    /// Line (from 1) and what is wrong there; line 0 where the file lacks something.
    pub faults: Vec<(usize, String)>,
}

impl Display for Faults {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut text = String::new();
        for (line, fault) in &self.faults {
            let place = if *line == 0 {
                String::new()
            } else {
                format!(":{line}")
            };
            writeln!(text, "{}{place}: {fault}", self.file)?;
        }
        f.write_str(text.trim_end())
    }
}

/// A parsed file being read.
#[derive(Debug)]
pub struct Settings<'a> {
    text: &'a str,
    root: DeTable<'a>,
    faults: Vec<(usize, String)>,
    /// `section.key` of everything that was asked for.
    known: BTreeSet<String>,
}

impl<'a> Settings<'a> {
    /// Parses the text. Syntax faults are collected; what could be read still is.
    #[must_use]
    pub fn parse(text: &'a str) -> Self {
        let (root, errors) = DeTable::parse_recoverable(text);
        let faults = errors
            .iter()
            .map(|error| (line_of(text, error.span()), error.message().to_owned()))
            .collect();
        Self {
            text,
            root: root.into_inner(),
            faults,
            known: BTreeSet::new(),
        }
    }

    /// Returns a text.
    pub fn text(&mut self, path: &str, default: &str) -> String {
        self.read(path, "a text in quotes", |value| {
            value.as_str().map(str::to_owned)
        })
        .unwrap_or_else(|| default.to_owned())
    }

    /// Returns true or false.
    pub fn flag(&mut self, path: &str, default: bool) -> bool {
        self.read(path, "true or false", DeValue::as_bool)
            .unwrap_or(default)
    }

    /// Returns the elements of a list of texts; missing is empty.
    pub fn list<T>(
        &mut self,
        path: &str,
        expected: &str,
        parse: impl Fn(&str) -> Option<T>,
    ) -> Vec<T> {
        self.read(path, expected, |value| {
            let items = value.as_array()?.iter();
            items.map(|item| parse(item.get_ref().as_str()?)).collect()
        })
        .unwrap_or_default()
    }

    /// Returns a whole number within bounds.
    pub fn number(&mut self, path: &str, default: u32, bounds: Range<u32>) -> u32 {
        let expected = format!("a whole number from {} to {}", bounds.start, bounds.end - 1);
        self.read(path, &expected, |value| {
            value
                .as_integer()?
                .as_str()
                .parse()
                .ok()
                .filter(|number| bounds.contains(number))
        })
        .unwrap_or(default)
    }

    /// Returns an address with port, such as `127.0.0.1:8080`; port 0 lets the system choose.
    pub fn address(&mut self, path: &str, default: SocketAddr) -> SocketAddr {
        self.read(
            path,
            "an address with port such as \"127.0.0.1:8080\"",
            |value| value.as_str()?.parse().ok(),
        )
        .unwrap_or(default)
    }

    /// Returns one of the words.
    pub fn choice<T: Copy>(&mut self, path: &str, words: &[(&str, T)], default: T) -> T {
        let listed: Vec<String> = words.iter().map(|(word, _)| format!("{word:?}")).collect();
        self.read(path, &format!("one of {}", listed.join(", ")), |value| {
            let text = value.as_str()?;
            words
                .iter()
                .find(|(word, _)| *word == text)
                .map(|(_, chosen)| *chosen)
        })
        .unwrap_or(default)
    }

    /// Records a fault that lies in how values fit together, at the line of `path` if it is there.
    pub fn fault(&mut self, path: &str, message: impl Into<String>) {
        let line = self
            .find(path)
            .map_or(0, |value| line_of(self.text, Some(value.span())));
        self.faults
            .push((line, format!("{path}: {}", message.into())));
    }

    /// Ends the reading: everything that nobody asked for is a fault too.
    ///
    /// # Errors
    /// Returns all [`Faults`] in the order of their lines.
    pub fn finish(mut self, file: &str) -> Result<(), Faults> {
        let mut unknown = Vec::new();
        collect_unknown(self.text, &self.root, "", &self.known, &mut unknown);
        self.faults.append(&mut unknown);
        self.faults.sort();
        if self.faults.is_empty() {
            return Ok(());
        }
        Err(Faults {
            file: file.to_owned(),
            faults: self.faults,
        })
    }

    fn read<T>(
        &mut self,
        path: &str,
        expected: &str,
        take: impl Fn(&DeValue<'a>) -> Option<T>,
    ) -> Option<T> {
        self.known.insert(path.to_owned());
        let (line, taken) = {
            let value = self.find(path)?;
            (
                line_of(self.text, Some(value.span())),
                take(value.get_ref()),
            )
        };
        if taken.is_none() {
            self.faults
                .push((line, format!("{path}: expected {expected}")));
        }
        taken
    }

    fn find(&self, path: &str) -> Option<&Spanned<DeValue<'a>>> {
        match path.split_once('.') {
            None => self.root.get(path),
            Some((section, key)) => self.root.get(section)?.get_ref().as_table()?.get(key),
        }
    }
}

fn collect_unknown(
    text: &str,
    table: &DeTable<'_>,
    prefix: &str,
    known: &BTreeSet<String>,
    faults: &mut Vec<(usize, String)>,
) {
    for (key, value) in table {
        let path = format!("{prefix}{}", key.get_ref());
        if known.contains(&path) {
            continue;
        }
        let section = format!("{path}.");
        match value.get_ref().as_table() {
            Some(inner) if known.iter().any(|name| name.starts_with(&section)) => {
                collect_unknown(text, inner, &section, known, faults);
            }
            _ => {
                let line = line_of(text, Some(key.span()));
                faults.push((line, format!("{path}: there is no such setting")));
            }
        }
    }
}

fn line_of(text: &str, span: Option<Range<usize>>) -> usize {
    let start = span.map_or(0, |span| span.start).min(text.len());
    1 + text
        .bytes()
        .take(start)
        .filter(|byte| *byte == b'\n')
        .count()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_fault_is_listed_with_its_line() {
        let text = "data = 7\n[http]\nlisten = \"nowhere\"\ncolour = \"red\"\n[extra]\nx = 1\n";
        let mut settings = Settings::parse(text);
        settings.text("data", "data");
        settings.address("http.listen", ([127, 0, 0, 1], 8080).into());
        let faults = settings.finish("ortoo.toml").unwrap_err();
        let lines: Vec<usize> = faults.faults.iter().map(|(line, _)| *line).collect();
        assert_eq!(lines, [1, 3, 4, 5]);
        assert!(
            faults
                .to_string()
                .starts_with("ortoo.toml:1: data: expected a text in quotes")
        );
    }

    #[test]
    fn broken_syntax_is_a_fault_and_defaults_hold() {
        let mut settings = Settings::parse("[http\nlisten = 1\n");
        assert_eq!(settings.number("limits.login_per_minute", 5, 0..100), 5);
        assert!(settings.finish("f").is_err());
    }
}
