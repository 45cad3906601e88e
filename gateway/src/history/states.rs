//! Intervals of machine state, from the changes that were committed.

use scheduler::id::InstrumentId;
use scheduler::time::Micros;

use super::History;
use super::block::Damage;
use super::error::HistoryError;
use super::group::StateChange;
use super::series::StateInterval;
use crate::status::MachineState;

impl History {
    /// Returns an instrument's states in `[from, to)`, clipped to it, as they were decided at the
    /// time: no re-run changes them. The last interval has no end if the state still lasts and the
    /// window reaches into the future.
    ///
    /// # Errors
    /// Returns [`HistoryError`] when the store fails.
    pub async fn states_decided(
        &self,
        instrument: InstrumentId,
        from: Micros,
        to: Micros,
    ) -> Result<Vec<StateInterval>, HistoryError> {
        let rows: Vec<(i64, String, Option<String>)> = sqlx::query_as(
            "SELECT at_us, state, reason FROM state_change WHERE instrument = $1 \
             AND at_us < $3 AND at_us >= coalesce((SELECT max(at_us) FROM state_change \
             WHERE instrument = $1 AND at_us <= $2), $2) ORDER BY at_us, seq",
        )
        .bind(i64::from(instrument.get()))
        .bind(from.get())
        .bind(to.get())
        .fetch_all(&self.pools.readers)
        .await
        .map_err(HistoryError::sql("reading states"))?;
        let mut changes = Vec::with_capacity(rows.len());
        for (at_us, state, reason) in rows {
            let state = MachineState::parse(&state, reason.as_deref());
            let state = state.ok_or(HistoryError::Damaged {
                table: "state_change",
                row: at_us,
                source: Damage::Contradiction("an unknown state"),
            })?;
            changes.push((Micros::new(at_us), state));
        }
        Ok(intervals(&changes, from, to, self.clock.now()))
    }

    /// Returns at most `count` changes of state of all instruments after the one numbered `after`,
    /// ascending: what a follower with a cursor reads.
    ///
    /// # Errors
    /// Returns [`HistoryError`] when the store fails.
    pub async fn state_changes(
        &self,
        after: i64,
        count: u32,
    ) -> Result<Vec<StateChange>, HistoryError> {
        let rows: Vec<(i64, i64, i64, String, Option<String>, i64)> = sqlx::query_as(
            "SELECT seq, instrument, at_us, state, reason, decided_us FROM state_change \
             WHERE seq > $1 ORDER BY seq LIMIT $2",
        )
        .bind(after)
        .bind(i64::from(count))
        .fetch_all(&self.pools.readers)
        .await
        .map_err(HistoryError::sql("reading changes of state"))?;
        let parse = |(seq, number, at_us, state, reason, decided_us): (
            i64,
            i64,
            i64,
            String,
            Option<String>,
            i64,
        )| {
            let state = MachineState::parse(&state, reason.as_deref())?;
            Some(StateChange {
                seq,
                instrument: InstrumentId::new(u32::try_from(number).ok()?),
                at: Micros::new(at_us),
                state,
                decided_at: Micros::new(decided_us),
            })
        };
        let changes: Option<Vec<StateChange>> = rows.into_iter().map(parse).collect();
        changes.ok_or(HistoryError::Damaged {
            table: "state_change",
            row: after,
            source: Damage::Contradiction("an unknown state or instrument after this row"),
        })
    }
}

/// Returns the intervals between changes, which ascend by time.
pub(crate) fn intervals(
    changes: &[(Micros, MachineState)],
    from: Micros,
    to: Micros,
    now: Micros,
) -> Vec<StateInterval> {
    let ends = changes
        .iter()
        .skip(1)
        .map(|(at, _)| Some(*at))
        .chain([(to <= now).then_some(to)]);
    let mut found: Vec<StateInterval> = Vec::with_capacity(changes.len());
    for ((at, state), end) in changes.iter().zip(ends) {
        let start = (*at).max(from);
        // A state that was corrected at once lasted for no time.
        if *state == MachineState::Unknown || end.is_some_and(|end| end <= start) {
            continue;
        }
        if let Some(last) = found.last_mut()
            && last.state == *state
            && last.end == Some(start)
        {
            last.end = end;
            continue;
        }
        found.push(StateInterval {
            state: *state,
            start,
            end,
        });
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(us: i64) -> Micros {
        Micros::new(us)
    }

    #[test]
    fn intervals_are_clipped_and_the_last_one_is_open_while_it_lasts() {
        let changes = [
            (at(5), MachineState::Off),
            (at(20), MachineState::Running),
            (at(20), MachineState::Standby),
            (at(30), MachineState::Running),
        ];
        let interval = |state, start, end: Option<i64>| StateInterval {
            state,
            start: at(start),
            end: end.map(at),
        };
        assert_eq!(
            intervals(&changes, at(10), at(40), at(100)),
            [
                interval(MachineState::Off, 10, Some(20)),
                interval(MachineState::Standby, 20, Some(30)),
                interval(MachineState::Running, 30, Some(40)),
            ]
        );
        let open = intervals(&changes, at(10), at(40), at(35));
        assert_eq!(
            open.last(),
            Some(&interval(MachineState::Running, 30, None))
        );
        assert!(intervals(&[], at(0), at(9), at(9)).is_empty());
    }
}
