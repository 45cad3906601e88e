//! Row to type, or the name of what cannot be.

use sqlx::any::AnyRow;
use sqlx::{Any, ColumnIndex, Decode, Row, Type};

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
pub(super) fn get<'r, T>(row: &'r AnyRow, column: &'static str) -> Result<T, StoreError>
where
    T: Decode<'r, Any> + Type<Any>,
    &'static str: ColumnIndex<AnyRow>,
{
    row.try_get(column).map_err(StoreError::at("reading a row"))
}

/// Takes a parsed value, or names the row it could not be parsed from.
pub(super) fn parsed<T>(
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
