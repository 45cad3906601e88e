//! Row to type, or the name of what cannot be.

use sqlx::any::AnyRow;
use sqlx::{Any, ColumnIndex, Decode, Row, Type};

use scheduler::id::InstrumentId;
use scheduler::slot::Slot;
use scheduler::time::Micros;
use serde::de::DeserializeOwned;

use super::StoreError;

/// A stored value that cannot be: written by another hand, or damaged.
#[derive(Debug, thiserror::Error)]
#[error("the booking database has an impossible {column} in {table}, row {row}")]
pub struct InconsistentRow {
    /// The table.
    pub table: &'static str,
    /// The column.
    pub column: &'static str,
    /// The row's key.
    pub row: String,
}

/// Reads one column.
pub(crate) fn get<'r, T>(row: &'r AnyRow, column: &'static str) -> Result<T, StoreError>
where
    T: Decode<'r, Any> + Type<Any>,
    &'static str: ColumnIndex<AnyRow>,
{
    row.try_get(column).map_err(StoreError::at("reading a row"))
}

/// Takes a parsed value, or names the row it could not be parsed from.
pub(crate) fn parsed<T>(
    value: Option<T>,
    table: &'static str,
    column: &'static str,
    row: &dyn std::fmt::Display,
) -> Result<T, StoreError> {
    let missing = || {
        InconsistentRow {
            table,
            column,
            row: row.to_string(),
        }
        .into()
    };
    value.ok_or_else(missing)
}

/// Reads the instrument a row is about.
pub(crate) fn instrument_of(row: &AnyRow, table: &'static str) -> Result<InstrumentId, StoreError> {
    let id: i64 = get(row, "instrument")?;
    let number = parsed(u32::try_from(id).ok(), table, "instrument", &id)?;
    Ok(InstrumentId::new(number))
}

/// Reads the slot in `start_us` and `end_us`.
pub(crate) fn slot_of(row: &AnyRow, table: &'static str) -> Result<Slot, StoreError> {
    let (start, end): (i64, i64) = (get(row, "start_us")?, get(row, "end_us")?);
    parsed(
        Slot::new(Micros::new(start), Micros::new(end)),
        table,
        "end_us",
        &start,
    )
}

/// Reads a moment that may not have come.
pub(crate) fn moment_of(row: &AnyRow, column: &'static str) -> Result<Option<Micros>, StoreError> {
    Ok(get::<Option<i64>>(row, column)?.map(Micros::new))
}

/// Reads a text that is one of a closed list.
pub(crate) fn word_of<T>(
    row: &AnyRow,
    (table, column): (&'static str, &'static str),
    parse: impl FnOnce(&str) -> Option<T>,
) -> Result<T, StoreError> {
    let text: String = get(row, column)?;
    parsed(parse(&text), table, column, &text)
}

/// Reads a column that holds JSON.
pub(crate) fn json_of<T: DeserializeOwned>(
    row: &AnyRow,
    (table, column): (&'static str, &'static str),
) -> Result<T, StoreError> {
    let text: String = get(row, column)?;
    parsed(serde_json::from_str(&text).ok(), table, column, &text)
}
