//! Versions of machine states: what a rule, run again over readings of a window, decides of them.
//!
//! What was decided at the time is never rewritten. A version lies over it in its window once it is
//! complete; of two the later. One that is being made is seen by nobody but who asks for it.

use scheduler::id::InstrumentId;
use scheduler::time::Micros;

use super::History;
use super::block::Damage;
use super::error::HistoryError;
use super::series::StateInterval;
use super::states::intervals;
use crate::status::MachineState;

/// A version of an instrument's states.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StateVersion {
    /// Identity, ascending; never 0, which is what was decided at the time.
    pub id: i64,
    /// Of which instrument.
    pub instrument: InstrumentId,
    /// Where its window begins.
    pub from: Micros,
    /// Where it ends.
    pub to: Micros,
    /// Up to when it has been made.
    pub done: Micros,
    /// Whether it holds.
    pub is_complete: bool,
}

const COLUMNS: &str =
    "SELECT id, instrument, from_us, to_us, done_us, is_complete FROM state_version";

type Row = (i64, i64, i64, i64, i64, i64);

fn version((id, instrument, from_us, to_us, done_us, is_complete): Row) -> Option<StateVersion> {
    Some(StateVersion {
        id,
        instrument: InstrumentId::new(u32::try_from(instrument).ok()?),
        from: Micros::new(from_us),
        to: Micros::new(to_us),
        done: Micros::new(done_us),
        is_complete: is_complete != 0,
    })
}

impl History {
    /// Returns an instrument's states in `[from, to)`, clipped to it: the newest version of each
    /// moment. The last interval has no end if the state still lasts and the window reaches into the
    /// future.
    ///
    /// # Errors
    /// Returns [`HistoryError`] when the store fails.
    pub async fn states(
        &self,
        instrument: InstrumentId,
        from: Micros,
        to: Micros,
    ) -> Result<Vec<StateInterval>, HistoryError> {
        let mut states = self.states_decided(instrument, from, to).await?;
        for version in self.state_versions(instrument).await? {
            let (start, end) = (version.from.max(from), version.to.min(to));
            if version.is_complete && start < end {
                let over = self.states_of_version(&version, start, end).await?;
                states = overlaid(&states, (start, end), &over);
            }
        }
        Ok(states)
    }

    /// Returns the versions of an instrument's states, ascending.
    ///
    /// # Errors
    /// Returns [`HistoryError`] when the store fails.
    pub async fn state_versions(
        &self,
        instrument: InstrumentId,
    ) -> Result<Vec<StateVersion>, HistoryError> {
        let text = format!("{COLUMNS} WHERE instrument = $1 ORDER BY id");
        let rows: Vec<Row> = sqlx::query_as(sqlx::AssertSqlSafe(text))
            .bind(i64::from(instrument.get()))
            .fetch_all(&self.pools.readers)
            .await
            .map_err(HistoryError::sql("reading versions of states"))?;
        Ok(rows.into_iter().filter_map(version).collect())
    }

    /// Returns a version's states in `[from, to)`, clipped to it and to what has been made of it.
    ///
    /// # Errors
    /// Returns [`HistoryError`] when the store fails.
    pub async fn states_of_version(
        &self,
        version: &StateVersion,
        from: Micros,
        to: Micros,
    ) -> Result<Vec<StateInterval>, HistoryError> {
        let (from, to) = (from.max(version.from), to.min(version.done));
        if from >= to {
            return Ok(Vec::new());
        }
        let rows: Vec<(i64, String, Option<String>)> = sqlx::query_as(
            "SELECT at_us, state, reason FROM state_version_change WHERE version = $1 \
             AND at_us < $2 ORDER BY at_us",
        )
        .bind(version.id)
        .bind(to.get())
        .fetch_all(&self.pools.readers)
        .await
        .map_err(HistoryError::sql("reading a version of states"))?;
        let mut changes = Vec::with_capacity(rows.len());
        for (at_us, state, reason) in rows {
            let state = MachineState::parse(&state, reason.as_deref());
            let state = state.ok_or(HistoryError::Damaged {
                table: "state_version_change",
                row: at_us,
                source: Damage::Contradiction("an unknown state"),
            })?;
            changes.push((Micros::new(at_us), state));
        }
        // It ends with its window, whatever the clock says.
        Ok(intervals(&changes, from, to, to))
    }

    /// Begins a version, or returns how far it has come.
    ///
    /// # Errors
    /// Returns [`HistoryError`] when the store fails.
    pub async fn begin_version(
        &self,
        id: i64,
        instrument: InstrumentId,
        (from, to): (Micros, Micros),
    ) -> Result<StateVersion, HistoryError> {
        let doing = "beginning a version of states";
        sqlx::query(
            "INSERT INTO state_version (id, instrument, from_us, to_us, done_us, is_complete) \
             VALUES ($1, $2, $3, $4, $3, 0) ON CONFLICT (id) DO NOTHING",
        )
        .bind(id)
        .bind(i64::from(instrument.get()))
        .bind(from.get())
        .bind(to.get())
        .execute(&self.pools.writer)
        .await
        .map_err(HistoryError::sql(doing))?;
        let text = format!("{COLUMNS} WHERE id = $1");
        let row: Row = sqlx::query_as(sqlx::AssertSqlSafe(text))
            .bind(id)
            .fetch_one(&self.pools.writer)
            .await
            .map_err(HistoryError::sql(doing))?;
        version(row).ok_or(HistoryError::Damaged {
            table: "state_version",
            row: id,
            source: Damage::Contradiction("an unknown instrument"),
        })
    }

    /// Adds the next part of a version, in one transaction; with its last part it is complete.
    ///
    /// # Errors
    /// Returns [`HistoryError`] when the store fails; then nothing of the part is written.
    pub async fn extend_version(
        &self,
        version: &StateVersion,
        part: &[StateInterval],
        done: Micros,
    ) -> Result<StateVersion, HistoryError> {
        let failed = HistoryError::sql;
        let doing = "writing a version of states";
        let mut tx = self.pools.writer.begin().await.map_err(failed(doing))?;
        let mut reached = version.done;
        let rows = part.iter().flat_map(|interval| {
            // Where nothing is known the state before it ends.
            let gap = (interval.start > reached).then_some((reached, MachineState::Unknown));
            reached = interval.end.unwrap_or(done);
            gap.into_iter().chain([(interval.start, interval.state)])
        });
        let rows: Vec<(Micros, MachineState)> = rows.collect();
        let end = (reached < done).then_some((reached, MachineState::Unknown));
        for (at, state) in rows.into_iter().chain(end) {
            sqlx::query(
                "INSERT INTO state_version_change (version, at_us, state, reason) \
                 VALUES ($1, $2, $3, $4) ON CONFLICT (version, at_us) DO UPDATE SET \
                 state = excluded.state, reason = excluded.reason",
            )
            .bind(version.id)
            .bind(at.get())
            .bind(state.as_str())
            .bind(state.reason())
            .execute(&mut *tx)
            .await
            .map_err(failed(doing))?;
        }
        let extended = StateVersion {
            done,
            is_complete: done >= version.to,
            ..*version
        };
        sqlx::query("UPDATE state_version SET done_us = $2, is_complete = $3 WHERE id = $1")
            .bind(version.id)
            .bind(done.get())
            .bind(i64::from(extended.is_complete))
            .execute(&mut *tx)
            .await
            .map_err(failed(doing))?;
        tx.commit().await.map_err(failed(doing))?;
        Ok(extended)
    }
}

/// Returns states with those of a window replaced.
fn overlaid(
    states: &[StateInterval],
    (start, end): (Micros, Micros),
    over: &[StateInterval],
) -> Vec<StateInterval> {
    let before = states
        .iter()
        .filter(|state| state.start < start)
        .map(|state| StateInterval {
            end: Some(state.end.map_or(start, |own| own.min(start))),
            ..*state
        });
    let after = states
        .iter()
        .filter(|state| state.end.is_none_or(|own| own > end))
        .map(|state| StateInterval {
            start: state.start.max(end),
            ..*state
        });
    let mut merged: Vec<StateInterval> = Vec::with_capacity(states.len() + over.len());
    for state in before.chain(over.iter().copied()).chain(after) {
        match merged.last_mut() {
            Some(last) if last.state == state.state && last.end == Some(state.start) => {
                last.end = state.end;
            }
            _ => merged.push(state),
        }
    }
    merged
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Clock;

    fn interval(state: MachineState, start: i64, end: Option<i64>) -> StateInterval {
        StateInterval {
            state,
            start: Micros::new(start),
            end: end.map(Micros::new),
        }
    }

    #[test]
    fn a_version_lies_over_its_window_and_leaves_the_rest() {
        let (off, run) = (MachineState::Off, MachineState::Running);
        let states = [interval(off, 0, Some(50)), interval(run, 50, None)];
        let window = (Micros::new(20), Micros::new(60));
        let over = [interval(run, 20, Some(40)), interval(off, 40, Some(60))];
        let expected = [
            interval(off, 0, Some(20)),
            interval(run, 20, Some(40)),
            interval(off, 40, Some(60)),
            interval(run, 60, None),
        ];
        assert_eq!(overlaid(&states, window, &over), expected);
        let same = [interval(off, 20, Some(50)), interval(run, 50, Some(60))];
        assert_eq!(overlaid(&states, window, &same), states);
        assert_eq!(
            overlaid(&states, window, &[]),
            [interval(off, 0, Some(20)), interval(run, 60, None)]
        );
    }

    #[tokio::test]
    async fn a_version_is_made_in_parts_and_seen_when_it_is_complete() {
        let folder = tempfile::tempdir().unwrap();
        let history = History::open(folder.path(), Clock::system()).await.unwrap();
        let (id, window) = (InstrumentId::new(7), (Micros::new(0), Micros::new(100)));
        let begun = history.begin_version(3, id, window).await.unwrap();
        let (off, run) = (MachineState::Off, MachineState::Running);
        let part = [interval(run, 10, Some(50))];
        let half = history
            .extend_version(&begun, &part, Micros::new(50))
            .await
            .unwrap();
        assert!(
            history
                .states(id, window.0, window.1)
                .await
                .unwrap()
                .is_empty()
        );
        // Another process goes on from where this one stood.
        let again = history.begin_version(3, id, window).await.unwrap();
        assert_eq!(again, half);
        let part = [interval(run, 50, Some(60)), interval(off, 60, Some(100))];
        let whole = history
            .extend_version(&again, &part, Micros::new(100))
            .await
            .unwrap();
        assert!(whole.is_complete);
        let expected = [interval(run, 10, Some(60)), interval(off, 60, Some(100))];
        assert_eq!(
            history.states(id, window.0, window.1).await.unwrap(),
            expected
        );
        assert!(
            history
                .states_decided(id, window.0, window.1)
                .await
                .unwrap()
                .is_empty()
        );
    }
}
