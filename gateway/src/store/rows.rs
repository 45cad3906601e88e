//! Many rows in one statement: on a busy desk the statements cost more than the rows.

use std::fmt::Write as _;

use sqlx::any::AnyArguments;
use sqlx::query::Query;
use sqlx::{Any, AssertSqlSafe, Transaction};

use super::StoreError;

/// A bound value.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// A number; `None` is NULL.
    Int(Option<i64>),
    /// A text; `None` is NULL.
    Text(Option<String>),
    /// Bytes.
    Bytes(Vec<u8>),
}

impl Value {
    /// Returns a text that holds JSON.
    ///
    /// # Panics
    /// If the value has a map whose keys are not texts; records have none.
    #[must_use]
    pub fn json(value: &impl serde::Serialize) -> Self {
        let text = serde_json::to_string(value);
        Self::Text(Some(
            text.expect("records hold nothing that JSON cannot say"),
        ))
    }
}

impl From<i64> for Value {
    fn from(number: i64) -> Self {
        Self::Int(Some(number))
    }
}

impl From<Option<i64>> for Value {
    fn from(number: Option<i64>) -> Self {
        Self::Int(number)
    }
}

impl From<bool> for Value {
    fn from(flag: bool) -> Self {
        Self::Int(Some(flag.into()))
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::Text(Some(text.to_owned()))
    }
}

impl From<Option<&str>> for Value {
    fn from(text: Option<&str>) -> Self {
        Self::Text(text.map(str::to_owned))
    }
}

impl From<String> for Value {
    fn from(text: String) -> Self {
        Self::Text(Some(text))
    }
}

impl From<&[u8; 32]> for Value {
    fn from(bytes: &[u8; 32]) -> Self {
        Self::Bytes(bytes.to_vec())
    }
}

/// Binds in one statement; below SQLite's 32,766 and PostgreSQL's 65,535.
const BINDS_MAX: usize = 30_000;

/// Inserts rows with as few statements as the limits allow. `head` ends with the list of columns,
/// `tail` follows the values (`ON CONFLICT ...`).
pub(super) async fn insert(
    tx: &mut Transaction<'static, Any>,
    doing: &'static str,
    (head, tail): (&str, &str),
    rows: Vec<Vec<Value>>,
) -> Result<(), StoreError> {
    let width = rows.first().map_or(1, Vec::len);
    let mut rows = rows.into_iter().peekable();
    while rows.peek().is_some() {
        let chunk: Vec<Vec<Value>> = rows.by_ref().take(BINDS_MAX / width).collect();
        let places = placeholders(tx, chunk.len(), width);
        let text = format!("{head} VALUES {places} {tail}");
        run(tx, doing, text, chunk.into_iter().flatten()).await?;
    }
    Ok(())
}

/// Deletes rows by number.
pub(super) async fn delete(
    tx: &mut Transaction<'static, Any>,
    doing: &'static str,
    head: &str,
    numbers: &[i64],
) -> Result<(), StoreError> {
    for chunk in numbers.chunks(BINDS_MAX) {
        let text = format!("{head} IN {}", placeholders(tx, 1, chunk.len()));
        run(
            tx,
            doing,
            text,
            chunk.iter().map(|number| Value::from(*number)),
        )
        .await?;
    }
    Ok(())
}

async fn run(
    tx: &mut Transaction<'static, Any>,
    doing: &'static str,
    text: String,
    values: impl Iterator<Item = Value>,
) -> Result<(), StoreError> {
    // The text is made of constants and placeholders only. It differs with the number of rows, so
    // it is not kept as a prepared statement.
    let query = sqlx::query(AssertSqlSafe(text)).persistent(false);
    let query = values.fold(query, bind);
    query
        .execute(&mut **tx)
        .await
        .map_err(StoreError::at(doing))?;
    Ok(())
}

fn bind(query: Query<'_, Any, AnyArguments>, value: Value) -> Query<'_, Any, AnyArguments> {
    match value {
        Value::Int(number) => query.bind(number),
        Value::Text(text) => query.bind(text),
        Value::Bytes(bytes) => query.bind(bytes),
    }
}

/// Returns `(?, ?), (?, ?)` for SQLite and `($1, $2), ($3, $4)` for PostgreSQL. SQLite takes `$1` for
/// a name and looks it up among all names before it: with 30,000 of them a statement takes seconds.
fn placeholders(tx: &Transaction<'static, Any>, rows: usize, width: usize) -> String {
    write_places(tx.backend_name() != "SQLite", rows, width)
}

fn write_places(numbered: bool, rows: usize, width: usize) -> String {
    let mut text = String::with_capacity(rows * width * if numbered { 7 } else { 3 });
    for row in 0..rows {
        text.push_str(if row == 0 { "(" } else { ", (" });
        for column in 0..width {
            text.push_str(if column == 0 { "" } else { ", " });
            if numbered {
                write!(text, "${}", row * width + column + 1).expect("a String takes any text");
            } else {
                text.push('?');
            }
        }
        text.push(')');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn placeholders_count_on_across_rows() {
        assert_eq!(write_places(true, 2, 3), "($1, $2, $3), ($4, $5, $6)");
        assert_eq!(write_places(false, 2, 2), "(?, ?), (?, ?)");
    }
}
