//! Records: things of the booking half that are held whole in memory, a row each.
//!
//! A kind of record names its table and columns once; reading, writing and deleting follow.

use std::collections::BTreeSet;
use std::sync::Arc;

use scheduler::time::{Micros, Span};
use sqlx::any::AnyRow;
use sqlx::{Any, AssertSqlSafe, Transaction};

use super::StoreError;
use super::row::get;
use super::rows::{Value, delete, insert};

type Tx = Transaction<'static, Any>;

/// Which rows of a kind are held in memory.
#[derive(Debug, Clone, Copy)]
pub enum Held {
    /// All.
    All,
    /// Those for which a condition on the moment `$1` holds, so many days ago; the others stay in
    /// the database.
    Recent(&'static str, u32),
    /// None: they are written and looked up in the database.
    Nothing,
}

/// A kind of record.
pub trait Record: Sized + Send + Sync + 'static {
    /// The table; its key is `id`.
    const TABLE: &'static str;
    /// The other columns, in the order of [`Record::values`].
    const COLUMNS: &'static [&'static str];
    /// Which rows are held in memory.
    const HELD: Held;

    /// Returns the identity, from 1.
    fn id(&self) -> i64;

    /// Returns the values of the other columns.
    fn values(&self) -> Vec<Value>;

    /// Reads a row.
    ///
    /// # Errors
    /// Returns [`StoreError`] when a column is missing or says what cannot be.
    fn parse(id: i64, row: &AnyRow) -> Result<Self, StoreError>;
}

/// All records of a kind that are held. Clones share what they have in common, so that a group
/// changes a copy of its own and dropping the copy undoes it.
#[derive(Debug)]
pub struct Records<R> {
    held: imbl::OrdMap<i64, Arc<R>>,
    /// Put or removed since the last commit.
    changed: BTreeSet<i64>,
    highest: i64,
}

impl<R> Clone for Records<R> {
    fn clone(&self) -> Self {
        Self {
            held: self.held.clone(),
            changed: self.changed.clone(),
            highest: self.highest,
        }
    }
}

impl<R> Default for Records<R> {
    fn default() -> Self {
        Self {
            held: imbl::OrdMap::new(),
            changed: BTreeSet::new(),
            highest: 0,
        }
    }
}

impl<R: Record> Records<R> {
    /// Returns the next free identity; it is taken with this call.
    pub fn next_id(&mut self) -> i64 {
        self.highest += 1;
        self.highest
    }

    /// Returns a record.
    #[must_use]
    pub fn get(&self, id: i64) -> Option<&Arc<R>> {
        self.held.get(&id)
    }

    /// Returns all, ascending by identity.
    #[must_use]
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = &Arc<R>> {
        self.held.values()
    }

    /// Returns how many are held.
    #[must_use]
    pub fn len(&self) -> usize {
        self.held.len()
    }

    /// Returns true if none is held.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.held.is_empty()
    }

    /// Adds a record or replaces the one with its identity.
    pub fn put(&mut self, record: Arc<R>) {
        let id = record.id();
        self.highest = self.highest.max(id);
        self.changed.insert(id);
        self.held.insert(id, record);
    }

    /// Takes a record away; its row goes too.
    pub fn remove(&mut self, id: i64) -> Option<Arc<R>> {
        let gone = self.held.remove(&id)?;
        self.changed.insert(id);
        Some(gone)
    }

    /// Lets go of a record whose row stays.
    pub fn forget(&mut self, id: i64) {
        self.held.remove(&id);
    }

    /// Returns true if something waits to be written.
    #[must_use]
    pub fn is_changed(&self) -> bool {
        !self.changed.is_empty()
    }

    /// Takes what was changed as committed.
    pub fn settle(&mut self) {
        self.changed.clear();
        if matches!(R::HELD, Held::Nothing) {
            self.held.clear();
        }
    }

    /// Writes what was changed.
    ///
    /// # Errors
    /// Returns [`StoreError::Failed`].
    pub async fn write(&self, tx: &mut Tx) -> Result<(), StoreError> {
        const DOING: &str = "writing records";
        let gone: Vec<i64> = self
            .changed
            .iter()
            .copied()
            .filter(|id| !self.held.contains_key(id))
            .collect();
        if !gone.is_empty() {
            let head = format!("DELETE FROM {} WHERE id", R::TABLE);
            delete(tx, DOING, &head, &gone).await?;
        }
        let changed = self.changed.iter().filter_map(|id| self.held.get(id));
        let row = |record: &Arc<R>| {
            let mut row = vec![Value::from(record.id())];
            row.extend(record.values());
            row
        };
        let rows: Vec<Vec<Value>> = changed.map(row).collect();
        if rows.is_empty() {
            return Ok(());
        }
        let (head, tail) = upsert::<R>();
        insert(tx, DOING, (&head, &tail), rows).await
    }

    /// Reads what is held in memory, and the highest identity of all. `$1 = $1` holds for every row.
    ///
    /// # Errors
    /// Returns [`StoreError`] when the query fails or a row is impossible.
    pub async fn load(tx: &mut Tx, now: Micros) -> Result<Self, StoreError> {
        let mut records = Self {
            highest: highest(tx, R::TABLE).await?,
            ..Self::default()
        };
        let (condition, since) = match R::HELD {
            Held::All => ("$1 = $1", now),
            Held::Recent(condition, days) => (condition, now.saturating_sub(Span::days(days))),
            Held::Nothing => return Ok(records),
        };
        let columns = R::COLUMNS.join(", ");
        let text = format!("SELECT id, {columns} FROM {} WHERE {condition}", R::TABLE);
        // Made of constants only.
        let query = sqlx::query(AssertSqlSafe(text)).bind(since.get());
        let rows = query.fetch_all(&mut **tx).await;
        for row in rows.map_err(StoreError::at("loading records"))? {
            let id = get(&row, "id")?;
            records.held.insert(id, Arc::new(R::parse(id, &row)?));
        }
        Ok(records)
    }
}

/// Reads one record from the database, held in memory or not.
///
/// # Errors
/// Returns [`StoreError`] when the query fails or the row is impossible.
pub async fn load_record<R: Record>(tx: &mut Tx, id: i64) -> Result<Option<R>, StoreError> {
    let columns = R::COLUMNS.join(", ");
    let text = format!("SELECT {columns} FROM {} WHERE id = $1", R::TABLE);
    // Made of constants only.
    let query = sqlx::query(AssertSqlSafe(text)).bind(id);
    let row = query.fetch_optional(&mut **tx).await;
    let row = row.map_err(StoreError::at("loading a record"))?;
    row.map(|row| R::parse(id, &row)).transpose()
}

/// Reads the rows for which a condition on the number `$1` holds, ascending by identity.
///
/// # Errors
/// Returns [`StoreError`] when the query fails or a row is impossible.
pub async fn load_records<R: Record>(
    tx: &mut Tx,
    condition: &'static str,
    bound: i64,
) -> Result<Vec<R>, StoreError> {
    let columns = R::COLUMNS.join(", ");
    let table = R::TABLE;
    // Made of constants only.
    let text = format!("SELECT id, {columns} FROM {table} WHERE {condition} ORDER BY id");
    let query = sqlx::query(AssertSqlSafe(text)).bind(bound);
    let rows = query.fetch_all(&mut **tx).await;
    let rows = rows.map_err(StoreError::at("loading records"))?;
    rows.iter()
        .map(|row| R::parse(get(row, "id")?, row))
        .collect()
}

async fn highest(tx: &mut Tx, table: &str) -> Result<i64, StoreError> {
    let text = format!("SELECT COALESCE(MAX(id), 0) AS highest FROM {table}");
    let row = sqlx::query(AssertSqlSafe(text)).fetch_one(&mut **tx).await;
    get(
        &row.map_err(StoreError::at("loading the highest identity"))?,
        "highest",
    )
}

/// Returns the text around the values of a statement that inserts or replaces.
fn upsert<R: Record>() -> (String, String) {
    let columns = R::COLUMNS.join(", ");
    let head = format!("INSERT INTO {} (id, {columns})", R::TABLE);
    let sets: Vec<String> = R::COLUMNS
        .iter()
        .map(|column| format!("{column} = excluded.{column}"))
        .collect();
    let tail = format!("ON CONFLICT (id) DO UPDATE SET {}", sets.join(", "));
    (head, tail)
}
