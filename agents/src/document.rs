//! A TOML text read so that every fault is found at once and named by its line.
//!
//! What comes in: the text of a configuration or profile. What goes out: checked values with their
//! place, and a list of faults. Deliberately not here: what the keys mean.

use std::cell::{Cell, RefCell};
use std::collections::BTreeSet;
use std::fmt;
use std::ops::RangeInclusive;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// One thing that is wrong in a file.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Fault {
    /// The file, as it was named by the caller.
    pub file: String,
    /// The line, from 1.
    pub line: usize,
    /// What is wrong and what was expected.
    pub text: String,
}

/// Everything that is wrong in one or several files; never empty. Shown one fault a line as
/// `file:line: text`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Faults(pub Vec<Fault>);

impl fmt::Display for Faults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, fault) in self.0.iter().enumerate() {
            let end = if index == 0 { "" } else { "\n" };
            write!(f, "{end}{}:{}: {}", fault.file, fault.line, fault.text)?;
        }
        Ok(())
    }
}

impl std::error::Error for Faults {}

/// A value and where it stands, as a byte offset into the text.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Placed<T> {
    pub(crate) value: T,
    pub(crate) at: usize,
}

/// A text under examination: it collects the faults.
pub(crate) struct Document<'a> {
    file: &'a str,
    text: &'a str,
    faults: RefCell<Vec<Fault>>,
    /// Where lines could not be parsed, a missing key is not a second fault.
    broken: Cell<bool>,
}

impl<'a> Document<'a> {
    /// Begins the examination of `text`, which is called `file` in faults.
    pub(crate) fn new(file: &'a str, text: &'a str) -> Self {
        Self {
            file,
            text,
            faults: RefCell::default(),
            broken: Cell::new(false),
        }
    }

    /// Parses the text; what is not TOML becomes faults, the rest is still examined.
    pub(crate) fn parse(&self) -> Spanned<DeTable<'a>> {
        let (table, errors) = DeTable::parse_recoverable(self.text);
        for error in errors {
            self.broken.set(true);
            let at = error.span().map_or(0, |span| span.start);
            self.fault(at, error.message());
        }
        table
    }

    /// Notes a fault at a byte offset.
    pub(crate) fn fault(&self, at: usize, text: impl Into<String>) {
        let before = self.text.as_bytes().iter().take(at);
        let line = 1 + before.filter(|byte| **byte == b'\n').count();
        self.faults.borrow_mut().push(Fault {
            file: self.file.to_owned(),
            line,
            text: text.into(),
        });
    }

    /// Takes over the faults of another file.
    pub(crate) fn adopt(&self, faults: Faults) {
        self.faults.borrow_mut().extend(faults.0);
    }

    /// Ends the examination: the value if there was no fault.
    pub(crate) fn finish<T>(self, value: Option<T>) -> Result<T, Faults> {
        let mut faults = self.faults.into_inner();
        faults.sort();
        faults.dedup();
        match value {
            Some(value) if faults.is_empty() => Ok(value),
            _ => Err(Faults(faults)),
        }
    }
}

/// A table under examination: it remembers which keys were asked for.
pub(crate) struct Section<'a> {
    document: &'a Document<'a>,
    table: &'a DeTable<'a>,
    /// Where the table begins.
    pub(crate) at: usize,
    known: RefCell<BTreeSet<&'static str>>,
}

impl<'a> Section<'a> {
    /// Begins the examination of a table that begins at `at`.
    pub(crate) fn new(document: &'a Document<'a>, table: &'a DeTable<'a>, at: usize) -> Self {
        Self {
            document,
            table,
            at,
            known: RefCell::default(),
        }
    }

    fn get(&self, key: &'static str) -> Option<(&'a DeValue<'a>, usize)> {
        self.known.borrow_mut().insert(key);
        let value = self.table.get(key)?;
        Some((value.get_ref(), value.span().start))
    }

    /// Reads a value with `read`, which says what it expects when it returns `None`.
    fn read<T>(
        &self,
        key: &'static str,
        expected: &str,
        read: impl FnOnce(&'a DeValue<'a>) -> Option<T>,
    ) -> Option<Placed<T>> {
        let (value, at) = self.get(key)?;
        let read = read(value);
        if read.is_none() {
            let text = format!("{key} must be {expected}");
            self.document.fault(at, text);
        }
        read.map(|value| Placed { value, at })
    }

    /// Returns true if the key is there.
    pub(crate) fn has(&self, key: &'static str) -> bool {
        self.get(key).is_some()
    }

    /// Returns where the value of a key stands, if it is there.
    pub(crate) fn place(&self, key: &'static str) -> Option<usize> {
        self.get(key).map(|(_, at)| at)
    }

    /// Returns the text of a key.
    pub(crate) fn text(&self, key: &'static str) -> Option<Placed<&'a str>> {
        self.read(key, "a text", DeValue::as_str)
    }

    /// Returns the text of a key that must be there.
    pub(crate) fn text_required(&self, key: &'static str) -> Option<Placed<&'a str>> {
        self.require(key);
        self.text(key)
    }

    /// Notes a fault when the key is missing.
    pub(crate) fn require(&self, key: &'static str) {
        if !self.has(key) && !self.document.broken.get() {
            self.document.fault(self.at, format!("{key} is missing"));
        }
    }

    /// Returns the whole number of a key, which must lie in the range.
    pub(crate) fn integer(
        &self,
        key: &'static str,
        range: RangeInclusive<i64>,
    ) -> Option<Placed<i64>> {
        let expected = format!("a whole number from {} to {}", range.start(), range.end());
        self.read(key, &expected, |value| {
            integer(value).filter(|number| range.contains(number))
        })
    }

    /// Returns the finite number of a key.
    pub(crate) fn number(&self, key: &'static str) -> Option<Placed<f64>> {
        self.read(key, "a finite number", number)
    }

    /// Returns the truth value of a key.
    pub(crate) fn boolean(&self, key: &'static str) -> Option<Placed<bool>> {
        self.read(key, "true or false", DeValue::as_bool)
    }

    /// Returns the elements of a list; missing is empty.
    pub(crate) fn list(&self, key: &'static str) -> Vec<Placed<&'a DeValue<'a>>> {
        let Some(list) = self.read(key, "a list", DeValue::as_array) else {
            return Vec::new();
        };
        let items = list.value.iter();
        items
            .map(|item| Placed {
                value: item.get_ref(),
                at: item.span().start,
            })
            .collect()
    }

    /// Returns the tables of a key written as `[[key]]`; missing is empty.
    pub(crate) fn tables(&self, key: &'static str) -> Vec<Section<'a>> {
        let mut sections = Vec::new();
        for item in self.list(key) {
            match item.value.as_table() {
                Some(table) => sections.push(Section::new(self.document, table, item.at)),
                None => {
                    let text = format!("{key} must be written as [[{key}]]");
                    self.document.fault(item.at, text);
                }
            }
        }
        sections
    }

    /// Returns the entries of a table from name to finite number; missing is empty.
    pub(crate) fn numbers(&self, key: &'static str) -> Vec<(Placed<&'a str>, f64)> {
        let Some(table) = self.read(key, "a table of numbers", DeValue::as_table) else {
            return Vec::new();
        };
        let mut entries = Vec::new();
        for (name, value) in table.value {
            let at = name.span().start;
            let name = Placed {
                value: &**name.get_ref(),
                at,
            };
            match number(value.get_ref()) {
                Some(number) => entries.push((name, number)),
                None => {
                    let text = format!("{key}.{} must be a finite number", name.value);
                    self.document.fault(at, text);
                }
            }
        }
        entries
    }

    /// Notes a fault for each key that nobody asked for, with the nearest key that exists.
    pub(crate) fn finish(&self) {
        let known = self.known.borrow();
        for key in self.table.keys() {
            let name: &str = key.get_ref();
            if known.contains(name) {
                continue;
            }
            let near = known
                .iter()
                .map(|other| (distance(name, other), other))
                .min()
                .filter(|(distance, _)| *distance <= 2);
            let hint = near.map_or_else(String::new, |(_, other)| format!("; is it {other}?"));
            let text = format!("unknown key {name}{hint}");
            self.document.fault(key.span().start, text);
        }
    }
}

/// Returns the whole number of a value.
pub(crate) fn integer(value: &DeValue<'_>) -> Option<i64> {
    let number = value.as_integer()?;
    i64::from_str_radix(number.as_str(), number.radix()).ok()
}

/// Returns the finite number of a value, whole or not.
fn number(value: &DeValue<'_>) -> Option<f64> {
    let number: f64 = match value.as_float() {
        Some(float) => float.as_str().parse().ok()?,
        // Through text, because no conversion from i64 is exact for all values.
        None => integer(value)?.to_string().parse().ok()?,
    };
    number.is_finite().then_some(number)
}

/// Edits (insert, delete, replace) between two keys; `O(n m)` for keys of some ten letters.
fn distance(left: &str, right: &str) -> usize {
    let mut row: Vec<usize> = (0..=right.len()).collect();
    for (i, a) in left.bytes().enumerate() {
        let mut diagonal = i;
        let mut next = vec![i + 1];
        for (b, above) in right.bytes().zip(row.iter().skip(1)) {
            let before = next.last().copied().unwrap_or(0);
            let cost = (diagonal + usize::from(a != b))
                .min(above + 1)
                .min(before + 1);
            diagonal = *above;
            next.push(cost);
        }
        row = next;
    }
    row.last().copied().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_fault_is_found_with_its_line() {
        let text = "name = 3\nsize = 900\ncolour = 'red'\n\n[[part]]\nweight = nan\n";
        let document = Document::new("x.toml", text);
        let table = document.parse();
        {
            let section = Section::new(&document, table.get_ref(), 0);
            section.text("name");
            section.integer("size", 1..=10);
            section.text_required("color");
            for part in section.tables("part") {
                part.number("weight");
                part.finish();
            }
            section.finish();
        }
        let faults = document.finish(Some(())).unwrap_err();
        let shown = faults.to_string();
        assert_eq!(
            shown,
            "x.toml:1: color is missing\n\
             x.toml:1: name must be a text\n\
             x.toml:2: size must be a whole number from 1 to 10\n\
             x.toml:3: unknown key colour; is it color?\n\
             x.toml:6: weight must be a finite number"
        );
    }

    #[test]
    fn distances_are_edits() {
        assert_eq!(distance("adress", "address"), 1);
        assert_eq!(distance("", "abc"), 3);
        assert_eq!(distance("unit", "unit"), 0);
    }
}
